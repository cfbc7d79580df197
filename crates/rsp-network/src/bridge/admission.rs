//! Who is let in at all is asked before anybody is authenticated, as an HSS does for the server of a 3GPP AAA (TS 29.273
//! 8.1.2.1.2). osmo-hlr gives vectors to everybody: it looks at the access mode only when a location is updated, which an
//! access without a radio never comes to.

use super::{AuthenticationCentre, Triplet};
use crate::{Auts, Error, Imsi, Vector};

/// An authentication centre that gives nothing for subscribers who are not let in.
pub struct Admission<C, A> {
    centre: C,
    admitted: A,
}

impl<C: AuthenticationCentre, A: FnMut(&Imsi) -> Result<bool, Error>> Admission<C, A> {
    /// The vectors of `centre` for those of whom `admitted` says so. Where it cannot say, nothing is given.
    pub fn new(centre: C, admitted: A) -> Self {
        Self { centre, admitted }
    }

    fn check(&mut self, imsi: &Imsi) -> Result<(), Error> {
        if (self.admitted)(imsi)? { Ok(()) } else { Err(Error::NotAdmitted) }
    }
}

impl<C: AuthenticationCentre, A: FnMut(&Imsi) -> Result<bool, Error>> AuthenticationCentre for Admission<C, A> {
    fn vector(&mut self, imsi: &Imsi) -> Result<Vector, Error> {
        self.check(imsi)?;
        self.centre.vector(imsi)
    }

    fn triplets(&mut self, imsi: &Imsi, count: usize) -> Result<Vec<Triplet>, Error> {
        self.check(imsi)?;
        self.centre.triplets(imsi, count)
    }

    fn resynchronise(&mut self, imsi: &Imsi, rand: &[u8; 16], auts: &Auts) -> Result<(), Error> {
        self.check(imsi)?;
        self.centre.resynchronise(imsi, rand, auts)
    }
}
