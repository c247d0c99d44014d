//! Operations of the core: arguments, results, and the waiting for them.

use std::future::Future;
use std::pin::{pin, Pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use serde::Serialize;

use crate::error::{Error, Failure};
use crate::handling::{place, trace_of, Handling};
use crate::nodes::{Builder, Record, Tree, Value};
use crate::port::{command, error_of, Late, Port, Waiting};
use crate::streams::{OperationStream, PIECE};
use crate::sys;

/// Milliseconds of a span; what is more than nothing stays more than nothing.
pub(crate) fn milliseconds(span: Duration) -> u64 {
    match u64::try_from(span.as_millis()).unwrap_or(u64::MAX) {
        0 if !span.is_zero() => 1,
        ms => ms,
    }
}

/// A client by its name in `services` of the manifest. It may be kept anywhere: each use goes to the application whose handler calls, or that runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Client {
    pub group: &'static str,
    pub name: String,
    pub namespace: Option<String>,
}

impl Client {
    pub fn new(group: &'static str, name: &str) -> Client {
        Client { group, name: name.into(), namespace: None }
    }
}

/// Operations of caches that have no namespace.
fn without_namespace(operation: u64) -> bool {
    matches!(operation, sys::SPK_OP_CACHE_INVALIDATE_TAGS | sys::SPK_OP_CACHE_END_LOAD | sys::SPK_OP_CACHE_STATS)
}

/// Where an operation goes, for whom, its command and arguments.
type Prepared = (Arc<Port>, Option<Arc<Handling>>, sys::spk_cmd, Vec<u8>);

/// An operation that has not begun.
pub(crate) struct Call {
    client: Client,
    pub operation: u64,
    b: Builder,
    at: usize,
    count: usize,
    wrong: Option<Error>,
}

impl Call {
    pub fn new(client: &Client, operation: u64) -> Call {
        let mut b = Builder::default();
        let at = b.begin_object();
        let mut call = Call { client: client.clone(), operation, b, at, count: 0, wrong: None };
        if let (Some(namespace), false) = (&client.namespace, without_namespace(operation)) {
            call.text("namespace", namespace);
        }
        call
    }

    fn name(&mut self, name: &str) -> &mut Builder {
        self.count += 1;
        self.b.text(name);
        &mut self.b
    }
    pub fn text(&mut self, name: &str, value: &str) {
        self.name(name).text(value);
    }
    pub fn bool(&mut self, name: &str, value: bool) {
        self.name(name).bool(value);
    }
    pub fn int(&mut self, name: &str, value: i64) {
        self.name(name).int(value);
    }
    pub fn uint(&mut self, name: &str, value: u64) {
        self.name(name).uint(value);
    }
    pub fn span(&mut self, name: &str, value: Duration) {
        self.name(name).uint(milliseconds(value));
    }
    pub fn bytes(&mut self, name: &str, value: impl AsRef<[u8]>) {
        self.name(name).bytes(value.as_ref());
    }
    pub fn any(&mut self, name: &str, value: &(impl Serialize + ?Sized)) {
        let b = self.name(name);
        let mark = b.mark();
        if let Err(e) = crate::ser::write(b, value) {
            b.rewind(mark);
            b.null();
            self.wrong.get_or_insert(Error::operation(crate::Kind::InvalidArgument, "", &format!("{name}: {e}")));
        }
    }
    pub fn any_unless_null(&mut self, name: &str, value: &(impl Serialize + ?Sized)) {
        let mark = self.b.mark();
        self.any(name, value);
        if self.b.is_null_at(mark.0 + 1) {
            self.b.rewind(mark);
            self.count -= 1;
        }
    }
    fn list<T>(&mut self, name: &str, values: impl IntoIterator<Item = T>, mut write: impl FnMut(&mut Builder, T)) {
        let b = self.name(name);
        let at = b.begin_list();
        let mut n = 0;
        for value in values {
            write(b, value);
            n += 1;
        }
        b.end(at, n);
    }
    pub fn texts(&mut self, name: &str, values: impl IntoIterator<Item = impl AsRef<str>>) {
        self.list(name, values, |b, v| b.text(v.as_ref()));
    }
    pub fn uints(&mut self, name: &str, values: impl IntoIterator<Item = u64>) {
        self.list(name, values, |b, v| b.uint(v));
    }
    fn object<K: AsRef<str>, V>(&mut self, name: &str, values: impl IntoIterator<Item = (K, V)>, mut write: impl FnMut(&mut Builder, V)) {
        let b = self.name(name);
        let at = b.begin_object();
        let mut n = 0;
        for (key, value) in values {
            b.text(key.as_ref());
            write(b, value);
            n += 1;
        }
        b.end(at, n);
    }
    pub fn text_map(&mut self, name: &str, values: impl IntoIterator<Item = (impl AsRef<str>, impl AsRef<str>)>) {
        self.object(name, values, |b, v| b.text(v.as_ref()));
    }
    pub fn bytes_map(&mut self, name: &str, values: impl IntoIterator<Item = (impl AsRef<str>, impl AsRef<[u8]>)>) {
        self.object(name, values, |b, v| b.bytes(v.as_ref()));
    }

    /// The arguments as nodes.
    pub fn arguments(mut self) -> Result<Vec<u8>, Error> {
        self.b.end(self.at, self.count);
        match self.wrong {
            Some(wrong) => Err(wrong),
            None => Ok(self.b.finish()),
        }
    }

    /// The number of its client in this application.
    pub fn client_number(&self, port: &Port) -> Result<u32, Error> {
        port.runtime.client(self.client.group, &self.client.name)
    }

    fn prepared(self) -> Result<Prepared, Error> {
        let (port, h) = place()?;
        let client = self.client_number(&port)?;
        let cmd = sys::spk_cmd { op: sys::SPK_CMD_CALL, arg: self.operation, client, id: h.as_ref().map_or(0, |h| h.id), ..command() };
        Ok((port, h, cmd, self.arguments()?))
    }

    /// Begins it. `late` gets the result of an operation that was given up and came to its end all the same.
    pub fn begin(self, late: Option<impl FnOnce(Arc<Port>, &Reply) + Send + 'static>) -> Result<Waiting, Error> {
        let (port, h, cmd, body) = self.prepared()?;
        let late = late.map(|late| {
            let port = port.clone();
            Box::new(move |record: &Record| late(port, &Reply(Some(record.clone())))) as Late
        });
        let trace = trace_of(h.as_ref()).unwrap_or_default();
        Ok(Waiting::begin(&port, h.as_ref(), cmd, trace.as_bytes(), &body, late))
    }

    pub fn pending<T>(self, make: fn(&Reply) -> T) -> Pending<T> {
        Pending { state: State::New(Some(self)), make }
    }

    /// Begins it at another place, whatever becomes of it.
    pub fn tell(self, port: &Arc<Port>) {
        let operation = self.operation;
        if let (Ok(client), Ok(body)) = (self.client_number(port), self.arguments()) {
            port.send(sys::spk_cmd { op: sys::SPK_CMD_CALL, arg: operation, client, ..command() }, &[], &body);
        }
    }

    fn streamed(self) -> Result<(Arc<Port>, Arc<OperationStream>, Waiting), Error> {
        let (port, h, mut cmd, body) = self.prepared()?;
        cmd.flags = sys::SPK_F_STREAM;
        let stream = OperationStream::new(&port);
        let trace = trace_of(h.as_ref()).unwrap_or_default();
        let waiting = Waiting::with(&port, h.as_ref(), &mut cmd, trace.as_bytes(), &body, None, Some(stream.clone()));
        Ok((port, stream, waiting))
    }

    pub fn open<T>(self, make: fn(&Reply) -> T) -> Streaming<T> {
        match self.streamed() {
            Ok((_, stream, waiting)) => Streaming { stream: Some(stream), waiting: Some(waiting), result: None, make },
            Err(e) => Streaming { stream: None, waiting: None, result: Some(Err(e)), make },
        }
    }

    /// An operation with a streamed argument. When reading fails, so does the operation, and nothing is written.
    pub async fn send<T, S, B, E>(self, chunks: S, make: fn(&Reply) -> T) -> Result<T, Failure>
    where
        S: Stream<Item = Result<B, E>> + Send,
        B: AsRef<[u8]> + Send,
        E: Into<Failure>,
    {
        let (port, stream, waiting) = self.streamed()?;
        let id = stream.number().await;
        let mut chunks = pin!(chunks);
        let mut failed = None;
        'sending: while id != 0 && !waiting.is_over() {
            match std::future::poll_fn(|cx| chunks.as_mut().poll_next(cx)).await {
                Some(Ok(part)) => {
                    for piece in part.as_ref().chunks(PIECE) {
                        if !stream.credit.take(piece.len()).await {
                            break 'sending;
                        }
                        port.send(sys::spk_cmd { op: sys::SPK_CMD_CHUNK, id, ..command() }, &[], piece);
                    }
                }
                Some(Err(e)) => {
                    failed = Some(e.into());
                    port.send(sys::spk_cmd { op: sys::SPK_CMD_ABORT, id, ..command() }, &[], &[]);
                    break;
                }
                None => {
                    port.send(sys::spk_cmd { op: sys::SPK_CMD_END, id, ..command() }, &[], &[]);
                    break;
                }
            }
        }
        let ended = waiting.await;
        match failed {
            Some(failed) => Err(failed),
            None => Ok(make(&Reply::of(ended)?)),
        }
    }
}

/// An operation that begins when it is awaited. Dropping it then cancels it.
pub struct Pending<T> {
    state: State,
    make: fn(&Reply) -> T,
}

enum State {
    New(Option<Call>),
    Waiting(Waiting),
}

impl<T> Future for Pending<T> {
    type Output = Result<T, Error>;
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let State::New(call) = &mut self.state {
            let Some(call) = call.take() else { panic!("an operation was polled after its end") };
            match call.begin(None::<fn(Arc<Port>, &Reply)>) {
                Ok(waiting) => self.state = State::Waiting(waiting),
                Err(e) => return Poll::Ready(Err(e)),
            }
        }
        let make = self.make;
        let State::Waiting(waiting) = &mut self.state else { unreachable!("it has begun") };
        Pin::new(waiting).poll(cx).map(|ended| Reply::of(ended).map(|r| make(&r)))
    }
}

/// A streamed result: a stream of chunks. Dropping it before its end cancels it.
pub struct Streaming<T> {
    stream: Option<Arc<OperationStream>>,
    waiting: Option<Waiting>,
    result: Option<Result<T, Error>>,
    make: fn(&Reply) -> T,
}

impl<T> Unpin for Streaming<T> {}

impl<T> Streaming<T> {
    /// The next chunk; None at the end.
    pub async fn chunk(&mut self) -> Result<Option<Vec<u8>>, Error> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await.transpose()
    }

    /// What the operation says of it; waits for the end. What was not read is lost.
    pub async fn result(mut self) -> Result<T, Error> {
        while self.result.is_none() {
            if self.chunk().await?.is_none() {
                break;
            }
        }
        self.result.take().unwrap_or(Err(Error::NotRunning))
    }

    /// Everything, in one piece.
    pub async fn read(&mut self) -> Result<Vec<u8>, Error> {
        let mut out = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            out.extend_from_slice(&chunk);
        }
        Ok(out)
    }
}

impl<T> Stream for Streaming<T> {
    type Item = Result<Vec<u8>, Error>;
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(stream) = self.stream.clone() else {
            return match &self.result {
                Some(Err(e)) => {
                    let e = e.clone();
                    self.result = None;
                    Poll::Ready(Some(Err(e)))
                }
                _ => Poll::Ready(None),
            };
        };
        match stream.incoming.poll(cx) {
            Poll::Ready(None) => {}
            other => return other,
        }
        let Some(waiting) = &mut self.waiting else { return Poll::Ready(None) };
        let Poll::Ready(ended) = Pin::new(waiting).poll(cx) else { return Poll::Pending };
        self.waiting = None;
        self.stream = None;
        match Reply::of(ended) {
            Ok(reply) => {
                self.result = Some(Ok((self.make)(&reply)));
                Poll::Ready(None)
            }
            Err(e) => {
                self.result = Some(Err(e.clone()));
                Poll::Ready(Some(Err(e)))
            }
        }
    }
}

/// The result of an operation.
pub struct Reply(pub(crate) Option<Record>);

impl Reply {
    pub(crate) fn of(ended: Result<Option<Record>, Error>) -> Result<Reply, Error> {
        let record = ended?;
        match record.as_ref().and_then(error_of) {
            Some(e) => Err(e),
            None => Ok(Reply(record)),
        }
    }

    pub(crate) fn tree(&self) -> Option<Tree<'_>> {
        self.0.as_ref().and_then(|r| r.tree(r.record().nodes))
    }
    pub(crate) fn member(&self, name: &str) -> Option<Tree<'_>> {
        self.tree()?.member(name)
    }
    pub(crate) fn value(&self, name: &str) -> Value {
        self.member(name).map(|t| t.value()).unwrap_or_default()
    }
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.member(name).filter(|t| t.kind() == sys::SPK_STR).map(|t| t.str().to_string())
    }
    pub(crate) fn bool(&self, name: &str) -> Option<bool> {
        self.member(name).filter(|t| t.kind() == sys::SPK_BOOL).map(|t| t.node().u != 0)
    }
    pub(crate) fn int(&self, name: &str) -> Option<i64> {
        self.value(name).as_i64()
    }
    pub(crate) fn uint(&self, name: &str) -> Option<u64> {
        self.value(name).as_u64()
    }
    pub(crate) fn span(&self, name: &str) -> Option<Duration> {
        self.uint(name).map(Duration::from_millis)
    }
    pub(crate) fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        self.value(name).as_bytes().map(|b| b.to_vec())
    }
    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        self.value(name).list().iter().filter_map(|v| v.as_str().map(Into::into)).collect()
    }
    pub(crate) fn uints(&self, name: &str) -> Vec<u64> {
        self.value(name).list().iter().filter_map(Value::as_u64).collect()
    }
    pub(crate) fn bytes_list(&self, name: &str) -> Vec<Option<Vec<u8>>> {
        self.value(name).list().iter().map(|v| v.as_bytes().map(|b| b.to_vec())).collect()
    }
}
