//! The OpenAPI document, made from the handlers themselves.

use axum::{http::header, response::IntoResponse};
use utoipa::OpenApi;

use super::{health, live, problem, read, submit};
use crate::{oracle::AttestationBody, verification::TaskBody};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "bpe keeper",
        description = "CapacityOracle, VerificationService, and the economy as the keeper sees it. Amounts are decimal strings, bytes 0x-hex."
    ),
    paths(
        submit::attestations,
        submit::receipts,
        submit::assignments,
        submit::vouchers,
        read::task_types,
        read::sinks,
        read::streams,
        read::history,
        read::series,
        read::outcome,
        health::keeper,
        live::live
    ),
    components(schemas(AttestationBody, TaskBody, submit::Answer, problem::Problem))
)]
struct Document;

pub async fn document() -> impl IntoResponse {
    let json = Document::openapi().to_json().unwrap_or_default();
    ([(header::CONTENT_TYPE, "application/json")], json)
}
