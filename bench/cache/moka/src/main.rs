// moka's side of bench/cache/run: see ../main.cpp, whose workloads these are.
use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use moka::policy::EvictionPolicy;
use moka::sync::Cache;

struct Counting;
static USED: AtomicUsize = AtomicUsize::new(0);
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let p = System.alloc(layout);
        USED.fetch_add(libc::malloc_usable_size(p as *mut _) + 8, Ordering::Relaxed);
        p
    }
    unsafe fn dealloc(&self, p: *mut u8, layout: Layout) {
        USED.fetch_sub(libc::malloc_usable_size(p as *mut _) + 8, Ordering::Relaxed);
        System.dealloc(p, layout)
    }
}
#[global_allocator]
static ALLOCATOR: Counting = Counting;

type Store = Cache<String, Arc<[u8]>>;

fn store(capacity: u64, ttl: bool) -> Store {
    let builder = Cache::builder().max_capacity(capacity).eviction_policy(EvictionPolicy::tiny_lfu());
    if ttl {
        builder.time_to_live(Duration::from_secs(3600)).build()
    } else {
        builder.build()
    }
}

fn value() -> Arc<[u8]> {
    Arc::from(&b"0123456789abcdef"[..])
}

fn hit_ratio(trace: &[u32], capacity: u64) -> f64 {
    let cache = store(capacity, false);
    let mut hits = 0u64;
    for one in trace {
        let key = format!("key:{one}");
        if cache.get(&key).is_some() {
            hits += 1;
        } else {
            cache.insert(key, value());
        }
    }
    hits as f64 / trace.len() as f64
}

fn cpu_ns() -> f64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut now) };
    now.tv_sec as f64 * 1e9 + now.tv_nsec as f64
}

fn speed(entries: u32, threads: usize, ttl: bool) -> [f64; 3] {
    let cache = store(entries as u64, ttl);
    let keys: Arc<Vec<String>> = Arc::new((0..4 * entries).map(|n| format!("key:{n}")).collect());
    for n in 0..entries as usize {
        cache.insert(keys[n].clone(), value());
    }
    cache.run_pending_tasks();
    let mut state = 88172645463325252u64;
    let order: Arc<Vec<u32>> = Arc::new(
        (0..1 << 19)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (state % entries as u64) as u32
            })
            .collect(),
    );
    let mut out = [0.0; 3];
    for (which, result) in out.iter_mut().enumerate() {
        let mut best = f64::MAX;
        for _ in 0..3 {
            let before = cpu_ns();
            let workers: Vec<_> = (0..threads)
                .map(|t| {
                    let (cache, keys, order) = (cache.clone(), keys.clone(), order.clone());
                    thread::spawn(move || {
                        for n in 0..order.len() {
                            let i = order[(n + t * 7919) % order.len()] as usize;
                            match which {
                                0 => {
                                    std::hint::black_box(cache.get(&keys[i]));
                                }
                                1 => cache.insert(keys[i].clone(), value()),
                                _ => cache.insert(keys[(i + n) % keys.len()].clone(), value()),
                            }
                        }
                    })
                })
                .collect();
            for worker in workers {
                worker.join().unwrap();
            }
            best = best.min((cpu_ns() - before) / (order.len() * threads) as f64);
        }
        *result = best;
    }
    out
}

fn overhead() -> f64 {
    let before = USED.load(Ordering::Relaxed);
    let cache = store(220_000, false);
    for n in 0..200_000 {
        cache.insert(format!("key:{n:012}"), Arc::from(&[b'v'; 32][..]));
    }
    cache.run_pending_tasks();
    (USED.load(Ordering::Relaxed) - before) as f64 / cache.entry_count() as f64 - 48.0
}

fn main() {
    let folder = std::env::args().nth(1).unwrap();
    if folder == "-" {
        let v = speed(1000, 1, false);
        println!("{{\"get\": {:.1}, \"set\": {:.1}, \"churn\": {:.1}}}", v[0], v[1], v[2]);
        return;
    }
    let mut hits = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        let trace: Vec<u32> = bytes.chunks_exact(4).map(|b| u32::from_le_bytes(b.try_into().unwrap())).collect();
        for capacity in [1_000, 10_000] {
            hits.insert(format!("{}/{}", path.file_stem().unwrap().to_str().unwrap(), capacity), hit_ratio(&trace, capacity));
        }
    }
    let ns = [
        ("1000 entries", speed(1000, 1, false)),
        ("1000 entries, a ttl", speed(1000, 1, true)),
        ("1000 entries, 2 threads", speed(1000, 2, false)),
        ("100000 entries", speed(100_000, 1, false)),
    ];
    let hits: Vec<String> = hits.iter().map(|(k, v)| format!("\"{k}\": {v:.5}")).collect();
    let ns: Vec<String> = ns.iter().map(|(k, v)| format!("\"{k}\": [{:.1}, {:.1}, {:.1}]", v[0], v[1], v[2])).collect();
    println!("{{\"version\": \"0.12\", \"hits\": {{{}}}, \"ns\": {{{}}}, \"overhead\": {:.1}}}", hits.join(", "), ns.join(", "), overhead());
}
