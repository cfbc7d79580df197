//! Data at rest.

use rsp_crypto::{Error, aead::Aes256Gcm};

use crate::seeded;

#[test]
fn opens_only_what_was_sealed_for_this_place() {
    let key = Aes256Gcm::new(&[9; 32]);
    let sealed = key.seal(&mut seeded(1), b"orders/7/code", b"secret").unwrap();
    assert_eq!(sealed.len(), 12 + 6 + 16);
    assert_eq!(key.open(b"orders/7/code", &sealed).unwrap().as_slice(), b"secret");
    assert_eq!(key.open(b"orders/8/code", &sealed).err(), Some(Error::SealBroken));
    assert_eq!(Aes256Gcm::new(&[8; 32]).open(b"orders/7/code", &sealed).err(), Some(Error::SealBroken));
}

#[test]
fn notices_every_changed_bit_and_length() {
    let key = Aes256Gcm::new(&[9; 32]);
    let sealed = key.seal(&mut seeded(1), b"", b"secret").unwrap();
    for bit in 0..sealed.len() * 8 {
        let mut changed = sealed.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(key.open(b"", &changed).err(), Some(Error::SealBroken));
    }
    for len in 0..sealed.len() {
        assert_eq!(key.open(b"", &sealed[..len]).err(), Some(Error::SealBroken));
    }
}

#[test]
fn draws_a_fresh_nonce_each_time() {
    let key = Aes256Gcm::new(&[9; 32]);
    let randomness = &mut seeded(1);
    assert_ne!(key.seal(randomness, b"", b"secret").unwrap(), key.seal(randomness, b"", b"secret").unwrap());
}
