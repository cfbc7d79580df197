//! Reads the files of the directory, which are part of the program, and joins what they say of the same carrier: the same
//! name in the same country.

use std::collections::HashMap;

use super::{Apn, Carrier, Network, Source, Sourced, key_of};

const PROVIDERS: &str = include_str!("../../data/carriers/mobile-broadband-provider-info.tsv");
const NETWORKS: &str = include_str!("../../data/carriers/mcc-mnc-list.tsv");
const ADDRESSES: &str = include_str!("../../data/carriers/smdp.tsv");

/// Everything in the files. A line that is not as it should be is left out; that there is none is for tests to see.
pub(super) fn carriers() -> Vec<Carrier> {
    let mut joined = Joined::default();
    let source = source("mobile-broadband-provider-info", PROVIDERS);
    let unread = lines(PROVIDERS).filter(|line| joined.provider(line, source).is_none()).count();
    let source = self::source("mcc-mnc-list", NETWORKS);
    let unread = unread + lines(NETWORKS).filter(|line| joined.row(line, source).is_none()).count();
    let unread = unread + lines(ADDRESSES).filter(|line| joined.address(line).is_none()).count();
    debug_assert_eq!(unread, 0, "lines of the directory that cannot be read");
    let mut carriers = joined.carriers;
    carriers.sort_by_cached_key(|carrier| {
        let country = carrier.countries.first().map(|country| country.value);
        (country.is_none(), country, key_of(carrier.name()))
    });
    carriers
}

fn lines(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines().filter(|line| !line.starts_with('#'))
}

/// A list, with the date that stands at its top.
fn source(name: &'static str, text: &'static str) -> Source {
    let date = text.lines().find_map(|line| line.strip_prefix("# date: ")).unwrap_or_default();
    Source { name, date }
}

fn cells<const N: usize>(line: &'static str) -> Option<[&'static str; N]> {
    line.split('\t').collect::<Vec<_>>().try_into().ok()
}

fn filled(text: &'static str) -> Option<&'static str> {
    (!text.is_empty()).then_some(text)
}

/// Carriers, and where each is found by country and name.
#[derive(Default)]
struct Joined {
    carriers: Vec<Carrier>,
    places: HashMap<(String, String), usize>,
}

impl Joined {
    /// The carrier of this name in the first of these countries, made if there is none.
    fn carrier(&mut self, name: &'static str, countries: &'static str, source: Source) -> &mut Carrier {
        let first = countries.split('/').next().unwrap_or_default().to_owned();
        let next = self.carriers.len();
        let place = *self.places.entry((first, key_of(name))).or_insert(next);
        if place == next {
            self.carriers.push(Carrier {
                names: Vec::new(),
                countries: Vec::new(),
                country_name: None,
                networks: Vec::new(),
                apns: Vec::new(),
                smdp: Vec::new(),
            });
        }
        let carrier = &mut self.carriers[place];
        let mut add = |values: fn(&mut Carrier) -> &mut Vec<Sourced<&'static str>>, value| {
            let values = values(carrier);
            if values.iter().all(|known: &Sourced<&str>| known.value != value || known.source.name != source.name) {
                values.push(Sourced { value, source });
            }
        };
        add(|carrier| &mut carrier.names, name);
        countries.split('/').filter_map(filled).for_each(|country| add(|carrier| &mut carrier.countries, country));
        carrier
    }

    fn provider(&mut self, line: &'static str, source: Source) -> Option<()> {
        let [country, country_name, name, _technologies, networks, apns] = cells(line)?;
        let carrier = self.carrier(name, country, source);
        carrier.country_name.get_or_insert(Sourced { value: country_name, source });
        for network in networks.split(' ').filter_map(filled) {
            let (mcc, mnc) = network.split_once('-')?;
            carrier.networks.push(Network { mcc, mnc, operator: None, status: None, source });
        }
        for apn in apns.split(';').filter_map(filled) {
            let [name, uses, plans] = apn.split(',').collect::<Vec<_>>().try_into().ok()?;
            carrier.apns.push(Apn { name, uses, plans, source });
        }
        Some(())
    }

    fn row(&mut self, line: &'static str, source: Source) -> Option<()> {
        let [_kind, countries, country_name, mcc, mnc, brand, operator, status] = cells(line)?;
        // Some networks are allotted and nobody is named.
        let name = filled(brand).or(filled(operator)).unwrap_or("(not named)");
        let carrier = self.carrier(name, countries, source);
        if let Some(value) = filled(country_name) {
            carrier.country_name.get_or_insert(Sourced { value, source });
        }
        let (operator, status) = (filled(operator), filled(status));
        carrier.networks.push(Network { mcc, mnc, operator, status, source });
        Some(())
    }

    /// An address is its carrier's under each name that a list has; a carrier of no list is made.
    fn address(&mut self, line: &'static str) -> Option<()> {
        let [country, names, address, name, date] = cells(line)?;
        let source = Source { name, date };
        let names: Vec<_> = names.split('|').collect();
        let place = |joined: &Self, name| joined.places.get(&(country.to_owned(), key_of(name))).copied();
        let mut places: Vec<_> = names.iter().filter_map(|name| place(self, name)).collect();
        if places.is_empty() {
            places.push(self.carriers.len());
            self.carrier(names.first()?, country, source);
        }
        for name in names {
            if place(self, name).is_none() {
                self.places.insert((country.to_owned(), key_of(name)), places[0]);
                self.carriers[places[0]].names.push(Sourced { value: name, source });
            }
        }
        places.dedup();
        for place in places {
            self.carriers[place].smdp.push(Sourced { value: address, source });
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::{ADDRESSES, NETWORKS, PROVIDERS, carriers, cells, lines, source};

    /// Whether a source can be looked up: a URL, or `owner/name, path at COMMIT`.
    fn is_cited(source: &str) -> bool {
        let named =
            |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        let is_repository = |text: &str| text.split_once('/').is_some_and(|(owner, name)| named(owner) && named(name));
        let is_file = |text: &str| {
            let (path, rest) = text.split_once(" at ").unwrap_or_default();
            let commit = rest.split(',').next().unwrap_or_default();
            path.contains('.') && commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        let url = source.strip_prefix("https://").is_some_and(|rest| rest.contains('.'));
        url || source.split_once(", ").is_some_and(|(repository, file)| is_repository(repository) && is_file(file))
    }

    #[test]
    fn a_name_alone_is_no_citation() {
        for source in [
            "",
            "published code of resellers",
            "euicc-manual, short links",
            "a/b, c.ts",
            "a/b, c.ts at 12ab",
            "https://",
        ] {
            assert!(!is_cited(source), "{source}");
        }
        assert!(
            is_cited("https://example.com/esim") && is_cited(&format!("a/b, c/d.ts at {}, \"x\"", "0a".repeat(20)))
        );
    }

    /// Nothing of the files is lost on the way, nor is there a line that cannot be read.
    #[test]
    fn every_line_is_read() {
        assert_eq!(lines(PROVIDERS).count(), 700);
        assert_eq!(lines(NETWORKS).count(), 3094);
        assert_eq!(lines(ADDRESSES).count(), 10);
        assert!(lines(PROVIDERS).all(|line| cells::<6>(line).is_some()));
        assert!(lines(NETWORKS).all(|line| cells::<8>(line).is_some()));
        assert!(lines(ADDRESSES).all(|line| cells::<5>(line).is_some()));
        let uncited: Vec<_> =
            lines(ADDRESSES).filter(|line| !cells::<5>(line).is_some_and(|row| is_cited(row[3]))).collect();
        assert!(uncited.is_empty(), "nobody can look these up: {uncited:#?}");
        let (carriers, debian, npm) = (carriers(), source("a", PROVIDERS), source("b", NETWORKS));
        assert_eq!((debian.date, npm.date), ("2023-04-16", "2024-12-13"));
        let networks =
            |date| carriers.iter().flat_map(|carrier| &carrier.networks).filter(|n| n.source.date == date).count();
        assert_eq!((networks(debian.date), networks(npm.date)), (984, 3094));
        assert_eq!(carriers.iter().map(|carrier| carrier.apns.len()).sum::<usize>(), 1304);
    }
}
