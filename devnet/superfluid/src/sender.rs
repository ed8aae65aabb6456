//! Sending transactions one by one, each waited for.

use std::time::{Duration, Instant};

use alloy::{
    network::TransactionBuilder,
    primitives::{Address, Bytes, TxHash},
    providers::Provider,
    rpc::types::{TransactionReceipt, TransactionRequest},
    sol_types::SolCall,
    transports::{RpcError, TransportErrorKind},
};

use crate::artifacts::ArtifactError;

/// A public chain under load may take minutes to include a transaction.
const INCLUSION_TIMEOUT: Duration = Duration::from_secs(300);
const LONGEST_POLL: Duration = Duration::from_secs(1);

/// Why a deployment stopped, and at which step.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    #[error("{step}: the node refused")]
    Rpc {
        step: String,
        source: RpcError<TransportErrorKind>,
    },
    #[error("{step}: a view failed")]
    View {
        step: String,
        source: Box<alloy::contract::Error>,
    },
    #[error("{step}: transaction {hash} reverted")]
    Reverted { step: String, hash: TxHash },
    #[error("{step}: transaction {hash} is not in a block after {} s", INCLUSION_TIMEOUT.as_secs())]
    NotIncluded { step: String, hash: TxHash },
    #[error("{step}: transaction {hash} does not tell the new contract's address")]
    NoAddress { step: String, hash: TxHash },
}

/// Sends transactions of one account. Every method's `step` names it in errors.
pub(crate) struct Sender<'a, P> {
    pub provider: &'a P,
    pub from: Address,
}

impl<P: Provider> Sender<'_, P> {
    pub async fn create(&self, step: &str, init_code: Bytes) -> Result<Address, DeployError> {
        let receipt = self
            .send(
                step,
                TransactionRequest::default().with_deploy_code(init_code),
            )
            .await?;
        let hash = receipt.transaction_hash;
        receipt
            .contract_address
            .ok_or_else(|| DeployError::NoAddress {
                step: step.to_owned(),
                hash,
            })
    }

    pub async fn call<C: SolCall>(
        &self,
        to: Address,
        call: C,
    ) -> Result<TransactionReceipt, DeployError> {
        let request = TransactionRequest::default()
            .with_to(to)
            .with_input(call.abi_encode());
        self.send(C::SIGNATURE, request).await
    }

    pub async fn send(
        &self,
        step: &str,
        request: TransactionRequest,
    ) -> Result<TransactionReceipt, DeployError> {
        let refused = |source| DeployError::Rpc {
            step: step.to_owned(),
            source,
        };
        let pending = self
            .provider
            .send_transaction(request.with_from(self.from))
            .await
            .map_err(refused)?;
        self.included(step, *pending.tx_hash()).await
    }

    pub async fn send_raw(
        &self,
        step: &str,
        transaction: &[u8],
    ) -> Result<TransactionReceipt, DeployError> {
        let refused = |source| DeployError::Rpc {
            step: step.to_owned(),
            source,
        };
        let pending = self
            .provider
            .send_raw_transaction(transaction)
            .await
            .map_err(refused)?;
        self.included(step, *pending.tx_hash()).await
    }

    /// Asks at once, then ever more rarely: a devnet has the receipt before alloy's own heartbeat first looks.
    async fn included(&self, step: &str, hash: TxHash) -> Result<TransactionReceipt, DeployError> {
        let start = Instant::now();
        let mut pause = Duration::from_millis(2);
        while start.elapsed() < INCLUSION_TIMEOUT {
            let receipt = self.provider.get_transaction_receipt(hash).await;
            match receipt.map_err(|source| DeployError::Rpc {
                step: step.to_owned(),
                source,
            })? {
                Some(receipt) if receipt.status() => return Ok(receipt),
                Some(_) => {
                    return Err(DeployError::Reverted {
                        step: step.to_owned(),
                        hash,
                    })
                }
                None => tokio::time::sleep(pause).await,
            }
            pause = (2 * pause).min(LONGEST_POLL);
        }
        Err(DeployError::NotIncluded {
            step: step.to_owned(),
            hash,
        })
    }
}
