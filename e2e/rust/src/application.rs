//! The application of a case: routes, handlers, hooks, dependencies, events, consumers.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use spikard::{manifest, App, CloudEvent, Cookie, Dependency, Failure, Made, Message, Messaging, Phase, Problem, Request, Response, Result, Scope, Value};

use crate::scripts::{Handled, Script};
use crate::values::{base64, content, from_base64, not_built, only, random, text, whole, without};

/// What the handlers, hooks and factories of one case share.
#[derive(Default)]
pub struct Case {
    pub trace: Mutex<Vec<String>>,
    pub events: Mutex<Vec<Value>>,
    counters: Mutex<HashMap<String, i64>>,
    lists: Mutex<HashMap<String, Vec<Value>>>,
}

type Answer = Pin<Box<dyn Future<Output = Result<Response>> + Send>>;
type HandlerFn = Arc<dyn Fn(Request) -> Answer + Send + Sync>;

// ---- what a handler can do (fixtures/README.md section 1)

fn header_lines(mut response: Response, headers: &Value) -> Response {
    for (name, value) in headers.members() {
        match value {
            Value::List(several) => {
                for one in several {
                    response = response.header(name, text(one));
                }
            }
            one => response = response.header(name, text(one)),
        }
    }
    response
}

fn status_of(spec: &Value, other: u16) -> u16 {
    spec.get("status").as_u64().map_or(other, |n| n as u16)
}

fn response_of(spec: &Value) -> Response {
    let body = spec.get("body");
    let mut response = match (body.member("json"), body.member("text")) {
        (Some(json), _) => Response::json(json),
        (_, Some(plain)) => Response::text(text(plain)),
        _ if body.is_null() => Response::default(),
        _ => Response::bytes(content(body)),
    };
    if let Some(media_type) = body.get("media_type").as_str() {
        response = response.media_type(media_type.to_string());
    }
    response = header_lines(response.status(status_of(spec, 200)), spec.get("headers"));
    for one in spec.get("cookies").list() {
        let mut cookie = Cookie::new(text(one.get("name")), text(one.get("value")));
        cookie.domain = one.get("domain").as_str().map(Into::into);
        cookie.path = one.get("path").as_str().map(Into::into);
        cookie.max_age = one.get("max_age").as_i64();
        cookie.secure = one.get("secure").as_bool().unwrap_or(false);
        cookie.http_only = one.get("http_only").as_bool().unwrap_or(false);
        cookie.same_site = one.get("same_site").as_str().map(Into::into);
        response = response.cookie(&cookie);
    }
    response
}

/// Uploaded files as an echo has them: text where the bytes are UTF-8, else base64.
fn shown(value: &Value) -> Value {
    match value {
        Value::List(list) => Value::List(list.iter().map(shown).collect()),
        Value::Object(members) => {
            let one = |(name, value): &(String, Value)| match value {
                Value::Bytes(data) if name == "content" => match std::str::from_utf8(data) {
                    Ok(content) => ("text".to_string(), content.into()),
                    Err(_) => ("base64".to_string(), base64(data).into()),
                },
                other => (name.clone(), shown(other)),
            };
            Value::Object(members.iter().map(one).collect())
        }
        other => other.clone(),
    }
}

fn echo(route: &Value, r: &Request, spec: &Value) -> Result<Response> {
    let mut out = Value::object();
    for part in spec.get("parts").list() {
        let part = text(part);
        let value = match part {
            "path" | "query" => r.params(part),
            "headers" => r.params("header"),
            "cookies" => r.params("cookie"),
            "body" => shown(&r.json()),
            "auth" => r.auth(),
            "context" => r.context(),
            "dependencies" => {
                let values = r.dependencies();
                let named = route.get("inject").list().iter().zip(&values);
                Value::List(named.map(|(name, v)| Value::object().with("name", name).with("value", v.downcast_ref::<Value>().cloned())).collect())
            }
            _ => return Err(not_built(format!("echo of {part}"))),
        };
        out.set(part, value);
    }
    Ok(Response::json(&out).status(status_of(spec, 200)))
}

fn keys_of(kind: &str) -> Result<&'static str> {
    Ok(match kind {
        "respond" => "kind status headers cookies body",
        "echo" => "kind status parts",
        "problem" => "kind problem",
        "fail" => "kind message",
        "sleep" => "kind ms then",
        "stream" => "kind media_type chunks delay_ms fail_after",
        "background" => "kind list field",
        "background_list" => "kind list",
        "publish" => "kind topic payload",
        "log" => "kind level message attributes then",
        _ => return Err(not_built(format!("handler {kind}"))),
    })
}

fn handler_of(case: &Arc<Case>, route: &Value, spec: &Value) -> Result<HandlerFn> {
    only(spec, keys_of(text(spec.get("kind")))?, "handler")?;
    let then = spec.member("then").map(|next| handler_of(case, route, next)).transpose()?;
    let shared = Arc::new((case.clone(), route.clone(), spec.clone(), then));
    Ok(Arc::new(move |request| {
        let shared = shared.clone();
        Box::pin(async move {
            let (case, route, spec, then) = &*shared;
            handle(case, route, spec, then, request).await
        })
    }))
}

async fn handle(case: &Arc<Case>, route: &Value, spec: &Value, then: &Option<HandlerFn>, request: Request) -> Result<Response> {
    match text(spec.get("kind")) {
        "respond" => return Ok(response_of(spec)),
        "echo" => return echo(route, &request, spec),
        "problem" => {
            let document = spec.get("problem");
            return Err(Problem { status: status_of(document, 500), exact: Some(document.clone()), ..Default::default() }.into());
        }
        "sleep" => spikard::sleep(Duration::from_millis(whole(spec.get("ms")) as u64)).await?,
        "stream" => return Ok(stream_of(spec.clone())),
        "background" => {
            let field = request.json().get(text(spec.get("field"))).clone();
            let (case, list) = (case.clone(), text(spec.get("list")).to_string());
            request.background(async move {
                case.lists.lock().unwrap().entry(list).or_default().push(field);
                Ok(())
            });
            return Ok(Response::json(&Value::object().with("queued", true)).status(202));
        }
        "background_list" => {
            let name = text(spec.get("list"));
            let list = case.lists.lock().unwrap().get(name).cloned().unwrap_or_default();
            return Ok(Response::json(&Value::object().with(name, list)));
        }
        "publish" => {
            let (messaging, topic, payload) = (Messaging::default(), text(spec.get("topic")), spec.get("payload"));
            match (payload.member("$text"), payload.member("$bytes"), payload) {
                (Some(t), ..) => messaging.publish(topic, text(t)).await?,
                (_, Some(b), _) => messaging.publish(topic, from_base64(text(b))).await?,
                (.., Value::Text(t)) => messaging.publish(topic, t).await?,
                (.., other) => messaging.send(topic, other).await?,
            };
            return Ok(Response::new(202));
        }
        "log" => spikard::telemetry::log(text(spec.get("level")), text(spec.get("message")), spec.get("attributes").clone(), false),
        _ => return Err(Failure::new(spec.get("message").as_str().unwrap_or("fail"))),
    }
    match then {
        Some(then) => then(request).await,
        None => Ok(Response::default()),
    }
}

fn stream_of(spec: Value) -> Response {
    let kind = spec.get("media_type").as_str().map(String::from);
    let response = Response::stream(move |mut out| async move {
        let chunks = spec.get("chunks").list();
        let fail_after = spec.get("fail_after").as_u64().map_or(usize::MAX, |n| n as usize);
        for (i, chunk) in chunks.iter().enumerate() {
            if i == fail_after {
                break;
            }
            let delay = whole(spec.get("delay_ms"));
            if i > 0 && delay > 0 {
                spikard::sleep(Duration::from_millis(delay as u64)).await?;
            }
            out.write(content(chunk)).await?;
        }
        if fail_after <= chunks.len() {
            return Err(Failure::new("the stream fails, as the case says"));
        }
        Ok(())
    });
    match kind {
        Some(kind) => response.media_type(kind),
        None => response,
    }
}

fn add_route(app: &mut App, case: &Arc<Case>, spec: &Value) -> Result<()> {
    only(spec, "method path parameters body inject inject_types dependencies handler", "route")?;
    let route = without(spec, "handler dependencies");
    let handler = handler_of(case, &route, spec.get("handler"))?;
    let dependencies = spec.get("dependencies").list().iter().map(|d| dependency_of(app, case, d)).collect::<Result<Vec<_>>>()?;
    let added = app.add_route(route, move |r: Request| handler(r));
    for dependency in dependencies {
        added.dependency(dependency);
    }
    Ok(())
}

// ---- hooks

fn unauthorized(challenge: &str) -> Failure {
    Problem::new(401).header("www-authenticate", challenge).into()
}

fn add_hook(app: &mut App, phase: Phase, spec: &Value) -> Result<()> {
    let kind = text(spec.get("kind")).to_string();
    let keys = match kind.as_str() {
        "set_context" | "append_context" => "kind key value",
        "set_response_header" | "append_response_header" => "kind name value",
        "respond" => "kind status headers body",
        "fail" => "kind message",
        "require_bearer" => "kind tokens",
        "require_context" => "kind key equals",
        "limit_calls" => "kind max retry_after",
        _ => return Err(not_built(format!("hook {kind}"))),
    };
    only(spec, keys, "hook")?;
    let shared = Arc::new((kind, spec.clone(), AtomicI64::new(0)));
    app.hook(phase, move |draft| {
        let shared = shared.clone();
        async move {
            let (kind, spec, calls) = &*shared;
            let key = text(spec.get("key"));
            match kind.as_str() {
                "set_context" => draft.set(key, spec.get("value")),
                "append_context" => {
                    let before = draft.context();
                    let mut several = match before.member(key) {
                        Some(Value::List(list)) => list.clone(),
                        Some(one) => vec![one.clone()],
                        None => Vec::new(),
                    };
                    several.push(spec.get("value").clone());
                    draft.set(key, several);
                }
                "set_response_header" => draft.set_header(text(spec.get("name")), text(spec.get("value"))),
                "append_response_header" => draft.append_header(text(spec.get("name")), text(spec.get("value"))),
                "respond" => return Ok(Some(response_of(spec))),
                "fail" => return Err(Failure::new(format!("fail: {}", text(spec.get("message"))))),
                "require_bearer" => {
                    let (scheme, token) = draft.header("authorization").and_then(|h| h.split_once(' ')).unwrap_or_default();
                    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
                        return Err(unauthorized("Bearer"));
                    }
                    let values = spec.get("tokens").member(token).ok_or_else(|| unauthorized("Bearer error=\"invalid_token\""))?;
                    for (key, value) in values.members() {
                        draft.set(key, value);
                    }
                }
                "require_context" => {
                    if draft.context().member(key) != Some(spec.get("equals")) {
                        return Err(Problem::new(403).into());
                    }
                }
                _ => {
                    if calls.fetch_add(1, Ordering::SeqCst) >= whole(spec.get("max")) {
                        let after = spec.get("retry_after").as_i64().unwrap_or(1);
                        return Err(Problem::new(429).header("retry-after", after.to_string()).into());
                    }
                }
            }
            Ok(None)
        }
    });
    Ok(())
}

// ---- dependencies

fn dependency_of(app: &mut App, case: &Arc<Case>, spec: &Value) -> Result<Dependency> {
    only(spec, "name kind value async depends_on scope produces cleanup", "dependency")?;
    let name = text(spec.get("name")).to_string();
    if text(spec.get("kind")) == "value" {
        return Ok(app.value_of(&name, spec.get("value").clone()));
    }
    let scope = match text(spec.get("scope")) {
        "singleton" => Scope::Singleton,
        "transient" => Scope::Transient,
        _ => Scope::Request,
    };
    let depends: Vec<&str> = spec.get("depends_on").list().iter().map(text).collect();
    let shared = Arc::new((case.clone(), spec.clone(), name.clone()));
    Ok(app.factory_of(&name, scope, &depends, move |_| {
        let shared = shared.clone();
        async move {
            let (case, spec, name) = &*shared;
            case.trace.lock().unwrap().push(format!("open:{name}"));
            let produces = spec.get("produces");
            let value = match (produces, produces.member("object")) {
                (_, Some(object)) => object.clone(),
                (Value::Null, _) => Value::Null,
                (Value::Text(what), _) if what == "uuid" => {
                    let mut b = random();
                    b[6] = b[6] & 0x0f | 0x40;
                    b[8] = b[8] & 0x3f | 0x80;
                    let hex: String = b.iter().map(|b| format!("{b:02x}")).collect();
                    Value::from(format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]))
                }
                (Value::Text(what), _) if what == "counter" => {
                    let mut counters = case.counters.lock().unwrap();
                    let n = counters.entry(name.clone()).or_default();
                    *n += 1;
                    Value::object().with("instance", *n)
                }
                _ => return Err(not_built(format!("produces {produces}"))),
            };
            let made = Made::new(value);
            if spec.get("cleanup").as_bool() != Some(true) {
                return Ok(made);
            }
            let shared = shared.clone();
            Ok(made.cleanup(move || async move {
                shared.0.trace.lock().unwrap().push(format!("close:{}", shared.2));
                Ok(())
            }))
        }
    }))
}

// ---- events

pub fn json_event(event: &CloudEvent) -> Value {
    let mut out = event.to_value();
    if let Some(Value::Bytes(data)) = out.member("data").cloned() {
        out = without(&out, "data");
        out.set("data_base64", base64(&data));
    }
    out
}

fn event_of(plain: &Value) -> CloudEvent {
    let mut plain = plain.clone();
    if let Some(data) = plain.member("data_base64").cloned() {
        plain = without(&plain, "data_base64").with("data", from_base64(text(&data)));
    }
    CloudEvent::from_value(&plain)
}

fn add_events(app: &mut App, case: &Arc<Case>, spec: &Value) -> Result<()> {
    only(spec, "path handler dispatch allowed_origins allowed_rate", "cloudevents")?;
    let handler = spec.get("handler");
    only(handler, "kind event message", "cloudevents.handler")?;
    let kind = text(handler.get("kind"));
    if !matches!(kind, "echo_event" | "reply_event" | "fail") {
        return Err(not_built(format!("handler {kind}")));
    }
    let path = text(spec.get("path"));
    let mut options = manifest::EventEndpoint { path: path.into(), ..Default::default() };
    if let Some(origins) = spec.member("allowed_origins") {
        options.allowed_origins = Some(origins.list().iter().map(|o| text(o).to_string()).collect());
    }
    if let Some(rate) = spec.get("allowed_rate").as_u64() {
        options.allowed_rate = Value::from(rate).decode()?;
    }
    app.event_endpoint(options);
    let dispatch = spec.get("dispatch");
    let mut all: Vec<(&str, &str)> = dispatch.members().iter().map(|(pattern, name)| (pattern.as_str(), text(name))).collect();
    if dispatch.member("*").is_none() {
        all.push(("*", "default"));
    }
    for (pattern, name) in all {
        let which = manifest::EventSubscription { r#type: Some(pattern.into()), ..Default::default() };
        let shared = Arc::new((case.clone(), handler.clone(), name.to_string()));
        app.events_at(path, which, move |event| {
            let shared = shared.clone();
            async move {
                let (case, handler, name) = &*shared;
                case.events.lock().unwrap().push(Value::object().with("event", json_event(&event)).with("handler", name));
                match text(handler.get("kind")) {
                    "fail" => Err(Failure::new(format!("fail: {}", text(handler.get("message"))))),
                    "reply_event" => Ok(Some(event_of(handler.get("event")))),
                    _ => Ok(None),
                }
            }
        });
    }
    Ok(())
}

// ---- the application

pub fn make(spec: &Value, case: &Arc<Case>) -> Result<App> {
    only(spec, "config hooks dependencies routes cloudevents consumers env", "app")?;
    let config = spec.get("config");
    only(config, "request_id timeout limits telemetry auth cors compression static_files rate_limit", "config")?;
    let mut m = Value::object().with("log", Value::object().with("level", "warn")).with("shutdown", Value::object().with("timeout_ms", 2000));
    if let Some(telemetry) = config.member("telemetry") {
        m.set("telemetry", telemetry);
    }
    let publishes = spec.get("routes").list().iter().any(|r| text(r.get("handler").get("kind")) == "publish");
    if publishes || spec.member("consumers").is_some() {
        let client = Value::object().with("default", Value::object().with("url", "memory:"));
        m.set("services", Value::object().with("messaging", client));
    }
    // A case has the routes it names, and no others: no health routes.
    m.set("http", without(config, "telemetry").with("health", Value::object().with("enabled", false)));
    let mut app = App::new("case");
    app.config(m);
    if let Some(events) = spec.member("cloudevents") {
        add_events(&mut app, case, events)?;
    }
    for consumer in spec.get("consumers").list() {
        only(consumer, "topic group handler", "consumers")?;
        let script = Script::new(consumer.get("handler"))?;
        let done = Arc::new(Handled::default());
        let options = manifest::Consumer { group: consumer.get("group").as_str().map(Into::into), ..Default::default() };
        app.consumer_with(text(consumer.get("topic")), options, move |m: Message| {
            let (script, done) = (script.clone(), done.clone());
            async move {
                let what = Value::object().with("payload", m.payload.as_slice());
                done.run(script.next(&String::from_utf8_lossy(&m.payload)), what).await.map(|_| ())
            }
        });
    }
    for one in spec.get("dependencies").list() {
        let dependency = dependency_of(&mut app, case, one)?;
        app.dependency(dependency);
    }
    for (phase, several) in spec.get("hooks").members() {
        let phase = match phase.as_str() {
            "on_request" => Phase::OnRequest,
            "pre_validation" => Phase::PreValidation,
            "pre_handler" => Phase::PreHandler,
            "on_response" => Phase::OnResponse,
            "on_error" => Phase::OnError,
            _ => return Err(not_built(format!("hooks.{phase}"))),
        };
        for one in several.list() {
            add_hook(&mut app, phase, one)?;
        }
    }
    for route in spec.get("routes").list() {
        add_route(&mut app, case, route)?;
    }
    Ok(app)
}
