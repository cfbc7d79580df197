//! `cargo xtask licences`: every dependency has a licence that deny.toml allows and comes from where it allows.
//!
//! It reads the same deny.toml as cargo-deny, so that either tool can be used, and needs nothing to be installed.

use anyhow::Context;
use cargo_metadata::{MetadataCommand, Package};
use toml::{Table, Value};

/// What every crate of this workspace is under.
const OURS: &str = "MIT OR Apache-2.0";

pub(crate) fn run() -> anyhow::Result<()> {
    let path = crate::root().join("deny.toml");
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let policy = Policy::parse(&text).context("deny.toml")?;
    let host = format!("--filter-platform={}-unknown-linux-gnu", std::env::consts::ARCH);
    let metadata = MetadataCommand::new()
        .manifest_path(crate::root().join("Cargo.toml"))
        .other_options(vec!["--locked".to_owned(), host])
        .exec()?;
    let used = metadata.resolve.context("cargo metadata gives no resolution")?.nodes;
    let packages: Vec<&Package> =
        metadata.packages.iter().filter(|package| used.iter().any(|node| node.id == package.id)).collect();
    let mut complaints: Vec<String> = packages.iter().filter_map(|package| policy.check(package)).collect();
    complaints.extend(check_files());
    crate::report(&complaints, &format!("licences: {} packages keep deny.toml", packages.len()))
}

/// The part of deny.toml that is checked here.
struct Policy {
    allow: Vec<String>,
    exceptions: Vec<(String, Vec<String>)>,
    registries: Vec<String>,
}

impl Policy {
    fn parse(text: &str) -> anyhow::Result<Self> {
        let table: Table = text.parse()?;
        let licenses = table.get("licenses").and_then(Value::as_table).context("[licenses] is missing")?;
        let sources = table.get("sources").and_then(Value::as_table).context("[sources] is missing")?;
        let exceptions = licenses.get("exceptions").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let exception = |value: &Value| {
            let table = value.as_table().context("[[licenses.exceptions]]")?;
            let name = table.get("crate").and_then(Value::as_str).context("an exception without `crate`")?;
            anyhow::Ok((name.to_owned(), strings(table, "allow")?))
        };
        Ok(Self {
            allow: strings(licenses, "allow")?,
            exceptions: exceptions.iter().map(exception).collect::<Result<_, _>>()?,
            registries: strings(sources, "allow-registry")?,
        })
    }

    fn check(&self, package: &Package) -> Option<String> {
        let name = format!("{} {}", package.name, package.version);
        let licence = package.license.as_deref().unwrap_or("");
        let Some(source) = &package.source else {
            return (licence != OURS).then(|| format!("{name}: licence {licence:?}, ours is {OURS:?}"));
        };
        let index = source.repr.strip_prefix("registry+").or(source.repr.strip_prefix("sparse+"));
        if !index.is_some_and(|index| self.registries.iter().any(|allowed| allowed == index)) {
            return Some(format!("{name}: comes from {}", source.repr));
        }
        match crate::spdx::satisfied(licence, &|one| self.allows(package.name.as_str(), one)) {
            Some(true) => None,
            Some(false) => Some(format!("{name}: licence {licence:?} is not allowed")),
            None => Some(format!("{name}: licence {licence:?} cannot be read")),
        }
    }

    fn allows(&self, name: &str, licence: &str) -> bool {
        let has = |list: &[String]| list.iter().any(|allowed| allowed == licence);
        has(&self.allow) || self.exceptions.iter().any(|(exception, allow)| exception == name && has(allow))
    }
}

/// The texts of our own licences are part of every copy.
fn check_files() -> Vec<String> {
    let mut files = vec!["LICENSE-MIT", "LICENSE-APACHE"];
    files.retain(|name| !crate::root().join(name).is_file());
    files.iter().map(|name| format!("{name} is missing")).collect()
}

fn strings(table: &Table, key: &str) -> anyhow::Result<Vec<String>> {
    let array = table.get(key).and_then(Value::as_array).with_context(|| format!("`{key}` is missing"))?;
    let string = |value: &Value| value.as_str().map(str::to_owned).with_context(|| format!("`{key}`: not a string"));
    array.iter().map(string).collect()
}

#[cfg(test)]
mod tests {
    use super::Policy;

    const POLICY: &str = r#"
        [licenses]
        allow = ["MIT"]
        exceptions = [{ crate = "odd", allow = ["Zlib"] }]
        [sources]
        allow-registry = ["https://example.com/index"]
    "#;

    #[test]
    fn an_exception_is_for_one_crate() {
        let policy = Policy::parse(POLICY).unwrap();
        assert!(policy.allows("any", "MIT"));
        assert!(policy.allows("odd", "Zlib"));
        assert!(!policy.allows("any", "Zlib"));
    }

    #[test]
    fn refuses_a_policy_without_its_lists() {
        assert!(Policy::parse("[licenses]\nallow = []").is_err());
        assert!(Policy::parse("").is_err());
    }
}
