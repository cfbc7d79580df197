//! The files of the pages, in the program itself. Their addresses carry a hash, so that browsers keep them for good.

use std::sync::OnceLock;

use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::input::{Path, missing};

/// Name, type, content.
type Asset = (&'static str, &'static str, &'static [u8]);

const ASSETS: [Asset; 7] = [
    ("portal.css", "text/css; charset=utf-8", include_bytes!("../../assets/portal.css")),
    ("portal.js", "text/javascript; charset=utf-8", include_bytes!("../../assets/portal.js")),
    ("theme.js", "text/javascript; charset=utf-8", include_bytes!("../../assets/theme.js")),
    ("htmx.js", "text/javascript; charset=utf-8", include_bytes!("../../assets/htmx-2.0.11.min.js")),
    ("htmx-LICENSE.txt", "text/plain; charset=utf-8", include_bytes!("../../assets/htmx-LICENSE.txt")),
    ("icons.svg", "image/svg+xml", include_bytes!("../../assets/icons.svg")),
    ("mark.svg", "image/svg+xml", include_bytes!("../../assets/mark.svg")),
];

/// Where a page finds a file.
pub(super) fn address(name: &str) -> String {
    format!("/assets/{name}?v={}", version())
}

/// The first octets of a hash over all files.
fn version() -> &'static str {
    static VERSION: OnceLock<String> = OnceLock::new();
    VERSION.get_or_init(|| {
        let all: Vec<u8> = ASSETS.iter().flat_map(|(_, _, content)| content.iter().copied()).collect();
        hex::encode(&rsp_crypto::hash::sha256(&all)[..6])
    })
}

/// `GET /assets/{name}`.
pub(super) async fn get(Path(name): Path<String>) -> Response {
    match ASSETS.iter().find(|(known, _, _)| *known == name) {
        Some((_, kind, content)) => {
            let headers =
                [(header::CONTENT_TYPE, *kind), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
            (headers, *content).into_response()
        }
        None => missing().into_response(),
    }
}
