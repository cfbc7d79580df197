//! The USIM's answer to AUTHENTICATE (3GPP TS 31.102 7.1.2.1).

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::Error;

/// What the USIM answers in the 3G context.
pub enum Answer {
    /// Tag DB: the network is genuine and fresh.
    Success(Success),
    /// Tag DC: the network is genuine, but its sequence number is behind.
    SynchronisationFailure(Auts),
}

/// RES, CK and IK, and Kc where the USIM offers GSM access.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Success {
    res: Vec<u8>,
    ck: [u8; 16],
    ik: [u8; 16],
    kc: Option<[u8; 8]>,
}

/// AUTS: SQN-MS ⊕ AK* and MAC-S (TS 33.102 6.3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Auts {
    /// The USIM's sequence number under the anonymity key of f5*.
    pub concealed_sqn: [u8; 6],
    /// Its authentication code by f1*.
    pub mac_s: [u8; 8],
}

impl Answer {
    /// Reads the response data and status word: `DB` RES CK IK \[Kc\] or `DC` AUTS, each value after its length.
    ///
    /// # Errors
    /// [`Error::IncorrectMac`] for 9862, [`Error::Status`] for any other status but 9000, [`Error::Malformed`] when
    /// the data are of another form, too short or too long.
    pub fn parse(data: &[u8], status: u16) -> Result<Self, Error> {
        match status {
            0x9000 => {}
            0x9862 => return Err(Error::IncorrectMac),
            other => return Err(Error::Status(other)),
        }
        match data {
            [0xDB, rest @ ..] => Success::parse(rest).map(Self::Success),
            [0xDC, rest @ ..] => Auts::parse(rest).map(Self::SynchronisationFailure),
            [] => Err(Error::Malformed("no data")),
            _ => Err(Error::Malformed("neither DB nor DC")),
        }
    }
}

impl Success {
    /// The response to the challenge, 4 to 16 bytes.
    pub fn res(&self) -> &[u8] {
        &self.res
    }

    /// The cipher key.
    pub fn ck(&self) -> &[u8; 16] {
        &self.ck
    }

    /// The integrity key.
    pub fn ik(&self) -> &[u8; 16] {
        &self.ik
    }

    /// The GSM cipher key, when the USIM has service 27 "GSM access".
    pub fn kc(&self) -> Option<&[u8; 8]> {
        self.kc.as_ref()
    }

    fn parse(data: &[u8]) -> Result<Self, Error> {
        let (res, rest) = value(data, "RES")?;
        if !(4..=16).contains(&res.len()) {
            return Err(Error::Malformed("RES is not of 4 to 16 bytes"));
        }
        let (ck, rest) = value(rest, "CK")?;
        let (ik, rest) = value(rest, "IK")?;
        let (kc, rest) = if rest.is_empty() {
            (None, rest)
        } else {
            let (kc, rest) = value(rest, "Kc")?;
            (Some(exactly(kc, "Kc is not of 8 bytes")?), rest)
        };
        if !rest.is_empty() {
            return Err(Error::Malformed("bytes after the last value"));
        }
        Ok(Self {
            res: res.to_vec(),
            ck: exactly(ck, "CK is not of 16 bytes")?,
            ik: exactly(ik, "IK is not of 16 bytes")?,
            kc,
        })
    }
}

impl Auts {
    /// AUTS in its 14 bytes.
    pub fn from_bytes(bytes: &[u8; 14]) -> Self {
        Self { concealed_sqn: std::array::from_fn(|i| bytes[i]), mac_s: std::array::from_fn(|i| bytes[i + 6]) }
    }

    /// The same backwards.
    pub fn to_bytes(&self) -> [u8; 14] {
        std::array::from_fn(|i| if i < 6 { self.concealed_sqn[i] } else { self.mac_s[i - 6] })
    }

    fn parse(data: &[u8]) -> Result<Self, Error> {
        let (auts, rest) = value(data, "AUTS")?;
        if !rest.is_empty() {
            return Err(Error::Malformed("bytes after AUTS"));
        }
        Ok(Self::from_bytes(&exactly(auts, "AUTS is not of 14 bytes")?))
    }
}

/// One value after its length byte, and what follows it.
fn value<'a>(data: &'a [u8], name: &'static str) -> Result<(&'a [u8], &'a [u8]), Error> {
    let (length, rest) = data.split_first().ok_or(Error::Malformed(name))?;
    rest.split_at_checked(usize::from(*length)).ok_or(Error::Malformed(name))
}

fn exactly<const N: usize>(bytes: &[u8], complaint: &'static str) -> Result<[u8; N], Error> {
    bytes.try_into().map_err(|_| Error::Malformed(complaint))
}
