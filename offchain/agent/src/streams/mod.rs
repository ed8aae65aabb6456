//! StreamLifecycle: from nothing to earning or paying, and back, by steps that each read the chain and do what is
//! missing.
//!
//! A step is a call with the event that says that it was done. Whoever is stopped between two steps goes on at the
//! next start: nothing is remembered here, the chain is the state.

mod rate;
mod sink;
mod source;
mod step;

pub use rate::{next_rate, runway, worth_changing, RateInputs, RateSettings};
pub use sink::{SinkLifecycle, SinkPlan, SinkState, SinkStep};
pub use source::{SourceLifecycle, SourcePlan, SourceState, SourceStep};
pub use step::{take, walk, Next, Step, StreamError};
