//! One open client of a case.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use spikard::{App, Failure, Result, Server, Value};
use tokio::sync::Mutex;

use crate::drivers::{driver, Driver};
use crate::values::{not_built, packed, text, unique, unpacked, whole};

pub struct Toolbox {
    driver: Arc<Mutex<Box<dyn Driver>>>,
    pub server: Server,
    pub capabilities: Vec<String>,
    folder: PathBuf,
}

const IN_MEMORY: [(&str, &str); 5] = [("cache", "memory:"), ("storage", "memory:"), ("db", "sqlite::memory:"), ("messaging", "memory:"), ("tasks", "memory:")];

impl Toolbox {
    pub fn open(client: &Value) -> Result<Toolbox> {
        let names: Vec<&str> = client.members().iter().map(|(n, _)| n.as_str()).filter(|n| *n != "telemetry" || client.members().len() == 1).collect();
        let [name] = names[..] else {
            return Err(not_built(format!("client {}", names.join(", "))));
        };
        let config = client.get(name);
        let mut driver = driver(name)?;
        let folder = std::env::temp_dir().join(format!("spikard-e2e-{}", unique()));
        std::fs::create_dir(&folder)?;
        let opened = Toolbox::start(&mut driver, client, config, &folder);
        let server = opened.inspect_err(|_| drop(std::fs::remove_dir_all(&folder)))?;
        let capabilities = driver.capabilities().iter().map(|c| c.to_string()).collect();
        let toolbox = Toolbox { driver: Arc::new(Mutex::new(driver)), server, capabilities, folder };
        let driver = toolbox.driver.clone();
        let result = toolbox.server.run(async move { driver.lock_owned().await.open().await });
        match result {
            Ok(()) => Ok(toolbox),
            Err(e) => {
                toolbox.close();
                Err(e)
            }
        }
    }

    fn start(driver: &mut Box<dyn Driver>, client: &Value, config: &Value, folder: &std::path::Path) -> Result<Server> {
        let mut services = driver.services(config, &folder.to_string_lossy())?;
        for (group, url) in IN_MEMORY {
            if services.member(group).is_none() {
                services.set(group, Value::object().with("default", Value::object().with("url", url)));
            }
        }
        let mut m = Value::object().with("log", Value::object().with("level", "error")).with("http", Value::Null).with("services", services);
        m.set("shutdown", Value::object().with("timeout_ms", 2000));
        if client.members().len() > 1 {
            m.set("telemetry", client.get("telemetry"));
        }
        if !driver.real_time() {
            m.set("clock", "virtual");
            std::env::set_var("SPIKARD_TEST", "1");
            std::env::set_var("SPIKARD_TEST_START", config.get("clock").as_str().unwrap_or("2026-01-01T00:00:00Z"));
        }
        let mut app = App::new("case");
        app.config(m);
        app.start()
    }

    pub fn run(&self, op: &str, args: &Value) -> Result<Value> {
        if op == "advance_clock" {
            return self.server.advance(Duration::from_millis(whole(args.get("ms")) as u64)).map(|()| Value::Null);
        }
        let (driver, op, args) = (self.driver.clone(), op.to_string(), unpacked(args));
        let result = self.server.run(async move { driver.lock_owned().await.run(&op, &args).await })?;
        Ok(packed(&result))
    }

    pub fn close(self) {
        let driver = self.driver.clone();
        // What is left of a case is thrown away.
        let _: Result<(), Failure> = self.server.run(async move {
            driver.lock_owned().await.close().await;
            Ok(())
        });
        let _ = self.server.kill();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

pub fn url(kind: &Value, schemes: &[(&str, String)]) -> Result<String> {
    let found = schemes.iter().find(|(name, _)| *name == text(kind));
    found.map(|(_, url)| url.clone()).ok_or_else(|| not_built(format!("backend {}", text(kind))))
}
