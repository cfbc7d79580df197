//! AES-128 as SCP03t uses it: single blocks, CBC without padding, CMAC (GlobalPlatform Amendment D, SGP.22 2.5.2); and in
//! counter mode, as subscribers are concealed (3GPP TS 33.501 C.3.4).

use aes::Aes128;
use aes::cipher::{
    Block, BlockCipherDecrypt, BlockCipherEncrypt, BlockModeDecrypt, BlockModeEncrypt, InnerIvInit, KeyIvInit,
    StreamCipher,
};
use cmac::{Cmac, KeyInit, Mac};

use crate::Error;

const BLOCK: usize = 16;

/// Encrypts one block: the initial chaining value of SCP03t is the encrypted block counter.
pub fn aes128_ecb_encrypt_block(key: &[u8; 16], block: &[u8; 16]) -> [u8; 16] {
    let mut out = Block::<Aes128>::from(*block);
    Aes128::new(key.into()).encrypt_block(&mut out);
    out.into()
}

/// Decrypts one block.
pub fn aes128_ecb_decrypt_block(key: &[u8; 16], block: &[u8; 16]) -> [u8; 16] {
    let mut out = Block::<Aes128>::from(*block);
    Aes128::new(key.into()).decrypt_block(&mut out);
    out.into()
}

/// Encrypts whole blocks in place.
///
/// # Errors
/// [`Error::BlockLength`] when `data` is not a multiple of 16 bytes; nothing is changed then.
pub fn aes128_cbc_encrypt(key: &[u8; 16], iv: &[u8; 16], data: &mut [u8]) -> Result<(), Error> {
    let blocks = blocks(data)?;
    cbc::Encryptor::inner_iv_init(Aes128::new(key.into()), iv.into()).encrypt_blocks(blocks);
    Ok(())
}

/// Decrypts whole blocks in place. The padding is the caller's business.
///
/// # Errors
/// [`Error::BlockLength`] when `data` is not a multiple of 16 bytes; nothing is changed then.
pub fn aes128_cbc_decrypt(key: &[u8; 16], iv: &[u8; 16], data: &mut [u8]) -> Result<(), Error> {
    let blocks = blocks(data)?;
    cbc::Decryptor::inner_iv_init(Aes128::new(key.into()), iv.into()).decrypt_blocks(blocks);
    Ok(())
}

/// Encrypts or decrypts any number of bytes in place in counter mode, from an initial counter block that counts up as one
/// number of 128 bits.
pub fn aes128_ctr(key: &[u8; 16], counter: &[u8; 16], data: &mut [u8]) {
    ctr::Ctr128BE::<Aes128>::new(key.into(), counter.into()).apply_keystream(data);
}

/// AES-CMAC (RFC 4493) over the concatenation of `parts`, all 16 bytes: SCP03t sends the first 8 and chains the rest.
pub fn cmac_aes128(key: &[u8; 16], parts: &[&[u8]]) -> [u8; 16] {
    let mut mac = <Cmac<Aes128> as KeyInit>::new(key.into());
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

fn blocks(data: &mut [u8]) -> Result<&mut [Block<Aes128>], Error> {
    if !data.len().is_multiple_of(BLOCK) {
        return Err(Error::BlockLength);
    }
    let (blocks, _) = Block::<Aes128>::slice_as_chunks_mut(data);
    Ok(blocks)
}
