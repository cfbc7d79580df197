//! The card that lpac uses: `openrsp euicc stdio`, or `openrsp euicc serve --vpcd` behind a pcscd.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use openrsp::processes::{Openrsp, Service, text};
use openrsp::readers::Readers;
use openrsp::{onlookers, programs, readers};

/// How long pcscd may take to see the card.
const INSERTION: Duration = Duration::from_secs(10);

/// The card, and the way there.
pub(crate) enum Card {
    /// lpac's lines are carried to a process.
    Stdio(CardProcess),
    /// lpac finds it in a reader.
    Reader(CardInReader),
}

impl Card {
    /// Tells lpac where the card is.
    pub(crate) fn lead(&self, lpac: &mut Command) {
        match self {
            Self::Stdio(_) => lpac.env("LPAC_APDU", "stdio"),
            Self::Reader(card) => {
                let (variable, socket) = card.readers.variable();
                lpac.env("LPAC_APDU", "pcsc").env("LPAC_APDU_PCSC_DRV_IFID", "0").env(variable, socket)
            }
        };
    }

    /// Carries one line to the card and its answer back, both without the line's end.
    pub(crate) fn exchange(&mut self, line: &str) -> anyhow::Result<String> {
        match self {
            Self::Stdio(card) => card.exchange(line),
            Self::Reader(_) => bail!("lpac wants its line carried, and is to use PC/SC: {line}"),
        }
    }

    /// Takes the card away, with everything written.
    pub(crate) fn end(self) -> anyhow::Result<()> {
        match self {
            Self::Stdio(card) => card.end(),
            Self::Reader(card) => {
                drop(card);
                Ok(())
            }
        }
    }
}

/// A card in a reader that nobody else sees. Each program that uses it powers it on and off.
pub(crate) struct CardInReader {
    /// Ended before its reader, which it would wait for.
    _card: Service,
    pub(crate) readers: Readers,
}

impl CardInReader {
    /// Puts the card in a file into a reader of its own, whose files go to a new directory. The card is recorded into
    /// another new directory if one is given.
    pub(crate) fn start(
        openrsp: &Openrsp,
        file: &Path,
        directory: &Path,
        record: Option<&Path>,
    ) -> anyhow::Result<Self> {
        let missing = programs::missing(&[&readers::NEEDED[..], &onlookers::NEEDED].concat());
        ensure!(missing.is_empty(), "missing packages of Debian: {}", missing.join(" "));
        std::fs::create_dir(directory).with_context(|| directory.display().to_string())?;
        let readers = Readers::start(directory)?;
        let address = readers.address();
        let mut arguments = vec!["euicc", "serve", text(file)?, "--vpcd", &address];
        if let Some(directory) = record {
            arguments.extend(["--record", text(directory)?]);
        }
        let card = openrsp.serve(arguments)?;
        let deadline = Instant::now() + INSERTION;
        while onlookers::pcsc_scan(&readers).is_err() {
            ensure!(Instant::now() < deadline, "pcscd does not see the card");
        }
        Ok(Self { _card: card, readers })
    }
}

/// A card that stays for many runs of lpac; each `connect` powers it on.
pub(crate) struct CardProcess {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl CardProcess {
    /// Starts the card in a file, recorded into a new directory if one is given.
    pub(crate) fn start(openrsp: &Openrsp, file: &Path, record: Option<&Path>) -> anyhow::Result<Self> {
        let mut arguments = vec!["euicc", "stdio", text(file)?];
        if let Some(directory) = record {
            arguments.extend(["--record", text(directory)?]);
        }
        let mut child = openrsp.command(arguments).stdin(Stdio::piped()).spawn().context("the card process")?;
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().context("a process without output")?);
        Ok(Self { child, input, output })
    }

    /// Carries one line to the card and its answer back, both without the line's end.
    pub(crate) fn exchange(&mut self, line: &str) -> anyhow::Result<String> {
        let input = self.input.as_mut().context("the card process was ended")?;
        writeln!(input, "{line}").and_then(|()| input.flush()).context("the card process takes no more lines")?;
        let mut answer = String::new();
        self.output.read_line(&mut answer).context("the card process")?;
        ensure!(answer.ends_with('\n'), "the card process ended without an answer to {line}");
        Ok(answer.trim_end().to_owned())
    }

    /// Switches the card off and waits until everything is written.
    pub(crate) fn end(mut self) -> anyhow::Result<()> {
        drop(self.input.take());
        let status = self.child.wait().context("the card process")?;
        ensure!(status.success(), "the card process ended with {status}");
        Ok(())
    }
}

impl Drop for CardProcess {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
