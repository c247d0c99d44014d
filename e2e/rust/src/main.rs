//! The Rust harness of the fixture player (e2e/README.md): JSON lines in and out, one application at a time, built through the crate's public API.

mod application;
mod drivers;
mod scripts;
mod toolbox;
mod values;
mod work_drivers;

use std::collections::HashMap;
use std::io::{BufRead, Write};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::Arc;

use spikard::{Error, Result, Server, Telemetry, Value};

use application::Case;
use toolbox::Toolbox;
use values::{not_built, only, text, NotBuilt};

#[derive(Default)]
struct Harness {
    case: Arc<Case>,
    server: Option<Server>,
    toolbox: Option<Toolbox>,
    told: HashMap<String, Vec<Value>>,
    env: Vec<(String, Option<String>)>,
}

fn error(members: Value) -> Value {
    Value::object().with("ok", false).with("error", members)
}

impl Harness {
    fn answer(&mut self, line: &str) -> Value {
        let result = catch_unwind(AssertUnwindSafe(|| Value::from_json(line).map_err(Into::into).and_then(|request| self.run(&request))));
        match result {
            Ok(Ok(answer)) => Value::Object([vec![("ok".to_string(), Value::Bool(true))], answer.members().to_vec()].concat()),
            Ok(Err(e)) => error(match e.downcast_ref::<Error>() {
                Some(Error::Operation { kind, detail, message, .. }) => {
                    Value::object().with("kind", kind.name()).with("detail", detail).with("message", message)
                }
                Some(Error::Cancelled(cause)) => Value::object().with("kind", "cancelled").with("detail", "").with("message", cause.to_string()),
                Some(Error::Config(message)) => {
                    let refused = ["missing_dependency", "circular_dependency", "type_mismatch"];
                    let kind = refused.into_iter().find(|kind| message.contains(&format!(": {kind}: "))).unwrap_or("invalid_argument");
                    Value::object().with("type", kind).with("message", message)
                }
                _ if e.downcast_ref::<NotBuilt>().is_some() => Value::object().with("type", "not_built").with("message", e.to_string()),
                _ => Value::object().with("type", "error").with("message", format!("{e:?}")),
            }),
            Err(panic) => {
                let message = panic.downcast_ref::<String>().cloned().or(panic.downcast_ref::<&str>().map(|s| s.to_string())).unwrap_or_default();
                error(Value::object().with("type", "panic").with("message", message))
            }
        }
    }

    fn run(&mut self, request: &Value) -> Result<Value> {
        match text(request.get("op")) {
            "start" => {
                only(request, "op app", "start")?;
                self.stop();
                self.case = Arc::default();
                self.told.clear();
                let spec = request.get("app");
                self.environment(spec.get("env"));
                let app = application::make(spec, &self.case)?;
                let loopback = |m: &mut Value| {
                    let mut http = m.get("http").clone();
                    if !http.is_null() {
                        http.set("listeners", vec![Value::object().with("address", "127.0.0.1").with("port", 0)]);
                        m.set("http", http);
                    }
                };
                let server = app.start_with(loopback, spec.member("env").is_some())?;
                let port = server.port();
                self.server = Some(server);
                Ok(Value::object().with("port", port))
            }
            "stop" => {
                only(request, "op drain_timeout_ms", "stop")?;
                Ok(Value::object().with("report", self.stop()))
            }
            "trace" => Ok(Value::object().with("dependency_trace", self.case.trace.lock().unwrap().clone())),
            "events" => Ok(Value::object().with("events", self.case.events.lock().unwrap().clone())),
            op @ ("spans" | "logs" | "metrics") => {
                let told = self.telemetry(op)?;
                Ok(Value::object().with(op, told))
            }
            "backends" => Ok(Value::object().with("backends", drivers::backends(text(request.get("subsystem")))?)),
            "client" => {
                self.close();
                self.told.clear();
                let toolbox = Toolbox::open(request.get("client"))?;
                let capabilities = toolbox.capabilities.clone();
                self.toolbox = Some(toolbox);
                Ok(Value::object().with("capabilities", capabilities))
            }
            "do" => {
                let toolbox = self.toolbox.as_ref().ok_or_else(|| spikard::Failure::new("there is no client"))?;
                Ok(Value::object().with("result", toolbox.run(text(request.get("do")), request.get("args"))?))
            }
            "close" => {
                self.close();
                Ok(Value::object())
            }
            op => Err(not_built(format!("op {op}"))),
        }
    }

    fn environment(&mut self, env: &Value) {
        for (name, before) in self.env.drain(..) {
            match before {
                Some(value) => std::env::set_var(name, value),
                None => std::env::remove_var(name),
            }
        }
        for (name, value) in env.members() {
            self.env.push((name.clone(), std::env::var(name).ok()));
            std::env::set_var(name, text(value));
        }
    }

    /// What there was since the start: the exporter gives each once.
    fn telemetry(&mut self, what: &str) -> Result<Vec<Value>> {
        let server = self.server.as_ref().or(self.toolbox.as_ref().map(|t| &t.server)).ok_or_else(|| spikard::Failure::new("nothing runs"))?;
        let name = what.to_string();
        let got = server.run(async move {
            let client = Telemetry::default();
            Ok(match name.as_str() {
                "metrics" => client.collect_metrics().await?,
                "spans" => client.take_spans().await?,
                _ => client.take_logs().await?,
            })
        })?;
        if what == "metrics" {
            return Ok(got.list().to_vec());
        }
        let told = self.told.entry(what.into()).or_default();
        told.extend(got.list().iter().cloned());
        Ok(told.clone())
    }

    fn close(&mut self) {
        if let Some(toolbox) = self.toolbox.take() {
            toolbox.close();
        }
    }

    fn stop(&mut self) -> Value {
        self.server.take().map(|server| server.stop().unwrap_or_default()).unwrap_or_default()
    }
}

fn main() {
    let mut harness = Harness::default();
    let mut out = std::io::stdout();
    for line in std::io::stdin().lock().lines().map_while(|l| l.ok()) {
        if line.trim().is_empty() {
            continue;
        }
        let answer = harness.answer(&line);
        writeln!(out, "{answer}").and_then(|()| out.flush()).expect("the player reads what it is told");
    }
    harness.close();
    harness.stop();
}
