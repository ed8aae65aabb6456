//! Calldata for `probe.wat`.

use devnet_vm::revm::primitives::{Address, Bytes, B256, U256};

pub const WAT: &str = include_str!("probe.wat");

fn op(code: u8, operands: &[&[u8]]) -> Bytes {
    [&[code], operands.concat().as_slice()].concat().into()
}

pub fn environment() -> Bytes {
    op(0, &[])
}

pub fn call(to: Address, value: u64, data: impl AsRef<[u8]>) -> Bytes {
    op(
        1,
        &[
            &U256::from(value).to_be_bytes::<32>(),
            to.as_slice(),
            data.as_ref(),
        ],
    )
}

pub fn static_call(to: Address, data: impl AsRef<[u8]>) -> Bytes {
    op(2, &[to.as_slice(), data.as_ref()])
}

pub fn delegate_call(to: Address, data: impl AsRef<[u8]>) -> Bytes {
    op(3, &[to.as_slice(), data.as_ref()])
}

pub fn create(value: u64, init_code: impl AsRef<[u8]>) -> Bytes {
    op(
        4,
        &[&U256::from(value).to_be_bytes::<32>(), init_code.as_ref()],
    )
}

pub fn create2(value: u64, salt: B256, init_code: impl AsRef<[u8]>) -> Bytes {
    op(
        5,
        &[
            &U256::from(value).to_be_bytes::<32>(),
            salt.as_slice(),
            init_code.as_ref(),
        ],
    )
}

pub fn store(key: u64, value: u64) -> Bytes {
    op(6, &[&word(key), &word(value)])
}

pub fn store_without_flush(key: u64, value: u64) -> Bytes {
    op(7, &[&word(key), &word(value)])
}

pub fn load(key: u64) -> Bytes {
    op(8, &[&word(key)])
}

pub fn trap() -> Bytes {
    op(9, &[])
}

pub fn spin() -> Bytes {
    op(10, &[])
}

pub fn recurse(depth: u32) -> Bytes {
    op(11, &[&depth.to_le_bytes()])
}

pub fn grow(pages: u32) -> Bytes {
    op(12, &[&pages.to_le_bytes()])
}

pub fn wild_pointer() -> Bytes {
    op(13, &[])
}

pub fn log(topic: B256, data: &[u8]) -> Bytes {
    op(14, &[topic.as_slice(), data])
}

pub fn log_with_five_topics() -> Bytes {
    op(15, &[])
}

pub fn transient_store(key: u64, value: u64) -> Bytes {
    op(16, &[&word(key), &word(value)])
}

pub fn transient_load(key: u64) -> Bytes {
    op(17, &[&word(key)])
}

pub fn account(address: Address) -> Bytes {
    op(18, &[address.as_slice()])
}

pub fn mul_mod(a: U256, b: U256, n: U256) -> Bytes {
    op(
        19,
        &[
            &a.to_be_bytes::<32>(),
            &b.to_be_bytes::<32>(),
            &n.to_be_bytes::<32>(),
        ],
    )
}

pub fn gas_left() -> Bytes {
    op(20, &[])
}

pub fn revert_early(data: &[u8]) -> Bytes {
    op(21, &[data])
}

pub fn return_much(len: u32) -> Bytes {
    op(22, &[&len.to_le_bytes()])
}

pub fn recurse_often(times: u32) -> Bytes {
    op(23, &[&times.to_le_bytes()])
}

pub fn rewrite(key: u64) -> Bytes {
    op(24, &[&word(key)])
}

pub fn revert() -> Bytes {
    op(255, &[])
}

pub fn word(value: u64) -> [u8; 32] {
    U256::from(value).to_be_bytes()
}
