//! `bpe sink` and `bpe source` as processes, before a small OpenAI-compatible server, on the devnet with the built
//! programs.

mod direct;
mod failures;
mod hostile;
mod load;
mod openai;
mod path;
mod stage;
mod upstream;
