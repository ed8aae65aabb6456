//! The domains on a devnet: what they say of capacity moves real streams.

mod relay;
