//! Renewing programs: an activation ends after a year.

use alloy::{
    primitives::{Address, Bytes, B256, U256},
    providers::Provider as _,
    rpc::types::TransactionRequest,
    sol_types::{SolCall as _, SolError as _},
};
use anyhow::{bail, Context as _};
use devnet::{RevertData as _, ARB_WASM};

use super::{
    chain::{bumped, Chain, IArbWasm},
    record::Book,
};

pub(super) const DAY: u64 = 24 * 60 * 60;

/// What was done about a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renewed {
    pub name: &'static str,
    /// Before; `None` if it had expired.
    pub days_left: Option<u64>,
    pub renewed: bool,
}

/// Renews the programs that have less than `days` left, and activates those that have expired.
///
/// # Errors
/// With the program that could not be renewed. Those before it are.
pub async fn keepalive(
    chain: &Chain,
    book: &Book,
    days: u64,
    say: bool,
) -> anyhow::Result<Vec<Renewed>> {
    let mut done = Vec::new();
    for (name, record) in book.contracts() {
        let left = time_left(chain, record.address).await?;
        let days_left = left.map(|seconds| seconds / DAY);
        let due = left.is_none_or(|seconds| seconds < days * DAY);
        let mut renewed = false;
        if due {
            let outcome = match left {
                Some(_) => renew(chain, record.code_hash).await,
                None => activate(chain, record.address).await.map(|()| true),
            };
            renewed = outcome.with_context(|| format!("cannot renew {name}"))?;
        }
        if say && due {
            let before = days_left.map_or("expired".to_owned(), |days| format!("{days} days left"));
            let now = match renewed {
                true => "renewed",
                false => "too young to be renewed, try again later",
            };
            println!("{name:28} {before}: {now}");
        }
        done.push(Renewed {
            name,
            days_left,
            renewed,
        });
    }
    Ok(done)
}

/// Seconds until a program expires; `None` if it has, or waits for an upgrade of the VM.
pub(super) async fn time_left(chain: &Chain, program: Address) -> anyhow::Result<Option<u64>> {
    let arb_wasm = IArbWasm::new(ARB_WASM, &chain.provider);
    match arb_wasm.programTimeLeft(program).call().await {
        Ok(seconds) => Ok(Some(seconds)),
        Err(error) => match error.revert_data() {
            Some(_) => Ok(None),
            None => Err(error).context("cannot ask ArbWasm"),
        },
    }
}

/// False if the program is too young.
async fn renew(chain: &Chain, codehash: B256) -> anyhow::Result<bool> {
    let data: Bytes = IArbWasm::codehashKeepaliveCall { codehash }
        .abi_encode()
        .into();
    let Some(fee) = fee(chain, data.clone()).await? else {
        return Ok(false);
    };
    send(chain, data, fee).await.map(|()| true)
}

async fn activate(chain: &Chain, program: Address) -> anyhow::Result<()> {
    let data: Bytes = IArbWasm::activateProgramCall { program }
        .abi_encode()
        .into();
    let fee = fee(chain, data.clone()).await?;
    let fee = fee.context("ArbWasm says that it is too soon for an expired program")?;
    send(chain, data, fee).await
}

/// What ArbWasm charges: it says so itself when it is given nothing. `None` if it is too soon.
async fn fee(chain: &Chain, data: Bytes) -> anyhow::Result<Option<U256>> {
    let request = TransactionRequest::default()
        .from(chain.sender)
        .to(ARB_WASM)
        .input(data.into());
    let Err(error) = chain.provider.call(request).await else {
        return Ok(Some(U256::ZERO));
    };
    let Some(answer) = error.revert_data() else {
        return Err(error).context("cannot ask ArbWasm for its fee");
    };
    if IArbWasm::ProgramKeepaliveTooSoon::abi_decode(&answer).is_ok() {
        return Ok(None);
    }
    match IArbWasm::ProgramInsufficientValue::abi_decode(&answer) {
        Ok(needed) => Ok(Some(bumped(needed.want))),
        Err(_) => bail!("ArbWasm refuses with {answer}"),
    }
}

/// What is sent beyond the fee comes back.
async fn send(chain: &Chain, data: Bytes, fee: U256) -> anyhow::Result<()> {
    let request = TransactionRequest::default()
        .to(ARB_WASM)
        .value(fee)
        .input(data.into());
    let signed = chain.sign(request).await?;
    chain.submit(&signed).await.map(drop)
}
