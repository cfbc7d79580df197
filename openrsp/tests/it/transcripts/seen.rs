//! What servers see of persons and devices in recorded traffic: docs/privacy.md says it as the recordings do.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rsp_asn1::Iccid;
use serde_json::Value;

use super::{Header, LPAC, LPAC_RELEASED, read};

/// Where and what, and the identifiers in requests and responses.
type Seen = BTreeMap<(String, String), [BTreeSet<&'static str>; 2]>;

/// What identifies something in a recording, in each of its codings.
struct Identifiers(Vec<(&'static str, Vec<u8>)>);

impl Identifiers {
    fn of(transcript: &str) -> Self {
        let (mut all, header) = (Vec::new(), Header::of(transcript));
        let mut add = |what: &'static str, coding: &[u8]| all.push((what, coding.to_vec()));
        let eid = "89049032123451234512345678901235";
        add("EID", eid.as_bytes());
        add("EID", &hex::decode(eid).unwrap());
        let outcome: Value = serde_json::from_str(&read(transcript, "server/outcome.json")).unwrap();
        for order in outcome.as_array().unwrap() {
            let iccid = order["iccid"].as_str().unwrap();
            add("ICCID", iccid.as_bytes());
            add("ICCID", &iccid.parse::<Iccid>().unwrap().0);
        }
        let sales: Value = serde_json::from_str(&read(transcript, "server/sales.json")).unwrap();
        let named = sales.as_array().unwrap().iter().filter_map(|order| order["matching_id"].as_str());
        for id in named.filter(|id| !id.is_empty()) {
            // As JSON, and as an element of the eUICC's: the profiles have the same names.
            add("matching ID", format!("\"{id}\"").as_bytes());
            add("matching ID", &[&[0x80, u8::try_from(id.len()).unwrap()], id.as_bytes()].concat());
        }
        add("second EventID", second_event_id(transcript).as_bytes());
        add("SM-DP+", header.text("address").as_bytes());
        add("alternative SM-DS", header.text("smds").as_bytes());
        // 35290611, as lpac sends it.
        add("TAC", &[0x04, 0x35, 0x29, 0x06, 0x11]);
        Self(all)
    }

    /// What stands in a message, as text or in a member of base64.
    fn found(&self, message: &str) -> BTreeSet<&'static str> {
        let mut places = vec![message.as_bytes().to_vec()];
        if let Ok(json) = serde_json::from_str(message) {
            collect(&json, &mut places);
        }
        let stands = |coding: &[u8]| places.iter().any(|place| place.windows(coding.len()).any(|part| part == coding));
        self.0.iter().filter(|(_, coding)| stands(coding)).map(|(what, _)| *what).collect()
    }
}

/// By which an event is known to the root SM-DS.
fn second_event_id(transcript: &str) -> String {
    let lines = read(transcript, "root/transcript.jsonl");
    let mut lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let registered = lines.find(|line| line["path"] == "/gsma/rsp2/es15/registerEvent").unwrap();
    let request: Value = serde_json::from_str(registered["request"].as_str().unwrap()).unwrap();
    request["eventId"].as_str().unwrap().to_owned()
}

fn collect(json: &Value, places: &mut Vec<Vec<u8>>) {
    match json {
        Value::String(text) => places.extend(STANDARD.decode(text)),
        Value::Array(values) => values.iter().for_each(|value| collect(value, places)),
        Value::Object(members) => members.values().for_each(|value| collect(value, places)),
        _ => {}
    }
}

/// What the servers of a recording saw.
fn seen(transcript: &str) -> Seen {
    let (identifiers, mut seen) = (Identifiers::of(transcript), Seen::new());
    for process in ["server", "root"] {
        let mut last = None;
        for line in read(transcript, &format!("{process}/transcript.jsonl")).lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            if let (Some(path), Some(request)) = (line["path"].as_str(), line["request"].as_str()) {
                let path = path.trim_start_matches("/gsma/rsp2/");
                let (interface, function) = path.split_once('/').unwrap();
                let (party, interface) = match (process, line["interface"].as_str()) {
                    ("root", Some("es11")) => ("root SM-DS", "es11"),
                    ("root", _) => ("root SM-DS", interface),
                    (_, None) => ("SM-DP+", interface),
                    (_, Some("es11")) => ("alternative SM-DS", "es11"),
                    _ => ("alternative SM-DS", interface),
                };
                let key = (party.to_owned(), format!("{interface}/{function}"));
                seen.entry(key.clone()).or_default()[0].extend(identifiers.found(request));
                last = Some(key);
            } else if let (Some(response), Some(key)) = (line["response"].as_str(), &last) {
                seen.get_mut(key).unwrap()[1].extend(identifiers.found(response));
            }
        }
    }
    seen
}

#[test]
fn the_inventory_says_what_servers_see_as_the_recordings_do() {
    let mut all = Seen::new();
    for transcript in [LPAC, LPAC_RELEASED] {
        for (key, [request, response]) in seen(transcript) {
            let entry = all.entry(key).or_default();
            entry[0].extend(request);
            entry[1].extend(response);
        }
    }
    let list = |found: BTreeSet<&str>| match found.is_empty() {
        true => "–".to_owned(),
        false => found.into_iter().collect::<Vec<_>>().join(", "),
    };
    let rows = all.into_iter().map(|((party, function), [request, response])| {
        format!("| {party} | {function} | {} | {} |\n", list(request), list(response))
    });
    let table: String = rows.collect();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/privacy.md");
    let document = std::fs::read_to_string(path).unwrap();
    assert!(document.contains(&table), "docs/privacy.md does not have this table:\n{table}");
}
