//! Making files: a template or a plain FCP, overridden by the package's FCP, then filled.

use rsp_saip::file::{Fcp, File, FileItem, ProprietaryInfo};
use rsp_saip::status::PeStatusCode;
use rsp_saip::templates::{FF, FileTemplate, Fill, Shape};

use super::Fault;
use super::install::Progress;
use crate::fs::{AccessReference, AccessRule, Content, Df, Ef, FileSystem, MAX_DEPTH, Node, NodeId, Octets, Structure};

/// A profile may have this many files, more than ten times those of the generic test profile.
const MAX_FILES: usize = 4000;
/// A profile may take this much memory.
pub(super) const MAX_BYTES: usize = 1 << 20;

/// EF_ARR of the MF, which also rules over ADFs.
const MF_ARR: u16 = 0x2F06;
/// EF_ARR of all other DFs.
const DF_ARR: u16 = 0x6F06;

/// Adds files to what a package has become so far.
pub(super) struct Creation<'a> {
    progress: &'a mut Progress,
    /// Of the element that describes the files.
    index: usize,
}

/// One file of a profile element: a descriptor and what follows it.
pub(super) struct Description<'a> {
    pub(super) fcp: Option<&'a Fcp>,
    pieces: Vec<&'a FileItem>,
}

impl<'a> Description<'a> {
    /// Splits a field: some fields describe several files of the same kind, each with a descriptor of its own.
    ///
    /// The files of the MF are created even when the package says that they are not to be (TCA profile package 8.3).
    pub(super) fn split(file: &'a File, in_mf: bool) -> Vec<Self> {
        let mut descriptions = vec![Self { fcp: None, pieces: Vec::new() }];
        for item in &file.0 {
            match item {
                FileItem::DoNotCreate(()) if in_mf => {}
                FileItem::DoNotCreate(()) => return Vec::new(),
                FileItem::FileDescriptor(fcp) => {
                    let last = descriptions.len() - 1;
                    if descriptions[last].fcp.is_none() && descriptions[last].pieces.is_empty() {
                        descriptions[last].fcp = Some(fcp);
                    } else {
                        descriptions.push(Self { fcp: Some(fcp), pieces: Vec::new() });
                    }
                }
                content => {
                    let last = descriptions.len() - 1;
                    descriptions[last].pieces.push(content);
                }
            }
        }
        descriptions
    }
}

impl<'a> Creation<'a> {
    /// Goes on with what there is, for the element with this index.
    pub(super) fn new(progress: &'a mut Progress, index: usize) -> Self {
        Self { progress, index }
    }

    /// The files so far.
    pub(super) fn fs(&mut self) -> &mut FileSystem {
        self.progress.contents.files_mut()
    }

    /// Creates a template's file under `parent` and fills it.
    pub(super) fn template_file(
        &mut self,
        parent: NodeId,
        template: &FileTemplate,
        description: &Description<'_>,
    ) -> Result<NodeId, Fault> {
        let no_fcp = Fcp::default();
        let fcp = description.fcp.unwrap_or(&no_fcp);
        let file = match template.shape {
            Shape::Df => self.create(parent, template.file_id, Some(template.rule), df(fcp)?, fcp)?,
            _ => {
                let content = self.template_ef(template, fcp)?;
                self.create(parent, template.file_id, Some(template.rule), content, fcp)?
            }
        };
        let mut position = 0;
        for piece in &description.pieces {
            match piece {
                FileItem::FillFileOffset(offset) => position += usize::from(*offset),
                FileItem::FillFileContent(content) => position = self.fill(file, position, content)?,
                _ => {}
            }
        }
        Ok(file)
    }

    /// Gives the MF, which always exists, its keys and rule.
    pub(super) fn master_file(&mut self, rule: u8, description: &Description<'_>) -> Result<NodeId, Fault> {
        let no_fcp = Fcp::default();
        let fcp = description.fcp.unwrap_or(&no_fcp);
        let access = access(fcp, MF_ARR, Some(rule))?;
        let content = Content::Df(Df::with_keys(None, key_references(fcp)?));
        let node = self.fs().node_mut(NodeId::MF);
        node.access = access;
        node.content = content;
        Ok(NodeId::MF)
    }

    /// Creates the file that a generic command describes. One that exists already, and that the command describes as it
    /// is, is selected.
    pub(super) fn generic_file(&mut self, parent: NodeId, fcp: &Fcp) -> Result<NodeId, Fault> {
        let descriptor = fcp.file_descriptor.as_deref().and_then(<[u8]>::first).copied();
        let Some(descriptor) = descriptor else { return Err(missing("a file descriptor")) };
        let Some(file_id) = fcp.file_id() else { return Err(missing("a file identifier")) };
        let shape = match descriptor & 0x3F {
            0x38 => Shape::Df,
            0x01 => Shape::Transparent(0),
            0x02 => Shape::LinearFixed(0, 0),
            0x06 => Shape::Cyclic(0, 0),
            0x39 => Shape::BerTlv(0),
            _ => return Err(Fault::new(PeStatusCode::BAD_VALUES, "an unknown file descriptor")),
        };
        let derived = u8::try_from(file_id & 0x1F).ok().filter(|sfi| (1..=30).contains(sfi));
        let template = FileTemplate { name: "createFCP", file_id, shape, rule: 0, sfi: derived, fill: FF, special: 0 };
        let fs = self.fs();
        let existing = fs.children(parent).find(|id| fs.node(*id).file_id == file_id);
        match existing {
            Some(existing) if self.describes(&template, fcp, existing)? => Ok(existing),
            Some(_) => Err(already_exists()),
            None => {
                let content = match shape {
                    Shape::Df => df(fcp)?,
                    _ => self.template_ef(&template, fcp)?,
                };
                self.create(parent, file_id, None, content, fcp)
            }
        }
    }

    /// Whether a command describes an existing file: of the same kind, and of the same size if it gives one.
    fn describes(&mut self, template: &FileTemplate, fcp: &Fcp, existing: NodeId) -> Result<bool, Fault> {
        match &self.fs().node(existing).content {
            Content::Df(df) => Ok(matches!(template.shape, Shape::Df) && df.aid.as_deref() == fcp.df_name.as_deref()),
            Content::Ef(_) if matches!(template.shape, Shape::Df) => Ok(false),
            Content::Ef(ef) => {
                let size = fcp.size().unwrap_or(ef.body.len());
                Ok(ef.structure == structure(template, fcp)? && ef.body.len() == size)
            }
        }
    }

    /// Writes content and returns the position behind it.
    pub(super) fn fill(&mut self, file: NodeId, position: usize, content: &[u8]) -> Result<usize, Fault> {
        let end = position + content.len();
        let Some(ef) = self.fs().ef_mut(file) else {
            return Err(Fault::new(PeStatusCode::BAD_VALUES, "content for a file that cannot hold any"));
        };
        match ef.body.get_mut(position..end) {
            Some(target) => target.copy_from_slice(content),
            None => return Err(Fault::new(PeStatusCode::BAD_VALUES, "content beyond the end of the file")),
        }
        Ok(end)
    }

    fn create(
        &mut self,
        parent: NodeId,
        default_id: u16,
        rule: Option<u8>,
        content: Content,
        fcp: &Fcp,
    ) -> Result<NodeId, Fault> {
        let file_id = fcp.file_id().unwrap_or(default_id);
        if file_id == 0 {
            return Err(missing("a file identifier"));
        }
        if self.fs().count() >= MAX_FILES {
            return Err(Fault::new(PeStatusCode::NOT_ENOUGH_MEMORY, "too many files"));
        }
        if self.fs().node(parent).link.is_some() {
            return Err(Fault::new(PeStatusCode::BAD_VALUES, "a file in a DF that is a link"));
        }
        if self.fs().ancestors(parent).count() >= MAX_DEPTH {
            return Err(Fault::new(PeStatusCode::BAD_VALUES, "DFs that lie too deep in one another"));
        }
        let is_adf = matches!(&content, Content::Df(df) if df.aid.is_some());
        if let Content::Df(Df { aid: Some(aid), .. }) = &content
            && self
                .fs()
                .iter()
                .any(|(_, node)| matches!(&node.content, Content::Df(df) if df.aid.as_ref() == Some(aid)))
        {
            return Err(Fault::new(PeStatusCode::BAD_VALUES, "a second application with this AID"));
        }
        let arr = if parent == NodeId::MF || is_adf { MF_ARR } else { DF_ARR };
        let access = access(fcp, arr, rule)?;
        let node =
            Node { parent: Some(parent), file_id, life_cycle: life_cycle(fcp), access, link: link(fcp)?, content };
        let links = node.link.is_some();
        let file = self.fs().add(node).ok_or_else(already_exists)?;
        if links {
            self.progress.links.push((file, self.index));
        }
        Ok(file)
    }

    /// The body of an EF before content is written.
    fn template_ef(&mut self, template: &FileTemplate, fcp: &Fcp) -> Result<Content, Fault> {
        let is_link = fcp.link_path.as_ref().is_some_and(|path| !path.is_empty());
        let (structure, size) = if is_link { (structure(template, fcp)?, 0) } else { sized(template, fcp)? };
        // Before anything is reserved.
        if size > MAX_BYTES - self.progress.used.min(MAX_BYTES) {
            return Err(Fault::new(PeStatusCode::NOT_ENOUGH_MEMORY, "the files are too large"));
        }
        self.progress.used += size;
        let info = fcp.proprietary_ef_info.as_ref();
        if info.is_some_and(|info| info.fill_pattern.is_some() && info.repeat_pattern.is_some()) {
            return Err(Fault::new(PeStatusCode::BAD_VALUES, "both a fill pattern and a repeat pattern"));
        }
        let unit = match structure {
            Structure::LinearFixed { record } | Structure::Cyclic { record } => usize::from(record),
            _ => size,
        };
        let pattern = filled(template.fill, info, unit);
        let body: Vec<u8> = pattern.iter().copied().cycle().take(size).collect();
        let special = match info {
            None => template.special,
            Some(info) => info.special_file_information.as_deref().and_then(<[u8]>::first).copied().unwrap_or(0),
        };
        Ok(Content::Ef(Ef { structure, sfi: short_identifier(template, fcp)?, special, body: Octets::from(body) }))
    }
}

/// The pattern of the package, or else that of the template.
fn filled(fill: Fill, info: Option<&ProprietaryInfo>, length: usize) -> Vec<u8> {
    info.and_then(|info| info.pattern(length)).unwrap_or_else(|| fill.bytes(length))
}

fn df(fcp: &Fcp) -> Result<Content, Fault> {
    Ok(Content::Df(Df::with_keys(fcp.df_name.as_deref(), key_references(fcp)?)))
}

/// Key references of a DF, of which there are 26 (ETSI TS 102 221 9.5.1).
fn key_references(fcp: &Fcp) -> Result<&[u8], Fault> {
    match fcp.pin_status_template_do.as_deref().unwrap_or_default() {
        keys if keys.len() <= 26 => Ok(keys),
        _ => Err(Fault::new(PeStatusCode::BAD_VALUES, "pinStatusTemplateDO of more than 26 keys")),
    }
}

/// Structure with the record length of the package or of the template.
fn structure(template: &FileTemplate, fcp: &Fcp) -> Result<Structure, Fault> {
    let record = |default: u8| {
        let length = fcp.record_length().unwrap_or(default.into());
        u16::try_from(length).ok().filter(|length| *length > 0).ok_or_else(|| missing("a record length"))
    };
    Ok(match template.shape {
        Shape::LinearFixed(_, default) => Structure::LinearFixed { record: record(default)? },
        Shape::Cyclic(_, default) => Structure::Cyclic { record: record(default)? },
        Shape::BerTlv(_) => Structure::BerTlv,
        Shape::Transparent(_) | Shape::Df => Structure::Transparent,
    })
}

/// Structure and size of the package or of the template.
fn sized(template: &FileTemplate, fcp: &Fcp) -> Result<(Structure, usize), Fault> {
    if fcp.ef_file_size.is_some() && fcp.size().is_none() {
        return Err(Fault::new(PeStatusCode::NOT_ENOUGH_MEMORY, "a file size of more than four bytes"));
    }
    let structure = structure(template, fcp)?;
    let default = match (template.shape, structure) {
        (Shape::Transparent(size) | Shape::BerTlv(size), _) => size.into(),
        (
            Shape::LinearFixed(count, _) | Shape::Cyclic(count, _),
            Structure::LinearFixed { record } | Structure::Cyclic { record },
        ) => usize::from(count) * usize::from(record),
        _ => 0,
    };
    let size = fcp.size().unwrap_or(default);
    if size == 0 {
        return Err(missing("a file size"));
    }
    match structure {
        Structure::LinearFixed { record } | Structure::Cyclic { record }
            if !size.is_multiple_of(usize::from(record)) || size / usize::from(record) > 254 =>
        {
            Err(Fault::new(PeStatusCode::BAD_VALUES, "a file size that is not 1 to 254 records"))
        }
        _ => Ok((structure, size)),
    }
}

/// Absent: the template's; empty: none; else in bits 8 to 4.
fn short_identifier(template: &FileTemplate, fcp: &Fcp) -> Result<Option<u8>, Fault> {
    match fcp.short_ef_id.as_deref() {
        None => Ok(template.sfi),
        Some([]) => Ok(None),
        Some([byte]) if byte & 0x07 == 0 && (1..=30).contains(&(byte >> 3)) => Ok(Some(byte >> 3)),
        Some(_) => Err(Fault::new(PeStatusCode::BAD_VALUES, "an SFI that is not 1 to 30 in bits 8 to 4")),
    }
}

fn life_cycle(fcp: &Fcp) -> u8 {
    fcp.lcsi.as_deref().and_then(<[u8]>::first).copied().unwrap_or(0x05)
}

/// EF_ARR and record, or the record alone; without them the template's record.
fn access(fcp: &Fcp, arr: u16, rule: Option<u8>) -> Result<Option<AccessRule>, Fault> {
    let referenced = |file_id, record| Some(AccessRule::Referenced(AccessReference { file_id, record }));
    match fcp.security_attributes_referenced.as_deref() {
        None => Ok(rule.and_then(|record| referenced(arr, record))),
        Some([record]) => Ok(referenced(arr, *record)),
        Some([high, low, record]) => Ok(referenced(u16::from_be_bytes([*high, *low]), *record)),
        Some(_) => Err(Fault::new(PeStatusCode::BAD_VALUES, "securityAttributesReferenced of two bytes")),
    }
}

fn link(fcp: &Fcp) -> Result<Option<Vec<u16>>, Fault> {
    match fcp.link_path.as_deref() {
        None | Some([]) => Ok(None),
        Some(path) => super::path(path).map(Some),
    }
}

fn already_exists() -> Fault {
    Fault::new(PeStatusCode::BAD_VALUES, "another file with this identifier already exists")
}

fn missing(what: &str) -> Fault {
    Fault::new(PeStatusCode::BAD_VALUES, format!("{what} is needed, and neither package nor template gives it"))
}
