//! Key derivation (SGP.22 2.6.7.2: the X9.63 key derivation function with SHA-256).

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::SharedSecret;

/// Derives `len` bytes: the concatenation of SHA-256(Z || counter || SharedInfo), counter from 1 as 32 bits big-endian
/// (ANSI X9.63 5.6.3, BSI TR-03111 4.3.3).
///
/// For the BSP keys, `shared_info` is keyType || keyLen || HostID-LV || EID-LV and `len` is 48.
pub fn x963(shared: &SharedSecret, shared_info: &[u8], len: usize) -> Zeroizing<Vec<u8>> {
    // Reserved before filling, so that no reallocation leaves a copy behind.
    let mut okm = Zeroizing::new(Vec::with_capacity(len.next_multiple_of(32)));
    let mut counter: u32 = 1;
    while okm.len() < len {
        let mut hash = Sha256::new();
        hash.update(shared.as_bytes());
        hash.update(counter.to_be_bytes());
        hash.update(shared_info);
        let mut block = Zeroizing::new([0; 32]);
        block.copy_from_slice(&hash.finalize());
        okm.extend_from_slice(&*block);
        counter = counter.wrapping_add(1);
    }
    okm.truncate(len);
    okm
}
