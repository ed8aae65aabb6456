//! The commands' options.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use anyhow::ensure;
use clap::Args;
use devnet_superfluid::Deployments;

use super::{
    chain::{without_secrets, Chain},
    config::Config,
    keepalive::keepalive,
    key::KeySource,
    plan::Redeploy,
    record::Book,
    run::{deploy, require_instance, Request},
    status, text,
};
use crate::{artifacts::Network, programs::Programs};

/// Where deployments files are, below the working directory.
pub const DEPLOYMENTS: &str = "deployments";
const LOCAL: &str = "http://127.0.0.1:8545";

/// `bpe deploy`.
#[derive(Args)]
pub struct DeployOptions {
    /// The chain's RPC endpoint.
    #[arg(long, value_name = "URL")]
    rpc: String,
    #[command(flatten)]
    key: KeySource,
    /// TOML file with what differs from the defaults: docs/deploying.md lists the keys.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Deploy these contracts only.
    #[arg(long, value_name = "NAME", num_args = 1..)]
    only: Vec<String>,
    /// Deploy these anew, and with them all that cannot stay without them.
    #[arg(long, value_name = "NAME", num_args = 1.., conflicts_with_all = ["only", "redeploy_changed"])]
    redeploy: Vec<String>,
    /// Deploy anew what was built anew since.
    #[arg(long, conflicts_with = "only")]
    redeploy_changed: bool,
    /// Deploy Superfluid first, on a chain that has none. Its governance is a test one: for test chains.
    #[arg(long)]
    with_superfluid: bool,
    /// Say what would be done and cost, and send nothing.
    #[arg(long)]
    dry_run: bool,
    /// Folder of the deployments file, <chain id>.json.
    #[arg(long, value_name = "DIR", default_value = DEPLOYMENTS)]
    out: PathBuf,
    /// Fetch nothing: with --with-superfluid, its contracts must be there already, from `bpe fetch` or an earlier run.
    #[arg(long)]
    offline: bool,
    /// Folder of built programs, as `cargo xtask build` fills one, instead of those that belong to this build of bpe.
    #[arg(long, value_name = "DIR")]
    programs: Option<PathBuf>,
}

impl DeployOptions {
    /// # Errors
    /// A sentence that says what was wrong and what to do.
    pub async fn run(self) -> anyhow::Result<()> {
        let rpc = self.rpc.clone();
        self.deploy()
            .await
            .map_err(|error| without_secrets(&error, &rpc))
    }

    async fn deploy(self) -> anyhow::Result<()> {
        let config = match &self.config {
            Some(file) => Config::read(file)?,
            None => Config::default(),
        };
        let signer = self.key.signer()?;
        let chain = Chain::connect(&self.rpc, Some(signer)).await?;
        let redeploy = match (self.redeploy_changed, self.redeploy.is_empty()) {
            (true, _) => Redeploy::Changed,
            (false, false) => Redeploy::Named(self.redeploy),
            (false, true) => Redeploy::Nothing,
        };
        let defaults = Request::new(self.out);
        let request = Request {
            config,
            programs: self.programs.map_or(Programs::default(), Programs::Folder),
            only: self.only,
            redeploy,
            with_superfluid: self.with_superfluid,
            network: match self.offline {
                true => Network::Forbidden,
                false => Network::Allowed,
            },
            dry_run: self.dry_run,
            ..defaults
        };
        deploy(&chain, &request).await.map(drop)
    }
}

/// `bpe status`.
#[derive(Args)]
pub struct StatusOptions {
    /// The chain's RPC endpoint.
    #[arg(long, value_name = "URL", default_value = LOCAL)]
    rpc: String,
    /// The deployments file; else the chain's in deployments/.
    #[arg(long, value_name = "FILE")]
    deployments: Option<PathBuf>,
    /// The configuration that it was deployed with: what is not as it says is named.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl StatusOptions {
    /// # Errors
    /// A sentence that says what was wrong and what to do.
    pub async fn run(self) -> anyhow::Result<()> {
        let rpc = self.rpc.clone();
        self.show()
            .await
            .map_err(|error| without_secrets(&error, &rpc))
    }

    async fn show(self) -> anyhow::Result<()> {
        let config = match &self.config {
            Some(file) => Config::read(file)?,
            None => Config::default(),
        };
        let chain = Chain::connect(&self.rpc, None).await?;
        chain.require_stylus().await?;
        let book = open(self.deployments, &chain)?;
        let report = status::status(&chain, &book, &config).await?;
        let text = match self.json {
            true => serde_json::to_string_pretty(&report)? + "\n",
            false => text::render(&report),
        };
        // A reader that has seen enough, as `head`, closes the pipe: that is no error.
        match io::stdout().write_all(text.as_bytes()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => Ok(written?),
        }
    }
}

/// `bpe keepalive`.
#[derive(Args)]
pub struct KeepaliveOptions {
    /// The chain's RPC endpoint.
    #[arg(long, value_name = "URL")]
    rpc: String,
    #[command(flatten)]
    key: KeySource,
    /// The deployments file; else the chain's in deployments/.
    #[arg(long, value_name = "FILE")]
    deployments: Option<PathBuf>,
    /// Renew programs that have fewer days left than this.
    #[arg(long, value_name = "N", default_value_t = 60)]
    days_left: u64,
}

impl KeepaliveOptions {
    /// # Errors
    /// A sentence that says what was wrong and what to do.
    pub async fn run(self) -> anyhow::Result<()> {
        let rpc = self.rpc.clone();
        self.renew()
            .await
            .map_err(|error| without_secrets(&error, &rpc))
    }

    async fn renew(self) -> anyhow::Result<()> {
        let signer = self.key.signer()?;
        let chain = Chain::connect(&self.rpc, Some(signer)).await?;
        chain.require_stylus().await?;
        let book = open(self.deployments, &chain)?;
        let renewed = keepalive(&chain, &book, self.days_left, true).await?;
        println!(
            "{} of {} programs renewed.",
            renewed.iter().filter(|it| it.renewed).count(),
            renewed.len()
        );
        Ok(())
    }
}

/// The deployments file that was named, or else the chain's.
pub fn deployments_file(named: Option<PathBuf>, chain: &Chain) -> PathBuf {
    named.unwrap_or_else(|| Deployments::path(Path::new(DEPLOYMENTS), chain.id, chain.instance))
}

/// Opens the deployments file of a chain on which something is deployed.
fn open(file: Option<PathBuf>, chain: &Chain) -> anyhow::Result<Book> {
    let path = deployments_file(file, chain);
    ensure!(
        path.is_file(),
        "there is no {}: deploy with `bpe deploy` first, or name the file with --deployments",
        path.display()
    );
    let book = Book::read(&path)?;
    ensure!(
        book.chain_id() == chain.id,
        "{} is of chain {}, and the endpoint is chain {}: name the endpoint with --rpc, or the file with --deployments",
        path.display(),
        book.chain_id(),
        chain.id
    );
    require_instance(chain, &book)?;
    ensure!(
        !book.contracts().is_empty(),
        "{} has no contracts: deploy with `bpe deploy` first",
        path.display()
    );
    Ok(book)
}
