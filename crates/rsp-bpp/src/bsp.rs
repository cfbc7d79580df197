//! The protection of one segment after another: encrypt, then MAC, each chained to the last (SGP.22 2.5.2, SCP03t).

use crate::keys::BspKeys;
use rsp_asn1::tlv;
use rsp_crypto::symmetric::{aes128_cbc_decrypt, aes128_cbc_encrypt, aes128_ecb_encrypt_block, cmac_aes128};
use rsp_crypto::{Zeroizing, constant_time_eq};

/// Largest segment, tag, length and MAC included (SGP.22 2.5.3).
pub const MAX_SEGMENT_SIZE: usize = 1020;
/// Most plaintext that fits an encrypted segment of [`MAX_SEGMENT_SIZE`]: padded to 1008, with 8 of MAC and 4 of header.
pub(crate) const MAX_ENCRYPTED: usize = 1007;
/// Most plaintext that fits an authenticated segment of [`MAX_SEGMENT_SIZE`].
pub(crate) const MAX_AUTHENTICATED: usize = 1008;

const BLOCK: usize = 16;
const MAC_SIZE: usize = 8;

/// Why a segment does not open. The sender's fault, or that of somebody on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BspError {
    /// Tag or length is wrong: ErrorReason scp03tStructureError.
    #[error("the segment is not a {expected:02X} TLV of cipher blocks and a MAC")]
    Structure {
        /// The tag that is due.
        expected: u8,
    },
    /// MAC or padding is wrong: ErrorReason scp03tSecurityError.
    #[error("the MAC or the padding of the {tag:02X} segment is wrong")]
    Security {
        /// The segment's tag.
        tag: u8,
    },
}

/// One direction of a secured channel. The counter and the MAC chaining value move with every segment, so a segment
/// that is dropped, repeated or reordered does not open.
pub struct Bsp {
    keys: BspKeys,
    mcv: Zeroizing<[u8; 16]>,
    counter: u128,
}

impl Bsp {
    /// Begins with the keys' chaining value and a block counter of 1.
    pub fn new(keys: BspKeys) -> Self {
        let mcv = keys.initial_mcv.clone();
        Self { keys, mcv, counter: 1 }
    }

    /// Appends `plaintext` as one encrypted and authenticated segment, tag and length included.
    pub fn protect(&mut self, tag: u8, plaintext: &[u8], out: &mut Vec<u8>) {
        let padded = (plaintext.len() / BLOCK + 1) * BLOCK;
        let start = self.begin(tag, padded, out);
        out.extend_from_slice(plaintext);
        out.push(0x80);
        out.resize(start.body + padded, 0);
        let icv = self.icv();
        aes128_cbc_encrypt(&self.keys.s_enc, &icv, &mut out[start.body..])
            .unwrap_or_else(|_| unreachable!("the body was padded to whole blocks"));
        self.append_mac(start, out);
    }

    /// Appends `plaintext` as one segment that is authenticated only. It counts as a block all the same.
    pub fn protect_mac_only(&mut self, tag: u8, plaintext: &[u8], out: &mut Vec<u8>) {
        let start = self.begin(tag, plaintext.len(), out);
        out.extend_from_slice(plaintext);
        self.append_mac(start, out);
    }

    /// Opens one encrypted segment, given with tag and length.
    ///
    /// # Errors
    /// [`BspError`]; the channel cannot be used after one.
    pub fn unprotect(&mut self, expected: u8, segment: &[u8]) -> Result<Zeroizing<Vec<u8>>, BspError> {
        let body = self.verify(expected, segment)?;
        if body.is_empty() || !body.len().is_multiple_of(BLOCK) {
            return Err(BspError::Structure { expected });
        }
        let mut plaintext = Zeroizing::new(body.to_vec());
        let icv = self.icv();
        aes128_cbc_decrypt(&self.keys.s_enc, &icv, &mut plaintext).map_err(|_| BspError::Structure { expected })?;
        let unpadded = plaintext.iter().rposition(|byte| *byte != 0).filter(|last| plaintext[*last] == 0x80);
        let length = unpadded.ok_or(BspError::Security { tag: expected })?;
        plaintext.truncate(length);
        self.counter += 1;
        Ok(plaintext)
    }

    /// Opens one segment that is authenticated only, given with tag and length.
    ///
    /// # Errors
    /// [`BspError`]; the channel cannot be used after one.
    pub fn unprotect_mac_only<'a>(&mut self, expected: u8, segment: &'a [u8]) -> Result<&'a [u8], BspError> {
        let body = self.verify(expected, segment)?;
        self.counter += 1;
        Ok(body)
    }

    /// Writes tag and length for a body of `length` bytes and the MAC.
    fn begin(&self, tag: u8, length: usize, out: &mut Vec<u8>) -> Start {
        let header = out.len();
        tlv::write_header(out, &[tag], length + MAC_SIZE);
        Start { header, body: out.len() }
    }

    /// The MAC covers the header with its final length, and the body.
    fn append_mac(&mut self, start: Start, out: &mut Vec<u8>) {
        let mac = cmac_aes128(&self.keys.s_mac, &[&*self.mcv, &out[start.header..]]);
        out.extend_from_slice(&mac[..MAC_SIZE]);
        self.mcv = Zeroizing::new(mac);
        self.counter += 1;
    }

    /// Checks tag, length and MAC, moves the chaining value, and returns the body without its MAC.
    fn verify<'a>(&mut self, expected: u8, segment: &'a [u8]) -> Result<&'a [u8], BspError> {
        let structure = BspError::Structure { expected };
        let (tlv, rest) = tlv::first(segment).map_err(|_| structure)?;
        if tlv.tag() != [expected] || !rest.is_empty() {
            return Err(structure);
        }
        let split = tlv.value().len().checked_sub(MAC_SIZE).ok_or(structure)?;
        let (body, received) = tlv.value().split_at(split);
        let mac = cmac_aes128(&self.keys.s_mac, &[&*self.mcv, tlv.header(), body]);
        if !constant_time_eq(&mac[..MAC_SIZE], received) {
            return Err(BspError::Security { tag: expected });
        }
        self.mcv = Zeroizing::new(mac);
        Ok(body)
    }

    /// The initial chaining vector of this block: its number, encrypted.
    fn icv(&self) -> [u8; 16] {
        aes128_ecb_encrypt_block(&self.keys.s_enc, &self.counter.to_be_bytes())
    }
}

/// Where a segment under construction begins.
#[derive(Clone, Copy)]
struct Start {
    header: usize,
    body: usize,
}
