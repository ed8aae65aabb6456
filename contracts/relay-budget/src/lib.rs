//! RelayBudget: what writers deposit for Nostr relays, against spam, and relays collect.
//!
//! A *client* deposits the suite's payment token for a relay. The relay looks at one view, [`can_publish`](RelayBudget::can_publish),
//! before it takes an event in, and collects later: by the client's signed voucher of all that the relay gets since ever, or by
//! its tariff for so many events, as far as the client allows that. Both in batches, one transaction for any number of events.
//!
//! | who | may |
//! |---|---|
//! | anyone | deposit for itself; bring what clients have signed, which pays whom they named |
//! | a client | allow a relay to collect without its signature, in bounds; ask its money back, and have it after 3600 s |
//! | a relay's operator, in the pool RELAY_WRITE with it | collect by the tariff of the moment |
//!
//! Nobody owns the contract. Amounts are in the payment token's wei, prices in wei an event, times in seconds since 1970.
//!
//! # What a relay can rely on
//!
//! What is asked back stays collectable for 3600 s, and `can_publish` leaves it out at once: a relay that collects within
//! 3600 s of the last event it took in loses nothing by it. A deposit is for one relay, so that no other one is paid out of it.
//! The voucher of an account with code is good as long as its code says so; relays that do not know it collect at once.
//!
//! # What a client can lose
//!
//! By vouchers what it signed. Without one nothing, unless it allowed a price and a sum for a day: then that sum a day, whatever
//! the relay says of events, at most at the price it allowed, whatever load the relay reports. Totals are the client's with the
//! relay, whoever operates it.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
bpe_common::trap_on_panic!();

mod interface;

use alloc::{vec, vec::Vec};
use alloy_primitives::{b256, Address, Uint, B256, U256, U64};
use alloy_sol_types::SolCall;
use bpe_common::{
    attestation::require_signed,
    call::{query_words, require_contract, to_address, Revert},
    clock, connections,
    curve::{operator_of, NOSTR},
    eip712::{hash_words, typed_data_hash, Domain, DomainFields},
    emit, emit_text,
    erc20::{pull, transfer},
    interfaces::{IPoolDirectory, IRelayTariff},
    packed::{narrow, widen},
};
use stylus_sdk::{prelude::*, storage::*};

pub use interface::*;

/// The domain of the signatures.
pub const DOMAIN: Domain = Domain {
    name: "BPE-RelayBudget",
    version: "1",
};
/// `keccak256("RelayVoucher(bytes32 nostrPubkey,address client,address operator,uint256 total)")`
pub const RELAY_VOUCHER_TYPEHASH: B256 =
    b256!("223e290c296ceb3fe486f5212ce70220f2a3a85abb16e53de722cdad7e5ff360");
/// The pool whose tariff counts, `keccak256("RELAY_WRITE")`, as in RelayPaymentPool.
pub const RELAY_WRITE: B256 =
    b256!("29e564b55b6ad05e9b25f9dc79ee5840311bb63e35dbb506106bb2796630c0bf");
/// For how long what is asked back stays collectable, in seconds.
pub const NOTICE: u64 = 3_600;
/// The most items in a batch.
pub const MAX_BATCH: usize = 256;
const DAY: u64 = 86_400;

type StorageAmount = StorageUint<96, 2>;
type Amount = Uint<96, 2>;

/// What a client has with a relay. Three slots: balance (96 bits), asked (96), from (64); collected; max_price (96), max_per_day
/// (96), day (64); spent.
#[storage]
pub struct Budget {
    balance: StorageAmount,
    /// Asked back, at most the balance.
    asked: StorageAmount,
    /// From when on that can be had.
    from: StorageU64,
    /// By vouchers since ever.
    collected: StorageU256,
    max_price: StorageAmount,
    max_per_day: StorageAmount,
    /// The day, since 1970, in which `spent` was collected without vouchers.
    day: StorageU64,
    spent: StorageAmount,
}

/// The contract. Slots 0–2: the neighbours. Then the budgets, by relay and client.
#[entrypoint]
#[storage]
pub struct RelayBudget {
    token: StorageAddress,
    payment_pool: StorageAddress,
    key_registry: StorageAddress,
    budgets: StorageMap<B256, StorageMap<Address, Budget>>,
}

#[public]
impl RelayBudget {
    /// Sets the contract up: where relays are paid, whose token is the one here, and where writers' keys are proven.
    ///
    /// # Errors
    ///
    /// * [`NotAContract`]; what RelayPaymentPool reverts with if it is none.
    #[constructor]
    pub fn constructor(
        &mut self,
        payment_pool: Address,
        key_registry: Address,
    ) -> Result<(), Error> {
        require_contract(self.vm(), payment_pool)?;
        require_contract(self.vm(), key_registry)?;
        let selector = IRelayTariff::backpressurePoolCall::SELECTOR;
        let [pools] = query_words(self.vm(), payment_pool, selector, &[])?;
        let selector = IPoolDirectory::SUPER_TOKENCall::SELECTOR;
        let [token] = query_words(self.vm(), to_address(pools), selector, &[])?;
        let token = to_address(token);
        require_contract(self.vm(), token)?;
        connections::forbid(self.vm(), token);
        self.token.set(token);
        self.payment_pool.set(payment_pool);
        self.key_registry.set(key_registry);
        Ok(())
    }

    // --- Clients

    /// Deposits `amount` wei of the caller's for a relay. What arrives counts.
    ///
    /// # Errors
    ///
    /// * [`NoAmount`], [`AmountTooLarge`]
    /// * [`SafeERC20FailedOperation`](bpe_common::erc20::SafeERC20FailedOperation)
    ///
    /// # Events
    ///
    /// * [`Deposited`]
    pub fn deposit(&mut self, nostr_pubkey: B256, amount: U256) -> Result<(), Error> {
        let client = self.vm().msg_sender();
        if amount.is_zero() {
            return Err(NoAmount {}.into());
        }
        let arrived = pull(self.vm(), self.token.get(), client, amount)?;
        let balance = self.balance(nostr_pubkey, client).saturating_add(arrived);
        let narrowed = to_amount(balance)?;
        let mut relays = self.budgets.setter(nostr_pubkey);
        relays.setter(client).balance.set(narrowed);
        emit!(self.vm(), Deposited[nostr_pubkey, client](arrived, balance));
        Ok(())
    }

    /// Deposits for several relays, as many as there are amounts, at most 256.
    ///
    /// # Errors
    ///
    /// * As [`RelayBudget::deposit`]; [`LengthMismatch`], [`BatchTooLarge`]
    ///
    /// # Events
    ///
    /// * [`Deposited`] for each.
    pub fn deposit_all(
        &mut self,
        nostr_pubkeys: Vec<B256>,
        amounts: Vec<U256>,
    ) -> Result<(), Error> {
        require_batch(nostr_pubkeys.len(), amounts.len())?;
        for (pubkey, amount) in nostr_pubkeys.into_iter().zip(amounts) {
            self.deposit(pubkey, amount)?;
        }
        Ok(())
    }

    /// Lets the relay's operator collect `max_per_day` wei a day (of UTC) without the caller's voucher, at `max_price` wei an event
    /// at most. Both zero for not at all, as it is until then.
    ///
    /// # Errors
    ///
    /// * [`AmountTooLarge`]
    ///
    /// # Events
    ///
    /// * [`AllowanceSet`]
    pub fn set_allowance(
        &mut self,
        nostr_pubkey: B256,
        max_price: U256,
        max_per_day: U256,
    ) -> Result<(), Error> {
        let client = self.vm().msg_sender();
        let (price, per_day) = (to_amount(max_price)?, to_amount(max_per_day)?);
        let mut relays = self.budgets.setter(nostr_pubkey);
        let mut budget = relays.setter(client);
        budget.max_price.set(price);
        budget.max_per_day.set(per_day);
        emit!(self.vm(), AllowanceSet[nostr_pubkey, client](max_price, max_per_day));
        Ok(())
    }

    /// Asks `amount` wei back, which the caller can have 3600 s later, in place of what it asked before; zero takes that back.
    ///
    /// # Errors
    ///
    /// * [`InsufficientBalance`]
    ///
    /// # Events
    ///
    /// * [`WithdrawalRequested`]
    pub fn request_withdrawal(&mut self, nostr_pubkey: B256, amount: U256) -> Result<(), Error> {
        let client = self.vm().msg_sender();
        let available = self.balance(nostr_pubkey, client);
        if amount > available {
            let requested = amount;
            return Err(InsufficientBalance {
                requested,
                available,
            }
            .into());
        }
        let asked = to_amount(amount)?;
        let from = U64::from(self.now().saturating_add(NOTICE));
        let mut relays = self.budgets.setter(nostr_pubkey);
        let mut budget = relays.setter(client);
        budget.asked.set(asked);
        budget.from.set(from);
        emit!(
            self.vm(),
            WithdrawalRequested[nostr_pubkey, client](amount, from.to::<u64>())
        );
        Ok(())
    }

    /// Gives the caller back what it asked back, as far as it was not collected.
    ///
    /// # Errors
    ///
    /// * [`NoAmount`], [`TooEarly`]
    /// * [`SafeERC20FailedOperation`](bpe_common::erc20::SafeERC20FailedOperation)
    ///
    /// # Events
    ///
    /// * [`Withdrawn`]
    pub fn withdraw(&mut self, nostr_pubkey: B256) -> Result<(), Error> {
        let client = self.vm().msg_sender();
        let now = self.now();
        let mut relays = self.budgets.setter(nostr_pubkey);
        let mut budget = relays.setter(client);
        let amount = widen(budget.asked.get());
        if amount.is_zero() {
            return Err(NoAmount {}.into());
        }
        if U64::from(now) < budget.from.get() {
            let from = widen(budget.from.get());
            return Err(TooEarly { from }.into());
        }
        let balance = budget.pay(amount);
        budget.asked.set(Amount::ZERO);
        emit!(self.vm(), Withdrawn[nostr_pubkey, client](amount, balance));
        Ok(transfer(self.vm(), self.token.get(), client, amount)?)
    }

    // --- Relays

    /// Pays operators what vouchers say that was not collected, as far as there is money. By anyone, at most 256; of a bad one an
    /// event says why.
    ///
    /// # Errors
    ///
    /// * [`BatchTooLarge`]
    /// * [`InsufficientGas`](bpe_common::call::InsufficientGas) if a contract account may have refused for want of gas.
    /// * [`SafeERC20FailedOperation`](bpe_common::erc20::SafeERC20FailedOperation)
    ///
    /// # Events
    ///
    /// * [`VoucherCollected`] or [`CollectionRejected`] for each.
    pub fn collect(&mut self, vouchers: Vec<SignedRelayVoucher>) -> Result<(), Error> {
        require_batch(vouchers.len(), vouchers.len())?;
        let separator = DOMAIN.separator(self.vm());
        for voucher in &vouchers {
            if let Some(reason) = self.collect_voucher(voucher, separator)? {
                self.reject(voucher.nostrPubkey, voucher.client, reason);
            }
        }
        Ok(())
    }

    /// Pays the caller, who is in the pool RELAY_WRITE with the relay, for `counts` events of `clients` by the tariff of this moment:
    /// of each for as many as the client allows and has money for. At most 256; where that is none, an event says why.
    ///
    /// # Errors
    ///
    /// * [`LengthMismatch`], [`BatchTooLarge`], [`NotRelayOperator`]
    /// * What RelayPaymentPool reverts with.
    /// * [`SafeERC20FailedOperation`](bpe_common::erc20::SafeERC20FailedOperation)
    ///
    /// # Events
    ///
    /// * [`EventsCollected`] or [`CollectionRejected`] for each.
    pub fn collect_events(
        &mut self,
        nostr_pubkey: B256,
        clients: Vec<Address>,
        counts: Vec<U256>,
    ) -> Result<(), Error> {
        require_batch(clients.len(), counts.len())?;
        let caller = self.vm().msg_sender();
        let pool = self.payment_pool.get();
        let selector = IRelayTariff::getMemberCall::SELECTOR;
        let [operator] = query_words(self.vm(), pool, selector, &[RELAY_WRITE, nostr_pubkey])?;
        if to_address(operator) != caller {
            return Err(NotRelayOperator {
                nostrPubkey: nostr_pubkey,
                caller,
            }
            .into());
        }
        let price = self.price(nostr_pubkey)?;
        let mut sum = U256::ZERO;
        for (client, count) in clients.into_iter().zip(counts) {
            match self.take(nostr_pubkey, client, count, price) {
                Ok((count, balance)) => {
                    sum = sum.saturating_add(count.saturating_mul(price));
                    emit!(
                        self.vm(),
                        EventsCollected[nostr_pubkey, client, caller](count, price, balance)
                    );
                }
                Err(reason) => self.reject(nostr_pubkey, client, reason),
            }
        }
        match sum.is_zero() {
            true => Ok(()),
            false => Ok(transfer(self.vm(), self.token.get(), caller, sum)?),
        }
    }

    // --- Views

    /// Whether `client` has the money for an event at the relay now; what it has for it that is not asked back, in wei, what an
    /// event costs there now, and for how many events that is enough.
    ///
    /// # Returns
    ///
    /// * `ok`
    /// * `available`
    /// * `price`
    /// * `events`
    ///
    /// # Errors
    ///
    /// * What RelayPaymentPool reverts with: the relay is not in the pool RELAY_WRITE, say.
    pub fn can_publish(
        &self,
        nostr_pubkey: B256,
        client: Address,
    ) -> Result<(bool, U256, U256, U256), Error> {
        let price = self.price(nostr_pubkey)?;
        let (balance, asked, _) = self.get_budget(nostr_pubkey, client);
        let available = balance.saturating_sub(asked);
        let events = available.checked_div(price).unwrap_or(U256::MAX);
        Ok((!events.is_zero(), available, price, events))
    }

    /// The same of the account that operates the Nostr key `writer` by KeyRegistry: who signed the event; nobody, if none does.
    ///
    /// # Returns
    ///
    /// * `ok`
    /// * `available`
    /// * `price`
    /// * `events`
    ///
    /// # Errors
    ///
    /// * As [`RelayBudget::can_publish`].
    pub fn can_publish_as(
        &self,
        nostr_pubkey: B256,
        writer: B256,
    ) -> Result<(bool, U256, U256, U256), Error> {
        let client = operator_of(self.vm(), self.key_registry.get(), NOSTR, writer)?;
        self.can_publish(nostr_pubkey, client)
    }

    /// What `client` has with the relay, what of it is asked back, in wei, and from when on that can be had.
    ///
    /// # Returns
    ///
    /// * `balance`
    /// * `asked`
    /// * `from`
    pub fn get_budget(&self, nostr_pubkey: B256, client: Address) -> (U256, U256, U256) {
        let relays = self.budgets.getter(nostr_pubkey);
        let budget = relays.getter(client);
        (
            widen(budget.balance.get()),
            widen(budget.asked.get()),
            widen(budget.from.get()),
        )
    }

    /// What was collected by vouchers of `client` since ever, in wei: a voucher has to say more.
    pub fn get_collected(&self, nostr_pubkey: B256, client: Address) -> U256 {
        self.budgets
            .getter(nostr_pubkey)
            .getter(client)
            .collected
            .get()
    }

    /// What the relay may collect without a voucher: wei an event, wei a day, and how much of that is left today.
    ///
    /// # Returns
    ///
    /// * `maxPrice`
    /// * `maxPerDay`
    /// * `left`
    pub fn get_allowance(&self, nostr_pubkey: B256, client: Address) -> (U256, U256, U256) {
        let relays = self.budgets.getter(nostr_pubkey);
        let budget = relays.getter(client);
        (
            widen(budget.max_price.get()),
            widen(budget.max_per_day.get()),
            budget.left(self.now() / DAY),
        )
    }

    /// What is paid with.
    #[selector(name = "TOKEN")]
    pub fn token(&self) -> Address {
        self.token.get()
    }

    /// Where relays are paid, and what an event costs.
    pub fn payment_pool(&self) -> Address {
        self.payment_pool.get()
    }

    /// Where writers' keys are proven.
    pub fn key_registry(&self) -> Address {
        self.key_registry.get()
    }

    /// For how long what is asked back stays collectable, in seconds.
    #[selector(name = "NOTICE")]
    pub fn notice(&self) -> U256 {
        U256::from(NOTICE)
    }

    /// The type hash of a voucher.
    #[selector(name = "RELAY_VOUCHER_TYPEHASH")]
    pub fn relay_voucher_typehash(&self) -> B256 {
        RELAY_VOUCHER_TYPEHASH
    }

    /// The domain of the signatures (EIP-5267).
    ///
    /// # Returns
    ///
    /// * `fields`
    /// * `name`
    /// * `version`
    /// * `chainId`
    /// * `verifyingContract`
    /// * `salt`
    /// * `extensions`
    #[selector(name = "eip712Domain")]
    pub fn eip712_domain(&self) -> DomainFields {
        DOMAIN.fields(self.vm())
    }

    // --- Anyone

    /// Disconnects this contract from a Superfluid pool to which somebody connected it before it was there.
    ///
    /// # Errors
    ///
    /// * What Superfluid reverts with.
    pub fn disconnect(&mut self, pool: Address) -> Result<(), Error> {
        Ok(connections::undo(self.vm(), self.token.get(), pool)?)
    }
}

impl RelayBudget {
    /// Pays by one voucher; why not, if it is bad.
    fn collect_voucher(
        &mut self,
        voucher: &SignedRelayVoucher,
        separator: B256,
    ) -> Result<Option<&'static str>, Error> {
        let (pubkey, client, operator) = (voucher.nostrPubkey, voucher.client, voucher.operator);
        let (balance, ..) = self.get_budget(pubkey, client);
        let collected = self.get_collected(pubkey, client);
        let due = voucher.total.saturating_sub(collected);
        if client.is_zero() || operator.is_zero() {
            return Ok(Some("client"));
        }
        if due.is_zero() {
            return Ok(Some("voucher"));
        }
        let amount = due.min(balance);
        if amount.is_zero() {
            return Ok(Some("balance"));
        }
        let digest = typed_data_hash(separator, struct_hash(voucher));
        if let Err(error) = require_signed(self.vm(), client, digest, &voucher.signature) {
            return match error.reason() {
                Some(reason) => Ok(Some(reason)),
                None => Err(error.into()),
            };
        }
        let mut relays = self.budgets.setter(pubkey);
        let mut budget = relays.setter(client);
        let balance = budget.pay(amount);
        budget.collected.set(collected.saturating_add(amount));
        let rest = due.saturating_sub(amount);
        emit!(
            self.vm(),
            VoucherCollected[pubkey, client, operator](amount, rest, balance)
        );
        transfer(self.vm(), self.token.get(), operator, amount)?;
        Ok(None)
    }

    /// Takes the price of as many of `count` events as the client allows and has money for. Returns how many, and what is left.
    fn take(
        &mut self,
        pubkey: B256,
        client: Address,
        count: U256,
        price: U256,
    ) -> Result<(U256, U256), &'static str> {
        let today = self.now() / DAY;
        let mut relays = self.budgets.setter(pubkey);
        let mut budget = relays.setter(client);
        if price.is_zero() || price > widen(budget.max_price.get()) {
            return Err("price");
        }
        let left = budget.left(today);
        let allowed = count.min(events(&left, &price));
        if allowed.is_zero() {
            return Err("day");
        }
        let taken = allowed.min(events(&widen(budget.balance.get()), &price));
        if taken.is_zero() {
            return Err("balance");
        }
        // No overflow: at most the balance.
        let amount = taken.saturating_mul(price);
        let spent = widen(budget.max_per_day.get())
            .saturating_sub(left)
            .saturating_add(amount);
        let balance = budget.pay(amount);
        budget.day.set(U64::from(today));
        budget.spent.set(Amount::wrapping_from(spent));
        Ok((taken, balance))
    }

    fn reject(&self, pubkey: B256, client: Address, reason: &str) {
        emit_text!(self.vm(), CollectionRejected[pubkey, client](reason));
    }

    /// What an event costs at the relay now, in wei.
    fn price(&self, pubkey: B256) -> Result<U256, Revert> {
        let selector = IRelayTariff::getMinPaymentPerEventCall::SELECTOR;
        let pool = self.payment_pool.get();
        let [price] = query_words(self.vm(), pool, selector, &[RELAY_WRITE, pubkey])?;
        Ok(price)
    }

    fn balance(&self, pubkey: B256, client: Address) -> U256 {
        self.get_budget(pubkey, client).0
    }

    fn now(&self) -> u64 {
        clock::block_timestamp(self.vm())
    }
}

impl Budget {
    /// Takes `amount`, at most the balance, out of it: what is asked back last. Returns what is left.
    fn pay(&mut self, amount: U256) -> U256 {
        let balance = widen(self.balance.get()).saturating_sub(amount);
        let narrowed = Amount::wrapping_from(balance);
        self.balance.set(narrowed);
        if self.asked.get() > narrowed {
            self.asked.set(narrowed);
        }
        balance
    }

    /// What may be collected without vouchers on the day `today`, in wei.
    fn left(&self, today: u64) -> U256 {
        let spent = match self.day.get() == U64::from(today) {
            true => widen(self.spent.get()),
            false => U256::ZERO,
        };
        widen(self.max_per_day.get()).saturating_sub(spent)
    }
}

fn to_amount(amount: U256) -> Result<Amount, AmountTooLarge> {
    narrow(amount).ok_or(AmountTooLarge { amount })
}

fn require_batch(first: usize, second: usize) -> Result<(), Error> {
    if first != second {
        let (first, second) = (U256::from(first), U256::from(second));
        return Err(LengthMismatch { first, second }.into());
    }
    if first > MAX_BATCH {
        let (length, maximum) = (U256::from(first), U256::from(MAX_BATCH));
        return Err(BatchTooLarge { length, maximum }.into());
    }
    Ok(())
}

fn struct_hash(voucher: &SignedRelayVoucher) -> B256 {
    hash_words(&[
        RELAY_VOUCHER_TYPEHASH,
        voucher.nostrPubkey,
        voucher.client.into_word(),
        voucher.operator.into_word(),
        voucher.total.into(),
    ])
}

/// How many events an amount pays for, at a price that is not zero.
fn events(amount: &U256, price: &U256) -> U256 {
    amount.checked_div(*price).unwrap_or_default()
}
