//! What is encoded by hand for Superfluid is what alloy encodes, to the byte, whatever its length.

use alloy_primitives::{aliases::I96, keccak256, Address, Bytes, Uint, U256};
use alloy_sol_types::{SolCall, SolValue};
use bpe_common::superfluid::{
    agreement_call, distribution, instant_distribution, push_bytes,
    IGeneralDistributionAgreementV1 as Gda, ISuperToken, ISuperfluid, ISuperfluidPool as Pool,
    GDA_V1,
};
use proptest::{collection::vec, prelude::*};

fn address() -> impl Strategy<Value = Address> {
    any::<[u8; 20]>().prop_map(Address::from)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bytes_are_padded_to_words(before in vec(any::<u8>(), 0..70), bytes in vec(any::<u8>(), 0..200)) {
        let mut data = before.clone();
        push_bytes(&mut data, &bytes);
        // Behind the offset that alloy puts in front.
        let encoded = Bytes::from(bytes).abi_encode();
        prop_assert_eq!(&data[..before.len()], &before);
        prop_assert_eq!(&data[before.len()..], &encoded[32..]);
    }

    #[test]
    fn calls_of_agreements(
        agreement in address(), call in vec(any::<u8>(), 0..300), user_data in vec(any::<u8>(), 0..200),
    ) {
        let expected = ISuperfluid::callAgreementCall {
            agreementClass: agreement,
            callData: call.clone().into(),
            userData: user_data.clone().into(),
        };
        let data = agreement_call(agreement, &call, &user_data);
        prop_assert_eq!(&data, &expected.abi_encode());
        let decoded = ISuperfluid::callAgreementCall::abi_decode(&data, true).unwrap();
        prop_assert_eq!(decoded.callData, Bytes::from(call));
    }

    #[test]
    fn instant_distributions(
        [gda, token, from, pool] in [address(), address(), address(), address()],
        amount: u128,
    ) {
        let call = Gda::distributeCall {
            token,
            from,
            pool,
            requestedAmount: U256::from(amount),
            ctx: Bytes::new(),
        };
        let expected = ISuperfluid::callAgreementCall {
            agreementClass: gda,
            callData: call.abi_encode().into(),
            userData: Bytes::new(),
        };
        prop_assert_eq!(instant_distribution(gda, token, from, pool, amount), expected.abi_encode());
    }

    #[test]
    fn distributions(
        [gda, token, from, pool] in [address(), address(), address(), address()],
        rate in 0u128..1 << 95,
    ) {
        let call = Gda::distributeFlowCall {
            token,
            from,
            pool,
            requestedFlowRate: I96::from_raw(Uint::from(rate)),
            ctx: Bytes::new(),
        };
        let expected = ISuperfluid::callAgreementCall {
            agreementClass: gda,
            callData: call.abi_encode().into(),
            userData: Bytes::new(),
        };
        let data = distribution(gda, token, from, pool, rate);
        prop_assert_eq!(data, expected.abi_encode());
    }
}

/// As Superfluid's published ABIs have them.
#[test]
fn signatures_are_superfluids() {
    assert_eq!(
        GDA_V1,
        keccak256("org.superfluid-finance.agreements.GeneralDistributionAgreement.v1")
    );
    let signatures = [
        ISuperfluid::getAgreementClassCall::SIGNATURE,
        ISuperfluid::callAgreementCall::SIGNATURE,
        Gda::createPoolCall::SIGNATURE,
        Gda::distributeFlowCall::SIGNATURE,
        Gda::tryConnectPoolForCall::SIGNATURE,
        Pool::getTotalAmountReceivedByMemberCall::SIGNATURE,
        Pool::updateMemberUnitsCall::SIGNATURE,
        ISuperToken::getHostCall::SIGNATURE,
    ];
    let superfluids = [
        "getAgreementClass(bytes32)",
        "callAgreement(address,bytes,bytes)",
        "createPool(address,address,(bool,bool))",
        "distributeFlow(address,address,address,int96,bytes)",
        "tryConnectPoolFor(address,address,bytes)",
        "getTotalAmountReceivedByMember(address)",
        "updateMemberUnits(address,uint128)",
        "getHost()",
    ];
    assert_eq!(signatures, superfluids);
}

/// A pool's configuration is two words, as createPool is called by hand with words only.
#[test]
fn a_pool_configuration_is_two_words() {
    let call = Gda::createPoolCall {
        token: Address::repeat_byte(1),
        admin: Address::repeat_byte(2),
        config: bpe_common::superfluid::PoolConfig {
            transferabilityForUnitsOwner: false,
            distributionFromAnyAddress: true,
        },
    };
    let words = (
        Address::repeat_byte(1),
        Address::repeat_byte(2),
        U256::ZERO,
        U256::from(1),
    );
    assert_eq!(call.abi_encode()[4..], words.abi_encode_params());
}
