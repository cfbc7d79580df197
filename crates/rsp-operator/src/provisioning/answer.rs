//! Whether the answer to ConfirmOrder belongs to its call, and what may go from it into an activation code. Users' devices
//! call the address in it, so that a supplier cannot be let choose any.

use rsp_es::activation_code::ActivationCode;
use rsp_es::client::{Origin, Scheme, may_be_public};
use rsp_es::es2plus::ConfirmOrderResponse;
use rsp_es::printable::printable;

use super::{MAX_TEXT, Order, Supplier};

/// The activation code of an order, or what is wrong with the answer.
pub(super) fn activation_code(
    supplier: &Supplier,
    wanted: &Order,
    answer: &ConfirmOrderResponse,
) -> Result<ActivationCode, String> {
    // An order by EID alone would have none; what was ordered here is for whoever has the code.
    if answer.matching_id.is_empty() {
        return Err("it names no matching ID".to_owned());
    }
    // The buyer asked for a profile for any device; bound to one of the supplier's choice it is worth nothing to him.
    if wanted.eid.is_none() && answer.eid.is_some() {
        return Err("it is for an EID, and none was asked for".to_owned());
    }
    if wanted.eid.zip(answer.eid).is_some_and(|(asked, named)| asked != named) {
        return Err("it is for another EID than was asked for".to_owned());
    }
    let address = address(supplier, answer.smdp_address.as_deref())?;
    ActivationCode::new(&address, &answer.matching_id, None, wanted.confirmation_code.is_some())
        .map_err(|error| printable(&error.to_string(), MAX_TEXT))
}

/// The SM-DP+ address for the code: the configured one, which the answer must confirm if it says anything; without one that of
/// the answer, if everybody may be sent there.
fn address(supplier: &Supplier, answered: Option<&str>) -> Result<String, String> {
    let shown = |address: &str| printable(address, MAX_TEXT);
    match (&supplier.address, answered) {
        (None, None) => Err("it names no address, and none is configured".to_owned()),
        (Some(configured), None) => Ok(configured.clone()),
        (Some(configured), Some(answered)) if configured.eq_ignore_ascii_case(answered) => Ok(configured.clone()),
        (Some(configured), Some(answered)) => {
            Err(format!("it names the address {:?}, and {configured:?} is configured", shown(answered)))
        }
        (None, Some(answered)) => {
            let origin = Origin::new(Scheme::Https, answered);
            let origin = origin.map_err(|_| format!("{:?} is no address of a server", shown(answered)))?;
            if origin.host().eq_ignore_ascii_case(supplier.client.origin().host()) || may_be_public(origin.host()) {
                return Ok(answered.to_owned());
            }
            let problem =
                "is no address of the public internet; if it shall be that, configure it as the supplier's address";
            Err(format!("the address {:?} {problem}", shown(answered)))
        }
    }
}
