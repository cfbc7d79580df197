//! What is said of an eSIM that was provisioned.

use std::path::{Path, PathBuf};

use rsp_asn1::Eid;
use rsp_operator::provisioning::Placed;
use rsp_operator::qr::{Modules, SCALE};
use serde_json::{Value, json};

use crate::exit::{Exit, Failure};
use crate::system::write_private;

/// Said with every --secure, so that nobody takes it for more.
const NOT_PART: &str = "the phone's own connection to the SM-DP+ is not part of this: the phone makes and checks it";

/// One eSIM.
pub(super) struct Provisioned<'a> {
    pub(super) carrier: &'a str,
    pub(super) plan: &'a str,
    pub(super) supplier: &'a str,
    pub(super) placed: &'a Placed,
    pub(super) eid: Option<Eid>,
    /// A confirmation code that was made here.
    pub(super) made_code: Option<&'a str>,
    pub(super) code_required: bool,
    /// Where the QR code goes.
    pub(super) picture: Option<&'a Path>,
    pub(super) secure: bool,
}

impl Provisioned<'_> {
    /// Prints it, and writes its picture. The order is placed: whatever fails now, its code is printed first.
    pub(super) fn print(&self, json: bool) -> anyhow::Result<()> {
        let code = self.placed.activation_code.to_uri();
        let qr = Modules::of(&code);
        if json {
            println!("{}", self.describe());
        } else {
            println!("ICCID            {}", self.placed.iccid);
            println!("activation code  {}", code.as_str());
            if let Some(qr) = &qr {
                print!("{}", qr.to_terminal().as_str());
            }
            if self.secure {
                self.print_security();
            }
            if let Some(code) = self.made_code {
                eprintln!("confirmation code (give it to the user apart from the activation code): {code}");
            }
        }
        for passed_over in &self.placed.passed_over {
            eprintln!("note: not there: {passed_over}");
        }
        if let (Some(file), Some(qr)) = (self.picture, qr) {
            write_picture(file, &qr)?;
        }
        Ok(())
    }

    fn print_security(&self) {
        let security = &self.placed.security;
        let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".to_owned());
        println!("TLS version      {}", or_none(&security.tls_version));
        println!("cipher suite     {}", or_none(&security.cipher_suite));
        println!(
            "pin              {}",
            security.pin.map_or_else(|| "none".to_owned(), |pin| format!("{} matched", hex::encode(pin)))
        );
        println!("bound to         {}", security.binding);
        println!("({NOT_PART})");
    }

    fn describe(&self) -> Value {
        let (placed, security) = (self.placed, &self.placed.security);
        let mut line = json!({
            "result": "ok",
            "carrier": self.carrier,
            "plan": self.plan,
            "iccid": placed.iccid.to_string(),
            "activation_code": placed.activation_code.to_uri().as_str(),
            "smdp_address": placed.activation_code.smdp_address(),
            "matching_id": placed.activation_code.matching_id(),
            "confirmation_code_required": self.code_required,
            "eid": self.eid.map(|eid| eid.to_string()),
            "supplier": self.supplier,
            "qr": self.picture,
            "security": {
                "tls_version": security.tls_version,
                "cipher_suite": security.cipher_suite,
                "pin": security.pin.map(hex::encode),
                "bound_to_eid": security.binding.eid.map(|eid| eid.to_string()),
                "bound_to_confirmation_code": security.binding.confirmation_code,
                "demanded": self.secure,
                "not_part": NOT_PART,
            },
            "passed_over": placed.passed_over.iter().map(ToString::to_string).collect::<Vec<_>>(),
        });
        if let Some(code) = self.made_code {
            line["confirmation_code"] = code.into();
        }
        line
    }
}

/// The name of a picture, by its extension.
pub(super) fn parse_picture(text: &str) -> Result<PathBuf, String> {
    let file = PathBuf::from(text);
    let known = file.extension().is_some_and(|it| it.eq_ignore_ascii_case("png") || it.eq_ignore_ascii_case("svg"));
    if known { Ok(file) } else { Err(format!("{text:?} ends neither with .png nor with .svg")) }
}

/// Writes a QR code into a new file, by its extension.
pub(super) fn write_picture(file: &Path, qr: &Modules) -> anyhow::Result<()> {
    match file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("svg")) {
        true => write_private(file, qr.to_svg().as_bytes()),
        false => write_private(file, &qr.to_png(SCALE)),
    }
}

/// The picture of one of several eSIMs.
pub(super) fn numbered(file: &Path, number: u32, count: u32) -> PathBuf {
    if count == 1 {
        return file.to_owned();
    }
    let text = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
    file.with_file_name(format!("{}-{number}.{}", text(file.file_stem()), text(file.extension())))
}

/// Before anything is ordered: what is there is not overwritten, and a directory has to be there.
pub(super) fn check_pictures(file: Option<&Path>, count: u32) -> anyhow::Result<()> {
    let Some(file) = file else { return Ok(()) };
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty());
    if parent.is_some_and(|parent| !parent.is_dir()) {
        return Err(Failure::new(Exit::Input, format!("--qr {}: there is no such directory", file.display())));
    }
    for number in 1..=count {
        let file = numbered(file, number, count);
        if file.symlink_metadata().is_ok() {
            return Err(Failure::new(Exit::Input, format!("--qr {}: exists already", file.display())));
        }
    }
    Ok(())
}
