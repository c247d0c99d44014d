//! Spans of the application's own, and the bridge from `tracing`.

use std::cell::RefCell;
use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

use crate::call::{Call, Client, Reply};
use crate::handling::{here, lock, place, trace_of};
use crate::nodes::Value;
use crate::sys;

thread_local! {
    static SPAN: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// traceparent of the innermost span of the application's own here.
pub(crate) fn span_here() -> Option<String> {
    SPAN.with(|spans| spans.borrow().last().cloned()).filter(|text| !text.is_empty())
}

/// The context of the innermost span here, as the header `traceparent` carries it: for calls to other services.
pub fn traceparent() -> Option<String> {
    trace_of(here().as_ref()).filter(|text| !text.is_empty())
}

/// An operation of telemetry: it completes at once.
fn now(operation: u64, fill: impl FnOnce(&mut Call)) -> Option<Reply> {
    let (port, h) = place().ok()?;
    let mut call = Call::new(&Client::new("telemetry", "default"), operation);
    fill(&mut call);
    let body = call.arguments().ok()?;
    let trace = trace_of(h.as_ref()).unwrap_or_default();
    let cmd = sys::spk_cmd { op: sys::SPK_CMD_CALL, arg: operation, id: h.map_or(0, |h| h.id), ..crate::port::command() };
    Reply::of(port.ask(&cmd, trace.as_bytes(), &body)).ok()
}

/// A span of the application's own. It ends when it is dropped.
#[derive(Debug)]
pub struct Span {
    number: Mutex<Option<u64>>,
    traceparent: String,
    end: Mutex<SpanEnd>,
}

#[derive(Debug, Default)]
struct SpanEnd {
    attributes: Vec<(String, Value)>,
    events: Vec<Value>,
    status: Option<(&'static str, String)>,
}

/// How a span begins.
#[derive(Clone, Debug, Default)]
pub struct SpanOptions {
    /// `internal`, `server`, `client`, `producer` or `consumer`.
    pub kind: Option<String>,
    pub attributes: Vec<(String, Value)>,
    /// traceparents.
    pub links: Vec<String>,
    /// A traceparent instead of that of what runs here, and the tracestate that came with it.
    pub parent: Option<String>,
    pub tracestate: Option<String>,
    /// Begins a trace.
    pub root: bool,
}

impl Span {
    /// Begins a span. Where no application runs it does nothing.
    pub fn start(name: &str) -> Span {
        Span::start_with(name, SpanOptions::default())
    }

    pub fn start_with(name: &str, options: SpanOptions) -> Span {
        let parent = options.parent.clone().or_else(|| if options.root { None } else { traceparent() });
        let reply = now(sys::SPK_OP_TELEMETRY_START_SPAN, |c| {
            c.text("name", name);
            if let Some(kind) = &options.kind {
                c.text("kind", kind);
            }
            if parent.is_some() || options.root {
                c.text("traceparent", parent.as_deref().unwrap_or_default());
            }
            if let Some(state) = &options.tracestate {
                c.text("tracestate", state);
            }
            if !options.attributes.is_empty() {
                c.any("attributes", &Value::Object(options.attributes.clone()));
            }
            if !options.links.is_empty() {
                c.any("links", &options.links);
            }
        });
        let number = reply.as_ref().and_then(|r| r.uint("span")).filter(|n| *n != 0);
        let traceparent = reply.and_then(|r| r.text("traceparent")).unwrap_or_default();
        Span { number: Mutex::new(number), traceparent, end: Mutex::default() }
    }

    /// Its context as the header carries it; empty for none.
    pub fn traceparent(&self) -> &str {
        &self.traceparent
    }

    /// Whether it is kept.
    pub fn is_recording(&self) -> bool {
        lock(&self.number).is_some()
    }

    /// Sets an attribute: text, a number, a boolean, or a list of one of them.
    pub fn set_attribute(&self, name: &str, value: impl Into<Value>) {
        let mut end = lock(&self.end);
        end.attributes.retain(|(n, _)| n != name);
        end.attributes.push((name.into(), value.into()));
    }

    /// Notes something now.
    pub fn add_event(&self, name: &str, attributes: impl Serialize) {
        let time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |t| t.as_nanos() as u64);
        let attributes = Value::of(&attributes).unwrap_or_default();
        let attributes = if attributes.is_null() { Value::object() } else { attributes };
        lock(&self.end).events.push(Value::object().with("name", name).with("time_unix_nano", time).with("attributes", attributes));
    }

    /// Notes an error, and makes the status one.
    pub fn record_error(&self, error: &(impl Debug + ToString)) {
        let attributes = Value::object().with("exception.type", std::any::type_name_of_val(error)).with("exception.message", error.to_string());
        self.add_event("exception", attributes);
        self.set_error(&error.to_string());
    }

    pub fn set_ok(&self) {
        lock(&self.end).status = Some(("ok", String::new()));
    }
    pub fn set_error(&self, message: &str) {
        lock(&self.end).status = Some(("error", message.into()));
    }

    /// Runs a future inside it: what it does belongs to this span.
    pub fn run<F: Future>(self: &Arc<Self>, work: F) -> InSpan<F> {
        InSpan { span: self.clone(), inner: Box::pin(work) }
    }

    /// Runs a function inside it.
    pub fn enter<T>(&self, work: impl FnOnce() -> T) -> T {
        let _entered = Entered::new(&self.traceparent);
        work()
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        let Some(number) = lock(&self.number).take() else { return };
        let end = std::mem::take(&mut *lock(&self.end));
        now(sys::SPK_OP_TELEMETRY_END_SPAN, |c| {
            c.uint("span", number);
            if !end.attributes.is_empty() {
                c.any("attributes", &Value::Object(end.attributes));
            }
            if !end.events.is_empty() {
                c.any("events", &end.events);
            }
            if let Some((status, message)) = &end.status {
                c.text("status", status);
                if !message.is_empty() {
                    c.text("message", message);
                }
            }
        });
    }
}

struct Entered;

impl Entered {
    fn new(traceparent: &str) -> Entered {
        SPAN.with(|spans| spans.borrow_mut().push(traceparent.into()));
        Entered
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        SPAN.with(|spans| spans.borrow_mut().pop());
    }
}

/// A future inside a span.
pub struct InSpan<F> {
    span: Arc<Span>,
    inner: Pin<Box<F>>,
}

impl<F: Future> Future for InSpan<F> {
    type Output = F::Output;
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let _entered = Entered::new(&self.span.traceparent);
        self.inner.as_mut().poll(cx)
    }
}

/// Writes a log record of the application's telemetry: level is trace, debug, info, warn or error. `line` also writes it to the application's log.
pub fn log(level: &str, message: &str, attributes: Value, line: bool) {
    now(sys::SPK_OP_TELEMETRY_LOG, |c| {
        c.text("message", message);
        c.text("level", level);
        c.any("attributes", &if attributes.is_null() { Value::object() } else { attributes });
        c.bool("line", line);
        if let Some(trace) = traceparent() {
            c.text("traceparent", &trace);
        }
    });
}

#[cfg(feature = "tracing")]
mod bridge {
    use super::*;
    use ::tracing::field::{Field, Visit};
    use ::tracing::span::{Attributes, Id, Record};
    use ::tracing::{Event, Level, Subscriber};
    use tracing_subscriber::layer::Context as LayerContext;
    use tracing_subscriber::registry::LookupSpan;
    use tracing_subscriber::Layer;

    /// Hands spans and events of `tracing` to the telemetry of the application that runs there, each with the trace that it belongs to. Other layers write the lines.
    #[derive(Clone, Copy, Debug, Default)]
    pub struct TelemetryLayer;

    #[derive(Default)]
    struct Fields {
        message: String,
        others: Vec<(String, Value)>,
    }

    impl Visit for Fields {
        fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
            let text = format!("{value:?}");
            match field.name() {
                "message" => self.message = text,
                name => self.others.push((name.into(), Value::Text(text))),
            }
        }
        fn record_str(&mut self, field: &Field, value: &str) {
            match field.name() {
                "message" => self.message = value.into(),
                name => self.others.push((name.into(), value.into())),
            }
        }
        fn record_i64(&mut self, field: &Field, value: i64) {
            self.others.push((field.name().into(), value.into()));
        }
        fn record_u64(&mut self, field: &Field, value: u64) {
            self.others.push((field.name().into(), value.into()));
        }
        fn record_f64(&mut self, field: &Field, value: f64) {
            self.others.push((field.name().into(), value.into()));
        }
        fn record_bool(&mut self, field: &Field, value: bool) {
            self.others.push((field.name().into(), value.into()));
        }
    }

    impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for TelemetryLayer {
        fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, cx: LayerContext<'_, S>) {
            let Some(span) = cx.span(id) else { return };
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            let parent = span.parent().and_then(|p| p.extensions().get::<Arc<Span>>().map(|s| s.traceparent.clone())).filter(|t| !t.is_empty());
            let options = SpanOptions { attributes: fields.others, parent, ..Default::default() };
            let own = Span::start_with(attributes.metadata().name(), options);
            span.extensions_mut().insert(Arc::new(own));
        }

        fn on_record(&self, id: &Id, values: &Record<'_>, cx: LayerContext<'_, S>) {
            let own = cx.span(id).and_then(|s| s.extensions().get::<Arc<Span>>().cloned());
            let mut fields = Fields::default();
            values.record(&mut fields);
            for (name, value) in fields.others {
                if let Some(own) = &own {
                    own.set_attribute(&name, value);
                }
            }
        }

        fn on_enter(&self, id: &Id, cx: LayerContext<'_, S>) {
            let trace = cx.span(id).and_then(|s| s.extensions().get::<Arc<Span>>().map(|s| s.traceparent.clone()));
            SPAN.with(|spans| spans.borrow_mut().push(trace.unwrap_or_default()));
        }

        fn on_exit(&self, _: &Id, _: LayerContext<'_, S>) {
            SPAN.with(|spans| spans.borrow_mut().pop());
        }

        fn on_close(&self, id: Id, cx: LayerContext<'_, S>) {
            if let Some(span) = cx.span(&id) {
                span.extensions_mut().remove::<Arc<Span>>();
            }
        }

        fn on_event(&self, event: &Event<'_>, _: LayerContext<'_, S>) {
            let mut fields = Fields::default();
            event.record(&mut fields);
            let level = match *event.metadata().level() {
                Level::ERROR => "error",
                Level::WARN => "warn",
                Level::INFO => "info",
                Level::DEBUG => "debug",
                Level::TRACE => "trace",
            };
            log(level, &fields.message, Value::Object(fields.others), false);
        }
    }
}

#[cfg(feature = "tracing")]
pub use bridge::TelemetryLayer;
