//! Challenges of WebAuthn. Anybody can ask for one, so nothing is stored until it is answered: a challenge carries what must
//! be known of it, and a MAC.

use rsp_asn1::Timestamp;
use rsp_crypto::hash::hmac_sha256;
use rsp_crypto::{Randomness, RandomnessExt as _, Zeroizing, constant_time_eq};

/// Seconds in which a challenge must be answered.
pub(super) const LIFETIME: i64 = 300;

/// What a challenge is for: an answer to another one is none.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Signing in.
    SignIn,
    /// Registering a passkey for this user.
    Register(i64),
}

impl Purpose {
    fn bytes(self) -> [u8; 9] {
        let mut bytes = [0; 9];
        if let Self::Register(user) = self {
            bytes[0] = 1;
            bytes[1..].copy_from_slice(&user.to_be_bytes());
        }
        bytes
    }
}

/// Makes and knows challenges: 8 octets of expiry, 16 random ones, 32 of HMAC-SHA256.
pub(super) struct Challenges {
    key: Zeroizing<[u8; 32]>,
}

impl Challenges {
    pub(super) fn new(key: Zeroizing<[u8; 32]>) -> Self {
        Self { key }
    }

    pub(super) fn make(&self, purpose: Purpose, now: Timestamp, randomness: &mut dyn Randomness) -> Vec<u8> {
        let mut challenge = now.plus_seconds(LIFETIME).0.to_be_bytes().to_vec();
        challenge.extend(randomness.bytes::<16>());
        challenge.extend(self.mac(&challenge, purpose));
        challenge
    }

    /// When a challenge of ours for this purpose ends; `None` if it is none, or has ended.
    pub(super) fn check(&self, challenge: &[u8], purpose: Purpose, now: Timestamp) -> Option<Timestamp> {
        let (told, mac) = challenge.split_at_checked(24)?;
        let (expires_at, _) = told.split_first_chunk::<8>()?;
        let expires_at = Timestamp(i64::from_be_bytes(*expires_at));
        let ours = constant_time_eq(&self.mac(told, purpose), mac);
        (ours && now.0 <= expires_at.0).then_some(expires_at)
    }

    fn mac(&self, told: &[u8], purpose: Purpose) -> [u8; 32] {
        hmac_sha256(&*self.key, &[told, &purpose.bytes()].concat())
    }
}

#[cfg(test)]
mod tests {
    use rsp_asn1::Timestamp;
    use rsp_crypto::{Randomness, Zeroizing};

    use super::{Challenges, LIFETIME, Purpose};

    struct Zeros;

    impl Randomness for Zeros {
        fn fill(&mut self, buffer: &mut [u8]) {
            buffer.fill(0);
        }
    }

    #[test]
    fn is_good_for_its_purpose_and_its_time_and_not_changed() {
        let challenges = Challenges::new(Zeroizing::new([1; 32]));
        let challenge = challenges.make(Purpose::Register(7), Timestamp(1000), &mut Zeros);
        let end = Some(Timestamp(1000 + LIFETIME));
        assert_eq!(challenges.check(&challenge, Purpose::Register(7), Timestamp(1000 + LIFETIME)), end);
        assert_eq!(challenges.check(&challenge, Purpose::Register(7), Timestamp(1001 + LIFETIME)), None);
        assert_eq!(challenges.check(&challenge, Purpose::Register(8), Timestamp(1000)), None);
        assert_eq!(challenges.check(&challenge, Purpose::SignIn, Timestamp(1000)), None);
        let others = Challenges::new(Zeroizing::new([2; 32]));
        assert_eq!(others.check(&challenge, Purpose::Register(7), Timestamp(1000)), None);
        for place in 0..challenge.len() {
            let mut changed = challenge.clone();
            changed[place] ^= 1;
            assert_eq!(challenges.check(&changed, Purpose::Register(7), Timestamp(1000)), None, "{place}");
            assert_eq!(challenges.check(&challenge[..place], Purpose::Register(7), Timestamp(1000)), None, "{place}");
        }
    }
}
