//! Public keys, secret keys and what two of them agree on.

use std::sync::OnceLock;

use zeroize::Zeroizing;

use crate::{Curve, Error, Randomness, group, hash, key_format, provider};

/// A point of a curve in the uncompressed form of SEC 1: `04 || X || Y`, 65 bytes.
///
/// Every value lies on its curve and is not the point at infinity: [`PublicKey::from_uncompressed`] checks it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey {
    curve: Curve,
    point: [u8; 65],
}

impl PublicKey {
    /// Reads an uncompressed point.
    ///
    /// # Errors
    /// [`Error::InvalidPublicKey`] for another length or form, a coordinate not below the field's prime, or a point
    /// off the curve.
    pub fn from_uncompressed(curve: Curve, point: &[u8]) -> Result<Self, Error> {
        let point: [u8; 65] = point.try_into().map_err(|_| Error::InvalidPublicKey)?;
        if point[0] != 0x04 || !group::is_on_curve(curve, &point) {
            return Err(Error::InvalidPublicKey);
        }
        Ok(Self { curve, point })
    }

    /// Reads a point of SEC 1 in compressed form: `02` or `03`, then X.
    ///
    /// # Errors
    /// [`Error::InvalidPublicKey`] for another length or form, or when no point has this X.
    pub fn from_compressed(curve: Curve, point: &[u8]) -> Result<Self, Error> {
        let point: &[u8; 33] = point.try_into().map_err(|_| Error::InvalidPublicKey)?;
        match point[0] {
            0x02 | 0x03 => group::decompress(curve, point).map(|point| Self { curve, point }),
            _ => Err(Error::InvalidPublicKey),
        }
    }

    /// The compressed form: `02` for an even Y, `03` for an odd one, then X.
    pub fn to_compressed(&self) -> [u8; 33] {
        let mut compressed = [0; 33];
        compressed.copy_from_slice(&self.point[..33]);
        compressed[0] = 0x02 | (self.point[64] & 0x01);
        compressed
    }

    /// A point that a crypto library has just computed and that needs no check.
    pub(crate) fn computed(curve: Curve, point: [u8; 65]) -> Self {
        Self { curve, point }
    }

    /// The uncompressed point, 65 bytes.
    pub fn as_bytes(&self) -> &[u8; 65] {
        &self.point
    }

    /// The curve that the point lies on.
    pub fn curve(&self) -> Curve {
        self.curve
    }

    /// The key identifier of RFC 5280 4.2.1.2 method (1): SHA-1 of the point. It is the subjectKeyIdentifier of RSP
    /// certificates and, for a CI, the value in `euiccCiPKIdListForVerification`.
    pub fn key_identifier(&self) -> [u8; 20] {
        hash::sha1(&self.point)
    }
}

/// The secret scalar of a key pair.
///
/// It can be written out (for key files and sealed storage), but not printed, cloned or compared.
pub struct SecretKey {
    curve: Curve,
    scalar: Zeroizing<[u8; 32]>,
    public: OnceLock<PublicKey>,
}

/// How many samples [`SecretKey::generate`] draws before it calls the source broken. A sound source needs more with a
/// probability below 2^-390 on either curve.
const MAX_SAMPLES: usize = 256;

impl SecretKey {
    /// Draws a key by rejection sampling: 32 bytes at a time until they are a scalar between 1 and the order less 1.
    ///
    /// # Panics
    /// When the source delivers 256 values out of range in a row, which only a broken one does.
    pub fn generate(curve: Curve, randomness: &mut dyn Randomness) -> Self {
        let mut sample = Zeroizing::new([0; 32]);
        for _ in 0..MAX_SAMPLES {
            randomness.fill(&mut *sample);
            if let Ok(key) = Self::from_bytes(curve, &sample) {
                return key;
            }
        }
        panic!("the source of randomness is broken: {MAX_SAMPLES} samples in a row were no scalar")
    }

    /// Takes a scalar, 32 bytes big-endian.
    ///
    /// # Errors
    /// [`Error::SecretKeyRange`] when it is zero or not below the order of the curve.
    pub fn from_bytes(curve: Curve, scalar: &[u8; 32]) -> Result<Self, Error> {
        if !group::is_scalar(curve, scalar) {
            return Err(Error::SecretKeyRange);
        }
        Ok(Self { curve, scalar: Zeroizing::new(*scalar), public: OnceLock::new() })
    }

    /// Reads the first private key of a PEM file: `EC PRIVATE KEY` (SEC 1, with its curve named inside) or `PRIVATE
    /// KEY` (PKCS#8). Other blocks, such as the `EC PARAMETERS` that OpenSSL writes, are skipped.
    ///
    /// # Errors
    /// [`Error::InvalidKeyFile`], [`Error::UnsupportedCurve`], [`Error::SecretKeyRange`], or
    /// [`Error::InconsistentKeyFile`] when the file's own public key is another.
    pub fn from_pem(pem: &str) -> Result<Self, Error> {
        key_format::from_pem(pem)
    }

    /// Writes the key as PKCS#8 in PEM (`PRIVATE KEY`), public key included.
    ///
    /// # Errors
    /// [`Error::Library`] when the encoder fails, which no valid key makes it do.
    pub fn to_pem(&self) -> Result<Zeroizing<String>, Error> {
        key_format::to_pem(self)
    }

    /// Writes the key as PKCS#8 in DER, the form that TLS libraries take.
    ///
    /// # Errors
    /// [`Error::Library`] when the encoder fails, which no valid key makes it do.
    pub fn to_pkcs8_der(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        key_format::to_pkcs8_der(self)
    }

    /// The scalar, 32 bytes big-endian.
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        self.scalar.clone()
    }

    /// The curve of the key pair.
    pub fn curve(&self) -> Curve {
        self.curve
    }

    /// The public key that belongs to it; computed once.
    pub fn public_key(&self) -> &PublicKey {
        self.public.get_or_init(|| {
            // AWS-LC multiplies the generator several times faster, and every bound package needs a fresh pair.
            match provider::aws_lc::public_key(self.curve, &self.scalar) {
                Some(point) => PublicKey::computed(self.curve, point),
                None => PublicKey::computed(self.curve, group::public_point(self.curve, &self.scalar)),
            }
        })
    }

    pub(crate) fn scalar(&self) -> &[u8; 32] {
        &self.scalar
    }
}

/// The shared secret of a key agreement: the X coordinate, 32 bytes (SGP.22 2.6.7.2, ECKA-EG of BSI TR-03111).
pub struct SharedSecret(Zeroizing<[u8; 32]>);

impl SharedSecret {
    /// Takes a secret that was agreed upon elsewhere, for instance in a known-answer vector.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}
