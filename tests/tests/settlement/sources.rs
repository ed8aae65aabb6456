//! What sources do, and what becomes of it: streams straight into the pools, by Superfluid's macro forwarders, by batches of
//! its host, and by its forwarder for distributions.

use alloy::{
    primitives::{keccak256, Address, Bytes, B256, U256},
    signers::SignerSync,
    sol,
    sol_types::{eip712_domain, SolCall, SolStruct},
};
use bpe_abi::IStreamGateway::{self, IStreamGatewayErrors};
use bpe_tests::{
    settlement::{rate, usdcx, Settlement, RATE},
    stage::{mined, revert},
    suite::CODE,
};
use devnet_superfluid::bindings::{
    IClearMacroForwarderV1::{self, Security},
    IGeneralDistributionAgreementV1, ISimpleACL, ITestGovernance,
};

use crate::HOUR;

const CHAT: B256 = B256::repeat_byte(0xca);

/// Deploys Superfluid on the saved chain, and owns its governance.
const GOVERNOR: usize = 9;

/// A rate is rounded down to a multiple of the pool's units, which are a little more than this.
const ROUNDING: u128 = 2_000_000_000;

async fn flow_into(it: &Settlement, id: B256) -> u128 {
    let flow = it.pool(id).await.getTotalFlowRate().call().await.unwrap();
    assert!(flow >= rate(0));
    flow.into_raw().to()
}

async fn assert_streams(it: &Settlement, source: Address, id: B256, asked: u128) {
    let actual = it.rate_of(source, id).await;
    assert!(
        actual <= asked && actual > asked - ROUNDING,
        "{actual} of {asked}"
    );
}

/// Two task types with a sink each; CHAT has its pool as well.
async fn two_task_types() -> (Settlement, [Address; 2]) {
    let it = Settlement::start().await;
    let code = it.sink(0x31, 10).await;
    let registry = &it.base.registry;
    mined(registry.registerTaskType(CHAT, U256::ZERO).send().await).await;
    mined(it.pools.createPool(CHAT).send().await).await;
    let chat = it.base.staked(0x32, 400).await;
    let register = registry.registerSink(CHAT, U256::from(10_000_000_000_u64));
    mined(register.from(chat).send().await).await;
    mined(it.pools.rebalance(CHAT).send().await).await;
    (it, [code, chat])
}

/// Gives `source` plain USDC, and USDCx an allowance for it.
async fn unwrapped(it: &Settlement, source: Address, amount: u64) {
    let usdc = it.superfluid.usdc();
    let underlying = U256::from(amount) * U256::from(1_000_000);
    mined(usdc.mint(source, underlying).send().await).await;
    let approve = usdc.approve(it.superfluid.addresses.usdcx, underlying);
    mined(approve.from(source).send().await).await;
}

/// The target of the whole redesign: below 650 000 gas and one deposit, by every way there is.
#[tokio::test]
async fn a_stream_is_opened_below_650_000_gas_and_with_one_deposit() {
    let it = Settlement::start().await;
    it.sink(0x31, 10).await;
    let host = it.superfluid.host();
    let accounts: Vec<Address> = (2..8).map(|index| it.base.devnet.account(index)).collect();
    let [wrapping, macros, batch, gda] = [accounts[1], accounts[2], accounts[3], accounts[4]];
    // The first stream into a pool writes what later ones only change: nobody's figure but its own.
    it.superfluid.fund(accounts[5], 1_000).await;
    it.stream(accounts[5], CODE, RATE).await;
    for source in [macros, batch, gda] {
        it.superfluid.fund(source, 1_000).await;
    }
    // It has some already: an account's first tokens of a kind cost what they cost everywhere.
    it.superfluid.fund(wrapping, 1).await;
    unwrapped(&it, wrapping, 1_000).await;
    let create = it
        .gateway
        .createStream_1(CODE, rate(RATE), U256::from(usdcx(1_000)));
    let mut gas = vec![(
        "BlindMacroForwarder, wrap and note",
        it.run(wrapping, create.call().await.unwrap())
            .await
            .gas_used,
        wrapping,
    )];
    let receipt = it.stream(macros, CODE, RATE).await;
    gas.push(("BlindMacroForwarder, note", receipt.gas_used, macros));
    let parameters = it
        .gateway
        .createStream_0(CODE, rate(RATE))
        .call()
        .await
        .unwrap();
    let operations = it.operations(batch, parameters).await;
    let receipt = mined(host.batchCall(operations).from(batch).send().await).await;
    gas.push(("host.batchCall, note", receipt.gas_used, batch));
    let (token, pool) = (
        it.superfluid.addresses.usdcx,
        *it.pool(CODE).await.address(),
    );
    let forwarder = it.superfluid.gda_forwarder();
    let open = forwarder.distributeFlow(token, gda, pool, rate(RATE), Bytes::new());
    let receipt = mined(open.from(gda).send().await).await;
    gas.push(("GDAv1Forwarder", receipt.gas_used, gda));
    for (way, gas, _) in &gas {
        println!("open a stream by {way}: {gas} gas");
    }
    for (way, gas, source) in gas {
        let deposit = it.deposit(source, CODE).await;
        assert!(gas < 650_000, "{way}: {gas}");
        assert_streams(&it, source, CODE, RATE).await;
        // Four hours of what flows, and nothing else has left the source's hands.
        let flows = it.rate_of(source, CODE).await;
        assert_eq!(deposit, flows * 14_400, "{way}");
        let held = it
            .superfluid
            .usdcx()
            .realtimeBalanceOfNow(source)
            .call()
            .await
            .unwrap();
        assert_eq!(held.deposit, U256::from(deposit));
    }
}

#[tokio::test]
async fn one_source_feeds_several_task_types_and_has_all_back_but_what_flowed() {
    let (it, _) = two_task_types().await;
    let source = it.source(3, 1_000).await;
    it.stream(source, CODE, RATE).await;
    it.stream(source, CHAT, 3 * RATE).await;
    assert_streams(&it, source, CODE, RATE).await;
    assert_streams(&it, source, CHAT, 3 * RATE).await;
    assert_eq!(flow_into(&it, CODE).await, it.rate_of(source, CODE).await);
    assert_eq!(flow_into(&it, CHAT).await, it.rate_of(source, CHAT).await);

    it.update(source, CODE, 2 * RATE).await;
    assert_streams(&it, source, CODE, 2 * RATE).await;
    it.advance(HOUR);

    // One ends, the other goes on; nothing is lost by that but what flowed.
    let rates = it.rate_of(source, CODE).await + it.rate_of(source, CHAT).await;
    let (before, at) = (it.whole(source).await, it.base.devnet.timestamp());
    it.end(source, CODE).await;
    let passed = u128::from(it.base.devnet.timestamp() - at);
    assert_eq!(it.whole(source).await, before - rates * passed);
    assert_eq!(
        (flow_into(&it, CODE).await, it.deposit(source, CODE).await),
        (0, 0)
    );
    assert_streams(&it, source, CHAT, 3 * RATE).await;
    it.end(source, CHAT).await;
    let left = it.superfluid.available(source).await;
    assert_eq!(left, it.whole(source).await.try_into().unwrap());
}

/// The order matters: what had flowed at the old rate is noted before the rate changes.
#[tokio::test]
async fn what_flowed_is_noted_before_a_rate_changes() {
    let it = Settlement::start().await;
    it.sink(0x31, 10).await;
    let source = it.source(3, 1_000).await;
    it.stream(source, CODE, RATE).await;
    let opened = it.ledger.getNoted(CODE, source).call().await.unwrap();
    assert_eq!(opened.time, U256::from(it.base.devnet.timestamp()));
    it.advance(HOUR);
    it.update(source, CODE, 2 * RATE).await;
    let updated = it.ledger.getNoted(CODE, source).call().await.unwrap();
    assert_eq!(updated.time, U256::from(it.base.devnet.timestamp()));
    assert!(updated.time > opened.time);
}

#[tokio::test]
async fn a_source_that_runs_out_of_money_is_liquidated_and_nothing_else_breaks() {
    let (it, sinks) = two_task_types().await;
    let (poor, rich) = (it.source(3, 40).await, it.source(4, 1_000).await);
    it.stream(poor, CODE, RATE).await;
    it.stream(rich, CODE, RATE).await;
    let left: u128 = it.superfluid.available(poor).await.try_into().unwrap();
    it.advance(u64::try_from(left / RATE).unwrap() + 60);
    assert!(it.superfluid.available(poor).await.is_negative());
    let pool = *it.pool(CODE).await.address();
    let liquidate = |source| {
        let end = IGeneralDistributionAgreementV1::distributeFlowCall {
            token: it.superfluid.addresses.usdcx,
            from: source,
            pool,
            requestedFlowRate: rate(0),
            ctx: Bytes::new(),
        };
        (
            it.superfluid.addresses.gda_v1,
            Bytes::from(end.abi_encode()),
        )
    };
    let (host, liquidator) = (it.superfluid.host(), it.base.devnet.account(6));
    let (gda, end) = liquidate(rich);
    let solvent = host.callAgreement(gda, end, Bytes::new()).from(liquidator);
    assert!(solvent.call().await.is_err());
    let (gda, end) = liquidate(poor);
    let insolvent = host.callAgreement(gda, end, Bytes::new()).from(liquidator);
    mined(insolvent.send().await).await;
    assert_eq!(it.rate_of(poor, CODE).await, 0);
    assert_streams(&it, rich, CODE, RATE).await;
    let before = it.superfluid.available(sinks[0]).await;
    it.advance(HOUR);
    assert!(it.superfluid.available(sinks[0]).await > before);
    // And it can come again.
    it.superfluid.fund(poor, 100).await;
    it.stream(poor, CODE, RATE).await;
}

sol! {
    struct Action {
        string description;
        bytes32 taskTypeId;
        int96 flowRate;
        uint256 wrap;
    }
    struct SignedSecurity {
        string domain;
        address macroContract;
        string provider;
        uint256 validAfter;
        uint256 validBefore;
        uint256 nonce;
    }
}

/// What a wallet signs, with the names that the forwarder gives: alloy would call the second member's type otherwise.
fn digest(it: &Settlement, action: &Action, security: &Security) -> B256 {
    const SECURITY: &str = "Security(string domain,address macroContract,string provider,uint256 validAfter,uint256 validBefore,uint256 nonce)";
    let whole = format!(
        "CreateStream(Action action,Security security){}{SECURITY}",
        Action::eip712_encode_type()
    );
    let signed = SignedSecurity {
        domain: security.domain.clone(),
        macroContract: security.macroContract,
        provider: security.provider.clone(),
        validAfter: security.validAfter,
        validBefore: security.validBefore,
        nonce: security.nonce,
    };
    let security = keccak256([keccak256(SECURITY).to_vec(), signed.eip712_encode_data()].concat());
    let whole = keccak256(whole);
    let hash = keccak256([whole, action.eip712_hash_struct(), security].concat());
    let domain = eip712_domain! {
        name: "ClearMacro",
        version: "1",
        chain_id: it.base.devnet.chain_id(),
        verifying_contract: it.superfluid.addresses.clear_macro_forwarder_v1,
    };
    keccak256(
        [
            &[0x19, 0x01],
            domain.separator().as_slice(),
            hash.as_slice(),
        ]
        .concat(),
    )
}

#[tokio::test]
async fn a_source_signs_and_somebody_else_pays_the_gas() {
    let it = Settlement::start().await;
    it.sink(0x31, 10).await;
    let addresses = &it.superfluid.addresses;
    let forwarder =
        IClearMacroForwarderV1::new(addresses.clear_macro_forwarder_v1, &it.base.provider);
    let (source, relayer) = (it.source(3, 1_000).await, it.base.devnet.account(4));
    let key = it.base.devnet.signers()[3].clone();
    let gateway = *it.gateway.address();
    let parameters = it
        .gateway
        .createStream_0(CODE, rate(RATE))
        .call()
        .await
        .unwrap();
    let action = Action {
        description:
            "Open a stream to the sinks of a task type, in wei per second, after wrapping tokens"
                .into(),
        taskTypeId: CODE,
        flowRate: rate(RATE),
        wrap: U256::ZERO,
    };
    let security = |provider: &str, nonce: U256| Security {
        domain: "bpe.example".into(),
        macroContract: gateway,
        provider: provider.into(),
        validAfter: U256::ZERO,
        validBefore: U256::ZERO,
        nonce,
    };
    let nonce = |key: u64| forwarder.getNonce(source, alloy::primitives::Uint::from(key));

    // Through a provider that governance knows: the source needs no ether at all.
    let by_provider = security("provider.example", nonce(7).call().await.unwrap());
    let payload = forwarder.encodeParams(parameters.clone(), by_provider.clone());
    let payload = payload.call().await.unwrap();
    let hash = digest(&it, &action, &by_provider);
    assert_eq!(
        forwarder
            .getDigest(gateway, payload.clone())
            .call()
            .await
            .unwrap(),
        hash
    );
    let signature = Bytes::from(key.sign_hash_sync(&hash).unwrap().as_bytes());
    let run = || forwarder.runMacro(gateway, payload.clone(), source, signature.clone());
    assert!(
        run().from(relayer).call().await.is_err(),
        "nobody knows this provider yet"
    );
    let acl = it.superfluid.host().getSimpleACL().call().await.unwrap();
    let acl = ISimpleACL::new(acl, &it.base.provider);
    let grant = acl.grantRole(keccak256("provider.example"), relayer);
    mined(grant.from(it.base.devnet.account(GOVERNOR)).send().await).await;
    it.base.devnet.set_balance(source, U256::ZERO);
    let receipt = mined(run().from(relayer).send().await).await;
    println!(
        "open a stream by ClearMacroForwarderV1, provider: {} gas",
        receipt.gas_used
    );
    assert_streams(&it, source, CODE, RATE).await;
    assert!(
        run().from(relayer).call().await.is_err(),
        "a signature counts once"
    );

    // By itself, with what it signed in its wallet.
    it.base.devnet.set_balance(source, U256::from(usdcx(1)));
    it.end(source, CODE).await;
    let alone = security("self", nonce(8).call().await.unwrap());
    let payload = forwarder
        .encodeParams(parameters, alone.clone())
        .call()
        .await
        .unwrap();
    let signature = key.sign_hash_sync(&digest(&it, &action, &alone)).unwrap();
    let signature = Bytes::from(signature.as_bytes());
    let run = forwarder.runMacro(gateway, payload, source, signature);
    let by_another = run.clone().from(relayer).call().await;
    assert!(by_another.is_err(), "only by itself");
    let receipt = mined(run.from(source).send().await).await;
    println!(
        "open a stream by ClearMacroForwarderV1, self: {} gas",
        receipt.gas_used
    );
    assert_streams(&it, source, CODE, RATE).await;
}

/// Superfluid takes it and says nothing. The macro refuses it; elsewhere `getStream` shows it.
#[tokio::test]
async fn a_stream_below_the_total_units_pays_nobody() {
    let it = Settlement::start().await;
    it.sink(0x31, 10).await;
    let source = it.source(3, 1_000).await;
    let minimum = it.gateway.getMinimumFlowRate(CODE).call().await.unwrap();
    let low = minimum.to::<u128>() - 1;
    // Parameters that the gateway would not have given.
    let good = it
        .gateway
        .createStream_0(CODE, rate(RATE))
        .call()
        .await
        .unwrap();
    let mut bad = good.to_vec();
    bad[160..192].copy_from_slice(&U256::from(low).to_be_bytes::<32>());
    let run = &it.macros;
    let run = run.runMacro(*it.gateway.address(), bad.clone().into());
    let error = revert::<IStreamGatewayErrors, _>(run.from(source).call().await);
    let too_low = IStreamGatewayErrors::FlowRateTooLow(IStreamGateway::FlowRateTooLow {
        flowRate: U256::from(low),
        minimum,
    });
    assert_eq!(error, too_low);

    let (token, pool) = (
        it.superfluid.addresses.usdcx,
        *it.pool(CODE).await.address(),
    );
    let forwarder = it.superfluid.gda_forwarder();
    let open = forwarder.distributeFlow(token, source, pool, rate(low), Bytes::new());
    mined(open.from(source).send().await).await;
    assert_eq!(
        (it.rate_of(source, CODE).await, flow_into(&it, CODE).await),
        (0, 0)
    );
    let host = it.superfluid.addresses.host;
    let check = it.gateway.postCheck(host, bad.into(), source).call().await;
    assert_eq!(revert::<IStreamGatewayErrors, _>(check), too_low);
    // It cost nothing, and the way on is open.
    assert_eq!(it.whole(source).await, usdcx(1_000));
    it.stream(source, CODE, RATE).await;
}

/// Whoever has no Super App cannot lose one: Superfluid calls nothing of ours, so nothing of ours can be jailed.
#[tokio::test]
async fn there_is_no_app_to_jail() {
    let it = Settlement::start().await;
    let host = it.superfluid.host();
    for contract in [
        *it.base.stakes.address(),
        *it.base.registry.address(),
        *it.pools.address(),
        *it.meter.address(),
        *it.escrow.address(),
        *it.ledger.address(),
        *it.gateway.address(),
    ] {
        assert!(!host.isApp(contract).call().await.unwrap(), "{contract}");
        assert!(!host.isAppJailed(contract).call().await.unwrap());
    }
}

/// Before, the app was halted by this, and what others had there was eaten.
#[tokio::test]
async fn governance_that_raises_the_minimum_deposit_takes_nothing_from_a_source() {
    let (it, sinks) = two_task_types().await;
    let (source, other) = (it.source(3, 1_000).await, it.source(4, 1_000).await);
    it.stream(source, CODE, RATE).await;
    it.stream(other, CODE, RATE).await;
    it.advance(HOUR);
    let addresses = &it.superfluid.addresses;
    let governance = ITestGovernance::new(addresses.governance, &it.base.provider);
    let more_than_anybody_has = U256::from(usdcx(1_000_000));
    let raise = governance.setSuperTokenMinimumDeposit(
        addresses.host,
        addresses.usdcx,
        more_than_anybody_has,
    );
    mined(raise.from(it.base.devnet.account(GOVERNOR)).send().await).await;
    // Streams go on, sinks are paid, units change.
    let before = it.superfluid.available(sinks[0]).await;
    it.advance(HOUR);
    assert!(it.superfluid.available(sinks[0]).await > before);
    it.sink(0x33, 10).await;
    assert_streams(&it, source, CODE, RATE).await;
    // A change would need the new deposit. An end needs nothing, and gives the old one back, to the wei.
    let update = it
        .gateway
        .updateStream(CODE, rate(2 * RATE))
        .call()
        .await
        .unwrap();
    let run = &it.macros;
    let run = run.runMacro(*it.gateway.address(), update);
    assert!(run.from(source).call().await.is_err());
    let (whole, flows) = (it.whole(source).await, it.rate_of(source, CODE).await);
    let at = it.base.devnet.timestamp();
    it.end(source, CODE).await;
    let passed = u128::from(it.base.devnet.timestamp() - at);
    assert_eq!(it.whole(source).await, whole - flows * passed);
    let free = it.superfluid.available(source).await;
    assert_eq!(free, it.whole(source).await.try_into().unwrap());
    assert_streams(&it, other, CODE, RATE).await;
}

/// Before, an expired program meant a jailed app, and all deposits lost.
#[tokio::test]
async fn a_source_ends_its_stream_when_all_programs_have_expired() {
    let it = Settlement::start().await;
    it.sink(0x31, 10).await;
    let source = it.source(3, 20_000).await;
    let pool = *it.pool(CODE).await.address();
    it.stream(source, CODE, RATE).await;
    it.advance(366 * 24 * HOUR);
    let asked = it.gateway.getStream(CODE, source).call().await;
    assert!(asked.is_err(), "a program lives for a year");
    let token = it.superfluid.addresses.usdcx;
    let forwarder = it.superfluid.gda_forwarder();
    let flow = forwarder.getFlowDistributionFlowRate(token, source, pool);
    let flows: u128 = flow.call().await.unwrap().into_raw().to();
    assert!(flows > RATE - ROUNDING);
    let (whole, at) = (it.whole(source).await, it.base.devnet.timestamp());
    let end = forwarder.distributeFlow(token, source, pool, rate(0), Bytes::new());
    mined(end.from(source).send().await).await;
    let passed = u128::from(it.base.devnet.timestamp() - at);
    assert_eq!(it.whole(source).await, whole - flows * passed);
    let free = it.superfluid.available(source).await;
    assert_eq!(free, it.whole(source).await.try_into().unwrap());
}
