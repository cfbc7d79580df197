//! Between the EAP server of hostapd, which asks for vectors in its own text protocol, and whoever makes them.

mod access;
mod admission;
mod auc;
mod console;
mod eap_sim_db;
mod gsup;
mod hlr;

pub use access::AccessMode;
pub use admission::Admission;
pub use auc::{AuthenticationCentre, OwnCentre, Triplet};
pub use console::HlrConsole;
pub use hlr::HlrClient;

use crate::{Auts, Error, Imsi};
use eap_sim_db::Request;

/// What went over the bridge; without keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Passed {
    /// A UMTS vector was asked for and given.
    Vector(Imsi),
    /// GSM triplets were asked for and given, so many.
    Triplets(Imsi, usize),
    /// The USIM's sequence number was taken over, since the USIM had asked for it with AUTS.
    Resynchronised(Imsi),
    /// A request that could not be fulfilled, and why.
    Refused(Option<Imsi>, Error),
}

/// Answers `eap_sim_db`, hostapd's gateway to authentication centres: one text in each datagram.
pub struct Bridge<C> {
    centre: C,
}

impl<C: AuthenticationCentre> Bridge<C> {
    /// A bridge to `centre`.
    pub fn new(centre: C) -> Self {
        Self { centre }
    }

    /// The authentication centre.
    pub fn centre_mut(&mut self) -> &mut C {
        &mut self.centre
    }

    /// What to answer to a datagram, if anything, and what it was about. AUTS has no answer: hostapd asks for another
    /// vector next.
    pub fn answer(&mut self, datagram: &[u8]) -> (Option<Vec<u8>>, Passed) {
        let request = match Request::parse(datagram) {
            Ok(request) => request,
            Err(error) => return (None, Passed::Refused(None, error)),
        };
        match request {
            Request::Aka(imsi) => match self.centre.vector(&imsi) {
                Ok(vector) => (Some(eap_sim_db::vector(&imsi, &vector)), Passed::Vector(imsi)),
                Err(error) => (Some(eap_sim_db::failure("AKA", &imsi)), Passed::Refused(Some(imsi), error)),
            },
            Request::Sim(imsi, count) => match self.centre.triplets(&imsi, count) {
                Ok(triplets) => (Some(eap_sim_db::triplets(&imsi, &triplets)), Passed::Triplets(imsi, triplets.len())),
                Err(error) => (Some(eap_sim_db::failure("SIM", &imsi)), Passed::Refused(Some(imsi), error)),
            },
            Request::Auts { imsi, auts, rand } => {
                match self.centre.resynchronise(&imsi, &rand, &Auts::from_bytes(&auts)) {
                    Ok(()) => (None, Passed::Resynchronised(imsi)),
                    Err(error) => (None, Passed::Refused(Some(imsi), error)),
                }
            }
        }
    }
}
