//! The development accounts that every Ethereum tool knows.

use alloy::{
    primitives::{b256, Address, B256, U256},
    signers::local::{LocalSignerError, PrivateKeySigner},
};

/// The mnemonic of Hardhat's and anvil's accounts. Its keys are public: never fund them on a real chain.
pub const DEV_MNEMONIC: &str = "test test test test test test test test test test test junk";

/// Its keys at `m/44'/60'/0'/0/index`. To derive them takes a tenth of a second, and every node would begin with it.
const DEV_KEYS: [B256; 10] = [
    b256!("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"),
    b256!("59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"),
    b256!("5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a"),
    b256!("7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6"),
    b256!("47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a"),
    b256!("8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba"),
    b256!("92db14e403b83dfe3df233f83dfa3a0d7096f21ca9b0d6d6b8d88b2b4ec1564e"),
    b256!("4bbbf85ce3377467afe5d46f804f221813b2bb87f24d81f60f1fcdbf7cbf4356"),
    b256!("dbda1821b80551c9d65939329250298aa3472ba22feea921c0cf5d620ea67b97"),
    b256!("2a871d0798f97d79848a013d4936a73bf4cc922c825d33c1cf7073dff6d409c6"),
];

/// How many accounts are funded.
pub const DEV_ACCOUNTS: u32 = DEV_KEYS.len() as u32;

/// What each starts with: 10 000 ether.
pub const DEV_BALANCE: U256 = U256::from_limbs([0x19e0_c9ba_b240_0000, 0x21e, 0, 0]);

/// The ten accounts.
pub fn dev_accounts() -> Result<Vec<PrivateKeySigner>, LocalSignerError> {
    let signer = |key| PrivateKeySigner::from_bytes(key).map_err(Into::into);
    DEV_KEYS.iter().map(signer).collect()
}

/// The addresses of `signers`.
pub(crate) fn addresses(signers: &[PrivateKeySigner]) -> Vec<Address> {
    signers.iter().map(PrivateKeySigner::address).collect()
}

#[cfg(test)]
mod tests {
    use alloy::{
        primitives::{address, utils::parse_ether},
        signers::local::{coins_bip39::English, MnemonicBuilder},
    };

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
        let builder = MnemonicBuilder::<English>::default().phrase(DEV_MNEMONIC);
        for (index, account) in accounts.iter().enumerate() {
            let of_mnemonic = builder
                .clone()
                .index(index as u32)
                .unwrap()
                .build()
                .unwrap();
            assert_eq!(of_mnemonic.address(), *account);
        }
        assert_eq!(DEV_BALANCE, parse_ether("10000").unwrap());
    }
}
