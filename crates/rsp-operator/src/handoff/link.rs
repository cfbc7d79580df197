//! Links that hand out one eSIM once: who has one gets the code, the first time and until it expires.
//!
//! What stands in a link is 256 bits of chance and 128 bits of HMAC over them. The HMAC keeps what was never given out away
//! from the database; the chance keeps everybody else from guessing. Only the hash of both is stored, so who reads the database
//! has no link.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rsp_asn1::{Iccid, Timestamp};
use rsp_crypto::{RandomnessExt, Zeroizing, constant_time_eq, hash};
use rsp_es::activation_code::ActivationCode;
use rsp_store::{AuditEntry, Handoff, NewHandoff, Whose};

use crate::actor::{Actor, Right};
use crate::desk::{Desk, Esim};
use crate::error::Error;

/// Octets of chance.
const CHANCE: usize = 32;
/// Octets of HMAC-SHA256.
const TAG: usize = 16;

/// Seconds for which a link works if nobody says otherwise: three days.
pub const LIFETIME: i64 = 3 * 86_400;
/// The longest and the shortest.
const LIFETIMES: std::ops::RangeInclusive<i64> = 60..=30 * 86_400;
/// Seconds after its end for which is known what became of a link.
const KEPT: i64 = 30 * 86_400;

/// A link that was made.
pub struct Offered {
    /// What stands in it, after `/e/`. It is told this once.
    pub token: Zeroizing<String>,
    /// The first second in which it does not work any more.
    pub expires_at: Timestamp,
}

/// What a link hands out.
pub struct HandedOut {
    /// The eSIM.
    pub esim: Esim,
    /// Its code.
    pub activation_code: ActivationCode,
}

/// Makes such links, and redeems them.
pub struct Handoffs {
    desk: Arc<Desk>,
    key: Zeroizing<[u8; 32]>,
}

impl Handoffs {
    /// Links to the eSIMs of a desk.
    pub fn new(desk: Arc<Desk>) -> Self {
        let key = desk.store().derive_key("hand-off links");
        Self { desk, key }
    }

    /// The desk.
    pub fn desk(&self) -> &Arc<Desk> {
        &self.desk
    }

    /// Makes a link to an eSIM that works for so many seconds.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::NotFound`], [`Error::Invalid`] for a lifetime outside of a minute to 30 days,
    /// [`Error::WrongState`] for an eSIM that nobody can download.
    pub async fn offer(&self, actor: &Actor, iccid: &Iccid, lifetime: i64) -> Result<Offered, Error> {
        self.desk.require(actor, Right::Provision)?;
        let esim = self.desk.esim(actor, iccid).await?;
        if !LIFETIMES.contains(&lifetime) {
            return Err(Error::invalid("lifetime", "a link works for a minute to 30 days"));
        }
        if !esim.is_downloadable() {
            let problem = "only one that waits to be downloaded is handed out";
            return Err(Error::WrongState { iccid: *iccid, state: esim.state.to_string(), problem });
        }
        let operator = esim.operator.ok_or_else(|| Error::invalid("iccid", "it belongs to no tenant"))?;
        let mut bytes = Zeroizing::new([0; CHANCE + TAG]);
        bytes[..CHANCE].copy_from_slice(&self.desk.randomness().bytes::<CHANCE>());
        let tag = self.tag(&bytes[..CHANCE]);
        bytes[CHANCE..].copy_from_slice(&tag);
        let now = self.desk.now();
        let new = NewHandoff {
            link: hash::sha256(&*bytes),
            operator,
            iccid: *iccid,
            created_at: now,
            created_by: actor.name().to_owned(),
            expires_at: now.plus_seconds(lifetime),
        };
        let expires_at = new.expires_at;
        let audit = self.entry(actor.name(), "make link", iccid);
        self.desk
            .store()
            .run_tx("make link", move |tx| {
                tx.forget_handoffs(now.plus_seconds(-KEPT))?;
                tx.insert_handoff(&new)?;
                tx.record_audit_of(Some(&new.operator), &audit)
            })
            .await?;
        Ok(Offered { token: Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_slice())), expires_at })
    }

    /// The links of an eSIM, the newest first.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::NotFound`].
    pub async fn links(&self, actor: &Actor, iccid: &Iccid) -> Result<Vec<Handoff>, Error> {
        let esim = self.desk.esim(actor, iccid).await?;
        let Some(operator) = esim.operator else { return Ok(Vec::new()) };
        Ok(self.desk.store().handoffs(&operator, iccid).await?)
    }

    /// Redeems a link. `None` for one that was never given out, was redeemed, has expired, or whose eSIM nobody can download
    /// any more: which of these it is, is not told.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn redeem(&self, token: &str) -> Result<Option<HandedOut>, Error> {
        let Some(bytes) = self.genuine(token) else { return Ok(None) };
        let (link, now) = (hash::sha256(&*bytes), self.desk.now());
        let desk = Arc::clone(&self.desk);
        // One transaction: a link is used up only if there is something to hand out, and it was read.
        let used = move |tx: &mut rsp_store::Transaction| -> Result<_, rsp_store::Error> {
            let Some((operator, iccid)) = tx.open_handoff(&link, now)? else { return Ok(None) };
            let listed = tx.listed(&Whose::Of(operator.clone()), &iccid)?;
            let Some(esim) = listed.and_then(|listed| desk.shown(listed)) else {
                return Ok(None);
            };
            let Some(activation_code) = esim.code_to_hand_out() else { return Ok(None) };
            tx.use_handoff(&link, now)?;
            let entry = AuditEntry {
                at: now,
                actor: "hand-off link".to_owned(),
                action: "use link".to_owned(),
                subject: iccid.to_string(),
            };
            tx.record_audit_of(Some(&operator), &entry)?;
            Ok(Some(HandedOut { esim, activation_code }))
        };
        Ok(self.desk.store().run_tx("use link", used).await?)
    }

    /// What stands in a link that we made. What we did not make is refused before anything is asked of the database.
    fn genuine(&self, token: &str) -> Option<Zeroizing<[u8; CHANCE + TAG]>> {
        let mut bytes = Zeroizing::new([0; CHANCE + TAG]);
        // A longer text does not fit, and another form of the same bytes is none of ours.
        let length = URL_SAFE_NO_PAD.decode_slice(token, &mut *bytes).ok()?;
        let (chance, tag) = bytes.split_at(CHANCE);
        (length == CHANCE + TAG && constant_time_eq(&self.tag(chance), tag)).then_some(bytes)
    }

    fn tag(&self, chance: &[u8]) -> [u8; TAG] {
        let mut tag = [0; TAG];
        tag.copy_from_slice(&hash::hmac_sha256(&*self.key, chance)[..TAG]);
        tag
    }

    fn entry(&self, actor: &str, action: &str, iccid: &Iccid) -> AuditEntry {
        AuditEntry {
            at: self.desk.now(),
            actor: actor.to_owned(),
            action: action.to_owned(),
            subject: iccid.to_string(),
        }
    }
}
