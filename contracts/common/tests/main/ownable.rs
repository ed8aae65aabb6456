use alloc::{vec, vec::Vec};
use alloy_primitives::Address;
use bpe_common::ownable::{
    Error, Ownable, OwnableInvalidOwner, OwnableUnauthorizedAccount, OwnershipTransferStarted,
    OwnershipTransferred,
};
use motsu::prelude::*;
use stylus_sdk::prelude::*;

/// A contract with an owner and nothing else.
#[storage]
pub struct Owned {
    #[borrow]
    pub ownable: Ownable,
}

#[public]
#[inherit(Ownable)]
impl Owned {}

// SAFETY: the type is only ever the storage of a whole contract.
unsafe impl TopLevelStorage for Owned {}

fn unauthorized(account: Address) -> Error {
    OwnableUnauthorizedAccount { account }.into()
}

#[motsu::test]
fn the_first_owner_is_set(owned: Contract<Owned>, owner: Address) {
    owned.sender(owner).ownable.initialize(owner).motsu_unwrap();
    assert_eq!(owned.sender(owner).ownable.owner(), owner);
    owned.assert_emitted(&OwnershipTransferred {
        previousOwner: Address::ZERO,
        newOwner: owner,
    });
    let error = owned
        .sender(owner)
        .ownable
        .initialize(Address::ZERO)
        .motsu_unwrap_err();
    assert_eq!(
        error,
        OwnableInvalidOwner {
            owner: Address::ZERO
        }
        .into()
    );
}

#[motsu::test]
fn ownership_moves_when_it_is_accepted(
    owned: Contract<Owned>,
    owner: Address,
    next: Address,
    thief: Address,
) {
    owned.sender(owner).ownable.initialize(owner).motsu_unwrap();
    let it = |account| owned.sender(account);
    assert_eq!(
        it(thief)
            .ownable
            .transfer_ownership(thief)
            .motsu_unwrap_err(),
        unauthorized(thief)
    );
    it(owner).ownable.transfer_ownership(next).motsu_unwrap();
    owned.assert_emitted(&OwnershipTransferStarted {
        previousOwner: owner,
        newOwner: next,
    });
    assert_eq!(
        (it(thief).ownable.owner(), it(thief).ownable.pending_owner()),
        (owner, next)
    );
    it(owner).ownable.only_owner().motsu_unwrap();
    assert_eq!(
        it(next).ownable.only_owner().motsu_unwrap_err(),
        unauthorized(next)
    );
    assert_eq!(
        it(thief).ownable.accept_ownership().motsu_unwrap_err(),
        unauthorized(thief)
    );
    it(next).ownable.accept_ownership().motsu_unwrap();
    owned.assert_emitted(&OwnershipTransferred {
        previousOwner: owner,
        newOwner: next,
    });
    assert_eq!(
        (it(thief).ownable.owner(), it(thief).ownable.pending_owner()),
        (next, Address::ZERO)
    );
    assert_eq!(
        it(owner).ownable.only_owner().motsu_unwrap_err(),
        unauthorized(owner)
    );
    assert_eq!(
        it(next).ownable.accept_ownership().motsu_unwrap_err(),
        unauthorized(next),
        "once only"
    );
}

#[motsu::test]
fn an_offer_can_be_taken_back(owned: Contract<Owned>, owner: Address, next: Address) {
    owned.sender(owner).ownable.initialize(owner).motsu_unwrap();
    owned
        .sender(owner)
        .ownable
        .transfer_ownership(next)
        .motsu_unwrap();
    owned
        .sender(owner)
        .ownable
        .transfer_ownership(Address::ZERO)
        .motsu_unwrap();
    let error = owned
        .sender(next)
        .ownable
        .accept_ownership()
        .motsu_unwrap_err();
    assert_eq!(error, unauthorized(next));
}

#[motsu::test]
fn ownership_can_be_given_up(owned: Contract<Owned>, owner: Address, next: Address) {
    owned.sender(owner).ownable.initialize(owner).motsu_unwrap();
    owned
        .sender(owner)
        .ownable
        .transfer_ownership(next)
        .motsu_unwrap();
    let error = owned
        .sender(next)
        .ownable
        .renounce_ownership()
        .motsu_unwrap_err();
    assert_eq!(error, unauthorized(next));
    owned
        .sender(owner)
        .ownable
        .renounce_ownership()
        .motsu_unwrap();
    owned.assert_emitted(&OwnershipTransferred {
        previousOwner: owner,
        newOwner: Address::ZERO,
    });
    assert_eq!(owned.sender(owner).ownable.owner(), Address::ZERO);
    let error = owned
        .sender(next)
        .ownable
        .accept_ownership()
        .motsu_unwrap_err();
    assert_eq!(error, unauthorized(next), "the offer went with the owner");
}

#[motsu::test]
fn the_first_owner_hands_over_at_once_and_once(
    owned: Contract<Owned>,
    owner: Address,
    next: Address,
    thief: Address,
) {
    let it = |account| owned.sender(account);
    it(owner).ownable.initialize(owner).motsu_unwrap();
    let hand_over = |from, to| it(from).ownable.hand_over(to).motsu_res();
    assert_eq!(hand_over(thief, thief), Err(unauthorized(thief)));
    let zero = Address::ZERO;
    let invalid = OwnableInvalidOwner { owner: zero };
    assert_eq!(hand_over(owner, zero), Err(invalid.into()));
    it(owner).ownable.transfer_ownership(thief).motsu_unwrap();
    assert_eq!(hand_over(owner, next), Ok(()));
    owned.assert_emitted(&OwnershipTransferred {
        previousOwner: owner,
        newOwner: next,
    });
    assert_eq!(it(thief).ownable.owner(), next);
    assert_eq!(it(thief).ownable.pending_owner(), zero, "offers lapse");
    assert_eq!(hand_over(owner, owner), Err(unauthorized(owner)));
    assert_eq!(hand_over(next, owner), Err(unauthorized(next)), "once");
}

#[motsu::test]
fn who_accepted_ownership_does_not_hand_it_over(
    owned: Contract<Owned>,
    owner: Address,
    next: Address,
) {
    owned.sender(owner).ownable.initialize(owner).motsu_unwrap();
    let transfer = owned.sender(owner).ownable.transfer_ownership(next);
    transfer.motsu_unwrap();
    let accept = owned.sender(next).ownable.accept_ownership();
    accept.motsu_unwrap();
    let refused = owned.sender(next).ownable.hand_over(owner);
    assert_eq!(refused.motsu_unwrap_err(), unauthorized(next));
}
