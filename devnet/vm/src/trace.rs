//! Nested call traces, as `debug_traceTransaction`'s `callTracer` gives them.

use revm::{
    handler::FrameResult,
    interpreter::{CallScheme, CreateScheme, FrameInput, InstructionResult},
    primitives::{Address, Bytes, Log, U256},
};

/// How a frame was entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallKind {
    Call,
    CallCode,
    DelegateCall,
    StaticCall,
    Create,
    Create2,
}

impl CallKind {
    /// The name the tracer gives it, that of the opcode.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Call => "CALL",
            Self::CallCode => "CALLCODE",
            Self::DelegateCall => "DELEGATECALL",
            Self::StaticCall => "STATICCALL",
            Self::Create => "CREATE",
            Self::Create2 => "CREATE2",
        }
    }
}

/// One frame of a call stack, EVM or Stylus, and the frames it opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallTrace {
    pub kind: CallKind,
    pub from: Address,
    /// The account called, or created; `None` for a creation that failed before it had an address.
    pub to: Option<Address>,
    pub value: U256,
    pub gas: u64,
    pub gas_used: u64,
    /// Calldata, or init code.
    pub input: Bytes,
    /// Data returned or reverted with, or the code created.
    pub output: Bytes,
    pub error: Option<String>,
    /// Logs of this frame alone; none if it failed.
    pub logs: Vec<Log>,
    /// For each of these logs, how many of the calls came before it.
    pub log_positions: Vec<usize>,
    pub calls: Vec<CallTrace>,
    /// Whether the frame ran a Stylus program.
    pub program: bool,
}

impl CallTrace {
    /// The frame that `input` is about to open.
    fn opening(input: &FrameInput, data: Bytes) -> Option<Self> {
        let (kind, from, to, value, gas) = match input {
            FrameInput::Call(call) => {
                let (kind, from) = match call.scheme {
                    CallScheme::Call => (CallKind::Call, call.caller),
                    CallScheme::CallCode => (CallKind::CallCode, call.caller),
                    CallScheme::DelegateCall => (CallKind::DelegateCall, call.target_address),
                    CallScheme::StaticCall => (CallKind::StaticCall, call.caller),
                };
                (
                    kind,
                    from,
                    Some(call.bytecode_address),
                    call.value.get(),
                    call.gas_limit,
                )
            }
            FrameInput::Create(create) => {
                let kind = match create.scheme() {
                    CreateScheme::Create2 { .. } => CallKind::Create2,
                    _ => CallKind::Create,
                };
                (
                    kind,
                    create.caller(),
                    None,
                    create.value(),
                    create.gas_limit(),
                )
            }
            FrameInput::Empty => return None,
        };
        Some(Self {
            kind,
            from,
            to,
            value,
            gas,
            gas_used: 0,
            input: data,
            output: Bytes::new(),
            error: None,
            logs: Vec::new(),
            log_positions: Vec::new(),
            calls: Vec::new(),
            program: false,
        })
    }

    fn drop_logs(&mut self) {
        self.logs.clear();
        self.log_positions.clear();
        self.calls.iter_mut().for_each(Self::drop_logs);
    }
}

/// Collects [`CallTrace`]s while frames open and close.
#[derive(Clone, Debug, Default)]
pub struct Tracer {
    open: Vec<CallTrace>,
    logs_seen: usize,
    root: Option<CallTrace>,
}

impl Tracer {
    /// A frame opens; `logs` are the journal's so far.
    pub fn enter(&mut self, input: &FrameInput, data: Bytes, logs: &[Log]) {
        self.attribute(logs);
        self.open.extend(CallTrace::opening(input, data));
    }

    /// The frame on top runs a Stylus program.
    pub fn mark_program(&mut self) {
        if let Some(frame) = self.open.last_mut() {
            frame.program = true;
        }
    }

    /// The frame on top closes with `result`; what it reverted is already gone from `logs`.
    pub fn exit(&mut self, result: &FrameResult, logs: &[Log]) {
        self.attribute(logs);
        let Some(mut frame) = self.open.pop() else {
            return;
        };
        let outcome = match result {
            FrameResult::Call(outcome) => &outcome.result,
            FrameResult::Create(outcome) => {
                frame.to = outcome.address;
                &outcome.result
            }
        };
        frame.gas_used = match outcome.result.is_ok_or_revert() {
            true => outcome.gas.total_gas_spent(),
            false => frame.gas,
        };
        frame.output = outcome.output.clone();
        if !outcome.result.is_ok() {
            frame.error = Some(describe(outcome.result));
            frame.drop_logs();
        }
        match self.open.last_mut() {
            Some(parent) => parent.calls.push(frame),
            None => self.root = Some(frame),
        }
    }

    pub fn into_root(self) -> Option<CallTrace> {
        self.root
    }

    /// Gives the frame on top the logs that appeared since the last look.
    fn attribute(&mut self, logs: &[Log]) {
        if let (Some(frame), Some(new)) = (self.open.last_mut(), logs.get(self.logs_seen..)) {
            frame.logs.extend_from_slice(new);
            let position = frame.calls.len();
            frame.log_positions.resize(frame.logs.len(), position);
        }
        self.logs_seen = logs.len();
    }
}

/// The tracer's words for why a frame failed, geth's where geth has them.
fn describe(reason: InstructionResult) -> String {
    match reason {
        InstructionResult::Revert => "execution reverted".into(),
        InstructionResult::OutOfGas
        | InstructionResult::MemoryOOG
        | InstructionResult::MemoryLimitOOG
        | InstructionResult::PrecompileOOG
        | InstructionResult::InvalidOperandOOG
        | InstructionResult::ReentrancySentryOOG => "out of gas".into(),
        InstructionResult::CallTooDeep => "max call depth exceeded".into(),
        InstructionResult::OutOfFunds => "insufficient balance for transfer".into(),
        InstructionResult::CreateCollision => "contract address collision".into(),
        InstructionResult::CreateContractSizeLimit => "max code size exceeded".into(),
        InstructionResult::CreateContractStartingWithEF => {
            "invalid code: must not begin with 0xef".into()
        }
        InstructionResult::InvalidJump => "invalid jump destination".into(),
        InstructionResult::StateChangeDuringStaticCall => "write protection".into(),
        reason => format!("{reason:?}"),
    }
}
