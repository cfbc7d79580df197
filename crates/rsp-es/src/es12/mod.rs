//! ES12 and ES15, on which events are registered at an SM-DS: by an SM-DP+, and by an SM-DS at the root SM-DS. Functions,
//! messages and their JSON form (SGP.22 5.9, 5.10, 6.5.2).
//!
//! Both interfaces have the same messages and differ in the path of their URLs alone. The responses carry nothing but
//! their header.

mod message;

pub use crate::header::{RequestHeader, Response, ResponseError, failure};
pub use crate::json::JsonError;
pub use message::Request;

use rsp_asn1::Eid;

/// Who talks to the SM-DS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Interface {
    /// An SM-DP+.
    Es12,
    /// Another SM-DS, which passes an event on to the root SM-DS.
    Es15,
}

/// A function of ES12 and ES15.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Function {
    /// SGP.22 5.9.1 and 5.10.1.
    RegisterEvent,
    /// SGP.22 5.9.2 and 5.10.2.
    DeleteEvent,
}

impl Function {
    /// Every function.
    pub const ALL: [Self; 2] = [Self::RegisterEvent, Self::DeleteEvent];

    /// The path of its URL.
    pub const fn path(self, interface: Interface) -> &'static str {
        match (interface, self) {
            (Interface::Es12, Self::RegisterEvent) => "/gsma/rsp2/es12/registerEvent",
            (Interface::Es12, Self::DeleteEvent) => "/gsma/rsp2/es12/deleteEvent",
            (Interface::Es15, Self::RegisterEvent) => "/gsma/rsp2/es15/registerEvent",
            (Interface::Es15, Self::DeleteEvent) => "/gsma/rsp2/es15/deleteEvent",
        }
    }

    /// Its name as the standard writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RegisterEvent => "RegisterEvent",
            Self::DeleteEvent => "DeleteEvent",
        }
    }

    /// The function with this path, and the interface that the path belongs to.
    pub fn from_path(path: &str) -> Option<(Interface, Self)> {
        let interfaces = [Interface::Es12, Interface::Es15].into_iter();
        let mut all = interfaces.flat_map(|interface| Self::ALL.map(|function| (interface, function)));
        all.find(|(interface, function)| function.path(*interface) == path)
    }
}

impl std::fmt::Display for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// To the SM-DS: something waits for an eUICC (SGP.22 5.9.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisterEventRequest {
    /// Who calls.
    pub header: RequestHeader,
    /// The eUICC that it waits for.
    pub eid: Eid,
    /// Where it waits: the address of the SM-DP+, or of the SM-DS that passes the event on.
    pub rsp_server_address: String,
    /// Names the event at the server that registers it. It is the MatchingID towards that server.
    pub event_id: String,
    /// Whether the SM-DS passes the event on to the root SM-DS.
    pub forwarding_indicator: bool,
}

/// To the SM-DS: nothing waits any more (SGP.22 5.9.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteEventRequest {
    /// Who calls.
    pub header: RequestHeader,
    /// The eUICC of the event.
    pub eid: Eid,
    /// The event, as it was registered.
    pub event_id: String,
}
