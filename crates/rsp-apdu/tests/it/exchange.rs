//! GET RESPONSE and 6Cxx.

use rsp_apdu::{CardError, StatusWord, exchange};

/// A card that answers from a list, command by command.
fn script(mut steps: Vec<(&'static str, &'static str)>) -> impl FnMut(&[u8]) -> Result<Vec<u8>, CardError> {
    steps.reverse();
    move |apdu| {
        let (command, answer) = steps.pop().expect("more commands than expected");
        assert_eq!(hex::encode_upper(apdu), command);
        Ok(hex::decode(answer).unwrap())
    }
}

#[test]
fn follows_61xx_on_the_channel_of_the_command() {
    let answer = exchange(script(vec![("C3E2910000", "6102"), ("43C0000002", "AABB9000")]), &[0xC3, 0xE2, 0x91, 0, 0]);
    let answer = answer.unwrap();
    assert_eq!((answer.data, answer.sw), (vec![0xAA, 0xBB], StatusWord::OK));
}

#[test]
fn joins_a_chain_of_61xx() {
    let steps =
        vec![("81E2910001AA", "6100"), ("01C0000000", "01026102"), ("01C0000002", "6C01"), ("01C0000001", "039000")];
    assert_eq!(exchange(script(steps), &[0x81, 0xE2, 0x91, 0, 1, 0xAA]).unwrap().data, [1, 2, 3]);
}

#[test]
fn repeats_with_the_right_le_once() {
    let steps = vec![("00B0000000", "6C0A"), ("00B000000A", "6C0B")];
    assert_eq!(exchange(script(steps), &[0, 0xB0, 0, 0, 0]).unwrap().sw, StatusWord(0x6C0B));
}

#[test]
fn stops_at_an_endless_answer() {
    let error = exchange(|_| Ok(vec![0x61, 0x00]), &[0, 0xB0, 0, 0, 0]).unwrap_err();
    assert!(matches!(error, CardError::EndlessAnswer { length: 0 }));
}

#[test]
fn refuses_what_is_no_command_and_no_answer() {
    let sent = exchange(|_| panic!("nothing may be sent"), &[0xFF, 0, 0, 0]);
    assert!(matches!(sent, Err(CardError::InvalidCommand(_))));
    assert!(matches!(exchange(|_| Ok(vec![0x90]), &[0, 0xA4, 0, 0]), Err(CardError::ShortAnswer { length: 1 })));
}
