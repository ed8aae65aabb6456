//! A chain for tests: a database in memory, an executor, and a few shorthands.

#![allow(dead_code, reason = "each test file uses its own part")]

use alloy::sol_types::SolCall;
use devnet_vm::{
    code,
    precompiles::{
        abi::{ArbWasm, ArbWasmCache},
        genesis, ARB_WASM, ARB_WASM_CACHE,
    },
    revm::{
        context::TxEnv,
        context_interface::result::{ExecutionResult, Output},
        database::{CacheDB, EmptyDB},
        primitives::{address, Address, Bytes, TxKind, U256},
        state::{AccountInfo, Bytecode},
        DatabaseCommit, DatabaseRef,
    },
    BlockContext, Execution, ExecutionOptions, Executor,
};

pub mod probe;

pub const SENDER: Address = address!("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
/// More than any activation's data fee.
pub const DATA_FEE: u128 = 1_000_000_000_000_000_000;

pub struct Chain {
    pub db: CacheDB<EmptyDB>,
    pub executor: Executor,
    pub block: BlockContext,
    pub options: ExecutionOptions,
}

impl Default for Chain {
    fn default() -> Self {
        let mut chain = Self {
            db: CacheDB::default(),
            executor: Executor::default(),
            block: BlockContext {
                timestamp: 1_700_000_000,
                l1_number: 77,
                number: 500,
                ..Default::default()
            },
            options: ExecutionOptions::default(),
        };
        for (address, info) in genesis() {
            chain.db.insert_account_info(address, info);
        }
        chain.fund(SENDER, U256::from(10).pow(U256::from(24)));
        chain
    }
}

impl Chain {
    pub fn fund(&mut self, address: Address, balance: U256) {
        let mut info = self.info(address);
        info.balance = balance;
        self.db.insert_account_info(address, info);
    }

    pub fn info(&self, address: Address) -> AccountInfo {
        self.db.basic_ref(address).unwrap().unwrap_or_default()
    }

    pub fn storage(&self, address: Address, slot: u64) -> U256 {
        self.db.storage_ref(address, U256::from(slot)).unwrap()
    }

    pub fn set_code(&mut self, address: Address, code: Bytes) {
        let info = self
            .info(address)
            .with_code(Bytecode::new_raw(code))
            .with_nonce(1);
        self.db.insert_account_info(address, info);
    }

    /// Puts a program at an address and activates it.
    pub fn install(&mut self, address: Address, wasm: &[u8]) {
        self.set_code(address, code::encode(wasm));
        let activated = self.activate(address);
        assert!(
            activated.result.is_success(),
            "activation: {:?}",
            activated.result
        );
    }

    /// The same, from text.
    pub fn install_wat(&mut self, address: Address, wat: &str) {
        self.install(address, &wat::parse_str(wat).unwrap());
    }

    /// With gas for any module: many pages make activation dear.
    pub fn activate(&mut self, address: Address) -> Execution {
        let data = ArbWasm::activateProgramCall { program: address }.abi_encode();
        self.send_with_gas(ARB_WASM, data, DATA_FEE, 20_000_000)
    }

    pub fn cache(&mut self, address: Address) {
        let cached = self.send(
            ARB_WASM_CACHE,
            ArbWasmCache::cacheProgramCall { addr: address }.abi_encode(),
            0,
        );
        assert!(cached.result.is_success(), "caching: {:?}", cached.result);
    }

    /// Executes and commits a transaction, in a block of its own.
    pub fn send(&mut self, to: Address, data: impl Into<Bytes>, value: u128) -> Execution {
        self.send_with_gas(to, data, value, 5_000_000)
    }

    pub fn send_with_gas(
        &mut self,
        to: Address,
        data: impl Into<Bytes>,
        value: u128,
        gas: u64,
    ) -> Execution {
        self.transact(TxKind::Call(to), data.into(), value, gas)
    }

    pub fn create(&mut self, init_code: Bytes) -> Execution {
        self.transact(TxKind::Create, init_code, 0, 30_000_000)
    }

    pub fn transact(&mut self, kind: TxKind, data: Bytes, value: u128, gas: u64) -> Execution {
        let execution = self.execute(kind, data, value, gas);
        self.db.commit(execution.state.clone());
        execution
    }

    /// Executes a transaction and drops its state.
    pub fn simulate(&mut self, to: Address, data: impl Into<Bytes>) -> Execution {
        self.execute(TxKind::Call(to), data.into(), 0, 5_000_000)
    }

    /// Calls a view of a precompile.
    pub fn view<C: SolCall>(&mut self, to: Address, call: C) -> Result<C::Return, Bytes> {
        match self.simulate(to, call.abi_encode()).result {
            ExecutionResult::Success {
                output: Output::Call(data),
                ..
            } => Ok(C::abi_decode_returns(&data).unwrap()),
            ExecutionResult::Revert { output, .. } => Err(output),
            result => panic!("{result:?}"),
        }
    }

    fn execute(&mut self, kind: TxKind, data: Bytes, value: u128, gas_limit: u64) -> Execution {
        let tx = TxEnv {
            caller: SENDER,
            gas_limit,
            kind,
            value: U256::from(value),
            data,
            nonce: self.info(SENDER).nonce,
            chain_id: Some(self.block.chain_id),
            ..Default::default()
        };
        self.executor
            .execute(&mut self.db, &self.block, tx, self.options)
            .unwrap()
    }
}

/// What a transaction returned or reverted with.
pub fn output(execution: &Execution) -> Bytes {
    execution.result.output().cloned().unwrap_or_default()
}

pub fn gas_used(execution: &Execution) -> u64 {
    execution.result.tx_gas_used()
}
