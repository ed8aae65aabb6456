//! revm with Stylus frames.

use revm::{
    context::{BlockEnv, CfgEnv, Evm, FrameStack, TxEnv},
    context_interface::{Database, JournalTr},
    handler::{
        evm::{ContextDbError, FrameInitResult},
        instructions::EthInstructions,
        EthFrame, EthPrecompiles, EvmTr, FrameInitOrResult, FrameResult, ItemOrResult,
    },
    interpreter::{interpreter::EthInterpreter, interpreter_action::FrameInit, FrameInput},
    primitives::{hardfork::SpecId, Bytes},
    Context, Journal,
};

use crate::runtime::Runtime;

/// revm's context, with the transaction's Stylus state in its chain slot.
pub type StylusContext<DB> = Context<BlockEnv, TxEnv, CfgEnv, DB, Journal<DB>, Runtime>;

type Inner<DB> = Evm<
    StylusContext<DB>,
    (),
    EthInstructions<EthInterpreter, StylusContext<DB>>,
    EthPrecompiles,
    EthFrame<EthInterpreter>,
>;

/// An EVM for one transaction.
pub struct StylusEvm<DB: Database> {
    inner: Inner<DB>,
}

impl<DB: Database> StylusEvm<DB> {
    pub fn new(ctx: StylusContext<DB>, spec: SpecId) -> Self {
        let instructions = EthInstructions::new_mainnet_with_spec(spec);
        Self {
            inner: Evm::new(ctx, instructions, EthPrecompiles::new(spec)),
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
    type Precompiles = EthPrecompiles;
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
        self.trace_enter(&init.frame_input);
        let first = self.inner.frame_stack.index().is_none();
        if let ItemOrResult::Result(result) = self.inner.frame_init(init)? {
            // The loop returns nothing to a frame when the first one is already done.
            if first {
                self.trace_exit(&result);
            }
            return Ok(ItemOrResult::Result(result));
        }
        Ok(ItemOrResult::Item(self.inner.frame_stack.get()))
    }

    fn frame_run(
        &mut self,
    ) -> Result<FrameInitOrResult<Self::Frame>, ContextDbError<Self::Context>> {
        self.inner.frame_run()
    }

    fn frame_return_result(
        &mut self,
        result: FrameResult,
    ) -> Result<Option<FrameResult>, ContextDbError<Self::Context>> {
        self.trace_exit(&result);
        self.inner.frame_return_result(result)
    }
}
