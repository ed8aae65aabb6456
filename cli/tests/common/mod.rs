//! A served devnet, a folder and a key for a `bpe` that deploys; and a connection that breaks.

use std::{
    collections::BTreeMap,
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::Command,
    sync::{
        atomic::{AtomicBool, AtomicUsize, Ordering},
        Arc,
    },
    time::Duration,
};

use alloy::primitives::{Address, B256};
use devnet::{Devnet, RpcServer};
use devnet_superfluid::{ready, tools_dir, Artifacts, Deployments};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// What a run of `bpe` said.
#[derive(Debug)]
pub struct Outcome {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Outcome {
    #[track_caller]
    pub fn succeeded(self) -> String {
        assert_eq!(self.code, Some(0), "{}\n{}", self.stderr, self.stdout);
        self.stdout
    }

    /// Its standard error.
    #[track_caller]
    pub fn failed(self) -> String {
        assert_eq!(self.code, Some(1), "{}\n{}", self.stderr, self.stdout);
        assert!(self.stderr.starts_with("Error: "), "{}", self.stderr);
        self.stderr
    }
}

/// A chain, and a folder of its own for key, configuration and deployments.
pub struct Stage {
    pub devnet: Devnet,
    pub url: String,
    _server: RpcServer,
    folder: TempDir,
}

impl Stage {
    pub async fn empty() -> Self {
        Self::on(Devnet::new().unwrap(), None).await
    }

    pub async fn with_superfluid() -> Self {
        let artifacts = Artifacts::locate().unwrap_or_else(|error| panic!("{error}"));
        let cache = tools_dir().expect("artefacts are in .tools").join("cache");
        let ready = ready(&cache, &artifacts, Devnet::builder()).await.unwrap();
        let devnet = Devnet::builder().state_file(ready.state).build().unwrap();
        Self::on(devnet, Some(ready.superfluid)).await
    }

    /// An empty chain with another block 0.
    pub async fn of_another_instance() -> Self {
        let other = Devnet::builder().instance(B256::repeat_byte(2));
        Self::on(other.build().unwrap(), None).await
    }

    async fn on(
        devnet: Devnet,
        superfluid: Option<devnet_superfluid::SuperfluidAddresses>,
    ) -> Self {
        let free_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = devnet.serve(free_port).await.unwrap();
        let it = Self {
            url: server.http_url(),
            devnet,
            _server: server,
            folder: TempDir::new().unwrap(),
        };
        it.write_key(0);
        if superfluid.is_some() {
            let mut deployments =
                Deployments::new(it.devnet.chain_id(), Some(it.devnet.instance()));
            deployments.superfluid = superfluid;
            deployments.save(&it.path("deployments")).unwrap();
        }
        it
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts the key of a funded account where `bpe` looks for it.
    pub fn write_key(&self, index: usize) {
        let key = self.devnet.signers()[index].to_bytes().to_string();
        fs::write(self.path("key"), key).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            fs::set_permissions(self.path("key"), fs::Permissions::from_mode(0o600)).unwrap();
        }
    }

    /// Writes a configuration; gives its path.
    pub fn config(&self, text: &str) -> String {
        let path = self.path("config.toml");
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    pub fn file(&self) -> PathBuf {
        self.path("deployments/31337.json")
    }

    pub fn text(&self) -> String {
        fs::read_to_string(self.file()).unwrap_or_default()
    }

    /// The deployed contracts by their names in the file.
    pub fn addresses(&self) -> BTreeMap<String, Address> {
        let file: Value = serde_json::from_str(&self.text()).unwrap();
        let contracts = file["contracts"].as_object().unwrap().iter();
        contracts
            .map(|(name, it)| {
                (
                    name.clone(),
                    it["address"].as_str().unwrap().parse().unwrap(),
                )
            })
            .collect()
    }

    pub fn key_args(&self, url: &str) -> Vec<String> {
        let key = self.path("key");
        ["--rpc", url, "--key-file", key.to_str().unwrap()]
            .map(str::to_owned)
            .to_vec()
    }

    /// The arguments of a deployment, with a task type unless they name a configuration.
    pub fn deploy_args_at(&self, url: &str, args: &[&str]) -> Vec<String> {
        let mut all = self.key_args(url);
        all.push("--out".to_owned());
        all.push(self.path("deployments").to_str().unwrap().to_owned());
        if !args.contains(&"--config") {
            let task_type = "[[task_types]]\nname = \"code-completion\"\nmin_stake = \"250\"\n";
            all.extend(["--config".to_owned(), self.config(task_type)]);
        }
        all.extend(args.iter().map(|it| (*it).to_owned()));
        all
    }

    pub fn deploy_args(&self, args: &[&str]) -> Vec<String> {
        self.deploy_args_at(&self.url, args)
    }

    pub async fn deploy(&self, args: &[&str]) -> Outcome {
        self.run("deploy", &self.deploy_args(args)).await
    }

    pub async fn status(&self, args: &[&str]) -> Outcome {
        let (file, config) = (self.file(), self.deploy_args(&[])[7].clone());
        let mut all = vec!["--rpc", &self.url, "--deployments", file.to_str().unwrap()];
        all.extend(["--config", &config]);
        all.extend(args);
        self.run("status", &all).await
    }

    pub fn command<A: AsRef<str>>(&self, name: &str, args: &[A]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bpe"));
        command.arg(name).args(args.iter().map(AsRef::as_ref));
        for secret in ["BPE_PRIVATE_KEY", "BPE_KEYSTORE_PASSWORD"] {
            command.env_remove(secret);
        }
        command
    }

    pub async fn run<A: AsRef<str>>(&self, name: &str, args: &[A]) -> Outcome {
        finish(self.command(name, args)).await
    }
}

/// Runs a command to its end. The chain that it talks to goes on meanwhile.
pub async fn finish(mut command: Command) -> Outcome {
    let output = tokio::task::spawn_blocking(move || command.output());
    let output = output.await.unwrap().unwrap();
    Outcome {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Stands between `bpe` and a chain, and breaks for good after so many transactions have gone through: the last one arrives,
/// and its answer does not.
pub struct Cutter {
    pub url: String,
}

#[derive(Clone)]
struct Cut {
    server: String,
    left: Arc<AtomicUsize>,
    broken: Arc<AtomicBool>,
}

impl Cutter {
    pub async fn start(url: &str, transactions: usize) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let cut = Cut {
            server: url.strip_prefix("http://").unwrap().to_owned(),
            left: Arc::new(AtomicUsize::new(transactions)),
            broken: Arc::default(),
        };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if !cut.broken.load(Ordering::SeqCst) {
                    tokio::spawn(cut.clone().pass(client));
                }
            }
        });
        Self {
            url: format!("http://{address}"),
        }
    }
}

impl Cut {
    async fn pass(self, client: TcpStream) {
        let server = TcpStream::connect(&self.server).await.unwrap();
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_server, mut to_server) = server.into_split();
        let answers = {
            let broken = Arc::clone(&self.broken);
            tokio::spawn(async move {
                let mut buffer = vec![0; 65_536];
                while let Ok(count) = from_server.read(&mut buffer).await {
                    if count == 0 || broken.load(Ordering::SeqCst) {
                        break;
                    }
                    if to_client.write_all(&buffer[..count]).await.is_err() {
                        break;
                    }
                }
            })
        };
        let mut buffer = vec![0; 65_536];
        while let Ok(count) = from_client.read(&mut buffer).await {
            if count == 0 {
                break;
            }
            let text = String::from_utf8_lossy(&buffer[..count]);
            if text.contains("eth_sendRawTransaction")
                && self.left.fetch_sub(1, Ordering::SeqCst) == 1
            {
                self.broken.store(true, Ordering::SeqCst);
            }
            if to_server.write_all(&buffer[..count]).await.is_err() {
                break;
            }
        }
        // The chain may still be busy with what it got.
        tokio::time::sleep(Duration::from_millis(100)).await;
        answers.abort();
    }
}
