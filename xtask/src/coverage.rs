//! `cargo xtask coverage`: every test that docs/spec-coverage.md names exists, and every pair of subject and reason is there.
//!
//! A test is named there as `crate::module::test` between backticks, in the last column of a table. The check reads the
//! sources as text, so that it needs no build: the file of the module must contain the name as that of a function, or as
//! an entry of a macro that declares tests. The same goes for the tables of the documents about attacks and secure elements.
//!
//! A row whose first cell is a group of SGP.23, `4.2.N`, names the tests of that group's module, `g4_2_NN_…`, and all of them;
//! each group of the eUICC has one.
//!
//! A pair has a row of its own for each place that answers it: its numbers, its constant, the place, and tests whose files
//! name it. The pairs are those of the table in `rsp_es::status`.

use std::path::{Path, PathBuf};

use anyhow::Context;

const DOCUMENT: &str = "docs/spec-coverage.md";
/// Others whose tables name tests.
const OTHERS: [&str; 2] = ["docs/attacks.md", "docs/secure-elements.md"];
/// The groups of SGP.23 4.2 that version 2 has.
const GROUPS: std::ops::RangeInclusive<u32> = 1..=27;
/// Where the pairs are defined.
const PAIRS: &str = "crates/rsp-es/src/status.rs";

pub(crate) fn run() -> anyhow::Result<()> {
    let root = crate::root();
    let text = std::fs::read_to_string(root.join(DOCUMENT)).context(DOCUMENT)?;
    let tests = named_tests(&text);
    anyhow::ensure!(!tests.is_empty(), "{DOCUMENT} names no test");
    let mut complaints: Vec<String> =
        tests.iter().filter_map(|(line, test)| missing(&root, DOCUMENT, *line, test)).collect();
    for other in OTHERS {
        let text = std::fs::read_to_string(root.join(other)).context(other)?;
        let tests = named_tests(&text);
        anyhow::ensure!(!tests.is_empty(), "{other} names no test");
        complaints.extend(tests.iter().filter_map(|(line, test)| missing(&root, other, *line, test)));
    }
    let table = std::fs::read_to_string(root.join(PAIRS)).context(PAIRS)?;
    let pairs = pairs(&table);
    anyhow::ensure!(!pairs.is_empty(), "{PAIRS} defines no pair");
    complaints.extend(unlisted(&pairs, &text));
    complaints.extend(group_complaints(&root, &text));
    complaints.extend(pair_rows(&text).iter().flat_map(|row| row_complaints(&root, &pairs, row)));
    let good = format!("coverage: {} tests and {} pairs named in {DOCUMENT} exist", tests.len(), pairs.len());
    crate::report(&complaints, &good)
}

/// A pair as the code defines it.
#[derive(Debug, PartialEq, Eq)]
struct Pair<'a> {
    name: &'a str,
    subject: &'a str,
    reason: &'a str,
}

impl Pair<'_> {
    fn numbers(&self) -> String {
        format!("{}/{}", self.subject, self.reason)
    }

    /// Whether a test's source names it: by its constant, by its numbers, or as it stands in JSON.
    fn is_named_in(&self, source: &str) -> bool {
        let Self { name, subject, reason } = self;
        let json = format!(r#""subjectCode":"{subject}","reasonCode":"{reason}""#);
        let mut words = source.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        words.any(|word| word == *name) || source.contains(&format!("\"{subject}/{reason}\"")) || source.contains(&json)
    }
}

/// The lines `NAME = "subject"/"reason", …` of the table's source.
fn pairs(source: &str) -> Vec<Pair<'_>> {
    source.lines().filter_map(defined).collect()
}

fn defined(line: &str) -> Option<Pair<'_>> {
    let (name, rest) = line.trim_start().split_once(" = \"")?;
    let (subject, rest) = rest.split_once("\"/\"")?;
    let (reason, _) = rest.split_once('"')?;
    let constant = name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    constant.then_some(Pair { name, subject, reason })
}

/// A row of the document whose first cell is a pair's numbers.
#[derive(Debug, PartialEq, Eq)]
struct PairRow<'a> {
    line: usize,
    numbers: &'a str,
    name: &'a str,
    place: &'a str,
    tests: Vec<&'a str>,
}

fn pair_rows(text: &str) -> Vec<PairRow<'_>> {
    let rows = text.lines().enumerate().filter_map(|(number, line)| {
        let cells: Vec<&str> = line.strip_prefix('|')?.trim_end_matches(['|', ' ']).split('|').map(str::trim).collect();
        let [numbers, name, place, last] = cells[..] else { return None };
        let (subject, reason) = numbers.split_once('/')?;
        let dotted = |code: &str| code.split('.').all(|part| part.parse::<u8>().is_ok());
        let name = name.strip_prefix('`')?.strip_suffix('`')?;
        let tests = last.split('`').skip(1).step_by(2).collect();
        (dotted(subject) && dotted(reason)).then_some(PairRow { line: number + 1, numbers, name, place, tests })
    });
    rows.collect()
}

/// A complaint for each pair without a row.
fn unlisted(pairs: &[Pair<'_>], text: &str) -> Vec<String> {
    let rows = pair_rows(text);
    let listed = |pair: &&Pair<'_>| rows.iter().any(|row| row.name == pair.name);
    let complaint = |pair: &Pair<'_>| format!("{DOCUMENT}: {} ({}) stands nowhere", pair.numbers(), pair.name);
    pairs.iter().filter(|pair| !listed(pair)).map(complaint).collect()
}

fn row_complaints(root: &Path, pairs: &[Pair<'_>], row: &PairRow<'_>) -> Vec<String> {
    let PairRow { line, numbers, name, .. } = row;
    let Some(pair) = pairs.iter().find(|pair| pair.name == *name) else {
        return vec![format!("{DOCUMENT}:{line}: {PAIRS} has no {name}")];
    };
    let mut complaints = Vec::new();
    if pair.numbers() != *numbers {
        complaints.push(format!("{DOCUMENT}:{line}: {name} is {}, not {numbers}", pair.numbers()));
    }
    if row.place.is_empty() || row.tests.is_empty() {
        complaints.push(format!("{DOCUMENT}:{line}: {name} has no place or no test"));
    }
    for test in &row.tests {
        let (_, files) = located(root, test);
        if !sources(&files).any(|source| pair.is_named_in(&source)) {
            complaints.push(format!("{DOCUMENT}:{line}: the file of {test} does not name {name}"));
        }
    }
    complaints
}

/// A complaint for each group without a row, and for each row that does not name exactly the tests of the group's module.
fn group_complaints(root: &Path, text: &str) -> Vec<String> {
    let row = |group: u32| {
        let start = format!("| 4.2.{group} |");
        named_tests(text)
            .into_iter()
            .filter(move |(line, _)| text.lines().nth(line - 1).is_some_and(|l| l.starts_with(&start)))
    };
    let mut complaints = Vec::new();
    for group in GROUPS {
        let tests: Vec<&str> = row(group).map(|(_, test)| test).collect();
        let Some(first) = tests.first() else {
            complaints.push(format!("{DOCUMENT}: group 4.2.{group} stands nowhere"));
            continue;
        };
        let module = first.rsplit_once("::").map_or("", |(module, _)| module);
        if !module.contains(&format!("::g4_2_{group:02}_")) || !tests.iter().all(|test| is_in(test, module)) {
            complaints.push(format!("{DOCUMENT}: group 4.2.{group} names tests of other modules"));
        }
        let (_, files) = located(root, first);
        for source in sources(&files) {
            let unnamed =
                declared(&source).filter(|name| !tests.iter().any(|test| test.rsplit("::").next() == Some(name)));
            complaints.extend(unnamed.map(|name| format!("{DOCUMENT}: group 4.2.{group} does not name {name}")));
        }
    }
    complaints
}

fn is_in(test: &str, module: &str) -> bool {
    test.rsplit_once("::").is_some_and(|(of, _)| of == module)
}

/// The names of the functions behind `#[test]`.
fn declared(source: &str) -> impl Iterator<Item = &str> {
    let after_mark = source.split("#[test]").skip(1);
    after_mark.filter_map(|rest| rest.split_once("fn ")?.1.split_once('(').map(|(name, _)| name))
}

/// The words between backticks in the last cells of table rows, with their lines.
fn named_tests(text: &str) -> Vec<(usize, &str)> {
    text.lines()
        .enumerate()
        .filter(|(_, line)| line.starts_with('|'))
        .filter_map(|(number, line)| Some((number + 1, line.trim_end_matches(['|', ' ']).rsplit('|').next()?)))
        .flat_map(|(number, cell)| cell.split('`').skip(1).step_by(2).map(move |word| (number, word)))
        .filter(|(_, word)| word.contains("::"))
        .collect()
}

fn missing(root: &Path, document: &str, line: usize, test: &str) -> Option<String> {
    let (name, files) = located(root, test);
    let exists = sources(&files).any(|text| declares(&text, name));
    (!exists).then(|| format!("{document}:{line}: there is no test {test}"))
}

/// The name of a test's function, and where it may be.
fn located<'a>(root: &Path, test: &'a str) -> (&'a str, [PathBuf; 2]) {
    let mut parts = test.split("::");
    let package = parts.next().unwrap_or_default();
    let mut modules: Vec<&str> = parts.collect();
    let name = modules.pop().unwrap_or_default();
    let package = if package == "openrsp" { root.join(package) } else { root.join("crates").join(package) };
    let module = modules.join("/");
    (name, ["tests/it", "src"].map(|folder| package.join(folder).join(format!("{module}.rs"))))
}

fn sources(files: &[PathBuf]) -> impl Iterator<Item = String> {
    files.iter().filter_map(|file| std::fs::read_to_string(file).ok())
}

/// Whether a source declares the test: `fn name(` or, in a macro that declares tests, `name: `.
fn declares(source: &str, name: &str) -> bool {
    source.lines().map(str::trim_start).any(|line| {
        let line = line.strip_prefix("async ").unwrap_or(line);
        match line.strip_prefix("fn ") {
            Some(rest) => rest.strip_prefix(name).is_some_and(|rest| rest.starts_with('(')),
            None => line.strip_prefix(name).is_some_and(|rest| rest.starts_with(": ")),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::{
        DOCUMENT, GROUPS, Pair, declared, declares, group_complaints, missing, named_tests, pair_rows, pairs,
        row_complaints, unlisted,
    };

    const SOURCE: &str =
        "$name:ident = $subject:literal / $reason:literal\n    GREAT_REFUSAL = \"8.2.6\"/\"3.10\", \"It\",\n";
    const GREAT_REFUSAL: Pair<'_> = Pair { name: "GREAT_REFUSAL", subject: "8.2.6", reason: "3.10" };

    #[test]
    fn reads_the_last_cells_of_tables_only() {
        let text = "`a::b::c`\n| `x::y` | 1 | `rsp-a::b::c`, `rsp-a::b::d` |\n| case | 2 | no test: `ES2+` |\n";
        assert_eq!(named_tests(text), [(2, "rsp-a::b::c"), (2, "rsp-a::b::d")]);
    }

    #[test]
    fn knows_functions_and_entries_of_macros() {
        assert!(declares("#[test]\nfn one() {}", "one"));
        assert!(declares("    async fn one() {}", "one"));
        assert!(declares("    one: Eum, |_, t| t.remove(X), Y,", "one"));
        assert!(!declares("fn one_more() {}", "one"));
        assert!(!declares("// fn one(", "one"));
    }

    #[test]
    fn finds_tests_of_crates_and_names_those_that_are_missing() {
        let root = crate::root();
        assert_eq!(missing(&root, DOCUMENT, 7, "rsp-apdu::store_data::cuts_as_lpac_does"), None);
        let complaint = missing(&root, DOCUMENT, 7, "rsp-apdu::store_data::no_such_test").unwrap();
        assert!(complaint.contains(":7:") && complaint.contains("no_such_test"), "{complaint}");
        assert!(missing(&root, DOCUMENT, 7, "no-such-crate::a::b").is_some());
    }

    #[test]
    fn reads_pairs_from_code_and_document() {
        assert_eq!(pairs(SOURCE), [GREAT_REFUSAL]);
        let text =
            "| 8.2.6/3.10 | `GREAT_REFUSAL` | ES2+ | `a::b::c`, `a::b::d` |\n| 8.2.6/x | `A` | b | c |\n| 1/2 | a |\n";
        let rows = pair_rows(text);
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].line, rows[0].numbers, rows[0].name), (1, "8.2.6/3.10", "GREAT_REFUSAL"));
        assert_eq!((rows[0].place, rows[0].tests.as_slice()), ("ES2+", &["a::b::c", "a::b::d"][..]));
        assert_eq!(unlisted(&[GREAT_REFUSAL], text), [""; 0]);
        assert_eq!(unlisted(&[GREAT_REFUSAL], "| 8.2.6/3.10 | no name | ES2+ | |").len(), 1);
    }

    #[test]
    fn a_test_names_its_pair_as_a_constant_or_in_numbers() {
        for source in ["x(&GREAT_REFUSAL)", "(2, \"8.2.6/3.10\")", r#""subjectCode":"8.2.6","reasonCode":"3.10""#] {
            assert!(GREAT_REFUSAL.is_named_in(source), "{source}");
        }
        for source in ["NOT_A_GREAT_REFUSAL", "\"8.2.6/3.1\"", "8.2.6", r#""subjectCode":"8.2.6","reasonCode":"3.1""#] {
            assert!(!GREAT_REFUSAL.is_named_in(source), "{source}");
        }
    }

    #[test]
    fn every_group_has_a_row_with_the_tests_of_its_module() {
        let source = "#[test]\nfn one() {}\nfn helper() {}\n#[test]\n/// Two.\nfn two() {}\n";
        assert_eq!(declared(source).collect::<Vec<&str>>(), ["one", "two"]);
        let root = crate::root();
        assert_eq!(group_complaints(&root, "").len(), GROUPS.count());
        let row = "| 4.2.16 | x | y | `rsp-euicc::sgp23::g4_2_16_remove_notification_from_list::what_was_sent_is_removed_once`";
        let about = |row: &str| {
            let complaints = group_complaints(&root, row);
            complaints.into_iter().filter(|c| c.contains("4.2.16 ")).collect::<Vec<String>>()
        };
        let found = about(&format!("{row} |"));
        assert!(found.len() == 1 && found[0].contains("does not name an_unknown_number_removes_nothing"), "{found:?}");
        let found = about(&format!("{row}, `rsp-euicc::other::an_unknown_number_removes_nothing` |"));
        assert!(found.len() == 1 && found[0].contains("other modules"), "{found:?}");
    }

    #[test]
    fn names_what_is_wrong_with_a_row() {
        let root = crate::root();
        for (row, complaint) in [
            ("| 8.2.6/3.10 | `OTHER` | ES2+ | `rsp-a::b::c` |", "has no OTHER"),
            ("| 8.2.6/3.1 | `GREAT_REFUSAL` | ES2+ | `rsp-a::b::c` |", "is 8.2.6/3.10, not 8.2.6/3.1"),
            ("| 8.2.6/3.10 | `GREAT_REFUSAL` | ES2+ | none |", "no place or no test"),
            ("| 8.2.6/3.10 | `GREAT_REFUSAL` | ES2+ | `rsp-apdu::store_data::cuts_as_lpac_does` |", "does not name"),
        ] {
            let found = row_complaints(&root, &[GREAT_REFUSAL], &pair_rows(row)[0]);
            assert!(found.iter().any(|found| found.contains(complaint)), "{row}: {found:?}");
        }
    }
}
