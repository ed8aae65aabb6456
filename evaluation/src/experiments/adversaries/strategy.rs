//! What adversaries do, and with which parameters.

use crate::work::Dispatcher;

/// An adversary, or an honest twin: the same with parameters that do nothing wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Strategy {
    /// Declares so many times what it can do, with a stake that backs it. Where tasks are assigned it accepts a part of
    /// what it can do.
    Liar {
        yardstick: Yardstick,
        factor: f64,
        accepts: f64,
        /// The stake is for so many times what it can do, for the twin as well.
        stake: f64,
        /// Epochs between two judgements.
        judged_every: u64,
    },
    /// Does nothing, and goes to the other task type after so many epochs; 0 stays and works.
    Hopper { stay: u64 },
    /// Registers so many seconds before each drain of an escrow, and leaves after it; 0 stays.
    OverflowThief { before: u64 },
    /// Opens a stream of so many times the market's for so many seconds, every hour.
    FlashStream { times: f64, seconds: u64 },
    /// So many sources of its own, which stream so much of its sinks' capacity to its own sinks.
    SelfDealer {
        by_work: bool,
        members: u64,
        part: f64,
    },
    /// As by capacity, and gets so many basis points of all streams as the reviewer.
    Reviewer { budget: u64 },
    /// By work, declares so many times what it can do, and accepts everything.
    LiarByWork { factor: f64 },
    /// By work, signs itself work to move the fee: a sink of so many units which counts at the end of every epoch, so
    /// much of what its capacity lets count; 0 does not. The others redeem every so many epochs. It sells what its
    /// machine does, or buys as much.
    PriceManipulator {
        sells: bool,
        units: f64,
        part: f64,
        others: u64,
    },
    /// By work, so many new names in every epoch: each signs for so many times what a new source may owe, sets aside so
    /// much USDCx for each sink, then takes as much as sinks trust it with, and signs nothing more.
    GriefingSource { names: u64, pays: f64, earmark: f64 },
    /// By work, has a task of so much USDCx done by each sink in every epoch and reports all as missed, at once or
    /// three epochs of an hour full of them; or signs for them, as its twin does.
    MissReporter {
        value: f64,
        hoards: bool,
        reports: bool,
    },
    /// By work, shows the same money to so many sinks at once. They take it for its word, or ask for earmarks.
    Overcommitter { sinks: u64, earmarks: bool },
    /// Registers task types under names that others may want.
    Squatter { names: u64 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Yardstick {
    Declared,
    Assigned,
}

/// The stake of the liar and its twin, for so many times what their machine can do.
const FACTOR: f64 = 8.0;

const fn liar(yardstick: Yardstick, factor: f64, accepts: f64, judged_every: u64) -> Strategy {
    Strategy::Liar {
        yardstick,
        factor,
        accepts,
        stake: FACTOR,
        judged_every,
    }
}

const fn griefer(names: u64, pays: f64, earmark: f64) -> Strategy {
    Strategy::GriefingSource {
        names,
        pays,
        earmark,
    }
}

const fn reporter(value: f64, hoards: bool) -> Strategy {
    Strategy::MissReporter {
        value,
        hoards,
        reports: true,
    }
}

impl Strategy {
    /// Those whose days are shown.
    pub fn list(is_small: bool) -> Vec<Self> {
        let dealer = |by_work, members| Self::SelfDealer {
            by_work,
            members,
            part: 1.0,
        };
        let manipulator = |sells, others| Self::PriceManipulator {
            sells,
            units: 2.0,
            part: if sells { 1.0 } else { 0.01 },
            others,
        };
        if is_small {
            return vec![dealer(true, 1)];
        }
        vec![
            liar(Yardstick::Declared, 8.0, 1.0, 12),
            liar(Yardstick::Declared, 1.9, 1.0, 12),
            liar(Yardstick::Assigned, 8.0, 1.0, 12),
            liar(Yardstick::Assigned, 8.0, 0.0, 12),
            Self::LiarByWork { factor: 8.0 },
            Self::Hopper { stay: 2 },
            dealer(false, 1),
            dealer(true, 1),
            dealer(false, 10),
            dealer(true, 10),
            griefer(1, 0.0, 0.0),
            griefer(1, 99.0, 0.0),
            griefer(1, 0.0, 2.0),
            reporter(0.01, false),
            reporter(1.5, true),
            manipulator(true, 1),
            manipulator(true, 12),
            manipulator(false, 1),
            manipulator(false, 12),
            Self::FlashStream {
                times: 100.0,
                seconds: 2,
            },
            Self::Squatter { names: 10 },
            Self::OverflowThief { before: 60 },
            Self::Overcommitter {
                sinks: 3,
                earmarks: false,
            },
            Self::Overcommitter {
                sinks: 3,
                earmarks: true,
            },
            Self::Reviewer { budget: 1_000 },
            liar(Yardstick::Declared, 8.0, 1.0, 288),
        ]
    }

    /// Kinds that the search draws parameters for.
    pub fn kinds(is_small: bool) -> Vec<Self> {
        let manipulator = |sells| Self::PriceManipulator {
            sells,
            units: 2.0,
            part: 1.0,
            others: 1,
        };
        let dealer = Self::SelfDealer {
            by_work: true,
            members: 1,
            part: 1.0,
        };
        if is_small {
            return vec![dealer];
        }
        vec![
            liar(Yardstick::Declared, 8.0, 1.0, 12),
            Self::LiarByWork { factor: 8.0 },
            Self::Hopper { stay: 2 },
            Self::OverflowThief { before: 60 },
            Self::FlashStream {
                times: 100.0,
                seconds: 2,
            },
            dealer,
            manipulator(true),
            manipulator(false),
            griefer(1, 0.0, 0.0),
            reporter(1.0, true),
        ]
    }

    /// How often the search tries.
    pub fn tries(&self) -> u64 {
        match self {
            Self::Liar { .. } | Self::LiarByWork { .. } | Self::Hopper { .. } => 4,
            _ => 8,
        }
    }

    /// One of this kind with parameters drawn at random.
    pub fn drawn(&self, random: &mut Dispatcher) -> Self {
        match self {
            Self::Liar { yardstick, .. } => liar(*yardstick, random.between(1.0, FACTOR), 1.0, 12),
            Self::LiarByWork { .. } => Self::LiarByWork {
                factor: random.between(1.0, 2.0 * FACTOR),
            },
            Self::FlashStream { .. } => Self::FlashStream {
                times: random.between(1.0, 1_000.0),
                seconds: 1 + random.below(600) as u64,
            },
            Self::Hopper { .. } => Self::Hopper {
                stay: 1 + random.below(6) as u64,
            },
            Self::OverflowThief { .. } => Self::OverflowThief {
                before: 1 + random.below(3_000) as u64,
            },
            Self::SelfDealer { by_work, .. } => Self::SelfDealer {
                by_work: *by_work,
                members: 1 + random.below(10) as u64,
                part: random.between(0.1, 1.0),
            },
            Self::PriceManipulator { sells, .. } => Self::PriceManipulator {
                sells: *sells,
                units: random.between(1.0, 20.0),
                part: random.fraction(),
                others: [1, 3, 12][random.below(3)],
            },
            // Without earmarks: what those bring is known.
            Self::GriefingSource { .. } => {
                griefer(1 + random.below(2) as u64, random.between(0.0, 99.0), 0.0)
            }
            Self::MissReporter { .. } => reporter(random.between(0.01, 2.0), random.below(2) == 1),
            other => *other,
        }
    }

    /// Who does nothing wrong, with the same means.
    pub fn twin(&self) -> Self {
        match *self {
            Self::Liar {
                yardstick, stake, ..
            } => Self::Liar {
                yardstick,
                factor: 1.0,
                accepts: 1.0,
                stake,
                judged_every: 12,
            },
            Self::Hopper { .. } => Self::Hopper { stay: 0 },
            Self::OverflowThief { .. } => Self::OverflowThief { before: 0 },
            Self::FlashStream { seconds, .. } => Self::FlashStream {
                times: 0.0,
                seconds,
            },
            // As one: nobody honest would split what one machine can.
            Self::SelfDealer { by_work, .. } => Self::SelfDealer {
                by_work,
                members: 1,
                part: 0.0,
            },
            Self::Reviewer { .. } => Self::Reviewer { budget: 0 },
            Self::LiarByWork { .. } => Self::LiarByWork { factor: 1.0 },
            // Its ring counts nothing, however large it is.
            Self::PriceManipulator { sells, others, .. } => Self::PriceManipulator {
                sells,
                units: 2.0,
                part: 0.0,
                others,
            },
            Self::GriefingSource { .. } => griefer(0, 0.0, 0.0),
            Self::MissReporter { value, hoards, .. } => Self::MissReporter {
                value,
                hoards,
                reports: false,
            },
            Self::Overcommitter { earmarks, .. } => Self::Overcommitter { sinks: 1, earmarks },
            Self::Squatter { .. } => Self::Squatter { names: 0 },
        }
    }

    pub fn name(&self) -> &'static str {
        match self {
            Self::Liar {
                judged_every: 288, ..
            } => "liar with a lazy keeper",
            Self::Liar { .. } | Self::LiarByWork { .. } => "liar",
            Self::Hopper { .. } => "hopper",
            Self::OverflowThief { .. } => "overflow thief",
            Self::FlashStream { .. } => "flash stream",
            Self::SelfDealer { members: 1, .. } => "self-dealer",
            Self::SelfDealer { .. } => "ring",
            Self::Reviewer { .. } => "colluding reviewer",
            Self::PriceManipulator { .. } => "price manipulator",
            Self::GriefingSource { .. } => "griefing source",
            Self::MissReporter { hoards: true, .. } => "hoarder of missed tasks",
            Self::MissReporter { .. } => "miss-reporter",
            Self::Overcommitter { .. } => "overcommitting source",
            Self::Squatter { .. } => "squatter",
        }
    }

    pub fn is_by_work(&self) -> bool {
        match self {
            Self::SelfDealer { by_work, .. } => *by_work,
            Self::LiarByWork { .. }
            | Self::PriceManipulator { .. }
            | Self::GriefingSource { .. }
            | Self::MissReporter { .. }
            | Self::Overcommitter { .. } => true,
            _ => false,
        }
    }

    pub fn settlement(&self) -> &'static str {
        match self {
            Self::Liar {
                yardstick: Yardstick::Assigned,
                ..
            } => "by capacity, assigned",
            Self::Liar { .. } | Self::Hopper { .. } => "by capacity, declared",
            it if it.is_by_work() => "by work",
            _ => "by capacity",
        }
    }

    /// Its parameters, in words.
    pub fn how(&self) -> String {
        match self {
            Self::Liar {
                factor,
                accepts,
                judged_every,
                ..
            } => format!(
                "declares {factor:.2} times what it can, accepts {:.0} % of what it can; judged every {judged_every} epochs",
                accepts * 100.0
            ),
            Self::Hopper { stay } => format!("idle, changes task type every {stay} epochs"),
            Self::OverflowThief { before } => format!("registers {before} s before a drain"),
            Self::FlashStream { times, seconds } => {
                format!("{times:.0} times the market's stream for {seconds} s, hourly")
            }
            Self::SelfDealer { members, part, .. } => {
                format!("{members} sinks and sources, {:.0} % of its capacity", part * 100.0)
            }
            Self::Reviewer { budget } => format!("gets {} % of all streams", budget / 100),
            Self::LiarByWork { factor } => format!("declares {factor:.2} times what it can"),
            Self::PriceManipulator {
                sells,
                units,
                part,
                others,
            } => format!(
                "{}; a sink of {units:.1} units signs itself {:.0} % of what can count, the others redeem every {others} epochs",
                if *sells { "sells" } else { "buys" },
                part * 100.0
            ),
            Self::GriefingSource {
                names,
                pays,
                earmark,
            } => format!(
                "{names} new names an epoch: each pays for {pays:.0} times its first trust, sets {earmark:.0} USDCx aside for each \
                 sink, then takes all its trust"
            ),
            Self::MissReporter { value, hoards, .. } => match hoards {
                false => format!("{value:.2} USDCx an epoch of each sink, reported at once"),
                true => format!("{value:.2} USDCx an epoch of each sink, due in three epochs of an hour"),
            },
            Self::Overcommitter { sinks, earmarks } => match earmarks {
                false => format!("shows its money to {sinks} sinks"),
                true => format!("shows its money to {sinks} sinks that ask for earmarks"),
            },
            Self::Squatter { names } => format!("registers {names} task types"),
        }
    }

    /// Why it may be above its twin.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Liar {
                yardstick: Yardstick::Declared,
                ..
            } => "a sink that does half of what it declares is not judged bad, and is paid for all of it",
            Self::Liar { .. } => "a sink is paid for what it declares, and owes only what it accepted",
            Self::SelfDealer { by_work: false, .. } => {
                "by capacity a sink is paid out of what others stream, whatever it does"
            }
            Self::Reviewer { .. } => "the owner pays a reviewer by a part of all streams",
            Self::PriceManipulator { .. } => {
                "an epoch's use is of those who redeem in it: who redeems when others do not sets the fee"
            }
            Self::GriefingSource { .. } => {
                "a sink works before the source signs: for a name that has paid as much again, and for all that one has set aside"
            }
            Self::Overcommitter { .. } => "what is free can be shown to any number of sinks; only an earmark is a promise",
            Self::MissReporter { .. } => "a report costs what the task was worth, which the treasury gets and not the sink",
            Self::Hopper { .. } => "an idle sink is paid until its third bad epoch ends",
            _ => "",
        }
    }

    /// Which rule one would change, if it is above its twin.
    pub fn change(&self) -> &'static str {
        match self {
            Self::Liar {
                yardstick: Yardstick::Declared,
                judged_every: 288,
                ..
            } => "Let no more be paid to a sink whose epochs nobody judges: judging late is what its keeper chooses.",
            Self::Liar {
                yardstick: Yardstick::Declared,
                ..
            } => {
                "By capacity, *declared*: raise SLASH_THRESHOLD_BPS from 5000 to 9000, or let a sink's units fall with the part \
                 of what it declared that it did."
            }
            Self::Liar { .. } => {
                "By capacity, *assigned*: give units by what a sink accepts, and none to one that accepts nothing; until then \
                 let no task type that is paid by capacity be judged by assignments alone."
            }
            Self::Hopper { .. } => "Pay a sink by capacity only after its first epoch was good.",
            Self::OverflowThief { .. } => "Count capacity for a drain only from an epoch after registration on.",
            Self::FlashStream { .. } => "Measure overflow over a longer stretch.",
            Self::SelfDealer { .. } => "Settle by work, where somebody pays himself out of his own pocket.",
            Self::Reviewer { .. } => {
                "The verification budget is the owner's to give, and nothing on the chain asks what it is for: bound it, as the \
                 fee is bounded, and pay it for verdicts instead of by the second."
            }
            Self::LiarByWork { .. } => "Let sources forget a failure more slowly.",
            Self::PriceManipulator { .. } => {
                "Curve *used*: let an epoch in which less than a part of all capacity was counted move the fee by no more than \
                 that part, so that who counts alone does not set it."
            }
            Self::GriefingSource { earmark, .. } if *earmark > 0.0 => {
                "The sidecar's trust: an earmark says that a source can pay, not that it will. Bound what it may owe unsigned by \
                 what it has signed for, as without one, instead of by the greater of both."
            }
            Self::GriefingSource { .. } => {
                "The sidecar's trust: let it grow by a part of what was signed, not by all of it, so that a name that pays in \
                 order to be trusted pays more than it can take."
            }
            Self::MissReporter { .. } => {
                "Misses: let a report need an answer that failed, or a proof that the sink was asked again, before it counts."
            }
            Self::Overcommitter { .. } => "Believe no money but what is earmarked, as the sidecar does beyond its first trust.",
            Self::Squatter { .. } => "Lock more for a name.",
        }
    }
}
