//! The text protocol between hostapd and a gateway to authentication centres: words, with bytes in hexadecimal.
//!
//! ```text
//! AKA-REQ-AUTH imsi              → AKA-RESP-AUTH imsi RAND AUTN IK CK RES   or AKA-RESP-AUTH imsi FAILURE
//! SIM-REQ-AUTH imsi count        → SIM-RESP-AUTH imsi Kc:SRES:RAND …        or SIM-RESP-AUTH imsi FAILURE
//! AKA-AUTS imsi AUTS RAND        → nothing
//! ```

use zeroize::Zeroizing;

use super::Triplet;
use crate::{Error, Imsi, Vector};

/// The most triplets that EAP-SIM uses at once (RFC 4186 4.2.1.1).
const MAX_TRIPLETS: usize = 3;

/// What hostapd wants.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// A UMTS vector.
    Aka(Imsi),
    /// So many GSM triplets, 1 to 3.
    Sim(Imsi, usize),
    /// The sequence number in AUTS shall be taken over; `rand` is the challenge that AUTS answers.
    Auts { imsi: Imsi, auts: [u8; 14], rand: [u8; 16] },
}

impl Request {
    pub(super) fn parse(datagram: &[u8]) -> Result<Self, Error> {
        let text = std::str::from_utf8(datagram).map_err(|_| Error::Gateway("it is no text"))?;
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        match *words.as_slice() {
            ["AKA-REQ-AUTH", imsi] => Ok(Self::Aka(imsi.parse()?)),
            ["SIM-REQ-AUTH", imsi, count] => {
                let count = count.parse().map_err(|_| Error::Gateway("the number of triplets is none"))?;
                if !(1..=MAX_TRIPLETS).contains(&count) {
                    return Err(Error::Gateway("1 to 3 triplets can be asked for"));
                }
                Ok(Self::Sim(imsi.parse()?, count))
            }
            ["AKA-AUTS", imsi, auts, rand] => {
                Ok(Self::Auts { imsi: imsi.parse()?, auts: bytes(auts)?, rand: bytes(rand)? })
            }
            _ => Err(Error::Gateway("it is none of AKA-REQ-AUTH, SIM-REQ-AUTH and AKA-AUTS with what belongs to them")),
        }
    }
}

/// The answer with a vector.
pub(super) fn vector(imsi: &Imsi, vector: &Vector) -> Vec<u8> {
    let parts = [&vector.rand()[..], vector.autn(), vector.ik(), vector.ck(), vector.xres()];
    let hex = Zeroizing::new(parts.map(hex::encode).join(" "));
    format!("AKA-RESP-AUTH {imsi} {}", *hex).into_bytes()
}

/// The answer with triplets.
pub(super) fn triplets(imsi: &Imsi, triplets: &[Triplet]) -> Vec<u8> {
    let mut text = format!("SIM-RESP-AUTH {imsi}");
    for Triplet { rand, sres, kc } in triplets {
        text += &format!(" {}:{}:{}", hex::encode(kc), hex::encode(sres), hex::encode(rand));
    }
    text.into_bytes()
}

/// The answer that there is none; `kind` is AKA or SIM.
pub(super) fn failure(kind: &str, imsi: &Imsi) -> Vec<u8> {
    format!("{kind}-RESP-AUTH {imsi} FAILURE").into_bytes()
}

fn bytes<const N: usize>(text: &str) -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    hex::decode_to_slice(text, &mut bytes)
        .map_err(|_| Error::Gateway("AUTS is 14 bytes and RAND 16, in hexadecimal"))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::Request;

    #[test]
    fn reads_the_three_requests() {
        let imsi = || "001010123456789".parse().unwrap();
        assert_eq!(Request::parse(b"AKA-REQ-AUTH 001010123456789"), Ok(Request::Aka(imsi())));
        assert_eq!(Request::parse(b"SIM-REQ-AUTH 001010123456789 3"), Ok(Request::Sim(imsi(), 3)));
        let auts = format!("AKA-AUTS 001010123456789 {} {}", "ab".repeat(14), "CD".repeat(16));
        let expected = Request::Auts { imsi: imsi(), auts: [0xAB; 14], rand: [0xCD; 16] };
        assert_eq!(Request::parse(auts.as_bytes()), Ok(expected));
    }

    #[test]
    fn refuses_whatever_else_comes() {
        let auts =
            |auts: usize, rand: usize| format!("AKA-AUTS 001010123456789 {} {}", "ab".repeat(auts), "cd".repeat(rand));
        let texts = [
            String::new(),
            "AKA-REQ-AUTH".to_owned(),
            "AKA-REQ-AUTH 00101".to_owned(),
            "AKA-REQ-AUTH 001010123456789 1".to_owned(),
            "aka-req-auth 001010123456789".to_owned(),
            "SIM-REQ-AUTH 001010123456789".to_owned(),
            "SIM-REQ-AUTH 001010123456789 0".to_owned(),
            "SIM-REQ-AUTH 001010123456789 4".to_owned(),
            "SIM-REQ-AUTH 001010123456789 -1".to_owned(),
            auts(13, 16),
            auts(14, 15),
            auts(14, 17),
        ];
        for text in texts {
            assert!(Request::parse(text.as_bytes()).is_err(), "{text}");
        }
        assert!(Request::parse(&[0xFF, 0xFE]).is_err());
    }
}
