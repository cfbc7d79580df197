//! What must not be accepted.

use rsp_network::{Answer, Auts, Error, Sqn, Subscriber, Vector};

const K: [u8; 16] = [0x46; 16];
const OPC: [u8; 16] = [0xCD; 16];
const RAND: [u8; 16] = [0x23; 16];

/// The response of a USIM that knows all that the network knows.
fn honest(vector: &Vector) -> Vec<u8> {
    let mut data = vec![0xDB];
    for part in [vector.xres(), vector.ck(), vector.ik()] {
        data.push(part.len() as u8);
        data.extend_from_slice(part);
    }
    data
}

fn parse(data: &[u8]) -> Answer {
    Answer::parse(data, 0x9000).unwrap_or_else(|error| panic!("{error}"))
}

fn refusal(data: &[u8], status: u16) -> Error {
    Answer::parse(data, status).err().unwrap_or_else(|| panic!("accepted {data:02X?} with {status:04X}"))
}

#[test]
fn accepts_the_honest_usim_with_and_without_kc() {
    let vector = Subscriber::milenage(K, OPC).challenge(RAND);
    let mut data = honest(&vector);
    assert_eq!(vector.verify(&parse(&data)), Ok(()));
    data.extend_from_slice(&[8, 1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(vector.verify(&parse(&data)), Ok(()));
}

#[test]
fn refuses_one_flipped_bit_of_res_ck_and_ik() {
    let vector = Subscriber::milenage(K, OPC).challenge(RAND);
    let cases = [
        (2, Error::WrongRes),
        (9, Error::WrongRes),
        (11, Error::WrongSessionKey("CK")),
        (28, Error::WrongSessionKey("IK")),
    ];
    for (at, error) in cases {
        let mut data = honest(&vector);
        data[at] ^= 1;
        assert_eq!(vector.verify(&parse(&data)), Err(error), "byte {at}");
    }
}

#[test]
fn one_flipped_bit_of_k_or_opc_changes_every_value() {
    let right = Subscriber::milenage(K, OPC).challenge(RAND);
    for bit in 0..128 {
        let flip = |mut key: [u8; 16]| {
            key[bit / 8] ^= 0x80 >> (bit % 8);
            key
        };
        for mut wrong in [Subscriber::milenage(flip(K), OPC), Subscriber::milenage(K, flip(OPC))] {
            let wrong = wrong.challenge(RAND);
            assert_ne!(right.autn()[8..], wrong.autn()[8..], "bit {bit}");
            assert_eq!(right.verify(&parse(&honest(&wrong))), Err(Error::WrongRes), "bit {bit}");
        }
    }
}

#[test]
fn refuses_a_res_that_is_only_a_prefix_of_xres() {
    let vector = Subscriber::milenage(K, OPC).challenge(RAND);
    let mut data = vec![0xDB, 7];
    data.extend_from_slice(&vector.xres()[..7]);
    data.extend_from_slice(&honest(&vector)[10..]);
    assert_eq!(vector.verify(&parse(&data)), Err(Error::WrongRes));
}

#[test]
fn names_what_the_usim_refused() {
    assert_eq!(refusal(&[], 0x9862), Error::IncorrectMac);
    assert_eq!(refusal(&[], 0x6985), Error::Status(0x6985));
}

#[test]
fn refuses_malformed_answers() {
    let vector = Subscriber::usim_test(K).challenge(RAND);
    let whole = honest(&vector);
    for length in 0..whole.len() {
        assert!(matches!(refusal(&whole[..length], 0x9000), Error::Malformed(_)), "{length} bytes");
    }
    let mut longer = whole.clone();
    longer.push(0);
    assert!(matches!(refusal(&longer, 0x9000), Error::Malformed(_)));
    assert!(matches!(refusal(&[0xDC, 13], 0x9000), Error::Malformed(_)));
    let auts = [&[0xDC, 14][..], &[0x55; 14], &[0]].concat();
    assert!(matches!(refusal(&auts, 0x9000), Error::Malformed(_)), "a byte behind AUTS");
    for length in [0, 3, 17] {
        let data = [&[0xDB, length][..], &vec![0; length.into()], &whole[18..]].concat();
        assert!(matches!(refusal(&data, 0x9000), Error::Malformed(_)), "RES of {length} bytes");
    }
    assert!(matches!(refusal(&[0xDD, 0], 0x9000), Error::Malformed(_)));
}

#[test]
fn reports_a_synchronisation_failure_and_refuses_a_forged_auts() {
    let mut subscriber = Subscriber::milenage(K, OPC).with_sqn(Sqn::from_bytes([0, 0, 0, 0, 1, 0]));
    let vector = subscriber.challenge(RAND);
    let mut data = vec![0xDC, 14];
    data.extend_from_slice(&[0x55; 14]);
    let answer = parse(&data);
    assert_eq!(vector.verify(&answer), Err(Error::SynchronisationFailure));

    let before = subscriber.sqn();
    let forged = Auts::from_bytes(&[0x55; 14]);
    assert_eq!(subscriber.resynchronise(&RAND, &forged), Err(Error::WrongMacS));
    assert_eq!(subscriber.sqn(), before, "nothing is taken over from a forged AUTS");
}

#[test]
fn the_command_carries_rand_and_autn_in_the_3g_context() {
    let vector = Subscriber::milenage(K, OPC).challenge(RAND);
    let command = vector.command(0x01);
    assert_eq!(command[..6], [0x01, 0x88, 0x00, 0x81, 0x22, 0x10]);
    assert_eq!(command[6..22], RAND);
    assert_eq!(command[22], 0x10);
    assert_eq!(&command[23..39], vector.autn());
    assert_eq!(command[39..], [0x00]);
}
