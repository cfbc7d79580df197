//! Sheets of eSIMs: which ones, whose name stands on them, and that they were printed.

use std::collections::BTreeMap;
use std::sync::Arc;

use rsp_asn1::Iccid;
use rsp_crypto::Zeroizing;

use crate::actor::{Actor, Right};
use crate::desk::{Desk, Esim};
use crate::error::Error;
use crate::service::Service;
use crate::sheet::{Layout, MAX_SHEETS, Sheet, pdf};

/// Which sheets are printed.
pub(super) enum Which {
    /// Those of these eSIMs, each of which has to wait to be downloaded.
    These(Vec<Iccid>),
    /// Those of a list of orders, without what does not wait to be downloaded any more.
    Batch(i64),
}

/// An eSIM that is handed out, and whose it is.
pub(super) struct HandedOut {
    pub(super) sheet: Sheet,
    pub(super) operator: Option<String>,
}

/// Prints sheets, which the audit has before they leave.
pub(super) async fn print(
    service: &Arc<Service>,
    actor: Actor,
    which: Which,
    layout: Layout,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let kept = Arc::clone(service);
    let printed = async move {
        let service = kept;
        let found = match which {
            Which::These(iccids) => these(&service.desk, &actor, &iccids).await?,
            Which::Batch(number) => batch(&service, &actor, number).await?,
        };
        let mut counts = BTreeMap::<Option<String>, Vec<Iccid>>::new();
        let mut sheets = Vec::with_capacity(found.len());
        for HandedOut { sheet, operator } in found {
            counts.entry(operator).or_default().push(sheet.iccid);
            sheets.push(sheet);
        }
        let document = pdf(&sheets, layout, service.test_pki)?;
        for (operator, iccids) in counts {
            let subject = match iccids.as_slice() {
                [one] => one.to_string(),
                more => format!("{} sheets", more.len()),
            };
            service.desk.audit(&actor, "print sheets", &subject, operator).await?;
        }
        Ok(document)
    };
    service.workshop.run(printed).await
}

/// One eSIM that waits to be downloaded, for whoever may hand it out.
pub(super) async fn handed_out(desk: &Desk, actor: &Actor, iccid: &Iccid) -> Result<HandedOut, Error> {
    desk.require(actor, Right::Provision)?;
    let esim = desk.esim(actor, iccid).await?;
    let state = esim.state.to_string();
    sheet(desk, esim, None).await?.ok_or_else(|| {
        let problem = "only one that waits to be downloaded is handed out";
        Error::WrongState { iccid: *iccid, state, problem }
    })
}

async fn these(desk: &Desk, actor: &Actor, iccids: &[Iccid]) -> Result<Vec<HandedOut>, Error> {
    desk.require(actor, Right::Provision)?;
    if iccids.len() > MAX_SHEETS {
        return Err(Error::invalid("iccids", format!("at most {MAX_SHEETS} go into a document")));
    }
    let mut found = Vec::with_capacity(iccids.len());
    for iccid in iccids {
        found.push(handed_out(desk, actor, iccid).await?);
    }
    Ok(found)
}

async fn batch(service: &Service, actor: &Actor, number: i64) -> Result<Vec<HandedOut>, Error> {
    let desk = &service.desk;
    desk.require(actor, Right::Provision)?;
    let sold = service.batches.sold(actor, number, MAX_SHEETS).await?;
    let mut found = Vec::with_capacity(sold.iccids.len());
    for iccid in &sold.iccids {
        let esim = desk.esim(actor, iccid).await?;
        found.extend(sheet(desk, esim, Some(&sold.names)).await?);
    }
    if found.is_empty() {
        return Err(Error::invalid("batch", "none of its eSIMs waits to be downloaded"));
    }
    Ok(found)
}

/// The sheet of an eSIM, with the reference of who ordered it; or where keys were imported with the name that a list gives the
/// IMSI, or the IMSI itself. `None` for an eSIM that does not wait to be downloaded.
async fn sheet(desk: &Desk, esim: Esim, names: Option<&BTreeMap<String, String>>) -> Result<Option<HandedOut>, Error> {
    let Some(activation_code) = esim.code_to_hand_out() else { return Ok(None) };
    let (carrier, plan, reference) = match esim.plan {
        Some(plan) => (plan.carrier, plan.name, plan.reference),
        None => Default::default(),
    };
    let name = match (reference, &esim.operator) {
        (Some(reference), _) => reference,
        // An SM-DP+ elsewhere can name any ICCID: only of what was ordered here it is known whose keys are in it.
        (None, Some(operator)) if esim.own => {
            let imsi = desk.store().imsi(operator, &esim.iccid).await?;
            let known = imsi.as_ref().and_then(|imsi| names?.get(imsi).cloned());
            known.or_else(|| imsi.map(|imsi| format!("IMSI {imsi}"))).unwrap_or_default()
        }
        (None, _) => String::new(),
    };
    let sheet = Sheet { name, carrier, plan, iccid: esim.iccid, activation_code };
    Ok(Some(HandedOut { sheet, operator: esim.operator }))
}
