//! Cutting packages, against recorded APDUs and a recorded session.

use rsp_asn1::tlv;
use rsp_lpa::segments::{SegmentError, SegmentedPackage};
use rsp_testkit::standards;

use crate::server::package;

/// The recording pins the shape of the sequence: seven segments, each a STORE DATA chain of its own.
#[test]
fn cuts_as_the_recorded_apdus_do() {
    let Some(log) = standards("vectors/card-logs/synthetic-load-bpp.log") else { return };
    let log = String::from_utf8(log).unwrap();
    let commands = log.lines().filter_map(|line| line.strip_prefix("> 80E291")).map(|rest| hex::decode(rest).unwrap());
    // P2, Lc, data, Le.
    let segments: Vec<Vec<u8>> = commands.map(|rest| rest[2..2 + usize::from(rest[1])].to_vec()).collect();
    assert_eq!(segments.len(), 7);
    let mut package = segments.concat();
    // The recording's metadata segment has two bytes, less than the MAC that every real one ends with.
    assert_eq!(SegmentedPackage::cut(package.clone()), Err(SegmentError::ShortSegment));
    let place = package.windows(4).position(|window| window == [0x88, 0x02, 0xCC, 0xDD]).unwrap();
    package.splice(place..place + 4, [0x88, 0x0A, 0xCC, 0xDD, 1, 2, 3, 4, 5, 6, 7, 8]);
    package[place - 1] += 8;
    package[2] += 8;
    let cut = SegmentedPackage::cut(package).unwrap();
    let cut_lengths: Vec<usize> = cut.segments().map(<[u8]>::len).collect();
    let mut lengths: Vec<usize> = segments.iter().map(Vec::len).collect();
    lengths[3] += 8;
    assert_eq!(cut_lengths, lengths);
    assert_eq!(cut.metadata(), [0xCC, 0xDD]);
}

#[test]
fn finds_the_metadata_of_a_recorded_session() {
    let Some(package) = standards("vectors/waigel-session/bound-profile-package.der") else { return };
    let Some(metadata) = standards("vectors/waigel-session/store-metadata.der") else { return };
    let cut = SegmentedPackage::cut(package.clone()).unwrap();
    assert_eq!(cut.metadata(), metadata);
    assert_eq!(cut.len(), package.len());
    assert_eq!(cut.segments().flatten().copied().collect::<Vec<u8>>(), package);
    let heads: Vec<u8> = cut.segments().map(|segment| segment[0]).collect();
    assert_eq!(heads, [0xBF, 0xA0, 0xA1, 0x88, 0xA3, 0x86]);
}

#[test]
fn cuts_every_kind_of_segment() {
    let cut = SegmentedPackage::cut(package(&[0x77; 50])).unwrap();
    let shape: Vec<(u8, usize)> = cut.segments().map(|segment| (segment[0], segment.len())).collect();
    let expected = [
        (0xBF, 5 + 4 + 150),
        (0xA0, 2 + 2 + 24),
        (0xA1, 2),
        (0x88, 2 + 28),
        (0x88, 2 + 28),
        (0x88, 2 + 18),
        (0xA2, 2 + 2 + 72),
        (0xA3, 4),
        (0x86, 1004),
        (0x86, 1004),
        (0x86, 1004),
    ];
    assert_eq!(shape, expected);
    assert_eq!(cut.metadata(), [0x77; 50]);
}

#[test]
fn names_the_place_that_is_wrong() {
    let good = package(&[0x77; 10]);
    let (outer, _) = tlv::first(&good).unwrap();
    let parts: Vec<&[u8]> = outer.children().map(|part| part.unwrap().raw()).collect();
    let build = |parts: &[&[u8]]| {
        let mut out = Vec::new();
        tlv::write(&mut out, &[0xBF, 0x36], &parts.concat());
        SegmentedPackage::cut(out)
    };
    let place = |result: Result<SegmentedPackage, SegmentError>| match result.unwrap_err() {
        SegmentError::Tag { place, found, .. } => (place, found),
        other => panic!("{other}"),
    };
    let [isc, first, metadata, second, profile] = parts[..] else { panic!("five parts") };
    assert!(build(&[isc, first, metadata, profile]).is_ok());
    assert_eq!(place(build(&[first, metadata, profile])), ("initialiseSecureChannelRequest", "A0".to_owned()));
    assert_eq!(place(build(&[isc, metadata, profile])), ("firstSequenceOf87", "A1".to_owned()));
    assert_eq!(place(build(&[isc, first, second, profile])), ("sequenceOf88", "A2".to_owned()));
    assert_eq!(place(build(&[isc, first, metadata])), ("sequenceOf86", "nothing".to_owned()));
    assert_eq!(place(build(&[isc, first, metadata, profile, second])), ("the end", "A2".to_owned()));
    assert_eq!(place(build(&[isc, &[0xA0, 0x00], metadata, profile])), ("firstSequenceOf87", "nothing".to_owned()));
    assert_eq!(
        place(build(&[isc, &[0xA0, 0x02, 0x86, 0x00], metadata, profile])),
        ("firstSequenceOf87", "86".to_owned())
    );
    assert_eq!(SegmentedPackage::cut([&good[..], &[0]].concat()), Err(SegmentError::TrailingBytes(1)));
    for length in 0..good.len() {
        assert!(SegmentedPackage::cut(good[..length].to_vec()).is_err(), "cut off after {length} bytes");
    }
}
