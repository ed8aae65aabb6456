//! The three rails that `bpe deploy` names: real ether, real USDCx, real flows; locks that open or go back; tokens and rails
//! that cheat.

use alloy::{
    primitives::{b256, Address, Bytes, B256, U256},
    providers::{DynProvider, Provider},
    rpc::types::TransactionReceipt,
    sol,
    sol_types::{SolError as _, SolValue},
};
use bpe_abi::{
    ICrossProtocolRouter::{
        self, ICrossProtocolRouterErrors, ICrossProtocolRouterInstance, RouteExecuted, RouteFailed,
        RoutePending, RouteRecommendation, RouteRefunded, RouteRequest,
    },
    IDirectSettlementAdapter::{
        self, IDirectSettlementAdapterErrors, IDirectSettlementAdapterInstance,
    },
    ILightningSettlementAdapter::{
        self, ILightningSettlementAdapterErrors, ILightningSettlementAdapterInstance,
    },
    ISuperfluidSettlementAdapter::{
        self, ISuperfluidSettlementAdapterErrors, ISuperfluidSettlementAdapterInstance,
    },
};
use bpe_tests::{
    proof::events,
    solidity,
    stage::{mined, revert, Superfluid},
    suite::{deploy, tokens, IStakeToken},
};

use crate::HOUR;

sol! {
    #[sol(rpc)]
    interface IBadToken {
        function set(address router, uint8 mode) external;
        function mint(address to, uint256 value) external;
        function approve(address spender, uint256 value) external returns (bool);
        function balanceOf(address account) external view returns (uint256);
        function entered() external view returns (bool);
    }

    #[sol(rpc)]
    interface IThievingRail {
        function take(uint256 parts) external;
        function takeMore(uint256 amount) external;
        function refund(uint256 value) external;
    }
}

const SUPERFLUID: u8 = 0;
const LIGHTNING: u8 = 1;
const CHAIN: u8 = 2;
const PAYER: usize = 3;
const RECIPIENT: Address = Address::repeat_byte(0x4e);
const PREIMAGE: [u8; 32] = [7; 32];
/// `sha256` of it.
const HASH: B256 = b256!("4bb06f8e4e3a7715d201d573d0aa423762e55dabd61a2c02278fa56cc6d294e0");

const NONE: u8 = 0;
const PENDING: u8 = 1;
const SETTLED: u8 = 2;
const REFUNDED: u8 = 3;
const FAILED: u8 = 4;

/// The router and its rails as they are deployed. The payer has a thousand USDCx, all approved for the router.
struct Rails {
    superfluid: Superfluid,
    router: ICrossProtocolRouterInstance<DynProvider>,
    lightning: ILightningSettlementAdapterInstance<DynProvider>,
    usdcx: Address,
}

impl Rails {
    async fn start() -> Self {
        let superfluid = Superfluid::start().await;
        let (devnet, provider) = (&superfluid.devnet, superfluid.provider.clone());
        let owner = devnet.account(0).abi_encode();
        let router = deploy(devnet, "cross-protocol-router", owner).await;
        let usdcx = superfluid.addresses.usdcx;
        let it = Self {
            router: ICrossProtocolRouter::new(router, provider.clone()),
            lightning: ILightningSettlementAdapter::new(
                Self::rail(&superfluid, "lightning", usdcx, router).await,
                provider.clone(),
            ),
            usdcx,
            superfluid,
        };
        let direct = Self::rail(&it.superfluid, "direct", usdcx, router).await;
        let flowing = Self::rail(&it.superfluid, "superfluid", usdcx, router).await;
        it.register(SUPERFLUID, flowing).await;
        it.register(LIGHTNING, *it.lightning.address()).await;
        it.register(CHAIN, direct).await;
        it.superfluid.fund(it.payer(), 1_000).await;
        let usdcx = it.superfluid.usdcx();
        let approve = usdcx.approve(router, U256::MAX).from(it.payer());
        mined(approve.send().await).await;
        it
    }

    async fn rail(on: &Superfluid, name: &str, token: Address, pipeline: Address) -> Address {
        let arguments = (token, pipeline).abi_encode_params();
        deploy(&on.devnet, &format!("{name}-settlement-adapter"), arguments).await
    }

    async fn register(&self, protocol: u8, adapter: Address) {
        let register = self.router.registerProtocolAdapter(protocol, adapter);
        mined(register.send().await).await;
    }

    fn payer(&self) -> Address {
        self.superfluid.devnet.account(PAYER)
    }

    fn now(&self) -> u64 {
        self.superfluid.devnet.timestamp()
    }

    fn request(&self, amount: U256) -> RouteRequest {
        RouteRequest {
            recipient: RECIPIENT,
            amount,
            optimization: 2,
            maxFee: amount,
            deadline: U256::from(self.now() + 10_000),
        }
    }

    /// The route over a protocol, in a token, or in ether if that is zero.
    async fn route(&self, protocol: u8, amount: U256, token: Address) -> RouteRecommendation {
        let routes = self.router.getTokenRoutes(self.request(amount), token);
        let routes = routes.call().await.unwrap();
        let found = routes.into_iter().find(|route| route.protocol == protocol);
        found.expect("the protocol is offered")
    }

    async fn execute(
        &self,
        route: &RouteRecommendation,
        value: U256,
        data: &[u8],
    ) -> TransactionReceipt {
        let data = Bytes::copy_from_slice(data);
        let execute = self
            .router
            .executeRoute_1(route.routeId, route.routeData.clone(), data);
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

    async fn state(&self, route: &RouteRecommendation) -> u8 {
        let known = self.router.getRoute(route.routeId, self.payer());
        known.call().await.unwrap().state
    }

    async fn payment_id(&self, route: &RouteRecommendation) -> B256 {
        let id = self.router.getPaymentId(route.routeId, self.payer());
        id.call().await.unwrap()
    }

    async fn ether(&self, account: Address) -> U256 {
        let provider = &self.superfluid.provider;
        provider.get_balance(account).await.unwrap()
    }

    async fn usdcx(&self, account: Address) -> U256 {
        let usdcx = self.superfluid.usdcx();
        usdcx.balanceOf(account).call().await.unwrap()
    }
}

#[tokio::test]
async fn a_payment_in_usdcx_goes_over_each_rail() {
    let it = Rails::start().await;
    let router = *it.router.address();
    let amount = tokens(2);
    let (mut fees, before) = (U256::ZERO, it.usdcx(it.payer()).await);
    for (protocol, data) in [
        (SUPERFLUID, Bytes::new()),
        (LIGHTNING, HASH.into()),
        (CHAIN, Bytes::new()),
    ] {
        let had = it.usdcx(RECIPIENT).await;
        let route = it.route(protocol, amount, it.usdcx).await;
        assert_eq!(it.state(&route).await, NONE);
        let receipt = it.execute(&route, U256::ZERO, &data).await;
        println!("executeRoute, {protocol}, USDCx: {} gas", receipt.gas_used);
        if protocol == LIGHTNING {
            assert_eq!(it.state(&route).await, PENDING);
            assert!(events::<RouteExecuted>(&receipt).is_empty());
            let payment_id = it.payment_id(&route).await;
            assert_eq!(events::<RoutePending>(&receipt)[0].paymentId, payment_id);
            assert_eq!(it.usdcx(*it.lightning.address()).await, amount);
            let claim = it.lightning.claim(payment_id, PREIMAGE.into());
            let receipt = mined(claim.send().await).await;
            println!("claim, USDCx: {} gas", receipt.gas_used);
            assert!(events::<RouteExecuted>(&receipt)[0].success);
        }
        assert_eq!(it.state(&route).await, SETTLED);
        assert_eq!(it.usdcx(RECIPIENT).await, had + amount);
        fees += route.estimatedFee;
        let earned = it.router.earnedTokenFees(it.usdcx).call().await.unwrap();
        assert_eq!(earned, fees);
    }
    let paid = before - it.usdcx(it.payer()).await;
    assert_eq!(paid, amount * U256::from(3) + fees);
    mined(it.router.withdrawToken(it.usdcx).send().await).await;
    assert_eq!(it.usdcx(router).await, U256::ZERO);
    // No rail has an allowance left, and no stranger connects the router to pools.
    for protocol in [SUPERFLUID, LIGHTNING, CHAIN] {
        let rail = it.router.getProtocolAdapter(protocol).call().await.unwrap();
        let usdcx = it.superfluid.usdcx();
        let left = usdcx.allowance(router, rail).call().await.unwrap();
        assert_eq!(left, U256::ZERO);
    }
}

#[tokio::test]
async fn ether_goes_by_lightning_and_by_the_chain_and_not_by_superfluid() {
    let it = Rails::start().await;
    let amount = tokens(1);
    let routes = it.router.getRoutes(it.request(amount)).call().await;
    let offered: Vec<_> = routes.unwrap().iter().map(|it| it.protocol).collect();
    assert_eq!(offered, [CHAIN, LIGHTNING]);
    let route = it.route(CHAIN, amount, Address::ZERO).await;
    it.execute(&route, amount + route.estimatedFee, &[]).await;
    assert_eq!(it.ether(RECIPIENT).await, amount);

    let lock = it.route(LIGHTNING, amount, Address::ZERO).await;
    let price = amount + lock.estimatedFee;
    it.execute(&lock, price, HASH.as_slice()).await;
    let payment_id = it.payment_id(&lock).await;
    let locked = it.lightning.getHTLC(payment_id).call().await.unwrap();
    assert_eq!((locked.amount, locked.paymentHash), (amount, HASH));
    assert_eq!(locked.depositor, *it.router.address());
    assert_eq!(locked.deadline, U256::from(it.now() + HOUR));
    // The fee is earned when it has been paid, not before.
    let earned = || async { it.router.earnedFees().call().await.unwrap() };
    assert_eq!(earned().await, route.estimatedFee);
    let claim = |preimage: &[u8]| {
        let preimage = Bytes::copy_from_slice(preimage);
        it.lightning.claim(payment_id, preimage)
    };
    for length in [0, 31, 33] {
        let error =
            revert::<ILightningSettlementAdapterErrors, _>(claim(&vec![7; length]).call().await);
        let expected = ILightningSettlementAdapter::InvalidPreimageLength {
            length: U256::from(length),
        };
        let expected = ILightningSettlementAdapterErrors::InvalidPreimageLength(expected);
        assert_eq!(error, expected);
    }
    let other = revert(claim(&[8; 32]).call().await);
    assert!(matches!(
        other,
        ILightningSettlementAdapterErrors::InvalidPreimage(_)
    ));
    let receipt = mined(claim(&PREIMAGE).send().await).await;
    println!("claim, ether: {} gas", receipt.gas_used);
    assert_eq!(it.ether(RECIPIENT).await, amount * U256::from(2));
    assert_eq!(earned().await, route.estimatedFee + lock.estimatedFee);
    let again = revert(claim(&PREIMAGE).call().await);
    assert!(matches!(
        again,
        ILightningSettlementAdapterErrors::HTLCAlreadyClaimed(_)
    ));
    it.superfluid.devnet.advance_time(2 * HOUR).unwrap();
    let back = revert(it.lightning.refundExpired(payment_id).call().await);
    assert!(matches!(
        back,
        ILightningSettlementAdapterErrors::HTLCAlreadyClaimed(_)
    ));
}

#[tokio::test]
async fn a_lock_that_expires_goes_back_to_the_payer_with_the_fee() {
    let it = Rails::start().await;
    let amount = tokens(3);
    // The payer is asked for the ether's gas, so another account's balance is compared: the router's, which stays empty.
    for token in [Address::ZERO, it.usdcx] {
        let (ether, usdcx) = (it.ether(it.payer()).await, it.usdcx(it.payer()).await);
        let route = it.route(LIGHTNING, amount, token).await;
        let price = amount + route.estimatedFee;
        let value = match token.is_zero() {
            true => price,
            false => U256::ZERO,
        };
        let deadline = U256::from(it.now() + 600);
        let data = (HASH, deadline).abi_encode();
        let receipt = it.execute(&route, value, &data).await;
        let gas = U256::from(receipt.gas_used) * U256::from(receipt.effective_gas_price);
        let payment_id = it.payment_id(&route).await;
        let early = revert(it.lightning.refundExpired(payment_id).call().await);
        assert!(matches!(
            early,
            ILightningSettlementAdapterErrors::HTLCNotExpired(_)
        ));
        // The owner names another rail meanwhile: this payment ends where it began.
        let another = it.router.getProtocolAdapter(CHAIN).call().await.unwrap();
        it.register(LIGHTNING, another).await;
        it.superfluid.devnet.advance_time(600).unwrap();
        let late = it.lightning.claim(payment_id, PREIMAGE.into());
        let late = revert(late.call().await);
        assert!(matches!(
            late,
            ILightningSettlementAdapterErrors::HTLCExpired(_)
        ));
        let refund = it.lightning.refundExpired(payment_id).send().await;
        let receipt = mined(refund).await;
        println!("refundExpired: {} gas", receipt.gas_used);
        let refunded = &events::<RouteRefunded>(&receipt)[0];
        assert_eq!((refunded.payer, refunded.amount), (it.payer(), price));
        assert!(!events::<RouteExecuted>(&receipt)[0].success);
        assert_eq!(it.state(&route).await, REFUNDED);
        assert_eq!(it.ether(it.payer()).await, ether - gas);
        assert_eq!(it.usdcx(it.payer()).await, usdcx);
        assert_eq!(it.ether(*it.router.address()).await, U256::ZERO);
        assert_eq!(it.usdcx(*it.router.address()).await, U256::ZERO);
        let again = revert(it.lightning.refundExpired(payment_id).call().await);
        assert!(matches!(
            again,
            ILightningSettlementAdapterErrors::HTLCAlreadyRefunded(_)
        ));
        it.register(LIGHTNING, *it.lightning.address()).await;
    }
    // Nobody but the rail says what came of a payment.
    let forged = it.router.reportSettled(B256::ZERO).call().await;
    let forged = revert::<ICrossProtocolRouterErrors, _>(forged);
    assert!(matches!(forged, ICrossProtocolRouterErrors::NotPending(_)));
    // A rail that is asked for what it cannot do says so, and the payer keeps everything.
    let route = it.route(LIGHTNING, amount, it.usdcx).await;
    let before = it.usdcx(it.payer()).await;
    let receipt = it.execute(&route, U256::ZERO, &[1; 31]).await;
    let reason = &events::<RouteFailed>(&receipt)[0].reason;
    let expected = ILightningSettlementAdapter::InvalidPaymentData {
        length: U256::from(31),
    };
    assert_eq!(reason[..], expected.abi_encode()[..]);
    assert_eq!(it.state(&route).await, FAILED);
    assert_eq!(it.usdcx(it.payer()).await, before);
}

/// Flows out of the pipeline's own account: a pipeline that is a plain account authorises the rail as its flow operator.
#[tokio::test]
async fn a_stream_of_the_superfluid_rail_is_a_flow() {
    let superfluid = Superfluid::start().await;
    let devnet = &superfluid.devnet;
    let (pipeline, usdcx) = (devnet.account(PAYER), superfluid.addresses.usdcx);
    superfluid.fund(pipeline, 1_000).await;
    let rail = Rails::rail(&superfluid, "superfluid", usdcx, pipeline).await;
    let rail: ISuperfluidSettlementAdapterInstance<_> =
        ISuperfluidSettlementAdapter::new(rail, superfluid.provider.clone());
    let rate = U256::from(1_000_000_000_000_000_u64);
    let begin = rail.initializeStream(RECIPIENT, rate).from(pipeline);
    assert!(begin.call().await.is_err(), "without permission");
    let forwarder = superfluid.cfa_forwarder();
    let grant = forwarder.grantPermissions(usdcx, *rail.address());
    mined(grant.from(pipeline).send().await).await;
    let id = begin.call().await.unwrap();
    let receipt = mined(begin.send().await).await;
    println!("initializeStream, Superfluid: {} gas", receipt.gas_used);
    let flowing = || async { rail.getStreamFlowRate(id).call().await.unwrap() };
    assert_eq!(flowing().await, rate);
    let start = devnet.timestamp();
    devnet.advance_time(HOUR).unwrap();
    let double = rate * U256::from(2);
    let adjust = |rate| rail.adjustStream(id, rate).from(pipeline);
    mined(adjust(double).send().await).await;
    let changed = devnet.timestamp();
    devnet.advance_time(HOUR).unwrap();
    mined(adjust(U256::ZERO).send().await).await;
    let end = devnet.timestamp();
    assert_eq!(flowing().await, U256::ZERO);
    devnet.advance_time(HOUR).unwrap();
    let expected = rate * U256::from(changed - start) + double * U256::from(end - changed);
    let got = superfluid.usdcx().balanceOf(RECIPIENT).call().await;
    assert_eq!(got.unwrap(), expected);
    let ended = revert(adjust(rate).call().await);
    assert!(matches!(
        ended,
        ISuperfluidSettlementAdapterErrors::StreamNotActive(_)
    ));
    let stranger = rail.adjustStream(id, rate).from(devnet.account(5));
    let stranger = revert(stranger.call().await);
    assert!(matches!(
        stranger,
        ISuperfluidSettlementAdapterErrors::OnlyPipeline(_)
    ));
    // It pays in nothing else.
    let value = U256::from(1);
    let ether = rail.execute(B256::ZERO, RECIPIENT, value, Bytes::new());
    let ether: ISuperfluidSettlementAdapterErrors =
        revert(ether.value(value).from(pipeline).call().await);
    let expected = ISuperfluidSettlementAdapter::EtherNotAccepted { value };
    assert_eq!(
        ether,
        ISuperfluidSettlementAdapterErrors::EtherNotAccepted(expected)
    );
    let plain = solidity::compile("StakeToken.sol", "StakeToken").await;
    let plain = solidity::deploy(&superfluid.provider, &plain, &[]).await;
    assert!(!rail.accepts(plain).call().await.unwrap());
    assert!(!rail.accepts(Address::ZERO).call().await.unwrap());
}

/// A pipeline with a plain ERC-20: what it has approved is what it pays.
#[tokio::test]
async fn a_stream_of_the_direct_rail_is_drawn() {
    let superfluid = Superfluid::start().await;
    let devnet = &superfluid.devnet;
    let pipeline = devnet.account(PAYER);
    let compiled = solidity::compile("StakeToken.sol", "StakeToken").await;
    let token = solidity::deploy(&superfluid.provider, &compiled, &[]).await;
    let rail = Rails::rail(&superfluid, "direct", token, pipeline).await;
    let rail: IDirectSettlementAdapterInstance<_> =
        IDirectSettlementAdapter::new(rail, superfluid.provider.clone());
    let token = IStakeToken::new(token, &superfluid.provider);
    mined(token.mint(pipeline, tokens(10)).send().await).await;
    let begin = rail
        .initializeStream(RECIPIENT, U256::from(1_000))
        .from(pipeline);
    let id = begin.call().await.unwrap();
    mined(begin.send().await).await;
    let start = devnet.timestamp();
    devnet.advance_time(HOUR).unwrap();
    // Nothing is approved yet: nothing is paid, and nothing lost.
    let collect = rail.collectStream(id).from(devnet.account(5));
    let unpaid = revert(collect.call().await);
    assert!(matches!(
        unpaid,
        IDirectSettlementAdapterErrors::SafeERC20FailedOperation(_)
    ));
    let approve = token.approve(*rail.address(), tokens(10)).from(pipeline);
    mined(approve.send().await).await;
    mined(collect.send().await).await;
    let earned = U256::from(1_000 * (devnet.timestamp() - start));
    assert_eq!(token.balanceOf(RECIPIENT).call().await.unwrap(), earned);
    // An escrow, settled for less: the rest comes back.
    let job = B256::repeat_byte(1);
    mined(rail.escrow(job, tokens(2)).from(pipeline).send().await).await;
    assert_eq!(rail.getEscrowedAmount(job).call().await.unwrap(), tokens(2));
    let settle = rail.settleCompletion(job, RECIPIENT, tokens(1), Bytes::new());
    mined(settle.from(pipeline).send().await).await;
    let got = token.balanceOf(RECIPIENT).call().await.unwrap();
    assert_eq!(got, earned + tokens(1));
    let left = token.balanceOf(*rail.address()).call().await.unwrap();
    assert_eq!(left, U256::ZERO);
    let again = rail
        .releaseEscrow(job, RECIPIENT)
        .from(pipeline)
        .call()
        .await;
    let again = revert(again);
    assert!(matches!(
        again,
        IDirectSettlementAdapterErrors::EscrowAlreadyReleased(_)
    ));
}

#[tokio::test]
async fn tokens_that_cheat_cost_nobody_anything() {
    const FALSE: u8 = 1;
    const FEE: u8 = 2;
    const CALLS: u8 = 3;
    let it = Rails::start().await;
    let (router, payer) = (*it.router.address(), it.payer());
    let provider = &it.superfluid.provider;
    let compiled = solidity::compile("Rails.sol", "BadToken").await;
    let bad = solidity::deploy(provider, &compiled, &[]).await;
    let token = IBadToken::new(bad, provider);
    let direct = Rails::rail(&it.superfluid, "direct", bad, router).await;
    it.register(CHAIN, direct).await;
    mined(token.mint(payer, tokens(100)).send().await).await;
    mined(token.approve(router, U256::MAX).from(payer).send().await).await;
    let amount = tokens(1);
    let route = it.route(CHAIN, amount, bad).await;
    let set = |mode| token.set(router, mode);
    mined(set(FALSE).send().await).await;
    assert!(matches!(
        it.refusal(&route, U256::ZERO).await,
        ICrossProtocolRouterErrors::SafeERC20FailedOperation(_)
    ));
    mined(set(FEE).send().await).await;
    assert!(matches!(
        it.refusal(&route, U256::ZERO).await,
        ICrossProtocolRouterErrors::TokenTookFee(_)
    ));
    let value = U256::from(1);
    let expected = ICrossProtocolRouter::UnexpectedEther { value };
    assert_eq!(
        it.refusal(&route, value).await,
        ICrossProtocolRouterErrors::UnexpectedEther(expected)
    );
    // One that calls the router back finds it closed, and all goes as if it had not.
    mined(set(CALLS).send().await).await;
    it.execute(&route, U256::ZERO, &[]).await;
    assert!(!token.entered().call().await.unwrap());
    assert_eq!(token.balanceOf(RECIPIENT).call().await.unwrap(), amount);
    let spent = tokens(100) - token.balanceOf(payer).call().await.unwrap();
    assert_eq!(spent, amount + route.estimatedFee);
    // USDCx is no money of that rail's.
    let routes = it.router.getTokenRoutes(it.request(amount), it.usdcx);
    let offered: Vec<_> = routes.call().await.unwrap();
    assert!(offered.iter().all(|route| route.protocol != CHAIN));
}

#[tokio::test]
async fn a_rail_that_cheats_takes_what_it_is_due_and_no_more() {
    let it = Rails::start().await;
    let (router, provider) = (*it.router.address(), it.superfluid.provider.clone());
    // Others' money is here.
    let amount = tokens(10);
    let earlier = it.route(CHAIN, amount, it.usdcx).await;
    it.execute(&earlier, U256::ZERO, &[]).await;
    let here = it.usdcx(router).await;
    assert_eq!(here, earlier.estimatedFee);
    let compiled = solidity::compile("Rails.sol", "ThievingRail").await;
    let arguments = (it.usdcx, router).abi_encode_params();
    let rail = solidity::deploy(&provider, &compiled, &arguments).await;
    it.register(CHAIN, rail).await;
    let rail = IThievingRail::new(rail, &provider);
    let amount = U256::from(1_000);
    let route = it.route(CHAIN, amount, it.usdcx).await;
    mined(rail.take(U256::from(99)).send().await).await;
    assert!(matches!(
        it.refusal(&route, U256::ZERO).await,
        ICrossProtocolRouterErrors::AdapterTook(_)
    ));
    // More than it was allowed, the token refuses, and so the payment fails.
    mined(rail.take(U256::from(101)).send().await).await;
    let before = it.usdcx(it.payer()).await;
    it.execute(&route, U256::ZERO, &[]).await;
    assert_eq!(it.state(&route).await, FAILED);
    assert_eq!(it.usdcx(it.payer()).await, before);
    mined(rail.take(U256::from(100)).send().await).await;
    let route = it.route(CHAIN, amount + U256::from(1_000), it.usdcx).await;
    it.execute(&route, U256::ZERO, &[]).await;
    assert_eq!(it.state(&route).await, PENDING);
    // Nothing is left for it to take, and it refunds nothing that it does not bring.
    assert!(rail.takeMore(U256::from(1)).call().await.is_err());
    assert!(rail.refund(U256::ZERO).call().await.is_err());
    let fees = it.router.earnedTokenFees(it.usdcx).call().await.unwrap();
    assert_eq!(fees, here);

    // In ether likewise.
    let route = it.route(CHAIN, tokens(1), Address::ZERO).await;
    let price = tokens(1) + route.estimatedFee;
    it.execute(&route, price, &[]).await;
    let short = tokens(1) - U256::from(1);
    assert!(rail.refund(short).call().await.is_err());
    let ether = it.ether(it.payer()).await;
    mined(rail.refund(tokens(1)).send().await).await;
    assert_eq!(it.ether(it.payer()).await, ether + price);
    assert!(rail.refund(U256::ZERO).call().await.is_err());
}
