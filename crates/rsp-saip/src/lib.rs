//! The TCA eUICC Profile Package: Interoperable Format, versions 2.x and 3.x: parse, build, personalise.
//!
//! A package is read with [`ProfilePackage::from_der`]; every element keeps the bytes that carried it beside its decoded
//! value. [`builder`] makes a package from nothing, [`personalise`] gives an existing one another subscriber.
//!
//! Keys and codes are [`Secret`]: zeroised when dropped, and neither they nor the types that hold them can be printed.

pub mod aka;
pub mod application;
mod asn1;
pub mod builder;
pub mod codes;
pub mod digits;
mod element;
mod error;
pub mod file;
pub mod gfm;
pub mod header;
pub mod lint;
mod package;
pub mod personalise;
pub mod status;
pub mod summary;
mod template;
pub mod templates;
mod text;
mod tlv;
pub mod toolkit;

pub use asn1::{Secret, Text, Unknown};
pub use element::{Element, ElementKind, ProfileElement};
pub use error::{Error, Malformed};
pub use package::{MAX_PACKAGE_BYTES, ProfilePackage};
pub use template::TemplateElement;
