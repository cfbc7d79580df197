//! What can be wrong with a key, a signature or sealed data.

/// The error of this crate. Every variant but [`Error::Library`] blames the data that was handed in; none carries
/// secret bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The curve is neither P-256 nor brainpoolP256r1.
    #[error("unsupported curve: neither P-256 nor brainpoolP256r1")]
    UnsupportedCurve,
    /// Two keys, or a key and a signature, belong to different curves.
    #[error("keys lie on different curves")]
    CurveMismatch,
    /// A public key is not 65 bytes `04 || X || Y`, or its point is not on the curve.
    #[error("not an uncompressed point on the curve")]
    InvalidPublicKey,
    /// A secret scalar is zero or not below the order of the curve.
    #[error("secret key is outside the range of the curve")]
    SecretKeyRange,
    /// A key file is neither a SEC 1 `EC PRIVATE KEY` nor a PKCS#8 `PRIVATE KEY` in PEM.
    #[error("not a SEC 1 or PKCS#8 private key in PEM")]
    InvalidKeyFile,
    /// A key file carries a public key that does not belong to its private key.
    #[error("public key in the key file does not belong to its private key")]
    InconsistentKeyFile,
    /// A raw signature is not 64 bytes, or a DER one is not a canonical pair of 256-bit INTEGERs.
    #[error("signature is badly encoded")]
    InvalidSignatureEncoding,
    /// The signature is not by this key over this message.
    #[error("signature does not verify")]
    SignatureMismatch,
    /// Data for a cipher in CBC mode is not a whole number of its blocks.
    #[error("data is not a whole number of blocks")]
    BlockLength,
    /// A symmetric key has a length that its algorithm does not know.
    #[error("the key has a length that its algorithm does not know")]
    KeyLength,
    /// A password is longer than Argon2 takes.
    #[error("the password is too long")]
    Password,
    /// Sealed data is too short, altered, or was sealed with another key or other associated data.
    #[error("sealed data does not open")]
    SealBroken,
    /// A crypto library refused an operation on checked input, for instance for want of memory.
    #[error("the crypto library failed")]
    Library,
}
