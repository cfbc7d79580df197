//! Command APDUs (ISO 7816-4), each after its length in two bytes, and the chaining of STORE DATA.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rsp_apdu::store_data::Assembler;
use rsp_apdu::{Command, Response};

fuzz_target!(|data: &[u8]| {
    let mut assembler = Assembler::default();
    for apdu in script(data) {
        let _ = Response::from_bytes(apdu);
        if let Ok(command) = Command::parse(apdu) {
            if let Ok(bytes) = command.to_bytes() {
                assert!(Command::parse(&bytes).is_ok_and(|again| again == command), "a command keeps its meaning");
            }
            let _ = assembler.push(command.p1, command.p2, &command.data);
        }
    }
});

/// Cuts the input into APDUs; the last one may be shorter than its length says.
fn script(mut data: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = data.split_first_chunk::<2>()?;
        let (apdu, rest) = rest.split_at(usize::from(u16::from_be_bytes(*length)).min(rest.len()));
        data = rest;
        Some(apdu)
    })
}
