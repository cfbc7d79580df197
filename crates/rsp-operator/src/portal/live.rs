//! Parts of pages that follow what happens: htmx asks for them again and again, and the server answers with nothing as long
//! as nothing has changed, so that focus and selection stay where they are.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse as _, Response};

use super::failure::Failure;
use super::query::{Pairs, link, value};

/// A part as HTML, and the tag of what it shows.
pub(super) type Part = (String, String);

/// The answer to a part that asks for itself: the part, or nothing if it would be the same.
pub(super) fn again((part, tag): Part, pairs: &Pairs) -> Response {
    if value(pairs, "seen") == Some(tag.as_str()) {
        return StatusCode::NO_CONTENT.into_response();
    }
    Html(part).into_response()
}

/// A part with the attributes that make it ask for itself, and the tag of what it shows. `every` is htmx's, such as `2s`; empty
/// for a part that changes no more.
pub(super) fn wrap(
    path: &str,
    pairs: &[(&'static str, String)],
    every: &str,
    part: &impl Template,
) -> Result<Part, Failure> {
    let body = part.render().map_err(|error| {
        tracing::error!(%error, "rendering a part");
        Failure(rsp_store::Error::Closed.into())
    })?;
    let tag = hex::encode(&rsp_crypto::hash::sha256(body.as_bytes())[..8]);
    if every.is_empty() {
        return Ok((format!("<div class=\"live\">{body}</div>"), tag));
    }
    let seen: Vec<_> = pairs.iter().cloned().chain([("seen", tag.clone())]).collect();
    // Addresses made by `link` have no character that HTML would read, but for the ampersands.
    let address = link(path, &seen).replace('&', "&amp;");
    let part = format!(
        "<div class=\"live\" hx-get=\"{address}\" hx-trigger=\"every {every}\" hx-swap=\"outerHTML\">{body}</div>"
    );
    Ok((part, tag))
}
