//! What PE-Header demands of the eUICC (TCA profile package 8.3.1).

use rsp_saip::header::{ProfileHeader, Service};
use rsp_saip::status::PeStatusCode;
use rsp_saip::templates;

use super::Fault;

/// Services that a profile may demand.
///
/// Of CSIM there are the files and PINs, and of Java Card the packages are kept: the GSMA's generic test profiles demand
/// both, but neither CAVE nor bytecode is executed.
const SUPPORTED: [Service; 13] = [
    Service::USIM,
    Service::ISIM,
    Service::CSIM,
    Service::MILENAGE,
    Service::TUAK128,
    Service::TUAK256,
    Service::JAVACARD,
    Service::USIM_TEST_ALGORITHM,
    Service::BER_TLV,
    Service::DF_LINK,
    Service::GET_IDENTITY,
    Service::PROFILE_A_X25519,
    Service::PROFILE_B_P256,
];

/// Checks version, services, templates and packages, in this order.
pub(super) fn check(header: &ProfileHeader) -> Result<(), Fault> {
    if !(1..=3).contains(&header.major_version) {
        let message = format!("version {}.{} of the format", header.major_version, header.minor_version);
        return Err(Fault::new(PeStatusCode::UNSUPPORTED_PROFILE_VERSION, message));
    }
    if let Some(service) = header.mandatory_services.0.iter().find(|service| !SUPPORTED.contains(service)) {
        let message = format!("mandatory service {service}");
        return Err(Fault::new(PeStatusCode::FEATURE_NOT_SUPPORTED, message));
    }
    if let Some(template) = header.mandatory_templates.iter().find(|template| !templates::is_known(template)) {
        let message = format!("mandatory template {template}");
        return Err(Fault::new(PeStatusCode::TEMPLATE_NOT_SUPPORTED, message));
    }
    if header.mandatory_aids.as_ref().is_some_and(|aids| !aids.is_empty()) {
        return Err(Fault::new(PeStatusCode::LIB_NOT_SUPPORTED, "mandatory packages of Java Card code"));
    }
    if header.iot_options.is_some() {
        return Err(Fault::new(PeStatusCode::FEATURE_NOT_SUPPORTED, "IoT Minimal Profiles"));
    }
    Ok(())
}
