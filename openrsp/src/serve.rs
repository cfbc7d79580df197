//! `openrsp serve`: the SM-DP+ on HTTPS.

mod connections;
mod lingering;
mod record;
mod tls;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use clap::Args;
use rsp_auth::DerivedChallenges;
use rsp_crypto::{Provider, RandomnessExt as _, Zeroizing};
use rsp_smdp::{Clock, SharedRandomness, Smdp, Swept};
use rsp_store::Datastore;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::config::{ServerDir, SystemClock, credentials};
use crate::exit::{Exit, Failure};
use crate::system::OsRandomness;
use lingering::Limits;
use record::Recorder;

/// How often sessions are deleted and orders closed whose time is over.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60);

/// Run the SM-DP+ of a directory until SIGTERM or Ctrl-C; what is in progress is finished first.
///
/// The first line on standard output says where it listens.
#[derive(Args)]
pub(crate) struct ServeArgs {
    /// The server's directory, made by `openrsp init`.
    #[arg(env = "OPENRSP_DIR")]
    dir: PathBuf,
    /// Where to listen, instead of the address in the configuration; port 0 takes a free one.
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<SocketAddr>,
    /// Speak HTTP without TLS, on a loopback address only: for use behind a TLS proxy.
    #[arg(long)]
    plain_http: bool,
    /// Threads that serve; without it one for each processor.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    workers: Option<u16>,
    /// Write every message and every random draw to DIR/transcript.jsonl, so that a test can replay them, and sign
    /// deterministically. It holds MatchingIDs and the keys of the packages delivered: for test servers only.
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
    let address = listen_address(server, args)?;
    let tls = if args.plain_http { None } else { Some(tls::acceptor(server)?) };
    let store = server.store().await?;
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| Failure::new(Exit::Network, format!("listening on {address}: {error}")))?;
    let recording = args.record.is_some();
    // After everything that is likely to fail: the next attempt must find no recording in its way.
    let recorder = args.record.as_deref().map(Recorder::create).transpose()?;
    let smdp = Arc::new(make_smdp(server, Arc::clone(&store), recorder.as_ref())?);

    let mut router = Router::new()
        .route("/healthz", get(healthy))
        .with_state(Arc::clone(&store))
        .merge(rsp_es::server::router(smdp.clone()));
    if let Some(recorder) = recorder {
        router = router.layer(axum::middleware::from_fn_with_state(recorder, record::messages));
    }

    // Whoever reads the announcement may stop the server at once, and that too shall be orderly.
    let stop = stop_signal()?;
    announce(listener.local_addr()?, json);
    // A recording holds what its requests caused, and nothing else.
    let sweeping = (!recording).then(|| tokio::spawn(sweep(Arc::clone(&smdp))));
    connections::serve(listener, tls, router, Limits::DEFAULT, stop).await;

    if let Some(sweeping) = sweeping {
        sweeping.abort();
        drop(sweeping.await);
    }
    drop(smdp);
    if let Some(store) = Arc::into_inner(store) {
        store.close().await;
    }
    Ok(())
}

fn listen_address(server: &ServerDir, args: &ServeArgs) -> anyhow::Result<SocketAddr> {
    let configured = &server.config.smdp.listen;
    let address = match args.listen {
        Some(address) => address,
        None => configured.parse().map_err(|_| {
            Failure::new(Exit::Input, format!("smdp.listen: {configured:?} is no ADDR:PORT, such as 127.0.0.1:8443"))
        })?,
    };
    if args.plain_http && !address.ip().is_loopback() {
        return Err(Failure::new(Exit::Usage, format!("--plain-http: {address} is not a loopback address")));
    }
    Ok(address)
}

fn make_smdp(server: &ServerDir, store: Arc<Datastore>, recorder: Option<&Recorder>) -> anyhow::Result<Smdp> {
    let make = |provider: &'static dyn Provider, clock: Arc<dyn Clock>, randomness: &SharedRandomness| {
        let credentials = credentials(&server.pki()?, provider)?;
        Smdp::new(store, server.address()?, credentials, provider, clock, randomness.clone(), server.settings())
            .context("starting the SM-DP+")
    };
    let Some(recorder) = recorder else {
        return make(rsp_crypto::aws_lc(), Arc::new(SystemClock), &SharedRandomness::new(Box::new(OsRandomness)));
    };
    let mut randomness = SharedRandomness::new(Box::new(recorder.randomness(OsRandomness)));
    // A recording can be repeated only if signatures are the same each time, and all keys are known that made it.
    let challenges = DerivedChallenges::new(Zeroizing::new(randomness.bytes()));
    let smdp = make(rsp_crypto::rust_crypto(), Arc::new(recorder.clock()), &randomness)?;
    Ok(smdp.with_challenges(Box::new(challenges)))
}

/// Whoever starts a server waits for this line.
fn announce(address: SocketAddr, json: bool) {
    if json {
        println!("{}", json!({ "listening": address.to_string() }));
    } else {
        println!("{address}");
    }
}

/// Answers whether the database does.
async fn healthy(State(store): State<Arc<Datastore>>) -> (StatusCode, &'static str) {
    match store.check().await {
        Ok(()) => (StatusCode::OK, "ok\n"),
        Err(error) => {
            tracing::error!(%error, "the database does not answer");
            (StatusCode::SERVICE_UNAVAILABLE, "database\n")
        }
    }
}

async fn sweep(smdp: Arc<Smdp>) {
    let mut ticks = tokio::time::interval(SWEEP_INTERVAL);
    loop {
        ticks.tick().await;
        match smdp.sweep().await {
            Ok(Swept { sessions: 0, orders: 0 }) => {}
            Ok(Swept { sessions, orders }) => tracing::debug!(sessions, orders, "swept"),
            Err(error) => tracing::warn!(%error, "sweeping"),
        }
    }
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
