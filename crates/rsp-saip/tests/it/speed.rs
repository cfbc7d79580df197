//! How long a package takes to be read. Run with `cargo test --release -p rsp-saip -- --ignored --nocapture`.

use std::time::{Duration, Instant};

use rsp_saip::ProfilePackage;

#[test]
#[ignore = "a figure that only a release build gives"]
fn a_generic_test_profile_is_read_in_less_than_300_microseconds() {
    for name in ["TS48_v1_A", "TS48_v7_SAIP2.3_BERTLV_SUCI"] {
        let Some(bytes) = rsp_testkit::standards(&format!("ts48/{name}.der")) else { return };
        // Of many runs the median: one that was interrupted says nothing.
        let mut times: Vec<Duration> = (0..2001)
            .map(|_| {
                let start = Instant::now();
                let package = ProfilePackage::from_der(&bytes).expect("a package");
                let time = start.elapsed();
                assert!(package.elements().len() > 20);
                time
            })
            .collect();
        times.sort();
        let (fastest, median) = (times[0], times[times.len() / 2]);
        println!("{name}: {} bytes, median {median:?}, fastest {fastest:?}", bytes.len());
        assert!(median < Duration::from_micros(300));
    }
}
