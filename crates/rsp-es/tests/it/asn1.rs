//! The ASN.1 binding: the integers of refusals, and messages that carry what was signed as it came.

use rsp_asn1::{CancelSessionResponse, Raw, RemoteProfileProvisioningRequest, TransactionId, decode, encode, tlv};
use rsp_es::asn1::{
    MessageError, RequestMessage, ResponseMessage, Server, UNDEFINED_ERROR, error_code, refusal, status_code,
};
use rsp_es::es9plus::{CancelSessionRequest, Function, HandleNotificationRequest, InitiateAuthenticationResponse};
use rsp_es::es11;
use rsp_es::status::{StatusCode, TABLE};

use crate::fixtures::session;

const SERVERS: [Server; 2] = [Server::Smdp, Server::Smds];

/// `A2 { BF.. { 81 01 error } }`, read by hand.
fn integer(der: &[u8]) -> (Vec<u8>, u8) {
    let (outer, _) = tlv::first(der).unwrap();
    assert_eq!(outer.tag(), [0xA2]);
    let inner = outer.children().next().unwrap().unwrap();
    let error = inner.children().next().unwrap().unwrap();
    assert_eq!((error.tag(), error.value().len()), (&[0x81][..], 1));
    (inner.tag().to_vec(), error.value()[0])
}

#[test]
fn each_integer_comes_back_as_the_code_that_it_was_made_of_or_a_code_of_the_same_integer() {
    for server in SERVERS {
        for function in Function::ALL {
            for row in TABLE {
                let error = error_code(server, function, &row.code);
                let read = status_code(server, function, error);
                assert_eq!(error_code(server, function, &read), error, "{server:?} {function} {}", row.name);
                if error == UNDEFINED_ERROR {
                    assert!(read.is(&StatusCode::FUNCTION_EXECUTION_ERROR));
                }
            }
        }
    }
}

#[test]
fn refusals_have_the_integers_of_the_standard() {
    use Function::{AuthenticateClient, CancelSession, GetBoundProfilePackage, InitiateAuthentication};
    use Server::{Smdp, Smds};
    for (server, function, pairs) in [
        (Smdp, InitiateAuthentication, &[("8.8.1/3.8", 1), ("8.8.3/3.1", 2), ("8.8.2/3.1", 3), ("8.8.4/3.7", 3)][..]),
        (Smds, InitiateAuthentication, &[("8.9.1/3.8", 1), ("8.9.3/3.1", 2), ("8.9.2/3.1", 3), ("8.9.4/3.7", 3)]),
        (
            Smdp,
            AuthenticateClient,
            &[
                ("8.1.2/6.1", 1),
                ("8.1.2/6.3", 2),
                ("8.1.3/6.1", 3),
                ("8.1.3/6.3", 4),
                ("8.1/6.1", 5),
                ("8.2.6/3.8", 6),
                ("8.1.1/3.8", 7),
                ("8.2.5/4.3", 8),
                ("8.11.1/3.9", 9),
                ("8.10.1/3.9", 10),
                ("8.1/4.8", 11),
                ("8.8.5/4.10", 18),
                ("8.8.5/6.4", 127),
                ("8.2/1.2", 127),
            ],
        ),
        (
            Smds,
            AuthenticateClient,
            &[
                ("8.1.2/6.1", 1),
                ("8.1.2/6.3", 2),
                ("8.1.3/6.1", 3),
                ("8.1.3/6.3", 4),
                ("8.1/6.1", 5),
                ("8.9.5/3.9", 6),
                ("8.10.1/3.9", 7),
                ("1.6/4.2", 127),
            ],
        ),
        (
            Smdp,
            GetBoundProfilePackage,
            &[
                ("8.1/6.1", 1),
                ("8.2.7/2.2", 2),
                ("8.2.7/3.8", 3),
                ("8.2.7/6.4", 4),
                ("8.2/3.7", 5),
                ("8.8.5/4.10", 6),
                ("8.10.1/3.9", 95),
                ("1.6/4.2", 127),
            ],
        ),
        (Smdp, CancelSession, &[("8.10.1/3.9", 1), ("8.1/6.1", 2), ("8.8/3.10", 127)]),
    ] {
        for (pair, expected) in pairs {
            let row = TABLE.iter().find(|row| format!("{}/{}", row.code.subject, row.code.reason) == *pair).unwrap();
            assert_eq!(error_code(server, function, &row.code), *expected, "{server:?} {function} {pair}");
        }
    }
}

#[test]
fn a_refusal_stands_under_the_tag_of_its_function() {
    for (server, function, tag) in [
        (Server::Smdp, Function::InitiateAuthentication, [0xBF, 0x39]),
        (Server::Smdp, Function::AuthenticateClient, [0xBF, 0x3B]),
        (Server::Smds, Function::AuthenticateClient, [0xBF, 0x40]),
        (Server::Smdp, Function::GetBoundProfilePackage, [0xBF, 0x3A]),
        (Server::Smdp, Function::CancelSession, [0xBF, 0x41]),
    ] {
        let message = refusal(server, function, 95).unwrap();
        assert_eq!(integer(&encode(&message).unwrap()), (tag.to_vec(), 95), "{function}");
    }
    assert!(refusal(Server::Smdp, Function::HandleNotification, 95).is_none());
}

/// A signature is over bytes: both directions of both bindings hand on the same ones.
#[test]
fn what_the_euicc_signed_is_carried_as_it_came() {
    let Some(session) = session() else { return };
    let sent = |message: &RemoteProfileProvisioningRequest| encode(message).unwrap();
    let holds = |message: &[u8], part: &[u8]| message.windows(part.len()).any(|window| window == part);

    let (initiate, authenticate, package) = (session.initiate.0, session.authenticate.0, session.package.0);
    let message = sent(&initiate.to_message());
    assert!(holds(&message, initiate.euicc_info1.bytes()));
    let RemoteProfileProvisioningRequest::InitiateAuthentication(read) = decode(&message).unwrap() else { panic!() };
    assert_eq!(rsp_es::es9plus::InitiateAuthenticationRequest::from(*read), initiate);

    let message = sent(&authenticate.to_message());
    assert!(holds(&message, authenticate.authenticate_server_response.bytes()));
    let RemoteProfileProvisioningRequest::AuthenticateClient(read) = decode(&message).unwrap() else { panic!() };
    assert_eq!(rsp_es::es9plus::AuthenticateClientRequest::from(*read), authenticate);

    let message = sent(&package.to_message());
    let RemoteProfileProvisioningRequest::GetBoundProfilePackage(read) = decode(&message).unwrap() else { panic!() };
    assert_eq!(rsp_es::es9plus::GetBoundProfilePackageRequest::from(*read), package);

    let message = sent(&session.notification.to_message());
    assert!(holds(&message, session.notification.pending_notification.bytes()));
    let RemoteProfileProvisioningRequest::HandleNotification(read) = decode(&message).unwrap() else { panic!() };
    assert_eq!(HandleNotificationRequest::from(*read), session.notification);
}

/// `BF41` gives way to `A1` in the request and comes back; the signed part below stays, an unknown element too.
#[test]
fn a_cancelled_session_gets_its_tag_back() {
    let signed = hex("300f 8001aa 8107 2b060104018f65 820100".to_owned());
    let signature = "ab".repeat(64);
    let answer = format!("bf4156 a054 {} 5f3740 {signature}", hex_text(&signed));
    let answer = hex(answer);
    let request = CancelSessionRequest {
        transaction_id: TransactionId::new(&[0xAA]).unwrap(),
        cancel_session_response: Raw::<CancelSessionResponse>::from_der(&answer).unwrap(),
    };
    let message = encode(&request.to_message()).unwrap();
    assert_eq!(hex_text(&message[..13]), "a25e bf415b 8001aa a156 a054 300f".replace(' ', "")[..26]);
    let RemoteProfileProvisioningRequest::CancelSession(read) = decode(&message).unwrap() else { panic!() };
    assert_eq!(CancelSessionRequest::try_from(*read).unwrap(), request);
}

fn hex(text: String) -> Vec<u8> {
    let digits: Vec<char> = text.chars().filter(|c| *c != ' ').collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap()).collect()
}

fn hex_text(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn responses_come_back_equal_and_only_as_their_own_function() {
    let Some(session) = session() else { return };
    let message = session.initiate.1.clone().to_message().unwrap();
    let bytes = encode(&message).unwrap();
    assert_eq!(decode(&bytes).as_ref(), Ok(&message));
    assert_eq!(InitiateAuthenticationResponse::from_message(message.clone()), Some(Ok(session.initiate.1)));
    assert_eq!(es11::AuthenticateClientResponse::from_message(message), None);

    let message = session.package.1.clone().to_message().unwrap();
    assert_eq!(ResponseMessage::from_message(message), Some(Ok(session.package.1.clone())));
    let mut broken = session.package.1;
    broken.bound_profile_package.pop();
    assert!(matches!(broken.to_message(), Err(MessageError::Malformed(_))));

    let message = session.authenticate.1.clone().to_message().unwrap();
    assert_eq!(ResponseMessage::from_message(message), Some(Ok(session.authenticate.1)));
    let message = ().to_message().unwrap();
    assert_eq!(encode(&message).unwrap(), [0xA2, 0x05, 0xBF, 0x41, 0x02, 0xA0, 0x00]);
}

/// The recorded responses of another implementation are the insides of what we send.
#[test]
fn responses_are_those_of_another_implementation() {
    let Some(session) = session() else { return };
    let file = |name: &str| rsp_testkit::standards(&format!("vectors/waigel-session/{name}")).unwrap();
    let message = encode(&session.authenticate.1.to_message().unwrap()).unwrap();
    let (outer, _) = tlv::first(&message).unwrap();
    assert_eq!(outer.value(), file("authenticate-response.der"));
    let message = encode(&session.initiate.1.to_message().unwrap()).unwrap();
    let (outer, _) = tlv::first(&message).unwrap();
    let function = outer.children().next().unwrap().unwrap();
    let (recorded, _) =
        tlv::first(&file("initiate-response.der")).map(|(tlv, rest)| (tlv.value().to_vec(), rest.len())).unwrap();
    let choice = function.children().next().unwrap().unwrap();
    assert_eq!((function.tag(), choice.tag()), (&[0xBF, 0x39][..], &[0xA0][..]));
    assert_eq!(choice.value(), recorded);
}
