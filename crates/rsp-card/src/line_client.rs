//! A card that another program offers, line by line.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rsp_apdu::{CardAccess, CardError, Response, exchange};

use crate::line_message::{Answer, Envelope, MAX_LINE, Request};
use crate::lines::{Line, read_line};

/// How long a card on a socket may take for one answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(120);
/// How long a spawned program may take to end once its input is closed.
const EXIT_TIMEOUT: Duration = Duration::from_secs(3);

/// A terminal over lpac's line protocol. The card is powered on with the connection and left when the value is dropped.
pub struct LineClient {
    input: Box<dyn BufRead + Send>,
    /// Dropped before the child is waited for, so that it sees the end of its input.
    output: Option<Box<dyn Write + Send>>,
    child: Option<Child>,
}

impl LineClient {
    /// Connects over two streams of any kind.
    ///
    /// # Errors
    /// [`CardError::Backend`] when the other side refuses `connect`; what broke on the way.
    pub fn new(input: impl BufRead + Send + 'static, output: impl Write + Send + 'static) -> Result<Self, CardError> {
        Self::connected(Self { input: Box::new(input), output: Some(Box::new(output)), child: None })
    }

    /// Starts `command` with the system's shell and talks to its standard input and output.
    ///
    /// # Errors
    /// [`CardError::Link`] when it cannot be started; as [`LineClient::new`].
    pub fn spawn(command: &str) -> Result<Self, CardError> {
        let link = |source| CardError::Link { what: format!("starting the card's program {command:?}"), source };
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
        Self::connected(Self {
            input: Box::new(BufReader::new(input)),
            output: Some(Box::new(output)),
            child: Some(child),
        })
    }

    /// Connects to a card served on a socket.
    ///
    /// # Errors
    /// [`CardError::Link`] when nobody listens there; as [`LineClient::new`].
    pub fn tcp(address: impl ToSocketAddrs + std::fmt::Display) -> Result<Self, CardError> {
        let what = format!("connecting to the card at {address}");
        let link = |source| CardError::Link { what: what.clone(), source };
        let stream = TcpStream::connect(&address).map_err(link)?;
        stream.set_nodelay(true).map_err(link)?;
        stream.set_read_timeout(Some(ANSWER_TIMEOUT)).map_err(link)?;
        let input = BufReader::new(stream.try_clone().map_err(link)?);
        Self::new(input, stream)
    }

    fn connected(mut client: Self) -> Result<Self, CardError> {
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
        let link = |source| CardError::Link { what: format!("{func} over the line to the card"), source };
        let request = Request { func: func.into(), param: param.map(hex::encode) };
        let mut text =
            serde_json::to_vec(&Envelope::apdu(request)).map_err(|error| CardError::Protocol(error.to_string()))?;
        text.push(b'\n');
        let output = self.output.as_mut().ok_or_else(|| link(io::ErrorKind::NotConnected.into()))?;
        output.write_all(&text).and_then(|()| output.flush()).map_err(link)?;
        let answer = match read_line(&mut self.input, MAX_LINE).map_err(link)? {
            None => return Err(link(io::ErrorKind::UnexpectedEof.into())),
            Some(Line::TooLong) => return Err(CardError::Protocol(format!("a line of more than {MAX_LINE} bytes"))),
            Some(Line::Text(line)) => serde_json::from_slice::<Envelope<Option<Answer>>>(&line)
                .map_err(|error| CardError::Protocol(format!("{error} in {:?}", String::from_utf8_lossy(&line))))?,
        };
        let payload = match (answer.kind.as_str(), answer.payload) {
            ("apdu", Some(payload)) => payload,
            (kind, _) => return Err(CardError::Protocol(format!("an answer of the type {kind:?}"))),
        };
        match payload.ecode {
            0.. => Ok(payload),
            _ => Err(CardError::Backend { what: func, reason: payload.error }),
        }
    }

    fn raw(&mut self, apdu: &[u8]) -> Result<Vec<u8>, CardError> {
        let answer = self.call("transmit", Some(apdu))?;
        let data = answer.data.ok_or_else(|| CardError::Protocol("transmit answered without data".into()))?;
        hex::decode(data).map_err(|error| CardError::Protocol(format!("the answer's data: {error}")))
    }
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
        // The other side may be gone already; there is nobody left to tell.
        let _ = self.call("disconnect", None);
        self.output = None;
        let Some(child) = self.child.as_mut() else { return };
        let deadline = Instant::now() + EXIT_TIMEOUT;
        while Instant::now() < deadline {
            match child.try_wait() {
                Ok(None) => std::thread::sleep(Duration::from_millis(2)),
                _ => return,
            }
        }
        let _ = child.kill();
        let _ = child.wait();
    }
}
