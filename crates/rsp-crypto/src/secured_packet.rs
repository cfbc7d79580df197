//! The ciphers and checksums of secured packets: AES of any key length, triple DES with two or three keys (ETSI TS 102 225
//! 5.1.2, 5.1.3). All of them chain blocks from an initial value of zero.
//!
//! Single DES is not here: nothing that it protects is protected.

use aes::cipher::{
    Block, BlockCipherDecrypt, BlockCipherEncrypt, BlockModeDecrypt, BlockModeEncrypt, BlockSizeUser, InnerIvInit, Iv,
    KeyInit,
};
use aes::{Aes128, Aes192, Aes256};
use cmac::digest::common::InnerInit;
use cmac::{Cmac, Mac};
use des::{TdesEde2, TdesEde3};

use crate::Error;

/// A key with its algorithm. It cannot be printed.
pub struct PacketKey(Box<Kind>);

enum Kind {
    Aes128(Aes128),
    Aes192(Aes192),
    Aes256(Aes256),
    Tdes2(TdesEde2),
    Tdes3(TdesEde3),
}

/// Does the same with whichever cipher it is.
macro_rules! with_cipher {
    ($self:expr, $cipher:ident => $action:expr) => {
        match &*$self.0 {
            Kind::Aes128($cipher) => $action,
            Kind::Aes192($cipher) => $action,
            Kind::Aes256($cipher) => $action,
            Kind::Tdes2($cipher) => $action,
            Kind::Tdes3($cipher) => $action,
        }
    };
}

impl PacketKey {
    /// AES with a key of 16, 24 or 32 bytes.
    ///
    /// # Errors
    /// [`Error::KeyLength`] for another length.
    pub fn aes(key: &[u8]) -> Result<Self, Error> {
        let kind = match key.len() {
            16 => Aes128::new_from_slice(key).map(Kind::Aes128),
            24 => Aes192::new_from_slice(key).map(Kind::Aes192),
            _ => Aes256::new_from_slice(key).map(Kind::Aes256),
        };
        kind.map(|kind| Self(Box::new(kind))).map_err(|_| Error::KeyLength)
    }

    /// Triple DES in outer CBC mode with two keys (16 bytes) or three (24).
    ///
    /// # Errors
    /// [`Error::KeyLength`] for another length.
    pub fn triple_des(key: &[u8]) -> Result<Self, Error> {
        let kind = match key.len() {
            16 => TdesEde2::new_from_slice(key).map(Kind::Tdes2),
            _ => TdesEde3::new_from_slice(key).map(Kind::Tdes3),
        };
        kind.map(|kind| Self(Box::new(kind))).map_err(|_| Error::KeyLength)
    }

    /// Bytes of a block: 16 or 8.
    pub fn block_size(&self) -> usize {
        match &*self.0 {
            Kind::Aes128(_) | Kind::Aes192(_) | Kind::Aes256(_) => 16,
            Kind::Tdes2(_) | Kind::Tdes3(_) => 8,
        }
    }

    /// Encrypts whole blocks in place.
    ///
    /// # Errors
    /// [`Error::BlockLength`] when `data` is not a multiple of the block size; nothing is changed then.
    pub fn encrypt(&self, data: &mut [u8]) -> Result<(), Error> {
        with_cipher!(self, cipher => cbc_encrypt(cipher, data))
    }

    /// Decrypts whole blocks in place. The padding is the caller's business.
    ///
    /// # Errors
    /// [`Error::BlockLength`] when `data` is not a multiple of the block size; nothing is changed then.
    pub fn decrypt(&self, data: &mut [u8]) -> Result<(), Error> {
        with_cipher!(self, cipher => cbc_decrypt(cipher, data))
    }

    /// The cryptographic checksum of eight bytes over the concatenation of `parts`: the beginning of the AES-CMAC, or the
    /// last block of the data, padded with zeros, in triple DES.
    pub fn checksum(&self, parts: &[&[u8]]) -> [u8; 8] {
        match &*self.0 {
            Kind::Aes128(cipher) => cmac::<Aes128>(cipher, parts),
            Kind::Aes192(cipher) => cmac::<Aes192>(cipher, parts),
            Kind::Aes256(cipher) => cmac::<Aes256>(cipher, parts),
            Kind::Tdes2(cipher) => last_block(cipher, parts),
            Kind::Tdes3(cipher) => last_block(cipher, parts),
        }
    }
}

fn cbc_encrypt<C: BlockCipherEncrypt + Clone>(cipher: &C, data: &mut [u8]) -> Result<(), Error> {
    let blocks = blocks::<C>(data)?;
    cbc::Encryptor::inner_iv_init(cipher.clone(), &Iv::<cbc::Encryptor<C>>::default()).encrypt_blocks(blocks);
    Ok(())
}

fn cbc_decrypt<C: BlockCipherDecrypt + Clone>(cipher: &C, data: &mut [u8]) -> Result<(), Error> {
    let blocks = blocks::<C>(data)?;
    cbc::Decryptor::inner_iv_init(cipher.clone(), &Iv::<cbc::Decryptor<C>>::default()).decrypt_blocks(blocks);
    Ok(())
}

fn blocks<C: BlockSizeUser>(data: &mut [u8]) -> Result<&mut [Block<C>], Error> {
    match Block::<C>::slice_as_chunks_mut(data) {
        (blocks, []) => Ok(blocks),
        _ => Err(Error::BlockLength),
    }
}

fn cmac<C>(cipher: &C, parts: &[&[u8]]) -> [u8; 8]
where
    C: cmac::block_api::CmacCipher + Clone,
    Cmac<C>: Mac + InnerInit<Inner = C>,
{
    let mut mac = <Cmac<C> as InnerInit>::inner_init(cipher.clone());
    parts.iter().for_each(|part| Mac::update(&mut mac, part));
    let mut checksum = [0; 8];
    checksum.copy_from_slice(&mac.finalize().into_bytes()[..8]);
    checksum
}

fn last_block<C: BlockCipherEncrypt>(cipher: &C, parts: &[&[u8]]) -> [u8; 8] {
    let mut chain = Block::<C>::default();
    let mut filled = 0;
    for byte in parts.iter().flat_map(|part| part.iter()) {
        chain[filled] ^= byte;
        filled += 1;
        if filled == chain.len() {
            cipher.encrypt_block(&mut chain);
            filled = 0;
        }
    }
    if filled > 0 {
        cipher.encrypt_block(&mut chain);
    }
    let mut checksum = [0; 8];
    checksum.copy_from_slice(&chain[..8]);
    checksum
}
