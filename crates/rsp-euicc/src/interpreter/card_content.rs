//! PE-SecurityDomain, PE-Application and PE-RFM: what becomes of them in the registry (TCA profile package 8.7 to 8.9).

use rsp_saip::application::{self as pe, ApplicationInstance, KeyObject};
use rsp_saip::status::PeStatusCode;
use rsp_saip::toolkit::ToolkitParameters;

use super::{Fault, ProfileContents};
use crate::fs::Octets;
use crate::registry::{
    AccessDomain, Address, Application, FileManagement, Key, KeyComponent, KeySet, LoadPackage, MAX_COUNTER, Registry,
    SecurityDomain,
};

/// Package and class of security domains (GlobalPlatform card specification annex H; TCA profile package 8.7.2).
const DOMAIN_PACKAGE: [u8; 7] = [0xA0, 0x00, 0x00, 0x01, 0x51, 0x53, 0x50];
const DOMAIN_CLASS: [u8; 8] = [0xA0, 0x00, 0x00, 0x01, 0x51, 0x53, 0x50, 0x41];
/// Privilege of byte 1: the instance is a security domain.
const IS_DOMAIN: u8 = 0x80;
/// Life cycle states where the package leaves them out: selectable.
const SELECTABLE: u8 = 0x07;
/// Bytes of checksums where the package does not say.
const MAC_LENGTH: u8 = 8;

/// Security domains, packages, applications and instances of remote file management that there is room for.
const MAX_ENTRIES: usize = 255;
/// Toolkit application references of one of them: more than toolkit parameters can hold.
const MAX_TARS: usize = 85;

/// Adds a security domain. The first is the operator's.
pub(super) fn add_domain(contents: &mut ProfileContents, element: &pe::SecurityDomain) -> Result<(), Fault> {
    let registry = contents.registry_mut();
    let instance = &element.instance;
    let further = !registry.domains.is_empty();
    if further && (element.open_perso_data.is_some() || element.cat_tp_parameters.is_some()) {
        return Err(bad("parameters of the card belong into the first security domain"));
    }
    if instance.privileges.first().is_none_or(|privileges| privileges & IS_DOMAIN == 0) {
        return Err(Fault::new(PeStatusCode::INVALID_PARAMETER, "a security domain without the privilege of one"));
    }
    if instance.extradite_security_domain_aid.is_some() {
        owner(registry, instance.extradite_security_domain_aid.as_deref())?;
    }
    let standard = instance.load_package_aid[..] == DOMAIN_PACKAGE && instance.class_aid[..] == DOMAIN_CLASS;
    if !standard {
        require_package(registry, &instance.load_package_aid)?;
    }
    let domain = SecurityDomain {
        aid: new_aid(registry, &instance.instance_aid)?,
        privileges: instance.privileges.to_vec(),
        life_cycle: life_cycle(instance),
        address: address(registry, ToolkitParameters::of_instance(instance))?,
        key_sets: key_sets(element.key_list.as_deref().unwrap_or_default())?,
    };
    registry.domains.push(domain);
    Ok(())
}

/// Adds an instance of remote file management.
pub(super) fn add_rfm(contents: &mut ProfileContents, element: &pe::Rfm) -> Result<(), Fault> {
    let registry = contents.registry_mut();
    let domain = owner(registry, element.security_domain_aid.as_deref())?;
    let aid = new_aid(registry, &element.instance_aid)?;
    let address = address(registry, ToolkitParameters::of_file_management(element))?;
    let access = |bytes: &[u8]| {
        AccessDomain::read(bytes)
            .ok_or_else(|| Fault::new(PeStatusCode::INVALID_PARAMETER, "an access domain that is not of the standard"))
    };
    // What they would rule, no command here does: creating, deleting and resizing files.
    access(&element.uicc_admin_access_domain)?;
    let adf = element.adf_rfm_access.as_ref().map(|adf| {
        access(&adf.adf_admin_access_domain)?;
        Ok((adf.adf_aid.to_vec(), access(&adf.adf_access_domain)?))
    });
    let instance = FileManagement {
        aid,
        domain,
        address,
        shared_files: access(&element.uicc_access_domain)?,
        adf: adf.transpose()?,
    };
    registry.rfm.push(instance);
    Ok(())
}

/// Adds a load package and instances, of it or of an earlier one.
pub(super) fn add_application(contents: &mut ProfileContents, element: &pe::Application) -> Result<(), Fault> {
    let registry = contents.registry_mut();
    if let Some(block) = &element.load_block {
        let package = LoadPackage {
            domain: owner(registry, block.security_domain_aid.as_deref())?,
            aid: new_aid(registry, &block.load_package_aid)?,
            code_bytes: u32::try_from(block.load_block_object.len()).unwrap_or(u32::MAX),
        };
        registry.packages.push(package);
    }
    for instance in element.instances.as_deref().unwrap_or_default() {
        if instance.load_package_aid[..] != DOMAIN_PACKAGE {
            require_package(registry, &instance.load_package_aid)?;
        }
        let application = Application {
            domain: owner(registry, instance.extradite_security_domain_aid.as_deref())?,
            aid: new_aid(registry, &instance.instance_aid)?,
            class: instance.class_aid.to_vec(),
            package: instance.load_package_aid.to_vec(),
            privileges: instance.privileges.to_vec(),
            life_cycle: life_cycle(instance),
            address: address(registry, ToolkitParameters::of_instance(instance))?,
        };
        registry.applications.push(application);
    }
    Ok(())
}

fn bad(message: &str) -> Fault {
    Fault::new(PeStatusCode::BAD_VALUES, message)
}

fn life_cycle(instance: &ApplicationInstance) -> u8 {
    instance.life_cycle_state.as_ref().and_then(|state| state.first().copied()).unwrap_or(SELECTABLE)
}

/// The security domain that an element names, or the first one.
fn owner(registry: &Registry, named: Option<&[u8]>) -> Result<Vec<u8>, Fault> {
    let Some(first) = registry.domains.first() else {
        return Err(Fault::new(PeStatusCode::INVALID_REQUEST_FORMAT, "an element before the first security domain"));
    };
    match named {
        None => Ok(first.aid.clone()),
        Some(aid) if registry.domain(aid).is_some() => Ok(aid.to_vec()),
        Some(_) => Err(Fault::new(PeStatusCode::INVALID_PARAMETER, "a security domain that is not there")),
    }
}

fn require_package(registry: &Registry, aid: &[u8]) -> Result<(), Fault> {
    match registry.packages.iter().any(|package| package.aid == aid) {
        true => Ok(()),
        false => Err(Fault::new(PeStatusCode::LIB_NOT_SUPPORTED, "an instance of a load package that is not there")),
    }
}

fn new_aid(registry: &Registry, aid: &[u8]) -> Result<Vec<u8>, Fault> {
    if registry.aids().count() >= MAX_ENTRIES {
        return Err(Fault::new(
            PeStatusCode::NOT_ENOUGH_MEMORY,
            "too many security domains, packages and applications",
        ));
    }
    match registry.aids().any(|known| known == aid) {
        true => Err(bad("an AID is used twice")),
        false => Ok(aid.to_vec()),
    }
}

/// What makes an instance reachable, if its TARs are free.
fn address(registry: &Registry, parameters: Option<ToolkitParameters>) -> Result<Address, Fault> {
    let invalid =
        || Fault::new(PeStatusCode::INVALID_PARAMETER, "malformed toolkit parameters, or a TAR of wrong length");
    let ToolkitParameters { tars, minimum_security_level } = parameters.ok_or_else(invalid)?;
    if tars.len() > MAX_TARS {
        return Err(Fault::new(PeStatusCode::NOT_ENOUGH_MEMORY, "an instance with too many TARs"));
    }
    let repeated = tars.iter().enumerate().any(|(place, tar)| tars[..place].contains(tar));
    match repeated || tars.iter().any(|tar| registry.tars().any(|known| known == *tar)) {
        true => Err(bad("a TAR is used twice")),
        false => Ok(Address { tars, minimum_security_level }),
    }
}

fn key_sets(objects: &[KeyObject]) -> Result<Vec<KeySet>, Fault> {
    let mut sets: Vec<KeySet> = Vec::new();
    for object in objects {
        let version = object.version_number.first().copied().unwrap_or_default();
        let counter = counter(object.counter_value.as_deref().unwrap_or_default())?;
        let key = key(object)?;
        match sets.iter_mut().find(|set| set.version == version) {
            None => sets.push(KeySet { version, counter, keys: vec![key] }),
            Some(set) if set.keys.iter().any(|other| other.identifier == key.identifier) => {
                return Err(bad("a key of one version and identifier twice"));
            }
            // One counter serves all keys of a version: the furthest of those that they bring.
            Some(set) => {
                set.counter = set.counter.max(counter);
                set.keys.push(key);
            }
        }
    }
    Ok(sets)
}

fn counter(bytes: &[u8]) -> Result<u64, Fault> {
    let value = bytes.iter().try_fold(0u64, |value, byte| {
        value.checked_mul(256).map(|value| value + u64::from(*byte)).filter(|value| *value <= MAX_COUNTER)
    });
    value.ok_or_else(|| bad("a counter of more than five bytes"))
}

fn key(object: &KeyObject) -> Result<Key, Fault> {
    let components = object.components.iter().map(|component| {
        let [key_type] = component.key_type[..] else {
            return Err(Fault::new(PeStatusCode::INVALID_PARAMETER, "a key type that is not of one byte"));
        };
        let value = component.key_data.expose();
        if !length_fits(key_type, value.len()) {
            return Err(bad("a key of a length that its type does not have"));
        }
        let mac_length = component.mac_length.unwrap_or(MAC_LENGTH);
        Ok(KeyComponent { key_type, value: Octets::from(value), mac_length })
    });
    let components = components.collect::<Result<Vec<KeyComponent>, Fault>>()?;
    if components.is_empty() {
        return Err(bad("a key without a value"));
    }
    Ok(Key {
        identifier: object.identifier.first().copied().unwrap_or_default(),
        usage: object.usage_qualifier.to_vec(),
        access: object.access.as_ref().and_then(|access| access.first().copied()).unwrap_or_default(),
        components,
    })
}

/// Lengths of DES and AES keys (GlobalPlatform 11.1.8); other types are not used here.
fn length_fits(key_type: u8, length: usize) -> bool {
    match key_type {
        0x80..=0x84 => matches!(length, 8 | 16 | 24),
        0x88 => matches!(length, 16 | 24 | 32),
        _ => length > 0,
    }
}
