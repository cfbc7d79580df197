//! The carrier directory over the API. It is the same for everybody.

use axum::Json;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::events::page_size;
use super::input::{Answer, Parameters, PathText, bounded};
use super::problem::Problem;
use crate::carriers::{self, Directory, Source, Sourced};

/// Longest text that is searched for, in characters.
const LONGEST: usize = 64;

/// More carriers than there are.
const FARTHEST: u32 = 100_000;

/// Which carriers.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// In this country, ISO 3166-1 alpha-2.
    #[param(pattern = "^[A-Za-z]{2}$")]
    country: Option<String>,
    /// With a network of this mobile country code.
    #[param(pattern = "^[0-9]{3}$")]
    mcc: Option<String>,
    /// And of this mobile network code.
    #[param(pattern = "^[0-9]{2,3}$")]
    mnc: Option<String>,
    /// As `openrsp carrier search` finds them: with this in a name or in that of a network's company, or of this network, such
    /// as `262` or `262-01`.
    #[param(min_length = 1, max_length = 64)]
    name: Option<String>,
    /// Of those found, from this one on.
    #[param(minimum = 0, maximum = 100_000)]
    offset: Option<u32>,
    /// At most so many.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// A field, and where it is from.
#[derive(Serialize, ToSchema)]
pub(crate) struct Known {
    value: &'static str,
    #[serde(flatten)]
    source: Published,
}

/// Where a field is from.
#[derive(Serialize, ToSchema)]
pub(crate) struct Published {
    /// The list, or the publication.
    source: &'static str,
    /// Its date.
    #[schema(format = Date)]
    date: &'static str,
}

fn from(source: Source) -> Published {
    Published { source: source.name, date: source.date }
}

fn known(field: &Sourced<&'static str>) -> Known {
    Known { value: field.value, source: from(field.source) }
}

/// A network of a carrier.
#[derive(Serialize, ToSchema)]
#[schema(as = CarrierNetwork)]
pub(crate) struct Network {
    mcc: &'static str,
    /// Two or three digits, or a range.
    mnc: &'static str,
    operator: Option<&'static str>,
    status: Option<&'static str>,
    #[serde(flatten)]
    source: Published,
}

/// An access point name.
#[derive(Serialize, ToSchema)]
pub(crate) struct Apn {
    name: &'static str,
    uses: &'static str,
    plans: &'static str,
    #[serde(flatten)]
    source: Published,
}

/// What is known of a carrier in one country.
#[derive(Serialize, ToSchema)]
pub(crate) struct Carrier {
    /// Country and name.
    #[schema(example = "de-telekom")]
    id: String,
    name: &'static str,
    names: Vec<Known>,
    countries: Vec<Known>,
    country_name: Option<Known>,
    networks: Vec<Network>,
    apns: Vec<Apn>,
    /// Published addresses of its SM-DP+s.
    smdp_addresses: Vec<Known>,
    /// `known` or `unknown`: without a published source no address is given.
    smdp: &'static str,
}

impl Carrier {
    fn of(carrier: &carriers::Carrier) -> Self {
        let networks = carrier.networks().iter().map(|network| Network {
            mcc: network.mcc,
            mnc: network.mnc,
            operator: network.operator,
            status: network.status,
            source: from(network.source),
        });
        let apns = carrier.apns().iter().map(|apn| Apn {
            name: apn.name,
            uses: apn.uses,
            plans: apn.plans,
            source: from(apn.source),
        });
        Self {
            id: id_of(carrier),
            name: carrier.name(),
            names: carrier.names().iter().map(known).collect(),
            countries: carrier.countries().iter().map(known).collect(),
            country_name: carrier.country_name().as_ref().map(known),
            networks: networks.collect(),
            apns: apns.collect(),
            smdp_addresses: carrier.smdp_addresses().iter().map(known).collect(),
            smdp: if carrier.smdp_addresses().is_empty() { "unknown" } else { "known" },
        }
    }
}

/// The first country and the letters and digits of the name.
fn id_of(carrier: &carriers::Carrier) -> String {
    let country = carrier.countries().first().map_or("xx", |country| country.value).to_lowercase();
    let name: String = carrier
        .name()
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { '-' })
        .flat_map(char::to_lowercase)
        .collect();
    let parts: Vec<_> = name.split('-').filter(|part| !part.is_empty()).collect();
    format!("{country}-{}", parts.join("-"))
}

/// Some carriers.
#[derive(Serialize, ToSchema)]
pub(crate) struct Carriers {
    items: Vec<Carrier>,
    /// How many there are in all.
    total: usize,
}

/// Carriers of the directory. Needs the right `read`.
#[utoipa::path(
    get,
    path = "/api/v1/carriers",
    tag = "Carriers",
    operation_id = "list_carriers",
    params(Which),
    responses((status = 200, body = Carriers)),
    security(("key" = []))
)]
pub(crate) async fn list(Parameters(which): Parameters<Which>) -> Answer<Carriers> {
    let digits =
        |text: &str, lengths: &[usize]| lengths.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if which.country.as_ref().is_some_and(|code| code.len() != 2 || !code.bytes().all(|c| c.is_ascii_alphabetic())) {
        return Err(Problem::invalid("country", "two letters, as in ISO 3166-1"));
    }
    if which.mcc.as_deref().is_some_and(|mcc| !digits(mcc, &[3])) {
        return Err(Problem::invalid("mcc", "three digits"));
    }
    if which.mnc.as_deref().is_some_and(|mnc| !digits(mnc, &[2, 3])) {
        return Err(Problem::invalid("mnc", "two or three digits"));
    }
    bounded("name", which.name.as_deref(), LONGEST)?;
    if which.offset.is_some_and(|offset| offset > FARTHEST) {
        return Err(Problem::invalid("offset", format!("0 to {FARTHEST}")));
    }
    let limit = page_size(which.limit)? as usize;
    let (directory, country) = (Directory::embedded(), which.country.as_deref());
    let mut found = match which.name.as_deref() {
        Some(text) => directory.search(text, country),
        None => directory.of_country(country).collect(),
    };
    let is = |network: &carriers::Network| {
        which.mcc.as_deref().is_none_or(|mcc| network.mcc == mcc)
            && which.mnc.as_deref().is_none_or(|mnc| network.mnc == mnc)
    };
    if which.mcc.is_some() || which.mnc.is_some() {
        found.retain(|carrier| carrier.networks().iter().any(is));
    }
    let offset = which.offset.unwrap_or_default() as usize;
    let items = found.iter().skip(offset).take(limit).map(|carrier| Carrier::of(carrier)).collect();
    Ok(Json(Carriers { items, total: found.len() }))
}

/// One carrier. Needs the right `read`.
#[utoipa::path(
    get,
    path = "/api/v1/carriers/{id}",
    tag = "Carriers",
    operation_id = "get_carrier",
    params(("id" = String, Path, min_length = 1)),
    responses((status = 200, body = Carrier)),
    security(("key" = []))
)]
pub(crate) async fn one(PathText(id): PathText) -> Answer<Carrier> {
    let found = Directory::embedded().carriers().iter().find(|carrier| id_of(carrier) == id);
    found.map(|carrier| Json(Carrier::of(carrier))).ok_or_else(Problem::not_found)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::id_of;
    use crate::carriers::Directory;

    #[test]
    fn every_carrier_has_an_id_of_its_own() {
        let mut ids = BTreeMap::<String, usize>::new();
        for carrier in Directory::embedded().carriers() {
            *ids.entry(id_of(carrier)).or_default() += 1;
        }
        let twice: Vec<_> = ids.iter().filter(|(_, count)| **count > 1).collect();
        assert!(twice.is_empty(), "{twice:?}");
    }
}
