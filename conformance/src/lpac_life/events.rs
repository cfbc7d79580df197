//! What waits for an eUICC without an activation code: at an SM-DS, at another one to which a root SM-DS leads, and at the
//! default SM-DP+.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use super::Life;
use crate::bed::{Place, Sale};

/// Events travel behind the answers of those who make them: how long they are waited for, and the pause between questions.
const PATIENCE: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(500);

/// An event as an SM-DS tells of it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Event {
    address: String,
    id: String,
}

impl Life<'_> {
    /// An event at the root SM-DS leads to the SM-DP+, another to the alternative SM-DS and from there to the SM-DP+.
    pub(super) fn events(&mut self) -> anyhow::Result<()> {
        let (smdp, alternative) = (self.bed.address(), self.bed.smds(Place::Alternative));
        let events = self.discovers(Place::Root, &[&smdp, &alternative])?;
        let leading_to = |address: &str, events: &[Event]| {
            let event = events.iter().find(|event| event.address == address);
            event.cloned().with_context(|| format!("no event leads to {address}"))
        };
        self.take(&leading_to(&smdp, &events)?, "EVENT")?;
        self.discovers(Place::Root, &[&alternative])?;
        // lpac cannot say which event led it there, so it is told of all.
        let events = self.discovers(Place::Alternative, &[&smdp])?;
        self.take(&leading_to(&smdp, &events)?, "CASCADED")
    }

    /// The eUICC knows its SM-DP+, and that its order by the EID.
    pub(super) fn default_smdp(&mut self) -> anyhow::Result<()> {
        // Purging took the address away as well.
        let address = self.bed.address();
        self.must("chip defaultsmdp", &["chip", "defaultsmdp", &address], |_| Ok(address.clone()))?;
        self.downloads("profile download, from the default SM-DP+", &["profile", "download"], "DEFAULT")?;
        self.refused("profile download, once more", &["profile", "download"], "8.1.1/3.8")?;
        self.server_says("DEFAULT", "Installed")
    }

    /// After the installations no SM-DS has anything more.
    pub(super) fn no_events(&mut self) -> anyhow::Result<()> {
        self.discovers(Place::Root, &[])?;
        self.discovers(Place::Alternative, &[]).map(drop)
    }

    /// The profile that an event promises.
    fn take(&mut self, event: &Event, sale: &str) -> anyhow::Result<()> {
        let arguments = ["profile", "download", "-s", &event.address, "-m", &event.id];
        self.downloads(&format!("profile download, event {}", event.id), &arguments, sale)
    }

    /// A download, and its notifications.
    pub(super) fn downloads(&mut self, name: &str, arguments: &[&str], sale: &str) -> anyhow::Result<()> {
        let Sale { iccid, .. } = self.bed.sale(sale)?;
        let iccid = iccid.clone();
        self.must(name, arguments, |_| Ok(iccid.clone()))?;
        self.server_says(sale, "Downloaded")?;
        self.must("notification process, all", &["notification", "process", "-a", "-r"], |_| Ok("sent".to_owned()))?;
        self.server_says(sale, "Installed")?;
        self.must("profile list", &["profile", "list"], |data| {
            let mut listed = data.as_array().into_iter().flatten();
            ensure!(listed.any(|profile| profile["iccid"] == iccid.as_str()), "{iccid} is not in {data}");
            Ok(iccid.clone())
        })
        .map(drop)
    }

    /// Asks an SM-DS until it tells of events at exactly these addresses. lpac says their addresses only; the EventIDs are
    /// in the response that it received.
    fn discovers(&mut self, place: Place, expected: &[&str]) -> anyhow::Result<Vec<Event>> {
        let smds = self.bed.smds(place);
        let mut expected: Vec<_> = expected.iter().map(|address| (*address).to_owned()).collect();
        expected.sort();
        let Self { lpac, card, report, .. } = self;
        report.step(&format!("profile discovery, {place}"), || {
            let begun = Instant::now();
            loop {
                let outcome = lpac.run(card, &["profile", "discovery", "-s", &smds], ' ')?;
                let events = received(&outcome.responses);
                let apdus = outcome.counted();
                let data = outcome.ok()?;
                let said: Option<Vec<_>> =
                    data.as_array().map(|said| said.iter().filter_map(|one| one.as_str()).collect());
                let addresses: Vec<_> = events.iter().map(|event| event.address.as_str()).collect();
                ensure!(said.as_ref() == Some(&addresses), "lpac says {data} of {addresses:?}");
                let mut sorted = addresses.clone();
                sorted.sort_unstable();
                if sorted == expected {
                    let seen = format!("{addresses:?}{apdus}");
                    return Ok((events, seen));
                }
                let waited = begun.elapsed();
                ensure!(waited < PATIENCE, "{addresses:?} instead of {expected:?} after {} s", waited.as_secs());
                std::thread::sleep(PAUSE);
            }
        })
    }
}

/// The events in what came from an SM-DS.
fn received(responses: &[serde_json::Value]) -> Vec<Event> {
    let entries = responses.iter().filter_map(|response| response["eventEntries"].as_array()).flatten();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    entries.map(|entry| Event { address: text(&entry["rspServerAddress"]), id: text(&entry["eventId"]) }).collect()
}
