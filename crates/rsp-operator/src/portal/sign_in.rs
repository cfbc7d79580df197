//! Signing in and out, and one's own account.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rsp_crypto::Zeroizing;
use rsp_es::server::Caller;
use serde::Deserialize;
use serde_json::json;

use super::failure::{Failure, kept, sentence, words};
use super::guard::{self, Viewer};
use super::input::{self, Form, Query};
use super::shell::{Notice, Shell, moment, page, page_with, see_other};
use crate::account::passkeys::{Assertion, Registration};
use crate::account::{NewPassword, SignInError, SignedIn};
use crate::error::Error;
use crate::service::Service;

#[derive(Template)]
#[template(path = "account/sign_in.html")]
struct SignInPage {
    shell: Shell,
    problem: Option<String>,
    name: String,
    next: String,
}

#[derive(Deserialize)]
pub(super) struct Next {
    #[serde(default)]
    next: String,
}

/// `GET /sign-in`.
pub(super) async fn show(
    State(service): State<Arc<Service>>,
    Query(Next { next }): Query<Next>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    if guard::viewer(&service, &headers).await?.is_some() {
        return Ok(see_other(local(&next)));
    }
    let shell = Shell::outside("Sign in");
    let next = local(&next).to_owned();
    Ok(page(&SignInPage { shell, problem: None, name: String::new(), next }))
}

#[derive(Deserialize)]
pub(super) struct SignInForm {
    name: String,
    password: Zeroizing<String>,
    #[serde(default)]
    next: String,
}

/// `POST /sign-in`.
pub(super) async fn sign_in(
    State(service): State<Arc<Service>>,
    caller: Option<Extension<Caller>>,
    Form(form): Form<SignInForm>,
) -> Result<Response, Failure> {
    let address = caller.and_then(|Extension(caller)| caller.address);
    let next = local(&form.next).to_owned();
    match service.accounts.sign_in(&form.name, form.password, address).await {
        Ok(signed_in) => {
            let mut response = see_other(&next);
            response.headers_mut().extend([(header::SET_COOKIE, cookie(&service, &signed_in)?)]);
            Ok(response)
        }
        Err(SignInError::Server(error)) => Err(error.into()),
        Err(refused) => {
            let status = match refused {
                SignInError::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
                _ => StatusCode::UNAUTHORIZED,
            };
            let shell = Shell::outside("Sign in");
            let problem = Some(sentence(&refused.to_string()));
            Ok(page_with(status, &SignInPage { shell, problem, name: kept(&form.name), next }))
        }
    }
}

/// `POST /sign-in/passkey/options`.
pub(super) async fn passkey_options(State(service): State<Arc<Service>>) -> Response {
    Json(service.accounts.sign_in_options()).into_response()
}

/// `POST /sign-in/passkey`.
pub(super) async fn passkey(
    State(service): State<Arc<Service>>,
    input::Json(answer): input::Json<Assertion>,
) -> Response {
    let signed_in = match service.accounts.sign_in_with_passkey(&answer).await {
        Ok(signed_in) => signed_in,
        Err(SignInError::Server(error)) => return problem(&error),
        Err(refused) => return told(StatusCode::UNAUTHORIZED, &refused.to_string()),
    };
    match cookie(&service, &signed_in) {
        Ok(cookie) => ([(header::SET_COOKIE, cookie)], Json(json!({ "next": "/" }))).into_response(),
        Err(error) => problem(&error),
    }
}

/// `POST /sign-out`.
pub(super) async fn sign_out(State(service): State<Arc<Service>>, viewer: Viewer) -> Result<Response, Failure> {
    service.accounts.sign_out(&viewer.session).await?;
    Ok(signed_out(&service))
}

fn signed_out(service: &Service) -> Response {
    let origin = service.accounts.origin();
    let secure = if origin.is_secure() { "; Secure" } else { "" };
    let gone = format!("{}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0{secure}", origin.cookie());
    (StatusCode::SEE_OTHER, [(header::LOCATION, "/sign-in".to_owned()), (header::SET_COOKIE, gone)]).into_response()
}

fn cookie(service: &Service, signed_in: &SignedIn) -> Result<header::HeaderValue, Error> {
    let origin = service.accounts.origin();
    let secure = if origin.is_secure() { "; Secure" } else { "" };
    let text = format!("{}={}; Path=/; HttpOnly; SameSite=Strict{secure}", origin.cookie(), *signed_in.token);
    let mut value = header::HeaderValue::from_str(&text).map_err(|_| Error::invalid("session", "has no cookie"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Octets of an address to which signing in leads.
const LONGEST: usize = 1_000;

/// A path of the portal: nobody is led elsewhere after signing in.
fn local(next: &str) -> &str {
    let is_path = next.starts_with('/') && !next.starts_with("//") && !next.contains(['\\', '\r', '\n', '\t', '\0']);
    if is_path && next.is_ascii() && next.len() <= LONGEST { next } else { "/" }
}

#[derive(Template)]
#[template(path = "account/account.html")]
struct AccountPage {
    shell: Shell,
    user: rsp_store::User,
    purpose: &'static str,
    passkeys: Vec<PasskeyRow>,
    problem: Option<String>,
}

struct PasskeyRow {
    label: String,
    credential: String,
    created_at: String,
    used_at: Option<String>,
}

async fn account_page(service: &Service, viewer: &Viewer, problem: Option<String>) -> Result<AccountPage, Failure> {
    let passkeys = service.accounts.passkeys(&viewer.session).await?;
    let row = |passkey: rsp_store::Passkey| PasskeyRow {
        label: passkey.label,
        credential: URL_SAFE_NO_PAD.encode(passkey.credential),
        created_at: moment(passkey.created_at),
        used_at: passkey.used_at.map(moment),
    };
    Ok(AccountPage {
        shell: Shell::new(viewer, "Your account", "/account"),
        user: viewer.session.user.clone(),
        purpose: viewer.session.role.purpose(),
        passkeys: passkeys.into_iter().map(row).collect(),
        problem,
    })
}

/// `GET /account`.
pub(super) async fn account(State(service): State<Arc<Service>>, viewer: Viewer) -> Result<Response, Failure> {
    Ok(page(&account_page(&service, &viewer, None).await?))
}

#[derive(Deserialize)]
pub(super) struct PasswordForm {
    #[serde(default)]
    old: Zeroizing<String>,
    new: Zeroizing<String>,
}

/// `POST /account/password`.
pub(super) async fn change_password(
    State(service): State<Arc<Service>>,
    viewer: Viewer,
    Form(form): Form<PasswordForm>,
) -> Result<Response, Failure> {
    let changed = match NewPassword::chosen(form.new) {
        Ok(new) => service.accounts.change_own_password(&viewer.session, form.old, &new).await,
        Err(short) => Err(Error::invalid("new password", short)),
    };
    match changed {
        Ok(()) => Ok(signed_out(&service)),
        Err(wrong @ Error::Invalid { .. }) => {
            let shown = account_page(&service, &viewer, Some(sentence(&words(&wrong)))).await?;
            Ok(page_with(StatusCode::BAD_REQUEST, &shown))
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /account/passkeys/options`.
pub(super) async fn registration_options(State(service): State<Arc<Service>>, viewer: Viewer) -> Response {
    match service.accounts.registration(&viewer.session).await {
        Ok(options) => Json(options).into_response(),
        Err(error) => problem(&error),
    }
}

/// `POST /account/passkeys`.
pub(super) async fn register_passkey(
    State(service): State<Arc<Service>>,
    viewer: Viewer,
    input::Json(answer): input::Json<Registration>,
) -> Response {
    match service.accounts.register_passkey(&viewer.session, &answer).await {
        Ok(()) => Json(json!({})).into_response(),
        Err(error) => problem(&error),
    }
}

#[derive(Deserialize)]
pub(super) struct RemoveForm {
    credential: String,
}

/// `POST /account/passkeys/remove`.
pub(super) async fn remove_passkey(
    State(service): State<Arc<Service>>,
    viewer: Viewer,
    Form(form): Form<RemoveForm>,
) -> Result<Response, Failure> {
    service.accounts.remove_passkey(&viewer.session, &form.credential).await?;
    let mut shown = account_page(&service, &viewer, None).await?;
    shown.shell = shown.shell.with(Some(Notice::good("The passkey was removed.")));
    Ok(page(&shown))
}

/// What scripts are told.
fn problem(error: &Error) -> Response {
    let said = super::failure::said(error);
    told(said.status, &said.detail)
}

fn told(status: StatusCode, text: &str) -> Response {
    (status, Json(json!({ "problem": sentence(text) }))).into_response()
}

#[cfg(test)]
mod tests {
    use super::local;

    #[test]
    fn signing_in_leads_to_a_page_of_the_portal_only() {
        for (next, leads) in [
            ("/orders?state=Released", "/orders?state=Released"),
            ("", "/"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("https://evil.example", "/"),
            ("/\t/evil.example", "/"),
            ("javascript:alert(1)", "/"),
        ] {
            assert_eq!(local(next), leads, "{next:?}");
        }
    }
}
