//! BSP keys and where they come from (SGP.22 2.6.4, annex G; GlobalPlatform Amendment D).

use rsp_asn1::{ControlRefTemplate, Eid, OctetString, ReplaceSessionKeysRequest};
use rsp_crypto::{Randomness, RandomnessExt, SharedSecret, Zeroizing, kdf};

/// Key type in a Control Reference Template: AES.
const KEY_TYPE_AES: u8 = 0x88;
/// Key length in a Control Reference Template: 16 bytes.
const KEY_LENGTH: u8 = 0x10;

/// Why no keys come out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The Control Reference Template asks for something else than AES-128. The SM-DP+'s fault.
    #[error("the Control Reference Template asks for key type {key_type:02X} of {key_length} bytes, not AES-128")]
    UnsupportedCrtValues {
        /// keyType as received.
        key_type: u8,
        /// keyLen as received.
        key_length: u8,
    },
    /// A key in ReplaceSessionKeys is not 16 bytes long. The SM-DP+'s fault.
    #[error("a key in ReplaceSessionKeys has {length} bytes, not 16")]
    KeySize {
        /// Its length.
        length: usize,
    },
}

/// The keys of one BSP session: S-ENC, S-MAC and the MAC chaining value to begin with.
///
/// Session keys come from key agreement; Profile Protection Keys (PPK) are random and travel in ReplaceSessionKeys.
/// Neither printed nor cloned, and erased when dropped.
pub struct BspKeys {
    pub(crate) initial_mcv: Zeroizing<[u8; 16]>,
    pub(crate) s_enc: Zeroizing<[u8; 16]>,
    pub(crate) s_mac: Zeroizing<[u8; 16]>,
}

impl BspKeys {
    /// Derives the session keys from ECKA's shared secret: 48 bytes of the X9.63 KDF over
    /// keyType ‖ keyLen ‖ length and value of HostID ‖ length and value of the EID.
    ///
    /// # Errors
    /// [`KeyError::UnsupportedCrtValues`] unless the template asks for AES-128.
    pub fn derive(shared: &SharedSecret, crt: &ControlRefTemplate, eid: &Eid) -> Result<Self, KeyError> {
        let (key_type, key_length) = (first(&crt.key_type), first(&crt.key_len));
        if (key_type, key_length) != (KEY_TYPE_AES, KEY_LENGTH) {
            return Err(KeyError::UnsupportedCrtValues { key_type, key_length });
        }
        let mut shared_info = vec![key_type, key_length, crt.host_id.len() as u8];
        shared_info.extend_from_slice(&crt.host_id);
        shared_info.push(eid.0.len() as u8);
        shared_info.extend_from_slice(&eid.0);
        let okm = kdf::x963(shared, &shared_info, 48);
        Ok(Self { initial_mcv: part(&okm, 0), s_enc: part(&okm, 16), s_mac: part(&okm, 32) })
    }

    /// Keys that are already known.
    pub fn from_parts(initial_mcv: [u8; 16], s_enc: [u8; 16], s_mac: [u8; 16]) -> Self {
        Self { initial_mcv: Zeroizing::new(initial_mcv), s_enc: Zeroizing::new(s_enc), s_mac: Zeroizing::new(s_mac) }
    }

    /// Fresh Profile Protection Keys. They must never protect a second profile.
    pub fn random(randomness: &mut dyn Randomness) -> Self {
        Self::from_parts(randomness.bytes(), randomness.bytes(), randomness.bytes())
    }

    /// Reads Profile Protection Keys as ReplaceSessionKeys carries them.
    ///
    /// # Errors
    /// [`KeyError::KeySize`] if one is not 16 bytes long.
    pub fn from_request(request: &ReplaceSessionKeysRequest) -> Result<Self, KeyError> {
        Ok(Self {
            initial_mcv: sized(&request.initial_mac_chaining_value)?,
            s_enc: sized(&request.ppk_enc)?,
            s_mac: sized(&request.ppk_cmac)?,
        })
    }

    /// The ReplaceSessionKeys that carries these keys, DER (tag `BF26`).
    pub fn to_request(&self) -> Zeroizing<Vec<u8>> {
        let mut body = Zeroizing::new(Vec::with_capacity(54));
        rsp_asn1::tlv::write(&mut body, &[0x80], &*self.initial_mcv);
        rsp_asn1::tlv::write(&mut body, &[0x81], &*self.s_enc);
        rsp_asn1::tlv::write(&mut body, &[0x82], &*self.s_mac);
        let mut request = Zeroizing::new(Vec::with_capacity(57));
        rsp_asn1::tlv::write(&mut request, &[0xBF, 0x26], &body);
        request
    }
}

/// The template that asks for AES-128 keys.
pub(crate) fn aes_128_template(host_id: &[u8]) -> ControlRefTemplate {
    ControlRefTemplate {
        key_type: OctetString::from_static(&[KEY_TYPE_AES]),
        key_len: OctetString::from_static(&[KEY_LENGTH]),
        host_id: OctetString::from_slice(host_id),
        unknown: Default::default(),
    }
}

fn first(octets: &OctetString) -> u8 {
    octets.first().copied().unwrap_or_default()
}

/// 16 bytes of 48 that were asked for.
fn part(okm: &[u8], start: usize) -> Zeroizing<[u8; 16]> {
    let mut key = Zeroizing::new([0; 16]);
    key.copy_from_slice(&okm[start..start + 16]);
    key
}

fn sized(octets: &OctetString) -> Result<Zeroizing<[u8; 16]>, KeyError> {
    <[u8; 16]>::try_from(octets.as_ref()).map(Zeroizing::new).map_err(|_| KeyError::KeySize { length: octets.len() })
}
