//! The suite's contracts on a devnet, as built by `cargo xtask build`.

use alloy::{
    primitives::{address, Address, B256, U256},
    providers::DynProvider,
    rpc::types::TransactionReceipt,
    sol,
    sol_types::SolValue,
};
use bpe::programs;
use bpe_abi::{
    ICapacityRegistry::{self, ICapacityRegistryInstance},
    IStakeManager::{self, IStakeManagerInstance},
};
use devnet::Devnet;

use crate::{solidity, stage::mined};

sol! {
    /// `tests/contracts/StakeToken.sol`.
    #[sol(rpc)]
    interface IStakeToken {
        function mint(address to, uint256 value) external;
        function approve(address spender, uint256 value) external returns (bool);
        function transfer(address to, uint256 value) external returns (bool);
        function balanceOf(address account) external view returns (uint256);
    }
}

/// One token of 18 decimals.
pub const TOKEN: u64 = 1_000_000_000_000_000_000;

/// One capacity unit.
pub const UNIT: u64 = 1_000_000_000;

/// The notice of powers, in seconds, once staking is open.
pub const NOTICE: u64 = 7 * 86_400;

/// The task type that most tests are about.
pub const CODE: B256 = B256::repeat_byte(0xc0);

pub fn tokens(amount: u64) -> U256 {
    U256::from(amount) * U256::from(TOKEN)
}

pub fn units(amount: u64) -> U256 {
    U256::from(amount) * U256::from(UNIT)
}

/// StakeManager and CapacityRegistry, wired: a plain ERC-20 as stake, 1 token per capacity unit, minimum stake 100, the task
/// type [`CODE`] with minimum stake 100. Account 0 is the owner, the slasher, the aggregator and an adapter.
pub struct Foundations {
    pub devnet: Devnet,
    pub provider: DynProvider,
    pub owner: Address,
    pub token: IStakeToken::IStakeTokenInstance<DynProvider>,
    pub stakes: IStakeManagerInstance<DynProvider>,
    pub registry: ICapacityRegistryInstance<DynProvider>,
}

impl Foundations {
    pub async fn start() -> Self {
        Self::on(Devnet::new().expect("a new chain starts")).await
    }

    pub async fn on(devnet: Devnet) -> Self {
        let (provider, owner) = (devnet.provider(), devnet.account(0));
        let compiled = solidity::compile("StakeToken.sol", "StakeToken").await;
        let token = solidity::deploy(&provider, &compiled, &[]).await;
        let arguments = (token, tokens(1), tokens(100), U256::ZERO, owner).abi_encode_params();
        let stakes = deploy(&devnet, "stake-manager", arguments).await;
        let registry = deploy(
            &devnet,
            "capacity-registry",
            (stakes, owner).abi_encode_params(),
        )
        .await;
        let it = Self {
            token: IStakeToken::new(token, provider.clone()),
            stakes: IStakeManager::new(stakes, provider.clone()),
            registry: ICapacityRegistry::new(registry, provider.clone()),
            provider,
            owner,
            devnet,
        };
        mined(it.stakes.setRegistry(registry, true).send().await).await;
        mined(it.stakes.setSlasher(owner, true).send().await).await;
        mined(it.registry.setAggregator(owner).send().await).await;
        mined(it.registry.setAdapter(owner, true).send().await).await;
        mined(it.registry.registerTaskType(CODE, tokens(100)).send().await).await;
        it
    }

    /// An account of its own with ether, so many tokens, and an approval for all of them.
    pub async fn sink(&self, number: u8, amount: u64) -> Address {
        let sink = Address::repeat_byte(number);
        self.equip(sink, amount).await;
        sink
    }

    /// Makes `account` one that the node sends for, with ether, so many tokens, and an approval for all of them.
    pub async fn equip(&self, account: Address, amount: u64) {
        self.open().await;
        self.devnet.impersonate(account);
        self.devnet.set_balance(account, tokens(1));
        let mint = self.token.mint(account, tokens(amount));
        mined(mint.send().await).await;
        let approve = self.token.approve(*self.stakes.address(), U256::MAX);
        mined(approve.from(account).send().await).await;
    }

    /// Opens staking, if it is not open yet: what gives powers comes before.
    pub async fn open(&self) {
        if !self.stakes.opened().call().await.unwrap() {
            mined(self.stakes.open().send().await).await;
        }
    }

    /// Gives `account`, which the node sends for, a minimum stake: what it sets aside for a task type of its own.
    pub async fn bond(&self, account: Address) {
        self.open().await;
        mined(self.token.mint(account, tokens(100)).send().await).await;
        let approve = self.token.approve(*self.stakes.address(), tokens(100));
        mined(approve.from(account).send().await).await;
        mined(self.stakes.stake(tokens(100)).from(account).send().await).await;
    }

    /// A sink that has staked.
    pub async fn staked(&self, number: u8, amount: u64) -> Address {
        let sink = self.sink(number, amount).await;
        mined(self.stakes.stake(tokens(amount)).from(sink).send().await).await;
        sink
    }

    /// A sink that serves [`CODE`] with `capacity` units.
    pub async fn registered(&self, number: u8, amount: u64, capacity: u64) -> Address {
        let sink = self.staked(number, amount).await;
        mined(
            self.registry
                .registerSink(CODE, units(capacity))
                .from(sink)
                .send()
                .await,
        )
        .await;
        sink
    }

    pub async fn slash(&self, sink: Address, amount: u64) -> TransactionReceipt {
        mined(
            self.stakes
                .slash(sink, tokens(amount), B256::ZERO)
                .send()
                .await,
        )
        .await
    }

    /// Takes what slashes have still to take of `sink`, day after day, until nothing is owed.
    pub async fn take_owed(&self, sink: Address) {
        while self.stakes.getOwed(sink).call().await.unwrap().amount > U256::ZERO {
            self.devnet.advance_time(86_400).unwrap();
            mined(self.stakes.takeOwed(sink).send().await).await;
        }
    }
}

/// Where slashed tokens go without a treasury.
pub const BURNT: Address = address!("000000000000000000000000000000000000dEaD");

/// Deploys a program of the suite as the demo does.
pub async fn deploy(devnet: &Devnet, contract: &str, arguments: Vec<u8>) -> Address {
    programs::deploy(devnet, contract, arguments)
        .await
        .unwrap_or_else(|error| panic!("{error:#}"))
}
