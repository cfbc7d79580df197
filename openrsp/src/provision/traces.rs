//! What a command leaves that is killed while it orders: a small file for each order that is under way, in the user's data
//! directory. It goes when the code is printed, or when nothing was sold.
//!
//! Nothing is given up of itself: a command that was killed after it had printed a code must not cost its user the eSIM.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;

use async_trait::async_trait;
use rsp_asn1::Iccid;
use rsp_es::printable::printable;
use rsp_operator::provisioning::{Supplier, Traces, Untraced};
use serde_json::{Value, json};

use super::own;
use crate::system::{create_private, create_private_dir, now};

/// Longest text of a trace that is shown, in characters.
const SHOWN: usize = 64;

/// The traces of one command.
pub(super) struct Files {
    /// Where they lie; nowhere without a home.
    dir: Option<PathBuf>,
    /// Those of orders that are under way, each locked: other commands see that somebody is at it.
    open: HashMap<String, (PathBuf, File)>,
}

impl Files {
    /// The user's place for traces.
    pub(super) fn new() -> Self {
        let dir = own::data_home().ok().map(|home| home.join("orders"));
        let dir = dir.filter(|dir| create_private_dir(dir).is_ok());
        if dir.is_none() {
            eprintln!("note: without a home nothing is kept of this order if the command is killed");
        }
        Self { dir, open: HashMap::new() }
    }

    /// Says which orders earlier commands did not end.
    pub(super) fn report(&self) {
        let Some(entries) = self.dir.as_ref().and_then(|dir| dir.read_dir().ok()) else { return };
        for path in entries.flatten().map(|entry| entry.path()) {
            let Ok(mut file) = File::open(&path) else { continue };
            let mut text = String::new();
            if file.try_lock().is_err() || file.read_to_string(&mut text).is_err() {
                continue;
            }
            let lines: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
            let said = |name: &str| {
                let found = lines.iter().find_map(|line| line[name].as_str());
                printable(found.unwrap_or("unknown"), SHOWN)
            };
            let what = match lines.iter().any(|line| line["iccid"].is_string()) {
                true => format!("may have bought {}", said("iccid")),
                false => "may have reserved a profile".to_owned(),
            };
            eprintln!(
                "warning: a command that was stopped at {} {what} at {} (functionCallIdentifier {}…); if you do not have its code, \
                 cancel it there, and then delete {}",
                said("at"),
                said("supplier"),
                said("call"),
                path.display()
            );
        }
    }

    /// The code of an order is printed, or nothing was sold.
    pub(super) fn end(&mut self, call_id: &str) {
        if let Some((path, _)) = self.open.remove(call_id)
            && let Err(error) = std::fs::remove_file(&path)
        {
            eprintln!("warning: {}: {error}", path.display());
        }
    }

    fn write(&mut self, call_id: &str, line: &Value) -> Result<(), Untraced> {
        let Some((path, file)) = self.open.get_mut(call_id) else { return Ok(()) };
        let written = writeln!(file, "{line}").and_then(|()| file.sync_all());
        written.map_err(|error| {
            eprintln!("error: {}: {error}", path.display());
            Untraced
        })
    }
}

#[async_trait]
impl Traces for Files {
    async fn begin(&mut self, supplier: &Supplier, call_id: &str) -> Result<(), Untraced> {
        let Some(dir) = &self.dir else { return Ok(()) };
        let path = dir.join(call_id);
        let made = create_private(&path).and_then(|file| {
            file.lock()?;
            Ok(file)
        });
        let file = made.map_err(|error| {
            eprintln!("error: {}: {error:#}", path.display());
            Untraced
        })?;
        self.open.insert(call_id.to_owned(), (path, file));
        let line = json!({ "at": now().to_string(), "supplier": supplier.name, "call": call_id });
        self.write(call_id, &line)
    }

    async fn confirm(&mut self, call_id: &str, iccid: &Iccid) -> Result<(), Untraced> {
        self.write(call_id, &json!({ "iccid": iccid.to_string() }))
    }

    async fn unsold(&mut self, call_id: &str) {
        self.end(call_id);
    }

    async fn left(&mut self, _: &str) {}
}
