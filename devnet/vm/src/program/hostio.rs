//! The host functions, `vm_hooks`, as the engine links them.

use revm::primitives::{keccak256, B256, U256};
use wasmi::{Caller, Engine, Error, Linker};

use super::{
    host::{sub_slice, Fault, Host, Interrupt, Io, Spending, Then},
    price::{self, API, HOSTIO, PTR},
    request::{CallRequest, CreateRequest, Request},
};
use crate::{wasm::HOST_MODULE, CallKind};

type Call<'a> = Caller<'a, Host>;
type Done<T = ()> = Result<T, Error>;

/// A linker with every host function.
pub fn linker(engine: &Engine) -> Linker<Host> {
    let mut linker = Linker::new(engine);
    // Defining a function fails only if the name is taken.
    let _ = define(&mut linker);
    linker
}

fn define(linker: &mut Linker<Host>) -> Result<(), wasmi::errors::LinkerError> {
    macro_rules! link {
        ($($name:ident),* $(,)?) => {
            $(linker.func_wrap(HOST_MODULE, stringify!($name), $name)?;)*
        };
    }
    link![
        account_balance,
        account_code,
        account_code_size,
        account_codehash,
        block_basefee,
        block_coinbase,
        block_gas_limit,
        block_number,
        block_timestamp,
        call_contract,
        chainid,
        contract_address,
        create1,
        create2,
        delegate_call_contract,
        emit_log,
        evm_gas_left,
        evm_ink_left,
        exit_early,
        math_add_mod,
        math_div,
        math_mod,
        math_mul_mod,
        math_pow,
        msg_reentrant,
        msg_sender,
        msg_value,
        native_keccak256,
        pay_for_memory_grow,
        read_args,
        read_return_data,
        return_data_size,
        static_call_contract,
        storage_cache_bytes32,
        storage_flush_cache,
        storage_load_bytes32,
        transient_load_bytes32,
        transient_store_bytes32,
        tx_gas_price,
        tx_ink_price,
        tx_origin,
        write_result,
    ];
    Ok(())
}

/// Opens a host call: its part of the price that is always due.
fn open<'a>(call: Call<'a>, spending: Spending, ink: u64) -> Result<Io<Call<'a>>, Interrupt> {
    let handles = call
        .data()
        .handles
        .ok_or(Interrupt::Fault(Fault::NotReady))?;
    let mut io = Io::new(call, handles, spending);
    io.buy_ink(ink)?;
    Ok(io)
}

// --- The call's own data.

fn read_args(call: Call<'_>, dest: u32) -> Done {
    let mut io = open(call, Spending::HostIo, HOSTIO)?;
    let args = io.host().args.clone();
    io.buy_ink(price::write(u32::try_from(args.len()).unwrap_or(u32::MAX)))?;
    Ok(io.write(dest, &args)?)
}

fn write_result(call: Call<'_>, data: u32, len: u32) -> Done {
    let mut io = open(call, Spending::HostIo, HOSTIO)?;
    io.buy_ink(2 * price::read(len))?;
    let output = io.read(data, len)?.to_vec();
    io.host().output = output;
    Ok(())
}

fn exit_early(call: Call<'_>, status: u32) -> Done {
    // Free, as measured.
    open(call, Spending::HostIo, 0)?;
    Err(Interrupt::Exit(status).into())
}

// --- Storage.

fn storage_load_bytes32(call: Call<'_>, key: u32, dest: u32) -> Done {
    let mut io = open(call, Spending::Storage, HOSTIO + 2 * PTR)?;
    let api = API / io.ink_price();
    io.require_gas(price::COLD_SLOAD_GAS + api + price::CACHE_ACCESS_GAS)?;
    let key = io.read_word(key)?;
    let gas = io.host().storage.read_gas();
    match io.host().storage.get(key) {
        Some(value) => {
            io.buy_gas(gas)?;
            Ok(io.write(dest, value.as_slice())?)
        }
        None => Ok(io.ask(Request::Load(key), Then::Load { key, dest, gas })?),
    }
}

fn storage_cache_bytes32(call: Call<'_>, key: u32, value: u32) -> Done {
    let mut io = open(call, Spending::Storage, HOSTIO + 2 * PTR)?;
    io.require_gas(price::SSTORE_SENTRY_GAS + price::CACHE_ACCESS_GAS)?;
    let (key, value) = (io.read_word(key)?, io.read_word(value)?);
    let gas = io.host().storage.write_gas();
    io.buy_gas(gas)?;
    io.host().storage.store(key, value);
    Ok(())
}

fn storage_flush_cache(call: Call<'_>, clear: u32) -> Done {
    let mut io = open(call, Spending::Storage, HOSTIO + API)?;
    io.require_gas(price::SSTORE_SENTRY_GAS)?;
    let dirty = io.host().storage.flush(clear != 0);
    if dirty.is_empty() {
        return Ok(());
    }
    Ok(io.ask(Request::Store(dirty), Then::Nothing)?)
}

fn transient_load_bytes32(call: Call<'_>, key: u32, dest: u32) -> Done {
    let mut io = open(call, Spending::Storage, HOSTIO + 2 * PTR + API)?;
    io.buy_gas(price::WARM_ACCESS_GAS)?;
    let key = io.read_word(key)?;
    Ok(io.ask(Request::TransientLoad(key), Then::WriteWord { dest })?)
}

fn transient_store_bytes32(call: Call<'_>, key: u32, value: u32) -> Done {
    let mut io = open(call, Spending::Storage, HOSTIO + 2 * PTR + API)?;
    io.buy_gas(price::WARM_ACCESS_GAS)?;
    let (key, value) = (io.read_word(key)?, io.read_word(value)?);
    Ok(io.ask(Request::TransientStore(key, value), Then::Nothing)?)
}

// --- Other contracts.

fn call_contract(
    call: Call<'_>,
    contract: u32,
    data: u32,
    len: u32,
    value: u32,
    gas: u64,
    return_data_len: u32,
) -> Done<u32> {
    make_call(
        call,
        CallKind::Call,
        (contract, data, len),
        Some(value),
        gas,
        return_data_len,
    )
}

fn delegate_call_contract(
    call: Call<'_>,
    contract: u32,
    data: u32,
    len: u32,
    gas: u64,
    return_data_len: u32,
) -> Done<u32> {
    make_call(
        call,
        CallKind::DelegateCall,
        (contract, data, len),
        None,
        gas,
        return_data_len,
    )
}

fn static_call_contract(
    call: Call<'_>,
    contract: u32,
    data: u32,
    len: u32,
    gas: u64,
    return_data_len: u32,
) -> Done<u32> {
    make_call(
        call,
        CallKind::StaticCall,
        (contract, data, len),
        None,
        gas,
        return_data_len,
    )
}

fn make_call(
    call: Call<'_>,
    kind: CallKind,
    (contract, data, len): (u32, u32, u32),
    value: Option<u32>,
    gas: u64,
    return_data_len: u32,
) -> Done<u32> {
    let mut io = open(call, Spending::Calls, HOSTIO + 3 * PTR + API)?;
    io.buy_ink(2 * price::read(len))?;
    let request = CallRequest {
        kind,
        to: io.read_address(contract)?,
        value: value.map_or(Ok(U256::ZERO), |value| io.read_u256(value))?,
        data: io.read_bytes(data, len)?,
        gas,
    };
    Ok(io.ask(Request::Call(request), Then::Called { return_data_len })?)
}

fn create1(
    call: Call<'_>,
    code: u32,
    len: u32,
    value: u32,
    address: u32,
    return_data_len: u32,
) -> Done {
    create(
        call,
        HOSTIO + 3 * PTR + API,
        (code, len),
        value,
        None,
        Then::Created {
            address,
            return_data_len,
        },
    )
}

fn create2(
    call: Call<'_>,
    code: u32,
    len: u32,
    value: u32,
    salt: u32,
    address: u32,
    return_data_len: u32,
) -> Done {
    create(
        call,
        HOSTIO + 4 * PTR + API,
        (code, len),
        value,
        Some(salt),
        Then::Created {
            address,
            return_data_len,
        },
    )
}

fn create(
    call: Call<'_>,
    ink: u64,
    (code, len): (u32, u32),
    value: u32,
    salt: Option<u32>,
    then: Then,
) -> Done {
    let mut io = open(call, Spending::Calls, ink)?;
    io.buy_ink(2 * price::read(len))?;
    let request = CreateRequest {
        init_code: io.read_bytes(code, len)?,
        value: io.read_u256(value)?,
        salt: salt.map(|salt| io.read_word(salt)).transpose()?,
    };
    Ok(io.ask(Request::Create(request), then)?)
}

fn return_data_size(call: Call<'_>) -> Done<u32> {
    let mut io = open(call, Spending::HostIo, HOSTIO)?;
    Ok(u32::try_from(io.host().return_data.len()).unwrap_or(u32::MAX))
}

fn read_return_data(call: Call<'_>, dest: u32, offset: u32, size: u32) -> Done<u32> {
    let mut io = open(call, Spending::HostIo, HOSTIO + API)?;
    let data = io.host().return_data.clone();
    let part = sub_slice(&data, offset, size);
    let len = u32::try_from(part.len()).unwrap_or(u32::MAX);
    io.buy_ink(price::write(len))?;
    io.write(dest, part)?;
    Ok(len)
}

// --- Accounts.

fn account_balance(call: Call<'_>, address: u32, dest: u32) -> Done {
    let mut io = open(call, Spending::HostIo, HOSTIO + 2 * PTR + API)?;
    io.require_gas(price::COLD_ACCOUNT_GAS)?;
    let address = io.read_address(address)?;
    Ok(io.ask(Request::Balance(address), Then::WriteWord { dest })?)
}

fn account_codehash(call: Call<'_>, address: u32, dest: u32) -> Done {
    let mut io = open(call, Spending::HostIo, HOSTIO + 2 * PTR + API)?;
    io.require_gas(price::COLD_ACCOUNT_GAS)?;
    let address = io.read_address(address)?;
    Ok(io.ask(Request::CodeHash(address), Then::WriteWord { dest })?)
}

fn account_code(call: Call<'_>, address: u32, offset: u32, size: u32, dest: u32) -> Done<u32> {
    let mut io = open(call, Spending::HostIo, HOSTIO + API)?;
    io.require_gas(price::COLD_ACCOUNT_GAS)?;
    let address = io.read_address(address)?;
    Ok(io.ask(
        Request::Code(address),
        Then::CopyCode { offset, size, dest },
    )?)
}

fn account_code_size(call: Call<'_>, address: u32) -> Done<u32> {
    let mut io = open(call, Spending::HostIo, HOSTIO + API)?;
    io.require_gas(price::COLD_ACCOUNT_GAS)?;
    let address = io.read_address(address)?;
    Ok(io.ask(Request::Code(address), Then::CodeSize)?)
}

// --- Logs, hashing, arithmetic, memory.

fn emit_log(call: Call<'_>, data: u32, len: u32, topics: u32) -> Done {
    let mut io = open(call, Spending::HostIo, HOSTIO + API)?;
    let Some(data_len) = len
        .checked_sub(topics.saturating_mul(32))
        .filter(|_| topics <= 4)
    else {
        return Err(Interrupt::Fault(Fault::Topics).into());
    };
    io.buy_ink(price::read(len))?;
    io.buy_gas(
        (1 + u64::from(topics)) * price::LOG_TOPIC_GAS + u64::from(data_len) * price::LOG_BYTE_GAS,
    )?;
    let bytes = io.read_bytes(data, len)?;
    let (heads, data) = bytes.split_at((topics * 32) as usize);
    let request = Request::Log {
        topics: heads.chunks_exact(32).map(B256::from_slice).collect(),
        data: bytes.slice_ref(data),
    };
    Ok(io.ask(request, Then::Nothing)?)
}

fn native_keccak256(call: Call<'_>, data: u32, len: u32, dest: u32) -> Done {
    let mut io = open(call, Spending::HostIo, price::keccak(len))?;
    let hash = keccak256(io.read(data, len)?);
    Ok(io.write(dest, hash.as_slice())?)
}

fn math_div(call: Call<'_>, value: u32, divisor: u32) -> Done {
    let mut io = open(call, Spending::HostIo, HOSTIO + 3 * PTR + price::DIV)?;
    let (a, b) = (io.read_u256(value)?, io.read_u256(divisor)?);
    Ok(io.write_u256(value, a.checked_div(b).unwrap_or_default())?)
}

fn math_mod(call: Call<'_>, value: u32, modulus: u32) -> Done {
    let mut io = open(call, Spending::HostIo, HOSTIO + 3 * PTR + price::DIV)?;
    let (a, b) = (io.read_u256(value)?, io.read_u256(modulus)?);
    Ok(io.write_u256(value, a.checked_rem(b).unwrap_or_default())?)
}

fn math_pow(call: Call<'_>, value: u32, exponent: u32) -> Done {
    let mut io = open(call, Spending::HostIo, HOSTIO + 3 * PTR)?;
    let (base, exponent) = (io.read_u256(value)?, io.read_u256(exponent)?);
    io.buy_ink(price::pow(&exponent.to_be_bytes()))?;
    Ok(io.write_u256(value, base.wrapping_pow(exponent))?)
}

fn math_add_mod(call: Call<'_>, value: u32, addend: u32, modulus: u32) -> Done {
    let mut io = open(call, Spending::HostIo, HOSTIO + 4 * PTR + price::ADD_MOD)?;
    let (a, b, n) = (
        io.read_u256(value)?,
        io.read_u256(addend)?,
        io.read_u256(modulus)?,
    );
    Ok(io.write_u256(value, a.add_mod(b, n))?)
}

fn math_mul_mod(call: Call<'_>, value: u32, factor: u32, modulus: u32) -> Done {
    let mut io = open(call, Spending::HostIo, HOSTIO + 4 * PTR + price::MUL_MOD)?;
    let (a, b, n) = (
        io.read_u256(value)?,
        io.read_u256(factor)?,
        io.read_u256(modulus)?,
    );
    Ok(io.write_u256(value, a.mul_mod(b, n))?)
}

fn pay_for_memory_grow(call: Call<'_>, pages: u32) -> Done {
    if pages == 0 {
        open(call, Spending::Memory, HOSTIO)?;
        return Ok(());
    }
    let mut io = open(call, Spending::Memory, 0)?;
    let pages = u16::try_from(pages).unwrap_or(u16::MAX);
    Ok(io.ask(Request::AddPages(pages), Then::Nothing)?)
}

// --- The surroundings: a pointer to fill, or a value.

macro_rules! write_environment {
    ($($name:ident($env:ident) = $bytes:expr;)*) => {
        $(fn $name(call: Call<'_>, dest: u32) -> Done {
            let mut io = open(call, Spending::HostIo, HOSTIO + PTR)?;
            let $env = io.host().environment;
            Ok(io.write(dest, &$bytes)?)
        })*
    };
}

write_environment! {
    msg_sender(env) = env.sender.into_array();
    msg_value(env) = env.value.to_be_bytes::<32>();
    contract_address(env) = env.address.into_array();
    tx_origin(env) = env.origin.into_array();
    tx_gas_price(env) = env.gas_price.to_be_bytes::<32>();
    block_basefee(env) = U256::from(env.base_fee).to_be_bytes::<32>();
    block_coinbase(env) = env.coinbase.into_array();
}

macro_rules! value_of_environment {
    ($($name:ident($env:ident) -> $ty:ty = $value:expr;)*) => {
        $(fn $name(call: Call<'_>) -> Done<$ty> {
            let mut io = open(call, Spending::HostIo, HOSTIO)?;
            let $env = io.host().environment;
            Ok($value)
        })*
    };
}

value_of_environment! {
    chainid(env) -> u64 = env.chain_id;
    block_number(env) -> u64 = env.block_number;
    block_timestamp(env) -> u64 = env.timestamp;
    block_gas_limit(env) -> u64 = env.block_gas_limit;
    msg_reentrant(env) -> u32 = u32::from(env.reentrant);
    tx_ink_price(env) -> u32 = env.ink_price;
}

fn evm_gas_left(call: Call<'_>) -> Done<u64> {
    Ok(open(call, Spending::HostIo, HOSTIO)?.gas_left())
}

fn evm_ink_left(call: Call<'_>) -> Done<u64> {
    Ok(open(call, Spending::HostIo, HOSTIO)?.ink_left())
}
