//! Confirmation codes: on a page of their own, once.

use askama::Template;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rsp_asn1::{Iccid, Timestamp};
use rsp_crypto::Zeroizing;
use rsp_crypto::aead::Aes256Gcm;
use serde::Deserialize;

use super::failure::Failure;
use super::input::Form;
use super::once::{LIFETIME, spend};
use super::shell::{Shell, page};
use super::visit::AtEsim;
use crate::account::Session;
use crate::actor::Right;
use crate::error::Error;
use crate::service::Service;

#[derive(Template)]
#[template(path = "orders/code.html")]
struct CodePage {
    shell: Shell,
    iccid: String,
    code: Zeroizing<String>,
}

#[derive(Deserialize)]
pub(super) struct SealedForm {
    sealed: String,
}

/// `POST /orders/{iccid}/code`: the confirmation code, once.
pub(super) async fn show(at: AtEsim, Form(form): Form<SealedForm>) -> Result<Response, Failure> {
    at.visit.actor().require(Right::Codes)?;
    // Whose it is, before anything is opened.
    let esim = at.esim().await?;
    let AtEsim { visit, iccid } = at;
    let (service, session) = (&visit.service, &visit.viewer.session);
    let gone = || {
        let problem = "can be shown once, within an hour, to whoever provisioned it";
        Failure(Error::invalid("confirmation code", problem))
    };
    let code = open(service, session, &iccid, &form.sealed).ok_or_else(gone)?;
    if !spend(service, session, form.sealed.as_bytes()).await? {
        return Err(gone());
    }
    service.desk.audit(visit.actor(), "show confirmation code", &iccid.to_string(), esim.operator).await?;
    let shell = Shell::new(&visit.viewer, "Confirmation code", "/orders");
    Ok(page(&CodePage { shell, iccid: iccid.to_string(), code }))
}

/// A confirmation code on its way from the page where it was made to the page where it is shown: only this session can have
/// it opened, for this eSIM and for an hour. It is stored nowhere.
pub(super) fn seal(service: &Service, session: &Session, iccid: &Iccid, code: &str) -> Result<String, Error> {
    let mut plain = Zeroizing::new(service.desk.now().plus_seconds(LIFETIME).0.to_be_bytes().to_vec());
    plain.extend_from_slice(code.as_bytes());
    let key = Aes256Gcm::new(&service.desk.store().derive_key("portal confirmation codes"));
    let sealed = key.seal(&mut service.desk.randomness(), &place(session, iccid), &plain).map_err(Error::Crypto)?;
    Ok(URL_SAFE_NO_PAD.encode(sealed))
}

fn open(service: &Service, session: &Session, iccid: &Iccid, sealed: &str) -> Option<Zeroizing<String>> {
    let sealed = URL_SAFE_NO_PAD.decode(sealed).ok()?;
    let key = Aes256Gcm::new(&service.desk.store().derive_key("portal confirmation codes"));
    let plain = key.open(&place(session, iccid), &sealed).ok()?;
    let (end, code) = plain.split_first_chunk::<8>()?;
    let in_time = service.desk.now() <= Timestamp(i64::from_be_bytes(*end));
    in_time.then(|| std::str::from_utf8(code).ok().map(|code| Zeroizing::new(code.to_owned())))?
}

fn place(session: &Session, iccid: &Iccid) -> Vec<u8> {
    [session.token.as_slice(), &iccid.0].concat()
}
