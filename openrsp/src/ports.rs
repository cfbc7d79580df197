//! Ports for a server that is asked for exact ones, because addresses name them.

use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::sync::atomic::{AtomicU16, Ordering};

use anyhow::Context as _;

/// What neither a system's own services nor its outgoing connections use: Linux takes those from 32768 on. A port from there
/// may be free when it is looked at, and be a connection's when the server asks for it.
const RANGE: Range<u16> = 10_240..32_768;

/// Those that this process has looked at already, from where it began.
static TAKEN: AtomicU16 = AtomicU16::new(0);

/// The first of `count` ports in a row that are free now, on all interfaces. No two calls of a process give the same.
///
/// # Errors
/// That there are none.
pub fn in_a_row(count: u16) -> anyhow::Result<u16> {
    let size = RANGE.end - RANGE.start;
    // Processes that are started one after the other begin in different places.
    let begin = u16::try_from(u64::from(std::process::id()) * 601 % u64::from(size))?;
    for _ in 0..size / count.max(1) {
        let offset = begin.wrapping_add(TAKEN.fetch_add(count, Ordering::Relaxed)) % size;
        let first = RANGE.start + offset;
        let last = first.checked_add(count).filter(|last| *last <= RANGE.end);
        if last.is_some_and(|last| (first..last).all(is_free)) {
            return Ok(first);
        }
    }
    None.with_context(|| format!("no {count} free ports in a row"))
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_port_is_given_twice_and_none_that_is_in_use() {
        let first = in_a_row(6).unwrap();
        let second = in_a_row(6).unwrap();
        assert!(first.abs_diff(second) >= 6, "{first} and {second}");
        let _used = TcpListener::bind((Ipv4Addr::LOCALHOST, second + 5)).unwrap();
        assert!(!is_free(second + 5));
        assert!(RANGE.contains(&first) && RANGE.contains(&(second + 5)));
    }
}
