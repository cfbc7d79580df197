//! RFC 5903 and the recorded BSP sequences.

use rsp_crypto::{Curve, PublicKey, SecretKey, SharedSecret, kdf, symmetric};
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
