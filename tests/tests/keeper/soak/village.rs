//! `bpe devnet` and `bpe deploy` as processes, and those who stake, stream and work there.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, time::Duration};

use alloy::{
    primitives::{aliases::I96, keccak256, Address, B256, U256},
    providers::{DynProvider, Provider as _, ProviderBuilder},
    signers::local::PrivateKeySigner,
};
use bpe_abi::{
    typed_data::{
        completion_tracker, offchain_aggregator, sign_attestation, sign_receipt,
        CapacityAttestation, CompletionReceipt,
    },
    IBackpressurePool::{self, IBackpressurePoolInstance},
    ICapacityRegistry::{self, ICapacityRegistryInstance},
    ICompletionTracker::{self, ICompletionTrackerInstance},
    IStakeManager,
    IStreamGateway::{self, IStreamGatewayInstance},
};
use bpe_tests::{settlement::RATE, stage::mined, suite::units};
use devnet_superfluid::bindings::{
    IBlindMacroForwarder::{self, IBlindMacroForwarderInstance},
    ISuperToken, ITestToken,
};
use serde_json::{json, Value};

use bpe_tests::process::{bpe, Process};

const CHAIN: u64 = 31_337;
/// Seconds of the chain for one of the machine, and between two blocks.
pub const SPEED: u64 = 60;
const BLOCK_TIME: u64 = 30;
/// Accounts of the devnet: the first owns the suite, the fourth is the keeper's.
const KEEPER: usize = 3;
const SOURCES: [usize; 2] = [4, 5];
const SINKS: [usize; 4] = [6, 7, 8, 9];

pub struct Village {
    _chain: Process,
    /// Host and port of the node.
    pub node: String,
    pub provider: DynProvider,
    pub sinks: Vec<PrivateKeySigner>,
    pub sources: Vec<PrivateKeySigner>,
    pub keeper: Address,
    pub code: B256,
    pub registry: ICapacityRegistryInstance<DynProvider>,
    pub pools: IBackpressurePoolInstance<DynProvider>,
    pub tracker: ICompletionTrackerInstance<DynProvider>,
    pub gateway: IStreamGatewayInstance<DynProvider>,
    aggregator: Address,
    macros: IBlindMacroForwarderInstance<DynProvider>,
}

fn write_key(path: &Path, signer: &PrivateKeySigner) {
    fs::write(path, signer.to_bytes().to_string()).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

async fn deploy(folder: &Path, url: &str) {
    let config =
        "[[task_types]]\nname = \"code\"\nmin_stake = \"100e18\"\nyardstick = \"declared\"\n";
    fs::write(folder.join("deploy.toml"), config).unwrap();
    let mut command = bpe(folder);
    command.args([
        "deploy",
        "--rpc",
        url,
        "--key-file",
        "owner",
        "--config",
        "deploy.toml",
    ]);
    bpe_tests::tools::run(command).await.succeeded();
}

impl Village {
    /// Four sinks, of which each serves for two units, and two sources.
    pub async fn found(folder: &Path) -> Self {
        let signers = devnet::dev_accounts().unwrap();
        write_key(&folder.join("owner"), &signers[0]);
        write_key(&folder.join("key"), &signers[KEEPER]);
        let mut command = bpe(folder);
        let speed = SPEED.to_string();
        command.args([
            "devnet",
            "--port",
            "0",
            "--offline",
            "--quiet",
            "--speed",
            &speed,
        ]);
        let (chain, line) = Process::start(command, &folder.join("devnet.log"), "Listening on ");
        let url = line.split(' ').next().unwrap().to_owned();
        deploy(folder, &url).await;
        let file = fs::read(folder.join("deployments/31337.json")).unwrap();
        let file: Value = serde_json::from_slice(&file).unwrap();
        let at = |name: &str| -> Address {
            let address = file["contracts"][name]["address"].as_str();
            address
                .unwrap_or_else(|| panic!("no {name}"))
                .parse()
                .unwrap()
        };
        let superfluid = |name: &str| -> Address {
            let address = file["superfluid"][name].as_str();
            address
                .unwrap_or_else(|| panic!("no {name}"))
                .parse()
                .unwrap()
        };
        let provider = ProviderBuilder::default()
            .connect_http(url.parse().unwrap())
            .erased();
        provider
            .client()
            .set_poll_interval(Duration::from_millis(20));
        let it = Self {
            _chain: chain,
            node: url
                .trim_start_matches("http://")
                .trim_end_matches('/')
                .to_owned(),
            sinks: SINKS.map(|index| signers[index].clone()).to_vec(),
            sources: SOURCES.map(|index| signers[index].clone()).to_vec(),
            keeper: signers[KEEPER].address(),
            code: keccak256("code"),
            registry: ICapacityRegistry::new(at("capacityRegistry"), provider.clone()),
            pools: IBackpressurePool::new(at("backpressurePool"), provider.clone()),
            tracker: ICompletionTracker::new(at("completionTracker"), provider.clone()),
            gateway: IStreamGateway::new(at("streamGateway"), provider.clone()),
            aggregator: at("offchainAggregator"),
            macros: IBlindMacroForwarder::new(superfluid("blindMacroForwarder"), provider.clone()),
            provider,
        };
        let tokens = (superfluid("usdc"), superfluid("usdcx"));
        it.settle(tokens, at("stakeManager"), signers[0].address())
            .await;
        // From now on blocks come by the clock.
        it.ask("evm_setIntervalMining", json!([BLOCK_TIME]))
            .await
            .unwrap();
        it
    }

    async fn settle(&self, (usdc, usdcx): (Address, Address), stakes: Address, owner: Address) {
        let (usdc, usdcx) = (
            ITestToken::new(usdc, &self.provider),
            ISuperToken::new(usdcx, &self.provider),
        );
        let whole = U256::from(10).pow(U256::from(18));
        for account in self.sinks.iter().chain(&self.sources) {
            let account = account.address();
            let amount = U256::from(20_000_000_000u64);
            mined(usdc.mint(account, amount).from(owner).send().await).await;
            mined(
                usdc.approve(*usdcx.address(), amount)
                    .from(account)
                    .send()
                    .await,
            )
            .await;
            let wrapped = U256::from(20_000) * whole;
            mined(usdcx.upgrade(wrapped).from(account).send().await).await;
        }
        for sink in &self.sinks {
            let sink = sink.address();
            let stake = U256::from(1_000) * whole;
            mined(usdcx.approve(stakes, stake).from(sink).send().await).await;
            let contract = IStakeManager::new(stakes, &self.provider);
            mined(contract.stake(stake).from(sink).send().await).await;
            let register = self.registry.registerSink(self.code, units(2));
            mined(register.from(sink).send().await).await;
        }
        for source in &self.sources {
            let create = self.gateway.createStream_0(self.code, rate(RATE));
            let parameters = create.call().await.unwrap();
            let run = self.macros.runMacro(*self.gateway.address(), parameters);
            // A second may pass after the estimate, and the next one costs more.
            let run = run.gas(1_500_000).from(source.address());
            mined(run.send().await).await;
        }
    }

    /// Asks the node; an error, if it refuses.
    pub async fn ask(&self, method: &'static str, parameters: Value) -> Result<Value, String> {
        let answer = self
            .provider
            .raw_request::<_, Value>(method.into(), parameters);
        answer.await.map_err(|error| error.to_string())
    }

    /// The chain's time, as the node shows it.
    pub async fn now(&self) -> Option<u64> {
        let block = self
            .ask("eth_getBlockByNumber", json!(["latest", false]))
            .await
            .ok()?;
        let hex = block["timestamp"].as_str()?.strip_prefix("0x")?.to_owned();
        u64::from_str_radix(&hex, 16).ok()
    }

    /// A stream of so many tenths of the usual; nobody waits for it, and a faulty node may refuse it.
    pub async fn stream(&self, source: usize, tenths: u64) {
        let update = self
            .gateway
            .updateStream(self.code, rate(RATE / 10 * u128::from(tenths)));
        let Ok(parameters) = update.call().await else {
            return;
        };
        let run = self.macros.runMacro(*self.gateway.address(), parameters);
        let _ = run.from(self.sources[source].address()).send().await;
    }

    pub fn attestation(&self, sink: usize, capacity: U256, now: u64, nonce: u64) -> Value {
        let signer = &self.sinks[sink];
        let message = CapacityAttestation {
            taskTypeId: self.code,
            sink: signer.address(),
            capacity,
            timestamp: U256::from(now),
            nonce: U256::from(nonce),
        };
        let domain = offchain_aggregator(CHAIN, self.aggregator);
        let it = sign_attestation(signer, &message, &domain).unwrap();
        json!({
            "taskTypeId": it.taskTypeId, "sink": it.sink, "capacity": it.capacity.to_string(),
            "timestamp": it.timestamp.to_string(), "nonce": it.nonce.to_string(), "signature": it.signature,
        })
    }

    pub fn receipt(&self, sink: usize, source: usize, task: B256, now: u64) -> Value {
        let (sink, source) = (&self.sinks[sink], &self.sources[source]);
        let message = CompletionReceipt {
            taskTypeId: self.code,
            sink: sink.address(),
            source: source.address(),
            taskId: task,
            timestamp: U256::from(now),
        };
        let domain = completion_tracker(CHAIN, *self.tracker.address());
        let it = sign_receipt(sink, source, &message, &domain).unwrap();
        json!({
            "taskTypeId": it.taskTypeId, "sink": it.sink, "source": it.source, "taskId": it.taskId,
            "timestamp": it.time.to_string(), "sinkSignature": it.sinkSig, "sourceSignature": it.sourceSig,
        })
    }
}

fn rate(wei_per_second: u128) -> I96 {
    I96::try_from(wei_per_second).unwrap()
}
