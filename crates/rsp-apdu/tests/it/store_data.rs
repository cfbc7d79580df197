//! STORE DATA, both sides.

use proptest::prelude::*;
use rsp_apdu::store_data::{Assembler, LAST, MORE, Progress, commands};
use rsp_apdu::{CardError, Command, StatusWord};

#[test]
fn cuts_as_lpac_does() {
    let data: Vec<u8> = (0..=250).collect();
    let sent = commands(1, &data, 120).unwrap();
    let heads: Vec<String> = sent.iter().map(|c| hex::encode_upper(&c[..5])).collect();
    assert_eq!(heads, ["81E2110078", "81E2110178", "81E291020B"]);
    assert_eq!(hex::encode_upper(&commands(4, &[0xBF, 0x2E, 0], 255).unwrap()[0]), "C0E2910003BF2E00");
}

#[test]
fn refuses_what_does_not_fit_one_chain() {
    assert!(commands(0, &[0; 256], 1).is_ok());
    assert!(matches!(commands(0, &[0; 257], 1), Err(CardError::ChainTooLong { length: 257, block: 1 })));
    assert!(commands(0, &[0; 2], 0).is_err() && commands(0, &[0; 2], 256).is_err());
    assert!(commands(20, &[0; 2], 255).is_err());
}

#[test]
fn refuses_blocks_out_of_order_and_starts_again_at_00() {
    let mut assembler = Assembler::default();
    assert_eq!(assembler.push(MORE, 1, &[1]), Err(StatusWord::WRONG_P1_P2));
    assert_eq!(assembler.push(MORE, 0, &[1]), Ok(Progress::More));
    assert_eq!(assembler.push(LAST, 2, &[2]), Err(StatusWord::WRONG_P1_P2));
    assert_eq!(assembler.push(LAST, 1, &[2]), Err(StatusWord::WRONG_P1_P2), "the chain was dropped");
    assert_eq!(assembler.push(MORE, 0, &[1]), Ok(Progress::More));
    let complete = |request: &[u8], wants_answer| Progress::Complete { request: request.to_vec(), wants_answer };
    assert_eq!(assembler.push(LAST, 0, &[9]), Ok(complete(&[9], true)));
    assert_eq!(assembler.push(0x90, 0, &[9]), Ok(complete(&[9], false)));
    assert_eq!(assembler.push(0x80, 0, &[9]), Err(StatusWord::WRONG_P1_P2));
}

#[test]
fn bounds_the_request() {
    let mut assembler = Assembler::default();
    let mut last = Ok(Progress::More);
    for number in 0..=255 {
        last = assembler.push(MORE, number, &[0; 255]);
        if last.is_err() {
            break;
        }
    }
    assert_eq!(last, Err(StatusWord::NOT_ENOUGH_MEMORY));
}

proptest! {
    #[test]
    fn what_is_cut_is_joined_again(data in proptest::collection::vec(any::<u8>(), 1..2000), block in 8usize..=255) {
        let mut assembler = Assembler::default();
        let mut whole = None;
        for command in commands(2, &data, block).unwrap() {
            let command = Command::parse(&command).unwrap();
            prop_assert!(whole.is_none());
            match assembler.push(command.p1, command.p2, &command.data).unwrap() {
                Progress::More => {}
                Progress::Complete { request, .. } => whole = Some(request),
            }
        }
        prop_assert_eq!(whole, Some(data));
    }
}
