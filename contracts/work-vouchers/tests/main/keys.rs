//! Keys: how accounts sign that have no key of their own, and those that have one and code besides.

use crate::{contract::*, market::*};

fn registration(account: Address, key: Address, nonce: u64) -> B256 {
    hash_words(&[
        keccak256("KeyRegistration(address account,address key,uint256 nonce)"),
        account.into_word(),
        key.into_word(),
        n(nonce).into(),
    ])
}

/// A market whose source is a contract account, and a key of it.
struct OfWallet<'a> {
    it: Market,
    wallet: &'a Contract<Wallet>,
}

impl OfWallet<'_> {
    fn voucher(&self, by: &SigningKey, work: u128) -> SignedVoucher {
        let mut voucher = self.it.voucher(by, &key(1), work, work, 1);
        voucher.source = self.wallet.address();
        self.it.sign(&mut voucher, by, &key(1));
        voucher
    }

    fn register_for(&self, key: Address, signature: Vec<u8>) -> Result<(), Error> {
        let account = self.wallet.address();
        let vouchers = self.it.vouchers.sender(THIRD);
        let mut vouchers = vouchers;
        let register = vouchers.register_key_for(account, key, signature.into());
        register.motsu_res()
    }
}

#[motsu::test]
fn a_contract_account_signs_by_keys_and_cannot_unsign(wallet: Contract<Wallet>) {
    let (account, hot) = (wallet.address(), key(6));
    let its_key = address(&hot);
    let of = OfWallet {
        it: Market::new(),
        wallet: &wallet,
    };
    let it = &of.it;
    it.pay(account, 10_000);
    let refused = it.redeem(of.voucher(&hot, 100));
    assert!(matches!(refused, Err(Error::InvalidSignature(_))));
    // The wallet's own word is asked for registrations, never for vouchers.
    let invalid = || Err(InvalidRegistration { account }.into());
    assert_eq!(of.register_for(its_key, vec![1]), invalid());
    let digest = it.digest(registration(account, its_key, 0));
    wallet.sender(OWNER).approve(digest);
    of.register_for(its_key, vec![1]).unwrap();
    it.vouchers.assert_emitted(&KeyRegistered {
        account,
        key: its_key,
    });
    let until = || it.vouchers.sender(THIRD).get_key_until(account, its_key);
    assert_eq!(until(), U256::MAX);
    // Once: the same word does not bring a removed key back.
    assert_eq!(of.register_for(its_key, vec![1]), invalid());
    wallet.sender(OWNER).misbehave(1);
    it.redeem(of.voucher(&hot, 100)).unwrap();

    let remove = || it.vouchers.sender(account).remove_key(its_key).motsu_res();
    remove().unwrap();
    assert_eq!(until(), n(timestamp() + KEY_GRACE));
    let not_registered = KeyNotRegistered {
        account,
        key: its_key,
    };
    assert_eq!(remove(), Err(not_registered.into()));
    advance_time(KEY_GRACE - 1);
    it.redeem(of.voucher(&hot, 200)).unwrap();
    advance_time(1);
    let refused = it.redeem(of.voucher(&hot, 300));
    assert!(matches!(refused, Err(Error::InvalidSignature(_))));
    let register = |key| it.vouchers.sender(account).register_key(key).motsu_res();
    let zero = Address::ZERO;
    assert_eq!(register(zero), Err(InvalidKey { key: zero }.into()));
    register(its_key).unwrap();
    it.redeem(of.voucher(&hot, 300)).unwrap();
    let nonce = it.vouchers.sender(THIRD).get_key_nonce(account);
    assert_eq!(nonce, n(2));
}

/// Nobody registers a key for an account but the account: not by another's signature, nor by one for another key or chain.
#[motsu::test]
fn a_key_is_registered_by_its_account_alone() {
    let it = Market::new();
    let (account, its_key) = (source(), address(&key(6)));
    let register = |signature: Bytes| {
        let vouchers = it.vouchers.sender(THIRD);
        let mut vouchers = vouchers;
        let register = vouchers.register_key_for(account, its_key, signature.to_vec().into());
        register.motsu_res()
    };
    let message = registration(account, its_key, 0);
    let digest = it.digest(message);
    let of_other_key = it.digest(registration(account, sink(), 0));
    let of_other_chain = digest_of(it.vouchers.address(), 1, message);
    for signature in [
        sign(&key(6), digest),
        sign(&key(2), of_other_key),
        sign(&key(2), of_other_chain),
    ] {
        let invalid = Err(InvalidRegistration { account }.into());
        assert_eq!(register(signature), invalid);
    }
    register(sign(&key(2), digest)).unwrap();
    // The key signs for the account, and for nobody else.
    let mut voucher = it.usual(100, 100, 1);
    it.sign(&mut voucher, &key(6), &key(1));
    it.redeem(voucher.clone()).unwrap();
    it.pay(address(&key(3)), 1_000);
    voucher.source = address(&key(3));
    it.sign(&mut voucher, &key(6), &key(1));
    let refused = it.redeem(voucher);
    assert!(matches!(refused, Err(Error::InvalidSignature(_))));
}

/// An account that gets code (EIP-7702) after it signed: its own signature counts all the same, whatever the code says.
#[motsu::test]
fn an_account_with_code_signs_by_its_own_key() {
    let it = Market::new();
    let account = source();
    let wallet = Contract::<Wallet>::new_at(account);
    wallet.sender(OWNER).misbehave(1);
    it.redeem(it.usual(100, 100, 1)).unwrap();
    let key_of = address(&key(6));
    let digest = it.digest(registration(account, key_of, 0));
    let signature = sign(&key(2), digest).to_vec();
    let vouchers = it.vouchers.sender(THIRD);
    let mut vouchers = vouchers;
    let register = vouchers.register_key_for(account, key_of, signature.into());
    register.motsu_unwrap();
}
