//! The card process that lpac talks to: `openrsp euicc stdio`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use anyhow::{Context as _, ensure};

use openrsp::processes::{Openrsp, text};

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
