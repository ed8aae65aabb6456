use alloc::{vec, vec::Vec};
use stylus_sdk::{prelude::*, storage::*};

use crate::{refusal, Answer};

/// An account with ether, that takes more of it, and every call, or refuses. motsu can pay contracts only.
#[storage]
pub struct Purse {
    refuses: StorageBool,
}

#[public]
impl Purse {
    /// Refuses from now on, or no longer.
    pub fn refuse(&mut self, refuses: bool) {
        self.refuses.set(refuses);
    }

    /// Ether alone.
    #[receive]
    pub fn receive(&mut self) -> Result<(), Vec<u8>> {
        match self.refuses.get() {
            true => Err(refusal("no")),
            false => Ok(()),
        }
    }

    /// Everything else: motsu looks at the selector of what failed.
    #[payable]
    #[fallback]
    pub fn fallback(&mut self, _: &[u8]) -> Answer {
        self.receive().map(|()| vec![])
    }
}

// SAFETY: the type is only ever the storage of a whole contract.
unsafe impl TopLevelStorage for Purse {}
