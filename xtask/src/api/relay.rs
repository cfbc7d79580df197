//! Stands between an example and the server, and loses the first answer after the server has done the work.
//!
//! It passes TLS on as it comes and tells by the records' headers alone where a connection is: what the client sends first
//! under encryption is its Finished, what comes then is the request, and what the server sends behind that is the answer
//! (RFC 8446, sections 2 and 5.1).

use std::io::{Read, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use anyhow::Context as _;

/// Content type of a record under encryption.
const APPLICATION_DATA: u8 = 23;

/// More octets than the tickets have that a server may send behind its Finished, and fewer than an answer with a QR code.
const ANSWER: usize = 600;

/// A relay that loses one answer.
pub(super) struct Relay {
    pub(super) url: String,
    lost: Arc<AtomicUsize>,
}

impl Relay {
    /// Before the server with this URL.
    pub(super) fn before(server: &str) -> anyhow::Result<Self> {
        let server = server.strip_prefix("https://").context("an https URL")?.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("https://localhost:{}", listener.local_addr()?.port());
        let lost = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&lost);
        std::thread::spawn(move || {
            for (number, client) in listener.incoming().map_while(Result::ok).enumerate() {
                let (server, lost) = (server.clone(), Arc::clone(&counted));
                // What fails here is a connection that ends, which the example sees.
                std::thread::spawn(move || connect(client, &server, number == 0, &lost));
            }
        });
        Ok(Self { url, lost })
    }

    /// How many answers never arrived.
    pub(super) fn lost(&self) -> usize {
        self.lost.load(Ordering::SeqCst)
    }
}

fn connect(client: TcpStream, server: &str, loses: bool, lost: &AtomicUsize) -> std::io::Result<()> {
    let server = TcpStream::connect(server)?;
    let asked = Arc::new(AtomicBool::new(false));
    let (from, to, shared) = (client.try_clone()?, server.try_clone()?, Arc::clone(&asked));
    std::thread::spawn(move || {
        // However it ends, there is nothing more to come.
        let _ = forward_records(from, &to, &shared);
        let _ = to.shutdown(Shutdown::Write);
    });
    let (mut withheld, mut octets, mut from, mut to) = (0, [0; 16 * 1024], &server, &client);
    loop {
        let read = from.read(&mut octets)?;
        if loses && asked.load(Ordering::SeqCst) {
            withheld += read;
            if withheld >= ANSWER {
                lost.fetch_add(1, Ordering::SeqCst);
                client.shutdown(Shutdown::Both)?;
                return server.shutdown(Shutdown::Both);
            }
        } else {
            to.write_all(&octets[..read])?;
        }
        if read == 0 {
            return client.shutdown(Shutdown::Write);
        }
    }
}

/// Passes on what the client sends; says so before its request goes.
fn forward_records(mut client: TcpStream, mut server: &TcpStream, asked: &AtomicBool) -> std::io::Result<()> {
    let mut encrypted = 0;
    loop {
        let mut record = vec![0; 5];
        client.read_exact(&mut record)?;
        let length = usize::from(u16::from_be_bytes([record[3], record[4]]));
        record.resize(5 + length, 0);
        client.read_exact(&mut record[5..])?;
        encrypted += usize::from(record[0] == APPLICATION_DATA);
        if encrypted > 1 {
            asked.store(true, Ordering::SeqCst);
        }
        server.write_all(&record)?;
    }
}
