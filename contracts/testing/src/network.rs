//! Superfluid around a contract that holds its tokens: strangers would connect it to pools of theirs.

use alloy_primitives::Address;
use motsu::prelude::*;

use crate::{
    superfluid::{ConnectPermissionSet, Gda, Host, MemberDisconnected},
    Token,
};

/// Who sets things up.
const OWNER: Address = Address::repeat_byte(0x01);

/// A Super Token, the host that it names, and the agreement that the host knows.
pub struct Network {
    pub token: Contract<Token>,
    pub host: Contract<Host>,
    pub gda: Contract<Gda>,
}

impl Network {
    #[allow(clippy::new_without_default)] // It makes contracts.
    pub fn new() -> Self {
        let (token, host, gda) = (Contract::new(), Contract::new(), Contract::new());
        let it = Self { token, host, gda };
        it.token.sender(OWNER).set_host(it.host.address());
        let (token, gda) = (it.token.address(), it.gda.address());
        it.host.sender(OWNER).set_up(token, gda);
        it
    }

    /// `caller` let nobody connect it.
    pub fn assert_forbidden(&self, caller: Address) {
        let allow = false;
        let set = ConnectPermissionSet { caller, allow };
        self.gda.assert_emitted(&set);
    }

    /// `caller` is no longer connected to `pool`.
    pub fn assert_disconnected(&self, caller: Address, pool: Address) {
        let disconnected = MemberDisconnected { caller, pool };
        self.host.assert_emitted(&disconnected);
    }
}
