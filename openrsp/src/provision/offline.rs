//! `provision-esim --offline`: eSIMs that the SM-DP+ hears of later, by a batch that is signed with the operator's key.

use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use rsp_auth::ServerAddress;
use rsp_crypto::{RandomnessExt as _, SecretKey, Zeroizing};
use rsp_es::activation_code::ActivationCode;
use rsp_operator::qr::Modules;
use rsp_smdp::{ConfirmationCode, IccidRange, OfflineOrder, write_batch};
use serde_json::json;

use super::{Code, ProvisionArgs, own, report};
use crate::exit::{Exit, Failure};
use crate::identity::Identity;
use crate::system::{OsRandomness, create_private_dir, write_private};

/// Who makes a batch, and for which SM-DP+.
pub(crate) struct Maker {
    /// The SM-DP+, as activation codes name it.
    pub(crate) smdp: ServerAddress,
    pub(crate) profile_type: String,
    /// The operator's certificate for ES2+ and its key.
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    /// The ICCIDs that the operator may give out.
    pub(crate) iccids: IccidRange,
}

/// Makes the batch, and then says what is in it. Nobody is called.
pub(super) fn run(args: &ProvisionArgs, maker: &Maker, code: Option<Code>, json: bool) -> anyhow::Result<()> {
    // Whether both belong together and hold is said now, not when the batch is loaded.
    let identity = Identity::read(&maker.certificate, &maker.key)?;
    let pem = std::fs::read_to_string(&maker.key).with_context(|| maker.key.display().to_string())?;
    let key = SecretKey::from_pem(&Zeroizing::new(pem)).with_context(|| maker.key.display().to_string())?;
    let signer = rsp_crypto::aws_lc().signer(&key)?;
    let file = match &args.out {
        Some(file) => file.clone(),
        None => PathBuf::from(format!("offline-{}.batch", hex::encode(OsRandomness.bytes::<4>()))),
    };
    if file.symlink_metadata().is_ok() {
        return Err(Failure::new(Exit::Input, format!("--out {}: exists already", file.display())));
    }
    let mut orders = Vec::new();
    let mut codes = Vec::new();
    for number in reserve(maker.iccids, args.count)? {
        let made = matches!(code, Some(Code::Auto)).then(|| ConfirmationCode::generate(&mut OsRandomness));
        let given = match &code {
            Some(Code::Given(given)) => Some(given),
            _ => made.as_ref(),
        };
        let order = OfflineOrder::new(number, args.eid, given, &mut OsRandomness);
        let order = order.context("the range of ICCIDs has numbers that are none")?;
        let smdp = maker.smdp.to_string();
        let activation = ActivationCode::new(&smdp, &order.matching_id, None, given.is_some())
            .map_err(|error| Failure::new(Exit::Input, format!("no activation code can be made: {error}")))?;
        codes.push((activation, made));
        orders.push(order);
    }
    let (type_name, certificate) = (&maker.profile_type, identity.certificate());
    let batch = write_batch(&maker.smdp, type_name, &orders, certificate, &*signer, &mut OsRandomness)?;
    write_private(&file, batch.as_bytes())?;

    for (index, (order, (activation, made))) in (1..).zip(orders.iter().zip(&codes)) {
        let picture = args.qr.as_deref().map(|file| report::numbered(file, index, args.count));
        let uri = activation.to_uri();
        if json {
            let mut line = json!({
                "result": "ok",
                "offline": true,
                "batch": file,
                "carrier": args.carrier,
                "plan": args.plan,
                "iccid": order.iccid.to_string(),
                "activation_code": uri.as_str(),
                "smdp_address": activation.smdp_address(),
                "matching_id": activation.matching_id(),
                "confirmation_code_required": activation.confirmation_code_required(),
                "eid": order.eid.map(|eid| eid.to_string()),
                "qr": picture,
            });
            if let Some(code) = made {
                line["confirmation_code"] = code.reveal().into();
            }
            println!("{line}");
        } else {
            println!("{}  {}", order.iccid, uri.as_str());
            if let Some(qr) = Modules::of(&uri).filter(|_| args.count == 1) {
                print!("{}", qr.to_terminal().as_str());
            }
            if let Some(code) = made {
                eprintln!("confirmation code of {} (apart from its activation code): {}", order.iccid, code.reveal());
            }
        }
        if let (Some(picture), Some(qr)) = (picture, Modules::of(&uri)) {
            report::write_picture(&picture, &qr)?;
        }
    }
    let shown = file.display();
    eprintln!("note: the SM-DP+ refuses these codes until the batch is loaded there: openrsp smdp load-batch {shown}");
    Ok(())
}

/// Takes numbers out of a range, each once: what was given out before is remembered in the user's data directory. Written
/// down before they are used, so that none is used twice, whatever happens in between.
fn reserve(range: IccidRange, count: u32) -> anyhow::Result<Range<u64>> {
    let (first, last) = range.ends();
    let home = own::data_home()?.join("iccids");
    create_private_dir(&home)?;
    let path = home.join(range.to_string());
    let mut file = File::options().create(true).read(true).write(true).truncate(false).open(&path)?;
    file.lock()?;
    let mut text = String::new();
    file.read_to_string(&mut text).with_context(|| path.display().to_string())?;
    let next = match text.trim() {
        "" => first,
        text => text.parse().ok().filter(|next| *next >= first).ok_or_else(|| damaged(&path))?,
    };
    let end = next.checked_add(u64::from(count)).filter(|end| *end <= last.saturating_add(1)).ok_or_else(|| {
        let left = last.saturating_add(1).saturating_sub(next);
        Failure::new(Exit::Input, format!("iccids: {left} are left of {range}, and {count} are wanted"))
    })?;
    file.rewind()?;
    file.write_all(format!("{end}\n").as_bytes())?;
    file.sync_all()?;
    Ok(next..end)
}

fn damaged(path: &Path) -> anyhow::Error {
    Failure::new(Exit::Input, format!("{}: not the next number of the range", path.display()))
}
