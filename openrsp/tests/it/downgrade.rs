//! TLS of the server against clients that ask for less than SGP.22 allows (2.6.6): the ClientHello is written by hand, since
//! no library sends such ones any more.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::bed::{Bed, Service};

/// Alert descriptions (RFC 5246 7.2, RFC 8446 6.2).
const HANDSHAKE_FAILURE: u8 = 40;
const PROTOCOL_VERSION: u8 = 70;

const TLS_1_0: [u8; 2] = [3, 1];
const TLS_1_1: [u8; 2] = [3, 2];
const TLS_1_2: [u8; 2] = [3, 3];

const ECDHE_ECDSA_AES128_GCM: u16 = 0xC02B;
const ECDHE_RSA_AES128_GCM: u16 = 0xC02F;
const RSA_AES128_CBC_SHA: u16 = 0x002F;
const ECDHE_ECDSA_AES128_CBC_SHA: u16 = 0xC009;

/// A ClientHello of this version for these cipher suites, with the extensions that elliptic curves need.
fn client_hello(version: [u8; 2], suites: &[u16]) -> Vec<u8> {
    let suites: Vec<u8> = suites.iter().flat_map(|suite| suite.to_be_bytes()).collect();
    // supported_groups: x25519, secp256r1; ec_point_formats: uncompressed; signature_algorithms: ECDSA and RSA, SHA-256.
    let extensions = [
        &[0, 10, 0, 6, 0, 4, 0, 29, 0, 23][..],
        &[0, 11, 0, 2, 1, 0],
        &[0, 13, 0, 6, 0, 4, 4, 3, 4, 1],
        // extended_master_secret.
        &[0, 23, 0, 0],
    ]
    .concat();
    let body = [
        &version[..],
        &[0x5A; 32],
        &[0],
        &(suites.len() as u16).to_be_bytes(),
        &suites,
        &[1, 0],
        &(extensions.len() as u16).to_be_bytes(),
        &extensions,
    ]
    .concat();
    let handshake = [&[1, 0][..], &(body.len() as u16).to_be_bytes(), &body].concat();
    [&[22, 3, 1][..], &(handshake.len() as u16).to_be_bytes(), &handshake].concat()
}

/// Content type of the server's first record, and its first two bytes.
fn answer(server: &Service, hello: &[u8]) -> (u8, [u8; 2]) {
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.write_all(hello).unwrap();
    let mut record = [0; 7];
    stream.read_exact(&mut record).unwrap();
    (record[0], [record[5], record[6]])
}

#[test]
fn atk_downgrade_tls() {
    const ALERT: u8 = 21;
    const HANDSHAKE: u8 = 22;
    const FATAL: u8 = 2;
    const SERVER_HELLO: u8 = 2;
    let bed = Bed::new();
    let server = bed.serve();
    for version in [TLS_1_0, TLS_1_1] {
        let hello = client_hello(version, &[ECDHE_ECDSA_AES128_CBC_SHA, ECDHE_ECDSA_AES128_GCM]);
        assert_eq!(answer(&server, &hello), (ALERT, [FATAL, PROTOCOL_VERSION]), "{version:?}");
    }
    for suites in [&[RSA_AES128_CBC_SHA][..], &[ECDHE_RSA_AES128_GCM], &[ECDHE_ECDSA_AES128_CBC_SHA]] {
        let hello = client_hello(TLS_1_2, suites);
        assert_eq!(answer(&server, &hello), (ALERT, [FATAL, HANDSHAKE_FAILURE]), "{suites:04X?}");
    }
    // What SGP.22 demands of a client that knows no TLS 1.3.
    let (kind, [message, _]) = answer(&server, &client_hello(TLS_1_2, &[ECDHE_ECDSA_AES128_GCM]));
    assert_eq!((kind, message), (HANDSHAKE, SERVER_HELLO));
}
