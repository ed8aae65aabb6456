//! The chains that tests play on: a devnet of their own each, served to tools where there are any.

use std::net::{Ipv4Addr, SocketAddr};

use alloy::{
    network::Ethereum,
    primitives::{Address, I256, U256},
    providers::{DynProvider, PendingTransactionBuilder},
    rpc::types::TransactionReceipt,
    sol_types::{SolInterface, SolValue},
};
use bpe_abi::IDemurrageToken::{self, IDemurrageTokenInstance};
use devnet::{Devnet, RpcServer};
use devnet_superfluid::{
    bindings::{
        ICFAv1Forwarder, IConstantFlowAgreementV1, IGDAv1Forwarder,
        IGeneralDistributionAgreementV1, ISuperToken, ISuperTokenFactory, ISuperfluid, ITestToken,
    },
    ready, tools_dir, Artifacts, SuperfluidAddresses,
};

use crate::{
    solidity,
    suite::{self, IStakeToken},
};

/// A USDCx of 18 decimals for a USDC of 6.
pub const USDCX_PER_USDC: u64 = 1_000_000_000_000;

/// One whole USDCx.
pub const USDCX: u64 = 1_000_000_000_000_000_000;

/// A devnet that tools reach over HTTP.
pub struct Served {
    pub devnet: Devnet,
    pub server: RpcServer,
}

impl Served {
    pub async fn start() -> Self {
        let devnet = Devnet::new().expect("a new chain starts");
        let free_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = devnet
            .serve(free_port)
            .await
            .expect("loopback has a free port");
        Self { devnet, server }
    }

    pub fn url(&self) -> String {
        self.server.http_url()
    }

    /// The private key of a funded account, in hex.
    pub fn key(&self, index: usize) -> String {
        self.devnet.signers()[index].to_bytes().to_string()
    }
}

/// A devnet with Superfluid on it.
pub struct Superfluid {
    pub devnet: Devnet,
    /// Signs for any of the funded accounts.
    pub provider: DynProvider,
    pub addresses: SuperfluidAddresses,
    /// What USDCx wraps in place of USDC, if anything: see [`Superfluid::over_demurrage`].
    pub demurrage: Option<IDemurrageTokenInstance<DynProvider>>,
}

impl Superfluid {
    /// Starts from the saved chain, which the first test ever makes.
    pub async fn start() -> Self {
        let artifacts = Artifacts::locate().unwrap_or_else(|error| panic!("{error}"));
        let cache = tools_dir().expect("artefacts are in .tools").join("cache");
        let ready = ready(&cache, &artifacts, Devnet::builder())
            .await
            .expect("Superfluid deploys");
        let devnet = Devnet::builder()
            .state_file(ready.state)
            .build()
            .expect("the saved chain loads");
        Self {
            provider: devnet.provider(),
            devnet,
            addresses: ready.superfluid,
            demurrage: None,
        }
    }

    /// The same with a Super Token over a DemurrageToken in the place of USDCx: 5 % a year, for account 1. Account 0 owns it,
    /// and has exempted the Super Token.
    pub async fn over_demurrage(mut self) -> Self {
        let compiled = solidity::compile("StakeToken.sol", "StakeToken").await;
        let underlying = solidity::deploy(&self.provider, &compiled, &[]).await;
        let arguments = (
            "Idle Coin".to_owned(),
            "IDLE".to_owned(),
            underlying,
            U256::from(1_585_489_599_u64),
            self.devnet.account(1),
            self.devnet.account(0),
        );
        let arguments = arguments.abi_encode_params();
        let token = suite::deploy(&self.devnet, "demurrage-token", arguments).await;
        self.addresses.usdcx = self.wrapper(token, "IDLEx").await;
        let token = IDemurrageToken::new(token, self.provider.clone());
        let exempt = token.setDecayExempt(self.addresses.usdcx, true);
        mined(exempt.send().await).await;
        self.demurrage = Some(token);
        self
    }

    /// A Super Token over a token of 18 decimals.
    async fn wrapper(&self, underlying: Address, symbol: &str) -> Address {
        let factory = ISuperTokenFactory::new(self.addresses.super_token_factory, &self.provider);
        let (name, symbol) = (format!("Super {symbol}"), symbol.to_owned());
        const UPGRADABLE: u8 = 1;
        let wrap =
            factory.createERC20Wrapper(underlying, 18, UPGRADABLE, name, symbol, Address::ZERO);
        let wrapper = wrap.call().await.expect("the factory makes wrappers");
        mined(wrap.send().await).await;
        wrapper
    }

    pub fn host(&self) -> ISuperfluid::ISuperfluidInstance<&DynProvider> {
        ISuperfluid::new(self.addresses.host, &self.provider)
    }

    pub fn cfa(&self) -> IConstantFlowAgreementV1::IConstantFlowAgreementV1Instance<&DynProvider> {
        IConstantFlowAgreementV1::new(self.addresses.cfa_v1, &self.provider)
    }

    pub fn gda(
        &self,
    ) -> IGeneralDistributionAgreementV1::IGeneralDistributionAgreementV1Instance<&DynProvider>
    {
        IGeneralDistributionAgreementV1::new(self.addresses.gda_v1, &self.provider)
    }

    pub fn cfa_forwarder(&self) -> ICFAv1Forwarder::ICFAv1ForwarderInstance<&DynProvider> {
        ICFAv1Forwarder::new(self.addresses.cfa_v1_forwarder, &self.provider)
    }

    pub fn gda_forwarder(&self) -> IGDAv1Forwarder::IGDAv1ForwarderInstance<&DynProvider> {
        IGDAv1Forwarder::new(self.addresses.gda_v1_forwarder, &self.provider)
    }

    pub fn usdc(&self) -> ITestToken::ITestTokenInstance<&DynProvider> {
        ITestToken::new(self.addresses.usdc, &self.provider)
    }

    pub fn usdcx(&self) -> ISuperToken::ISuperTokenInstance<&DynProvider> {
        ISuperToken::new(self.addresses.usdcx, &self.provider)
    }

    /// Gives `account`, a funded one, so many whole USDCx.
    pub async fn fund(&self, account: Address, usdcx: u64) {
        let amount = U256::from(usdcx) * U256::from(USDCX);
        if let Some(demurrage) = &self.demurrage {
            // Some of it decays while it is on its way.
            let enough = amount + amount / U256::from(1_000);
            let underlying = demurrage.UNDERLYING().call().await.unwrap();
            let underlying = IStakeToken::new(underlying, &self.provider);
            mined(underlying.mint(account, enough).send().await).await;
            let approve = underlying.approve(*demurrage.address(), enough);
            mined(approve.from(account).send().await).await;
            mined(demurrage.wrap(enough).from(account).send().await).await;
            let approve = demurrage.approve(self.addresses.usdcx, amount);
            mined(approve.from(account).send().await).await;
            mined(self.usdcx().upgrade(amount).from(account).send().await).await;
            return;
        }
        let underlying = U256::from(usdcx) * U256::from(USDCX / USDCX_PER_USDC);
        let usdc = self.usdc();
        mined(usdc.mint(account, underlying).send().await).await;
        mined(
            usdc.approve(self.addresses.usdcx, underlying)
                .from(account)
                .send()
                .await,
        )
        .await;
        mined(self.usdcx().upgrade(amount).from(account).send().await).await;
    }

    /// Another Super Token, of which `holder`, a funded account, has a thousand.
    pub async fn other_super_token(&self, holder: Address) -> Address {
        let compiled = solidity::compile("StakeToken.sol", "StakeToken").await;
        let underlying = solidity::deploy(&self.provider, &compiled, &[]).await;
        let amount = U256::from(1_000) * U256::from(USDCX);
        let token = IStakeToken::new(underlying, &self.provider);
        mined(token.mint(holder, amount).send().await).await;
        let wrapper = self.wrapper(underlying, "OTHERx").await;
        mined(token.approve(wrapper, amount).from(holder).send().await).await;
        let wrapped = ISuperToken::new(wrapper, &self.provider);
        mined(wrapped.upgrade(amount).from(holder).send().await).await;
        wrapper
    }

    /// What `account` could send now; negative if it owes.
    pub async fn available(&self, account: Address) -> I256 {
        let balance = self.usdcx().realtimeBalanceOfNow(account).call().await;
        balance.expect("balances can be read").availableBalance
    }
}

/// A sent transaction's receipt.
#[track_caller]
pub fn mined<E: std::fmt::Debug>(
    sent: Result<PendingTransactionBuilder<Ethereum>, E>,
) -> impl std::future::Future<Output = TransactionReceipt> {
    let pending = sent.expect("the node takes the transaction");
    async {
        let receipt = pending
            .get_receipt()
            .await
            .expect("the transaction is included");
        assert!(receipt.status(), "reverted: {receipt:?}");
        receipt
    }
}

/// The custom error that a call or transaction failed with.
#[track_caller]
pub fn revert<Errors: SolInterface, T>(result: Result<T, alloy::contract::Error>) -> Errors {
    let Err(error) = result else {
        panic!("did not revert")
    };
    let Some(data) = error.as_revert_data() else {
        panic!("no revert data: {error}")
    };
    Errors::abi_decode(&data).unwrap_or_else(|_| panic!("{data} is not one of {}", Errors::NAME))
}
