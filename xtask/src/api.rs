//! `cargo xtask api`: a server from nothing, and on it what partners' programs do: the three examples of examples/sdk, and
//! schemathesis, which makes requests of the API's description and looks whether the answers are those that it promises.
//!
//! The examples run twice: once straight, and once over a relay that loses the first answer after the server has done the
//! work. Each time one eSIM is ordered, and no second.
//!
//! Afterwards nothing may stand in what the server logged, all of it, that was told to whoever ordered: neither the matching IDs
//! of all orders nor the confirmation codes, links, keys and secrets that schemathesis was answered.

mod relay;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use cargo_metadata::MetadataCommand;

/// The version whose checks were looked at.
const SCHEMATHESIS: &str = "schemathesis==4.32.5";

/// Requests that are made of each operation, about.
const EXAMPLES: &str = "10";

/// The seed of the requests: the same ones each time.
const SEED: &str = "1";

/// The examples order this, and so do those of the API's description.
const PLAN: (&str, &str) = ("Alpha Mobile", "Travel 5 GB");

/// How long the server may take to start.
const START: Duration = Duration::from_secs(60);

const SETUP: &str = r#"
[[operator]]
name = "Alpha"
issue = true
[[type]]
name = "basic"
operator = "Alpha"
template = true
builtin = "demo"
"#;

/// What is asked of schemathesis: all checks. Whoever sends what the description allows is never told that a value is wrong
/// (422): what the description cannot say, [`HOOKS`] put right. It may name what is not there (404), or what another state or
/// another server would have to allow (409).
const CONFIGURATION: &str = r#"
tls-verify = false
[headers]
Authorization = "Bearer ${OPENRSP_KEY}"
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "404", "409"]
"#;

/// What requests must have that the description cannot say.
const HOOKS: &str = include_str!("api/hooks.py");

/// Runs it to its end.
pub(crate) fn run() -> anyhow::Result<()> {
    for (program, package) in [("node", "nodejs"), ("python3", "python3-venv")] {
        let there = Command::new(program).arg("--version").stdout(Stdio::null()).status();
        ensure!(there.is_ok_and(|status| status.success()), "it needs Debian's packages: apt-get install {package}");
    }
    let dir = Temporary::new()?;
    let (openrsp, example) = build()?;
    let schemathesis = install(&dir.0)?;
    let server = Server::start(&openrsp, &dir.0)?;

    let sdk = crate::root().join("examples/sdk");
    let picture = |name: &str| dir.0.join(format!("{name}.png"));
    let (node, python) = (sdk.join("typescript/main.mjs"), sdk.join("python/openrsp_client.py"));
    let programs: [(&str, &[&OsStr]); 3] = [
        ("Rust", &[example.as_ref()]),
        ("TypeScript", &["node".as_ref(), node.as_ref()]),
        ("Python", &["python3".as_ref(), python.as_ref()]),
    ];
    for (name, program) in programs {
        for loses in [false, true] {
            let before = server.orders()?;
            let relay = loses.then(|| relay::Relay::before(&server.url)).transpose()?;
            let mut command = Command::new(program[0]);
            server
                .tell(command.args(&program[1..]).args([PLAN.0, PLAN.1]).arg(picture(name)).env("OPENRSP_POLLS", "1"));
            if let Some(relay) = &relay {
                command.env("OPENRSP_URL", &relay.url);
            }
            done(&mut command, name)?;
            let ordered = server.orders()? - before;
            ensure!(ordered == 1, "{name}: {ordered} eSIMs were ordered, not one (an answer was lost: {loses})");
            ensure!(relay.is_none_or(|relay| relay.lost() == 1), "{name}: no answer was lost");
        }
    }

    let configuration = dir.0.join("schemathesis.toml");
    std::fs::write(&configuration, CONFIGURATION)?;
    std::fs::write(dir.0.join("hooks.py"), HOOKS)?;
    let mut command = Command::new(schemathesis);
    let told = dir.0.join("told");
    command
        .current_dir(&dir.0)
        .env("SCHEMATHESIS_HOOKS", "hooks")
        .env("OPENRSP_TOLD", &told)
        .arg("--config-file")
        .arg(&configuration);
    command.arg("run").arg(format!("{}/api/v1/openapi.json", server.url));
    command.args(["--checks", "all", "--max-examples", EXAMPLES, "--seed", SEED, "--no-color"]);
    server.tell(&mut command);
    // What the examples were told, and schemathesis may cancel.
    let mut secrets = server.matching_ids()?;
    done(&mut command, "schemathesis")?;
    secrets.extend(server.matching_ids()?);
    secrets.extend(secrets_of(&std::fs::read_to_string(&told)?)?);
    server.stop(&secrets)
}

/// The server's program and the example in Rust, built as the tests build them.
fn build() -> anyhow::Result<(PathBuf, PathBuf)> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(crate::root()).args([
        "build",
        "--quiet",
        "--workspace",
        "--bin",
        "openrsp",
        "--example",
        "sdk",
    ]);
    done(&mut command, "cargo build")?;
    let metadata = MetadataCommand::new().manifest_path(crate::root().join("Cargo.toml")).no_deps().exec()?;
    let debug = metadata.target_directory.join("debug").into_std_path_buf();
    Ok((debug.join("openrsp"), debug.join("examples/sdk")))
}

/// schemathesis in an environment of its own.
fn install(dir: &Path) -> anyhow::Result<PathBuf> {
    let environment = dir.join("python");
    done(Command::new("python3").args(["-m", "venv"]).arg(&environment), "python3 -m venv")?;
    let pip = environment.join("bin/pip");
    let options = ["install", "--quiet", "--disable-pip-version-check", SCHEMATHESIS];
    done(Command::new(pip).args(options), "pip install schemathesis")?;
    Ok(environment.join("bin/schemathesis"))
}

struct Server {
    child: Child,
    openrsp: PathBuf,
    data: PathBuf,
    url: String,
    key: String,
    /// Public part of another key, which may be rotated and revoked.
    spare: String,
    ca: PathBuf,
    log: PathBuf,
}

impl Server {
    fn start(openrsp: &Path, dir: &Path) -> anyhow::Result<Self> {
        let data = dir.join("server");
        let run = |arguments: &[&OsStr]| output(Command::new(openrsp).args(arguments));
        run(&["init".as_ref(), data.as_ref()])?;
        let file = data.join("openrsp.toml");
        let configuration = std::fs::read_to_string(&file)?;
        // On whichever ports are free.
        let ports: Vec<u16> = free_ports(6)?;
        let ports = ["8443", "8444", "8445", "8446", "8447", "8448"].into_iter().zip(&ports);
        let configuration =
            ports.fold(configuration, |text, (old, new)| text.replace(&format!(":{old}"), &format!(":{new}")));
        // schemathesis is quicker than partners, and tries wrong keys.
        let limits = ["requests_per_minute = ", "wrong_keys_per_minute = "];
        let configuration = limits
            .into_iter()
            .fold(configuration, |text, limit| text.replace(&format!("# {limit}"), &format!("{limit}1000")));
        std::fs::write(&file, configuration)?;
        let setup = dir.join("setup.toml");
        std::fs::write(&setup, SETUP)?;
        run(&["smdp".as_ref(), "--dir".as_ref(), data.as_ref(), "load".as_ref(), setup.as_ref()])?;
        let operator = |arguments: &[&str]| {
            output(Command::new(openrsp).args(["--json", "operator", "--dir"]).arg(&data).args(arguments))
        };
        operator(&["plan", "add", "Alpha", PLAN.0, PLAN.1, "--type", "basic", "--country", "DE", "--data", "5G"])?;
        let add_key = |name: &str| {
            let key = operator(&["key", "add", "Alpha", name, "--rights", "read,provision,codes,manage"])?;
            serde_json::from_str::<serde_json::Value>(&key).context("a key")
        };
        let key = add_key("test")?["key"].as_str().context("a key")?.to_owned();
        let spare = add_key("to be revoked")?["id"].as_str().context("a key")?.to_owned();

        let log = dir.join("log");
        let mut child = Command::new(openrsp)
            .arg("serve")
            .arg(&data)
            .env("OPENRSP_LOG", "trace")
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(&log)?)
            .spawn()?;
        let lines = BufReader::new(child.stdout.take().context("its output")?).lines();
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            lines.map_while(Result::ok).try_for_each(|line| tell.send(line)).ok();
        });
        let mut server = Self {
            child,
            openrsp: openrsp.to_owned(),
            url: String::new(),
            key,
            spare,
            ca: data.join("pki/p256/ci.pem"),
            log,
            data,
        };
        while server.url.is_empty() {
            let line = told.recv_timeout(START).context("the server does not start")?;
            if let Some(address) = line.strip_prefix("operator ") {
                let port = address.trim().rsplit(':').next().context("a port")?.to_owned();
                server.url = format!("https://localhost:{port}");
            }
        }
        Ok(server)
    }

    /// Tells a program where the server is, and with which key it lets it in.
    fn tell(&self, command: &mut Command) {
        command.env("OPENRSP_URL", &self.url).env("OPENRSP_KEY", &self.key).env("OPENRSP_CA", &self.ca);
        command.env("OPENRSP_SPARE_KEY", &self.spare);
    }

    /// How many eSIMs were ordered.
    fn orders(&self) -> anyhow::Result<usize> {
        let list = output(Command::new(&self.openrsp).args(["--json", "smdp", "--dir"]).arg(&self.data).arg("orders"))?;
        Ok(list.lines().count())
    }

    /// The matching IDs of all orders.
    fn matching_ids(&self) -> anyhow::Result<BTreeSet<String>> {
        let list = output(Command::new(&self.openrsp).args(["--json", "smdp", "--dir"]).arg(&self.data).arg("orders"))?;
        let mut found = BTreeSet::new();
        for line in list.lines() {
            let order: serde_json::Value = serde_json::from_str(line)?;
            found.extend(order["matching_id"].as_str().filter(|id| !id.is_empty()).map(str::to_owned));
        }
        ensure!(!found.is_empty(), "no order has a matching ID");
        Ok(found)
    }

    /// Stops it and reads its log, in which none of the secrets may be.
    fn stop(mut self, secrets: &BTreeSet<String>) -> anyhow::Result<()> {
        ensure!(self.child.try_wait()?.is_none(), "the server has ended");
        self.child.kill()?;
        self.child.wait()?;
        let log = std::fs::read_to_string(&self.log)?;
        ensure!(log.contains("answered"), "the log is empty");
        let secret = self.key.rsplit('_').next().unwrap_or_default();
        let leaked = [secret, "whsec_", "LPA:1$"].into_iter().find(|canary| log.contains(canary));
        if let Some(canary) = leaked {
            let line = log.lines().find(|line| line.contains(canary)).unwrap_or_default();
            bail!("a secret stands in the log: {line}");
        }
        for told in secrets {
            if let Some(line) = log.lines().find(|line| stands_in(told, line)) {
                bail!("{told:?} was told to who ordered, and stands in the log: {line}");
            }
        }
        ensure!(!log.contains("panicked"), "a request panicked");
        println!(
            "api: three examples, also when an answer is lost, and schemathesis, and none of {} secrets in {} kB of log",
            secrets.len(),
            log.len() / 1000
        );
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have been stopped already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The secrets that schemathesis was told: a line for each, with its name. Of an activation code it is the matching ID.
fn secrets_of(told: &str) -> anyhow::Result<BTreeSet<String>> {
    let (mut secrets, mut names) = (BTreeSet::new(), BTreeSet::new());
    for line in told.lines() {
        let (name, text) = line.split_once(' ').context("a name before a secret")?;
        let secret = match name {
            "activation_code" | "lpa" => text.split('$').nth(2),
            "url" => text.rsplit('/').next(),
            "key" => text.rsplit('_').next(),
            _ => Some(text),
        };
        let secret = secret.filter(|secret| secret.len() >= 6).with_context(|| format!("no secret: {line}"))?;
        secrets.insert(secret.to_owned());
        names.insert(name);
    }
    for name in ["activation_code", "confirmation_code", "secret"] {
        ensure!(names.contains(name), "schemathesis was told no {name}: nothing was looked for");
    }
    Ok(secrets)
}

/// Whether a text stands in a line by itself: digits of a code may be part of a longer number.
fn stands_in(text: &str, line: &str) -> bool {
    line.match_indices(text).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + text.len()..].chars().next();
        ![before, after].into_iter().flatten().any(|letter| letter.is_ascii_alphanumeric())
    })
}

/// Ports that were free a moment ago.
fn free_ports(number: usize) -> anyhow::Result<Vec<u16>> {
    let listeners = (0..number).map(|_| std::net::TcpListener::bind("127.0.0.1:0")).collect::<Result<Vec<_>, _>>()?;
    Ok(listeners
        .iter()
        .map(|listener| listener.local_addr().map(|address| address.port()))
        .collect::<Result<_, _>>()?)
}

fn done(command: &mut Command, name: &str) -> anyhow::Result<()> {
    let status = command.status().with_context(|| name.to_owned())?;
    ensure!(status.success(), "{name}: {status}");
    Ok(())
}

fn output(command: &mut Command) -> anyhow::Result<String> {
    let output = command.stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "{command:?}: {}", output.status);
    Ok(String::from_utf8(output.stdout)?)
}

/// A directory that goes with its owner.
struct Temporary(PathBuf);

impl Temporary {
    fn new() -> anyhow::Result<Self> {
        let dir = std::env::temp_dir().join(format!("openrsp-api-{}", std::process::id()));
        std::fs::create_dir(&dir)?;
        Ok(Self(dir))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // What is left of it is the system's to clean.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::{secrets_of, stands_in};

    #[test]
    fn a_code_is_found_by_itself_and_not_in_a_longer_number() {
        for line in ["12345678", "code=12345678 x", "\"12345678\"", "a12345678 12345678"] {
            assert!(stands_in("12345678", line), "{line}");
        }
        for line in ["", "1234567", "123456789", "8912345678", "a12345678f"] {
            assert!(!stands_in("12345678", line), "{line}");
        }
    }

    #[test]
    fn what_was_told_is_read_and_must_not_be_nothing() {
        let told = "activation_code LPA:1$localhost$MATCHING-1$$1\nconfirmation_code 12345678\nsecret whsec_0123\n\
                    url https://localhost/e/TOKENTOKEN\nkey orsp_0123_abcdef\n";
        let secrets: Vec<_> = secrets_of(told).unwrap().into_iter().collect();
        assert_eq!(secrets, ["12345678", "MATCHING-1", "TOKENTOKEN", "abcdef", "whsec_0123"]);
        assert!(secrets_of("").is_err() && secrets_of("secret x\n").is_err());
        assert!(secrets_of("secret whsec_0123\n").is_err());
    }
}
