//! What counts once in a session, such as a form that buys something.

use rsp_crypto::{RandomnessExt as _, hash};

use crate::account::Session;
use crate::error::Error;
use crate::service::Service;

/// Seconds for which a form can be sent, and a confirmation code be shown.
pub(super) const LIFETIME: i64 = 3600;

/// What makes a form one that is sent once.
pub(crate) fn new_once(service: &Service) -> String {
    hex::encode(service.desk.randomness().bytes::<16>())
}

/// Whether this is the first time in this session that something is used that counts once.
pub(crate) async fn spend(service: &Service, session: &Session, what: &[u8]) -> Result<bool, Error> {
    let what = hash::sha256(&[session.token.as_slice(), what].concat());
    let now = service.desk.now();
    Ok(service
        .desk
        .store()
        .run_tx("use once", move |tx| tx.spend_challenge(&what, now.plus_seconds(LIFETIME), now))
        .await?)
}
