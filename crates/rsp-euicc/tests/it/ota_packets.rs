//! Secured packets that another implementation made, and answers that it accepted (tests/data/scp80-pysim-597f1e0.json).

use rsp_euicc::ota::packet::{CommandPacket, Opened, PacketKeys, Status};
use rsp_euicc::registry::{Key, KeyComponent, KeySet};
use serde_json::Value;

fn packets() -> Vec<Value> {
    let file: Value = serde_json::from_str(include_str!("../data/scp80-pysim-597f1e0.json")).unwrap();
    let packets = file["packets"].as_array().unwrap().clone();
    assert_eq!(packets.len(), 14);
    packets
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

fn key_sets(vector: &Value) -> Vec<KeySet> {
    let key = |identifier, value: &Value| Key {
        identifier,
        usage: vec![0x18],
        access: 0,
        components: vec![KeyComponent {
            key_type: bytes(&vector["key_type"])[0],
            value: bytes(value).into(),
            mac_length: 8,
        }],
    };
    let keys = vec![key(1, &vector["ciphering_key"]), key(2, &vector["checksum_key"])];
    vec![KeySet { version: vector["version"].as_u64().unwrap() as u8, counter: 0, keys }]
}

fn open(packet: &[u8], key_sets: &[KeySet]) -> Result<(Opened, PacketKeys), Status> {
    let packet = CommandPacket::read(packet).ok_or(Status::CipheringError)?;
    let keys = packet.keys(key_sets)?;
    Ok((packet.open(&keys)?, keys))
}

#[test]
fn opens_the_commands_of_another_implementation() {
    for vector in packets() {
        let bytes = bytes(&vector["packet"]);
        let packet = CommandPacket::read(&bytes).unwrap();
        assert_eq!(hex::encode(packet.tar), vector["tar"]);
        let (opened, keys) = open(&bytes, &key_sets(&vector)).unwrap_or_else(|status| panic!("{vector} {status:?}"));
        assert_eq!(hex::encode(&opened.data), vector["data"], "{}", vector["name"]);
        assert_eq!(opened.counter, vector["counter"].as_u64().unwrap());
        assert!(keys.version.is_none_or(|version| Some(version.into()) == vector["version"].as_u64()));
    }
}

#[test]
fn answers_as_another_implementation_reads_and_as_cards_do() {
    for vector in packets() {
        let bytes = bytes(&vector["packet"]);
        let packet = CommandPacket::read(&bytes).unwrap();
        let (opened, keys) = open(&bytes, &key_sets(&vector)).unwrap();
        for answer in vector["answers"].as_array().unwrap() {
            let status =
                [Status::Ok, Status::IntegrityFailed, Status::CounterLow][answer["status"].as_u64().unwrap() as usize];
            let data = hex::decode(answer["data"].as_str().unwrap()).unwrap();
            let made = packet.respond(Some(&keys), opened.counter, status, &data);
            assert_eq!(hex::encode(made), answer["packet"], "{}", vector["name"]);
        }
    }
}

/// Each bit of a packet with a checksum is either checked or enciphered and then checked.
#[test]
fn refuses_a_packet_with_any_bit_flipped() {
    let mut tried = 0;
    for vector in packets() {
        let bytes = bytes(&vector["packet"]);
        if bytes[3] & 0x02 == 0 {
            continue;
        }
        let key_sets = key_sets(&vector);
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            // The lowest bit pair of the SPI chosen otherwise is no checksum at all: for the recipient to refuse.
            if flipped[3] & 0x03 != bytes[3] & 0x03 {
                continue;
            }
            assert!(open(&flipped, &key_sets).is_err(), "{}, bit {bit}", vector["name"]);
            tried += 1;
        }
    }
    assert!(tried > 2000, "{tried}");
}

#[test]
fn refuses_other_keys_versions_and_types() {
    for vector in packets() {
        let bytes = bytes(&vector["packet"]);
        let mut sets = key_sets(&vector);
        let uses_keys = bytes[3] & 0x06 != 0;
        sets[0].version ^= 0x08;
        assert_eq!(open(&bytes, &sets).is_err(), uses_keys, "{}: another version", vector["name"]);
        let mut sets = key_sets(&vector);
        sets[0].keys.iter_mut().for_each(|key| key.components[0].key_type ^= 0x08);
        assert_eq!(open(&bytes, &sets).is_err(), uses_keys, "{}: another type", vector["name"]);
        let mut sets = key_sets(&vector);
        sets[0].keys.iter_mut().for_each(|key| key.components[0].value[3] ^= 0x10);
        if bytes[3] & 0x03 != 0 {
            assert_eq!(open(&bytes, &sets).is_err(), uses_keys, "{}: another key", vector["name"]);
        }
    }
}

#[test]
fn refuses_single_des_codebooks_signatures_and_mixed_versions() {
    let all = packets();
    let status = |number: usize, at: usize, byte: u8| {
        let mut packet = bytes(&all[number]["packet"]);
        packet[at] = byte;
        let mut sets = key_sets(&all[number]);
        // The same keys under a second version.
        sets.push(KeySet { version: 4, ..sets[0].clone() });
        open(&packet, &sets).map(drop).unwrap_err()
    };
    // Triple DES under version 3, then AES under version 2.
    assert_eq!(status(7, 5, 0x31), Status::SecurityError, "single DES");
    assert_eq!(status(7, 5, 0x3D), Status::SecurityError, "DES, blocks by themselves");
    assert_eq!(status(7, 5, 0x32), Status::SecurityError, "AES with a key for DES");
    assert_eq!(status(7, 5, 0x45), Status::SecurityError, "ciphering with another version than the checksum's");
    assert_eq!(status(7, 6, 0x45), Status::SecurityError, "a checksum with another version than the ciphering's");
    assert_eq!(status(7, 5, 0x05), Status::SecurityError, "version 0");
    assert_eq!(status(7, 3, 0x07), Status::SecurityError, "a digital signature");
    assert_eq!(status(0, 5, 0x25), Status::SecurityError, "triple DES with a key for AES");
    assert_eq!(status(0, 5, 0x29), Status::SecurityError, "triple DES with a key for AES");
}

#[test]
fn counters_only_go_forward() {
    let packet = |rule: u8| {
        let mut bytes = bytes(&packets()[0]["packet"]);
        bytes[3] = bytes[3] & !0x18 | rule << 3;
        bytes
    };
    let check = |rule, received, last| CommandPacket::read(&packet(rule)).unwrap().check_counter(received, last);
    for rule in [0, 1] {
        assert_eq!(check(rule, 3, 9), Ok(9), "not looked at, and not moved");
    }
    for rule in [2, 3] {
        assert_eq!(check(rule, 10, 9), Ok(10));
        assert_eq!(check(rule, 9, 9), Err(Status::CounterLow));
        assert_eq!(check(rule, 0, 9), Err(Status::CounterLow));
        assert_eq!(check(rule, 0xFF_FFFF_FFFF, 0xFF_FFFF_FFFE), Ok(0xFF_FFFF_FFFF));
        assert_eq!(check(rule, 0xFF_FFFF_FFFF, 0xFF_FFFF_FFFF), Err(Status::CounterBlocked));
        assert_eq!(check(rule, 1, 0xFF_FFFF_FFFF), Err(Status::CounterBlocked));
    }
    assert_eq!(check(2, 99, 9), Ok(99));
    assert_eq!(check(3, 11, 9), Err(Status::CounterHigh));
}

#[test]
fn what_is_no_packet_is_none() {
    let packet = bytes(&packets()[0]["packet"]);
    for length in 0..packet.len() {
        assert!(CommandPacket::read(&packet[..length]).is_none(), "{length} bytes");
    }
    assert!(CommandPacket::read(&[&packet[..], &[0]].concat()).is_none());
    let mut longer_header = packet.clone();
    longer_header[2] = 0xFF;
    assert!(CommandPacket::read(&longer_header).is_none());
    longer_header[2] = 0x0C;
    assert!(CommandPacket::read(&longer_header).is_none());
}

#[test]
fn refuses_checksums_of_other_lengths_and_one_kid_for_two_kinds_of_checks() {
    let all = packets();
    let packet = bytes(&all[0]["packet"]);
    let packet = CommandPacket::read(&packet).unwrap();
    for length in [0, 3, 5, 16] {
        let mut sets = key_sets(&all[0]);
        sets[0].keys[1].components[0].mac_length = length;
        assert_eq!(packet.keys(&sets).err(), Some(Status::SecurityError), "{length} bytes");
    }
    // KID 35: triple DES for a checksum, CRC 32 for a redundancy check of the answer.
    let mut packet = bytes(&all[7]["packet"]);
    (packet[4], packet[6]) = (0x05, 0x35);
    assert_eq!(open(&packet, &key_sets(&all[7])).err(), Some(Status::SecurityError));
}

/// Although a key is there, which enciphers the answer.
#[test]
fn refuses_padding_where_nothing_is_enciphered() {
    let sets = key_sets(&packets()[0]);
    for (padding, expected) in [(0, None), (1, Some(Status::CipheringError))] {
        let packet = [0, 16, 13, 0x00, 0x11, 0x22, 0x22, 0xB0, 0x00, 0x10, 0, 0, 0, 0, 1, padding, 0xA4, 0x00];
        assert_eq!(open(&packet, &sets).err(), expected, "{padding}");
    }
}
