//! Executing one transaction.

use std::sync::Arc;

use revm::{
    context::{BlockEnv, CfgEnv, TxEnv},
    context_interface::{
        block::BlobExcessGasAndPrice,
        result::{EVMError, ExecutionResult, ResultGas},
        Database, JournalTr,
    },
    handler::{EthFrame, EvmTr, Handler, MainnetHandler},
    interpreter::interpreter::EthInterpreter,
    primitives::{hardfork::SpecId, Address, B256, U256},
    state::EvmState,
};

use crate::{
    engine::Programs,
    evm::{StylusContext, StylusEvm},
    gas::{Activity, GasBreakdown},
    params::StylusParams,
    runtime::{RecentPrograms, Runtime},
    trace::{CallTrace, Tracer},
};

/// Why a transaction could not be executed at all. One that reverts or halts is executed.
pub type ExecutionError<E> = EVMError<E>;

/// The chain and the block a transaction runs in.
#[derive(Clone, Debug)]
pub struct BlockContext {
    pub chain_id: u64,
    /// Rules of the EVM. Calldata costs are the classic ones under every rule set, as on Arbitrum.
    pub spec: SpecId,
    /// Number of this (L2) block: what `ArbSys.arbBlockNumber` gives.
    pub number: u64,
    /// Number of the L1 block it follows: what the `NUMBER` opcode and a program's `block_number` give, and what
    /// `BLOCKHASH` counts from. The database is asked for the hashes of both kinds of block by number alone.
    pub l1_number: u64,
    pub timestamp: u64,
    pub base_fee: u64,
    pub gas_limit: u64,
    pub coinbase: Address,
    pub prevrandao: B256,
    /// Programs called by the block's earlier transactions; take it over from [`Execution::recent_programs`].
    pub recent_programs: RecentPrograms,
}

impl Default for BlockContext {
    fn default() -> Self {
        Self {
            chain_id: 31_337,
            spec: SpecId::PRAGUE,
            number: 1,
            l1_number: 1,
            timestamp: 1,
            base_fee: 0,
            gas_limit: 1 << 50,
            coinbase: Address::ZERO,
            prevrandao: B256::with_last_byte(1),
            recent_programs: RecentPrograms::default(),
        }
    }
}

/// Checks to leave out, and what to record. The default is a real transaction without a trace.
#[derive(Clone, Copy, Debug, Default)]
pub struct ExecutionOptions {
    /// The sender need not own the value and the fee (`eth_call`).
    pub skip_balance_check: bool,
    /// Any nonce will do.
    pub skip_nonce_check: bool,
    /// The gas price may be below the base fee.
    pub skip_base_fee_check: bool,
    /// The sender may be a contract (impersonation).
    pub allow_contract_sender: bool,
    /// The gas limit may exceed the block's.
    pub skip_block_gas_limit: bool,
    /// Record a [`CallTrace`].
    pub trace: bool,
}

impl ExecutionOptions {
    /// For `eth_call` and gas estimates: any sender, unfunded, at any price.
    pub const fn simulation() -> Self {
        Self {
            skip_balance_check: true,
            skip_nonce_check: true,
            skip_base_fee_check: true,
            allow_contract_sender: true,
            skip_block_gas_limit: true,
            trace: false,
        }
    }
}

/// An executed transaction. The state is not written anywhere: commit [`Self::state`] or drop it.
#[derive(Clone, Debug)]
pub struct Execution {
    pub result: ExecutionResult,
    pub state: EvmState,
    pub gas: GasBreakdown,
    pub activity: Activity,
    pub trace: Option<CallTrace>,
    /// For the next transaction of the block.
    pub recent_programs: RecentPrograms,
}

/// Runs transactions. Clones share their compiled programs.
#[derive(Clone, Debug, Default)]
pub struct Executor {
    params: StylusParams,
    programs: Arc<Programs>,
}

impl Executor {
    /// An executor with other than the default Stylus parameters.
    pub fn with_params(params: StylusParams) -> Self {
        Self {
            params,
            programs: Arc::default(),
        }
    }

    pub fn params(&self) -> &StylusParams {
        &self.params
    }

    /// Runs `tx` in `block` on `db`. Pass `&mut db` to keep the database.
    ///
    /// # Errors
    /// If the transaction is invalid (nonce, balance, gas limit, fee), or the database fails.
    pub fn execute<DB: Database>(
        &self,
        db: DB,
        block: &BlockContext,
        tx: TxEnv,
        options: ExecutionOptions,
    ) -> Result<Execution, ExecutionError<DB::Error>> {
        let gas_limit = tx.gas_limit;
        let mut evm = StylusEvm::new(self.context(db, block, tx, options), block.spec);
        let mut handler = MainnetHandler::<
            StylusEvm<DB>,
            ExecutionError<DB::Error>,
            EthFrame<EthInterpreter>,
        >::default();
        let intrinsic = handler
            .validate_initial_tx_gas(&mut evm)?
            .initial_regular_gas;
        let result = handler.run(&mut evm)?;
        let ctx = evm.ctx_mut();
        let state = ctx.journaled_state.finalize();
        let runtime = std::mem::take(&mut ctx.chain);
        let spent = result.gas();
        let mut trace = runtime.tracer.and_then(Tracer::into_root);
        if let Some(root) = &mut trace {
            (root.gas, root.gas_used) = (gas_limit, spent.tx_gas_used());
        }
        Ok(Execution {
            gas: breakdown(runtime.gas, intrinsic, spent),
            activity: runtime.activity,
            trace,
            recent_programs: runtime.recent,
            result,
            state,
        })
    }

    fn context<DB: Database>(
        &self,
        db: DB,
        block: &BlockContext,
        tx: TxEnv,
        options: ExecutionOptions,
    ) -> StylusContext<DB> {
        let mut cfg = CfgEnv::new_with_spec(block.spec).with_chain_id(block.chain_id);
        cfg.disable_balance_check = options.skip_balance_check;
        cfg.disable_nonce_check = options.skip_nonce_check;
        cfg.disable_base_fee = options.skip_base_fee_check;
        cfg.disable_eip3607 = options.allow_contract_sender;
        cfg.disable_block_gas_limit = options.skip_block_gas_limit;
        // Programs begin with 0xEF; creation refuses all others that do.
        cfg.disable_eip3541 = true;
        // Arbitrum prices calldata by L1 fees instead.
        cfg.disable_eip7623 = true;
        cfg.tx_gas_limit_cap = Some(u64::MAX);
        let runtime = Runtime {
            params: self.params.clone(),
            programs: self.programs.clone(),
            l2_block: block.number,
            recent: block.recent_programs.clone(),
            tracer: options.trace.then(Tracer::default),
            ..Runtime::default()
        };
        StylusContext::<DB>::new(db, block.spec)
            .with_cfg(cfg)
            .with_block(BlockEnv {
                number: U256::from(block.l1_number),
                beneficiary: block.coinbase,
                timestamp: U256::from(block.timestamp),
                gas_limit: block.gas_limit,
                basefee: block.base_fee,
                difficulty: U256::ONE,
                prevrandao: Some(block.prevrandao),
                blob_excess_gas_and_price: Some(BlobExcessGasAndPrice {
                    excess_blob_gas: 0,
                    blob_gasprice: 1,
                }),
                slot_num: 0,
            })
            .with_tx(tx)
            .with_chain(runtime)
    }
}

/// Completes the programs' gas with the transaction's own; the rest is the EVM's.
fn breakdown(programs: GasBreakdown, intrinsic: u64, spent: &ResultGas) -> GasBreakdown {
    let mut gas = GasBreakdown {
        intrinsic,
        refund: spent.final_refunded(),
        ..programs
    };
    gas.evm = spent.total_gas_spent().saturating_sub(gas.spent());
    gas
}
