//! Profile metadata of an imported profile (SGP.22 4.4).

use std::net::{Ipv4Addr, Ipv6Addr};

use rsp_asn1::{
    Iccid, IconType, NotificationConfigurationInformation, NotificationEvent, OctetString, OperatorId, PprIds,
    ProfileClass, StoreMetadataRequest, Unknown,
};

use crate::error::Error;

/// An icon of at most 1024 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Icon {
    /// Its coding, found from its first bytes.
    pub kind: IconType,
    /// The file.
    pub bytes: Vec<u8>,
}

/// Which notification goes where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notify {
    /// A bit of [`NotificationEvent`].
    pub event: usize,
    /// FQDN of the recipient, or its IP address, each with a port if need be.
    pub address: String,
}

/// What the operator says about a profile. What is empty or `None` is taken from the package or left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MetadataOptions {
    /// serviceProviderName, at most 32 characters.
    pub service_provider_name: Option<String>,
    /// profileName, at most 64 characters.
    pub profile_name: Option<String>,
    /// Operational when absent.
    pub class: Option<ProfileClass>,
    /// Shown to the user.
    pub icon: Option<Icon>,
    /// Bits of [`PprIds`].
    pub policy_rules: Vec<usize>,
    /// MCC and MNC of profileOwner, 5 or 6 digits.
    pub owner: Option<String>,
    /// Notifications besides the installation result.
    pub notify: Vec<Notify>,
}

impl Icon {
    /// Recognises PNG and JPEG.
    ///
    /// # Errors
    /// [`Error::Metadata`] for another format or more than 1024 bytes.
    pub fn new(bytes: Vec<u8>) -> Result<Self, Error> {
        let kind = match bytes.as_slice() {
            [0x89, b'P', b'N', b'G', ..] => IconType::PNG,
            [0xFF, 0xD8, 0xFF, ..] => IconType::JPG,
            _ => return Err(invalid("icon", "neither PNG nor JPEG")),
        };
        if bytes.len() > 1024 {
            return Err(invalid("icon", format!("{} bytes, at most 1024 are allowed", bytes.len())));
        }
        Ok(Self { kind, bytes })
    }
}

impl MetadataOptions {
    /// The StoreMetadataRequest for a profile.
    ///
    /// # Errors
    /// [`Error::Metadata`] naming the element that is not what SGP.22 allows.
    pub(crate) fn build(
        &self,
        iccid: Iccid,
        spn: Option<&str>,
        type_name: &str,
    ) -> Result<StoreMetadataRequest, Error> {
        if !self.policy_rules.is_empty() && self.owner.is_none() {
            return Err(invalid("profilePolicyRules", "they need a profile owner"));
        }
        Ok(StoreMetadataRequest {
            iccid,
            service_provider_name: name(
                "serviceProviderName",
                32,
                self.service_provider_name.as_deref().or(spn).unwrap_or("OpenRSP"),
            )?
            .into(),
            profile_name: name("profileName", 64, self.profile_name.as_deref().unwrap_or(type_name))?.into(),
            icon_type: self.icon.as_ref().map(|icon| icon.kind),
            icon: self.icon.as_ref().map(|icon| OctetString::from(icon.bytes.clone())),
            profile_class: self.class.unwrap_or(ProfileClass::OPERATIONAL),
            notification_configuration_info: notifications(&self.notify)?,
            profile_owner: self.owner.as_deref().map(owner).transpose()?,
            profile_policy_rules: (!self.policy_rules.is_empty()).then(|| PprIds::from_bits(&self.policy_rules)),
            service_specific_data_stored_in_euicc: None,
            service_specific_data_not_stored_in_euicc: None,
            unknown: Unknown::default(),
        })
    }
}

fn invalid(field: &'static str, problem: impl Into<String>) -> Error {
    Error::Metadata { field, problem: problem.into() }
}

/// Checks a name: so many characters at most, at least one, none that deceives.
pub(crate) fn name(field: &'static str, limit: usize, text: &str) -> Result<String, Error> {
    let length = text.chars().count();
    if length == 0 || length > limit {
        return Err(invalid(field, format!("{length} characters, 1 to {limit} are allowed")));
    }
    printable(field, text)?;
    Ok(text.to_owned())
}

/// Refuses text that would make a screen show something else than its letters.
pub(crate) fn printable(field: &'static str, text: &str) -> Result<(), Error> {
    match text.chars().find(|c| is_deceptive(*c)) {
        Some(c) => Err(invalid(field, format!("the character U+{:04X} is not allowed", u32::from(c)))),
        None => Ok(()),
    }
}

/// What [`rsp_es::printable`] escapes, but for joiners and variation selectors: some scripts, and emoji, need them.
fn is_deceptive(c: char) -> bool {
    rsp_es::printable::is_deceptive(c) && !matches!(c, '\u{200C}' | '\u{200D}' | '\u{FE00}'..='\u{FE0F}')
}

fn notifications(notify: &[Notify]) -> Result<Option<Vec<NotificationConfigurationInformation>>, Error> {
    if let Some(bad) = notify.iter().find(|entry| !is_recipient(&entry.address)) {
        let problem = format!("{:?} is no fully qualified domain name and no IP address", bad.address);
        return Err(invalid("notificationConfigurationInfo", problem));
    }
    let entries = notify
        .iter()
        .map(|entry| NotificationConfigurationInformation {
            profile_management_operation: NotificationEvent::from_bits(&[entry.event]),
            notification_address: entry.address.clone(),
            unknown: Unknown::default(),
        })
        .collect::<Vec<_>>();
    Ok((!entries.is_empty()).then_some(entries))
}

/// A domain name as the standard has it, or an IP address as laboratories have it; either with a port, as in smdpAddress.
fn is_recipient(text: &str) -> bool {
    let host = match text.rsplit_once(':') {
        Some((host, port)) if !host.ends_with(':') && port.parse::<u16>().is_ok() => host,
        _ => text,
    };
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    is_fqdn(host)
        || host.parse::<Ipv4Addr>().is_ok()
        || [bare.unwrap_or(host), text].iter().any(|host| host.parse::<Ipv6Addr>().is_ok())
}

/// Labels of letters, digits and hyphens, at least two of them, 253 characters together (RFC 1035, 1123).
fn is_fqdn(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    // A last label of digits alone would be an IP address.
    let top = text.rsplit('.').next().unwrap_or_default();
    text.len() <= 253 && text.contains('.') && text.split('.').all(label) && !top.bytes().all(|b| b.is_ascii_digit())
}

/// MCC and MNC in the coding of 3GPP TS 24.008: a missing third digit of the MNC is `F`.
fn owner(digits: &str) -> Result<OperatorId, Error> {
    let values: Vec<u8> = digits.bytes().map(|digit| digit.wrapping_sub(b'0')).collect();
    let (mcc, mnc) = match values.as_slice() {
        all if all.iter().any(|digit| *digit > 9) => return Err(invalid("profileOwner", "only digits are allowed")),
        [a, b, c, x, y] => ([*a, *b, *c], [*x, *y, 0xF]),
        [a, b, c, x, y, z] => ([*a, *b, *c], [*x, *y, *z]),
        _ => return Err(invalid("profileOwner", "MCC and MNC have 5 or 6 digits together")),
    };
    let coded = vec![mcc[1] << 4 | mcc[0], mnc[2] << 4 | mcc[2], mnc[1] << 4 | mnc[0]];
    Ok(OperatorId { mcc_mnc: OctetString::from(coded), gid1: None, gid2: None, unknown: Unknown::default() })
}

#[cfg(test)]
mod tests {
    use super::{Icon, MetadataOptions, Notify, owner};
    use rsp_asn1::{Iccid, NotificationEvent};

    #[test]
    fn the_owner_is_coded_as_in_ef_imsi() {
        assert_eq!(owner("00101").unwrap().mcc_mnc.as_ref(), [0x00, 0xF1, 0x10]);
        assert_eq!(owner("310410").unwrap().mcc_mnc.as_ref(), [0x13, 0x00, 0x14]);
        assert!(owner("0010").is_err());
        assert!(owner("0010x").is_err());
    }

    #[test]
    fn refuses_what_an_euicc_would_refuse() {
        assert!(Icon::new(vec![0; 10]).is_err());
        assert!(Icon::new([&[0x89, b'P', b'N', b'G'][..], &[0; 1021]].concat()).is_err());
        let rules = MetadataOptions { policy_rules: vec![1], ..MetadataOptions::default() };
        assert!(rules.build(Iccid([0x89; 10]), None, "t").is_err());
        for c in ["x", "ä", "電", "😀"] {
            let of = |spn: usize, name: usize| MetadataOptions {
                service_provider_name: Some(c.repeat(spn)),
                profile_name: Some(c.repeat(name)),
                ..MetadataOptions::default()
            };
            assert!(of(32, 65).build(Iccid([0x89; 10]), None, "t").is_err());
            assert!(of(33, 64).build(Iccid([0x89; 10]), None, "t").is_err());
            assert!(of(32, 64).build(Iccid([0x89; 10]), None, "t").is_ok());
        }
    }

    fn problem(options: &MetadataOptions, spn: Option<&str>, type_name: &str) -> Option<String> {
        options.build(Iccid([0x89; 10]), spn, type_name).err().map(|error| error.to_string())
    }

    #[test]
    fn refuses_names_that_deceive_a_screen() {
        let none = MetadataOptions::default();
        for (c, code) in [
            ('\u{1b}', "U+001B"),
            ('\n', "U+000A"),
            ('\u{202e}', "U+202E"),
            ('\u{2066}', "U+2066"),
            ('\u{e0041}', "U+E0041"),
        ] {
            let bad = format!("Good{c}bad");
            let refused = |field| Some(format!("{field}: the character {code} is not allowed"));
            let spn = MetadataOptions { service_provider_name: Some(bad.clone()), ..none.clone() };
            assert_eq!(problem(&spn, None, "t"), refused("serviceProviderName"));
            assert_eq!(problem(&none, Some(&bad), "t"), refused("serviceProviderName"));
            let name = MetadataOptions { profile_name: Some(bad.clone()), ..none.clone() };
            assert_eq!(problem(&name, None, "t"), refused("profileName"));
            assert_eq!(problem(&none, None, &bad), refused("profileName"));
        }
        for good in ["Bücher & Söhne 電話", "क्\u{200d}ष", "☎\u{fe0f}"] {
            assert_eq!(problem(&none, Some(good), "t"), None, "{good}");
        }
    }

    #[test]
    fn refuses_recipients_that_are_no_domain_names() {
        let to = |address: &str| MetadataOptions {
            notify: vec![Notify { event: NotificationEvent::ENABLE, address: address.to_owned() }],
            ..MetadataOptions::default()
        };
        let long = format!("{}.example.com", "a".repeat(64));
        for bad in [
            "",
            "host",
            "a b.example.com",
            "https://example.com",
            "smdp.example.com:x",
            "smdp.example.com:65536",
            "300.0.0.1",
            "-a.example.com",
            ".a.b",
            "a..b",
            "a\u{202e}.example.com",
            "a.example.com\n",
            &long,
        ] {
            let expected =
                format!("notificationConfigurationInfo: {bad:?} is no fully qualified domain name and no IP address");
            assert_eq!(problem(&to(bad), None, "t"), Some(expected));
        }
        for good in
            ["smdp.example.com", "a-1.B2.example:8443", "127.0.0.1:8443", "127.0.0.1", "[::1]:8443", "[::1]", "::1"]
        {
            assert_eq!(problem(&to(good), None, "t"), None);
        }
    }
}
