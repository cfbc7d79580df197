//! The file system of a profile (ETSI TS 102 221 8): MF, DFs, ADFs and EFs.
//!
//! The tree is an arena: a [`NodeId`] is an index that stays valid, as installed files are never removed.

pub mod access;
pub mod ber_tlv;
pub mod fcp;
mod octets;

use serde::{Deserialize, Serialize};

pub use octets::Octets;

/// Identifier of the MF.
pub const MF: u16 = 0x3F00;
/// Identifier that stands for the ADF of the active application in paths.
pub const CURRENT_ADF: u16 = 0x7FFF;
/// Links that are followed on the way to a file: generic test profiles have one.
pub const MAX_LINKS: u8 = 8;
/// DFs that may lie in one another, the MF included: a path of the package names four (TCA profile package 8.3).
pub const MAX_DEPTH: usize = 16;

/// A file in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeId(u32);

impl NodeId {
    /// The MF, which is always there.
    pub const MF: Self = Self(0);
}

/// A file: what it is and what all kinds of files have in common.
#[derive(Clone, Serialize, Deserialize)]
pub struct Node {
    /// The DF that the file lies in; `None` for the MF.
    pub parent: Option<NodeId>,
    /// File identifier; of an ADF the temporary one of its package, which no command can select.
    pub file_id: u16,
    /// Life cycle status (ETSI TS 102 221 11.1.1.4.9): 05 activated, 04 deactivated, 0C and above terminated.
    pub life_cycle: u8,
    /// Who may do what; without it nobody may do anything.
    pub access: Option<AccessRule>,
    /// The file that lends its content, as the path of the package, ADFs by their temporary identifiers.
    pub link: Option<Vec<u16>>,
    /// DF or EF.
    pub content: Content,
}

/// The access rules of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AccessRule {
    /// A record of an EF_ARR.
    Referenced(AccessReference),
    /// Everybody may read, nobody may update.
    ReadOnly,
}

/// Record `record` of the EF_ARR with identifier `file_id`, searched from the file's DF upwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessReference {
    /// Identifier of the EF_ARR.
    pub file_id: u16,
    /// Record number, from 1.
    pub record: u8,
}

/// What a file holds.
#[derive(Clone, Serialize, Deserialize)]
pub enum Content {
    /// MF, DF or ADF.
    Df(Df),
    /// Elementary file.
    Ef(Ef),
}

/// A directory.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Df {
    /// AID, which makes it an ADF.
    pub aid: Option<Octets>,
    /// Key references that the PIN status template lists.
    pub key_references: Vec<u8>,
    /// Another DF whose PINs apply here.
    pub pins_of: Option<NodeId>,
}

/// An elementary file.
#[derive(Clone, Serialize, Deserialize)]
pub struct Ef {
    /// Structure and, for records, their length.
    pub structure: Structure,
    /// Short file identifier, 1 to 30.
    pub sfi: Option<u8>,
    /// Special file information byte (C0 of the proprietary template).
    pub special: u8,
    /// The whole body. Records lie one after the other; of a cyclic file record 1, the newest, comes first.
    pub body: Octets,
}

/// Structure of an EF.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Structure {
    /// One sequence of bytes.
    Transparent,
    /// Records of one length.
    LinearFixed {
        /// Bytes of each record.
        record: u16,
    },
    /// Records of one length, of which the oldest is overwritten.
    Cyclic {
        /// Bytes of each record.
        record: u16,
    },
    /// BER-TLV objects, and behind them unused bytes up to the maximum size of the file.
    BerTlv,
}

impl Ef {
    /// Bytes of each record, of an EF that has records.
    pub fn record_length(&self) -> Option<usize> {
        match self.structure {
            Structure::LinearFixed { record } | Structure::Cyclic { record } if record > 0 => Some(record.into()),
            _ => None,
        }
    }

    /// Count of records.
    pub fn record_count(&self) -> usize {
        self.record_length().map_or(0, |length| self.body.len() / length)
    }

    /// Record `number`, from 1.
    pub fn record(&self, number: usize) -> Option<&[u8]> {
        let length = self.record_length()?;
        let start = number.checked_sub(1)?.checked_mul(length)?;
        self.body.get(start..start.checked_add(length)?)
    }
}

/// All files of a profile.
#[derive(Clone, Serialize, Deserialize)]
pub struct FileSystem {
    nodes: Vec<Node>,
}

impl Default for FileSystem {
    fn default() -> Self {
        Self {
            nodes: vec![Node {
                parent: None,
                file_id: MF,
                life_cycle: 0x05,
                access: None,
                link: None,
                content: Content::Df(Df::default()),
            }],
        }
    }
}

impl FileSystem {
    /// The file. An identifier of another file system yields the MF.
    pub fn node(&self, id: NodeId) -> &Node {
        // The MF is made with the file system and never removed.
        self.nodes.get(id.0 as usize).unwrap_or(&self.nodes[0])
    }

    /// The file, to change it.
    pub fn node_mut(&mut self, id: NodeId) -> &mut Node {
        let index = if (id.0 as usize) < self.nodes.len() { id.0 as usize } else { 0 };
        &mut self.nodes[index]
    }

    /// Adds a file under its parent. Returns `None` when the parent already has a file with this identifier.
    pub fn add(&mut self, node: Node) -> Option<NodeId> {
        let parent = node.parent?;
        if self.children(parent).any(|child| self.node(child).file_id == node.file_id) {
            return None;
        }
        let id = NodeId(u32::try_from(self.nodes.len()).ok()?);
        self.nodes.push(node);
        Some(id)
    }

    /// All files, the MF first.
    pub fn iter(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        (0..).map(NodeId).zip(&self.nodes)
    }

    /// How many files there are, the MF included.
    pub fn count(&self) -> usize {
        self.nodes.len()
    }

    /// The directory part of a file, if it is a DF.
    pub fn df(&self, id: NodeId) -> Option<&Df> {
        match &self.node(id).content {
            Content::Df(df) => Some(df),
            Content::Ef(_) => None,
        }
    }

    /// The elementary file whose body is to be read: of a linked file, the one at the end of its links.
    pub fn ef(&self, id: NodeId) -> Option<&Ef> {
        match &self.node(self.linked(id)?).content {
            Content::Ef(ef) => Some(ef),
            Content::Df(_) => None,
        }
    }

    /// The elementary file whose body is to be written.
    pub fn ef_mut(&mut self, id: NodeId) -> Option<&mut Ef> {
        let id = self.linked(id)?;
        match &mut self.node_mut(id).content {
            Content::Ef(ef) => Some(ef),
            Content::Df(_) => None,
        }
    }

    /// Follows links, those within the paths of links included, [`MAX_LINKS`] in all. `None` when they lead nowhere or in a
    /// circle.
    pub fn linked(&self, id: NodeId) -> Option<NodeId> {
        self.follow(id, &mut MAX_LINKS.clone())
    }

    /// The same with what is left of the links that may be followed: one budget for the whole way, since a path that goes
    /// through links, whose paths go through links, would otherwise be as long as it likes.
    fn follow(&self, mut id: NodeId, left: &mut u8) -> Option<NodeId> {
        while let Some(path) = &self.node(id).link {
            *left = left.checked_sub(1)?;
            id = self.walk(path, left)?;
        }
        Some(id)
    }

    fn walk(&self, path: &[u16], left: &mut u8) -> Option<NodeId> {
        let path = path.strip_prefix(&[MF]).unwrap_or(path);
        path.iter().try_fold(NodeId::MF, |df, file_id| {
            let df = self.follow(df, left)?;
            self.direct_children(df).find(|id| self.node(*id).file_id == *file_id)
        })
    }

    /// Files directly under a DF; those of a linked DF are its target's.
    pub fn children(&self, df: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        self.direct_children(self.linked(df).unwrap_or(df))
    }

    fn direct_children(&self, df: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        self.iter().filter(move |(_, node)| node.parent == Some(df)).map(|(id, _)| id)
    }

    /// The file with this identifier directly under a DF; ADFs have none that a command could name.
    pub fn child(&self, df: NodeId, file_id: u16) -> Option<NodeId> {
        self.children(df).find(|id| self.node(*id).file_id == file_id && !self.is_adf(*id))
    }

    /// The EF with this short identifier directly under a DF.
    pub fn by_sfi(&self, df: NodeId, sfi: u8) -> Option<NodeId> {
        self.children(df).find(|id| matches!(&self.node(*id).content, Content::Ef(ef) if ef.sfi == Some(sfi)))
    }

    /// Whether the file is an application's DF.
    pub fn is_adf(&self, id: NodeId) -> bool {
        self.df(id).is_some_and(|df| df.aid.is_some())
    }

    /// Resolves a path of the package: from the MF, without it, ADFs by their temporary identifiers.
    pub fn by_package_path(&self, path: &[u16]) -> Option<NodeId> {
        self.walk(path, &mut MAX_LINKS.clone())
    }

    /// ADFs whose AID begins with `aid`, in the order of their installation (ETSI TS 102 221 8.5.1.2).
    pub fn applications<'a>(&'a self, aid: &'a [u8]) -> impl Iterator<Item = NodeId> + 'a {
        self.iter()
            .filter(move |(_, node)| {
                let Content::Df(df) = &node.content else { return false };
                df.aid.as_ref().is_some_and(|own| own.starts_with(aid))
            })
            .map(|(id, _)| id)
    }

    /// The file and the DFs above it, up to the MF.
    pub fn ancestors(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        std::iter::successors(Some(id), |id| self.node(*id).parent)
    }

    /// Memory that the files take, with a flat rate for the administration of each.
    pub fn size_bytes(&self) -> usize {
        let bodies = self.nodes.iter().map(|node| match &node.content {
            Content::Ef(ef) => ef.body.len(),
            Content::Df(_) => 0,
        });
        bodies.sum::<usize>() + 32 * self.nodes.len()
    }
}
