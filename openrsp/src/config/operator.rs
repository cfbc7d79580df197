//! What a configuration file says of the operator's side.

use std::collections::BTreeMap;
use std::path::PathBuf;

use rsp_operator::Front;
use rsp_operator::api::Limits;
use serde::Deserialize;

use super::sections::TlsSection;
use super::suppliers::CarriersFile;
use super::values::{HostPort, Listen};

/// The operator's portal and REST API.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OperatorSection {
    pub(crate) listen: Listen,
    /// Where browsers and programs reach it.
    pub(crate) url: String,
    /// What it shows, if not the SM-DP+'s certificate.
    pub(crate) tls: Option<TlsSection>,
    /// Issuers in PEM, one of which has to be that of a webhook's receiver; the system's without it.
    pub(crate) webhook_ca: Option<PathBuf>,
    /// Receivers of webhooks that may be private, have any port, and be called without TLS.
    #[serde(default)]
    pub(crate) webhook_allow: Vec<HostPort>,
    /// Whether a proxy on this machine is called in its place, and writes by whom into X-Forwarded-For.
    #[serde(default)]
    pub(crate) behind_proxy: bool,
    /// Requests of the API with one key.
    requests_per_minute: Option<u32>,
    /// Wrong keys of the API from one address.
    wrong_keys_per_minute: Option<u32>,
    pub(crate) network: Option<NetworkSection>,
    /// Where tenants order that do not order at this server alone: their carriers, by the tenants' names.
    #[serde(default)]
    pub(crate) tenant: BTreeMap<String, CarriersFile>,
}

/// The network in which the eSIMs are used.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NetworkSection {
    /// Where the console (VTY) of an osmo-hlr listens.
    pub(crate) hlr_vty: Listen,
}

impl OperatorSection {
    /// How callers come to it.
    pub(crate) fn front(&self) -> Front {
        let default = Limits::default();
        let limits = Limits {
            requests: self.requests_per_minute.unwrap_or(default.requests),
            failures: self.wrong_keys_per_minute.unwrap_or(default.failures),
        };
        Front { limits, behind_proxy: self.behind_proxy }
    }

    /// Refuses limits that nobody could keep.
    pub(super) fn check(&self) -> Result<(), String> {
        let limits =
            [("requests_per_minute", self.requests_per_minute), ("wrong_keys_per_minute", self.wrong_keys_per_minute)];
        match limits.into_iter().find(|(_, value)| *value == Some(0)) {
            Some((name, _)) => Err(format!("{name}: 0 is not at least 1: nobody would be let in")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use figment::providers::{Format as _, Toml};
    use rsp_operator::Front;
    use rsp_operator::api::Limits;

    use super::OperatorSection;

    fn read(more: &str) -> Result<Front, String> {
        let text = format!("listen = \"127.0.0.1:1\"\nurl = \"https://localhost:1\"\n{more}");
        let section: OperatorSection = crate::config::extract(Toml::string(&text))?;
        section.check()?;
        Ok(section.front())
    }

    #[test]
    fn limits_are_those_of_the_file_or_of_the_program() {
        assert_eq!(read(""), Ok(Front { limits: Limits { requests: 1200, failures: 20 }, behind_proxy: false }));
        let said = read("requests_per_minute = 7\nwrong_keys_per_minute = 8\nbehind_proxy = true");
        assert_eq!(said, Ok(Front { limits: Limits { requests: 7, failures: 8 }, behind_proxy: true }));
        for name in ["requests_per_minute", "wrong_keys_per_minute"] {
            assert!(read(&format!("{name} = 0")).unwrap_err().starts_with(name));
            assert!(read(&format!("{name} = -1")).unwrap_err().starts_with(name));
        }
    }
}
