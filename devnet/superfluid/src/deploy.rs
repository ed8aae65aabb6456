//! Deploying the protocol: the steps of Superfluid's own `SuperfluidFrameworkDeploymentSteps`, as single transactions.
//!
//! Two things differ from that test framework. Host, agreements and factory stand behind proxies, as on the public
//! networks, so that a call costs here what it costs there; and a placeholder, not a first pool implementation, stands
//! behind the pool beacon until the GDA's address is known.

use alloy::{
    hex,
    primitives::{address, keccak256, Address, U256},
    providers::Provider,
    rpc::types::TransactionRequest,
    sol,
    sol_types::{SolEvent, SolValue},
};
use serde::{Deserialize, Serialize};

use crate::{
    bindings::{ISuperTokenFactory, ISuperfluid, ITestGovernance},
    sender::Sender,
    AppRegistration, Artifacts, Config, DeployError,
};

/// Where the ERC-1820 registry is on every chain, and the account that one known transaction makes its creator.
const ERC1820_REGISTRY: Address = address!("1820a4B7618BdE71Dce8cdc73aAB6C95905faD24");
const ERC1820_CREATOR: Address = address!("a990077c3205cbDf861e17Fa532eeB069cE9fF96");
/// The known transaction's gas limit times its gas price, 0.08 ether.
const ERC1820_COST: u64 = 80_000_000_000_000_000;

const USDC_DECIMALS: u8 = 6;
/// The factory's number for wrappers that governance updates only through the token's own `updateCode`.
const SEMI_UPGRADABLE: u8 = 1;

/// What a deployment leaves on the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SuperfluidAddresses {
    /// Names to addresses, with the keys that Superfluid's SDKs ask for under the release name `test`.
    pub resolver: Address,
    pub loader: Address,
    pub governance: Address,
    pub host: Address,
    pub cfa_v1: Address,
    pub ida_v1: Address,
    pub gda_v1: Address,
    pub super_token_factory: Address,
    pub cfa_v1_forwarder: Address,
    pub gda_v1_forwarder: Address,
    /// Runs macros in one transaction of the account's own. Zero where governance trusts none.
    #[serde(default)]
    pub blind_macro_forwarder: Address,
    /// Runs macros that the account has signed as typed data. Likewise.
    #[serde(default)]
    pub clear_macro_forwarder_v1: Address,
    /// A test token with USDC's six decimals, which anyone may mint.
    pub usdc: Address,
    /// Its Super Token wrapper.
    pub usdcx: Address,
    /// A plain test token of 18 decimals, for stakes: to stake a Super Token takes nine times the gas. Zero where there is
    /// none.
    #[serde(default)]
    pub stake_token: Address,
}

sol! {
    // What only a deployment calls.
    function castrate() external;
    function initializeProxy(address initialAddress) external;
    function transferOwnership(address newOwner) external;

    interface Host {
        function initialize(address gov) external;
    }
    interface AccessList {
        function setRoleAdmin(bytes32 role, bytes32 adminRole) external;
        function grantRole(bytes32 role, address account) external;
    }
    interface Beacon {
        function upgradeTo(address newImplementation) external;
    }
    interface PoolAdminNft {
        function initialize(string calldata name, string calldata symbol) external;
    }
    interface Resolver {
        function set(string calldata name, address target) external;
    }
}

/// Deploys the whole protocol, a test USDC and its wrapper, in some sixty transactions of `config.deployer`.
///
/// # Errors
/// [`DeployError`], with the step that failed. What earlier steps have deployed stays.
pub async fn deploy<P: Provider>(
    provider: &P,
    artifacts: &Artifacts,
    config: &Config,
) -> Result<SuperfluidAddresses, DeployError> {
    let deployment = Deployment {
        sender: Sender {
            provider,
            from: config.deployer,
        },
        artifacts,
        config,
    };
    deployment.run().await
}

struct Deployment<'a, P> {
    sender: Sender<'a, P>,
    artifacts: &'a Artifacts,
    config: &'a Config,
}

/// The parts that later steps refer to.
#[derive(Clone, Copy)]
struct Core {
    governance: Address,
    host: Address,
    access_list: Address,
}

struct Agreements {
    cfa: Address,
    ida: Address,
    gda: Address,
}

impl<P: Provider> Deployment<'_, P> {
    async fn run(&self) -> Result<SuperfluidAddresses, DeployError> {
        self.erc1820_registry().await?;
        let core = self.core().await?;
        self.app_registration(core).await?;
        let agreements = self.agreements(core).await?;
        let cfa_v1_forwarder = self.forwarder(core, "CFAv1Forwarder").await?;
        let gda_v1_forwarder = self.forwarder(core, "GDAv1Forwarder").await?;
        let blind_macro_forwarder = self.forwarder(core, "BlindMacroForwarder").await?;
        let clear_macro_forwarder_v1 = self.forwarder(core, "ClearMacroForwarderV1").await?;
        let super_token_factory = self.super_token_factory(core, agreements.gda).await?;
        let (usdc, usdcx) = self.usdc(super_token_factory).await?;
        let stake_token = self.stake_token().await?;
        let resolver = self.create("Resolver", &[]).await?;
        let addresses = SuperfluidAddresses {
            resolver,
            loader: self
                .create("SuperfluidLoader", &resolver.abi_encode())
                .await?,
            governance: core.governance,
            host: core.host,
            cfa_v1: agreements.cfa,
            ida_v1: agreements.ida,
            gda_v1: agreements.gda,
            super_token_factory,
            cfa_v1_forwarder,
            gda_v1_forwarder,
            blind_macro_forwarder,
            clear_macro_forwarder_v1,
            usdc,
            usdcx,
            stake_token,
        };
        self.publish(&addresses).await?;
        Ok(addresses)
    }

    /// Super Tokens register their interfaces there. It comes to its address by the same signed transaction everywhere.
    async fn erc1820_registry(&self) -> Result<(), DeployError> {
        let step = "ERC-1820 registry";
        let code = self.sender.provider.get_code_at(ERC1820_REGISTRY).await;
        let unreachable = |source| DeployError::Rpc {
            step: step.to_owned(),
            source,
        };
        if !code.map_err(unreachable)?.is_empty() {
            return Ok(());
        }
        let funding = TransactionRequest::default()
            .to(ERC1820_CREATOR)
            .value(U256::from(ERC1820_COST));
        self.sender.send(step, funding).await?;

        let init_code = self.artifacts.get("ERC1820Registry")?.init_code(&[])?;
        let transaction = [
            // Nonce 0, 100 gwei, 800 000 gas, no recipient, no value, and a string of 2533 bytes.
            hex!("f90a388085174876e800830c35008080b909e5").as_slice(),
            &init_code,
            // A signature nobody has a key for: v = 27, r and s plainly made up.
            &[0x1b, 0xa0],
            &hex!("1820182018201820182018201820182018201820182018201820182018201820"),
            &[0xa0],
            &hex!("1820182018201820182018201820182018201820182018201820182018201820"),
        ];
        self.sender.send_raw(step, &transaction.concat()).await?;
        Ok(())
    }

    /// Governance and host, which know each other.
    async fn core(&self) -> Result<Core, DeployError> {
        let Config {
            reward_address,
            liquidation_period,
            patrician_period,
            callback_gas_limit,
            ..
        } = *self.config;
        let governance = self.create("TestGovernance", &[]).await?;
        let simple_forwarder = self.create("SimpleForwarder", &[]).await?;
        let erc2771_forwarder = self.create("ERC2771Forwarder", &[]).await?;
        let access_list = self.create("SimpleACL", &[]).await?;

        let non_upgradable = false;
        let white_listing = self.config.app_registration != AppRegistration::Open;
        let arguments = (
            non_upgradable,
            white_listing,
            callback_gas_limit,
            simple_forwarder,
            erc2771_forwarder,
            access_list,
        );
        let logic = self
            .implementation("Superfluid", &[], &arguments.abi_encode())
            .await?;
        let host = self.proxied(logic).await?;
        for forwarder in [simple_forwarder, erc2771_forwarder] {
            self.sender
                .call(forwarder, transferOwnershipCall { newOwner: host })
                .await?;
        }

        self.sender
            .call(host, Host::initializeCall { gov: governance })
            .await?;
        let call = ITestGovernance::initializeCall {
            host,
            rewardAddress: reward_address,
            liquidationPeriod: U256::from(liquidation_period),
            patricianPeriod: U256::from(patrician_period),
            trustedForwarders: Vec::new(),
        };
        self.sender.call(governance, call).await?;
        Ok(Core {
            governance,
            host,
            access_list,
        })
    }

    async fn app_registration(&self, core: Core) -> Result<(), DeployError> {
        let AppRegistration::Permissioned(accounts) = &self.config.app_registration else {
            return Ok(());
        };
        for &account in accounts {
            let role = keccak256("ACL_SUPERAPP_REGISTRATION_ROLE");
            self.sender
                .call(
                    core.access_list,
                    AccessList::grantRoleCall { role, account },
                )
                .await?;
        }
        Ok(())
    }

    /// In the order of the public networks, on which an agreement's index depends.
    async fn agreements(&self, core: Core) -> Result<Agreements, DeployError> {
        let slots_bitmap = self.create("SlotsBitmapLibrary", &[]).await?;
        let pool_deployer = self.create("SuperfluidPoolDeployerLibrary", &[]).await?;
        let libraries = [
            ("SlotsBitmapLibrary", slots_bitmap),
            ("SuperfluidPoolDeployerLibrary", pool_deployer),
        ];

        let host = core.host.abi_encode();
        let cfa = self
            .implementation("ConstantFlowAgreementV1", &[], &host)
            .await?;
        let cfa = self
            .agreement(core, cfa, "ConstantFlowAgreement.v1")
            .await?;

        let ida = self
            .implementation("InstantDistributionAgreementV1", &libraries, &host)
            .await?;
        let ida = self
            .agreement(core, ida, "InstantDistributionAgreement.v1")
            .await?;

        let placeholder = self.create("SuperfluidPoolPlaceholder", &[]).await?;
        let beacon = self
            .create("SuperfluidUpgradeableBeacon", &placeholder.abi_encode())
            .await?;
        let gda = self
            .implementation(
                "GeneralDistributionAgreementV1",
                &libraries,
                &(core.host, beacon).abi_encode(),
            )
            .await?;
        let gda = self
            .agreement(core, gda, "GeneralDistributionAgreement.v1")
            .await?;
        self.pool_logic(core, gda, beacon).await?;
        self.pool_connections(core, gda).await?;

        Ok(Agreements { cfa, ida, gda })
    }

    /// Registers an agreement's logic and returns the proxy that the host has put before it.
    async fn agreement(
        &self,
        core: Core,
        logic: Address,
        name: &str,
    ) -> Result<Address, DeployError> {
        let call = ITestGovernance::registerAgreementClassCall {
            host: core.host,
            agreementClass: logic,
        };
        self.sender.call(core.governance, call).await?;
        let kind = keccak256(format!("org.superfluid-finance.agreements.{name}"));
        let host = ISuperfluid::new(core.host, self.sender.provider);
        let class = host.getAgreementClass(kind).call().await;
        class.map_err(|source| DeployError::View {
            step: name.to_owned(),
            source: Box::new(source),
        })
    }

    async fn pool_logic(
        &self,
        core: Core,
        gda: Address,
        beacon: Address,
    ) -> Result<(), DeployError> {
        let pool = self
            .implementation("SuperfluidPool", &[], &gda.abi_encode())
            .await?;
        self.sender
            .call(
                beacon,
                Beacon::upgradeToCall {
                    newImplementation: pool,
                },
            )
            .await?;
        self.sender
            .call(
                beacon,
                transferOwnershipCall {
                    newOwner: core.host,
                },
            )
            .await?;
        Ok(())
    }

    /// Lets accounts tell the GDA that nobody else may connect them to pools.
    async fn pool_connections(&self, core: Core, gda: Address) -> Result<(), DeployError> {
        let role = keccak256("ACL_POOL_CONNECT_EXCLUSIVE_ROLE");
        let admin = keccak256("ACL_POOL_CONNECT_EXCLUSIVE_ROLE_ADMIN");
        self.sender
            .call(
                core.access_list,
                AccessList::setRoleAdminCall {
                    role,
                    adminRole: admin,
                },
            )
            .await?;
        self.sender
            .call(
                core.access_list,
                AccessList::grantRoleCall {
                    role: admin,
                    account: gda,
                },
            )
            .await?;
        Ok(())
    }

    async fn forwarder(&self, core: Core, name: &str) -> Result<Address, DeployError> {
        let forwarder = self.create(name, &core.host.abi_encode()).await?;
        let call = ITestGovernance::enableTrustedForwarderCall {
            host: core.host,
            superToken: Address::ZERO,
            forwarder,
        };
        self.sender.call(core.governance, call).await?;
        Ok(forwarder)
    }

    async fn super_token_factory(&self, core: Core, gda: Address) -> Result<Address, DeployError> {
        let nft_logic = self
            .implementation("PoolAdminNFT", &[], &(core.host, gda).abi_encode())
            .await?;
        let nft = self.proxied(nft_logic).await?;
        let names = PoolAdminNft::initializeCall {
            name: "Pool Admin NFT".to_owned(),
            symbol: "PA".to_owned(),
        };
        self.sender.call(nft, names).await?;

        let token_logic = self
            .implementation("SuperToken", &[], &(core.host, nft).abi_encode())
            .await?;
        let no_member_nft = Address::ZERO;
        let factory_logic = self
            .implementation(
                "SuperTokenFactory",
                &[],
                &(core.host, token_logic, nft_logic, no_member_nft).abi_encode(),
            )
            .await?;
        let update = ITestGovernance::updateContractsCall {
            host: core.host,
            hostNewLogic: Address::ZERO,
            agreementClassNewLogics: Vec::new(),
            superTokenFactoryNewLogic: factory_logic,
            poolBeaconNewLogic: Address::ZERO,
        };
        self.sender.call(core.governance, update).await?;
        let factory = ISuperfluid::new(core.host, self.sender.provider)
            .getSuperTokenFactory()
            .call()
            .await;
        factory.map_err(|source| DeployError::View {
            step: "getSuperTokenFactory".to_owned(),
            source: Box::new(source),
        })
    }

    async fn stake_token(&self) -> Result<Address, DeployError> {
        let (decimals, no_limit) = (U256::from(18), U256::MAX);
        let arguments = ("Stake (test)", "STAKE", decimals, no_limit);
        self.create("TestToken", &arguments.abi_encode_params())
            .await
    }

    async fn usdc(&self, factory: Address) -> Result<(Address, Address), DeployError> {
        let no_limit = U256::MAX;
        let arguments = (
            "USD Coin (test)",
            "USDC",
            U256::from(USDC_DECIMALS),
            no_limit,
        );
        let usdc = self
            .create("TestToken", &arguments.abi_encode_params())
            .await?;
        let call = ISuperTokenFactory::createERC20WrapperCall {
            underlyingToken: usdc,
            underlyingDecimals: USDC_DECIMALS,
            upgradability: SEMI_UPGRADABLE,
            name: "Super USD Coin (test)".to_owned(),
            symbol: "USDCx".to_owned(),
            admin: Address::ZERO,
        };
        let receipt = self.sender.call(factory, call).await?;
        let created = receipt.logs().iter().find_map(|log| {
            let from_factory = log.address() == factory;
            from_factory
                .then(|| ISuperTokenFactory::SuperTokenCreated::decode_log(&log.inner).ok())?
        });
        let hash = receipt.transaction_hash;
        let created = created.ok_or_else(|| DeployError::NoAddress {
            step: "USDCx".to_owned(),
            hash,
        })?;
        Ok((usdc, created.token))
    }

    /// Under the keys of a release named `test`.
    async fn publish(&self, addresses: &SuperfluidAddresses) -> Result<(), DeployError> {
        let entries = [
            ("TestGovernance.test", addresses.governance),
            ("Superfluid.test", addresses.host),
            ("SuperfluidLoader-v1", addresses.loader),
            ("CFAv1Forwarder", addresses.cfa_v1_forwarder),
            ("GDAv1Forwarder", addresses.gda_v1_forwarder),
            ("BlindMacroForwarder", addresses.blind_macro_forwarder),
            ("ClearMacroForwarderV1", addresses.clear_macro_forwarder_v1),
            ("tokens.test.USDC", addresses.usdc),
            ("supertokens.test.USDCx", addresses.usdcx),
        ];
        for (name, target) in entries {
            self.sender
                .call(
                    addresses.resolver,
                    Resolver::setCall {
                        name: name.to_owned(),
                        target,
                    },
                )
                .await?;
        }
        Ok(())
    }

    /// A contract that is to stand behind a proxy, and can itself no longer be initialised.
    ///
    /// Factory and governance would see to that for what they are given, but shrug off a failure: run out of gas there,
    /// and the transaction succeeds. Which is what gas estimation then settles for.
    async fn implementation(
        &self,
        name: &str,
        libraries: &[(&str, Address)],
        arguments: &[u8],
    ) -> Result<Address, DeployError> {
        let implementation = self.create_linked(name, libraries, arguments).await?;
        self.sender.call(implementation, castrateCall {}).await?;
        Ok(implementation)
    }

    async fn proxied(&self, implementation: Address) -> Result<Address, DeployError> {
        let proxy = self.create("UUPSProxy", &[]).await?;
        let call = initializeProxyCall {
            initialAddress: implementation,
        };
        self.sender.call(proxy, call).await?;
        Ok(proxy)
    }

    /// `arguments` are the constructor's, encoded.
    async fn create(&self, name: &str, arguments: &[u8]) -> Result<Address, DeployError> {
        self.create_linked(name, &[], arguments).await
    }

    async fn create_linked(
        &self,
        name: &str,
        libraries: &[(&str, Address)],
        arguments: &[u8],
    ) -> Result<Address, DeployError> {
        let init_code = self.artifacts.get(name)?.init_code(libraries)?;
        let init_code = [init_code.as_ref(), arguments].concat();
        self.sender.create(name, init_code.into()).await
    }
}
