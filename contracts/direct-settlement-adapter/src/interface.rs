//! Errors. Events and most errors are those of [`bpe_common::settlement`].

// As a module of a test, too, where it is not at the crate's root.
extern crate alloc;

use bpe_common::settlement;
use stylus_sdk::prelude::*;

/// Why a call was refused.
#[derive(SolidityError, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Error {
    Payment(settlement::PaymentError),
    Escrow(settlement::EscrowError),
    Stream(settlement::StreamError),
}
