//! Foreign programs that read what we write. Where one is missing, the test says so and does without it.

use std::path::Path;

/// What a program prints, or `None` where it is not installed.
pub(crate) fn run(program: &str, arguments: &[&str], file: &Path) -> Option<String> {
    let output = rsp_testkit::program(program, |command| command.args(arguments).arg(file))?;
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}
