//! Who makes vectors.

use std::collections::BTreeMap;

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{Auts, Error, Imsi, Subscriber, Vector};

/// An authentication centre, here or far away.
pub trait AuthenticationCentre {
    /// The next vector of a subscriber.
    ///
    /// # Errors
    /// [`Error::UnknownSubscriber`], or what broke on the way.
    fn vector(&mut self, imsi: &Imsi) -> Result<Vector, Error>;

    /// Some triplets of a subscriber, for access with GSM security.
    ///
    /// # Errors
    /// As [`vector`](Self::vector).
    fn triplets(&mut self, imsi: &Imsi, count: usize) -> Result<Vec<Triplet>, Error>;

    /// Takes over the sequence number in a USIM's AUTS, which answered the challenge `rand` (TS 33.102 6.3.5).
    ///
    /// # Errors
    /// [`Error::WrongMacS`] when it is not the subscriber's; as [`vector`](Self::vector).
    fn resynchronise(&mut self, imsi: &Imsi, rand: &[u8; 16], auts: &Auts) -> Result<(), Error>;
}

impl<C: AuthenticationCentre + ?Sized> AuthenticationCentre for Box<C> {
    fn vector(&mut self, imsi: &Imsi) -> Result<Vector, Error> {
        (**self).vector(imsi)
    }

    fn triplets(&mut self, imsi: &Imsi, count: usize) -> Result<Vec<Triplet>, Error> {
        (**self).triplets(imsi, count)
    }

    fn resynchronise(&mut self, imsi: &Imsi, rand: &[u8; 16], auts: &Auts) -> Result<(), Error> {
        (**self).resynchronise(imsi, rand, auts)
    }
}

/// What a GSM network needs: challenge, expected answer and cipher key (TS 43.020).
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Triplet {
    /// The random challenge.
    pub rand: [u8; 16],
    /// The expected answer.
    pub sres: [u8; 4],
    /// The cipher key.
    pub kc: [u8; 8],
}

impl From<&Vector> for Triplet {
    /// By the conversion functions c2 and c3 (TS 33.102 6.8.1.2): words of XRES, and halves of CK and IK, exclusive or.
    fn from(vector: &Vector) -> Self {
        let mut sres = [0; 4];
        for (number, byte) in vector.xres().iter().enumerate() {
            sres[number % 4] ^= byte;
        }
        let mut kc = [0; 8];
        for (number, byte) in vector.ck().iter().chain(vector.ik()).enumerate() {
            kc[number % 8] ^= byte;
        }
        Self { rand: *vector.rand(), sres, kc }
    }
}

/// An authentication centre in this process: subscribers by their IMSI, and where random challenges come from.
pub struct OwnCentre<R> {
    subscribers: BTreeMap<Imsi, Subscriber>,
    rand: R,
}

impl<R: FnMut() -> [u8; 16]> OwnCentre<R> {
    /// Without subscribers; `rand` draws challenges.
    pub fn new(rand: R) -> Self {
        Self { subscribers: BTreeMap::new(), rand }
    }

    /// Adds a subscriber, or replaces the one of this IMSI.
    pub fn insert(&mut self, imsi: Imsi, subscriber: Subscriber) {
        self.subscribers.insert(imsi, subscriber);
    }

    fn find(&mut self, imsi: &Imsi) -> Result<&mut Subscriber, Error> {
        self.subscribers.get_mut(imsi).ok_or(Error::UnknownSubscriber)
    }
}

impl<R: FnMut() -> [u8; 16]> AuthenticationCentre for OwnCentre<R> {
    fn vector(&mut self, imsi: &Imsi) -> Result<Vector, Error> {
        let rand = (self.rand)();
        Ok(self.find(imsi)?.challenge(rand))
    }

    fn triplets(&mut self, imsi: &Imsi, count: usize) -> Result<Vec<Triplet>, Error> {
        (0..count).map(|_| self.vector(imsi).map(|vector| Triplet::from(&vector))).collect()
    }

    fn resynchronise(&mut self, imsi: &Imsi, rand: &[u8; 16], auts: &Auts) -> Result<(), Error> {
        self.find(imsi)?.resynchronise(rand, auts).map(drop)
    }
}
