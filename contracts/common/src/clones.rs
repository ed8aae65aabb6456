//! Minimal proxies (EIP-1167): contracts of their own, by 45 bytes that run another's code.

use alloy_primitives::{keccak256, Address, B256, U256};
use stylus_sdk::stylus_core::Host;

use crate::call::Revert;

/// What comes before the implementation's address: the code that returns the rest, and the rest's beginning.
const HEAD: [u8; 20] = [
    0x3d, 0x60, 0x2d, 0x80, 0x60, 0x0a, 0x3d, 0x39, 0x81, 0xf3, 0x36, 0x3d, 0x3d, 0x37, 0x3d, 0x3d,
    0x3d, 0x36, 0x3d, 0x73,
];
const TAIL: [u8; 15] = [
    0x5a, 0xf4, 0x3d, 0x82, 0x80, 0x3e, 0x90, 0x3d, 0x91, 0x60, 0x2b, 0x57, 0xfd, 0x5b, 0xf3,
];

/// Creates a clone of `implementation`, at the address that [`predict`] says.
///
/// # Errors
///
/// * [`Revert`], with nothing in it, if there is a contract there already.
pub fn clone(vm: &dyn Host, implementation: Address, salt: B256) -> Result<Address, Revert> {
    let code = init_code(implementation);
    let endowment = U256::ZERO.to_be_bytes::<32>();
    let mut contract = Address::ZERO;
    let mut revert_length = 0;
    vm.flush_cache(true);
    // SAFETY: all pointers are to live values of the lengths that go with them; the cache was flushed.
    unsafe {
        vm.create2(
            code.as_ptr(),
            code.len(),
            endowment.as_ptr(),
            salt.as_ptr(),
            contract.as_mut_ptr(),
            &mut revert_length,
        );
    }
    match contract.is_zero() {
        true => Err(Revert(alloc::vec::Vec::new())),
        false => Ok(contract),
    }
}

/// Where [`clone`] of the contract that is running puts a clone of `implementation`.
pub fn predict(vm: &dyn Host, implementation: Address, salt: B256) -> Address {
    let code_hash = keccak256(init_code(implementation));
    vm.contract_address().create2(salt, code_hash)
}

fn init_code(implementation: Address) -> [u8; 55] {
    let mut code = [0; 55];
    code[..20].copy_from_slice(&HEAD);
    code[20..40].copy_from_slice(implementation.as_slice());
    code[40..].copy_from_slice(&TAIL);
    code
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::{address, hex};

    /// As OpenZeppelin's `Clones` writes it.
    #[test]
    fn the_init_code_is_that_of_eip_1167() {
        let implementation = address!("bebebebebebebebebebebebebebebebebebebebe");
        let code = hex!("3d602d80600a3d3981f3363d3d373d3d3d363d73bebebebebebebebebebebebebebebebebebebebe5af43d82803e903d91602b57fd5bf3");
        assert_eq!(init_code(implementation), code);
    }
}
