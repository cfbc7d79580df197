//! The eUICC's PrepareDownloadResponse (SGP.22 5.6.2, 5.7.5).

use rsp_asn1::{EuiccSigned2, PrepareDownloadResponse, PrepareDownloadResponseOk, Raw};
use rsp_crypto::Provider;
use rsp_es::es9plus::GetBoundProfilePackageRequest;

use crate::authenticate_client::followed_by;
use crate::error::Error;
use crate::session::ExpectGetBoundProfilePackage;

/// Proof that the eUICC signed this PrepareDownload in this session (SGP.22 5.6.2). Only [`verify`] makes one.
pub(crate) struct PrepareDownloadVerified(());

/// Checks the eUICC's answer: the session, and the signature over it and over what the server signed before.
pub(crate) fn verify<'r>(
    provider: &dyn Provider,
    state: &ExpectGetBoundProfilePackage,
    request: &'r GetBoundProfilePackageRequest,
) -> Result<(PrepareDownloadVerified, &'r EuiccSigned2), Error> {
    let ok: &PrepareDownloadResponseOk = match request.prepare_download_response.value() {
        PrepareDownloadResponse::Ok(ok) => ok,
        PrepareDownloadResponse::Error(error) if error.transaction_id != request.transaction_id => {
            return Err(Error::TransactionIdUnknown);
        }
        PrepareDownloadResponse::Error(error) => return Err(Error::DownloadRefusedByEuicc(error.download_error_code)),
    };
    let signed: &Raw<EuiccSigned2> = &ok.euicc_signed2;
    if signed.value().transaction_id != request.transaction_id {
        return Err(Error::TransactionIdUnknown);
    }
    let message = followed_by(signed.bytes(), &state.smdp_signature2);
    state.party.euicc.verify(provider, &message, &ok.euicc_signature2)?;
    Ok((PrepareDownloadVerified(()), signed.value()))
}
