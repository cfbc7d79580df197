//! What the LPA asks at a terminal, and what it does without one.

use std::fs::File;
use std::io::{BufRead as _, IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};

use rsp_asn1::ProfileClass;
use rsp_lpa::{ConfirmationCode, Decision, EndUser, ProfileOffer};
use zeroize::Zeroizing;

use crate::exit::{Exit, Failure};
use crate::system::require_private_if_kept;

/// Largest file that is read for a confirmation code, in bytes.
const MAX_CODE_FILE: usize = 4096;

/// Where the confirmation code comes from. Never from the command line itself, which other users can read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CodeSource {
    /// From the terminal.
    Ask,
    /// From the first line of a file.
    File(PathBuf),
}

impl CodeSource {
    /// Reads `ask` or `@FILE`. Not clap's work, which would repeat the text in its message: it may be the code itself.
    pub(super) fn parse(text: &str) -> anyhow::Result<Self> {
        match text.strip_prefix('@') {
            Some(file) if !file.is_empty() => Ok(Self::File(PathBuf::from(file))),
            None if text == "ask" => Ok(Self::Ask),
            _ => {
                let message = "--confirmation-code is `ask` or @FILE: a code on a command line can be read by others";
                Err(Failure::new(Exit::Usage, message))
            }
        }
    }
}

/// The person at the terminal, or the options that stand for a person.
pub(super) struct Terminal {
    yes: bool,
    code: Option<ConfirmationCode>,
    may_ask: bool,
}

impl Terminal {
    /// Checks at once that every answer that will be needed can be given, so that nothing fails half-way.
    ///
    /// `code_announced`: the activation code says that a confirmation code will be needed.
    pub(super) fn new(yes: bool, source: Option<&CodeSource>, code_announced: bool) -> anyhow::Result<Self> {
        let may_ask = std::io::stdin().is_terminal();
        let missing = |flag: &str| Failure::new(Exit::Usage, format!("there is no terminal to ask at: give {flag}"));
        if !yes && !may_ask {
            return Err(missing("--yes to agree to the installation"));
        }
        let code = match source {
            Some(CodeSource::File(file)) => Some(read_code(file)?),
            Some(CodeSource::Ask) if !may_ask => return Err(missing("--confirmation-code @FILE")),
            None if code_announced && !may_ask => return Err(missing("--confirmation-code @FILE")),
            _ => None,
        };
        Ok(Self { yes, code, may_ask })
    }
}

impl EndUser for Terminal {
    fn consent(&mut self, offer: &ProfileOffer) -> Decision {
        if self.yes {
            return Decision::Install;
        }
        describe(offer);
        loop {
            match ask("Install it? [y] yes, [n] never, [l] later: ").as_deref() {
                Ok("y" | "yes") => return Decision::Install,
                Ok("n" | "no" | "never") => return Decision::Reject,
                Ok("l" | "later") => return Decision::Postpone,
                Ok("") => {}
                Ok(_) => eprintln!("Please answer y, n or l."),
                Err(_) => return Decision::NoAnswer,
            }
        }
    }

    fn confirmation_code(&mut self, _: &ProfileOffer) -> Option<ConfirmationCode> {
        if self.code.is_some() {
            return self.code.clone();
        }
        if !self.may_ask {
            eprintln!("The server asks for a confirmation code: give --confirmation-code @FILE");
            return None;
        }
        let typed = Zeroizing::new(rpassword::prompt_password("Confirmation code: ").ok()?);
        ConfirmationCode::new(&typed)
    }
}

/// Asks before something that cannot be undone; only `y` is a yes. Without a terminal there must be a flag.
pub(super) fn require_consent(yes: bool, question: &str, otherwise: &str) -> anyhow::Result<()> {
    if yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure::new(Exit::Usage, "there is no terminal to ask at: give --yes"));
    }
    agreed(ask(question), otherwise)
}

/// An end of the input, or what is no text, is no yes either.
fn agreed(answer: std::io::Result<String>, otherwise: &str) -> anyhow::Result<()> {
    match answer.as_deref() {
        Ok("y" | "yes") => Ok(()),
        _ => Err(Failure::new(Exit::Failed, otherwise)),
    }
}

/// One line from the terminal, in lower case. Questions go to standard error: standard output is for results.
fn ask(question: &str) -> std::io::Result<String> {
    eprint!("{question}");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    if std::io::stdin().lock().read_line(&mut answer)? == 0 {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    Ok(answer.trim().to_ascii_lowercase())
}

fn read_code(file: &Path) -> anyhow::Result<ConfirmationCode> {
    let bad = |problem: String| Failure::new(Exit::Input, format!("{}: {problem}", file.display()));
    require_private_if_kept(file)?;
    // Room for all at once: a vector that grows leaves copies behind.
    let mut content = Zeroizing::new(Vec::with_capacity(MAX_CODE_FILE + 1));
    let limit = MAX_CODE_FILE as u64 + 1;
    let read = File::open(file).and_then(|file| file.take(limit).read_to_end(&mut content));
    read.map_err(|error| bad(error.to_string()))?;
    if content.len() > MAX_CODE_FILE {
        return Err(bad(format!("larger than {MAX_CODE_FILE} bytes, so it is no file with a confirmation code")));
    }
    let line = content.split(|byte| *byte == b'\n').next().and_then(|line| std::str::from_utf8(line).ok());
    let code = line.and_then(ConfirmationCode::new);
    code.ok_or_else(|| bad("its first line holds no confirmation code".to_owned()))
}

fn describe(offer: &ProfileOffer) {
    eprintln!();
    eprintln!("  {}: {}", offer.service_provider_name, offer.profile_name);
    eprintln!("  ICCID {} from {}", offer.iccid, offer.smdp_address);
    if let Some(owner) = &offer.owner {
        eprintln!("  operator {owner}");
    }
    if offer.profile_class != ProfileClass::OPERATIONAL {
        eprintln!("  class {}", offer.profile_class.name().unwrap_or("unknown"));
    }
    for rule in &offer.policy_rules {
        eprintln!("  you would be bound by {}", rule.rule);
    }
    if offer.confirmation_code_required {
        eprintln!("  you will be asked for a confirmation code");
    }
    eprintln!();
}

#[cfg(test)]
mod tests {
    use super::agreed;
    use crate::exit::{Exit, exit_of};

    #[test]
    fn only_a_yes_is_consent_and_everything_else_is_a_refusal_of_the_person() {
        for yes in ["y", "yes"] {
            assert!(agreed(Ok(yes.to_owned()), "nothing was deleted").is_ok());
        }
        let (ended, no_text) = (std::io::ErrorKind::UnexpectedEof, std::io::ErrorKind::InvalidData);
        for answer in [Ok("n".to_owned()), Ok(String::new()), Err(ended.into()), Err(no_text.into())] {
            let error = agreed(answer, "nothing was deleted").unwrap_err();
            assert_eq!((exit_of(&error), error.to_string().as_str()), (Exit::Failed, "nothing was deleted"));
        }
    }
}
