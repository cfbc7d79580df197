//! The LPA carries the profile and cannot read it: its memory is searched for K while the last segment is on its way.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;

use serde_json::Value;

use crate::bed::{Bed, HOST, Service, command, openrsp};

#[test]
fn the_lpa_never_holds_the_subscriber_key() {
    let bed = Bed::new();
    let kept = bed.path("demo");
    openrsp(["demo", "--keep", &kept]).ok();
    let package = format!("{kept}/profile.der");
    let key = subscriber_key(&std::fs::read(&package).unwrap());
    bed.smdp(&["import", &package, "--type", "t", "--spn", "S", "--profile-name", "N"]).ok();
    let code = bed.smdp(&["order", "--type", "t"]).ok()["activation_code"].as_str().unwrap().to_owned();
    let server = bed.serve();
    let card = bed.card("card.euicc", "p256", &[]);
    let euicc = Service::start(["euicc", "serve", &card, "--tcp", "127.0.0.1:0"]);

    // This test stands between the LPA and its card and holds back the answer to each segment while it looks.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let spec = format!("tcp:{}", listener.local_addr().unwrap());
    let resolve = format!("{HOST}={}", server.address);
    let mut lpa = command()
        .args(["lpa", "--card", &spec, "--ci", bed.pki(), "--resolve", &resolve])
        .args(["profile", "download", &code, "--yes"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (from_lpa, _) = listener.accept().unwrap();
    let to_card = TcpStream::connect(euicc.address).unwrap();
    let mut searched = 0;
    let mut found_in_card = false;
    let mut reader = BufReader::new(from_lpa.try_clone().unwrap());
    let mut answers = BufReader::new(to_card.try_clone().unwrap());
    let (mut to_lpa, mut to_card) = (from_lpa, to_card);
    let mut line = String::new();
    while reader.read_line(&mut line).unwrap() > 0 {
        to_card.write_all(line.as_bytes()).unwrap();
        let mut answer = String::new();
        answers.read_line(&mut answer).unwrap();
        // The elements of the package travel in segments of tag 86.
        if is_segment(&line, "86") {
            assert!(!memory_holds(lpa.id(), &key), "K is in the memory of the LPA");
            found_in_card |= memory_holds(euicc.child.id(), &key);
            searched += 1;
        }
        to_lpa.write_all(answer.as_bytes()).unwrap();
        line.clear();
    }
    assert!(lpa.wait().unwrap().success());
    assert!(searched >= 2, "only {searched} segments were seen");
    assert!(found_in_card, "the search finds nothing at all: not even the eUICC holds K");
}

/// Whether a line of the card protocol is the first block of a segment with this tag.
fn is_segment(line: &str, tag: &str) -> bool {
    let line: Value = serde_json::from_str(line).unwrap_or_default();
    let parameter = line["payload"]["param"].as_str().unwrap_or_default().to_ascii_lowercase();
    // CLA INS P1 P2 Lc, then the segment: P2 00 is a segment's first block.
    parameter.get(2..4) == Some("e2") && parameter.get(6..8) == Some("00") && parameter.get(10..12) == Some(tag)
}

/// K of the first akaParameter: `[4] { header [0]?, algoConfiguration A1 { 80 id, 81 options, 82 key … } }`.
fn subscriber_key(package: &[u8]) -> [u8; 16] {
    let position = package.windows(2).enumerate().find_map(|(index, window)| {
        let preceded = package[..index].ends_with(&[0x02]) || package[..index].ends_with(&[0x01]);
        (window == [0x82, 0x10] && preceded).then_some(index + 2)
    });
    package[position.expect("a key in the package")..][..16].try_into().unwrap()
}

/// Searches all readable memory of a process.
fn memory_holds(process: u32, needle: &[u8]) -> bool {
    let maps = std::fs::read_to_string(format!("/proc/{process}/maps")).unwrap();
    let mut memory = File::open(format!("/proc/{process}/mem")).unwrap();
    maps.lines().filter(|map| map.contains(" r")).any(|map| {
        let (range, _) = map.split_once(' ').unwrap();
        let (start, end) = range.split_once('-').unwrap();
        let (start, end) = (u64::from_str_radix(start, 16).unwrap(), u64::from_str_radix(end, 16).unwrap());
        // Pages of the kernel's own ([vvar] and the like) cannot be read.
        let mut content = vec![0; usize::try_from(end - start).unwrap()];
        memory.seek(SeekFrom::Start(start)).is_ok()
            && memory.read_exact(&mut content).is_ok()
            && content.windows(needle.len()).any(|window| window == needle)
    })
}
