//! What was done and seen, a line for each step.

use std::process::ExitCode;
use std::time::Instant;

/// Steps as they happen. The first that fails is the last.
#[derive(Default)]
pub(crate) struct Report {
    steps: usize,
    begun: Option<Instant>,
}

impl Report {
    /// Does one step and says what came of it.
    pub(crate) fn step<T>(
        &mut self,
        name: &str,
        step: impl FnOnce() -> anyhow::Result<(T, String)>,
    ) -> anyhow::Result<T> {
        let begun = Instant::now();
        self.begun.get_or_insert(begun);
        self.steps += 1;
        let done = step();
        let ms = begun.elapsed().as_millis();
        let (verdict, seen) = match &done {
            Ok((_, seen)) => ("ok", seen.clone()),
            Err(error) => ("FAILED", format!("{error:#}")),
        };
        println!("{:3}  {verdict:6} {ms:6} ms  {name}: {seen}", self.steps);
        done.map(|(value, _)| value).map_err(|error| error.context(name.to_owned()))
    }

    /// The same for a step that only has something to say.
    pub(crate) fn check(&mut self, name: &str, step: impl FnOnce() -> anyhow::Result<String>) -> anyhow::Result<()> {
        self.step(name, || step().map(|seen| ((), seen)))
    }

    /// The last line and the exit code: 0, or 1 when something did not hold.
    pub(crate) fn finish(&self, run: anyhow::Result<()>) -> ExitCode {
        let seconds = self.begun.map_or(0.0, |begun| begun.elapsed().as_secs_f64());
        match run {
            Ok(()) => {
                println!("all {} steps hold, {seconds:.1} s", self.steps);
                ExitCode::SUCCESS
            }
            Err(error) => {
                eprintln!("error: {error:#}");
                ExitCode::FAILURE
            }
        }
    }
}
