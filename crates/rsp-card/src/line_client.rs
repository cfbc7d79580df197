//! A card that another program offers, line by line.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use rsp_apdu::{CardAccess, CardError, Response, exchange};

use crate::line_message::{Answer, Envelope, MAX_LINE, Request};
use crate::lines::{Line, read_line};

/// How long a card may take for one answer, unless another time is given: a real one may need some tens of seconds to
/// install a profile element, or to make keys.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(120);
/// The most that a program may take to say good-bye, and to end once its input is closed.
const EXIT_TIMEOUT: Duration = Duration::from_secs(3);
/// How often a program that has closed its output is asked whether it has ended.
const EXIT_POLL: Duration = Duration::from_millis(5);
/// The longest text of the other side that an error repeats, in characters.
const MAX_EXCERPT: usize = 200;

/// A terminal over lpac's line protocol. The card is powered on with the connection and left when the value is dropped.
pub struct LineClient {
    /// What the other side writes, read by a thread of its own, for not every stream can be read with a time limit.
    answers: Receiver<io::Result<Line>>,
    /// `None` when nothing more may be sent.
    output: Option<Box<dyn Write + Send>>,
    peer: Peer,
    /// What errors call the other side.
    name: String,
    timeout: Duration,
}

/// Who is at the other end of the streams.
enum Peer {
    Unknown,
    Program(Child),
    Socket(TcpStream),
}

impl LineClient {
    /// Connects over two streams of any kind.
    ///
    /// # Errors
    /// [`CardError::Backend`] when the other side refuses `connect`; [`CardError::Link`] or [`CardError::Protocol`] for
    /// what broke on the way, also when no answer comes within [`ANSWER_TIMEOUT`].
    pub fn new(input: impl BufRead + Send + 'static, output: impl Write + Send + 'static) -> Result<Self, CardError> {
        Self::connected(input, output, Peer::Unknown, "the card".into(), ANSWER_TIMEOUT)
    }

    /// Starts `command` with the system's shell and talks to its standard input and output.
    ///
    /// # Errors
    /// [`CardError::Link`] when it cannot be started, or ends instead of answering: the error says which program and
    /// with which exit status; as [`LineClient::new`].
    pub fn spawn(command: &str) -> Result<Self, CardError> {
        Self::spawn_with_timeout(command, ANSWER_TIMEOUT)
    }

    /// As [`LineClient::spawn`], with the longest time that an answer may take.
    ///
    /// # Errors
    /// As [`LineClient::spawn`].
    pub fn spawn_with_timeout(command: &str, timeout: Duration) -> Result<Self, CardError> {
        let name = format!("the card's program {command:?}");
        let link = |source| CardError::Link { what: format!("starting {name}"), source };
        let mut child = Command::new("sh")
            .arg("-c")
            .arg(command)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(link)?;
        let no_pipe = || link(io::Error::other("no pipe to it"));
        let input = child.stdout.take().ok_or_else(no_pipe)?;
        let output = child.stdin.take().ok_or_else(no_pipe)?;
        Self::connected(BufReader::new(input), output, Peer::Program(child), name.clone(), timeout)
    }

    /// Connects to a card served on a socket.
    ///
    /// # Errors
    /// [`CardError::Link`] when nobody listens there; as [`LineClient::new`].
    pub fn tcp(address: impl ToSocketAddrs + std::fmt::Display) -> Result<Self, CardError> {
        Self::tcp_with_timeout(address, ANSWER_TIMEOUT)
    }

    /// As [`LineClient::tcp`], with the longest time that the connection and each answer may take.
    ///
    /// # Errors
    /// As [`LineClient::tcp`].
    pub fn tcp_with_timeout(
        address: impl ToSocketAddrs + std::fmt::Display,
        timeout: Duration,
    ) -> Result<Self, CardError> {
        let name = format!("the card at {address}");
        let link = |source| CardError::Link { what: format!("connecting to {name}"), source };
        let stream = connect(&address, timeout).map_err(link)?;
        stream.set_nodelay(true).map_err(link)?;
        stream.set_write_timeout(Some(timeout)).map_err(link)?;
        let input = BufReader::new(stream.try_clone().map_err(link)?);
        let output = stream.try_clone().map_err(link)?;
        Self::connected(input, output, Peer::Socket(stream), name.clone(), timeout)
    }

    fn connected(
        input: impl BufRead + Send + 'static,
        output: impl Write + Send + 'static,
        peer: Peer,
        name: String,
        timeout: Duration,
    ) -> Result<Self, CardError> {
        let link = |source| CardError::Link { what: format!("starting to read from {name}"), source };
        let answers = reader(input).map_err(link)?;
        let mut client = Self { answers, output: Some(Box::new(output)), peer, name, timeout };
        client.call("connect", None)?;
        Ok(client)
    }

    /// One request, one answer; a negative code is an error. After a broken link nothing more is sent: a late answer
    /// would be taken for that of another request.
    fn call(&mut self, func: &'static str, param: Option<&[u8]>) -> Result<Answer, CardError> {
        let answer = self.try_call(func, param);
        if matches!(answer, Err(CardError::Link { .. } | CardError::Protocol(_))) {
            self.output = None;
        }
        answer
    }

    fn try_call(&mut self, func: &'static str, param: Option<&[u8]>) -> Result<Answer, CardError> {
        let what = format!("{func}, asked of {}", self.name);
        let link = |source| CardError::Link { what: what.clone(), source };
        let request = Request { func: func.into(), param: param.map(hex::encode) };
        let mut text =
            serde_json::to_vec(&Envelope::apdu(request)).map_err(|error| CardError::Protocol(error.to_string()))?;
        text.push(b'\n');
        let output = self.output.as_mut().ok_or_else(|| link(io::ErrorKind::NotConnected.into()))?;
        match output.write_all(&text).and_then(|()| output.flush()) {
            // Whoever no longer listens may have said why.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            written => written.map_err(link)?,
        }
        let line = match self.next_line().map_err(link)? {
            Line::TooLong => return Err(CardError::Protocol(format!("a line of more than {MAX_LINE} bytes"))),
            Line::Text(line) => line,
        };
        let answer: Envelope<Option<Answer>> = serde_json::from_slice(&line).map_err(|error| {
            let line = excerpt(&String::from_utf8_lossy(&line));
            CardError::Protocol(format!("{} in {line}", excerpt(&error.to_string())))
        })?;
        let payload = match (answer.kind.as_str(), answer.payload) {
            ("apdu", Some(payload)) => payload,
            (kind, _) => return Err(CardError::Protocol(format!("an answer of the type {}", excerpt(kind)))),
        };
        match payload.ecode {
            0.. => Ok(payload),
            _ => Err(CardError::Backend { what: func, reason: payload.error.as_deref().map(excerpt) }),
        }
    }

    fn next_line(&mut self) -> io::Result<Line> {
        match self.answers.recv_timeout(self.timeout) {
            Ok(line) => line,
            Err(RecvTimeoutError::Disconnected) => Err(io::Error::new(io::ErrorKind::UnexpectedEof, self.ending())),
            Err(RecvTimeoutError::Timeout) => {
                let reason = format!("no answer within {} s", self.timeout.as_secs_f64());
                Err(io::Error::new(io::ErrorKind::TimedOut, reason))
            }
        }
    }

    fn raw(&mut self, apdu: &[u8]) -> Result<Vec<u8>, CardError> {
        let answer = self.call("transmit", Some(apdu))?;
        let data = answer.data.ok_or_else(|| CardError::Protocol("transmit answered without data".into()))?;
        hex::decode(data).map_err(|error| CardError::Protocol(format!("the answer's data: {error}")))
    }

    /// Why nothing more comes from the other side, which has closed its output.
    fn ending(&mut self) -> String {
        // A program that still reads learns so that nothing more comes.
        self.output = None;
        let limit = self.timeout.min(EXIT_TIMEOUT);
        match &mut self.peer {
            Peer::Unknown => "it sends nothing more".into(),
            Peer::Socket(_) => "it closed the connection".into(),
            Peer::Program(child) => match exit_status(child, limit) {
                Ok(Some(status)) => format!("it ended without an answer, {status}{}", shell_remark(status)),
                Ok(None) => "it closed its output without an answer".into(),
                Err(error) => format!("it ended without an answer, its exit status is unknown: {error}"),
            },
        }
    }

    /// Waits until the program has closed its output, which every program does when it ends.
    fn wait_for_end(&self, limit: Duration) {
        let deadline = Instant::now() + limit;
        while let Some(remaining) = deadline.checked_duration_since(Instant::now()) {
            // What it still writes interests nobody.
            if self.answers.recv_timeout(remaining).is_err() {
                return;
            }
        }
    }
}

/// How the program ended, or nothing if it has not within the limit. The system has no waiting with a limit.
fn exit_status(child: &mut Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    let deadline = Instant::now() + limit;
    loop {
        match child.try_wait()? {
            None if Instant::now() < deadline => std::thread::sleep(EXIT_POLL),
            status => return Ok(status),
        }
    }
}

/// What the shell means by the exit statuses that it has of its own (POSIX, Shell Command Language 2.8.2).
fn shell_remark(status: ExitStatus) -> &'static str {
    match status.code() {
        Some(126) => ": the shell cannot execute it",
        Some(127) => ": the shell does not find it",
        _ => "",
    }
}

/// The first address that accepts.
fn connect(address: &impl ToSocketAddrs, timeout: Duration) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, timeout) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Reads lines until the input ends or breaks, or nobody wants them any more. The channel is short, so that the other side
/// cannot fill the memory with answers that nobody asked for.
fn reader(mut input: impl BufRead + Send + 'static) -> io::Result<Receiver<io::Result<Line>>> {
    let (lines, answers) = sync_channel(1);
    std::thread::Builder::new().name("card reader".into()).spawn(move || {
        while let Some(line) = read_line(&mut input, MAX_LINE).transpose() {
            let broken = line.is_err();
            if lines.send(line).is_err() || broken {
                return;
            }
        }
    })?;
    Ok(answers)
}

/// The beginning of a foreign text, with everything escaped that a terminal would not print.
fn excerpt(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .take(MAX_EXCERPT)
        .flat_map(|c| match c {
            '"' | '\'' => vec![c],
            _ => c.escape_debug().collect(),
        })
        .collect();
    if text.chars().nth(MAX_EXCERPT).is_some() {
        shown.push('…');
    }
    shown
}

impl CardAccess for LineClient {
    fn open_channel(&mut self, aid: &[u8]) -> Result<u8, CardError> {
        let answer = self.call("logic_channel_open", Some(aid))?;
        u8::try_from(answer.ecode).map_err(|_| CardError::Protocol(format!("channel {} does not exist", answer.ecode)))
    }

    fn transmit(&mut self, apdu: &[u8]) -> Result<Response, CardError> {
        exchange(|apdu| self.raw(apdu), apdu)
    }

    fn close_channel(&mut self, channel: u8) -> Result<(), CardError> {
        self.call("logic_channel_close", Some(&[channel])).map(drop)
    }
}

impl Drop for LineClient {
    fn drop(&mut self) {
        let limit = self.timeout.min(EXIT_TIMEOUT);
        self.timeout = limit;
        // The other side may be gone already; there is nobody left to tell.
        let _ = self.call("disconnect", None);
        // Closes the input of a program, which is how it learns that it may end.
        self.output = None;
        if matches!(self.peer, Peer::Program(_)) {
            self.wait_for_end(limit);
        }
        match &mut self.peer {
            Peer::Unknown => {}
            Peer::Program(child) => {
                // Does nothing to a program that has ended.
                let _ = child.kill();
                let _ = child.wait();
            }
            // The reading thread has the socket, too.
            Peer::Socket(stream) => drop(stream.shutdown(Shutdown::Both)),
        }
    }
}
