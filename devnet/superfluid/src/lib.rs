//! The real Superfluid protocol, from its published build artefacts, on any chain an alloy provider reaches.
//!
//! `scripts/fetch-superfluid` gets the artefacts; [`deploy()`] puts the protocol on a chain contract by contract, so that
//! each fits the code size limit and the same steps work on a public chain; [`bindings`] are what one then calls; and
//! [`Deployments`] is the file in which the addresses are left for others. [`ready()`] keeps a devnet with all that on disk.
//!
//! ```no_run
//! # async fn example(provider: impl alloy::providers::Provider) -> Result<(), Box<dyn std::error::Error>> {
//! use devnet_superfluid::{bindings::ISuperToken, deploy, Artifacts, Config};
//!
//! let deployer = provider.get_accounts().await?[0];
//! let superfluid = deploy(&provider, &Artifacts::locate()?, &Config::new(deployer)).await?;
//! let usdcx = ISuperToken::new(superfluid.usdcx, &provider);
//! assert_eq!(usdcx.symbol().call().await?, "USDCx");
//! # Ok(())
//! # }
//! ```

mod artifacts;
pub mod bindings;
mod config;
mod deploy;
mod deployments;
mod package;
mod ready;
mod sender;

pub use artifacts::{tools_dir, Artifact, ArtifactError, Artifacts, VERSION};
pub use config::{AppRegistration, Config};
pub use deploy::{deploy, SuperfluidAddresses};
pub use deployments::{checksum, Deployments, DeploymentsError};
pub use package::Package;
pub use ready::{ready, Ready, ReadyError};
pub use sender::DeployError;
