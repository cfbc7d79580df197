//! Links that a phone opens with its settings, as both systems document or take them.

use std::fmt::Write as _;

use rsp_crypto::Zeroizing;
use rsp_es::activation_code::ActivationCode;

/// iOS 17.4 and later.
const IOS: &str = "https://esimsetup.apple.com/esim_qrcode_provisioning?carddata=";
/// Android, where the maker took Google's LPA.
const ANDROID: &str = "https://esimsetup.android.com/esim_qrcode_provisioning?carddata=";

/// The ways in which an activation code is opened on a phone. Whoever has one of them can download the profile.
pub struct Links {
    /// Opens the settings of an iPhone.
    pub ios: Zeroizing<String>,
    /// Opens the settings of an Android phone.
    pub android: Zeroizing<String>,
    /// `LPA:1$…`, which is what the QR code says too.
    pub uri: Zeroizing<String>,
}

/// The links of an activation code.
pub fn links(code: &ActivationCode) -> Links {
    let uri = code.to_uri();
    Links { ios: with_card_data(IOS, &uri), android: with_card_data(ANDROID, &uri), uri }
}

/// All but the unreserved characters of RFC 3986 2.3 are percent-encoded.
fn with_card_data(start: &str, uri: &str) -> Zeroizing<String> {
    // Three times the length at most, so that no copy is left behind by growing.
    let mut link = Zeroizing::new(String::with_capacity(start.len() + 3 * uri.len()));
    link.push_str(start);
    for byte in uri.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            link.push(char::from(byte));
        } else {
            // Writing into a String cannot fail.
            let _ = write!(link, "%{byte:02X}");
        }
    }
    link
}

#[cfg(test)]
mod tests {
    use super::links;
    use rsp_es::activation_code::ActivationCode;

    #[test]
    fn a_published_code_becomes_the_links_that_phones_take() {
        // SGP.22 4.1.
        let code = ActivationCode::parse_strict("1$SMDP.GSMA.COM$04386-AGYFT-A74Y8-3F815$1.3.6.1.4.1.31746$1").unwrap();
        let data = "LPA%3A1%24SMDP.GSMA.COM%2404386-AGYFT-A74Y8-3F815%241.3.6.1.4.1.31746%241";
        let links = links(&code);
        assert_eq!(*links.ios, format!("https://esimsetup.apple.com/esim_qrcode_provisioning?carddata={data}"));
        assert_eq!(*links.android, format!("https://esimsetup.android.com/esim_qrcode_provisioning?carddata={data}"));
        assert_eq!(*links.uri, "LPA:1$SMDP.GSMA.COM$04386-AGYFT-A74Y8-3F815$1.3.6.1.4.1.31746$1");
    }
}
