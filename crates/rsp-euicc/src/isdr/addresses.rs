//! ES10a: the servers that the eUICC knows (SGP.22 5.7.3, 5.7.4).

use rsp_apdu::StatusWord;
use rsp_asn1::{
    EuiccConfiguredAddressesRequest, EuiccConfiguredAddressesResponse, SetDefaultDpAddressRequest,
    SetDefaultDpAddressResponse, SetDefaultDpAddressResult, Unknown,
};

use super::{decode, encode};
use crate::platform::Platform;

/// The longest address that is kept, in bytes: that of a domain name.
const MAX_ADDRESS: usize = 255;

/// ES10a.GetEuiccConfiguredAddresses.
pub(super) fn configured_addresses(platform: &Platform, request: &[u8]) -> Result<Vec<u8>, StatusWord> {
    decode::<EuiccConfiguredAddressesRequest>(request)?;
    let default = &platform.state.default_dp_address;
    encode(&EuiccConfiguredAddressesResponse {
        default_dp_address: (!default.is_empty()).then(|| default.clone()),
        root_ds_address: platform.state.root_ds_address.clone(),
        unknown: Unknown::default(),
    })
}

/// ES10a.SetDefaultDpAddress; an empty address removes it.
pub(super) fn set_default_dp_address(platform: &mut Platform, request: &[u8]) -> Result<Vec<u8>, StatusWord> {
    let address = decode::<SetDefaultDpAddressRequest>(request)?.default_dp_address;
    let result = if address.len() <= MAX_ADDRESS && !address.chars().any(is_out_of_place) {
        platform.state.default_dp_address = address;
        platform.changed = true;
        SetDefaultDpAddressResult::OK
    } else {
        SetDefaultDpAddressResult::UNDEFINED_ERROR
    };
    encode(&SetDefaultDpAddressResponse { set_default_dp_address_result: result, unknown: Unknown::default() })
}

/// What stands in no host name and no address: it would end up in a URL, an activation code or on a screen. The standard
/// has no error code of its own for it.
fn is_out_of_place(c: char) -> bool {
    c.is_control() || c.is_whitespace() || matches!(c, '/' | '\\' | '$' | '@' | '?' | '#' | '"' | '<' | '>')
}
