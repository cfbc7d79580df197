//! The hierarchy below which the certificates of these tests are minted, and the two verdicts.

pub(crate) use rsp_asn1::{Eid, ObjectIdentifier, Timestamp};
pub(crate) use rsp_crypto::{Curve, Provider, SecretKey, Signer};
pub(crate) use rsp_pki::issue::extension::{self, Extension, KeyUse};
pub(crate) use rsp_pki::issue::{Authority, CrlTemplate, Host, Subject, Template, Validity};
pub(crate) use rsp_pki::{
    Certificate, Crl, Failure, PathError, Role, Rule, TrustStore, Validation, validate, validate_euicc,
};

pub(crate) use crate::{NOW, seeded};

pub(crate) const DAY: i64 = 86_400;
pub(crate) const EID: &str = "89049032123451234512345678901235";
pub(crate) const ORGANISATION: &str = "OpenRSP Test EUM";

pub(crate) const AKI: &[u32] = &[2, 5, 29, 35];
pub(crate) const SKI: &[u32] = &[2, 5, 29, 14];
pub(crate) const KEY_USAGE: &[u32] = &[2, 5, 29, 15];
pub(crate) const SUBJECT_ALT_NAME: &[u32] = &[2, 5, 29, 17];
pub(crate) const BASIC_CONSTRAINTS: &[u32] = &[2, 5, 29, 19];
pub(crate) const NAME_CONSTRAINTS: &[u32] = &[2, 5, 29, 30];
pub(crate) const POLICIES: &[u32] = &[2, 5, 29, 32];
pub(crate) const EXTENDED_KEY_USAGE: &[u32] = &[2, 5, 29, 37];
pub(crate) const CRL_DISTRIBUTION_POINTS: &[u32] = &[2, 5, 29, 31];
pub(crate) const PERMITTED_EINS: &[u32] = &[2, 23, 146, 1, 2, 2, 0];
pub(crate) const UNKNOWN: &[u32] = &[2, 999, 77];

pub(crate) fn secret(curve: Curve, seed: u64) -> SecretKey {
    SecretKey::generate(curve, &mut seeded(seed * 1000))
}

pub(crate) fn signer(key: &SecretKey) -> std::sync::Arc<dyn Signer> {
    rsp_crypto::rust_crypto().signer(key).unwrap()
}

pub(crate) fn authority<'a>(certificate: &'a Certificate, key: &SecretKey) -> Authority<'a> {
    Authority::new(rsp_crypto::rust_crypto(), certificate, key).unwrap()
}

pub(crate) fn oid(last: u32) -> ObjectIdentifier {
    ObjectIdentifier::new(vec![2, 999, last]).unwrap()
}

pub(crate) fn validity() -> Validity {
    Validity { not_before: NOW.plus_seconds(-10 * DAY), not_after: NOW.plus_seconds(1000 * DAY) }
}

/// CI, EUM and the keys of one curve. Everything under test is minted below them.
pub(crate) struct World {
    pub(crate) curve: Curve,
    pub(crate) ci_key: SecretKey,
    pub(crate) ci: Certificate,
    pub(crate) eum_key: SecretKey,
    pub(crate) eum: Certificate,
    pub(crate) crls: Vec<Crl>,
    pub(crate) crl_max_age: Option<i64>,
    pub(crate) now: Option<Timestamp>,
}

impl World {
    pub(crate) fn new(curve: Curve) -> Self {
        let ci_key = secret(curve, 1);
        let ci = ci_template(&ci_key).sign(&*signer(&ci_key)).unwrap();
        let eum_key = secret(curve, 2);
        let eum = eum_template(&authority(&ci, &ci_key), &eum_key).sign(&*signer(&ci_key)).unwrap();
        Self { curve, ci_key, ci, eum_key, eum, crls: Vec::new(), crl_max_age: None, now: Some(NOW) }
    }

    pub(crate) fn ci_authority(&self) -> Authority<'_> {
        authority(&self.ci, &self.ci_key)
    }

    /// The certificate of a role before signing.
    pub(crate) fn template(&self, role: Role) -> Template {
        let key = secret(self.curve, 3);
        let host = Host::Dns("smdp.example.org".into());
        let ci = self.ci_authority();
        match role {
            Role::Ci => ci_template(&self.ci_key),
            Role::Eum => eum_template(&ci, &self.eum_key),
            Role::Euicc => {
                let eid: Eid = EID.parse().unwrap();
                Template::euicc(&authority(&self.eum, &self.eum_key), key.public_key(), eid, [1; 8], validity())
                    .unwrap()
            }
            Role::DpTls | Role::DsTls => {
                Template::tls(&ci, role, key.public_key(), &host, &oid(10), [2; 8], validity())
            }
            Role::OperatorTls => {
                Template::operator(&ci, "Example Mobile", key.public_key(), None, None, [6; 8], validity())
            }
            _ => Template::auth(&ci, role, key.public_key(), &oid(10), [3; 8], validity()),
        }
    }

    /// Signs as the issuer of the role does.
    pub(crate) fn sign(&self, role: Role, template: &Template) -> Certificate {
        let key = if role == Role::Euicc { &self.eum_key } else { &self.ci_key };
        template.sign(&*signer(key)).unwrap()
    }

    /// Validates with a certificate of `role` in its place in a path; both providers must say the same.
    pub(crate) fn verdict(&self, role: Role, certificate: &Certificate) -> Result<(), PathError> {
        let anchor = if role == Role::Ci { certificate } else { &self.ci };
        let anchors = TrustStore::new(vec![anchor.clone()]);
        let verdicts = [rsp_crypto::aws_lc(), rsp_crypto::rust_crypto()].map(|provider: &dyn Provider| {
            let v = Validation { provider, now: self.now, crls: &self.crls, crl_max_age: self.crl_max_age };
            match role {
                Role::Ci => validate(&v, Role::DpAuth, &self.sign_as(Role::DpAuth), &[], &anchors).map(drop),
                Role::Eum => {
                    let euicc = self.sign_as(Role::Euicc);
                    validate_euicc(&v, &euicc, certificate, &anchors).map(drop)
                }
                Role::Euicc => validate_euicc(&v, certificate, &self.eum, &anchors).map(drop),
                role => validate(&v, role, certificate, &[], &anchors).map(drop),
            }
        });
        let [one, two] = verdicts;
        assert_eq!(one, two);
        one
    }

    pub(crate) fn sign_as(&self, role: Role) -> Certificate {
        self.sign(role, &self.template(role))
    }
}

pub(crate) fn ci_template(key: &SecretKey) -> Template {
    let subject = Subject::new().common_name("OpenRSP Test CI").organisation("OpenRSP").country("IT");
    let urls = ["http://ci.openrsp.example/CRL-A.crl".to_owned()];
    Template::ci(&subject, key.public_key(), &oid(1), &urls, [4; 8], validity())
}

pub(crate) fn eum_template(ci: &Authority<'_>, key: &SecretKey) -> Template {
    Template::eum(ci, key.public_key(), ORGANISATION, "EUM Test", "89049032", &oid(5), [5; 8], validity())
}

pub(crate) fn euicc_subject(organisation: &str, eid: &str) -> Vec<u8> {
    Subject::new().country("ES").organisation(organisation).serial_number(eid).common_name("Test eUICC").encode()
}

/// On both curves: the unchanged certificate is accepted, the changed one refused with the role and the rule.
pub(crate) fn refused(role: Role, change: impl Fn(&World, &mut Template), is_reason: impl Fn(&Rule) -> bool) {
    for curve in Curve::ALL {
        let world = World::new(curve);
        let mut template = world.template(role);
        assert_eq!(world.verdict(role, &world.sign(role, &template)), Ok(()), "unchanged {role} on {curve}");
        change(&world, &mut template);
        let error = world.verdict(role, &world.sign(role, &template)).expect_err("the changed certificate is accepted");
        assert_eq!(error.certificate, role, "{error}");
        assert!(is_reason(&error.rule), "{error}");
    }
}

/// A change for which both variants are accepted.
pub(crate) fn accepted(role: Role, change: impl Fn(&World, &mut Template)) {
    for curve in Curve::ALL {
        let world = World::new(curve);
        let mut template = world.template(role);
        change(&world, &mut template);
        assert_eq!(world.verdict(role, &world.sign(role, &template)), Ok(()), "{role} on {curve}");
    }
}

/// Declares tests that change one property: name, role, change, and the pattern of the rule.
macro_rules! refused {
    ($($name:ident: $role:ident, |$world:pat_param, $template:ident| $change:expr, $rule:pat,)+) => {$(
        #[test]
        fn $name() {
            refused(Role::$role, |$world, $template| { $change; }, |rule| matches!(rule, $rule));
        }
    )+};
}

/// The same, for tests of several roles at once.
macro_rules! refused_for {
    ($($name:ident: [$($role:ident),+], |$world:pat_param, $template:ident| $change:expr, $rule:pat,)+) => {$(
        #[test]
        fn $name() {
            for role in [$(Role::$role),+] {
                refused(role, |$world, $template| { $change; }, |rule| matches!(rule, $rule));
            }
        }
    )+};
}

pub(crate) fn not_critical(template: &mut Template, id: &[u32]) {
    for extension in template.extensions.iter_mut().filter(|extension| extension.id == id) {
        extension.critical = false;
    }
}

pub(crate) fn critical(template: &mut Template, id: &[u32]) {
    for extension in template.extensions.iter_mut().filter(|extension| extension.id == id) {
        extension.critical = true;
    }
}

pub(crate) fn expire(template: &mut Template) {
    template.validity.not_after = NOW.plus_seconds(-1);
}

/// An AlgorithmIdentifier of the EC key algorithm with another named curve, and a point long enough for it.
pub(crate) fn key_on(curve_oid: &[u8], point: &[u8]) -> Vec<u8> {
    let tlv = |tag: u8, value: &[u8]| {
        let mut out = Vec::new();
        rsp_asn1::tlv::write(&mut out, &[tag], value);
        out
    };
    let ec_public_key = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01";
    let algorithm = tlv(0x30, &[ec_public_key.as_slice(), &tlv(0x06, curve_oid)].concat());
    tlv(0x30, &[algorithm, tlv(0x03, &[&[0], point].concat())].concat())
}

pub(crate) const NIST_P192: &[u8] = b"\x2a\x86\x48\xce\x3d\x03\x01\x01";
pub(crate) const BRAINPOOL_P192: &[u8] = b"\x2b\x24\x03\x03\x02\x08\x01\x01\x03";
pub(crate) const NIST_P384: &[u8] = b"\x2b\x81\x04\x00\x22";

pub(crate) use {refused as refused_cases, refused_for as refused_for_roles};
