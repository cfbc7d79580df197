//! Key generation, key files and the forms of a public key.

use rsp_crypto::{Curve, Error, PublicKey, Randomness, SecretKey};
use rsp_testkit::standards;

use crate::seeded;

/// Hands out the given samples, in order.
struct Samples(Vec<[u8; 32]>);

impl Randomness for Samples {
    fn fill(&mut self, buffer: &mut [u8]) {
        buffer.copy_from_slice(&self.0.remove(0));
    }
}

#[test]
fn generates_by_rejection() {
    for curve in Curve::ALL {
        let mut samples = Samples(vec![[0xFF; 32], [0; 32], [0x42; 32]]);
        let key = SecretKey::generate(curve, &mut samples);
        assert_eq!(*key.to_bytes(), [0x42; 32]);
        assert!(samples.0.is_empty());
    }
}

#[test]
#[should_panic(expected = "randomness is broken")]
fn gives_up_on_a_broken_source() {
    struct Stuck;
    impl Randomness for Stuck {
        fn fill(&mut self, buffer: &mut [u8]) {
            buffer.fill(0xFF);
        }
    }
    SecretKey::generate(Curve::P256, &mut Stuck);
}

#[test]
fn refuses_scalars_out_of_range() {
    let orders = [
        (Curve::P256, "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"),
        (Curve::BrainpoolP256r1, "a9fb57dba1eea9bc3e660a909d838d718c397aa3b561a6f7901e0e82974856a7"),
    ];
    for (curve, order) in orders {
        let mut scalar: [u8; 32] = hex::decode(order).unwrap().try_into().unwrap();
        assert_eq!(SecretKey::from_bytes(curve, &scalar).err(), Some(Error::SecretKeyRange));
        assert_eq!(SecretKey::from_bytes(curve, &[0; 32]).err(), Some(Error::SecretKeyRange));
        scalar[31] -= 1;
        assert!(SecretKey::from_bytes(curve, &scalar).is_ok());
    }
}

#[test]
fn writes_key_files_that_it_reads() {
    for curve in Curve::ALL {
        let key = SecretKey::generate(curve, &mut seeded(3));
        let pem = key.to_pem().unwrap();
        assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----\n"));
        let again = SecretKey::from_pem(&pem).unwrap();
        assert_eq!(again.curve(), curve);
        assert_eq!(*again.to_bytes(), *key.to_bytes());
        assert_eq!(again.public_key(), key.public_key());
    }
}

#[test]
fn reads_the_published_key_files() {
    for (name, curve) in [("BRP", Curve::BrainpoolP256r1), ("NIST", Curve::P256)] {
        for role in ["EUM/SK_EUM", "eUICC/SK_EUICC", "CertificateIssuer/SK_CI", "DPauth/SK_S_SM_DPauth"] {
            let Some(file) = standards(&format!("sgp26/v1-set/{role}_ECDSA_{name}.pem")) else { return };
            let key = SecretKey::from_pem(&String::from_utf8(file).unwrap()).unwrap();
            assert_eq!(key.curve(), curve);
        }
    }
}

#[test]
fn refuses_other_files() {
    let key = SecretKey::generate(Curve::P256, &mut seeded(4)).to_pem().unwrap();
    let public_only = key.replace("PRIVATE", "PUBLIC");
    let mut damaged = key.to_string();
    damaged.replace_range(40..44, "AAAA");
    for text in ["", "no key", &public_only, &damaged] {
        assert_eq!(SecretKey::from_pem(text).err(), Some(Error::InvalidKeyFile), "{text:?}");
    }
}

/// The scalar of one key and the point of another in one file.
#[test]
fn refuses_a_file_with_a_foreign_public_key() {
    let randomness = &mut seeded(5);
    let (one, two) = (SecretKey::generate(Curve::P256, randomness), SecretKey::generate(Curve::P256, randomness));
    let mut der = one.to_pkcs8_der().unwrap().to_vec();
    let at = der.len() - 65;
    der[at..].copy_from_slice(two.public_key().as_bytes());
    let file = pem::encode(&pem::Pem::new("PRIVATE KEY", der));
    assert_eq!(SecretKey::from_pem(&file).err(), Some(Error::InconsistentKeyFile));
}

#[test]
fn identifies_a_public_key_as_certificates_do() {
    let Some(file) = standards("sgp26/v1-set/CertificateIssuer/SK_CI_ECDSA_NIST.pem") else { return };
    let key = SecretKey::from_pem(&String::from_utf8(file).unwrap()).unwrap();
    assert_eq!(hex::encode_upper(key.public_key().key_identifier()), "F54172BDF98A95D65CBEB88A38A1C11D800A85C3");
}

#[test]
fn names_curves_both_ways() {
    for curve in Curve::ALL {
        assert_eq!(curve.to_string().parse(), Ok(curve));
        assert_eq!(Curve::from_oid(curve.oid()), Some(curve));
    }
    assert_eq!("p384".parse::<Curve>(), Err(Error::UnsupportedCurve));
    assert_eq!(Curve::from_oid(&[1, 3, 132, 0, 34]), None);
}

#[test]
fn reads_uncompressed_points_only() {
    let key = SecretKey::generate(Curve::P256, &mut seeded(6));
    let point = key.public_key().as_bytes();
    let compressed = [&[2 + (point[64] & 1)], &point[1..33]].concat();
    let hybrid = [&[6 + (point[64] & 1)], &point[1..]].concat();
    let long = [point.as_slice(), &[0]].concat();
    for other in [&compressed, &hybrid, &long, &point[..64].to_vec()] {
        assert_eq!(PublicKey::from_uncompressed(Curve::P256, other), Err(Error::InvalidPublicKey));
    }
    assert_eq!(PublicKey::from_uncompressed(Curve::P256, point), Ok(*key.public_key()));
}
