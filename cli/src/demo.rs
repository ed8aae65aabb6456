//! `bpe demo`: the suite on a devnet with real Superfluid. Agents stake USDCx, declare capacity, are smoothed, slashed and
//! clipped, and leave; at the end every token is accounted for.

use alloy::{
    network::Ethereum,
    primitives::{keccak256, utils::format_units, B256, U256},
    providers::{DynProvider, PendingTransactionBuilder},
    sol_types::SolValue,
};
use anyhow::{ensure, Context as _};
use bpe::programs;
use bpe_abi::{
    ICapacityRegistry::{self, ICapacityRegistryInstance},
    IStakeManager::{self, IStakeManagerInstance},
};
use devnet::Devnet;
use devnet_superfluid::{
    bindings::{ISuperToken, ITestToken},
    SuperfluidAddresses,
};

use crate::superfluid;

const TOKEN: u64 = 1_000_000_000_000_000_000;
const UNIT: u64 = 1_000_000_000;
/// One USDCx (18 decimals) is 10^12 times a unit of USDC (6 decimals).
const USDC: u64 = 1_000_000;
const DAY: u64 = 86_400;

/// An agent: what it stakes (USDCx), what it declares first and then reveals (capacity units).
struct Agent {
    name: &'static str,
    account: usize,
    stake: u64,
    first: u64,
    then: u64,
}

const AGENTS: [Agent; 3] = [
    Agent {
        name: "small",
        account: 1,
        stake: 400,
        first: 10,
        then: 20,
    },
    Agent {
        name: "large",
        account: 2,
        stake: 10_000,
        first: 60,
        then: 90,
    },
    Agent {
        name: "greedy",
        account: 3,
        stake: 2_500,
        first: 50,
        then: 1_000,
    },
];

/// The contracts of the demo, and what it knows of them.
struct Stage {
    devnet: Devnet,
    token: ISuperToken::ISuperTokenInstance<DynProvider>,
    stakes: IStakeManagerInstance<DynProvider>,
    registry: ICapacityRegistryInstance<DynProvider>,
    task_type: B256,
}

/// Runs it and prints what happens.
pub async fn run() -> anyhow::Result<()> {
    println!("Starting a devnet with Superfluid …");
    let ready = superfluid::prepare(Devnet::builder()).await?;
    let devnet = Devnet::builder().state_file(&ready.state).build()?;
    println!("Deploying StakeManager and CapacityRegistry …");
    let stage = Stage::deploy(devnet, &ready.superfluid).await?;
    for agent in &AGENTS {
        stage.join(agent, &ready.superfluid).await?;
    }
    stage
        .print("Registered: the cap is the square root of the stake")
        .await?;
    stage.reveal().await?;
    stage
        .print(
            "Revealed: smoothed capacity follows by 30 %, the greedy one no further than its cap",
        )
        .await?;
    stage.slash(&AGENTS[2]).await?;
    stage
        .print("Slashed by 10 %: the greedy one is clipped in the next transaction")
        .await?;
    stage.leave().await?;
    println!("\nEvery agent has left, waited a day and taken back its stake. StakeManager holds 0 USDCx.");
    Ok(())
}

impl Stage {
    async fn deploy(devnet: Devnet, superfluid: &SuperfluidAddresses) -> anyhow::Result<Self> {
        let owner = devnet.account(0);
        let arguments =
            (superfluid.usdcx, tokens(1), tokens(100), U256::ZERO, owner).abi_encode_params();
        let stakes = programs::deploy(&devnet, "stake-manager", arguments).await?;
        let arguments = (stakes, owner).abi_encode_params();
        let registry = programs::deploy(&devnet, "capacity-registry", arguments).await?;
        let provider = devnet.provider();
        let stage = Self {
            token: ISuperToken::new(superfluid.usdcx, provider.clone()),
            stakes: IStakeManager::new(stakes, provider.clone()),
            registry: ICapacityRegistry::new(registry, provider),
            task_type: keccak256("code-completion"),
            devnet,
        };
        mined(stage.stakes.setRegistry(registry, true).send().await).await?;
        mined(stage.stakes.setSlasher(owner, true).send().await).await?;
        mined(
            stage
                .registry
                .registerTaskType_0(stage.task_type, tokens(100))
                .send()
                .await,
        )
        .await?;
        Ok(stage)
    }

    /// Wraps USDC for the agent, stakes it and registers.
    async fn join(&self, agent: &Agent, superfluid: &SuperfluidAddresses) -> anyhow::Result<()> {
        let account = self.devnet.account(agent.account);
        let usdc = ITestToken::new(superfluid.usdc, self.devnet.provider());
        let underlying = U256::from(agent.stake) * U256::from(USDC);
        mined(usdc.mint(account, underlying).send().await).await?;
        mined(
            usdc.approve(superfluid.usdcx, underlying)
                .from(account)
                .send()
                .await,
        )
        .await?;
        let amount = tokens(agent.stake);
        mined(self.token.upgrade(amount).from(account).send().await).await?;
        mined(
            self.token
                .approve(*self.stakes.address(), amount)
                .from(account)
                .send()
                .await,
        )
        .await?;
        mined(self.stakes.stake(amount).from(account).send().await).await?;
        let register = self
            .registry
            .registerSink(self.task_type, units(agent.first));
        mined(register.from(account).send().await).await
    }

    /// Every agent commits to its next capacity, and reveals it in the next L1 block.
    async fn reveal(&self) -> anyhow::Result<()> {
        let nonce = keccak256("nonce");
        for agent in &AGENTS {
            let hash = keccak256((units(agent.then), nonce).abi_encode());
            let commit = self.registry.commitCapacity(self.task_type, hash);
            mined(commit.from(self.devnet.account(agent.account)).send().await).await?;
        }
        self.devnet.mine(1)?;
        for agent in &AGENTS {
            let reveal = self
                .registry
                .revealCapacity(self.task_type, units(agent.then), nonce);
            mined(reveal.from(self.devnet.account(agent.account)).send().await).await?;
        }
        Ok(())
    }

    async fn slash(&self, agent: &Agent) -> anyhow::Result<()> {
        let account = self.devnet.account(agent.account);
        let tenth = tokens(agent.stake) / U256::from(10);
        let reason = keccak256("COMPLETION_UNDERPERFORMANCE");
        mined(self.stakes.slash(account, tenth, reason).send().await).await?;
        mined(
            self.registry
                .syncCapacity(self.task_type, account)
                .send()
                .await,
        )
        .await
    }

    /// Everybody leaves and takes everything back; checks that nothing is left.
    async fn leave(&self) -> anyhow::Result<()> {
        for agent in &AGENTS {
            let leave = self.registry.deregisterSink(self.task_type);
            mined(leave.from(self.devnet.account(agent.account)).send().await).await?;
        }
        self.devnet.advance_time(DAY)?;
        for agent in &AGENTS {
            let account = self.devnet.account(agent.account);
            let stake = self.stakes.getStake(account).call().await?;
            mined(self.stakes.unstake(stake).from(account).send().await).await?;
            let back = self.token.balanceOf(account).call().await?;
            ensure!(
                back == stake,
                "{} has {back} wei instead of {stake}",
                agent.name
            );
        }
        let left = self.token.balanceOf(*self.stakes.address()).call().await?;
        ensure!(left.is_zero(), "{left} wei are left in StakeManager");
        Ok(())
    }

    async fn print(&self, title: &str) -> anyhow::Result<()> {
        println!("\n{title}\n");
        println!("| agent  |      stake |     locked |     cap |     raw | smoothed |  share |");
        println!("|--------|-----------:|-----------:|--------:|--------:|---------:|-------:|");
        let total = self
            .registry
            .getTaskType(self.task_type)
            .call()
            .await?
            .totalCapacity;
        let mut held = U256::ZERO;
        for agent in &AGENTS {
            let account = self.devnet.account(agent.account);
            let stake = self.stakes.getStake(account).call().await?;
            held += stake;
            let locked = self.stakes.getLockedStake(account).call().await?;
            let cap = self.stakes.getCapacityCap(account).call().await?;
            let raw = self
                .registry
                .getRawCapacity(self.task_type, account)
                .call()
                .await?;
            let smoothed = self
                .registry
                .getSmoothedCapacity(self.task_type, account)
                .call()
                .await?;
            let share = smoothed * U256::from(10_000) / total.max(U256::ONE);
            println!(
                "| {:6} | {:>10} | {:>10} | {:>7} | {:>7} | {:>8} | {:>4} % |",
                agent.name,
                short(stake, 18)?,
                short(locked, 18)?,
                short(cap, 9)?,
                short(raw, 9)?,
                short(smoothed, 9)?,
                short(share, 2)?,
            );
        }
        let balance = self.token.balanceOf(*self.stakes.address()).call().await?;
        ensure!(
            balance == held,
            "StakeManager holds {balance} wei, and owes {held}"
        );
        Ok(())
    }
}

fn tokens(amount: u64) -> U256 {
    U256::from(amount) * U256::from(TOKEN)
}

fn units(amount: u64) -> U256 {
    U256::from(amount) * U256::from(UNIT)
}

/// A fixed-point number with two decimals.
fn short(value: U256, decimals: u8) -> anyhow::Result<String> {
    let text = format_units(value, decimals)?;
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    Ok(format!("{whole}.{fraction:.2}"))
}

async fn mined<E>(sent: Result<PendingTransactionBuilder<Ethereum>, E>) -> anyhow::Result<()>
where
    E: std::error::Error + Send + Sync + 'static,
{
    let receipt = sent?
        .get_receipt()
        .await
        .context("a transaction was not included")?;
    ensure!(
        receipt.status(),
        "transaction {} reverted",
        receipt.transaction_hash
    );
    Ok(())
}
