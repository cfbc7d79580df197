//! ECDSA signatures in the two forms that RSP uses: raw `r || s` (BSI TR-03111, in RSP messages) and DER (in
//! certificates and CRLs).

use crate::Error;

/// An ECDSA signature as 64 bytes `r || s`, each big-endian.
///
/// Any 64 bytes are a value: whether r and s lie between 1 and the order less 1 is part of verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Signature([u8; 64]);

impl Signature {
    /// Takes the value of a raw signature, without its tag `5F37`.
    ///
    /// # Errors
    /// [`Error::InvalidSignatureEncoding`] for any length but 64, which includes every DER encoding.
    pub fn from_slice(raw: &[u8]) -> Result<Self, Error> {
        raw.try_into().map(Self).map_err(|_| Error::InvalidSignatureEncoding)
    }

    /// The 64 bytes `r || s`.
    pub fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }

    /// `Ecdsa-Sig-Value ::= SEQUENCE { r INTEGER, s INTEGER }` (RFC 3279 2.2.3), as in X.509.
    pub fn to_der(&self) -> Vec<u8> {
        let mut content = Vec::with_capacity(70);
        for half in self.0.chunks_exact(32) {
            push_integer(&mut content, half);
        }
        let mut der = Vec::with_capacity(2 + content.len());
        der.push(0x30);
        // At most two INTEGERs of 35 bytes: always the short form.
        der.push(content.len() as u8);
        der.extend_from_slice(&content);
        der
    }

    /// Reads `Ecdsa-Sig-Value` strictly: minimal lengths and INTEGERs, nothing negative, nothing behind it.
    ///
    /// # Errors
    /// [`Error::InvalidSignatureEncoding`].
    pub fn from_der(der: &[u8]) -> Result<Self, Error> {
        let (content, rest) = split_tlv(0x30, der)?;
        let (r, after_r) = split_tlv(0x02, content)?;
        let (s, after_s) = split_tlv(0x02, after_r)?;
        if !rest.is_empty() || !after_s.is_empty() {
            return Err(Error::InvalidSignatureEncoding);
        }
        let mut raw = [0; 64];
        let (first, second) = raw.split_at_mut(32);
        read_integer(r, first)?;
        read_integer(s, second)?;
        Ok(Self(raw))
    }
}

fn push_integer(out: &mut Vec<u8>, big_endian: &[u8]) {
    let zeros = big_endian.iter().take_while(|byte| **byte == 0).count().min(big_endian.len() - 1);
    let digits = &big_endian[zeros..];
    let sign = digits[0] & 0x80 != 0;
    out.push(0x02);
    out.push(digits.len() as u8 + u8::from(sign));
    if sign {
        out.push(0);
    }
    out.extend_from_slice(digits);
}

/// Splits a TLV with a one-byte tag and a short length off the front. Longer lengths cannot be canonical here.
fn split_tlv(tag: u8, data: &[u8]) -> Result<(&[u8], &[u8]), Error> {
    match data {
        [first, length, rest @ ..] if *first == tag && *length < 0x80 && rest.len() >= usize::from(*length) => {
            Ok(rest.split_at(usize::from(*length)))
        }
        _ => Err(Error::InvalidSignatureEncoding),
    }
}

fn read_integer(content: &[u8], out: &mut [u8]) -> Result<(), Error> {
    let digits = match content {
        [] => return Err(Error::InvalidSignatureEncoding),
        [first, ..] if first & 0x80 != 0 => return Err(Error::InvalidSignatureEncoding),
        [0, second, ..] if second & 0x80 == 0 => return Err(Error::InvalidSignatureEncoding),
        [0, digits @ ..] if !digits.is_empty() => digits,
        digits => digits,
    };
    let start = out.len().checked_sub(digits.len()).ok_or(Error::InvalidSignatureEncoding)?;
    out[start..].copy_from_slice(digits);
    Ok(())
}
