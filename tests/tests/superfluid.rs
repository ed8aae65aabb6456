//! Superfluid on the devnet: balances to the wei after time has passed.

use alloy::{
    primitives::{aliases::I96, Address, Bytes, I256, U256},
    providers::DynProvider,
    sol_types::{SolEvent, SolValue},
};
use bpe_tests::{
    solidity,
    stage::{mined, revert, Superfluid, USDCX, USDCX_PER_USDC},
};
use devnet_superfluid::bindings::{
    IGeneralDistributionAgreementV1::PoolCreated, ISuperfluidPool, PoolConfig, SuperfluidError,
};

const DAY: u64 = 24 * 60 * 60;

/// What a stream's sender must deposit: four hours of it, rounded up to a multiple of 2^32.
fn deposit(rate: u128) -> u128 {
    (rate * 4 * 60 * 60).next_multiple_of(1 << 32)
}

fn wei(amount: u128) -> I256 {
    I256::try_from(amount).unwrap()
}

fn rate(wei_per_second: u128) -> I96 {
    I96::try_from(wei_per_second).unwrap()
}

#[tokio::test]
async fn wraps_and_unwraps_usdc() {
    let superfluid = Superfluid::start().await;
    let user = superfluid.devnet.account(1);
    let (usdc, usdcx) = (superfluid.usdc(), superfluid.usdcx());

    superfluid.fund(user, 7).await;
    assert_eq!(usdc.balanceOf(user).call().await.unwrap(), U256::ZERO);
    assert_eq!(
        usdcx.balanceOf(user).call().await.unwrap(),
        U256::from(7 * USDCX)
    );

    // Twelve decimals more than USDC has: what is no whole unit of it stays wrapped.
    let amount = 2_500_000 * USDCX_PER_USDC + 1;
    mined(usdcx.downgrade(U256::from(amount)).from(user).send().await).await;
    assert_eq!(
        usdc.balanceOf(user).call().await.unwrap(),
        U256::from(2_500_000)
    );
    let rest = 7 * USDCX - 2_500_000 * USDCX_PER_USDC;
    assert_eq!(
        usdcx.balanceOf(user).call().await.unwrap(),
        U256::from(rest)
    );
    assert_eq!(
        usdc.balanceOf(*usdcx.address()).call().await.unwrap(),
        U256::from(4_500_000)
    );

    let too_much = usdcx
        .downgrade(U256::from(rest + USDCX_PER_USDC))
        .from(user)
        .call()
        .await;
    let error = revert::<SuperfluidError, _>(too_much);
    assert!(
        matches!(
            error,
            SuperfluidError::SF_TOKEN_BURN_INSUFFICIENT_BALANCE(_)
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn stream_is_exact_after_a_day() {
    let superfluid = Superfluid::start().await;
    let (alice, bob) = (superfluid.devnet.account(1), superfluid.devnet.account(2));
    let token = superfluid.addresses.usdcx;
    superfluid.fund(alice, 1000).await;
    let start = 1000 * u128::from(USDCX);

    // 1 000 USDCx a month, which no power of ten divides.
    let flow = 385_802_469_135_802;
    let forwarder = superfluid.cfa_forwarder();
    let create = forwarder.createFlow(token, alice, bob, rate(flow), Bytes::new());
    mined(create.from(alice).send().await).await;
    assert_eq!(
        superfluid.available(alice).await,
        wei(start - deposit(flow))
    );
    let created = superfluid.devnet.timestamp();

    superfluid.devnet.advance_time(DAY).unwrap();
    assert_eq!(superfluid.devnet.timestamp(), created + DAY);
    let streamed = flow * u128::from(DAY);
    assert_eq!(superfluid.available(bob).await, wei(streamed));
    assert_eq!(
        superfluid.available(alice).await,
        wei(start - deposit(flow) - streamed)
    );

    let delete = forwarder.deleteFlow(token, alice, bob, Bytes::new());
    mined(delete.from(alice).send().await).await;
    let streamed = flow * u128::from(superfluid.devnet.timestamp() - created);
    superfluid.devnet.advance_time(DAY).unwrap();
    assert_eq!(superfluid.available(bob).await, wei(streamed));
    assert_eq!(superfluid.available(alice).await, wei(start - streamed));

    let again = forwarder
        .deleteFlow(token, alice, bob, Bytes::new())
        .from(alice)
        .call()
        .await;
    let error = revert::<SuperfluidError, _>(again);
    assert!(
        matches!(error, SuperfluidError::CFA_FLOW_DOES_NOT_EXIST(_)),
        "{error:?}"
    );
}

#[tokio::test]
async fn pool_pays_three_members_in_proportion() {
    let superfluid = Superfluid::start().await;
    let account = |index| superfluid.devnet.account(index);
    let (source, admin) = (account(1), account(2));
    let members = [(account(3), 1), (account(4), 2), (account(5), 3)];
    let token = superfluid.addresses.usdcx;
    superfluid.fund(source, 1000).await;
    let start = 1000 * u128::from(USDCX);
    let pool = create_pool(&superfluid, admin).await;
    for (member, units) in members {
        mined(
            pool.updateMemberUnits(member, units)
                .from(admin)
                .send()
                .await,
        )
        .await;
    }
    let forwarder = superfluid.gda_forwarder();
    // Two receive by the second, the third claims.
    for (member, _) in &members[..2] {
        let connect = forwarder.connectPool(*pool.address(), Bytes::new());
        mined(connect.from(*member).send().await).await;
    }

    // What six units cannot share is not distributed at all.
    let per_unit = 64_300_411_522_633;
    let request = rate(6 * per_unit + 5);
    let distribute =
        forwarder.distributeFlow(token, source, *pool.address(), request, Bytes::new());
    mined(distribute.from(source).send().await).await;
    let created = superfluid.devnet.timestamp();
    assert_eq!(
        pool.getTotalFlowRate().call().await.unwrap(),
        rate(6 * per_unit)
    );
    let flow = superfluid
        .gda()
        .getFlow(token, source, *pool.address())
        .call()
        .await
        .unwrap();
    assert_eq!(flow.flowRate, rate(6 * per_unit));
    let buffer = flow.deposit.to::<u128>();
    assert_eq!(buffer, 6 * per_unit * 4 * 60 * 60);
    assert_eq!(superfluid.available(source).await, wei(start - buffer));

    superfluid.devnet.advance_time(DAY).unwrap();
    assert_eq!(superfluid.devnet.timestamp(), created + DAY);
    let a_unit = per_unit * u128::from(DAY);
    assert_eq!(superfluid.available(members[0].0).await, wei(a_unit));
    assert_eq!(superfluid.available(members[1].0).await, wei(2 * a_unit));
    assert_eq!(superfluid.available(members[2].0).await, wei(0));
    let claimable = pool.getClaimableNow(members[2].0).call().await.unwrap();
    assert_eq!(claimable.claimableBalance, wei(3 * a_unit));
    assert_eq!(
        superfluid.available(source).await,
        wei(start - buffer - 6 * a_unit)
    );
    assert_eq!(superfluid.available(admin).await, wei(0));

    mined(pool.claimAll_1().from(members[2].0).send().await).await;
    let claimed = 3 * per_unit * u128::from(superfluid.devnet.timestamp() - created);
    assert_eq!(superfluid.available(members[2].0).await, wei(claimed));
}

/// A Super App in Solidity passes a stream on, and lets it go when it ends.
#[tokio::test]
async fn super_app_redirects_a_stream() {
    let superfluid = Superfluid::start().await;
    let account = |index| superfluid.devnet.account(index);
    let (alice, carol) = (account(1), account(3));
    let token = superfluid.addresses.usdcx;
    superfluid.fund(alice, 1000).await;

    let redirect = solidity::compile("Redirect.sol", "Redirect").await;
    let arguments = (
        superfluid.addresses.host,
        superfluid.addresses.cfa_v1,
        carol,
    )
        .abi_encode();
    let app = solidity::deploy(&superfluid.provider, &redirect, &arguments).await;
    let host = superfluid.host();
    assert!(host.isApp(app).call().await.unwrap());

    let flow = 385_802_469_135_802;
    let forwarder = superfluid.cfa_forwarder();
    let create = forwarder.createFlow(token, alice, app, rate(flow), Bytes::new());
    mined(create.from(alice).send().await).await;
    let created = superfluid.devnet.timestamp();
    superfluid.devnet.advance_time(DAY).unwrap();
    assert_eq!(
        superfluid.available(carol).await,
        wei(flow * u128::from(DAY))
    );
    assert_eq!(superfluid.available(app).await, wei(0));

    let delete = forwarder.deleteFlow(token, alice, app, Bytes::new());
    mined(delete.from(alice).send().await).await;
    let streamed = flow * u128::from(superfluid.devnet.timestamp() - created);
    superfluid.devnet.advance_time(DAY).unwrap();
    assert_eq!(superfluid.available(carol).await, wei(streamed));
    assert_eq!(
        superfluid.available(alice).await,
        wei(1000 * u128::from(USDCX) - streamed)
    );
    assert_eq!(superfluid.available(app).await, wei(0));
    assert!(!host.isAppJailed(app).call().await.unwrap());
}

async fn create_pool(
    superfluid: &Superfluid,
    admin: Address,
) -> ISuperfluidPool::ISuperfluidPoolInstance<&DynProvider> {
    let config = PoolConfig {
        transferabilityForUnitsOwner: false,
        distributionFromAnyAddress: true,
    };
    let forwarder = superfluid.gda_forwarder();
    let create = forwarder.createPool(superfluid.addresses.usdcx, admin, config);
    let receipt = mined(create.send().await).await;
    let created = receipt
        .logs()
        .iter()
        .find_map(|log| PoolCreated::decode_log(&log.inner).ok());
    ISuperfluidPool::new(created.expect("the GDA tells").pool, &superfluid.provider)
}
