//! ServiceDirectory on real Superfluid: a stranger opens a task type, its sinks are found, and agents are who they say.

use alloy::{
    primitives::{Address, B256, U256},
    sol,
};
use bpe_abi::IServiceDirectory::{self, IServiceDirectoryErrors};
use bpe_tests::{
    directory::Directory,
    economy::{Factory, MARKETPLACE},
    solidity,
    stage::{mined, revert},
    suite::{tokens, units, CODE},
};

sol! {
    /// `tests/contracts/Identities.sol`.
    #[sol(rpc)]
    interface IIdentities {
        function behave(uint8 value) external;
        function register(string calldata uri) external returns (uint256 agentId);
        function setAgentWallet(uint256 agentId, address wallet) external;
        function transferFrom(address from, address to, uint256 agentId) external;
    }
}

const URI: &str = "https://sink.example/v1";

async fn sink_of(stage: &Directory, number: u8, id: B256) -> Address {
    let base = &stage.it.core.base;
    let sink = base.staked(number, 100).await;
    let register = base.registry.registerSink(id, units(10)).from(sink);
    mined(register.send().await).await;
    sink
}

/// From a name to where its sinks are reached, and back to nothing when they leave.
#[tokio::test]
async fn a_stranger_opens_a_task_type_and_its_sinks_are_found() {
    let stage = Directory::start().await;
    let (base, pools) = (&stage.it.core.base, &stage.it.core.pools);
    let stranger = base.staked(0x31, 100).await;
    let id = stage.register(stranger, "translation").await;
    assert_ne!(pools.getPool(id).call().await.unwrap(), Address::ZERO);
    let creator = base.registry.getCreator(id).call().await.unwrap();
    assert_eq!(creator, stranger);
    // Its stake is as free as before.
    let unstake = base.stakes.unstake(tokens(100)).from(stranger);
    mined(unstake.send().await).await;

    let resolve = stage
        .contract
        .resolve("translation".into(), U256::ZERO, U256::MAX);
    let found = resolve.call().await.unwrap();
    assert_eq!(
        (found.taskTypeIds, found.creators),
        (vec![id], vec![stranger])
    );
    let sink = sink_of(&stage, 0x32, id).await;
    let silent = sink_of(&stage, 0x33, id).await;
    stage.set_service(sink, id, URI).await;
    let expected = vec![(sink, URI.to_owned()), (silent, String::new())];
    assert_eq!(stage.page(id).await, expected);
    mined(pools.rebalanceSink(id, sink).send().await).await;
    let units = pools.getMemberUnits(id, sink).call().await.unwrap();
    assert!(units > 0);

    let leave = base.registry.deregisterSink(id).from(sink);
    mined(leave.gas(3_000_000).send().await).await;
    assert_eq!(stage.page(id).await, [(silent, String::new())]);
    let uri = stage.contract.getService(id, sink).call().await.unwrap();
    assert_eq!(uri, "");
}

/// All that a task type by work needs, in one transaction of somebody who owns nothing here.
#[tokio::test]
async fn a_task_type_by_work_is_opened_with_its_fees() {
    let stage = Directory::start().await;
    let base = &stage.it.core.base;
    let stranger = base.staked(0x31, 100).await;
    let metadata = "{\"name\":\"chat\",\"unit\":\"token\"}";
    let id = stage.derived(stranger, "chat").await;
    let (start, ceiling) = (
        U256::from(4_000_000_000_000_u64),
        U256::from(9_000_000_000_000_u64),
    );
    let register = stage.contract.registerTaskType_2(
        id,
        metadata.into(),
        tokens(100),
        3,
        start,
        U256::ZERO,
        ceiling,
    );
    let receipt = mined(register.from(stranger).send().await).await;
    println!(
        "registerTaskType, by work with fees: {} gas",
        receipt.gas_used
    );
    let weighting = stage.it.core.pools.getWeighting(id).call().await.unwrap();
    assert_eq!(weighting, U256::from(3));
    let pricing = &stage.it.pricing;
    assert_eq!(pricing.getCurve(id).call().await.unwrap(), 2);
    assert_eq!(pricing.getBaseFee(id).call().await.unwrap(), start);
    let fees = pricing.getFees(id).call().await.unwrap();
    assert_eq!(
        (fees.floor, fees.ceiling),
        (start / U256::from(10), ceiling)
    );
    let name = stage.contract.getName(id).call().await.unwrap();
    assert_eq!(name, "chat");
    // By what pays it, it is one of work: all but the cuts goes to the reserve.
    let reserve = *stage.it.core.reserve.address();
    let pool = stage.it.core.pool(id).await;
    assert!(pool.getUnits(reserve).call().await.unwrap() > 0);
}

/// Every id that does not follow from who takes it costs a minimum stake, as long as nobody wants it.
#[tokio::test]
async fn squatters_pay_for_every_id() {
    let stage = Directory::start().await;
    let base = &stage.it.core.base;
    let squatter = base.staked(0x31, 150).await;
    let take = |id: B256| {
        let register = stage
            .contract
            .registerTaskType_0(id, "x".into(), U256::ZERO);
        register.from(squatter)
    };
    let [first, second] = [1, 2].map(B256::repeat_byte);
    mined(take(first).send().await).await;
    let refused: IServiceDirectoryErrors = revert(take(second).call().await);
    let expected = IServiceDirectory::InsufficientStake {
        required: tokens(100),
        available: tokens(50),
    };
    assert_eq!(
        refused,
        IServiceDirectoryErrors::InsufficientStake(expected)
    );
    let locked = base.stakes.unstake(tokens(51)).from(squatter).call().await;
    assert!(locked.is_err());
    sink_of(&stage, 0x32, first).await;
    mined(base.stakes.unstake(tokens(150)).from(squatter).send().await).await;
}

/// The identity registry is asked anew every time, and can neither lie in a form that passes, nor block anybody.
#[tokio::test]
async fn an_agent_is_who_the_identity_registry_says_now() {
    let stage = Directory::start().await;
    let base = &stage.it.core.base;
    let compiled = solidity::compile("Identities.sol", "Identities").await;
    let at = solidity::deploy(&base.provider, &compiled, &[]).await;
    let identities = IIdentities::new(at, &base.provider);
    let (sink, buyer) = (
        base.registered(0x31, 100, 10).await,
        base.sink(0x32, 0).await,
    );
    stage.set_service(sink, CODE, URI).await;
    let id = U256::from(1);
    let (linked, none) = ((at, id), (Address::ZERO, U256::ZERO));
    mined(identities.register(URI.into()).from(sink).send().await).await;
    let link = |who: Address| stage.contract.linkAgent(at, id).from(who);
    let refused: IServiceDirectoryErrors = revert(link(buyer).call().await);
    let expected = IServiceDirectory::NotAgent {
        identityRegistry: at,
        agentId: id,
        sink: buyer,
    };
    assert_eq!(refused, IServiceDirectoryErrors::NotAgent(expected));
    let receipt = mined(link(sink).send().await).await;
    println!("linkAgent: {} gas", receipt.gas_used);
    assert_eq!(stage.agent(sink).await, linked);

    // What returns more than it should is read as far as it goes; what is no address, or nothing, is nobody.
    for (behaviour, said) in [(1, none), (2, linked), (3, none), (4, none), (0, linked)] {
        mined(identities.behave(behaviour).send().await).await;
        assert_eq!(stage.agent(sink).await, said, "{behaviour}");
        let page = stage.page(CODE).await;
        assert_eq!(page, [(sink, URI.to_owned())], "{behaviour}");
    }
    // Not even one that eats all the gas it gets costs more than its allowance, twice.
    mined(identities.behave(1).send().await).await;
    let gas = stage.contract.getAgent(sink).estimate_gas().await.unwrap();
    assert!(gas < 450_000, "{gas}");
    mined(identities.behave(0).send().await).await;
    // With too little gas for the answer there is none, rather than a wrong one.
    let starved = stage.contract.getAgent(sink).gas(150_000).call().await;
    let starved: IServiceDirectoryErrors = revert(starved);
    let is_starved = matches!(starved, IServiceDirectoryErrors::InsufficientGas(_));
    assert!(is_starved, "{starved:?}");

    // Its wallet is the agent, too, until the identity is sold.
    let wallet = base.sink(0x33, 0).await;
    let set = identities.setAgentWallet(id, wallet).from(sink);
    mined(set.send().await).await;
    mined(link(wallet).send().await).await;
    assert_eq!(stage.agent(wallet).await, linked);
    let sell = identities.transferFrom(sink, buyer, id).from(sink);
    mined(sell.send().await).await;
    for account in [sink, wallet, buyer] {
        assert_eq!(stage.agent(account).await, none, "{account}");
    }
    mined(link(buyer).send().await).await;
    assert_eq!(stage.agent(buyer).await, linked);
}

/// The factory's economies have a directory of their own, by which strangers open task types there.
#[tokio::test]
async fn economies_of_the_factory_take_task_types_of_strangers() {
    let factory = Factory::start().await;
    let contract = factory.contract.clone();
    let (it, economy) = factory.into_economy(MARKETPLACE, &[CODE]).await;
    let parts = contract.getParts(economy.economyId).call().await.unwrap();
    let base = &it.core.base;
    let stranger = base.staked(0x31, 100).await;
    let directory = IServiceDirectory::new(parts.serviceDirectory, base.provider.clone());
    let id = directory.deriveTaskTypeId(stranger, "translation".into());
    let id = id.call().await.unwrap();
    let register = directory.registerTaskType_1(id, "translation".into(), U256::ZERO, 1);
    mined(register.from(stranger).send().await).await;
    let weighting = it.core.pools.getWeighting(id).call().await.unwrap();
    assert_eq!(weighting, U256::from(1));
    // Who had the economy made describes its task types.
    let describe = directory.describe(CODE, "code".into());
    mined(describe.send().await).await;
    let found = directory.resolve("code".into(), U256::ZERO, U256::MAX);
    let found = found.call().await.unwrap();
    assert_eq!(found.taskTypeIds, [CODE]);
    assert_eq!(found.creators, [base.owner]);
}
