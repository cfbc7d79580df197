//! Every row of every version of every template: what the package leaves open is what the template says.

use rsp_asn1::{ObjectIdentifier, OctetString};
use rsp_euicc::fs::{AccessReference, AccessRule, Content, Structure};
use rsp_euicc::interpreter::ProfileContents;
use rsp_saip::file::{Fcp, File};
use rsp_saip::header::PeHeader;
use rsp_saip::{Element, ElementKind, TemplateElement};

use super::expected::{Row, default_content, rows};
use crate::profile::{elements, install_elements};

/// Last arc, element, path of the DF that its files lie in or under, and the templates that must come before.
const TEMPLATES: [(&str, ElementKind, &[u16], &[&str]); 15] = [
    ("2", ElementKind::Cd, &[0x7F11], &[]),
    ("3", ElementKind::Telecom, &[0x7F10], &[]),
    ("4", ElementKind::Usim, &[0x7FE4], &[]),
    ("5", ElementKind::OptUsim, &[0x7FE4], &["4"]),
    ("6", ElementKind::Phonebook, &[0x7FE4, 0x5F3A], &["4"]),
    ("7", ElementKind::GsmAccess, &[0x7FE4, 0x5F3B], &["4"]),
    ("8", ElementKind::Isim, &[0x7FE8], &[]),
    ("9", ElementKind::OptIsim, &[0x7FE8], &["8"]),
    ("10", ElementKind::Csim, &[0x7FEA], &[]),
    ("11", ElementKind::OptCsim, &[0x7FEA], &["10"]),
    ("12", ElementKind::Eap, &[0x7FE4, 0x5F40], &["4"]),
    ("13", ElementKind::Df5gs, &[0x7FE4, 0x5FC0], &["4"]),
    ("14", ElementKind::DfSaip, &[0x7FE4, 0x5FD0], &["4"]),
    ("15", ElementKind::DfSnpn, &[0x7FE4, 0x5FE0], &["4"]),
    ("16", ElementKind::Df5gprose, &[0x7FE4, 0x5FF0], &["4"]),
];

/// The size that a test gives where the template gives none: two records, or so many bytes.
const RECORD: usize = 9;

fn family(template: &str) -> &str {
    template.split('.').next().expect("a first part")
}

/// A descriptor with nothing but what the template leaves open; `None` when it leaves nothing open.
fn descriptor(row: &Row, base: &[u16]) -> Option<Fcp> {
    if row.kind == "DF" {
        let id = row.file_id.is_none().then(|| *base.last().expect("a path"));
        let is_application = row.field.starts_with("adf");
        return Some(Fcp {
            file_id: id.map(|id| OctetString::from(id.to_be_bytes())),
            df_name: is_application.then(|| OctetString::from([0xA0, 0x00, 0x00, 0x01, id.unwrap_or(0) as u8])),
            ..Fcp::default()
        });
    }
    let (count, length) = (row.count, row.size);
    let records = matches!(row.kind, "LF" | "CY");
    if length.is_some() && (count.is_some() || !records) {
        return None;
    }
    let record = length.unwrap_or(RECORD);
    Some(Fcp {
        file_descriptor: (records && length.is_none())
            .then(|| OctetString::from([if row.kind == "LF" { 0x42 } else { 0x46 }, 0x21, 0, record as u8])),
        ef_file_size: (!records || count.is_none())
            .then(|| OctetString::from([if records { 2 * record } else { RECORD } as u8])),
        ..Fcp::default()
    })
}

fn element(rows: &[Row], template: &str) -> Element {
    let (number, kind, base, _) = TEMPLATES.iter().find(|(number, ..)| *number == family(template)).expect("listed");
    let arcs = [2, 23, 143, 1, 2].into_iter().chain(template.split('.').map(|arc| arc.parse().expect("an arc")));
    let id = ObjectIdentifier::new(arcs.collect::<Vec<u32>>()).expect("arcs");
    let header = PeHeader::mandated(1000 + number.parse::<u16>().expect("a number"));
    let mut element = TemplateElement::new(*kind, header, id).expect("a template");
    for row in rows.iter().filter(|row| row.template == template) {
        let fcp = descriptor(row, base);
        // What an application's template describes wholly is created without being mentioned.
        if fcp.is_some() || !["4", "8", "10"].contains(number) {
            element.set_file(row.field, File::new(fcp.unwrap_or_default(), &[])).expect("a field");
        }
    }
    Element::Template(element)
}

fn installed(rows: &[Row], template: &str) -> ProfileContents {
    let first = [ElementKind::Header, ElementKind::Mf, ElementKind::PukCodes, ElementKind::PinCodes];
    let mut package: Vec<Element> = Vec::new();
    for element in elements() {
        let known = package.iter().any(|other| other.kind() == element.kind());
        if first.contains(&element.kind()) && !known || element.kind() == ElementKind::End {
            package.push(element);
        }
    }
    let needed = TEMPLATES.iter().find(|(number, ..)| *number == family(template)).expect("listed").3;
    for template in needed.iter().chain([&template]) {
        package.insert(package.len() - 1, element(rows, template));
    }
    install_elements(package).unwrap_or_else(|error| panic!("{template}: {error}")).0
}

#[test]
fn templates_say_what_packages_leave_open() {
    let rows = rows();
    let mut templates: Vec<&str> = rows.iter().map(|row| &row.template[..]).filter(|name| *name != "1").collect();
    templates.dedup();
    assert_eq!(templates.len(), 23);
    let mut compared = 0;
    for template in templates {
        let contents = installed(&rows, template);
        let files = contents.files();
        let base = TEMPLATES.iter().find(|(number, ..)| *number == family(template)).expect("listed").2;
        let mut df = base.to_vec();
        for row in rows.iter().filter(|row| row.template == template) {
            let place = format!("{template} {}", row.field);
            let id = row.file_id.unwrap_or(*base.last().expect("a path"));
            let path = match row.kind {
                "DF" if base.last() == Some(&id) => base.to_vec(),
                "DF" => [base, &[id]].concat(),
                _ => [&df[..], &[id]].concat(),
            };
            let node = files.node(files.by_package_path(&path).unwrap_or_else(|| panic!("{place}: {path:04X?}")));
            // ADFs and what lies in the MF have their rules in 2F06.
            let file_id = if path.len() == 1 { 0x2F06 } else { 0x6F06 };
            if let Some(record) = row.rule {
                let expected = AccessRule::Referenced(AccessReference { file_id, record });
                assert_eq!(node.access, Some(expected), "{place}");
            }
            let Content::Ef(ef) = &node.content else {
                assert_eq!(row.kind, "DF", "{place}");
                df = path;
                continue;
            };
            let record = row.size.unwrap_or(RECORD);
            let (structure, size) = match row.kind {
                "TR" => (Structure::Transparent, record),
                "BT" => (Structure::BerTlv, record),
                "LF" => (Structure::LinearFixed { record: record as u16 }, row.count.unwrap_or(2) * record),
                "CY" => (Structure::Cyclic { record: record as u16 }, row.count.unwrap_or(2) * record),
                other => panic!("{place}: {other}"),
            };
            assert_eq!((ef.structure, ef.body.len()), (structure, size), "{place}");
            let mut content: Vec<u8> = default_content(row.content, record).into_iter().cycle().take(size).collect();
            if row.field == "ef-ust" {
                // This eUICC switches GBA and MBMS off, n°68 and n°69.
                content[8] = 0xE7;
            }
            assert_eq!(hex::encode(&ef.body[..]), hex::encode(content), "{place}");
            assert_eq!(ef.special, row.special, "{place}");
            if let Some(sfi) = row.sfi {
                assert_eq!(ef.sfi, sfi, "{place}");
            }
            compared += 1;
        }
    }
    println!("{compared} files of 23 templates");
    assert_eq!(compared, 584);
}
