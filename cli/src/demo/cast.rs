//! The people of the demo on chain: keys, money, and what they sign.

use alloy::{
    primitives::{Address, Bytes, B256, U256},
    signers::{
        local::{coins_bip39::English, MnemonicBuilder, PrivateKeySigner},
        SignerSync,
    },
    sol,
    sol_types::{eip712_domain, Eip712Domain, SolStruct},
};
use anyhow::Context as _;
use bpe_abi::{
    typed_data::{self, WorkVoucher},
    ICompletionTracker::SignedTask,
    IOffchainAggregator::SignedAttestation,
    IWorkVouchers::SignedVoucher,
};
use devnet::{Devnet, DEV_BALANCE, DEV_MNEMONIC};
use devnet_superfluid::bindings::ITestToken;

use super::{
    chain::send,
    suite::{tokens, wei_per_second, Suite},
    world::{World, EPOCH},
};

sol! {
    struct CompletionReceipt {
        bytes32 taskTypeId;
        address sink;
        address source;
        bytes32 taskId;
        uint256 timestamp;
    }

    struct TaskAssignment {
        bytes32 taskTypeId;
        address sink;
        address source;
        bytes32 taskId;
        uint256 deadline;
    }

    struct CapacityAttestation {
        bytes32 taskTypeId;
        address sink;
        uint256 capacity;
        uint256 timestamp;
        uint256 nonce;
    }
}

/// The devnet's funded accounts and their parts. 9 belongs to Superfluid.
const SOURCES: [usize; 2] = [1, 2];
pub const FEE_RECIPIENT: usize = 3;
pub const TREASURY: usize = 4;
const BANK: usize = 5;

/// The first account of the well-known mnemonic that the devnet does not fund: sinks have keys of their own.
const FIRST_SINK: u32 = 10;

/// A stream needs a deposit of four hours of it.
const DEPOSIT_SECONDS: u64 = 4 * 3_600;

/// Sources pay at most so many per cent of the posted price.
pub const HIGHEST_PRICE: u64 = 125;

/// Superfluid's least deposits, in whole tokens, with room to spare.
const LEAST_DEPOSITS: u64 = 200;

/// A USDCx of 18 decimals for a USDC of 6.
const USDCX_PER_USDC: u64 = 1_000_000_000_000;

pub struct Cast {
    pub sinks: Vec<PrivateKeySigner>,
    pub sources: Vec<PrivateKeySigner>,
    /// What each source starts with.
    pub source_funds: Vec<U256>,
    /// Where all tokens come from.
    pub bank: Address,
    /// All that there is.
    pub minted: U256,
    tracker: Eip712Domain,
    aggregator: Eip712Domain,
    vouchers: Eip712Domain,
}

impl Cast {
    /// Gives everybody keys and money.
    pub async fn fund(world: &World, suite: &Suite) -> anyhow::Result<Self> {
        let devnet = &suite.devnet;
        let sources = SOURCES.map(|index| devnet.signers()[index].clone());
        let mnemonic = MnemonicBuilder::<English>::default().phrase(DEV_MNEMONIC);
        let keys = (FIRST_SINK..).take(world.sinks.len());
        let sinks: Vec<PrivateKeySigner> = keys
            .map(|index| mnemonic.clone().index(index)?.build())
            .collect::<Result<_, _>>()
            .context("cannot derive the sinks' keys")?;
        let stakes: Vec<U256> = world.sinks.iter().map(|it| tokens(it.stake)).collect();
        let source_funds = source_funds(world);
        let cast = Self {
            bank: devnet.account(BANK),
            minted: stakes.iter().chain(&source_funds).sum(),
            tracker: domain(devnet, "BPE-CompletionTracker", *suite.tracker.address()),
            aggregator: domain(
                devnet,
                "BPE-OffchainAggregator",
                *suite.aggregator.address(),
            ),
            vouchers: typed_data::work_ledger(devnet.chain_id(), *suite.vouchers.address()),
            sinks,
            sources: sources.to_vec(),
            source_funds,
        };
        cast.mint(suite).await?;
        for (sink, stake) in cast.sinks.iter().zip(stakes) {
            let sink = sink.address();
            // The node sends for accounts that it funds, and for those that it is told to.
            devnet.impersonate(sink);
            devnet.set_balance(sink, DEV_BALANCE);
            cast.pay(suite, sink, stake).await?;
        }
        for (source, funds) in cast.sources.iter().zip(&cast.source_funds) {
            cast.pay(suite, source.address(), *funds).await?;
        }
        Ok(cast)
    }

    /// Makes all the USDCx there will be, in the bank.
    async fn mint(&self, suite: &Suite) -> anyhow::Result<()> {
        let (devnet, addresses) = (&suite.devnet, &suite.superfluid);
        let usdc = ITestToken::new(addresses.usdc, devnet.provider());
        let underlying = self.minted / U256::from(USDCX_PER_USDC);
        send(devnet, usdc.mint(self.bank, underlying), "mint USDC").await?;
        let approve = usdc.approve(addresses.usdcx, underlying).from(self.bank);
        send(devnet, approve, "approve USDC").await?;
        let upgrade = suite.usdcx.upgrade(self.minted).from(self.bank);
        send(devnet, upgrade, "wrap USDC").await?;
        Ok(())
    }

    async fn pay(&self, suite: &Suite, to: Address, amount: U256) -> anyhow::Result<()> {
        let transfer = suite.usdcx.transfer(to, amount).from(self.bank);
        send(&suite.devnet, transfer, "pay out USDCx").await?;
        Ok(())
    }

    // --- What is signed

    /// `sink` accepts the task of `source`.
    pub fn assignment(&self, task: &Deal, deadline: u64) -> anyhow::Result<SignedTask> {
        let (sink, source) = (&self.sinks[task.sink], &self.sources[task.source]);
        let message = TaskAssignment {
            taskTypeId: task.task_type,
            sink: sink.address(),
            source: source.address(),
            taskId: task.id,
            deadline: U256::from(deadline),
        };
        self.signed_task(task, deadline, &message)
    }

    /// Both confirm that the task was done at `time`.
    pub fn receipt(&self, task: &Deal, time: u64) -> anyhow::Result<SignedTask> {
        let (sink, source) = (&self.sinks[task.sink], &self.sources[task.source]);
        let message = CompletionReceipt {
            taskTypeId: task.task_type,
            sink: sink.address(),
            source: source.address(),
            taskId: task.id,
            timestamp: U256::from(time),
        };
        self.signed_task(task, time, &message)
    }

    fn signed_task(
        &self,
        task: &Deal,
        time: u64,
        message: &impl SolStruct,
    ) -> anyhow::Result<SignedTask> {
        let (sink, source) = (&self.sinks[task.sink], &self.sources[task.source]);
        Ok(SignedTask {
            taskTypeId: task.task_type,
            sink: sink.address(),
            source: source.address(),
            taskId: task.id,
            time: U256::from(time),
            sinkSig: sign(sink, message, &self.tracker)?,
            sourceSig: sign(source, message, &self.tracker)?,
        })
    }

    /// Both sign what the sink has done for the source since ever.
    pub fn voucher(
        &self,
        sink: usize,
        source: usize,
        voucher: &WorkVoucher,
    ) -> anyhow::Result<SignedVoucher> {
        let (sink, source) = (&self.sinks[sink], &self.sources[source]);
        typed_data::sign_voucher(sink, source, voucher, &self.vouchers).context("cannot sign")
    }

    /// The sink says what it can do.
    pub fn attestation(
        &self,
        sink: usize,
        task_type: B256,
        capacity: U256,
        time: u64,
        nonce: u64,
    ) -> anyhow::Result<SignedAttestation> {
        let sink = &self.sinks[sink];
        let message = CapacityAttestation {
            taskTypeId: task_type,
            sink: sink.address(),
            capacity,
            timestamp: U256::from(time),
            nonce: U256::from(nonce),
        };
        Ok(SignedAttestation {
            signature: sign(sink, &message, &self.aggregator)?,
            taskTypeId: message.taskTypeId,
            sink: message.sink,
            capacity: message.capacity,
            timestamp: message.timestamp,
            nonce: message.nonce,
        })
    }
}

/// A task that a sink takes on for a source, by their places in the cast.
#[derive(Clone, Copy, Debug)]
pub struct Deal {
    pub market: usize,
    pub task_type: B256,
    pub sink: usize,
    pub source: usize,
    pub id: B256,
}

/// What each source needs for its spending and its streams' deposits, even if its peaks last.
fn source_funds(world: &World) -> Vec<U256> {
    let seconds = DEPOSIT_SECONDS + world.epochs * EPOCH;
    let need = |parts: &[f64; 2]| -> U256 {
        let peaks = world.markets.iter().zip(parts);
        let rate = peaks.map(|(market, part)| (market.peak * part).max(market.mean));
        let rate: f64 = rate.sum();
        wei_per_second(rate) * U256::from(seconds * HIGHEST_PRICE) / U256::from(100)
    };
    let sources = world.sources.iter();
    sources
        .map(|it| need(&it.parts).next_multiple_of(tokens(1)) + tokens(LEAST_DEPOSITS))
        .collect()
}

fn domain(devnet: &Devnet, name: &'static str, contract: Address) -> Eip712Domain {
    eip712_domain! {
        name: name,
        version: "1",
        chain_id: devnet.chain_id(),
        verifying_contract: contract,
    }
}

/// A signature as contracts take it: r, s, v.
fn sign(
    signer: &PrivateKeySigner,
    message: &impl SolStruct,
    domain: &Eip712Domain,
) -> anyhow::Result<Bytes> {
    let hash = message.eip712_signing_hash(domain);
    let signature = signer.sign_hash_sync(&hash).context("cannot sign")?;
    Ok(signature.as_bytes().into())
}
