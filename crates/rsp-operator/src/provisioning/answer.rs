//! Whether the answer to ConfirmOrder belongs to its call, and what may go from it into an activation code. Users' devices
//! call the address in it, so that a supplier cannot be let choose any.

use std::net::IpAddr;

use rsp_es::activation_code::ActivationCode;
use rsp_es::client::{Origin, Scheme, is_public};
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

/// Whether a host can be one of the public internet. Names are not resolved: it is the device that calls them, from another
/// network. Those that no public name server has are refused.
fn may_be_public(host: &str) -> bool {
    if let Ok(address) = host.parse::<IpAddr>() {
        return is_public(address);
    }
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let top = host.rsplit('.').next().unwrap_or_default();
    let reserved = ["localhost", "local", "internal", "lan", "home", "corp", "onion", "invalid"];
    // A number at the end makes the whole an IPv4 address to many (inet_aton): 127.1, 0x7f.1, 2130706433.
    let number = top.starts_with(|digit: char| digit.is_ascii_digit());
    host.contains('.') && !reserved.contains(&top) && !host.ends_with(".home.arpa") && !number
}

#[cfg(test)]
mod tests {
    use super::may_be_public;

    #[test]
    fn names_of_private_networks_and_private_addresses_are_told_apart() {
        for host in ["rsp.example.com", "a.b.example.", "8.8.8.8", "2606:4700::1111", "xn--e1aybc.example"] {
            assert!(may_be_public(host), "{host}");
        }
        for host in [
            "localhost",
            "LOCALHOST.",
            "smdp",
            "smdp.local",
            "db.internal",
            "127.0.0.1",
            "169.254.169.254",
            "10.1.2.3",
            "::1",
            "::ffff:127.0.0.1",
            "fd00::1",
            "127.1",
            "0x7f.0.0.1",
            "2130706433",
            "64:ff9b::7f00:1",
            "router.home.arpa",
            "0.0.0.0",
            "",
        ] {
            assert!(!may_be_public(host), "{host}");
        }
    }
}
