//! The kept devnet: made once, found again, and alive when started.

use std::{fs, path::PathBuf, process};

use alloy::primitives::U256;
use devnet::Devnet;
use devnet_superfluid::{
    bindings::{ISuperToken, ITestToken},
    ready, Artifacts,
};

struct Cache(PathBuf);

impl Cache {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("ready-{name}-{}", process::id())))
    }

    fn entries(&self) -> usize {
        fs::read_dir(&self.0).unwrap().count()
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn is_made_once_and_starts_as_it_was() {
    let cache = Cache::new("once");
    let artifacts = Artifacts::locate().unwrap();
    let made = ready(&cache.0, &artifacts, Devnet::builder())
        .await
        .unwrap();
    let written = fs::metadata(&made.state).unwrap().modified().unwrap();
    let found = ready(&cache.0, &artifacts, Devnet::builder())
        .await
        .unwrap();
    assert_eq!(
        (&found.state, found.superfluid),
        (&made.state, made.superfluid)
    );
    assert_eq!(
        fs::metadata(&found.state).unwrap().modified().unwrap(),
        written
    );
    assert_eq!(cache.entries(), 1);

    let devnet = Devnet::builder().state_file(&found.state).build().unwrap();
    assert!(devnet.loaded());
    let provider = devnet.provider();
    let user = devnet.account(0);
    let usdc = ITestToken::new(found.superfluid.usdc, &provider);
    let usdcx = ISuperToken::new(found.superfluid.usdcx, &provider);
    let amount = U256::from(5_000_000);
    usdc.mint(user, amount)
        .send()
        .await
        .unwrap()
        .get_receipt()
        .await
        .unwrap();
    usdc.approve(*usdcx.address(), amount)
        .send()
        .await
        .unwrap()
        .get_receipt()
        .await
        .unwrap();
    let wrapped = U256::from(5_000_000_000_000_000_000_u64);
    usdcx
        .upgrade(wrapped)
        .send()
        .await
        .unwrap()
        .get_receipt()
        .await
        .unwrap();
    assert_eq!(usdcx.balanceOf(user).call().await.unwrap(), wrapped);
    assert_eq!(usdc.balanceOf(user).call().await.unwrap(), U256::ZERO);
}

#[tokio::test]
async fn chains_of_other_parameters_are_kept_apart() {
    let cache = Cache::new("apart");
    let artifacts = Artifacts::locate().unwrap();
    let one = ready(&cache.0, &artifacts, Devnet::builder())
        .await
        .unwrap();
    let other = ready(&cache.0, &artifacts, Devnet::builder().chain_id(412_346))
        .await
        .unwrap();
    assert_ne!(one.state, other.state);
    let devnet = Devnet::builder()
        .chain_id(412_346)
        .state_file(&other.state)
        .build()
        .unwrap();
    assert_eq!(devnet.chain_id(), 412_346);
}

#[tokio::test]
async fn of_many_at_once_one_is_kept() {
    let cache = Cache::new("many");
    let artifacts = Artifacts::locate().unwrap();
    let (one, other) = tokio::join!(
        ready(&cache.0, &artifacts, Devnet::builder()),
        ready(&cache.0, &artifacts, Devnet::builder()),
    );
    assert_eq!(one.unwrap().state, other.unwrap().state);
    assert_eq!(cache.entries(), 1);
}
