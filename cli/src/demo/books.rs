//! Every token, to the wei: who holds what, and whether that is what was paid.
//!
//! Two measures that know nothing of each other are compared: balances with Superfluid's deposits and what can be claimed,
//! and the counters of the pools with the payments that EscrowBuffer and WorkReserve reported.

use alloy::primitives::{Address, I256, U256};
use anyhow::{ensure, Context as _};

use super::{
    cast::Cast,
    chain::read,
    play::{ReserveTally, SinkTally},
    suite::{tokens, Suite},
    world::World,
};

/// What somebody holds: its balance, Superfluid's deposits for its streams, and what it can claim.
#[derive(Clone, Debug, PartialEq)]
pub struct Holding {
    pub name: String,
    pub wei: I256,
}

/// A sink's money.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SinkBooks {
    pub name: &'static str,
    /// What it came with.
    pub funds: U256,
    pub holds: I256,
    pub stake: U256,
    pub slashed: U256,
    /// What the pools paid it, by market.
    pub streamed: [U256; 2],
    /// What EscrowBuffer paid it.
    pub drained: [U256; 2],
    /// What WorkReserve paid it.
    pub redeemed: [U256; 2],
}

impl SinkBooks {
    /// What it was paid, by market.
    pub fn paid(&self) -> [U256; 2] {
        [0, 1].map(|it| self.streamed[it] + self.drained[it] + self.redeemed[it])
    }

    pub fn income(&self) -> U256 {
        self.paid().iter().sum()
    }
}

/// All books at one moment.
#[derive(Clone, Debug, Default)]
pub struct Books {
    pub minted: U256,
    pub total_supply: U256,
    pub source_funds: U256,
    pub sources: Vec<Holding>,
    pub sinks: Vec<SinkBooks>,
    pub stake_manager: I256,
    pub treasury: I256,
    pub fee_recipient: I256,
    /// What the pools paid in fees, and to the escrow, by market.
    pub fees: [U256; 2],
    pub overflow: [U256; 2],
    pub escrow: I256,
    /// What the pools paid into WorkReserve, by market, and what it reported.
    pub reserved: [U256; 2],
    pub reports: [ReserveTally; 2],
    pub reserve: I256,
    /// What Superfluid's rounding left.
    pub backpressure_pool: I256,
    /// What Superfluid's pools hold beyond what their members can claim.
    pub superfluid_pools: I256,
    /// Everybody else, who should hold nothing.
    pub others: Vec<Holding>,
}

impl Books {
    /// Reads all of it. What was slashed, and what EscrowBuffer and WorkReserve reported that they paid, the caller knows.
    pub async fn take(
        world: &World,
        suite: &Suite,
        cast: &Cast,
        tallies: &[SinkTally],
        reserves: &[ReserveTally; 2],
    ) -> anyhow::Result<Self> {
        let mut books = Self {
            minted: cast.minted,
            total_supply: read(suite.usdcx.totalSupply().call(), "USDCx's supply").await?,
            source_funds: cast.source_funds.iter().sum(),
            stake_manager: whole(suite, *suite.stakes.address()).await?,
            treasury: whole(suite, suite.treasury).await?,
            fee_recipient: whole(suite, suite.fee_recipient).await?,
            fees: received(suite, suite.fee_recipient).await?,
            overflow: received(suite, *suite.escrow.address()).await?,
            escrow: whole(suite, *suite.escrow.address()).await?,
            reserved: received(suite, *suite.reserve.address()).await?,
            reports: *reserves,
            reserve: whole(suite, *suite.reserve.address()).await?,
            backpressure_pool: whole(suite, *suite.pools.address()).await?,
            ..Self::default()
        };
        for (source, key) in world.sources.iter().zip(&cast.sources) {
            let name = source.name.to_owned();
            let wei = whole(suite, key.address()).await?;
            books.sources.push(Holding { name, wei });
        }
        for (index, sink) in world.sinks.iter().enumerate() {
            let account = cast.sinks[index].address();
            books.sinks.push(SinkBooks {
                name: sink.name,
                funds: tokens(sink.stake),
                holds: whole(suite, account).await?,
                stake: read(suite.stakes.getStake(account).call(), "a stake").await?,
                slashed: tallies[index].slashed,
                streamed: received(suite, account).await?,
                drained: tallies[index].drained,
                redeemed: tallies[index].redeemed,
            });
        }
        books.superfluid_pools = unclaimed_beyond_members(suite, cast).await?;
        for (name, account) in bystanders(suite, cast) {
            let wei = whole(suite, account).await?;
            let name = name.to_owned();
            books.others.push(Holding { name, wei });
        }
        Ok(books)
    }

    /// All that somebody holds.
    pub fn total(&self) -> I256 {
        let named = self.sources.iter().chain(&self.others).map(|it| it.wei);
        let sinks = self.sinks.iter().map(|it| it.holds);
        sum(named.chain(sinks)) + self.stake_manager + self.treasury + self.paid_on()
    }

    /// What was paid by sources and is not the sinks'.
    fn paid_on(&self) -> I256 {
        let kept = self.escrow + self.reserve + self.backpressure_pool;
        self.fee_recipient + kept + self.superfluid_pools
    }

    /// What the sources have paid out.
    pub fn spent(&self) -> I256 {
        signed(self.source_funds) - sum(self.sources.iter().map(|it| it.wei))
    }

    /// What all sinks were paid.
    pub fn income(&self) -> U256 {
        self.sinks.iter().map(SinkBooks::income).sum()
    }

    /// Whether every token is accounted for.
    ///
    /// # Errors
    /// The first sum that does not add up, and by how much.
    pub fn check(&self) -> anyhow::Result<()> {
        let equal = |what: &str, is: I256, should: I256| {
            ensure!(
                is == should,
                "{what}: {is} wei instead of {should}, a difference of {}",
                is - should
            );
            Ok(())
        };
        let minted = signed(self.minted);
        equal(
            "USDCx's supply is not what was minted",
            signed(self.total_supply),
            minted,
        )?;
        equal(
            "all accounts together do not hold what was minted",
            self.total(),
            minted,
        )?;
        for sink in &self.sinks {
            let gained = sink.holds + signed(sink.stake + sink.slashed) - signed(sink.funds);
            let what = format!("{} does not have what it was paid", sink.name);
            equal(&what, gained, signed(sink.income()))?;
        }
        let stakes = self.sinks.iter().map(|it| signed(it.stake));
        equal(
            "StakeManager does not hold the stakes",
            self.stake_manager,
            sum(stakes),
        )?;
        let slashed = self.sinks.iter().map(|it| signed(it.slashed));
        equal(
            "the treasury does not have what was slashed",
            self.treasury,
            sum(slashed),
        )?;
        let cuts: U256 = self.reports.iter().map(|it| it.cuts).sum();
        let fees = signed(self.fees.iter().sum::<U256>() + cuts);
        equal(
            "the fee recipient does not have the fees",
            self.fee_recipient,
            fees,
        )?;
        let drained = self.sinks.iter().flat_map(|it| it.drained);
        let waiting = signed(self.overflow.iter().sum()) - sum(drained.map(signed));
        equal(
            "EscrowBuffer does not hold what waits there",
            self.escrow,
            waiting,
        )?;
        let kept = |market: usize| {
            let it = &self.reports[market];
            let came = signed(self.reserved[market] + it.deposited);
            came - signed(it.paid + it.taken_back)
        };
        equal(
            "WorkReserve does not hold what is left there",
            self.reserve,
            kept(0) + kept(1),
        )?;
        let accounted = signed(self.income()) + self.paid_on();
        equal(
            "what sources paid out did not all arrive",
            self.spent(),
            accounted,
        )?;
        for other in &self.others {
            let what = format!("{} holds tokens", other.name);
            equal(&what, other.wei, I256::ZERO)?;
        }
        Ok(())
    }
}

/// Who should never hold anything.
fn bystanders(suite: &Suite, cast: &Cast) -> Vec<(&'static str, Address)> {
    let others = [
        ("the bank", cast.bank),
        ("account 0", suite.devnet.account(0)),
        ("USDCx", suite.superfluid.usdcx),
    ];
    let holders = [
        suite.stakes.address(),
        suite.pools.address(),
        suite.escrow.address(),
        suite.reserve.address(),
    ];
    let contracts = suite.contracts.iter();
    let contracts = contracts.map(|(name, address)| (*name, *address));
    let contracts = contracts.filter(|(_, address)| !holders.contains(&address));
    contracts.chain(others).collect()
}

/// What `account` holds, claimables included.
async fn whole(suite: &Suite, account: Address) -> anyhow::Result<I256> {
    let mut whole = balance(suite, account).await?;
    for task_type in &suite.task_types {
        whole += claimable(task_type, account).await?;
    }
    Ok(whole)
}

/// Its balance and Superfluid's deposits for its streams.
async fn balance(suite: &Suite, account: Address) -> anyhow::Result<I256> {
    let balance = suite.usdcx.realtimeBalanceOfNow(account);
    let balance = read(balance.call(), "a balance").await?;
    let deposits = signed(balance.deposit) - signed(balance.owedDeposit);
    Ok(balance.availableBalance + deposits)
}

async fn claimable(task_type: &super::suite::TaskType, account: Address) -> anyhow::Result<I256> {
    let claimable = task_type.pool.getClaimableNow(account);
    let claimable = read(claimable.call(), "what can be claimed").await?;
    Ok(claimable.claimableBalance)
}

/// What the pools of each market have paid a member.
async fn received(suite: &Suite, member: Address) -> anyhow::Result<[U256; 2]> {
    let mut received = [U256::ZERO; 2];
    for (sum, task_type) in received.iter_mut().zip(&suite.task_types) {
        let total = task_type.pool.getTotalAmountReceivedByMember(member);
        *sum = read(total.call(), "what a pool has paid").await?;
    }
    Ok(received)
}

/// What the pools' own balances are above what members who are not connected can claim, which is counted with these.
async fn unclaimed_beyond_members(suite: &Suite, cast: &Cast) -> anyhow::Result<I256> {
    let mut rest = I256::ZERO;
    let sinks = cast.sinks.iter().map(|sink| sink.address());
    let members: Vec<Address> = sinks
        .chain([
            suite.fee_recipient,
            *suite.escrow.address(),
            *suite.reserve.address(),
        ])
        .collect();
    for task_type in &suite.task_types {
        rest += balance(suite, *task_type.pool.address()).await?;
        for member in &members {
            rest -= claimable(task_type, *member).await?;
        }
    }
    Ok(rest)
}

fn sum(amounts: impl Iterator<Item = I256>) -> I256 {
    amounts.fold(I256::ZERO, |sum, amount| sum + amount)
}

/// Amounts of tokens are far below 2^255.
pub fn signed(amount: U256) -> I256 {
    I256::try_from(amount)
        .context("an amount beyond 2^255")
        .unwrap_or(I256::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wei(amount: i64) -> I256 {
        I256::try_from(amount).unwrap()
    }

    fn holding(name: &str, amount: i64) -> Holding {
        Holding {
            name: name.into(),
            wei: wei(amount),
        }
    }

    /// One source paid 630 of 1 000; a sink that came with 200 and lost 20 was paid 510 of that, 50 by the escrow and 10 by the
    /// reserve, which has 20.
    fn books() -> Books {
        Books {
            minted: U256::from(1_200),
            total_supply: U256::from(1_200),
            source_funds: U256::from(1_000),
            sources: vec![holding("source", 370)],
            sinks: vec![SinkBooks {
                name: "sink",
                funds: U256::from(200),
                holds: wei(510),
                stake: U256::from(180),
                slashed: U256::from(20),
                streamed: [U256::from(400), U256::from(50)],
                drained: [U256::from(50), U256::ZERO],
                redeemed: [U256::ZERO, U256::from(10)],
            }],
            stake_manager: wei(180),
            treasury: wei(20),
            fee_recipient: wei(2),
            fees: [U256::from(1), U256::ZERO],
            overflow: [U256::from(130), U256::from(2)],
            escrow: wei(82),
            reserved: [U256::ZERO, U256::from(25)],
            reports: [
                ReserveTally::default(),
                ReserveTally {
                    paid: U256::from(10),
                    deposited: U256::from(8),
                    cuts: U256::from(1),
                    taken_back: U256::from(3),
                },
            ],
            reserve: wei(20),
            backpressure_pool: wei(15),
            superfluid_pools: wei(1),
            others: vec![holding("bank", 0)],
        }
    }

    #[test]
    fn books_that_balance_pass() {
        books().check().unwrap();
        assert_eq!(books().spent(), wei(630));
        assert_eq!(books().income(), U256::from(510));
    }

    /// A wei too much or too little anywhere, and the wei moved elsewhere so that the total is right again.
    #[test]
    fn a_single_wei_is_noticed_wherever_it_is() {
        type Change = fn(&mut Books, I256);
        let places: [(&str, Change); 9] = [
            ("source", |books, wei| books.sources[0].wei += wei),
            ("sink", |books, wei| books.sinks[0].holds += wei),
            ("stake", |books, wei| books.stake_manager += wei),
            ("treasury", |books, wei| books.treasury += wei),
            ("fee", |books, wei| books.fee_recipient += wei),
            ("escrow", |books, wei| books.escrow += wei),
            ("reserve", |books, wei| books.reserve += wei),
            ("dust", |books, wei| books.backpressure_pool += wei),
            ("other", |books, wei| books.others[0].wei += wei),
        ];
        for (index, (name, change)) in places.iter().enumerate() {
            for wei in [I256::ONE, I256::MINUS_ONE] {
                let mut wrong = books();
                change(&mut wrong, wei);
                assert!(wrong.check().is_err(), "{name}");
                let (other, back) = places[(index + 1) % places.len()];
                back(&mut wrong, -wei);
                assert!(wrong.check().is_err(), "{name} to {other}");
            }
        }
    }

    #[test]
    fn counters_and_balances_have_to_agree() {
        let mut wrong = books();
        wrong.sinks[0].streamed[1] += U256::ONE;
        let error = wrong.check().unwrap_err().to_string();
        assert_eq!(
            error,
            "sink does not have what it was paid: 510 wei instead of 511, a difference of -1"
        );
        let mut wrong = books();
        wrong.total_supply -= U256::ONE;
        assert!(wrong.check().is_err());
    }
}
