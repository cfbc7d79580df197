//! What an installed profile is: files, codes, keys, and the elements that are kept as they came.

use rsp_saip::lint::TEST_KEYS;
use serde::{Deserialize, Serialize};

use crate::fs::access::{self, Access};
use crate::fs::{AccessRule, Content, Df, Ef, FileSystem, Node, NodeId, Octets, Structure};
use crate::registry::Registry;
use crate::usim::aka::Aka;
use crate::usim::codes::Codes;

const EF_ICCID: u16 = 0x2FE2;
const EF_UMPC: u16 = 0x2F08;
const EF_IMSI: u16 = 0x6F07;
pub(super) const EF_UST: u16 = 0x6F38;
const EF_GID1: u16 = 0x6F3E;
const EF_GID2: u16 = 0x6F3F;

/// RID and application code of a USIM (3GPP TS 31.101 annex).
const USIM: [u8; 7] = [0xA0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x02];

/// An installed profile. It holds keys and codes: it can be stored, but not printed.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct ProfileContents {
    files: FileSystem,
    codes: Codes,
    aka: Vec<Aka>,
    /// Which parameters an application uses.
    bindings: Vec<(NodeId, usize)>,
    kept: Vec<KeptElement>,
    /// Empty in a profile that an earlier version installed.
    #[serde(default)]
    registry: Registry,
}

/// A profile element that is installed as it came: its effect is not modelled.
#[derive(Clone, Serialize, Deserialize)]
pub struct KeptElement {
    /// Tag number of the element.
    pub tag: u32,
    /// The whole element.
    pub bytes: Octets,
}

/// The operator that a profile's metadata names, to compare with what its files say (SGP.22 2.5.6.1, reason 13).
#[derive(Debug, Clone, Copy)]
pub struct Owner<'a> {
    /// MCC and MNC as OperatorId codes them: nibbles exchanged, F in place of a third digit of the MNC.
    pub mcc_mnc: [u8; 3],
    /// Group identifier level 1.
    pub gid1: Option<&'a [u8]>,
    /// Group identifier level 2.
    pub gid2: Option<&'a [u8]>,
}

impl ProfileContents {
    /// What a card offers while no profile is enabled: the MF with EF_UMPC (SGP.22 3.4.3).
    pub fn without_profile() -> Self {
        let mut contents = Self::default();
        contents.files.add(Node {
            parent: Some(NodeId::MF),
            file_id: EF_UMPC,
            life_cycle: 0x05,
            access: Some(AccessRule::ReadOnly),
            link: None,
            content: Content::Ef(Ef {
                structure: Structure::Transparent,
                sfi: Some(0x08),
                special: 0,
                // No limits on the power consumption are known (ETSI TS 102 221 13.5).
                body: Octets::from(vec![0x3C, 0xFF, 0x00, 0x00, 0x00]),
            }),
        });
        contents
    }

    /// The files.
    pub fn files(&self) -> &FileSystem {
        &self.files
    }

    pub(crate) fn files_mut(&mut self) -> &mut FileSystem {
        &mut self.files
    }

    pub(crate) fn codes(&self) -> &Codes {
        &self.codes
    }

    pub(crate) fn codes_mut(&mut self) -> &mut Codes {
        &mut self.codes
    }

    /// Security domains, applications and remote file management.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    pub(crate) fn registry_mut(&mut self) -> &mut Registry {
        &mut self.registry
    }

    pub(super) fn keep(&mut self, tag: u32, bytes: &[u8]) {
        self.kept.push(KeptElement { tag, bytes: Octets::from(bytes) });
    }

    /// Elements that were installed as they came.
    pub fn kept(&self) -> &[KeptElement] {
        &self.kept
    }

    /// Binds parameters of its own to an application; `false` when it already has some.
    pub(super) fn add_aka(&mut self, application: NodeId, aka: Aka) -> bool {
        let new = self.binding(application).is_none();
        if new {
            self.bindings.push((application, self.aka.len()));
            self.aka.push(aka);
        }
        new
    }

    /// Lets an application use the parameters of another; `false` when there are none, or it already has some.
    pub(super) fn share_aka(&mut self, application: NodeId, source: NodeId) -> bool {
        match (self.binding(application), self.binding(source)) {
            (None, Some(place)) => {
                self.bindings.push((application, place));
                true
            }
            _ => false,
        }
    }

    pub(crate) fn aka_mut(&mut self, application: NodeId) -> Option<&mut Aka> {
        let place = self.binding(application)?;
        self.aka.get_mut(place)
    }

    fn binding(&self, application: NodeId) -> Option<usize> {
        self.bindings.iter().find(|(id, _)| *id == application).map(|(_, place)| *place)
    }

    /// Forgets which PINs were verified. To be called at every reset of the card and when the profile is enabled.
    pub fn reset_security_status(&mut self) {
        self.codes.reset();
    }

    /// Whether the rule of a file allows an access with the PINs that are verified now.
    pub(crate) fn allowed(&self, file: NodeId, access: Access) -> bool {
        let df = self.files.node(file).parent.unwrap_or(NodeId::MF);
        access::allowed(&self.files, file, access, &|reference| self.key_is_satisfied(df, reference))
    }

    /// The PIN that a key reference means in a DF: global ones belong to the MF, local ones to the nearest DF upwards
    /// that has them or shares another's (ETSI TS 102 221 9.5.1).
    pub(crate) fn pin(&self, df: NodeId, reference: u8) -> Option<usize> {
        self.pins(df, reference).find_map(|(df, reference)| self.codes.find(df, reference))
    }

    /// Where the PIN that a key reference means may belong to, with the reference: the first that is defined counts.
    pub(crate) fn pins(&self, df: NodeId, reference: u8) -> impl Iterator<Item = (NodeId, u8)> + '_ {
        let global = reference & 0x80 == 0;
        let from = if global { NodeId::MF } else { df };
        self.files.ancestors(from).map(move |df| {
            let shared = self.files.df(df).filter(|_| !global).and_then(|df| df.pins_of);
            (shared.unwrap_or(df), reference)
        })
    }

    pub(crate) fn pin_is_enabled(&self, df: NodeId, reference: u8) -> bool {
        self.pin(df, reference).is_some_and(|place| self.codes.is_enabled(place))
    }

    fn key_is_satisfied(&self, df: NodeId, reference: u8) -> bool {
        self.pin(df, reference).is_some_and(|place| self.codes.is_satisfied(place))
    }

    /// Whether the user may use an application's keys: the global PIN that its DF names is verified or disabled.
    pub(crate) fn user_is_verified(&self, application: NodeId) -> bool {
        let references = self.files.df(application).map(|df| &df.key_references[..]).unwrap_or_default();
        let pin = references.iter().find(|reference| (0x01..=0x08).contains(*reference));
        pin.is_none_or(|reference| self.pin(application, *reference).is_none_or(|place| self.codes.is_satisfied(place)))
    }

    /// Content of EF_ICCID.
    pub fn iccid(&self) -> Option<[u8; 10]> {
        self.body(NodeId::MF, EF_ICCID)?.try_into().ok()
    }

    /// Content of EF_IMSI of the first USIM: length, parity and digits.
    pub fn imsi(&self) -> Option<&[u8]> {
        self.body(self.usim()?, EF_IMSI)
    }

    /// Digits of the IMSI of the first USIM.
    pub fn imsi_digits(&self) -> Option<String> {
        rsp_saip::digits::imsi_from_content(self.imsi()?)
    }

    /// Content of EF_GID1 of the first USIM, if it exists and EF_UST says so.
    pub fn gid1(&self) -> Option<&[u8]> {
        self.serviced(EF_GID1, 17)
    }

    /// Content of EF_GID2 of the first USIM, if it exists and EF_UST says so.
    pub fn gid2(&self) -> Option<&[u8]> {
        self.serviced(EF_GID2, 18)
    }

    /// Whether the metadata's profileOwner agrees with EF_IMSI, EF_GID1 and EF_GID2.
    pub fn belongs_to(&self, owner: &Owner<'_>) -> bool {
        let Some(imsi) = self.imsi_digits() else { return false };
        let [mcc12, mcc3_mnc3, mnc12] = owner.mcc_mnc;
        let nibbles = [mcc12 & 0x0F, mcc12 >> 4, mcc3_mnc3 & 0x0F, mnc12 & 0x0F, mnc12 >> 4, mcc3_mnc3 >> 4];
        let network =
            nibbles.iter().filter(|nibble| **nibble != 0x0F).map(|nibble| char::from_digit((*nibble).into(), 16));
        let network: Option<String> = network.collect();
        let in_network = network.is_some_and(|network| network.len() >= 5 && imsi.starts_with(&network));
        let groups = [(owner.gid1, self.gid1()), (owner.gid2, self.gid2())];
        in_network && groups.iter().all(|(owner, file)| owner.is_none_or(|gid| same_group(gid, *file)))
    }

    /// Whether every application's K is one of those that test profiles may have.
    pub fn has_only_test_keys(&self) -> bool {
        self.aka.iter().all(|aka| TEST_KEYS.iter().any(|key| rsp_crypto::constant_time_eq(key, aka.key())))
    }

    /// Whether any application uses the XOR test algorithm. It is taken in profiles of any class: deployed servers give the generic
    /// test profiles out as operational ones.
    pub fn uses_test_algorithm(&self) -> bool {
        self.aka.iter().any(Aka::is_test_algorithm)
    }

    /// How many things the profile is made of; more of them may take more memory.
    pub(crate) fn parts(&self) -> usize {
        self.files.count() + self.kept.len() + self.aka.len()
    }

    /// Memory that the profile takes.
    pub fn size_bytes(&self) -> usize {
        let kept: usize = self.kept.iter().map(|element| element.bytes.len()).sum();
        // Keys with their sequence numbers take some 400 bytes.
        self.files.size_bytes() + kept + 400 * self.aka.len()
    }

    fn usim(&self) -> Option<NodeId> {
        self.files.applications(&USIM).next()
    }

    fn body(&self, df: NodeId, file_id: u16) -> Option<&[u8]> {
        self.files.child(df, file_id).and_then(|id| self.files.ef(id)).map(|ef| &ef.body[..])
    }

    fn serviced(&self, file_id: u16, service: usize) -> Option<&[u8]> {
        let usim = self.usim()?;
        self.has_service(usim, service).then(|| self.body(usim, file_id)).flatten()
    }

    /// Whether EF_UST of a USIM has the service, counted from 1. An ISIM has no such file, and no such service.
    pub(crate) fn has_service(&self, application: NodeId, service: usize) -> bool {
        let byte = self.body(application, EF_UST).and_then(|table| table.get((service - 1) / 8));
        byte.is_some_and(|byte| byte & 1 << ((service - 1) % 8) != 0)
    }
}

/// The file holds the identifier, and FF behind it; an owner's empty identifier agrees with an unused file.
fn same_group(gid: &[u8], file: Option<&[u8]>) -> bool {
    let file = file.unwrap_or_default();
    file.get(..gid.len()) == Some(gid) && file[gid.len()..].iter().all(|byte| *byte == 0xFF)
}

impl Df {
    /// A DF that lists these key references.
    pub(super) fn with_keys(aid: Option<&[u8]>, key_references: &[u8]) -> Self {
        Self { aid: aid.map(Octets::from), key_references: key_references.to_vec(), pins_of: None }
    }
}
