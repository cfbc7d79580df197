//! Sequence numbers (3GPP TS 33.102 Annex C).

/// A sequence number SQN: 48 bits, of which the low 5 are the index IND and the rest the count SEQ (TS 33.102 C.1.1.1,
/// with the 32 indices that the profile packages of the GSMA assume).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Sqn(u64);

const IND_BITS: u32 = 5;
const IND_MASK: u64 = (1 << IND_BITS) - 1;
const MASK: u64 = (1 << 48) - 1;

impl Sqn {
    /// The sequence number in its six bytes, most significant first.
    pub fn from_bytes(bytes: [u8; 6]) -> Self {
        Self(bytes.iter().fold(0, |sqn, byte| sqn << 8 | u64::from(*byte)))
    }

    /// Six bytes, most significant first.
    pub fn to_bytes(self) -> [u8; 6] {
        let [_, _, bytes @ ..] = self.0.to_be_bytes();
        bytes
    }

    /// The count SEQ, 43 bits.
    pub fn seq(self) -> u64 {
        self.0 >> IND_BITS
    }

    /// The index IND, 0 to 31.
    pub fn ind(self) -> u8 {
        (self.0 & IND_MASK) as u8
    }

    /// The sequence number of the next vector: SEQ grows by one and IND goes round (TS 33.102 C.1.2).
    ///
    /// After the last of the 2^43 counts it starts again at 0; a USIM then asks for resynchronisation for ever, which
    /// is what the standard wants of a worn-out key.
    pub fn next(self) -> Self {
        let seq = (self.seq() + 1) << IND_BITS & MASK;
        Self(seq | (self.0 + 1) & IND_MASK)
    }
}

impl From<Sqn> for u64 {
    fn from(sqn: Sqn) -> Self {
        sqn.0
    }
}

#[cfg(test)]
mod tests {
    use super::Sqn;

    #[test]
    fn counts_seq_and_rotates_ind() {
        let first = Sqn::default().next();
        assert_eq!((first.seq(), first.ind()), (1, 1));
        assert_eq!(first.to_bytes(), [0, 0, 0, 0, 0, 0x21]);
        let round = (0..32).fold(Sqn::default(), |sqn, _| sqn.next());
        assert_eq!((round.seq(), round.ind()), (32, 0));
    }

    #[test]
    fn stays_within_48_bits() {
        let last = Sqn::from_bytes([0xFF; 6]);
        assert_eq!(last.next(), Sqn::default());
        assert_eq!(Sqn::from_bytes([0xFF; 6]).to_bytes(), [0xFF; 6]);
    }
}
