//! What adversaries do, and with which parameters.

use crate::work::Dispatcher;

/// An adversary, or an honest twin: the same with parameters that do nothing wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Strategy {
    /// Declares so many times what it can do, with a stake that backs it. Where tasks are assigned it accepts a part of what
    /// it can do.
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
    /// By work, signs itself work to move the fee: a sink of so many units which counts at the end of every epoch, so much of
    /// what its capacity lets count; 0 does not. The others redeem every so many epochs. It sells what its machine does, or
    /// buys as much.
    PriceManipulator {
        sells: bool,
        units: f64,
        part: f64,
        others: u64,
    },
    /// By work, takes as much as sinks trust a new source with, and signs nothing; then comes again under another name, so
    /// often. Before that, each name pays for so many times what a new one may owe.
    GriefingSource { names: u64, pays: f64 },
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
            Self::GriefingSource {
                names: 24,
                pays: 0.0,
            },
            Self::GriefingSource {
                names: 24,
                pays: 99.0,
            },
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
        if is_small {
            return Vec::new();
        }
        vec![
            liar(Yardstick::Declared, 8.0, 1.0, 12),
            Self::Hopper { stay: 2 },
            Self::OverflowThief { before: 60 },
            Self::SelfDealer {
                by_work: true,
                members: 1,
                part: 1.0,
            },
            manipulator(true),
            manipulator(false),
            Self::GriefingSource {
                names: 24,
                pays: 0.0,
            },
        ]
    }

    /// How often the search tries.
    pub fn tries(&self) -> u64 {
        match self {
            Self::Liar { .. } | Self::Hopper { .. } => 4,
            _ => 8,
        }
    }

    /// One of this kind with parameters drawn at random.
    pub fn drawn(&self, random: &mut Dispatcher) -> Self {
        match self {
            Self::Liar { yardstick, .. } => liar(*yardstick, random.between(1.0, FACTOR), 1.0, 12),
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
            Self::GriefingSource { .. } => Self::GriefingSource {
                names: 1 + random.below(24) as u64,
                pays: random.between(0.0, 99.0),
            },
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
            Self::SelfDealer {
                by_work, members, ..
            } => Self::SelfDealer {
                by_work,
                members,
                part: 0.0,
            },
            Self::Reviewer { .. } => Self::Reviewer { budget: 0 },
            Self::LiarByWork { .. } => Self::LiarByWork { factor: 1.0 },
            Self::PriceManipulator {
                sells,
                units,
                others,
                ..
            } => Self::PriceManipulator {
                sells,
                units,
                part: 0.0,
                others,
            },
            Self::GriefingSource { .. } => Self::GriefingSource {
                names: 0,
                pays: 0.0,
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
            Self::LiarByWork { factor } => format!("declares {factor:.0} times what it can"),
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
            Self::GriefingSource { names, pays } => {
                format!("{names} names, each pays for {pays:.0} times its first trust and then takes all its trust")
            }
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
                "a new name is trusted with something, and a name that has paid is trusted with as much again"
            }
            Self::Overcommitter { .. } => "what is free can be shown to any number of sinks; only an earmark is a promise",
            Self::Hopper { .. } => "an idle sink is paid until its third bad epoch ends",
            _ => "",
        }
    }
}
