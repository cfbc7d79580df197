//! `openrsp serve`: the roles of a server on HTTPS, each interface on a listener of its own.

mod certificates;
mod clients;
mod connections;
pub(crate) mod courier;
mod lingering;
mod listeners;
mod operator;
mod outgoing;
mod record;
mod roles;
pub(crate) mod single;
mod suppliers;
mod tls;
mod upkeep;
pub(crate) mod webhooks;

#[cfg(test)]
mod testing;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use rsp_operator::provisioning::Suppliers;
use rsp_operator::usage::Usage;
use rsp_store::Datastore;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

use crate::config::{ServerDir, SystemClock};
pub(crate) use certificates::is_test_pki;
use connections::Endpoint;
use courier::NetworkCourier;
use lingering::Limits;
use listeners::Interface;
pub(crate) use listeners::check_operator;
use record::Recorder;
use roles::{Roles, Served};
pub(crate) use suppliers::OwnSmdp;
use upkeep::Upkeep;

/// Run what a directory's openrsp.toml enables until SIGTERM or Ctrl-C; what is in progress is finished first.
///
/// ES9+ for LPAs, ES2+ for operators, and an SM-DS with ES11 for LPAs and ES12 for SM-DP+s, each at the address that its
/// section of the configuration gives. The first line on standard output says where ES9+ listens, and the others follow;
/// with --json all stand in one object. On ES2+ and ES12 clients show a certificate of their own.
#[derive(Args)]
pub(crate) struct ServeArgs {
    /// The server's directory, made by `openrsp init`.
    #[arg(env = "OPENRSP_DIR")]
    dir: PathBuf,
    /// Where ES9+ listens, instead of the address in the configuration. Port 0 takes a free one, and free ones for all
    /// other interfaces, too.
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<SocketAddr>,
    /// Speak HTTP without TLS where LPAs and browsers call (ES9+, ES11, the operator's portal and API), on a loopback address only: for use behind a TLS proxy. ES2+
    /// and ES12 keep TLS, because only it says who calls.
    #[arg(long)]
    plain_http: bool,
    /// Threads that serve; without it one for each processor.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    workers: Option<u16>,
    /// Write every message and every random draw to DIR/transcript.jsonl, so that a test can replay them, and sign
    /// deterministically. It holds MatchingIDs, the confirmation codes that operators give over ES2+, and the keys of the
    /// packages delivered: for test servers only.
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
}

/// Serves until told to stop.
pub(crate) fn run(args: ServeArgs, json: bool) -> anyhow::Result<ExitCode> {
    let server = ServerDir::open(&args.dir)?;
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if let Some(workers) = args.workers {
        runtime.worker_threads(workers.into());
    }
    let runtime = runtime.enable_all().build()?;
    // On a worker: connections that the main thread accepts would wake another thread each time.
    runtime.block_on(async { tokio::spawn(async move { serve(&server, &args, json).await }).await })??;
    Ok(ExitCode::SUCCESS)
}

async fn serve(server: &ServerDir, args: &ServeArgs, json: bool) -> anyhow::Result<()> {
    let plans = listeners::plan(server, args)?;
    let store = server.store().await?;
    let courier = Arc::new(NetworkCourier::new(server, Arc::clone(&store), Arc::new(SystemClock))?);
    let mut listeners = Vec::new();
    for plan in plans {
        listeners.push(plan.bind().await?);
    }
    // After everything that is likely to fail: the next attempt must find no recording in its way.
    let recorder = args.record.as_deref().map(Recorder::create).transpose()?;
    let recording = recorder.is_some();
    let es2plus = listeners.iter().find(|listener| matches!(listener.interface, Interface::Es2Plus));
    let es2plus = es2plus.map(|listener| listener.socket.local_addr()).transpose()?;
    let mut roles = Roles::new(server, es2plus, Arc::clone(&store), Arc::clone(&courier), recorder);
    let routers = listeners.iter().map(|listener| roles.router(listener)).collect::<Result<Vec<_>, _>>()?;
    let Served { smdps, smds, operator } = roles.served();
    let clients = listeners.iter().filter_map(|listener| listener.clients.clone()).collect();
    let usage = Usage::new(Arc::clone(&store), Arc::new(SystemClock));
    let upkeep = Upkeep::new(server, smdps, smds, clients, Arc::clone(&courier), usage)?;

    // Whoever reads the announcement may stop the server at once, and that too shall be orderly.
    let stop = stop_signal()?;
    listeners::announce(&listeners, json)?;
    let (stopping, stopped) = watch::channel(());
    // Its only value never changes: it ends with its sender.
    let stopped = || {
        let mut stopped = stopped.clone();
        async move { drop(stopped.changed().await) }
    };
    let mut running = JoinSet::new();
    // A recording holds what its requests caused, and nothing else.
    if !recording {
        running.spawn(upkeep.run(stopped()));
    }
    for (listener, router) in listeners.into_iter().zip(routers) {
        let endpoint = Endpoint { listener: listener.socket, tls: listener.tls, router };
        running.spawn(connections::serve(endpoint, Limits::DEFAULT, stopped()));
    }
    running.spawn(courier.run(stopped()));
    if let Some(service) = operator {
        let (worker, stopped) = (service.batches.worker(), stopped());
        running.spawn(async move {
            tokio::select! {
                () = worker.run() => {}
                () = service.desk.give_up_orders() => {}
                () = stopped => {}
            }
        });
    }
    stop.await;
    drop(stopping);
    running.join_all().await;

    if let Some(store) = Arc::into_inner(store) {
        store.close().await;
    }
    Ok(())
}

/// Serves ES2+ of a server on a free port of loopback while `call` runs, for orders of this very process; whether
/// `openrsp serve` serves the same directory does not matter. `call` gets the way there for the operators of the server.
pub(crate) async fn with_es2plus<T>(
    server: &ServerDir,
    store: Arc<Datastore>,
    call: impl AsyncFnOnce(&dyn Suppliers) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let listener = listeners::es2plus(server, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?.bind().await?;
    let courier = Arc::new(NetworkCourier::new(server, Arc::clone(&store), Arc::new(SystemClock))?);
    let address = listener.socket.local_addr()?;
    let router = Roles::new(server, Some(address), store, courier, None).router(&listener)?;
    let suppliers = OwnSmdp::new(server.again()?, address)?;
    let (done, stopped) = oneshot::channel::<()>();
    let endpoint = Endpoint { listener: listener.socket, tls: listener.tls, router };
    let serving = tokio::spawn(connections::serve(endpoint, Limits::DEFAULT, async { drop(stopped.await) }));
    let outcome = call(&suppliers).await;
    // The connection is kept open for further orders, of which there are none.
    drop(suppliers);
    drop(done);
    serving.await?;
    outcome
}

/// Ends when the process is asked to stop.
fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
    })
}
