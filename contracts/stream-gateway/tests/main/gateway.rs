//! StreamGateway on motsu: every function and error, what it has the host do, to the byte, and what a source signs.

use crate::contract::*;
use crate::neighbours::{Gda, Ledger};
use alloy_primitives::{aliases::I96, keccak256, Address, Bytes, B256, U256};
use alloy_sol_types::{sol, SolCall, SolStruct, SolValue};
use bpe_common::call::NotAContract;
use bpe_testing::{
    superfluid::{flow_rate, GdaPool},
    Pools, Token,
};
use motsu::prelude::*;

const CODE: B256 = B256::repeat_byte(0xc0);
const NOWHERE: B256 = B256::repeat_byte(0x99);
const OWNER: Address = Address::repeat_byte(0x01);
const ALICE: Address = Address::repeat_byte(0x0a);
const BOB: Address = Address::repeat_byte(0x0b);
const SINK: Address = Address::repeat_byte(0xa1);
const HOST: Address = Address::repeat_byte(0x57);
/// Of the pool.
const UNITS: u64 = 1_000;

sol! {
    function note(bytes32 taskTypeId, address source) external;
    function distributeFlow(address token, address from, address pool, int96 requestedFlowRate, bytes ctx) external;

    struct EncodedAction {
        bytes params;
    }
    struct Security {
        string domain;
        address macroContract;
        string provider;
        uint256 validAfter;
        uint256 validBefore;
        uint256 nonce;
    }
    struct Payload {
        EncodedAction action;
        Security security;
    }
}

/// What is signed, as a wallet hashes it: the same struct four times, all of them called `Action`.
mod typed {
    pub mod create {
        alloy_sol_types::sol! {
            struct Action { string description; bytes32 taskTypeId; int96 flowRate; uint256 wrap; }
        }
    }
    pub mod update {
        alloy_sol_types::sol! {
            struct Action { string description; bytes32 taskTypeId; int96 flowRate; }
        }
    }
    pub mod delete {
        alloy_sol_types::sol! {
            struct Action { string description; bytes32 taskTypeId; }
        }
    }
    pub mod top_up {
        alloy_sol_types::sol! {
            struct Action { string description; uint256 amount; }
        }
    }
}

fn n(number: u64) -> U256 {
    U256::from(number)
}

/// `abi.encode(uint8 action, bytes32 lang, bytes arguments)`
fn parameters(action: u8, arguments: impl SolValue) -> Vec<u8> {
    in_language(action, "en", arguments)
}

fn in_language(action: u8, lang: &str, arguments: impl SolValue) -> Vec<u8> {
    let mut word = B256::ZERO;
    word[..lang.len()].copy_from_slice(lang.as_bytes());
    let arguments = Bytes::from(arguments.abi_encode());
    (U256::from(action), word, arguments).abi_encode_params()
}

fn create(rate: u128) -> Vec<u8> {
    parameters(1, (CODE, rate))
}

fn malformed<T>(parameters: &[u8]) -> Result<T, Error> {
    let parameters = parameters.to_vec().into();
    Err(MalformedParameters { parameters }.into())
}

struct World {
    gateway: Contract<StreamGateway>,
    token: Contract<Token>,
    gda: Contract<Gda>,
    pools: Contract<Pools>,
    pool: Contract<GdaPool>,
    ledger: Contract<Ledger>,
}

impl World {
    fn new() -> Self {
        let world = Self {
            gateway: Contract::new(),
            token: Contract::new(),
            gda: Contract::new(),
            pools: Contract::new(),
            pool: Contract::new(),
            ledger: Contract::new(),
        };
        let (token, gda) = (world.token.address(), world.gda.address());
        world.token.sender(OWNER).set_host(HOST);
        world.gda.sender(OWNER).set_token(token);
        world.pools.sender(OWNER).wire(gda, token);
        world
            .pools
            .sender(OWNER)
            .set_pool(CODE, world.pool.address());
        world.set_units(UNITS);
        let pools = world.pools.address();
        world.ledger.sender(OWNER).set_pools(pools);
        let build = world.build(token, world.pools.address(), world.ledger.address());
        build.unwrap();
        world
    }

    fn set_units(&self, units: u64) {
        self.pool.sender(OWNER).set_admin(OWNER);
        let set = self
            .pool
            .sender(OWNER)
            .update_member_units(SINK, units.into());
        set.motsu_unwrap();
    }

    fn build(&self, token: Address, pools: Address, ledger: Address) -> Result<(), Error> {
        let it = self.gateway.sender(ALICE).constructor(token, pools, ledger);
        it.motsu_res()
    }

    /// Alice streams so much to the task type, with this deposit.
    fn stream(&self, rate: u64, deposit: u64) {
        let pool = self.pool.address();
        self.gda
            .sender(OWNER)
            .set_flow(ALICE, pool, n(77), n(rate), n(deposit));
    }

    fn operations(&self, parameters: Vec<u8>) -> Result<Vec<Operation>, Error> {
        self.operations_of(HOST, parameters, ALICE)
    }

    fn operations_of(
        &self,
        host: Address,
        parameters: Vec<u8>,
        account: Address,
    ) -> Result<Vec<Operation>, Error> {
        let it = self
            .gateway
            .sender(BOB)
            .build_batch_operations(host, parameters.into(), account);
        it.motsu_res()
    }

    fn check(&self, parameters: Vec<u8>) -> Result<(), Error> {
        let it = self
            .gateway
            .sender(BOB)
            .post_check(HOST, parameters.into(), ALICE);
        it.motsu_res()
    }

    fn wrap(&self, amount: u64) -> Operation {
        Operation {
            operationType: 101,
            target: self.token.address(),
            data: n(amount).abi_encode().into(),
        }
    }

    fn note(&self) -> Operation {
        let call = noteCall {
            taskTypeId: CODE,
            source: ALICE,
        };
        Operation {
            operationType: 301,
            target: self.ledger.address(),
            data: call.abi_encode().into(),
        }
    }

    fn distribute(&self, rate: u128) -> Operation {
        let call = distributeFlowCall {
            token: self.token.address(),
            from: ALICE,
            pool: self.pool.address(),
            requestedFlowRate: flow_rate(rate),
            ctx: Bytes::new(),
        };
        let data = (Bytes::from(call.abi_encode()), Bytes::new()).abi_encode_params();
        Operation {
            operationType: 201,
            target: self.gda.address(),
            data: data.into(),
        }
    }
}

// --- Construction

#[motsu::test]
fn constructor_sets_what_it_is_given() {
    let world = World::new();
    let it = world.gateway.sender(ALICE);
    assert_eq!(it.super_token(), world.token.address());
    assert_eq!(it.backpressure_pool(), world.pools.address());
    assert_eq!(it.work_ledger(), world.ledger.address());
}

#[motsu::test]
fn constructor_refuses_what_makes_no_sense() {
    let world = World::new();
    let [token, pools, ledger] = [
        world.token.address(),
        world.pools.address(),
        world.ledger.address(),
    ];
    let fresh = |token: Address, pools: Address, ledger: Address| {
        let gateway = Contract::<StreamGateway>::new();
        let it = gateway.sender(ALICE).constructor(token, pools, ledger);
        it.motsu_res()
    };
    let no_contract = || Err(NotAContract { account: BOB }.into());
    assert_eq!(fresh(BOB, pools, ledger), no_contract());
    assert_eq!(fresh(token, BOB, ledger), no_contract());
    assert_eq!(fresh(token, pools, BOB), no_contract());
    let (other, others) = (Contract::<Token>::new(), Contract::<Ledger>::new());
    let wrong = WrongLedger {
        ledger: others.address(),
    };
    assert_eq!(fresh(token, pools, others.address()), Err(wrong.into()));
    let token = other.address();
    assert_eq!(
        fresh(token, pools, ledger),
        Err(WrongToken { token }.into())
    );
    // The pools' token, but none of Superfluid's.
    world
        .pools
        .sender(OWNER)
        .wire(world.gda.address(), other.address());
    assert!(matches!(fresh(token, pools, ledger), Err(Error::Revert(_))));
}

// --- Parameters

#[motsu::test]
fn parameters_are_the_arguments_with_action_and_language() {
    let world = World::new();
    let it = world.gateway.sender(ALICE);
    let given = |bytes: stylus_sdk::abi::Bytes| bytes.0;
    let rate = flow_rate(1_000);
    assert_eq!(
        it.create_stream(CODE, rate).map(given).unwrap(),
        parameters(1, (CODE, 1_000_u128))
    );
    assert_eq!(
        it.create_stream_and_wrap(CODE, rate, n(5))
            .map(given)
            .unwrap(),
        parameters(1, (CODE, 1_000_u128, n(5)))
    );
    assert_eq!(
        it.update_stream(CODE, rate).map(given).unwrap(),
        parameters(2, (CODE, 1_000_u128))
    );
    assert_eq!(
        it.delete_stream(CODE).map(given).unwrap(),
        parameters(3, (CODE,))
    );
    assert_eq!(it.top_up(n(5)).map(given).unwrap(), parameters(4, (n(5),)));
}

#[motsu::test]
fn no_parameters_for_what_would_be_refused() {
    let world = World::new();
    let it = world.gateway.sender(ALICE);
    for rate in [I96::ZERO, I96::MINUS_ONE, I96::MIN] {
        let invalid = || InvalidFlowRate { flowRate: rate }.into();
        assert_eq!(it.create_stream(CODE, rate), Err(invalid()));
        assert_eq!(it.create_stream_and_wrap(CODE, rate, n(1)), Err(invalid()));
        assert_eq!(it.update_stream(CODE, rate), Err(invalid()));
    }
    let too_low = || {
        FlowRateTooLow {
            flowRate: n(UNITS - 1),
            minimum: n(UNITS),
        }
        .into()
    };
    let rate = flow_rate(999);
    assert_eq!(it.create_stream(CODE, rate), Err(too_low()));
    assert_eq!(it.create_stream_and_wrap(CODE, rate, n(1)), Err(too_low()));
    assert_eq!(it.update_stream(CODE, rate), Err(too_low()));
    let unknown = || {
        UnknownTaskType {
            taskTypeId: NOWHERE,
        }
        .into()
    };
    let rate = flow_rate(1_000);
    assert_eq!(it.create_stream(NOWHERE, rate), Err(unknown()));
    assert_eq!(
        it.create_stream_and_wrap(NOWHERE, rate, n(1)),
        Err(unknown())
    );
    assert_eq!(it.update_stream(NOWHERE, rate), Err(unknown()));
    assert_eq!(it.delete_stream(NOWHERE), Err(unknown()));
    assert_eq!(it.get_stream(NOWHERE, ALICE), Err(unknown()));
    assert_eq!(it.get_minimum_flow_rate(NOWHERE), Err(unknown()));
    assert_eq!(it.top_up(n(0)), Err(ZeroAmount {}.into()));
    // The largest rate there is.
    assert!(it.create_stream(CODE, I96::MAX).is_ok());
    assert_eq!(it.get_minimum_flow_rate(CODE), Ok(n(UNITS)));
}

// --- Operations

#[motsu::test]
fn a_stream_is_noted_and_then_distributed() {
    let world = World::new();
    assert_eq!(
        world.operations(create(1_000)),
        Ok(vec![world.note(), world.distribute(1_000)])
    );
    // Wrapped first, if anything is.
    assert_eq!(
        world.operations(parameters(1, (CODE, 1_000_u128, n(5)))),
        Ok(vec![world.wrap(5), world.note(), world.distribute(1_000)])
    );
    assert_eq!(
        world.operations(parameters(1, (CODE, 1_000_u128, n(0)))),
        Ok(vec![world.note(), world.distribute(1_000)])
    );
    let largest = I96::MAX.into_raw().to::<u128>();
    assert_eq!(
        world.operations(create(largest)),
        Ok(vec![world.note(), world.distribute(largest)])
    );
}

#[motsu::test]
fn a_change_and_an_end_are_noted_before() {
    let world = World::new();
    world.stream(5_000, 9);
    assert_eq!(
        world.operations(parameters(2, (CODE, 2_000_u128))),
        Ok(vec![world.note(), world.distribute(2_000)])
    );
    assert_eq!(
        world.operations(parameters(3, (CODE,))),
        Ok(vec![world.note(), world.distribute(0)])
    );
}

#[motsu::test]
fn a_top_up_wraps_and_needs_no_stream() {
    let world = World::new();
    assert_eq!(
        world.operations(parameters(4, (n(5),))),
        Ok(vec![world.wrap(5)])
    );
    assert_eq!(world.check(parameters(4, (n(5),))), Ok(()));
}

#[motsu::test]
fn what_exists_is_not_opened_and_what_does_not_is_not_changed() {
    let world = World::new();
    let none = || {
        StreamDoesNotExist {
            taskTypeId: CODE,
            source: ALICE,
        }
        .into()
    };
    let update = || parameters(2, (CODE, 1_000_u128));
    let delete = || parameters(3, (CODE,));
    assert_eq!(world.operations(update()), Err(none()));
    assert_eq!(world.operations(delete()), Err(none()));
    // Superfluid took a rate that pays nobody: what is behind it can be had back, and a useful one opened.
    world.stream(0, 1);
    assert_eq!(world.operations(update()), Err(none()));
    assert!(world.operations(delete()).is_ok());
    assert!(world.operations(create(1_000)).is_ok());
    world.stream(1, 0);
    let exists = StreamAlreadyExists {
        taskTypeId: CODE,
        source: ALICE,
        flowRate: n(1),
    };
    assert_eq!(world.operations(create(1_000)), Err(exists.into()));
    assert!(world.operations(update()).is_ok());
    assert!(world.operations(delete()).is_ok());
    // Bob has none.
    let of_bob = world.operations_of(HOST, delete(), BOB);
    let none = StreamDoesNotExist {
        taskTypeId: CODE,
        source: BOB,
    };
    assert_eq!(of_bob, Err(none.into()));
}

#[motsu::test]
fn a_rate_below_the_units_is_refused_afterwards_too() {
    let world = World::new();
    let made = create(1_000);
    world.set_units(1_001);
    assert!(world.operations(made.clone()).is_ok());
    let error = || {
        FlowRateTooLow {
            flowRate: n(1_000),
            minimum: n(1_001),
        }
        .into()
    };
    // Whatever flows.
    for actual in [0, 1_000, 5_000] {
        world.stream(actual, 0);
        assert_eq!(world.check(made.clone()), Err(error()));
        let update = parameters(2, (CODE, 1_000_u128));
        assert_eq!(world.check(update), Err(error()));
    }
    // An end has no rate.
    world.stream(0, 0);
    assert_eq!(world.check(parameters(3, (CODE,))), Ok(()));
}

#[motsu::test]
fn another_host_is_refused() {
    let world = World::new();
    let wrong = || WrongHost { host: BOB }.into();
    assert_eq!(world.operations_of(BOB, create(1_000), ALICE), Err(wrong()));
    let it = world.gateway.sender(BOB);
    let checked = it.post_check(BOB, create(1_000).into(), ALICE);
    assert_eq!(checked, Err(wrong()));
}

#[motsu::test]
fn what_is_not_an_action_is_refused() {
    let world = World::new();
    let good = create(1_000);
    assert!(world.operations(good.clone()).is_ok());
    let with = |word: usize, byte: usize, value: u8| {
        let mut bad = good.clone();
        bad[32 * word + byte] = value;
        bad
    };
    let bad = [
        vec![],
        good[..good.len() - 1].to_vec(),
        good[..127].to_vec(),
        // One byte or one word too many.
        [&good[..], &[0]].concat(),
        [&good[..], &[0; 32]].concat(),
        // An action, an offset, a length, a rate that are too large for what they are.
        with(0, 30, 1),
        with(2, 31, 0x80),
        with(2, 0, 1),
        with(3, 31, 0x60),
        with(3, 0, 1),
        with(5, 19, 1),
        with(5, 20, 0x80),
        // Another action's arguments.
        parameters(1, (CODE,)),
        parameters(1, (CODE, 1_000_u128, n(1), n(1))),
        parameters(2, (CODE,)),
        parameters(2, (CODE, 1_000_u128, n(1))),
        parameters(3, (CODE, n(1))),
        parameters(4, (n(1), n(1))),
    ];
    for bad in bad {
        assert_eq!(world.operations(bad.clone()), malformed(&bad), "{bad:x?}");
        assert_eq!(world.check(bad.clone()), malformed(&bad));
        let it = world.gateway.sender(BOB);
        let hash = it.get_action_struct_hash(bad.clone().into());
        assert_eq!(hash, malformed(&bad));
    }
    for id in [0, 5, 255] {
        let unknown = parameters(id, (CODE, 1_000_u128));
        let error = UnknownActionId { actionId: id };
        assert_eq!(world.operations(unknown), Err(error.into()));
    }
    for lang in ["", "de", "en ", "EN"] {
        let other = in_language(1, lang, (CODE, 1_000_u128));
        let lang = B256::from_slice(&other[32..64]);
        let error = UnsupportedLanguage { lang };
        assert_eq!(world.operations(other), Err(error.into()));
    }
    let zero = InvalidFlowRate {
        flowRate: I96::ZERO,
    };
    assert_eq!(world.operations(create(0)), Err(zero.into()));
    let negative = parameters(2, (CODE, I96::MINUS_ONE));
    let below = InvalidFlowRate {
        flowRate: I96::MINUS_ONE,
    };
    assert_eq!(world.operations(negative), Err(below.into()));
    assert_eq!(
        world.operations(parameters(4, (n(0),))),
        Err(ZeroAmount {}.into())
    );
    let unknown = UnknownTaskType {
        taskTypeId: NOWHERE,
    };
    assert_eq!(
        world.operations(parameters(1, (NOWHERE, 1_000_u128))),
        Err(unknown.into())
    );
}

// --- After the fact

#[motsu::test]
fn a_stream_flows_or_nothing_has_happened() {
    let world = World::new();
    let failed = |asked: u64, actual: u64| {
        let (asked, actual) = (n(asked), n(actual));
        Err(StreamDoesNotFlow { asked, actual }.into())
    };
    let update = || parameters(2, (CODE, 5_500_u128));
    for (actual, expected) in [
        (0, failed(5_500, 0)),
        (1, failed(5_500, 1)),
        (4_500, failed(5_500, 4_500)),
        (4_501, Ok(())),
        (5_500, Ok(())),
    ] {
        world.stream(actual, 7);
        assert_eq!(world.check(create(5_500)), expected, "{actual}");
        assert_eq!(world.check(update()), expected, "{actual}");
    }
    world.stream(0, 7);
    let delete = || parameters(3, (CODE,));
    assert_eq!(world.check(delete()), Ok(()));
    world.stream(1, 7);
    assert_eq!(world.check(delete()), failed(0, 1));
}

#[motsu::test]
fn streams_are_superfluids() {
    let world = World::new();
    world.stream(5_000, 9);
    let it = world.gateway.sender(BOB);
    assert_eq!(it.get_stream(CODE, ALICE), Ok((n(5_000), n(9), n(77))));
    assert_eq!(it.get_stream(CODE, BOB), Ok((n(0), n(0), n(0))));
}

// --- What is signed

fn payload(params: Vec<u8>) -> Vec<u8> {
    let payload = Payload {
        action: EncodedAction {
            params: params.into(),
        },
        security: Security {
            domain: "bpe.example".into(),
            macroContract: BOB,
            provider: "self".into(),
            validAfter: n(1),
            validBefore: n(2),
            nonce: n(3),
        },
    };
    payload.abi_encode()
}

/// Name, type and hash of an action, as the gateway says and as a wallet would.
fn assert_signed<T: SolStruct>(world: &World, params: Vec<u8>, name: &str, action: &T) {
    let it = world.gateway.sender(BOB);
    let whole = payload(params.clone());
    assert_eq!(
        it.get_primary_type_name(whole.clone().into()).unwrap(),
        name
    );
    let definition = it.get_action_type_definition(whole.into()).unwrap();
    assert_eq!(definition, T::eip712_encode_type());
    let hash = it.get_action_struct_hash(params.into()).unwrap();
    let wallet = keccak256(
        [
            action.eip712_type_hash().to_vec(),
            action.eip712_encode_data(),
        ]
        .concat(),
    );
    assert_eq!(hash, wallet);
}

#[motsu::test]
fn a_source_signs_what_it_reads() {
    let world = World::new();
    let create = |wrap: u64| typed::create::Action {
        description:
            "Open a stream to the sinks of a task type, in wei per second, after wrapping tokens"
                .into(),
        taskTypeId: CODE,
        flowRate: flow_rate(1_000),
        wrap: n(wrap),
    };
    let both = parameters(1, (CODE, 1_000_u128, n(5)));
    assert_signed(&world, both, "CreateStream", &create(5));
    let bare = parameters(1, (CODE, 1_000_u128));
    assert_signed(&world, bare, "CreateStream", &create(0));
    let update = typed::update::Action {
        description: "Change the stream to the sinks of a task type, in wei per second".into(),
        taskTypeId: CODE,
        flowRate: flow_rate(1_000),
    };
    let params = parameters(2, (CODE, 1_000_u128));
    assert_signed(&world, params, "UpdateStream", &update);
    let delete = typed::delete::Action {
        description: "End the stream to the sinks of a task type".into(),
        taskTypeId: CODE,
    };
    let params = parameters(3, (CODE,));
    assert_signed(&world, params, "DeleteStream", &delete);
    let top_up = typed::top_up::Action {
        description: "Wrap tokens, so that streams can go on".into(),
        amount: n(5),
    };
    assert_signed(&world, parameters(4, (n(5),)), "TopUp", &top_up);
}

#[motsu::test]
fn what_is_not_a_payload_is_refused() {
    let world = World::new();
    let good = payload(create(1_000));
    let it = world.gateway.sender(BOB);
    let name = |payload: &[u8]| it.get_primary_type_name(payload.to_vec().into());
    let definition = |payload: &[u8]| it.get_action_type_definition(payload.to_vec().into());
    assert!(name(&good).is_ok());
    let far = [U256::MAX.abi_encode(), good[32..].to_vec()].concat();
    let beyond = [n(good.len() as u64 + 1).abi_encode(), good[32..].to_vec()].concat();
    for bad in [
        vec![],
        good[..64].to_vec(),
        good[..200].to_vec(),
        far,
        beyond,
    ] {
        assert_eq!(name(&bad), malformed(&bad));
        assert_eq!(definition(&bad), malformed(&bad));
    }
    let unknown = || UnknownActionId { actionId: 9 }.into();
    let other = payload(parameters(9, (CODE,)));
    assert_eq!(name(&other), Err(unknown()));
    assert_eq!(definition(&other), Err(unknown()));
}
