//! Prints every `SinkRegistered` of a deployment, each once, however often it is stopped and started, and takes back what a
//! reorganisation took back:
//!
//! ```sh
//! cargo run -p bpe-chain --example follow -- http://127.0.0.1:8545 deployments/31337.json ./state
//! ```

use std::{path::PathBuf, time::Duration};

use alloy::{
    primitives::Address,
    providers::{Provider as _, ProviderBuilder},
    rpc::types::Log,
    sol_types::SolEvent as _,
};
use bpe_abi::ICapacityRegistry::SinkRegistered;
use bpe_chain::{
    ChainError, Database, Deployment, Follower, FollowerSettings, Identity, Progress, Projection,
};
use sqlx::AnyConnection;

struct Registrations {
    registry: Address,
}

impl Projection for Registrations {
    async fn addresses(&self) -> Result<Vec<Address>, ChainError> {
        Ok(vec![self.registry])
    }

    fn discovered(&self, _: &[Log]) -> Vec<Address> {
        Vec::new()
    }

    async fn apply(
        &self,
        tables: &mut AnyConnection,
        log: &Log,
        time: u64,
    ) -> Result<(), ChainError> {
        if let Ok(event) = SinkRegistered::decode_log(&log.inner) {
            sqlx::query("INSERT INTO registrations (block, sink) VALUES ($1, $2)")
                .bind(log.block_number.unwrap_or_default() as i64)
                .bind(event.sink.to_string())
                .execute(tables)
                .await?;
            println!("{time}: {} with {}", event.sink, event.initialCapacity);
        }
        Ok(())
    }

    async fn rewind(&self, tables: &mut AnyConnection, block: u64) -> Result<(), ChainError> {
        println!("back to block {block}");
        sqlx::query("DELETE FROM registrations WHERE block > $1")
            .bind(block as i64)
            .execute(tables)
            .await?;
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [rpc, record, state] = arguments.as_slice() else {
        return Err("needs an endpoint, a deployments file and a folder".into());
    };
    let provider = ProviderBuilder::new().connect(rpc).await?.erased();
    let deployment = Deployment::read(&PathBuf::from(record))?;
    let registry = deployment.address("capacityRegistry")?;
    let identity = Identity {
        chain_id: deployment.chain_id,
        instance: deployment.check(&provider).await?,
        registry,
    };
    let table = "CREATE TABLE registrations (block BIGINT NOT NULL, sink TEXT NOT NULL)";
    let own = [(100, "registrations", table)];
    let database = Database::open_file(&PathBuf::from(state), "follow", &identity, &own).await?;
    let settings = FollowerSettings {
        first_block: deployment.first_block(),
        ..FollowerSettings::default()
    };
    let follower = Follower::new(provider, database, Registrations { registry }, settings);
    loop {
        if let Progress::AtHead { .. } = follower.step().await? {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}
