//! bpe-chain against the devnet: following through reorganisations and a node that refuses, sending through everything that
//! can go wrong with a transaction.

mod follow;
mod send;
mod stage;
