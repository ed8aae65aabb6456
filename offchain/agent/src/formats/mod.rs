//! What goes over the wire between source and sink. Integers are decimal strings, bytes 0x-hex, addresses checksummed.

mod checksummed;
mod payment;
mod status;
mod task;
mod vouchers;
mod work;

pub use payment::{BpeStream, PaymentOption, PaymentRequired, Resource, SCHEME};
pub use status::{Status, TaskTypeStatus};
pub use task::{recover, Expected, TaskError, TaskOffer};
pub use vouchers::{LatestVoucher, ReceiptBody, VoucherAnswer, VoucherBody, VoucherSubmission};
pub use work::{Counter, Unit, Usage, WorkScale, WorkScaleError};

/// The offer of a task: base64url of JSON.
pub const TASK: &str = "bpe-task";
/// Signatures of the offer: the source's in the request, the sink's in the response.
pub const TASK_SIGNATURE: &str = "bpe-task-signature";
/// What a task costs, in wei per work unit.
pub const PRICE: &str = "bpe-price";
/// What a 402 asks for: base64 of JSON, as x402 has it.
pub const PAYMENT_REQUIRED: &str = "payment-required";
/// Where a source hands in vouchers.
pub const VOUCHERS_PATH: &str = "/bpe/v1/vouchers";
/// Where a sink says how it is.
pub const STATUS_PATH: &str = "/bpe/v1/status";
