use alloc::vec;

use alloy_primitives::{keccak256, Address, FixedBytes, B256, U256};
use alloy_sol_types::{eip712_domain, sol, SolStruct};
use bpe_common::{
    eip712::{hash_words, typed_data_hash, Domain, DOMAIN_TYPEHASH},
    returns::Returns,
};
use motsu::prelude::*;
use stylus_sdk::prelude::*;

use crate::Probe;

sol! {
    struct CompletionReceipt {
        bytes32 taskTypeId;
        address sink;
        address source;
        bytes32 taskId;
        uint256 timestamp;
    }
}

const DOMAIN: Domain = Domain {
    name: "BPE-CompletionTracker",
    version: "1",
};

fn receipt() -> CompletionReceipt {
    CompletionReceipt {
        taskTypeId: B256::repeat_byte(1),
        sink: Address::repeat_byte(2),
        source: Address::repeat_byte(3),
        taskId: B256::repeat_byte(4),
        timestamp: U256::from(5),
    }
}

#[test]
fn the_domain_type_hash_is_of_the_domain_type() {
    let name = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";
    assert_eq!(DOMAIN_TYPEHASH, keccak256(name));
}

#[motsu::test]
fn digests_are_alloys(probe: Contract<Probe>, alice: Address) {
    let receipt = receipt();
    for chain_id in [42_161, 1, 31_337] {
        VM::context().set_chain_id(chain_id);
        let expected = eip712_domain! {
            name: "BPE-CompletionTracker",
            version: "1",
            chain_id: chain_id,
            verifying_contract: probe.address(),
        };
        let context = probe.sender(alice);
        assert_eq!(DOMAIN.separator(context.vm()), expected.separator());
        let struct_hash = hash_words(&[
            receipt.eip712_type_hash(),
            receipt.taskTypeId,
            receipt.sink.into_word(),
            receipt.source.into_word(),
            receipt.taskId,
            receipt.timestamp.into(),
        ]);
        assert_eq!(struct_hash, receipt.eip712_hash_struct());
        let digest = receipt.eip712_signing_hash(&expected);
        assert_eq!(DOMAIN.digest(context.vm(), struct_hash), digest);
        assert_eq!(typed_data_hash(expected.separator(), struct_hash), digest);
    }
}

#[motsu::test]
fn separators_differ_by_contract(one: Contract<Probe>, other: Contract<Probe>, alice: Address) {
    let separator = |probe: &Contract<Probe>| DOMAIN.separator(probe.sender(alice).vm());
    assert_ne!(separator(&one), separator(&other));
}

#[motsu::test]
fn the_fields_are_eip5267s(probe: Contract<Probe>, alice: Address) {
    let context = probe.sender(alice);
    let (name, version) = (DOMAIN.name.to_owned(), DOMAIN.version.to_owned());
    let (chain_id, contract) = (U256::from(42_161), probe.address());
    // Name, version, chain id, contract; no salt.
    let fields = FixedBytes([0b01111]);
    let expected = (
        fields,
        name,
        version,
        chain_id,
        contract,
        B256::ZERO,
        vec![],
    );
    assert_eq!(DOMAIN.fields(context.vm()), Returns(expected));
    let long = "a name of more than thirty-two bytes, which takes two words";
    let domain = Domain {
        name: long,
        ..DOMAIN
    };
    let expected = (
        fields,
        long.to_owned(),
        DOMAIN.version.to_owned(),
        chain_id,
        contract,
        B256::ZERO,
        vec![],
    );
    assert_eq!(domain.fields(context.vm()), Returns(expected));
}
