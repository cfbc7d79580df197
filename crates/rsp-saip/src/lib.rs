//! The TCA eUICC Profile Package: Interoperable Format, versions 2.x and 3.x: parse, build, personalise.
//!
//! A package is read with [`ProfilePackage::from_der`]; every element keeps the bytes that carried it beside its decoded
//! value.
//!
//! Keys and codes are [`Secret`]: zeroised when dropped, and neither they nor the types that hold them can be printed.

pub mod aka;
pub mod application;
mod asn1;
pub mod codes;
mod element;
mod error;
pub mod file;
pub mod gfm;
pub mod header;
mod package;
pub mod status;
mod template;
mod tlv;

pub use asn1::{Secret, Unknown};
pub use element::{Element, ElementKind, ProfileElement};
pub use error::{Error, Malformed};
pub use package::{MAX_PACKAGE_BYTES, ProfilePackage};
pub use template::TemplateElement;
