//! What comes of a form: its page says so, and is otherwise the page that it was on.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use rsp_crypto::Zeroizing;

use super::failure::{Failure, said, sentence};
use super::shell::{Notice, Shell, page, page_with};
use super::visit::Visit;
use crate::error::Error;

/// What is said above a page, and on it.
#[derive(Default)]
pub(super) struct Outcome {
    /// A secret that is told this once.
    pub(super) told: Option<Told>,
    /// What is wrong with the form.
    pub(super) problem: Option<String>,
    notice: Option<Notice>,
}

/// A secret, and whose it is.
pub(super) struct Told {
    pub(super) name: String,
    pub(super) secret: Zeroizing<String>,
}

impl Outcome {
    /// It was done.
    pub(super) fn done(text: impl Into<String>) -> Self {
        Self { notice: Some(Notice::good(text)), ..Self::default() }
    }

    /// It was done, and made a secret.
    pub(super) fn told(name: impl Into<String>, secret: Zeroizing<String>) -> Self {
        Self { told: Some(Told { name: name.into(), secret }), ..Self::default() }
    }

    /// What came of a form: with what the one who sent it can mend, its page is shown again. All else is a page of its own.
    pub(super) fn settle(done: Result<Self, Error>) -> Result<(StatusCode, Self), Failure> {
        match done {
            Ok(outcome) => Ok((StatusCode::OK, outcome)),
            Err(wrong @ (Error::Invalid { .. } | Error::Exists { .. } | Error::NotFound { .. })) => {
                let said = said(&wrong);
                Ok((said.status, Self { problem: Some(sentence(&said.detail)), ..Self::default() }))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// What stands around the page.
    pub(super) fn shell(&mut self, visit: &Visit, title: &str, here: &'static str) -> Shell {
        Shell::new(&visit.viewer, title, here).with(self.notice.take())
    }
}

/// A page that lists things, and has forms that change them.
pub(super) trait Board: Template + Sized {
    /// The page as it is now, after a form or without any.
    fn of(visit: &Visit, outcome: Outcome) -> impl Future<Output = Result<Self, Failure>> + Send;
}

/// A page.
pub(super) async fn show<B: Board>(visit: &Visit) -> Result<Response, Failure> {
    Ok(page(&B::of(visit, Outcome::default()).await?))
}

/// A page after one of its forms.
pub(super) async fn after<B: Board>(visit: &Visit, done: Result<Outcome, Error>) -> Result<Response, Failure> {
    let (status, outcome) = Outcome::settle(done)?;
    Ok(page_with(status, &B::of(visit, outcome).await?))
}
