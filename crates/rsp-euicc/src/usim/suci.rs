//! The Subscription Concealed Identifier: what it is made of, and how it is coded (3GPP TS 33.501 6.12, TS 24.501 9.11.3.4,
//! TS 23.003 28.7.3).

use rsp_asn1::tlv;
use rsp_crypto::{Curve, PublicKey, Randomness, RandomnessExt, SecretKey};
use zeroize::Zeroizing;

use super::ecies::{self, Concealed};
use crate::inspect::upper_hex;

/// SUPI format IMSI and type of identity SUCI.
const FORMAT_IMSI: u8 = 0x01;
/// SUPI format network specific identifier and type of identity SUCI.
const FORMAT_NSI: u8 = 0x11;

/// A scheme of EF_SUCI_Calc_Info that this USIM can carry out, with the key of the home network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Nothing is concealed.
    Null,
    /// ECIES profile A.
    A {
        /// Home network public key identifier.
        key_id: u8,
        /// The key of the home network.
        key: [u8; 32],
    },
    /// ECIES profile B.
    B {
        /// Home network public key identifier.
        key_id: u8,
        /// The key of the home network.
        key: PublicKey,
    },
}

/// Whose identity is concealed.
pub enum Supi {
    /// IMSI.
    Imsi {
        /// MCC and MNC as TS 24.501 codes them.
        network: [u8; 3],
        /// The digits behind them, two in a byte, the first in the low nibble, filled up with F.
        msin: Vec<u8>,
    },
    /// A network specific identifier `username@realm`.
    Nsi {
        /// What is concealed.
        username: String,
        /// What says where to route it.
        realm: String,
    },
}

impl Scheme {
    /// The scheme of highest priority in EF_SUCI_Calc_Info that can be carried out (TS 31.102 4.4.11.8). Without any key
    /// the operator has not set up concealment, and the null scheme is left (TS 33.501 6.12.2). `None` when there are
    /// keys, but none that fits a scheme: the identity is not given away by mistake.
    pub fn of_calculation_information(file: &[u8]) -> Option<Self> {
        let (list, rest) = tlv::first(file).ok().filter(|(list, _)| list.tag() == [0xA0])?;
        let keys = match tlv::first(rest) {
            Ok((keys, _)) if keys.tag() == [0xA1] => public_keys(keys.value())?,
            _ => Vec::new(),
        };
        let mut schemes = list.value().chunks_exact(2).filter_map(|entry| Self::of_entry(entry, &keys));
        schemes.next().or_else(|| keys.is_empty().then_some(Self::Null))
    }

    /// Protection scheme identifier and the place of its key, counted from 1.
    fn of_entry(entry: &[u8], keys: &[(u8, &[u8])]) -> Option<Self> {
        let (scheme, place) = (*entry.first()?, usize::from(*entry.get(1)?));
        if scheme == 0 {
            return Some(Self::Null);
        }
        let (key_id, key) = *keys.get(place.checked_sub(1)?)?;
        match scheme {
            1 => Some(Self::A { key_id, key: key.try_into().ok()? }),
            2 => {
                let key = PublicKey::from_uncompressed(Curve::P256, key)
                    .or_else(|_| PublicKey::from_compressed(Curve::P256, key));
                Some(Self::B { key_id, key: key.ok()? })
            }
            _ => None,
        }
    }

    fn id(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::A { .. } => 1,
            Self::B { .. } => 2,
        }
    }

    fn key_id(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::A { key_id, .. } | Self::B { key_id, .. } => *key_id,
        }
    }

    /// Conceals with a fresh ephemeral key; nothing for the null scheme.
    fn conceal(&self, plaintext: &[u8], rng: &mut dyn Randomness) -> Result<Option<Concealed>, rsp_crypto::Error> {
        match self {
            Self::Null => Ok(None),
            Self::A { key, .. } => {
                let ephemeral: Zeroizing<[u8; 32]> = Zeroizing::new(rng.bytes());
                ecies::profile_a(key, &ephemeral, plaintext).map(Some)
            }
            Self::B { key, .. } => ecies::profile_b(key, &SecretKey::generate(Curve::P256, rng), plaintext).map(Some),
        }
    }
}

/// Identifier and key, in pairs (tags 80 and 81).
fn public_keys(list: &[u8]) -> Option<Vec<(u8, &[u8])>> {
    let mut keys = Vec::new();
    let mut rest = list;
    while !rest.is_empty() {
        let (id, after) = tlv::first(rest).ok().filter(|(id, _)| id.tag() == [0x80] && id.value().len() == 1)?;
        let (key, after) = tlv::first(after).ok().filter(|(key, _)| key.tag() == [0x81])?;
        keys.push((*id.value().first()?, key.value()));
        rest = after;
    }
    Some(keys)
}

impl Supi {
    /// The content of EF_IMSI, and how many digits the MNC has.
    pub fn from_imsi(content: &[u8], mnc_length: u8) -> Option<Self> {
        let digits = rsp_saip::digits::imsi_from_content(content)?;
        let digits: Option<Vec<u8>> = digits.chars().map(|digit| Some(digit.to_digit(10)? as u8)).collect();
        let digits = digits?;
        let (network, msin) = digits.split_at_checked(3 + usize::from(mnc_length))?;
        let (&[mcc1, mcc2, mcc3, mnc1, mnc2], mnc3) = network.split_first_chunk::<5>()?;
        let mnc3 = match mnc3 {
            [] => 0x0F,
            [mnc3] => *mnc3,
            _ => return None,
        };
        let msin = msin.chunks(2).map(|pair| pair[0] | pair.get(1).unwrap_or(&0x0F) << 4).collect();
        Some(Self::Imsi { network: [mcc2 << 4 | mcc1, mnc3 << 4 | mcc3, mnc2 << 4 | mnc1], msin })
    }

    /// The network specific identifier of EF_SUPI_NAI (TS 31.102 4.4.11.10), tag 80.
    pub fn from_nai(file: &[u8]) -> Option<Self> {
        let mut rest = file;
        while let Ok((object, after)) = tlv::first(rest) {
            if object.tag() == [0x80] {
                let nai = std::str::from_utf8(object.value()).ok()?;
                let (username, realm) = nai.rsplit_once('@')?;
                return Some(Self::Nsi { username: username.to_owned(), realm: realm.to_owned() });
            }
            rest = after;
        }
        None
    }

    /// The value of the SUCI data object; `routing` is the content of EF_Routing_Indicator.
    ///
    /// # Errors
    /// Those of the agreement.
    pub fn conceal(
        &self,
        scheme: &Scheme,
        routing: [u8; 2],
        rng: &mut dyn Randomness,
    ) -> Result<Vec<u8>, rsp_crypto::Error> {
        match self {
            Self::Imsi { network, msin } => {
                let mut suci = vec![FORMAT_IMSI];
                suci.extend(network);
                suci.extend(routing);
                suci.extend([scheme.id(), scheme.key_id()]);
                match scheme.conceal(msin, rng)? {
                    None => suci.extend(msin),
                    Some(Concealed { ephemeral_key, ciphertext, mac }) => {
                        suci.extend([&ephemeral_key[..], &ciphertext, &mac].concat());
                    }
                }
                Ok(suci)
            }
            Self::Nsi { username, realm } => {
                let output = match scheme.conceal(username.as_bytes(), rng)? {
                    None => format!("userid{username}"),
                    Some(Concealed { ephemeral_key, ciphertext, mac }) => format!(
                        "hnkey{}.ecckey{}.cip{}.mac{}",
                        scheme.key_id(),
                        upper_hex(&ephemeral_key),
                        upper_hex(&ciphertext),
                        upper_hex(&mac)
                    ),
                };
                let nai = format!("type1.rid{}.schid{}.{output}@{realm}", routing_digits(routing), scheme.id());
                Ok([&[FORMAT_NSI], nai.as_bytes()].concat())
            }
        }
    }
}

/// One to four digits, the first in the low nibble, up to the first F.
fn routing_digits(routing: [u8; 2]) -> String {
    let nibbles = routing.into_iter().flat_map(|byte| [byte & 0x0F, byte >> 4]);
    nibbles.map_while(|nibble| char::from_digit(nibble.into(), 10)).collect()
}
