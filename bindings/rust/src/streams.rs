//! Bytes that come or go in chunks, against credit.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, Weak};
use std::task::{Context, Poll, Waker};

use crate::error::{Cause, Error};
use crate::handling::lock;
use crate::port::{command, Port};
use crate::sys;

pub(crate) const PIECE: usize = 65536;

/// What may be sent before the other side has taken more.
#[derive(Default)]
pub(crate) struct Credit(Mutex<CreditState>);

#[derive(Default)]
struct CreditState {
    left: i64,
    over: bool,
    waker: Option<Waker>,
}

impl Credit {
    pub fn add(&self, n: i64) {
        let mut state = lock(&self.0);
        state.left += n;
        if state.left > 0 {
            if let Some(waker) = state.waker.take() {
                waker.wake();
            }
        }
    }

    pub fn stop(&self) {
        let mut state = lock(&self.0);
        state.over = true;
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
    }

    /// Takes n off when there is credit, waiting for it; false when it is over.
    pub async fn take(&self, n: usize) -> bool {
        poll_fn(|cx| {
            let mut state = lock(&self.0);
            if state.over {
                return Poll::Ready(false);
            }
            if state.left > 0 {
                state.left -= n as i64;
                return Poll::Ready(true);
            }
            state.waker = Some(cx.waker().clone());
            Poll::Pending
        })
        .await
    }
}

/// A body, or the streamed result of an operation. Taking a chunk lets the other side send more.
pub(crate) struct Incoming {
    port: Weak<Port>,
    state: Mutex<IncomingState>,
}

#[derive(Default)]
struct IncomingState {
    id: u64,
    chunks: VecDeque<Vec<u8>>,
    last: bool,
    over: bool,
    cause: Option<Cause>,
    waker: Option<Waker>,
}

impl Incoming {
    pub fn new(port: &Arc<Port>, id: u64) -> Arc<Incoming> {
        Arc::new(Incoming { port: Arc::downgrade(port), state: Mutex::new(IncomingState { id, ..Default::default() }) })
    }

    pub fn name(&self, id: u64) {
        lock(&self.state).id = id;
    }

    pub fn put(&self, data: Vec<u8>, last: bool) {
        let mut state = lock(&self.state);
        if !data.is_empty() {
            state.chunks.push_back(data);
        }
        state.last |= last;
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
    }

    pub fn stop(&self, cause: Option<Cause>) {
        let mut state = lock(&self.state);
        state.over = true;
        state.cause = state.cause.or(cause);
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
    }

    pub fn poll(&self, cx: &mut Context<'_>) -> Poll<Option<Result<Vec<u8>, Error>>> {
        let mut state = lock(&self.state);
        if let Some(chunk) = state.chunks.pop_front() {
            let (id, over) = (state.id, state.over);
            drop(state);
            if let (false, Some(port)) = (over, self.port.upgrade()) {
                port.send(sys::spk_cmd { op: sys::SPK_CMD_CREDIT, id, arg: chunk.len() as u64, ..command() }, &[], &[]);
            }
            return Poll::Ready(Some(Ok(chunk)));
        }
        match (state.last, state.over, state.cause) {
            (true, ..) | (_, true, None) => Poll::Ready(None),
            (_, true, Some(cause)) => Poll::Ready(Some(Err(Error::Cancelled(cause)))),
            _ => {
                state.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

/// The two ways of one streamed operation in progress.
pub(crate) struct OperationStream {
    pub credit: Credit,
    pub incoming: Arc<Incoming>,
    state: Mutex<OperationState>,
}

#[derive(Default)]
struct OperationState {
    id: u64,
    over: bool,
    waker: Option<Waker>,
}

impl OperationStream {
    pub fn new(port: &Arc<Port>) -> Arc<OperationStream> {
        Arc::new(OperationStream { credit: Credit::default(), incoming: Incoming::new(port, 0), state: Mutex::default() })
    }

    pub fn tell(&self, id: u64) {
        self.incoming.name(id);
        let mut state = lock(&self.state);
        state.id = id;
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
    }

    pub fn over(&self) {
        let mut state = lock(&self.state);
        state.over = true;
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
    }

    /// Waits until the core has named it: 0 when it ended before.
    pub async fn number(&self) -> u64 {
        poll_fn(|cx| {
            let mut state = lock(&self.state);
            if state.id != 0 || state.over {
                return Poll::Ready(if state.over { 0 } else { state.id });
            }
            state.waker = Some(cx.waker().clone());
            Poll::Pending
        })
        .await
    }
}
