//! What the LPA checks for itself in the answer of a server that authenticates itself (SGP.22 3.0.1).

use rsp_asn1::{Raw, pkix};
use rsp_es::es9plus::{InitiateAuthenticationRequest, InitiateAuthenticationResponse};
use rsp_pki::{Certificate, Role, Validation, validate};

use crate::download::Trust;
use crate::error::{Cause, WrongServer};

/// Which server authenticated itself.
pub(crate) struct ServerIdentity {
    /// DPauth or DSauth.
    pub(crate) role: Role,
    /// Key identifier of its CI.
    pub(crate) ci_key_id: Vec<u8>,
    /// Its OID, dotted.
    pub(crate) oid: String,
}

/// That the answer belongs to the request, and comes from a server that was meant: of one of these roles, of which there
/// is at least one, and with this OID.
pub(super) fn server(
    answer: &InitiateAuthenticationResponse,
    request: &InitiateAuthenticationRequest,
    roles: &[Role],
    expected_oid: Option<&str>,
    trust: &Trust<'_>,
) -> Result<ServerIdentity, Cause> {
    let signed = answer.server_signed1.value();
    if signed.transaction_id != answer.transaction_id {
        return Err(WrongServer::TransactionId("serverSigned1").into());
    }
    if signed.euicc_challenge != request.euicc_challenge {
        return Err(WrongServer::Challenge.into());
    }
    if !same_address(&signed.server_address, &request.smdp_address) {
        let (used, signed) = (request.smdp_address.clone(), signed.server_address.chars().take(256).collect());
        return Err(WrongServer::Address { used, signed }.into());
    }
    let role = Certificate::from_raw(answer.server_certificate.clone()).role();
    let role = role.filter(|role| roles.contains(role)).or(roles.first().copied()).unwrap_or(Role::DpAuth);
    let server = identify(role, &answer.server_certificate, trust)?;
    match expected_oid {
        Some(expected) if expected != server.oid => {
            Err(WrongServer::Oid { expected: expected.to_owned(), found: server.oid }.into())
        }
        _ => Ok(server),
    }
}

/// Who has this certificate, if it is valid for the role.
pub(crate) fn identify(
    role: Role,
    certificate: &Raw<pkix::Certificate>,
    trust: &Trust<'_>,
) -> Result<ServerIdentity, Cause> {
    let certificate = Certificate::from_raw(certificate.clone());
    let validation = Validation { provider: trust.provider, now: Some(trust.now), crls: trust.crls, crl_max_age: None };
    let path = validate(&validation, role, &certificate, &[], trust.anchors)?;
    let oid = path.oid().map(|oid| oid.iter().map(u32::to_string).collect::<Vec<_>>().join("."));
    Ok(ServerIdentity { role, ci_key_id: path.ci_key_id().to_vec(), oid: oid.unwrap_or_default() })
}

/// Host names have no case. A port is no part of the standard's address: one side may name it and the other not.
fn same_address(signed: &str, used: &str) -> bool {
    if signed.eq_ignore_ascii_case(used) {
        return true;
    }
    match (signed.rsplit_once(':'), used.rsplit_once(':')) {
        (None, Some((host, _))) => signed.eq_ignore_ascii_case(host),
        (Some((host, _)), None) => host.eq_ignore_ascii_case(used),
        _ => false,
    }
}
