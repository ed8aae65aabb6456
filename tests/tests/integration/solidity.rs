//! Solidity contracts that use the suite through its generated interfaces.

use std::fs;

use alloy::{
    primitives::{aliases::I96, Address, B256, U256},
    providers::DynProvider,
    sol,
    sol_types::SolValue,
};
use bpe_tests::{
    proof::Proof,
    settlement::{rate, usdcx, RATE},
    solidity,
    stage::mined,
    suite::{units, CODE},
    tools::workspace_root,
};

sol! {
    #[sol(rpc)]
    #[derive(Debug)]
    interface IStreamingClient {
        event Adapted(int96 rate, uint256 baseFee, uint256 pressure);

        error NotOwner(address caller);
        error TooDear(uint256 baseFee, uint256 maxBaseFee);

        function open(bytes32 taskType, int96 rate, int96 maxRate, uint256 maxBaseFee) external;
        function adapt() external;
        function close() external;
        function quote(bytes32 taskType, address sink) external view returns (uint256);
        function withdraw(address to, uint256 value) external;
        function rate() external view returns (int96);
    }
}

type Client = IStreamingClient::IStreamingClientInstance<DynProvider>;

#[tokio::test]
async fn every_interface_compiles() {
    let folder = workspace_root().join("interfaces");
    let mut names: Vec<String> = fs::read_dir(&folder)
        .expect("interfaces/ is there")
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|file| Some(file.strip_suffix(".sol")?.to_owned()))
        .collect();
    names.sort();
    assert!(names.len() >= 12, "{names:?}");
    // In one file, so that the compiler starts once.
    let imports: String = names
        .iter()
        .map(|name| {
            format!(
                "import {{{name}}} from \"{}/{name}.sol\";\n",
                folder.display()
            )
        })
        .collect();
    let all = format!(
        "// SPDX-License-Identifier: MIT\npragma solidity ^0.8.0;\n{imports}contract All {{}}\n"
    );
    let file = tempfile::Builder::new().suffix(".sol").tempfile().unwrap();
    fs::write(&file, all).unwrap();
    solidity::compile_at(file.path(), "All").await;
}

/// The stage, the client, with so many USDCx, and a sink of 100 units.
async fn client(it: &Proof, money: u64) -> (Client, Address) {
    let core = &it.core;
    let worker = it.signer(3);
    let sink = it.sink(&worker, 100).await;
    mined(core.pools.rebalance(CODE).send().await).await;
    let file = workspace_root().join("examples/solidity/StreamingClient.sol");
    let compiled = solidity::compile_at(&file, "StreamingClient").await;
    let addresses = &core.superfluid.addresses;
    let arguments = (
        addresses.usdcx,
        addresses.gda_v1_forwarder,
        *core.gateway.address(),
        *core.escrow.address(),
        *it.pricing.address(),
    );
    let provider = &core.base.provider;
    let client = solidity::deploy(provider, &compiled, &arguments.abi_encode_params()).await;
    let payer = core.base.devnet.account(6);
    core.superfluid.fund(payer, money).await;
    let token = core.superfluid.usdcx();
    let pay = token.transfer(client, U256::from(usdcx(money)));
    mined(pay.from(payer).send().await).await;
    (IStreamingClient::new(client, provider.clone()), sink)
}

async fn stream(it: &Proof, client: &Client) -> U256 {
    let asked = client.rate().call().await.unwrap();
    let stream = it.core.gateway.getStream(CODE, *client.address());
    let actual = stream.call().await.unwrap().flowRate;
    let asked = U256::from(asked.into_raw().to::<u128>());
    // Superfluid rounds down to a multiple of the units.
    let units = it.core.pool(CODE).await.getTotalUnits().call().await;
    assert!(actual <= asked && actual + U256::from(units.unwrap()) > asked);
    asked
}

#[tokio::test]
async fn a_contract_streams_as_tcp_sends() {
    let it = Proof::start().await;
    let (client, sink) = client(&it, 1_000).await;
    let any_fee = U256::MAX;
    let refused = client.open(CODE, rate(RATE), rate(2 * RATE), any_fee);
    let stranger = it.core.base.devnet.account(7);
    assert!(refused.from(stranger).call().await.is_err());
    let too_dear = client.open(CODE, rate(RATE), rate(2 * RATE), U256::ZERO);
    assert!(too_dear.call().await.is_err());
    let open = client.open(CODE, rate(RATE), rate(2 * RATE), any_fee);
    let receipt = mined(open.send().await).await;
    println!("StreamingClient.open: {} gas", receipt.gas_used);
    assert_eq!(stream(&it, &client).await, U256::from(RATE));
    let pool = it.core.pool(CODE).await;
    let paid = pool.getMemberFlowRate(sink).call().await.unwrap();
    assert!(paid > I96::ZERO);

    // There is room: a quarter more.
    mined(client.adapt().send().await).await;
    let faster = RATE + RATE / 4;
    assert_eq!(stream(&it, &client).await, U256::from(faster));

    // The sinks are worth less than a tenth of it, and the escrow is nearly full: half of it.
    let price = it
        .core
        .pools
        .setCapacityPrice(CODE, U256::from(RATE / 1_000));
    mined(price.send().await).await;
    let max = it.core.escrow.setBufferMax(CODE, U256::from(usdcx(1)));
    mined(max.send().await).await;
    it.core.measure().await;
    it.core.advance(3_600);
    let sync = it.core.escrow.sync(CODE);
    mined(sync.send().await).await;
    let pressure = it.core.escrow.getEscrowPressure(CODE).call().await.unwrap();
    assert!(
        pressure > U256::from(500_000_000_000_000_000_u64),
        "{pressure}"
    );
    mined(client.adapt().send().await).await;
    assert_eq!(stream(&it, &client).await, U256::from(faster / 2));

    // A quote rises with the sink's queue.
    let calm = client.quote(CODE, sink).call().await.unwrap();
    let report = it.pricing.reportQueueLoad(CODE, units(90)).from(sink);
    mined(report.send().await).await;
    let busy = client.quote(CODE, sink).call().await.unwrap();
    assert!(
        calm > U256::ZERO && busy > calm * U256::from(2),
        "{calm}, {busy}"
    );

    // What is left comes back.
    mined(client.close().send().await).await;
    assert_eq!(stream(&it, &client).await, U256::ZERO);
    let rest = it.core.superfluid.available(*client.address()).await;
    let owner = it.core.base.owner;
    let withdraw = client.withdraw(owner, rest.into_raw());
    mined(withdraw.send().await).await;
    assert_eq!(it.core.whole(*client.address()).await, 0);
    let id: B256 = CODE;
    assert!(it.core.pools.getPool(id).call().await.unwrap() != Address::ZERO);
}
