//! Tests of rsp-card.

mod lines;
mod recording;
mod toy;
mod vpcd;
