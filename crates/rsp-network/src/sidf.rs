//! The Subscription Identifier De-concealing Function of the home network (3GPP TS 33.501 6.12.5 and C.3.3), by AWS-LC:
//! cards conceal with other code.

use aws_lc_rs::agreement::{self, ECDH_P256, PrivateKey, UnparsedPublicKey, X25519};
use aws_lc_rs::cipher::{AES_128, DecryptingKey, DecryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::{digest, hmac};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Bytes of the MAC tag.
const MAC: usize = 8;

/// Why a SUCI is not de-concealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SidfError {
    // The subscriber's side.
    /// Neither SUPI format IMSI nor network specific identifier, or not coded as TS 24.501 9.11.3.4 says.
    #[error("the SUCI is malformed: {0}")]
    Malformed(&'static str),
    /// The MAC tag is wrong: something was changed on the way, or another key was used.
    #[error("the MAC tag of the SUCI is wrong")]
    WrongMac,
    /// The ephemeral public key is no point of the curve, or one of small order.
    #[error("the ephemeral public key of the SUCI is refused")]
    EphemeralKey,

    // The home network's side.
    /// A protection scheme that is not one of TS 33.501 annex C.
    #[error("protection scheme {0} is not known")]
    Scheme(u8),
    /// No private key of that scheme has this identifier.
    #[error("there is no private key for home network public key identifier {0}")]
    KeyIdentifier(u8),
    /// A private key of the home network is no key of its curve.
    #[error("the private key of the home network is refused")]
    PrivateKey,
}

/// Who hides behind a SUCI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Supi {
    /// Digits of an IMSI.
    Imsi(String),
    /// `username@realm`.
    Nai(String),
}

/// The curve of a protection scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Scheme 1: X25519.
    A,
    /// Scheme 2: P-256.
    B,
}

/// A home network with its private keys.
#[derive(Default)]
pub struct Sidf {
    keys: Vec<(u8, Profile, PrivateKey)>,
}

/// What stands around the scheme output in a SUCI.
struct Parts<'a> {
    scheme: u8,
    key_id: u8,
    output: Output<'a>,
}

/// The scheme output of TS 33.501 C.3.2.
enum Output<'a> {
    Null(&'a [u8]),
    Ecies { ephemeral: Vec<u8>, ciphertext: Vec<u8>, mac: Vec<u8> },
}

impl Sidf {
    /// A home network without keys, which reads the null scheme only.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same network with one key more: 32 bytes, as the identifier's public key belongs to it.
    ///
    /// # Errors
    /// [`SidfError::PrivateKey`].
    pub fn with_key(mut self, key_id: u8, profile: Profile, private: &[u8; 32]) -> Result<Self, SidfError> {
        let algorithm = match profile {
            Profile::A => &X25519,
            Profile::B => &ECDH_P256,
        };
        let key = PrivateKey::from_private_key(algorithm, private).map_err(|_| SidfError::PrivateKey)?;
        self.keys.push((key_id, profile, key));
        Ok(self)
    }

    /// Finds out who hides behind a SUCI: octets 4 and on of the mobile identity of TS 24.501 9.11.3.4, which is also the
    /// value of the data object A1 that GET IDENTITY gives.
    ///
    /// # Errors
    /// [`SidfError`]; nothing of an identity is given away then.
    pub fn deconceal(&self, suci: &[u8]) -> Result<Supi, SidfError> {
        match suci.split_first() {
            Some((0x01, rest)) => self.imsi(rest),
            Some((0x11, rest)) => self.nai(rest),
            _ => Err(SidfError::Malformed("SUPI format or type of identity")),
        }
    }

    fn imsi(&self, suci: &[u8]) -> Result<Supi, SidfError> {
        let malformed = |what| move || SidfError::Malformed(what);
        let (network, rest) = suci.split_first_chunk::<3>().ok_or_else(malformed("home network identifier"))?;
        let (_routing, rest) = rest.split_first_chunk::<2>().ok_or_else(malformed("routing indicator"))?;
        let (&[scheme, key_id], output) = rest.split_first_chunk::<2>().ok_or_else(malformed("protection scheme"))?;
        let scheme = scheme & 0x0F;
        let output = match scheme {
            0 => Output::Null(output),
            1 => cut(output, 32)?,
            2 => cut(output, 33)?,
            other => return Err(SidfError::Scheme(other)),
        };
        let msin = self.open(&Parts { scheme, key_id, output })?;
        let [a, b, c] = *network;
        let nibbles = [a & 15, a >> 4, b & 15, c & 15, c >> 4, b >> 4];
        let mnc3 = nibbles[5];
        let network = nibbles[..5].iter().copied().chain((mnc3 != 15).then_some(mnc3));
        let mut msin: Vec<u8> = msin.iter().flat_map(|byte| [byte & 15, byte >> 4]).collect();
        if msin.last() == Some(&15) {
            msin.pop();
        }
        let digits: Option<String> = network.chain(msin).map(|digit| char::from_digit(digit.into(), 10)).collect();
        digits.map(Supi::Imsi).ok_or(SidfError::Malformed("a digit above 9"))
    }

    /// `type1.rid<routing>.schid<scheme>.…@realm` (TS 23.003 28.7.3).
    fn nai(&self, suci: &[u8]) -> Result<Supi, SidfError> {
        let text = std::str::from_utf8(suci).map_err(|_| SidfError::Malformed("NAI is no text"))?;
        let (name, realm) = text.rsplit_once('@').ok_or(SidfError::Malformed("NAI without a realm"))?;
        let mut labels = name.splitn(4, '.');
        let mut label = |prefix: &str| labels.next().and_then(|label| label.strip_prefix(prefix));
        if label("type") != Some("1") || label("rid").is_none() {
            return Err(SidfError::Malformed("type or routing indicator of the NAI"));
        }
        let scheme = label("schid").and_then(|scheme| scheme.parse().ok()).ok_or(SidfError::Malformed("schid"))?;
        let output = labels.next().ok_or(SidfError::Malformed("no scheme output"))?;
        let parts = match scheme {
            0 => {
                let user = output.strip_prefix("userid").ok_or(SidfError::Malformed("userid"))?;
                Parts { scheme, key_id: 0, output: Output::Null(user.as_bytes()) }
            }
            1 | 2 => named(scheme, output).ok_or(SidfError::Malformed("hnkey, ecckey, cip and mac"))?,
            other => return Err(SidfError::Scheme(other)),
        };
        let user = self.open(&parts)?;
        let user = std::str::from_utf8(&user).map_err(|_| SidfError::Malformed("the username is no text"))?;
        Ok(Supi::Nai(format!("{user}@{realm}")))
    }

    fn open(&self, parts: &Parts<'_>) -> Result<Vec<u8>, SidfError> {
        let (ephemeral, ciphertext, mac) = match &parts.output {
            Output::Null(plain) => return Ok(plain.to_vec()),
            Output::Ecies { ephemeral, ciphertext, mac } => (ephemeral, ciphertext, mac),
        };
        let (profile, algorithm) = if parts.scheme == 1 { (Profile::A, &X25519) } else { (Profile::B, &ECDH_P256) };
        // Points are compressed, and are not read in any other form (TS 33.501 C.3.4.2).
        let well_formed = match profile {
            Profile::A => ephemeral.len() == 32,
            Profile::B => ephemeral.len() == 33 && matches!(ephemeral[0], 0x02 | 0x03),
        };
        if !well_formed {
            return Err(SidfError::EphemeralKey);
        }
        let mut keys = self.keys.iter();
        let key = keys.find(|(id, of, _)| (*id, *of) == (parts.key_id, profile));
        let (_, _, key) = key.ok_or(SidfError::KeyIdentifier(parts.key_id))?;
        let peer = UnparsedPublicKey::new(algorithm, ephemeral);
        let keys = agreement::agree(key, peer, SidfError::EphemeralKey, |shared| Ok(derive(shared, ephemeral)))?;
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &keys[32..]), ciphertext);
        if !bool::from(tag.as_ref()[..MAC].ct_eq(mac)) {
            return Err(SidfError::WrongMac);
        }
        decrypt(&keys, ciphertext)
    }
}

/// The key derivation of ANSI X9.63 with SHA-256: AES key, first counter block and MAC key, 64 bytes in all.
fn derive(shared: &[u8], ephemeral: &[u8]) -> Zeroizing<Vec<u8>> {
    let block = |counter: u32| {
        digest::digest(&digest::SHA256, &[shared, &counter.to_be_bytes(), ephemeral].concat()).as_ref().to_vec()
    };
    Zeroizing::new([block(1), block(2)].concat())
}

fn decrypt(keys: &[u8], ciphertext: &[u8]) -> Result<Vec<u8>, SidfError> {
    let mut counter = [0; 16];
    counter.copy_from_slice(&keys[16..32]);
    let mut plain = ciphertext.to_vec();
    let key = UnboundCipherKey::new(&AES_128, &keys[..16]).and_then(DecryptingKey::ctr);
    key.and_then(|key| key.decrypt(&mut plain, DecryptionContext::Iv128(FixedLength::from(counter))).map(drop))
        .map_err(|_| SidfError::PrivateKey)?;
    Ok(plain)
}

/// Ephemeral key, ciphertext and MAC tag, one after the other.
fn cut(output: &[u8], key_length: usize) -> Result<Output<'_>, SidfError> {
    let length = output.len().checked_sub(MAC).filter(|length| *length >= key_length);
    let length = length.ok_or(SidfError::Malformed("the scheme output is too short"))?;
    Ok(Output::Ecies {
        ephemeral: output[..key_length].to_vec(),
        ciphertext: output[key_length..length].to_vec(),
        mac: output[length..].to_vec(),
    })
}

/// `hnkey<identifier>.ecckey<…>.cip<…>.mac<…>`.
fn named(scheme: u8, output: &str) -> Option<Parts<'_>> {
    let mut labels = output.split('.');
    let mut label = |prefix: &str| labels.next()?.strip_prefix(prefix);
    let key_id = label("hnkey")?.parse().ok()?;
    let (ephemeral, ciphertext, mac) = (hex(label("ecckey")?)?, hex(label("cip")?)?, hex(label("mac")?)?);
    (mac.len() == MAC && labels.next().is_none()).then_some(Parts {
        scheme,
        key_id,
        output: Output::Ecies { ephemeral, ciphertext, mac },
    })
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text.chars().map(|digit| Some(digit.to_digit(16)? as u8)).collect();
    let digits = digits.filter(|digits| digits.len().is_multiple_of(2))?;
    Some(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}
