//! `openrsp smdp load-batch`: orders that an operator made and signed without the server.

use std::path::Path;

use rsp_crypto::Zeroizing;
use rsp_smdp::{Orders, SignedBatch};
use serde_json::json;

use super::{bad_input, failure};
use crate::config::ServerDir;
use crate::serve::check_operator;
use crate::system::require_private;

/// Octets of a file at most; ten thousand orders need two million.
const MOST: u64 = 8 << 20;

/// Loads a batch, whole or not at all, and once.
pub(super) async fn load(server: &ServerDir, orders: &Orders, file: &Path, json: bool) -> anyhow::Result<()> {
    let shown = file.display();
    require_private(file)?;
    let length = std::fs::metadata(file).map_err(|error| bad_input(format!("{shown}: {error}")))?.len();
    if length > MOST {
        return Err(bad_input(format!("{shown}: {length} octets are no batch")));
    }
    let text = std::fs::read_to_string(file).map_err(|error| bad_input(format!("{shown}: {error}")))?;
    let text = Zeroizing::new(text);
    let batch =
        SignedBatch::read(&text, rsp_crypto::aws_lc()).map_err(|error| failure(error).context(shown.to_string()))?;
    // As on ES2+: today's dates and lists count.
    if let Err(problem) = check_operator(server, batch.certificate())? {
        return Err(bad_input(format!("{shown}: the certificate of its signer does not hold: {problem}")));
    }
    let count = batch.len();
    let operator = orders.load_batch(batch).await.map_err(|error| failure(error).context(shown.to_string()))?;
    if json {
        println!("{}", json!({ "result": "ok", "batch": file, "operator": operator, "orders": count }));
    } else {
        println!("{shown}: {count} orders of {operator}, released");
    }
    Ok(())
}
