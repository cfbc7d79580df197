//! `openrsp carrier`: what is known of the world's carriers, and from where.

use std::collections::BTreeSet;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use rsp_es::printable::printable;
use rsp_operator::carriers::{Apn, Carrier, Directory, Network, Source, Sourced};
use serde_json::{Value, json};

use crate::exit::{Exit, Failure};

/// Longest text of a command line that a message repeats, in characters.
const MAX_TEXT: usize = 64;

/// Look carriers up: networks, APNs, and SM-DP+ addresses where one is published.
///
/// The directory is part of the program and nothing is asked of anybody. It joins two published lists (Debian's
/// mobile-broadband-provider-info, npm's mcc-mnc-list) with addresses that somebody published; each field says which of them
/// it is from, and of what date. What no source says is unknown.
#[derive(Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct CarrierArgs {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLE: &str = "\
Examples:
  openrsp carrier list --country DE
  openrsp carrier search vodafone
  openrsp carrier search 262-02
  openrsp carrier show Verizon --json

Exit codes: 0 found, 1 nothing found, 2 wrong usage, 3 no country of this code, or more than one carrier of this name.";

#[derive(Subcommand)]
enum Command {
    /// All carriers, or those of a country, one a line.
    List {
        #[command(flatten)]
        place: Place,
    },
    /// Carriers by a part of their name or company, by mobile country code, or by MCC and MNC.
    Search {
        /// A part of a name, `262`, `26202` or `262-02`.
        text: String,
        #[command(flatten)]
        place: Place,
    },
    /// Everything that is known of one carrier, and from where.
    Show {
        /// Its name; blanks, punctuation and case do not matter.
        name: String,
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Args)]
struct Place {
    /// Only carriers of this country: its two letters, such as DE.
    #[arg(long, value_name = "CC")]
    country: Option<String>,
}

impl Place {
    fn country(&self) -> Option<&str> {
        self.country.as_deref()
    }

    /// A mistyped country is no country without carriers.
    fn check(&self, directory: &Directory) -> anyhow::Result<()> {
        if directory.of_country(self.country()).next().is_some() {
            return Ok(());
        }
        let country = printable(self.country().unwrap_or_default(), MAX_TEXT);
        Err(Failure::new(Exit::Input, format!("--country {country}: no carrier of the directory is there")))
    }
}

/// Runs one command.
pub(crate) fn run(args: CarrierArgs, json: bool) -> anyhow::Result<ExitCode> {
    let directory = Directory::embedded();
    match args.command {
        Command::List { place } => {
            place.check(directory)?;
            print_all(directory.of_country(place.country()), json);
        }
        Command::Search { text, place } => {
            place.check(directory)?;
            let found = directory.search(&text, place.country());
            if found.is_empty() {
                return Err(nothing(&text));
            }
            print_all(found.into_iter(), json);
        }
        Command::Show { name, place } => {
            place.check(directory)?;
            let found: Vec<_> = directory.named(&name, place.country()).collect();
            match found.as_slice() {
                [] => return Err(nothing(&name)),
                [one] if json => println!("{}", describe(one)),
                [one] => show(one),
                many => {
                    let countries: BTreeSet<_> = many
                        .iter()
                        .filter_map(|it| it.countries().first())
                        .collect::<Vec<_>>()
                        .iter()
                        .map(|it| it.value)
                        .collect();
                    let countries: Vec<_> = countries.into_iter().collect();
                    let (name, countries) = (printable(&name, MAX_TEXT), countries.join(", "));
                    let problem = format!("{name}: there is one in each of {countries}; say which with --country");
                    return Err(Failure::new(Exit::Input, problem));
                }
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn nothing(text: &str) -> anyhow::Error {
    Failure::new(Exit::Failed, format!("{}: no carrier of the directory", printable(text, MAX_TEXT)))
}

/// A line for each: country, name, networks, and where its SM-DP+ is.
fn print_all<'a>(carriers: impl Iterator<Item = &'a Carrier>, json: bool) {
    for carrier in carriers {
        if json {
            println!("{}", describe(carrier));
            continue;
        }
        let country = carrier.countries().first().map_or("-", |country| country.value);
        println!("{country}\t{}\t{}\t{}", carrier.name(), plmns(carrier).join(" "), addresses(carrier).join(" "));
    }
}

/// Each network once, whichever lists have it.
fn plmns(carrier: &Carrier) -> Vec<String> {
    let plmns: BTreeSet<_> = carrier.networks().iter().map(|it| format!("{}-{}", it.mcc, it.mnc)).collect();
    plmns.into_iter().collect()
}

fn addresses(carrier: &Carrier) -> Vec<&str> {
    match carrier.smdp_addresses() {
        [] => vec!["unknown"],
        known => known.iter().map(|address| address.value).collect(),
    }
}

fn show(carrier: &Carrier) {
    let names = carrier.names().iter().map(|it| ("name", it.value.to_owned(), it.source));
    let countries = carrier.countries().iter().map(|it| ("country", it.value.to_owned(), it.source));
    let country_name = carrier.country_name().map(|it| ("country name", it.value.to_owned(), it.source));
    let networks = carrier.networks().iter().map(|it| {
        let more = [it.operator, it.status].into_iter().flatten().map(|more| format!(", {more}"));
        ("network", format!("{}-{}{}", it.mcc, it.mnc, more.collect::<String>()), it.source)
    });
    let apns = carrier.apns().iter().map(|it| {
        let more = [it.uses, it.plans].into_iter().filter(|it| !it.is_empty()).map(|more| format!(", {more}"));
        ("APN", format!("{}{}", it.name, more.collect::<String>()), it.source)
    });
    let smdp = carrier.smdp_addresses().iter().map(|it| ("SM-DP+", it.value.to_owned(), it.source));
    for (field, value, source) in names.chain(countries).chain(country_name).chain(networks).chain(apns).chain(smdp) {
        println!("{field:<13}{value}  [{source}]");
    }
    if carrier.smdp_addresses().is_empty() {
        println!("{:<13}unknown: nobody has published it", "SM-DP+");
    }
}

fn describe(carrier: &Carrier) -> Value {
    let from = |source: Source| json!({ "name": source.name, "date": source.date });
    let field = |it: &Sourced<&str>| json!({ "value": it.value, "source": from(it.source) });
    let network = |it: &Network| {
        json!({
            "mcc": it.mcc, "mnc": it.mnc, "operator": it.operator, "status": it.status, "source": from(it.source),
        })
    };
    let apn = |it: &Apn| {
        let words = |text: &str| text.split('+').filter(|it| !it.is_empty()).map(str::to_owned).collect::<Vec<_>>();
        json!({ "name": it.name, "uses": words(it.uses), "plans": words(it.plans), "source": from(it.source) })
    };
    json!({
        "carrier": carrier.name(),
        "names": carrier.names().iter().map(field).collect::<Vec<_>>(),
        "countries": carrier.countries().iter().map(field).collect::<Vec<_>>(),
        "country_name": carrier.country_name().as_ref().map(field),
        "networks": carrier.networks().iter().map(network).collect::<Vec<_>>(),
        "apns": carrier.apns().iter().map(apn).collect::<Vec<_>>(),
        "smdp": match carrier.smdp_addresses() {
            [] => Value::from("unknown"),
            known => Value::from(known.iter().map(field).collect::<Vec<_>>()),
        },
    })
}
