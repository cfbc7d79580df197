//! Hashes of passwords.

use rsp_crypto::password::{hash, verify};
use rsp_testkit::SeededRandomness;

/// By the reference implementation (phc-winner-argon2, `argon2 somesalt -id -t 2 -m 16 -p 1`).
const REFERENCE: &str = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";

#[test]
fn takes_what_the_reference_implementation_hashed() {
    assert!(verify(b"password", REFERENCE));
    assert!(!verify(b"Password", REFERENCE));
    assert!(!verify(b"password", &REFERENCE.replace("t=2", "t=3")));
}

#[test]
fn a_hash_names_its_cost_and_fits_its_password_alone() {
    let mut randomness = SeededRandomness::new("salts");
    let first = hash(b"correct horse", &mut randomness).unwrap();
    assert!(first.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{first}");
    assert!(verify(b"correct horse", &first) && !verify(b"correct hors", &first) && !verify(b"", &first));
    assert_ne!(first, hash(b"correct horse", &mut randomness).unwrap(), "the salt is fresh");
}

#[test]
fn a_text_that_is_no_hash_fits_nothing() {
    for text in ["", "password", "$argon2id$", "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ"] {
        assert!(!verify(b"password", text), "{text}");
    }
}
