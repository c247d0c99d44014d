//! An application as a program, or beside other code.

use std::future::Future;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{signal, SignalKind};

use crate::app::App;
use crate::call::{Call, Client, Reply};
use crate::error::{Error, Failure};
use crate::handling::{lock, Caught, Handling, Scope, Within};
use crate::nodes::Value;
use crate::runtime::Runtime;
use crate::sys;

impl App {
    /// Serves until SIGTERM or SIGINT, then drains; the exit code is 0 when nothing was abandoned. spikard.toml, PORT and SPIKARD_... of the environment are laid over what the
    /// code says. With SPIKARD_PRINT_MANIFEST=1 it prints the manifest instead. A second signal cuts the drain short.
    pub fn run(&self) -> ExitCode {
        match self.serve() {
            Ok(code) => ExitCode::from(code),
            Err(e) => {
                eprintln!("{e}");
                ExitCode::from(if matches!(e.downcast_ref(), Some(Error::Config(_))) { 78 } else { 1 })
            }
        }
    }

    fn serve(&self) -> Result<u8, Failure> {
        let built = self.build()?;
        if std::env::var("SPIKARD_PRINT_MANIFEST").is_ok_and(|v| v == "1") {
            println!("{}", built.manifest);
            return Ok(0);
        }
        let runtime = Runtime::open(built, true)?;
        let drains = runtime.clone();
        let port = runtime.port().ok_or(Error::NotRunning)?;
        let _inside = port.handle.enter();
        let signals = [SignalKind::terminate(), SignalKind::interrupt()].map(signal);
        for listener in signals {
            let mut listener = listener?;
            let drains = drains.clone();
            port.handle.spawn(async move {
                while listener.recv().await.is_some() {
                    let _ = drains.drain(sys::SPK_DRAIN_DEFAULT);
                }
            });
        }
        drop(_inside);
        let started = runtime.start();
        if started.is_err() {
            let _ = runtime.drain(0);
            let _ = runtime.drain(0);
        }
        let report = runtime.wait(started.is_ok());
        started?;
        Ok(report?.get("exit_code").as_u64().unwrap_or(1) as u8)
    }

    /// Serves until `Server::stop`. No signal is handled.
    pub fn start(&self) -> Result<Server, Failure> {
        self.start_with(|_| {}, false)
    }

    /// `start` with a change of the manifest before it is opened; `configured` lays spikard.toml and the environment over it, as `run` does.
    pub fn start_with(&self, change: impl FnOnce(&mut Value), configured: bool) -> Result<Server, Failure> {
        let mut built = self.build()?;
        change(&mut built.manifest);
        let runtime = Runtime::open(built, configured)?;
        if let Err(e) = runtime.start() {
            let _ = runtime.drain(0);
            let _ = runtime.drain(0);
            let _ = runtime.wait(false);
            return Err(e);
        }
        Ok(Server { runtime, stopped: false, draining: AtomicBool::new(false) })
    }
}

/// An application that serves beside other code: in tests, or embedded in another program. Dropped, it ends without waiting for anything.
pub struct Server {
    runtime: Arc<Runtime>,
    stopped: bool,
    draining: AtomicBool,
}

impl Server {
    /// The addresses that were bound.
    pub fn addresses(&self) -> Vec<String> {
        self.runtime.addresses()
    }

    /// The port of the first TCP address; 0 where there is none.
    pub fn port(&self) -> u16 {
        self.addresses().iter().find_map(|a| a.rsplit_once(':')?.1.parse().ok()).unwrap_or(0)
    }

    /// Begins the graceful end without waiting for it; a second call cuts it short.
    pub fn drain(&self) -> Result<(), Error> {
        self.draining.store(true, Ordering::SeqCst);
        self.runtime.drain(sys::SPK_DRAIN_DEFAULT)
    }

    /// Drains, unless that has begun, waits for the end and gives the report.
    pub fn stop(mut self) -> Result<Value, Failure> {
        self.stopped = true;
        if !self.draining.load(Ordering::SeqCst) {
            self.drain()?;
        }
        self.runtime.wait(true)
    }

    /// `stop` that waits for nothing in flight.
    pub fn kill(mut self) -> Result<Value, Failure> {
        self.cut()
    }

    fn cut(&mut self) -> Result<Value, Failure> {
        if std::mem::replace(&mut self.stopped, true) {
            return Ok(Value::Null);
        }
        let _ = self.runtime.drain(sys::SPK_DRAIN_DEFAULT);
        let _ = self.runtime.drain(sys::SPK_DRAIN_DEFAULT);
        self.runtime.wait(true)
    }

    async fn operation(runtime: &Arc<Runtime>, number: u64, fill: impl FnOnce(&mut Call)) -> Result<Reply, Error> {
        // The port's own operations have no client.
        let mut call = Call::new(&Client::new("telemetry", "default"), number);
        fill(&mut call);
        let port = runtime.port().ok_or(Error::NotRunning)?;
        let body = call.arguments()?;
        let cmd = sys::spk_cmd { op: sys::SPK_CMD_CALL, arg: number, ..crate::port::command() };
        Reply::of(crate::port::Waiting::begin(&port, None, cmd, &[], &body, None).await)
    }

    /// Moves a virtual clock, and returns when everything that can run then has run.
    pub fn advance(&self, time: Duration) -> Result<(), Failure> {
        let runtime = self.runtime.clone();
        let ms = crate::call::milliseconds(time);
        self.runtime.block_on(async move { Ok(Server::operation(&runtime, sys::SPK_OP_TEST_ADVANCE, |c| c.uint("ms", ms)).await.map(|_| ())?) })
    }

    /// Returns when everything that can run at this time of a virtual clock has run.
    pub fn settle(&self) -> Result<(), Failure> {
        let runtime = self.runtime.clone();
        self.runtime.block_on(async move { Ok(Server::operation(&runtime, sys::SPK_OP_TEST_SETTLE, |_| {}).await.map(|_| ())?) })
    }

    /// The faults that were made so far, of a manifest with faults.
    pub fn faults(&self) -> Result<Value, Failure> {
        let runtime = self.runtime.clone();
        self.runtime.block_on(async move { Ok(Server::operation(&runtime, sys::SPK_OP_TEST_FAULTS, |_| {}).await?.value("faults")) })
    }

    /// Runs a future inside the application, to its end and to the end of all that it has begun. What waits for time gets it where the clock is virtual: it moves a millisecond at a
    /// time, only as far as the future waits for it. Tasks of the future are started by [`crate::spawn`].
    pub fn run<T, F>(&self, work: F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>> + Send + 'static,
        T: Send + 'static,
    {
        if !self.runtime.virtual_clock {
            return self.runtime.block_on(work);
        }
        let runtime = self.runtime.clone();
        let port = runtime.port().ok_or(Error::NotRunning)?;
        let executor = port.handle.clone();
        let (tell, told) = mpsc::channel();
        let control = async move {
            let scope = Arc::new(Scope::default());
            let h = Arc::new(Handling { scope: Some(scope.clone()), ..Handling::new(&port, 0) });
            let result = Arc::new(std::sync::Mutex::new(None));
            let slot = result.clone();
            let main = scope.task(Within::new(h, Caught(work)));
            port.handle.spawn(async move {
                let out = main.await;
                *lock(&slot) = Some(out);
            });
            let out = loop {
                scope.rest().await;
                if let Err(e) = Server::operation(&runtime, sys::SPK_OP_TEST_SETTLE, |_| {}).await {
                    break Err(e.into());
                }
                let changed = scope.changed.notified();
                if !scope.at_rest() {
                    continue; // it goes on by itself
                }
                if let Some(out) = lock(&result).take() {
                    break out;
                }
                if scope.waits.load(Ordering::SeqCst) == 0 {
                    changed.await; // it waits for something that is not the core's
                    continue;
                }
                if let Err(e) = Server::operation(&runtime, sys::SPK_OP_TEST_ADVANCE, |c| c.uint("ms", 1)).await {
                    break Err(e.into());
                }
            };
            let _ = tell.send(out);
        };
        executor.spawn(control);
        told.recv().unwrap_or_else(|_| Err(Error::NotRunning.into()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.cut();
    }
}
