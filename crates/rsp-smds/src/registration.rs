//! RegisterEvent and DeleteEvent, over ES12 and ES15 alike (SGP.22 5.9, 5.10).

use std::net::Ipv6Addr;
use std::sync::Arc;

use rsp_asn1::Eid;
use rsp_auth::{ServerAddress, matching_id};
use rsp_store::EventRecord;

use crate::error::Error;
use crate::registrar::Registrar;
use crate::smds::Smds;

const SECONDS_PER_DAY: i64 = 24 * 60 * 60;

/// An event as its registrar describes it.
pub(crate) struct Registration {
    pub(crate) eid: Eid,
    pub(crate) event_id: String,
    pub(crate) rsp_server_address: String,
    /// Whether the parent shall know of it; without a parent that means nothing.
    pub(crate) forwarded: bool,
}

impl Smds {
    /// Registers an event, and tells the parent if it shall know.
    pub(crate) async fn register(&self, registrar: &Registrar, new: Registration) -> Result<(), Error> {
        if !matching_id::is_valid(&new.event_id) {
            return Err(Error::EventIdInvalid);
        }
        check_address(&new.rsp_server_address)?;
        let now = self.clock.now();
        let record = EventRecord {
            registrar: registrar.oid().to_owned(),
            event_id: new.event_id,
            eid: new.eid,
            rsp_server_address: new.rsp_server_address,
            forwarded: if new.forwarded { self.cascade.second_event() } else { None },
            registered_at: now,
            expires_at: now.plus_seconds(i64::from(self.settings.event_days) * SECONDS_PER_DAY),
        };
        let (event, cascaded) = (matching_id::fingerprint(&record.event_id), record.forwarded.is_some());
        let (per_eid, per_registrar) = (self.settings.events_per_eid, self.settings.events_per_registrar);
        let cascade = Arc::clone(&self.cascade);
        self.store
            .run_tx("register event", move |tx| {
                // What has expired and waits to be swept is no reason to refuse anything.
                let expired = tx.delete_expired_events_before(&record.registrar, &record.eid, &record.event_id, now)?;
                expired.iter().try_for_each(|record| cascade.withdraw(tx, record, now))?;
                tx.insert_event(&record)?;
                let counts = tx.event_counts(&record.registrar, &record.eid)?;
                check_limit(counts.of_eid, per_eid, "of one registrar for one eUICC")?;
                check_limit(counts.of_registrar, per_registrar, "of one registrar")?;
                cascade.announce(tx, &record, now)
            })
            .await?;
        tracing::info!(registrar = registrar.oid(), eid = %new.eid, event, cascaded, "event registered");
        Ok(())
    }

    /// Deletes an event of this registrar, and tells the parent if it knows of it. That another registrar has an event
    /// with this EventID is not to be told from there being none.
    pub(crate) async fn delete(&self, registrar: &Registrar, eid: Eid, event_id: String) -> Result<(), Error> {
        let now = self.clock.now();
        let event = matching_id::fingerprint(&event_id);
        let (oid, cascade) = (registrar.oid().to_owned(), Arc::clone(&self.cascade));
        self.store
            .run_tx("delete event", move |tx| {
                let record = tx.delete_event(&oid, &eid, &event_id)?.ok_or(Error::EventUnknown)?;
                cascade.withdraw(tx, &record, now)
            })
            .await?;
        tracing::info!(registrar = registrar.oid(), %eid, event, "event deleted");
        Ok(())
    }
}

/// `count` includes the new event.
fn check_limit(count: u32, limit: u32, scope: &'static str) -> Result<(), Error> {
    if count <= limit { Ok(()) } else { Err(Error::TooManyEvents { limit, scope }) }
}

/// A host name, or an IP address, with an optional port: LPAs will call it.
fn check_address(address: &str) -> Result<(), Error> {
    let parsed = ServerAddress::parse(address).ok_or(Error::AddressInvalid)?;
    let host = parsed.host();
    let bracketed = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let well_formed = match bracketed {
        Some(inner) => inner.parse::<Ipv6Addr>().is_ok(),
        None if host.contains(':') => host.parse::<Ipv6Addr>().is_ok(),
        None => host.split('.').all(is_label),
    };
    if well_formed { Ok(()) } else { Err(Error::AddressInvalid) }
}

fn is_label(label: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (1..=63).contains(&label.len()) && label.bytes().all(inner) && !label.starts_with('-') && !label.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::check_address;

    #[test]
    fn addresses_are_hosts_with_or_without_port() {
        for address in ["smdp.example.com", "SMDP.Example.COM:8443", "localhost", "127.0.0.1:443", "[::1]:8443", "::1"]
        {
            check_address(address).unwrap();
        }
        let long = "a".repeat(256);
        for address in [
            "",
            ":443",
            "a:b",
            "a:b:c",
            "a:65536",
            "https://a",
            "a/b",
            "a b",
            "a..b",
            ".a",
            "-a.b",
            "a-.b",
            "[::1",
            "[a]",
            "user@a",
            "a\n",
            "ä",
            &long,
        ] {
            assert!(check_address(address).is_err(), "{address:?}");
        }
    }
}
