//! Which carriers there are, by lists that others publish and by what is kept by hand. Nothing is known without a source:
//! each field says which list it is from, and of what date that list is.
//!
//! Networks, countries and APNs are those of Debian's mobile-broadband-provider-info and of the npm package mcc-mnc-list;
//! `cargo xtask carriers` makes the files. Addresses of SM-DP+s stand in a file of their own, each with its source: where
//! there is none, the address is not known.

mod read;

use std::fmt;
use std::sync::LazyLock;

/// Where a field is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Source {
    /// The list, or the publication.
    pub name: &'static str,
    /// Its date, `YYYY-MM-DD`.
    pub date: &'static str,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.date)
    }
}

/// A field with its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sourced<T> {
    /// What is known.
    pub value: T,
    /// From where.
    pub source: Source,
}

/// A public land mobile network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network {
    /// Mobile country code, three digits.
    pub mcc: &'static str,
    /// Mobile network code as the list has it: two or three digits, or a range of such.
    pub mnc: &'static str,
    /// The company, where the list names it apart from the brand.
    pub operator: Option<&'static str>,
    /// In the list's words, such as `Operational`.
    pub status: Option<&'static str>,
    /// From where.
    pub source: Source,
}

/// An access point name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Apn {
    /// The name.
    pub name: &'static str,
    /// What it is for, such as `internet`; several with `+`, empty when not said.
    pub uses: &'static str,
    /// For whom, `postpaid` or `prepaid`; several with `+`, empty when not said.
    pub plans: &'static str,
    /// From where.
    pub source: Source,
}

/// What is known of one carrier in one country.
#[derive(Debug, Clone)]
pub struct Carrier {
    names: Vec<Sourced<&'static str>>,
    countries: Vec<Sourced<&'static str>>,
    country_name: Option<Sourced<&'static str>>,
    networks: Vec<Network>,
    apns: Vec<Apn>,
    smdp: Vec<Sourced<&'static str>>,
}

impl Carrier {
    /// As the first list that has it calls it.
    pub fn name(&self) -> &'static str {
        self.names.first().map_or("", |name| name.value)
    }

    /// Every way in which it is written, with its source; never empty.
    pub fn names(&self) -> &[Sourced<&'static str>] {
        &self.names
    }

    /// ISO 3166-1 alpha-2 codes, or those of a part such as `GE-AB`. Empty for networks of no country.
    pub fn countries(&self) -> &[Sourced<&'static str>] {
        &self.countries
    }

    /// The name of its country.
    pub fn country_name(&self) -> Option<Sourced<&'static str>> {
        self.country_name
    }

    /// Its networks. One stands there for each list that has it.
    pub fn networks(&self) -> &[Network] {
        &self.networks
    }

    /// Its access point names.
    pub fn apns(&self) -> &[Apn] {
        &self.apns
    }

    /// Published addresses of its SM-DP+s; empty when none is known.
    pub fn smdp_addresses(&self) -> &[Sourced<&'static str>] {
        &self.smdp
    }

    /// Whether it is in this country; letters in any case.
    pub fn is_in(&self, country: &str) -> bool {
        self.countries.iter().any(|code| code.value.eq_ignore_ascii_case(country))
    }

    fn is_called(&self, key: &str) -> bool {
        self.names.iter().any(|name| key_of(name.value) == key)
    }

    fn mentions(&self, text: &str) -> bool {
        let operators = self.networks.iter().filter_map(|network| network.operator);
        self.names.iter().map(|name| name.value).chain(operators).any(|name| name.to_lowercase().contains(text))
    }
}

/// All carriers.
pub struct Directory {
    carriers: Vec<Carrier>,
}

static EMBEDDED: LazyLock<Directory> = LazyLock::new(|| Directory { carriers: read::carriers() });

impl Directory {
    /// The one that is part of the program.
    pub fn embedded() -> &'static Self {
        &EMBEDDED
    }

    /// All carriers, by country and name; those of no country last.
    pub fn carriers(&self) -> &[Carrier] {
        &self.carriers
    }

    /// Those of a country, or all.
    pub fn of_country(&self, country: Option<&str>) -> impl Iterator<Item = &Carrier> {
        self.carriers.iter().filter(move |carrier| country.is_none_or(|country| carrier.is_in(country)))
    }

    /// Those of this name, letters and digits compared without case; in a country or in all.
    pub fn named(&self, name: &str, country: Option<&str>) -> impl Iterator<Item = &Carrier> {
        let key = key_of(name);
        self.of_country(country).filter(move |carrier| !key.is_empty() && carrier.is_called(&key))
    }

    /// Those of a network. Without an MNC all of the mobile country code; an MNC of two digits is another than of three.
    pub fn of_network(&self, mcc: &str, mnc: Option<&str>) -> impl Iterator<Item = &Carrier> {
        let is = move |network: &Network| network.mcc == mcc && mnc.is_none_or(|mnc| network.mnc == mnc);
        self.carriers.iter().filter(move |carrier| carrier.networks.iter().any(is))
    }

    /// What somebody types: a part of a name, an MCC, or MCC and MNC (`26201`, `262-01`, `262 01`).
    pub fn search(&self, text: &str, country: Option<&str>) -> Vec<&Carrier> {
        let text = text.trim();
        let found: Vec<_> = match as_network(text) {
            Some((mcc, mnc)) => self.of_network(mcc, mnc).collect(),
            None if text.is_empty() => Vec::new(),
            None => {
                let text = text.to_lowercase();
                self.carriers.iter().filter(|carrier| carrier.mentions(&text)).collect()
            }
        };
        found.into_iter().filter(|carrier| country.is_none_or(|country| carrier.is_in(country))).collect()
    }
}

/// Reads what looks like an MCC with or without an MNC.
fn as_network(text: &str) -> Option<(&str, Option<&str>)> {
    let (mcc, rest) = text.split_at_checked(3)?;
    let mnc = rest.strip_prefix(['-', ' ', '/']).unwrap_or(rest);
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is = digits(mcc) && digits(mnc) && (rest.is_empty() || (2..=3).contains(&mnc.len()));
    is.then_some((mcc, (!mnc.is_empty()).then_some(mnc)))
}

/// A name as it is compared: its letters and digits, without case.
fn key_of(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
