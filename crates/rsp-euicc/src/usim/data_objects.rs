//! RETRIEVE DATA and SET DATA of BER-TLV EFs (ETSI TS 102 221 11.3), in blocks.

use rsp_apdu::{Command, StatusWord};

use super::{Executed, Session, done, refused, stored};
use crate::fs::access::Access;
use crate::fs::{NodeId, Structure, ber_tlv};
use crate::interpreter::ProfileContents;

/// Block in bits 8 and 7 of P2: the first.
const FIRST: u8 = 0x80;
/// Block in bits 8 and 7 of P2: the next.
const NEXT: u8 = 0x00;
/// Block in bits 8 and 7 of P2: the previous one again.
const AGAIN: u8 = 0xC0;
/// 62F1: there is more to retrieve.
const MORE_DATA: StatusWord = StatusWord(0x62F1);
/// 63F1: more of the object is expected.
const MORE_EXPECTED: StatusWord = StatusWord(0x63F1);
/// The tag that asks for the list of tags.
const TAG_LIST: u8 = 0x5C;
/// Bytes of one block of an answer.
const BLOCK: usize = 255;

/// A transfer of a data object that is under way. Any other command ends it.
#[derive(Clone)]
pub(super) enum Transfer {
    /// What RETRIEVE DATA gives, and where its next and its last block begin.
    Retrieve { ef: NodeId, object: Vec<u8>, next: usize, last: usize },
    /// What SET DATA has got so far, and how much of it before the last block.
    Set { ef: NodeId, object: Vec<u8>, last: usize },
}

impl std::fmt::Debug for Transfer {
    /// Says the direction only.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Retrieve { .. } => "Retrieve",
            Self::Set { .. } => "Set",
        })
    }
}

impl Session {
    /// RETRIEVE DATA: a data object by its tag, or the list of all tags (5C).
    pub(super) fn retrieve_data(
        &mut self,
        contents: &ProfileContents,
        command: &Command,
        under_way: Option<Transfer>,
    ) -> Executed {
        let (ef, block) = self.open_objects(contents, command, Access::Read)?;
        let (object, start) = match (block, under_way) {
            (FIRST, _) => {
                if command.data.is_empty() || ber_tlv::tag(&command.data) != Some(&command.data) {
                    return refused(StatusWord::WRONG_DATA);
                }
                let Some(file) = contents.files().ef(ef) else { return refused(StatusWord::NOT_FOUND) };
                let mut objects = ber_tlv::objects(&file.body);
                let object = match &command.data[..] {
                    [TAG_LIST] => {
                        let tags: Vec<u8> = objects.flat_map(|object| object.tag).copied().collect();
                        let mut list = Vec::new();
                        rsp_asn1::tlv::write(&mut list, &[TAG_LIST], &tags);
                        Some(list)
                    }
                    tag => objects.find(|object| object.tag == tag).map(|object| object.whole.to_vec()),
                };
                let Some(object) = object else { return refused(StatusWord::REFERENCED_DATA_NOT_FOUND) };
                (object, 0)
            }
            (block, Some(Transfer::Retrieve { ef: same, object, next, last })) if same == ef => {
                let start = if block == AGAIN { last } else { next };
                if start >= object.len() {
                    return refused(StatusWord::REFERENCED_DATA_NOT_FOUND);
                }
                (object, start)
            }
            _ => return refused(StatusWord::CONDITIONS_NOT_SATISFIED),
        };
        let asked = command.le.map_or(BLOCK, usize::from).min(BLOCK);
        let next = object.len().min(start + asked);
        let data = object[start..next].to_vec();
        if next == object.len() {
            return done(data);
        }
        self.transfer = Some(Transfer::Retrieve { ef, object, next, last: start });
        Ok((data, MORE_DATA, false))
    }

    /// SET DATA: a data object takes the place of the one with its tag, once its last block is there; a tag alone removes
    /// it.
    pub(super) fn set_data(
        &mut self,
        contents: &mut ProfileContents,
        command: &Command,
        under_way: Option<Transfer>,
    ) -> Executed {
        let (ef, block) = self.open_objects(contents, command, Access::Update)?;
        if command.data.is_empty() {
            return refused(StatusWord::WRONG_LENGTH);
        }
        let (mut object, last) = match (block, under_way) {
            (FIRST, _) => (Vec::new(), 0),
            (NEXT, Some(Transfer::Set { ef: same, object, .. })) if same == ef => {
                let last = object.len();
                (object, last)
            }
            (AGAIN, Some(Transfer::Set { ef: same, mut object, last })) if same == ef => {
                object.truncate(last);
                (object, last)
            }
            _ => return refused(StatusWord::CONDITIONS_NOT_SATISFIED),
        };
        object.extend_from_slice(&command.data);
        let Some(tag) = ber_tlv::tag(&object).map(<[u8]>::to_vec) else { return refused(StatusWord::WRONG_DATA) };
        if tag == [TAG_LIST] {
            return refused(StatusWord::WRONG_DATA);
        }
        let Some(file) = contents.files_mut().ef_mut(ef) else { return refused(StatusWord::NOT_FOUND) };
        let exists = ber_tlv::objects(&file.body).any(|object| object.tag == tag);
        let whole = match ber_tlv::announced(&object) {
            None if object == tag && exists => None,
            None if object == tag => return refused(StatusWord::REFERENCED_DATA_NOT_FOUND),
            None => return refused(StatusWord::WRONG_DATA),
            // Early, so that nobody sends blocks in vain.
            Some(length) if length > file.body.len() => return refused(StatusWord::NOT_ENOUGH_MEMORY),
            Some(length) if object.len() > length => return refused(StatusWord::WRONG_LENGTH),
            Some(length) if object.len() < length => {
                self.transfer = Some(Transfer::Set { ef, object, last });
                return Ok((Vec::new(), MORE_EXPECTED, false));
            }
            Some(_) => Some(&object[..]),
        };
        if file.put_object(&tag, whole) { stored() } else { refused(StatusWord::NOT_ENOUGH_MEMORY) }
    }

    /// The BER-TLV EF of a command, and which block P2 means.
    fn open_objects(
        &mut self,
        contents: &ProfileContents,
        command: &Command,
        access: Access,
    ) -> Result<(NodeId, u8), (StatusWord, bool)> {
        let block = command.p2 & 0xC0;
        if command.p1 != 0 || command.p2 & 0x20 != 0 || !matches!(block, FIRST | NEXT | AGAIN) {
            return refused(StatusWord::WRONG_P1_P2);
        }
        let sfi = Some(command.p2 & 0x1F).filter(|sfi| *sfi != 0);
        let ef = self.target_ef(contents.files(), sfi)?;
        match contents.files().ef(ef) {
            Some(file) if file.structure == Structure::BerTlv => {
                self.usable(contents, ef, access)?;
                Ok((ef, block))
            }
            Some(_) => refused(StatusWord::INCOMPATIBLE_FILE),
            None => refused(StatusWord::NOT_FOUND),
        }
    }
}
