//! What a server answered, counted.

use std::collections::BTreeMap;

use rsp_es::client::ClientError;
use rsp_es::status::StatusCode;
use serde_json::Value;

/// Answers by what they say: `package` for a success, subject and reason for a refusal, and the error for whatever else came.
#[derive(Default)]
pub(super) struct Answers(BTreeMap<String, u64>);

/// A package was delivered.
pub(super) const PACKAGE: &str = "package";

impl Answers {
    /// Counts a call that succeeded or did not.
    pub(super) fn count<T>(&mut self, success: &str, answer: &anyhow::Result<T>) {
        let said = match answer {
            Ok(_) => success.to_owned(),
            Err(error) => said(error),
        };
        *self.0.entry(said).or_default() += 1;
    }

    pub(super) fn merge(&mut self, other: Self) {
        for (said, count) in other.0 {
            *self.0.entry(said).or_default() += count;
        }
    }

    /// How often this was answered.
    pub(super) fn of(&self, said: &str) -> u64 {
        self.0.get(said).copied().unwrap_or_default()
    }

    pub(super) fn refused(&self, status: &StatusCode) -> u64 {
        self.of(&code(status))
    }

    /// What was answered besides these, in words; empty if nothing was.
    pub(super) fn besides(&self, success: &[&str], allowed: &[&StatusCode]) -> String {
        let expected =
            |said: &str| success.contains(&said) || allowed.iter().any(|status| code(status).as_str() == said);
        let others: Vec<_> = self
            .0
            .iter()
            .filter(|(said, _)| !expected(said))
            .map(|(said, count)| format!("{said} ({count})"))
            .collect();
        others.join(", ")
    }

    pub(super) fn to_json(&self) -> Value {
        self.0.iter().map(|(said, count)| (said.clone(), Value::from(*count))).collect()
    }
}

fn code(status: &StatusCode) -> String {
    format!("{}/{}", status.subject, status.reason)
}

fn said(error: &anyhow::Error) -> String {
    match error.downcast_ref::<ClientError>() {
        Some(ClientError::Refused { status, .. }) => code(status),
        Some(ClientError::HttpStatus { status, .. }) => format!("HTTP {status}"),
        _ => format!("{error:#}"),
    }
}

#[cfg(test)]
mod tests {
    use rsp_es::client::ClientError;
    use rsp_es::es9plus::Function;
    use rsp_es::status::StatusCode;

    use super::{Answers, PACKAGE};

    fn refused(status: StatusCode) -> anyhow::Result<()> {
        Err(ClientError::Refused { function: Function::AuthenticateClient, status }.into())
    }

    #[test]
    fn refusals_are_told_from_everything_else_that_fails() {
        let mut answers = Answers::default();
        answers.count(PACKAGE, &Ok(()));
        answers.count(PACKAGE, &refused(StatusCode::MATCHING_ID_REFUSED));
        assert_eq!((answers.of(PACKAGE), answers.refused(&StatusCode::MATCHING_ID_REFUSED)), (1, 1));
        assert_eq!(answers.besides(&[PACKAGE], &[&StatusCode::MATCHING_ID_REFUSED]), "");
        let broken: anyhow::Result<()> =
            Err(ClientError::HttpStatus { function: Function::AuthenticateClient, status: 500 }.into());
        answers.count(PACKAGE, &broken);
        answers.count(PACKAGE, &refused(StatusCode::EID_REFUSED));
        let others = answers.besides(&[PACKAGE], &[&StatusCode::MATCHING_ID_REFUSED]);
        assert_eq!(others, "8.1.1/3.8 (1), HTTP 500 (1)");
    }
}
