//! No calldata makes the contract panic: whatever comes in, it returns or reverts.

use crate::contract::StreamGateway;
use crate::neighbours::{Gda, Ledger};
use alloy_primitives::{Address, Bytes, B256, U256};
use alloy_sol_types::{sol, SolCall, SolValue};
use bpe_testing::{calldata, enter, superfluid::GdaPool, Pools, Token};
use motsu::prelude::*;
use proptest::prelude::*;

const OWNER: Address = Address::repeat_byte(0x01);
const ALICE: Address = Address::repeat_byte(0x0a);
const HOST: Address = Address::repeat_byte(0x57);
const CODE: B256 = B256::repeat_byte(0xc0);
const IDS: &[B256] = &[CODE, B256::ZERO];
const ACCOUNTS: &[Address] = &[Address::ZERO, HOST, ALICE];
const ABI: &str = include_str!("../../../../sdk-abi/abi/StreamGateway.json");

sol! {
    function buildBatchOperations(address host, bytes params, address account) external;
    function postCheck(address host, bytes params, address account) external;
    function getPrimaryTypeName(bytes payload) external;
    function getActionStructHash(bytes params) external;
}

struct World {
    gateway: Contract<StreamGateway>,
    _token: Contract<Token>,
    gda: Contract<Gda>,
    _pools: Contract<Pools>,
    _ledger: Contract<Ledger>,
    pool: Contract<GdaPool>,
}

impl World {
    fn new() -> Self {
        let (gateway, token) = (Contract::<StreamGateway>::new(), Contract::<Token>::new());
        let (gda, pools) = (Contract::<Gda>::new(), Contract::<Pools>::new());
        let pool = Contract::<GdaPool>::new();
        token.sender(OWNER).set_host(HOST);
        gda.sender(OWNER).set_token(token.address());
        pools.sender(OWNER).wire(gda.address(), token.address());
        pools.sender(OWNER).set_pool(CODE, pool.address());
        let ledger = Contract::<Ledger>::new();
        ledger.sender(OWNER).set_pools(pools.address());
        let build =
            gateway
                .sender(OWNER)
                .constructor(token.address(), pools.address(), ledger.address());
        build.motsu_unwrap();
        Self {
            gateway,
            _token: token,
            gda,
            _pools: pools,
            _ledger: ledger,
            pool,
        }
    }

    fn enter(&self, data: Vec<u8>) -> bool {
        enter(&self.gateway, ALICE, data).is_ok()
    }
}

/// Parameters that are nearly right: an action's, with words exchanged and the end changed.
fn parameters() -> impl Strategy<Value = Vec<u8>> {
    let any_words = prop::collection::vec(
        prop_oneof![
            3 => Just(CODE),
            3 => any::<u64>().prop_map(|number| U256::from(number).into()),
            1 => any::<[u8; 32]>().prop_map(B256::from),
        ],
        0..4,
    );
    // Most actions take a task type and a rate.
    let words = prop_oneof![
        2 => any::<u64>().prop_map(|rate| vec![CODE, U256::from(rate).into()]),
        1 => any_words,
    ];
    let mutation = (0usize..8, any::<[u8; 32]>(), 0u8..6, 0usize..70);
    let action = prop_oneof![3 => 1u8..5, 1 => any::<u8>()];
    (action, words, mutation).prop_map(|(action, words, (at, word, kind, cut))| {
        let mut lang = B256::ZERO;
        lang[..2].copy_from_slice(b"en");
        let arguments = Bytes::from(words.concat());
        let mut data = (U256::from(action), lang, arguments).abi_encode_params();
        match kind {
            0 if data.len() >= 32 * (at + 1) => {
                data[32 * at..][..32].copy_from_slice(&word);
            }
            1 => data.truncate(data.len().saturating_sub(cut)),
            _ => {}
        }
        data
    })
}

/// A call of one of the functions that take parameters.
fn call(params: Vec<u8>, which: u8) -> Vec<u8> {
    let params = Bytes::from(params);
    let account = ALICE;
    let host = HOST;
    match which {
        0 => getPrimaryTypeNameCall { payload: params }.abi_encode(),
        1 => getActionStructHashCall { params }.abi_encode(),
        2 => postCheckCall {
            host,
            params,
            account,
        }
        .abi_encode(),
        _ => buildBatchOperationsCall {
            host,
            params,
            account,
        }
        .abi_encode(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn never_panics(
        calls in prop::collection::vec(
            (calldata(ABI, ACCOUNTS, IDS, &[]), parameters(), 0u8..5, any::<[u64; 3]>()), 16)
    ) {
        let world = World::new();
        for (data, params, which, flow) in calls {
            let [updated, rate, deposit] = flow.map(|number| U256::from(number >> (number % 64)));
            world.gda.sender(OWNER).set_flow(ALICE, world.pool.address(), updated, rate, deposit);
            world.enter(data);
            world.enter(call(params, which));
        }
    }
}

/// The fuzzer reaches the functions: a good part of its calls succeed.
#[test]
fn the_fuzzer_gets_through() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let world = World::new();
    let mut runner = TestRunner::deterministic();
    let strategy = calldata(ABI, ACCOUNTS, IDS, &[]);
    let accepted = (0..2_000)
        .filter(|_| world.enter(strategy.new_tree(&mut runner).unwrap().current()))
        .count();
    assert!(accepted > 50, "{accepted} of 2000");
    let strategy = (parameters(), 1u8..5);
    let accepted = (0..2_000)
        .filter(|_| {
            let (params, which) = strategy.new_tree(&mut runner).unwrap().current();
            world.enter(call(params, which))
        })
        .count();
    assert!(accepted > 200, "{accepted} of 2000");
}
