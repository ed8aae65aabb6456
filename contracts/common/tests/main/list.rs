//! Lists of ids, against a plain vector.

use alloc::vec;

use alloy_primitives::{Address, B256, U256};
use bpe_common::list::IdList;
use motsu::prelude::*;
use proptest::{collection, prelude::*};
use stylus_sdk::prelude::*;

const ANYONE: Address = Address::repeat_byte(1);

#[storage]
pub struct Listing {
    list: IdList,
}

#[public]
impl Listing {
    pub fn push(&mut self, id: B256) -> bool {
        self.list.push(id)
    }

    pub fn remove(&mut self, id: B256) -> bool {
        self.list.remove(id)
    }

    pub fn contains(&self, id: B256) -> bool {
        self.list.contains(id)
    }

    pub fn all(&self) -> Vec<B256> {
        self.list.all()
    }

    pub fn page(&self, from: U256, count: U256) -> Vec<B256> {
        self.list.page(from, count)
    }
}

// SAFETY: the type is only ever the storage of a whole contract.
unsafe impl TopLevelStorage for Listing {}

proptest! {
    #[test]
    fn a_list_is_a_vector_that_swaps_and_pops(
        steps in collection::vec((any::<bool>(), 0u8..6), 1..40),
        from in 0usize..8,
        count in 0usize..8,
    ) {
        let listing = Contract::<Listing>::new();
        let mut model: Vec<B256> = Vec::new();
        for (add, byte) in steps {
            let id = B256::repeat_byte(byte);
            let place = model.iter().position(|other| *other == id);
            if add {
                prop_assert_eq!(listing.sender(ANYONE).push(id), place.is_none());
                if place.is_none() {
                    model.push(id);
                }
            } else {
                prop_assert_eq!(listing.sender(ANYONE).remove(id), place.is_some());
                if let Some(place) = place {
                    model.swap_remove(place);
                }
            }
            prop_assert_eq!(listing.sender(ANYONE).contains(id), add);
            prop_assert_eq!(listing.sender(ANYONE).all(), model.clone());
        }
        let page = listing.sender(ANYONE).page(U256::from(from), U256::from(count));
        let expected: Vec<B256> = model.iter().skip(from).take(count).copied().collect();
        prop_assert_eq!(page, expected);
        let rest = listing.sender(ANYONE).page(U256::from(from), U256::MAX);
        let expected: Vec<B256> = model.into_iter().skip(from).collect();
        prop_assert_eq!(rest, expected);
    }
}
