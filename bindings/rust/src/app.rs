//! The application: what it is made of, and what it becomes.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;

use serde::Serialize;

use crate::error::{Error, Failure};
use crate::handling::{lock, BoxFuture, Ended};
use crate::nodes::{Builder, Value};
use crate::port::command;
use crate::request::{Declaration, Draft, DraftState, Handler, Request};
use crate::response::{write_answer, Response};
use crate::runtime::{Cleanup, Provided, Runtime, Work};
use crate::sys;
use crate::work::{ConsumerFn, Endpoint, EventFn, Queue};

pub(crate) type Start = Arc<dyn Fn() -> BoxFuture<Result<(), Failure>> + Send + Sync>;
type HandlerFn = Arc<dyn Fn(Request) -> BoxFuture<Result<Response, Failure>> + Send + Sync>;
type HookFn = Arc<dyn Fn(Draft) -> BoxFuture<Result<Option<Response>, Failure>> + Send + Sync>;
pub(crate) type Factory = Arc<dyn Fn(Vec<Arc<dyn Any + Send + Sync>>) -> BoxFuture<Result<(Provided, Option<Cleanup>), Failure>> + Send + Sync>;

/// An application. Nothing is opened until it runs. Register everything before; what is wrong with it is said when it is run or started.
pub struct App {
    name: String,
    config: Value,
    ports: usize,
    routes: Vec<Route>,
    hooks: [Vec<HookFn>; 5],
    dependencies: Vec<Dependency>,
    ids: u32,
    pub(crate) services: Value,
    pub(crate) consumers: Vec<(Value, ConsumerFn)>,
    pub(crate) queues: Vec<Queue>,
    pub(crate) schedules: Vec<Value>,
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) events: Vec<EventFn>,
    on_start: Vec<Start>,
    on_stop: Vec<Start>,
    wrong: Vec<Error>,
}

/// A parameter of a route, and the field that it is of the handler's type.
#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    pub place: &'static str,
    pub name: String,
    pub field: String,
}

/// A route, to say more of it: `app.post("/orders", create).status(201).name("create_order")`.
#[derive(Clone)]
pub struct Route {
    data: Value,
    pub(crate) path: String,
    pub(crate) status: u16,
    pub(crate) parameters: Vec<Parameter>,
    inject: Vec<(TypeId, &'static str)>,
    dependencies: Vec<Dependency>,
    pub(crate) handle: HandlerFn,
}

impl Route {
    /// Status of plain values; 200 when it is not given, 204 for none.
    pub fn status(&mut self, status: u16) -> &mut Route {
        self.status = status;
        self
    }
    /// Name in logs, telemetry and OpenAPI.
    pub fn name(&mut self, name: &str) -> &mut Route {
        self.data.set("name", name);
        self
    }
    /// The longest a request may take.
    pub fn timeout(&mut self, time: std::time::Duration) -> &mut Route {
        self.data.set("timeout_ms", crate::call::milliseconds(time));
        self
    }
    /// The largest body that is taken.
    pub fn max_body_bytes(&mut self, bytes: u64) -> &mut Route {
        if self.data.member("body").is_some() {
            self.data.entry("body").set("max_bytes", bytes);
        }
        self
    }
    /// Further members of the manifest's route.
    pub fn data(&mut self, more: Value) -> &mut Route {
        self.data.merge(more);
        self
    }
    /// The names of dependencies that the handler asks for ([`Request::dependencies`]), in order; `Inject<T>` needs none.
    pub fn inject<'a>(&mut self, names: impl IntoIterator<Item = &'a str>) -> &mut Route {
        self.data.set("inject", names.into_iter().map(Value::from).collect::<Vec<_>>());
        self
    }
    /// A dependency for this route alone, in place of the application's of that name.
    pub fn dependency(&mut self, dependency: Dependency) -> &mut Route {
        self.dependencies.push(dependency);
        self
    }
}

/// The names of a path's parameters: `/users/{id:int}`.
pub(crate) fn path_names(path: &str) -> Vec<String> {
    let inside = path.split('{').skip(1).filter_map(|part| part.split_once('}'));
    inside.map(|(inner, _)| inner.split(':').next().unwrap_or_default().trim_start_matches('*').to_string()).collect()
}

/// When a hook runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// After routing and authentication, before the body is read.
    OnRequest = 0,
    /// After the body was read, before it is validated.
    PreValidation = 1,
    /// After validation, before the handler.
    PreHandler = 2,
    /// After the handler has answered.
    OnResponse = 3,
    /// Instead of `OnResponse` after an error that is no problem; it is `Draft::failure`.
    OnError = 4,
}

const PHASES: [&str; 5] = ["on_request", "pre_validation", "pre_handler", "on_response", "on_error"];

/// How long a dependency is kept.
pub use crate::manifest::DependencyScope as Scope;

/// A dependency: a value, or what a factory makes when it is first needed.
#[derive(Clone)]
pub struct Dependency {
    data: Value,
    id: u32,
    type_id: TypeId,
    value: Option<Provided>,
    factory: Option<Factory>,
}

/// What a factory has made, and how it is ended after the answer, in reverse order of making.
pub struct Made<T> {
    value: T,
    cleanup: Option<Cleanup>,
}

impl<T> Made<T> {
    pub fn new(value: T) -> Made<T> {
        Made { value, cleanup: None }
    }
    pub fn cleanup<F, Fut>(mut self, end: F) -> Made<T>
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        self.cleanup = Some(Box::new(|| Box::pin(end())));
        self
    }
}

/// What a factory depends on, in its order.
pub struct Depends(Vec<Arc<dyn Any + Send + Sync>>);

impl Depends {
    pub fn get<T: Any + Send + Sync>(&self, at: usize) -> Result<Arc<T>, Error> {
        let value = self.0.get(at).cloned().ok_or_else(|| Error::Config(format!("there is no dependency number {at}")))?;
        value.downcast().map_err(|_| Error::Config(format!("dependency number {at} is no {}", std::any::type_name::<T>())))
    }
}

/// The JSON type of a dependency's value; None for what is not JSON's.
fn json_type(value: &dyn Any) -> Option<&'static str> {
    macro_rules! is { ($($t:ty),*) => { false $(|| value.is::<$t>())* }; }
    if let Some(v) = value.downcast_ref::<Value>() {
        return Some(match v {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Int(_) | Value::Uint(_) => "integer",
            Value::Float(_) | Value::Number(_) => "number",
            Value::Text(_) => "string",
            Value::Bytes(_) => return None,
            Value::List(_) => "array",
            Value::Object(_) => "object",
        });
    }
    Some(match () {
        () if is!(bool) => "boolean",
        () if is!(i8, i16, i32, i64, u8, u16, u32, u64, isize, usize) => "integer",
        () if is!(f32, f64) => "number",
        () if is!(String, &'static str) => "string",
        () => return None,
    })
}

fn provided<T: Any + Send + Sync>(value: T) -> Provided {
    let json_type = json_type(&value);
    Provided { value: Arc::new(value), json_type }
}

impl App {
    pub fn new(name: &str) -> App {
        App {
            name: name.into(),
            config: Value::object(),
            ports: 1,
            routes: Vec::new(),
            hooks: Default::default(),
            dependencies: Vec::new(),
            ids: 0,
            services: Value::object(),
            consumers: Vec::new(),
            queues: Vec::new(),
            schedules: Vec::new(),
            endpoints: Vec::new(),
            events: Vec::new(),
            on_start: Vec::new(),
            on_stop: Vec::new(),
            wrong: Vec::new(),
        }
    }

    pub(crate) fn note<T>(&mut self, result: Result<T, Error>) -> Option<T> {
        result.map_err(|e| self.wrong.push(e)).ok()
    }

    /// Lays parts of the manifest over the application: limits, time-outs, request ids, shutdown, telemetry, log (docs/reference/manifest.md). A [`manifest::Manifest`], a part
    /// of one as a [`Value`], or anything that serde writes as one.
    pub fn config(&mut self, config: impl Serialize) -> &mut App {
        if let Some(config) = self.note(Value::of(&config)) {
            self.config.merge(config);
        }
        self
    }

    /// How many threads poll and run handlers, each with listeners and connections of its own. 1 when it is not given.
    pub fn ports(&mut self, n: usize) -> &mut App {
        self.ports = n;
        self
    }

    /// Runs before the first request, message or task. An error ends the start.
    pub fn on_start<F, Fut>(&mut self, start: F) -> &mut App
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        self.on_start.push(Arc::new(move || Box::pin(start())));
        self
    }

    /// Runs after the last of them.
    pub fn on_stop<F, Fut>(&mut self, stop: F) -> &mut App
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        self.on_stop.push(Arc::new(move || Box::pin(stop())));
        self
    }

    // ---- routes

    /// Adds a handler for GET; HEAD comes with it.
    pub fn get<A>(&mut self, path: &str, handler: impl Handler<A>) -> &mut Route {
        self.route("GET", path, handler)
    }
    pub fn post<A>(&mut self, path: &str, handler: impl Handler<A>) -> &mut Route {
        self.route("POST", path, handler)
    }
    pub fn put<A>(&mut self, path: &str, handler: impl Handler<A>) -> &mut Route {
        self.route("PUT", path, handler)
    }
    pub fn patch<A>(&mut self, path: &str, handler: impl Handler<A>) -> &mut Route {
        self.route("PATCH", path, handler)
    }
    pub fn delete<A>(&mut self, path: &str, handler: impl Handler<A>) -> &mut Route {
        self.route("DELETE", path, handler)
    }

    /// Adds a handler for any method.
    pub fn route<A>(&mut self, method: &str, path: &str, handler: impl Handler<A>) -> &mut Route {
        let data = Value::object().with("method", method.to_uppercase()).with("path", path);
        self.add_route(data, handler)
    }

    /// Adds a route as data (a route of the manifest), and what its handler's types say.
    pub fn add_route<A, H: Handler<A>>(&mut self, mut data: Value, handler: H) -> &mut Route {
        let path = data.get("path").as_str().unwrap_or_default().to_string();
        let mut parameters = Vec::new();
        for p in data.get("parameters").list() {
            let place = ["path", "query", "header", "cookie"].into_iter().find(|place| p.get("in").as_str() == Some(place)).unwrap_or_default();
            let mut name = p.get("name").as_str().unwrap_or_default().to_string();
            if place == "header" {
                name = name.to_lowercase();
            }
            parameters.push(Parameter { place, field: name.clone(), name });
        }
        let mut inject = Vec::new();
        let declared = H::declare(&mut Declaration { data: &mut data, parameters: &mut parameters, inject: &mut inject, path: &path });
        if let Err(e) = declared {
            let method = data.get("method").as_str().unwrap_or_default().to_string();
            self.wrong.push(Error::Config(format!("{method} {path}: {e}")));
        }
        // What only the path names comes after what is declared.
        for name in path_names(&path) {
            if !parameters.iter().any(|p| p.place == "path" && p.name == name) {
                parameters.push(Parameter { place: "path", field: name.clone(), name });
            }
        }
        let handle: HandlerFn = Arc::new(move |request| handler.handle(request));
        self.routes.push(Route { data, path, status: 200, parameters, inject, dependencies: Vec::new(), handle });
        self.routes.last_mut().expect("it was pushed")
    }

    // ---- hooks

    /// Adds a hook. A response that it returns is the answer; a problem is answered, any other error is a 500.
    pub fn hook<F, Fut>(&mut self, phase: Phase, hook: F) -> &mut App
    where
        F: Fn(Draft) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Option<Response>, Failure>> + Send + 'static,
    {
        self.hooks[phase as usize].push(Arc::new(move |draft| Box::pin(hook(draft))));
        self
    }

    // ---- dependencies

    /// A value as a dependency, for [`App::dependency`] or [`Route::dependency`].
    pub fn value_of<T: Any + Send + Sync>(&mut self, name: &str, value: T) -> Dependency {
        self.ids += 1;
        let data = Value::object().with("name", name).with("kind", "value");
        Dependency { data, id: self.ids - 1, type_id: TypeId::of::<T>(), value: Some(provided(value)), factory: None }
    }

    /// A factory as a dependency. `depends_on` are names of others.
    pub fn factory_of<T, F, Fut>(&mut self, name: &str, scope: Scope, depends_on: &[&str], factory: F) -> Dependency
    where
        T: Any + Send + Sync,
        F: Fn(Depends) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Made<T>, Failure>> + Send + 'static,
    {
        self.ids += 1;
        let depends: Vec<Value> = depends_on.iter().map(|n| Value::from(*n)).collect();
        let data = Value::object()
            .with("name", name)
            .with("kind", "factory")
            .with("cleanup", true)
            .with("depends_on", depends)
            .with("scope", Value::of(&scope).unwrap_or_default());
        let factory: Factory = Arc::new(move |depends| {
            let making = factory(Depends(depends));
            Box::pin(async move { making.await.map(|made| (provided(made.value), made.cleanup)) })
        });
        Dependency { data, id: self.ids - 1, type_id: TypeId::of::<T>(), value: None, factory: Some(factory) }
    }

    pub fn dependency(&mut self, dependency: Dependency) -> &mut App {
        self.dependencies.push(dependency);
        self
    }

    /// Provides something that is there already: handlers take it as `Inject<T>`.
    pub fn value<T: Any + Send + Sync>(&mut self, name: &str, value: T) -> &mut App {
        let dependency = self.value_of(name, value);
        self.dependency(dependency)
    }

    /// Provides what a factory makes when it is first needed.
    pub fn provide<T, F, Fut>(&mut self, name: &str, scope: Scope, depends_on: &[&str], factory: F) -> &mut App
    where
        T: Any + Send + Sync,
        F: Fn(Depends) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Made<T>, Failure>> + Send + 'static,
    {
        let dependency = self.factory_of(name, scope, depends_on, factory);
        self.dependency(dependency)
    }

    // ---- what it becomes

    /// The whole application as JSON.
    pub fn manifest(&self) -> Result<Value, Error> {
        self.build().map(|b| b.manifest)
    }

    pub(crate) fn build(&self) -> Result<Built, Error> {
        if let Some(wrong) = self.wrong.first() {
            return Err(Error::Config(wrong.to_string()));
        }
        let mut b = Built {
            manifest: Value::object().with("name", self.name.as_str()).with("handle_signals", false),
            routes: self.routes.iter().cloned().map(Arc::new).collect(),
            hooks: self.hooks.clone(),
            factories: HashMap::new(),
            values: HashMap::new(),
            consumers: self.consumers.iter().map(|(_, f)| f.clone()).collect(),
            queues: self.queues.iter().map(|q| Arc::new(q.clone())).collect(),
            events: self.events.clone(),
            on_start: self.on_start.clone(),
            on_stop: self.on_stop.clone(),
            ports: self.ports,
        };
        let mut routes = Vec::new();
        for route in &self.routes {
            let mut data = route.data.clone();
            for (type_id, type_name) in &route.inject {
                let mut all = route.dependencies.iter().chain(&self.dependencies).filter(|d| d.type_id == *type_id);
                let name = all.next().map(|d| d.data.get("name").clone());
                let name = name.ok_or_else(|| Error::Config(format!("{}: nothing provides a {type_name}", route.path)))?;
                if all.any(|d| *d.data.get("name") != name) {
                    return Err(Error::Config(format!("{}: several dependencies are a {type_name}; ask for one by its name", route.path)));
                }
                data.entry("inject").push(name);
            }
            if !route.dependencies.is_empty() {
                data.set("dependencies", b.dependencies(&route.dependencies));
            }
            routes.push(data);
        }
        let others = self.consumers.len() + self.queues.len() + self.events.len();
        let by_path = self.endpoints.iter().any(|e| e.path);
        if !routes.is_empty() || by_path || self.config.member("http").is_some() || others == 0 {
            let mut hooks = Value::object();
            for (phase, list) in PHASES.iter().zip(&self.hooks) {
                hooks.set(phase, (0..list.len()).map(|i| Value::from(format!("{phase}{i}"))).collect::<Vec<_>>());
            }
            let dependencies = b.dependencies(&self.dependencies);
            let http = Value::object().with("listeners", Vec::<Value>::new()).with("routes", routes).with("hooks", hooks).with("dependencies", dependencies);
            b.manifest.set("http", http);
        }
        self.build_work(&mut b.manifest)?;
        b.manifest.merge(self.config.clone());
        Ok(b)
    }
}

/// What an application has become: the manifest and, by its numbers, the code behind it.
pub(crate) struct Built {
    pub manifest: Value,
    pub routes: Vec<Arc<Route>>,
    pub hooks: [Vec<HookFn>; 5],
    pub factories: HashMap<u32, Factory>,
    pub values: HashMap<u64, Provided>,
    pub consumers: Vec<ConsumerFn>,
    pub queues: Vec<Arc<Queue>>,
    pub events: Vec<EventFn>,
    pub on_start: Vec<Start>,
    pub on_stop: Vec<Start>,
    pub ports: usize,
}

impl Built {
    fn dependencies(&mut self, list: &[Dependency]) -> Vec<Value> {
        let data = |d: &Dependency| {
            let mut data = d.data.clone().with("id", d.id);
            if let Some(provided) = &d.value {
                let token = u64::from(d.id) + 1;
                data.set("token", token);
                if let Some(json_type) = provided.json_type {
                    data.set("type", json_type);
                }
                self.values.insert(token, provided.clone());
            }
            if let Some(factory) = &d.factory {
                self.factories.insert(d.id, factory.clone());
            }
            data
        };
        list.iter().map(data).collect()
    }
}

impl Runtime {
    pub(crate) async fn hook(&self, work: Work) {
        let h = &work.h;
        let phase = work.arg as usize;
        let Some(hook) = self.plan.hooks.get(phase).and_then(|list| list.get(work.route as usize)) else {
            return self.fail(h, Failure::new("there is no such hook"), 0);
        };
        let mut state = DraftState::default();
        if let Some(answer) = &work.record {
            state.status = answer.record().status as u16;
            state.headers = answer.pairs(answer.record().meta).map(|(n, v)| (n.to_string(), v.to_string())).collect();
        }
        if phase == sys::SPK_HOOK_ON_ERROR as usize {
            state.failure = self.failure(h.id);
        }
        let route = h.request.as_ref().and_then(|r| self.plan.routes.get(r.request().route as usize)).cloned();
        let draft = Draft::new(Request::new(h.clone(), route), state);
        let result = match h.drive(hook(draft.clone())).await {
            Ended::Result(result) => result,
            Ended::Cancelled => return h.end(sys::spk_cmd { op: sys::SPK_CMD_ABORT, ..command() }, &[], &[]),
        };
        let answer = match result {
            Ok(answer) => answer,
            Err(failure) => match failure.problem() {
                Some(problem) => Some(problem.response(self.problem_base())),
                None => return self.fail(h, failure, 0),
            },
        };
        match self.result_of(&draft, answer) {
            Ok(body) => h.end(sys::spk_cmd { op: sys::SPK_CMD_RESULT, ..command() }, &[], &body),
            Err(failure) => self.fail(h, failure, 0),
        }
    }

    fn result_of(&self, draft: &Draft, answer: Option<Response>) -> Result<Vec<u8>, Failure> {
        let state = lock(&draft.state);
        let mut b = Builder::default();
        let (at, mut n) = (b.begin_object(), 0);
        if !state.context.is_empty() {
            n += 1;
            b.text("context");
            let at = b.begin_object();
            for (name, value) in &state.context {
                b.text(name);
                value.write(&mut b);
            }
            b.end(at, state.context.len());
        }
        for (name, lines) in [("set", &state.set), ("append", &state.append)] {
            if lines.is_empty() {
                continue;
            }
            n += 1;
            b.text(name);
            let list = b.begin_list();
            for (name, value) in lines {
                let one = b.begin_list();
                b.text(name);
                b.text(value);
                b.end(one, 2);
            }
            b.end(list, lines.len());
        }
        if let Some(response) = answer {
            n += 1;
            b.text("answer");
            write_answer(&mut b, response, state.status)?;
        }
        b.end(at, n);
        Ok(if n == 0 { Vec::new() } else { b.finish() })
    }
}

impl App {
    /// Notes a client and its configuration.
    pub(crate) fn service(&mut self, group: &str, name: &str, config: Option<Value>) {
        let clients = self.services.entry(group);
        if clients.is_null() {
            *clients = Value::object();
        }
        if config.is_none() && name == "default" {
            return;
        }
        clients.entry(name).merge(config.unwrap_or(Value::object()));
    }

    pub(crate) fn configured<C: Serialize>(&mut self, group: &str, name: &str, config: C) {
        if let Some(config) = self.note(Value::of(&config)) {
            self.service(group, name, Some(config));
        }
    }
}
