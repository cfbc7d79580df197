//! `cargo xtask licences`: every dependency has a licence that deny.toml allows and comes from where it allows.
//!
//! It reads the same deny.toml as cargo-deny, so that either tool can be used, and needs nothing to be installed.

use anyhow::Context;
use cargo_metadata::{MetadataCommand, Package};
use toml::{Table, Value};

/// What every crate of this workspace is under.
const OURS: &str = "MIT OR Apache-2.0";

pub(crate) fn run() -> anyhow::Result<()> {
    let policy = Policy::parse(&read("deny.toml")?).context("deny.toml")?;
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
    // All platforms and the fuzz targets too: whatever a lock file names can be built by somebody.
    for lock in ["Cargo.lock", "fuzz/Cargo.lock"] {
        complaints.extend(policy.check_lock(lock, &read(lock)?)?);
    }
    for package in metadata.packages.iter().filter(|package| package.source.is_none()) {
        complaints.extend(wildcards(package));
    }
    crate::report(&complaints, &format!("licences: {} packages keep deny.toml", packages.len()))
}

fn read(name: &str) -> anyhow::Result<String> {
    std::fs::read_to_string(crate::root().join(name)).context(name.to_owned())
}

/// The part of deny.toml that is checked here.
struct Policy {
    /// Crates that no lock file may name.
    banned: Vec<String>,
    allow: Vec<String>,
    exceptions: Vec<(String, Vec<String>)>,
    registries: Vec<String>,
}

impl Policy {
    fn parse(text: &str) -> anyhow::Result<Self> {
        let table: Table = text.parse()?;
        let licenses = table.get("licenses").and_then(Value::as_table).context("[licenses] is missing")?;
        let sources = table.get("sources").and_then(Value::as_table).context("[sources] is missing")?;
        let bans = table.get("bans").and_then(Value::as_table).context("[bans] is missing")?;
        let banned = bans.get("deny").and_then(Value::as_array).context("[bans] without `deny`")?;
        let banned = banned.iter().map(|value| {
            let name = value.get("crate").and_then(Value::as_str).context("[bans] denies something without `crate`")?;
            anyhow::Ok(name.to_owned())
        });
        let exceptions = licenses.get("exceptions").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let exception = |value: &Value| {
            let table = value.as_table().context("[[licenses.exceptions]]")?;
            let name = table.get("crate").and_then(Value::as_str).context("an exception without `crate`")?;
            anyhow::Ok((name.to_owned(), strings(table, "allow")?))
        };
        Ok(Self {
            banned: banned.collect::<Result<_, _>>()?,
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

    /// The banned crates that a lock file names, and what comes from elsewhere than the allowed registries.
    fn check_lock(&self, lock: &str, text: &str) -> anyhow::Result<Vec<String>> {
        let table: Table = text.parse().context(lock.to_owned())?;
        let packages =
            table.get("package").and_then(Value::as_array).with_context(|| format!("{lock}: no packages"))?;
        let complaint = |package: &Value| {
            let name = package.get("name").and_then(Value::as_str).unwrap_or_default();
            let source = package.get("source").and_then(Value::as_str);
            let allowed = |source: &str| {
                let index = source.strip_prefix("registry+").or(source.strip_prefix("sparse+"));
                index.is_some_and(|index| self.registries.iter().any(|allowed| allowed == index))
            };
            if self.banned.iter().any(|banned| banned == name) {
                Some(format!("{lock}: {name} is banned"))
            } else {
                let source = source.filter(|source| !allowed(source))?;
                Some(format!("{lock}: {name} comes from {source}"))
            }
        };
        Ok(packages.iter().filter_map(complaint).collect())
    }

    fn allows(&self, name: &str, licence: &str) -> bool {
        let has = |list: &[String]| list.iter().any(|allowed| allowed == licence);
        has(&self.allow) || self.exceptions.iter().any(|(exception, allow)| exception == name && has(allow))
    }
}

/// The dependencies of one of our crates, other than on each other, that take any version.
fn wildcards(package: &Package) -> Vec<String> {
    let any = |requirement: String| requirement == "*";
    let free =
        package.dependencies.iter().filter(|dependency| dependency.path.is_none() && any(dependency.req.to_string()));
    free.map(|dependency| format!("{} -> {}: takes any version", package.name, dependency.name)).collect()
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
        [bans]
        deny = [{ crate = "evil" }]
    "#;

    #[test]
    fn a_lock_file_names_no_banned_crate_and_no_foreign_source() {
        let policy = Policy::parse(POLICY).unwrap();
        let lock = r#"
            [[package]]
            name = "ours"
            [[package]]
            name = "good"
            source = "registry+https://example.com/index"
            [[package]]
            name = "evil"
            source = "registry+https://example.com/index"
            [[package]]
            name = "odd"
            source = "git+https://example.com/odd"
        "#;
        let complaints = policy.check_lock("Cargo.lock", lock).unwrap();
        assert_eq!(
            complaints,
            ["Cargo.lock: evil is banned", "Cargo.lock: odd comes from git+https://example.com/odd"]
        );
        assert!(policy.check_lock("Cargo.lock", "version = 4").is_err());
    }

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
