//! The public-key floor: what no SM-DP+ can do a download without, measured in the same run.

use std::time::Duration;

use rsp_crypto::{Curve, Randomness, SecretKey, aws_lc};

use super::cpu::own_cpu;
use crate::system::OsRandomness;

/// Signatures that a server makes in one download: serverSignature1, smdpSignature2, smdpSign.
pub(super) const SIGNATURES: usize = 3;
/// Signatures that it verifies: CERT.EUM, CERT.EUICC, euiccSignature1, euiccSignature2, euiccSignPIR. The first only
/// where a validated EUM certificate is not remembered.
pub(super) const VERIFICATIONS: usize = 5;

/// Processor time of these operations on P-256 with AWS-LC, for one download: with `verifications` of them, one key
/// generation and one key agreement.
pub(super) fn measure(verifications: usize) -> anyhow::Result<Duration> {
    let mut randomness = OsRandomness;
    let key = SecretKey::generate(Curve::P256, &mut randomness);
    let peer = SecretKey::generate(Curve::P256, &mut randomness);
    let signer = aws_lc().signer(&key)?;
    let mut message = [0; 300];
    randomness.fill(&mut message);
    let signature = signer.sign(&message)?;
    let rounds: u32 = 3000;
    let start = own_cpu();
    for _ in 0..rounds {
        for _ in 0..SIGNATURES {
            std::hint::black_box(signer.sign(&message)?);
        }
        for _ in 0..verifications {
            aws_lc().verify(key.public_key(), &message, &signature)?;
        }
        let one_time = SecretKey::generate(Curve::P256, &mut randomness);
        std::hint::black_box(aws_lc().agree(&one_time, peer.public_key())?.as_bytes());
    }
    Ok((own_cpu() - start) / rounds)
}
