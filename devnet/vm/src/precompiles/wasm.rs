//! `ArbWasm`: activating programs, and looking their activations up.

use alloy::sol_types::{Revert, SolError, SolInterface};
use revm::{
    context_interface::{Database, JournalTr},
    primitives::{Address, Bytes, B256, U256},
};

use super::{
    abi::ArbWasm::{self, ArbWasmCalls as Calls},
    returns, Call, Failure, Outcome, ARB_WASM,
};
use crate::{
    activation::{charge_data_fee, Activation},
    code,
    engine::CompileError,
    memory,
    params::StylusParams,
    wasm::ModuleAnalysis,
};

pub fn arb_wasm<DB: Database>(call: &mut Call<'_, DB>) -> Outcome {
    let function = call.decode::<Calls>()?;
    if !matches!(
        function,
        Calls::activateProgram(_) | Calls::codehashKeepalive(_)
    ) {
        call.require_no_value()?;
    }
    let params = call.ctx.chain.params.clone();
    match function {
        Calls::activateProgram(args) => activate(call, &params, args.program),
        Calls::codehashKeepalive(args) => keep_alive(call, &params, args.codehash),
        Calls::codehashVersion(args) => {
            let active = call.active(&params, args.codehash)?;
            returns::<ArbWasm::codehashVersionCall>(&active.version)
        }
        Calls::codehashAsmSize(args) => {
            let active = call.active(&params, args.codehash)?;
            returns::<ArbWasm::codehashAsmSizeCall>(&active.asm_size)
        }
        Calls::programVersion(args) => {
            let active = call.active_at(&params, args.program)?;
            returns::<ArbWasm::programVersionCall>(&active.version)
        }
        Calls::programInitGas(args) => {
            let active = call.active_at(&params, args.program)?;
            let (gas, cached) = (active.init_gas() + active.cached_gas(), active.cached_gas());
            returns::<ArbWasm::programInitGasCall>(&ArbWasm::programInitGasReturn {
                gas,
                gasWhenCached: cached,
            })
        }
        Calls::programMemoryFootprint(args) => {
            let active = call.active_at(&params, args.program)?;
            returns::<ArbWasm::programMemoryFootprintCall>(&active.pages)
        }
        Calls::programTimeLeft(args) => {
            let active = call.active_at(&params, args.program)?;
            let left = params
                .expiry_seconds()
                .saturating_sub(active.age(call.now()));
            returns::<ArbWasm::programTimeLeftCall>(&left)
        }
        Calls::stylusVersion(_) => returns::<ArbWasm::stylusVersionCall>(&params.version),
        Calls::inkPrice(_) => returns::<ArbWasm::inkPriceCall>(&params.ink_price),
        Calls::maxStackDepth(_) => returns::<ArbWasm::maxStackDepthCall>(&params.max_stack_depth),
        Calls::freePages(_) => returns::<ArbWasm::freePagesCall>(&params.free_pages),
        Calls::pageGas(_) => returns::<ArbWasm::pageGasCall>(&params.page_gas),
        Calls::pageRamp(_) => returns::<ArbWasm::pageRampCall>(&memory::PAGE_RAMP),
        Calls::pageLimit(_) => returns::<ArbWasm::pageLimitCall>(&params.page_limit),
        Calls::minInitGas(_) => returns::<ArbWasm::minInitGasCall>(&ArbWasm::minInitGasReturn {
            gas: StylusParams::MIN_INIT_GAS,
            cached: StylusParams::MIN_CACHED_INIT_GAS,
        }),
        Calls::initCostScalar(_) => {
            returns::<ArbWasm::initCostScalarCall>(&StylusParams::INIT_COST_SCALAR)
        }
        Calls::expiryDays(_) => returns::<ArbWasm::expiryDaysCall>(&params.expiry_days),
        Calls::keepaliveDays(_) => returns::<ArbWasm::keepaliveDaysCall>(&params.keepalive_days),
        Calls::blockCacheSize(_) => {
            returns::<ArbWasm::blockCacheSizeCall>(&params.block_cache_size)
        }
        Calls::activationGas(_) => {
            returns::<ArbWasm::activationGasCall>(&StylusParams::ACTIVATION_GAS)
        }
    }
}

fn activate<DB: Database>(
    call: &mut Call<'_, DB>,
    params: &StylusParams,
    program: Address,
) -> Outcome {
    call.require_mutable()?;
    call.burn(StylusParams::ACTIVATION_GAS)?;
    let code_hash = call.code_hash(program)?;
    let code = call.journal(|journal| journal.code(program))?.data;
    if !code::is_program(&code) {
        return Err(Failure::error(ArbWasm::ProgramNotWasm {}));
    }
    let now = call.now();
    let record = call.journal(|journal| Activation::load(journal, code_hash))?;
    if record.check(params, now).is_ok() {
        return Err(Failure::error(ArbWasm::ProgramUpToDate {}));
    }
    let compiled = call
        .ctx
        .chain
        .programs
        .get(code_hash, &code, params.page_limit);
    let compiled = compiled.map_err(|error| refused(&error))?;
    call.burn(analysis_gas(&compiled.analysis))?;
    let record = Activation {
        cached: record.cached,
        ..Activation::new(&compiled.analysis, params.version, now)
    };
    call.journal(|journal| record.store(journal, code_hash))?;
    let fee = call.pay_data_fee(compiled.analysis.asm_size)?;
    call.emit(&ArbWasm::ProgramActivated {
        codehash: code_hash,
        moduleHash: compiled.module_hash,
        program,
        dataFee: fee,
        version: params.version,
    })?;
    returns::<ArbWasm::activateProgramCall>(&ArbWasm::activateProgramReturn {
        version: params.version,
        dataFee: fee,
    })
}

fn keep_alive<DB: Database>(
    call: &mut Call<'_, DB>,
    params: &StylusParams,
    code_hash: B256,
) -> Outcome {
    call.require_mutable()?;
    let mut record = call.active(params, code_hash)?;
    let age = record.age(call.now());
    if age < params.keepalive_seconds() {
        return Err(Failure::error(ArbWasm::ProgramKeepaliveTooSoon {
            ageInSeconds: age,
        }));
    }
    record.activated_at = call.now();
    call.journal(|journal| record.store(journal, code_hash))?;
    let fee = call.pay_data_fee(record.asm_size)?;
    call.emit(&ArbWasm::ProgramLifetimeExtended {
        codehash: code_hash,
        dataFee: fee,
    })?;
    Ok(Bytes::new())
}

/// The reason for a refused activation, as a string error: tools show it, and `cargo stylus` looks for the missing
/// import's name in it.
fn refused(error: &CompileError) -> Failure {
    let reason = Revert {
        reason: format!("program activation failed: {error}"),
    };
    Failure::Revert(reason.abi_encode().into())
}

/// What activation charges for working through a module: Nitro's estimate of its time, but for its instructions.
fn analysis_gas(analysis: &ModuleAnalysis) -> u64 {
    const GAS_PER_MICROSECOND: u64 = 28;
    let microseconds = analysis.wasm_len * 31_733 / 100_000
        + analysis.funcs * 17_263 / 100_000
        + analysis.data_len * 17_376 / 100_000
        + u64::from(analysis.pages) * 2_217;
    microseconds * GAS_PER_MICROSECOND
}

impl<DB: Database> Call<'_, DB> {
    /// The activation of a code hash, or the error that there is none.
    pub fn active(&mut self, params: &StylusParams, code_hash: B256) -> Outcome<Activation> {
        let now = self.now();
        self.journal(|journal| Activation::active(journal, params, code_hash, now))?
            .map_err(|error| Failure::Revert(error.abi_encode().into()))
    }

    fn active_at(&mut self, params: &StylusParams, program: Address) -> Outcome<Activation> {
        let code_hash = self.code_hash(program)?;
        self.active(params, code_hash)
    }

    /// Keeps the data fee of the value sent, and returns the rest to the caller.
    fn pay_data_fee(&mut self, asm_size: u32) -> Outcome<U256> {
        let now = self.now();
        let fee = self.journal(|journal| charge_data_fee(journal, asm_size, now))?;
        let Some(rest) = self.value.checked_sub(fee) else {
            let error = ArbWasm::ProgramInsufficientValue {
                have: self.value,
                want: fee,
            };
            return Err(Failure::error(error));
        };
        let caller = self.caller;
        self.journal(|journal| journal.transfer(ARB_WASM, caller, rest))?;
        Ok(fee)
    }
}
