//! Where sinks can be reached: as a configuration lists them, or as they say on the chain.

use std::future::Future;

use alloy::{
    primitives::{Address, B256, U256},
    providers::DynProvider,
    sol,
    sol_types::{SolCall as _, SolEvent as _},
};
use bpe_chain::{Call, ChainError, Deployment};

use crate::streams::Step;

sol! {
    /// What of ServiceDirectory is used here.
    #[sol(rpc)]
    interface IServices {
        event ServiceSet(bytes32 indexed taskTypeId, address indexed sink, string uri);
        function setService(bytes32 taskTypeId, string calldata uri) external;
        function getService(bytes32 taskTypeId, address sink) external view returns (string memory);
        function getServices(bytes32 taskTypeId, uint256 from, uint256 count)
            external view returns (address[] memory sinks, string[] memory uris);
        function getMetadata(bytes32 taskTypeId) external view returns (string memory);
    }
}

/// A sink's address, and where it says that it is.
pub type Service = (Address, String);

/// Sinks in a page, and in all: who lists more than anybody can ask is not followed further.
const PAGE: u64 = 100;
const MOST: usize = 10_000;

/// Knows where the sinks of a task type are.
pub trait Directory {
    /// All of them that are to be reached anywhere.
    ///
    /// # Errors
    /// If the node does not answer.
    fn services(
        &self,
        task_type: B256,
    ) -> impl Future<Output = Result<Vec<Service>, ChainError>> + Send;
}

/// A list that stands in a configuration: the same for every task type.
#[derive(Clone, Debug, Default)]
pub struct Listed(pub Vec<Service>);

impl Directory for Listed {
    async fn services(&self, _: B256) -> Result<Vec<Service>, ChainError> {
        Ok(self.0.clone())
    }
}

/// ServiceDirectory.
#[derive(Clone, Debug)]
pub struct OnChain {
    contract: IServices::IServicesInstance<DynProvider>,
}

impl OnChain {
    /// The deployment's; `None` if it has none.
    pub fn find(deployment: &Deployment, provider: &DynProvider) -> Option<Self> {
        let at = deployment.find("serviceDirectory")?;
        Some(Self {
            contract: IServices::new(at, provider.clone()),
        })
    }

    /// Where a sink says that it is; empty if it does not.
    ///
    /// # Errors
    /// If the node does not answer.
    pub async fn service(&self, task_type: B256, sink: Address) -> Result<String, ChainError> {
        Ok(self.contract.getService(task_type, sink).call().await?)
    }

    /// A task type's metadata.
    ///
    /// # Errors
    /// If the node does not answer.
    pub async fn metadata(&self, task_type: B256) -> Result<String, ChainError> {
        Ok(self.contract.getMetadata(task_type).call().await?)
    }

    /// The step by which a sink says where it is.
    pub fn publish(&self, task_type: B256, uri: &str) -> Step {
        let call = IServices::setServiceCall {
            taskTypeId: task_type,
            uri: uri.to_owned(),
        };
        Step {
            name: "publish the address",
            call: Call {
                to: *self.contract.address(),
                data: call.abi_encode().into(),
            },
            emitter: *self.contract.address(),
            event: IServices::ServiceSet::SIGNATURE_HASH,
        }
    }
}

impl Directory for OnChain {
    async fn services(&self, task_type: B256) -> Result<Vec<Service>, ChainError> {
        let mut all = Vec::new();
        let mut from = 0;
        while all.len() < MOST {
            let (at, count) = (U256::from(from), U256::from(PAGE));
            let page = self
                .contract
                .getServices(task_type, at, count)
                .call()
                .await?;
            let found = page.sinks.len() as u64;
            let named = page.sinks.into_iter().zip(page.uris);
            all.extend(named.filter(|(_, uri)| !uri.is_empty()));
            if found < PAGE {
                break;
            }
            from += PAGE;
        }
        Ok(all)
    }
}
