//! A Stylus program as a frame of revm's call stack.
//!
//! The frame is an ordinary [`EthFrame`]: revm opens, checkpoints and settles it. Instead of its interpreter running
//! bytecode, the program runs until it needs another frame; the callee's result comes back through the interpreter's
//! stack, return data and gas, which serve as the mailbox.

use alloy::sol_types::SolInterface;
use revm::{
    context_interface::{context::ContextError, Cfg, CreateScheme, Database, JournalTr},
    handler::EthFrame,
    interpreter::{
        interpreter_types::{ReturnData, RuntimeFlag},
        CallInput, CallInputs, CallScheme, CallValue, CreateInputs, FrameInput, InstructionResult,
        InterpreterAction, InterpreterResult,
    },
    primitives::{Address, Bytes, Log, LogData, B256, U256},
};

use crate::{
    activation::Activation,
    evm::StylusContext,
    program::{
        price, CallRequest, CreateRequest, Environment, Exit, Program, Request, Response, Step,
    },
    CallKind,
};

type Ctx<DB> = StylusContext<DB>;
type Fallible<T, DB> = Result<T, ContextError<<DB as Database>::Error>>;

/// How a frame ends whose program cannot start.
type Refusal = (InstructionResult, Bytes);

/// The program side of a frame.
#[derive(Default)]
pub struct ProgramFrame {
    program: Option<Program>,
    awaiting: Option<Awaiting>,
    /// Gas the frame was entered with.
    entry_gas: u64,
    /// Gas it was charged before its first instruction.
    startup: u64,
    /// Gas its callees used.
    callees: u64,
    /// Pages open when it was entered.
    pages_before: u16,
}

/// A callee not yet returned.
struct Awaiting {
    kind: AwaitingKind,
    /// Gas for making the call.
    base: u64,
    /// Gas handed over.
    passed: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum AwaitingKind {
    Call,
    Create,
}

/// What to do about a request.
enum Reply {
    Answer(Response),
    Open(FrameInput, Awaiting),
}

impl ProgramFrame {
    /// Runs the program until it ends or needs another frame.
    pub fn run<DB: Database>(
        &mut self,
        frame: &mut EthFrame,
        ctx: &mut Ctx<DB>,
    ) -> Fallible<InterpreterAction, DB> {
        let mut step = match (self.program.as_mut(), self.awaiting.take()) {
            (Some(program), Some(awaiting)) => {
                program.resume(collect(frame, &awaiting, &mut self.callees))
            }
            _ => match self.start(frame, ctx)? {
                Ok(step) => step,
                Err((result, output)) => return Ok(finish(frame, result, output)),
            },
        };
        loop {
            let request = match step {
                Step::Exit(exit) => return Ok(self.exit(frame, ctx, exit)),
                Step::Request(request) => request,
            };
            let Some(program) = self.program.as_mut() else {
                return Ok(self.exit(frame, ctx, Exit::Trap));
            };
            match reply(frame, ctx, program.gas_left(), request)? {
                Reply::Answer(response) => step = program.resume(response),
                Reply::Open(input, awaiting) => {
                    // Whatever the callee leaves comes back here.
                    frame.interpreter.gas.set_remaining(0);
                    self.awaiting = Some(awaiting);
                    return Ok(InterpreterAction::NewFrame(input));
                }
            }
        }
    }

    /// Charges for the start and runs to the first stop; `Err` if there is no start.
    fn start<DB: Database>(
        &mut self,
        frame: &mut EthFrame,
        ctx: &mut Ctx<DB>,
    ) -> Fallible<Result<Step, Refusal>, DB> {
        let gas = frame.interpreter.gas.remaining();
        self.entry_gas = gas;
        self.pages_before = ctx.chain.pages.open;
        ctx.chain.activity.program_frames += 1;
        let code_hash = frame.interpreter.bytecode.get_or_calculate_hash();
        let now = ctx.block.timestamp.saturating_to();
        let activation = match Activation::active(
            &mut ctx.journaled_state,
            &ctx.chain.params,
            code_hash,
            now,
        )? {
            Ok(activation) => activation,
            Err(error) => return Ok(Err((InstructionResult::Revert, error.abi_encode().into()))),
        };
        let runtime = &mut ctx.chain;
        let cached = activation.cached
            || runtime
                .recent
                .touch(code_hash, usize::from(runtime.params.block_cache_size));
        let init = if cached { 0 } else { activation.init_gas() };
        let cost = runtime
            .pages
            .price(activation.pages, &runtime.params)
            .saturating_add(activation.cached_gas() + init);
        let Some(rest) = gas.checked_sub(cost) else {
            return Ok(Err((InstructionResult::OutOfGas, Bytes::new())));
        };
        runtime.pages.add(activation.pages);
        runtime.gas.startup += cost;
        self.startup = cost;

        let code = frame.interpreter.bytecode.original_byte_slice();
        let Ok(compiled) = runtime
            .programs
            .get(code_hash, code, runtime.params.page_limit)
        else {
            return Ok(Err((InstructionResult::Revert, Bytes::new())));
        };
        let args = frame.interpreter.input.input.bytes(ctx);
        let environment = environment(frame, ctx);
        let started = Program::start(
            &ctx.chain.programs,
            &compiled,
            environment,
            args,
            rest,
            ctx.chain.params.max_stack_depth,
        );
        match started {
            Ok((program, step)) => {
                self.program = Some(program);
                Ok(Ok(step))
            }
            // The engine could not lay the module out: the same trap for every node, at the price of the start.
            Err(_) => {
                frame.interpreter.gas.set_remaining(rest);
                ctx.chain.pages.open = self.pages_before;
                Ok(Err((InstructionResult::Revert, Bytes::new())))
            }
        }
    }

    /// Settles the frame's gas and closes its pages.
    fn exit<DB: Database>(
        &mut self,
        frame: &mut EthFrame,
        ctx: &mut Ctx<DB>,
        exit: Exit,
    ) -> InterpreterAction {
        ctx.chain.pages.open = self.pages_before;
        let Some(mut program) = self.program.take() else {
            return finish(frame, InstructionResult::Revert, Bytes::new());
        };
        let (mut result, output) = match exit {
            Exit::Status(0) => (InstructionResult::Return, program.take_output()),
            Exit::Status(_) => (InstructionResult::Revert, program.take_output()),
            Exit::Trap => (InstructionResult::Revert, Bytes::new()),
            Exit::OutOfInk => (InstructionResult::OutOfGas, Bytes::new()),
            Exit::OutOfStack => (InstructionResult::StackOverflow, Bytes::new()),
        };
        let mut left = program.gas_left();
        // Returned data costs the whole call at least what it would cost the EVM to hold it.
        let memory = ctx.cfg.gas_params().memory_cost(output.len().div_ceil(32));
        match self.entry_gas.checked_sub(memory) {
            Some(most) => left = left.min(most),
            None => result = InstructionResult::OutOfGas,
        }
        self.account(ctx, &program, left);
        frame.interpreter.gas.set_remaining(left);
        finish(frame, result, output)
    }

    /// Adds the frame's gas to the transaction's breakdown.
    fn account<DB: Database>(&self, ctx: &mut Ctx<DB>, program: &Program, left: u64) {
        let price = u64::from(ctx.chain.params.ink_price);
        let spent = program.spent();
        let (host_io, storage, calls) = (
            spent.host_io / price,
            spent.storage / price,
            spent.calls / price,
        );
        let own = self
            .entry_gas
            .saturating_sub(self.startup)
            .saturating_sub(left);
        let gas = &mut ctx.chain.gas;
        gas.host_io += host_io;
        gas.storage += storage;
        gas.calls += calls.saturating_sub(self.callees);
        gas.compute += own.saturating_sub(host_io + storage + calls);
    }
}

fn finish(frame: &EthFrame, result: InstructionResult, output: Bytes) -> InterpreterAction {
    InterpreterAction::Return(InterpreterResult {
        result,
        output,
        gas: frame.interpreter.gas,
    })
}

/// Takes the callee's result out of the mailbox.
fn collect(frame: &mut EthFrame, awaiting: &Awaiting, callees: &mut u64) -> Response {
    let interpreter = &mut frame.interpreter;
    let returned = interpreter.gas.remaining();
    let used = awaiting.passed.saturating_sub(returned);
    *callees += used;
    let gas = awaiting.base.saturating_add(used);
    let item = interpreter.stack.pop().unwrap_or_default();
    let return_data = Bytes::copy_from_slice(interpreter.return_data.buffer());
    match awaiting.kind {
        AwaitingKind::Call => Response::Called {
            success: !item.is_zero(),
            return_data,
            gas,
        },
        AwaitingKind::Create => Response::Created {
            address: Address::from_word(B256::from(item)),
            return_data,
            gas,
        },
    }
}

fn environment<DB: Database>(frame: &EthFrame, ctx: &Ctx<DB>) -> Environment {
    let input = &frame.interpreter.input;
    let block = &ctx.block;
    let gas_price =
        revm::context_interface::Transaction::effective_gas_price(&ctx.tx, block.basefee.into());
    Environment {
        sender: input.caller_address,
        address: input.target_address,
        value: input.call_value,
        reentrant: ctx.chain.is_reentrant(input.target_address),
        origin: ctx.tx.caller,
        gas_price: U256::from(gas_price),
        chain_id: ctx.cfg.chain_id,
        block_number: block.number.saturating_to(),
        timestamp: block.timestamp.saturating_to(),
        block_gas_limit: block.gas_limit,
        base_fee: block.basefee,
        coinbase: block.beneficiary,
        ink_price: ctx.chain.params.ink_price,
    }
}

/// Serves a request, given the gas the program has left.
fn reply<DB: Database>(
    frame: &mut EthFrame,
    ctx: &mut Ctx<DB>,
    gas_left: u64,
    request: Request,
) -> Fallible<Reply, DB> {
    let address = frame.interpreter.input.target_address;
    let read_only = frame.interpreter.runtime_flag.is_static();
    let journal = &mut ctx.journaled_state;
    Ok(Reply::Answer(match request {
        Request::Load(key) => {
            ctx.chain.activity.storage_reads += 1;
            let word = journal.sload(address, key.into())?;
            let gas = if word.is_cold {
                price::COLD_SLOAD_GAS
            } else {
                price::WARM_ACCESS_GAS
            };
            Response::Word {
                value: word.data.into(),
                gas,
            }
        }
        // As measured on the reference VM: a store in a static call takes all gas.
        Request::Store(_) if read_only => Response::OutOfGas,
        Request::Store(words) => store(frame, ctx, gas_left, words)?,
        Request::TransientLoad(key) => Response::Word {
            value: journal.tload(address, key.into()).into(),
            gas: 0,
        },
        Request::TransientStore(..) | Request::Log { .. } if read_only => Response::Refused,
        Request::TransientStore(key, value) => {
            journal.tstore(address, key.into(), value.into());
            Response::Done { gas: 0 }
        }
        Request::Log { topics, data } => {
            journal.log(Log {
                address,
                data: LogData::new_unchecked(topics, data),
            });
            Response::Done { gas: 0 }
        }
        Request::Balance(account) => {
            let account = journal.load_account(account)?;
            Response::Word {
                value: account.info.balance.into(),
                gas: access_gas(account.is_cold),
            }
        }
        Request::CodeHash(account) => {
            let hash = journal.code_hash(account)?;
            Response::Word {
                value: hash.data,
                gas: access_gas(hash.is_cold),
            }
        }
        Request::Code(account) => {
            let code = journal.code(account)?;
            Response::Code {
                gas: access_gas(code.is_cold),
                code: code.data,
            }
        }
        Request::AddPages(pages) => {
            let runtime = &mut ctx.chain;
            let gas = runtime.pages.price(pages, &runtime.params);
            runtime.pages.add(pages);
            Response::Done { gas }
        }
        Request::Call(call) => return open_call(frame, ctx, gas_left, call),
        Request::Create(create) => return Ok(open_create(frame, ctx, gas_left, create)),
    }))
}

fn access_gas(is_cold: bool) -> u64 {
    if is_cold {
        price::COLD_ACCOUNT_GAS
    } else {
        price::WARM_ACCESS_GAS
    }
}

fn store<DB: Database>(
    frame: &mut EthFrame,
    ctx: &mut Ctx<DB>,
    gas_left: u64,
    words: Vec<(B256, B256)>,
) -> Fallible<Response, DB> {
    let address = frame.interpreter.input.target_address;
    let params = ctx.cfg.gas_params();
    let mut gas = 0;
    for (key, value) in words {
        ctx.chain.activity.storage_writes += 1;
        let change = ctx
            .journaled_state
            .sstore(address, key.into(), value.into())?;
        gas += params.sstore_static_gas()
            + params.sstore_dynamic_gas(true, &change.data, change.is_cold);
        if gas > gas_left {
            return Ok(Response::OutOfGas);
        }
        if ctx.chain.params.value_gas_and_refunds {
            frame
                .interpreter
                .gas
                .record_refund(params.sstore_refund(true, &change.data));
        }
    }
    Ok(Response::Done { gas })
}

fn open_call<DB: Database>(
    frame: &EthFrame,
    ctx: &mut Ctx<DB>,
    gas_left: u64,
    call: CallRequest,
) -> Fallible<Reply, DB> {
    let own = &frame.interpreter.input;
    let read_only = frame.interpreter.runtime_flag.is_static();
    let transfers = !call.value.is_zero();
    if read_only && transfers {
        return Ok(Reply::Answer(Response::Called {
            success: false,
            return_data: Bytes::new(),
            gas: 0,
        }));
    }
    let callee = ctx.journaled_state.load_account_with_code(call.to)?;
    let mut base = access_gas(callee.is_cold);
    let params = ctx.cfg.gas_params();
    if transfers && ctx.chain.params.value_gas_and_refunds {
        base += params.transfer_value_cost();
        base += if callee.is_empty() {
            params.new_account_cost(true, true)
        } else {
            0
        };
    }
    let mut code = (
        callee.info.code_hash(),
        callee.info.code.clone().unwrap_or_default(),
    );
    if let Some(delegate) = code.1.eip7702_address() {
        let delegate = ctx.journaled_state.load_account_with_code(delegate)?;
        base += access_gas(delegate.is_cold);
        code = (
            delegate.info.code_hash(),
            delegate.info.code.clone().unwrap_or_default(),
        );
    }
    if base > gas_left {
        return Ok(Reply::Answer(Response::OutOfGas));
    }
    // As measured, the caller keeps a 64th of what it had before paying for the call itself.
    let mut passed = params
        .call_stipend_reduction(gas_left)
        .saturating_sub(base)
        .min(call.gas);
    if transfers {
        passed = passed.saturating_add(params.call_stipend());
    }
    let delegate = call.kind == CallKind::DelegateCall;
    let inputs = CallInputs {
        input: CallInput::Bytes(call.data),
        return_memory_offset: 0..0,
        gas_limit: passed,
        reservoir: 0,
        bytecode_address: call.to,
        known_bytecode: code,
        target_address: if delegate {
            own.target_address
        } else {
            call.to
        },
        caller: if delegate {
            own.caller_address
        } else {
            own.target_address
        },
        value: if delegate {
            CallValue::Apparent(own.call_value)
        } else {
            CallValue::Transfer(call.value)
        },
        scheme: match call.kind {
            CallKind::DelegateCall => CallScheme::DelegateCall,
            CallKind::StaticCall => CallScheme::StaticCall,
            _ => CallScheme::Call,
        },
        is_static: read_only || call.kind == CallKind::StaticCall,
        charged_new_account_state_gas: false,
    };
    let awaiting = Awaiting {
        kind: AwaitingKind::Call,
        base,
        passed,
    };
    Ok(Reply::Open(FrameInput::Call(Box::new(inputs)), awaiting))
}

fn open_create<DB: Database>(
    frame: &EthFrame,
    ctx: &mut Ctx<DB>,
    gas_left: u64,
    create: CreateRequest,
) -> Reply {
    let len = create.init_code.len();
    if frame.interpreter.runtime_flag.is_static() || len > ctx.cfg.max_initcode_size() {
        return Reply::Answer(Response::Refused);
    }
    let params = ctx.cfg.gas_params();
    let (scheme, price) = match create.salt {
        Some(salt) => (
            CreateScheme::Create2 { salt: salt.into() },
            params.create2_cost(len),
        ),
        None => (CreateScheme::Create, params.create_cost()),
    };
    let base = price.saturating_add(params.initcode_cost(len));
    let Some(rest) = gas_left.checked_sub(base) else {
        return Reply::Answer(Response::OutOfGas);
    };
    let passed = params.call_stipend_reduction(rest);
    let creator = frame.interpreter.input.target_address;
    let inputs = CreateInputs::new(creator, scheme, create.value, create.init_code, passed, 0);
    let awaiting = Awaiting {
        kind: AwaitingKind::Create,
        base,
        passed,
    };
    Reply::Open(FrameInput::Create(Box::new(inputs)), awaiting)
}
