//! Files of the profile that is built: only where they differ from the templates.

use rasn::types::OctetString;

use super::{ISIM_AID, ISIM_FILE_ID, ProfileBuilder, USIM_AID, USIM_FILE_ID, access_rules, template};
use crate::asn1::Unknown;
use crate::digits;
use crate::element::ElementKind;
use crate::error::Error;
use crate::file::{Fcp, File, FileItem};
use crate::gfm::{FileCommand, GenericFileManagement};
use crate::header::PeHeader;
use crate::template::TemplateElement;
use crate::text;

/// Services of EF_UST (3GPP TS 31.102 4.2.8) whose files the package has, and n°33, which is always set.
const USIM_SERVICES: [usize; 9] = [10, 12, 19, 20, 33, 42, 43, 71, 85];

/// Key references of the MF and of ADFs, which also know PIN 2.
const MF_KEYS: &[u8] = &[0x01, 0x0A];
const ADF_KEYS: &[u8] = &[0x01, 0x81, 0x0A];

/// MF with EF_ICCID, EF_DIR and EF_ARR.
pub(super) fn mf(header: PeHeader, profile: &ProfileBuilder) -> Result<TemplateElement, Error> {
    let mut element = template(ElementKind::Mf, header, 1);
    let mut applications = vec![(USIM_AID, "USIM")];
    if profile.isim {
        applications.push((ISIM_AID, "ISIM"));
    }
    let keys = Fcp { pin_status_template_do: Some(OctetString::from_static(MF_KEYS)), ..Fcp::default() };
    put(&mut element, "mf", File::new(keys, &[]));
    put(&mut element, "ef-iccid", content(&digits::iccid_swapped(&profile.iccid)?));
    put(&mut element, "ef-dir", directory(&applications));
    put(&mut element, "ef-arr", access_rule_file());
    Ok(element)
}

/// ADF.USIM.
pub(super) fn usim(header: PeHeader, profile: &ProfileBuilder) -> Result<TemplateElement, Error> {
    let mut element = template(ElementKind::Usim, header, 4);
    put(&mut element, "adf-usim", adf(USIM_FILE_ID, &USIM_AID));
    put(&mut element, "ef-imsi", content(&digits::imsi_content(&profile.imsi)?));
    put(&mut element, "ef-arr", access_rule_file());
    put(&mut element, "ef-ust", content(&service_table(profile)));
    let mut spn = vec![0x01];
    spn.extend(text::encode(&profile.spn).unwrap_or_default());
    spn.resize(17, 0xFF);
    put(&mut element, "ef-spn", content(&spn));
    put(&mut element, "ef-est", content(&[0x00]));
    put(&mut element, "ef-acc", content(&digits::access_class(&profile.imsi)));
    put(&mut element, "ef-ad", content(&[0x00, 0x00, 0x00, profile.mnc_length]));
    // 112 and 911, both without a service category.
    put(&mut element, "ef-ecc", records(4, &[0x11, 0xF2, 0xFF, 0x00, 0x19, 0xF1, 0xFF, 0x00]));
    for name in ["ef-keys", "ef-keysPS", "ef-hpplmn", "ef-sms", "ef-smsp", "ef-smss", "ef-start-hfn", "ef-threshold"] {
        put(&mut element, name, File::from_template());
    }
    for name in ["ef-psloci", "ef-fplmn", "ef-loci", "ef-netpar", "ef-epsloci", "ef-epsnsc"] {
        put(&mut element, name, File::from_template());
    }
    Ok(element)
}

/// Optional files of ADF.USIM.
pub(super) fn opt_usim(header: PeHeader, profile: &ProfileBuilder) -> Result<TemplateElement, Error> {
    let mut element = template(ElementKind::OptUsim, header, 5);
    for (name, gid) in [("ef-gid1", &profile.gid1), ("ef-gid2", &profile.gid2)] {
        if let Some(gid) = gid {
            put(&mut element, name, sized(gid));
        }
    }
    if let Some(msisdn) = &profile.msisdn {
        put(&mut element, "ef-msisdn", records(24, &dialling_number("", msisdn, 24)?));
    }
    let mut home = plmn(profile);
    home.extend([0xC0, 0xC0]);
    for name in ["ef-li", "ef-plmnwact", "ef-oplmnwact"] {
        put(&mut element, name, File::from_template());
    }
    put(&mut element, "ef-hplmnwact", content(&home));
    put(&mut element, "ef-ehplmn", content(&plmn(profile)));
    Ok(element)
}

/// ADF.ISIM with identities made of the IMSI (3GPP TS 23.003 13.2 to 13.4).
pub(super) fn isim(header: PeHeader, profile: &ProfileBuilder) -> Result<TemplateElement, Error> {
    let (mcc, mnc) = (&profile.imsi[..3], &profile.imsi[3..3 + usize::from(profile.mnc_length)]);
    let domain = format!("ims.mnc{mnc:0>3}.mcc{mcc}.3gppnetwork.org");
    let private = format!("{}@{domain}", profile.imsi);
    let public = text_object(&format!("sip:{private}"));
    let mut element = template(ElementKind::Isim, header, 8);
    put(&mut element, "adf-isim", adf(ISIM_FILE_ID, &ISIM_AID));
    put(&mut element, "ef-impi", sized(&text_object(&private)));
    put(&mut element, "ef-impu", records(public.len(), &public));
    put(&mut element, "ef-domain", sized(&text_object(&domain)));
    put(&mut element, "ef-ist", content(&[0x00; 14]));
    put(&mut element, "ef-ad", content(&[0x00, 0x00, 0x00]));
    put(&mut element, "ef-arr", access_rule_file());
    Ok(element)
}

/// DF.TELECOM with as many telephone book entries (3GPP TS 51.011 10.5.1) as make `bytes` bytes; what does not fit into the
/// four files of telephone numbers becomes image instances of DF.GRAPHICS (3GPP TS 31.102 4.6.1.2).
pub(super) fn telephone_book(header: PeHeader, bytes: usize) -> GenericFileManagement {
    const RECORD: usize = 28;
    const FILES: [u16; 4] = [0x6F3A, 0x6F49, 0x6F4D, 0x6F3B];
    let mut commands = vec![
        FileCommand::FilePath(OctetString::from_static(&[])),
        FileCommand::CreateFcp(Fcp {
            file_descriptor: Some(OctetString::from_static(&[0x78, 0x21])),
            file_id: Some(OctetString::from_static(&[0x7F, 0x10])),
            security_attributes_referenced: Some(OctetString::from_static(&[0x2F, 0x06, 14])),
            pin_status_template_do: Some(OctetString::from_static(MF_KEYS)),
            ..Fcp::default()
        }),
        FileCommand::FilePath(OctetString::from_static(&[0x7F, 0x10])),
    ];
    let mut missing = bytes.div_ceil(RECORD);
    let mut entry = 0;
    for file_id in FILES {
        let count = missing.min(254);
        if count == 0 {
            break;
        }
        missing -= count;
        let mut content = Vec::with_capacity(count * RECORD);
        for _ in 0..count {
            entry += 1;
            let number = format!("+99970{:07}", entry * 7919);
            content.extend(dialling_number(&format!("Contact {entry:04}"), &number, RECORD).unwrap_or_default());
        }
        commands.push(FileCommand::CreateFcp(Fcp {
            file_id: Some(OctetString::from(file_id.to_be_bytes())),
            security_attributes_referenced: Some(OctetString::from_static(&[0x2F, 0x06, 5])),
            short_ef_id: Some(OctetString::from_static(&[])),
            ..linear_fixed(RECORD, content.len())
        }));
        commands.push(FileCommand::FillFileContent(OctetString::from(content)));
    }
    let mut commands = vec![commands];
    if missing > 0 {
        commands.push(graphics(missing * RECORD));
    }
    GenericFileManagement { header, commands, unknown: Unknown::default() }
}

/// DF.GRAPHICS with image instance data files that hold `bytes` bytes.
fn graphics(bytes: usize) -> Vec<FileCommand> {
    /// Bytes of one file: what READ BINARY can address.
    const LARGEST: usize = 0x7F00;
    let mut commands = vec![
        FileCommand::FilePath(OctetString::from_static(&[0x7F, 0x10])),
        FileCommand::CreateFcp(Fcp {
            file_descriptor: Some(OctetString::from_static(&[0x78, 0x21])),
            file_id: Some(OctetString::from_static(&[0x5F, 0x50])),
            security_attributes_referenced: Some(OctetString::from_static(&[0x2F, 0x06, 14])),
            pin_status_template_do: Some(OctetString::from_static(MF_KEYS)),
            ..Fcp::default()
        }),
        FileCommand::FilePath(OctetString::from_static(&[0x7F, 0x10, 0x5F, 0x50])),
    ];
    let sizes = std::iter::repeat_n(LARGEST, bytes / LARGEST).chain(Some(bytes % LARGEST).filter(|size| *size > 0));
    for (number, size) in (0x4F40u16..0x4F80).zip(sizes) {
        // A pattern that no fill rule of a card could have made.
        let image: Vec<u8> = (0..size).map(|at| (at * 31 + at / 251 + usize::from(number)) as u8).collect();
        commands.push(FileCommand::CreateFcp(Fcp {
            file_descriptor: Some(OctetString::from_static(&[0x41, 0x21])),
            file_id: Some(OctetString::from(number.to_be_bytes())),
            security_attributes_referenced: Some(OctetString::from_static(&[0x2F, 0x06, 5])),
            ef_file_size: Some(OctetString::from(u16::try_from(size).unwrap_or(u16::MAX).to_be_bytes())),
            short_ef_id: Some(OctetString::from_static(&[])),
            ..Fcp::default()
        }));
        commands.push(FileCommand::FillFileContent(OctetString::from(image)));
    }
    commands
}

/// Puts a file into a field that the element has.
fn put(element: &mut TemplateElement, name: &str, file: File) {
    element.set_file(name, file).expect("invariant: this module names fields of the element's own table");
}

/// A file of the template's size.
fn content(content: &[u8]) -> File {
    File(vec![FileItem::FillFileContent(OctetString::from(content))])
}

/// A transparent file that is as large as its content.
fn sized(content: &[u8]) -> File {
    File::new(Fcp { ef_file_size: Some(minimal(content.len())), ..Fcp::default() }, content)
}

/// A linear fixed file that is as large as its content.
fn records(length: usize, content: &[u8]) -> File {
    File::new(linear_fixed(length, content.len()), content)
}

fn linear_fixed(record_length: usize, size: usize) -> Fcp {
    let [high, low] = (record_length as u16).to_be_bytes();
    Fcp {
        file_descriptor: Some(OctetString::from([0x42, 0x21, high, low])),
        ef_file_size: Some(minimal(size)),
        ..Fcp::default()
    }
}

/// A size without leading zeros.
fn minimal(size: usize) -> OctetString {
    let bytes = size.to_be_bytes();
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count().min(bytes.len() - 1);
    OctetString::from(&bytes[zeros..])
}

fn adf(file_id: u16, aid: &[u8]) -> File {
    let fcp = Fcp {
        file_id: Some(OctetString::from(file_id.to_be_bytes())),
        df_name: Some(OctetString::from(aid)),
        pin_status_template_do: Some(OctetString::from_static(ADF_KEYS)),
        ..Fcp::default()
    };
    File::new(fcp, &[])
}

fn access_rule_file() -> File {
    records(access_rules::RECORD_LENGTH, &access_rules::records())
}

/// Application templates (ETSI TS 102 221 13.1), one in each record.
fn directory(applications: &[([u8; 16], &str)]) -> File {
    const RECORD: usize = 32;
    let mut content = Vec::new();
    for (index, (aid, label)) in applications.iter().enumerate() {
        content.extend([0x61, (4 + aid.len() + label.len()) as u8, 0x4F, aid.len() as u8]);
        content.extend(aid);
        content.extend([0x50, label.len() as u8]);
        content.extend(label.as_bytes());
        content.resize((index + 1) * RECORD, 0xFF);
    }
    records(RECORD, &content)
}

fn service_table(profile: &ProfileBuilder) -> [u8; 14] {
    let optional = [(17, profile.gid1.is_some()), (18, profile.gid2.is_some()), (21, profile.msisdn.is_some())];
    let mut table = [0; 14];
    let present = optional.iter().filter(|(_, present)| *present).map(|(service, _)| service);
    for service in USIM_SERVICES.iter().chain(present) {
        table[(service - 1) / 8] |= 1 << ((service - 1) % 8);
    }
    table
}

/// The home network as location files code it (3GPP TS 24.008 10.5.1.13).
fn plmn(profile: &ProfileBuilder) -> Vec<u8> {
    let digit = |index: usize| profile.imsi.as_bytes().get(index).map_or(0x0F, |byte| byte - b'0');
    let third = if profile.mnc_length == 3 { digit(5) } else { 0x0F };
    vec![digit(1) << 4 | digit(0), third << 4 | digit(2), digit(4) << 4 | digit(3)]
}

/// `80 length text`, the TLV of the ISIM's files (3GPP TS 31.103 4.2).
fn text_object(text: &str) -> Vec<u8> {
    let mut object = vec![0x80, text.len() as u8];
    object.extend(text.as_bytes());
    object
}

/// A record of EF_ADN or EF_MSISDN: name, length, type of number, digits, and two unused pointers.
fn dialling_number(name: &str, number: &str, record: usize) -> Result<Vec<u8>, Error> {
    let (digits, kind) = number.strip_prefix('+').map_or((number, 0x81), |digits| (digits, 0x91));
    if digits.is_empty() || digits.len() > 20 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let problem = "1 to 20 digits are needed, with + in front of an international number".to_owned();
        return Err(Error::InvalidValue { field: "telephone number", problem });
    }
    let mut content: Vec<u8> = name.bytes().take(record - 14).collect();
    content.resize(record - 14, 0xFF);
    content.extend([1 + digits.len().div_ceil(2) as u8, kind]);
    for pair in digits.as_bytes().chunks(2) {
        let high = pair.get(1).map_or(0x0F, |digit| digit - b'0');
        content.push(high << 4 | (pair[0] - b'0'));
    }
    content.resize(record, 0xFF);
    Ok(content)
}
