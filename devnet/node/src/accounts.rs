//! The development accounts that every Ethereum tool knows.

use alloy::{
    primitives::{Address, U256},
    signers::local::{coins_bip39::English, LocalSignerError, MnemonicBuilder, PrivateKeySigner},
};

/// The mnemonic of Hardhat's and anvil's accounts. Its keys are public: never fund them on a real chain.
pub const DEV_MNEMONIC: &str = "test test test test test test test test test test test junk";

/// How many accounts are funded.
pub const DEV_ACCOUNTS: u32 = 10;

/// What each starts with: 10 000 ether.
pub const DEV_BALANCE: U256 = U256::from_limbs([0x19e0_c9ba_b240_0000, 0x21e, 0, 0]);

/// The ten accounts, at the usual path `m/44'/60'/0'/0/index`.
pub fn dev_accounts() -> Result<Vec<PrivateKeySigner>, LocalSignerError> {
    let builder = MnemonicBuilder::<English>::default().phrase(DEV_MNEMONIC);
    (0..DEV_ACCOUNTS)
        .map(|index| builder.clone().index(index)?.build())
        .collect()
}

/// The addresses of `signers`.
pub(crate) fn addresses(signers: &[PrivateKeySigner]) -> Vec<Address> {
    signers.iter().map(PrivateKeySigner::address).collect()
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{address, utils::parse_ether};

    use super::*;

    #[test]
    fn accounts_are_the_well_known_ones() {
        let accounts = addresses(&dev_accounts().unwrap());
        assert_eq!(accounts.len(), 10);
        assert_eq!(
            accounts[0],
            address!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266")
        );
        assert_eq!(
            accounts[9],
            address!("a0Ee7A142d267C1f36714E4a8F75612F20a79720")
        );
        assert_eq!(DEV_BALANCE, parse_ether("10000").unwrap());
    }
}
