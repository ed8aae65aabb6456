use alloc::{vec, vec::Vec};
use alloy_primitives::{Address, U256, U8};
use alloy_sol_types::{Revert as Refusal, SolError};
use bpe_common::{call::NotAContract, clock::testing::advance_time};
use motsu::prelude::*;
use stylus_sdk::{prelude::*, storage::*};

use crate::{contract::*, world::*};

/// A neighbour that answers with one word, keeps the words of the last call, or misbehaves.
#[storage]
pub struct Neighbour {
    answer: StorageU256,
    misbehaviour: StorageU8,
    calls: StorageU256,
    words: StorageVec<StorageU256>,
}

#[public]
impl Neighbour {
    /// Answers this from now on. As for how: 0 behaves, 1 reverts, 2 answers with 31 bytes, 3 with nothing.
    fn set(&mut self, answer: U256, how: u8) {
        self.answer.set(answer);
        self.misbehaviour.set(U8::from(how));
    }

    fn calls(&self) -> U256 {
        self.calls.get()
    }

    fn words(&self) -> Vec<U256> {
        let words = 0..self.words.len();
        words.map(|at| self.words.get(at).unwrap()).collect()
    }

    #[fallback]
    fn fallback(&mut self, calldata: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
        let word = self.answer.get().to_be_bytes_vec();
        match self.misbehaviour.get().to::<u8>() {
            1 => return Err(Refusal::from("no").abi_encode()),
            2 => return Ok(word[..31].to_vec()),
            3 => return Ok(vec![]),
            _ => {}
        }
        // A view is asked without arguments.
        if calldata.len() > 4 {
            self.calls.set(self.calls.get() + U256::from(1));
            self.words.erase();
            for word in calldata[4..].chunks_exact(32) {
                self.words.push(U256::from_be_slice(word));
            }
        }
        Ok(word)
    }
}

// SAFETY: the type is only ever the storage of a whole contract.
unsafe impl TopLevelStorage for Neighbour {}

fn word(account: Address) -> U256 {
    account.into_word().into()
}

#[motsu::test]
fn metrics_hear_of_every_movement(metrics: Contract<Neighbour>) {
    let it = World::new();
    it.wrap(ALICE, tokens(100));
    let mut owner = it.token.sender(OWNER);
    owner.set_velocity_metrics(metrics.address()).motsu_unwrap();
    drop(owner);
    it.token.assert_emitted(&VelocityMetricsUpdated {
        oldMetrics: Address::ZERO,
        newMetrics: metrics.address(),
    });
    assert_eq!(it.token.sender(BOB).velocity_metrics(), metrics.address());
    let heard = || metrics.sender(OWNER).words();

    it.wrap(BOB, tokens(50));
    let (zero, supply) = (U256::ZERO, tokens(150));
    assert_eq!(
        heard(),
        [zero, word(BOB), tokens(50), zero, tokens(50), supply]
    );

    advance_time(DAY);
    it.transfer(ALICE, BOB, tokens(1)).unwrap();
    let (alice, bob) = (it.balance(ALICE), it.balance(BOB));
    assert_eq!(
        heard(),
        [word(ALICE), word(BOB), tokens(1), alice, bob, supply]
    );

    it.unwrap(BOB, tokens(20)).unwrap();
    let (bob, supply) = (it.balance(BOB), tokens(130));
    assert_eq!(heard(), [word(BOB), zero, tokens(20), bob, zero, supply]);

    // To oneself, nothing circulates.
    let calls = metrics.sender(OWNER).calls();
    it.transfer(BOB, BOB, tokens(1)).unwrap();
    assert_eq!(metrics.sender(OWNER).calls(), calls);

    it.token
        .sender(OWNER)
        .set_velocity_metrics(Address::ZERO)
        .motsu_unwrap();
    it.transfer(BOB, ALICE, tokens(1)).unwrap();
    assert_eq!(metrics.sender(OWNER).calls(), calls);
}

#[motsu::test]
fn metrics_that_fail_stop_nothing(metrics: Contract<Neighbour>) {
    let it = World::new();
    let mut owner = it.token.sender(OWNER);
    owner.set_velocity_metrics(metrics.address()).motsu_unwrap();
    drop(owner);
    metrics.sender(OWNER).set(U256::ZERO, 1);
    it.wrap(ALICE, tokens(100));
    it.token.assert_emitted(&MetricsFailed {
        metrics: metrics.address(),
    });
    it.transfer(ALICE, BOB, tokens(1)).unwrap();
    it.unwrap(ALICE, tokens(99)).unwrap();
    assert_eq!(it.balance(BOB), tokens(1));
    assert_eq!(metrics.sender(OWNER).calls(), U256::ZERO);
}

#[motsu::test]
fn the_monitors_rate_holds_from_sample_to_sample(monitor: Contract<Neighbour>) {
    let it = World::new();
    it.wrap(ALICE, tokens(100));
    let set = |rate: U256, how| monitor.sender(OWNER).set(rate, how);
    let rate = || it.token.sender(BOB).get_effective_decay_rate();
    set(wei(2_000_000_000), 0);
    it.set_monitor(monitor.address());
    it.token.assert_emitted(&VirialMonitorUpdated {
        oldMonitor: Address::ZERO,
        newMonitor: monitor.address(),
    });
    it.token.assert_emitted(&EffectiveDecayRateUpdated {
        oldRate: wei(RATE),
        newRate: wei(2_000_000_000),
    });
    assert!(it.token.sender(BOB).adaptive_decay_enabled());
    assert_eq!(it.token.sender(BOB).virial_monitor(), monitor.address());
    assert_eq!(rate(), wei(2_000_000_000));
    assert_eq!(it.token.sender(BOB).decay_rate(), wei(RATE));

    // What it says next changes neither the past nor the present before anybody asks.
    advance_time(DAY);
    let before = it.balance(ALICE);
    assert_eq!(before, after(tokens(100), 2_000_000_000, DAY));
    set(wei(3_000_000_000), 0);
    assert_eq!((it.balance(ALICE), rate()), (before, wei(2_000_000_000)));
    it.rebase(BOB);
    assert_eq!((it.balance(ALICE), rate()), (before, wei(3_000_000_000)));
    advance_time(DAY);
    let exponent = u128::from(5_000_000_000 * DAY);
    assert_eq!(it.balance(ALICE), decayed(tokens(100), exponent));

    // Clamped.
    set(U256::MAX, 0);
    it.rebase(BOB);
    assert_eq!(rate(), wei(MAX_ADAPTIVE_RATE));
    set(U256::ZERO, 0);
    it.rebase(BOB);
    assert_eq!(rate(), wei(MIN_ADAPTIVE_RATE));
    // The owner's rate is for when the monitor fails, or is none.
    it.set_rate(5);
    assert_eq!(rate(), wei(MIN_ADAPTIVE_RATE));
    for how in [1, 2, 3] {
        set(wei(2_000_000_000), how);
        it.rebase(BOB);
        assert_eq!(rate(), wei(5), "{how}");
        set(wei(2_000_000_000), 0);
        it.rebase(BOB);
        assert_eq!(rate(), wei(2_000_000_000));
    }
    it.set_monitor(Address::ZERO);
    assert_eq!(rate(), wei(5));
    assert!(!it.token.sender(BOB).adaptive_decay_enabled());
}

#[motsu::test]
fn neighbours_are_contracts() {
    let it = World::new();
    let account = BOB;
    let none = || Err(Error::NotAContract(NotAContract { account }));
    let monitor = it.token.sender(OWNER).set_virial_monitor(BOB).motsu_res();
    assert_eq!(monitor, none());
    let metrics = it.token.sender(OWNER).set_velocity_metrics(BOB).motsu_res();
    assert_eq!(metrics, none());
}
