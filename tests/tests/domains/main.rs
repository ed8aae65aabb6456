//! The domains on a devnet: real signatures, real neighbours, real Superfluid.

mod openclaw;
