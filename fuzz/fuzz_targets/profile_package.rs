//! Profile packages (TCA interoperable format): what is read is written back byte for byte, and installing it ends well
//! or with a status.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rsp_euicc::interpreter::install;
use rsp_saip::ProfilePackage;

fuzz_target!(|data: &[u8]| {
    if let Ok(package) = ProfilePackage::from_der(data) {
        assert_eq!(package.to_der().as_slice(), data, "a package keeps its bytes");
        let _ = install(package.elements());
    }
});
