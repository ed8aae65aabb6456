//! The chain as the demo sees it, over the endpoint that the processes use: who holds what, and what has counted.

use std::{collections::BTreeMap, path::Path};

use alloy::{
    primitives::{Address, B256, I256, U256},
    providers::{ext::AnvilApi as _, DynProvider, Provider as _, ProviderBuilder},
};
use anyhow::{ensure, Context as _};
use bpe::deploy::{Book, DEPLOYMENTS};
use bpe_abi::{IBackpressurePool, IServiceDirectory, IWorkVouchers};
use devnet_superfluid::{
    bindings::{ISuperToken, ISuperfluidPool},
    Deployments, SuperfluidAddresses,
};

/// Wei of ether that the keeper gets.
const KEEPERS_ETHER: u128 = 100_000_000_000_000_000_000;

/// What everybody holds in USDCx, at one moment, in wei: balance, Superfluid's deposits, and what can be claimed.
pub type Holdings = BTreeMap<String, I256>;

/// What has counted between a source and a sink.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counted {
    pub work: u128,
    pub value: u128,
    pub tasks: u64,
}

pub struct Chain {
    provider: DynProvider,
    superfluid: SuperfluidAddresses,
    contracts: BTreeMap<String, Address>,
    id: B256,
}

impl Chain {
    /// The deployment that is recorded in the demo's folder.
    ///
    /// # Errors
    /// If it lacks something.
    pub fn open(folder: &Path, rpc: &str, chain_id: u64, id: B256) -> anyhow::Result<Self> {
        let client = bpe_rpc::client(rpc.parse()?)?;
        let provider = ProviderBuilder::new().connect_client(client);
        let file = Deployments::path(&folder.join(DEPLOYMENTS), chain_id, None);
        let book = Book::read(&file)?;
        let superfluid = *book.superfluid().context("there is no Superfluid")?;
        let contracts = book.contracts().iter();
        let contracts = contracts.map(|(name, it)| (name.to_string(), it.address));
        Ok(Self {
            provider: provider.erased(),
            superfluid,
            contracts: contracts.collect(),
            id,
        })
    }

    fn at(&self, name: &str) -> anyhow::Result<Address> {
        let at = self.contracts.get(name).copied();
        at.with_context(|| format!("the deployment has no {name}"))
    }

    /// Says how the task type's work is counted.
    ///
    /// # Errors
    /// If the chain refuses it.
    pub async fn describe(&self, owner: Address, metadata: &str) -> anyhow::Result<()> {
        let directory = IServiceDirectory::new(self.at("ServiceDirectory")?, &self.provider);
        let call = directory.describe(self.id, metadata.to_owned()).from(owner);
        let receipt = call.send().await?.get_receipt().await?;
        ensure!(receipt.status(), "the task type cannot be described");
        Ok(())
    }

    /// # Errors
    /// If the chain refuses it.
    pub async fn fund_keeper(&self, keeper: Address) -> anyhow::Result<()> {
        let set = self
            .provider
            .anvil_set_balance(keeper, U256::from(KEEPERS_ETHER));
        Ok(set.await?)
    }

    /// Mines a block every so many seconds of the chain, in place of one for each transaction.
    ///
    /// # Errors
    /// If the chain refuses it.
    pub async fn mine_every(&self, seconds: u64) -> anyhow::Result<()> {
        Ok(self.provider.anvil_set_interval_mining(seconds).await?)
    }

    /// Lets so many seconds pass at once.
    ///
    /// # Errors
    /// If the chain refuses it.
    pub async fn let_pass(&self, seconds: u64) -> anyhow::Result<()> {
        self.provider.anvil_increase_time(seconds).await?;
        self.provider.anvil_mine(Some(1), None).await?;
        Ok(())
    }

    /// # Errors
    /// If the node does not answer.
    pub async fn counted(&self, source: Address, sink: Address) -> anyhow::Result<Counted> {
        let vouchers = IWorkVouchers::new(self.at("WorkVouchers")?, &self.provider);
        let totals = vouchers.getTotals(self.id, source, sink).call().await?;
        Ok(Counted {
            work: totals.work.saturating_to(),
            value: totals.value.saturating_to(),
            tasks: totals.tasks.saturating_to(),
        })
    }

    /// What these accounts hold, and what all contracts do.
    ///
    /// # Errors
    /// If the node does not answer, or not all tokens are found.
    pub async fn holdings(&self, accounts: &[(String, Address)]) -> anyhow::Result<Holdings> {
        let usdcx = ISuperToken::new(self.superfluid.usdcx, &self.provider);
        let pools = IBackpressurePool::new(self.at("BackpressurePool")?, &self.provider);
        let pool = pools.getPool(self.id).call().await?;
        let members = ISuperfluidPool::new(pool, &self.provider);
        let contracts = self.contracts.iter().map(|(name, at)| (name.clone(), *at));
        let mut holdings = Holdings::new();
        let mut unclaimed = I256::ZERO;
        for (name, account) in accounts.iter().cloned().chain(contracts) {
            let balance = usdcx.realtimeBalanceOfNow(account).call().await?;
            let deposits = I256::try_from(balance.deposit)? - I256::try_from(balance.owedDeposit)?;
            let claimable = members
                .getClaimableNow(account)
                .call()
                .await?
                .claimableBalance;
            unclaimed += claimable;
            holdings.insert(name, balance.availableBalance + deposits + claimable);
        }
        let balance = usdcx.realtimeBalanceOfNow(pool).call().await?;
        let rest = balance.availableBalance + I256::try_from(balance.deposit)? - unclaimed;
        holdings.insert("unclaimed in Superfluid's pool".to_owned(), rest);
        let all = holdings.values().fold(I256::ZERO, |sum, it| sum + *it);
        let supply = I256::try_from(usdcx.totalSupply().call().await?)?;
        ensure!(
            all == supply,
            "all accounts together hold {all} wei of USDCx, and there are {supply}: a difference of {}",
            all - supply
        );
        Ok(holdings)
    }
}
