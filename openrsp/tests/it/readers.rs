//! Cards in PC/SC readers, as far as that goes without a reader; `cargo xtask network` has one.

use std::process::Command;

/// Neither a service nor a socket of one.
const NOWHERE: &str = "/nonexistent/pcscd.comm";

fn refusal(card: &str) -> (String, Option<i32>) {
    let output = Command::new(env!("CARGO_BIN_EXE_openrsp"))
        .args(["lpa", "--card", card, "chip", "info"])
        .env("PCSCLITE_CSOCK_NAME", NOWHERE)
        .output()
        .unwrap();
    assert!(output.stdout.is_empty());
    (String::from_utf8(output.stderr).unwrap(), output.status.code())
}

#[test]
fn a_device_without_a_reader_has_no_esim_or_the_program_says_how_to_build_it() {
    for card in ["pcsc", "pcsc:0", "pcsc:Virtual PCD 00 00"] {
        let (said, code) = refusal(card);
        if cfg!(feature = "pcsc") {
            assert!(said.contains("eSIM not supported: the PC/SC service cannot be reached"), "{said}");
            assert_eq!(code, Some(5));
        } else {
            assert!(said.contains("cargo build --release --features pcsc"), "{said}");
            assert!(said.contains("libpcsclite-dev"), "{said}");
            assert_eq!(code, Some(2));
        }
    }
}

#[test]
fn refuses_a_reader_without_a_name() {
    let (said, code) = refusal("pcsc:");
    assert!(said.contains("names no card after the colon"), "{said}");
    assert_eq!(code, Some(2));
}

#[test]
#[cfg(not(feature = "pcsc"))]
fn a_network_without_a_radio_says_what_it_lacks() {
    let output = Command::new(env!("CARGO_BIN_EXE_openrsp")).args(["demo", "--network"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    // Packages first; where all of them are there, this program was built without PC/SC.
    assert!(said.contains("apt-get install ") || said.contains("cargo build --release --features pcsc"), "{said}");
}
