//! RFC 5903, RFC 7748, the permutations of TS 35.232, SP 800-38A and the recorded BSP sequences.

use rsp_crypto::secured_packet::PacketKey;
use rsp_crypto::{Curve, Error, PublicKey, SecretKey, SharedSecret, kdf, keccak, symmetric, x25519};
use rsp_testkit::{standards, standards_json};
use serde_json::Value;

use crate::providers;

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().expect("hexadecimal string")).expect("hexadecimal digits")
}

fn array<const N: usize>(value: &Value) -> [u8; N] {
    bytes(value).try_into().expect("as long as the vector says")
}

#[test]
fn agrees_as_rfc_5903_says() {
    let Some(file) = standards("vectors/ecdh-p256.txt") else { return };
    let text = String::from_utf8(file).expect("text");
    let values: Vec<Vec<u8>> = text.lines().map(|line| hex::decode(line).expect("hexadecimal line")).collect();
    let secret = SecretKey::from_bytes(Curve::P256, &values[0].clone().try_into().expect("32 bytes")).expect("scalar");
    let peer = PublicKey::from_uncompressed(Curve::P256, &values[1]).expect("point");
    for provider in providers() {
        assert_eq!(provider.agree(&secret, &peer).expect("agreement").as_bytes().as_slice(), values[2]);
    }
}

#[test]
fn agrees_as_a_foreign_server_did() {
    let Some(vectors) = standards_json("vectors/bsp-scp03t.json") else { return };
    for vector in vectors["ecka"].as_array().expect("array") {
        let secret = SecretKey::from_bytes(Curve::P256, &array(&vector["smdp_otsk"])).expect("scalar");
        assert_eq!(secret.public_key().as_bytes().as_slice(), bytes(&vector["smdp_otpk"]));
        let peer = PublicKey::from_uncompressed(Curve::P256, &bytes(&vector["euicc_otpk"])).expect("point");
        for provider in providers() {
            assert_eq!(provider.agree(&secret, &peer).expect("agreement").as_bytes(), &array(&vector["shared_x"]));
        }
    }
}

#[test]
fn derives_the_bsp_keys() {
    let Some(vectors) = standards_json("vectors/bsp-scp03t.json") else { return };
    for vector in vectors["kdf"].as_array().expect("array") {
        let mut info = [bytes(&vector["key_type"]), bytes(&vector["key_len"])].concat();
        for value in [bytes(&vector["host_id"]), bytes(&vector["eid"])] {
            info.push(value.len() as u8);
            info.extend(value);
        }
        let shared = SharedSecret::from_bytes(array(&vector["shared_secret"]));
        let okm = kdf::x963(&shared, &info, 48);
        assert_eq!(okm[..16], bytes(&vector["initial_mcv"]));
        assert_eq!(okm[16..32], bytes(&vector["s_enc"]));
        assert_eq!(okm[32..], bytes(&vector["s_mac"]));
    }
}

#[test]
fn derives_any_length_as_a_prefix() {
    let shared = SharedSecret::from_bytes([7; 32]);
    let long = kdf::x963(&shared, b"info", 100);
    for len in 0..=100 {
        assert_eq!(*kdf::x963(&shared, b"info", len), long[..len]);
    }
}

/// The first protected segment of each key set, by CBC and CMAC alone: the rest is the business of the BSP itself.
#[test]
fn protects_the_first_segment_of_a_foreign_server() {
    let Some(vectors) = standards_json("vectors/bsp-scp03t.json") else { return };
    let operations = vectors["scp03t_mode51_sequence"].as_array().expect("array");
    let mut checked = 0;
    for pair in operations.windows(2).filter(|pair| pair[0]["op"] == "set_keys") {
        let enc: [u8; 16] = array(&pair[0]["s_enc"]);
        let mut data = bytes(&pair[1]["plain"]);
        data.push(0x80);
        data.resize(data.len().next_multiple_of(16), 0);
        let mut counter = [0; 16];
        counter[15] = 1;
        let icv = symmetric::aes128_ecb_encrypt_block(&enc, &counter);
        symmetric::aes128_cbc_encrypt(&enc, &icv, &mut data).expect("whole blocks");

        let expected = bytes(&pair[1]["expect"]);
        let header = expected.len() - data.len() - 8;
        assert_eq!(data, expected[header..expected.len() - 8]);
        let mac = symmetric::cmac_aes128(
            &array(&pair[0]["s_mac"]),
            &[&bytes(&pair[0]["initial_mcv"]), &expected[..header], &data],
        );
        assert_eq!(mac[..8], expected[expected.len() - 8..]);

        symmetric::aes128_cbc_decrypt(&enc, &icv, &mut data).expect("whole blocks");
        assert!(data.starts_with(&bytes(&pair[1]["plain"])));
        checked += 1;
    }
    assert!(checked >= 2, "the vectors hold two key sets");
}

#[test]
fn decrypts_a_block_that_it_encrypted() {
    let block = symmetric::aes128_ecb_encrypt_block(&[1; 16], &[2; 16]);
    assert_eq!(symmetric::aes128_ecb_decrypt_block(&[1; 16], &block), [2; 16]);
}

#[test]
fn refuses_partial_blocks() {
    let mut data = [0x55; 17];
    assert_eq!(symmetric::aes128_cbc_encrypt(&[0; 16], &[0; 16], &mut data), Err(rsp_crypto::Error::BlockLength));
    assert_eq!(symmetric::aes128_cbc_decrypt(&[0; 16], &[0; 16], &mut data), Err(rsp_crypto::Error::BlockLength));
    assert_eq!(data, [0x55; 17]);
}

#[test]
fn permutes_as_ts_35_232_says() {
    let Some(vectors) = standards_json("vectors/tuak-ts35232-35233.json") else { return };
    let sets = vectors["keccak"].as_array().expect("array");
    for set in sets {
        let mut state = array(&set["input"]);
        keccak::keccak_f1600(&mut state);
        assert_eq!(state, array(&set["output"]), "set {}", set["set"]);
    }
    assert_eq!(sets.len(), 6);
}

fn hexadecimal<const N: usize>(text: &str) -> [u8; N] {
    hex::decode(text).expect("hexadecimal digits").try_into().expect("the right length")
}

#[test]
fn agrees_on_curve25519_as_rfc_7748_says() {
    let scalar = hexadecimal("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4");
    let point = hexadecimal("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c");
    let shared = hexadecimal("c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
    assert_eq!(x25519::agree(&scalar, &point).expect("agreement").as_bytes(), &shared);
    let bob = hexadecimal("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
    let bob_public = hexadecimal("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
    let alice_public = hexadecimal("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
    let shared = hexadecimal("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
    assert_eq!(x25519::public_key(&bob), bob_public);
    assert_eq!(x25519::agree(&bob, &alice_public).expect("agreement").as_bytes(), &shared);
}

#[test]
fn counts_blocks_as_sp_800_38a_says() {
    let key = hexadecimal("2b7e151628aed2a6abf7158809cf4f3c");
    let counter = hexadecimal("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
    let mut data: [u8; 32] = hexadecimal("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51");
    symmetric::aes128_ctr(&key, &counter, &mut data);
    assert_eq!(hex::encode(data), "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff");
}

#[test]
fn a_point_survives_compression() {
    for curve in Curve::ALL {
        let mut parities = [false; 2];
        for scalar in 1..=8 {
            let key = SecretKey::from_bytes(curve, &[scalar; 32]).expect("scalar");
            let compressed = key.public_key().to_compressed();
            assert_eq!(PublicKey::from_compressed(curve, &compressed).as_ref(), Ok(key.public_key()));
            parities[usize::from(compressed[0] & 1)] = true;
        }
        assert_eq!(parities, [true; 2], "{curve}: both signs were met");
        for refused in [&[0x04; 33][..], &[0x02; 32], &[0xFF; 33], &[]] {
            assert!(PublicKey::from_compressed(curve, refused).is_err());
        }
        // No point has this X.
        let mut none = [0; 33];
        none[0] = 0x02;
        let off_curve = (1..=32).any(|x| {
            none[32] = x;
            PublicKey::from_compressed(curve, &none).is_err()
        });
        assert!(off_curve);
    }
}

/// The message of the examples in NIST SP 800-38A and SP 800-38B, its first block.
const MESSAGE: &str = "6bc1bee22e409f96e93d7e117393172a";

#[test]
fn checksums_of_aes_are_those_of_nist_sp_800_38b() {
    let examples = [
        ("2b7e151628aed2a6abf7158809cf4f3c", "070a16b46b4d4144"),
        ("8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b", "9e99a7bf31e71090"),
        ("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4", "28a7023f452e8f82"),
    ];
    for (key, checksum) in examples {
        let key = PacketKey::aes(&hex::decode(key).unwrap()).unwrap();
        let message = hex::decode(MESSAGE).unwrap();
        assert_eq!(hex::encode(key.checksum(&[&message[..5], &message[5..]])), checksum);
    }
}

/// Computed by PyCryptodome 3: two and three keys, and a last block that is padded with zeros.
#[test]
fn triple_des_is_that_of_another_implementation() {
    let keys = "0123456789abcdef23456789abcdef01456789abcdef0123";
    let message = hex::decode(MESSAGE).unwrap();
    for (length, encrypted, checksum) in [
        (16, "06ede3d82884090a3b7bbd1fc1ad476f", "24508a2148b9bcfc"),
        (24, "714772f339841d34a66687569156f45a", "e677176fd44f1ebd"),
    ] {
        let key = PacketKey::triple_des(&hex::decode(keys).unwrap()[..length]).unwrap();
        let mut data = message.clone();
        key.encrypt(&mut data).unwrap();
        assert_eq!(hex::encode(&data), encrypted);
        key.decrypt(&mut data).unwrap();
        assert_eq!(data, message);
        assert_eq!(hex::encode(key.checksum(&[&message[..12]])), checksum);
        assert_eq!(key.decrypt(&mut data[..12]), Err(Error::BlockLength));
    }
}

#[test]
fn keys_of_other_lengths_are_refused() {
    for length in (0..40).filter(|length| ![16, 24, 32].contains(length)) {
        assert_eq!(PacketKey::aes(&vec![1; length]).err(), Some(Error::KeyLength), "AES, {length}");
    }
    for length in (0..40).filter(|length| ![16, 24].contains(length)) {
        assert_eq!(PacketKey::triple_des(&vec![1; length]).err(), Some(Error::KeyLength), "triple DES, {length}");
    }
}
