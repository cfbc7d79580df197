//! The README's commands, run as they stand there: what a visitor copies must work.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::bed::{Service, free_ports};

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
    let output = Command::new("sh")
        .arg("-c")
        .arg(&script)
        .current_dir(dir)
        .env("PATH", path)
        .env("HOME", dir)
        .env_remove("XDG_DATA_HOME")
        .env_remove("XDG_CONFIG_HOME")
        .stdin(Stdio::null())
        .output();
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
fn the_tour_works_as_written() {
    let dir = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples"), dir.path().join("examples"))
        .unwrap();
    let blocks = blocks();
    let ports = free_ports();
    // Ports that are free now, in place of the README's.
    let here = |port: u16| (format!("localhost:{port}"), format!("localhost:{}", ports + port - 8443));
    let mine = |command: &String| {
        [8443, 8444, 8445].map(here).iter().fold(command.clone(), |text, (theirs, ours)| text.replace(theirs, ours))
    };
    let is_run_here = |command: &&String| !command.starts_with("cargo") && !command.starts_with("export");

    let server: Vec<_> = blocks[1].iter().filter(is_run_here).map(mine).collect();
    let (serve, prepare) = server.split_last().unwrap();
    assert_eq!(serve, "openrsp serve dp");
    let printed = shell(dir.path(), prepare);
    assert!(printed.contains(&format!("LPA:1$localhost:{ports}$LAB-RELEASED")), "{printed}");
    let _server = Service::start(["serve", dir.path().join("dp").to_str().unwrap()]);

    // There is no terminal here to agree at.
    let asks = |command: &str| command.contains("profile download") || command.contains("--download");
    let agree = |command: String| if asks(&command) { command + " --yes" } else { command };
    let sold = shell(dir.path(), &blocks[3].iter().map(mine).collect::<Vec<_>>());
    assert!(sold.contains("Alpha Mobile / Europe 5 GB: sold by Alpha Mobile") && sold.contains("orsp_"), "{sold}");
    let handed_out = shell(dir.path(), &blocks[4]);
    assert!(handed_out.contains("LPA:1$") && dir.path().join("esim.png").is_file(), "{handed_out}");
    for (block, least) in [(&blocks[2], 5), (&blocks[5], 7)] {
        let commands: Vec<_> = block.iter().filter(is_run_here).map(mine).map(agree).collect();
        assert!(commands.len() >= least, "{commands:?}");
        let printed = shell(dir.path(), &commands);
        assert!(printed.contains("is installed"), "{printed}");
    }
}
