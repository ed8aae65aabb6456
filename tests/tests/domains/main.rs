//! The domains on a devnet, on top of the core: money and reputation really move.

mod demurrage;
