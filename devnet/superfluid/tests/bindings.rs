//! The bindings against the artefacts: what they declare is there, and no error is missing.

use std::collections::BTreeSet;

use alloy::{
    json_abi::JsonAbi,
    primitives::{Selector, B256},
    sol_types::SolInterface,
};
use devnet_superfluid::{bindings::*, Artifacts};

/// The contracts that users call, and whose errors therefore reach them.
const CONTRACTS: [&str; 8] = [
    "Superfluid",
    "ConstantFlowAgreementV1",
    "GeneralDistributionAgreementV1",
    "SuperfluidPool",
    "SuperToken",
    "SuperTokenFactory",
    "CFAv1Forwarder",
    "GDAv1Forwarder",
];

fn abi(contract: &str) -> JsonAbi {
    Artifacts::locate()
        .unwrap()
        .get(contract)
        .unwrap()
        .abi
        .clone()
}

fn assert_functions<Calls: SolInterface>(contract: &str) {
    let actual: BTreeSet<Selector> = abi(contract)
        .functions()
        .map(|function| function.selector())
        .collect();
    for selector in Calls::selectors() {
        assert!(
            actual.contains(&selector),
            "{contract} has no function {selector:?} of {}",
            Calls::NAME
        );
    }
}

fn assert_events(contract: &str, declared: &[[u8; 32]]) {
    let actual: BTreeSet<B256> = abi(contract)
        .events()
        .map(|event| event.selector())
        .collect();
    for selector in declared {
        assert!(
            actual.contains(&B256::from(*selector)),
            "{contract} has no event {}",
            B256::from(*selector)
        );
    }
}

#[test]
fn functions_exist() {
    assert_functions::<ISuperfluid::ISuperfluidCalls>("Superfluid");
    assert_functions::<IConstantFlowAgreementV1::IConstantFlowAgreementV1Calls>(
        "ConstantFlowAgreementV1",
    );
    assert_functions::<IGeneralDistributionAgreementV1::IGeneralDistributionAgreementV1Calls>(
        "GeneralDistributionAgreementV1",
    );
    assert_functions::<ISuperfluidPool::ISuperfluidPoolCalls>("SuperfluidPool");
    assert_functions::<ISuperToken::ISuperTokenCalls>("SuperToken");
    assert_functions::<ISuperTokenFactory::ISuperTokenFactoryCalls>("SuperTokenFactory");
    assert_functions::<ICFAv1Forwarder::ICFAv1ForwarderCalls>("CFAv1Forwarder");
    assert_functions::<IGDAv1Forwarder::IGDAv1ForwarderCalls>("GDAv1Forwarder");
    assert_functions::<IBlindMacroForwarder::IBlindMacroForwarderCalls>("BlindMacroForwarder");
    assert_functions::<IClearMacroForwarderV1::IClearMacroForwarderV1Calls>(
        "ClearMacroForwarderV1",
    );
    assert_functions::<ISimpleACL::ISimpleACLCalls>("SimpleACL");
    assert_functions::<ITestGovernance::ITestGovernanceCalls>("TestGovernance");
    assert_functions::<ITestToken::ITestTokenCalls>("TestToken");
}

#[test]
fn events_exist() {
    assert_events("Superfluid", ISuperfluid::ISuperfluidEvents::SELECTORS);
    assert_events(
        "ConstantFlowAgreementV1",
        IConstantFlowAgreementV1::IConstantFlowAgreementV1Events::SELECTORS,
    );
    assert_events(
        "GeneralDistributionAgreementV1",
        IGeneralDistributionAgreementV1::IGeneralDistributionAgreementV1Events::SELECTORS,
    );
    assert_events(
        "SuperfluidPool",
        ISuperfluidPool::ISuperfluidPoolEvents::SELECTORS,
    );
    assert_events("SuperToken", ISuperToken::ISuperTokenEvents::SELECTORS);
    assert_events(
        "SuperTokenFactory",
        ISuperTokenFactory::ISuperTokenFactoryEvents::SELECTORS,
    );
    assert_events(
        "BlindMacroForwarder",
        IBlindMacroForwarder::IBlindMacroForwarderEvents::SELECTORS,
    );
    assert_events(
        "ClearMacroForwarderV1",
        IClearMacroForwarderV1::IClearMacroForwarderV1Events::SELECTORS,
    );
    assert_events("TestToken", ITestToken::ITestTokenEvents::SELECTORS);
}

#[test]
fn errors_are_complete() {
    let declared: BTreeSet<Selector> = SuperfluidError::selectors().map(Selector::from).collect();
    let mut actual = BTreeSet::new();
    for contract in CONTRACTS {
        for error in abi(contract).errors() {
            assert!(
                declared.contains(&error.selector()),
                "{contract} also fails with {}",
                error.signature()
            );
            actual.insert(error.selector());
        }
    }
    assert_eq!(declared, actual);
}
