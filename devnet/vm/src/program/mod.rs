//! One running Stylus program.
//!
//! A [`Program`] knows nothing of the EVM. Whenever it needs the chain (storage, calls, logs) it stops with a
//! [`Request`]; whoever runs it answers with a [`Response`], and it goes on. All gas but the start-up's is accounted
//! in here, as ink.

mod cache;
mod host;
mod hostio;
pub mod price;
mod request;

use revm::primitives::Bytes;
use wasmi::{Store, TypedResumableCall, TypedResumableCallHostTrap, Val};

pub use host::{Environment, Host, Spent};
pub use hostio::linker;
pub use request::{CallRequest, CreateRequest, Request, Response};

use crate::{
    engine::{Compiled, Programs},
    wasm::export,
};
use host::{Completion, Handles, Interrupt, Io, Spending};

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It returned, or called `exit_early`: 0 is success, anything else a revert.
    Status(u32),
    /// All ink is spent.
    OutOfInk,
    /// The WASM stack is used up.
    OutOfStack,
    /// It trapped, or misused a host function.
    Trap,
}

/// What a program wants when it stops.
#[derive(Debug)]
pub enum Step {
    Request(Request),
    Exit(Exit),
}

/// An instance in the middle of its one call.
pub struct Program {
    store: Store<Host>,
    handles: Handles,
    waiting: Option<(TypedResumableCallHostTrap<u32>, Completion)>,
    ink_price: u64,
}

impl Program {
    /// Instantiates a module and runs it to its first stop. The ink is what `gas` buys.
    ///
    /// Fails only for a module that the engine cannot instantiate, as with data out of bounds.
    pub fn start(
        programs: &Programs,
        compiled: &Compiled,
        environment: Environment,
        args: Bytes,
        gas: u64,
        stack_depth: u32,
    ) -> Result<(Self, Step), wasmi::Error> {
        let ink_price = u64::from(environment.ink_price);
        let args_len = u32::try_from(args.len()).unwrap_or(u32::MAX);
        let mut store = Store::new(programs.engine(), Host::new(environment, args));
        let instance = programs
            .linker()
            .instantiate_and_start(&mut store, &compiled.module)?;
        let missing = || wasmi::Error::new("missing export");
        let global =
            |store: &Store<Host>, name| instance.get_global(store, name).ok_or_else(missing);
        let handles = Handles {
            memory: instance
                .get_memory(&store, export::MEMORY)
                .ok_or_else(missing)?,
            ink: global(&store, export::INK_LEFT)?,
            status: global(&store, export::INK_STATUS)?,
            stack: global(&store, export::STACK_LEFT)?,
        };
        store.data_mut().handles = Some(handles);
        handles
            .stack
            .set(&mut store, Val::I32(stack_depth.cast_signed()))?;
        let entrypoint = instance.get_typed_func::<u32, u32>(&store, export::ENTRYPOINT)?;
        let mut program = Self {
            store,
            handles,
            waiting: None,
            ink_price,
        };
        program.set_ink(gas.saturating_mul(ink_price));
        let call = entrypoint.call_resumable(&mut program.store, args_len);
        let step = program.step(call);
        Ok((program, step))
    }

    /// Continues after a request.
    pub fn resume(&mut self, response: Response) -> Step {
        let Some((invocation, completion)) = self.waiting.take() else {
            return Step::Exit(Exit::Trap);
        };
        let mut io = Io::new(&mut self.store, self.handles, Spending::HostIo);
        match completion.complete(&mut io, response) {
            Ok(results) => {
                let call = invocation.resume(&mut self.store, &results);
                self.step(call)
            }
            Err(interrupt) => Step::Exit(self.interrupted(&interrupt)),
        }
    }

    /// Gas that the ink left is worth.
    pub fn gas_left(&self) -> u64 {
        self.handles.ink_left(&self.store) / self.ink_price
    }

    /// Ink spent by cause.
    pub fn spent(&self) -> Spent {
        self.store.data().spent
    }

    /// The data given to `write_result`.
    pub fn take_output(&mut self) -> Bytes {
        std::mem::take(&mut self.store.data_mut().output).into()
    }

    fn set_ink(&mut self, ink: u64) {
        self.handles.set_ink(&mut self.store, ink);
    }

    fn step(&mut self, call: Result<TypedResumableCall<u32>, wasmi::Error>) -> Step {
        match call {
            Ok(TypedResumableCall::Finished(status)) => Step::Exit(Exit::Status(status)),
            Ok(TypedResumableCall::HostTrap(invocation)) => {
                match invocation.host_error().downcast_ref::<Interrupt>() {
                    Some(Interrupt::Yield) => match self.store.data_mut().pending.take() {
                        Some((request, completion)) => {
                            self.waiting = Some((invocation, completion));
                            Step::Request(request)
                        }
                        None => Step::Exit(Exit::Trap),
                    },
                    Some(interrupt) => Step::Exit(self.interrupted(interrupt)),
                    None => Step::Exit(Exit::Trap),
                }
            }
            Ok(TypedResumableCall::OutOfFuel(_)) => Step::Exit(Exit::Trap),
            Err(error) => Step::Exit(self.trapped(&error)),
        }
    }

    fn interrupted(&self, interrupt: &Interrupt) -> Exit {
        match interrupt {
            Interrupt::Exit(status) => Exit::Status(*status),
            Interrupt::OutOfInk => Exit::OutOfInk,
            Interrupt::Yield | Interrupt::Fault(_) => Exit::Trap,
        }
    }

    fn trapped(&self, error: &wasmi::Error) -> Exit {
        if let Some(interrupt) = error.downcast_ref::<Interrupt>() {
            return self.interrupted(interrupt);
        }
        if self.handles.out_of_ink(&self.store) {
            return Exit::OutOfInk;
        }
        let overflow = error.as_trap_code() == Some(wasmi::TrapCode::StackOverflow);
        if overflow || self.handles.out_of_stack(&self.store) {
            return Exit::OutOfStack;
        }
        Exit::Trap
    }
}
