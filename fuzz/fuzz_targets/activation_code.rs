//! Activation codes (SGP.22 4.1): whatever is scanned or pasted, and what is read can be written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rsp_es::activation_code::{ActivationCode, diagnose};

fuzz_target!(|text: &str| {
    let _ = diagnose(text);
    let strict = ActivationCode::parse_strict(text);
    let lenient = ActivationCode::parse_lenient(text);
    if let Ok(strict) = &strict {
        assert!(lenient.as_ref().is_ok_and(|lenient| lenient == strict), "the lenient reader knows every strict code");
    }
    if let Ok(code) = lenient {
        for written in [code.to_text(), code.to_uri()] {
            let read = ActivationCode::parse_lenient(&written);
            assert!(read.is_ok_and(|read| read == code), "a code that was read leniently reads the same once written");
        }
    }
    if let Ok(code) = strict {
        for written in [code.to_text(), code.to_uri()] {
            let read = ActivationCode::parse_strict(&written);
            assert!(read.is_ok_and(|read| read == code), "a code that was read is written as the same code");
        }
    }
});
