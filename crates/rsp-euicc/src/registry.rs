//! The GlobalPlatform registry of a profile: its security domains with their keys, load packages, application instances,
//! and instances of remote file management (GlobalPlatform Card Specification 6.6, ETSI TS 102 226).
//!
//! Applications are listed and nothing more: this card executes no bytecode, and says so in its UICC capabilities.

use rsp_saip::lint::{self, OVER_THE_AIR};
use serde::{Deserialize, Serialize};

use crate::fs::Octets;

/// The greatest value of a counter of five bytes; when it is reached, the counter is blocked (ETSI TS 102 225 5.1.4).
pub const MAX_COUNTER: u64 = 0xFF_FFFF_FFFF;

/// A toolkit application reference: who a secured packet is for.
pub type Tar = [u8; 3];

/// Bit of a minimum security level: messages have a cryptographic checksum (ETSI TS 102 225 5.1.1).
const CHECKSUM: u8 = 0x02;

/// Everything that GlobalPlatform knows of a profile. It holds keys: it can be stored, but not printed.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Registry {
    pub(crate) domains: Vec<SecurityDomain>,
    pub(crate) packages: Vec<LoadPackage>,
    pub(crate) applications: Vec<Application>,
    pub(crate) rfm: Vec<FileManagement>,
}

/// A security domain.
#[derive(Clone, Serialize, Deserialize)]
pub struct SecurityDomain {
    /// AID of the instance.
    pub aid: Vec<u8>,
    /// Privileges (GlobalPlatform 11.1.2).
    pub privileges: Vec<u8>,
    /// Life cycle state (GlobalPlatform 11.1.1).
    pub life_cycle: u8,
    /// How messages reach it.
    pub address: Address,
    /// Its keys, by version.
    pub key_sets: Vec<KeySet>,
}

/// What makes an instance reachable over the air, from its toolkit parameters (ETSI TS 102 226 8.2.1.3.2.2).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// Toolkit application references; without any, no message reaches the instance.
    pub tars: Vec<Tar>,
    /// Least security of a message, coded as the first byte of the SPI (ETSI TS 102 225 5.1.1).
    pub minimum_security_level: u8,
}

/// All keys of a security domain that have the same version, with the counter that messages under them advance.
#[derive(Clone, Serialize, Deserialize)]
pub struct KeySet {
    /// Key version number.
    pub version: u8,
    /// The last counter that was accepted; at most [`MAX_COUNTER`].
    pub counter: u64,
    /// The keys.
    pub keys: Vec<Key>,
}

/// One key. It cannot be printed.
#[derive(Clone, Serialize, Deserialize)]
pub struct Key {
    /// Key identifier: 1 enciphers, 2 makes checksums, 3 protects other keys.
    pub identifier: u8,
    /// Key usage qualifier (GlobalPlatform 11.1.9).
    pub usage: Vec<u8>,
    /// Who may use it (GlobalPlatform 11.1.10).
    pub access: u8,
    /// Parts of the key; a symmetric key has one.
    pub components: Vec<KeyComponent>,
}

/// A part of a key.
#[derive(Clone, Serialize, Deserialize)]
pub struct KeyComponent {
    /// Type of the key (GlobalPlatform 11.1.8).
    pub key_type: u8,
    /// The key.
    pub value: Octets,
    /// Bytes of the checksums that it makes.
    pub mac_length: u8,
}

/// An executable load file. Its code is kept with the profile and never run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadPackage {
    /// Its AID.
    pub aid: Vec<u8>,
    /// AID of the security domain that it belongs to.
    pub domain: Vec<u8>,
    /// Bytes of code.
    pub code_bytes: u32,
}

/// An instance of an application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    /// Its AID.
    pub aid: Vec<u8>,
    /// AID of the class.
    pub class: Vec<u8>,
    /// AID of the load package.
    pub package: Vec<u8>,
    /// AID of the security domain that it belongs to.
    pub domain: Vec<u8>,
    /// Privileges (GlobalPlatform 11.1.2).
    pub privileges: Vec<u8>,
    /// Life cycle state (GlobalPlatform 11.1.1).
    pub life_cycle: u8,
    /// How messages would reach it, if it ran.
    pub address: Address,
}

/// An instance of remote file management (ETSI TS 102 226 7).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileManagement {
    /// Its AID.
    pub aid: Vec<u8>,
    /// AID of the security domain whose keys protect its messages.
    pub domain: Vec<u8>,
    /// How messages reach it.
    pub address: Address,
    /// Access to the files that lie in no ADF.
    pub shared_files: AccessDomain,
    /// The ADF that it manages, and the access to its files.
    pub adf: Option<(Vec<u8>, AccessDomain)>,
}

/// Which access conditions count as fulfilled (ETSI TS 102 226 8.2.1.3.2.2.2). `NEV` never does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AccessDomain {
    /// All of them.
    Full,
    /// Those of these key references.
    Keys(Vec<u8>),
    /// None: not even what everybody may do.
    None,
}

/// Key references of the administrative codes 1 to 8 (ETSI TS 102 221 9.5.1).
const ADMINISTRATIVE: [u8; 8] = [0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x8A, 0x8B, 0x8C];

impl AccessDomain {
    /// Reads the access domain parameter and its data; `None` when they are not of the standard.
    ///
    /// Of the UICC access mechanism (`02`) the second byte of data counts, whose bits are the administrative codes from 1
    /// on; the others open nothing.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        match *bytes {
            [0x00] => Some(Self::Full),
            [0x02, _, codes, _] => {
                let named = ADMINISTRATIVE.iter().enumerate().filter(|(bit, _)| codes & (1 << bit) != 0);
                Some(Self::Keys(named.map(|(_, reference)| *reference).collect()))
            }
            [0xFF] => Some(Self::None),
            _ => None,
        }
    }

    /// Whether the condition of this key reference counts as fulfilled.
    pub fn satisfies(&self, reference: u8) -> bool {
        match self {
            Self::Full => true,
            Self::Keys(references) => references.contains(&reference),
            Self::None => false,
        }
    }
}

/// What a message reaches.
#[derive(Clone, Copy)]
pub(crate) enum Recipient<'a> {
    /// A security domain, for the management of its content.
    Domain(&'a SecurityDomain),
    /// Remote file management.
    Files(&'a FileManagement),
}

impl Recipient<'_> {
    pub(crate) fn address(&self) -> &Address {
        match self {
            Self::Domain(domain) => &domain.address,
            Self::Files(instance) => &instance.address,
        }
    }

    /// AID of the security domain whose keys protect the message.
    pub(crate) fn domain(&self) -> &[u8] {
        match self {
            Self::Domain(domain) => &domain.aid,
            Self::Files(instance) => &instance.domain,
        }
    }
}

impl Registry {
    /// Security domains, that of the operator first.
    pub fn domains(&self) -> &[SecurityDomain] {
        &self.domains
    }

    /// Load packages.
    pub fn packages(&self) -> &[LoadPackage] {
        &self.packages
    }

    /// Application instances.
    pub fn applications(&self) -> &[Application] {
        &self.applications
    }

    /// Instances of remote file management.
    pub fn file_management(&self) -> &[FileManagement] {
        &self.rfm
    }

    /// The security domain with this AID.
    pub fn domain(&self, aid: &[u8]) -> Option<&SecurityDomain> {
        self.domains.iter().find(|domain| domain.aid == aid)
    }

    /// Whom a message with this TAR reaches. An application with a TAR is reached by none, as it does not run.
    pub(crate) fn recipient(&self, tar: Tar) -> Option<Recipient<'_>> {
        let domains = self.domains.iter().map(Recipient::Domain);
        let mut all = domains.chain(self.rfm.iter().map(Recipient::Files));
        all.find(|recipient| recipient.address().tars.contains(&tar))
    }

    /// The counter of a key set, to advance it.
    pub(crate) fn counter_mut(&mut self, domain: &[u8], version: u8) -> Option<&mut u64> {
        let domain = self.domains.iter_mut().find(|found| found.aid == domain)?;
        domain.key_sets.iter_mut().find(|set| set.version == version).map(|set| &mut set.counter)
    }

    /// Every AID of the registry.
    pub(crate) fn aids(&self) -> impl Iterator<Item = &[u8]> {
        let domains = self.domains.iter().map(|domain| &domain.aid);
        let packages = self.packages.iter().map(|package| &package.aid);
        let applications = self.applications.iter().map(|application| &application.aid);
        let rfm = self.rfm.iter().map(|instance| &instance.aid);
        domains.chain(packages).chain(applications).chain(rfm).map(Vec::as_slice)
    }

    /// Every TAR of the registry.
    pub(crate) fn tars(&self) -> impl Iterator<Item = Tar> {
        let domains = self.domains.iter().map(|domain| &domain.address);
        let applications = self.applications.iter().map(|application| &application.address);
        let rfm = self.rfm.iter().map(|instance| &instance.address);
        domains.chain(applications).chain(rfm).flat_map(|address| address.tars.iter().copied())
    }

    /// Whether somebody who knows no more than the keys that everybody knows can change the profile over the air, or open a
    /// security domain of it: the rule of [`rsp_saip::lint`].
    pub(crate) fn is_open_to_everybody(&self) -> bool {
        let files = self.rfm.iter().map(|instance| &instance.address);
        let domains = self.domains.iter().map(|domain| &domain.address);
        let unchecked = |address: &Address| !address.tars.is_empty() && address.minimum_security_level & CHECKSUM == 0;
        files.chain(domains).any(unchecked) || self.opens_with_published_keys()
    }

    fn opens_with_published_keys(&self) -> bool {
        self.domains.iter().any(|domain| {
            let files = self.rfm.iter().filter(|instance| instance.domain == domain.aid);
            let reached = files.map(|instance| &instance.address).chain([&domain.address]);
            let is_reached = reached.into_iter().any(|address| !address.tars.is_empty());
            domain.key_sets.iter().any(|set| (is_reached || !OVER_THE_AIR.contains(&set.version)) && set.is_published())
        })
    }
}

impl SecurityDomain {
    /// The keys of a version.
    pub fn key_set(&self, version: u8) -> Option<&KeySet> {
        self.key_sets.iter().find(|set| set.version == version)
    }
}

impl KeySet {
    /// Whether everybody knows one of the keys.
    pub(crate) fn is_published(&self) -> bool {
        let mut components = self.keys.iter().flat_map(|key| &key.components);
        components.any(|component| lint::is_published_key(&component.value))
    }

    /// The symmetric key with this identifier.
    pub fn key(&self, identifier: u8) -> Option<&KeyComponent> {
        self.keys.iter().find(|key| key.identifier == identifier)?.components.first()
    }
}
