//! Answers.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::pin::{pin, Pin};
use std::sync::Arc;

use futures_core::Stream;
use serde::Serialize;

use crate::call::Call;
use crate::error::{Error, Failure, FailureKind};
use crate::handling::{BoxFuture, Handling};
use crate::nodes::{json_of, Builder, Value};
use crate::port::command;
use crate::streams::PIECE;
use crate::sys;

/// An answer with a status, headers and a body.
#[derive(Default)]
pub struct Response {
    pub(crate) status: Option<u16>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) media_type: Option<Cow<'static, str>>,
    pub(crate) body: Body,
    pub(crate) served: Option<Served>,
}

#[derive(Default)]
pub(crate) enum Body {
    #[default]
    None,
    Bytes(Vec<u8>),
    Text(String),
    Json(String),
    Nodes(Vec<u8>),
    /// A value that could not be written.
    Wrong(Error),
    Stream(Box<dyn FnOnce(StreamWriter) -> BoxFuture<Result<(), Failure>> + Send>),
}

/// What the core answers by itself: its bytes do not come to Rust.
pub(crate) struct Served {
    pub call: Call,
    pub status: u16,
}

impl Response {
    pub fn new(status: u16) -> Response {
        Response { status: Some(status), ..Default::default() }
    }

    /// JSON of a value.
    pub fn json(value: &(impl Serialize + ?Sized)) -> Response {
        let mut b = Builder::default();
        let body = match crate::ser::write(&mut b, value) {
            Ok(()) => Body::Nodes(b.finish()),
            Err(e) => Body::Wrong(e),
        };
        Response { body, ..Default::default() }
    }

    pub fn text(text: impl Into<String>) -> Response {
        Response { body: Body::Text(text.into()), ..Default::default() }
    }

    pub fn bytes(data: impl Into<Vec<u8>>) -> Response {
        Response { body: Body::Bytes(data.into()), ..Default::default() }
    }

    /// JSON text as it stands.
    pub fn raw_json(text: impl Into<String>) -> Response {
        Response { body: Body::Json(text.into()), ..Default::default() }
    }

    /// An answer that is written while it is sent: `Response::stream(|mut out| async move { out.write("...").await })`.
    pub fn stream<F, Fut>(write: F) -> Response
    where
        F: FnOnce(StreamWriter) -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        Response { body: Body::Stream(Box::new(|w| Box::pin(write(w)))), ..Default::default() }
    }

    /// The chunks of a stream, sent as they come.
    pub fn from_stream<S, B, E>(chunks: S) -> Response
    where
        S: Stream<Item = Result<B, E>> + Send + 'static,
        B: AsRef<[u8]> + Send + 'static,
        E: Into<Failure> + Send + 'static,
    {
        Response::stream(|mut out| async move {
            let mut chunks = pin!(chunks);
            while let Some(chunk) = std::future::poll_fn(|cx| chunks.as_mut().poll_next(cx)).await {
                out.write(chunk.map_err(Into::into)?).await?;
            }
            Ok(())
        })
    }

    /// Server-sent events.
    pub fn events<S>(events: S) -> Response
    where
        S: Stream<Item = Event> + Send + 'static,
    {
        Response::stream(|mut out| async move {
            let mut events = pin!(events);
            while let Some(event) = std::future::poll_fn(|cx| events.as_mut().poll_next(cx)).await {
                out.event(&event).await?;
            }
            Ok(())
        })
        .media_type("text/event-stream")
        .header("cache-control", "no-cache")
    }

    pub fn status(mut self, status: u16) -> Response {
        self.status = Some(status);
        self
    }

    /// Media type of the body, where it is not what the body says. A content-type among the headers wins.
    pub fn media_type(mut self, media_type: impl Into<Cow<'static, str>>) -> Response {
        self.media_type = Some(media_type.into());
        self
    }

    /// Adds a header line.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Response {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Adds a Set-Cookie line.
    pub fn cookie(self, cookie: &Cookie) -> Response {
        self.header("set-cookie", cookie.to_string())
    }

    pub(crate) fn head(&self, streamed: bool) -> (u32, Vec<u8>) {
        let mut lines: Vec<(&str, &str)> = self.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let media_type = self.media_type.as_deref().or(if streamed { Some("application/octet-stream") } else { None });
        if let Some(media_type) = media_type {
            if !lines.iter().any(|(n, _)| n.eq_ignore_ascii_case("content-type")) {
                lines.push(("content-type", media_type));
            }
        }
        head_of(&lines)
    }
}

/// Header lines as pairs and their text.
fn head_of(lines: &[(&str, &str)]) -> (u32, Vec<u8>) {
    let base = lines.len() * std::mem::size_of::<sys::spk_pair>();
    let mut pairs = Vec::with_capacity(base);
    let mut text = Vec::new();
    for (name, value) in lines {
        for part in [name, value] {
            pairs.extend_from_slice(&((base + text.len()) as u32).to_ne_bytes());
            pairs.extend_from_slice(&(part.len() as u32).to_ne_bytes());
            text.extend_from_slice(part.as_bytes());
        }
    }
    pairs.extend_from_slice(&text);
    (lines.len() as u32, pairs)
}

/// A cookie to set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cookie {
    pub name: String,
    pub value: String,
    pub domain: Option<String>,
    pub path: Option<String>,
    /// Seconds; 0 deletes it.
    pub max_age: Option<i64>,
    pub secure: bool,
    pub http_only: bool,
    /// `lax`, `strict` or `none`.
    pub same_site: Option<String>,
}

impl Cookie {
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Cookie {
        Cookie { name: name.into(), value: value.into(), ..Default::default() }
    }
}

impl fmt::Display for Cookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.value)?;
        if let Some(path) = &self.path {
            write!(f, "; Path={path}")?;
        }
        if let Some(domain) = &self.domain {
            write!(f, "; Domain={domain}")?;
        }
        if let Some(seconds) = self.max_age {
            write!(f, "; Max-Age={seconds}")?;
        }
        if self.http_only {
            f.write_str("; HttpOnly")?;
        }
        if self.secure {
            f.write_str("; Secure")?;
        }
        if let Some(site) = &self.same_site {
            let mut letters = site.chars();
            let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
            write!(f, "; SameSite={first}{}", letters.as_str())?;
        }
        Ok(())
    }
}

/// One server-sent event.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Event {
    pub id: Option<String>,
    pub event: Option<String>,
    pub data: Option<String>,
    pub retry_ms: Option<u64>,
    /// A line that clients pass over.
    pub comment: Option<String>,
}

impl Event {
    pub fn data(data: impl Into<String>) -> Event {
        Event { data: Some(data.into()), ..Default::default() }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |name: &str, value: &str| value.replace("\r\n", "\n").split('\n').try_for_each(|part| writeln!(f, "{name}: {part}"));
        let retry = self.retry_ms.map(|ms| ms.to_string());
        let data = self.data.as_deref().or(self.event.as_ref().map(|_| ""));
        let all = [("", self.comment.as_deref()), ("event", self.event.as_deref()), ("id", self.id.as_deref()), ("retry", retry.as_deref()), ("data", data)];
        for (name, value) in all {
            if let Some(value) = value {
                line(name, value)?;
            }
        }
        f.write_str("\n")
    }
}

/// Where a streamed answer is written. Writing waits while the client takes no more.
pub struct StreamWriter {
    h: Arc<Handling>,
}

impl StreamWriter {
    /// Sends a chunk at once.
    pub async fn write(&mut self, data: impl AsRef<[u8]>) -> Result<(), Error> {
        for piece in data.as_ref().chunks(PIECE) {
            if !self.h.credit.take(piece.len()).await {
                return Err(self.h.cancellation.check().err().unwrap_or(Error::Cancelled(crate::Cause::Requested)));
            }
            self.h.port.send(sys::spk_cmd { op: sys::SPK_CMD_CHUNK, id: self.h.id, ..command() }, &[], piece);
        }
        Ok(())
    }

    /// Sends a server-sent event.
    pub async fn event(&mut self, event: &Event) -> Result<(), Error> {
        self.write(event.to_string()).await
    }
}

/// An RFC 9457 problem document, returned as an error. What is not given is filled in from the status.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Problem {
    pub status: u16,
    /// A URI; or, without a colon, the last segment of one below the application's problem_base.
    pub r#type: Option<String>,
    pub title: Option<String>,
    pub detail: Option<String>,
    pub instance: Option<String>,
    /// Further members.
    pub extra: Vec<(String, Value)>,
    /// Header lines beside the document.
    pub headers: Vec<(String, String)>,
    /// The document as it stands, instead of all members above but `status` and `headers`.
    pub exact: Option<Value>,
}

impl Problem {
    pub fn new(status: u16) -> Problem {
        Problem { status, ..Default::default() }
    }
    pub fn r#type(mut self, text: impl Into<String>) -> Problem {
        self.r#type = Some(text.into());
        self
    }
    pub fn title(mut self, text: impl Into<String>) -> Problem {
        self.title = Some(text.into());
        self
    }
    pub fn detail(mut self, text: impl Into<String>) -> Problem {
        self.detail = Some(text.into());
        self
    }
    pub fn member(mut self, name: impl Into<String>, value: impl Into<Value>) -> Problem {
        self.extra.push((name.into(), value.into()));
        self
    }
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Problem {
        self.headers.push((name.into(), value.into()));
        self
    }

    fn standard(&self) -> &str {
        self.title.as_deref().unwrap_or_else(|| standard_title(self.status).unwrap_or("Error"))
    }

    pub(crate) fn response(&self, base: &str) -> Response {
        let document = self.exact.clone().unwrap_or_else(|| {
            let mut kind = self.r#type.clone().unwrap_or_else(|| standard_title(self.status).unwrap_or(self.standard()).to_lowercase().replace(' ', "-"));
            if !kind.contains(':') {
                kind = format!("{base}{kind}");
            }
            let mut out = Value::object().with("type", kind).with("title", self.standard()).with("status", self.status);
            for (name, text) in [("detail", &self.detail), ("instance", &self.instance)] {
                if let Some(text) = text {
                    out.set(name, text);
                }
            }
            for (name, value) in &self.extra {
                out.set(name, value);
            }
            out
        });
        let mut response = Response::json(&document).status(self.status).media_type("application/problem+json");
        response.headers = self.headers.clone();
        response
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status, self.standard())?;
        self.detail.as_ref().map_or(Ok(()), |detail| write!(f, ": {detail}"))
    }
}

impl std::error::Error for Problem {}

fn standard_title(status: u16) -> Option<&'static str> {
    Some(match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        411 => "Length Required",
        412 => "Precondition Failed",
        413 => "Payload Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        416 => "Range Not Satisfiable",
        417 => "Expectation Failed",
        418 => "I'm a teapot",
        421 => "Misdirected Request",
        422 => "Unprocessable Content",
        423 => "Locked",
        424 => "Failed Dependency",
        425 => "Too Early",
        426 => "Upgrade Required",
        428 => "Precondition Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        451 => "Unavailable For Legal Reasons",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        507 => "Insufficient Storage",
        511 => "Network Authentication Required",
        _ => return None,
    })
}

/// What a handler may return.
pub trait IntoResponse {
    fn into_response(self) -> Result<Response, Failure>;
}

impl IntoResponse for Response {
    fn into_response(self) -> Result<Response, Failure> {
        Ok(self)
    }
}
impl IntoResponse for () {
    fn into_response(self) -> Result<Response, Failure> {
        Ok(Response::default())
    }
}
impl IntoResponse for String {
    fn into_response(self) -> Result<Response, Failure> {
        Ok(Response::text(self))
    }
}
impl IntoResponse for &str {
    fn into_response(self) -> Result<Response, Failure> {
        Ok(Response::text(self))
    }
}
impl IntoResponse for Vec<u8> {
    fn into_response(self) -> Result<Response, Failure> {
        Ok(Response::bytes(self))
    }
}
impl IntoResponse for Value {
    fn into_response(self) -> Result<Response, Failure> {
        Ok(Response::json(&self))
    }
}
impl<T: Serialize> IntoResponse for crate::Json<T> {
    fn into_response(self) -> Result<Response, Failure> {
        Ok(Response::json(&self.0))
    }
}
impl IntoResponse for Problem {
    fn into_response(self) -> Result<Response, Failure> {
        Err(self.into())
    }
}
impl<T: IntoResponse> IntoResponse for (u16, T) {
    fn into_response(self) -> Result<Response, Failure> {
        Ok(self.1.into_response()?.status(self.0))
    }
}
impl<T: IntoResponse> IntoResponse for Option<T> {
    /// None is a 404.
    fn into_response(self) -> Result<Response, Failure> {
        self.map_or(Err(Problem::new(404).into()), T::into_response)
    }
}
impl<T: IntoResponse, E: Into<Failure>> IntoResponse for Result<T, E> {
    fn into_response(self) -> Result<Response, Failure> {
        self.map_err(Into::into)?.into_response()
    }
}

/// Sends what a handler has returned.
pub(crate) async fn answer(h: &Arc<Handling>, result: Result<Response, Failure>, status: u16) -> Result<(), Failure> {
    let response = match result {
        Ok(response) => response,
        Err(Failure { kind: FailureKind::Problem(problem), .. }) => problem.response(h.port.runtime.problem_base()),
        Err(other) => return Err(other),
    };
    if let Some(served) = response.served {
        let client = served.call.client_number(&h.port)?;
        let operation = served.call.operation;
        let body = served.call.arguments()?;
        let cmd = sys::spk_cmd { op: sys::SPK_CMD_REPLY, format: sys::SPK_BODY_OPERATION, arg: operation, client, status: served.status, ..command() };
        h.end(cmd, &[], &body);
        return Ok(());
    }
    let empty = matches!(response.body, Body::None);
    let code = response.status.unwrap_or(if empty && status == 200 && response.headers.is_empty() { 204 } else { status });
    if !(100..=999).contains(&code) {
        return Err(Failure::new(format!("{code} is no HTTP status")));
    }
    let (nhead, head) = response.head(matches!(response.body, Body::Stream(_)));
    let (format, body) = match response.body {
        Body::None => (sys::SPK_BODY_RAW, Vec::new()),
        Body::Bytes(data) => (sys::SPK_BODY_RAW, data),
        Body::Text(text) => (sys::SPK_BODY_TEXT, text.into_bytes()),
        Body::Json(text) => (sys::SPK_BODY_JSON, text.into_bytes()),
        Body::Nodes(nodes) => (sys::SPK_BODY_NODES, nodes),
        Body::Wrong(e) => return Err(e.into()),
        Body::Stream(write) => {
            h.begun.store(true, std::sync::atomic::Ordering::Relaxed);
            h.credit.add(65536);
            h.port.send(sys::spk_cmd { op: sys::SPK_CMD_HEAD, id: h.id, status: code, nhead, ..command() }, &head, &[]);
            write(StreamWriter { h: h.clone() }).await?;
            h.end(sys::spk_cmd { op: sys::SPK_CMD_END, ..command() }, &[], &[]);
            return Ok(());
        }
    };
    h.end(sys::spk_cmd { op: sys::SPK_CMD_REPLY, status: code, format, nhead, ..command() }, &head, &body);
    Ok(())
}

/// An answer of a hook, as nodes.
pub(crate) fn write_answer(b: &mut Builder, response: Response, status: u16) -> Result<(), Failure> {
    let status = response.status.unwrap_or(if status == 0 { 200 } else { status });
    let mut headers = response.headers;
    if let Some(media_type) = response.media_type {
        headers.push(("content-type".into(), media_type.into_owned()));
    }
    let (format, body) = match response.body {
        Body::None => (sys::SPK_BODY_RAW, Vec::new()),
        Body::Bytes(data) => (sys::SPK_BODY_RAW, data),
        Body::Text(text) => (sys::SPK_BODY_TEXT, text.into_bytes()),
        Body::Json(text) => (sys::SPK_BODY_JSON, text.into_bytes()),
        Body::Nodes(nodes) => (sys::SPK_BODY_JSON, json_of(&nodes).into_bytes()),
        Body::Wrong(e) => return Err(e.into()),
        Body::Stream(_) => return Err(Failure::new("a hook's answer is no stream")),
    };
    let at = b.begin_object();
    b.text("status");
    b.int(status.into());
    b.text("format");
    b.int(format.into());
    b.text("headers");
    let list = b.begin_list();
    for (name, value) in &headers {
        let one = b.begin_list();
        b.text(name);
        b.text(value);
        b.end(one, 2);
    }
    b.end(list, headers.len());
    b.text("body");
    b.bytes(&body);
    b.end(at, 4);
    Ok(())
}

/// The body of a request or a result, as a stream of chunks.
pub struct BodyStream(pub(crate) Arc<crate::streams::Incoming>);

impl BodyStream {
    /// The next chunk; None at the end. Taking it lets the client send more.
    pub async fn chunk(&mut self) -> Result<Option<Vec<u8>>, Error> {
        std::future::poll_fn(|cx| self.0.poll(cx)).await.transpose()
    }

    /// Everything that is left.
    pub async fn read(&mut self) -> Result<Vec<u8>, Error> {
        let mut out = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            out.extend_from_slice(&chunk);
        }
        Ok(out)
    }
}

impl Stream for BodyStream {
    type Item = Result<Vec<u8>, Error>;
    fn poll_next(self: Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> std::task::Poll<Option<Self::Item>> {
        self.0.poll(cx)
    }
}
