//! The contracts' call graph has no cycles. A program that is open further up the call stack refuses to be entered,
//! views included, so a cycle is a call that can only fail.
//!
//! Contract A calls B if A's code names a call of an interface (`IB::fooCall`, `IB::new`) and B has that function
//! (of `new`: all functions of the interface). Which address is called cannot be seen, so any contract of the suite
//! that could stand there counts. Not caught: calldata put together by hand, a contract that calls itself, and
//! callbacks through contracts outside the suite.

use super::{selectors::selector, Finding};
use crate::{
    abi::Contract,
    source::{
        sol::{Signature, SolKind},
        types, Item, ItemId, Model,
    },
};
use alloy::primitives::Selector;
use std::collections::{BTreeMap, BTreeSet};

/// Contracts that may be on a cycle, and why.
pub const ALLOWED: &[(&str, &str)] = &[
    (
        "BackpressurePool",
        "asks the registry only on calls of its own, never on those that the registry makes (setWeighting, onCapacityReduced)",
    ),
    (
        "OverflowMeter",
        "asks BackpressurePool for its registry at construction only, later the registry, and for the pool EscrowBuffer and WorkLedger for their links",
    ),
    (
        "WorkLedger",
        "asks BackpressurePool for its links at construction, and later pool, meter and Superfluid alone, never EscrowBuffer; while WorkReserve asks it, it never calls back",
    ),
    (
        "WorkReserve",
        "asks WorkVouchers for its ledger at construction, and for keys when WorkMisses has it charge; calls nobody when it is told to \
         spend",
    ),
    (
        "WorkMisses",
        "asks WorkVouchers for its ledger at construction, later WorkLedger, WorkReserve and WorkVouchers alone, never Judge",
    ),
    (
        "RelayPaymentPool",
        "asks RelayCapacityRegistry only on calls of its own, never on the one that the registry makes (relayGone)",
    ),
    (
        "OpenClawCapacityAdapter",
        "asks WorkVouchers what agents have shown in views alone (getAgentsForSkill, getVerifiedSpare); WorkVouchers calls no adapter",
    ),
    (
        "WorkReputation",
        "is called by nobody: Judge asks StakeManager for its reputation ledger, which has a view of the same name",
    ),
    (
        "LightningSettlementAdapter",
        "reports to CrossProtocolRouter only on calls of its own (claim, refundExpired), never on the one that the router makes (execute)",
    ),
    (
        "StreamGateway",
        "is called by Superfluid's macro forwarders alone, and asks pool and agreement in views",
    ),
    (
        "EconomyFactory",
        "is known to no other contract: who asks BackpressurePool for GDA() or SUPER_TOKEN() could ask it, too",
    ),
];

/// Who calls whom, by contract name.
pub type Graph = BTreeMap<String, BTreeSet<String>>;

pub fn check(contracts: &[Contract], allowed: &[(&str, &str)]) -> Finding {
    let mut finding = Finding::new("the call graph has no cycles");
    let mut graph = graph(contracts);
    for (caller, callees) in graph.iter().filter(|(_, callees)| !callees.is_empty()) {
        let callees: Vec<_> = callees.iter().map(String::as_str).collect();
        finding
            .summary
            .push(format!("{caller} → {}", callees.join(", ")));
    }
    for (name, _) in allowed {
        graph.remove(*name);
    }
    if let Some(cycle) = cycle(&graph) {
        finding.violations.push(cycle.join(" → "));
    }
    finding
}

fn graph(contracts: &[Contract]) -> Graph {
    let selectors: Vec<(&str, BTreeSet<Selector>)> = contracts
        .iter()
        .map(|contract| {
            let selectors = contract
                .functions
                .iter()
                .map(|f| selector(&f.signature()))
                .collect();
            (contract.name.as_str(), selectors)
        })
        .collect();
    contracts
        .iter()
        .map(|contract| {
            let needed: Vec<_> = contract
                .reach
                .calls
                .iter()
                .filter_map(|(id, after)| called(&contract.model, id, after))
                .collect();
            let callees = selectors
                .iter()
                .filter(|(name, _)| *name != contract.name)
                .filter(|(_, has)| needed.iter().any(|needed| needed.is_subset(has)))
                .map(|(name, _)| (*name).to_owned());
            (contract.name.clone(), callees.collect())
        })
        .collect()
}

/// The selectors of what `interface::after` calls.
fn called(model: &Model, interface: &ItemId, after: &str) -> Option<BTreeSet<Selector>> {
    let Some(Item::Sol(item)) = model.item(interface) else {
        return None;
    };
    let SolKind::Interface(functions) = &item.kind else {
        return None;
    };
    let of = |f: &Signature| -> Option<Selector> {
        let inputs: Result<Vec<_>, _> = f
            .inputs
            .iter()
            .map(|ty| types::of_sol(model, &interface.module, ty).map(|ty| ty.canonical()))
            .collect();
        Some(selector(&format!("{}({})", f.name, inputs.ok()?.join(","))))
    };
    let functions = functions.iter();
    let found: BTreeSet<_> = match after {
        "new" => functions.filter_map(of).collect(),
        _ => {
            // Overloads are numbered: `fooCall`, or `foo_0Call` and `foo_1Call`.
            let name = after.strip_suffix("Call")?;
            let base = name
                .rsplit_once('_')
                .map_or(name, |(base, n)| match n.parse::<u8>() {
                    Ok(_) => base,
                    Err(_) => name,
                });
            let named = functions.filter(|f| f.name == name || f.name == base);
            // Of overloads, the one that somebody has is the one that matters: take the first.
            named.take(1).filter_map(of).collect()
        }
    };
    (!found.is_empty()).then_some(found)
}

/// A cycle, its first contract repeated at the end.
pub fn cycle(graph: &Graph) -> Option<Vec<String>> {
    let mut done = BTreeSet::new();
    graph
        .keys()
        .find_map(|start| visit(graph, start, &mut Vec::new(), &mut done))
}

fn visit<'a>(
    graph: &'a Graph,
    node: &'a str,
    path: &mut Vec<&'a str>,
    done: &mut BTreeSet<&'a str>,
) -> Option<Vec<String>> {
    if let Some(start) = path.iter().position(|seen| *seen == node) {
        return Some(
            path[start..]
                .iter()
                .chain([&node])
                .map(|s| (*s).to_owned())
                .collect(),
        );
    }
    if !done.insert(node) {
        return None;
    }
    path.push(node);
    let found = graph
        .get_key_value(node)
        .into_iter()
        .flat_map(|(_, callees)| callees)
        .find_map(|callee| visit(graph, callee, path, done));
    path.pop();
    found
}
