//! revm with Stylus frames.

use revm::{
    bytecode::opcode::{SLOAD, SSTORE},
    context::{BlockEnv, CfgEnv, Evm, FrameStack, TxEnv},
    context_interface::{Database, JournalTr},
    handler::{
        evm::{ContextDbError, FrameInitResult},
        instructions::{EthInstructions, InstructionProvider},
        EthFrame, EvmTr, FrameData, FrameInitOrResult, FrameResult, ItemOrResult,
    },
    interpreter::{
        instructions::{gas_table_spec, host},
        interpreter::EthInterpreter,
        interpreter_action::FrameInit,
        CallScheme, FrameInput, Instruction, InstructionContext, InstructionExecResult,
        InstructionResult, InterpreterAction,
    },
    primitives::{hardfork::SpecId, Address, Bytes},
    Context, Journal,
};

use crate::{code, frame::ProgramFrame, precompiles::Precompiles, runtime::Runtime};

/// revm's context, with the transaction's Stylus state in its chain slot.
pub type StylusContext<DB> = Context<BlockEnv, TxEnv, CfgEnv, DB, Journal<DB>, Runtime>;

type Inner<DB> = Evm<
    StylusContext<DB>,
    (),
    EthInstructions<EthInterpreter, StylusContext<DB>>,
    Precompiles,
    EthFrame<EthInterpreter>,
>;

/// An EVM for one transaction.
pub struct StylusEvm<DB: Database> {
    inner: Inner<DB>,
    /// Beside each frame of revm's stack, what is ours of it.
    frames: Vec<OpenFrame>,
}

struct OpenFrame {
    /// The account entered; none for delegate calls, which stay where they are.
    span: Option<Address>,
    program: Option<Box<ProgramFrame>>,
}

impl<DB: Database> StylusEvm<DB> {
    pub fn new(ctx: StylusContext<DB>, spec: SpecId) -> Self {
        let mut instructions = EthInstructions::new_mainnet_with_spec(spec);
        let gas = gas_table_spec(spec);
        instructions.insert_instruction(
            SLOAD,
            Instruction::new(counted_sload::<DB>),
            gas[usize::from(SLOAD)],
        );
        instructions.insert_instruction(
            SSTORE,
            Instruction::new(counted_sstore::<DB>),
            gas[usize::from(SSTORE)],
        );
        Self {
            inner: Evm::new(ctx, instructions, Precompiles::new(spec)),
            frames: Vec::new(),
        }
    }

    /// Keeps the books on a frame that revm has just opened.
    fn opened(&mut self) {
        let frame = self.inner.frame_stack.get();
        let span = match &frame.input {
            FrameInput::Call(call)
                if matches!(call.scheme, CallScheme::DelegateCall | CallScheme::CallCode) =>
            {
                None
            }
            _ => Some(frame.interpreter.input.target_address),
        };
        let is_call = matches!(frame.data, FrameData::Call(_));
        let is_program =
            is_call && code::is_program(frame.interpreter.bytecode.original_byte_slice());
        let runtime = &mut self.inner.ctx.chain;
        if let Some(address) = span {
            runtime.enter(address);
        }
        if let (true, Some(tracer)) = (is_program, &mut runtime.tracer) {
            tracer.mark_program();
        }
        self.frames.push(OpenFrame {
            span,
            program: is_program.then(Box::default),
        });
        runtime.depth = self.frames.len();
    }

    fn closed(&mut self) {
        let runtime = &mut self.inner.ctx.chain;
        if let Some(OpenFrame {
            span: Some(address),
            ..
        }) = self.frames.pop()
        {
            runtime.leave(address);
        }
        runtime.depth = self.frames.len();
    }

    fn count(&mut self, init: &FrameInit) {
        let activity = &mut self.inner.ctx.chain.activity;
        match init.frame_input {
            FrameInput::Call(_) if init.depth > 0 => activity.external_calls += 1,
            FrameInput::Create(_) if init.depth > 0 => activity.creates += 1,
            _ => {}
        }
    }

    fn trace_enter(&mut self, input: &FrameInput) {
        let ctx = &mut self.inner.ctx;
        if ctx.chain.tracer.is_none() {
            return;
        }
        let data = match input {
            FrameInput::Call(call) => call.input.bytes(ctx),
            FrameInput::Create(create) => create.init_code().clone(),
            FrameInput::Empty => Bytes::new(),
        };
        if let Some(tracer) = &mut ctx.chain.tracer {
            tracer.enter(input, data, ctx.journaled_state.logs());
        }
    }

    fn trace_exit(&mut self, result: &FrameResult) {
        let ctx = &mut self.inner.ctx;
        if let Some(tracer) = &mut ctx.chain.tracer {
            tracer.exit(result, ctx.journaled_state.logs());
        }
    }
}

impl<DB: Database> EvmTr for StylusEvm<DB> {
    type Context = StylusContext<DB>;
    type Instructions = EthInstructions<EthInterpreter, StylusContext<DB>>;
    type Precompiles = Precompiles;
    type Frame = EthFrame<EthInterpreter>;

    fn all(
        &self,
    ) -> (
        &Self::Context,
        &Self::Instructions,
        &Self::Precompiles,
        &FrameStack<Self::Frame>,
    ) {
        self.inner.all()
    }

    fn all_mut(
        &mut self,
    ) -> (
        &mut Self::Context,
        &mut Self::Instructions,
        &mut Self::Precompiles,
        &mut FrameStack<Self::Frame>,
    ) {
        self.inner.all_mut()
    }

    fn frame_init(
        &mut self,
        init: FrameInit,
    ) -> Result<FrameInitResult<'_, Self::Frame>, ContextDbError<Self::Context>> {
        self.count(&init);
        self.trace_enter(&init.frame_input);
        let first = self.inner.frame_stack.index().is_none();
        if let ItemOrResult::Result(result) = self.inner.frame_init(init)? {
            // The loop returns nothing to a frame when the first one is already done.
            if first {
                self.trace_exit(&result);
            }
            return Ok(ItemOrResult::Result(result));
        }
        self.opened();
        Ok(ItemOrResult::Item(self.inner.frame_stack.get()))
    }

    fn frame_run(
        &mut self,
    ) -> Result<FrameInitOrResult<Self::Frame>, ContextDbError<Self::Context>> {
        let Evm {
            ctx,
            instruction,
            frame_stack,
            ..
        } = &mut self.inner;
        let frame = frame_stack.get();
        let mut action = match self
            .frames
            .last_mut()
            .and_then(|open| open.program.as_mut())
        {
            Some(program) => program.run(frame, ctx)?,
            None => frame.interpreter.run_plain(
                instruction.instruction_table(),
                instruction.gas_table(),
                ctx,
            ),
        };
        if matches!(frame.data, FrameData::Create(_)) {
            reject_reserved_code(&mut action);
        }
        frame.process_next_action(ctx, action).inspect(|next| {
            if next.is_result() {
                frame.set_finished(true);
            }
        })
    }

    fn frame_return_result(
        &mut self,
        result: FrameResult,
    ) -> Result<Option<FrameResult>, ContextDbError<Self::Context>> {
        self.trace_exit(&result);
        if self.inner.frame_stack.get().is_finished() {
            self.closed();
        }
        self.inner.frame_return_result(result)
    }
}

/// EIP-3541, but for Stylus programs: no other code may begin with 0xEF.
fn reject_reserved_code(action: &mut InterpreterAction) {
    if let InterpreterAction::Return(created) = action {
        if created.result.is_ok()
            && created.output.first() == Some(&0xEF)
            && !code::is_program(&created.output)
        {
            created.result = InstructionResult::CreateContractStartingWithEF;
            created.output = Bytes::new();
        }
    }
}

fn counted_sload<DB: Database>(
    context: InstructionContext<'_, StylusContext<DB>, EthInterpreter>,
) -> InstructionExecResult {
    context.host.chain.activity.storage_reads += 1;
    host::sload(context)
}

fn counted_sstore<DB: Database>(
    context: InstructionContext<'_, StylusContext<DB>, EthInterpreter>,
) -> InstructionExecResult {
    context.host.chain.activity.storage_writes += 1;
    host::sstore(context)
}
