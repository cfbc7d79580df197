//! ES10b.PrepareDownload: the eUICC accepts a download and gives its one-time key (SGP.22 3.1.3, 5.7.5).

use rsp_apdu::StatusWord;
use rsp_asn1::{
    DownloadErrorCode, EuiccSigned2, OneTimePublicKey, PrepareDownloadRequest, PrepareDownloadResponse,
    PrepareDownloadResponseError, PrepareDownloadResponseOk, Raw, SmdpSigned2, Unknown,
};
use rsp_crypto::SecretKey;

use super::one_time_keys;
use super::proofs::{Fault, SmdpCertificateVerified, SmdpSignature2Verified, TransactionIdMatches, with_signature};
use super::stages::{Accepted, Authenticated, Prepared};
use super::{Session, decode, encode};
use crate::platform::Platform;

/// ES10b.PrepareDownload. A refusal leaves the session as it is.
pub(super) fn prepare_download(
    platform: &mut Platform,
    session: &mut Session,
    request: &[u8],
) -> Result<Vec<u8>, StatusWord> {
    let request = decode::<PrepareDownloadRequest>(request)?;
    let response = match std::mem::take(session) {
        Session::Authenticated(authenticated) => match prepare(platform, &authenticated, &request) {
            Ok((response, accepted)) => {
                *session = Session::Prepared(Box::new(Prepared::new(authenticated, accepted)));
                Ok(response)
            }
            Err(error) => {
                *session = Session::Authenticated(authenticated);
                Err(error)
            }
        },
        other => {
            *session = other;
            Err(DownloadErrorCode::NO_SESSION_CONTEXT)
        }
    };
    encode(&match response {
        Ok(response) => PrepareDownloadResponse::Ok(response),
        Err(download_error_code) => PrepareDownloadResponse::Error(PrepareDownloadResponseError {
            transaction_id: request.smdp_signed2.value().transaction_id.clone(),
            download_error_code,
            unknown: Unknown::default(),
        }),
    })
}

/// The checks in the order of SGP.22 5.7.5, then key and signature.
fn prepare(
    platform: &mut Platform,
    authenticated: &Authenticated,
    request: &PrepareDownloadRequest,
) -> Result<(PrepareDownloadResponseOk, Accepted), DownloadErrorCode> {
    let smdp =
        SmdpCertificateVerified::verify(platform, authenticated, &request.smdp_certificate).map_err(error_code)?;
    let smdp = SmdpSignature2Verified::verify(platform, authenticated, smdp, request)
        .ok_or(DownloadErrorCode::INVALID_SIGNATURE)?;
    let signed = smdp.signed();
    let transaction_id = TransactionIdMatches::check(authenticated, &signed.transaction_id)
        .ok_or(DownloadErrorCode::INVALID_TRANSACTION_ID)?;
    // The standard has no code for a Confirmation Code that the device forgot to ask for.
    let hash_cc = match (signed.cc_required_flag, request.hash_cc) {
        (true, None) => return Err(DownloadErrorCode::UNDEFINED_ERROR),
        (true, hash) => hash,
        (false, _) => None,
    };
    let undefined = DownloadErrorCode::UNDEFINED_ERROR;
    let one_time_key = one_time_key(platform, authenticated, signed).ok_or(undefined)?;
    let euicc_signed2 = Raw::new(EuiccSigned2 {
        transaction_id: signed.transaction_id.clone(),
        euicc_otpk: OneTimePublicKey(one_time_key.public_key().as_bytes().to_vec().into()),
        hash_cc,
        unknown: Unknown::default(),
    })
    .map_err(|_| undefined)?;
    let message = with_signature(euicc_signed2.bytes(), &request.smdp_signature2).ok_or(undefined)?;
    let credential = platform.credential(&authenticated.ci_key_id().0).ok_or(undefined)?;
    let euicc_signature2 = credential.sign(&message).ok_or(undefined)?;
    let response = PrepareDownloadResponseOk { euicc_signed2, euicc_signature2, unknown: Unknown::default() };
    Ok((response, Accepted::new(&smdp, transaction_id, one_time_key)))
}

/// The key for which a package is bound already, if the eUICC still has it; otherwise a new one. Either way it is kept
/// until it has been used, so that a download that is cut can be taken up again.
fn one_time_key(platform: &mut Platform, authenticated: &Authenticated, signed: &SmdpSigned2) -> Option<SecretKey> {
    let owner = one_time_keys::Owner::of(authenticated)?;
    let bound = signed.bpp_euicc_otpk.as_ref().and_then(|otpk| one_time_keys::find(platform, &owner, &otpk.0));
    match bound {
        Some(key) => Some(key),
        None => one_time_keys::generate(platform, &owner),
    }
}

fn error_code(fault: Fault) -> DownloadErrorCode {
    match fault {
        Fault::UnsupportedCurve => DownloadErrorCode::UNSUPPORTED_CURVE,
        Fault::CiUnknown | Fault::InvalidOid | Fault::Invalid => DownloadErrorCode::INVALID_CERTIFICATE,
    }
}
