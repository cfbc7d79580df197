//! Tests of the operator's side.

mod accounts;
mod api;
mod batch;
mod bed;
mod camera;
mod carriers;
mod export;
mod handoff;
mod import;
mod intents;
mod keys;
mod link;
mod network;
mod open5gs;
mod pages;
mod portal;
mod programs;
mod provisioning;
mod qr;
mod sheet;
mod shop;
mod support;
mod unrecorded;
mod usage;
mod webhook_receivers;
mod webhooks;
