//! One run of an unmodified lpac with `LPAC_HTTP=curl`, or with `LPAC_HTTP=stdio` and somebody who plays the server: with `LPAC_APDU=stdio` its lines about APDUs go to the card process, the
//! card's answers back, and everything else is kept for the checks.

use std::io::{BufRead as _, BufReader, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail, ensure};
use rsp_asn1::{AuthenticateServerRequest, CtxParams1};
use serde_json::{Value, json};

use crate::card::Card;

/// The tag of ES10b.AuthenticateServer (SGP.22 5.7.13).
const AUTHENTICATE_SERVER: [u8; 2] = [0xBF, 0x38];

/// Whoever answers its HTTP requests: URL and body, and the body of the answer.
pub(crate) type Server<'s> = &'s mut dyn FnMut(&str, &[u8]) -> Vec<u8>;

/// The program.
pub(crate) struct Lpac {
    program: PathBuf,
    libraries: Option<PathBuf>,
}

/// How a run ended.
#[derive(Default)]
pub(crate) struct Outcome {
    /// `code` of the last `lpa` object: 0 is success.
    pub(crate) code: i64,
    /// Its message.
    pub(crate) message: String,
    /// Its data.
    pub(crate) data: Value,
    /// The messages of the `progress` objects, in order.
    pub(crate) progress: Vec<String>,
    /// The address that it names when it calls the SM-DP+.
    pub(crate) address: String,
    /// The data of the commands that the card answered, one behind the other; over PC/SC nobody sees them.
    commands: Vec<u8>,
    /// Commands that the card answered; over PC/SC nobody counts them.
    apdus: usize,
    /// The bodies of the HTTP responses that have one, as lpac received them.
    pub(crate) responses: Vec<Value>,
}

impl Lpac {
    /// An installed lpac. Its libraries are looked for beside it, as `make install` puts them.
    pub(crate) fn new(program: &Path) -> anyhow::Result<Self> {
        ensure!(program.is_file(), "{}: not there", program.display());
        let libraries = program.parent().map(|bin| bin.join("../lib")).filter(|lib| lib.is_dir());
        Ok(Self { program: program.to_owned(), libraries })
    }

    /// Runs it with a card. `answer` is what the user types when asked about a profile.
    pub(crate) fn run(&self, card: &mut Card, arguments: &[&str], answer: char) -> anyhow::Result<Outcome> {
        self.run_with(card, arguments, answer, None)
    }

    /// The same with a server in this process, if one is given, instead of the network.
    pub(crate) fn run_with(
        &self,
        card: &mut Card,
        arguments: &[&str],
        answer: char,
        mut server: Option<Server<'_>>,
    ) -> anyhow::Result<Outcome> {
        // A file takes whatever comes, while nobody reads it.
        let mut log = tempfile::tempfile().context("a temporary file")?;
        let mut command = self.command(arguments);
        card.lead(&mut command);
        if server.is_some() {
            command.env("LPAC_HTTP", "stdio");
        }
        command.stderr(log.try_clone()?);
        let mut child = command.spawn().with_context(|| self.program.display().to_string())?;
        let mut input = child.stdin.take().context("a process without input")?;
        let output = BufReader::new(child.stdout.take().context("a process without output")?);
        let mut outcome = Outcome { code: -1, ..Outcome::default() };
        for line in output.lines() {
            let line = line.context("reading from lpac")?;
            let object: Value = serde_json::from_str(&line).with_context(|| format!("lpac printed {line:?}"))?;
            let payload = &object["payload"];
            match object["type"].as_str() {
                Some("apdu") => {
                    if payload["func"] == "transmit" {
                        outcome.apdus += 1;
                        let command = hex::decode(payload["param"].as_str().unwrap_or_default()).unwrap_or_default();
                        // CLA, INS, P1, P2, Lc.
                        outcome.commands.extend(command.iter().skip(5));
                    }
                    let answer = card.exchange(&line)?;
                    // An lpac that has ended says why in its last lines.
                    let _ = writeln!(input, "{answer}");
                }
                Some("http") => {
                    let server = server.as_mut().with_context(|| format!("lpac wants its HTTP carried: {line}"))?;
                    let body = hex::decode(payload["tx"].as_str().unwrap_or_default()).context("lpac's HTTP")?;
                    let answer = server(payload["url"].as_str().unwrap_or_default(), &body);
                    let answer = json!({ "type": "http", "payload": { "rcode": 200, "rx": hex::encode(answer) } });
                    let _ = writeln!(input, "{answer}");
                }
                Some("progress") => {
                    let message = payload["message"].as_str().unwrap_or_default();
                    outcome.progress.push(message.to_owned());
                    if message == "es9p_initiate_authentication" {
                        outcome.address = payload["data"].as_str().unwrap_or_default().to_owned();
                    }
                    if message == "preview" {
                        // No line end: lpac reads one character here, and the rest with the card's next answer.
                        let _ = write!(input, "{answer}");
                    }
                }
                Some("lpa") => {
                    outcome.code = payload["code"].as_i64().unwrap_or(-1);
                    outcome.message = payload["message"].as_str().unwrap_or_default().to_owned();
                    outcome.data = payload["data"].clone();
                }
                _ => bail!("lpac printed {line}"),
            }
        }
        let status = child.wait().context("lpac")?;
        let mut text = Vec::new();
        log.rewind().and_then(|()| log.read_to_end(&mut text)).context("what lpac logged")?;
        // Release 2.2.1 logs what stands behind an answer as well, whatever that is.
        outcome.responses = String::from_utf8_lossy(&text).lines().filter_map(response).collect();
        ensure!(status.code().is_some(), "lpac was ended by a signal: {status}");
        ensure!(
            status.success() == (outcome.code == 0),
            "lpac said {} ({}) and ended with {status}",
            outcome.code,
            outcome.message
        );
        Ok(outcome)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        command.env("LPAC_HTTP", "curl");
        // It logs every response then. The second name is that of releases before 2.3.
        command.env("LPAC_HTTP_DEBUG", "1").env("LIBEUICC_DEBUG_HTTP", "1");
        // Its HTTP library would take them to a proxy, but the server is on this machine.
        for proxy in ["http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
            command.env_remove(proxy);
        }
        if let Some(libraries) = &self.libraries {
            command.env("LD_LIBRARY_PATH", libraries);
        }
        command
    }
}

impl Outcome {
    /// The data of a run that must have succeeded.
    pub(crate) fn ok(self) -> anyhow::Result<Value> {
        ensure!(self.code == 0, "lpac says {}: {} {}", self.code, self.message, self.data);
        Ok(self.data)
    }

    /// The matching ID that the card was given with ES10b.AuthenticateServer; empty as well if the device named none. `None`
    /// without that command.
    pub(crate) fn matching_id(&self) -> anyhow::Result<Option<String>> {
        let Some(begin) = self.commands.windows(2).position(|tag| tag == AUTHENTICATE_SERVER) else { return Ok(None) };
        let object = &self.commands[begin..];
        let (header, length) = match *object.get(2..5).context("lpac's AuthenticateServer ends early")? {
            [0x82, high, low] => (5, usize::from(high) << 8 | usize::from(low)),
            [0x81, length, _] => (4, usize::from(length)),
            [length, _, _] => (3, usize::from(length)),
            _ => bail!("lpac's AuthenticateServer ends early"),
        };
        let object = object.get(..header + length).context("lpac's AuthenticateServer ends early")?;
        let request: AuthenticateServerRequest = rsp_asn1::decode(object).context("lpac's AuthenticateServer")?;
        let CtxParams1::CommonAuthentication(context) = request.ctx_params1;
        Ok(Some(context.matching_id.map(|id| id.to_string()).unwrap_or_default()))
    }

    /// Whether these bytes are in what the card was sent.
    pub(crate) fn sent(&self, bytes: &[u8]) -> bool {
        self.commands.windows(bytes.len()).any(|window| window == bytes)
    }

    /// How many APDUs there were, to be added to what is said; nothing over PC/SC.
    pub(crate) fn counted(&self) -> String {
        match self.apdus {
            0 => String::new(),
            apdus => format!(", {apdus} APDUs"),
        }
    }

    /// Subject and reason of the first refusal, as `8.2.6/3.8`. What follows is lpac's own cancelling.
    pub(crate) fn refusal(&self) -> Option<String> {
        let status = |response: &Value| {
            let data = &response["header"]["functionExecutionStatus"]["statusCodeData"];
            Some(format!("{}/{}", data["subjectCode"].as_str()?, data["reasonCode"].as_str()?))
        };
        self.responses.iter().find_map(status)
    }
}

/// The JSON object in a line of the log that has a response: `[DEBUG] [HTTP] [RX] RCode: 200, Data: {…}`.
fn response(line: &str) -> Option<Value> {
    let rest = line.split_once("[HTTP] [RX]")?.1;
    let object = &rest[rest.find('{')?..];
    serde_json::Deserializer::from_str(object).into_iter().next()?.ok()
}
