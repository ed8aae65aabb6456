//! The contracts of the domains on the settlement core, wired.

pub mod relay;
