//! Discovery: what waits for this eUICC, and where (SGP.22 3.6.2).
//!
//! An SM-DS says for each event at which server it waits. That server is an SM-DP+, or an SM-DS at which the event was
//! registered first; nothing in the event tells the one from the other. So each server is asked to authenticate itself,
//! and the role in its certificate says what it is.

use std::collections::HashSet;

use rsp_asn1::DeviceInfo;
use rsp_es::client::{ClientError, Es11Client, TransportError};
use rsp_es::es11::EventEntry;
use rsp_pki::Role;

use crate::authentication::{ExpectEuiccSigned1, ExpectServerSigned1, Expected};
use crate::download::{DownloadRequest, Trust};
use crate::error::{Cause, Error, WrongServer};
use crate::event::Step;
use crate::lpa::Lpa;
use crate::servers::Servers;

/// Most SM-DSs that stand behind each other on the way to an event. The standard knows two.
const MAX_DEPTH: usize = 4;

/// Most servers that are asked in one discovery.
const MAX_SERVERS: usize = 64;

/// What an SM-DS, and the ones behind it, know of this eUICC.
#[derive(Debug)]
pub struct Discovery {
    /// The SM-DS that was asked.
    pub smds_address: String,
    /// What can be downloaded, in the order in which the events were registered.
    pub events: Vec<Event>,
    /// Events that could not be followed to their end.
    pub unresolved: Vec<Unresolved>,
}

/// A profile that waits at an SM-DP+.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Event {
    /// Is the MatchingID there.
    pub event_id: String,
    /// The SM-DP+.
    pub smdp_address: String,
    /// The SM-DS that said so.
    pub smds_address: String,
}

impl Event {
    /// The download of its profile.
    pub fn download_request(&self, device_info: DeviceInfo) -> DownloadRequest {
        DownloadRequest::new(&self.smdp_address, &self.event_id, device_info)
    }
}

/// An event whose server cannot be asked, or does not say what waits.
#[derive(Debug)]
pub struct Unresolved {
    /// Its identifier at the server.
    pub event_id: String,
    /// The server, as the SM-DS gave it: the text of a stranger.
    pub address: String,
    /// The SM-DS that said so.
    pub smds_address: String,
    /// What went wrong.
    pub error: Error,
}

/// An event that is still to be followed.
struct Lead {
    entry: EventEntry,
    /// The SM-DS that gave it.
    smds_address: String,
    /// How many SM-DSs were asked on the way.
    depth: usize,
}

/// What a lead leads to.
enum Found {
    /// An SM-DP+: the end of the way.
    Smdp,
    /// An SM-DS, with what it knows.
    Smds(Vec<EventEntry>),
}

impl Lpa<'_> {
    /// Asks an SM-DS what waits for this eUICC, and follows its events through further SM-DSs to the SM-DP+s. Without
    /// `smds_address` the root SM-DS is asked whose address is on the eUICC.
    ///
    /// # Errors
    /// [`Error`] when this SM-DS cannot be asked. What fails behind it is part of the [`Discovery`].
    pub async fn discover(
        &mut self,
        servers: &Servers,
        smds_address: Option<&str>,
        device_info: &DeviceInfo,
        trust: &Trust<'_>,
    ) -> Result<Discovery, Error> {
        let smds_address = match smds_address {
            Some(address) => address.to_owned(),
            None => self.root_smds_address()?,
        };
        let server =
            servers.smds_at(&smds_address).map_err(|error| Error::new(Step::InitiateAuthenticationAtSmds, error))?;
        let expect = self.initiate_at(&server, &smds_address, &[Role::DsAuth], trust).await?;
        let entries = self.retrieve(expect, &server, "", device_info).await?;

        let mut leads = leads(entries, &smds_address, 1);
        let mut discovery = Discovery { smds_address, events: Vec::new(), unresolved: Vec::new() };
        let mut asked = HashSet::new();
        while let Some(Lead { entry, smds_address, depth }) = leads.pop() {
            let EventEntry { event_id, rsp_server_address: address } = entry.clone();
            if !asked.insert((event_id.clone(), address.to_ascii_lowercase())) {
                continue;
            }
            let found = if depth > MAX_DEPTH || asked.len() > MAX_SERVERS {
                Err(Error::new(Step::InitiateAuthenticationAtSmds, Cause::EndlessDiscovery))
            } else {
                self.follow(servers, &entry, device_info, trust).await
            };
            match found {
                Ok(Found::Smdp) => discovery.events.push(Event { event_id, smdp_address: address, smds_address }),
                Ok(Found::Smds(entries)) => leads.extend(self::leads(entries, &address, depth + 1)),
                Err(error) => discovery.unresolved.push(Unresolved { event_id, address, smds_address, error }),
            }
        }
        Ok(discovery)
    }

    fn root_smds_address(&mut self) -> Result<String, Error> {
        let address = self.configured_addresses()?.root_ds_address;
        if address.is_empty() {
            return Err(Error::new(Step::GetEuiccConfiguredAddresses, Cause::NoSmds));
        }
        Ok(address)
    }

    /// Asks a server what it is, and an SM-DS what it knows of the event.
    async fn follow(
        &mut self,
        servers: &Servers,
        entry: &EventEntry,
        device_info: &DeviceInfo,
        trust: &Trust<'_>,
    ) -> Result<Found, Error> {
        let address = &entry.rsp_server_address;
        let malformed = |error| Error::new(Step::InitiateAuthenticationAtSmds, error);
        // Most events lead to an SM-DP+. To an SM-DS the TLS certificate of that role is the wrong one, and it is called
        // again by the rules for an SM-DS: a certificate does not choose by which rules it is judged.
        let as_smdp = servers.event_server_at(address).map_err(malformed)?;
        match self.initiate_at(&as_smdp, address, &[Role::DpAuth, Role::DsAuth], trust).await {
            Ok(expect) => self.found(expect, &as_smdp, &entry.event_id, device_info).await,
            Err(error) if is_tls_refusal(&error) && servers.knows_smds() => {
                let as_smds = servers.smds_at(address).map_err(malformed)?;
                match self.initiate_at(&as_smds, address, &[Role::DsAuth], trust).await {
                    Ok(expect) => self.found(expect, &as_smds, &entry.event_id, device_info).await,
                    // Neither: the first error is as good as the second.
                    Err(other) if is_tls_refusal(&other) => Err(error),
                    Err(other) => Err(other),
                }
            }
            Err(error) => Err(error),
        }
    }

    async fn found(
        &mut self,
        expect: ExpectEuiccSigned1,
        server: &Es11Client,
        event_id: &str,
        device_info: &DeviceInfo,
    ) -> Result<Found, Error> {
        if expect.server().role == Role::DsAuth {
            return self.retrieve(expect, server, event_id, device_info).await.map(Found::Smds);
        }
        // The session ends here: the server has kept nothing of it, and the eUICC forgets it with its next challenge.
        Ok(Found::Smdp)
    }

    async fn initiate_at(
        &mut self,
        server: &Es11Client,
        address: &str,
        roles: &[Role],
        trust: &Trust<'_>,
    ) -> Result<ExpectEuiccSigned1, Error> {
        let expected = Expected { address, roles, oid: None };
        ExpectServerSigned1::open(self)?.initiate(self, server, &expected, trust).await
    }

    /// Lets the eUICC authenticate itself to an SM-DS, which answers with what it knows.
    async fn retrieve(
        &mut self,
        expect: ExpectEuiccSigned1,
        server: &Es11Client,
        event_id: &str,
        device_info: &DeviceInfo,
    ) -> Result<Vec<EventEntry>, Error> {
        let message = expect.authenticate_server(self, server, event_id, device_info).await?.message;
        let call = server.authenticate_client(&message);
        let answer = self.server_step(Step::AuthenticateClientAtSmds, server, call).await?;
        if answer.transaction_id != message.transaction_id {
            let wrong = WrongServer::TransactionId("the answer to AuthenticateClient");
            return Err(Error::new(Step::AuthenticateClientAtSmds, wrong));
        }
        Ok(answer.event_entries)
    }
}

/// The first entry comes last: it is followed next.
fn leads(entries: Vec<EventEntry>, smds_address: &str, depth: usize) -> Vec<Lead> {
    let lead = |entry| Lead { entry, smds_address: smds_address.to_owned(), depth };
    entries.into_iter().rev().map(lead).collect()
}

/// Whether the server was reached and its TLS certificate refused.
fn is_tls_refusal(error: &Error) -> bool {
    matches!(&*error.cause, Cause::Server(ClientError::Transport { source: TransportError::Certificate { .. }, .. }))
}
