//! Secured packets: what protects a command, and how its answer is protected (ETSI TS 102 225 5, 3GPP TS 31.115 4).

use rsp_crypto::constant_time_eq;
use rsp_crypto::secured_packet::PacketKey;

use crate::registry::{KeyComponent, KeySet, MAX_COUNTER, Tar};

/// Key identifiers within a key set: ciphering and checksums (ETSI TS 102 226 8.2.1.5).
const CIPHERING_KEY: u8 = 0x01;
const CHECKSUM_KEY: u8 = 0x02;
/// SPI, KIc, KID, TAR, CNTR and PCNTR.
const HEADER_LENGTH: usize = 13;
/// CPL and CHL, and of the header what is never enciphered.
const CLEAR_LENGTH: usize = 10;
/// The same in a response packet: RPL, RHL and TAR.
const RESPONSE_CLEAR_LENGTH: usize = 6;
/// TAR, CNTR, PCNTR and the status.
const RESPONSE_HEADER_LENGTH: usize = 10;
/// The user data header of a response packet, which its checksum covers too (3GPP TS 31.115 4.4).
const RESPONSE_USER_DATA_HEADER: [u8; 3] = [0x02, 0x71, 0x00];

/// Response status codes (ETSI TS 102 225 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    /// The packet was accepted.
    Ok = 0x00,
    /// Redundancy check, cryptographic checksum or digital signature failed.
    IntegrityFailed = 0x01,
    /// The counter was used before.
    CounterLow = 0x02,
    /// The counter leaves some out.
    CounterHigh = 0x03,
    /// The counter has reached its end.
    CounterBlocked = 0x04,
    /// It cannot be deciphered.
    CipheringError = 0x05,
    /// Another error of security: no such key, an algorithm that is not here.
    SecurityError = 0x06,
    /// Nobody has this TAR.
    TarUnknown = 0x09,
    /// The recipient demands more security.
    InsufficientSecurity = 0x0A,
}

/// How the integrity of a packet is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Integrity {
    /// Not at all.
    None,
    /// By a redundancy check.
    Redundancy,
    /// By a cryptographic checksum.
    Checksum,
    /// By a digital signature.
    Signature,
}

impl Integrity {
    fn from_bits(bits: u8) -> Self {
        match bits & 0x03 {
            0 => Self::None,
            1 => Self::Redundancy,
            2 => Self::Checksum,
            _ => Self::Signature,
        }
    }
}

/// Security parameter indicator: what protects the command, and what shall protect the answer (ETSI TS 102 225 5.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spi(pub [u8; 2]);

impl Spi {
    /// Integrity of the command.
    pub fn integrity(self) -> Integrity {
        Integrity::from_bits(self.0[0])
    }

    /// Whether the command is enciphered.
    pub fn is_ciphered(self) -> bool {
        self.0[0] & 0x04 != 0
    }

    /// 0 no counter, 1 a counter that is not looked at, 2 a greater one than before, 3 the next one.
    pub fn counter_rule(self) -> u8 {
        self.0[0] >> 3 & 0x03
    }

    /// Whether a proof of receipt is wanted for this status.
    pub fn wants_proof(self, status: Status) -> bool {
        match self.0[1] & 0x03 {
            0 => false,
            2 => status != Status::Ok,
            _ => true,
        }
    }

    /// Integrity of the proof of receipt.
    pub fn proof_integrity(self) -> Integrity {
        Integrity::from_bits(self.0[1] >> 2)
    }

    /// Whether the proof of receipt is enciphered.
    pub fn proof_is_ciphered(self) -> bool {
        self.0[1] & 0x10 != 0
    }

    /// Whether the proof of receipt shall be a short message of its own.
    pub fn proof_by_submit(self) -> bool {
        self.0[1] & 0x20 != 0
    }

    /// Whether a recipient with this minimum security level accepts it (ETSI TS 102 226 8.2.1.3.2.4).
    pub fn satisfies(self, level: u8) -> bool {
        let level = Self([level, 0]);
        self.integrity() >= level.integrity()
            && self.is_ciphered() >= level.is_ciphered()
            && self.counter_rule() >= level.counter_rule()
    }
}

/// A command packet with its header read, and nothing of it believed yet. Like what it holds, it cannot be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct CommandPacket<'a> {
    /// Security parameter indicator.
    pub spi: Spi,
    /// Ciphering key and algorithm.
    pub kic: u8,
    /// Integrity key and algorithm.
    pub kid: u8,
    /// The recipient.
    pub tar: Tar,
    /// CPL to TAR.
    clear: &'a [u8],
    /// CNTR to the end.
    protected: &'a [u8],
    check_length: usize,
}

/// The content of a command packet that was accepted.
#[derive(Clone, PartialEq, Eq)]
pub struct Opened {
    /// CNTR.
    pub counter: u64,
    /// The secured data, without padding.
    pub data: Vec<u8>,
}

/// Keys and algorithms that a command packet names, ready to use.
pub struct PacketKeys {
    ciphering: Option<PacketKey>,
    integrity: Check,
    proof_integrity: Check,
    /// The version of the keys, when there are any.
    pub version: Option<u8>,
}

/// What a redundancy check or checksum is made with.
enum Check {
    None,
    Crc16,
    Crc32,
    Checksum { key: PacketKey, length: usize },
}

impl<'a> CommandPacket<'a> {
    /// Reads the header. `None` when the lengths do not fit.
    pub fn read(packet: &'a [u8]) -> Option<Self> {
        let (&[cpl_high, cpl_low, chl, spi1, spi2, kic, kid, tar @ ..], protected) =
            packet.split_first_chunk::<CLEAR_LENGTH>()?;
        let rest = usize::from(u16::from_be_bytes([cpl_high, cpl_low]));
        let check_length = usize::from(chl).checked_sub(HEADER_LENGTH)?;
        if rest + 2 != packet.len() || protected.len() < 6 + check_length {
            return None;
        }
        let clear = &packet[..CLEAR_LENGTH];
        Some(Self { spi: Spi([spi1, spi2]), kic, kid, tar, clear, protected, check_length })
    }

    /// The versions of the keys that it names; those of ciphering and integrity must be the same (GlobalPlatform UICC
    /// Configuration 4.6).
    ///
    /// # Errors
    /// [`Status::SecurityError`] when they are not.
    fn key_version(&self) -> Result<Option<u8>, Status> {
        let ciphering = self.spi.is_ciphered() || self.spi.proof_is_ciphered();
        let integrity = [self.spi.integrity(), self.spi.proof_integrity()].contains(&Integrity::Checksum);
        match (ciphering.then_some(self.kic >> 4), integrity.then_some(self.kid >> 4)) {
            (None, None) => Ok(None),
            (Some(version), None) | (None, Some(version)) if version != 0 => Ok(Some(version)),
            (Some(kic), Some(kid)) if kic == kid && kic != 0 => Ok(Some(kic)),
            _ => Err(Status::SecurityError),
        }
    }

    /// Finds the keys in the key sets of the recipient's security domain.
    ///
    /// # Errors
    /// [`Status::SecurityError`] for a key that is not there, and for what is not supported: signatures, single DES, ECB.
    pub fn keys(&self, key_sets: &[KeySet]) -> Result<PacketKeys, Status> {
        let version = self.key_version()?;
        let set = match version {
            None => None,
            Some(version) => Some(key_sets.iter().find(|set| set.version == version).ok_or(Status::SecurityError)?),
        };
        let ciphering = match self.spi.is_ciphered() || self.spi.proof_is_ciphered() {
            true => Some(packet_key(self.kic, set.and_then(|set| set.key(CIPHERING_KEY)))?),
            false => None,
        };
        Ok(PacketKeys {
            ciphering,
            integrity: self.check(self.spi.integrity(), set)?,
            proof_integrity: self.check(self.spi.proof_integrity(), set)?,
            version,
        })
    }

    /// KID names a key for checksums or an algorithm for redundancy checks, never both.
    fn check(&self, integrity: Integrity, set: Option<&KeySet>) -> Result<Check, Status> {
        let both = self.spi.integrity() != Integrity::None
            && self.spi.proof_integrity() != Integrity::None
            && self.spi.integrity() != self.spi.proof_integrity();
        match integrity {
            _ if both => Err(Status::SecurityError),
            Integrity::None => Ok(Check::None),
            Integrity::Redundancy => match self.kid & 0x0F {
                0x01 => Ok(Check::Crc16),
                0x05 => Ok(Check::Crc32),
                _ => Err(Status::SecurityError),
            },
            Integrity::Checksum => {
                let component = set.and_then(|set| set.key(CHECKSUM_KEY)).ok_or(Status::SecurityError)?;
                let length = usize::from(component.mac_length);
                if !matches!(length, 4 | 8) {
                    return Err(Status::SecurityError);
                }
                Ok(Check::Checksum { key: packet_key(self.kid, Some(component))?, length })
            }
            Integrity::Signature => Err(Status::SecurityError),
        }
    }

    /// Deciphers the packet and checks its integrity. Whether the counter is right is not asked here.
    ///
    /// # Errors
    /// [`Status::CipheringError`], [`Status::IntegrityFailed`].
    pub fn open(&self, keys: &PacketKeys) -> Result<Opened, Status> {
        let mut plain = zeroize::Zeroizing::new(self.protected.to_vec());
        if self.spi.is_ciphered() {
            let key = keys.ciphering.as_ref().ok_or(Status::CipheringError)?;
            key.decrypt(&mut plain).map_err(|_| Status::CipheringError)?;
        }
        let (head, rest) = plain.split_at_checked(6).ok_or(Status::CipheringError)?;
        let (check, data) = rest.split_at_checked(self.check_length).ok_or(Status::CipheringError)?;
        if !keys.integrity.holds(&[self.clear, head, data], check) {
            return Err(Status::IntegrityFailed);
        }
        let padding = usize::from(head[5]);
        let block = keys.ciphering.as_ref().map_or(1, PacketKey::block_size);
        // Padding fills the last block; without ciphering there is none.
        if padding >= block || (padding > 0 && !self.spi.is_ciphered()) {
            return Err(Status::CipheringError);
        }
        let length = data.len().checked_sub(padding).ok_or(Status::CipheringError)?;
        Ok(Opened { counter: counter(head), data: data[..length].to_vec() })
    }

    /// Looks at the counter as the packet asks (ETSI TS 102 225 5.1.4), with the last one that was accepted. Gives back
    /// what is the last one now.
    ///
    /// # Errors
    /// [`Status::CounterBlocked`], [`Status::CounterLow`], [`Status::CounterHigh`].
    pub fn check_counter(&self, received: u64, last: u64) -> Result<u64, Status> {
        if self.spi.counter_rule() < 2 {
            return Ok(last);
        }
        match (received, self.spi.counter_rule()) {
            _ if last >= MAX_COUNTER => Err(Status::CounterBlocked),
            _ if received <= last => Err(Status::CounterLow),
            (received, 3) if received != last + 1 => Err(Status::CounterHigh),
            _ => Ok(received),
        }
    }

    /// The proof of receipt: user data header and response packet, protected as the command asked.
    ///
    /// An error that was met before the command was known to be genuine is answered without keys, so that nobody can have
    /// anything signed or enciphered by sending what he likes (`keys` is `None` then).
    pub fn respond(&self, keys: Option<&PacketKeys>, counter: u64, status: Status, data: &[u8]) -> Vec<u8> {
        let none = Check::None;
        let check = keys.map_or(&none, |keys| &keys.proof_integrity);
        let ciphering = keys.and_then(|keys| keys.ciphering.as_ref()).filter(|_| self.spi.proof_is_ciphered());
        let check_length = check.length();
        let unpadded = 7 + check_length + data.len();
        let padding = ciphering.map_or(0, |key| unpadded.next_multiple_of(key.block_size()) - unpadded);
        let rhl = RESPONSE_HEADER_LENGTH + check_length;
        let rpl = 1 + rhl + data.len() + padding;

        let mut packet = RESPONSE_USER_DATA_HEADER.to_vec();
        let [rpl_high, rpl_low] = u16::try_from(rpl).unwrap_or(u16::MAX).to_be_bytes();
        // Ten bytes and at most eight of a checksum.
        packet.extend([rpl_high, rpl_low, rhl as u8]);
        packet.extend(self.tar);
        let clear = packet.len();
        packet.extend(&counter.to_be_bytes()[3..]);
        // Less than a block.
        packet.extend([padding as u8, status as u8]);
        let mut tail = data.to_vec();
        tail.resize(data.len() + padding, 0);
        let made = check.make(&[&packet, &tail]);
        packet.extend(made);
        packet.extend(tail);
        debug_assert_eq!(clear, RESPONSE_USER_DATA_HEADER.len() + RESPONSE_CLEAR_LENGTH);
        if let Some(key) = ciphering {
            // Whole blocks: they were padded above.
            let _ = key.encrypt(&mut packet[clear..]);
        }
        packet
    }
}

impl Check {
    fn length(&self) -> usize {
        match self {
            Self::None => 0,
            Self::Crc16 => 2,
            Self::Crc32 => 4,
            Self::Checksum { length, .. } => *length,
        }
    }

    fn make(&self, parts: &[&[u8]]) -> Vec<u8> {
        match self {
            Self::None => Vec::new(),
            Self::Crc16 => crc16(parts).to_be_bytes().to_vec(),
            Self::Crc32 => crc32(parts).to_be_bytes().to_vec(),
            Self::Checksum { key, length } => key.checksum(parts)[..*length].to_vec(),
        }
    }

    fn holds(&self, parts: &[&[u8]], check: &[u8]) -> bool {
        constant_time_eq(&self.make(parts), check)
    }
}

/// The key that KIc or KID means, if its type is that of the algorithm (ETSI TS 102 225 5.1.2, 5.1.3).
fn packet_key(byte: u8, component: Option<&KeyComponent>) -> Result<PacketKey, Status> {
    let component = component.ok_or(Status::SecurityError)?;
    let key = match (byte & 0x0F, component.key_type, component.value.len()) {
        (0x0 | 0x2, 0x88, _) => PacketKey::aes(&component.value),
        (0x0 | 0x5, 0x80 | 0x82 | 0x84, 16) | (0x0 | 0x9, 0x80 | 0x82 | 0x84, 24) => {
            PacketKey::triple_des(&component.value)
        }
        _ => return Err(Status::SecurityError),
    };
    key.map_err(|_| Status::SecurityError)
}

fn counter(bytes: &[u8]) -> u64 {
    bytes.iter().take(5).fold(0, |value, byte| value << 8 | u64::from(*byte))
}

/// CRC 16 of ISO/IEC 13239 (ETSI TS 102 225 annex B).
fn crc16(parts: &[&[u8]]) -> u16 {
    !parts.iter().flat_map(|part| part.iter()).fold(0xFFFF, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte), |crc, _| if crc & 1 == 0 { crc >> 1 } else { crc >> 1 ^ 0x8408 })
    })
}

/// CRC 32 of ISO/IEC 13239 (ETSI TS 102 225 annex B).
fn crc32(parts: &[&[u8]]) -> u32 {
    !parts.iter().flat_map(|part| part.iter()).fold(0xFFFF_FFFF, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 0 { crc >> 1 } else { crc >> 1 ^ 0xEDB8_8320 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of ETSI TS 102 225 annex B.
    #[test]
    fn redundancy_checks_are_those_of_the_standards_example() {
        let message: [&[u8]; 2] = [&[0x01, 0x02], &[0x03, 0x04, 0x05]];
        assert_eq!(crc16(&message), 0x22EC);
        assert_eq!(crc32(&message), 0x470B_99F4);
    }
}
