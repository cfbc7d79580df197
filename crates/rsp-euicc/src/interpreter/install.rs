//! Goes through a package, element by element.

use std::collections::BTreeSet;

use rsp_saip::codes::{PinCodes, PinCodesChoice};
use rsp_saip::file::File;
use rsp_saip::gfm::{FileCommand, GenericFileManagement};
use rsp_saip::header::{ProfileHeader, Service};
use rsp_saip::status::{PeStatus, PeStatusCode};
use rsp_saip::{Element, ElementKind, ProfileElement, TemplateElement};

use super::contents::EF_UST;
use super::creation::{Creation, Description, MAX_BYTES};
use super::templates::{self, Shape, Template};
use super::{Fault, InstallError, ProfileContents, card_content, keys, requirements};
use crate::fs::{Content, NodeId};

/// Services of EF_UST that this USIM does not have, with the service of the package that a profile may insist on: GBA
/// and MBMS, and calculation of the SUCI by the USIM.
const UNSUPPORTED_SERVICES: [(usize, Option<Service>); 3] =
    [(68, Some(Service::GBA_USIM)), (69, Some(Service::MBMS)), (125, None)];

/// The DF that PINs and keys belong to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Context {
    /// A DF of the file system.
    Df(NodeId),
    /// An application that is only kept, and with it whatever belongs to it.
    Kept,
}

/// A package on its way in.
#[derive(Default)]
pub(super) struct Installer {
    contents: ProfileContents,
    statuses: Vec<PeStatus>,
    identifications: BTreeSet<u16>,
    header: Option<ProfileHeader>,
    context: Option<Context>,
    usim: Option<NodeId>,
    isim: Option<NodeId>,
    used: usize,
    ended: bool,
}

impl Installer {
    /// Installs all elements.
    pub(super) fn run(mut self, elements: &[ProfileElement]) -> Result<(ProfileContents, Vec<PeStatus>), InstallError> {
        for (index, element) in elements.iter().enumerate() {
            if let Err(fault) = self.element(element) {
                return Err(self.placed(fault, index + 1, Some(element)));
            }
        }
        match self.finish() {
            Ok(()) => Ok((self.contents, self.statuses)),
            Err(fault) => Err(self.placed(fault, elements.len(), elements.last())),
        }
    }

    fn placed(mut self, fault: Fault, number: usize, element: Option<&ProfileElement>) -> InstallError {
        let header = element.and_then(|element| element.element().pe_header());
        self.statuses.push(PeStatus::new(fault.status, header.map(|header| header.identification)));
        let kind = element.map(ProfileElement::kind);
        InstallError { number, kind, statuses: self.statuses, message: fault.message }
    }

    fn element(&mut self, received: &ProfileElement) -> Result<(), Fault> {
        let element = received.element();
        self.check_order(element.kind())?;
        let header = element.pe_header();
        if let Some(header) = &header
            && !self.identifications.insert(header.identification)
        {
            return Err(Fault::new(PeStatusCode::BAD_VALUES, "the identification is used twice"));
        }
        match element {
            Element::Header(header) => {
                requirements::check(header)?;
                self.header = Some(header.clone());
            }
            Element::Template(template) => self.template(template, received)?,
            Element::GenericFileManagement(gfm) => self.generic(gfm)?,
            Element::PukCodes(puks) => keys::add_puks(&mut self.contents, puks)?,
            Element::PinCodes(pins) => self.pins(pins, received)?,
            Element::AkaParameter(aka) => match self.context {
                Some(Context::Kept) => self.keep(received),
                Some(Context::Df(df)) if self.contents.files().is_adf(df) => {
                    keys::add_aka(&mut self.contents, df, aka)?;
                }
                _ => return Err(Fault::new(PeStatusCode::INVALID_REQUEST_FORMAT, "no application has these keys")),
            },
            Element::SecurityDomain(domain) => {
                card_content::add_domain(&mut self.contents, domain)?;
                self.keep(received);
            }
            Element::Rfm(rfm) => {
                card_content::add_rfm(&mut self.contents, rfm)?;
                self.keep(received);
            }
            Element::Application(application) => {
                card_content::add_application(&mut self.contents, application)?;
                self.keep(received);
            }
            Element::CdmaParameter(_) => self.keep(received),
            Element::End(_) => self.ended = true,
            // A reserved element, one of a later version, or content that only its issuer knows.
            _ => self.unsupported(received)?,
        }
        if self.contents.size_bytes() > MAX_BYTES {
            return Err(Fault::new(PeStatusCode::NOT_ENOUGH_MEMORY, "the profile is too large"));
        }
        Ok(())
    }

    /// Header first and once, end last, the MF before everything that needs files.
    fn check_order(&self, kind: ElementKind) -> Result<(), Fault> {
        let refuse = |message: &str| Err(Fault::new(PeStatusCode::INVALID_REQUEST_FORMAT, message));
        let is_header = kind == ElementKind::Header;
        match (is_header, self.header.is_some()) {
            _ if self.ended => return refuse("an element behind the end"),
            (false, false) => return refuse("the first element is not the header"),
            (true, true) => return refuse("a second header"),
            _ => {}
        }
        let free = is_header || matches!(kind, ElementKind::Mf | ElementKind::End);
        if !free && self.context.is_none() {
            return refuse("an element before the MF");
        }
        if kind == ElementKind::Mf && self.context.is_some() {
            return refuse("a second MF");
        }
        let missing_adf = match kind {
            ElementKind::OptUsim | ElementKind::GsmAccess | ElementKind::Df5gs | ElementKind::DfSaip => self.usim,
            ElementKind::DfSnpn | ElementKind::Df5gprose | ElementKind::Phonebook => self.usim,
            ElementKind::OptIsim => self.isim,
            _ => return Ok(()),
        };
        if missing_adf.is_none() { refuse("an element before the application that it extends") } else { Ok(()) }
    }

    /// An element that creates files from a template.
    fn template(&mut self, element: &TemplateElement, received: &ProfileElement) -> Result<(), Fault> {
        let kind = element.kind();
        match Template::find(kind, element.template_id()) {
            Some(template) => self.files(&template, element),
            None if matches!(kind, ElementKind::Csim | ElementKind::OptCsim)
                && templates::version(kind, element.template_id()).is_some() =>
            {
                self.context = Some(Context::Kept);
                self.keep(received);
                Ok(())
            }
            None if matches!(kind, ElementKind::Iot | ElementKind::OptIot) => self.unsupported(received),
            None => {
                let message = format!("template {}", element.template_id());
                Err(Fault::new(PeStatusCode::TEMPLATE_NOT_SUPPORTED, message))
            }
        }
    }

    fn files(&mut self, template: &Template, element: &TemplateElement) -> Result<(), Fault> {
        let base = self.base(element.kind())?;
        let from_template = File::from_template();
        let mut dfs: Vec<(&str, NodeId)> = Vec::new();
        for (file, df) in template.files() {
            let described = element.file(file.name);
            let created = template.by_default && !matches!(file.shape, Shape::Df);
            let Some(described) = described.or(created.then_some(&from_template)) else { continue };
            let parent = match df {
                None => base,
                Some(df) => match dfs.iter().find(|(name, _)| *name == df) {
                    Some((_, parent)) => *parent,
                    None => return Err(Fault::new(PeStatusCode::BAD_VALUES, format!("{} without {df}", file.name))),
                },
            };
            if created && element.file(file.name).is_none() && needs_size(file.shape) {
                continue;
            }
            for description in Description::split(described) {
                let mut creation = Creation::new(self.contents.files_mut(), self.used);
                let created = match file.name {
                    "mf" => creation.master_file(file.rule, &description),
                    _ => creation.template_file(parent, &file, &description),
                };
                let created =
                    created.map_err(|fault| Fault::new(fault.status, format!("{}: {}", file.name, fault.message)))?;
                self.used = creation.used();
                if matches!(file.shape, Shape::Df) {
                    dfs.push((file.name, created));
                }
            }
        }
        let first = dfs.first().map(|(_, df)| *df);
        self.entered(element.kind(), first)
    }

    /// The DF under which an element creates its first DF, or its files when it creates none.
    fn base(&self, kind: ElementKind) -> Result<NodeId, Fault> {
        let adf = match kind {
            ElementKind::OptUsim | ElementKind::Phonebook | ElementKind::GsmAccess | ElementKind::Df5gs => self.usim,
            ElementKind::DfSaip | ElementKind::DfSnpn | ElementKind::Df5gprose => self.usim,
            ElementKind::OptIsim => self.isim,
            ElementKind::Eap => match self.context {
                Some(Context::Df(df)) => Some(df),
                _ => None,
            },
            _ => Some(NodeId::MF),
        };
        adf.ok_or_else(|| Fault::new(PeStatusCode::INVALID_REQUEST_FORMAT, "no application to extend"))
    }

    /// Notes which DF the next PINs and keys belong to.
    fn entered(&mut self, kind: ElementKind, df: Option<NodeId>) -> Result<(), Fault> {
        let Some(df) = df else { return Ok(()) };
        let is_adf = self.contents.files().is_adf(df);
        match kind {
            ElementKind::Usim | ElementKind::Isim if !is_adf => {
                return Err(Fault::new(PeStatusCode::BAD_VALUES, "an application without an AID"));
            }
            ElementKind::Usim => {
                self.usim = Some(df);
                self.edit_service_table(df);
            }
            ElementKind::Isim => self.isim = Some(df),
            ElementKind::Mf | ElementKind::Telecom | ElementKind::Cd => {}
            _ => return Ok(()),
        }
        self.context = Some(Context::Df(df));
        Ok(())
    }

    /// Services that the USIM does not have are switched off, unless the profile insists on them.
    fn edit_service_table(&mut self, usim: NodeId) {
        let required = self.header.as_ref().map(|header| header.mandatory_services.clone()).unwrap_or_default();
        let fs = self.contents.files_mut();
        let Some(table) = fs.child(usim, EF_UST).and_then(|id| fs.ef_mut(id)) else { return };
        for (number, insisted) in UNSUPPORTED_SERVICES {
            let keep = insisted.is_some_and(|service| required.contains(service));
            if let Some(byte) = table.body.get_mut((number - 1) / 8).filter(|_| !keep) {
                *byte &= !(1 << ((number - 1) % 8));
            }
        }
    }

    /// PE-GenericFileManagement.
    fn generic(&mut self, gfm: &GenericFileManagement) -> Result<(), Fault> {
        for commands in &gfm.commands {
            let mut df = NodeId::MF;
            let mut ef = None;
            let mut position = 0;
            for command in commands {
                let mut creation = Creation::new(self.contents.files_mut(), self.used);
                match command {
                    FileCommand::FilePath(path) => {
                        let selected = creation.fs.by_package_path(&super::path(path)?);
                        let Some(selected) = selected else {
                            return Err(Fault::new(PeStatusCode::BAD_VALUES, "filePath leads to no file"));
                        };
                        let is_df = creation.fs.df(selected).is_some();
                        df = if is_df { selected } else { creation.fs.node(selected).parent.unwrap_or(NodeId::MF) };
                        ef = (!is_df).then_some(selected);
                        position = 0;
                    }
                    FileCommand::CreateFcp(fcp) => {
                        let created = creation.generic_file(df, fcp)?;
                        if creation.fs.df(created).is_some() {
                            df = created;
                            ef = None;
                        } else {
                            ef = Some(created);
                        }
                        position = 0;
                    }
                    FileCommand::FillFileOffset(offset) => position += usize::from(*offset),
                    FileCommand::FillFileContent(content) => {
                        let Some(ef) = ef else {
                            return Err(Fault::new(PeStatusCode::BAD_VALUES, "content without a file"));
                        };
                        position = creation.fill(ef, position, content)?;
                    }
                }
                self.used = creation.used();
            }
        }
        Ok(())
    }

    /// PE-PINCodes of the current DF.
    fn pins(&mut self, element: &PinCodes, received: &ProfileElement) -> Result<(), Fault> {
        let df = match self.context {
            Some(Context::Df(df)) => df,
            _ => {
                self.keep(received);
                return Ok(());
            }
        };
        match &element.codes {
            PinCodesChoice::PinConfig(pins) => keys::add_pins(&mut self.contents, df, pins),
            PinCodesChoice::FilePath(path) => {
                let path = super::path(path)?;
                let shared = self.contents.files().by_package_path(&path);
                let Some(shared) = shared.filter(|shared| self.contents.files().df(*shared).is_some()) else {
                    return Err(Fault::new(PeStatusCode::PIN_CODE_MISSING, "filePath of PINs leads to no DF"));
                };
                if let Content::Df(own) = &mut self.contents.files_mut().node_mut(df).content {
                    own.pins_of = Some(shared);
                }
                Ok(())
            }
        }
    }

    fn keep(&mut self, received: &ProfileElement) {
        self.contents.keep(received.kind().tag_number(), received.bytes());
    }

    /// An element that is not known: the profile can do without it, or insists.
    fn unsupported(&mut self, received: &ProfileElement) -> Result<(), Fault> {
        let header = received.element().pe_header();
        if header.as_ref().is_some_and(|header| header.mandated.is_some()) {
            return Err(Fault::new(PeStatusCode::PE_NOT_SUPPORTED, "a mandated element of this type"));
        }
        let identification = header.map(|header| header.identification);
        self.statuses.push(PeStatus::new(PeStatusCode::PE_NOT_SUPPORTED, identification));
        Ok(())
    }

    /// What can only be checked at the end.
    fn finish(&self) -> Result<(), Fault> {
        if !self.ended {
            return Err(Fault::new(PeStatusCode::INVALID_REQUEST_FORMAT, "the package has no end element"));
        }
        if self.contents.iccid().is_none() {
            return Err(Fault::new(PeStatusCode::BAD_VALUES, "EF_ICCID is missing or not of ten bytes"));
        }
        let fs = self.contents.files();
        for (id, node) in fs.iter() {
            let Content::Df(df) = &node.content else { continue };
            let undefined = df.key_references.iter().find(|reference| self.contents.pin(id, **reference).is_none());
            if let Some(reference) = undefined {
                let message = format!("DF {:04X} uses PIN {reference:02X}, which is not defined", node.file_id);
                return Err(Fault::new(PeStatusCode::PIN_CODE_MISSING, message));
            }
        }
        Ok(())
    }
}

/// Whether the template alone cannot create the file.
fn needs_size(shape: Shape) -> bool {
    matches!(shape, Shape::Transparent(0) | Shape::BerTlv(0) | Shape::LinearFixed(0, _) | Shape::Cyclic(0, _))
}
