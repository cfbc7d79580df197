//! `openrsp smdp export`: the file with which another server becomes the same as this one.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use rsp_asn1::{IconType, OperatorId, PprIds, ProfileClass, StoreMetadataRequest};
use rsp_crypto::Zeroizing;
use rsp_saip::{ProfilePackage, lint};
use rsp_smdp::Orders;
use rsp_store::{Operator, Profile, ProfileState, ProfileType, SubscriberInStock};
use serde_json::json;
use toml::Value;

use crate::exit::{Exit, Failure};
use crate::smdp::import::EVENTS;
use crate::smdp::{bad_input, failure};
use crate::system::{create_private_dir, write_private};

/// Name of the file in the directory.
const FILE: &str = "lab.toml";

const HEADER: &str = "\
# The set-up of an OpenRSP SM-DP+, for: openrsp smdp load lab.toml
#
# Operators are known by the SHA-256 of their certificates; their keys are theirs. The server keeps no confirmation code,
# only its hash: load makes new codes and prints them. The packages and subscriber files beside this file hold keys.
";

/// Write the whole set-up of the server as a file that `openrsp smdp load` takes on another one.
///
/// DIR gets lab.toml, the profile packages, icons and files of subscribers. Packages and files of subscribers hold keys: the
/// directory is its owner's alone. Confirmation codes cannot be exported, for the server keeps only their hashes: the other
/// server makes new ones and prints them. Orders of a template get new identities there, unless it has a range of ICCIDs and
/// a stock of subscribers.
#[derive(Args)]
pub(in crate::smdp) struct ExportArgs {
    /// A new directory.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

pub(in crate::smdp) async fn run(orders: &Orders, args: &ExportArgs, json: bool) -> anyhow::Result<()> {
    if args.out.exists() {
        return Err(bad_input(format!("{}: exists already; give a new directory", args.out.display())));
    }
    create_private_dir(&args.out)?;
    let mut export = Export { orders, dir: &args.out, text: HEADER.to_owned(), icons: 0, codes: 0, copies: 0 };
    let store = orders.store();
    for operator in store.operators().await? {
        export.operator(&operator);
    }
    let profiles = store.profiles().await?;
    let types = store.profile_types().await?;
    for (number, found) in types.iter().enumerate() {
        let own: Vec<_> = profiles.iter().filter(|profile| profile.profile_type == found.name).collect();
        if found.template {
            export.template(number + 1, found, &own).await?;
        } else {
            export.inventory(number + 1, found, &own).await?;
        }
    }
    let ordered: Vec<_> = profiles.iter().filter(|profile| profile.state != ProfileState::Available).collect();
    for profile in &ordered {
        export.order(profile, types.iter().find(|found| found.name == profile.profile_type));
    }
    let file = args.out.join(FILE);
    write_private(&file, export.text.as_bytes())?;
    if export.codes > 0 {
        eprintln!("confirmation codes cannot be exported ({}): load makes new ones and prints them", export.codes);
    }
    if export.copies > 0 {
        eprintln!("{} orders of templates without range or stock get new ICCIDs or subscribers", export.copies);
    }
    if json {
        println!("{}", json!({ "file": file, "types": types.len(), "orders": ordered.len() }));
    } else {
        println!("{}", file.display());
    }
    Ok(())
}

/// The file as far as it is written.
struct Export<'a> {
    orders: &'a Orders,
    dir: &'a Path,
    text: String,
    icons: usize,
    /// Orders whose confirmation code is not known here.
    codes: usize,
    /// Orders of templates whose copies will be others.
    copies: usize,
}

impl Export<'_> {
    fn table(&mut self, name: &str) {
        // Writing to a String does not fail.
        let _ = writeln!(self.text, "\n[[{name}]]");
    }

    fn set(&mut self, key: &str, value: impl Into<Value>) {
        let _ = writeln!(self.text, "{key} = {}", value.into());
    }

    fn set_text(&mut self, key: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.set(key, value);
        }
    }

    fn operator(&mut self, operator: &Operator) {
        self.table("operator");
        self.set("name", operator.name.as_str());
        self.set("certificate_sha256", hex::encode(operator.certificate));
        self.set_text("endpoint", operator.endpoint.as_deref());
        self.set_text("iccid_prefix", Some(operator.iccid_prefix.as_str()).filter(|prefix| !prefix.is_empty()));
        self.set_text("imsi_prefix", Some(operator.imsi_prefix.as_str()).filter(|prefix| !prefix.is_empty()));
    }

    fn type_head(&mut self, found: &ProfileType) {
        self.table("type");
        self.set("name", found.name.as_str());
        self.set_text("operator", found.operator.as_deref());
        if found.closed {
            self.set("closed", true);
        }
    }

    /// A template with what was taken from it put back, so that the same orders take the same again.
    async fn template(&mut self, number: usize, found: &ProfileType, copies: &[&Profile]) -> anyhow::Result<()> {
        let name = found.name.clone();
        let package = self.orders.store().run_tx("export template", move |tx| tx.template(&name)).await;
        let package = package?.ok_or_else(|| missing("template", &found.name))?;
        let file = format!("type-{number}.der");
        write_private(&self.dir.join(&file), &package)?;
        let ordered: Vec<_> =
            copies.iter().copied().filter(|profile| profile.state != ProfileState::Available).collect();
        self.type_head(found);
        self.set("package", file);
        self.allow(is_open(&package));
        self.set("template", true);
        if let Some((next, last)) = found.iccids {
            let first = first_given(next, &ordered);
            if first <= last {
                self.set("iccids", format!("{first}-{last}"));
            }
        }
        if found.stocked {
            self.stock(number, found, &ordered).await?;
        }
        if found.iccids.is_none() || !found.stocked {
            self.copies += ordered.len();
        }
        self.metadata(&found.metadata)
    }

    async fn stock(&mut self, number: usize, found: &ProfileType, ordered: &[&Profile]) -> anyhow::Result<()> {
        let store = self.orders.store();
        let mut lines = Zeroizing::new("imsi,k,opc\n".to_owned());
        for profile in ordered {
            if let Some(taken) = store.subscriber(&profile.iccid).await? {
                line(&mut lines, &SubscriberInStock { imsi: taken.imsi, keys: taken.keys });
            }
        }
        for waiting in store.waiting_subscribers(&found.name).await? {
            line(&mut lines, &waiting);
        }
        let file = format!("type-{number}.csv");
        write_private(&self.dir.join(&file), lines.as_bytes())?;
        self.set("subscribers", file);
        Ok(())
    }

    /// The packages of an inventory, those with the same metadata in one table.
    async fn inventory(&mut self, number: usize, found: &ProfileType, profiles: &[&Profile]) -> anyhow::Result<()> {
        let mut alike: BTreeMap<(Vec<u8>, bool), Vec<Value>> = BTreeMap::new();
        for profile in profiles {
            let package = self.orders.store().package(&profile.iccid).await?;
            let package = package.ok_or_else(|| missing("package", &profile.iccid.to_string()))?;
            let file = format!("type-{number}-{}.der", profile.iccid);
            write_private(&self.dir.join(&file), &package)?;
            // The ICCID is the package's own.
            let mut metadata = decode(&profile.metadata)?;
            metadata.iccid = rsp_asn1::Iccid([0; 10]);
            alike.entry((rsp_asn1::encode(&metadata)?, is_open(&package))).or_default().push(file.into());
        }
        for ((metadata, open), files) in alike {
            self.type_head(found);
            self.set("package", files);
            self.allow(open);
            self.metadata(&metadata)?;
        }
        Ok(())
    }

    /// What was let in is let in again.
    fn allow(&mut self, open: bool) {
        if open {
            self.set("allow_published_keys", true);
        }
    }

    fn metadata(&mut self, metadata: &[u8]) -> anyhow::Result<()> {
        let metadata = decode(metadata)?;
        let _ = writeln!(self.text, "[type.metadata]");
        self.set_text("spn", Some(&metadata.service_provider_name));
        self.set_text("name", Some(&metadata.profile_name));
        if let Some(icon) = &metadata.icon {
            self.icons += 1;
            let kind = if metadata.icon_type == Some(IconType::JPG) { "jpg" } else { "png" };
            let file = format!("icon-{}.{kind}", self.icons);
            write_private(&self.dir.join(&file), icon)?;
            self.set("icon", file);
        }
        match metadata.profile_class {
            ProfileClass::TEST => self.set("class", "test"),
            ProfileClass::PROVISIONING => self.set("class", "provisioning"),
            _ => {}
        }
        if let Some(rules) = &metadata.profile_policy_rules {
            let names = [(PprIds::PPR1, "ppr1"), (PprIds::PPR2, "ppr2")];
            let names = names.into_iter().filter(|(bit, _)| rules.contains(*bit)).map(|(_, name)| name.into());
            self.set("ppr", names.collect::<Vec<Value>>());
        }
        if let Some(owner) = &metadata.profile_owner {
            self.set("owner", digits(owner));
        }
        let notify = metadata.notification_configuration_info.iter().flatten().flat_map(|entry| {
            let events = EVENTS.iter().filter(|(_, bit)| entry.profile_management_operation.contains(*bit));
            events.map(|(word, _)| Value::from(format!("{word}={}", entry.notification_address)))
        });
        let notify: Vec<Value> = notify.collect();
        if !notify.is_empty() {
            self.set("notify", notify);
        }
        Ok(())
    }

    fn order(&mut self, profile: &Profile, profile_type: Option<&ProfileType>) {
        self.table("order");
        self.set("type", profile.profile_type.as_str());
        if profile_type.is_none_or(|found| !found.template) {
            self.set("iccid", profile.iccid.to_string());
        } else {
            let _ = writeln!(self.text, "# was {}", profile.iccid);
        }
        self.set_text("eid", profile.eid.map(|eid| eid.to_string()).as_deref());
        self.set("state", profile.state.as_str());
        if matches!(profile.state, ProfileState::Allocated | ProfileState::Linked) {
            return;
        }
        // An order that was cancelled has none any more.
        if let Some(matching_id) = &profile.matching_id {
            self.set("matching_id", if profile.unnamed { "" } else { matching_id });
        }
        self.set_text("smds", profile.smds_address.as_deref());
        self.set("policy", profile.policy.as_str());
        if profile.confirmation_code.is_some() {
            self.codes += 1;
            self.set("confirmation_code", "auto");
        }
        self.set_text("expires_at", profile.expires_at.map(|at| at.to_string()).as_deref());
        let limits = [("downloads", profile.download_limit), ("code_tries", profile.confirmation_limit)];
        let tries = [("download_tries", profile.download_tries), ("confirmation_tries", profile.confirmation_tries)];
        let tries = tries.map(|(key, count)| (key, Some(count).filter(|count| *count > 0)));
        for (key, number) in limits.into_iter().chain(tries) {
            if let Some(number) = number {
                self.set(key, i64::from(number));
            }
        }
    }
}

/// Whether a package is taken only if that is allowed.
fn is_open(package: &[u8]) -> bool {
    ProfilePackage::from_der(package).is_ok_and(|package| !lint::findings(&package).is_empty())
}

/// Where a range began that gave these copies their ICCIDs, as far as none was left out.
fn first_given(next: u64, copies: &[&Profile]) -> u64 {
    let without_check_digit = |profile: &&Profile| {
        let mut digits = profile.iccid.to_string();
        digits.pop();
        digits.parse::<u64>().ok()
    };
    let given: std::collections::BTreeSet<u64> = copies.iter().filter_map(without_check_digit).collect();
    let mut first = next;
    while first.checked_sub(1).is_some_and(|before| given.contains(&before)) {
        first -= 1;
    }
    first
}

/// Adds a subscriber to a file of them.
fn line(lines: &mut Zeroizing<String>, subscriber: &SubscriberInStock) {
    let (key, opc) = subscriber.keys.split_at(16);
    let (key, opc) = (Zeroizing::new(hex::encode(key)), Zeroizing::new(hex::encode(opc)));
    for part in [subscriber.imsi.as_str(), ",", &key, ",", &opc, "\n"] {
        lines.push_str(part);
    }
}

/// MCC and MNC as digits; see 3GPP TS 24.008.
fn digits(owner: &OperatorId) -> String {
    let nibbles: Vec<u8> = owner.mcc_mnc.iter().flat_map(|byte| [byte & 0xF, byte >> 4]).collect();
    let ordered = [0, 1, 2, 4, 5, 3].into_iter().filter_map(|index| nibbles.get(index));
    ordered.filter(|digit| **digit < 10).map(|digit| char::from(b'0' + digit)).collect()
}

fn decode(metadata: &[u8]) -> anyhow::Result<StoreMetadataRequest> {
    rsp_asn1::decode(metadata).map_err(|_| failure(rsp_smdp::Error::Damaged("metadata")))
}

fn missing(what: &str, of: &str) -> anyhow::Error {
    Failure::new(Exit::Failed, format!("the {what} of {of} is not in the database"))
}

#[cfg(test)]
mod tests {
    use rsp_asn1::{OctetString, OperatorId, Unknown};

    use super::digits;

    #[test]
    fn an_owner_is_read_as_it_was_written() {
        for (coded, expected) in [([0x00, 0xF1, 0x10], "00101"), ([0x13, 0x00, 0x14], "310410")] {
            let mcc_mnc = OctetString::from(coded.to_vec());
            let owner = OperatorId { mcc_mnc, gid1: None, gid2: None, unknown: Unknown::default() };
            assert_eq!(digits(&owner), expected);
        }
    }
}
