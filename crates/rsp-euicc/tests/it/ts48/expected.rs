//! What the files of a profile must be, by its value notation and the templates' defaults. It shares nothing with the
//! interpreter.

use std::collections::BTreeMap;

use super::notation::Value;

const TEMPLATES: &str = include_str!("templates.txt");

/// A row of the templates' defaults.
pub(crate) struct Row {
    pub(crate) template: String,
    pub(crate) field: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) file_id: Option<u16>,
    pub(crate) count: Option<usize>,
    pub(crate) size: Option<usize>,
    /// `None`: not known to this test.
    pub(crate) rule: Option<u8>,
    /// `None`: not known to this test.
    pub(crate) sfi: Option<Option<u8>>,
    pub(crate) content: &'static str,
    pub(crate) special: u8,
}

pub(crate) fn rows() -> Vec<Row> {
    let lines = TEMPLATES.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines
        .map(|line| {
            let columns: Vec<&'static str> = line.split(' ').collect();
            let [template, field, kind, file_id, count, size, rule, sfi, content, activity] = columns[..] else {
                panic!("{line}");
            };
            let number = |text: &str| (text != "-").then(|| text.parse().expect("a number"));
            let hexadecimal = |text: &str| (text != "-").then(|| u16::from_str_radix(text, 16).expect("hexadecimal"));
            Row {
                template: template.to_owned(),
                field,
                kind,
                file_id: hexadecimal(file_id),
                count: number(count),
                size: number(size),
                rule: (rule != "?").then(|| rule.parse().expect("a record")),
                sfi: (sfi != "?").then(|| hexadecimal(sfi).map(|sfi| sfi as u8)),
                content,
                special: if activity == "high" { 0x80 } else { 0 },
            }
        })
        .collect()
}

/// Content of `length` bytes as a column of the table writes it.
pub(crate) fn default_content(column: &str, length: usize) -> Vec<u8> {
    let bytes = |text: &str| hex::decode(text).expect("hexadecimal");
    if column == "-" {
        return vec![0xFF; length];
    }
    if let Some(unit) = column.strip_suffix('*') {
        return bytes(unit).into_iter().cycle().take(length).collect();
    }
    let Some((first, last)) = column.split_once("...") else {
        let content = bytes(column);
        assert_eq!(content.len(), length, "default content {column} in a file of another size");
        return content;
    };
    let (mut content, last) = (bytes(first), bytes(last));
    let middle = *content.last().expect("a byte");
    content.resize(length.saturating_sub(last.len()).max(content.len()), middle);
    content.extend(last);
    content.truncate(length);
    content
}

/// A file as it must be.
#[derive(Clone)]
pub(crate) struct Expected {
    /// Field of the template, or createFCP.
    pub(crate) name: String,
    /// `DF`, `TR`, `LF`, `CY` or `BT`.
    pub(crate) kind: &'static str,
    /// EF_ARR and record; `None`: not known to this test.
    pub(crate) rule: Option<(u16, u8)>,
    pub(crate) life_cycle: u8,
    pub(crate) aid: Option<Vec<u8>>,
    pub(crate) pin_references: Vec<u8>,
    /// `None`: not known to this test.
    pub(crate) sfi: Option<Option<u8>>,
    pub(crate) special: u8,
    /// Length of records, or 0.
    pub(crate) record: usize,
    pub(crate) content: Vec<u8>,
    pub(crate) link: Option<Vec<u16>>,
}

/// Files by their paths without the MF, ADFs by their temporary identifiers.
pub(crate) type Files = BTreeMap<Vec<u16>, Expected>;

/// A profile as it must be.
#[derive(Default)]
pub(crate) struct Profile {
    pub(crate) files: Files,
    /// Key references with their values, of each DF.
    pub(crate) codes: Vec<(Vec<u16>, u8, Vec<u8>)>,
    current: Vec<u16>,
    applications: BTreeMap<&'static str, Vec<u16>>,
}

/// Which application a template adds files to, and which templates create files that are not mentioned.
const EXTENSIONS: [(&str, &str); 7] =
    [("5", "4"), ("6", "4"), ("7", "4"), ("9", "8"), ("11", "10"), ("13", "4"), ("14", "4")];
const BY_DEFAULT: [&str; 4] = ["1", "4", "8", "10"];

impl Profile {
    /// Works through the elements of a package.
    pub(crate) fn of(elements: &[(String, Value)]) -> Self {
        let rows = rows();
        let mut profile = Self::default();
        for (kind, element) in elements {
            match (kind.as_str(), element.get("templateID")) {
                (_, Some(Value::Identifier(arcs))) => profile.template(&rows, arcs, element),
                ("genericFileManagement", _) => profile.generic(element),
                ("pinCodes", _) => profile.pins(element),
                _ => {}
            }
        }
        profile
    }

    fn template(&mut self, rows: &[Row], arcs: &[u32], element: &Value) {
        assert_eq!(arcs[..5], [2, 23, 143, 1, 2]);
        let template = arcs[5..].iter().map(u32::to_string).collect::<Vec<_>>().join(".");
        let family = arcs[5].to_string();
        let extended = EXTENSIONS.iter().find(|(extension, _)| *extension == family);
        let base = extended.map_or_else(Vec::new, |(_, application)| self.applications[application].clone());
        let mut first_df: Option<Vec<u16>> = None;
        let mut df = base.clone();
        let mut mentioned = 0;
        for row in rows.iter().filter(|row| row.template == template) {
            // Newer modules call the third optional file of DF_5GS otherwise.
            let file = element.get(row.field).or_else(|| element.get("ef-nsi").filter(|_| row.field == "ef-supinai"));
            mentioned += usize::from(file.is_some());
            let has_size = row.kind == "DF" || row.size.is_some() && (row.count.is_some() || row.kind == "TR");
            let created = BY_DEFAULT.contains(&family.as_str()) && has_size && row.kind != "DF";
            let empty = Value::Braces(Vec::new());
            let Some(file) = file.or(created.then_some(&empty)) else { continue };
            let descriptor = file.components().iter().find_map(|(_, item)| match item.choice() {
                ("fileDescriptor", descriptor) => Some(descriptor),
                ("doNotCreate", _) => panic!("no generic test profile leaves a file out"),
                _ => None,
            });
            let path =
                self.create(if row.kind == "DF" { first_df.as_ref().unwrap_or(&base) } else { &df }, row, descriptor);
            if row.kind == "DF" {
                first_df.get_or_insert_with(|| path.clone());
                df = path.clone();
            }
            let mut position = 0;
            file.components().iter().for_each(|(_, item)| self.fill(&path, &mut position, item));
        }
        let fields = element.components().len() - 2;
        assert_eq!(mentioned, fields, "every field of template {template} is one that this test knows");
        if let Some(df) = first_df.filter(|_| ["1", "2", "3", "4", "8", "10"].contains(&family.as_str())) {
            self.current = df.clone();
            if let Some(name) = ["4", "8", "10"].iter().find(|name| **name == family) {
                self.applications.insert(name, df);
            }
        }
    }

    fn create(&mut self, parent: &[u16], row: &Row, descriptor: Option<&Value>) -> Vec<u16> {
        let empty = Value::Braces(Vec::new());
        let fcp = descriptor.unwrap_or(&empty);
        let number = |bytes: &[u8]| bytes.iter().fold(0usize, |number, byte| number << 8 | usize::from(*byte));
        let file_id = fcp.bytes_of("fileID").map(|id| number(id) as u16).or(row.file_id).expect("an identifier");
        let path = if file_id == 0x3F00 { Vec::new() } else { [parent, &[file_id]].concat() };
        let aid = fcp.bytes_of("dfName").map(<[u8]>::to_vec);
        let link = fcp.bytes_of("linkPath").filter(|link| !link.is_empty()).map(identifiers);
        let described = fcp.bytes_of("fileDescriptor");
        if let Some(described) = described {
            let kind = match described[0] & 0x3F {
                0x38 => "DF",
                0x01 => "TR",
                0x02 => "LF",
                0x06 => "CY",
                0x39 => "BT",
                other => panic!("file descriptor {other:02X}"),
            };
            assert_eq!(kind, row.kind, "{}", row.field);
        }
        let records = matches!(row.kind, "LF" | "CY");
        let record = match described {
            Some(described) if records && described.len() > 2 => number(&described[2..]),
            _ => row.size.filter(|_| records).unwrap_or(0),
        };
        let size = match (row.kind, fcp.bytes_of("efFileSize")) {
            ("DF", _) => 0,
            _ if link.is_some() => 0,
            (_, Some(size)) => number(size),
            ("LF" | "CY", None) => record * row.count.expect("a count of records"),
            _ => row.size.expect("a size"),
        };
        let info = fcp.get("proprietaryEFInfo");
        let unit = if records { record } else { size };
        let filled = match info.map(|info| (info.bytes_of("fillPattern"), info.bytes_of("repeatPattern"))) {
            Some((Some(pattern), None)) => {
                let mut filled = pattern.to_vec();
                filled.resize(unit.max(pattern.len()), *pattern.last().expect("a byte"));
                filled.truncate(unit);
                filled
            }
            Some((None, Some(pattern))) => pattern.iter().copied().cycle().take(unit).collect(),
            Some((Some(_), Some(_))) => panic!("two patterns"),
            _ if size == 0 => Vec::new(),
            _ => default_content(row.content, unit),
        };
        let special = match info {
            None => row.special,
            Some(info) => info.bytes_of("specialFileInformation").map_or(0, |special| special[0]),
        };
        // ADFs, the MF and what lies directly in it have their rules in 2F06, all others in 6F06.
        let arr = if path.len() < 2 || aid.is_some() { 0x2F06 } else { 0x6F06 };
        let rule = match fcp.bytes_of("securityAttributesReferenced") {
            None => row.rule.map(|record| (arr, record)),
            Some([record]) => Some((arr, *record)),
            Some([high, low, record]) => Some((u16::from_be_bytes([*high, *low]), *record)),
            Some(other) => panic!("securityAttributesReferenced {other:02X?}"),
        };
        let sfi = match fcp.bytes_of("shortEFID") {
            None => row.sfi,
            Some([]) => Some(None),
            Some(sfi) => Some(Some(sfi[0] >> 3)),
        };
        let file = Expected {
            name: row.field.to_owned(),
            kind: row.kind,
            rule,
            life_cycle: fcp.bytes_of("lcsi").map_or(5, |life_cycle| life_cycle[0]),
            aid,
            pin_references: fcp.bytes_of("pinStatusTemplateDO").unwrap_or_default().to_vec(),
            sfi,
            special,
            record,
            content: filled.into_iter().cycle().take(size).collect(),
            link,
        };
        assert_eq!(file.content.len(), size, "{path:04X?}");
        let before = self.files.insert(path.clone(), file);
        assert!(before.is_none(), "{path:04X?} is created twice");
        path
    }

    fn fill(&mut self, path: &[u16], position: &mut usize, item: &Value) {
        match item.choice() {
            ("fillFileOffset", offset) => *position += offset.number() as usize,
            ("fillFileContent", content) => {
                let content = content.bytes();
                let file = self.files.get_mut(path).expect("a file");
                file.content[*position..][..content.len()].copy_from_slice(content);
                *position += content.len();
            }
            ("fileDescriptor", _) => {}
            (other, _) => panic!("{other}"),
        }
    }

    fn generic(&mut self, element: &Value) {
        let commands = element.get("fileManagementCMD").expect("commands");
        for list in commands.elements() {
            let (mut selected, mut df, mut position) = (Vec::new(), Vec::new(), 0);
            for command in list.elements() {
                match command.choice() {
                    ("filePath", path) => {
                        selected = identifiers(path.bytes());
                        let is_df = selected.is_empty() || self.files[&selected].kind == "DF";
                        df = selected[..selected.len() - usize::from(!is_df)].to_vec();
                        position = 0;
                    }
                    ("createFCP", fcp) => {
                        let kind = match fcp.bytes_of("fileDescriptor").expect("a descriptor")[0] & 0x3F {
                            0x38 => "DF",
                            0x01 => "TR",
                            0x02 => "LF",
                            0x06 => "CY",
                            0x39 => "BT",
                            other => panic!("file descriptor {other:02X}"),
                        };
                        let short = fcp.bytes_of("fileID").expect("an identifier")[1] & 0x1F;
                        let row = Row {
                            template: String::new(),
                            field: "createFCP",
                            kind,
                            file_id: None,
                            count: None,
                            size: None,
                            rule: None,
                            sfi: Some(Some(short).filter(|sfi| (1..=30).contains(sfi))),
                            content: "-",
                            special: 0,
                        };
                        selected = self.create(&df, &row, Some(fcp));
                        if kind == "DF" {
                            df.clone_from(&selected);
                        }
                        position = 0;
                    }
                    _ => self.fill(&selected, &mut position, command),
                }
            }
        }
    }

    fn pins(&mut self, element: &Value) {
        let (kind, pins) = element.get("pinCodes").expect("PINs").choice();
        assert_eq!(kind, "pinconfig");
        for pin in pins.elements() {
            let reference = match pin.get("keyReference").expect("a reference").word() {
                "pinAppl1" => 0x01,
                "adm1" => 0x0A,
                "adm2" => 0x0B,
                "secondPINAppl1" => 0x81,
                other => panic!("{other}"),
            };
            self.codes.push((self.current.clone(), reference, pin.bytes_of("pinValue").expect("a value").to_vec()));
        }
    }

    /// The file whose content a file has: its own, or that at the end of its links.
    pub(crate) fn source(&self, path: &[u16]) -> &Expected {
        let file = &self.files[path];
        match &file.link {
            Some(link) => self.source(link),
            None => file,
        }
    }

    /// Whether somebody who knows every code may read the file.
    pub(crate) fn may_be_read(&self, path: &[u16]) -> bool {
        let (arr, number) = self.files[path].rule.expect("a rule");
        let dfs = (0..path.len()).rev().map(|length| &path[..length]);
        let arr = dfs.map(|df| [df, &[arr]].concat()).find(|arr| self.files.contains_key(arr)).expect("an EF_ARR");
        let file = self.source(&arr);
        let start = file.record * (usize::from(number) - 1);
        let record = &file.content[start..start + file.record];
        let keys: Vec<u8> = self.codes.iter().filter(|(df, ..)| path.starts_with(df)).map(|code| code.1).collect();
        // Pairs of an access mode `80 01` and a condition: `90 00` always, `97 00` never, `A4` a key.
        let mut rest = record;
        let mut reading = false;
        while let [tag @ (0x80 | 0x84 | 0x90 | 0x97 | 0xA0 | 0xA4), length, value @ ..] = rest {
            let (value, next) = value.split_at(usize::from(*length));
            rest = next;
            match tag {
                0x80 => reading = value[0] & 1 != 0,
                0x84 => reading = false,
                _ if !reading => {}
                0x90 => return true,
                0x97 => return false,
                0xA4 => return keys.contains(&value[2]),
                _ => panic!("alternatives for reading {path:04X?}"),
            }
        }
        false
    }
}

fn identifiers(path: &[u8]) -> Vec<u16> {
    path.chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect()
}
