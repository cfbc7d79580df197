//! A socket that is closed so that the last answer arrives (RFC 9112 9.6), and that a client who reads nothing cannot hold.
//!
//! An answer may be given before its request was read to the end: to a body that is too long, or to a head that is no
//! HTTP. Where a socket is closed with bytes unread, the kernel sends a reset, and a reset can destroy the answer before
//! the client has read it. So the writing half is closed first, and what the client still sends is thrown away for a while.
//!
//! A client that does not read its answers blocks what is written to it, and nothing above would ever end that.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// How long a client is borne with.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// How long a write may wait for a client that takes nothing.
    pub(super) stall: Duration,
    /// How many bytes are thrown away after the last answer, at most.
    pub(super) bytes: usize,
    /// How long throwing away lasts, at most.
    pub(super) time: Duration,
    /// How long a client that neither sends nor closes is waited for then.
    pub(super) silence: Duration,
}

impl Limits {
    pub(super) const DEFAULT: Self = Self {
        stall: Duration::from_secs(30),
        bytes: 1024 * 1024,
        time: Duration::from_secs(10),
        silence: Duration::from_secs(1),
    };
}

/// A stream whose writes fail when the other side takes nothing, and whose shutdown waits for it to close too.
pub(super) struct Lingering<S> {
    stream: S,
    limits: Limits,
    /// There while something that is to be written has to wait.
    stalled: Option<Pin<Box<Sleep>>>,
    farewell: Option<Farewell>,
}

/// What is left of the limits once the writing half is closed.
struct Farewell {
    bytes: usize,
    end: Instant,
    silence: Duration,
    silent: Pin<Box<Sleep>>,
}

impl<S> Lingering<S> {
    pub(super) fn new(stream: S, limits: Limits) -> Self {
        Self { stream, limits, stalled: None, farewell: None }
    }

    /// Passes on how far a write came; one that has waited too long has failed. Any progress begins the time anew.
    fn watch<T>(&mut self, written: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let limit = self.limits.stall;
        ready!(self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit))).as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read its answers")))
    }
}

impl Farewell {
    fn begin(limits: &Limits) -> Self {
        let end = Instant::now() + limits.time;
        let silent = Box::pin(tokio::time::sleep(limits.silence.min(limits.time)));
        Self { bytes: limits.bytes, end, silence: limits.silence, silent }
    }

    /// Throws away what comes, until the other side closes or a limit is reached.
    fn poll<S: AsyncRead + Unpin>(&mut self, stream: &mut S, cx: &mut Context<'_>) -> Poll<()> {
        let mut scratch = [0; 8192];
        loop {
            let mut buffer = ReadBuf::new(&mut scratch);
            match Pin::new(&mut *stream).poll_read(cx, &mut buffer) {
                Poll::Pending => return self.silent.as_mut().poll(cx),
                // A reset from the other side is an end as well.
                Poll::Ready(Err(_)) => return Poll::Ready(()),
                Poll::Ready(Ok(())) => {
                    let count = buffer.filled().len();
                    self.bytes = self.bytes.saturating_sub(count);
                    if count == 0 || self.bytes == 0 {
                        return Poll::Ready(());
                    }
                    self.silent.as_mut().reset((Instant::now() + self.silence).min(self.end));
                }
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Lingering<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Lingering<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.watch(written, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.watch(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.watch(flushed, cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.farewell.is_none() {
            let shut = Pin::new(&mut this.stream).poll_shutdown(cx);
            ready!(this.watch(shut, cx))?;
        }
        let limits = &this.limits;
        this.farewell.get_or_insert_with(|| Farewell::begin(limits)).poll(&mut this.stream, cx).map(Ok)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
    use tokio::time::timeout;

    use super::*;

    const SHORT: Duration = Duration::from_millis(100);
    /// Far more than the limit that a test is about, and less than the others.
    const LONG: Duration = Duration::from_secs(5);
    const ENDLESS: Limits = Limits {
        stall: Duration::from_secs(3600),
        bytes: usize::MAX,
        time: Duration::from_secs(3600),
        silence: Duration::from_secs(3600),
    };

    /// A stream that takes nothing by the named function, and everything by the others.
    struct Blocked(&'static str);

    impl Blocked {
        fn poll<T>(&self, function: &str, value: T) -> Poll<io::Result<T>> {
            if self.0 == function { Poll::Pending } else { Poll::Ready(Ok(value)) }
        }
    }

    impl AsyncRead for Blocked {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            self.poll("read", ())
        }
    }

    impl AsyncWrite for Blocked {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            self.poll("write", bytes.len())
        }

        fn poll_write_vectored(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            slices: &[io::IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            self.poll("write_vectored", slices.len())
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.poll("flush", ())
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.poll("shutdown", ())
        }
    }

    #[tokio::test]
    async fn whatever_waits_for_a_client_that_takes_nothing_fails() {
        for function in ["write", "write_vectored", "flush", "shutdown"] {
            let mut stream = Lingering::new(Blocked(function), Limits { stall: SHORT, ..ENDLESS });
            let ended = timeout(LONG, async {
                match function {
                    "write" => stream.write(b"answer").await.map(drop),
                    "write_vectored" => stream.write_vectored(&[io::IoSlice::new(b"answer")]).await.map(drop),
                    "flush" => stream.flush().await,
                    _ => stream.shutdown().await,
                }
            });
            let error = ended.await.expect(function).expect_err(function);
            assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{function}");
        }
    }

    #[tokio::test]
    async fn a_client_that_reads_little_by_little_gets_all() {
        let (stream, mut client) = duplex(1);
        let mut stream = Lingering::new(stream, Limits { stall: 5 * SHORT, ..ENDLESS });
        let start = Instant::now();
        let reading = tokio::spawn(async move {
            // For longer than a write may wait, with progress all the time.
            while start.elapsed() < 10 * SHORT {
                client.read_u8().await.unwrap();
            }
        });
        while !reading.is_finished() {
            if let Err(error) = stream.write_u8(0).await {
                assert_eq!(error.kind(), io::ErrorKind::BrokenPipe, "cut off after {:?}", start.elapsed());
                break;
            }
        }
        reading.await.unwrap();
    }

    #[tokio::test]
    async fn a_client_that_sends_little_by_little_is_thrown_away_for_a_limited_time() {
        let (stream, mut client) = duplex(1);
        let mut stream = Lingering::new(stream, Limits { time: SHORT, ..ENDLESS });
        let sending = tokio::spawn(async move { while client.write_u8(0).await.is_ok() {} });
        timeout(LONG, stream.shutdown()).await.expect("the time is over").unwrap();
        drop(stream);
        sending.await.unwrap();
    }

    #[tokio::test]
    async fn a_client_that_sends_without_end_is_thrown_away_up_to_a_limit() {
        let (stream, mut client) = duplex(1);
        let mut stream = Lingering::new(stream, Limits { bytes: 1000, ..ENDLESS });
        let sending = tokio::spawn(async move {
            let mut sent = 0;
            while client.write_u8(0).await.is_ok() {
                sent += 1;
            }
            sent
        });
        timeout(LONG, stream.shutdown()).await.expect("that many bytes came").unwrap();
        drop(stream);
        assert!((1000..=1001).contains(&sending.await.unwrap()), "one more may be between");
    }

    #[tokio::test]
    async fn a_client_that_is_silent_is_waited_for_briefly() {
        for sent in [&b""[..], b"and then nothing"] {
            let (stream, mut client) = duplex(64);
            client.write_all(sent).await.unwrap();
            let mut stream = Lingering::new(stream, Limits { silence: SHORT, ..ENDLESS });
            timeout(LONG, stream.shutdown()).await.expect("the silence is over").unwrap();
        }
    }
}
