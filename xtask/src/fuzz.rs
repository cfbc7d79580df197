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
    println!("fuzz: {target} for {seconds} s");
    let status = Command::new(built.join(target))
        .arg(corpus)
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-max_len={MAX_BYTES}"))
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .args(["-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1", "-verbosity=0"])
        .status()
        .with_context(|| format!("{}", built.join(target).display()))?;
    if !status.success() {
        bail!("{target} failed ({status}); the input is in {}", artifacts.display());
    }
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
        // Each APDU after its length in two bytes: open a channel, select the ISD-R, ask for the EID.
        "apdus" => vec![apdu_script(&[
            &[0x00, 0x70, 0x00, 0x00, 0x01],
            b"\x01\xA4\x04\x00\x10\xA0\x00\x00\x05\x59\x10\x10\xFF\xFF\xFF\xFF\x89\x00\x00\x01\x00",
            &[0x81, 0xE2, 0x91, 0x00, 0x06, 0xBF, 0x3E, 0x03, 0x5C, 0x01, 0x5A],
            &[0x81, 0xE2, 0x91, 0x00, 0x03, 0xBF, 0x20, 0x00],
            &[0x00, 0xA4, 0x00, 0x04, 0x02, 0x3F, 0x00],
            &[0x00, 0xB2, 0x01, 0x04, 0xFF],
        ])],
        _ => Vec::new(),
    }
}

/// Seeds out of the published test data.
fn published_seeds(target: &str, standards: &Path) -> anyhow::Result<Vec<Vec<u8>>> {
    let directories: &[&str] = match target {
        "rsp_messages" => &["vectors"],
        "certificates" => &["sgp26", "ci-roots"],
        "bpp" => &["vectors"],
        "profile_package" => &["ts48", "vectors"],
        _ => &[],
    };
    let mut seeds = Vec::new();
    for directory in directories {
        collect(&standards.join(directory), &mut seeds)?;
    }
    if target == "profile_package" {
        // A profile package begins with its header, tag A0.
        seeds.retain(|seed| seed.first() == Some(&0xA0));
    }
    Ok(seeds)
}

/// All DER below a directory: `.der` and `.crt` files, PEM files opened.
fn collect(directory: &Path, seeds: &mut Vec<Vec<u8>>) -> anyhow::Result<()> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(directory)
        .with_context(|| directory.display().to_string())?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    paths.sort();
    for path in paths {
        if path.is_dir() {
            collect(&path, seeds)?;
            continue;
        }
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or("");
        if ["der", "crt", "cer", "pem", "bin", "crl"].contains(&extension) {
            let bytes = std::fs::read(&path)?;
            match pem::parse_many(&bytes) {
                Ok(blocks) if !blocks.is_empty() => seeds.extend(blocks.into_iter().map(pem::Pem::into_contents)),
                _ => seeds.push(bytes),
            }
        }
    }
    Ok(())
}

/// APDUs one after the other, each after its length in two bytes.
fn apdu_script(apdus: &[&[u8]]) -> Vec<u8> {
    let mut script = Vec::new();
    for apdu in apdus {
        script.extend_from_slice(&(apdu.len() as u16).to_be_bytes());
        script.extend_from_slice(apdu);
    }
    script
}
