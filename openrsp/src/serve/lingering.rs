//! A socket that is closed so that the last answer arrives (RFC 9112 9.6).
//!
//! An answer may be given before its request was read to the end: to a body that is too long, or to a head that is no
//! HTTP. Where a socket is closed with bytes unread, the kernel sends a reset, and a reset can destroy the answer before
//! the client has read it. So the writing half is closed first, and what the client still sends is thrown away for a while.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// How many bytes are thrown away, at most.
const BYTES: usize = 1024 * 1024;
/// How long throwing away lasts, at most.
const TIME: Duration = Duration::from_secs(10);
/// How long a client that neither sends nor closes is waited for.
const SILENCE: Duration = Duration::from_secs(1);

/// A stream whose shutdown waits for the other side to close too, within the limits above.
pub(super) struct Lingering<S> {
    stream: S,
    farewell: Option<Farewell>,
}

/// What is left of the limits once the writing half is closed.
struct Farewell {
    bytes: usize,
    end: Instant,
    silence: Pin<Box<Sleep>>,
}

impl<S> Lingering<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, farewell: None }
    }
}

impl Farewell {
    fn begin() -> Self {
        Self { bytes: BYTES, end: Instant::now() + TIME, silence: Box::pin(tokio::time::sleep(SILENCE)) }
    }

    /// Throws away what comes, until the other side closes or a limit is reached.
    fn poll<S: AsyncRead + Unpin>(&mut self, stream: &mut S, cx: &mut Context<'_>) -> Poll<()> {
        let mut scratch = [0; 8192];
        loop {
            let mut buffer = ReadBuf::new(&mut scratch);
            match Pin::new(&mut *stream).poll_read(cx, &mut buffer) {
                Poll::Pending => return self.silence.as_mut().poll(cx),
                // A reset from the other side is an end as well.
                Poll::Ready(Err(_)) => return Poll::Ready(()),
                Poll::Ready(Ok(())) => {
                    let count = buffer.filled().len();
                    self.bytes = self.bytes.saturating_sub(count);
                    if count == 0 || self.bytes == 0 {
                        return Poll::Ready(());
                    }
                    self.silence.as_mut().reset((Instant::now() + SILENCE).min(self.end));
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
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.farewell.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
        }
        this.farewell.get_or_insert_with(Farewell::begin).poll(&mut this.stream, cx).map(Ok)
    }
}
