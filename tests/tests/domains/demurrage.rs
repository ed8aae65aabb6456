//! Money that decays: exact to the wei over ten years, touched or not, in stakes and streams, and how fast it moves.

use std::cell::RefCell;

use alloy::{
    primitives::{address, aliases::I96, Address, Uint, B256, U256},
    providers::DynProvider,
    rpc::types::TransactionReceipt,
    signers::SignerSync,
    sol,
    sol_types::{eip712_domain, SolEvent, SolStruct, SolValue},
};
use bpe_abi::{
    IDemurrageToken::{
        self, ChangeAnnounced, DecayCollected, IDemurrageTokenErrors, IDemurrageTokenInstance,
        MetricsFailed,
    },
    IStakeManager,
    IVelocityMetrics::{self, IVelocityMetricsInstance, NetworkVelocityUpdated, VelocityUpdated},
};
use bpe_tests::{
    solidity,
    stage::{mined, revert, Superfluid},
    suite::{deploy, tokens, IStakeToken},
};
use devnet::Devnet;
use devnet_superfluid::bindings::{ISuperToken, ISuperTokenFactory};

sol! {
    #[sol(rpc)]
    interface IArbWasm {
        function programTimeLeft(address program) external view returns (uint64 seconds_);
        function activateProgram(address program) external payable returns (uint16 version, uint256 dataFee);
    }

    #[sol(rpc)]
    interface IMonitor {
        function set(uint256 rate, bool hostile) external;
    }

    struct Permit {
        address owner;
        address spender;
        uint256 value;
        uint256 nonce;
        uint256 deadline;
    }
}

/// 5 % a year.
const RATE: u64 = 1_585_489_599;
const MAX_RATE: u64 = 7_000_000_000;
const DAY: u64 = 86_400;
const YEAR: u64 = 31_557_600;
const HOUR: u64 = 3_600;
const NOTICE: u64 = 7 * DAY;
/// What a movement brings so that metrics and monitor get all they may need. An estimate is what the movement itself takes.
const HEARD: u64 = 600_000;
const ARB_WASM: Address = address!("0000000000000000000000000000000000000071");

/// So much that a wei is 10^-30 of it.
fn fortune() -> U256 {
    tokens(1_000_000_000_000)
}

fn wei(amount: u64) -> U256 {
    U256::from(amount)
}

/// `floor(amount · e^(−x))`, `x` with 18 decimals: by the series of e^x, to 400 bits.
fn decayed(amount: U256, x: u128) -> U256 {
    type Wide = Uint<1024, 16>;
    const BITS: usize = 400;
    let one = Wide::from(1) << BITS;
    let x = (Wide::from(x) << BITS) / Wide::from(1_000_000_000_000_000_000_u64);
    let (mut sum, mut term, mut n) = (one, one, 0_u64);
    while !term.is_zero() {
        n += 1;
        term = ((term * x) >> BITS) / Wide::from(n);
        sum += term;
    }
    ((Wide::from(amount) << BITS) / sum).to()
}

fn after(amount: U256, rate: u64, seconds: u64) -> U256 {
    decayed(amount, u128::from(rate) * u128::from(seconds))
}

/// The token at [`RATE`] over a plain ERC-20. Account 0 owns it, account 1 is the decay recipient, 2 and up are holders.
struct Stage {
    devnet: Devnet,
    provider: DynProvider,
    underlying: IStakeToken::IStakeTokenInstance<DynProvider>,
    token: IDemurrageTokenInstance<DynProvider>,
    programs: RefCell<Vec<Address>>,
}

impl Stage {
    async fn start() -> Self {
        Self::on(Devnet::new().expect("a new chain starts")).await
    }

    async fn on(devnet: Devnet) -> Self {
        let provider = devnet.provider();
        let compiled = solidity::compile("StakeToken.sol", "StakeToken").await;
        let underlying = solidity::deploy(&provider, &compiled, &[]).await;
        let arguments = (
            "Idle Coin".to_owned(),
            "IDLE".to_owned(),
            underlying,
            wei(RATE),
            devnet.account(1),
            devnet.account(0),
        );
        let arguments = arguments.abi_encode_params();
        let token = deploy(&devnet, "demurrage-token", arguments).await;
        Self {
            underlying: IStakeToken::new(underlying, provider.clone()),
            token: IDemurrageToken::new(token, provider.clone()),
            programs: vec![token].into(),
            provider,
            devnet,
        }
    }

    fn recipient(&self) -> Address {
        self.devnet.account(1)
    }

    /// Holder `index` with so much wrapped.
    async fn holder(&self, index: usize, amount: U256) -> Address {
        let holder = self.devnet.account(index);
        self.supply(holder, amount).await;
        self.wrap(holder, amount).await;
        holder
    }

    /// Gives `account` so much of the underlying token, approved.
    async fn supply(&self, account: Address, amount: U256) {
        mined(self.underlying.mint(account, amount).send().await).await;
        let approve = self.underlying.approve(*self.token.address(), U256::MAX);
        mined(approve.from(account).send().await).await;
    }

    async fn wrap(&self, from: Address, amount: U256) -> TransactionReceipt {
        let wrap = self.token.wrap(amount).from(from);
        mined(wrap.gas(HEARD).send().await).await
    }

    async fn transfer(&self, from: Address, to: Address, amount: U256) -> TransactionReceipt {
        let transfer = self.token.transfer(to, amount).from(from);
        mined(transfer.gas(HEARD).send().await).await
    }

    async fn balance(&self, account: Address) -> U256 {
        self.token.balanceOf(account).call().await.unwrap()
    }

    async fn rebase(&self, account: Address) -> TransactionReceipt {
        mined(self.token.rebase(account).gas(HEARD).send().await).await
    }

    async fn exempt(&self, account: Address) {
        mined(self.token.setDecayExempt(account, true).send().await).await;
    }

    /// Announces a rate, and sets it when its time has come.
    async fn set_rate(&self, rate: u64) {
        for wait in [NOTICE, 0] {
            mined(self.token.setDecayRate(wei(rate)).send().await).await;
            self.advance(wait).await;
        }
    }

    /// Likewise, whose is what decays.
    async fn set_recipient(&self, recipient: Address) {
        for wait in [NOTICE, 0] {
            mined(self.token.setDecayRecipient(recipient).send().await).await;
            self.advance(wait).await;
        }
    }

    /// Likewise, who recommends rates.
    async fn set_monitor(&self, monitor: Address) {
        for wait in [NOTICE, 0] {
            mined(self.token.setVirialMonitor(monitor).gas(HEARD).send().await).await;
            self.advance(wait).await;
        }
    }

    /// Lets time pass. Programs expire after 365 days: those that have by then are activated again, just before.
    async fn advance(&self, seconds: u64) {
        if seconds == 0 {
            return;
        }
        let (until, preparation) = (self.now() + seconds, 60);
        if seconds > preparation {
            self.devnet.advance_time(seconds - preparation).unwrap();
            let programs = self.programs.borrow().clone();
            for program in programs {
                self.keep_alive(program).await;
            }
        }
        self.devnet.advance_time(until - self.now()).unwrap();
    }

    async fn keep_alive(&self, program: Address) {
        let arb_wasm = IArbWasm::new(ARB_WASM, &self.provider);
        if arb_wasm.programTimeLeft(program).call().await.is_err() {
            let activate = arb_wasm.activateProgram(program).value(tokens(1));
            mined(activate.send().await).await;
        }
    }

    fn now(&self) -> u64 {
        self.devnet.timestamp()
    }

    async fn metrics(&self) -> IVelocityMetricsInstance<DynProvider> {
        let arguments = (*self.token.address(), self.devnet.account(0)).abi_encode_params();
        let metrics = deploy(&self.devnet, "velocity-metrics", arguments).await;
        self.programs.borrow_mut().push(metrics);
        mined(self.token.setVelocityMetrics(metrics).send().await).await;
        IVelocityMetrics::new(metrics, self.provider.clone())
    }
}

fn events<E: SolEvent>(receipt: &TransactionReceipt) -> Vec<E> {
    let logs = receipt.logs().iter();
    logs.filter_map(|log| E::decode_log(&log.inner).ok())
        .map(|log| log.data)
        .collect()
}

#[tokio::test]
async fn idle_money_loses_what_the_exponential_says_touched_or_not() {
    let it = Stage::start().await;
    let mut since = Vec::new();
    let mut holders = Vec::new();
    for index in 2..5 {
        holders.push(it.holder(index, fortune()).await);
        since.push(it.now());
    }
    let [idle, touched, exempt] = [holders[0], holders[1], holders[2]];
    it.exempt(exempt).await;
    let spared = it.balance(exempt).await;
    assert_eq!(spared, after(fortune(), RATE, it.now() - since[2]));

    let start = it.now();
    for wait in [1, DAY, 10 * 365 * DAY] {
        it.advance(start + wait - it.now()).await;
        // Now, before and after everybody is touched, which takes seconds of its own.
        for round in 0..2 {
            let now = it.now();
            let mut lost = U256::ZERO;
            for (holder, since) in [(idle, since[0]), (touched, since[1])] {
                let balance = it.balance(holder).await;
                assert_eq!(balance, after(fortune(), RATE, now - since), "{wait} s");
                lost += fortune() - balance;
            }
            assert_eq!(it.balance(exempt).await, spared);
            let got = it.balance(it.recipient()).await;
            let lost = lost + fortune() - spared;
            assert!(lost - got <= wei(2), "{lost} {got}");
            if round == 0 {
                println!("{wait:>9} s: lost {lost}, recipient {got}");
                it.rebase(touched).await;
                it.rebase(it.recipient()).await;
            }
        }
    }
    // 1 − e^(−0.5) of two fortunes, to what 5 % is off as an integer: 2.4e-10 of the exponent, and seconds of set-up.
    let year = it.balance(idle).await / U256::from(10).pow(U256::from(20));
    assert_eq!(year, wei(6_065_306_597));
    let supply = it.token.totalSupply().call().await.unwrap();
    let held = it.underlying.balanceOf(*it.token.address()).call().await;
    assert_eq!((supply, held.unwrap()), (fortune() * wei(3), supply));
}

#[tokio::test]
async fn a_rate_acts_from_then_on() {
    let it = Stage::start().await;
    let idle = it.holder(2, fortune()).await;
    let start = it.now();
    it.advance(YEAR - NOTICE).await;
    it.set_rate(MAX_RATE).await;
    let changed = it.now();
    let exponent = u128::from(RATE) * u128::from(changed - start);
    assert_eq!(it.balance(idle).await, decayed(fortune(), exponent));
    it.advance(YEAR).await;
    let exponent = exponent + u128::from(MAX_RATE) * u128::from(it.now() - changed);
    assert_eq!(it.balance(idle).await, decayed(fortune(), exponent));
    // Of any second, Λ is on record.
    let at = |time| it.token.getExponentAt(wei(time));
    let then = at(changed - 7).call().await.unwrap();
    let exact = wei(RATE) * wei(changed - 7 - start);
    assert_eq!(then - at(start).call().await.unwrap(), exact);

    // A monitor's rate, from sample to sample; whatever it does, the past stays.
    let compiled = solidity::compile("Demurrage.sol", "Monitor").await;
    let monitor = solidity::deploy(&it.provider, &compiled, &[]).await;
    let monitor = IMonitor::new(monitor, &it.provider);
    mined(monitor.set(wei(2_000_000_000), false).send().await).await;
    it.set_monitor(*monitor.address()).await;
    let rate = || async { it.token.getEffectiveDecayRate().call().await.unwrap() };
    assert_eq!(rate().await, wei(2_000_000_000));
    it.advance(DAY).await;
    let before = it.balance(idle).await;
    mined(monitor.set(U256::MAX, true).send().await).await;
    let receipt = it.rebase(idle).await;
    println!("rebase with a monitor that burns: {} gas", receipt.gas_used);
    assert_eq!(rate().await, wei(MAX_RATE));
    let two = before - it.balance(idle).await;
    // The two seconds of the two blocks, at the rate of before.
    assert!(
        two < before * wei(2_000_000_001) * wei(3) / tokens(1),
        "{two}"
    );
    // With too little gas for the monitor, the rate stays as it is.
    mined(monitor.set(wei(2_000_000_000), false).send().await).await;
    mined(it.token.rebase(idle).gas(150_000).send().await).await;
    assert_eq!(rate().await, wei(MAX_RATE));
    it.rebase(idle).await;
    assert_eq!(rate().await, wei(2_000_000_000));
}

/// The owner names itself recipient and sets the highest rate, to have a fifth of a holder's tokens within a year.
#[tokio::test]
async fn an_owner_that_turns_greedy_gets_nothing_of_who_leaves() {
    let it = Stage::start().await;
    let owner = it.devnet.account(0);
    let (leaves, stays) = (
        it.holder(2, tokens(1_000)).await,
        it.holder(3, tokens(1_000)).await,
    );
    let announced = it.token.setDecayRate(wei(MAX_RATE)).send().await;
    let announced = mined(announced).await;
    let [notice] = &events::<ChangeAnnounced>(&announced)[..] else {
        panic!("{announced:?}")
    };
    assert_eq!((notice.what, notice.from), (1, wei(it.now() + NOTICE)));
    mined(it.token.setDecayRecipient(owner).send().await).await;
    let early = it
        .token
        .setDecayRate(wei(MAX_RATE))
        .from(owner)
        .call()
        .await;
    let early = revert::<IDemurrageTokenErrors, _>(early);
    assert!(matches!(early, IDemurrageTokenErrors::NoticeRunning(_)));
    it.advance(NOTICE - DAY).await;
    assert_eq!(it.token.decayRate().call().await.unwrap(), wei(RATE));
    assert_eq!(
        it.token.decayRecipient().call().await.unwrap(),
        it.recipient()
    );
    let left = it.balance(leaves).await;
    mined(it.token.unwrap(left).from(leaves).send().await).await;
    it.advance(DAY).await;
    mined(it.token.setDecayRate(wei(MAX_RATE)).send().await).await;
    mined(it.token.setDecayRecipient(owner).send().await).await;
    it.advance(YEAR).await;
    // Who left within the week lost what she had agreed to: less than a thousandth.
    let kept = it.underlying.balanceOf(leaves).call().await.unwrap();
    assert!(kept > tokens(999), "{kept}");
    // Who was told and stayed lost a fifth.
    assert!(it.balance(stays).await < tokens(803));
    assert!(it.balance(owner).await < tokens(200));
}

#[tokio::test]
async fn all_can_unwrap_all_they_have_in_every_order() {
    // Three holders and the recipient, in all 24 orders.
    let it = Stage::start().await;
    let accounts: Vec<_> = (1..5).map(|index| it.devnet.account(index)).collect();
    for account in &accounts {
        it.supply(*account, tokens(10_000)).await;
    }
    it.exempt(accounts[3]).await;
    for order in 0..24 {
        let mut left = accounts.clone();
        for (number, account) in (0..).zip(&accounts) {
            it.wrap(*account, tokens(10) + wei(order * 7 + number))
                .await;
        }
        it.advance(DAY * (order + 1)).await;
        it.transfer(accounts[1], accounts[2], wei(1_234_567)).await;
        it.transfer(accounts[3], accounts[1], wei(7_654_321)).await;
        it.advance(YEAR / (order + 1)).await;
        let mut pick = order as usize;
        while !left.is_empty() {
            let account = left.remove(pick % left.len());
            pick /= left.len() + 1;
            let balance = it.balance(account).await;
            mined(it.token.unwrap(balance).from(account).send().await).await;
        }
        // What the others lost while they waited, the recipient gets now.
        let rest = it.balance(it.recipient()).await;
        if !rest.is_zero() {
            let last = it.token.unwrap(rest).from(it.recipient());
            mined(last.send().await).await;
        }
        let supply = it.token.totalSupply().call().await.unwrap();
        assert_eq!(supply, U256::ZERO, "order {order}");
    }
    let held = it.underlying.balanceOf(*it.token.address()).call().await;
    assert_eq!(held.unwrap(), U256::ZERO);
    let mut outside = U256::ZERO;
    for account in &accounts {
        outside += it.underlying.balanceOf(*account).call().await.unwrap();
    }
    assert_eq!(outside, tokens(40_000));
}

#[tokio::test]
async fn a_recipient_spends_its_income_and_is_succeeded() {
    let it = Stage::start().await;
    let idle = it.holder(2, fortune()).await;
    it.advance(YEAR).await;
    let income = it.balance(it.recipient()).await;
    let shop = it.devnet.account(6);
    let receipt = it.transfer(it.recipient(), shop, income).await;
    let [collected] = &events::<DecayCollected>(&receipt)[..] else {
        panic!("{receipt:?}")
    };
    // A second more may have passed.
    assert!(collected.amount >= income);
    assert_eq!(it.balance(shop).await, income);
    let successor = it.devnet.account(5);
    it.advance(DAY).await;
    it.set_recipient(successor).await;
    let [kept, got] = [
        it.balance(it.recipient()).await,
        it.balance(successor).await,
    ];
    assert!(kept > U256::ZERO && got.is_zero());
    it.advance(DAY).await;
    assert_eq!(it.balance(it.recipient()).await, after(kept, RATE, DAY));
    let mut sum = U256::ZERO;
    for account in [idle, shop, it.recipient(), successor] {
        sum += it.balance(account).await;
    }
    assert!(fortune() - sum <= wei(3), "{sum}");
}

#[tokio::test]
async fn a_real_key_permits_once() {
    let it = Stage::start().await;
    let holder = it.holder(2, tokens(10)).await;
    let spender = it.devnet.account(3);
    let permit = Permit {
        owner: holder,
        spender,
        value: tokens(4),
        nonce: U256::ZERO,
        deadline: wei(it.now() + HOUR),
    };
    let domain = eip712_domain! {
        name: "Idle Coin",
        version: "1",
        chain_id: it.devnet.chain_id(),
        verifying_contract: *it.token.address(),
    };
    let separator = it.token.DOMAIN_SEPARATOR().call().await.unwrap();
    assert_eq!(separator, domain.hash_struct());
    let hash = permit.eip712_signing_hash(&domain);
    let signature = it.devnet.signers()[2].sign_hash_sync(&hash).unwrap();
    let v = 27 + u8::from(signature.v());
    let [r, s] = [signature.r(), signature.s()].map(B256::from);
    let use_it = |value| {
        it.token
            .permit(holder, spender, value, permit.deadline, v, r, s)
            .from(spender)
    };
    let other = revert::<IDemurrageTokenErrors, _>(use_it(tokens(5)).call().await);
    assert!(matches!(
        other,
        IDemurrageTokenErrors::ERC2612InvalidSigner(_)
    ));
    let receipt = mined(use_it(tokens(4)).send().await).await;
    println!("permit: {} gas", receipt.gas_used);
    let take = it.token.transferFrom(holder, spender, tokens(4));
    mined(take.from(spender).send().await).await;
    assert_eq!(it.balance(spender).await, tokens(4));
    let again = revert::<IDemurrageTokenErrors, _>(use_it(tokens(4)).call().await);
    assert!(matches!(
        again,
        IDemurrageTokenErrors::ERC2612InvalidSigner(_)
    ));
    it.advance(2 * HOUR).await;
    let late = revert::<IDemurrageTokenErrors, _>(use_it(tokens(4)).call().await);
    assert!(matches!(
        late,
        IDemurrageTokenErrors::ERC2612ExpiredSignature(_)
    ));
}

#[tokio::test]
async fn stakes_do_not_decay_and_come_back_whole() {
    let it = Stage::start().await;
    let owner = it.devnet.account(0);
    let arguments = (
        *it.token.address(),
        tokens(1),
        tokens(100),
        U256::ZERO,
        owner,
    );
    let stakes = deploy(&it.devnet, "stake-manager", arguments.abi_encode_params()).await;
    it.programs.borrow_mut().push(stakes);
    it.exempt(stakes).await;
    it.metrics().await;
    let sink = it.holder(2, tokens(500)).await;
    let stakes = IStakeManager::new(stakes, &it.provider);
    mined(stakes.open().send().await).await;
    let approve = it.token.approve(*stakes.address(), U256::MAX);
    mined(approve.from(sink).send().await).await;
    let receipt = mined(stakes.stake(tokens(400)).from(sink).send().await).await;
    println!("stake of a demurrage token: {} gas", receipt.gas_used);
    let stake = || async { stakes.getStake(sink).call().await.unwrap() };
    assert_eq!(stake().await, tokens(400));
    it.advance(10 * YEAR).await;
    assert_eq!(it.balance(*stakes.address()).await, tokens(400));
    assert!(it.balance(sink).await < tokens(61));
    let before = it.balance(sink).await;
    mined(stakes.unstake(tokens(400)).from(sink).send().await).await;
    let now = it.balance(sink).await;
    // All of it, less a second's decay of the rest.
    assert!(
        now > before + tokens(399) && now < before + tokens(401),
        "{now}"
    );
    assert!(it.balance(*stakes.address()).await.is_zero());
}

/// A Super Token over the demurrage token: what is in it flows and does not decay, and comes out to the wei.
#[tokio::test]
async fn streams_do_not_decay() {
    let superfluid = Superfluid::start().await;
    let it = Stage::on(superfluid.devnet.clone()).await;
    let factory = superfluid.addresses.super_token_factory;
    let factory = ISuperTokenFactory::new(factory, &it.provider);
    let (name, symbol) = ("Super Idle".to_owned(), "IDLEx".to_owned());
    let underlying = *it.token.address();
    let wrap = factory.createERC20Wrapper(underlying, 18, 1, name, symbol, Address::ZERO);
    let wrapper = wrap.call().await.unwrap();
    mined(wrap.send().await).await;
    it.exempt(wrapper).await;
    it.metrics().await;

    let (payer, payee) = (it.holder(2, tokens(1_000)).await, it.devnet.account(3));
    it.advance(DAY).await;
    let approve = it.token.approve(wrapper, U256::MAX);
    mined(approve.from(payer).send().await).await;
    let streamed = ISuperToken::new(wrapper, &it.provider);
    // Superfluid refuses tokens of which less arrives than was sent.
    let upgrade = streamed.upgrade(tokens(900));
    mined(upgrade.from(payer).send().await).await;
    assert_eq!(it.balance(wrapper).await, tokens(900));
    let rate = I96::try_from(1_000_000_000_000_u64).unwrap();
    let forwarder = superfluid.cfa_forwarder();
    let flow = forwarder.createFlow(wrapper, payer, payee, rate, Default::default());
    mined(flow.from(payer).send().await).await;
    it.advance(YEAR).await;
    let flowed = wei(1_000_000_000_000) * wei(YEAR);
    assert_eq!(streamed.balanceOf(payee).call().await.unwrap(), flowed);
    assert_eq!(it.balance(wrapper).await, tokens(900));
    let downgrade = streamed.downgrade(flowed);
    mined(downgrade.from(payee).send().await).await;
    assert_eq!(it.balance(payee).await, flowed);
    assert_eq!(it.balance(wrapper).await, tokens(900) - flowed);
}

#[tokio::test]
async fn velocity_is_what_the_definition_says() {
    let it = Stage::start().await;
    // Without decay, so that every figure can be worked out here.
    mined(it.token.setDecayRate(U256::ZERO).send().await).await;
    let metrics = it.metrics().await;
    let start = metrics._epochStartTimestamp().call().await.unwrap();
    let epoch = metrics.currentEpoch().call().await.unwrap();
    assert_eq!(epoch, wei(1));
    let start: u64 = start.to();
    let (alice, bob) = (it.holder(2, tokens(1_000)).await, it.devnet.account(3));
    let wrapped = it.now();
    it.advance(start + 900 - it.now()).await;
    let receipt = it.transfer(alice, bob, tokens(600)).await;
    let sent = it.now();
    let [update] = &events::<VelocityUpdated>(&receipt)[..] else {
        panic!("{receipt:?}")
    };
    let weighed = wei(1_000 * (sent - wrapped));
    assert_eq!(update.account, alice);
    assert_eq!(
        update.turnoverRate,
        wei(600 * 10_000 * (sent - start)) / weighed
    );
    it.advance(start + 1_800 - it.now()).await;
    let spend = it.token.unwrap(tokens(100)).from(bob).gas(HEARD);
    mined(spend.send().await).await;
    let unwrapped = it.now();
    it.advance(start + 2_700 - it.now()).await;

    // Alice had 1000 from the wrap to the transfer and 400 since, Bob 600 and then 500.
    let now = it.now();
    let alices = wei(1_000 * (sent - wrapped) + 400 * (now - sent));
    let turnover = metrics.getTurnoverRate(alice).call().await.unwrap();
    assert_eq!(turnover, wei(600 * 10_000 * (now - start)) / alices);
    let bobs = wei(600 * (unwrapped - sent) + 500 * (now - unwrapped));
    let turnover = metrics.getTurnoverRate(bob).call().await.unwrap();
    assert_eq!(turnover, wei(100 * 10_000 * (now - start)) / bobs);
    let average = metrics.getAverageBalance(bob).call().await.unwrap();
    assert_eq!(average, bobs * tokens(1) / wei(now - start));
    let outflow = metrics.epochOutflow(alice).call().await.unwrap();
    assert_eq!(outflow, tokens(600));

    // The epoch ends, whether anybody advances or not.
    it.advance(start + HOUR - it.now()).await;
    let network = wei(1_000 * (unwrapped - wrapped) + 900 * (start + HOUR - unwrapped));
    let expected = wei(700 * 10_000 * HOUR) / network;
    let velocity = || async { metrics.getNetworkVelocity().call().await.unwrap() };
    assert_eq!(velocity().await, expected);
    let receipt = mined(metrics.advanceEpoch().from(bob).send().await).await;
    println!("advanceEpoch: {} gas", receipt.gas_used);
    let [closed] = &events::<NetworkVelocityUpdated>(&receipt)[..] else {
        panic!("{receipt:?}")
    };
    assert_eq!((closed.aggregateVelocity, closed.epoch), (expected, wei(1)));
    assert_eq!(velocity().await, expected);
    assert_eq!(metrics.currentEpoch().call().await.unwrap(), wei(2));
    assert!(metrics.advanceEpoch().call().await.is_err());
    assert!(metrics.epochOutflow(alice).call().await.unwrap().is_zero());
    it.advance(2 * HOUR).await;
    assert!(velocity().await.is_zero());
}

#[tokio::test]
async fn metrics_that_burn_gas_stop_no_transfer() {
    let it = Stage::start().await;
    let (alice, bob) = (it.holder(2, tokens(10)).await, it.devnet.account(3));
    let compiled = solidity::compile("Demurrage.sol", "HostileMetrics").await;
    let metrics = solidity::deploy(&it.provider, &compiled, &[]).await;
    mined(it.token.setVelocityMetrics(metrics).send().await).await;
    let receipt = it.transfer(alice, bob, tokens(1)).await;
    println!("transfer with metrics that burn: {} gas", receipt.gas_used);
    assert_eq!(events::<MetricsFailed>(&receipt).len(), 1);
    assert_eq!(it.balance(bob).await, tokens(1));
    // A wallet's usual limit is enough, also for one who has nothing yet.
    for (from, to) in [(bob, alice), (alice, it.devnet.account(5))] {
        let little = it.token.transfer(to, wei(1_000)).from(from).gas(100_000);
        let receipt = mined(little.send().await).await;
        assert_eq!(events::<MetricsFailed>(&receipt).len(), 1);
    }
    // Who wants out gets out.
    let receipt = mined(it.token.unwrap(wei(1_000)).from(bob).send().await).await;
    assert_eq!(events::<MetricsFailed>(&receipt).len(), 1);
}

#[tokio::test]
async fn a_transfer_with_metrics_takes_no_more_than_100_000_gas() {
    let it = Stage::start().await;
    let (alice, bob) = (it.holder(2, tokens(10)).await, it.devnet.account(3));
    let metrics = it.metrics().await;
    it.advance(DAY).await;
    let send = |to| it.token.transfer(to, tokens(1)).from(alice).gas(100_000);
    // To one who has nothing yet: metrics that find too little stop nothing.
    let first = mined(send(bob).send().await).await;
    println!("transfer, first, of 100 000: {} gas", first.gas_used);
    assert_eq!(it.balance(bob).await, tokens(1));
    // With what a wallet estimates, too: metrics hear of it where enough is brought.
    let estimated = it.token.transfer(bob, tokens(1)).from(alice);
    mined(estimated.send().await).await;
    assert_eq!(it.balance(bob).await, tokens(2));
    let heard = it.transfer(alice, bob, tokens(1)).await;
    println!("transfer that metrics hear of: {} gas", heard.gas_used);
    assert!(events::<MetricsFailed>(&heard).is_empty());
    assert!(metrics.epochOutflow(alice).call().await.unwrap() >= tokens(1));
}

/// A vault owes what it was brought. Exempt, it has it, to the last; otherwise the last would wait in vain.
#[tokio::test]
async fn the_last_staker_of_a_stake_manager_leaves_whole() {
    let it = Stage::start().await;
    let owner = it.devnet.account(0);
    let sinks = [
        it.holder(2, tokens(500)).await,
        it.holder(3, tokens(500)).await,
    ];
    let mut vaults = Vec::new();
    for exempt in [true, false] {
        let arguments = (
            *it.token.address(),
            tokens(1),
            tokens(100),
            U256::ZERO,
            owner,
        );
        let stakes = deploy(&it.devnet, "stake-manager", arguments.abi_encode_params()).await;
        it.programs.borrow_mut().push(stakes);
        if exempt {
            it.exempt(stakes).await;
        }
        let stakes = IStakeManager::new(stakes, &it.provider);
        mined(stakes.open().send().await).await;
        for sink in sinks {
            let approve = it.token.approve(*stakes.address(), U256::MAX);
            mined(approve.from(sink).send().await).await;
            mined(stakes.stake(tokens(200)).from(sink).send().await).await;
        }
        vaults.push(stakes);
    }
    it.advance(3 * YEAR).await;
    let [exempt, plain] = &vaults[..] else {
        unreachable!()
    };
    for sink in sinks {
        let before = it.balance(sink).await;
        mined(exempt.unstake(tokens(200)).from(sink).send().await).await;
        assert!(it.balance(sink).await > before + tokens(199));
    }
    assert!(it.balance(*exempt.address()).await.is_zero());
    mined(plain.unstake(tokens(200)).from(sinks[0]).send().await).await;
    let last = plain.unstake(tokens(200)).from(sinks[1]).call().await;
    assert!(last.is_err());
    // For good: no owner takes it back.
    let account = *exempt.address();
    let owner = it.devnet.account(0);
    let ended = it
        .token
        .setDecayExempt(account, false)
        .from(owner)
        .call()
        .await;
    let ended = revert::<IDemurrageTokenErrors, _>(ended);
    let expected = IDemurrageToken::ExemptForGood { account };
    assert_eq!(ended, IDemurrageTokenErrors::ExemptForGood(expected));
}

/// Fields that share a slot do not write over each other.
#[tokio::test]
async fn what_is_set_is_read_back() {
    let it = Stage::start().await;
    let [holder, exempt, recipient] = [2, 3, 4].map(|index| it.devnet.account(index));
    it.holder(2, tokens(7)).await;
    it.advance(DAY).await;
    let metrics = *it.metrics().await.address();
    let compiled = solidity::compile("Demurrage.sol", "Monitor").await;
    let monitor = solidity::deploy(&it.provider, &compiled, &[]).await;
    let recommend = IMonitor::new(monitor, &it.provider);
    mined(recommend.set(wei(2_000_000_000), false).send().await).await;
    it.set_monitor(monitor).await;
    let changed = it.now();
    it.set_rate(MAX_RATE).await;
    it.exempt(exempt).await;
    it.set_recipient(recipient).await;
    it.transfer(holder, exempt, tokens(3)).await;
    let moved = it.now();
    let approve = it.token.approve(recipient, wei(11)).from(holder);
    mined(approve.send().await).await;

    let token = &it.token;
    assert_eq!(token.name().call().await.unwrap(), "Idle Coin");
    assert_eq!(token.symbol().call().await.unwrap(), "IDLE");
    // StakeToken does not say.
    assert_eq!(token.decimals().call().await.unwrap(), 18);
    assert_eq!(
        token.UNDERLYING().call().await.unwrap(),
        *it.underlying.address()
    );
    assert_eq!(token.owner().call().await.unwrap(), it.devnet.account(0));
    assert_eq!(token.decayRate().call().await.unwrap(), wei(MAX_RATE));
    assert_eq!(token._decayRate().call().await.unwrap(), wei(MAX_RATE));
    let rate = token.getEffectiveDecayRate().call().await.unwrap();
    assert_eq!(rate, wei(2_000_000_000));
    assert!(token.adaptiveDecayEnabled().call().await.unwrap());
    assert_eq!(token.virialMonitor().call().await.unwrap(), monitor);
    assert_eq!(token.velocityMetrics().call().await.unwrap(), metrics);
    assert_eq!(token.decayRecipient().call().await.unwrap(), recipient);
    assert_eq!(token._decayRecipient().call().await.unwrap(), recipient);
    assert!(token.decayExempt(exempt).call().await.unwrap());
    assert!(token.decayExempt(recipient).call().await.unwrap());
    assert!(!token.decayExempt(holder).call().await.unwrap());
    assert_eq!(token.totalSupply().call().await.unwrap(), tokens(7));
    assert_eq!(token._totalNominalSupply().call().await.unwrap(), tokens(7));
    assert_eq!(
        token.allowance(holder, recipient).call().await.unwrap(),
        wei(11)
    );
    assert_eq!(token.nonces(holder).call().await.unwrap(), U256::ZERO);
    let last = token.lastUpdateTime(holder).call().await.unwrap();
    assert_eq!(last, wei(moved));
    assert_eq!(it.balance(exempt).await, tokens(3));
    let [real, nominal] = [
        token.realBalanceOf(holder).call().await.unwrap(),
        token.nominalBalanceOf(holder).call().await.unwrap(),
    ];
    assert!(nominal >= real && nominal < tokens(4));
    let collected = token._totalDecayed().call().await.unwrap();
    assert_eq!(it.balance(it.recipient()).await, collected);
    let decayed = token.totalDecayed().call().await.unwrap();
    assert_eq!(decayed - collected, it.balance(recipient).await);
    assert!(tokens(7) - real - tokens(3) - decayed <= wei(3));
    let slope = token.getExponentAt(wei(changed + 1)).call().await.unwrap()
        - token.getExponentAt(wei(changed)).call().await.unwrap();
    assert_eq!(slope, wei(2_000_000_000));
}

#[tokio::test]
async fn what_it_costs() {
    let it = Stage::start().await;
    let [alice, bob, carol] = [2, 3, 4].map(|index| it.devnet.account(index));
    for account in [alice, bob, carol] {
        it.supply(account, tokens(1_000)).await;
    }
    it.advance(DAY).await;
    println!("                                   gas   Solidity (SPEC §6)");
    let report = |what: &str, receipt: &TransactionReceipt, theirs: &str| {
        println!("{what:<30} {:>7}   {theirs}", receipt.gas_used);
    };
    // The very first writes what all share, too.
    report("wrap, very first", &it.wrap(carol, tokens(100)).await, "");
    let first = it.wrap(alice, tokens(100)).await;
    report("wrap, first", &first, "128852");
    assert!(first.gas_used < 128_852);
    report("wrap, next", &it.wrap(alice, tokens(100)).await, "");
    it.advance(DAY).await;
    let first = it.transfer(alice, bob, tokens(1)).await;
    report("transfer, first", &first, "137732");
    let next = it.transfer(alice, bob, tokens(1)).await;
    report("transfer, next", &next, "76316");
    assert!(first.gas_used < 137_732 && next.gas_used < 76_316);
    let receipt = mined(it.token.unwrap(tokens(1)).from(alice).send().await).await;
    report("unwrap", &receipt, "");
    report("rebase", &it.rebase(alice).await, "");
    let receipt = mined(it.token.setDecayExempt(carol, true).send().await).await;
    report("setDecayExempt", &receipt, "");

    it.metrics().await;
    let dave = it.devnet.account(5);
    it.transfer(alice, bob, tokens(1)).await;
    let first = it.transfer(alice, dave, tokens(1)).await;
    report("transfer, first, with metrics", &first, "137732");
    let next = it.transfer(alice, dave, tokens(1)).await;
    report("transfer, next, with metrics", &next, "76316");
    // A further one takes a thousand more than theirs.
    assert!(first.gas_used < 137_732 && next.gas_used < 80_000);
    let receipt = mined(it.token.unwrap(tokens(1)).from(alice).send().await).await;
    report("unwrap, with metrics", &receipt, "");
}
