//! Known answers for BSP keys, SCP03t segments and whole packages, and what does not open.

mod known_answers;
mod packages;
mod tampering;

use rsp_testkit::standards_json;
use serde_json::Value;

pub(crate) fn vectors() -> Option<Value> {
    standards_json("vectors/bsp-scp03t.json")
}

pub(crate) fn hex(text: &Value) -> Vec<u8> {
    hex::decode(text.as_str().unwrap()).unwrap()
}

pub(crate) fn block(text: &Value) -> [u8; 16] {
    hex(text).try_into().unwrap()
}
