//! Whoever sent a request, as the one to whom is told what did not go: on a page, in a part of one, or in JSON to a script.

use askama::Template;
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use super::failure::{Said, raw};
use super::guard::{Viewer, is_safe};
use super::shell::{Shell, page_with, see_other};

#[derive(Template)]
#[template(path = "failure.html")]
struct FailurePage {
    shell: Shell,
    status: u16,
    detail: String,
    again: Option<String>,
}

#[derive(Template)]
#[template(path = "failure_outside.html")]
struct FailureOutside {
    shell: Shell,
    status: u16,
    detail: String,
}

#[derive(Template)]
#[template(path = "failure_part.html")]
struct FailurePart {
    title: &'static str,
    detail: String,
}

/// To whom a failure is told, and in which form.
pub(super) struct Asker {
    form: Form,
    /// Whether nothing but the path was asked with: what of it cannot be read names nothing.
    is_address: bool,
    /// Where the same page is without what was asked of it, if that may be what is wrong.
    again: Option<String>,
}

/// What a failure is drawn as.
enum Form {
    Page,
    /// htmx puts it into a page.
    Part,
    /// A script reads it.
    Json,
}

impl Asker {
    pub(super) fn of(request: &Request) -> Self {
        let says = |name: &str, what: &str| {
            request.headers().get(name).and_then(|value| value.to_str().ok()).is_some_and(|value| value.contains(what))
        };
        let form = if says("hx-request", "true") {
            Form::Part
        } else if says("accept", "application/json") {
            Form::Json
        } else {
            Form::Page
        };
        let path = request.uri().path();
        let has_query = request.uri().query().is_some_and(|query| !query.is_empty());
        let is_route = request.extensions().get::<MatchedPath>().is_some_and(|route| !route.as_str().contains('{'));
        let again = (is_safe(request.method()) && has_query && is_route).then(|| path.to_owned());
        Self { form, again, is_address: is_safe(request.method()) && !has_query }
    }

    /// Draws what a handler said that failed, and what no handler of ours said.
    pub(super) fn draw(&self, mut response: Response, viewer: Option<&Viewer>) -> Response {
        let said = response.extensions_mut().remove::<Said>().or_else(|| raw(&response, self.is_address));
        let Some(said) = said else { return response };
        let mut drawn = self.failure(viewer, &said);
        drawn
            .headers_mut()
            .extend(response.headers_mut().remove(header::ALLOW).map(|methods| (header::ALLOW, methods)));
        drawn
    }

    pub(super) fn failure(&self, viewer: Option<&Viewer>, said: &Said) -> Response {
        let (status, detail) = (said.status.as_u16(), said.detail.clone());
        let mut response = match (&self.form, viewer) {
            (Form::Json, _) => (said.status, axum::Json(serde_json::json!({ "problem": detail }))).into_response(),
            (Form::Part, _) => page_with(said.status, &FailurePart { title: said.title, detail }),
            (Form::Page, Some(viewer)) => {
                let again = self.again.clone().filter(|_| said.status == StatusCode::BAD_REQUEST);
                let shell = Shell::new(viewer, said.title, "");
                page_with(said.status, &FailurePage { shell, status, detail, again })
            }
            (Form::Page, None) => {
                page_with(said.status, &FailureOutside { shell: Shell::outside(said.title), status, detail })
            }
        };
        if said.status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
        }
        response
    }

    /// Whoever is not signed in does that first, and comes back. Parts of a page cannot be shown on their own.
    pub(super) fn to_sign_in(&self, request: &Request) -> Response {
        let wanted = request.uri().path_and_query().map_or("/", |path| path.as_str());
        match self.form {
            Form::Part => return (StatusCode::UNAUTHORIZED, [("hx-redirect", "/sign-in")]).into_response(),
            Form::Json => {
                let said = serde_json::json!({ "problem": "You are signed out: sign in again." });
                return (StatusCode::UNAUTHORIZED, axum::Json(said)).into_response();
            }
            Form::Page if !is_safe(request.method()) || wanted == "/" => return see_other("/sign-in"),
            Form::Page => {}
        }
        let escaped: String = wanted.bytes().map(super::query::escape).collect();
        see_other(&format!("/sign-in?next={escaped}"))
    }
}
