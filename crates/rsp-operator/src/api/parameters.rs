//! Parameters that many routes have, as the description tells of them.

use utoipa::IntoParams;

/// The eSIM that the path names.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "described here, and read by `PathIccid`")]
pub(crate) struct OfEsim {
    #[param(pattern = "^[0-9]{18,20}$")]
    iccid: String,
}

/// What makes a repetition harmless.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "described here, and read by the gate")]
pub(crate) struct Once {
    /// The same key and body get the same answer for a day, without what is told once
    #[param(rename = "Idempotency-Key", min_length = 1, max_length = 128, pattern = "^[!-~]+$")]
    idempotency_key: Option<String>,
}
