//! Services: where sinks can be reached.

extern crate alloc;

use alloc::string::String;
use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolCall;
use bpe_common::{
    call::query_pairs, emit_text, events::Word, interfaces::ITaskTypeRegistrar, returns::Returns,
};
use stylus_sdk::prelude::*;

use super::{
    Error, ServiceDirectory, ServiceSet, Services, SinkNotRegistered, UriTooLong, MAX_PAGE,
};

/// The longest uri, in bytes.
pub const MAX_URI: usize = 256;

impl ServiceDirectory {
    pub(super) fn store_service(&mut self, id: B256, uri: &str) -> Result<(), Error> {
        if uri.len() > MAX_URI {
            let (length, maximum) = (U256::from(uri.len()), U256::from(MAX_URI));
            return Err(UriTooLong { length, maximum }.into());
        }
        let sink = self.vm().msg_sender();
        if !uri.is_empty() && !self.serves(id, sink)? {
            return Err(SinkNotRegistered {
                taskTypeId: id,
                sink,
            }
            .into());
        }
        self.services.setter(id).setter(sink).set_str(uri);
        emit_text!(self.vm(), ServiceSet[id, sink](uri));
        Ok(())
    }

    pub(super) fn service(&self, id: B256, sink: Address) -> String {
        self.services.getter(id).getter(sink).get_string()
    }

    /// The registry is the only one that is asked.
    pub(super) fn services_page(
        &self,
        id: B256,
        from: U256,
        count: U256,
    ) -> Result<Services, Error> {
        let count = count.min(U256::from(MAX_PAGE));
        let sinks = query_pairs(
            self.vm(),
            self.capacity_registry.get(),
            ITaskTypeRegistrar::getSinksPageCall::SELECTOR,
            &[id, from.word(), count.word()],
        )?;
        let with_uris = sinks
            .iter()
            .map(|(sink, _)| (*sink, self.service(id, *sink)));
        Ok(Returns(with_uris.unzip()))
    }
}
