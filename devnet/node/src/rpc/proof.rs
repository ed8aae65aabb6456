//! `eth_getProof`, and access lists.

use std::collections::{BTreeMap, BTreeSet};

use alloy::{
    consensus::constants::EMPTY_ROOT_HASH,
    eips::{
        eip2930::{AccessList, AccessListItem},
        BlockId,
    },
    primitives::{Address, B256, KECCAK256_EMPTY, U256},
    rpc::types::{
        state::StateOverride, AccessListResult, EIP1186AccountProofResponse, EIP1186StorageProof,
        TransactionRequest,
    },
    serde::JsonStorageKey,
};
use devnet_vm::{
    precompiles::{self, ARBOS_STATE},
    revm::state::EvmState,
};

use super::{eth::find, params::Quantity, Context, Outcome, Registry};
use crate::{call::Simulation, error::NodeError};

/// A list names what the run before touched; by then it changes no more.
const MAX_ROUNDS: usize = 5;

/// The most slots of one proof.
const MAX_SLOTS: usize = 1_024;

pub fn register(registry: &mut Registry) {
    registry
        .method(
            "eth_getProof",
            |ctx, (address, slots, at): (Address, Vec<Quantity>, Option<BlockId>)| {
                if slots.len() > MAX_SLOTS {
                    return Err(NodeError::InvalidArgument(format!(
                        "{} slots, at most {MAX_SLOTS}",
                        slots.len()
                    )));
                }
                let slots: Vec<U256> = slots.into_iter().map(|slot| slot.0).collect();
                proof(ctx, address, &slots, at)
            },
        )
        .method(
            "eth_createAccessList",
            |ctx,
             (request, at, overrides): (
                TransactionRequest,
                Option<BlockId>,
                Option<StateOverride>,
            )| {
                let chain = ctx.chain_at(at);
                let mut simulation = match at {
                    Some(at) => Simulation::at(&chain, at)?,
                    None => Simulation::next(&chain),
                };
                simulation.override_state(overrides.unwrap_or_default())?;
                access_list(ctx, &simulation, request)
            },
        );
}

fn proof(
    ctx: &Context,
    address: Address,
    slots: &[U256],
    at: Option<BlockId>,
) -> Outcome<EIP1186AccountProofResponse> {
    let chain = ctx.chain_at(at);
    let mut state = find(&chain, at)?.state.clone();
    // Edits since the block was mined are in the state and not yet in its trie.
    state.commit();
    let account = state.account(address);
    let storage_proof = slots.iter().map(|slot| {
        let key = JsonStorageKey::Hash(B256::from(*slot));
        let (value, proof) = account.map_or_else(Default::default, |account| {
            (account.storage_at(*slot), account.storage_proof(*slot))
        });
        EIP1186StorageProof::new(key, value, proof)
    });
    Ok(EIP1186AccountProofResponse {
        address,
        balance: state.balance(address),
        code_hash: account.map_or(KECCAK256_EMPTY, |account| account.code_hash),
        nonce: state.nonce(address),
        storage_hash: account.map_or(EMPTY_ROOT_HASH, |account| account.storage_root()),
        account_proof: state.account_proof(address),
        storage_proof: storage_proof.collect(),
    })
}

/// What the request touches, besides what is warm anyway, and the gas it takes with that list.
fn access_list(
    ctx: &Context,
    simulation: &Simulation,
    mut request: TransactionRequest,
) -> Outcome<AccessListResult> {
    let sender = request.from.unwrap_or_default();
    let recipient = match request.to.and_then(|to| to.to().copied()) {
        Some(recipient) => recipient,
        None => sender.create(simulation.state.nonce(sender)),
    };
    let mut list = request.access_list.clone().unwrap_or_default();
    for _ in 0..MAX_ROUNDS {
        request.access_list = Some(list.clone());
        let execution = ctx.node.simulate(simulation, request.clone(), false)?;
        let warm = [sender, recipient, simulation.context.coinbase];
        let touched = touched(&execution.state, &warm);
        let gas_used = U256::from(execution.result.tx_gas_used());
        let unchanged = touched == list;
        list = touched;
        if unchanged {
            let error = NodeError::of_result(execution.result).err();
            return Ok(AccessListResult {
                access_list: list,
                gas_used,
                error: error.map(|error| error.to_string()),
            });
        }
    }
    Err(NodeError::Internal(
        "the access list changes with every run".into(),
    ))
}

/// What is not warm from the start.
fn touched(state: &EvmState, warm: &[Address]) -> AccessList {
    let mut items: BTreeMap<Address, BTreeSet<B256>> = BTreeMap::new();
    for (address, account) in state {
        let slots: BTreeSet<B256> = account.storage.keys().map(|slot| (*slot).into()).collect();
        let is_warm = warm.contains(address) || precompiles::is_warm(*address);
        // What ArbOS keeps of programs is charged otherwise.
        if *address != ARBOS_STATE && !(is_warm && slots.is_empty()) {
            items.insert(*address, slots);
        }
    }
    let items = items.into_iter().map(|(address, slots)| AccessListItem {
        address,
        storage_keys: slots.into_iter().collect(),
    });
    AccessList(items.collect())
}
