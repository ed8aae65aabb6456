//! ServiceDirectory on top of verification and prices.

use alloy::{
    primitives::{Address, B256, U256},
    providers::DynProvider,
    sol_types::SolValue,
};
use bpe_abi::IServiceDirectory::{self, IServiceDirectoryInstance};

use crate::{
    proof::Proof,
    stage::mined,
    suite::{deploy, tokens},
};

/// The contracts of [`Proof`], and the directory that registry and prices know.
pub struct Directory {
    pub it: Proof,
    pub contract: IServiceDirectoryInstance<DynProvider>,
}

impl Directory {
    pub async fn start() -> Self {
        let it = Proof::start().await;
        let base = &it.core.base;
        let arguments = (*base.registry.address(), *it.pricing.address());
        let arguments = arguments.abi_encode_params();
        let directory = deploy(&base.devnet, "service-directory", arguments).await;
        let set = base.registry.setServiceDirectory(directory);
        mined(set.send().await).await;
        mined(it.pricing.setServiceDirectory(directory).send().await).await;
        Self {
            contract: IServiceDirectory::new(directory, base.provider.clone()),
            it,
        }
    }

    /// The id that nobody but `creator` can have for `name`.
    pub async fn derived(&self, creator: Address, name: &str) -> B256 {
        let id = self.contract.deriveTaskTypeId(creator, name.into());
        id.call().await.unwrap()
    }

    /// A task type of `creator`'s, which has the stake for it.
    pub async fn register(&self, creator: Address, name: &str) -> B256 {
        let id = self.derived(creator, name).await;
        let register = self
            .contract
            .registerTaskType_0(id, name.into(), tokens(100));
        let receipt = mined(register.from(creator).send().await).await;
        println!("registerTaskType, with pool: {} gas", receipt.gas_used);
        id
    }

    pub async fn set_service(&self, sink: Address, id: B256, uri: &str) {
        let set = self.contract.setService(id, uri.into()).from(sink);
        mined(set.send().await).await;
    }

    /// The first page of a task type's sinks, and where they are reached.
    pub async fn page(&self, id: B256) -> Vec<(Address, String)> {
        let page = self.contract.getServices(id, U256::ZERO, U256::from(64));
        let page = page.call().await.unwrap();
        page.sinks.into_iter().zip(page.uris).collect()
    }

    /// Which agent `sink` is now.
    pub async fn agent(&self, sink: Address) -> (Address, U256) {
        let agent = self.contract.getAgent(sink).call().await.unwrap();
        (agent.identityRegistry, agent.agentId)
    }
}
