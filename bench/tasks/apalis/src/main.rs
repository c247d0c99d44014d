// apalis-sqlite on a file: `bench-apalis poll|hook FILE JOBS IDLE`; one JSON line. `poll` is the README's basic worker, `hook` its
// event-driven one. Its own `setup` sets synchronous=OFF.
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use apalis::prelude::*;
use apalis_sqlite::*;
use futures::stream::{self, StreamExt};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Job {
    order: u32,
    note: String,
}

static RAN: AtomicUsize = AtomicUsize::new(0);
static STARTED_US: AtomicU64 = AtomicU64::new(0);

fn cpu_us() -> f64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut now) };
    now.tv_sec as f64 * 1e6 + now.tv_nsec as f64 / 1e3
}

fn now_us() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now) };
    now.tv_sec as u64 * 1_000_000 + now.tv_nsec as u64 / 1000
}

fn job(i: usize) -> Job {
    Job { order: i as u32, note: "leave it at the door".into() }
}

async fn work(_: Job) -> Result<(), BoxDynError> {
    STARTED_US.store(now_us(), SeqCst);
    RAN.fetch_add(1, SeqCst);
    Ok(())
}

async fn until(count: usize, step: Duration) {
    let limit = Instant::now() + Duration::from_secs(120);
    while RAN.load(SeqCst) < count {
        if Instant::now() > limit {
            eprintln!("{} of {count} ran", RAN.load(SeqCst));
            std::process::exit(1);
        }
        tokio::time::sleep(step).await;
    }
}

#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().collect();
    let hook = args[1] == "hook";
    let url = format!("sqlite://{}?mode=rwc", args[2]);
    let (jobs, idle): (usize, usize) = (args[3].parse().unwrap(), args[4].parse().unwrap());
    let (pool, listener) = if hook {
        let (pool, listener) = SqliteStorage::connect_with_callback(&url).unwrap();
        (pool, Some(listener))
    } else {
        (SqlitePool::connect(&url).await.unwrap(), None)
    };
    SqliteStorage::setup(&pool).await.unwrap();
    let mut backend: SqliteStorage<Job> = SqliteStorage::new(&pool);

    let before = cpu_us();
    for i in 0..jobs {
        backend.push(job(i)).await.unwrap();
    }
    let enqueue = (cpu_us() - before) / jobs as f64;

    let mut pushing = backend.clone();
    let before = cpu_us();
    let worker = if hook {
        let strategy = Strategy::new().stream(listener.unwrap().ready_chunks(10)).interval(Duration::from_millis(500));
        let built = WorkerBuilder::new("bench").backend(backend.poll_with_strategy(strategy)).build(work);
        tokio::spawn(async move { built.run().await.map_err(|e| eprintln!("{e}")).ok(); })
    } else {
        let built = WorkerBuilder::new("bench").backend(backend).build(work);
        tokio::spawn(async move { built.run().await.map_err(|e| eprintln!("{e}")).ok(); })
    };
    until(jobs, Duration::from_millis(10)).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let run = (cpu_us() - before) / jobs as f64;

    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut waits = Vec::new();
    for i in 0..idle {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let begun = now_us();
        pushing.push(job(0)).await.unwrap();
        until(jobs + i + 1, Duration::from_millis(1)).await;
        waits.push((STARTED_US.load(SeqCst) as f64 - begun as f64) / 1e3);
    }
    waits.sort_by(|a, b| a.partial_cmp(b).unwrap());
    worker.abort();

    // In bulk, for another queue that nobody works on.
    let mut other: SqliteStorage<Job> = SqliteStorage::new(&pool).with_config(Config::default().queue("other"));
    let before = cpu_us();
    other.push_stream(&mut stream::iter((0..jobs).map(job))).await.unwrap();
    let bulk = (cpu_us() - before) / jobs as f64;
    println!(
        "{{\"enqueue\": {enqueue}, \"run\": {run}, \"bulk\": {bulk}, \"start_p50\": {}, \"start_p99\": {}}}",
        waits[waits.len() / 2],
        waits[waits.len() * 99 / 100]
    );
}
