//! Project Wycheproof, for every primitive that it has vectors of.

use rsp_crypto::{Curve, PublicKey, SecretKey, Signature, aead, hash, symmetric, x25519};
use wycheproof::TestResult;
use wycheproof::aead::TestName as AeadName;
use wycheproof::cipher::TestName as CipherName;
use wycheproof::ecdh::TestName as EcdhName;
use wycheproof::ecdsa::TestName as EcdsaName;
use wycheproof::mac::TestName as MacName;
use wycheproof::xdh::TestName as XdhName;

use crate::providers;

/// Runs one ECDSA set through both providers; `read` is the encoding that the set tests.
fn ecdsa(set: EcdsaName, curve: Curve, read: fn(&[u8]) -> Result<Signature, rsp_crypto::Error>) {
    let set = wycheproof::ecdsa::TestSet::load(set).expect("vectors");
    let mut accepted = 0;
    for group in set.test_groups {
        let key = PublicKey::from_uncompressed(curve, &group.key.key).expect("public key of the group");
        for test in group.tests {
            for provider in providers() {
                let holds = read(&test.sig).and_then(|signature| provider.verify(&key, &test.msg, &signature)).is_ok();
                assert_eq!(holds, test.result == TestResult::Valid, "{provider:?} {}: {}", test.tc_id, test.comment);
                accepted += usize::from(holds);
            }
        }
    }
    assert!(accepted > 100, "only {accepted} signatures were accepted");
}

#[test]
fn ecdsa_p256_raw() {
    ecdsa(EcdsaName::EcdsaSecp256r1Sha256P1363, Curve::P256, Signature::from_slice);
}

#[test]
fn ecdsa_p256_der() {
    ecdsa(EcdsaName::EcdsaSecp256r1Sha256, Curve::P256, Signature::from_der);
}

#[test]
fn ecdsa_brainpool_raw() {
    ecdsa(EcdsaName::EcdsaBrainpool256r1Sha256P1363, Curve::BrainpoolP256r1, Signature::from_slice);
}

#[test]
fn ecdsa_brainpool_der() {
    ecdsa(EcdsaName::EcdsaBrainpool256r1Sha256, Curve::BrainpoolP256r1, Signature::from_der);
}

/// The head of a SubjectPublicKeyInfo with a named curve; the point follows.
fn spki_head(curve: Curve) -> &'static [u8] {
    match curve {
        Curve::P256 => b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00",
        Curve::BrainpoolP256r1 => {
            b"\x30\x5a\x30\x14\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x09\x2b\x24\x03\x03\x02\x08\x01\x01\x07\x03\x42\x00"
        }
    }
}

/// Runs one ECDH set. A key in any form but the canonical one is refused, which Wycheproof calls acceptable.
fn ecdh(set: EcdhName, curve: Curve, head: &[u8]) {
    let set = wycheproof::ecdh::TestSet::load(set).expect("vectors");
    let mut agreed = 0;
    for test in set.test_groups.into_iter().flat_map(|group| group.tests) {
        // The private key is an INTEGER: with a sign byte, or shorter than 32.
        let mut scalar = [0; 32];
        let digits = &test.private_key[test.private_key.len().saturating_sub(32)..];
        scalar[32 - digits.len()..].copy_from_slice(digits);
        let peer = test.public_key.strip_prefix(head).and_then(|p| PublicKey::from_uncompressed(curve, p).ok());
        let (Ok(own), Some(peer)) = (SecretKey::from_bytes(curve, &scalar), peer) else {
            assert_ne!(test.result, TestResult::Valid, "{}: {}", test.tc_id, test.comment);
            continue;
        };
        assert_ne!(test.result, TestResult::Invalid, "{}: {}", test.tc_id, test.comment);
        for provider in providers() {
            let shared = provider.agree(&own, &peer).expect("agreement");
            assert_eq!(shared.as_bytes().as_slice(), test.shared_secret.as_slice(), "{}", test.tc_id);
        }
        agreed += 1;
    }
    assert!(agreed > 100, "only {agreed} agreements");
}

#[test]
fn ecdh_p256_keys_of_certificates() {
    ecdh(EcdhName::EcdhSecp256r1, Curve::P256, spki_head(Curve::P256));
}

#[test]
fn ecdh_p256_points() {
    ecdh(EcdhName::EcdhSecp256r1Ecpoint, Curve::P256, &[]);
}

#[test]
fn ecdh_brainpool_keys_of_certificates() {
    ecdh(EcdhName::EcdhBrainpool256r1, Curve::BrainpoolP256r1, spki_head(Curve::BrainpoolP256r1));
}

#[test]
fn aes_cmac() {
    let set = wycheproof::mac::TestSet::load(MacName::AesCmac).expect("vectors");
    let mut checked = 0;
    for group in set.test_groups.into_iter().filter(|group| group.key_size == 128) {
        for test in group.tests {
            let mac = symmetric::cmac_aes128(test.key.as_slice().try_into().expect("128 bits"), &[&test.msg]);
            let holds = hash::constant_time_eq(&mac[..group.tag_size / 8], &test.tag);
            assert_eq!(holds, test.result == TestResult::Valid, "{}: {}", test.tc_id, test.comment);
            checked += 1;
        }
    }
    assert!(checked > 50);
}

#[test]
fn hmac_sha256() {
    let set = wycheproof::mac::TestSet::load(MacName::HmacSha256).expect("vectors");
    for group in set.test_groups {
        for test in group.tests {
            let mac = hash::hmac_sha256(&test.key, &test.msg);
            let holds = hash::constant_time_eq(&mac[..group.tag_size / 8], &test.tag);
            assert_eq!(holds, test.result == TestResult::Valid, "{}: {}", test.tc_id, test.comment);
        }
    }
}

/// The vectors are padded by PKCS#7. SCP03t pads otherwise, so the padding is put on and checked here, and the CBC
/// itself is ours.
#[test]
fn aes_cbc() {
    let set = wycheproof::cipher::TestSet::load(CipherName::AesCbcPkcs5).expect("vectors");
    let mut checked = 0;
    for test in set.test_groups.into_iter().filter(|group| group.key_size == 128).flat_map(|group| group.tests) {
        let key: [u8; 16] = test.key.as_slice().try_into().expect("128 bits");
        let iv: [u8; 16] = test.nonce.as_slice().try_into().expect("128 bits");
        let mut data = test.ct.to_vec();
        let opened = symmetric::aes128_cbc_decrypt(&key, &iv, &mut data).ok().and_then(|()| pkcs7_content(&data));
        match test.result {
            TestResult::Valid => {
                assert_eq!(opened, Some(test.pt.as_slice()), "{}", test.tc_id);
                let pad = 16 - test.pt.len() % 16;
                let mut padded = [test.pt.as_slice(), &vec![pad as u8; pad]].concat();
                symmetric::aes128_cbc_encrypt(&key, &iv, &mut padded).expect("whole blocks");
                assert_eq!(padded, test.ct.as_slice(), "{}", test.tc_id);
            }
            _ => assert_eq!(opened, None, "{}: {}", test.tc_id, test.comment),
        }
        checked += 1;
    }
    assert!(checked > 50);
}

fn pkcs7_content(data: &[u8]) -> Option<&[u8]> {
    let pad = usize::from(*data.last()?);
    let split = data.len().checked_sub(pad)?;
    ((1..=16).contains(&pad) && data[split..].iter().all(|byte| usize::from(*byte) == pad)).then(|| &data[..split])
}

#[test]
fn aes_256_gcm() {
    let set = wycheproof::aead::TestSet::load(AeadName::AesGcm).expect("vectors");
    let ours =
        |group: &wycheproof::aead::TestGroup| group.key_size == 256 && group.nonce_size == 96 && group.tag_size == 128;
    let mut checked = 0;
    for test in set.test_groups.into_iter().filter(ours).flat_map(|group| group.tests) {
        let key = aead::Aes256Gcm::new(test.key.as_slice().try_into().expect("256 bits"));
        let sealed = [test.nonce.as_slice(), &test.ct, &test.tag].concat();
        match test.result {
            TestResult::Valid => {
                assert_eq!(key.open(&test.aad, &sealed).expect("opens").as_slice(), test.pt.as_slice());
                let again = key.seal(&mut Replay(&test.nonce), &test.aad, &test.pt).expect("seals");
                assert_eq!(again, sealed, "{}", test.tc_id);
            }
            _ => assert!(key.open(&test.aad, &sealed).is_err(), "{}: {}", test.tc_id, test.comment),
        }
        checked += 1;
    }
    assert!(checked > 50);
}

/// Hands out one recorded nonce.
struct Replay<'a>(&'a [u8]);

impl rsp_crypto::Randomness for Replay<'_> {
    fn fill(&mut self, buffer: &mut [u8]) {
        buffer.copy_from_slice(self.0);
    }
}

/// Keys that lead to the secret of zeros are refused, and all others agree.
#[test]
fn x25519_agreement() {
    let set = wycheproof::xdh::TestSet::load(XdhName::X25519).expect("vectors");
    let mut agreed = 0;
    for test in set.test_groups.into_iter().flat_map(|group| group.tests) {
        let secret = test.private_key[..].try_into().expect("32 bytes");
        let Ok(peer) = <&[u8; 32]>::try_from(&test.public_key[..]) else {
            assert_ne!(test.result, TestResult::Valid, "{}", test.tc_id);
            continue;
        };
        match x25519::agree(secret, peer) {
            Ok(shared) => assert_eq!(shared.as_bytes()[..], test.shared_secret[..], "{}: {}", test.tc_id, test.comment),
            Err(_) => assert!(test.shared_secret.iter().all(|byte| *byte == 0), "{}: {}", test.tc_id, test.comment),
        }
        agreed += 1;
    }
    assert!(agreed > 200, "only {agreed} agreements");
}
