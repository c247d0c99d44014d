//! What is in hand: a request, hook, message, task or event, how it is cancelled, and who runs inside it.

use std::cell::RefCell;
use std::future::{poll_fn, Future};
use std::mem::ManuallyDrop;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::pin::{pin, Pin};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context as Polling, Poll, Wake, Waker};
use std::time::Duration;

use tokio::sync::Notify;

use crate::error::{Cause, Error, Failure};
use crate::nodes::Record;
use crate::port::{Port, Waiting};
use crate::streams::{Credit, Incoming};
use crate::sys;

/// Something to do after an answer.
pub(crate) type Job = BoxFuture<Result<(), Failure>>;
pub(crate) type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What a panic leaves behind is only read further where that makes sense: a lock is never held over code of the application's.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Tells when the work it belongs to is cancelled. Cloned, it may be kept by what outlives the handler.
#[derive(Clone, Default)]
pub struct Cancellation(Arc<CancellationState>);

#[derive(Default)]
struct CancellationState {
    cause: Mutex<Option<Cause>>,
    told: Notify,
}

impl Cancellation {
    pub fn is_cancelled(&self) -> bool {
        self.cause().is_some()
    }

    /// Why; None while nothing has happened.
    pub fn cause(&self) -> Option<Cause> {
        *lock(&self.0.cause)
    }

    /// An error once it is cancelled: `ctx.cancellation().check()?` between steps that do not wait.
    pub fn check(&self) -> Result<(), Error> {
        self.cause().map_or(Ok(()), |cause| Err(Error::Cancelled(cause)))
    }

    /// Waits for it.
    pub async fn cancelled(&self) -> Cause {
        loop {
            let told = self.0.told.notified();
            if let Some(cause) = self.cause() {
                return cause;
            }
            told.await;
        }
    }

    pub(crate) fn cancel(&self, cause: Cause) {
        lock(&self.0.cause).get_or_insert(cause);
        self.0.told.notify_waiters();
    }
}

pub(crate) struct Handling {
    pub port: Arc<Port>,
    pub id: u64,
    /// traceparent of what it belongs to.
    pub trace: Mutex<Option<String>>,
    pub request: Option<Record>,
    pub cancellation: Cancellation,
    pub credit: Credit,
    pub body: Option<Arc<Incoming>>,
    pub scope: Option<Arc<Scope>>,
    /// Its answer has begun.
    pub begun: AtomicBool,
    /// What runs after the answer; None when that is over.
    pub jobs: Mutex<Option<Vec<Job>>>,
}

impl Handling {
    pub fn new(port: &Arc<Port>, id: u64) -> Handling {
        Handling {
            port: port.clone(),
            id,
            trace: Mutex::new(None),
            request: None,
            cancellation: Cancellation::default(),
            credit: Credit::default(),
            body: None,
            scope: None,
            begun: AtomicBool::new(false),
            jobs: Mutex::new(None),
        }
    }

    /// Whoever waits is told. Advisory: the answer is owed still.
    pub fn cancel(&self, cause: Cause) {
        self.cancellation.cancel(cause);
        self.credit.stop();
        if let Some(body) = &self.body {
            body.stop(Some(cause));
        }
    }

    /// Sends the command that ends this handling, and begins what was to come after it.
    pub fn end(self: &Arc<Self>, mut cmd: sys::spk_cmd, head: &[u8], body: &[u8]) {
        cmd.id = self.id;
        self.port.send(cmd, head, body);
        let jobs = lock(&self.jobs).take();
        for job in jobs.into_iter().flatten() {
            self.port.background(job);
        }
    }

    /// Runs code of the application's: to its end, or until it is cancelled and thereby dropped.
    pub async fn drive<T>(self: &Arc<Self>, work: impl Future<Output = Result<T, Failure>> + Send) -> Ended<T> {
        let mut work = pin!(Within::new(self.clone(), Caught(work)));
        let mut cancelled = pin!(self.cancellation.cancelled());
        poll_fn(|cx| {
            if let Poll::Ready(result) = work.as_mut().poll(cx) {
                return Poll::Ready(Ended::Result(result));
            }
            cancelled.as_mut().poll(cx).map(|_| Ended::Cancelled)
        })
        .await
    }
}

pub(crate) enum Ended<T> {
    Result(Result<T, Failure>),
    Cancelled,
}

thread_local! {
    static HERE: RefCell<Option<Arc<Handling>>> = const { RefCell::new(None) };
}

pub(crate) fn here() -> Option<Arc<Handling>> {
    HERE.with(|here| here.borrow().clone())
}

/// A future whose code runs inside a handling, that which ends it when it is dropped included.
pub(crate) struct Within<F> {
    here: Arc<Handling>,
    inner: ManuallyDrop<F>,
}

impl<F> Within<F> {
    pub fn new(here: Arc<Handling>, inner: F) -> Within<F> {
        Within { here, inner: ManuallyDrop::new(inner) }
    }
}

struct Entered(Option<Arc<Handling>>);

impl Entered {
    fn new(h: &Arc<Handling>) -> Entered {
        Entered(HERE.with(|here| here.borrow_mut().replace(h.clone())))
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        HERE.with(|here| *here.borrow_mut() = self.0.take());
    }
}

impl<F> Drop for Within<F> {
    fn drop(&mut self) {
        let _inside = Entered::new(&self.here);
        // SAFETY: it is dropped in its place, once.
        unsafe { ManuallyDrop::drop(&mut self.inner) };
    }
}

impl<F: Future> Future for Within<F> {
    type Output = F::Output;
    fn poll(self: Pin<&mut Self>, cx: &mut Polling<'_>) -> Poll<F::Output> {
        let _inside = Entered::new(&self.here);
        // SAFETY: the pinned field is not moved.
        unsafe { self.map_unchecked_mut(|s| &mut *s.inner) }.poll(cx)
    }
}

/// A future whose panic is a failure.
pub(crate) struct Caught<F>(pub F);

impl<T, F: Future<Output = Result<T, Failure>>> Future for Caught<F> {
    type Output = Result<T, Failure>;
    fn poll(self: Pin<&mut Self>, cx: &mut Polling<'_>) -> Poll<Self::Output> {
        // SAFETY: the pinned field is not moved.
        let inner = unsafe { self.map_unchecked_mut(|s| &mut s.0) };
        match catch_unwind(AssertUnwindSafe(|| inner.poll(cx))) {
            Ok(ready) => ready,
            Err(payload) => Poll::Ready(Err(Failure::panic(payload, panic_place()))),
        }
    }
}

thread_local! {
    static PANIC_PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

fn panic_place() -> String {
    PANIC_PLACE.with(|place| std::mem::take(&mut *place.borrow_mut()))
}

/// Panics of handlers go to the core's log with their place, and not to standard error; all others as before.
pub(crate) fn quiet_panics() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if here().is_none() {
                return before(info);
            }
            let place = info.location().map(|l| l.to_string()).unwrap_or_default();
            let text = format!("{place}\n{}", std::backtrace::Backtrace::capture());
            PANIC_PLACE.with(|at| *at.borrow_mut() = text);
        }));
    });
}

/// The port where a client is used: that of the handler that runs here, else that of the application that runs in this process.
pub(crate) fn place() -> Result<(Arc<Port>, Option<Arc<Handling>>), Error> {
    if let Some(h) = here() {
        return Ok((h.port.clone(), Some(h)));
    }
    crate::runtime::running().and_then(|r| r.port()).map(|port| (port, None)).ok_or(Error::NotRunning)
}

pub(crate) fn trace_of(h: Option<&Arc<Handling>>) -> Option<String> {
    crate::telemetry::span_here().or_else(|| h.and_then(|h| lock(&h.trace).clone()))
}

/// Waits by the application's clock: a virtual one knows that the handler is at rest meanwhile.
pub async fn sleep(time: Duration) -> Result<(), Error> {
    let (port, h) = place()?;
    let cmd = sys::spk_cmd { op: sys::SPK_CMD_TIMER, arg: crate::call::milliseconds(time), id: h.as_ref().map_or(0, |h| h.id), ..crate::port::command() };
    Waiting::begin(&port, h.as_ref(), cmd, &[], &[], None).await.map(|_| ())
}

/// Why the work here is cancelled, and when.
pub fn cancellation() -> Cancellation {
    here().map(|h| h.cancellation.clone()).unwrap_or_default()
}

/// Completes when the graceful end begins: a stream without an end of its own ends then, or the drain waits for it until its limit.
pub async fn stopping() {
    if let Ok((port, _)) = place() {
        port.runtime.stopping().await;
    }
}

/// The addresses that the application here has bound.
pub fn addresses() -> Vec<String> {
    place().map(|(port, _)| port.runtime.addresses()).unwrap_or_default()
}

/// Runs something after the answer of the handler here; the graceful end waits for it. It is not durable. Outside of a request it begins at once.
pub fn background<F>(work: F) -> Result<(), Error>
where
    F: Future<Output = Result<(), Failure>> + Send + 'static,
{
    let (port, h) = place()?;
    if let Some(h) = h {
        if let Some(jobs) = lock(&h.jobs).as_mut() {
            jobs.push(Box::pin(work));
            return Ok(());
        }
    }
    port.background(Box::pin(work));
    Ok(())
}

/// Starts a task that belongs to whatever runs here: clients in it use the same application. It goes on when the handler has ended or is cancelled.
pub fn spawn<F, T>(work: F) -> tokio::task::JoinHandle<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    match here() {
        Some(h) => {
            let port = h.port.clone();
            match h.scope.clone() {
                Some(scope) => port.handle.spawn(scope.task(Within::new(h, work))),
                None => port.handle.spawn(Within::new(h, work)),
            }
        }
        None => match crate::runtime::running().and_then(|r| r.port()) {
            Some(port) => port.handle.spawn(work),
            None => tokio::spawn(work),
        },
    }
}

/// Who of a test's own function runs and who waits, so that a virtual clock moves only when all wait.
#[derive(Default)]
pub(crate) struct Scope {
    running: AtomicUsize,
    /// Operations and timers of the core that are waited for.
    pub waits: AtomicUsize,
    pub changed: Notify,
}

impl Scope {
    fn resume(&self) {
        self.running.fetch_add(1, Ordering::SeqCst);
    }
    fn pause(&self) {
        if self.running.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.changed.notify_waiters();
        }
    }
    pub fn at_rest(&self) -> bool {
        self.running.load(Ordering::SeqCst) == 0
    }
    pub async fn rest(&self) {
        loop {
            let changed = self.changed.notified();
            if self.at_rest() {
                return;
            }
            changed.await;
        }
    }
    pub fn wait_begins(&self) {
        self.waits.fetch_add(1, Ordering::SeqCst);
    }
    pub fn wait_ends(&self) {
        self.waits.fetch_sub(1, Ordering::SeqCst);
        self.changed.notify_waiters();
    }
    /// A future that counts as one that runs from when it is woken until it waits.
    pub fn task<F: Future>(self: &Arc<Self>, inner: F) -> Counted<F> {
        self.resume();
        let state = CountedState { counted: true, ..Default::default() };
        Counted { shared: Arc::new(CountedWake { scope: self.clone(), state: Mutex::new(state) }), inner }
    }
}

#[derive(Default)]
struct CountedState {
    counted: bool,
    woken: bool,
    finished: bool,
    outer: Option<Waker>,
}

struct CountedWake {
    scope: Arc<Scope>,
    state: Mutex<CountedState>,
}

impl CountedWake {
    fn finish(&self) {
        let mut state = lock(&self.state);
        if !std::mem::replace(&mut state.finished, true) && std::mem::take(&mut state.counted) {
            self.scope.pause();
        }
    }
}

impl Wake for CountedWake {
    fn wake(self: Arc<Self>) {
        let mut state = lock(&self.state);
        if state.finished {
            return;
        }
        state.woken = true;
        if !std::mem::replace(&mut state.counted, true) {
            self.scope.resume();
        }
        let outer = state.outer.clone();
        drop(state);
        if let Some(outer) = outer {
            outer.wake();
        }
    }
}

pub(crate) struct Counted<F> {
    shared: Arc<CountedWake>,
    inner: F,
}

impl<F: Future> Future for Counted<F> {
    type Output = F::Output;
    fn poll(self: Pin<&mut Self>, cx: &mut Polling<'_>) -> Poll<F::Output> {
        let shared = self.shared.clone();
        {
            let mut state = lock(&shared.state);
            state.outer = Some(cx.waker().clone());
            state.woken = false;
            if !std::mem::replace(&mut state.counted, true) {
                shared.scope.resume();
            }
        }
        let waker = Waker::from(shared.clone());
        // SAFETY: the pinned field is not moved.
        let inner = unsafe { self.map_unchecked_mut(|s| &mut s.inner) };
        let out = inner.poll(&mut Polling::from_waker(&waker));
        if out.is_ready() {
            shared.finish();
        } else {
            let mut state = lock(&shared.state);
            if !state.woken && std::mem::take(&mut state.counted) {
                shared.scope.pause();
            }
        }
        out
    }
}

impl<F> Drop for Counted<F> {
    fn drop(&mut self) {
        self.shared.finish();
    }
}
