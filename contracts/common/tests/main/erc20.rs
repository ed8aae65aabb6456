use alloy_primitives::{Address, U256};
use bpe_common::erc20::{balance_of, pull, transfer, try_transfer, SafeERC20FailedOperation};
use bpe_testing::{Behaviour, Token};
use motsu::prelude::*;
use stylus_sdk::prelude::*;

use crate::Probe;

const TEN: U256 = U256::from_limbs([10, 0, 0, 0]);

struct World<'a> {
    probe: &'a Contract<Probe>,
    token: &'a Contract<Token>,
    alice: Address,
}

impl World<'_> {
    /// Both have 100 tokens.
    fn start(&self, behaviour: Behaviour) {
        for account in [self.alice, self.probe.address()] {
            let has = self.token.sender(self.alice).balance(account);
            self.token
                .sender(self.alice)
                .mint(account, U256::from(100) - has);
        }
        self.token.sender(self.alice).behave(behaviour as u8);
    }

    fn failed<T>(&self) -> Result<T, SafeERC20FailedOperation> {
        Err(SafeERC20FailedOperation {
            token: self.token.address(),
        })
    }
}

#[motsu::test]
fn transfers_believe_true_and_nothing(
    probe: Contract<Probe>,
    token: Contract<Token>,
    alice: Address,
) {
    let world = World {
        probe: &probe,
        token: &token,
        alice,
    };
    for behaviour in Behaviour::ALL {
        let refused = matches!(
            behaviour,
            Behaviour::ReturnsFalse
                | Behaviour::ReturnsTwo
                | Behaviour::ReturnsShort
                | Behaviour::Reverts
        );
        token.sender(alice).behave(Behaviour::Standard as u8);
        token.sender(alice).mint(probe.address(), U256::from(100));
        token.sender(alice).behave(behaviour as u8);
        let result = transfer(probe.sender(alice).vm(), token.address(), alice, TEN);
        assert_eq!(
            result,
            if refused { world.failed() } else { Ok(()) },
            "{behaviour:?}"
        );
    }
}

#[motsu::test]
fn try_transfer_tells_a_clean_refusal_from_a_dubious_one(
    probe: Contract<Probe>,
    token: Contract<Token>,
    alice: Address,
) {
    let world = World {
        probe: &probe,
        token: &token,
        alice,
    };
    token.sender(alice).mint(probe.address(), U256::from(1_000));
    for behaviour in Behaviour::ALL {
        token.sender(alice).behave(behaviour as u8);
        let expected = match behaviour {
            Behaviour::Reverts => Ok(false),
            Behaviour::ReturnsFalse | Behaviour::ReturnsTwo | Behaviour::ReturnsShort => {
                world.failed()
            }
            _ => Ok(true),
        };
        let result = try_transfer(
            probe.sender(alice).vm(),
            token.address(),
            alice,
            TEN,
            u64::MAX,
        );
        assert_eq!(result, expected, "{behaviour:?}");
    }
}

#[motsu::test]
fn pull_counts_what_arrives(probe: Contract<Probe>, token: Contract<Token>, alice: Address) {
    let world = World {
        probe: &probe,
        token: &token,
        alice,
    };
    world.start(Behaviour::Standard);
    let take = |amount| pull(probe.sender(alice).vm(), token.address(), alice, amount);
    assert_eq!(take(TEN), Ok(TEN));
    token.sender(alice).behave(Behaviour::Fee as u8);
    assert_eq!(take(TEN), Ok(U256::from(9)));
    token.sender(alice).behave(Behaviour::Doubles as u8);
    assert_eq!(take(TEN), Ok(TEN), "no more than was asked for");
    token.sender(alice).behave(Behaviour::Lies as u8);
    assert_eq!(take(TEN), world.failed());
    token.sender(alice).behave(Behaviour::Standard as u8);
    assert_eq!(
        take(U256::from(1_000)),
        world.failed(),
        "more than there is"
    );
}

#[motsu::test]
fn pulling_from_oneself_creates_nothing(
    probe: Contract<Probe>,
    token: Contract<Token>,
    alice: Address,
) {
    let world = World {
        probe: &probe,
        token: &token,
        alice,
    };
    world.start(Behaviour::Standard);
    let result = pull(
        probe.sender(alice).vm(),
        token.address(),
        probe.address(),
        TEN,
    );
    assert_eq!(result, world.failed());
}

#[motsu::test]
fn balances_are_read(probe: Contract<Probe>, token: Contract<Token>, alice: Address) {
    let world = World {
        probe: &probe,
        token: &token,
        alice,
    };
    world.start(Behaviour::Standard);
    assert_eq!(
        balance_of(probe.sender(alice).vm(), token.address(), alice),
        Ok(U256::from(100))
    );
    let not_a_token = balance_of(probe.sender(alice).vm(), probe.address(), alice);
    assert_eq!(
        not_a_token,
        Err(SafeERC20FailedOperation {
            token: probe.address()
        })
    );
}
