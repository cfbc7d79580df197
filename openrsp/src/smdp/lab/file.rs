//! What a set-up file holds, and where each of its tables stands.

use std::fmt;
use std::path::{Path, PathBuf};

use rsp_asn1::{Eid, Iccid};
use rsp_crypto::Zeroizing;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::{Spanned, Value};

use super::plan::AUTO;
use crate::smdp::import::{Class, NotifyArg, Ppr};
use crate::smdp::{bad_input, read};

/// A file, its tables in their order.
pub(super) struct LabFile {
    /// Where the paths in it begin.
    pub(super) dir: PathBuf,
    pub(super) operators: Vec<Entry<OperatorEntry>>,
    pub(super) types: Vec<Entry<TypeEntry>>,
    pub(super) orders: Vec<Entry<OrderEntry>>,
}

/// A table of the file.
pub(super) struct Entry<T> {
    pub(super) place: Place,
    pub(super) value: T,
}

/// Where a table stands. Shown as `lab.toml:12: [[order]] 3`, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    file: PathBuf,
    line: usize,
    table: &'static str,
    number: usize,
}

impl Place {
    /// What is wrong with a key of the table.
    pub(super) fn problem(&self, key: &str, problem: impl fmt::Display) -> anyhow::Error {
        bad_input(format!("{self}: {key}: {problem}"))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: [[{}]] {}", self.file.display(), self.line, self.table, self.number)
    }
}

/// `[[operator]]`: one of `certificate`, `certificate_sha256` and `issue`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OperatorEntry {
    pub(super) name: String,
    pub(super) certificate: Option<PathBuf>,
    pub(super) certificate_sha256: Option<String>,
    #[serde(default)]
    pub(super) issue: bool,
    pub(super) endpoint: Option<String>,
    #[serde(default)]
    pub(super) iccid_prefix: String,
    #[serde(default)]
    pub(super) imsi_prefix: String,
}

/// `[[type]]`: one of `package` and `builtin`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TypeEntry {
    pub(super) name: String,
    pub(super) operator: Option<String>,
    pub(super) package: Option<Packages>,
    pub(super) builtin: Option<Builtin>,
    #[serde(default)]
    pub(super) template: bool,
    pub(super) iccids: Option<String>,
    pub(super) subscribers: Option<Subscribers>,
    #[serde(default)]
    pub(super) closed: bool,
    #[serde(default)]
    pub(super) allow_published_keys: bool,
    #[serde(default)]
    pub(super) metadata: Metadata,
}

/// One package or several.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected the name of a file, or a list of names")]
pub(super) enum Packages {
    One(PathBuf),
    Many(Vec<PathBuf>),
}

/// Packages that the program makes.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Builtin {
    /// The one that `openrsp demo` sells.
    Demo,
}

/// A file of subscribers, or the subscribers.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected the name of a file, or a list of { imsi, k, opc }")]
pub(super) enum Subscribers {
    File(PathBuf),
    Inline(Vec<SubscriberEntry>),
}

/// A subscriber; K and OPc in hexadecimal.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SubscriberEntry {
    pub(super) imsi: String,
    pub(super) k: Secret,
    pub(super) opc: Secret,
}

/// `[type.metadata]`: what users see.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Metadata {
    pub(super) spn: Option<String>,
    pub(super) name: Option<String>,
    pub(super) icon: Option<PathBuf>,
    pub(super) class: Option<Class>,
    #[serde(default)]
    pub(super) ppr: Vec<Ppr>,
    pub(super) owner: Option<String>,
    #[serde(default)]
    pub(super) notify: Vec<NotifyArg>,
}

/// `[[order]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OrderEntry {
    #[serde(rename = "type")]
    pub(super) type_name: String,
    pub(super) iccid: Option<Text<Iccid>>,
    pub(super) eid: Option<Text<Eid>>,
    pub(super) matching_id: Option<String>,
    pub(super) confirmation_code: Option<Secret>,
    pub(super) smds: Option<String>,
    pub(super) policy: Option<String>,
    pub(super) state: Option<String>,
    pub(super) expires_at: Option<Value>,
    pub(super) expires_in: Option<i64>,
    pub(super) downloads: Option<u32>,
    pub(super) code_tries: Option<u32>,
    #[serde(default)]
    pub(super) download_tries: u32,
    #[serde(default)]
    pub(super) confirmation_tries: u32,
}

/// A text that is wiped when it is dropped. The parser's own copies of it are not: a file with secrets in it is a laboratory's.
#[derive(Deserialize)]
#[serde(from = "String")]
pub(super) struct Secret(pub(super) Zeroizing<String>);

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

/// A value that is read from its text.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
#[serde(bound = "T: std::str::FromStr, T::Err: fmt::Display")]
pub(super) struct Text<T>(pub(super) T);

impl<T> TryFrom<String> for Text<T>
where
    T: std::str::FromStr,
    T::Err: fmt::Display,
{
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse().map(Self).map_err(|error| format!("{text:?}: {error}"))
    }
}

/// The tables, not yet looked into.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tables {
    #[serde(default)]
    operator: Vec<Spanned<Value>>,
    #[serde(default, rename = "type")]
    types: Vec<Spanned<Value>>,
    #[serde(default)]
    order: Vec<Spanned<Value>>,
}

impl LabFile {
    /// Reads a file.
    ///
    /// # Errors
    /// With file, line, table, number and key of the first thing that is wrong.
    pub(super) fn read(file: &Path) -> anyhow::Result<Self> {
        // It may hold confirmation codes and keys of subscribers.
        let bytes = Zeroizing::new(read(file)?);
        let text = std::str::from_utf8(&bytes).map_err(|_| bad_input(format!("{}: not UTF-8", file.display())))?;
        Self::parse(text, file)
    }

    /// Whether keys of subscribers or confirmation codes stand in the file itself.
    pub(super) fn holds_secrets(&self) -> bool {
        let keys = |entry: &Entry<TypeEntry>| matches!(entry.value.subscribers, Some(Subscribers::Inline(_)));
        let code =
            |entry: &Entry<OrderEntry>| entry.value.confirmation_code.as_ref().is_some_and(|code| *code.0 != AUTO);
        self.types.iter().any(keys) || self.orders.iter().any(code)
    }

    fn parse(text: &str, file: &Path) -> anyhow::Result<Self> {
        let line_of = |offset: usize| text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count() + 1;
        let tables: Tables = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| line_of(span.start));
            bad_input(format!("{}:{line}: {}", file.display(), error.message()))
        })?;
        let place = |table, number, entry: &Spanned<Value>| {
            let line = line_of(entry.span().start);
            Place { file: file.to_owned(), line, table, number }
        };
        Ok(Self {
            dir: file.parent().map(Path::to_owned).unwrap_or_default(),
            operators: entries("operator", tables.operator, place)?,
            types: entries("type", tables.types, place)?,
            orders: entries("order", tables.order, place)?,
        })
    }
}

/// Looks into the tables of one kind.
fn entries<T: DeserializeOwned>(
    table: &'static str,
    found: Vec<Spanned<Value>>,
    place: impl Fn(&'static str, usize, &Spanned<Value>) -> Place,
) -> anyhow::Result<Vec<Entry<T>>> {
    let entry = |(index, value): (usize, Spanned<Value>)| {
        let place = place(table, index + 1, &value);
        let value = serde_path_to_error::deserialize(value.into_inner()).map_err(|error| {
            let (path, problem) = (error.path().to_string(), error.inner().message().to_owned());
            // An error of the table itself, such as a key that is missing, names the key in its text.
            if path == "." { bad_input(format!("{place}: {problem}")) } else { place.problem(&path, problem) }
        })?;
        Ok(Entry { place, value })
    };
    found.into_iter().enumerate().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::LabFile;

    fn parse(text: &str) -> Result<LabFile, String> {
        LabFile::parse(text, Path::new("dir/lab.toml")).map_err(|error| error.to_string())
    }

    #[test]
    fn an_entry_knows_where_it_stands() {
        let file = parse("# first\n[[order]]\ntype = 'a'\n\n[[order]]\ntype = 'b'\n").unwrap();
        let places: Vec<_> = file.orders.iter().map(|entry| entry.place.to_string()).collect();
        assert_eq!(places, ["dir/lab.toml:2: [[order]] 1", "dir/lab.toml:5: [[order]] 2"]);
        assert_eq!(file.dir, Path::new("dir"));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place_and_key() {
        for (text, problem) in [
            ("[[oder]]\n", "dir/lab.toml:1: unknown field `oder`, expected one of `operator`, `type`, `order`"),
            ("a = \n", "dir/lab.toml:1: "),
            ("[[order]]\n", "dir/lab.toml:1: [[order]] 1: missing field `type`"),
            ("\n[[order]]\ntype = 'a'\ncolour = 1\n", "dir/lab.toml:2: [[order]] 1: colour: unknown field `colour`"),
            (
                "[[order]]\ntype = 'a'\ndownloads = '3'\n",
                "dir/lab.toml:1: [[order]] 1: downloads: invalid type: string",
            ),
            ("[[order]]\ntype = 'a'\neid = '8904'\n", "dir/lab.toml:1: [[order]] 1: eid: \"8904\": "),
            ("[[type]]\nname = 'a'\nbuiltin = 'x'\n", "dir/lab.toml:1: [[type]] 1: builtin: unknown variant `x`"),
            ("[[type]]\nname = 'a'\npackage = 1\n", "dir/lab.toml:1: [[type]] 1: package: expected the name of a file"),
            (
                "[[type]]\nname = 'a'\n[type.metadata]\nnotify = ['start=x']\n",
                "dir/lab.toml:1: [[type]] 1: metadata.notify[0]: \"start\" is none of install",
            ),
        ] {
            let found = parse(text).err().unwrap_or_else(|| panic!("{text}: accepted"));
            assert!(found.starts_with(problem), "{text}: {found}");
        }
    }
}
