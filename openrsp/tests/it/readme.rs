//! The README's commands, run as they stand there: what a visitor copies must work.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::bed::Service;

/// The commands of the README's `sh` blocks, block by block, without comments.
fn blocks() -> Vec<Vec<String>> {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).unwrap();
    let mut blocks = Vec::new();
    let mut block = None;
    for line in readme.lines() {
        match (&mut block, line) {
            (None, "```sh") => block = Some(Vec::new()),
            (Some(_), "```") => blocks.extend(block.take()),
            (Some(commands), line) => {
                let command = line.split(" # ").next().unwrap_or_default().trim();
                if !command.is_empty() {
                    commands.push(command.to_owned());
                }
            }
            (None, _) => {}
        }
    }
    blocks
}

/// Runs commands in one shell, stopping at the first that fails.
#[track_caller]
fn shell(dir: &Path, commands: &[String]) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_openrsp")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap_or_default());
    let script = format!("set -e\n{}\n", commands.join("\n"));
    let output =
        Command::new("sh").arg("-c").arg(&script).current_dir(dir).env("PATH", path).stdin(Stdio::null()).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{script}\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_first_screen_names_the_two_commands() {
    let commands = blocks().remove(0);
    assert_eq!(
        commands,
        ["apt-get install -y build-essential", "cargo run --release -- demo", "cargo test --workspace"]
    );
}

#[test]
fn the_server_and_the_download_work_as_written() {
    let dir = tempfile::tempdir().unwrap();
    let blocks = blocks();
    // A port that is free now, in place of the README's.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mine = |command: &String| command.replace("8443", &port.to_string());
    let is_run_here = |command: &&String| command.starts_with("openrsp") || command.starts_with("CODE=");

    let server: Vec<_> = blocks[1].iter().filter(is_run_here).map(mine).collect();
    let (serve, prepare) = server.split_last().unwrap();
    assert_eq!(serve, "openrsp serve dp");
    let printed = shell(dir.path(), prepare);
    assert!(printed.lines().last().unwrap().starts_with(&format!("LPA:1$localhost:{port}$")), "{printed}");
    let _server = Service::start(["serve", dir.path().join("dp").to_str().unwrap()]);

    // There is no terminal here to agree at.
    let agree = |command: String| if command.contains("profile download") { command + " --yes" } else { command };
    let download: Vec<_> = blocks[2].iter().filter(is_run_here).map(mine).map(agree).collect();
    assert!(download.len() >= 6, "{download:?}");
    let printed = shell(dir.path(), &download);
    assert!(printed.contains("is installed"), "{printed}");
}
