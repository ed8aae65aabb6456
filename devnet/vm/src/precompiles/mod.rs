//! Arbitrum's precompiles beside Ethereum's, as far as programs and tools use them.

pub mod abi;
mod cache;
mod info;
mod wasm;

use alloy::sol_types::{SolCall, SolError, SolEvent, SolInterface};
use revm::{
    context_interface::{Database, JournalTr},
    handler::{EthPrecompiles, PrecompileProvider},
    interpreter::{CallInputs, Gas, InstructionResult, InterpreterResult},
    primitives::{address, hardfork::SpecId, Address, AddressSet, Bytes, Log, B256, U256},
    state::{AccountInfo, Bytecode},
};

use crate::{evm::StylusContext, executor::BlockContext};

/// Where ArbOS keeps what it knows of programs.
pub use crate::activation::ARBOS_STATE;

pub const ARB_SYS: Address = address!("0x0000000000000000000000000000000000000064");
pub const ARB_INFO: Address = address!("0x0000000000000000000000000000000000000065");
pub const ARB_OWNER_PUBLIC: Address = address!("0x000000000000000000000000000000000000006b");
pub const ARB_GAS_INFO: Address = address!("0x000000000000000000000000000000000000006C");
pub const ARB_WASM: Address = address!("0x0000000000000000000000000000000000000071");
pub const ARB_WASM_CACHE: Address = address!("0x0000000000000000000000000000000000000072");
/// The cache's auction: where Arbitrum One has it.
pub const CACHE_MANAGER: Address = address!("0x51dEDBD2f190E0696AFbEE5E60bFdE96d86464ec");

const ADDRESSES: [Address; 7] = [
    ARB_SYS,
    ARB_INFO,
    ARB_OWNER_PUBLIC,
    ARB_GAS_INFO,
    ARB_WASM,
    ARB_WASM_CACHE,
    CACHE_MANAGER,
];

/// Answers questions about the chain, to clients alone: no contract can call it.
pub const NODE_INTERFACE: Address = address!("0x00000000000000000000000000000000000000C8");

/// Whether an account is warm in every transaction because it is a precompile.
pub fn is_warm(address: Address) -> bool {
    ADDRESSES.contains(&address)
        || EthPrecompiles::new(BlockContext::default().spec)
            .warm_addresses()
            .contains(&address)
}

/// Gas of any call: reading ArbOS' state once.
const BASE_GAS: u64 = 800;
/// Gas per word of arguments and of results.
const WORD_GAS: u64 = 3;
/// Gas of writing a word of ArbOS' state.
const WRITE_GAS: u64 = 20_000;

/// The accounts a chain starts with, so that Solidity finds code where the precompiles are.
pub fn genesis() -> Vec<(Address, AccountInfo)> {
    let precompile = || {
        AccountInfo::default()
            .with_nonce(1)
            .with_code(Bytecode::new_raw(Bytes::from_static(&[0xFE])))
    };
    let mut accounts: Vec<_> = ADDRESSES
        .iter()
        .map(|address| (*address, precompile()))
        .collect();
    accounts.push((ARBOS_STATE, AccountInfo::default().with_nonce(1)));
    accounts
}

/// Why a precompile did not return.
#[derive(Debug)]
enum Failure {
    Revert(Bytes),
    OutOfGas,
    Database(String),
}

impl Failure {
    /// A revert without data, as for an unknown function.
    const fn silent() -> Self {
        Self::Revert(Bytes::new())
    }

    /// A revert with a typed error.
    fn error(error: impl SolError) -> Self {
        Self::Revert(error.abi_encode().into())
    }

    fn database(error: impl std::error::Error) -> Self {
        Self::Database(error.to_string())
    }
}

type Outcome<T = Bytes> = Result<T, Failure>;

/// One call of a precompile.
struct Call<'a, DB: Database> {
    ctx: &'a mut StylusContext<DB>,
    gas: Gas,
    data: Bytes,
    address: Address,
    caller: Address,
    value: U256,
    depth: usize,
    /// Whether it may change the state: neither static nor delegated.
    mutable: bool,
}

impl<DB: Database> Call<'_, DB> {
    fn decode<I: SolInterface>(&self) -> Outcome<I> {
        I::abi_decode(&self.data).map_err(|_| Failure::silent())
    }

    fn burn(&mut self, gas: u64) -> Outcome<()> {
        if self.gas.record_regular_cost(gas) {
            Ok(())
        } else {
            Err(Failure::OutOfGas)
        }
    }

    /// Refuses what changes the state where that is not allowed.
    fn require_mutable(&mut self) -> Outcome<()> {
        if self.mutable {
            self.burn(WRITE_GAS)
        } else {
            Err(Failure::silent())
        }
    }

    fn require_no_value(&self) -> Outcome<()> {
        if self.value.is_zero() {
            Ok(())
        } else {
            Err(Failure::silent())
        }
    }

    fn now(&self) -> u64 {
        self.ctx.block.timestamp.saturating_to()
    }

    fn journal<T, E: std::error::Error>(
        &mut self,
        action: impl FnOnce(&mut revm::Journal<DB>) -> Result<T, E>,
    ) -> Outcome<T> {
        action(&mut self.ctx.journaled_state).map_err(Failure::database)
    }

    fn code_hash(&mut self, address: Address) -> Outcome<B256> {
        self.journal(|journal| journal.code_hash(address))
            .map(|load| load.data)
    }

    fn emit(&mut self, event: &impl SolEvent) -> Outcome<()> {
        let data = event.encode_log_data();
        self.burn(375 * (1 + data.topics().len() as u64) + 8 * data.data.len() as u64)?;
        self.ctx.journaled_state.log(Log {
            address: self.address,
            data,
        });
        Ok(())
    }

    fn run(&mut self, function: impl FnOnce(&mut Self) -> Outcome) -> Outcome {
        self.burn(BASE_GAS + WORD_GAS * self.data.len().div_ceil(32) as u64)?;
        let output = function(self)?;
        self.burn(WORD_GAS * output.len().div_ceil(32) as u64)?;
        Ok(output)
    }
}

/// Encodes what a function returns.
fn returns<C: SolCall>(value: &C::Return) -> Outcome {
    Ok(C::abi_encode_returns(value).into())
}

/// Ethereum's precompiles and Arbitrum's.
#[derive(Debug)]
pub struct Precompiles {
    ethereum: EthPrecompiles,
    warm: AddressSet,
}

impl Precompiles {
    pub fn new(spec: SpecId) -> Self {
        let ethereum = EthPrecompiles::new(spec);
        let mut warm = ethereum.warm_addresses().clone();
        ADDRESSES.iter().for_each(|address| {
            warm.insert(*address);
        });
        Self { ethereum, warm }
    }
}

impl<DB: Database> PrecompileProvider<StylusContext<DB>> for Precompiles {
    type Output = InterpreterResult;

    fn set_spec(&mut self, spec: SpecId) -> bool {
        let changed = spec != self.ethereum.spec;
        if changed {
            *self = Self::new(spec);
        }
        changed
    }

    fn run(
        &mut self,
        ctx: &mut StylusContext<DB>,
        inputs: &CallInputs,
    ) -> Result<Option<InterpreterResult>, String> {
        let function = match inputs.bytecode_address {
            ARB_WASM => wasm::arb_wasm::<DB>,
            ARB_WASM_CACHE => cache::arb_wasm_cache::<DB>,
            CACHE_MANAGER => cache::cache_manager::<DB>,
            ARB_SYS => info::arb_sys::<DB>,
            ARB_INFO => info::arb_info::<DB>,
            ARB_GAS_INFO => info::arb_gas_info::<DB>,
            ARB_OWNER_PUBLIC => info::arb_owner_public::<DB>,
            _ => return self.ethereum.run(ctx, inputs),
        };
        let data = inputs.input.bytes(ctx);
        let mut call = Call {
            gas: Gas::new(inputs.gas_limit),
            data,
            address: inputs.bytecode_address,
            caller: inputs.caller,
            value: inputs.value.get(),
            depth: ctx.chain.depth,
            mutable: !inputs.is_static && inputs.target_address == inputs.bytecode_address,
            ctx,
        };
        let (result, output) = match call.run(function) {
            Ok(output) => (InstructionResult::Return, output),
            Err(Failure::Revert(data)) => (InstructionResult::Revert, data),
            Err(Failure::OutOfGas) => (InstructionResult::PrecompileOOG, Bytes::new()),
            Err(Failure::Database(error)) => return Err(error),
        };
        Ok(Some(InterpreterResult {
            result,
            output,
            gas: call.gas,
        }))
    }

    fn warm_addresses(&self) -> &AddressSet {
        &self.warm
    }
}
