//! Payments over three protocols: real ether, real USDCx.

use alloy::{
    primitives::{b256, Address, Bytes, B256, U256},
    providers::{DynProvider, Provider},
    rpc::types::TransactionReceipt,
    sol,
    sol_types::{SolError, SolValue},
};
use bpe_abi::ICrossProtocolRouter::{
    self, Credited, ICrossProtocolRouterErrors, ICrossProtocolRouterInstance, RouteExecuted,
    RouteFailed, RouteRecommendation, RouteRequest, RouteSelected,
};
use bpe_tests::{
    proof::events,
    solidity,
    stage::{mined, revert, Superfluid},
    suite::{deploy, tokens},
};

sol! {
    #[sol(rpc)]
    interface ILightningRail {
        error NoPaymentHash(address recipient);
        function claim(bytes32 paymentId, bytes preimage) external;
    }

    #[sol(rpc)]
    interface IGasEatingRail {
        function setRevertsLong(bool value) external;
    }

    struct Request {
        address recipient;
        uint256 amount;
        uint8 optimization;
        uint256 maxFee;
        uint256 deadline;
    }

    #[sol(rpc)]
    interface IPayer {
        function behave(bool refuses, bool reenters) external;
        function pay(Request request) external payable returns (uint8 protocol);
        function withdraw(address recipient) external;
        function reentered() external view returns (bool);
    }
}

const SUPERFLUID: u8 = 0;
const LIGHTNING: u8 = 1;
const CHAIN: u8 = 2;
const PAYER: usize = 3;
/// `sha256("preimage")`.
const HASH: B256 = b256!("107661134f21fc7c02223d50ab9eb3600bc3ffc3712423a1e47bb1f9a9dbf55f");

/// The router on a chain with Superfluid, and an adapter for each protocol; that of Superfluid has a thousand USDCx.
struct Routes {
    superfluid: Superfluid,
    router: ICrossProtocolRouterInstance<DynProvider>,
    rails: [Address; 3],
}

impl Routes {
    async fn start() -> Self {
        let superfluid = Superfluid::start().await;
        let (devnet, provider) = (&superfluid.devnet, superfluid.provider.clone());
        let owner = devnet.account(0);
        let router = deploy(devnet, "cross-protocol-router", owner.abi_encode()).await;
        let token = superfluid.addresses.usdcx;
        let rails = [
            rail(&provider, "SuperfluidRail", &token.abi_encode()).await,
            rail(&provider, "LightningRail", &[]).await,
            rail(&provider, "ChainRail", &[]).await,
        ];
        let it = Self {
            router: ICrossProtocolRouter::new(router, provider),
            superfluid,
            rails,
        };
        it.superfluid.fund(owner, 1_000).await;
        let stock = it.superfluid.usdcx();
        mined(stock.transfer(rails[0], tokens(1_000)).send().await).await;
        for (protocol, rail) in (0..).zip(rails) {
            it.register(protocol, rail).await;
        }
        it
    }

    async fn register(&self, protocol: u8, adapter: Address) {
        let register = self.router.registerProtocolAdapter(protocol, adapter);
        mined(register.send().await).await;
    }

    fn payer(&self) -> Address {
        self.superfluid.devnet.account(PAYER)
    }

    fn request(&self, recipient: Address, amount: U256) -> RouteRequest {
        RouteRequest {
            recipient,
            amount,
            optimization: 2,
            maxFee: amount,
            deadline: U256::from(self.superfluid.devnet.timestamp() + 10_000),
        }
    }

    /// The route over a protocol, as somebody without an account would ask for it.
    async fn route(&self, protocol: u8, recipient: Address, amount: U256) -> RouteRecommendation {
        let request = self.request(recipient, amount);
        let routes = self.router.getRoutes(request).from(Address::ZERO);
        let routes = routes.call().await.unwrap();
        let order: Vec<_> = routes.iter().map(|route| route.protocol).collect();
        assert_eq!(order, [CHAIN, SUPERFLUID, LIGHTNING]);
        let found = routes.into_iter().find(|route| route.protocol == protocol);
        found.unwrap()
    }

    async fn execute(&self, route: &RouteRecommendation, value: U256) -> TransactionReceipt {
        let execute = self
            .router
            .executeRoute_0(route.routeId, route.routeData.clone());
        mined(execute.value(value).from(self.payer()).send().await).await
    }

    async fn refusal(
        &self,
        route: &RouteRecommendation,
        value: U256,
    ) -> ICrossProtocolRouterErrors {
        let execute = self
            .router
            .executeRoute_0(route.routeId, route.routeData.clone());
        revert(execute.value(value).from(self.payer()).call().await)
    }

    async fn ether(&self, account: Address) -> U256 {
        let provider = &self.superfluid.provider;
        provider.get_balance(account).await.unwrap()
    }

    /// What the payer spent besides gas since it had `before`.
    async fn spent(&self, before: U256, receipt: &TransactionReceipt) -> U256 {
        let gas = U256::from(receipt.gas_used) * U256::from(receipt.effective_gas_price);
        before - self.ether(self.payer()).await - gas
    }
}

async fn rail(provider: &DynProvider, name: &str, arguments: &[u8]) -> Address {
    let compiled = solidity::compile("Rails.sol", name).await;
    solidity::deploy(provider, &compiled, arguments).await
}

fn outcome(receipt: &TransactionReceipt) -> (u8, bool) {
    let executed = events::<RouteExecuted>(receipt);
    assert_eq!(executed.len(), 1);
    (executed[0].protocol, executed[0].success)
}

#[tokio::test]
async fn a_route_is_executed_over_each_protocol() {
    let it = Routes::start().await;
    let recipient = Address::repeat_byte(0x4e);
    let amount = tokens(2);
    let router = *it.router.address();

    // Lightning without a payment hash fails, says why, and costs nothing.
    let route = it.route(LIGHTNING, recipient, amount).await;
    let price = amount + route.estimatedFee;
    let before = it.ether(it.payer()).await;
    let receipt = it.execute(&route, price).await;
    println!("executeRoute, failing: {} gas", receipt.gas_used);
    assert_eq!(outcome(&receipt), (LIGHTNING, false));
    let failed = events::<RouteFailed>(&receipt);
    assert_eq!(failed[0].routeId, route.routeId);
    assert_eq!(failed[0].sender, it.payer());
    let reason = ILightningRail::NoPaymentHash { recipient }.abi_encode();
    assert_eq!(failed[0].reason, reason);
    assert_eq!(it.spent(before, &receipt).await, U256::ZERO);
    assert_eq!(it.ether(router).await, U256::ZERO);

    // With one, it is locked until somebody knows the preimage.
    let route = it.route(LIGHTNING, recipient, amount + U256::from(1)).await;
    let amount = amount + U256::from(1);
    let price = amount + route.estimatedFee;
    assert_eq!(route.estimatedFee, U256::from(2_000_000_000_001_u64));
    let before = it.ether(it.payer()).await;
    let execute = it
        .router
        .executeRoute_1(route.routeId, route.routeData.clone(), HASH.into())
        .value(price)
        .from(it.payer());
    let receipt = mined(execute.send().await).await;
    println!("executeRoute, Lightning: {} gas", receipt.gas_used);
    assert_eq!(outcome(&receipt), (LIGHTNING, true));
    let selected = events::<RouteSelected>(&receipt);
    assert_eq!(
        (
            selected[0].sender,
            selected[0].recipient,
            selected[0].amount
        ),
        (it.payer(), recipient, amount)
    );
    assert_eq!(it.spent(before, &receipt).await, price);
    assert_eq!(it.ether(it.rails[1]).await, amount);
    let payment_id = it.router.getPaymentId(route.routeId, it.payer());
    let payment_id = payment_id.call().await.unwrap();
    let lightning = ILightningRail::new(it.rails[1], &it.superfluid.provider);
    let wrong = lightning.claim(payment_id, b"another".into());
    assert!(wrong.call().await.is_err());
    mined(lightning.claim(payment_id, b"preimage".into()).send().await).await;
    assert_eq!(it.ether(recipient).await, amount);
    let mut fees = route.estimatedFee;

    // Superfluid: USDCx of the adapter's for ether of the payer's. More than was asked for comes back.
    let route = it.route(SUPERFLUID, recipient, amount).await;
    let price = amount + route.estimatedFee;
    let before = it.ether(it.payer()).await;
    let receipt = it.execute(&route, price + tokens(1)).await;
    println!("executeRoute, Superfluid: {} gas", receipt.gas_used);
    assert_eq!(outcome(&receipt), (SUPERFLUID, true));
    assert_eq!(it.spent(before, &receipt).await, price);
    let usdcx = it.superfluid.usdcx().balanceOf(recipient).call().await;
    assert_eq!(usdcx.unwrap(), amount);
    fees += route.estimatedFee;

    // The chain itself.
    let route = it.route(CHAIN, recipient, amount).await;
    let price = amount + route.estimatedFee;
    let error = it.refusal(&route, price - U256::from(1)).await;
    let expected = ICrossProtocolRouter::InsufficientPayment {};
    assert_eq!(
        error,
        ICrossProtocolRouterErrors::InsufficientPayment(expected)
    );
    let receipt = it.execute(&route, price).await;
    println!("executeRoute, on-chain: {} gas", receipt.gas_used);
    assert_eq!(outcome(&receipt), (CHAIN, true));
    assert_eq!(it.ether(recipient).await, amount * U256::from(2));
    fees += route.estimatedFee;
    let error = it.refusal(&route, price).await;
    let expected = ICrossProtocolRouter::RouteAlreadyExecuted {};
    assert_eq!(
        error,
        ICrossProtocolRouterErrors::RouteAlreadyExecuted(expected)
    );

    // What is left are the fees, and the owner has them.
    assert_eq!(it.ether(router).await, fees);
    assert_eq!(it.router.earnedFees().call().await.unwrap(), fees);
    mined(it.router.withdrawETH().send().await).await;
    assert_eq!(it.ether(router).await, U256::ZERO);
}

#[tokio::test]
async fn a_route_expires_and_is_void_without_its_adapter() {
    let it = Routes::start().await;
    let recipient = Address::repeat_byte(0x4e);
    let value = tokens(2);
    let route = it.route(CHAIN, recipient, tokens(1)).await;
    it.superfluid.devnet.advance_time(301).unwrap();
    let expected = ICrossProtocolRouter::RouteExpired {};
    assert_eq!(
        it.refusal(&route, value).await,
        ICrossProtocolRouterErrors::RouteExpired(expected)
    );
    let route = it.route(CHAIN, recipient, tokens(1)).await;
    it.superfluid.devnet.advance_time(290).unwrap();
    let mut altered = route.clone();
    altered.routeData = [&route.routeData[..], &[0]].concat().into();
    let expected = ICrossProtocolRouter::RouteNotFound {};
    assert_eq!(
        it.refusal(&altered, value).await,
        ICrossProtocolRouterErrors::RouteNotFound(expected)
    );
    it.register(CHAIN, it.rails[1]).await;
    let expected = ICrossProtocolRouter::ProtocolNotAvailable {};
    assert_eq!(
        it.refusal(&route, value).await,
        ICrossProtocolRouterErrors::ProtocolNotAvailable(expected)
    );
    it.register(CHAIN, it.rails[2]).await;
    it.execute(&route, value).await;
    assert_eq!(it.ether(recipient).await, tokens(1));
}

#[tokio::test]
async fn an_adapter_that_eats_gas_and_a_payer_that_refuses_lose_nothing() {
    let it = Routes::start().await;
    let provider = &it.superfluid.provider;
    let recipient = Address::repeat_byte(0x4e);
    let eater = rail(provider, "GasEatingRail", &[]).await;
    it.register(CHAIN, eater).await;
    let value = tokens(2);

    // Too little gas for the adapter is no way to make it fail.
    let route = it.route(CHAIN, recipient, tokens(1)).await;
    let execute = it
        .router
        .executeRoute_0(route.routeId, route.routeData.clone())
        .value(value)
        .from(it.payer());
    let error: ICrossProtocolRouterErrors = revert(execute.clone().gas(1_000_000).call().await);
    assert!(matches!(
        error,
        ICrossProtocolRouterErrors::InsufficientGas(_)
    ));
    let before = it.ether(it.payer()).await;
    let receipt = mined(execute.send().await).await;
    println!("executeRoute, all gas eaten: {} gas", receipt.gas_used);
    assert_eq!(outcome(&receipt), (CHAIN, false));
    assert_eq!(it.spent(before, &receipt).await, U256::ZERO);
    let failed = events::<RouteFailed>(&receipt);
    assert_eq!(failed[0].reason, Bytes::new());

    // A long reason is cut off.
    let talks = IGasEatingRail::new(eater, provider);
    mined(talks.setRevertsLong(true).send().await).await;
    let amount = tokens(1) + U256::from(1);
    let route = it.route(CHAIN, recipient, amount).await;
    let receipt = it.execute(&route, value).await;
    assert_eq!(events::<RouteFailed>(&receipt)[0].reason.len(), 256);
    assert!(receipt.gas_used < 250_000);

    // A contract decodes the routes, pays, refuses its money back, and has it as credit.
    let compiled = solidity::compile("Rails.sol", "Payer").await;
    let router = *it.router.address();
    let payer = solidity::deploy(provider, &compiled, &router.abi_encode()).await;
    let payer = IPayer::new(payer, provider);
    mined(payer.behave(true, false).send().await).await;
    let request = it.request(recipient, tokens(1));
    let pay = |request: &RouteRequest| {
        let request = Request {
            recipient: request.recipient,
            amount: request.amount,
            optimization: request.optimization,
            maxFee: request.maxFee,
            deadline: request.deadline,
        };
        payer.pay(request).value(value)
    };
    let receipt = mined(pay(&request).send().await).await;
    assert_eq!(outcome(&receipt), (CHAIN, false));
    let credited = events::<Credited>(&receipt);
    assert_eq!(
        (credited[0].payer, credited[0].amount),
        (*payer.address(), value)
    );
    assert_eq!(it.ether(router).await, value);
    assert_eq!(it.router.earnedFees().call().await.unwrap(), U256::ZERO);
    let owner = it.superfluid.devnet.account(0);
    let fees = it.router.withdrawETH().from(owner).call().await;
    let fees: ICrossProtocolRouterErrors = revert(fees);
    let expected = ICrossProtocolRouter::NothingToWithdraw {};
    assert_eq!(
        fees,
        ICrossProtocolRouterErrors::NothingToWithdraw(expected)
    );

    // While it is paid its change it cannot reach for more.
    mined(payer.behave(false, true).send().await).await;
    it.register(CHAIN, it.rails[2]).await;
    let request = RouteRequest {
        deadline: request.deadline + U256::from(1),
        ..request
    };
    let before = it.ether(recipient).await;
    let receipt = mined(pay(&request).send().await).await;
    assert_eq!(outcome(&receipt), (CHAIN, true));
    assert!(!payer.reentered().call().await.unwrap());
    assert_eq!(it.ether(recipient).await, before + tokens(1));
    let credit = it.router.getCredit(*payer.address()).call().await.unwrap();
    assert_eq!(credit, value);
    let before = it.ether(recipient).await;
    mined(payer.withdraw(recipient).send().await).await;
    assert_eq!(it.ether(recipient).await, before + value);
    let fee = it.router.earnedFees().call().await.unwrap();
    assert_eq!(fee, tokens(1) / U256::from(1_000));
    assert_eq!(it.ether(router).await, fee);
}
