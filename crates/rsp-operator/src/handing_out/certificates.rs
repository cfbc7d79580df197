//! The page of certificates.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::certificates::{Held, WARNING, certificates};
use crate::portal::{Failure, Mark, Notice, Shell, Viewer, moment, page};
use crate::service::Service;

#[derive(Template)]
#[template(path = "handing_out/certificates.html")]
struct CertificatesPage {
    shell: Shell,
    certificates: Vec<Shown>,
}

struct Shown {
    purpose: String,
    operator: String,
    subject: String,
    until: String,
    days: String,
    mark: Mark,
}

/// `GET /certificates`.
pub(super) async fn show(State(service): State<Arc<Service>>, viewer: Viewer) -> Result<Response, Failure> {
    let shell = Shell::new(&viewer, "Certificates", "/certificates");
    let now = service.desk.now();
    let shown = |held: Held| {
        let days = held.days_left(now);
        Shown {
            mark: match days {
                ..0 => Mark::new("bad", "bad", "Expired"),
                0..WARNING => Mark::new("warn", "warn", "Expires soon"),
                _ => Mark::new("good", "good", "Valid"),
            },
            days: if days < 0 { "none".to_owned() } else { days.to_string() },
            until: moment(held.certificate.not_after()),
            subject: rsp_es::printable::printable(&held.certificate.subject(), 120),
            operator: held.operator.unwrap_or_default(),
            purpose: held.purpose,
        }
    };
    let (shell, certificates) = match certificates(&*service.certificates, &viewer.actor) {
        Ok(held) => (shell, held.into_iter().map(shown).collect()),
        Err(problem) => {
            tracing::error!(problem, "the certificates were not read");
            let notice = Notice::warn("A certificate could not be read; the server's log says which.");
            (shell.with(Some(notice)), Vec::new())
        }
    };
    Ok(page(&CertificatesPage { shell, certificates }))
}
