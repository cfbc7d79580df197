//! What other servers are told of an order: its operator over ES2+ (SGP.22 5.3.5), an SM-DS over ES12 (5.9).
//!
//! Each message is written in the transaction of what it tells. [`Notices::moved`] is the way in which orders move: it asks
//! [`transition`] and adds what an SM-DS must hear of it.

use rsp_asn1::{Eid, Iccid, Timestamp};
use rsp_crypto::{Zeroizing, hash};
use rsp_es::es2plus::{
    self, ExecutionStatus, HandleDownloadProgressInfoRequest, NotificationPoint, NotificationPointStatus, RequestHeader,
};
use rsp_es::es12::{self, DeleteEventRequest, Interface, RegisterEventRequest};
use rsp_es::status::StatusCode;
use rsp_store::{EventKind, NewEvent, NewMessage, Profile, ProfileChange, ProfileState, Recipient};

use crate::order::{Event, InvalidTransition, transition};

/// Who this SM-DP+ is to other servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Its address, as it stands in activation codes.
    pub address: String,
    /// Its OID in dotted form.
    pub oid: String,
}

/// Writes messages in the name of an SM-DP+.
#[derive(Debug, Clone)]
pub(crate) struct Notices {
    identity: Identity,
}

/// How an order got on at one point of its download.
pub(crate) struct Progress<'a> {
    /// Where.
    pub(crate) point: NotificationPoint,
    /// How.
    pub(crate) outcome: Result<(), StatusCode>,
    /// The eUICC, as far as it is known.
    pub(crate) eid: Option<Eid>,
    /// What the eUICC signed about it.
    pub(crate) result: Option<&'a [u8]>,
}

impl Notices {
    pub(crate) fn new(identity: Identity) -> Self {
        Self { identity }
    }

    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The change that an event makes to an order, with what its SM-DS must hear of it.
    ///
    /// # Errors
    /// [`InvalidTransition`].
    pub(crate) fn moved(
        &self,
        profile: &Profile,
        event: Event,
        by: &str,
        now: Timestamp,
    ) -> Result<ProfileChange, InvalidTransition> {
        let mut change = profile.change(by, now);
        change.state = transition(profile.state, profile.policy, event)?;
        let offered = |state| matches!(state, ProfileState::Released | ProfileState::Downloaded);
        if offered(profile.state) && !offered(change.state) {
            change.messages.extend(self.event_deleted(profile, now));
        }
        Ok(change)
    }

    /// What a change that comes from a step of a session goes with: a line of the journal, and what the operator is told.
    /// The step is named by who makes the change.
    pub(crate) fn tell(&self, profile: &Profile, change: &mut ProfileChange, progress: Progress<'_>) {
        let refused = progress.outcome.as_ref().err();
        change.steps.push(NewEvent {
            refused: refused.map(|code| (code.subject.as_str().to_owned(), code.reason.as_str().to_owned())),
            ..step(profile, change)
        });
        change.messages.extend(self.progress(profile, change, progress));
    }

    /// What the operator is told. `None` for an order of the server's own. `change` is the change that it goes with.
    pub(crate) fn progress(
        &self,
        profile: &Profile,
        change: &ProfileChange,
        progress: Progress<'_>,
    ) -> Option<NewMessage> {
        let operator = profile.operator.clone()?;
        let (status, code) = match progress.outcome {
            Ok(()) => (ExecutionStatus::Success, None),
            Err(code) => (ExecutionStatus::Failed, Some(code)),
        };
        let request = HandleDownloadProgressInfoRequest {
            // The change takes effect once, on one version of the order: no other message has this identifier.
            header: self.header(format!("{}-{}-{}", profile.iccid, change.version, progress.point.number())),
            eid: progress.eid,
            iccid: profile.iccid,
            profile_type: profile.profile_type.clone(),
            timestamp: change.at,
            notification_point_id: progress.point,
            notification_point_status: NotificationPointStatus { status, code },
            result_data: progress.result.map(<[u8]>::to_vec),
        };
        Some(NewMessage {
            lane: progress_lane(&profile.iccid),
            function: es2plus::Function::HandleDownloadProgressInfo.path().to_owned(),
            recipient: Recipient::Operator(operator),
            body: body(es2plus::Request::to_json(&request)),
            at: change.at,
            not_before: change.at,
        })
    }

    /// Registers the event of an order that is being released, not before a certain time. `None` when it names no SM-DS or
    /// no eUICC.
    pub(crate) fn event_registered(&self, order: &ProfileChange, not_before: Timestamp) -> Option<NewMessage> {
        let (address, eid, event_id) = (order.smds_address.clone()?, order.eid?, order.matching_id.clone()?);
        let request = RegisterEventRequest {
            header: self.header(call(&event_id, "register")),
            eid,
            rsp_server_address: self.identity.address.clone(),
            event_id: event_id.clone(),
            forwarding_indicator: true,
        };
        let json = es12::Request::to_json(&request);
        let message = message(es12::Function::RegisterEvent, address, &event_id, body(json), order.at);
        Some(NewMessage { not_before, ..message })
    }

    /// Deletes the event of an order. `None` when it has none.
    pub(crate) fn event_deleted(&self, profile: &Profile, now: Timestamp) -> Option<NewMessage> {
        let (address, eid, event_id) = (profile.smds_address.clone()?, profile.eid?, profile.matching_id.clone()?);
        let header = self.header(call(&event_id, "delete"));
        let json = es12::Request::to_json(&DeleteEventRequest { header, eid, event_id: event_id.clone() });
        Some(message(es12::Function::DeleteEvent, address, &event_id, body(json), now))
    }

    fn header(&self, call: String) -> RequestHeader {
        RequestHeader { function_requester_identifier: self.identity.oid.clone(), function_call_identifier: call }
    }
}

/// The step of a session that a change comes from, as it was taken.
pub(crate) fn step(profile: &Profile, change: &ProfileChange) -> NewEvent {
    NewEvent {
        at: change.at,
        operator: profile.operator.clone(),
        iccid: Some(profile.iccid),
        profile_type: Some(profile.profile_type.clone()),
        kind: EventKind::Step,
        actor: "LPA".to_owned(),
        step: Some(change.by.clone()),
        refused: None,
        detail: None,
    }
}

/// The lane of what an operator is told of a profile.
pub(crate) fn progress_lane(iccid: &Iccid) -> String {
    format!("es2plus {iccid}")
}

/// The lane of an event at an SM-DS: its registration and its deletion stay in order.
pub(crate) fn event_lane(address: &str, event_id: &str) -> String {
    format!("es12 {} {address}", fingerprint(event_id))
}

fn message(
    function: es12::Function,
    address: String,
    event_id: &str,
    body: Zeroizing<Vec<u8>>,
    at: Timestamp,
) -> NewMessage {
    NewMessage {
        lane: event_lane(&address, event_id),
        function: function.path(Interface::Es12).to_owned(),
        recipient: Recipient::Server(address),
        body,
        at,
        not_before: at,
    }
}

/// The same for each repetition of a call.
fn call(event_id: &str, what: &str) -> String {
    format!("{what}-{}", fingerprint(event_id))
}

/// Names an event without its ID, which is as good as the activation code.
fn fingerprint(event_id: &str) -> String {
    hash::sha256(event_id.as_bytes())[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

fn body(json: impl AsRef<str>) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(json.as_ref().as_bytes().to_vec())
}
