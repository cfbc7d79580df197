//! Activation codes of all forms, for whoever reads them.

use rsp_crypto::RandomnessExt as _;

use crate::SeededRandomness;

/// What an activation code says (SGP.22 4.1), field by field. Not each is one that may be made: an address may be too long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivationCodeFields {
    /// Host name or IP address, with or without a port.
    pub address: String,
    /// Matching ID, which may be empty.
    pub matching_id: String,
    /// OID of the SM-DP+.
    pub oid: Option<String>,
    /// Whether a confirmation code is asked for.
    pub confirmation_code_required: bool,
}

impl ActivationCodeFields {
    /// Everything that a code may have: names, ports, addresses of both kinds, matching IDs of any length, an OID, the flag.
    pub fn random(randomness: &mut SeededRandomness) -> Self {
        let address = match below(randomness, 4) {
            0 => (0..4).map(|_| below(randomness, 256).to_string()).collect::<Vec<_>>().join("."),
            1 => format!("[2001:db8::{:x}]", below(randomness, 65_536)),
            _ => {
                let labels = 1 + below(randomness, 4);
                let label = |randomness: &mut SeededRandomness| {
                    let length = 1 + below(randomness, 20);
                    text(randomness, b"abcdefghijklmnopqrstuvwxyzABCXYZ0123456789", length)
                };
                (0..labels).map(|_| label(randomness)).collect::<Vec<_>>().join(".") + ".example"
            }
        };
        let port = 1 + below(randomness, 65_535);
        let address = if below(randomness, 2) == 0 { format!("{address}:{port}") } else { address };
        let length = [0, 1, 26, 52, 100][below(randomness, 5)];
        let matching_id = text(randomness, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-", length);
        let oid = format!("1.3.6.1.4.1.{}", below(randomness, 1 << 20));
        let oid = (below(randomness, 3) == 0).then_some(oid);
        Self { address, matching_id, oid, confirmation_code_required: below(randomness, 2) == 0 }
    }
}

/// A number below `end`.
fn below(randomness: &mut SeededRandomness, end: usize) -> usize {
    (u64::from_be_bytes(randomness.bytes()) % end as u64) as usize
}

fn text(randomness: &mut SeededRandomness, alphabet: &[u8], length: usize) -> String {
    (0..length).map(|_| char::from(alphabet[below(randomness, alphabet.len())])).collect()
}
