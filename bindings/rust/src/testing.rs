//! An application in a test: under a virtual clock and with everything in memory, or as it is.
//!
//! ```no_run
//! # fn main() -> spikard::Result<()> {
//! # let app = spikard::App::new("orders");
//! # let order = spikard::Value::object();
//! let test = spikard::testing::TestApp::start(&app)?;
//! let answer = test.post("/orders").json(&order)?.send()?;
//! assert_eq!(answer.status, 201);
//! test.settle()?; // the message is handled, the task is done
//! test.advance(std::time::Duration::from_secs(30 * 24 * 3600))?;
//! # Ok(())
//! # }
//! ```

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::ops::Deref;
use std::sync::Mutex;

use serde::de::DeserializeOwned;
use serde::Serialize;

use crate::error::Failure;
use crate::handling::lock;
use crate::{App, Server, Value};

/// The environment tells the core that it is a test's.
static ENVIRONMENT: Mutex<()> = Mutex::new(());

/// How a test's application begins.
#[derive(Clone, Debug, Default)]
pub struct TestOptions {
    /// Replace the application's services, by group and name: `{"db": {"default": {"url": "postgres://..."}}}`. Everything else is put into memory.
    pub services: Value,
    /// Where the virtual clock begins; 2026-01-01T00:00:00Z when it is not given.
    pub at: Option<String>,
    /// Make operations of the clients fail, by chance but always the same for a seed (`faults` of the manifest).
    pub faults: Value,
}

/// An application that runs until the end of its test.
pub struct TestApp {
    server: Server,
}

impl Deref for TestApp {
    type Target = Server;
    fn deref(&self) -> &Server {
        &self.server
    }
}

const IN_MEMORY: [(&str, &str); 5] = [("cache", "memory:"), ("storage", "memory:"), ("db", "sqlite::memory:"), ("messaging", "memory:"), ("tasks", "memory:")];

impl TestApp {
    /// Runs an application under a virtual clock: its time moves only by `advance`, through everything that comes due, in order.
    pub fn start(app: &App) -> Result<TestApp, Failure> {
        TestApp::start_with(app, TestOptions::default())
    }

    pub fn start_with(app: &App, options: TestOptions) -> Result<TestApp, Failure> {
        let _alone = lock(&ENVIRONMENT);
        std::env::set_var("SPIKARD_TEST", "1");
        std::env::set_var("SPIKARD_TEST_START", options.at.as_deref().unwrap_or("2026-01-01T00:00:00Z"));
        let server = app.start_with(
            |m| {
                loopback(m);
                m.set("clock", "virtual");
                if !options.faults.is_null() {
                    m.set("faults", &options.faults);
                }
                let services = m.entry("services");
                for (group, url) in IN_MEMORY {
                    let clients = services.entry(group);
                    let mut names: Vec<String> = clients.members().iter().map(|(n, _)| n.clone()).collect();
                    names.extend(options.services.get(group).members().iter().map(|(n, _)| n.clone()));
                    names.push("default".into());
                    for name in names {
                        let client = clients.entry(&name);
                        // What shares a file, and with it transactions, shares it in memory as well.
                        let shared = matches!(group, "messaging" | "tasks") && client.get("url").as_str().is_some_and(|u| u.starts_with("sqlite:"));
                        client.set("url", if shared { "sqlite::memory:" } else { url });
                        let own = options.services.get(group).get(&name);
                        if !own.is_null() {
                            client.merge(own.clone());
                        }
                    }
                }
            },
            false,
        )?;
        let test = TestApp { server };
        test.settle()?;
        Ok(test)
    }

    /// Runs an application as it is, on a free port of the loopback interface.
    pub fn serve(app: &App) -> Result<TestApp, Failure> {
        Ok(TestApp { server: app.start_with(loopback, false)? })
    }

    /// Drains and gives the report.
    pub fn stop(self) -> Result<Value, Failure> {
        self.server.stop()
    }

    pub fn request(&self, method: &str, path: &str) -> TestRequest {
        TestRequest { port: self.port(), method: method.into(), path: path.into(), headers: Vec::new(), body: Vec::new() }
    }
    pub fn get(&self, path: &str) -> TestRequest {
        self.request("GET", path)
    }
    pub fn post(&self, path: &str) -> TestRequest {
        self.request("POST", path)
    }
    pub fn put(&self, path: &str) -> TestRequest {
        self.request("PUT", path)
    }
    pub fn patch(&self, path: &str) -> TestRequest {
        self.request("PATCH", path)
    }
    pub fn delete(&self, path: &str) -> TestRequest {
        self.request("DELETE", path)
    }
}

fn loopback(m: &mut Value) {
    if m.member("http").is_some_and(|h| !h.is_null()) {
        m.entry("http").set("listeners", vec![Value::object().with("address", "127.0.0.1").with("port", 0)]);
    }
}

/// A request of a test.
pub struct TestRequest {
    port: u16,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl TestRequest {
    pub fn header(mut self, name: &str, value: &str) -> TestRequest {
        self.headers.push((name.into(), value.into()));
        self
    }
    pub fn json(self, value: &(impl Serialize + ?Sized)) -> Result<TestRequest, Failure> {
        Ok(self.header("content-type", "application/json").body(Value::of(value)?.to_json()))
    }
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> TestRequest {
        self.body = body.into();
        self
    }

    /// Sends it; the answer, when its head is there.
    pub fn open(self) -> Result<TestStream, Failure> {
        let mut connection = TcpStream::connect(("127.0.0.1", self.port))?;
        let mut head = format!("{} {} HTTP/1.1\r\nhost: 127.0.0.1:{}\r\nconnection: close\r\n", self.method, self.path, self.port);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !self.body.is_empty() || !matches!(self.method.as_str(), "GET" | "HEAD" | "DELETE") {
            head.push_str(&format!("content-length: {}\r\n", self.body.len()));
        }
        head.push_str("\r\n");
        let mut all = head.into_bytes();
        all.extend_from_slice(&self.body);
        connection.write_all(&all)?;
        let mut from = BufReader::new(connection);
        let status_line = line(&mut from)?;
        let status = status_line.split(' ').nth(1).and_then(|s| s.parse().ok()).ok_or_else(|| Failure::new(format!("no answer: {status_line:?}")))?;
        let mut headers = Vec::new();
        loop {
            let text = line(&mut from)?;
            match text.split_once(':') {
                Some((name, value)) => headers.push((name.to_lowercase(), value.trim().to_string())),
                None => break,
            }
        }
        let find = |name: &str| headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
        let left = if self.method == "HEAD" || status == 204 || status == 304 {
            Left::Bytes(0)
        } else if find("transfer-encoding").is_some_and(|v| v.contains("chunked")) {
            Left::Chunks
        } else {
            find("content-length").map_or(Left::Rest, |n| Left::Bytes(n.parse().unwrap_or(0)))
        };
        Ok(TestStream { status, headers, from, left })
    }

    /// Sends it, and reads the answer to its end.
    pub fn send(self) -> Result<TestResponse, Failure> {
        let mut stream = self.open()?;
        let mut body = Vec::new();
        while let Some(chunk) = stream.chunk()? {
            body.extend_from_slice(&chunk);
        }
        Ok(TestResponse { status: stream.status, headers: stream.headers, body })
    }
}

fn line(from: &mut impl BufRead) -> Result<String, Failure> {
    let mut text = String::new();
    from.read_line(&mut text)?;
    Ok(text.trim_end_matches(['\r', '\n']).to_string())
}

enum Left {
    Bytes(usize),
    Chunks,
    Rest,
}

/// An answer whose body is read as it comes. Dropping it closes the connection.
pub struct TestStream {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    from: BufReader<TcpStream>,
    left: Left,
}

impl TestStream {
    /// What comes next; None at the end, an error where the answer ends before it.
    pub fn chunk(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        let size = match &mut self.left {
            Left::Bytes(0) => return Ok(None),
            Left::Bytes(n) => std::mem::take(n),
            Left::Chunks => {
                let text = line(&mut self.from)?;
                let size = usize::from_str_radix(text.trim(), 16).map_err(|_| Failure::new("the answer was cut off"))?;
                if size == 0 {
                    self.left = Left::Bytes(0);
                    line(&mut self.from)?;
                    return Ok(None);
                }
                size
            }
            Left::Rest => {
                let mut out = Vec::new();
                self.from.read_to_end(&mut out)?;
                self.left = Left::Bytes(0);
                return Ok(Some(out).filter(|o| !o.is_empty()));
            }
        };
        let mut out = vec![0; size];
        self.from.read_exact(&mut out)?;
        if matches!(self.left, Left::Chunks) {
            line(&mut self.from)?;
        }
        Ok(Some(out))
    }
}

/// An answer, read to its end.
#[derive(Clone, Debug)]
pub struct TestResponse {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl TestResponse {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        Ok(Value::from_json(&self.body)?.decode()?)
    }
}
