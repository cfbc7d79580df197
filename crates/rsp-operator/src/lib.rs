//! The operator's side of the stack: what hands eSIMs out to people and partners.
//!
//! - [`carriers`] knows which networks there are, and says where it knows it from.
//! - [`account`] says who may sign in at the portal.
//! - [`provisioning`] orders a profile over ES2+ at the first SM-DP+ of a carrier that has one (SGP.22 5.3).
//! - [`qr`] draws activation codes.
//! - [`webhooks`] tell tenants' systems of events, and [`usage`] counts what subscriptions use.
//! - [`workshop`] does what keeps a processor busy.
//! - [`Desk`] is what an operator can do, whoever asks for it: it checks the rights of an [`Actor`], orders through
//!   [`provisioning`], and reads states where the SM-DP+ keeps them.
//!
//! Every change of an order goes over ES2+ with the operator's own certificate; states are read from the datastore of the
//! SM-DP+. Whose something is stands in every query: a tenant learns of another's neither that it is there nor that it is
//! not.

pub mod account;
mod actor;
pub mod api;
pub mod batch;
mod callers;
pub mod carriers;
pub mod certificates;
pub mod currency;
mod cursors;
mod desk;
mod error;
pub mod export;
mod handing_out;
pub mod handoff;
pub mod keys;
pub mod library;
mod lines;
mod network;
pub mod open5gs;
pub mod portal;
pub mod provisioning;
pub mod qr;
pub mod receipts;
pub mod selling;
mod service;
pub mod sheet;
mod told;
pub mod usage;
pub mod webhooks;
pub mod workshop;

pub use actor::{Actor, Right, Rights};
pub use desk::{
    Confirmation, Desk, Esim, EsimFilter, Figure, Figures, NewPlan, Page, Sales, Search, Slice, Sold, SoldPlan, Wanted,
    check_country,
};
pub use error::Error;
pub use network::NetworkAdapter;
pub use service::{Front, Service};
