//! Our SM-DP+ and SM-DSs under lpac: every answer to the recorded requests of ES9+ and ES11, and of the servers to each other
//! on ES12 and ES15. The databases are made anew from the recorded orders.

mod made;

use std::collections::VecDeque;

use axum::http::StatusCode;
use rsp_asn1::Timestamp;
use serde_json::Value;

use super::{Draws, LPAC, LPAC_PCSC, LPAC_RELEASED, flip, read};
use made::Server;

/// A process of the recording.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Process {
    /// SM-DP+ and alternative SM-DS.
    Server,
    /// The root SM-DS.
    Root,
}

impl Process {
    const BOTH: [Self; 2] = [Self::Server, Self::Root];

    fn directory(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Root => "root",
        }
    }
}

/// One request and its answer.
#[derive(Clone)]
struct Exchange {
    /// As in the transcript: none is ES9+.
    interface: Option<String>,
    path: String,
    request: Vec<u8>,
    status: u16,
    response: Vec<u8>,
}

impl Exchange {
    /// Whether another server asked, and not an LPA.
    fn is_between_servers(&self) -> bool {
        self.interface.as_deref() == Some("es12")
    }

    /// Changes one byte that means something: servers identify their calls as they like, but not the eUICC.
    fn change_request(&mut self) {
        const EID: &[u8] = br#""eid":""#;
        match self.request.windows(EID.len()).position(|window| window == EID) {
            Some(position) => flip(&mut self.request[position + EID.len()..][..32]),
            None => flip(&mut self.request),
        }
    }
}

/// A server's part of a transcript.
#[derive(Clone)]
struct ServerRecord {
    transcript: &'static str,
    process: Process,
    exchanges: Vec<Exchange>,
    /// What the clock said, each time that it was asked.
    times: VecDeque<Timestamp>,
    draws: Draws,
}

impl ServerRecord {
    fn of(transcript: &'static str, process: Process) -> Self {
        let (mut exchanges, mut times, mut draws) = (Vec::<Exchange>::new(), VecDeque::new(), VecDeque::new());
        for line in read(transcript, &format!("{}/transcript.jsonl", process.directory())).lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            let text = |member: &str| line[member].as_str().map(str::to_owned);
            if let (Some(path), Some(request)) = (text("path"), text("request")) {
                let interface = text("interface");
                exchanges.push(Exchange { interface, path, request: request.into(), status: 0, response: Vec::new() });
            } else if let (Some(response), Some(exchange)) = (text("response"), exchanges.last_mut()) {
                exchange.response = response.into();
                exchange.status = line["status"].as_u64().unwrap().try_into().unwrap();
            } else if let Some(draw) = text("draw") {
                draws.push_back(hex::decode(draw).unwrap());
            } else if let Some(now) = line["now"].as_i64() {
                times.push_back(Timestamp(now));
            }
        }
        Self { transcript, process, exchanges, times, draws: Draws(draws) }
    }

    /// Plays those who asked.
    ///
    /// # Errors
    /// The number of the first request, from 1, whose answer is not the recorded one; a number past the last when in the
    /// end the database says something else, or other servers were told something else.
    async fn replay(&self) -> Result<usize, usize> {
        let server = Server::new(self).await;
        for (index, exchange) in self.exchanges.iter().enumerate() {
            let (status, response) = server.post(exchange).await;
            if (status, &response) != (exchange.status, &exchange.response) {
                return Err(index + 1);
            }
        }
        let (told, expected) = (server.told().await, self.told());
        let outcome: Value = match self.process {
            Process::Server => serde_json::from_str(&read(self.transcript, "server/outcome.json")).unwrap(),
            Process::Root => Value::Array(Vec::new()),
        };
        if told == expected && server.outcome(&outcome).await == outcome {
            Ok(self.exchanges.len())
        } else {
            Err(self.exchanges.len() + 1)
        }
    }

    /// The numbers of the requests that did something. A refusal may well be the same for another request.
    fn effective(&self) -> impl Iterator<Item = usize> {
        let is_success = |exchange: &Exchange| {
            exchange.status == StatusCode::NO_CONTENT
                || String::from_utf8_lossy(&exchange.response).contains("Executed-Success")
        };
        (0..self.exchanges.len()).filter(move |index| is_success(&self.exchanges[*index]))
    }

    /// What this process told other servers, as these recorded it; sorted.
    fn told(&self) -> Vec<(String, String)> {
        if self.process == Process::Root {
            return Vec::new();
        }
        let heard = Process::BOTH.map(|process| Self::of(self.transcript, process).exchanges).into_iter().flatten();
        let heard = heard.filter(Exchange::is_between_servers);
        let mut heard: Vec<_> =
            heard.map(|exchange| (exchange.path, String::from_utf8(exchange.request).unwrap())).collect();
        heard.sort();
        heard
    }

    /// How many requests came to a function.
    fn count(&self, path: &str) -> usize {
        self.exchanges.iter().filter(|exchange| exchange.path == path).count()
    }
}

#[tokio::test]
async fn an_smdp_and_two_smdss_under_lpac_answer_as_recorded() {
    for transcript in [LPAC, LPAC_RELEASED, LPAC_PCSC] {
        for process in Process::BOTH {
            let record = ServerRecord::of(transcript, process);
            let replayed = record.replay().await;
            assert_eq!(replayed, Ok(record.exchanges.len()), "{transcript}, {}", process.directory());
        }
    }
}

#[test]
fn the_recordings_have_every_interface_that_lpac_leads_to() {
    for transcript in [LPAC, LPAC_RELEASED, LPAC_PCSC] {
        let (server, root) =
            (ServerRecord::of(transcript, Process::Server), ServerRecord::of(transcript, Process::Root));
        assert!(server.count("/gsma/rsp2/es9plus/getBoundProfilePackage") >= 8);
        for record in [&server, &root] {
            let es11 = record.exchanges.iter().filter(|exchange| exchange.interface.as_deref() == Some("es11"));
            assert!(es11.count() >= 4);
            for path in ["/gsma/rsp2/es12/registerEvent", "/gsma/rsp2/es12/deleteEvent"] {
                assert_eq!(record.count(path), 1, "{path}");
            }
        }
        for path in ["/gsma/rsp2/es15/registerEvent", "/gsma/rsp2/es15/deleteEvent"] {
            assert_eq!(root.count(path), 1, "{path}");
        }
    }
}

#[tokio::test]
async fn the_replay_sees_one_changed_byte_of_a_response() {
    for process in Process::BOTH {
        let record = ServerRecord::of(LPAC, process);
        let has_body = |index: &usize| !record.exchanges[*index].response.is_empty();
        for index in (0..record.exchanges.len()).filter(has_body).step_by(4) {
            let mut changed = record.clone();
            flip(&mut changed.exchanges[index].response);
            assert_eq!(changed.replay().await, Err(index + 1));
        }
    }
}

#[tokio::test]
async fn the_replay_sees_one_changed_byte_of_a_request() {
    for process in Process::BOTH {
        let record = ServerRecord::of(LPAC, process);
        for index in record.effective().step_by(3) {
            let mut changed = record.clone();
            changed.exchanges[index].change_request();
            assert!(changed.replay().await.is_err(), "{}, request {}", process.directory(), index + 1);
        }
    }
}

#[tokio::test]
async fn the_replay_sees_one_changed_byte_of_a_draw() {
    for process in Process::BOTH {
        let record = ServerRecord::of(LPAC, process);
        for number in (0..record.draws.0.len()).step_by(3) {
            let mut changed = record.clone();
            flip(&mut changed.draws.0[number]);
            assert!(changed.replay().await.is_err(), "{}, draw {number}", process.directory());
        }
    }
}
