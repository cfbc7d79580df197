//! Both providers against each other.

use proptest::prelude::*;
use rsp_crypto::{Curve, Error, SecretKey, Signature};

use crate::{providers, seeded};

fn any_curve() -> impl Strategy<Value = Curve> {
    prop_oneof![Just(Curve::P256), Just(Curve::BrainpoolP256r1)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn each_verifies_what_the_other_signs(seed: u64, curve in any_curve(), message: Vec<u8>) {
        let key = SecretKey::generate(curve, &mut seeded(seed >> 1));
        for signing in providers() {
            let signature = signing.signer(&key).unwrap().sign(&message).unwrap();
            let again = Signature::from_der(&signature.to_der()).unwrap();
            prop_assert_eq!(again, signature);
            for verifying in providers() {
                verifying.verify(key.public_key(), &message, &signature).unwrap();
                let other = [message.as_slice(), b"!"].concat();
                prop_assert_eq!(
                    verifying.verify(key.public_key(), &other, &signature),
                    Err(Error::SignatureMismatch)
                );
            }
        }
    }

    #[test]
    fn both_agree_on_the_same_secret(seed: u64, curve in any_curve()) {
        let randomness = &mut seeded(seed >> 1);
        let (a, b) = (SecretKey::generate(curve, randomness), SecretKey::generate(curve, randomness));
        let [one, two] = providers();
        let left = one.agree(&a, b.public_key()).unwrap();
        let right = two.agree(&b, a.public_key()).unwrap();
        prop_assert_eq!(left.as_bytes(), right.as_bytes());
    }
}

#[test]
fn rust_crypto_signs_the_same_message_the_same_way() {
    for curve in Curve::ALL {
        let key = SecretKey::generate(curve, &mut seeded(1));
        let signer = rsp_crypto::rust_crypto().signer(&key).unwrap();
        assert_eq!(signer.sign(b"message").unwrap(), signer.sign(b"message").unwrap());
    }
}

/// RFC 6979 A.2.5, key and message "sample" with SHA-256.
#[test]
fn rust_crypto_signs_as_rfc_6979_says() {
    let scalar = hex::decode("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721").unwrap();
    let key = SecretKey::from_bytes(Curve::P256, &scalar.try_into().unwrap()).unwrap();
    let signature = rsp_crypto::rust_crypto().signer(&key).unwrap().sign(b"sample").unwrap();
    assert_eq!(
        hex::encode_upper(signature.as_bytes()),
        "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716\
         F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8"
    );
}

#[test]
fn refuses_to_agree_across_curves() {
    let randomness = &mut seeded(2);
    let nist = SecretKey::generate(Curve::P256, randomness);
    let brainpool = SecretKey::generate(Curve::BrainpoolP256r1, randomness);
    for provider in providers() {
        assert_eq!(provider.agree(&nist, brainpool.public_key()).err(), Some(Error::CurveMismatch));
        assert_eq!(provider.agree(&brainpool, nist.public_key()).err(), Some(Error::CurveMismatch));
    }
}
