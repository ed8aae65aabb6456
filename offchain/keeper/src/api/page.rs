//! The page: a few files in the binary, so that a browser needs nothing from elsewhere.

use axum::{
    extract::Path,
    http::{header, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};

use super::problem::Problem;

const INDEX: &str = include_str!("../../page/index.html");
const SCRIPT: &str = include_str!("../../page/page.js");
const STYLE: &str = include_str!("../../page/page.css");
/// uPlot, of the npm package that `scripts/fetch-tools` installs; empty in a build without it, of which the page tells.
const CHARTS: &str = include_str!(concat!(env!("OUT_DIR"), "/charts.js"));
const CHARTS_STYLE: &str = include_str!(concat!(env!("OUT_DIR"), "/charts.css"));

/// Nothing from elsewhere, nothing inline, nobody may frame it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub async fn index() -> Response {
    serve("text/html; charset=utf-8", INDEX)
}

pub async fn file(Path(file): Path<String>) -> Response {
    match file.as_str() {
        "page.js" => serve("text/javascript; charset=utf-8", SCRIPT),
        "page.css" => serve("text/css; charset=utf-8", STYLE),
        "charts.js" => serve("text/javascript; charset=utf-8", CHARTS),
        "charts.css" => serve("text/css; charset=utf-8", CHARTS_STYLE),
        _ => Problem::new(StatusCode::NOT_FOUND, "the page has no such file").into_response(),
    }
}

fn serve(kind: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(POLICY),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, text).into_response()
}
