//! The JSON-RPC methods, registered once: the server and the in-process transport share them.

mod debug;
mod dev;
mod eth;
mod faults;
mod filters;
mod node_interface;
mod params;
mod pool;
mod proof;
mod settings;
mod sign;
mod simulate;
mod subscribe;
mod types;

use std::{
    panic::{catch_unwind, AssertUnwindSafe},
    sync::Arc,
};

use alloy::eips::BlockId;
use jsonrpsee::{types::ErrorObjectOwned, Methods, RpcModule};
use serde::Serialize;

use crate::{chain::Chain, error::NodeError, node::Node};

pub use faults::{Failure, Faults, Faulty};

pub use dev::{revert_data, transaction_gas, TransactionGas};
pub use filters::logs;
pub use subscribe::NO_NOTIFICATIONS;

use filters::Filters;
use params::{parse, Arguments};

/// What methods work on.
pub struct Context {
    pub node: Arc<Node>,
    pub filters: Filters,
    pub faults: Arc<Faulty>,
}

impl Context {
    /// The chain that this request is answered from: as it is, or as a fault shows it.
    pub fn chain(&self) -> Chain {
        self.faults.shown(self.node.chain())
    }

    /// The same for a question about block `at`; the pending block is the last of its chain.
    pub fn chain_at(&self, at: Option<BlockId>) -> Chain {
        match at {
            Some(at) if at.is_pending() => self.node.pending_chain(),
            _ => self.chain(),
        }
    }
}

type Outcome<T> = Result<T, NodeError>;

/// All methods of `node`.
pub fn methods(node: Arc<Node>, faults: Arc<Faulty>) -> Methods {
    let mut registry = Registry(RpcModule::new(Context {
        node,
        filters: Filters::default(),
        faults,
    }));
    eth::register(&mut registry);
    dev::register(&mut registry);
    debug::register(&mut registry);
    sign::register(&mut registry);
    pool::register(&mut registry);
    proof::register(&mut registry);
    settings::register(&mut registry);
    simulate::register(&mut registry);
    faults::register(&mut registry);
    subscribe::register(&mut registry.0);
    registry.0.into()
}

/// Registers methods that take a tuple of parameters.
struct Registry(RpcModule<Context>);

impl Registry {
    /// Adds a method. It runs on a thread where it may block; should it panic, the caller gets an internal error.
    fn method<A, T, F>(&mut self, name: &'static str, handler: F) -> &mut Self
    where
        A: Arguments + 'static,
        T: Serialize + Clone + Send + 'static,
        F: Fn(&Context, A) -> Outcome<T> + Clone + Send + Sync + 'static,
    {
        let callback = move |params: jsonrpsee::types::Params<'_>,
                             context: Arc<Context>,
                             _: jsonrpsee::Extensions| {
            let arguments = parse::<A>(&params)?;
            context.faults.strike(name)?;
            catch_unwind(AssertUnwindSafe(|| handler(&context, arguments)))
                .unwrap_or_else(|_| Err(NodeError::Internal(format!("{name} panicked"))))
                .map_err(ErrorObjectOwned::from)
        };
        self.0
            .register_blocking_method(name, callback)
            .expect("every method is registered once");
        self
    }

    /// Adds a second name for a method.
    fn alias(&mut self, alias: &'static str, name: &'static str) -> &mut Self {
        self.0
            .register_alias(alias, name)
            .expect("every method is registered once");
        self
    }
}
