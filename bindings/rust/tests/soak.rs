//! Memory stays flat over many requests and operations. A target of its own: `cargo test --release --test soak -- --ignored`.

use std::io::{Read, Write};
use std::net::TcpStream;

use spikard::testing::TestApp;
use spikard::{App, Cache, Database, Path, Value};

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// `n` requests over one connection, in bursts.
fn requests(port: u16, n: usize) {
    let mut client = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let one = b"GET /items/7 HTTP/1.1\r\nhost: x\r\n\r\n";
    let burst = one.repeat(50);
    let mut buffer = vec![0; 65536];
    for _ in 0..n / 50 {
        client.write_all(&burst).unwrap();
        let mut answered = 0;
        while answered < 50 {
            let got = client.read(&mut buffer).unwrap();
            assert!(got > 0, "the connection was closed");
            answered += buffer[..got].windows(9).filter(|w| w == b"HTTP/1.1 ").count();
        }
    }
}

#[test]
#[ignore = "a soak of its own target"]
fn memory_is_flat() {
    let mut app = App::new("soak");
    app.config(
        Value::from_json(r#"{"log": {"level": "off"}, "services": {"cache": {"default": {"url": "memory:"}}, "db": {"default": {"url": "sqlite::memory:"}}}}"#)
            .unwrap(),
    );
    app.get("/items/{id:int}", |Path(id): Path<i64>| async move {
        Cache::default().set("k", id.to_string()).await?;
        let n: Option<i64> = Database::default().scalar("SELECT ?", (id,)).await?;
        let dropped = spikard::spawn(spikard::sleep(std::time::Duration::from_secs(3600)));
        dropped.abort();
        Ok::<_, spikard::Failure>(n.unwrap_or_default().to_string())
    });
    let test = TestApp::serve(&app).unwrap();
    requests(test.port(), 20_000);
    let before = resident_kib();
    requests(test.port(), 100_000);
    let after = resident_kib();
    assert!(after < before + 4096, "resident memory grew from {before} to {after} KiB over 100000 requests");
    assert_eq!(test.stop().unwrap().get("exit_code").as_i64(), Some(0));
}
