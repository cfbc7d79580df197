//! The JSON objects of lpac's `stdio` APDU driver, one a line.
//!
//! ```text
//! {"type":"apdu","payload":{"func":"transmit","param":"81e2910006bf3e035c015a"}}
//! {"type":"apdu","payload":{"ecode":0,"data":"6115"}}
//! ```

use serde::{Deserialize, Serialize};

/// The longest line that is read, in bytes: `lpa` objects carry whole profile lists with icons.
pub(crate) const MAX_LINE: usize = 1 << 20;

/// The outer object, with the payload left as it is.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Envelope<P> {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) payload: P,
}

impl<P> Envelope<P> {
    pub(crate) fn apdu(payload: P) -> Self {
        Self { kind: "apdu".into(), payload }
    }
}

/// What a terminal asks.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) func: String,
    #[serde(default)]
    pub(crate) param: Option<String>,
}

/// What the card's side answers.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Answer {
    /// 0, or the channel number; negative when the request failed.
    pub(crate) ecode: i64,
    /// The card's answer, hexadecimal, status word included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) data: Option<String>,
    /// Why `ecode` is negative. Not part of lpac's protocol, which skips unknown members.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}

impl Answer {
    pub(crate) fn code(ecode: i64) -> Self {
        Self { ecode, data: None, error: None }
    }

    pub(crate) fn data(bytes: &[u8]) -> Self {
        Self { ecode: 0, data: Some(hex::encode(bytes)), error: None }
    }

    pub(crate) fn failed(reason: impl Into<String>) -> Self {
        Self { ecode: -1, data: None, error: Some(reason.into()) }
    }
}
