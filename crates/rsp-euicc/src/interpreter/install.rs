//! Goes through a package, element by element.

use std::collections::BTreeSet;
use std::mem::discriminant;

use rsp_saip::codes::{PinCodes, PinCodesChoice};
use rsp_saip::file::File;
use rsp_saip::header::ProfileHeader;
use rsp_saip::status::{PeStatus, PeStatusCode};
use rsp_saip::templates::{Shape, Template};
use rsp_saip::{Element, ElementKind, ProfileElement, TemplateElement};

use super::contents::EF_UST;
use super::creation::{Creation, Description, MAX_BYTES};
use super::{Fault, InstallError, ProfileContents, card_content, keys, requirements};
use crate::fs::{Content, FileSystem, NodeId};
use crate::registry::Registry;

/// Services of EF_UST that this USIM does not have: GBA, MBMS, and the SUCI of offload to WLANs (GET IDENTITY in the NSWO
/// context).
const UNSUPPORTED_SERVICES: [usize; 3] = [68, 69, 142];

/// The DF that PINs and keys belong to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Context {
    /// A DF of the file system.
    Df(NodeId),
    /// An application that was left out, and with it whatever belongs to it.
    LeftOut,
}

/// What the elements so far have become.
#[derive(Default)]
pub(super) struct Progress {
    pub(super) contents: ProfileContents,
    context: Option<Context>,
    usim: Option<NodeId>,
    isim: Option<NodeId>,
    csim: Option<NodeId>,
    /// Memory of the bodies of all files.
    pub(super) used: usize,
    /// Files that link to others, with the index of the element that made them.
    pub(super) links: Vec<(NodeId, usize)>,
}

/// How far the registry went before an element. Most of what an eUICC may lack, like an element, a template or an algorithm,
/// is found before anything changes; only card content may have added entries by then. To copy everything before each
/// optional element would let a package of many take long.
struct Mark {
    domains: usize,
    packages: usize,
    applications: usize,
    rfm: usize,
}

impl Mark {
    fn of(registry: &Registry) -> Self {
        Self {
            domains: registry.domains.len(),
            packages: registry.packages.len(),
            applications: registry.applications.len(),
            rfm: registry.rfm.len(),
        }
    }

    /// Removes what was added since.
    fn undo(&self, registry: &mut Registry) {
        registry.domains.truncate(self.domains);
        registry.packages.truncate(self.packages);
        registry.applications.truncate(self.applications);
        registry.rfm.truncate(self.rfm);
    }
}

/// A package on its way in.
#[derive(Default)]
pub(super) struct Installer {
    pub(super) progress: Progress,
    /// Of the elements that were processed, one for each that has a header.
    statuses: Vec<PeStatus>,
    identifications: BTreeSet<u16>,
    header: Option<ProfileHeader>,
    /// Applications that were left out.
    left_out: Vec<ElementKind>,
    /// Of the element that is being processed.
    pub(super) index: usize,
    /// How many parts there were when their size was looked at.
    parts: usize,
    ended: bool,
}

impl Installer {
    /// Installs all elements.
    pub(super) fn run(mut self, elements: &[ProfileElement]) -> Result<(ProfileContents, Vec<PeStatus>), InstallError> {
        for (index, element) in elements.iter().enumerate() {
            self.index = index;
            if let Err(fault) = self.element(element) {
                return Err(self.placed(fault, index, Some(element)));
            }
        }
        match self.finish() {
            Ok(()) => Ok((self.progress.contents, self.statuses)),
            Err((None, fault)) => Err(self.placed(fault, elements.len().saturating_sub(1), elements.last())),
            Err((Some(index), fault)) => Err(self.placed(fault, index, elements.get(index))),
        }
    }

    fn placed(mut self, fault: Fault, index: usize, element: Option<&ProfileElement>) -> InstallError {
        let header = element.and_then(|element| element.element().pe_header());
        let identification = header.map(|header| header.identification);
        // What seemed well at first may turn out wrong at the end: one status for each element.
        self.statuses.retain(|status| status.identification != identification || identification.is_none());
        self.statuses.push(PeStatus::new(fault.status, identification));
        let kind = element.map(ProfileElement::kind);
        let number = if kind.is_some() { index + 1 } else { 0 };
        InstallError { number, kind, statuses: self.statuses, message: fault.message }
    }

    /// Processes an element. One that the eUICC cannot do, and that is not mandated, leaves nothing but its status.
    fn element(&mut self, received: &ProfileElement) -> Result<(), Fault> {
        let element = received.element();
        let kind = element.kind();
        self.check_order(kind)?;
        let header = element.pe_header();
        if let Some(header) = &header
            && !self.identifications.insert(header.identification)
        {
            return Err(Fault::new(PeStatusCode::BAD_VALUES, "the identification is used twice"));
        }
        let mandated = kind == ElementKind::Header || header.as_ref().is_some_and(|header| header.mandated.is_some());
        let mark = Mark::of(self.progress.contents.registry());
        let result = self.process(received);
        let status = self.settle(kind, mandated, &mark, result)?;
        if let Some(header) = header {
            self.statuses.push(PeStatus::new(status, Some(header.identification)));
        } else if status != PeStatusCode::OK {
            self.statuses.push(PeStatus::new(status, None));
        }
        Ok(())
    }

    /// The status of an element; one that is left out is undone.
    fn settle(
        &mut self,
        kind: ElementKind,
        mandated: bool,
        mark: &Mark,
        result: Result<(), Fault>,
    ) -> Result<PeStatusCode, Fault> {
        match result {
            Ok(()) => Ok(PeStatusCode::OK),
            Err(fault) if fault.is_lack() && !mandated => {
                mark.undo(self.progress.contents.registry_mut());
                self.leave_out(kind);
                Ok(fault.status)
            }
            Err(fault) => Err(fault),
        }
    }

    /// Whatever belongs to an application that was left out is left out with it.
    fn leave_out(&mut self, kind: ElementKind) {
        let applications = [ElementKind::Usim, ElementKind::Isim, ElementKind::Csim, ElementKind::Iot];
        if applications.contains(&kind) {
            self.left_out.push(kind);
        }
        if applications.contains(&kind) || matches!(kind, ElementKind::Telecom | ElementKind::Cd) {
            self.progress.context = Some(Context::LeftOut);
        }
    }

    fn process(&mut self, received: &ProfileElement) -> Result<(), Fault> {
        let contents = &mut self.progress.contents;
        match received.element() {
            Element::Header(header) => {
                requirements::check(header)?;
                self.header = Some(header.clone());
            }
            Element::Template(template) => self.template(template)?,
            Element::GenericFileManagement(gfm) => self.generic(gfm)?,
            Element::PukCodes(puks) => keys::add_puks(contents, puks)?,
            Element::PinCodes(pins) => self.pins(pins)?,
            Element::AkaParameter(aka) => match self.progress.context {
                Some(Context::LeftOut) => return Err(belongs_to_left_out()),
                Some(Context::Df(df)) if contents.files().is_adf(df) => keys::add_aka(contents, df, aka)?,
                _ => return Err(Fault::new(PeStatusCode::INVALID_REQUEST_FORMAT, "no application has these keys")),
            },
            Element::SecurityDomain(domain) => {
                card_content::add_domain(contents, domain)?;
                contents.keep(received.kind().tag_number(), received.bytes());
            }
            Element::Rfm(rfm) => {
                card_content::add_rfm(contents, rfm)?;
                contents.keep(received.kind().tag_number(), received.bytes());
            }
            Element::Application(application) => {
                card_content::add_application(contents, application)?;
                contents.keep(received.kind().tag_number(), received.bytes());
            }
            Element::CdmaParameter(_) => contents.keep(received.kind().tag_number(), received.bytes()),
            Element::End(_) => self.ended = true,
            // A reserved element, one of a later version, or content that only its issuer knows.
            _ => return Err(Fault::new(PeStatusCode::PE_NOT_SUPPORTED, "an element of this type")),
        }
        // To add everything up takes as long as there are files: not for elements that make nothing.
        let contents = &self.progress.contents;
        let parts = contents.parts();
        if parts != self.parts && contents.size_bytes() > MAX_BYTES {
            return Err(Fault::new(PeStatusCode::NOT_ENOUGH_MEMORY, "the profile is too large"));
        }
        self.parts = parts;
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
        if !free && self.progress.context.is_none() {
            return refuse("an element before the MF");
        }
        if kind == ElementKind::Mf && self.progress.context.is_some() {
            return refuse("a second MF");
        }
        match extended(kind) {
            Some(application) if self.adf(application).is_none() && !self.left_out.contains(&application) => {
                refuse("an element before the application that it extends")
            }
            _ => Ok(()),
        }
    }

    /// The latest application of a kind.
    fn adf(&self, application: ElementKind) -> Option<NodeId> {
        match application {
            ElementKind::Usim => self.progress.usim,
            ElementKind::Isim => self.progress.isim,
            ElementKind::Csim => self.progress.csim,
            _ => None,
        }
    }

    /// An element that creates files from a template.
    fn template(&mut self, element: &TemplateElement) -> Result<(), Fault> {
        let kind = element.kind();
        if matches!(kind, ElementKind::Iot | ElementKind::OptIot) {
            return Err(Fault::new(PeStatusCode::PE_NOT_SUPPORTED, "an IoT Minimal Profile"));
        }
        match Template::find(kind, element.template_id()) {
            Some(template) => self.files(&template, element),
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
            for description in Description::split(described, element.kind() == ElementKind::Mf) {
                let mut creation = Creation::new(&mut self.progress, self.index);
                let created = match file.name {
                    "mf" => creation.master_file(file.rule, &description),
                    _ => creation.template_file(parent, &file, &description),
                };
                let created =
                    created.map_err(|fault| Fault::new(fault.status, format!("{}: {}", file.name, fault.message)))?;
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
        match (extended(kind), kind, self.progress.context) {
            // The order was checked: what is missing was left out.
            (Some(application), ..) => self.adf(application).ok_or_else(belongs_to_left_out),
            (_, ElementKind::Eap, Some(Context::Df(df))) => Ok(df),
            (_, ElementKind::Eap, _) => Err(belongs_to_left_out()),
            _ => Ok(NodeId::MF),
        }
    }

    /// Notes which DF the next PINs and keys belong to.
    fn entered(&mut self, kind: ElementKind, df: Option<NodeId>) -> Result<(), Fault> {
        let Some(df) = df else { return Ok(()) };
        let is_adf = self.progress.contents.files().is_adf(df);
        match kind {
            ElementKind::Usim | ElementKind::Isim | ElementKind::Csim if !is_adf => {
                return Err(Fault::new(PeStatusCode::BAD_VALUES, "an application without an AID"));
            }
            ElementKind::Usim => {
                self.progress.usim = Some(df);
                self.edit_service_table(df);
            }
            ElementKind::Isim => self.progress.isim = Some(df),
            ElementKind::Csim => self.progress.csim = Some(df),
            ElementKind::Mf | ElementKind::Telecom | ElementKind::Cd => {}
            _ => return Ok(()),
        }
        self.progress.context = Some(Context::Df(df));
        Ok(())
    }

    /// Services that the USIM does not have are switched off. A profile that insists on them was refused with its header.
    fn edit_service_table(&mut self, usim: NodeId) {
        let fs = self.progress.contents.files_mut();
        let Some(table) = fs.child(usim, EF_UST).and_then(|id| fs.ef_mut(id)) else { return };
        for number in UNSUPPORTED_SERVICES {
            if let Some(byte) = table.body.get_mut((number - 1) / 8) {
                *byte &= !(1 << ((number - 1) % 8));
            }
        }
    }

    /// PE-PINCodes of the current DF.
    fn pins(&mut self, element: &PinCodes) -> Result<(), Fault> {
        let Some(Context::Df(df)) = self.progress.context else { return Err(belongs_to_left_out()) };
        let contents = &mut self.progress.contents;
        match &element.codes {
            PinCodesChoice::PinConfig(pins) => keys::add_pins(contents, df, pins),
            PinCodesChoice::FilePath(path) => {
                let path = super::path(path)?;
                let shared = contents.files().by_package_path(&path);
                let Some(shared) = shared.filter(|shared| contents.files().df(*shared).is_some()) else {
                    return Err(Fault::new(PeStatusCode::PIN_CODE_MISSING, "filePath of PINs leads to no DF"));
                };
                if let Content::Df(own) = &mut contents.files_mut().node_mut(df).content {
                    own.pins_of = Some(shared);
                }
                Ok(())
            }
        }
    }

    /// What can only be checked at the end; with the index of the element that is to blame, unless it is the last.
    fn finish(&self) -> Result<(), (Option<usize>, Fault)> {
        let contents = &self.progress.contents;
        if !self.ended {
            let message = "the package has no end element";
            return Err((None, Fault::new(PeStatusCode::INVALID_REQUEST_FORMAT, message)));
        }
        if contents.iccid().is_none() {
            return Err((None, Fault::new(PeStatusCode::BAD_VALUES, "EF_ICCID is missing or not of ten bytes")));
        }
        let fs = contents.files();
        for (file, index) in &self.progress.links {
            if let Some(problem) = link_problem(fs, *file) {
                let message = format!("the link of {:04X} {problem}", fs.node(*file).file_id);
                return Err((Some(*index), Fault::new(PeStatusCode::BAD_VALUES, message)));
            }
        }
        let defined = contents.codes().defined();
        let is_defined = |id, reference| contents.pins(id, reference).any(|pin| defined.contains(&pin));
        for (id, node) in fs.iter() {
            let Content::Df(df) = &node.content else { continue };
            let undefined = df.key_references.iter().find(|reference| !is_defined(id, **reference));
            if let Some(reference) = undefined {
                let message = format!("DF {:04X} uses PIN {reference:02X}, which is not defined", node.file_id);
                return Err((None, Fault::new(PeStatusCode::PIN_CODE_MISSING, message)));
            }
        }
        Ok(())
    }
}

/// The application that an element adds files to.
fn extended(kind: ElementKind) -> Option<ElementKind> {
    match kind {
        ElementKind::OptUsim | ElementKind::GsmAccess | ElementKind::Df5gs | ElementKind::DfSaip => {
            Some(ElementKind::Usim)
        }
        ElementKind::DfSnpn | ElementKind::Df5gprose | ElementKind::Phonebook => Some(ElementKind::Usim),
        ElementKind::OptIsim => Some(ElementKind::Isim),
        ElementKind::OptCsim => Some(ElementKind::Csim),
        _ => None,
    }
}

/// A link must lead to a file of its own kind: a DF to a DF, an EF to an EF of the same structure. The length of records is
/// the target's: generic test profiles give another with the link.
fn link_problem(fs: &FileSystem, file: NodeId) -> Option<&'static str> {
    let Some(target) = fs.linked(file) else { return Some("leads to no file") };
    match (&fs.node(file).content, &fs.node(target).content) {
        (Content::Df(_), Content::Df(_)) => None,
        (Content::Ef(own), Content::Ef(other)) if discriminant(&own.structure) == discriminant(&other.structure) => {
            None
        }
        _ => Some("leads to a file of another kind"),
    }
}

fn belongs_to_left_out() -> Fault {
    Fault::new(PeStatusCode::PE_NOT_SUPPORTED, "an element of an application that was left out")
}

/// Whether the template alone cannot create the file.
fn needs_size(shape: Shape) -> bool {
    matches!(shape, Shape::Transparent(0) | Shape::BerTlv(0) | Shape::LinearFixed(0, _) | Shape::Cyclic(0, _))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::LoadPackage;

    #[test]
    fn an_element_that_is_left_out_is_undone() {
        let mut installer = Installer::default();
        let package = |aid: &[u8]| LoadPackage { domain: vec![1; 5], aid: aid.to_vec(), code_bytes: 10 };
        installer.progress.contents.registry_mut().packages.push(package(&[2; 5]));
        let mark = Mark::of(installer.progress.contents.registry());
        installer.progress.contents.registry_mut().packages.push(package(&[3; 5]));
        let lack = || Err(Fault::new(PeStatusCode::LIB_NOT_SUPPORTED, "a library"));
        assert!(installer.settle(ElementKind::Application, true, &mark, lack()).is_err());
        let status = installer.settle(ElementKind::Application, false, &mark, lack());
        assert!(status.is_ok_and(|status| status == PeStatusCode::LIB_NOT_SUPPORTED));
        let aids: Vec<&[u8]> =
            installer.progress.contents.registry().packages.iter().map(|package| &package.aid[..]).collect();
        assert_eq!(aids, [&[2; 5][..]], "what was there before stays");
    }
}
