//! Errors. Events and most errors are those of [`bpe_common::settlement`].

// As a module of a test, too, where it is not at the crate's root.
extern crate alloc;

use alloy_sol_types::sol;
use bpe_common::settlement;
use stylus_sdk::prelude::*;

sol! {
    /// The token is no Super Token.
    #[derive(Debug, PartialEq, Eq)]
    error NotASuperToken(address token);
    /// `value` wei of ether came along: the rail pays in its token only.
    #[derive(Debug, PartialEq, Eq)]
    error EtherNotAccepted(uint256 value);
}

/// Why a call was refused.
#[derive(SolidityError, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Error {
    NotASuperToken(NotASuperToken),
    EtherNotAccepted(EtherNotAccepted),
    Payment(settlement::PaymentError),
    Escrow(settlement::EscrowError),
    Stream(settlement::StreamError),
}
