use alloy_primitives::{Address, U256};
use alloy_sol_types::{sol, SolCall};
use bpe_common::returns::Returns;
use stylus_sdk::abi::{internal::EncodableReturnType, AbiType};

sol! {
    function getSinks() external view returns (address[] sinks, uint256[] capacities);
    function named() external view returns (uint256 number, string text);
}

#[test]
fn several_results_are_encoded_as_solidity_does() {
    let sinks = vec![Address::repeat_byte(1), Address::repeat_byte(2)];
    let capacities = vec![U256::from(3), U256::from(4)];
    let encoded = Returns((sinks.clone(), capacities.clone()))
        .encode()
        .unwrap();
    assert_eq!(
        encoded,
        getSinksCall::abi_encode_returns(&(sinks.clone(), capacities.clone()))
    );
    let decoded = getSinksCall::abi_decode_returns(&encoded, true).unwrap();
    assert_eq!((decoded.sinks, decoded.capacities), (sinks, capacities));
    let mixed: Result<_, Vec<u8>> = Ok(Returns((U256::from(5), String::from("six"))));
    let encoded = mixed.encode().unwrap();
    let decoded = namedCall::abi_decode_returns(&encoded, true).unwrap();
    assert_eq!(
        (decoded.number, decoded.text.as_str()),
        (U256::from(5), "six")
    );
}

/// The fault that [`Returns`] is there for: when the SDK is mended this fails, and the wrapper can go.
#[test]
fn without_the_wrapper_the_sdk_puts_an_offset_in_front() {
    let result = (vec![Address::repeat_byte(1)], vec![U256::from(2)]);
    let encoded = result.clone().encode().unwrap();
    assert_eq!(encoded[..32], U256::from(32).to_be_bytes::<32>());
    assert_eq!(encoded[32..], Returns(result).encode().unwrap());
    assert!(getSinksCall::abi_decode_returns(&encoded, true).is_err());
}

#[test]
fn the_abi_is_the_tuples() {
    type Tuple = (Vec<Address>, Vec<U256>);
    assert_eq!(
        <Returns<Tuple> as AbiType>::ABI.as_str(),
        <Tuple as AbiType>::ABI.as_str()
    );
    assert_eq!(
        <Returns<Tuple> as AbiType>::ABI.as_str(),
        "(address[],uint256[])"
    );
}
