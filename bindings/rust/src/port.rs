//! A port: its thread, what it submits and polls, and who waits for what comes.

use std::collections::HashMap;
use std::future::{poll_fn, Future};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::pin::{pin, Pin};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use tokio::io::unix::AsyncFd;
use tokio::io::Interest;
use tokio::sync::Notify;

use crate::error::{Cause, Error};
use crate::handling::{lock, Handling, Job, Scope};
use crate::nodes::{Memory, Record};
use crate::runtime::Runtime;
use crate::streams::{Incoming, OperationStream};
use crate::sys;

const EVENTS: usize = 64;
const KEPT_MEMORY: usize = 1 << 20;
/// A slow handler must not hold the answers before it.
const LONGEST_HOLD: Duration = Duration::from_micros(200);

pub(crate) fn command() -> sys::spk_cmd {
    let none = sys::spk_bytes { ptr: ptr::null(), len: 0 };
    sys::spk_cmd { op: 0, flags: 0, status: 0, format: 0, nhead: 0, client: 0, id: 0, user: 0, arg: 0, head: none, body: none }
}

/// Commands on their way. Until they are submitted their bodies are offsets into the memory.
#[derive(Default)]
struct Batch {
    commands: Vec<sys::spk_cmd>,
    memory: Memory,
    /// When the first of them was put in.
    since: Option<Instant>,
}

// SAFETY: the pointers in commands are offsets until the thread that submits them makes them pointers.
unsafe impl Send for Batch {}

struct Core {
    port: *mut sys::spk_port,
    closed: bool,
}

// SAFETY: the port is polled by one thread; the functions that other threads call may be called by any.
unsafe impl Send for Core {}

pub(crate) struct Port {
    pub runtime: Arc<Runtime>,
    pub handle: tokio::runtime::Handle,
    thread: ThreadId,
    core: Mutex<Core>,
    pending: Mutex<Batch>,
    spare: Mutex<Batch>,
    news: Notify,
    closing: AtomicBool,
    users: AtomicU64,
    owed: Mutex<HashMap<u64, Arc<Handling>>>,
    waiters: Mutex<HashMap<u64, Arc<Waiter>>>,
    jobs: Mutex<HashMap<u64, Job>>,
}

impl Port {
    /// Opens a port; the calling thread will poll it.
    pub fn open(runtime: &Arc<Runtime>, handle: tokio::runtime::Handle) -> Result<Arc<Port>, Error> {
        let mut port = ptr::null_mut();
        // SAFETY: the application outlives its ports.
        let rc = unsafe { sys::spk_port_open(runtime.app.0, &mut port) };
        if rc < 0 {
            return Err(Error::port(rc, "opening a port"));
        }
        Ok(Arc::new(Port {
            runtime: runtime.clone(),
            handle,
            thread: std::thread::current().id(),
            core: Mutex::new(Core { port, closed: false }),
            pending: Mutex::default(),
            spare: Mutex::default(),
            news: Notify::new(),
            closing: AtomicBool::new(false),
            users: AtomicU64::new(1),
            owed: Mutex::default(),
            waiters: Mutex::default(),
            jobs: Mutex::default(),
        }))
    }

    /// Submits and polls until the port is closed, in the thread that has opened it.
    pub async fn serve(self: &Arc<Self>) -> Result<(), Error> {
        let wrong = |e: std::io::Error| Error::Config(format!("the port's descriptor: {e}"));
        // SAFETY: the port is open, and its descriptor is duplicated.
        let fd: OwnedFd = unsafe { BorrowedFd::borrow_raw(sys::spk_fd(lock(&self.core).port)) }.try_clone_to_owned().map_err(wrong)?;
        // SAFETY: nothing else closes the duplicate while it is registered.
        let readable = unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) }.map_err(|e| wrong(e.into_parts().1))?;
        loop {
            let news = self.news.notified();
            let mut news = pin!(news);
            if self.step()? > 0 {
                // Handlers run now; what they answer goes with the next step.
                tokio::task::yield_now().await;
                continue;
            }
            if self.closing.load(Ordering::Acquire) {
                return Ok(());
            }
            if !lock(&self.pending).commands.is_empty() {
                continue;
            }
            let mut ready = pin!(readable.readable());
            let seen = poll_fn(|cx| {
                if news.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(None);
                }
                ready.as_mut().poll(cx).map(Some)
            })
            .await;
            if let Some(Ok(mut guard)) = seen {
                // What comes after this makes the descriptor readable anew.
                guard.clear_ready();
            }
        }
    }

    /// Puts a command into the batch, to go when the port's thread comes to it.
    pub fn send(&self, mut cmd: sys::spk_cmd, head: &[u8], body: &[u8]) {
        let mut pending = lock(&self.pending);
        for (at, data) in [(&mut cmd.head, head), (&mut cmd.body, body)] {
            if !data.is_empty() {
                *at = sys::spk_bytes { ptr: pending.memory.append(data) as *const _, len: data.len() as u64 };
            }
        }
        pending.commands.push(cmd);
        let now = Instant::now();
        let since = *pending.since.get_or_insert(now);
        drop(pending);
        if since == now {
            self.news.notify_one();
        } else if now - since > LONGEST_HOLD && std::thread::current().id() == self.thread {
            self.submit(&lock(&self.core));
        }
    }

    /// Carries out what is pending, in the port's thread.
    fn submit(&self, core: &Core) {
        if core.closed {
            return;
        }
        let mut batch = std::mem::replace(&mut *lock(&self.pending), std::mem::take(&mut *lock(&self.spare)));
        if batch.commands.is_empty() {
            return *lock(&self.spare) = batch;
        }
        for cmd in &mut batch.commands {
            for at in [&mut cmd.head, &mut cmd.body] {
                if at.len > 0 {
                    at.ptr = batch.memory.address(at.ptr as usize).cast();
                }
            }
        }
        self.settled(&batch.commands);
        // SAFETY: commands and what they point to are borrowed during the call.
        let rc = unsafe { sys::spk_submit(core.port, batch.commands.as_ptr(), batch.commands.len() as u32) };
        if rc < 0 && rc != -sys::SPK_E_STALE {
            eprintln!("spikard: a command was refused: {}", Error::port(rc, "submitting"));
        }
        batch.commands.clear();
        batch.memory.reset(KEPT_MEMORY);
        batch.since = None;
        *lock(&self.spare) = batch;
    }

    fn step(self: &Arc<Self>) -> Result<usize, Error> {
        // SAFETY: an event is plain data.
        let mut events: [sys::spk_event; EVENTS] = unsafe { std::mem::zeroed() };
        let core = lock(&self.core);
        if core.closed {
            return Ok(0);
        }
        self.submit(&core);
        // SAFETY: there is room for as many events.
        let n = unsafe { sys::spk_poll(core.port, events.as_mut_ptr(), EVENTS as u32, 0) };
        if n < 0 {
            return Err(Error::port(n, "polling"));
        }
        let events = &events[..n as usize];
        let traces: Vec<Option<String>> = if self.runtime.traced() { events.iter().map(|e| trace_of(core.port, e)).collect() } else { Vec::new() };
        drop(core);
        for (i, event) in events.iter().enumerate() {
            self.event(event, traces.get(i).cloned().flatten());
        }
        Ok(events.len())
    }

    fn settled(&self, commands: &[sys::spk_cmd]) {
        let mut owed = lock(&self.owed);
        for cmd in commands {
            if matches!(
                cmd.op,
                sys::SPK_CMD_REPLY
                    | sys::SPK_CMD_END
                    | sys::SPK_CMD_ABORT
                    | sys::SPK_CMD_ACK
                    | sys::SPK_CMD_NACK
                    | sys::SPK_CMD_RETRY
                    | sys::SPK_CMD_RESULT
                    | sys::SPK_CMD_FAIL
            ) {
                owed.remove(&cmd.id);
            }
        }
    }

    fn event(self: &Arc<Self>, e: &sys::spk_event, trace: Option<String>) {
        // SAFETY: the core's records are valid until the commands that end them, which come after this.
        let record = |at: *const std::ffi::c_void| (!at.is_null()).then(|| unsafe { Record::copy(at) });
        match e.kind {
            sys::SPK_EV_REQUEST
            | sys::SPK_EV_HOOK
            | sys::SPK_EV_MESSAGE
            | sys::SPK_EV_CLOUDEVENT
            | sys::SPK_EV_TASK
            | sys::SPK_EV_FACTORY
            | sys::SPK_EV_DISPOSE => {
                let mut h = Handling { trace: Mutex::new(trace), ..Handling::new(self, e.id) };
                let mut rec = record(e.rec);
                if matches!(e.kind, sys::SPK_EV_REQUEST | sys::SPK_EV_HOOK) {
                    if let Some(request) = rec.take() {
                        if e.kind == sys::SPK_EV_REQUEST && request.request().flags & sys::SPK_F_STREAM != 0 {
                            h.body = Some(Incoming::new(self, e.id));
                        }
                        h.request = Some(request);
                    }
                    if e.kind == sys::SPK_EV_REQUEST {
                        h.jobs = Mutex::new(Some(Vec::new()));
                    } else if e.user != 0 {
                        rec = record(e.user as *const _);
                    }
                }
                let h = Arc::new(h);
                if h.id != 0 {
                    lock(&self.owed).insert(h.id, h.clone());
                }
                self.runtime.begin(h, e, rec);
            }
            sys::SPK_EV_CHUNK => {
                let Some(chunk) = record(e.rec) else { return };
                let data = chunk.view(chunk.record().body).to_vec();
                let h = lock(&self.owed).get(&e.id).cloned();
                if let Some(body) = h.as_ref().and_then(|h| h.body.as_ref()) {
                    body.put(data, e.flags & sys::SPK_F_LAST != 0);
                } else if let Some(stream) = self.stream(e.user) {
                    stream.tell(e.id);
                    stream.incoming.put(data, false);
                }
            }
            sys::SPK_EV_CANCEL => {
                let h = lock(&self.owed).get(&e.id).cloned();
                if let Some(h) = h {
                    h.cancel(Cause::of(e.arg));
                }
            }
            sys::SPK_EV_CREDIT => {
                let h = lock(&self.owed).get(&e.id).cloned();
                if let Some(h) = h {
                    h.credit.add(e.arg as i64);
                } else if let Some(stream) = self.stream(e.user) {
                    stream.tell(e.id);
                    stream.credit.add(e.arg as i64);
                }
            }
            sys::SPK_EV_DONE => {
                let rec = record(e.rec);
                if rec.is_some() {
                    self.send(sys::spk_cmd { op: sys::SPK_CMD_RELEASE, id: e.id, ..command() }, &[], &[]);
                }
                let waiter = lock(&self.waiters).remove(&e.user);
                if let Some(waiter) = waiter {
                    waiter.end(Ok(rec));
                } else if lock(&self.jobs).remove(&e.user).is_some() {
                    let why = rec.and_then(|r| error_of(&r)).map(|e| e.to_string()).unwrap_or_default();
                    eprintln!("spikard: something to do after an answer was refused: {why}");
                }
            }
            sys::SPK_EV_STATE => self.runtime.state(e.arg),
            _ => {}
        }
    }

    fn stream(&self, user: u64) -> Option<Arc<OperationStream>> {
        lock(&self.waiters).get(&user).and_then(|w| w.stream.clone())
    }

    /// Begins something after an answer.
    pub fn background(&self, work: Job) {
        let user = self.users.fetch_add(1, Ordering::Relaxed);
        lock(&self.jobs).insert(user, work);
        self.send(sys::spk_cmd { op: sys::SPK_CMD_CALL, arg: sys::SPK_OP_BACKGROUND_RUN, user, ..command() }, &[], &[]);
    }

    pub fn job(&self, user: u64) -> Option<Job> {
        lock(&self.jobs).remove(&user)
    }

    /// An operation that may complete at once, from any thread: its record, or None when DONE follows.
    pub fn ask(&self, cmd: &sys::spk_cmd, head: &[u8], body: &[u8]) -> Result<Option<Record>, Error> {
        let core = lock(&self.core);
        if core.closed {
            return Err(Error::NotRunning);
        }
        let span = |data: &[u8]| sys::spk_bytes { ptr: if data.is_empty() { ptr::null() } else { data.as_ptr().cast() }, len: data.len() as u64 };
        let mut memory = Memory::default(); // nodes are read aligned
        memory.append(body);
        let aligned = sys::spk_bytes { ptr: if body.is_empty() { ptr::null() } else { memory.address(0).cast() }, len: body.len() as u64 };
        let cmd = sys::spk_cmd { head: span(head), body: aligned, ..*cmd };
        let mut out = ptr::null();
        // SAFETY: the command is borrowed during the call; the record is valid until this thread's next one.
        match unsafe { sys::spk_call(core.port, &cmd, &mut out) } {
            1 if !out.is_null() => Ok(Some(unsafe { Record::copy(out.cast()) })),
            rc if rc < 0 => Err(Error::port(rc, "an operation")),
            _ => Ok(None),
        }
    }

    /// Ends the thread's loop; what waits is told.
    pub fn close(&self) {
        self.closing.store(true, Ordering::Release);
        self.news.notify_one();
    }

    /// The last thing that its thread does.
    pub fn closed(&self) {
        {
            let mut core = lock(&self.core);
            core.closed = true;
            // SAFETY: this is the thread that polls, and nobody is inside the port.
            unsafe { sys::spk_port_close(core.port) };
        }
        let owed: Vec<_> = lock(&self.owed).drain().collect();
        for (_, h) in owed {
            h.cancel(Cause::Shutdown);
        }
        let waiters: Vec<_> = lock(&self.waiters).drain().collect();
        for (_, waiter) in waiters {
            waiter.end(Err(Error::NotRunning));
        }
        lock(&self.jobs).clear();
    }
}

fn trace_of(port: *mut sys::spk_port, e: &sys::spk_event) -> Option<String> {
    if !matches!(e.kind, sys::SPK_EV_REQUEST | sys::SPK_EV_HOOK | sys::SPK_EV_MESSAGE | sys::SPK_EV_TASK | sys::SPK_EV_CLOUDEVENT) {
        return None;
    }
    let none = sys::spk_node { r#type: sys::SPK_OBJ, len: 0, u: 0 };
    let body = sys::spk_bytes { ptr: ptr::from_ref(&none).cast(), len: std::mem::size_of::<sys::spk_node>() as u64 };
    let cmd = sys::spk_cmd { op: sys::SPK_CMD_CALL, arg: sys::SPK_OP_TELEMETRY_CONTEXT, id: e.id, body, ..command() };
    let mut out = ptr::null();
    // SAFETY: as in ask; the port's lock is held.
    let record = unsafe {
        if sys::spk_call(port, &cmd, &mut out) != 1 || out.is_null() || (*out).status != 0 {
            return None;
        }
        Record::copy(out.cast())
    };
    let trace = record.tree(record.record().nodes)?.member("traceparent")?;
    (trace.kind() == sys::SPK_STR).then(|| trace.str().to_string())
}

/// The error of a DONE.
pub(crate) fn error_of(record: &Record) -> Option<Error> {
    let r = record.record();
    (r.status != 0).then(|| Error::Operation {
        kind: crate::Kind::from_number(r.status),
        detail: record.text(r.key).into(),
        retry: crate::RetryClass::from_number(r.attempt),
        message: record.text(r.body).into(),
    })
}

pub(crate) type Late = Box<dyn FnOnce(&Record) + Send>;

/// One operation or timer in flight.
pub(crate) struct Waiter {
    state: Mutex<WaiterState>,
    scope: Option<Arc<Scope>>,
    pub stream: Option<Arc<OperationStream>>,
}

#[derive(Default)]
struct WaiterState {
    result: Option<Result<Option<Record>, Error>>,
    ended: bool,
    given_up: bool,
    waker: Option<Waker>,
    late: Option<Late>,
}

impl Waiter {
    fn end(&self, result: Result<Option<Record>, Error>) {
        let mut state = lock(&self.state);
        if std::mem::replace(&mut state.ended, true) {
            return;
        }
        if state.given_up {
            if let (Some(late), Ok(Some(record))) = (state.late.take(), &result) {
                drop(state);
                if error_of(record).is_none() {
                    late(record);
                }
            }
            return;
        }
        state.result = Some(result);
        let waker = state.waker.take();
        drop(state);
        if let Some(stream) = &self.stream {
            stream.credit.stop();
            stream.incoming.stop(None);
            stream.over();
        }
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// Waits for the end of an operation or timer. Dropping it cancels that.
pub(crate) struct Waiting {
    port: Arc<Port>,
    waiter: Arc<Waiter>,
    user: u64,
    taken: bool,
    late: Option<Late>,
}

impl Waiting {
    pub fn begin(port: &Arc<Port>, h: Option<&Arc<Handling>>, mut cmd: sys::spk_cmd, head: &[u8], body: &[u8], late: Option<Late>) -> Waiting {
        Waiting::with(port, h, &mut cmd, head, body, late, None)
    }

    pub fn with(
        port: &Arc<Port>,
        h: Option<&Arc<Handling>>,
        cmd: &mut sys::spk_cmd,
        head: &[u8],
        body: &[u8],
        late: Option<Late>,
        stream: Option<Arc<OperationStream>>,
    ) -> Waiting {
        let scope = h.and_then(|h| h.scope.clone());
        if let Some(scope) = &scope {
            scope.wait_begins();
        }
        let waiter = Arc::new(Waiter { state: Mutex::default(), scope, stream });
        let user = port.users.fetch_add(1, Ordering::Relaxed);
        cmd.user = user;
        let waiting = Waiting { port: port.clone(), waiter: waiter.clone(), user, taken: false, late };
        lock(&port.waiters).insert(user, waiter.clone());
        let at_once = if cmd.op == sys::SPK_CMD_CALL && cmd.flags == 0 && may_be_now(cmd.arg) { Some(port.ask(cmd, head, body)) } else { None };
        match at_once {
            Some(Ok(None)) => {}
            Some(result) => {
                lock(&port.waiters).remove(&user);
                waiter.end(result);
            }
            None if lock(&port.core).closed => {
                lock(&port.waiters).remove(&user);
                waiter.end(Err(Error::NotRunning));
            }
            None => port.send(*cmd, head, body),
        }
        waiting
    }

    pub fn is_over(&self) -> bool {
        lock(&self.waiter.state).ended
    }
}

/// Operations that complete at once on `memory:`, or always: worth a crossing of their own.
fn may_be_now(operation: u64) -> bool {
    (sys::SPK_OP_CACHE_GET..=sys::SPK_OP_CACHE_INVALIDATE).contains(&operation)
        || (sys::SPK_OP_CRON_NEXT..=sys::SPK_OP_CLOUDEVENTS_VALIDATE).contains(&operation)
        || operation >= sys::SPK_OP_TELEMETRY_CONTEXT
        || operation == sys::SPK_OP_MESSAGING_TOPIC_MATCH
}

impl Future for Waiting {
    type Output = Result<Option<Record>, Error>;
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let waiter = self.waiter.clone();
        let mut state = lock(&waiter.state);
        match state.result.take() {
            Some(result) => {
                self.taken = true;
                Poll::Ready(result)
            }
            None => {
                state.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(scope) = &self.waiter.scope {
            scope.wait_ends();
        }
        let mut state = lock(&self.waiter.state);
        if self.taken {
            return;
        }
        let late = self.late.take();
        if state.ended {
            let result = state.result.take();
            drop(state);
            if let (Some(late), Some(Ok(Some(record)))) = (late, result) {
                if error_of(&record).is_none() {
                    late(&record);
                }
            }
            return;
        }
        state.given_up = true;
        state.late = late;
        drop(state);
        self.port.send(sys::spk_cmd { op: sys::SPK_CMD_CANCEL, user: self.user, ..command() }, &[], &[]);
    }
}
