//! Published vectors: key derivation, key agreement, and a recorded row of segments.

use crate::{block, hex, vectors};
use rsp_asn1::{BoundProfilePackage, ControlRefTemplate, Eid, OctetString, Raw, decode, tlv};
use rsp_bpp::{Bsp, BspKeys};
use rsp_crypto::{Curve, PublicKey, SecretKey, SharedSecret, aws_lc, rust_crypto};

fn template(key_type: &[u8], key_len: &[u8], host_id: &[u8]) -> ControlRefTemplate {
    ControlRefTemplate {
        key_type: OctetString::from_slice(key_type),
        key_len: OctetString::from_slice(key_len),
        host_id: OctetString::from_slice(host_id),
        unknown: Default::default(),
    }
}

#[test]
fn session_keys_are_those_of_the_vectors() {
    let Some(vectors) = vectors() else { return };
    for vector in vectors["kdf"].as_array().unwrap() {
        let shared = SharedSecret::from_bytes(hex(&vector["shared_secret"]).try_into().unwrap());
        let eid = Eid(block(&vector["eid"]));
        let crt = template(&hex(&vector["key_type"]), &hex(&vector["key_len"]), &hex(&vector["host_id"]));
        let request = BspKeys::derive(&shared, &crt, &eid).unwrap().to_request();
        let expected = [hex(&vector["initial_mcv"]), hex(&vector["s_enc"]), hex(&vector["s_mac"])];
        for (element, expected) in tlv::first(&request).unwrap().0.children().zip(expected) {
            assert_eq!(element.unwrap().value(), expected);
        }
    }
}

#[test]
fn refuses_a_template_that_is_not_aes_128() {
    let shared = SharedSecret::from_bytes([7; 32]);
    let eid = Eid([0x89; 16]);
    assert!(BspKeys::derive(&shared, &template(&[0x88], &[0x10], b"host"), &eid).is_ok());
    for (key_type, key_length) in [(0x80, 0x10), (0x88, 0x20), (0x88, 0x00)] {
        let error = BspKeys::derive(&shared, &template(&[key_type], &[key_length], b"host"), &eid).err().unwrap();
        assert_eq!(error, rsp_bpp::KeyError::UnsupportedCrtValues { key_type, key_length });
    }
}

#[test]
fn key_agreement_gives_the_recorded_secret() {
    let Some(vectors) = vectors() else { return };
    for vector in vectors["ecka"].as_array().unwrap() {
        let secret = SecretKey::from_bytes(Curve::P256, &hex(&vector["smdp_otsk"]).try_into().unwrap()).unwrap();
        let peer = PublicKey::from_uncompressed(Curve::P256, &hex(&vector["euicc_otpk"])).unwrap();
        assert_eq!(secret.public_key().as_bytes()[..], hex(&vector["smdp_otpk"]));
        for provider in [aws_lc(), rust_crypto()] {
            assert_eq!(provider.agree(&secret, &peer).unwrap().as_bytes()[..], hex(&vector["shared_x"]));
        }
    }
}

#[test]
fn segments_are_those_of_a_foreign_server() {
    let Some(vectors) = vectors() else { return };
    let mut sender = None;
    let mut receiver = None;
    let mut checked = 0;
    for step in vectors["scp03t_mode51_sequence"].as_array().unwrap() {
        if step["op"] == "set_keys" {
            let keys =
                || BspKeys::from_parts(block(&step["initial_mcv"]), block(&step["s_enc"]), block(&step["s_mac"]));
            (sender, receiver) = (Some(Bsp::new(keys())), Some(Bsp::new(keys())));
            continue;
        }
        let (sender, receiver) = (sender.as_mut().unwrap(), receiver.as_mut().unwrap());
        let (tag, plain, expected) = (hex(&step["tag"])[0], hex(&step["plain"]), hex(&step["expect"]));
        let mut segment = Vec::new();
        if step["op"] == "mac_only" {
            sender.protect_mac_only(tag, &plain, &mut segment);
            assert_eq!(receiver.unprotect_mac_only(tag, &expected).unwrap(), plain);
        } else {
            sender.protect(tag, &plain, &mut segment);
            assert_eq!(*receiver.unprotect(tag, &expected).unwrap(), plain);
        }
        assert_eq!(hex::encode(segment), hex::encode(expected));
        checked += 1;
    }
    assert!(checked >= 4, "only {checked} segments");
}

#[test]
fn a_doubly_wrapped_package_verifies_once_unwrapped() {
    let Some(vectors) = vectors() else { return };
    let package = rsp_testkit::standards("vectors/bpp-osmo-smdpp.der").unwrap();
    let package: BoundProfilePackage = decode(&package).unwrap();
    assert!(package.check_structure().is_err());
    let vector = &vectors["bound_profile_package"];
    let keys = &vector["bsp"];
    let mut bsp =
        Bsp::new(BspKeys::from_parts(block(&keys["initial_mcv"]), block(&keys["s_enc"]), block(&keys["s_mac"])));
    assert_eq!(*bsp.unprotect(0x87, &package.first_sequence_of_87[0].0).unwrap(), hex(&vector["plain_configure_isdp"]));
    assert_eq!(
        bsp.unprotect_mac_only(0x88, &package.sequence_of_88[0].0).unwrap(),
        hex(&vector["plain_store_metadata"])
    );
    // This server protected the elements under keys of their own and left ReplaceSessionKeys out of the package.
    assert!(package.second_sequence_of_87.is_none());
    let keys = &vector["ppk"];
    let keys = BspKeys::from_parts(block(&keys["initial_mcv"]), block(&keys["ppk_enc"]), block(&keys["ppk_cmac"]));
    let mut ppk = Bsp::new(keys);
    let mut elements = Vec::new();
    for segment in &package.sequence_of_86 {
        elements.extend_from_slice(&ppk.unprotect(0x86, &segment.0).unwrap());
    }
    assert_eq!(Some(elements), rsp_testkit::standards("vectors/bpp-osmo-smdpp.upp.der"));
}

#[test]
fn the_recorded_session_opens_with_its_one_time_key() {
    let Some(package) = rsp_testkit::standards("vectors/waigel-session/bound-profile-package.der") else { return };
    let file = |name: &str| rsp_testkit::standards(&format!("vectors/waigel-session/{name}")).unwrap();
    let package: BoundProfilePackage = decode(&package).unwrap();
    let request = package.initialise_secure_channel_request.value();
    let prepared: rsp_asn1::PrepareDownloadResponse = decode(&file("prepare-download-response.der")).unwrap();
    let rsp_asn1::PrepareDownloadResponse::Ok(prepared) = prepared else { panic!("an error response") };
    let euicc_otpk = PublicKey::from_uncompressed(Curve::P256, &prepared.euicc_signed2.value().euicc_otpk.0).unwrap();

    let client: rsp_asn1::AuthenticateClientResponseEs9 = decode(&file("authenticate-response.der")).unwrap();
    let rsp_asn1::AuthenticateClientResponseEs9::Ok(client) = client else { panic!("an error response") };
    let spki = &client.smdp_certificate.value().tbs_certificate.subject_public_key_info.subject_public_key;
    let dp_pb = PublicKey::from_uncompressed(Curve::P256, spki.as_raw_slice()).unwrap();
    let channel: &Raw<_> = &package.initialise_secure_channel_request;
    rsp_bpp::verify_initialise_secure_channel(aws_lc(), &dp_pb, channel, &euicc_otpk).unwrap();

    let otsk = SecretKey::from_bytes(Curve::P256, &file("otsk-dp.bin").try_into().unwrap()).unwrap();
    let shared = rust_crypto().agree(&otsk, &euicc_otpk).unwrap();
    let server: rsp_asn1::AuthenticateServerResponse = decode(&file("auth-server-response.der")).unwrap();
    let rsp_asn1::AuthenticateServerResponse::Ok(server) = server else { panic!("an error response") };
    let eid = subject_serial_number(server.euicc_certificate.value()).parse().unwrap();
    let mut bsp = Bsp::new(BspKeys::derive(&shared, &request.control_ref_template, &eid).unwrap());
    let segment = |tag: u8, body: &[u8]| {
        let mut out = Vec::new();
        tlv::write(&mut out, &[tag], body);
        out
    };
    let configure = bsp.unprotect(0x87, &segment(0x87, &package.first_sequence_of_87[0].0)).unwrap();
    assert_eq!(configure[..2], [0xBF, 0x24]);
    let metadata = segment(0x88, &package.sequence_of_88[0].0);
    assert_eq!(bsp.unprotect_mac_only(0x88, &metadata).unwrap(), file("store-metadata.der"));
    let elements = bsp.unprotect(0x86, &segment(0x86, &package.sequence_of_86[0].0)).unwrap();
    assert_eq!(*elements, file("upp.der"));
}

/// The EID in a certificate's subject: the attribute serialNumber, 2.5.4.5.
fn subject_serial_number(certificate: &rsp_asn1::pkix::Certificate) -> String {
    let rsp_asn1::pkix::Name::RdnSequence(names) = &certificate.tbs_certificate.subject;
    names
        .iter()
        .flat_map(|name| name.iter())
        .filter(|attribute| attribute.r#type.iter().eq([2, 5, 4, 5].iter()))
        .map(|attribute| {
            let (tlv, _) = tlv::first(attribute.value.as_bytes()).unwrap();
            String::from_utf8(tlv.value().to_vec()).unwrap()
        })
        .next()
        .expect("a serialNumber in the subject")
}
