//! `cargo xtask carriers`: makes the lists of the carrier directory from what others publish, for rsp-operator to embed.
//!
//! Run by hand when a list has a new version, and the difference read: neither the build nor the tests need the network.
//! What is written depends on the two inputs alone.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use roxmltree::{Document, Node, ParsingOptions};
use serde::Deserialize;

/// Where the lists lie.
const DIRECTORY: &str = "crates/rsp-operator/data/carriers";
/// From Debian's package.
const PROVIDERS: &str = "mobile-broadband-provider-info.tsv";
/// From the npm package, with its licence beside it.
const NETWORKS: &str = "mcc-mnc-list.tsv";
const NOTICE: &str = "mcc-mnc-list.LICENCE";

/// Versions of the npm package whose date is known, as the registry has it: the package itself does not say.
const NPM_DATES: &[(&str, &str)] = &[("1.1.11", "2024-12-13")];

/// Where the npm package has its rows from, and their licence.
const WIKIPEDIA: &str = "https://en.wikipedia.org/wiki/Mobile_country_code";
const CC_BY_SA: &str = "https://creativecommons.org/licenses/by-sa/4.0/";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// serviceproviders.xml of Debian's package mobile-broadband-provider-info.
    #[arg(long, value_name = "FILE", default_value = "/usr/share/mobile-broadband-provider-info/serviceproviders.xml")]
    mbpi: PathBuf,
    /// The version of that package, which is the date of the list.
    #[arg(long, value_name = "YYYYMMDD", default_value = "20230416")]
    mbpi_version: String,
    /// The npm package mcc-mnc-list, unpacked: `npm pack mcc-mnc-list@VERSION && tar xf mcc-mnc-list-VERSION.tgz`.
    #[arg(long, value_name = "DIR")]
    npm: PathBuf,
    /// Write nothing: fail when the lists are not what would be written.
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let read = |path: &Path| std::fs::read_to_string(path).with_context(|| path.display().to_string());
    let package: Package = serde_json::from_str(&read(&args.npm.join("package.json"))?).context("package.json")?;
    ensure!(package.name == "mcc-mnc-list", "{}: is {}", args.npm.display(), package.name);
    let providers = providers(&read(&args.mbpi)?, &args.mbpi_version)?;
    let networks = networks(&read(&args.npm.join("mcc-mnc-list.json"))?, &package.version)?;
    let notice = notice(&package.version, &read(&args.npm.join("LICENSE"))?);
    let directory = crate::root().join(DIRECTORY);
    let mut complaints = Vec::new();
    for (name, text) in [(PROVIDERS, providers), (NETWORKS, networks), (NOTICE, notice)] {
        let path = directory.join(name);
        if !args.check {
            std::fs::write(&path, text).with_context(|| path.display().to_string())?;
        } else if read(&path)? != text {
            complaints.push(format!("{DIRECTORY}/{name}: not what these inputs give"));
        }
    }
    crate::report(&complaints, "carriers: the lists are as their sources")
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
}

/// The providers of Debian's list: one on a line, in the list's order.
fn providers(xml: &str, version: &str) -> anyhow::Result<String> {
    ensure!(version.len() == 8 && version.bytes().all(|b| b.is_ascii_digit()), "{version:?} is no YYYYMMDD");
    let date = format!("{}-{}-{}", &version[..4], &version[4..6], &version[6..]);
    // The DTD is named and not read.
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    let document = Document::parse_with_options(xml, options).context("serviceproviders.xml")?;
    let mut text = format!(
        "# mobile-broadband-provider-info {version}, as Debian packages it. Public domain.\n\
         # date: {date}\n\
         # Left out: user names, passwords, name servers, MMS and balance settings. APN: name,uses,plans.\n\
         # country\tcountry name\tname\ttechnologies\tnetworks\tAPNs\n"
    );
    for country in elements(document.root_element(), "country") {
        let code = country.attribute("code").context("a country without code")?.to_ascii_uppercase();
        let country_name = name(country)?;
        for provider in elements(country, "provider") {
            let line = provider_line(provider).with_context(|| format!("{code}: {:?}", name(provider)))?;
            writeln!(text, "{code}\t{country_name}\t{line}")?;
        }
    }
    Ok(text)
}

fn provider_line(provider: Node<'_, '_>) -> anyhow::Result<String> {
    let technologies: Vec<_> =
        ["gsm", "cdma"].into_iter().filter(|kind| elements(provider, kind).next().is_some()).collect();
    let mut networks = Vec::new();
    let mut apns = Vec::new();
    for gsm in elements(provider, "gsm") {
        for network in elements(gsm, "network-id") {
            let (mcc, mnc) = (network.attribute("mcc"), network.attribute("mnc"));
            let (mcc, mnc) = mcc.zip(mnc).context("a network without MCC or MNC")?;
            ensure!(is_plmn(mcc, mnc), "no MCC and MNC: {mcc:?}, {mnc:?}");
            networks.push(format!("{mcc}-{mnc}"));
        }
        for apn in elements(gsm, "apn") {
            let value = field(apn.attribute("value").context("an APN without value")?)?;
            let types = |tag| {
                let types: Vec<_> = elements(apn, tag).filter_map(|node| node.attribute("type")).collect();
                types.join("+")
            };
            ensure!(!value.contains([';', ',']), "{value:?} holds a separator");
            apns.push(format!("{value},{},{}", types("usage"), types("plan")));
        }
    }
    let name = name(provider)?;
    Ok(format!("{name}\t{}\t{}\t{}", technologies.join(" "), networks.join(" "), apns.join(";")))
}

fn elements<'a, 'input>(
    parent: Node<'a, 'input>,
    tag: &'static str,
) -> impl Iterator<Item = Node<'a, 'input>> + use<'a, 'input> {
    parent.children().filter(move |node| node.has_tag_name(tag))
}

/// The name without a language; others repeat it in one.
fn name(node: Node<'_, '_>) -> anyhow::Result<String> {
    let plain = |name: &Node<'_, '_>| name.attributes().next().is_none();
    let name = elements(node, "name").find(plain).or_else(|| elements(node, "name").next());
    field(name.and_then(|name| name.text()).context("without name")?)
}

/// A value as it may stand between tabs.
fn field(text: &str) -> anyhow::Result<String> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().any(char::is_control) { bail!("{text:?} holds a control character") } else { Ok(text) }
}

fn is_plmn(mcc: &str, mnc: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    mcc.len() == 3 && (2..=3).contains(&mnc.len()) && digits(mcc) && digits(mnc)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    #[serde(rename = "type")]
    kind: String,
    country_name: Option<String>,
    country_code: Option<String>,
    mcc: String,
    mnc: String,
    brand: Option<String>,
    operator: Option<String>,
    status: Option<String>,
}

/// The rows of the npm list: one on a line, in the list's order.
fn networks(json: &str, version: &str) -> anyhow::Result<String> {
    let dated = NPM_DATES.iter().find(|(known, _)| *known == version);
    let (_, date) = dated.with_context(|| format!("{version}: add its date, see `npm view mcc-mnc-list time`"))?;
    let rows: Vec<Row> = serde_json::from_str(json).context("mcc-mnc-list.json")?;
    let mut text = format!(
        "# mcc-mnc-list {version} (npm), rows of Wikipedia. Licence: {NOTICE}.\n\
         # date: {date}\n\
         # Left out: bands and notes.\n\
         # kind\tcountries\tcountry name\tMCC\tMNC\tbrand\toperator\tstatus\n"
    );
    for row in rows {
        let cells = [
            Some(&row.kind),
            row.country_code.as_ref(),
            row.country_name.as_ref(),
            Some(&row.mcc),
            Some(&row.mnc),
            row.brand.as_ref(),
            row.operator.as_ref(),
            row.status.as_ref(),
        ];
        let cells = cells.map(|cell| cell.map_or(Ok(String::new()), |cell| field(cell)));
        let cells = cells.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
        writeln!(text, "{}", cells.join("\t"))?;
    }
    Ok(text)
}

/// Under what the rows may be passed on.
fn notice(version: &str, licence: &str) -> String {
    let licence: Vec<_> = licence.lines().map(str::trim_end).collect();
    format!(
        "{NETWORKS} holds rows of the npm package mcc-mnc-list {version}, without the columns bands and notes.\n\
         \n\
         The rows come from Wikipedia, \"Mobile country code\" and the pages of its regions ({WIKIPEDIA}), whose text is by its\n\
         contributors and under Creative Commons Attribution-ShareAlike 4.0 ({CC_BY_SA}). Whoever passes {NETWORKS} on, changed or\n\
         not, does so under the same licence. No other file of this project holds any of it.\n\
         \n\
         The package itself:\n\
         \n\
         {}\n",
        licence.join("\n").trim_end()
    )
}

#[cfg(test)]
mod tests {
    use super::{networks, providers};

    const XML: &str = r#"<?xml version="1.0"?><!DOCTYPE serviceproviders SYSTEM "serviceproviders.2.dtd">
        <serviceproviders format="2.0"><country code="zz"><name>Nowhere</name>
        <provider><name xml:lang="de">Eins</name><name>One	 &amp; Only</name><gsm><network-id mcc="001" mnc="01"/>
        <network-id mcc="001" mnc="002"/><apn value="internet "><plan type="prepaid"/><usage type="internet"/></apn>
        <apn value="mms"/></gsm></provider><provider><name>Two</name><cdma><sid value="1"/></cdma></provider></country>
        </serviceproviders>"#;

    #[test]
    fn a_provider_is_a_line_and_the_same_each_time() {
        let text = providers(XML, "20230416").unwrap();
        let lines: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
        let one = "ZZ\tNowhere\tOne & Only\tgsm\t001-01 001-002\tinternet,internet,prepaid;mms,,";
        assert_eq!(lines, [one, "ZZ\tNowhere\tTwo\tcdma\t\t"]);
        assert!(text.contains("# date: 2023-04-16\n"));
        assert_eq!(providers(XML, "20230416").unwrap(), text);
        assert!(providers(&XML.replace("mnc=\"01\"", "mnc=\"x\""), "20230416").is_err());
        assert!(providers(XML, "2023").is_err());
    }

    #[test]
    fn a_row_is_a_line_and_a_version_without_a_date_is_refused() {
        let json = r#"[{"type":"National","countryName":"A","countryCode":"AA/BB","mcc":"001","mnc":"01","brand":null,
            "operator":"O\tO","status":"Operational","bands":"x","notes":null}]"#;
        let text = networks(json, "1.1.11").unwrap();
        assert_eq!(text.lines().last(), Some("National\tAA/BB\tA\t001\t01\t\tO O\tOperational"));
        assert_eq!(networks(json, "1.1.11").unwrap(), text);
        assert!(networks(json, "9.9.9").is_err());
    }
}
