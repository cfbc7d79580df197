//! ES9+.HandleNotification (SGP.22 5.6.4): what the eUICC reports, verified and taken in once.
//!
//! The interface has no answer but "received". A notification that is not believed changes nothing, is logged, and is
//! received all the same: the LPA could do nothing else with it, and a forger learns nothing.

use rsp_asn1::{
    Eid, ErrorReason, FinalResult, NotificationEvent, NotificationMetadata, OtherSignedNotification,
    PendingNotification, ProfileInstallationResult, Timestamp,
};
use rsp_es::es2plus::NotificationPoint;
use rsp_es::es9plus::HandleNotificationRequest;
use rsp_es::status::StatusCode;
use rsp_store::{
    Notification, OrderPolicy, Profile, ProfileChange, ProfileState, Reported, SealedChange, SessionAdvance,
    SessionState, Step, Stepped,
};

use crate::authenticate_client::ATTEMPTS;
use crate::error::Error;
use crate::installation::{self, Deletion};
use crate::notices::Progress;
use crate::order::{Event, transition};
use crate::session::ExpectResult;
use crate::smdp::Smdp;

const WHO: &str = "HandleNotification";
const DELETE: &str = "notificationDelete";

/// What became of a notification.
enum Outcome {
    /// Taken in.
    Taken,
    /// Not believed, or about nothing that this server knows; the text is for the log.
    Ignored(&'static str),
    /// Somebody else changed session or order meanwhile.
    Conflict,
}

impl Smdp {
    pub(crate) async fn notified(&self, request: &HandleNotificationRequest) -> Result<(), Error> {
        let body = request.pending_notification.bytes();
        for _ in 0..ATTEMPTS {
            let now = self.clock.now();
            let outcome = match request.pending_notification.value() {
                PendingNotification::ProfileInstallationResult(result) => self.installed(result, body, now).await?,
                PendingNotification::OtherSignedNotification(other) => self.other(other, body, now).await?,
            };
            match outcome {
                Outcome::Taken => return Ok(()),
                Outcome::Ignored(why) => {
                    tracing::warn!(why, "notification ignored");
                    return Ok(());
                }
                Outcome::Conflict => {}
            }
        }
        Err(Error::Contention)
    }

    /// A ProfileInstallationResult brings no certificates: the session remembers who will sign it.
    async fn installed(
        &self,
        result: &ProfileInstallationResult,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Outcome, Error> {
        let data = result.profile_installation_result_data.value();
        let Some((session, profile)) = self.store.session_and_profile(&data.transaction_id).await? else {
            return Ok(Outcome::Ignored("the session is unknown"));
        };
        if session.state == SessionState::Closed {
            return Ok(Outcome::Ignored("the session has its result"));
        }
        if session.state != SessionState::ExpectResult {
            return Ok(Outcome::Ignored("no package was delivered in this session"));
        }
        let profile = profile.ok_or(Error::Damaged("session"))?;
        let state = ExpectResult::from_bytes(&session.data)?;
        let euicc = &state.party.euicc;
        let signed = result.profile_installation_result_data.bytes();
        if euicc.verify(self.authenticator.provider(), signed, &result.euicc_sign_pir).is_err() {
            return Ok(Outcome::Ignored("the eUICC's signature is invalid"));
        }
        // The signature covers our transactionId, which says whose session it was; some eUICCs write an OID of their own.
        if data.smdp_oid != *self.binding_credential(&state.party.credential_ci)?.oid() {
            tracing::warn!(session = %data.transaction_id, "the installation result names another SM-DP+");
        }
        let metadata = &data.notification_metadata;
        if metadata.iccid.is_some_and(|iccid| iccid != profile.iccid) {
            return Ok(Outcome::Ignored("the ICCID is not the one of the session"));
        }
        let Some(notification) = taken(euicc.eid, metadata, &profile, "notificationInstall", body, now) else {
            return Ok(Outcome::Ignored("the sequence number is out of range"));
        };
        let event = event_of(&data.final_result);
        tracing::info!(session = %data.transaction_id, iccid = %profile.iccid, ?event, "installation result");
        let reported = self.reported(&profile, &state, &notification, (event, &data.final_result), now).await?;
        let advance = SessionAdvance {
            transaction_id: data.transaction_id.clone(),
            from: SessionState::ExpectResult,
            to: SessionState::Closed,
            data: None,
            expires_at: now,
        };
        self.take(&profile, reported, |reported| Step::TakeResult(notification, advance, reported)).await
    }

    /// Other notifications bring the certificates of their eUICC.
    async fn other(&self, other: &OtherSignedNotification, body: &[u8], now: Timestamp) -> Result<Outcome, Error> {
        let Ok(euicc) = self.authenticator.identify_any(&other.euicc_certificate, &other.eum_certificate, now) else {
            return Ok(Outcome::Ignored("the eUICC's certificates are invalid"));
        };
        let signed = other.tbs_other_notification.bytes();
        if euicc.verify(self.authenticator.provider(), signed, &other.euicc_notification_signature).is_err() {
            return Ok(Outcome::Ignored("the eUICC's signature is invalid"));
        }
        let metadata = other.tbs_other_notification.value();
        let Some(iccid) = metadata.iccid else { return Ok(Outcome::Ignored("it names no profile")) };
        let Some(profile) = self.store.profile(&iccid).await? else {
            return Ok(Outcome::Ignored("the profile is unknown"));
        };
        let known = self.store.installation(&iccid, &euicc.eid).await?;
        // Any eUICC can sign something about any ICCID: only one that has the profile is believed.
        let one_of_many = profile.eid.is_none() && profile.policy == OrderPolicy::Reusable && known.is_some();
        if profile.eid != Some(euicc.eid) && !one_of_many {
            return Ok(Outcome::Ignored("the profile is not on this eUICC"));
        }
        let mut bits = metadata.profile_management_operation.bits();
        let name = match (bits.next(), bits.next()) {
            (Some(NotificationEvent::INSTALL), None) => "notificationInstall",
            (Some(NotificationEvent::ENABLE), None) => "notificationEnable",
            (Some(NotificationEvent::DISABLE), None) => "notificationDisable",
            (Some(NotificationEvent::DELETE), None) => DELETE,
            _ => return Ok(Outcome::Ignored("it is not about exactly one event")),
        };
        let Some(notification) = taken(euicc.eid, metadata, &profile, name, body, now) else {
            return Ok(Outcome::Ignored("the sequence number is out of range"));
        };
        tracing::info!(eid = %euicc.eid, iccid = %profile.iccid, event = name, "notification");
        let mut reported = None;
        // What one of many eUICCs deletes moves no order.
        if name == DELETE && !one_of_many {
            let mut installation = known.unwrap_or_else(|| installation::unknown(iccid, euicc.eid));
            let change = profile.change(WHO, now);
            match installation::note_deletion(&mut installation, &profile, notification.seq_number) {
                Deletion::Old => return Ok(Outcome::Ignored("the deletion is older than the installation")),
                Deletion::Counts => {
                    let changes = vec![self.deleted(&profile, change, euicc.eid)?];
                    reported = Some(Reported { changes, installation });
                }
                Deletion::Waits => reported = Some(Reported { changes: vec![change], installation }),
                Deletion::Irrelevant => {}
            }
        }
        self.take(&profile, reported, |reported| Step::Take(notification, reported)).await
    }

    /// What an installation result means. `None` when it means nothing to the order that the profile has now: it is of an
    /// earlier one, or a failure, which says nothing about packages that were delivered later.
    async fn reported(
        &self,
        profile: &Profile,
        session: &ExpectResult,
        notification: &Notification,
        (event, result): (Event, &FinalResult),
        now: Timestamp,
    ) -> Result<Option<Reported>, Error> {
        let (eid, installed) = (session.party.euicc.eid, event == Event::Installed);
        if !session.party.has(profile) {
            return Ok(None);
        }
        let known = self.store.installation(&profile.iccid, &eid).await?;
        let mut installation = known.unwrap_or_else(|| installation::unknown(profile.iccid, eid));
        let last = installation::is_last(&installation, session, profile)?;
        // Of many devices, each one's failure is one.
        if !installed && !last && profile.policy != OrderPolicy::Reusable {
            return Ok(None);
        }
        installation::note_result(&mut installation, profile, session, notification.seq_number, installed, last)?;
        let change = self.result_change(profile, event, eid, result, &notification.body, now);
        let deletion = change.state == ProfileState::Installed && installation::waited(&mut installation);
        let mut following = None;
        if deletion {
            let mut next = profile.change(WHO, now);
            (next.version, next.state) = (change.version + 1, change.state);
            next.download_tries = change.download_tries;
            following = Some(self.deleted(profile, next, eid)?);
        }
        let changes = [change].into_iter().chain(following).collect();
        Ok(Some(Reported { changes, installation }))
    }

    /// Moves an order whose profile was deleted from its eUICC.
    fn deleted(&self, profile: &Profile, mut change: ProfileChange, eid: Eid) -> Result<ProfileChange, Error> {
        change.state = transition(change.state, profile.policy, Event::Deleted)?;
        let point = NotificationPoint::ProfileDeletion;
        let progress = Progress { point, outcome: Ok(()), eid: Some(eid), result: None };
        self.notices.tell(profile, &mut change, progress);
        Ok(change)
    }

    /// The change that an installation result makes. A state that it does not fit (the order was cancelled meanwhile)
    /// stays, and nobody is told; but of many devices each one's result is told.
    fn result_change(
        &self,
        profile: &Profile,
        event: Event,
        eid: Eid,
        result: &FinalResult,
        body: &[u8],
        now: Timestamp,
    ) -> ProfileChange {
        let moved = self.notices.moved(profile, event, WHO, now);
        let told = moved.is_ok() || profile.policy == OrderPolicy::Reusable;
        let mut change = moved.unwrap_or_else(|_| profile.change(WHO, now));
        if !told {
            return change;
        }
        if event == Event::Installed && profile.policy == OrderPolicy::SameEid {
            // The limit is for deliveries without success, and the eUICC has used its one-time key up.
            change.download_tries = 0;
            change.binding = SealedChange::Clear;
        }
        let outcome = match result {
            FinalResult::Success(_) => Ok(()),
            FinalResult::Error(error) => {
                let reason = format!("{} in {}", error.error_reason, error.bpp_command_id);
                Err(StatusCode::BPP_EXECUTION_ERROR.with_message(reason))
            }
        };
        let point = NotificationPoint::BppInstallation;
        let progress = Progress { point, outcome, eid: Some(eid), result: Some(body) };
        self.notices.tell(profile, &mut change, progress);
        change
    }

    /// Records the notification with all that follows from it, or nothing if it is known.
    async fn take(
        &self,
        profile: &Profile,
        reported: Option<Reported>,
        step: impl FnOnce(Option<Reported>) -> Step,
    ) -> Result<Outcome, Error> {
        let last = reported.as_ref().and_then(|reported| reported.changes.last());
        let to = last.map(|change| change.state).filter(|to| *to != profile.state);
        Ok(match self.store.step("take notification", step(reported)).await? {
            Stepped::Done => {
                if let Some(to) = to {
                    tracing::info!(iccid = %profile.iccid, from = %profile.state, %to, "order moved");
                }
                Outcome::Taken
            }
            Stepped::Known => Outcome::Ignored("the sequence number is known"),
            Stepped::Conflict => Outcome::Conflict,
        })
    }
}

/// What an installation result means for the order (SGP.22 2.5.6, 3.1.3).
fn event_of(result: &FinalResult) -> Event {
    match result {
        FinalResult::Success(_) => Event::Installed,
        FinalResult::Error(error) => match error.error_reason {
            ErrorReason::INSTALL_FAILED_DUE_TO_INSUFFICIENT_MEMORY_FOR_PROFILE
            | ErrorReason::INSTALL_FAILED_DUE_TO_INTERRUPTION => Event::InstallationFailedForNow,
            _ => Event::InstallationFailed,
        },
    }
}

/// The row that is written. `None` for a sequence number that no eUICC reaches.
fn taken(
    eid: Eid,
    metadata: &NotificationMetadata,
    profile: &Profile,
    event: &str,
    body: &[u8],
    now: Timestamp,
) -> Option<Notification> {
    Some(Notification {
        eid,
        seq_number: i64::try_from(metadata.seq_number).ok()?,
        iccid: Some(profile.iccid),
        event: event.to_owned(),
        body: body.to_vec(),
        received_at: now,
    })
}
