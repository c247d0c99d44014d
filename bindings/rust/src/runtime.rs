//! An application that runs: its threads, and what the core's events mean.

use std::any::Any;
use std::collections::HashMap;
use std::future::Future;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, Weak};
use std::thread::JoinHandle;

use tokio::sync::Notify;

use crate::app::Built;
use crate::error::{Error, Failure, FailureKind};
use crate::handling::{lock, Caught, Ended, Handling, Within};
use crate::nodes::{Builder, Record, Value};
use crate::port::{command, Port};
use crate::sys;
use crate::work::Dynamic;

pub(crate) struct AppHandle(pub *mut sys::spk_app);

// SAFETY: the functions of the application may be called from any thread.
unsafe impl Send for AppHandle {}
unsafe impl Sync for AppHandle {}

impl Drop for AppHandle {
    fn drop(&mut self) {
        // SAFETY: its ports are closed: they hold the runtime that holds this.
        unsafe { sys::spk_app_close(self.0) };
    }
}

/// A value of a dependency.
#[derive(Clone)]
pub(crate) struct Provided {
    pub value: Arc<dyn Any + Send + Sync>,
    pub json_type: Option<&'static str>,
}

pub(crate) type Cleanup = Box<dyn FnOnce() -> crate::handling::BoxFuture<Result<(), Failure>> + Send>;

pub(crate) struct Runtime {
    pub app: AppHandle,
    pub plan: Built,
    info: OnceLock<Value>,
    traced: AtomicBool,
    pub virtual_clock: bool,
    ports: Mutex<Vec<Arc<Port>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    held: Mutex<Option<Vec<Work>>>,
    stopping: (AtomicBool, Notify),
    over: (Mutex<Over>, Condvar),
    pub values: Mutex<HashMap<u64, Provided>>,
    cleanups: Mutex<HashMap<u64, Cleanup>>,
    tokens: AtomicU64,
    failures: Mutex<HashMap<u64, Arc<Failure>>>,
    pub dynamic: Mutex<HashMap<u64, Arc<Dynamic>>>,
    pub works: AtomicU64,
}

struct Over {
    left: usize,
    problem: Option<Error>,
}

/// One event, with its record.
pub(crate) struct Work {
    pub h: Arc<Handling>,
    pub kind: u16,
    pub route: u32,
    pub user: u64,
    pub arg: u64,
    pub record: Option<Record>,
}

static RUNNING: Mutex<Option<Weak<Runtime>>> = Mutex::new(None);

/// The application that clients use where no handler says otherwise.
pub(crate) fn running() -> Option<Arc<Runtime>> {
    lock(&RUNNING).as_ref().and_then(Weak::upgrade)
}

impl Runtime {
    pub fn open(plan: Built, configured: bool) -> Result<Arc<Runtime>, Error> {
        crate::handling::quiet_panics();
        let text = plan.manifest.to_json();
        let mut app = ptr::null_mut();
        // SAFETY: the text is borrowed during the call.
        let rc = unsafe {
            let open = if configured { sys::spk_app_open_configured } else { sys::spk_app_open };
            open(sys::SPK_ABI, text.as_ptr().cast(), text.len(), &mut app)
        };
        if rc < 0 {
            return Err(Error::port(rc, "opening the application"));
        }
        let app = AppHandle(app);
        // SAFETY: it was opened.
        let rc = unsafe { sys::spk_app_start(app.0) };
        if rc < 0 {
            return Err(Error::port(rc, "starting the application"));
        }
        let info = Value::from_json(text_of(|p, n| unsafe { sys::spk_info(app.0, p, n) }))?;
        let ports = plan.ports.max(1);
        let runtime = Arc::new(Runtime {
            traced: AtomicBool::new(info.get("telemetry").as_bool().unwrap_or(false)),
            info: info.into(),
            virtual_clock: plan.manifest.get("clock").as_str() == Some("virtual"),
            ports: Mutex::default(),
            threads: Mutex::default(),
            held: Mutex::new(Some(Vec::new())),
            stopping: Default::default(),
            over: (Mutex::new(Over { left: ports, problem: None }), Condvar::new()),
            values: Mutex::new(plan.values.clone()),
            cleanups: Mutex::default(),
            tokens: AtomicU64::new(1 << 32),
            failures: Mutex::default(),
            dynamic: Mutex::default(),
            works: AtomicU64::new(1),
            app,
            plan,
        });
        for _ in 0..ports {
            if let Err(e) = runtime.add_port() {
                runtime.close();
                return Err(e);
            }
        }
        Ok(runtime)
    }

    fn add_port(self: &Arc<Self>) -> Result<(), Error> {
        let runtime = self.clone();
        let (told, tell) = std::sync::mpsc::channel();
        let thread = std::thread::Builder::new().name("spikard-port".into()).spawn(move || {
            let executor = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(executor) => executor,
                Err(e) => return drop(told.send(Err(Error::Config(e.to_string())))),
            };
            let port = match Port::open(&runtime, executor.handle().clone()) {
                Ok(port) => port,
                Err(e) => return drop(told.send(Err(e))),
            };
            let _ = told.send(Ok(port.clone()));
            if let Err(e) = executor.block_on(port.serve()) {
                runtime.failed(e);
            }
            port.closed();
            drop(executor); // with every task that is left
        });
        let thread = thread.map_err(|e| Error::Config(e.to_string()))?;
        lock(&self.threads).push(thread);
        let port = tell.recv().map_err(|_| Error::Config("the thread of a port has ended".into()))??;
        lock(&self.ports).push(port);
        Ok(())
    }

    /// None when it has ended.
    pub fn port(&self) -> Option<Arc<Port>> {
        lock(&self.ports).first().cloned()
    }

    pub fn traced(&self) -> bool {
        self.traced.load(Ordering::Relaxed)
    }

    pub fn info(&self) -> &Value {
        self.info.get().expect("it is set when the application is opened")
    }

    pub fn addresses(&self) -> Vec<String> {
        self.info().get("addresses").list().iter().filter_map(|a| a.as_str().map(String::from)).collect()
    }

    pub fn problem_base(&self) -> &str {
        self.info().get("problem_base").as_str().unwrap_or_default()
    }

    /// The place of a client among those of its subsystem.
    pub fn client(&self, group: &str, name: &str) -> Result<u32, Error> {
        let clients = self.info().get("clients");
        let group = match group {
            "cron" => "tasks",
            "cloudevents" if clients.member("cloudevents").is_none() => "events",
            "telemetry" => return Ok(0),
            other => other,
        };
        let names = clients.get(group).list();
        names.iter().position(|n| n.as_str() == Some(name)).map(|at| at as u32).ok_or_else(|| {
            let known: Vec<_> = names.iter().filter_map(Value::as_str).collect();
            Error::Config(format!("there is no {group} client {name:?}; those of the application: {}", known.join(", ")))
        })
    }

    // ---- life

    /// Runs on_start, lets work begin.
    pub fn start(self: &Arc<Self>) -> Result<(), Failure> {
        {
            let mut running = lock(&RUNNING);
            if running.as_ref().and_then(Weak::upgrade).is_none() {
                *running = Some(Arc::downgrade(self));
            }
        }
        let result = self.plan.on_start.iter().try_for_each(|start| self.block_on(start()));
        for work in lock(&self.held).take().into_iter().flatten() {
            self.spawn(work);
        }
        result
    }

    /// Runs something of the application's in the first port's thread, and waits here.
    pub fn block_on<T: Send + 'static>(&self, work: impl Future<Output = Result<T, Failure>> + Send + 'static) -> Result<T, Failure> {
        let port = self.port().ok_or(Error::NotRunning)?;
        let h = Arc::new(Handling::new(&port, 0));
        let (tell, told) = std::sync::mpsc::channel();
        port.handle.spawn(async move {
            let _ = tell.send(Within::new(h, Caught(work)).await);
        });
        told.recv().unwrap_or_else(|_| Err(Error::NotRunning.into()))
    }

    pub fn drain(&self, deadline_ms: u32) -> Result<(), Error> {
        // SAFETY: any thread may.
        match unsafe { sys::spk_drain(self.app.0, deadline_ms) } {
            rc if rc < 0 => Err(Error::port(rc, "draining")),
            _ => Ok(()),
        }
    }

    /// Waits until the core has stopped, runs on_stop, ends the threads; the drain's report.
    pub fn wait(self: &Arc<Self>, started: bool) -> Result<Value, Failure> {
        let mut over = lock(&self.over.0);
        while over.left > 0 && over.problem.is_none() {
            over = self.over.1.wait(over).unwrap_or_else(|p| p.into_inner());
        }
        let problem = over.problem.clone();
        drop(over);
        let mut result = problem.map_or(Ok(()), |e| Err(e.into()));
        if started && result.is_ok() {
            for stop in &self.plan.on_stop {
                result = result.and(self.block_on(stop()));
            }
        }
        // SAFETY: any thread may.
        let report = text_of(|p, n| unsafe { sys::spk_report(self.app.0, p, n) });
        self.close();
        result?;
        Ok(if report.is_empty() { Value::Null } else { Value::from_json(report)? })
    }

    fn close(&self) {
        for port in lock(&self.ports).iter() {
            port.close();
        }
        for thread in std::mem::take(&mut *lock(&self.threads)) {
            let _ = thread.join();
        }
        lock(&self.ports).clear();
        lock(&self.held).take();
        let mut running = lock(&RUNNING);
        if running.as_ref().is_some_and(|r| ptr::eq(r.as_ptr(), self)) {
            *running = None;
        }
    }

    fn failed(&self, e: Error) {
        eprintln!("spikard: the port failed: {e}");
        lock(&self.over.0).problem.get_or_insert(e);
        self.over.1.notify_all();
    }

    pub fn state(&self, state: u64) {
        if matches!(state, sys::SPK_DRAINING | sys::SPK_STOPPED) {
            self.stopping.0.store(true, Ordering::SeqCst);
            self.stopping.1.notify_waiters();
        }
        if state == sys::SPK_STOPPED {
            let mut over = lock(&self.over.0);
            over.left = over.left.saturating_sub(1);
            self.over.1.notify_all();
        }
    }

    pub async fn stopping(&self) {
        loop {
            let told = self.stopping.1.notified();
            if self.stopping.0.load(Ordering::SeqCst) {
                return;
            }
            told.await;
        }
    }

    // ---- events

    /// Starts a handler, once the application's own start is over.
    pub fn begin(self: &Arc<Self>, h: Arc<Handling>, e: &sys::spk_event, record: Option<Record>) {
        let work = Work { h, kind: e.kind, route: e.route, user: e.user, arg: e.arg, record };
        if e.kind != sys::SPK_EV_DISPOSE {
            if let Some(held) = lock(&self.held).as_mut() {
                held.push(work);
                return;
            }
        }
        self.spawn(work);
    }

    fn spawn(self: &Arc<Self>, work: Work) {
        let runtime = self.clone();
        let handle = work.h.port.handle.clone();
        handle.spawn(async move {
            match work.kind {
                sys::SPK_EV_REQUEST => runtime.serve(work).await,
                sys::SPK_EV_HOOK => runtime.hook(work).await,
                sys::SPK_EV_FACTORY => runtime.make(work).await,
                sys::SPK_EV_DISPOSE => runtime.dispose(work).await,
                sys::SPK_EV_TASK if work.record.is_none() => runtime.job(work).await,
                _ => runtime.work(work).await,
            }
        });
    }

    async fn job(&self, work: Work) {
        let h = &work.h;
        let Some(job) = h.port.job(work.user) else {
            return h.end(sys::spk_cmd { op: sys::SPK_CMD_ACK, ..command() }, &[], &[]);
        };
        match h.drive(job).await {
            Ended::Result(Ok(())) => h.end(sys::spk_cmd { op: sys::SPK_CMD_ACK, ..command() }, &[], &[]),
            Ended::Result(Err(e)) => self.fail(h, e, 0),
            Ended::Cancelled => self.fail(h, crate::Error::Cancelled(h.cancellation.cause().unwrap_or(crate::Cause::Requested)).into(), 0),
        }
    }

    /// A handler failed: logged by the core, and for on_error to see.
    pub fn fail(&self, h: &Arc<Handling>, failure: Failure, flags: u16) {
        let mut b = Builder::default();
        let at = b.begin_object();
        for (name, text) in [("type", failure.type_name), ("message", failure.to_string().as_str()), ("trace", failure.trace.as_str())] {
            b.text(name);
            b.text(text);
        }
        b.end(at, 3);
        // An answer that has begun is cut off without a hook.
        if h.request.is_some() && !h.begun.load(Ordering::Relaxed) && !self.plan.hooks[sys::SPK_HOOK_ON_ERROR as usize].is_empty() {
            lock(&self.failures).insert(h.id, Arc::new(failure));
        }
        h.end(sys::spk_cmd { op: sys::SPK_CMD_FAIL, flags, ..command() }, &[], &b.finish());
    }

    pub fn failure(&self, id: u64) -> Option<Arc<Failure>> {
        lock(&self.failures).remove(&id)
    }

    async fn make(&self, work: Work) {
        let h = &work.h;
        let tokens = work.record.as_ref().and_then(|r| r.tree(r.record().nodes)).map(|t| t.value()).unwrap_or_default();
        let depends = {
            let values = lock(&self.values);
            tokens.list().iter().filter_map(|t| values.get(&t.as_u64()?).map(|p| p.value.clone())).collect::<Vec<_>>()
        };
        let Some(factory) = self.plan.factories.get(&work.route) else {
            return self.fail(h, Failure::new("there is no such factory"), 0);
        };
        match h.drive(factory(depends)).await {
            Ended::Result(Ok((provided, cleanup))) => {
                let token = self.tokens.fetch_add(1, Ordering::Relaxed);
                let mut body = Vec::new();
                if let Some(json_type) = provided.json_type {
                    let mut b = Builder::default();
                    b.text(json_type);
                    body = b.finish();
                }
                lock(&self.values).insert(token, provided);
                if let Some(cleanup) = cleanup {
                    lock(&self.cleanups).insert(token, cleanup);
                }
                h.end(sys::spk_cmd { op: sys::SPK_CMD_RESULT, arg: token, ..command() }, &[], &body);
            }
            Ended::Result(Err(e)) => self.fail(h, e, 0),
            Ended::Cancelled => h.end(sys::spk_cmd { op: sys::SPK_CMD_ABORT, ..command() }, &[], &[]),
        }
    }

    async fn dispose(&self, work: Work) {
        let h = &work.h;
        lock(&self.values).remove(&work.arg);
        let cleanup = lock(&self.cleanups).remove(&work.arg);
        if let Some(cleanup) = cleanup {
            let result = Within::new(h.clone(), Caught(cleanup())).await;
            if let Err(e) = result {
                if h.id != 0 {
                    return self.fail(h, e, 0);
                }
                eprintln!("spikard: a clean-up failed: {e}");
            }
        }
        h.end(sys::spk_cmd { op: sys::SPK_CMD_RESULT, arg: if h.id == 0 { work.arg } else { 0 }, ..command() }, &[], &[]);
    }

    async fn serve(&self, work: Work) {
        let h = &work.h;
        let route = h.request.as_ref().and_then(|r| self.plan.routes.get(r.request().route as usize));
        let Some(route) = route else {
            return self.fail(h, Failure::new("there is no such route"), 0);
        };
        let request = crate::Request::new(h.clone(), Some(route.clone()));
        let result = match h.drive(async { crate::response::answer(h, (route.handle)(request).await, route.status).await }).await {
            Ended::Result(result) => result,
            Ended::Cancelled => return h.end(sys::spk_cmd { op: sys::SPK_CMD_ABORT, ..command() }, &[], &[]),
        };
        if let Err(failure) = result {
            let cancelled =
                h.cancellation.is_cancelled() && matches!(&failure.kind, FailureKind::Error(e) if matches!(e.downcast_ref(), Some(Error::Cancelled(_))));
            if cancelled {
                return h.end(sys::spk_cmd { op: sys::SPK_CMD_ABORT, ..command() }, &[], &[]);
            }
            self.fail(h, failure, 0);
        }
    }
}

pub(crate) fn text_of(ask: impl Fn(*mut std::ffi::c_char, usize) -> usize) -> String {
    let mut out = vec![0u8; 4096];
    loop {
        let need = ask(out.as_mut_ptr().cast(), out.len());
        if need < out.len() {
            out.truncate(need);
            return String::from_utf8(out).unwrap_or_default();
        }
        out.resize(need + 1, 0);
    }
}
