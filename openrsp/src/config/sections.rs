//! What a configuration file says, section by section. Each value is checked where it is read, so that an error names it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use rsp_auth::ServerAddress;
use rsp_auth::matching_id::Length;
use rsp_crypto::Curve;
use rsp_es::client::EgressPolicy;
use serde::Deserialize;

use super::operator::OperatorSection;
use super::values::{Address, CurveName, Fixed, HostPort, Listen, Tac, Version};

/// The whole configuration. Paths are relative to the directory of the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) smdp: SmdpSection,
    pub(crate) tls: TlsSection,
    pub(crate) store: StoreSection,
    pub(crate) es9plus: Option<Es9PlusSection>,
    pub(crate) es2plus: Option<Es2PlusSection>,
    pub(crate) smds: Option<SmdsSection>,
    pub(crate) es12: Option<Es12Section>,
    pub(crate) operator: Option<OperatorSection>,
    #[serde(default)]
    pub(crate) egress: EgressSection,
    #[serde(default)]
    pub(crate) limits: LimitsSection,
    #[serde(default)]
    pub(crate) eligibility: EligibilitySection,
    #[serde(default)]
    pub(crate) crl: CrlSection,
    #[serde(default)]
    pub(crate) binding: BindingSection,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SmdpSection {
    pub(crate) address: String,
    /// Where ES9+ listens, in files that have no section for it.
    listen: Option<Listen>,
    pub(crate) pki: PathBuf,
}

/// A certificate and its key.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TlsSection {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StoreSection {
    pub(crate) database: PathBuf,
    pub(crate) key_encryption_key: PathBuf,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Es9PlusSection {
    listen: Option<Listen>,
    curves: Option<Vec<CurveName>>,
    p256: Option<CurveSection>,
    brainpool: Option<CurveSection>,
}

/// An endpoint for the eUICCs of one curve.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CurveSection {
    listen: Listen,
    address: Address,
    tls: Option<TlsSection>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Es2PlusSection {
    pub(crate) listen: Option<Listen>,
    /// What the SM-DP+ shows to operators when it notifies them.
    pub(crate) client: Option<TlsSection>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SmdsSection {
    pub(crate) address: Address,
    pub(crate) listen: Listen,
    /// Where DSauth lies, if not where the SM-DP+ has its certificates.
    pub(crate) pki: Option<PathBuf>,
    pub(crate) tls: TlsSection,
    /// The SM-DS above, at its ES15.
    pub(crate) parent: Option<HostPort>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Es12Section {
    pub(crate) listen: Option<Listen>,
    pub(crate) client: Option<Es12ClientSection>,
}

/// What the SM-DP+ shows to SM-DSs, and where it calls them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Es12ClientSection {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    /// From the address of an SM-DS as orders name it to that of its ES12, where these differ.
    #[serde(default)]
    pub(crate) endpoints: BTreeMap<String, HostPort>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EgressSection {
    #[serde(default)]
    pub(crate) allow: Vec<HostPort>,
    /// Names that are not looked up: `HOST[:PORT]=ADDR:PORT`.
    #[serde(default)]
    pub(crate) resolve: Vec<Fixed>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LimitsSection {
    pub(crate) minimum_svn: Option<Version>,
    pub(crate) maximum_svn: Option<Version>,
    pub(crate) confirmation_code_tries: Option<u32>,
    pub(crate) downloads: Option<u32>,
    pub(crate) session_seconds: Option<u32>,
    pub(crate) result_days: Option<u32>,
    /// How long an operator's order can be downloaded; for ever without it.
    pub(crate) order_days: Option<u32>,
    /// Characters of a matching ID that nobody chose: 26 or 52.
    pub(crate) matching_id_characters: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EligibilitySection {
    #[serde(default)]
    pub(crate) blocked_tacs: Vec<Tac>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CrlSection {
    #[serde(default)]
    pub(crate) required: bool,
    pub(crate) max_age_days: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BindingSection {
    #[serde(default)]
    pub(crate) protection: Protection,
    pub(crate) rebinding: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Protection {
    #[default]
    SessionKeys,
    Ppk,
}

/// One endpoint of ES9+.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Es9PlusEndpoint {
    /// How it is announced.
    pub(crate) name: &'static str,
    pub(crate) listen: SocketAddr,
    pub(crate) curves: Vec<Curve>,
    /// Its own address; the SM-DP+'s if there is none.
    pub(crate) address: Option<ServerAddress>,
    /// Those of the SM-DP+ if there are none.
    pub(crate) tls: Option<TlsSection>,
}

impl Config {
    /// The endpoints of ES9+, the one for all first.
    pub(crate) fn es9plus(&self) -> Vec<Es9PlusEndpoint> {
        let section = self.es9plus.as_ref();
        let listen = section.and_then(|section| section.listen).or(self.smdp.listen);
        let curves = section.and_then(|section| section.curves.as_ref());
        let curves = curves.map_or(Curve::ALL.to_vec(), |curves| curves.iter().map(|curve| curve.0).collect());
        let all =
            listen.map(|Listen(listen)| Es9PlusEndpoint { name: "es9plus", listen, curves, address: None, tls: None });
        let single = |name, curve, section: Option<&CurveSection>| {
            section.map(|section| Es9PlusEndpoint {
                name,
                listen: section.listen.0,
                curves: vec![curve],
                address: Some(section.address.0.clone()),
                tls: section.tls.clone(),
            })
        };
        let p256 = single("es9plus.p256", Curve::P256, section.and_then(|section| section.p256.as_ref()));
        let brainpool =
            single("es9plus.brainpool", Curve::BrainpoolP256r1, section.and_then(|section| section.brainpool.as_ref()));
        all.into_iter().chain(p256).chain(brainpool).collect()
    }

    /// Where ES2+ listens, if it does.
    pub(crate) fn es2plus_listen(&self) -> Option<SocketAddr> {
        self.es2plus.as_ref()?.listen.map(|listen| listen.0)
    }

    /// Where ES12 and ES15 listen, if they do.
    pub(crate) fn es12_listen(&self) -> Option<SocketAddr> {
        self.es12.as_ref()?.listen.map(|listen| listen.0)
    }

    /// Refuses what does not go together, and limits with which no download could succeed or which protect nothing. The
    /// answer begins with the key.
    pub(crate) fn check(&self) -> Result<(), String> {
        if let Some(section) = &self.es9plus {
            if section.listen.is_some() && self.smdp.listen.is_some() {
                return Err("smdp.listen: es9plus.listen is there as well, and both mean ES9+; remove one".to_owned());
            }
            let curves: Vec<_> = section.curves.iter().flatten().map(|curve| curve.0).collect();
            if section.curves.is_some() && curves.is_empty() {
                return Err("es9plus.curves: without a curve no eUICC can be served".to_owned());
            }
            if curves.len() == 2 && curves[0] == curves[1] || curves.len() > 2 {
                return Err("es9plus.curves: a curve is there twice".to_owned());
            }
        }
        self.check_address()?;
        if self.es12_listen().is_some() && self.smds.is_none() {
            return Err("es12.listen: ES12 is the SM-DS's, and there is no section [smds]".to_owned());
        }
        if let Some(client) = self.es12.as_ref().and_then(|section| section.client.as_ref())
            && let Some(wrong) = client.endpoints.keys().find(|smds| super::server_address(smds).is_none())
        {
            return Err(format!("es12.client.endpoints: {wrong:?} is no host[:port]"));
        }
        if let Some(operator) = &self.operator {
            operator.check().map_err(|problem| format!("operator.{problem}"))?;
        }
        self.limits.check().map_err(|problem| format!("limits.{problem}"))?;
        match self.crl.max_age_days {
            Some(0) => Err("crl.max_age_days: 0 is not at least 1".to_owned()),
            Some(_) if !self.crl.required => {
                Err("crl.max_age_days: an age is looked at only with crl.required = true".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// Endpoints with addresses of their own serve nobody who was given that of the SM-DP+ (SGP.22 5.6.1: the address that
    /// the LPA names must be the server's).
    fn check_address(&self) -> Result<(), String> {
        let endpoints = self.es9plus();
        // What is no address is refused where it is used.
        let Some(own) = super::server_address(&self.smdp.address) else { return Ok(()) };
        let served = |endpoint: &Es9PlusEndpoint| endpoint.address.as_ref().is_none_or(|address| *address == own);
        let Some(first) = endpoints.first().filter(|_| !endpoints.iter().any(served)) else { return Ok(()) };
        let address = first.address.as_ref().map(ToString::to_string).unwrap_or_default();
        Err(format!(
            "smdp.address: \"{own}\" stands in activation codes and events, and no endpoint of ES9+ serves it; set it to that \
             of an endpoint, such as {address:?}, or add es9plus.listen"
        ))
    }
}

impl EgressSection {
    /// The public internet, and what is listed.
    pub(crate) fn policy(&self) -> EgressPolicy {
        HostPort::policy(&self.allow)
    }
}

impl LimitsSection {
    fn check(&self) -> Result<(), String> {
        if let (Some(least), Some(most)) = (self.minimum_svn, self.maximum_svn)
            && most < least
        {
            return Err("maximum_svn: is lower than minimum_svn".to_owned());
        }
        let limits = [
            ("confirmation_code_tries", self.confirmation_code_tries, 3..=10),
            ("downloads", self.downloads, 1..=u32::MAX),
            ("order_days", self.order_days, 1..=u32::MAX),
            ("session_seconds", self.session_seconds, 30..=86_400),
        ];
        for (name, value, allowed) in limits {
            if let Some(value) = value.filter(|value| !allowed.contains(value)) {
                let (least, most) = allowed.into_inner();
                let most = if most == u32::MAX { String::new() } else { format!(" and at most {most}") };
                return Err(format!("{name}: {value} is not at least {least}{most}"));
            }
        }
        if let Some(other) = self.matching_id_characters.filter(|characters| Length::of(*characters).is_none()) {
            return Err(format!("matching_id_characters: {other} is neither 26 nor 52"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use figment::providers::{Format as _, Toml};

    use super::*;

    const OLD: &str = "[smdp]\naddress = \"a.example\"\nlisten = \"127.0.0.1:1\"\npki = \"pki\"\n\
                       [tls]\ncertificate = \"t.pem\"\nkey = \"t.key\"\n\
                       [store]\ndatabase = \"d\"\nkey_encryption_key = \"k\"\n";

    /// A configuration without listener, and `more`.
    fn read(more: &str) -> Result<Config, String> {
        read_text(&format!("{}{more}", OLD.replace("listen = \"127.0.0.1:1\"\n", "")))
    }

    fn read_text(text: &str) -> Result<Config, String> {
        let config: Config = super::super::extract(Toml::string(text))?;
        config.check()?;
        Ok(config)
    }

    fn listeners(config: &Config) -> Vec<(&'static str, u16, Vec<Curve>)> {
        config.es9plus().into_iter().map(|end| (end.name, end.listen.port(), end.curves)).collect()
    }

    #[test]
    fn a_file_without_the_section_listens_where_the_smdp_says() {
        let config = read_text(OLD).unwrap();
        assert_eq!(listeners(&config), [("es9plus", 1, Curve::ALL.to_vec())]);
        assert!(config.es2plus_listen().is_none() && config.es12_listen().is_none() && config.smds.is_none());
        let both = read_text(&format!("{OLD}[es9plus]\nlisten = \"127.0.0.1:2\"\n"));
        assert!(both.unwrap_err().starts_with("smdp.listen: "));
    }

    #[test]
    fn es9plus_has_one_endpoint_with_both_curves_or_one_for_each() {
        let both = "[es9plus]\nlisten = \"127.0.0.1:2\"\n";
        assert_eq!(listeners(&read(both).unwrap()), [("es9plus", 2, Curve::ALL.to_vec())]);
        let one = format!("{both}curves = [\"brainpool\"]\n");
        assert_eq!(listeners(&read(&one).unwrap()), [("es9plus", 2, vec![Curve::BrainpoolP256r1])]);
        let apart = "[es9plus.p256]\nlisten = \"127.0.0.1:3\"\naddress = \"p.example:3\"\n\
                     [es9plus.brainpool]\nlisten = \"127.0.0.1:4\"\naddress = \"b.example:4\"\n";
        let unserved = read(apart).unwrap_err();
        assert!(unserved.starts_with("smdp.address: \"a.example\" stands in activation codes"), "{unserved}");
        assert!(unserved.contains("such as \"p.example:3\", or add es9plus.listen"), "{unserved}");
        assert!(read(&format!("{both}{apart}")).is_ok(), "served by the endpoint for all");
        let config = read(&apart.replace("b.example:4", "A.example")).unwrap();
        assert_eq!(config.es9plus()[1].address, ServerAddress::parse("a.example"));
        let config = read_text(&format!(
            "{}{apart}",
            OLD.replace("listen = \"127.0.0.1:1\"\n", "").replace("a.example", "b.example:4")
        ))
        .unwrap();
        let (p256, brainpool) = (vec![Curve::P256], vec![Curve::BrainpoolP256r1]);
        assert_eq!(listeners(&config), [("es9plus.p256", 3, p256), ("es9plus.brainpool", 4, brainpool)]);
        assert_eq!(config.es9plus()[1].address, ServerAddress::parse("b.example:4"));
    }

    #[test]
    fn wrong_values_are_named_by_section_and_key() {
        let client = "[es12.client]\ncertificate = \"c\"\nkey = \"k\"\n";
        for (text, problem) in [
            ("[es9plus]\nlisten = \"8443\"", "es9plus.listen: \"8443\" is no ADDR:PORT"),
            ("[es9plus]\ncurves = []", "es9plus.curves: without a curve"),
            ("[es9plus]\ncurves = [\"p521\"]", "es9plus.curves.0: \"p521\" is neither"),
            ("[es9plus]\ncurves = [\"p256\", \"p256\"]", "es9plus.curves: a curve is there twice"),
            (
                "[es9plus.p256]\nlisten = \"[::1]:1\"\naddress = \"a b\"",
                "es9plus.p256.address: \"a b\" is no host[:port]",
            ),
            ("[es2plus]\nlisten = \"localhost:1\"", "es2plus.listen: "),
            ("[es2plus]\nlistne = \"127.0.0.1:1\"", "listne"),
            ("[es2plus.client]\ncertificate = \"c\"", "missing field `key`"),
            ("[es12]\nlisten = \"127.0.0.1:1\"", "es12.listen: ES12 is the SM-DS's"),
            (&format!("{client}endpoints = {{ \"a b\" = \"x:1\" }}"), "es12.client.endpoints: \"a b\""),
            (&format!("{client}endpoints = {{ a = \"x\" }}"), "es12.client.endpoints.a: \"x\" is no HOST:PORT"),
            ("[egress]\nallow = [\"localhost\"]", "egress.allow.0: \"localhost\" is no HOST:PORT"),
            ("[egress]\nresolve = [\"localhost\"]", "egress.resolve.0: \"localhost\" is no HOST[:PORT]=ADDR:PORT"),
            ("[limits]\nminimum_svn = \"2\"", "limits.minimum_svn: \"2\" is no version"),
            ("[limits]\nminimum_svn = \"2.2.0\"\nmaximum_svn = \"2.1.9\"", "limits.maximum_svn: is lower"),
            ("[eligibility]\nblocked_tacs = [\"3529061\"]", "eligibility.blocked_tacs.0: \"3529061\" is no type"),
            ("[crl]\nmax_age_days = 0", "crl.max_age_days: 0 is not at least 1"),
            ("[crl]\nmax_age_days = 1", "crl.max_age_days: an age is looked at only with crl.required"),
        ] {
            let said = read(text).err().unwrap_or_default();
            assert!(said.contains(problem), "{text}: {said}");
        }
    }

    #[test]
    fn limits_out_of_range_are_refused_by_name() {
        for (text, problem) in [
            ("confirmation_code_tries = 2", "confirmation_code_tries: 2 is not at least 3 and at most 10"),
            ("confirmation_code_tries = 11", "confirmation_code_tries: 11 is not at least 3 and at most 10"),
            ("downloads = 0", "downloads: 0 is not at least 1"),
            ("matching_id_characters = 27", "matching_id_characters: 27 is neither 26 nor 52"),
            ("session_seconds = 29", "session_seconds: 29 is not at least 30 and at most 86400"),
            ("session_seconds = 86401", "session_seconds: 86401 is not at least 30 and at most 86400"),
        ] {
            let said = read(&format!("[limits]\n{text}")).err();
            assert_eq!(said, Some(format!("limits.{problem}")), "{text}");
        }
        for text in [
            "",
            "matching_id_characters = 26",
            "matching_id_characters = 52",
            "confirmation_code_tries = 3\ndownloads = 1\nsession_seconds = 30",
            "confirmation_code_tries = 10\nsession_seconds = 86400\nminimum_svn = \"2.1.0\"\nmaximum_svn = \"2.1.0\"",
        ] {
            assert!(read(&format!("[limits]\n{text}")).is_ok(), "{text}");
        }
    }
}
