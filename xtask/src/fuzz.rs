//! `cargo xtask fuzz [--seconds N] [TARGET]`.
//!
//! The targets are ordinary libFuzzer programs, so `cargo fuzz run --sanitizer none TARGET` works too. Here they are
//! built with the same flags by a plain `cargo build`: nothing has to be installed, and the pinned stable compiler does.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

/// Which targets to run, and for how long.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// How long each target runs, in seconds.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Only these targets; without any, all of fuzz/fuzz_targets.
    targets: Vec<String>,
}

/// What cargo-fuzz passes with `--sanitizer none`: coverage counters and compared values, for libFuzzer to follow.
const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1";

/// Inputs beyond this grow the run time, not the coverage; the largest published package has 14 kB.
const MAX_BYTES: usize = 32 * 1024;

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let fuzz = crate::root().join("fuzz");
    let known = targets(&fuzz)?;
    if let Some(unknown) = args.targets.iter().find(|target| !known.contains(target)) {
        bail!("no fuzz target {unknown:?}; there are {}", known.join(", "));
    }
    let chosen = if args.targets.is_empty() { &known } else { &args.targets };
    let built = build(&fuzz)?;
    for target in chosen {
        let corpus = prepare(&fuzz, target)?;
        fuzz_one(&fuzz, &built, target, &corpus, args.seconds)?;
    }
    println!("fuzz: {} target(s), {} s each, no panic", chosen.len(), args.seconds);
    Ok(())
}

/// The names of the targets: the files of fuzz/fuzz_targets.
fn targets(fuzz: &Path) -> anyhow::Result<Vec<String>> {
    let directory = fuzz.join("fuzz_targets");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&directory).with_context(|| directory.display().to_string())? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            names.extend(path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned));
        }
    }
    names.sort();
    Ok(names)
}

/// Builds all targets and says where the programs are. Naming the target triple keeps the flags from build scripts.
fn build(fuzz: &Path) -> anyhow::Result<PathBuf> {
    let triple = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let directory = match std::env::var_os("CARGO_TARGET_DIR") {
        Some(directory) => PathBuf::from(directory).join("fuzz"),
        None => fuzz.join("target"),
    };
    let status = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()))
        .args(["build", "--release", "--bins", "--target", &triple])
        .arg("--manifest-path")
        .arg(fuzz.join("Cargo.toml"))
        .env("CARGO_TARGET_DIR", &directory)
        .env("RUSTFLAGS", FLAGS)
        .status()?;
    if !status.success() {
        bail!("the fuzz targets do not build");
    }
    Ok(directory.join(triple).join("release"))
}

fn fuzz_one(fuzz: &Path, built: &Path, target: &str, corpus: &Path, seconds: u64) -> anyhow::Result<()> {
    let artifacts = fuzz.join("artifacts").join(target);
    std::fs::create_dir_all(&artifacts)?;
    let output = Command::new(built.join(target))
        .arg(corpus)
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-max_len={MAX_BYTES}"))
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .args(["-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1", "-print_funcs=0"])
        .output()
        .with_context(|| format!("{}", built.join(target).display()))?;
    // libFuzzer tells a lot, and all of it matters only after a find.
    let told = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        eprint!("{told}");
        bail!("{target} failed ({}); the input is in {}", output.status, artifacts.display());
    }
    let executed = told.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:")).unwrap_or(" ?");
    println!("fuzz: {target}:{executed} inputs in {seconds} s");
    Ok(())
}

/// Writes the seeds of a target into its corpus, beside what earlier runs found.
fn prepare(fuzz: &Path, target: &str) -> anyhow::Result<PathBuf> {
    let corpus = fuzz.join("corpus").join(target);
    std::fs::create_dir_all(&corpus)?;
    let standards = std::env::var_os("OPENRSP_STANDARDS")
        .map_or_else(|| crate::root().join("../shared/standards/data"), PathBuf::from);
    let mut seeds = own_seeds(target);
    if standards.is_dir() {
        seeds.extend(published_seeds(target, &standards)?);
    } else {
        eprintln!("WARNING: {target} starts without published data (set OPENRSP_STANDARDS)");
    }
    for (number, seed) in seeds.iter().filter(|seed| seed.len() <= MAX_BYTES).enumerate() {
        std::fs::write(corpus.join(format!("seed-{number:04}")), seed)?;
    }
    Ok(corpus)
}

/// Seeds that need no published data.
fn own_seeds(target: &str) -> Vec<Vec<u8>> {
    let codes = [
        "1$smdp.example.com$ABCD-1234-EFGH",
        "LPA:1$smdp.example.com$$1.3.6.1.4.1.31746$1",
        "1$smdp.example.com:8443$0123456789ABCDEF0123456789ABCDEF$$1",
        "lpa:1$SMDP.EXAMPLE.COM$A",
    ];
    match target {
        "activation_code" => codes.iter().map(|code| code.as_bytes().to_vec()).collect(),
        "apdus" => [isdr_commands(), usim_commands(), file_commands()].iter().map(|script| apdu_script(script)).collect(),
        "rsp_messages" => vec![
            br#"{"smdpAddress":"smdp.example.com","euiccChallenge":"AAAAAAAAAAAAAAAAAAAAAA==","euiccInfo1":"vyAHggMCAgCpAA=="}"#
                .to_vec(),
            br#"{"header":{"functionExecutionStatus":{"status":"Failed","statusCodeData":{"subjectCode":"8.2.6","reasonCode":"3.8"}}}}"#
                .to_vec(),
            br#"{"transactionId":"00","cancelSessionResponse":"v0EDgQEF"}"#.to_vec(),
        ],
        _ => Vec::new(),
    }
}

/// A channel, the ISD-R on it, the EID and EUICCInfo1.
fn isdr_commands() -> Vec<Vec<u8>> {
    vec![
        b"\x00\x70\x00\x00\x01".to_vec(),
        b"\x01\xA4\x04\x00\x10\xA0\x00\x00\x05\x59\x10\x10\xFF\xFF\xFF\xFF\x89\x00\x00\x01\x00".to_vec(),
        b"\x81\xE2\x91\x00\x06\xBF\x3E\x03\x5C\x01\x5A".to_vec(),
        b"\x81\xE2\x91\x00\x03\xBF\x20\x00".to_vec(),
    ]
}

/// EF_DIR, the USIM, a PIN, files read and written, AUTHENTICATE.
fn usim_commands() -> Vec<Vec<u8>> {
    let mut authenticate = b"\x00\x88\x00\x81\x22\x10".to_vec();
    authenticate.extend_from_slice(&[0x23; 16]);
    authenticate.push(0x10);
    authenticate.extend_from_slice(&[0x55; 16]);
    vec![
        b"\x00\xA4\x00\x04\x02\x3F\x00".to_vec(),
        b"\x00\xA4\x00\x04\x02\x2F\x00".to_vec(),
        b"\x00\xB2\x01\x04\xFF".to_vec(),
        b"\x00\xA4\x04\x04\x07\xA0\x00\x00\x00\x87\x10\x02".to_vec(),
        b"\x00\x20\x00\x01\x08\x30\x30\x30\x30\xFF\xFF\xFF\xFF".to_vec(),
        b"\x00\x20\x00\x0A\x0855555555".to_vec(),
        b"\x00\xA4\x00\x04\x02\x6F\x07".to_vec(),
        b"\x00\xB0\x00\x00\x09".to_vec(),
        b"\x00\xA4\x08\x04\x04\x7F\xFF\x6F\x3C".to_vec(),
        b"\x00\xD6\x00\x00\x02\x00\x00".to_vec(),
        b"\x00\xDC\x01\x04\x04\x00\x00\x00\x00".to_vec(),
        b"\x00\x2C\x00\x01\x00".to_vec(),
        b"\x80\xF2\x00\x00\x00".to_vec(),
        authenticate,
    ]
}

/// Records searched, data objects set and retrieved in blocks, files deactivated and activated, a SUCI.
fn file_commands() -> Vec<Vec<u8>> {
    vec![
        b"\x00\xA4\x04\x04\x07\xA0\x00\x00\x00\x87\x10\x02".to_vec(),
        b"\x00\xA4\x00\x0C\x02\x6F\x06".to_vec(),
        b"\x00\xA2\x01\x04\x03\x80\x01\x01".to_vec(),
        b"\x00\xA2\x00\x06\x05\x06\x00\x80\x01\x01".to_vec(),
        b"\x00\xA2\x01\x06\x04\x0C\x07\xA4\x06".to_vec(),
        b"\x00\xA4\x00\x0C\x02\x6F\x12".to_vec(),
        b"\x80\xCB\x00\x80\x01\x5C\x00".to_vec(),
        b"\x80\xCB\x00\x80\x01\x80\x02".to_vec(),
        b"\x80\xCB\x00\x00\x02".to_vec(),
        b"\x80\xCB\x00\xC0\x02".to_vec(),
        b"\x80\xDB\x00\x80\x04\x81\x04\x01\x02".to_vec(),
        b"\x80\xDB\x00\x00\x02\x03\x04".to_vec(),
        b"\x80\xDB\x00\x80\x01\x81".to_vec(),
        b"\x00\xA4\x00\x0C\x02\x6F\x39".to_vec(),
        b"\x80\x32\x00\x00\x03\x00\x00\x01\x00".to_vec(),
        b"\x00\x04\x08\x00\x04\x7F\xFF\x6F\x46".to_vec(),
        b"\x00\x44\x00\x00".to_vec(),
        b"\x80\x78\x00\x01\x00".to_vec(),
        b"\x00\xA4\x08\x0C\x06\x7F\xFF\x5F\xD0\x4F\x01".to_vec(),
        b"\x00\xD6\x00\x02\x01\x01".to_vec(),
        b"\x80\x78\x00\x01\x36".to_vec(),
    ]
}

/// Seeds out of the published test data.
fn published_seeds(target: &str, standards: &Path) -> anyhow::Result<Vec<Vec<u8>>> {
    let directories: &[&str] = match target {
        "rsp_messages" | "bpp" | "apdus" => &["vectors"],
        "certificates" => &["sgp26", "ci-roots"],
        "profile_package" => &["ts48", "vectors"],
        _ => &[],
    };
    let mut paths = Vec::new();
    for directory in directories {
        files(&standards.join(directory), &mut paths)?;
    }
    paths.sort();
    let mut seeds = Vec::new();
    for path in paths {
        let bytes = std::fs::read(&path)?;
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("log") => seeds.extend(dialogue_seeds(target, &String::from_utf8_lossy(&bytes))),
            Some("der" | "crt" | "cer" | "pem" | "crl") if target != "apdus" => match pem::parse_many(&bytes) {
                Ok(blocks) if !blocks.is_empty() => seeds.extend(blocks.into_iter().map(pem::Pem::into_contents)),
                _ => seeds.push(bytes),
            },
            _ => {}
        }
    }
    match target {
        // A profile package begins with its header, a bound one with its own tag.
        "profile_package" => seeds.retain(|seed| seed.first() == Some(&0xA0)),
        "bpp" => seeds.retain(|seed| seed.starts_with(&[0xBF, 0x36])),
        // The keys beside the certificates are none; whole chains are what validation starts from.
        "certificates" => {
            seeds.retain(|seed| seed.len() > 200);
            seeds.extend(chains(standards)?);
        }
        _ => {}
    }
    Ok(seeds)
}

/// Leaf, intermediate and CI of the published test PKI, one after the other.
fn chains(standards: &Path) -> anyhow::Result<Vec<Vec<u8>>> {
    let mut chains = Vec::new();
    for curve in ["NIST", "BRP"] {
        let read = |name: &str| {
            let path = standards.join(format!("sgp26/v1-set/{name}_ECDSA_{curve}.der"));
            std::fs::read(&path).with_context(|| path.display().to_string())
        };
        let ci = read("CertificateIssuer/CERT_CI")?;
        chains.push([read("eUICC/CERT_EUICC")?, read("EUM/CERT_EUM")?, ci.clone()].concat());
        chains.push([read("DPauth/CERT_S_SM_DPauth")?, ci].concat());
    }
    Ok(chains)
}

/// A card log has commands after `>` and answers after `<`: the former are a script, the latter may be messages.
fn dialogue_seeds(target: &str, log: &str) -> Vec<Vec<u8>> {
    let lines = |mark: char| log.lines().filter_map(move |line| hex(line.strip_prefix(mark)?.trim()));
    match target {
        "apdus" => vec![apdu_script(&lines('>').collect::<Vec<_>>())],
        "rsp_messages" => lines('<').filter_map(|line| Some(line.split_last_chunk::<2>()?.0.to_vec())).collect(),
        _ => Vec::new(),
    }
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

/// All files below a directory.
fn files(directory: &Path, paths: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(directory).with_context(|| directory.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            files(&path, paths)?;
        } else {
            paths.push(path);
        }
    }
    Ok(())
}

/// APDUs one after the other, each after its length in two bytes.
fn apdu_script(apdus: &[Vec<u8>]) -> Vec<u8> {
    let mut script = Vec::new();
    for apdu in apdus {
        script.extend_from_slice(&(apdu.len() as u16).to_be_bytes());
        script.extend_from_slice(apdu);
    }
    script
}

#[cfg(test)]
mod tests {
    use super::dialogue_seeds;

    #[test]
    fn a_card_log_gives_a_script_of_commands_and_the_answers_without_status() {
        let log = "# a comment\n> 00A40400\n< BF20009000\n< 61FC\n";
        assert_eq!(dialogue_seeds("apdus", log), [vec![0, 4, 0x00, 0xA4, 0x04, 0x00]]);
        assert_eq!(dialogue_seeds("rsp_messages", log), [vec![0xBF, 0x20, 0x00], vec![]]);
    }
}
