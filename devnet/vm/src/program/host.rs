//! The state behind a program's host calls: its surroundings, its meter, its memory.

use std::fmt;

use revm::primitives::{Address, Bytes, B256, U256};
use wasmi::{errors::HostError, AsContext, AsContextMut, Error, Global, Memory, Val};

use super::{
    cache::StorageCache,
    price,
    request::{Request, Response},
};

/// What a program can find out about its call, its transaction and its block.
#[derive(Clone, Copy, Debug)]
pub struct Environment {
    pub sender: Address,
    pub address: Address,
    pub value: U256,
    pub reentrant: bool,
    pub origin: Address,
    pub gas_price: U256,
    pub chain_id: u64,
    /// The L1 block's number, as on Arbitrum.
    pub block_number: u64,
    pub timestamp: u64,
    pub block_gas_limit: u64,
    pub base_fee: u64,
    pub coinbase: Address,
    pub ink_price: u32,
}

/// Ink spent by cause; what remains was spent by instructions.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spent {
    pub host_io: u64,
    pub storage: u64,
    pub calls: u64,
}

/// The causes.
#[derive(Clone, Copy, Debug)]
pub enum Spending {
    HostIo,
    Storage,
    Calls,
    /// Memory, which counts among the instructions.
    Memory,
}

/// The engine's data for one program.
#[derive(Debug)]
pub struct Host {
    pub environment: Environment,
    pub args: Bytes,
    pub output: Vec<u8>,
    pub storage: StorageCache,
    pub return_data: Bytes,
    pub spent: Spent,
    pub pending: Option<(Request, Completion)>,
    pub handles: Option<Handles>,
}

impl Host {
    pub fn new(environment: Environment, args: Bytes) -> Self {
        Self {
            environment,
            args,
            output: Vec::new(),
            storage: StorageCache::default(),
            return_data: Bytes::new(),
            spent: Spent::default(),
            pending: None,
            handles: None,
        }
    }
}

/// Why a host call stops the program, for a while or for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupt {
    /// A request is pending.
    Yield,
    OutOfInk,
    Exit(u32),
    Fault(Fault),
}

impl fmt::Display for Interrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl HostError for Interrupt {}

/// How a program misused a host call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    OutOfBounds,
    Topics,
    Refused,
    NotReady,
}

/// The exports that the host works on.
#[derive(Clone, Copy, Debug)]
pub struct Handles {
    pub memory: Memory,
    pub ink: Global,
    pub status: Global,
    pub stack: Global,
}

impl Handles {
    pub fn ink_left(&self, ctx: impl AsContext) -> u64 {
        match self.ink.get(ctx) {
            Val::I64(ink) => ink.cast_unsigned(),
            _ => 0,
        }
    }

    pub fn set_ink(&self, ctx: impl AsContextMut, ink: u64) {
        // The global is a mutable i64: instrumentation made it so.
        let _ = self.ink.set(ctx, Val::I64(ink.cast_signed()));
    }

    pub fn out_of_ink(&self, ctx: impl AsContext) -> bool {
        matches!(self.status.get(ctx), Val::I32(1))
    }

    pub fn out_of_stack(&self, ctx: impl AsContext) -> bool {
        matches!(self.stack.get(ctx), Val::I32(0))
    }
}

/// A host call in progress.
pub struct Io<C> {
    ctx: C,
    handles: Handles,
    spending: Spending,
}

impl<C: AsContextMut<Data = Host>> Io<C> {
    pub fn new(ctx: C, handles: Handles, spending: Spending) -> Self {
        Self {
            ctx,
            handles,
            spending,
        }
    }

    pub fn host(&mut self) -> &mut Host {
        self.handles
            .memory
            .data_and_store_mut(self.ctx.as_context_mut())
            .1
    }

    pub fn ink_left(&self) -> u64 {
        self.handles.ink_left(&self.ctx)
    }

    pub fn ink_price(&mut self) -> u64 {
        u64::from(self.host().environment.ink_price)
    }

    pub fn gas_left(&mut self) -> u64 {
        self.ink_left() / self.ink_price()
    }

    pub fn buy_ink(&mut self, ink: u64) -> Result<(), Interrupt> {
        let left = self.ink_left();
        let (paid, rest) = match left.checked_sub(ink) {
            Some(rest) => (ink, Some(rest)),
            None => (left, None),
        };
        self.handles.set_ink(&mut self.ctx, rest.unwrap_or(0));
        let spending = self.spending;
        let spent = &mut self.host().spent;
        match spending {
            Spending::HostIo => spent.host_io += paid,
            Spending::Storage => spent.storage += paid,
            Spending::Calls => spent.calls += paid,
            Spending::Memory => {}
        }
        rest.map(|_| ()).ok_or(Interrupt::OutOfInk)
    }

    pub fn buy_gas(&mut self, gas: u64) -> Result<(), Interrupt> {
        let ink = gas.saturating_mul(self.ink_price());
        self.buy_ink(ink)
    }

    /// Fails, and takes what is left, unless this much gas is left.
    pub fn require_gas(&mut self, gas: u64) -> Result<(), Interrupt> {
        if self.gas_left() < gas {
            self.buy_ink(u64::MAX)?;
        }
        Ok(())
    }

    pub fn read(&self, ptr: u32, len: u32) -> Result<&[u8], Interrupt> {
        let start = ptr as usize;
        let end = start.saturating_add(len as usize);
        self.handles
            .memory
            .data(&self.ctx)
            .get(start..end)
            .ok_or(Interrupt::Fault(Fault::OutOfBounds))
    }

    pub fn read_bytes(&self, ptr: u32, len: u32) -> Result<Bytes, Interrupt> {
        self.read(ptr, len).map(Bytes::copy_from_slice)
    }

    pub fn read_word(&self, ptr: u32) -> Result<B256, Interrupt> {
        self.read(ptr, 32).map(B256::from_slice)
    }

    pub fn read_u256(&self, ptr: u32) -> Result<U256, Interrupt> {
        self.read_word(ptr).map(Into::into)
    }

    pub fn read_address(&self, ptr: u32) -> Result<Address, Interrupt> {
        self.read(ptr, 20).map(Address::from_slice)
    }

    pub fn write(&mut self, ptr: u32, data: &[u8]) -> Result<(), Interrupt> {
        let memory = self.handles.memory;
        memory
            .write(&mut self.ctx, ptr as usize, data)
            .map_err(|_| Interrupt::Fault(Fault::OutOfBounds))
    }

    pub fn write_u256(&mut self, ptr: u32, value: U256) -> Result<(), Interrupt> {
        self.write(ptr, &value.to_be_bytes::<32>())
    }

    pub fn write_len(&mut self, ptr: u32, len: usize) -> Result<(), Interrupt> {
        self.write(ptr, &u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes())
    }

    /// Stops the program until the chain has answered.
    pub fn ask<T>(&mut self, request: Request, then: Then) -> Result<T, Interrupt> {
        let completion = Completion {
            spending: self.spending,
            then,
        };
        self.host().pending = Some((request, completion));
        Err(Interrupt::Yield)
    }
}

impl From<Interrupt> for Error {
    fn from(interrupt: Interrupt) -> Self {
        Self::host(interrupt)
    }
}

/// What is left to do of a host call once the chain has answered.
#[derive(Clone, Copy, Debug)]
pub struct Completion {
    spending: Spending,
    then: Then,
}

/// Where the answer goes.
#[derive(Clone, Copy, Debug)]
pub enum Then {
    Nothing,
    WriteWord {
        dest: u32,
    },
    /// A load that missed the cache, having cost this much gas so far.
    Load {
        key: B256,
        dest: u32,
        gas: u64,
    },
    Called {
        return_data_len: u32,
    },
    Created {
        address: u32,
        return_data_len: u32,
    },
    CodeSize,
    CopyCode {
        offset: u32,
        size: u32,
        dest: u32,
    },
}

impl Completion {
    /// Charges for the answer and delivers it; gives the results of the host call.
    pub fn complete<C>(self, io: &mut Io<C>, response: Response) -> Result<Vec<Val>, Interrupt>
    where
        C: AsContextMut<Data = Host>,
    {
        io.spending = self.spending;
        match (self.then, response) {
            (_, Response::OutOfGas) => {
                io.buy_ink(u64::MAX)?;
                Ok(Vec::new())
            }
            (Then::Nothing, Response::Done { gas }) => {
                io.buy_gas(gas)?;
                Ok(Vec::new())
            }
            (Then::WriteWord { dest }, Response::Word { value, gas }) => {
                io.buy_gas(gas)?;
                io.write(dest, value.as_slice())?;
                Ok(Vec::new())
            }
            (
                Then::Load {
                    key,
                    dest,
                    gas: so_far,
                },
                Response::Word { value, gas },
            ) => {
                let api = price::API / io.ink_price();
                io.buy_gas(so_far.saturating_add(gas).saturating_add(api))?;
                io.host().storage.loaded(key, value);
                io.write(dest, value.as_slice())?;
                Ok(Vec::new())
            }
            (
                Then::Called { return_data_len },
                Response::Called {
                    success,
                    return_data,
                    gas,
                },
            ) => {
                io.buy_gas(gas)?;
                io.write_len(return_data_len, return_data.len())?;
                io.host().return_data = return_data;
                Ok(vec![Val::I32(i32::from(!success))])
            }
            (
                Then::Created {
                    address,
                    return_data_len,
                },
                Response::Created {
                    address: created,
                    return_data,
                    gas,
                },
            ) => {
                io.buy_gas(gas)?;
                io.write_len(return_data_len, return_data.len())?;
                io.write(address, created.as_slice())?;
                io.host().return_data = return_data;
                Ok(Vec::new())
            }
            (Then::CodeSize, Response::Code { code, gas }) => {
                io.buy_gas(gas)?;
                Ok(vec![i32_val(code.len())])
            }
            (Then::CopyCode { offset, size, dest }, Response::Code { code, gas }) => {
                io.buy_gas(gas)?;
                let part = sub_slice(&code, offset, size);
                io.buy_ink(price::write(u32::try_from(part.len()).unwrap_or(u32::MAX)))?;
                io.write(dest, part)?;
                Ok(vec![i32_val(part.len())])
            }
            _ => Err(Interrupt::Fault(Fault::Refused)),
        }
    }
}

/// As much of `data` from `offset` as there is, up to `size`.
pub fn sub_slice(data: &[u8], offset: u32, size: u32) -> &[u8] {
    let start = (offset as usize).min(data.len());
    let end = start.saturating_add(size as usize).min(data.len());
    &data[start..end]
}

fn i32_val(len: usize) -> Val {
    Val::I32(i32::try_from(len).unwrap_or(i32::MAX))
}
