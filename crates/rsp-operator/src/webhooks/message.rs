//! What a receiver is told of an event. Never activation or confirmation codes: whoever reads a partner's log must not be
//! able to download a profile.

use rsp_asn1::Timestamp;
use rsp_crypto::{Zeroizing, hash};
use rsp_store::{Datastore, Event, EventKind, EventSubject};
use serde_json::{Map, Value, json};

/// Kinds of events that a webhook can get, by the names that users know.
pub const KINDS: [(&str, EventKind); 4] = [
    ("state", EventKind::State),
    ("step", EventKind::Step),
    ("usage", EventKind::Usage),
    ("network", EventKind::Network),
];

/// The kind of events of this name.
pub fn kind(name: &str) -> Option<EventKind> {
    KINDS.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
}

/// The name of a kind, as users know it.
pub fn kind_name(kind: EventKind) -> &'static str {
    KINDS.iter().find(|(_, known)| *known == kind).map_or("test", |(name, _)| name)
}

/// Names events for receivers: the same name for the same event, and none that says how many events other tenants have.
pub(crate) struct EventIds(Zeroizing<[u8; 32]>);

impl EventIds {
    pub(crate) fn new(store: &Datastore) -> Self {
        Self(store.derive_key("webhook event ids"))
    }

    pub(crate) fn of(&self, number: i64) -> String {
        let mac = hash::hmac_sha256(&*self.0, &number.to_be_bytes());
        format!("evt_{}", hex::encode(&mac[..16]))
    }
}

/// The body of the message that tells of an event.
pub(super) fn body(id: &str, event: &Event, subject: &EventSubject) -> Vec<u8> {
    let mut data = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            data.insert(name.to_owned(), value);
        }
    };
    put("iccid", event.iccid.map(|iccid| iccid.to_string().into()));
    put("eid", subject.eid.map(|eid| eid.to_string().into()));
    put("profile_type", event.profile_type.clone().map(Value::from));
    put("carrier", subject.carrier.clone().map(Value::from));
    put("plan", subject.plan.clone().map(Value::from));
    put("reference", subject.reference.clone().map(Value::from));
    put("device_id", subject.device_id.clone().map(Value::from));
    put("previous_state", event.from.map(|state| state.as_str().into()));
    put("state", event.to.map(|state| state.as_str().into()));
    put("seconds_since_release", event.seconds.map(Value::from));
    put("step", event.step.clone().map(Value::from));
    put("subject_code", event.subject.clone().map(Value::from));
    put("reason_code", event.reason.clone().map(Value::from));
    put("detail", event.detail.clone().map(Value::from));
    let message = json!({
        "id": id,
        "type": format!("esim.{}", kind_name(event.kind)),
        "created_at": event.at.to_string(),
        "data": data,
    });
    message.to_string().into_bytes()
}

/// The body of a message that only shows whether messages arrive.
pub(super) fn test_body(id: &str, at: Timestamp) -> Vec<u8> {
    let message = json!({ "id": id, "type": "webhook.test", "created_at": at.to_string(), "data": {} });
    message.to_string().into_bytes()
}

/// What is noted of a message beside its delivery, read from its own body.
pub(super) struct Told {
    pub(super) id: String,
    pub(super) kind: EventKind,
    pub(super) iccid: Option<rsp_asn1::Iccid>,
}

impl Told {
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let message: Value = serde_json::from_slice(body).ok()?;
        let kind_of = message.get("type")?.as_str()?;
        Some(Self {
            id: message.get("id")?.as_str()?.to_owned(),
            kind: kind_of.strip_prefix("esim.").and_then(kind).unwrap_or(EventKind::Test),
            iccid: message.get("data")?.get("iccid").and_then(Value::as_str).and_then(|iccid| iccid.parse().ok()),
        })
    }
}
