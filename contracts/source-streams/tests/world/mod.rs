//! SourceStreams with Superfluid around it. Flows change as the host tells the app: the flow first, the callback then.
#![allow(dead_code)]

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::{SolError, SolValue};
use bpe_common::call::Revert;
use bpe_testing::{
    superfluid::{flow_rate, order, Cfa, Gda, GdaPool, Host},
    Token,
};
use motsu::prelude::*;
use stylus_sdk::abi::Bytes;

use super::contract::{Error, SourceStreams, MAX_TASK_TYPES};

pub const ID: B256 = B256::repeat_byte(0x1d);
pub const ALICE: Address = Address::repeat_byte(0x0a);
pub const BOB: Address = Address::repeat_byte(0x0b);
pub const CRITIC: Address = Address::repeat_byte(0x0c);
/// Has no tokens.
pub const PAUPER: Address = Address::repeat_byte(0x0d);

/// What a source of the tests has.
pub const WEALTH: u64 = 1 << 60;

pub fn n(number: u64) -> U256 {
    U256::from(number)
}

/// Which callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Created,
    Updated,
    Terminated,
}

/// Nine pools of BackpressurePool, and one that is not.
pub struct World {
    pub streams: Contract<SourceStreams>,
    pub token: Contract<Token>,
    pub host: Contract<Host>,
    pub cfa: Contract<Cfa>,
    pub gda: Contract<Gda>,
    pub gda_pools: Vec<Contract<GdaPool>>,
    pub foreign: Contract<GdaPool>,
    /// The other three have nothing to do here but be contracts.
    pub pools: Contract<Gda>,
    pub escrow: Contract<Gda>,
    pub gateway: Contract<Gda>,
}

impl World {
    pub fn unbuilt() -> Self {
        let world = Self {
            streams: Contract::new(),
            token: Contract::new(),
            host: Contract::new(),
            cfa: Contract::new(),
            gda: Contract::new(),
            gda_pools: (0..9).map(|_| Contract::new()).collect(),
            foreign: Contract::new(),
            pools: Contract::new(),
            escrow: Contract::new(),
            gateway: Contract::new(),
        };
        let (token, cfa) = (world.token.address(), world.cfa.address());
        world.token.sender(BOB).set_host(world.host.address());
        let gda = world.gda.address();
        world.host.sender(BOB).set_up(token, cfa, gda);
        for pool in &world.gda_pools {
            pool.sender(BOB).set_admin(world.pools.address());
        }
        world.foreign.sender(BOB).set_admin(BOB);
        for source in [ALICE, BOB] {
            world.token.sender(BOB).mint(source, n(WEALTH));
        }
        world
    }

    pub fn build(&self, key: &str) -> Result<(), Error> {
        let (gda, token) = (self.gda.address(), self.token.address());
        let (pools, escrow) = (self.pools.address(), self.escrow.address());
        let gateway = self.gateway.address();
        self.streams
            .sender(BOB)
            .constructor(gda, token, pools, escrow, gateway, key.into())
            .motsu_res()
    }

    pub fn new() -> Self {
        let world = Self::unbuilt();
        world.build("").unwrap();
        world
    }

    pub fn pool(&self, index: usize) -> Address {
        self.gda_pools[index].address()
    }

    // --- What the host does

    /// A context of a call of `sender`.
    pub fn context(&self, sender: Address, user_data: &[u8]) -> Vec<u8> {
        let data = Bytes(user_data.to_vec());
        self.host.sender(BOB).open_context(sender, data).0
    }

    pub fn callback(
        &self,
        kind: Kind,
        token: Address,
        agreement: Address,
        source: Address,
        context: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let data = Bytes(agreement_data(source, self.streams.address()));
        let (before, ctx) = (Bytes(vec![]), Bytes(context.to_vec()));
        let mut it = self.streams.sender(self.host.address());
        let answer = match kind {
            Kind::Created => it.after_agreement_created(token, agreement, ID, data, before, ctx),
            Kind::Updated => it.after_agreement_updated(token, agreement, ID, data, before, ctx),
            Kind::Terminated => {
                it.after_agreement_terminated(token, agreement, ID, data, before, ctx)
            }
        };
        answer.motsu_res().map(|context| context.0)
    }

    pub fn callback_of(
        &self,
        kind: Kind,
        source: Address,
        context: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let (token, cfa) = (self.token.address(), self.cfa.address());
        self.callback(kind, token, cfa, source, context)
    }

    /// `who` sets the flow of `source` to `rate`. If the app refuses, nothing has happened.
    pub fn set(
        &self,
        kind: Kind,
        who: Address,
        source: Address,
        rate: u64,
        user_data: &[u8],
    ) -> Result<(), Error> {
        let here = self.streams.address();
        let before = self.flow(source);
        self.cfa
            .sender(BOB)
            .set_flow(source, here, flow_rate(rate.into()));
        let context = self.context(who, user_data);
        let result = self.callback_of(kind, source, &context);
        match result {
            Ok(context) => {
                assert!(self.host.sender(BOB).is_current(Bytes(context)));
                Ok(())
            }
            Err(error) => {
                let before = flow_rate(before.to());
                self.cfa.sender(BOB).set_flow(source, here, before);
                Err(error)
            }
        }
    }

    pub fn flow(&self, source: Address) -> U256 {
        let (token, here) = (self.token.address(), self.streams.address());
        match self.cfa.sender(BOB).get_flow(token, source, here) {
            Ok((_, rate, _, _)) => U256::from(rate.into_raw()),
            Err(_) => U256::ZERO,
        }
    }

    pub fn order_by(
        &self,
        kind: Kind,
        who: Address,
        source: Address,
        rate: u64,
        index: usize,
        allocated: u64,
    ) -> Result<(), Error> {
        let data = order(self.pool(index), n(allocated));
        self.set(kind, who, source, rate, &data)
    }

    /// A source opens its flow, with the first of these allocations, and orders the others one by one.
    pub fn open(
        &self,
        source: Address,
        rate: u64,
        allocations: &[(usize, u64)],
    ) -> Result<(), Error> {
        let mut kind = Kind::Created;
        for (index, allocated) in allocations {
            self.order_by(kind, source, source, rate, *index, *allocated)?;
            kind = Kind::Updated;
        }
        Ok(())
    }

    pub fn change(
        &self,
        source: Address,
        rate: u64,
        index: usize,
        allocated: u64,
    ) -> Result<(), Error> {
        self.order_by(Kind::Updated, source, source, rate, index, allocated)
    }

    /// The flow of a source ends.
    pub fn end(&self, source: Address) {
        let ended = self.set(Kind::Terminated, source, source, 0, &[]);
        ended.unwrap();
    }

    /// So many tokens arrive, as by a flow.
    pub fn receive(&self, amount: U256) {
        self.token.sender(BOB).mint(self.streams.address(), amount);
    }

    /// The escrow has received so much from the pool, since ever.
    pub fn overflow(&self, index: usize, received: u64) {
        let escrow = self.escrow.address();
        self.gda_pools[index]
            .sender(BOB)
            .set_received(escrow, n(received));
    }

    pub fn take_overflow(&self, index: usize, source: Address) -> U256 {
        self.streams
            .sender(self.escrow.address())
            .take_overflow(self.pool(index), source)
            .motsu_unwrap()
    }

    // --- What there is

    /// What the host distributes into the pool.
    pub fn rate(&self, index: usize) -> u64 {
        self.host.sender(BOB).rate(self.pool(index)).to()
    }

    pub fn rates(&self, count: usize) -> Vec<u64> {
        (0..count).map(|index| self.rate(index)).collect()
    }

    pub fn source(&self, source: Address) -> (U256, U256, U256) {
        self.streams.sender(BOB).get_source(source)
    }

    pub fn credit(&self, source: Address) -> U256 {
        self.source(source).2
    }

    pub fn allocation(&self, index: usize, source: Address) -> (U256, U256, U256) {
        let it = self.streams.sender(BOB);
        it.get_allocation(self.pool(index), source)
    }

    pub fn outflow(&self, index: usize) -> (U256, bool) {
        self.streams.sender(BOB).get_outflow(self.pool(index))
    }

    /// The pools that a source pays, in order; behind them there are none.
    pub fn list(&self, source: Address) -> Vec<Address> {
        let it = self.streams.sender(BOB);
        let all: Vec<_> = (0..=MAX_TASK_TYPES)
            .map(|place| it.get_source_pool(source, place))
            .collect();
        let count = all.iter().take_while(|pool| !pool.is_zero()).count();
        assert!(all[count..].iter().all(|pool| pool.is_zero()));
        all[..count].to_vec()
    }

    pub fn balance(&self, account: Address) -> U256 {
        self.token.sender(BOB).balance(account)
    }

    pub fn held(&self) -> U256 {
        self.balance(self.streams.address())
    }
}

/// What the constant flow agreement hands to callbacks.
pub fn agreement_data(source: Address, receiver: Address) -> Vec<u8> {
    (source, receiver).abi_encode_params()
}

/// What a neighbour that refuses reverts with.
pub fn refused() -> Error {
    Error::Revert(Revert(alloy_sol_types::Revert::from("no").abi_encode()))
}
