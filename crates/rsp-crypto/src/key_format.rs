//! Private key files: SEC 1 and PKCS#8 in, PKCS#8 out.

use pkcs8::PrivateKeyInfoRef;
use pkcs8::der::Decode;
use sec1::EcPrivateKey;
use zeroize::Zeroizing;

use crate::{Curve, Error, SecretKey, group};

/// See [`SecretKey::from_pem`].
pub(crate) fn from_pem(pem: &str) -> Result<SecretKey, Error> {
    let blocks = pem::parse_many(pem).map_err(|_| Error::InvalidKeyFile)?;
    let mut found = Err(Error::InvalidKeyFile);
    for block in blocks {
        let read: fn(&[u8]) -> Result<SecretKey, Error> = match block.tag() {
            "EC PRIVATE KEY" => from_sec1_der,
            "PRIVATE KEY" => from_pkcs8_der,
            _ => continue,
        };
        // Every block is taken over by an eraser, also those behind the first.
        let der = Zeroizing::new(block.into_contents());
        if found.is_err() {
            found = Ok(read(&der)?);
        }
    }
    found
}

/// See [`SecretKey::to_pem`].
pub(crate) fn to_pem(key: &SecretKey) -> Result<Zeroizing<String>, Error> {
    let der = to_pkcs8_der(key)?;
    let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
    Ok(Zeroizing::new(pem::encode_config(&pem::Pem::new("PRIVATE KEY", der.as_slice()), config)))
}

/// See [`SecretKey::to_pkcs8_der`].
pub(crate) fn to_pkcs8_der(key: &SecretKey) -> Result<Zeroizing<Vec<u8>>, Error> {
    group::to_pkcs8_der(key.curve(), key.scalar())
}

fn from_sec1_der(der: &[u8]) -> Result<SecretKey, Error> {
    let key = EcPrivateKey::from_der(der).map_err(|_| Error::InvalidKeyFile)?;
    let curve = key.parameters.and_then(|parameters| parameters.named_curve()).ok_or(Error::UnsupportedCurve)?;
    from_ec_private_key(named(&curve)?, &key)
}

fn from_pkcs8_der(der: &[u8]) -> Result<SecretKey, Error> {
    let info = PrivateKeyInfoRef::from_der(der).map_err(|_| Error::InvalidKeyFile)?;
    if info.algorithm.oid != sec1::ALGORITHM_OID {
        return Err(Error::UnsupportedCurve);
    }
    let curve = named(&info.algorithm.parameters_oid().map_err(|_| Error::UnsupportedCurve)?)?;
    let key = EcPrivateKey::from_der(info.private_key.as_bytes()).map_err(|_| Error::InvalidKeyFile)?;
    from_ec_private_key(curve, &key)
}

fn from_ec_private_key(curve: Curve, key: &EcPrivateKey<'_>) -> Result<SecretKey, Error> {
    let scalar: &[u8; 32] = key.private_key.try_into().map_err(|_| Error::InvalidKeyFile)?;
    let secret = SecretKey::from_bytes(curve, scalar)?;
    match key.public_key {
        Some(point) if point != secret.public_key().as_bytes() => Err(Error::InconsistentKeyFile),
        _ => Ok(secret),
    }
}

fn named(oid: &pkcs8::ObjectIdentifier) -> Result<Curve, Error> {
    let arcs: Vec<u32> = oid.arcs().collect();
    Curve::from_oid(&arcs).ok_or(Error::UnsupportedCurve)
}
