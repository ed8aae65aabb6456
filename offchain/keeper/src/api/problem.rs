//! Errors as problem documents (RFC 9457), whatever refuses.

use std::{any::Any, collections::BTreeMap};

use axum::{
    body::Body,
    extract::Request,
    http::{header, HeaderValue, Response, StatusCode, Uri},
    middleware::Next,
    response::IntoResponse,
};
use bpe_chain::ChainError;
use serde::Serialize;
use utoipa::{
    openapi::{ContentBuilder, Ref, RefOr, Response as Described, ResponseBuilder},
    IntoResponses, ToSchema,
};

pub const CONTENT_TYPE: &str = "application/problem+json";

/// What is wrong, for people and for programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    #[serde(rename = "type")]
    kind: &'static str,
    title: String,
    status: u16,
    detail: String,
}

impl Problem {
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
        }
    }

    pub fn bad(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }
}

type Statuses = BTreeMap<String, RefOr<Described>>;

/// What a request that reads may be answered instead, for the OpenAPI document.
pub struct Reading;

/// The same for one that hands something in.
pub struct Submitting;

impl IntoResponses for Reading {
    fn responses() -> Statuses {
        described(&[
            (400, "A parameter is not as described"),
            (404, "There is nothing of that name"),
            (429, "More requests than a client may make"),
            (503, "Store, node or a free place is missing at the moment"),
        ])
    }
}

impl IntoResponses for Submitting {
    fn responses() -> Statuses {
        described(&[
            (400, "The body is no JSON array"),
            (413, "The body, or the number of items, is too large"),
            (429, "More requests than a client may make"),
            (503, "Store or node do not answer at the moment"),
        ])
    }
}

fn described(statuses: &[(u16, &str)]) -> Statuses {
    let problem = |text: &str| {
        let schema = Ref::from_schema_name("Problem");
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let response = ResponseBuilder::new()
            .description(text)
            .content(CONTENT_TYPE, content);
        RefOr::T(response.build())
    };
    let each = statuses.iter();
    each.map(|(status, text)| (status.to_string(), problem(text)))
        .collect()
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response<Body> {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_string(&self).unwrap_or_default();
        let kind = HeaderValue::from_static(CONTENT_TYPE);
        let mut response = (status, [(header::CONTENT_TYPE, kind)], body).into_response();
        if matches!(self.status, 429 | 503) {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

/// Node or database do not answer: the client did nothing wrong and may come again. What they said may hold addresses and
/// is for the log.
impl From<ChainError> for Problem {
    fn from(error: ChainError) -> Self {
        tracing::warn!(%error, "a request could not be served");
        let what = match error {
            ChainError::Database(_) | ChainError::Migration(_) | ChainError::Corrupt { .. } => {
                "the store"
            }
            _ => "the chain",
        };
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            format!("{what} does not answer at the moment"),
        )
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        ChainError::from(error).into()
    }
}

pub async fn no_such_path(uri: Uri) -> Problem {
    let shown: String = uri.path().chars().take(100).collect();
    Problem::new(
        StatusCode::NOT_FOUND,
        format!("there is nothing at {shown}; /openapi.json says what there is"),
    )
}

pub fn panicked(_: Box<dyn Any + Send>) -> Response<Body> {
    tracing::error!("a request's handler died");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "a fault of the keeper").into_response()
}

/// Turns refusals of the framework, which are plain text or nothing, into problem documents.
pub async fn problems_only(request: Request, next: Next) -> Response<Body> {
    let method = request.method().clone();
    let response = next.run(request).await;
    let status = response.status();
    let problem = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|it| it.as_bytes().starts_with(CONTENT_TYPE.as_bytes()));
    // /readyz says in JSON which worker it is.
    let json = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|it| it.as_bytes().starts_with(b"application/json"));
    if problem || json || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let detail = match status {
        StatusCode::METHOD_NOT_ALLOWED => format!("{method} is not for this path"),
        StatusCode::PAYLOAD_TOO_LARGE => "the body is larger than the keeper takes".to_owned(),
        _ => "the request was refused".to_owned(),
    };
    let allow = response.headers().get(header::ALLOW).cloned();
    let mut answer = Problem::new(status, detail).into_response();
    if let Some(allow) = allow {
        answer.headers_mut().insert(header::ALLOW, allow);
    }
    answer
}
