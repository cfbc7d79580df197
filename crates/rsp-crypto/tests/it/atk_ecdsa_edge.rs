//! Attack: signatures and keys at the edges of their encodings.

use rsp_crypto::{Curve, Error, PublicKey, SecretKey, Signature};

use crate::{providers, seeded};

const MESSAGE: &[u8] = b"serverSigned1";

fn order(curve: Curve) -> [u8; 32] {
    let digits = match curve {
        Curve::P256 => "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
        Curve::BrainpoolP256r1 => "a9fb57dba1eea9bc3e660a909d838d718c397aa3b561a6f7901e0e82974856a7",
    };
    hex::decode(digits).unwrap().try_into().unwrap()
}

/// left - right, both big-endian.
fn subtract(left: &[u8; 32], right: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    let mut borrow = 0;
    for i in (0..32).rev() {
        let digit = i16::from(left[i]) - i16::from(right[i]) - borrow;
        borrow = i16::from(digit < 0);
        out[i] = digit.rem_euclid(256) as u8;
    }
    out
}

fn signed(curve: Curve) -> (SecretKey, [u8; 64]) {
    let key = SecretKey::generate(curve, &mut seeded(11));
    let signature = rsp_crypto::rust_crypto().signer(&key).unwrap().sign(MESSAGE).unwrap();
    (key, *signature.as_bytes())
}

fn verdicts(key: &SecretKey, raw: &[u8; 64]) -> [Result<(), Error>; 2] {
    let signature = Signature::from_slice(raw).unwrap();
    providers().map(|provider| provider.verify(key.public_key(), MESSAGE, &signature))
}

#[test]
fn atk_ecdsa_edge_r_or_s_zero() {
    for curve in Curve::ALL {
        let (key, raw) = signed(curve);
        for range in [0..32, 32..64, 0..64] {
            let mut zeroed = raw;
            zeroed[range].fill(0);
            assert_eq!(verdicts(&key, &zeroed), [Err(Error::SignatureMismatch); 2]);
        }
    }
}

#[test]
fn atk_ecdsa_edge_r_or_s_at_or_above_the_order() {
    for curve in Curve::ALL {
        let (key, raw) = signed(curve);
        for value in [order(curve), [0xFF; 32]] {
            for range in [0..32, 32..64] {
                let mut edge = raw;
                edge[range].copy_from_slice(&value);
                assert_eq!(verdicts(&key, &edge), [Err(Error::SignatureMismatch); 2]);
            }
        }
    }
}

/// A value plus the order is the same residue, and must not count as the same signature.
#[test]
fn atk_ecdsa_edge_s_plus_the_order() {
    let curve = Curve::BrainpoolP256r1;
    let (key, raw) = signed(curve);
    // Take the smaller of s and n - s, so that adding the order stays within 32 bytes.
    let s: [u8; 32] = raw[32..].try_into().unwrap();
    let low = s.min(subtract(&order(curve), &s));
    let complement = subtract(&[0xFF; 32], &order(curve));
    assert!(low <= complement, "half of this order is less than what is left above it");
    // low + n = 2^256 - 1 - ((2^256 - 1 - n) - low)
    let sum = subtract(&[0xFF; 32], &subtract(&complement, &low));
    let mut shifted = raw;
    shifted[32..].copy_from_slice(&sum);
    assert_eq!(verdicts(&key, &shifted), [Err(Error::SignatureMismatch); 2]);
}

#[test]
fn atk_ecdsa_edge_high_and_low_s_are_both_accepted() {
    for curve in Curve::ALL {
        let (key, raw) = signed(curve);
        let mut mirrored = raw;
        mirrored[32..].copy_from_slice(&subtract(&order(curve), &raw[32..]));
        assert_eq!(verdicts(&key, &raw), [Ok(()); 2]);
        assert_eq!(verdicts(&key, &mirrored), [Ok(()); 2]);
    }
}

#[test]
fn atk_ecdsa_edge_der_instead_of_raw() {
    for curve in Curve::ALL {
        let (_, raw) = signed(curve);
        let der = Signature::from_slice(&raw).unwrap().to_der();
        assert_eq!(Signature::from_slice(&der), Err(Error::InvalidSignatureEncoding));
        assert_eq!(Signature::from_der(&raw), Err(Error::InvalidSignatureEncoding));
    }
    // A DER signature of exactly 64 bytes passes for raw and fails as a signature.
    let mut short = vec![0x30, 62, 0x02, 29];
    short.extend([0x11; 29]);
    short.extend([0x02, 29]);
    short.extend([0x11; 29]);
    assert_eq!(short.len(), 64);
    let (key, _) = signed(Curve::P256);
    assert_eq!(verdicts(&key, &short.try_into().unwrap()), [Err(Error::SignatureMismatch); 2]);
}

#[test]
fn atk_ecdsa_edge_wrong_length() {
    let (_, raw) = signed(Curve::P256);
    for len in [0, 1, 32, 63] {
        assert_eq!(Signature::from_slice(&raw[..len]), Err(Error::InvalidSignatureEncoding));
    }
    assert_eq!(Signature::from_slice(&[raw.as_slice(), &[0]].concat()), Err(Error::InvalidSignatureEncoding));
}

#[test]
fn atk_ecdsa_edge_der_not_canonical() {
    let cases: [&[u8]; 9] = [
        b"\x30\x06\x02\x01\x81\x02\x01\x01",         // negative r
        b"\x30\x07\x02\x02\x00\x01\x02\x01\x01",     // r padded
        b"\x30\x05\x02\x00\x02\x01\x01",             // empty r
        b"\x30\x06\x02\x01\x01\x02\x01\x01\x00",     // a byte behind
        b"\x30\x07\x02\x01\x01\x02\x01\x01\x00",     // a byte inside
        b"\x30\x81\x06\x02\x01\x01\x02\x01\x01",     // long form of the length
        b"\x30\x80\x02\x01\x01\x02\x01\x01\x00\x00", // indefinite length
        b"\x31\x06\x02\x01\x01\x02\x01\x01",         // SET
        b"\x30\x06\x02\x01\x01\x04\x01\x01",         // OCTET STRING
    ];
    for der in cases {
        assert_eq!(Signature::from_der(der), Err(Error::InvalidSignatureEncoding), "{der:02x?}");
    }
    let mut long = vec![0x30, 0x26, 0x02, 33, 1];
    long.extend([0; 32]);
    long.extend([0x02, 1, 1]);
    assert_eq!(Signature::from_der(&long), Err(Error::InvalidSignatureEncoding), "r of 33 bytes");
    assert!(Signature::from_der(b"\x30\x06\x02\x01\x01\x02\x01\x01").is_ok());
}

#[test]
fn atk_ecdsa_edge_point_off_the_curve() {
    for curve in Curve::ALL {
        let (key, _) = signed(curve);
        for at in [1, 32, 33, 64] {
            let mut point = *key.public_key().as_bytes();
            point[at] ^= 1;
            assert_eq!(PublicKey::from_uncompressed(curve, &point), Err(Error::InvalidPublicKey));
        }
    }
}

#[test]
fn atk_ecdsa_edge_point_of_the_other_curve() {
    let (nist, _) = signed(Curve::P256);
    let (brainpool, _) = signed(Curve::BrainpoolP256r1);
    assert!(PublicKey::from_uncompressed(Curve::BrainpoolP256r1, nist.public_key().as_bytes()).is_err());
    assert!(PublicKey::from_uncompressed(Curve::P256, brainpool.public_key().as_bytes()).is_err());
}

#[test]
fn atk_ecdsa_edge_point_at_infinity() {
    for curve in Curve::ALL {
        let mut zeros = [0; 65];
        assert_eq!(PublicKey::from_uncompressed(curve, &zeros), Err(Error::InvalidPublicKey));
        assert_eq!(PublicKey::from_uncompressed(curve, &[0]), Err(Error::InvalidPublicKey));
        zeros[0] = 4;
        assert_eq!(PublicKey::from_uncompressed(curve, &zeros), Err(Error::InvalidPublicKey));
    }
}

#[test]
fn atk_ecdsa_edge_coordinate_not_reduced() {
    for curve in Curve::ALL {
        let mut point = [0xFF; 65];
        point[0] = 4;
        assert_eq!(PublicKey::from_uncompressed(curve, &point), Err(Error::InvalidPublicKey));
    }
}
