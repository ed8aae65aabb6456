//! The contract over neighbours that answer what they are told to.

use alloy_primitives::{keccak256, Address, B256, U256};
use alloy_sol_types::{eip712_domain, sol, Revert as Refusal, SolError, SolStruct};
use bpe_testing::{turn, Keys, Token, Turn};
use k256::ecdsa::SigningKey;
use motsu::prelude::*;
use stylus_sdk::{prelude::*, storage::*};

use crate::contract::*;

sol! {
    struct RelayVoucher {
        bytes32 nostrPubkey;
        address client;
        address operator;
        uint256 total;
    }
}

pub const RELAY: B256 = B256::repeat_byte(0x11);
pub const OTHER_RELAY: B256 = B256::repeat_byte(0x22);
/// The Nostr key of who writes.
pub const WRITER: B256 = B256::repeat_byte(0x33);
pub const OPERATOR: Address = Address::repeat_byte(0x0b);
pub const ANYONE: Address = Address::repeat_byte(0x4e);
pub const PRICE: u64 = 100;

/// RelayPaymentPool and BackpressurePool in one: [`RELAY`] is in the pool, with [`OPERATOR`].
#[storage]
pub struct Pool {
    token: StorageAddress,
    price: StorageU256,
}

#[public]
impl Pool {
    pub fn set(&mut self, token: Address, price: U256) {
        self.token.set(token);
        self.price.set(price);
    }

    pub fn backpressure_pool(&self) -> Address {
        self.vm().contract_address()
    }

    #[selector(name = "SUPER_TOKEN")]
    pub fn super_token(&self) -> Address {
        self.token.get()
    }

    pub fn get_member(&self, pool_type: B256, pubkey: B256) -> (Address, U256) {
        match pool_type == RELAY_WRITE && pubkey == RELAY {
            true => (OPERATOR, U256::from(1)),
            false => (Address::ZERO, U256::ZERO),
        }
    }

    pub fn get_min_payment_per_event(
        &self,
        pool_type: B256,
        pubkey: B256,
    ) -> Result<U256, Vec<u8>> {
        match self.get_member(pool_type, pubkey).0.is_zero() {
            true => Err(Refusal::from("not in the pool").abi_encode()),
            false => Ok(self.price.get()),
        }
    }
}

// SAFETY: the type is only ever the storage of a whole contract.
unsafe impl TopLevelStorage for Pool {}

pub struct World {
    pub budget: Contract<RelayBudget>,
    pub token: Contract<Token>,
    pub pool: Contract<Pool>,
    pub keys: Contract<Keys>,
    _turn: Turn,
}

pub fn n(number: u64) -> U256 {
    U256::from(number)
}

/// The key of a client.
pub fn key(number: u8) -> SigningKey {
    SigningKey::from_slice(&[number; 32]).unwrap()
}

pub fn address(key: &SigningKey) -> Address {
    let point = key.verifying_key().to_encoded_point(false);
    Address::from_slice(&keccak256(&point.as_bytes()[1..])[12..])
}

pub fn sign(key: &SigningKey, digest: B256) -> Vec<u8> {
    let (signature, recovery) = key.sign_prehash_recoverable(digest.as_slice()).unwrap();
    let mut bytes = signature.to_bytes().to_vec();
    bytes.push(27 + recovery.to_byte());
    bytes
}

impl World {
    pub fn new() -> Self {
        let turn = turn();
        VM::context().set_chain_id(42_161);
        let (budget, token) = (Contract::<RelayBudget>::new(), Contract::<Token>::new());
        let (pool, keys) = (Contract::<Pool>::new(), Contract::<Keys>::new());
        pool.sender(ANYONE).set(token.address(), n(PRICE));
        budget
            .sender(ANYONE)
            .constructor(pool.address(), keys.address())
            .motsu_unwrap();
        Self {
            budget,
            token,
            pool,
            keys,
            _turn: turn,
        }
    }

    /// A client with `amount` in the relay's budget.
    pub fn client(&self, number: u8, amount: u64) -> (SigningKey, Address) {
        let key = key(number);
        let client = address(&key);
        self.token.sender(client).mint(client, n(amount));
        let deposit = self.budget.sender(client).deposit(RELAY, n(amount));
        deposit.motsu_unwrap();
        (key, client)
    }

    pub fn set_price(&self, price: u64) {
        let token = self.token.address();
        self.pool.sender(ANYONE).set(token, n(price));
    }

    pub fn balance(&self, client: Address) -> u64 {
        self.budget.sender(ANYONE).get_budget(RELAY, client).0.to()
    }

    pub fn tokens(&self, account: Address) -> u64 {
        self.token.sender(ANYONE).balance(account).to()
    }

    /// A voucher of the client's, signed by `signer`.
    pub fn voucher(
        &self,
        signer: &SigningKey,
        client: Address,
        operator: Address,
        total: u64,
    ) -> SignedRelayVoucher {
        let voucher = RelayVoucher {
            nostrPubkey: RELAY,
            client,
            operator,
            total: n(total),
        };
        let domain = eip712_domain! {
            name: "BPE-RelayBudget",
            version: "1",
            chain_id: 42_161,
            verifying_contract: self.budget.address(),
        };
        SignedRelayVoucher {
            nostrPubkey: RELAY,
            client,
            operator,
            total: n(total),
            signature: sign(signer, voucher.eip712_signing_hash(&domain)).into(),
        }
    }

    pub fn collect(&self, vouchers: Vec<SignedRelayVoucher>) {
        self.budget.sender(ANYONE).collect(vouchers).motsu_unwrap();
    }

    pub fn collect_events(&self, client: Address, count: u64) {
        self.budget
            .sender(OPERATOR)
            .collect_events(RELAY, vec![client], vec![n(count)])
            .motsu_unwrap();
    }

    /// Expects that the last thing that happened is that nothing was collected of the client.
    #[track_caller]
    pub fn rejected(&self, client: Address, reason: &str) {
        self.budget.assert_emitted(&CollectionRejected {
            nostrPubkey: RELAY,
            client,
            reason: reason.into(),
        });
    }
}
