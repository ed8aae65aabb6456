//! What users feel where sinks are drawn by what the contracts say, and paid by them: a trace, played against the chain.

use crate::{
    chain::read,
    lab::{Curve, Lab},
    market::{price_of, stake_for, usdcx, value_of, Actor, Market, Meter, PRICE},
    model::service::{believed, Disturbance, Felt, Routing, Service, Settlement, EPOCH, REPORT},
    suite::{tokens, units},
    trace::Trace,
};

/// More than a source needs for an hour.
const FUNDS: u64 = 1_000_000;

/// How a source chooses where it is paid for so: by the pool's units where those say where the money goes.
pub fn routing(settlement: Settlement) -> Routing {
    match settlement {
        Settlement::Work => Routing::TwoChoices,
        _ => Routing::Units,
    }
}

/// What users had, and how many minutes that took.
pub struct Played {
    pub felt: Felt,
    pub minutes: u64,
}

/// Plays a trace.
pub async fn play(
    lab: &mut Lab,
    trace: &Trace,
    settlement: Settlement,
    disturbance: Disturbance,
) -> anyhow::Result<Played> {
    let random = lab.random("users");
    let mut service = Service::new(trace, settlement, routing(settlement), disturbance, random);
    let mut books = Books::open(lab, settlement, &mut service).await?;
    for request in &trace.requests {
        while service.next_minute() <= request.at {
            service.minute();
            books.minute(&mut service).await?;
        }
        service.come(request);
    }
    let paid = books.close(&mut service).await?;
    let felt = Felt {
        paid,
        ..service.felt().clone()
    };
    Ok(Played {
        felt,
        minutes: books.minutes,
    })
}

/// A task type on the chain, with the sinks of a service and one source.
struct Books {
    market: Market,
    settlement: Settlement,
    declared: Vec<f64>,
    sinks: Vec<Actor>,
    source: Actor,
    /// What the source had, in USDCx.
    funds: f64,
    /// Tokens that were asked for until the last minute.
    asked: f64,
    minutes: u64,
}

impl Books {
    async fn open(
        lab: &mut Lab,
        settlement: Settlement,
        service: &mut Service,
    ) -> anyhow::Result<Self> {
        let suite = lab.fresh(Curve::Sqrt).await?;
        let name = match settlement {
            Settlement::Capacity => "capacity-1",
            Settlement::Spare => "spare-1",
            Settlement::Work => "work-1",
        };
        let market = Market::open(&suite, name, &Meter::default()).await?;
        let declared = service.declared();
        let sinks = Actor::crowd("sink", declared.len())?;
        for (sink, declared) in sinks.iter().zip(&declared) {
            market.join(sink, stake_for(*declared), *declared).await?;
        }
        let source = Actor::new("source", 0)?;
        market.fund(&source, tokens(FUNDS)).await?;
        let funds = market.wealth(source.account).await?;
        if settlement == Settlement::Work {
            // A price that stands: how it moves is another experiment.
            market.set_fees(PRICE, PRICE, PRICE).await?;
            market.deposit(&source, tokens(FUNDS / 2)).await?;
        }
        if settlement != Settlement::Work {
            // What a single sink adds to the units waits for a full rebalance where it is much: a liar's is.
            market.rebalance(sinks.len()).await?;
        }
        market.advance_to_next(300)?;
        let it = Self {
            market,
            settlement,
            declared,
            sinks,
            source,
            funds,
            asked: 0.0,
            minutes: 0,
        };
        it.look(service).await?;
        Ok(it)
    }

    /// A minute has passed: the source streams for what it asked for, sinks report or are paid, and sources look.
    async fn minute(&mut self, service: &mut Service) -> anyhow::Result<()> {
        self.minutes += 1;
        self.market.advance(REPORT as u64)?;
        let is_epoch = self.minutes.is_multiple_of(u64::from(EPOCH));
        match self.settlement {
            Settlement::Capacity => self.stream(service).await,
            Settlement::Spare => {
                self.stream(service).await?;
                self.report(&service.loads()).await?;
                self.look(service).await
            }
            Settlement::Work if is_epoch => {
                self.redeem(service).await?;
                self.look(service).await
            }
            Settlement::Work => Ok(()),
        }
    }

    async fn stream(&mut self, service: &Service) -> anyhow::Result<()> {
        let asked = service.felt().tokens;
        let rate = (asked - std::mem::replace(&mut self.asked, asked)) / REPORT;
        self.market.stream(&self.source, price_of(rate)).await
    }

    /// Sinks say what they were asked, and their units follow.
    async fn report(&self, loads: &[f64]) -> anyhow::Result<()> {
        let market = &self.market;
        for (sink, load) in self.sinks.iter().zip(loads) {
            let report = market
                .suite
                .pricing
                .reportQueueLoad(market.id, units(*load));
            let report = report.from(sink.account);
            market.send(report, "report a load", 1).await?;
            market.rebalance_sink(sink).await?;
        }
        Ok(())
    }

    /// Vouchers for all that was done, at the base fee: by work nobody reports queues, so that is what `bpe sink` asks.
    async fn redeem(&mut self, service: &mut Service) -> anyhow::Result<()> {
        let earned = service.settle();
        for (sink, earned) in self.sinks.iter().zip(earned) {
            if earned > 0.0 {
                let value = value_of(earned, PRICE as f64);
                self.market.agree(&self.source, sink, earned, value);
            }
        }
        self.market.redeem().await.map(drop)
    }

    /// What sinks are drawn by: units of the pool, or what the ledger says that they have shown. Before any of them has shown
    /// anything, each is believed a tenth.
    async fn look(&self, service: &mut Service) -> anyhow::Result<()> {
        let mut weights = Vec::new();
        for (sink, declared) in self.sinks.iter().zip(&self.declared) {
            weights.push(match self.settlement {
                Settlement::Work => believed(*declared, self.market.verified(sink.account).await?),
                _ => self.market.units(sink.account).await?,
            });
        }
        service.see(&weights);
        Ok(())
    }

    /// What the source has paid for all of it, at a base fee of 1 for a token.
    async fn close(&mut self, service: &mut Service) -> anyhow::Result<f64> {
        if self.settlement == Settlement::Work {
            self.redeem(service).await?;
        } else {
            // What was asked for in the last minutes is paid after them.
            self.market.advance(REPORT as u64)?;
            self.stream(service).await?;
            self.market.advance(REPORT as u64)?;
            self.market.stream(&self.source, 0).await?;
        }
        let left = self.market.wealth(self.source.account).await?;
        let reserve = &self.market.suite.reserve;
        let funds = reserve.getFunds(self.market.id, self.source.account);
        let funds = read(funds.call(), "a source's money").await?;
        let unspent = usdcx(funds.unspent.try_into()?);
        Ok((self.funds - left - unspent) / (PRICE as f64 / 1e18))
    }
}
