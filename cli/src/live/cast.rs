//! Who plays in the live demo: six sinks of different speed and honesty, three sources, a keeper.

use alloy::signers::local::{coins_bip39::English, MnemonicBuilder, PrivateKeySigner};
use anyhow::Context as _;
use devnet::DEV_MNEMONIC;

/// Places in the devnet's mnemonic. The first ten are funded: who deploys, six sinks, three sources.
pub const OWNER: u32 = 0;
const FIRST_SINK: u32 = 1;
const FIRST_SOURCE: u32 = 7;
pub const KEEPER: u32 = 10;

/// What distinguishes a sink from the steady ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habit {
    Steady,
    /// Declares eight times what its machine can do, which reports eight times the tokens that it generates.
    Lies,
    /// Is switched off half-way, machine and sidecar.
    BreaksDown,
    /// Comes when a third of the time has passed.
    JoinsLate,
}

impl Habit {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Steady => "steady",
            Self::Lies => "over-reporting",
            Self::BreaksDown => "going down half-way",
            Self::JoinsLate => "joining late",
        }
    }
}

/// How many times the truth a liar says.
pub const EXAGGERATION: u32 = 8;

/// A sink, and the machine behind it.
#[derive(Clone, Copy, Debug)]
pub struct Seller {
    pub name: &'static str,
    pub habit: Habit,
    /// Requests that its machine generates for at once, and tokens per second for each.
    pub slots: u32,
    pub speed: u32,
}

impl Seller {
    /// Tokens per second that its machine can do.
    pub const fn can(&self) -> u32 {
        self.slots * self.speed
    }

    pub const fn says(&self) -> u32 {
        self.can() * self.exaggerates()
    }

    pub const fn exaggerates(&self) -> u32 {
        match self.habit {
            Habit::Lies => EXAGGERATION,
            _ => 1,
        }
    }
}

const fn seller(name: &'static str, habit: Habit, slots: u32, speed: u32) -> Seller {
    Seller {
        name,
        habit,
        slots,
        speed,
    }
}

pub const SELLERS: [Seller; 6] = [
    seller("atlas", Habit::Steady, 16, 80),
    seller("borealis", Habit::Steady, 12, 60),
    seller("cedar", Habit::Steady, 8, 60),
    seller("granite", Habit::BreaksDown, 10, 60),
    seller("hubris", Habit::Lies, 2, 40),
    seller("iris", Habit::JoinsLate, 10, 80),
];

/// A source, and which requests it sends.
#[derive(Clone, Copy, Debug)]
pub struct Buyer {
    pub name: &'static str,
    /// Whether sinks get its signatures for what they did.
    pub signs: bool,
}

pub const BUYERS: [Buyer; 3] = [
    Buyer {
        name: "editor",
        signs: true,
    },
    Buyer {
        name: "assistant",
        signs: true,
    },
    Buyer {
        name: "freerider",
        signs: false,
    },
];

/// Their places in [`BUYERS`].
pub const EDITOR: usize = 0;
pub const ASSISTANT: usize = 1;
pub const FREERIDER: usize = 2;

/// The well-known key at a place of the devnet's mnemonic.
///
/// # Errors
/// Never, for the devnet's mnemonic.
pub fn key(index: u32) -> anyhow::Result<PrivateKeySigner> {
    let mnemonic = MnemonicBuilder::<English>::default().phrase(DEV_MNEMONIC);
    let key = mnemonic.index(index).and_then(|it| it.build());
    key.context("cannot derive a key of the devnet")
}

pub fn sink_key(place: usize) -> anyhow::Result<PrivateKeySigner> {
    key(FIRST_SINK + u32::try_from(place)?)
}

pub fn source_key(place: usize) -> anyhow::Result<PrivateKeySigner> {
    key(FIRST_SOURCE + u32::try_from(place)?)
}
