//! atk_bpp_tamper at the level of the channel: no changed byte, no moved segment opens.

use crate::packages::{EID, case, open};
use rsp_bpp::{Bsp, BspError, BspKeys};
use rsp_crypto::Curve;

#[test]
fn atk_bpp_tamper_every_byte() {
    let case = case(Curve::P256, b"some profile elements", true);
    assert!(open(&case, &case.bytes, &EID).is_some());
    for index in 0..case.bytes.len() {
        let mut bytes = case.bytes.clone();
        bytes[index] ^= 1;
        assert!(open(&case, &bytes, &EID).is_none(), "a flip at byte {index} went through");
    }
}

#[test]
fn atk_bpp_tamper_segments_dropped_repeated_or_exchanged() {
    let mut segments = Vec::new();
    let mut sender = channel();
    for part in [&[1u8; 20][..], &[2; 20], &[3; 20]] {
        let mut segment = Vec::new();
        sender.protect(0x86, part, &mut segment);
        segments.push(segment);
    }
    let opens = |order: &[usize]| {
        let mut receiver = channel();
        order.iter().try_for_each(|&index| receiver.unprotect(0x86, &segments[index]).map(drop))
    };
    assert!(opens(&[0, 1, 2]).is_ok());
    for order in [&[0, 2][..], &[1], &[0, 0], &[1, 0, 2], &[0, 1, 1, 2], &[2, 1, 0]] {
        assert_eq!(opens(order), Err(BspError::Security { tag: 0x86 }), "{order:?}");
    }
}

#[test]
fn refuses_a_segment_of_another_kind_or_length() {
    let mut segment = Vec::new();
    channel().protect(0x87, &[0xBF, 0x24, 0], &mut segment);
    let structure = Err(BspError::Structure { expected: 0x86 });
    assert_eq!(channel().unprotect(0x86, &segment).map(drop), structure);
    assert_eq!(channel().unprotect(0x87, &segment).map(|plain| plain.to_vec()), Ok(vec![0xBF, 0x24, 0]));
    assert_eq!(channel().unprotect(0x86, &[]).map(drop), structure);
    assert_eq!(channel().unprotect(0x86, &[0x86, 7, 1, 2, 3, 4, 5, 6, 7]).map(drop), structure);
    let mut longer = segment.clone();
    longer.push(0);
    assert_eq!(channel().unprotect(0x87, &longer).map(drop), Err(BspError::Structure { expected: 0x87 }));
    // Authenticated, but not whole cipher blocks.
    let mut odd = Vec::new();
    channel().protect_mac_only(0x86, &[1; 15], &mut odd);
    assert_eq!(channel().unprotect(0x86, &odd).map(drop), structure);
}

#[test]
fn refuses_padding_that_no_sender_makes() {
    // Two blocks of plaintext under a MAC that is right: the sender's own padding starts a third block, cut off here.
    let mut whole = Vec::new();
    channel().protect(0x86, &[0x11; 32], &mut whole);
    let body = whole[2..2 + 32].to_vec();
    let mut cut = Vec::new();
    channel().protect_mac_only(0x86, &body, &mut cut);
    assert_eq!(channel().unprotect(0x86, &cut).map(drop), Err(BspError::Security { tag: 0x86 }));
}

fn channel() -> Bsp {
    Bsp::new(BspKeys::from_parts([1; 16], [2; 16], [3; 16]))
}
