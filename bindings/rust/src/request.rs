//! The request as the core has checked it, and what handlers ask of it.

use std::any::Any;
use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::de::{self, DeserializeOwned, Visitor};

use crate::app::{Parameter, Route};
use crate::error::{Error, Failure};
use crate::handling::{lock, Cancellation, Handling};
use crate::nodes::{Record, Tree, Value};
use crate::response::{BodyStream, Response};
use crate::ser::Wrong;
use crate::{sys, IntoResponse};

/// A request. Cheap to clone; it may be kept after the answer.
#[derive(Clone)]
pub struct Request {
    pub(crate) h: Arc<Handling>,
    route: Option<Arc<Route>>,
}

const METHODS: [&str; 11] = ["", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "OTHER"];

impl Request {
    pub(crate) fn new(h: Arc<Handling>, route: Option<Arc<Route>>) -> Request {
        Request { h, route }
    }

    fn record(&self) -> &Record {
        self.h.request.as_ref().expect("the handling of a request has its record")
    }
    fn raw(&self) -> &sys::spk_request {
        self.record().request()
    }

    pub fn method(&self) -> &'static str {
        METHODS.get(self.raw().method as usize).copied().unwrap_or("OTHER")
    }
    /// As it was sent, without the query.
    pub fn path(&self) -> &str {
        self.record().text(self.raw().path)
    }
    /// As it was sent, without the question mark.
    pub fn query(&self) -> &str {
        self.record().text(self.raw().query)
    }
    /// The address of the client.
    pub fn peer(&self) -> &str {
        self.record().text(self.raw().peer)
    }
    /// The path of the route.
    pub fn pattern(&self) -> &str {
        self.route.as_ref().map_or("", |r| r.path.as_str())
    }
    /// All header lines in their order, names in lower case.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.record().pairs(self.raw().headers)
    }
    /// The value of the first line of a name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers().find(|(n, _)| *n == name).map(|(_, v)| v)
    }
    /// The body's bytes, when it was buffered.
    pub fn data(&self) -> &[u8] {
        self.record().view(self.raw().body)
    }
    /// The body as it comes, where the route streams it.
    pub fn body(&self) -> Option<BodyStream> {
        self.h.body.clone().map(BodyStream)
    }
    pub(crate) fn json_tree(&self) -> Option<Tree<'_>> {
        self.record().tree(self.raw().json)
    }
    /// The validated body; null where there is none.
    pub fn json(&self) -> Value {
        self.json_tree().map(|t| t.value()).unwrap_or_default()
    }
    /// Who it is.
    pub fn auth(&self) -> Value {
        self.record().tree(self.raw().auth).map(|t| t.value()).unwrap_or_default()
    }
    /// What hooks have set.
    pub fn context(&self) -> Value {
        self.record().tree(self.raw().context).map(|t| t.value()).unwrap_or(Value::object())
    }

    fn parameters(&self) -> impl Iterator<Item = (&Parameter, Tree<'_>)> {
        let mut next = self.record().tree(self.raw().params);
        self.route.iter().flat_map(|r| r.parameters.iter()).map_while(move |p| {
            let one = next?;
            next = one.next();
            Some((p, one))
        })
    }
    /// A declared parameter, validated and coerced: `place` is path, query, header or cookie. Null where it was not sent and has no default.
    pub fn param(&self, place: &str, name: &str) -> Value {
        self.parameters().find(|(p, _)| p.place == place && p.name == name).map(|(_, t)| t.value()).unwrap_or_default()
    }
    /// All declared parameters of a place, by name.
    pub fn params(&self, place: &str) -> Value {
        Value::Object(self.parameters().filter(|(p, _)| p.place == place).map(|(p, t)| (p.name.clone(), t.value())).collect())
    }

    /// The values of `inject`, in its order.
    pub fn dependencies(&self) -> Vec<Arc<dyn Any + Send + Sync>> {
        let values = lock(&self.h.port.runtime.values);
        self.record().tokens(self.raw().deps).iter().filter_map(|t| values.get(t).map(|p| p.value.clone())).collect()
    }

    /// Tells when the client has gone, the time-out passed, or the application ends.
    pub fn cancellation(&self) -> Cancellation {
        self.h.cancellation.clone()
    }

    /// Runs something after the answer; the graceful end waits for it. It is not durable.
    pub fn background<F>(&self, work: F)
    where
        F: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        match lock(&self.h.jobs).as_mut() {
            Some(jobs) => jobs.push(Box::pin(work)),
            None => self.h.port.background(Box::pin(work)),
        }
    }
}

// ---- what handlers take

/// What a route learns from the types of its handler.
pub struct Declaration<'a> {
    pub(crate) data: &'a mut Value,
    pub(crate) parameters: &'a mut Vec<Parameter>,
    pub(crate) inject: &'a mut Vec<(std::any::TypeId, &'static str)>,
    pub(crate) path: &'a str,
}

impl Declaration<'_> {
    /// The body of the request, as a member `body` of a route.
    pub fn body(&mut self, body: Value) -> Result<(), Error> {
        if self.data.member("body").is_some() {
            return Err(Error::Config("a request has one body".into()));
        }
        self.data.set("body", body);
        Ok(())
    }

    fn parameter(&mut self, place: &'static str, field: &str, required: bool, schema: Value) {
        let name = if place == "header" { field.replace('_', "-").to_lowercase() } else { field.to_string() };
        let data = Value::object().with("in", place).with("name", name.as_str()).with("required", required).with("schema", schema);
        self.data.entry("parameters").push(data);
        self.parameters.push(Parameter { place, name, field: field.into() });
    }

    /// The members of a type as parameters.
    fn parameters_of<T: JsonSchema>(&mut self, place: &'static str) -> Result<(), Error> {
        let schema = inline_schema::<T>();
        if schema.get("properties").members().is_empty() {
            return Err(Error::Config(format!("{place} parameters are the members of a struct, not {}", std::any::type_name::<T>())));
        }
        let required: Vec<&str> = schema.get("required").list().iter().filter_map(Value::as_str).collect();
        for (field, property) in schema.get("properties").members() {
            self.parameter(place, field, place == "path" || required.contains(&field.as_str()), without_null(property.clone()));
        }
        Ok(())
    }
}

/// The JSON Schema of a type.
pub(crate) fn schema_of<T: JsonSchema>() -> Value {
    plain_schema(schemars::generate::SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>())
}

fn inline_schema<T: JsonSchema>() -> Value {
    plain_schema(schemars::generate::SchemaSettings::draft2020_12().with(|s| s.inline_subschemas = true).into_generator().into_root_schema_for::<T>())
}

fn plain_schema(schema: schemars::Schema) -> Value {
    match Value::of(&schema) {
        Ok(Value::Object(members)) => Value::Object(members.into_iter().filter(|(name, _)| name != "$schema").collect()),
        Ok(other) => other,
        Err(_) => Value::object(),
    }
}

/// A parameter is text: it is never null.
fn without_null(schema: Value) -> Value {
    let Value::Object(mut members) = schema else { return schema };
    for (name, value) in &mut members {
        match value {
            Value::List(types) if name == "type" => {
                types.retain(|t| t.as_str() != Some("null"));
                if types.len() == 1 {
                    *value = types.remove(0);
                }
            }
            Value::List(several) if name == "anyOf" => several.retain(|s| s.get("type").as_str() != Some("null")),
            Value::List(values) if name == "enum" => values.retain(|v| !v.is_null()),
            _ => {}
        }
    }
    if members.iter().any(|(n, v)| n == "default" && v.is_null()) {
        members.retain(|(n, _)| n != "default");
    }
    Value::Object(members)
}

/// What a handler can take as an argument.
pub trait FromRequest: Sized {
    /// What the route has to know of it.
    fn declare(route: &mut Declaration<'_>) -> Result<(), Error>;
    /// It, from a request.
    fn from_request(request: &Request) -> Result<Self, Error>;
}

impl FromRequest for Request {
    fn declare(_: &mut Declaration<'_>) -> Result<(), Error> {
        Ok(())
    }
    fn from_request(request: &Request) -> Result<Self, Error> {
        Ok(request.clone())
    }
}

impl FromRequest for Cancellation {
    fn declare(_: &mut Declaration<'_>) -> Result<(), Error> {
        Ok(())
    }
    fn from_request(request: &Request) -> Result<Self, Error> {
        Ok(request.cancellation())
    }
}

/// JSON: the body of a request, checked against the type's schema; the answer of a handler; the payload of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Json<T>(pub T);

/// The body of a request as an urlencoded form.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Form<T>(pub T);

/// The parameters of the path: a scalar, a tuple in the path's order, or a struct by name.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Path<T>(pub T);

/// Query parameters: the members of a struct.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Query<T>(pub T);

/// Headers: the members of a struct, `x_trace` for `x-trace`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Headers<T>(pub T);

/// Cookies: the members of a struct.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cookies<T>(pub T);

/// The body as it is, buffered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bytes(pub Vec<u8>);

/// A dependency of the application, by its type.
#[derive(Clone, Debug)]
pub struct Inject<T>(pub Arc<T>);

impl<T> std::ops::Deref for Inject<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

fn json_body<T: JsonSchema>(content_type: &str, required: bool) -> Value {
    let types = vec![Value::from(content_type)];
    Value::object().with("content_types", types).with("required", required).with("schema", schema_of::<T>()).with("as", "nodes")
}

fn body_of<T: DeserializeOwned>(request: &Request) -> Result<T, Error> {
    match request.json_tree() {
        Some(tree) => crate::de::read(tree),
        None => Value::Null.decode(),
    }
}

impl<T: DeserializeOwned + JsonSchema> FromRequest for Json<T> {
    fn declare(route: &mut Declaration<'_>) -> Result<(), Error> {
        route.body(json_body::<T>("application/json", true))
    }
    fn from_request(request: &Request) -> Result<Self, Error> {
        body_of(request).map(Json)
    }
}

impl<T: DeserializeOwned + JsonSchema> FromRequest for Option<Json<T>> {
    fn declare(route: &mut Declaration<'_>) -> Result<(), Error> {
        route.body(json_body::<T>("application/json", false))
    }
    fn from_request(request: &Request) -> Result<Self, Error> {
        request.json_tree().map(|t| crate::de::read(t).map(Json)).transpose()
    }
}

impl<T: DeserializeOwned + JsonSchema> FromRequest for Form<T> {
    fn declare(route: &mut Declaration<'_>) -> Result<(), Error> {
        route.body(json_body::<T>("application/x-www-form-urlencoded", true))
    }
    fn from_request(request: &Request) -> Result<Self, Error> {
        body_of(request).map(Form)
    }
}

fn raw_body(mode: &str) -> Value {
    Value::object().with("mode", mode).with("required", false).with("content_types", vec![Value::from("*/*")]).with("as", "raw")
}

impl FromRequest for Bytes {
    fn declare(route: &mut Declaration<'_>) -> Result<(), Error> {
        route.body(raw_body("buffer"))
    }
    fn from_request(request: &Request) -> Result<Self, Error> {
        Ok(Bytes(request.data().to_vec()))
    }
}

impl FromRequest for BodyStream {
    fn declare(route: &mut Declaration<'_>) -> Result<(), Error> {
        route.body(raw_body("stream"))
    }
    fn from_request(request: &Request) -> Result<Self, Error> {
        Ok(request.body().unwrap_or_else(|| {
            let empty = crate::streams::Incoming::new(&request.h.port, 0);
            empty.put(Vec::new(), true);
            BodyStream(empty)
        }))
    }
}

macro_rules! places {
    ($($type:ident $place:literal)*) => { $(impl<T: DeserializeOwned + JsonSchema> FromRequest for $type<T> {
        fn declare(route: &mut Declaration<'_>) -> Result<(), Error> {
            route.parameters_of::<T>($place)
        }
        fn from_request(request: &Request) -> Result<Self, Error> {
            let given = request.parameters().filter(|(p, t)| p.place == $place && t.kind() != sys::SPK_NULL);
            crate::de::read_members(given.map(|(p, t)| (p.field.as_str(), t))).map($type)
        }
    })* };
}
places! { Query "query" Headers "header" Cookies "cookie" }

impl<T: DeserializeOwned + JsonSchema> FromRequest for Path<T> {
    fn declare(route: &mut Declaration<'_>) -> Result<(), Error> {
        let schema = inline_schema::<T>();
        let names = crate::app::path_names(route.path);
        if !schema.get("properties").members().is_empty() {
            for (name, property) in schema.get("properties").members() {
                if !names.contains(name) {
                    return Err(Error::Config(format!("{name:?} is no parameter of the path {:?}", route.path)));
                }
                route.parameter("path", name, true, property.clone());
            }
            return Ok(());
        }
        let several = schema.get("prefixItems").list();
        let schemas = if several.is_empty() { vec![schema.clone()] } else { several.to_vec() };
        if schemas.len() > names.len() {
            return Err(Error::Config(format!("the path {:?} has not {} parameters", route.path, schemas.len())));
        }
        for (name, schema) in names.iter().zip(schemas) {
            route.parameter("path", name, true, schema);
        }
        Ok(())
    }
    fn from_request(request: &Request) -> Result<Self, Error> {
        let given: Vec<(&str, Tree<'_>)> = request.parameters().filter(|(p, _)| p.place == "path").map(|(p, t)| (p.field.as_str(), t)).collect();
        T::deserialize(PathValues(&given)).map(Path).map_err(|e| Error::Convert(e.0))
    }
}

/// Path parameters as whatever is asked for.
struct PathValues<'a>(&'a [(&'a str, Tree<'a>)]);

macro_rules! scalar {
    ($($name:ident)*) => { $(fn $name<V: Visitor<'de>>(self, v: V) -> Result<V::Value, Wrong> {
        let (_, tree) = self.0.first().ok_or_else(|| Wrong("there is no path parameter".into()))?;
        de::Deserializer::$name(crate::de::Node(*tree), v)
    })* };
}

impl<'de> de::Deserializer<'de> for PathValues<'de> {
    type Error = Wrong;
    scalar! {
        deserialize_any deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128 deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64 deserialize_char deserialize_str deserialize_string deserialize_bytes deserialize_byte_buf deserialize_option deserialize_unit deserialize_identifier
        deserialize_ignored_any
    }
    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, v: V) -> Result<V::Value, Wrong> {
        v.visit_unit()
    }
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, v: V) -> Result<V::Value, Wrong> {
        v.visit_newtype_struct(self)
    }
    fn deserialize_seq<V: Visitor<'de>>(self, v: V) -> Result<V::Value, Wrong> {
        v.visit_seq(de::value::SeqDeserializer::new(self.0.iter().map(|(_, t)| crate::de::Node(*t))))
    }
    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, v: V) -> Result<V::Value, Wrong> {
        self.deserialize_seq(v)
    }
    fn deserialize_tuple_struct<V: Visitor<'de>>(self, _: &'static str, _: usize, v: V) -> Result<V::Value, Wrong> {
        self.deserialize_seq(v)
    }
    fn deserialize_map<V: Visitor<'de>>(self, v: V) -> Result<V::Value, Wrong> {
        v.visit_map(de::value::MapDeserializer::new(self.0.iter().map(|(n, t)| (*n, crate::de::Node(*t)))))
    }
    fn deserialize_struct<V: Visitor<'de>>(self, _: &'static str, _: &'static [&'static str], v: V) -> Result<V::Value, Wrong> {
        self.deserialize_map(v)
    }
    fn deserialize_enum<V: Visitor<'de>>(self, name: &'static str, variants: &'static [&'static str], v: V) -> Result<V::Value, Wrong> {
        let (_, tree) = self.0.first().ok_or_else(|| Wrong("there is no path parameter".into()))?;
        de::Deserializer::deserialize_enum(crate::de::Node(*tree), name, variants, v)
    }
}

impl<T: Any + Send + Sync> FromRequest for Inject<T> {
    fn declare(route: &mut Declaration<'_>) -> Result<(), Error> {
        route.inject.push((std::any::TypeId::of::<T>(), std::any::type_name::<T>()));
        Ok(())
    }
    fn from_request(request: &Request) -> Result<Self, Error> {
        let found = request.dependencies().into_iter().find_map(|v| v.downcast::<T>().ok());
        found.map(Inject).ok_or_else(|| Error::Convert(format!("no dependency of this request is a {}", std::any::type_name::<T>())))
    }
}

// ---- handlers

/// An async function that answers requests: its arguments are what it takes of them, in any order.
pub trait Handler<Args>: Send + Sync + 'static {
    #[doc(hidden)]
    fn declare(route: &mut Declaration<'_>) -> Result<(), Error>;
    #[doc(hidden)]
    fn handle(&self, request: Request) -> crate::handling::BoxFuture<Result<Response, Failure>>;
}

macro_rules! handler {
    ($($arg:ident)*) => {
        #[allow(non_snake_case, unused_variables)]
        impl<F, Fut, R, $($arg,)*> Handler<($($arg,)*)> for F
        where
            F: Fn($($arg),*) -> Fut + Send + Sync + 'static,
            Fut: Future<Output = R> + Send + 'static,
            R: IntoResponse + 'static,
            $($arg: FromRequest + 'static,)*
        {
            fn declare(route: &mut Declaration<'_>) -> Result<(), Error> {
                $($arg::declare(route)?;)*
                Ok(())
            }
            fn handle(&self, request: Request) -> crate::handling::BoxFuture<Result<Response, Failure>> {
                $(let $arg = match $arg::from_request(&request) {
                    Ok(value) => value,
                    Err(e) => return Box::pin(std::future::ready(Err(e.into()))),
                };)*
                let work = self($($arg),*);
                Box::pin(async move { work.await.into_response() })
            }
        }
    };
}
handler! {}
handler! { A }
handler! { A B }
handler! { A B C }
handler! { A B C D }
handler! { A B C D E }
handler! { A B C D E G }
handler! { A B C D E G H }
handler! { A B C D E G H I }

// ---- hooks

/// A request in a hook, and the answer as it is so far.
#[derive(Clone)]
pub struct Draft {
    request: Request,
    pub(crate) state: Arc<std::sync::Mutex<DraftState>>,
}

#[derive(Default)]
pub(crate) struct DraftState {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub context: HashMap<String, Value>,
    pub set: Vec<(String, String)>,
    pub append: Vec<(String, String)>,
    pub failure: Option<Arc<Failure>>,
}

impl Draft {
    pub(crate) fn new(request: Request, state: DraftState) -> Draft {
        Draft { request, state: Arc::new(std::sync::Mutex::new(state)) }
    }
    /// Status of the answer; 0 before there is one.
    pub fn status(&self) -> u16 {
        lock(&self.state).status
    }
    /// The header lines of the answer so far, names in lower case.
    pub fn response_headers(&self) -> Vec<(String, String)> {
        lock(&self.state).headers.clone()
    }
    /// What hooks have set, this one included.
    pub fn context(&self) -> Value {
        let mut out = self.request.context();
        for (name, value) in &lock(&self.state).context {
            out.set(name, value);
        }
        out
    }
    /// Keeps a value for what comes after: `Request::context`.
    pub fn set(&self, name: &str, value: impl Into<Value>) {
        lock(&self.state).context.insert(name.into(), value.into());
    }
    /// Sets a header of whatever is answered.
    pub fn set_header(&self, name: impl Into<String>, value: impl Into<String>) {
        lock(&self.state).set.push((name.into(), value.into()));
    }
    /// Adds to a header of whatever is answered.
    pub fn append_header(&self, name: impl Into<String>, value: impl Into<String>) {
        lock(&self.state).append.push((name.into(), value.into()));
    }
    /// Why the handler failed, in `Phase::OnError`.
    pub fn failure(&self) -> Option<Arc<Failure>> {
        lock(&self.state).failure.clone()
    }
}

impl std::ops::Deref for Draft {
    type Target = Request;
    fn deref(&self) -> &Request {
        &self.request
    }
}
