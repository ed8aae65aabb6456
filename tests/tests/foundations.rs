//! StakeManager and CapacityRegistry, built and deployed: the whole path, and what motsu cannot show.

use alloy::{
    primitives::{keccak256, Address, Bytes, B256, U256},
    providers::Provider,
    rpc::types::TransactionRequest,
    sol,
    sol_types::{SolEvent, SolValue},
};
use bpe_abi::{
    ICapacityRegistry::{self, ICapacityRegistryErrors},
    IStakeManager::{self, IStakeManagerErrors},
};
use bpe_tests::{
    solidity,
    stage::{mined, revert},
    suite::{deploy, tokens, units, Foundations, BURNT, CODE},
};

const DAY: u64 = 86_400;
const NONCE: B256 = B256::repeat_byte(0x17);

sol! {
    #[sol(rpc)]
    interface IReenteringToken {
        function mint(address to, uint256 value) external;
        function attack(address target) external;
        function reentered() external view returns (bool);
        function balanceOf(address account) external view returns (uint256);
    }

    #[sol(rpc)]
    interface IReader {
        function lists(address registry, bytes32 id)
            external
            view
            returns (address[] sinks, uint256[] capacities, address[] page);
        function numbers(address registry, address stakes, bytes32 id, address sink)
            external
            view
            returns (uint256[9] values);
        function refusal(address registry, bytes32 id) external returns (uint256 required, uint256 available);
    }

    #[sol(rpc)]
    interface IGasEater {
        function setReturnsALot(bool value) external;
    }
}

/// Stake, register, commit, reveal, slash, clip, leave, unbond, unstake: where every token is, to the wei.
#[tokio::test(flavor = "multi_thread")]
async fn a_sinks_life() {
    let it = Foundations::start().await;
    let held = async || {
        it.token
            .balanceOf(*it.stakes.address())
            .call()
            .await
            .unwrap()
    };
    let sink = it.registered(1, 400, 10).await;
    assert_eq!(held().await, tokens(400));
    assert_eq!(
        it.stakes.getLockedStake(sink).call().await.unwrap(),
        tokens(100)
    );

    let hash = keccak256((units(20), NONCE).abi_encode());
    mined(
        it.registry
            .commitCapacity(CODE, hash)
            .from(sink)
            .send()
            .await,
    )
    .await;
    it.devnet.mine(1).unwrap();
    mined(
        it.registry
            .revealCapacity(CODE, units(20), NONCE)
            .from(sink)
            .send()
            .await,
    )
    .await;
    assert_eq!(
        it.registry
            .getSmoothedCapacity(CODE, sink)
            .call()
            .await
            .unwrap(),
        units(13)
    );
    assert_eq!(
        it.stakes.getLockedStake(sink).call().await.unwrap(),
        tokens(400)
    );

    it.slash(sink, 300).await;
    assert_eq!(held().await, tokens(280), "30 % a day");
    it.take_owed(sink).await;
    assert_eq!(held().await, tokens(100));
    assert_eq!(it.token.balanceOf(BURNT).call().await.unwrap(), tokens(300));
    let sync = mined(it.registry.syncCapacity(CODE, sink).send().await).await;
    let [log] = sync.logs() else {
        panic!("not one log: {sync:?}")
    };
    let clipped = ICapacityRegistry::CapacityClipped {
        taskTypeId: CODE,
        sink,
        rawCapacity: units(10),
        smoothedCapacity: units(10),
    };
    assert_eq!(
        ICapacityRegistry::CapacityClipped::decode_log(&log.inner)
            .unwrap()
            .data,
        clipped
    );

    mined(it.registry.deregisterSink(CODE).from(sink).send().await).await;
    let early = it.stakes.unstake(tokens(1)).from(sink).call().await;
    let error = IStakeManager::InsufficientStake {
        required: tokens(1),
        available: U256::ZERO,
    };
    assert_eq!(
        revert::<IStakeManagerErrors, _>(early),
        IStakeManagerErrors::InsufficientStake(error)
    );
    it.devnet.advance_time(DAY).unwrap();
    mined(it.stakes.unstake(tokens(100)).from(sink).send().await).await;
    assert_eq!(held().await, U256::ZERO);
    assert_eq!(it.token.balanceOf(sink).call().await.unwrap(), tokens(100));
}

/// Every field of both contracts is written, and then all are read back: no two share their storage.
#[tokio::test(flavor = "multi_thread")]
async fn all_fields_have_their_own_storage() {
    let it = Foundations::start().await;
    let [a, b, c, d, e, f] = [0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6].map(Address::repeat_byte);
    let (domain, chat) = (B256::repeat_byte(0xd0), B256::repeat_byte(0xca));

    mined(it.stakes.setTreasury(a).send().await).await;
    mined(it.stakes.setUnbondingPeriod(U256::from(7_777)).send().await).await;
    mined(it.stakes.setSlasher(c, true).send().await).await;
    mined(it.stakes.setRegistry(d, true).send().await).await;
    mined(it.registry.setAdapter(b, true).send().await).await;
    mined(it.registry.setAggregator(c).send().await).await;
    mined(it.registry.setServiceDirectory(f).send().await).await;
    let (sink, other) = (it.staked(1, 500).await, it.registered(2, 400, 20).await);
    mined(it.stakes.transferOwnership(e).send().await).await;
    mined(it.registry.transferOwnership(d).send().await).await;
    let register = it.registry.registerTaskType(chat, tokens(111));
    mined(register.from(sink).send().await).await;
    mined(
        it.registry
            .registerSink(chat, units(7))
            .from(sink)
            .send()
            .await,
    )
    .await;
    mined(
        it.registry
            .registerSink(CODE, units(8))
            .from(sink)
            .send()
            .await,
    )
    .await;
    mined(
        it.registry
            .commitCapacity(CODE, NONCE)
            .from(sink)
            .send()
            .await,
    )
    .await;
    mined(it.registry.deregisterSink(CODE).from(other).send().await).await;
    let until = it.devnet.timestamp() + 7_777;
    mined(it.stakes.setReputationLedger(f, domain).send().await).await;
    mined(it.registry.setPool(e).send().await).await;

    let stakes = &it.stakes;
    assert_eq!(stakes.owner().call().await.unwrap(), it.owner);
    assert_eq!(stakes.pendingOwner().call().await.unwrap(), e);
    assert_eq!(stakes.STAKE_UNIT().call().await.unwrap(), tokens(1));
    assert_eq!(stakes.MIN_SINK_STAKE().call().await.unwrap(), tokens(100));
    assert_eq!(stakes.minSinkStake().call().await.unwrap(), tokens(100));
    assert_eq!(stakes.capCurve().call().await.unwrap(), 0);
    assert_eq!(
        stakes.STAKE_TOKEN().call().await.unwrap(),
        *it.token.address()
    );
    assert_eq!(
        stakes.stakeToken().call().await.unwrap(),
        *it.token.address()
    );
    assert_eq!(
        stakes.unbondingPeriod().call().await.unwrap(),
        U256::from(7_777)
    );
    assert_eq!(stakes.treasury().call().await.unwrap(), a);
    assert_eq!(stakes.unpaidSlashed().call().await.unwrap(), U256::ZERO);
    assert_eq!(stakes.reputationLedger().call().await.unwrap(), f);
    assert_eq!(stakes.reputationDomain().call().await.unwrap(), domain);
    for (slasher, may) in [(it.owner, true), (c, true), (d, false)] {
        assert_eq!(
            stakes.authorizedSlashers(slasher).call().await.unwrap(),
            may
        );
    }
    for (registry, may) in [(*it.registry.address(), true), (d, true), (c, false)] {
        assert_eq!(
            stakes.authorizedRegistries(registry).call().await.unwrap(),
            may
        );
    }
    assert_eq!(stakes.getStake(sink).call().await.unwrap(), tokens(500));
    assert_eq!(stakes.getStake(other).call().await.unwrap(), tokens(400));
    assert_eq!(
        stakes.getCapacityCap(other).call().await.unwrap(),
        units(20)
    );
    assert_eq!(
        stakes.getLockedStake(sink).call().await.unwrap(),
        tokens(225)
    );
    // A task type whose id is not derived has a minimum stake of its creator set aside.
    assert_eq!(stakes.getFreeStake(sink).call().await.unwrap(), tokens(175));
    assert_eq!(
        stakes.getLockedStake(other).call().await.unwrap(),
        U256::ZERO
    );
    let unbonding = stakes.getUnbonding(other).call().await.unwrap();
    assert_eq!(
        (unbonding.amount, unbonding.until),
        (tokens(400), U256::from(until))
    );

    let registry = &it.registry;
    assert_eq!(registry.owner().call().await.unwrap(), it.owner);
    assert_eq!(registry.pendingOwner().call().await.unwrap(), d);
    assert_eq!(
        registry.stakeManager().call().await.unwrap(),
        *it.stakes.address()
    );
    assert_eq!(registry.authorizedAggregator().call().await.unwrap(), c);
    assert_eq!(registry.pool().call().await.unwrap(), e);
    for (adapter, may) in [(it.owner, true), (b, true), (c, false)] {
        assert_eq!(
            registry.authorizedAdapters(adapter).call().await.unwrap(),
            may
        );
    }
    for (id, min_stake, capacity) in [(CODE, 100, 8), (chat, 111, 7)] {
        let task_type = registry.getTaskType(id).call().await.unwrap();
        let expected = (tokens(min_stake), U256::from(1), units(capacity));
        assert_eq!(
            (
                task_type.minStake,
                task_type.sinkCount,
                task_type.totalCapacity
            ),
            expected
        );
        let sinks = registry.getSinks(id).call().await.unwrap();
        assert_eq!(
            (sinks.sinks, sinks.capacities),
            (vec![sink], vec![units(capacity)])
        );
        let page = registry
            .getSinksPage(id, U256::ZERO, U256::from(5))
            .call()
            .await
            .unwrap();
        assert_eq!(
            (page.sinks, page.capacities),
            (vec![sink], vec![units(capacity)])
        );
        assert_eq!(
            registry.getRawCapacity(id, sink).call().await.unwrap(),
            units(capacity)
        );
        assert!(registry.isRegistered(id, sink).call().await.unwrap());
        assert!(!registry.isRegistered(id, other).call().await.unwrap());
    }
    assert!(registry.isBonded(chat).call().await.unwrap());
    assert!(!registry.isBonded(CODE).call().await.unwrap());
    let directory = registry.serviceDirectory().call().await.unwrap();
    assert_eq!(directory, f);
    assert!(registry.hasPendingCommit(CODE, sink).call().await.unwrap());
    assert!(!registry.hasPendingCommit(chat, sink).call().await.unwrap());
    let backing = registry.getBacking(sink).call().await.unwrap();
    assert_eq!(
        (backing.capacity, backing.taskTypes),
        (units(15), U256::from(2))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn ownership_moves_on_chain() {
    let it = Foundations::start().await;
    let next = it.devnet.account(1);
    let stranger = it.stakes.setTreasury(next).from(next).call().await;
    let error = IStakeManager::OwnableUnauthorizedAccount { account: next };
    assert_eq!(
        revert::<IStakeManagerErrors, _>(stranger),
        IStakeManagerErrors::OwnableUnauthorizedAccount(error)
    );
    mined(it.stakes.transferOwnership(next).send().await).await;
    mined(it.stakes.acceptOwnership().from(next).send().await).await;
    let treasury = it.stakes.setTreasury(Address::repeat_byte(1));
    mined(treasury.from(next).send().await).await;
    mined(it.stakes.renounceOwnership().from(next).send().await).await;
    assert_eq!(it.stakes.owner().call().await.unwrap(), Address::ZERO);
}

#[tokio::test(flavor = "multi_thread")]
async fn constructors_run_once() {
    let it = Foundations::start().await;
    for (contract, arguments) in [
        (
            *it.stakes.address(),
            (
                *it.token.address(),
                tokens(1),
                tokens(1),
                U256::ZERO,
                it.owner,
            )
                .abi_encode_params(),
        ),
        (
            *it.registry.address(),
            (*it.stakes.address(), it.owner).abi_encode_params(),
        ),
    ] {
        let data = [&[0x55, 0x85, 0x25, 0x8d][..], &arguments].concat();
        let again = TransactionRequest::default()
            .to(contract)
            .input(Bytes::from(data).into());
        assert!(
            it.provider.call(again).await.is_err(),
            "{contract} can be constructed again"
        );
    }
    assert_eq!(it.stakes.owner().call().await.unwrap(), it.owner);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_calls_back_finds_the_contract_closed() {
    let it = Foundations::start().await;
    let compiled = solidity::compile("Hostile.sol", "ReenteringToken").await;
    let token = solidity::deploy(&it.provider, &compiled, &[]).await;
    let token = IReenteringToken::new(token, &it.provider);
    let arguments =
        (*token.address(), tokens(1), tokens(1), U256::ZERO, it.owner).abi_encode_params();
    let stakes = deploy(&it.devnet, "stake-manager", arguments).await;
    let stakes = IStakeManager::new(stakes, &it.provider);
    mined(stakes.open().send().await).await;
    for account in [it.owner, *token.address()] {
        mined(token.mint(account, tokens(10)).send().await).await;
    }
    mined(token.attack(*stakes.address()).send().await).await;
    mined(stakes.stake(tokens(10)).send().await).await;
    mined(stakes.unstake(tokens(4)).send().await).await;
    assert!(!token.reentered().call().await.unwrap());
    assert_eq!(stakes.getStake(it.owner).call().await.unwrap(), tokens(6));
    assert_eq!(
        token.balanceOf(*stakes.address()).call().await.unwrap(),
        tokens(6)
    );
}

/// A pool that wastes its gas, or answers with 100 kB, cannot hold a sink; and a sink cannot leave it unheard by bringing
/// too little gas.
#[tokio::test(flavor = "multi_thread")]
async fn a_wasteful_pool_holds_nobody_and_is_always_heard() {
    let it = Foundations::start().await;
    let compiled = solidity::compile("Hostile.sol", "GasEater").await;
    let pool = solidity::deploy(&it.provider, &compiled, &[]).await;
    mined(it.registry.setPool(pool).send().await).await;
    let (first, second) = (
        it.registered(1, 400, 20).await,
        it.registered(2, 400, 20).await,
    );

    let leave = it.registry.deregisterSink(CODE).from(first);
    let too_little = leave.clone().gas(1_500_000).call().await;
    let error = revert::<ICapacityRegistryErrors, _>(too_little);
    let ICapacityRegistryErrors::InsufficientGas(error) = error else {
        panic!("{error:?}")
    };
    assert!(error.available < error.required, "{error:?}");

    let receipt = mined(leave.gas(2_000_000).send().await).await;
    assert!(
        receipt.gas_used > 1_500_000,
        "the pool had its gas: {}",
        receipt.gas_used
    );
    let failed = ICapacityRegistry::ListenerFailed {
        taskTypeId: CODE,
        sink: first,
        capacity: U256::ZERO,
    };
    let logs = receipt.logs().iter();
    let decoded =
        logs.filter_map(|log| ICapacityRegistry::ListenerFailed::decode_log(&log.inner).ok());
    assert_eq!(decoded.map(|log| log.data).collect::<Vec<_>>(), [failed]);

    mined(
        IGasEater::new(pool, &it.provider)
            .setReturnsALot(true)
            .send()
            .await,
    )
    .await;
    let receipt = mined(
        it.registry
            .deregisterSink(CODE)
            .from(second)
            .gas(2_000_000)
            .send()
            .await,
    )
    .await;
    assert!(
        receipt.gas_used < 250_000,
        "what it returns is not read: {}",
        receipt.gas_used
    );
    let sinks = it.registry.getSinks(CODE).call().await.unwrap();
    assert_eq!(sinks.sinks, Vec::<Address>::new());
}

/// A slash brings the gas that paying the treasury takes; estimation could otherwise find less, and nobody would be paid.
#[tokio::test(flavor = "multi_thread")]
async fn a_slash_brings_the_gas_of_its_payment() {
    let it = Foundations::start().await;
    let sink = it.staked(1, 400).await;
    let slash = it.stakes.slash(sink, tokens(1), B256::ZERO).from(it.owner);
    let too_little = slash.clone().gas(300_000).call().await;
    let error = revert::<IStakeManagerErrors, _>(too_little);
    let IStakeManagerErrors::InsufficientGas(error) = error else {
        panic!("{error:?}")
    };
    assert!(error.available < error.required, "{error:?}");
    assert!(slash.estimate_gas().await.unwrap() > 300_000);
    mined(slash.send().await).await;
    assert_eq!(it.token.balanceOf(BURNT).call().await.unwrap(), tokens(1));
}

/// What StakeManager reverts with reaches the caller of the registry as it is.
#[tokio::test(flavor = "multi_thread")]
async fn errors_pass_through() {
    let it = Foundations::start().await;
    let sink = it.staked(1, 99).await;
    let register = it
        .registry
        .registerSink(CODE, units(1))
        .from(sink)
        .call()
        .await;
    let error = ICapacityRegistry::InsufficientStake {
        required: tokens(100),
        available: tokens(99),
    };
    assert_eq!(
        revert::<ICapacityRegistryErrors, _>(register),
        ICapacityRegistryErrors::InsufficientStake(error)
    );
}

/// Solidity decodes what the programs return, through the generated interfaces, and their errors.
#[tokio::test(flavor = "multi_thread")]
async fn solidity_reads_it_all() {
    let it = Foundations::start().await;
    let id = B256::repeat_byte(0xca);
    let register = it.registry.registerTaskType(id, tokens(111));
    mined(register.send().await).await;
    let (first, second) = (it.staked(1, 400).await, it.staked(2, 900).await);
    for (sink, capacity) in [(first, 20), (second, 25)] {
        let register = it.registry.registerSink(id, units(capacity));
        mined(register.from(sink).send().await).await;
    }
    let compiled = solidity::compile("Reader.sol", "Reader").await;
    let reader = solidity::deploy(&it.provider, &compiled, &[]).await;
    let reader = IReader::new(reader, &it.provider);
    let (registry, stakes) = (*it.registry.address(), *it.stakes.address());

    let lists = reader.lists(registry, id).call().await.unwrap();
    assert_eq!(lists.sinks, [first, second]);
    assert_eq!(lists.capacities, [units(20), units(25)]);
    assert_eq!(lists.page, [second]);

    mined(it.registry.deregisterSink(id).from(first).send().await).await;
    let until = U256::from(it.devnet.timestamp() + DAY);
    let values = reader
        .numbers(registry, stakes, id, first)
        .call()
        .await
        .unwrap();
    let (one, bps, zero) = (U256::from(1), U256::from(10_000), U256::ZERO);
    let expected = [
        tokens(111),
        one,
        units(25),
        zero,
        zero,
        tokens(400),
        until,
        units(20),
        bps,
    ];
    assert_eq!(values, expected);

    let refusal = reader.refusal(registry, id).call().await.unwrap();
    assert_eq!((refusal.required, refusal.available), (tokens(111), zero));
}
