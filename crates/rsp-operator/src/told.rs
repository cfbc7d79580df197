//! What whoever asked may read of a failure, and what helps: the same over the API, on a page, and in a row of a list.
//!
//! Which servers there are behind this one, under which names and addresses, and what they or the system say of them, is
//! nobody's business outside: it goes to the log. Of a refusal its codes are told, with their meaning.

use rsp_es::printable::printable;
use rsp_es::status::StatusCode;

use crate::error::Error;
use crate::provisioning;

pub(crate) const NO_SUPPLIER: &str = "Whoever runs this server has to configure one.";
pub(crate) const INSECURE: &str = "Whoever runs this server has to configure a pin and TLS 1.3 for the SM-DP+; or order \
                                   without `secure`.";
pub(crate) const UNCERTAIN: &str = "The server gives it up at the SM-DP+, and the activity log says when: order again only \
                                    then, or ask whoever runs the SM-DP+ about this ICCID.";
pub(crate) const REFUSED: &str = "The codes say why; ask whoever runs the SM-DP+.";
pub(crate) const NOTHING_DONE: &str = "Try again later; whoever runs this server finds the reason in its log.";
pub(crate) const NO_ANSWER: &str = "Look for the effect before trying again: it may have been done.";
pub(crate) const NO_NETWORK_ADAPTER: &str = "Whoever runs this server has to configure one (`[operator.network]`), or to give \
                                             the tenant an IMSI prefix: `openrsp operator tenant set NAME --imsi-prefix`.";
pub(crate) const NETWORK: &str = "Try again later.";
pub(crate) const INTERNAL: &str = "Try again later; whoever runs the server finds the reason in its log.";

/// Characters of a name that somebody sent, where it is repeated.
const NAME: usize = 64;
/// Characters of what happened.
const WHAT: usize = 300;

/// What is told of a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    /// What happened. It begins with a small letter, and has no full stop.
    pub(crate) what: String,
    /// What helps, in sentences of its own; empty if `what` says it.
    pub(crate) remedy: &'static str,
}

impl Told {
    fn new(what: impl AsRef<str>, remedy: &'static str) -> Self {
        Self { what: printable(&what.as_ref().replace('\n', " "), WHAT), remedy }
    }

    fn refused(status: &StatusCode) -> Self {
        Self::new(format!("the SM-DP+ refused: {status}"), remedy_of(status))
    }

    /// Both.
    pub(crate) fn text(&self) -> String {
        let Self { what, remedy } = self;
        if remedy.is_empty() { what.clone() } else { format!("{what}. {remedy}") }
    }
}

/// What helps when an SM-DP+ refuses.
pub(crate) fn remedy_of(status: &StatusCode) -> &'static str {
    status.explanation().map_or(REFUSED, |explanation| explanation.remedy)
}

/// What is told of a failure.
pub(crate) fn told(error: &Error) -> Told {
    match error {
        Error::NotFound { what, name } if name.is_empty() => Told::new(format!("there is no such {what}"), ""),
        Error::NotFound { what, name } => Told::new(format!("there is no {what} \"{}\"", printable(name, NAME)), ""),
        Error::Exists { what, name } => {
            Told::new(format!("there is a {what} \"{}\" already", printable(name, NAME)), "")
        }
        Error::Provisioning(error) => of_order(error),
        Error::Refused(status) => Told::refused(status),
        Error::Unreachable(_) => {
            Told::new("the SM-DP+ is not configured as it must be, and was not asked", NOTHING_DONE)
        }
        Error::Unrecorded { iccid, .. } => {
            Told::new(format!("the SM-DP+ has sold {iccid}, and that could not be noted"), UNCERTAIN)
        }
        Error::Store(rsp_store::Error::Busy) | Error::Smdp(rsp_smdp::Error::Store(rsp_store::Error::Busy)) => {
            Told::new("the database is busy", NETWORK)
        }
        Error::NoNetworkAdapter => Told::new(error.to_string(), NO_NETWORK_ADAPTER),
        Error::Network(_) => Told::new("the network refused or gave no answer", NETWORK),
        Error::Smdp(error) => {
            let status = StatusCode::from(error);
            if status.is(&StatusCode::FUNCTION_EXECUTION_ERROR) { internal() } else { Told::refused(&status) }
        }
        Error::Store(_) | Error::Crypto(_) => internal(),
        Error::Forbidden(_) | Error::Invalid { .. } | Error::Full { .. } | Error::WrongState { .. } | Error::Busy => {
            Told::new(error.to_string(), "")
        }
    }
}

/// What is told of an order.
fn of_order(error: &provisioning::Error) -> Told {
    match error.telling() {
        provisioning::Error::Refused { status, .. } => Told::refused(status),
        provisioning::Error::Insecure { reason, .. } => Told::new(reason.to_string(), INSECURE),
        provisioning::Error::Uncertain { iccid, .. } => {
            Told::new(format!("the SM-DP+ may have sold {iccid}, and did not say"), UNCERTAIN)
        }
        provisioning::Error::Unreachable { .. } => {
            Told::new("no SM-DP+ gave an answer that can be used; nothing was ordered or changed", NOTHING_DONE)
        }
        provisioning::Error::Unanswered { .. } => {
            let what =
                "the SM-DP+ gave no answer, or it could not be noted; the order may have been changed all the same";
            Told::new(what, NO_ANSWER)
        }
        provisioning::Error::Untraced => internal(),
        provisioning::Error::NoSupplier | provisioning::Error::None(_) => {
            Told::new("no SM-DP+ is configured for this carrier", NO_SUPPLIER)
        }
    }
}

fn internal() -> Told {
    Told::new("the server failed", INTERNAL)
}

/// Writes to the log what is not told.
pub(crate) fn log(error: &Error) {
    let text = printable(&error.to_string(), 1_000);
    match error {
        Error::Provisioning(provisioning::Error::Untraced) | Error::Store(_) | Error::Smdp(_) | Error::Crypto(_) => {
            tracing::error!(error = text, "something failed");
        }
        Error::Unrecorded { source, .. } => {
            let source = printable(&source.to_string(), WHAT);
            tracing::error!(error = text, source, "an order that is not noted");
        }
        Error::Provisioning(_) | Error::Refused(_) | Error::Unreachable(_) | Error::Network(_) => {
            tracing::warn!(error = text, "another server did not do it");
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use rsp_es::status::StatusCode;

    use super::told;
    use crate::error::Error;
    use crate::provisioning;

    const ADDRESS: &str = "localhost:9: no connection to localhost at 127.0.0.1:9: Connection refused (os error 111)";

    #[test]
    fn nobody_is_told_which_servers_there_are() {
        let (supplier, problem) = ("own-9".to_owned(), ADDRESS.to_owned());
        let iccid = "8988247000000000001".parse().unwrap();
        let unreachable = || provisioning::Error::Unreachable { supplier: supplier.clone(), problem: problem.clone() };
        let refused =
            provisioning::Error::Refused { supplier: supplier.clone(), status: StatusCode::PROFILE_TYPE_UNAVAILABLE };
        let source = Box::new(Error::Network(problem.clone()));
        for error in [
            unreachable().into(),
            provisioning::Error::None(vec![unreachable(), unreachable()]).into(),
            provisioning::Error::None(vec![unreachable(), refused]).into(),
            provisioning::Error::Unanswered { supplier: supplier.clone(), problem: problem.clone() }.into(),
            provisioning::Error::Uncertain {
                supplier: supplier.clone(),
                iccid,
                call_id: "c".to_owned(),
                problem: problem.clone(),
            }
            .into(),
            Error::Unreachable(problem.clone()),
            Error::Network(problem.clone()),
            Error::Unrecorded { supplier: supplier.clone(), iccid, source },
        ] {
            let text = told(&error).text();
            for hidden in ["localhost", "127.0.0.1", "os error", "own-9"] {
                assert!(!text.contains(hidden), "{text}");
            }
            assert!(text.ends_with('.'), "{text}");
        }
    }

    #[test]
    fn a_refusal_is_told_with_what_helps() {
        let supplier = "own".to_owned();
        let status = StatusCode::PROFILE_TYPE_UNAVAILABLE;
        let refused: Error = provisioning::Error::Refused { supplier, status }.into();
        let text = told(&refused).text();
        let remedy = StatusCode::PROFILE_TYPE_UNAVAILABLE.explanation().unwrap().remedy;
        assert!(text.contains("8.2.5/3.7") && text.ends_with(remedy) && !text.contains("own"), "{text}");
    }
}
