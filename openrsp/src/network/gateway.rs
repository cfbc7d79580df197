//! The socket on which hostapd asks for vectors.

use std::io::ErrorKind;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;
use rsp_network::bridge::{AuthenticationCentre, Bridge, Passed};

/// How soon the thread sees that it shall end.
const GLANCE: Duration = Duration::from_millis(50);
/// The longest request: AUTS and RAND in hexadecimal, with an IMSI.
const MAX_REQUEST: usize = 512;

/// Whoever makes vectors now.
pub(super) type Centre = Box<dyn AuthenticationCentre + Send>;

/// The bridge, answering in a thread of its own until it is dropped.
pub(super) struct Gateway {
    path: PathBuf,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    bridge: Mutex<Bridge<Centre>>,
    passed: Mutex<Vec<Passed>>,
    end: AtomicBool,
}

impl Gateway {
    /// Listens at `path`, which must not exist.
    pub(super) fn start(path: &Path, centre: Centre) -> anyhow::Result<Self> {
        let socket = UnixDatagram::bind(path).with_context(|| path.display().to_string())?;
        socket.set_read_timeout(Some(GLANCE))?;
        let shared = Arc::new(Shared {
            bridge: Mutex::new(Bridge::new(centre)),
            passed: Mutex::default(),
            end: AtomicBool::new(false),
        });
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("bridge".into()).spawn(move || answer(&socket, &theirs))?;
        Ok(Self { path: path.to_owned(), shared, thread: Some(thread) })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Lets another centre make the vectors from now on.
    pub(super) fn exchange(&self, centre: Centre) {
        *lock(&self.shared.bridge).centre_mut() = centre;
    }

    /// What passed since this was asked last.
    pub(super) fn take_passed(&self) -> Vec<Passed> {
        std::mem::take(&mut *lock(&self.shared.passed))
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.shared.end.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        let _ = std::fs::remove_file(&self.path);
    }
}

fn answer(socket: &UnixDatagram, shared: &Shared) {
    let mut buffer = [0; MAX_REQUEST];
    while !shared.end.load(Ordering::Relaxed) {
        let (length, from) = match socket.recv_from(&mut buffer) {
            Ok(received) => received,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => continue,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => return,
        };
        let (answer, passed) = lock(&shared.bridge).answer(&buffer[..length]);
        lock(&shared.passed).push(passed);
        if let (Some(answer), Some(path)) = (answer, from.as_pathname()) {
            // hostapd asks again when it hears nothing.
            let _ = socket.send_to(&answer, path);
        }
    }
}

/// What a panic left behind is as good as before: nothing is changed in two steps.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
