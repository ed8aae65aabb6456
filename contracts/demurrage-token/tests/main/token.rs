use alloy_primitives::{Address, U256};
use bpe_common::{
    call::NotAContract,
    clock::testing::advance_time,
    erc20::SafeERC20FailedOperation,
    ownable::{self, OwnableInvalidOwner, OwnableUnauthorizedAccount},
};
use bpe_testing::{Behaviour, Token};
use motsu::prelude::*;

use crate::{contract::*, world::*};

#[motsu::test]
fn is_set_up_as_told() {
    let it = World::new();
    let token = it.token.sender(BOB);
    assert_eq!(token.name(), "Idle Coin");
    assert_eq!(token.symbol(), "IDLE");
    assert_eq!(token.decimals(), 18);
    assert_eq!(token.underlying(), it.underlying.address());
    assert_eq!(token.decay_rate(), wei(RATE));
    assert_eq!(token.base_rate(), wei(RATE));
    assert_eq!(token.get_effective_decay_rate(), wei(RATE));
    assert_eq!(token.decay_recipient(), TREASURY);
    assert_eq!(token.recipient(), TREASURY);
    assert!(token.decay_exempt(TREASURY));
    assert!(!token.decay_exempt(ALICE));
    assert!(!token.adaptive_decay_enabled());
    assert_eq!(token.virial_monitor(), Address::ZERO);
    assert_eq!(token.velocity_metrics(), Address::ZERO);
    assert_eq!(token.total_supply(), U256::ZERO);
    assert_eq!(token.precision(), TOKEN);
    assert_eq!(token.max_decay_rate(), wei(7_000_000_000));
    assert_eq!(token.min_adaptive_rate(), wei(317_097_919));
    assert_eq!(token.max_adaptive_rate(), wei(3_170_979_198));
    drop(token);
    it.token.assert_emitted(&DecayRateUpdated {
        oldRate: U256::ZERO,
        newRate: wei(RATE),
    });
    it.token.assert_emitted(&DecayRecipientUpdated {
        oldRecipient: Address::ZERO,
        newRecipient: TREASURY,
    });
}

#[motsu::test]
fn refuses_a_setup_that_cannot_work(token: Contract<DemurrageToken>, underlying: Contract<Token>) {
    let good = underlying.address();
    let set_up = |underlying, rate: u64, recipient, owner| {
        let (name, symbol) = (String::new(), String::new());
        let mut context = token.sender(OWNER);
        context
            .constructor(name, symbol, underlying, wei(rate), recipient, owner)
            .motsu_unwrap_err()
    };
    let account = BOB;
    assert_eq!(
        set_up(account, RATE, TREASURY, OWNER),
        Error::NotAContract(NotAContract { account })
    );
    assert_eq!(
        set_up(good, MAX_DECAY_RATE + 1, TREASURY, OWNER),
        ExceedsMaxDecayRate {}.into()
    );
    assert_eq!(
        set_up(good, RATE, Address::ZERO, OWNER),
        ZeroRecipient {}.into()
    );
    let recipient = token.address();
    assert_eq!(
        set_up(good, RATE, recipient, OWNER),
        InvalidRecipient { recipient }.into()
    );
    let owner = Address::ZERO;
    assert_eq!(
        set_up(good, RATE, TREASURY, owner),
        Error::Ownable(OwnableInvalidOwner { owner }.into())
    );
}

#[motsu::test]
fn wraps_one_to_one_at_any_time() {
    let it = World::new();
    it.wrap(ALICE, tokens(100));
    it.token.assert_emitted(&Transfer {
        from: Address::ZERO,
        to: ALICE,
        value: tokens(100),
    });
    assert_eq!(it.balance(ALICE), tokens(100));
    advance_time(10 * YEAR);
    it.wrap(BOB, tokens(100));
    assert_eq!(it.balance(BOB), tokens(100));
    assert_eq!(it.supply(), tokens(200));
    assert_eq!(it.held(), tokens(200));
}

#[motsu::test]
fn unwraps_what_is_left() {
    let it = World::new();
    it.wrap(ALICE, tokens(100));
    advance_time(YEAR);
    let left = it.balance(ALICE);
    assert_eq!(left, after(tokens(100), RATE, YEAR));
    let required = left + wei(1);
    assert_eq!(
        it.unwrap(ALICE, required),
        Err(InsufficientBalance {
            required,
            available: left,
        }
        .into())
    );
    it.unwrap(ALICE, tokens(10)).unwrap();
    it.token.assert_emitted(&Transfer {
        from: ALICE,
        to: Address::ZERO,
        value: tokens(10),
    });
    assert_eq!(it.outside(ALICE), tokens(10));
    assert_eq!(it.balance(ALICE), left - tokens(10));
    it.unwrap(ALICE, left - tokens(10)).unwrap();
    assert_eq!(it.outside(ALICE), left);
    assert_eq!(it.balance(ALICE), U256::ZERO);
    // The rest is the recipient's, to the last wei.
    it.unwrap(TREASURY, tokens(100) - left).unwrap();
    assert_eq!(it.supply(), U256::ZERO);
    assert_eq!(it.held(), U256::ZERO);
}

#[motsu::test]
fn refuses_nothing_and_too_much() {
    let it = World::new();
    let zero = it.token.sender(ALICE).wrap(U256::ZERO).motsu_unwrap_err();
    assert_eq!(zero, ZeroAmount {}.into());
    assert_eq!(it.unwrap(ALICE, U256::ZERO), Err(ZeroAmount {}.into()));

    let most = U256::MAX >> 144;
    it.wrap(ALICE, most);
    it.underlying.sender(OWNER).mint(BOB, wei(1));
    let over = it.token.sender(BOB).wrap(wei(1)).motsu_unwrap_err();
    let supply = most + wei(1);
    assert_eq!(over, SupplyTooLarge { supply }.into());
    // The largest supply there can be works, to the end of decay.
    it.set_rate(MAX_DECAY_RATE);
    advance_time(100 * YEAR);
    let left = it.balance(ALICE);
    assert_eq!(left, decayed(most, u128::from(u64::MAX)));
    it.transfer(ALICE, BOB, left).unwrap();
    assert_eq!(it.balance(BOB), left);
    it.unwrap(BOB, left).unwrap();
    it.unwrap(TREASURY, most - left).unwrap();
    assert_eq!(it.held(), U256::ZERO);
}

#[motsu::test]
fn credits_what_arrives_of_a_token_that_takes_a_fee() {
    let it = World::new();
    it.behave(Behaviour::Fee);
    it.wrap(ALICE, tokens(100));
    assert_eq!(it.balance(ALICE), tokens(90));
    assert_eq!(it.supply(), tokens(90));
    assert_eq!(it.held(), tokens(90));
    it.unwrap(ALICE, tokens(90)).unwrap();
    assert_eq!(it.outside(ALICE), tokens(81));
}

#[motsu::test]
fn makes_nothing_of_a_token_that_does_not_pay() {
    let it = World::new();
    it.underlying.sender(OWNER).mint(ALICE, tokens(100));
    let token = it.underlying.address();
    for behaviour in [Behaviour::Lies, Behaviour::ReturnsFalse, Behaviour::Reverts] {
        it.behave(behaviour);
        let error = it.token.sender(ALICE).wrap(tokens(1)).motsu_unwrap_err();
        assert_eq!(error, Error::Erc20(SafeERC20FailedOperation { token }));
    }
    assert_eq!(it.supply(), U256::ZERO);
    it.behave(Behaviour::NoReturn);
    it.token.sender(ALICE).wrap(tokens(1)).motsu_unwrap();
    it.behave(Behaviour::Reverts);
    let error = it.unwrap(ALICE, tokens(1));
    assert_eq!(error, Err(Error::Erc20(SafeERC20FailedOperation { token })));
}

#[motsu::test]
fn transfers() {
    let it = World::new();
    it.wrap(ALICE, tokens(100));
    advance_time(DAY);
    let had = it.balance(ALICE);
    assert_eq!(it.transfer(ALICE, BOB, tokens(30)), Ok(true));
    it.token.assert_emitted(&Transfer {
        from: ALICE,
        to: BOB,
        value: tokens(30),
    });
    assert_eq!(it.balance(BOB), tokens(30));
    // Of a balance that was rounded down, the transfer takes x or x + 1.
    let left = it.balance(ALICE);
    assert!(had - left - tokens(30) <= wei(1), "{left}");
    // All of it, to the last fraction.
    it.transfer(ALICE, BOB, left).unwrap();
    assert_eq!(it.balance(ALICE), U256::ZERO);
    let arrived = it.balance(BOB);
    assert!(arrived == had || arrived == had + wei(1), "{arrived}");
    assert!(it.balance(BOB) + it.balance(TREASURY) <= it.supply());

    let (required, available) = (arrived + wei(1), arrived);
    assert_eq!(
        it.transfer(BOB, ALICE, required),
        Err(InsufficientBalance {
            required,
            available,
        }
        .into())
    );
    let nobody = it.transfer(BOB, Address::ZERO, wei(1));
    assert_eq!(nobody, Err(ZeroRecipient {}.into()));
    let recipient = it.token.address();
    let itself = it.transfer(BOB, recipient, wei(1));
    assert_eq!(itself, Err(InvalidRecipient { recipient }.into()));
}

#[motsu::test]
fn transfers_to_oneself_and_of_nothing_change_nothing() {
    let it = World::new();
    it.wrap(ALICE, tokens(100));
    it.wrap(STAKES, tokens(100));
    it.exempt(STAKES, true);
    advance_time(DAY);
    for account in [ALICE, STAKES, TREASURY] {
        let (had, supply) = (it.balance(account), it.supply());
        it.transfer(account, account, had).unwrap();
        assert_eq!(it.balance(account), had);
        it.transfer(account, BOB, U256::ZERO).unwrap();
        assert_eq!(it.balance(account), had);
        assert_eq!((it.balance(BOB), it.supply()), (U256::ZERO, supply));
        let required = had + wei(1);
        assert!(it.transfer(account, account, required).is_err());
    }
}

#[motsu::test]
fn allowances_are_used_up() {
    let it = World::new();
    it.wrap(ALICE, tokens(100));
    assert!(it.token.sender(ALICE).approve(BOB, tokens(30)));
    it.token.assert_emitted(&Approval {
        owner: ALICE,
        spender: BOB,
        value: tokens(30),
    });
    let take = |spender, amount| {
        let mut context = it.token.sender(spender);
        context.transfer_from(ALICE, CAROL, amount).motsu_res()
    };
    assert_eq!(take(BOB, tokens(20)), Ok(true));
    assert_eq!(it.balance(CAROL), tokens(20));
    assert_eq!(it.token.sender(BOB).allowance(ALICE, BOB), tokens(10));
    let required = tokens(10) + wei(1);
    assert_eq!(
        take(BOB, required),
        Err(InsufficientAllowance {
            required,
            available: tokens(10),
        }
        .into())
    );
    assert!(take(CAROL, wei(1)).is_err());
    it.token.sender(ALICE).approve(BOB, U256::MAX);
    assert_eq!(take(BOB, tokens(20)), Ok(true));
    assert_eq!(it.token.sender(BOB).allowance(ALICE, BOB), U256::MAX);
    let (required, available) = (tokens(61), tokens(60));
    assert_eq!(
        take(BOB, required),
        Err(InsufficientBalance {
            required,
            available,
        }
        .into())
    );
}

#[motsu::test]
fn only_the_owner_sets_anything() {
    let it = World::new();
    let account = ALICE;
    let refused: Error = ownable::Error::from(OwnableUnauthorizedAccount { account }).into();
    let mut token = it.token.sender(ALICE);
    let rate = token.set_decay_rate(wei(0)).motsu_res();
    assert_eq!(rate, Err(refused));
    drop(token);
    let refused = || {
        Err(Error::Ownable(
            OwnableUnauthorizedAccount { account }.into(),
        ))
    };
    let recipient = it
        .token
        .sender(ALICE)
        .set_decay_recipient(ALICE)
        .motsu_res();
    assert_eq!(recipient, refused());
    let exempt = it
        .token
        .sender(ALICE)
        .set_decay_exempt(ALICE, true)
        .motsu_res();
    assert_eq!(exempt, refused());
    let monitor = it.token.sender(ALICE).set_virial_monitor(ALICE).motsu_res();
    assert_eq!(monitor, refused());
    let metrics = it
        .token
        .sender(ALICE)
        .set_velocity_metrics(ALICE)
        .motsu_res();
    assert_eq!(metrics, refused());
}
