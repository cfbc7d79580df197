//! What is in a package: applications, directories and files with identifiers and sizes. No key, no code, no IMSI and nothing
//! that stands in a file leaves it.

use std::collections::BTreeMap;

use rsp_es::printable::printable;
use rsp_saip::aka::{AkaParameter, AlgorithmConfiguration};
use rsp_saip::application::{Application, Rfm, SecurityDomain};
use rsp_saip::codes::{PinCodes, PinCodesChoice, PukCodes};
use rsp_saip::file::{Fcp, FileItem};
use rsp_saip::gfm::{FileCommand, GenericFileManagement};
use rsp_saip::templates::{Shape, Template};
use rsp_saip::toolkit::ToolkitParameters;
use rsp_saip::{Element, ElementKind, ProfilePackage, TemplateElement, lint};

/// Characters of a text of whoever made the package.
const TEXT: usize = 100;

/// What is in a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// Version of the interoperable format.
    pub version: String,
    /// What its maker calls it.
    pub maker: String,
    /// Service provider name.
    pub provider: String,
    /// Its ICCID; orders of a template get others.
    pub iccid: String,
    /// Services that the eUICC must have.
    pub services: Vec<String>,
    /// Profile elements by kind, and how many.
    pub elements: Vec<(String, usize)>,
    /// Network access applications, security domains, applets and file management, in the order of the package.
    pub parts: Vec<Part>,
    /// Which PINs and PUKs there are, and where.
    pub codes: Vec<String>,
    /// The directories, in the order of the package.
    pub directories: Vec<Directory>,
    /// Octets.
    pub size: usize,
    /// Doors that stand open: [`rsp_saip::lint`].
    pub findings: Vec<String>,
}

/// An application or a security domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// What it is, such as `USIM`.
    pub kind: &'static str,
    /// Its AID in hexadecimal digits, if the package says it.
    pub aid: String,
    /// Its algorithm, the versions and identifiers of its keys, or its code.
    pub detail: String,
}

/// A directory, and the files that lie in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// The standard's name, such as `adf-usim`, or `DF` for one outside the templates.
    pub name: String,
    /// Its identifier; `None` of an application without.
    pub identifier: Option<u16>,
    /// AID of an application in hexadecimal digits.
    pub aid: Option<String>,
    /// Its files.
    pub files: Vec<File>,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// The standard's name, such as `ef-imsi`, or `EF` for one outside the templates.
    pub name: String,
    /// Its identifier, if package or template say it.
    pub identifier: Option<u16>,
    /// Its structure.
    pub structure: &'static str,
    /// Octets, if package or template say it.
    pub size: Option<usize>,
    /// Octets of a record.
    pub record: Option<usize>,
}

impl Contents {
    /// Reads a package. `None` for one that cannot be read.
    pub fn of(package: &[u8]) -> Option<Self> {
        let package = ProfilePackage::from_der(package).ok()?;
        let summary = package.summary();
        let mut elements = BTreeMap::<String, usize>::new();
        for kind in &summary.elements {
            *elements.entry(kind.to_string()).or_default() += 1;
        }
        let mut reader = Reader::default();
        package.elements().iter().for_each(|element| reader.element(element.element()));
        let text = |text: Option<String>| text.map(|text| printable(&text, TEXT)).unwrap_or_default();
        Some(Self {
            version: format!("{}.{}", summary.version.0, summary.version.1),
            maker: text(summary.profile_type),
            provider: text(summary.spn),
            iccid: text(summary.iccid.or(summary.header_iccid)),
            services: summary.services.iter().map(ToString::to_string).collect(),
            elements: elements.into_iter().collect(),
            parts: reader.parts,
            codes: reader.codes,
            directories: reader.directories,
            size: summary.size,
            findings: lint::findings(&package).iter().map(ToString::to_string).collect(),
        })
    }

    /// How many files there are in all directories.
    pub fn files(&self) -> usize {
        self.directories.iter().map(|directory| directory.files.len()).sum()
    }
}

/// Goes through a package.
#[derive(Default)]
struct Reader {
    parts: Vec<Part>,
    codes: Vec<String>,
    directories: Vec<Directory>,
    /// Where the directory of the last MF or application stands: codes and files of further elements belong to it.
    context: usize,
    /// Where the network access application stands to which keys belong.
    application: Option<usize>,
}

impl Reader {
    fn element(&mut self, element: &Element) {
        match element {
            Element::Template(template) => self.template(template),
            Element::GenericFileManagement(commands) => self.generic(commands),
            Element::AkaParameter(aka) => self.aka(aka),
            Element::CdmaParameter(_) => self.algorithm("CAVE".to_owned()),
            Element::PinCodes(pins) => self.pins(pins),
            Element::PukCodes(puks) => self.puks(puks),
            Element::SecurityDomain(domain) => self.domain(domain),
            Element::Application(application) => self.applets(application),
            Element::Rfm(rfm) => self.rfm(rfm),
            Element::NonStandard(element) => {
                self.part("Non-standard element", &[], format!("issuer {}", element.issuer_id));
            }
            _ => {}
        }
    }

    fn part(&mut self, kind: &'static str, aid: &[u8], detail: String) {
        self.parts.push(Part { kind, aid: hex::encode_upper(aid), detail });
    }

    /// Files of a template: those that the element describes, and of the templates that create files of their own the rest.
    fn template(&mut self, element: &TemplateElement) {
        let kind = element.kind();
        let before = self.directories.len();
        match Template::find(kind, element.template_id()) {
            Some(template) => {
                for (file, directory) in template.files() {
                    let described = element.file(file.name);
                    let is_directory = matches!(file.shape, Shape::Df);
                    let left_out = described.is_some_and(|file| file.0.contains(&FileItem::DoNotCreate(())));
                    let by_itself = template.by_default && !is_directory && size_of(file.shape) != Some(0);
                    if left_out || (described.is_none() && !by_itself) {
                        continue;
                    }
                    let nothing = Fcp::default();
                    let fcp = described.and_then(|file| file.descriptor()).unwrap_or(&nothing);
                    let identifier = Some(file.file_id).filter(|identifier| *identifier != 0);
                    if is_directory {
                        self.directory(file.name, fcp, identifier);
                    } else {
                        let place = self.place(directory, before);
                        self.file(place, file_of(file.name, fcp, identifier, Some(file.shape)));
                    }
                }
            }
            // Of a later version, or of the minimal profile: what the package itself says.
            None => {
                for (name, file) in element.files() {
                    let nothing = Fcp::default();
                    let fcp = file.descriptor().unwrap_or(&nothing);
                    if name.starts_with("ef-") {
                        let place = self.place(None, before);
                        self.file(place, file_of(name, fcp, None, None));
                    } else {
                        self.directory(name, fcp, None);
                    }
                }
            }
        }
        let application = match kind {
            ElementKind::Usim => "USIM",
            ElementKind::Isim => "ISIM",
            ElementKind::Csim => "CSIM",
            ElementKind::Iot => "USIM of an IoT Minimal Profile",
            ElementKind::Mf | ElementKind::Telecom | ElementKind::Cd if before < self.directories.len() => {
                self.context = before;
                return;
            }
            _ => return,
        };
        let first = self.directories.iter().skip(before).position(|directory| directory.name.starts_with("adf"));
        self.context = before + first.unwrap_or_default();
        let aid = self.directories.get(self.context).and_then(|directory| directory.aid.clone()).unwrap_or_default();
        self.application = Some(self.parts.len());
        self.parts.push(Part { kind: application, aid, detail: String::new() });
    }

    fn directory(&mut self, name: &str, fcp: &Fcp, identifier: Option<u16>) {
        self.directories.push(Directory {
            name: name.to_owned(),
            identifier: fcp.file_id().or(identifier),
            aid: fcp.df_name.as_ref().map(hex::encode_upper),
            files: Vec::new(),
        });
    }

    /// Where the directory is that a template names, or the first one that its element made, or that of its application.
    fn place(&self, name: Option<&str>, before: usize) -> usize {
        let made = self.directories.get(before..).unwrap_or_default();
        let named = name.and_then(|name| made.iter().rposition(|directory| directory.name == name));
        match named {
            Some(place) => before + place,
            None if made.is_empty() => self.context,
            None => before,
        }
    }

    fn file(&mut self, place: usize, file: File) {
        if self.directories.is_empty() {
            self.directory("mf", &Fcp::default(), Some(0x3F00));
        }
        let last = self.directories.len() - 1;
        self.directories[place.min(last)].files.push(file);
    }

    /// Files outside the templates.
    fn generic(&mut self, element: &GenericFileManagement) {
        for command in element.commands.iter().flatten() {
            match command {
                FileCommand::FilePath(path) => {
                    let identifier = match path.last_chunk::<2>() {
                        Some(last) => u16::from_be_bytes(*last),
                        None => 0x3F00,
                    };
                    let known = self.directories.iter().rposition(|known| known.identifier == Some(identifier));
                    self.context = known.unwrap_or(self.context);
                }
                FileCommand::CreateFcp(fcp) if is_directory(fcp) => {
                    self.directory("DF", fcp, None);
                    self.context = self.directories.len() - 1;
                }
                FileCommand::CreateFcp(fcp) => self.file(self.context, file_of("EF", fcp, None, None)),
                _ => {}
            }
        }
    }

    fn algorithm(&mut self, algorithm: String) {
        if let Some(part) = self.application.and_then(|place| self.parts.get_mut(place)) {
            part.detail = algorithm;
        }
    }

    fn aka(&mut self, aka: &AkaParameter) {
        self.algorithm(match &aka.algorithm {
            AlgorithmConfiguration::Algorithm(algorithm) => algorithm.name().to_owned(),
            AlgorithmConfiguration::Mapping(mapping) => format!("as {}", hex::encode_upper(&mapping.source)),
        });
    }

    fn pins(&mut self, element: &PinCodes) {
        let place = self.directories.get(self.context).map_or("mf", |directory| directory.name.as_str());
        self.codes.push(match &element.codes {
            PinCodesChoice::PinConfig(pins) => {
                let references: Vec<_> = pins.iter().map(|pin| format!("{:02X}", pin.key_reference)).collect();
                format!("PINs of {place}: key references {}", references.join(", "))
            }
            PinCodesChoice::FilePath(path) => format!("PINs of {place}: those of {}", hex::encode_upper(path)),
        });
    }

    fn puks(&mut self, element: &PukCodes) {
        let references: Vec<_> = element.codes.iter().map(|puk| format!("{:02X}", puk.key_reference)).collect();
        self.codes.push(format!("PUKs: key references {}", references.join(", ")));
    }

    fn domain(&mut self, domain: &SecurityDomain) {
        let mut versions = BTreeMap::<String, Vec<String>>::new();
        for key in domain.key_list.iter().flatten() {
            let identifiers = versions.entry(hex::encode_upper(&key.version_number)).or_default();
            identifiers.push(hex::encode_upper(&key.identifier));
        }
        let version = |(version, keys): (String, Vec<String>)| format!("keys {} of version {version}", keys.join(", "));
        let keys: Vec<_> = versions.into_iter().map(version).collect();
        let keys = if keys.is_empty() { "no keys".to_owned() } else { keys.join("; ") };
        self.part("Security domain", &domain.instance.instance_aid, keys);
    }

    fn applets(&mut self, application: &Application) {
        if let Some(load) = &application.load_block {
            let detail = format!("code, {} octets", load.load_block_object.len());
            self.part("Load package", &load.load_package_aid, detail);
        }
        for instance in application.instances.iter().flatten() {
            let detail = format!("instance of {}", hex::encode_upper(&instance.class_aid));
            self.part("Application", &instance.instance_aid, detail);
        }
    }

    fn rfm(&mut self, rfm: &Rfm) {
        let parameters = ToolkitParameters::of_file_management(rfm).unwrap_or_default();
        let tars: Vec<_> = parameters.tars.iter().map(hex::encode_upper).collect();
        self.part("Remote file management", &rfm.instance_aid, format!("TAR {}", tars.join(", ")));
    }
}

/// Octets of a file of a template; 0 when the package has to say it, `None` for a directory.
fn size_of(shape: Shape) -> Option<usize> {
    match shape {
        Shape::Df => None,
        Shape::Transparent(size) | Shape::BerTlv(size) => Some(size.into()),
        Shape::LinearFixed(count, length) | Shape::Cyclic(count, length) => {
            Some(usize::from(count) * usize::from(length))
        }
    }
}

/// A directory by its file descriptor byte (ETSI TS 102 222 6.3.2.2.2).
fn is_directory(fcp: &Fcp) -> bool {
    fcp.file_descriptor.as_ref().and_then(|bytes| bytes.first()).is_some_and(|byte| byte & 0x3F == 0x38)
}

/// A file as the package describes it over its template.
fn file_of(name: &str, fcp: &Fcp, identifier: Option<u16>, shape: Option<Shape>) -> File {
    let of_template = match shape {
        Some(Shape::Transparent(_)) => "transparent",
        Some(Shape::LinearFixed(..)) => "linear fixed",
        Some(Shape::Cyclic(..)) => "cyclic",
        Some(Shape::BerTlv(_)) => "BER-TLV",
        _ => "",
    };
    let structure = match fcp.file_descriptor.as_ref().and_then(|bytes| bytes.first()).map(|byte| byte & 0x3F) {
        Some(0x39) => "BER-TLV",
        Some(byte) if byte & 0x07 == 0x01 => "transparent",
        Some(byte) if byte & 0x07 == 0x02 => "linear fixed",
        Some(byte) if byte & 0x07 == 0x06 => "cyclic",
        _ => of_template,
    };
    let (count, length) = match shape {
        Some(Shape::LinearFixed(count, length) | Shape::Cyclic(count, length)) => {
            (usize::from(count), usize::from(length))
        }
        _ => (0, 0),
    };
    let record = fcp.record_length().or(Some(length)).filter(|length| *length > 0);
    let by_template = match record {
        Some(length) => count * length,
        None => shape.and_then(size_of).unwrap_or_default(),
    };
    File {
        name: name.to_owned(),
        identifier: fcp.file_id().or(identifier),
        structure,
        size: fcp.size().or(Some(by_template)).filter(|size| *size > 0),
        record,
    }
}
