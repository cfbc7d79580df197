//! `cargo xtask coverage`: every test that docs/spec-coverage.md names exists.
//!
//! A test is named there as `crate::module::test` between backticks, in the last column of a table. The check reads the
//! sources as text, so that it needs no build: the file of the module must contain the name as that of a function, or as
//! an entry of a macro that declares tests.

use std::path::Path;

use anyhow::Context;

const DOCUMENT: &str = "docs/spec-coverage.md";

pub(crate) fn run() -> anyhow::Result<()> {
    let root = crate::root();
    let text = std::fs::read_to_string(root.join(DOCUMENT)).context(DOCUMENT)?;
    let tests = named_tests(&text);
    anyhow::ensure!(!tests.is_empty(), "{DOCUMENT} names no test");
    let complaints: Vec<String> = tests.iter().filter_map(|(line, test)| missing(&root, *line, test)).collect();
    crate::report(&complaints, &format!("coverage: {} tests named in {DOCUMENT} exist", tests.len()))
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

fn missing(root: &Path, line: usize, test: &str) -> Option<String> {
    let mut parts = test.split("::");
    let package = parts.next().unwrap_or_default();
    let mut modules: Vec<&str> = parts.collect();
    let name = modules.pop().unwrap_or_default();
    let package = if package == "openrsp" { root.join(package) } else { root.join("crates").join(package) };
    let module = modules.join("/");
    let files = ["tests/it", "src"].map(|folder| package.join(folder).join(format!("{module}.rs")));
    let exists = files.iter().filter_map(|file| std::fs::read_to_string(file).ok()).any(|text| declares(&text, name));
    (!exists).then(|| format!("{DOCUMENT}:{line}: there is no test {test}"))
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
    use super::{declares, missing, named_tests};

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
        assert_eq!(missing(&root, 7, "rsp-apdu::store_data::cuts_as_lpac_does"), None);
        let complaint = missing(&root, 7, "rsp-apdu::store_data::no_such_test").unwrap();
        assert!(complaint.contains(":7:") && complaint.contains("no_such_test"), "{complaint}");
        assert!(missing(&root, 7, "no-such-crate::a::b").is_some());
    }
}
