//! Connections to Superfluid pools that strangers would make.
//!
//! Superfluid lets anybody connect an account to a pool that it is a member of, and anybody can make any account a member of
//! a pool of their own. Each connection costs about 90 000 gas more in every transfer and every reading of the balance, for
//! ever. So every contract that can hold a Super Token forbids it at construction ([`forbid`]), and undoes on anybody's call
//! what was connected before there was a contract at its address ([`undo`]).

use alloy_primitives::{Address, U256};
use alloy_sol_types::SolCall;
use stylus_sdk::stylus_core::Host;

use crate::{
    call::{call, calldata, query_words, static_call, to_address, Revert, ALL_GAS},
    events::Word,
    superfluid::{
        agreement_call, IGeneralDistributionAgreementV1, ISuperToken, ISuperfluid, GDA_V1,
    },
};

/// Has Superfluid refuse to connect this contract to pools from now on. Does nothing if `token` is a plain ERC-20, or of a
/// Superfluid that cannot connect others.
pub fn forbid(vm: &dyn Host, token: Address) {
    let gda = host_of(vm, token).and_then(|host| gda_of(vm, host).ok());
    if let Some(gda) = gda {
        let selector = IGeneralDistributionAgreementV1::setConnectPermissionCall::SELECTOR;
        call(vm, gda, &calldata(selector, &[false.word()]), ALL_GAS, 0);
    }
}

/// Disconnects this contract from `pool`. It stays a member, and claims.
///
/// # Errors
///
/// * What Superfluid reverts with, for example because `pool` is none.
pub fn undo(vm: &dyn Host, token: Address, pool: Address) -> Result<(), Revert> {
    if let Some(host) = host_of(vm, token) {
        let gda = gda_of(vm, host)?;
        let selector = IGeneralDistributionAgreementV1::disconnectPoolCall::SELECTOR;
        // The pool, and an empty `ctx`, which the host fills in.
        let request = calldata(selector, &[pool.word(), 64_u64.word(), 0_u64.word()]);
        let answer = call(
            vm,
            host,
            &agreement_call(gda, &request, &[]),
            ALL_GAS,
            1_024,
        );
        if !answer.success {
            return Err(Revert(answer.data));
        }
    }
    Ok(())
}

/// The host of a Super Token; `None` of any other token, and of none.
pub fn host_of(vm: &dyn Host, token: Address) -> Option<Address> {
    if token.is_zero() {
        return None;
    }
    let request = calldata(ISuperToken::getHostCall::SELECTOR, &[]);
    let answer = static_call(vm, token, &request, ALL_GAS, 32);
    match answer.success && answer.length == 32 {
        true => Some(to_address(U256::from_be_slice(&answer.data))).filter(|host| !host.is_zero()),
        false => None,
    }
}

fn gda_of(vm: &dyn Host, host: Address) -> Result<Address, Revert> {
    let selector = ISuperfluid::getAgreementClassCall::SELECTOR;
    let [gda] = query_words(vm, host, selector, &[GDA_V1])?;
    Ok(to_address(gda))
}
