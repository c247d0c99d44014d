//! The clients of the toolbox, as they are used.

use std::future::Future;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::Serialize;

use crate::app::App;
use crate::call::{Call, Client, Reply};
use crate::clients::*;
use crate::error::{Error, Failure};
use crate::handling::{place, Caught};
use crate::manifest;
use crate::nodes::Value;
use crate::port::Port;
use crate::response::{Response, Served};
use crate::sys;

macro_rules! clients {
    ($($(#[$doc:meta])* $name:ident $client:ident $group:literal;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name($client);

        impl $name {
            /// The client of this name in `services`. It may be kept anywhere: each use goes to the application whose handler calls, or that runs.
            pub fn named(name: &str) -> $name {
                $name($client { client: Client::new($group, name) })
            }
        }

        impl Default for $name {
            fn default() -> Self {
                $name::named("default")
            }
        }

        impl Deref for $name {
            type Target = $client;
            fn deref(&self) -> &$client {
                &self.0
            }
        }
    )* };
}
clients! {
    /// A cache. Values are bytes.
    Cache CacheClient "cache";
    /// A store of objects.
    Storage StorageClient "storage";
    /// A database. `?`, `$1` and `:name` are placeholders on all of them.
    Database DatabaseClient "db";
    /// A message broker.
    Messaging MessagingClient "messaging";
    /// A store of tasks.
    Tasks TasksClient "tasks";
    /// What cron expressions mean.
    Cron CronClient "cron";
    /// Sends events where `services.events` says, and reads and writes messages of them.
    CloudEvents CloudEventsClient "cloudevents";
    /// Metrics of the application's own, and what became of its telemetry.
    Telemetry TelemetryClient "telemetry";
}

impl App {
    /// A cache for the application's code, with its configuration in the manifest.
    pub fn cache(&mut self, config: manifest::CacheConfig) -> Cache {
        self.configured("cache", "default", config);
        Cache::default()
    }
    pub fn storage(&mut self, config: manifest::StorageConfig) -> Storage {
        self.configured("storage", "default", config);
        Storage::default()
    }
    pub fn database(&mut self, config: manifest::DbConfig) -> Database {
        self.configured("db", "default", config);
        Database::default()
    }
    pub fn messaging(&mut self, config: manifest::MessagingConfig) -> Messaging {
        self.configured("messaging", "default", config);
        Messaging::default()
    }
    pub fn tasks(&mut self, config: manifest::TasksConfig) -> Tasks {
        self.configured("tasks", "default", config);
        Tasks::default()
    }
    pub fn cloudevents(&mut self, config: manifest::EventSender) -> CloudEvents {
        self.configured("events", "default", config);
        CloudEvents::default()
    }
    /// A further client: `app.add_client("cache", "sessions", CacheConfig {..})`, then `Cache::named("sessions")`.
    pub fn add_client(&mut self, group: &str, name: &str, config: impl Serialize) -> &mut App {
        self.configured(group, name, config);
        self
    }
}

// ---- cache

impl Cache {
    /// The same cache with keys that are other keys than those of another namespace.
    pub fn namespaced(&self, namespace: &str) -> Cache {
        let mut out = self.clone();
        out.0.client.namespace = Some(namespace.into());
        out
    }

    /// The value, loaded when it is not there. One caller loads a key at a time, the others wait for it. None: there is nothing to find.
    pub async fn get_or_load<F, Fut>(&self, key: &str, load: F) -> Result<Option<Vec<u8>>, Failure>
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<Option<Vec<u8>>, Failure>> + Send + 'static,
    {
        self.get_or_load_with(key, load, |o| o).await
    }

    /// `get_or_load` with options.
    pub async fn get_or_load_with<F, Fut>(
        &self,
        key: &str,
        load: F,
        options: impl FnOnce(CacheGetOrBeginLoad) -> CacheGetOrBeginLoad,
    ) -> Result<Option<Vec<u8>>, Failure>
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<Option<Vec<u8>>, Failure>> + Send + 'static,
    {
        let cache = self.clone();
        let begin = options(self.get_or_begin_load(key)).0;
        let late = move |port: Arc<Port>, r: &Reply| {
            if let Some(flight) = r.uint("flight") {
                cache.end_load(flight, "given_up").0.tell(&port);
            }
        };
        let reply = Reply::of(begin.begin(Some(late))?.await)?;
        let flight = reply.uint("flight");
        match (reply.text("state").as_deref(), flight) {
            (Some("value"), None) => Ok(reply.bytes("value")),
            (Some("value"), Some(flight)) => {
                let flight = Flight::new(self, flight)?;
                crate::handling::spawn(async move { flight.load(load()).await });
                Ok(reply.bytes("value"))
            }
            (_, Some(flight)) => Flight::new(self, flight)?.load(load()).await,
            (_, None) => Err(Failure::new("a load without a flight")),
        }
    }
}

/// A load in progress: dropped, it is given up.
struct Flight {
    cache: Cache,
    port: Arc<Port>,
    number: u64,
    over: bool,
}

impl Flight {
    fn new(cache: &Cache, number: u64) -> Result<Flight, Error> {
        Ok(Flight { cache: cache.clone(), port: place()?.0, number, over: false })
    }

    async fn load(mut self, load: impl Future<Output = Result<Option<Vec<u8>>, Failure>> + Send) -> Result<Option<Vec<u8>>, Failure> {
        let loaded = Caught(Box::pin(load)).await;
        let end = match &loaded {
            Ok(Some(value)) => self.cache.end_load(self.number, "value").value(value),
            Ok(None) => self.cache.end_load(self.number, "absent"),
            Err(e) => self.cache.end_load(self.number, "failed").message(e.to_string().as_str()),
        };
        let ended = end.await;
        self.over = true;
        Ok(ended?)
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if !self.over {
            self.cache.end_load(self.number, "given_up").0.tell(&self.port);
        }
    }
}

// ---- storage

/// What is known of an object.
#[derive(Clone, Debug, Default, PartialEq, serde::Deserialize, Serialize)]
#[serde(default)]
pub struct Object {
    pub key: String,
    pub size: u64,
    pub etag: Option<String>,
    /// Milliseconds since the epoch.
    pub last_modified: i64,
    pub content_type: Option<String>,
    pub cache_control: Option<String>,
    pub content_disposition: Option<String>,
    pub metadata: Option<std::collections::BTreeMap<String, String>>,
}

impl Storage {
    /// What is known of an object.
    pub async fn object(&self, key: &str) -> Result<Object, Error> {
        self.stat(key).await?.decode()
    }

    /// The objects below a prefix, page by page: `while let Some(object) = all.next().await? {}`.
    pub fn all(&self, prefix: &str) -> Objects {
        Objects { storage: self.clone(), prefix: prefix.into(), page: Vec::new().into_iter(), token: None, over: false }
    }

    /// An object as the answer of a handler, with ETag, conditions and ranges; one that is not there is a 404. Its bytes do not come to Rust.
    pub fn serve(&self, key: &str) -> Response {
        let mut call = Call::new(&self.client, sys::SPK_OP_STORAGE_READ_STREAM);
        call.text("key", key);
        Response { served: Some(Served { call, status: 0 }), ..Default::default() }
    }

    /// Stores the body of a request, which the handler has not read, and answers 201.
    pub fn accept(&self, key: &str) -> Response {
        let mut call = Call::new(&self.client, sys::SPK_OP_STORAGE_WRITE_STREAM);
        call.text("key", key);
        Response { served: Some(Served { call, status: 201 }), ..Default::default() }
    }
}

/// The objects of a store, page by page.
pub struct Objects {
    storage: Storage,
    prefix: String,
    page: std::vec::IntoIter<Object>,
    token: Option<String>,
    over: bool,
}

impl Objects {
    pub async fn next(&mut self) -> Result<Option<Object>, Error> {
        loop {
            if let Some(object) = self.page.next() {
                return Ok(Some(object));
            }
            if self.over {
                return Ok(None);
            }
            let page = self.storage.list().prefix(self.prefix.as_str()).token(self.token.as_deref()).await?;
            self.page = page.entries.decode::<Vec<Object>>()?.into_iter();
            self.token = page.next;
            self.over = self.token.is_none();
        }
    }
}

// ---- messaging

impl Messaging {
    /// Publishes a value as JSON; `publish` takes bytes as they are.
    pub fn send(&self, topic: &str, value: &(impl Serialize + ?Sized)) -> MessagingPublish {
        match Value::of(value) {
            Ok(value) => self.publish(topic, value.to_json()),
            Err(_) => {
                let mut call = Call::new(&self.client, sys::SPK_OP_MESSAGING_PUBLISH);
                call.any("payload", value); // with what is wrong with it
                MessagingPublish(call)
            }
        }
    }
}

// ---- databases

/// An exact number as its text: "1.10".
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Decimal(pub String);

/// An instant as RFC 3339 text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Timestamp(pub String);

macro_rules! texts {
    ($($name:ident)*) => { $(
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(&self.0)
            }
        }
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                match Value::deserialize(d)? {
                    Value::Text(text) | Value::Number(text) => Ok($name(text)),
                    Value::Int(n) => Ok($name(n.to_string())),
                    Value::Uint(n) => Ok($name(n.to_string())),
                    Value::Float(n) => Ok($name(n.to_string())),
                    other => Err(serde::de::Error::custom(format!("{other} is no number"))),
                }
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    )* };
}
texts! { Decimal Timestamp }

/// A parameter of a statement, in the forms of docs/reference/operations.md#db.
pub trait ToParam {
    fn to_param(&self) -> Value;
}

macro_rules! plain_params {
    ($($t:ty)*) => { $(impl ToParam for $t { fn to_param(&self) -> Value { Value::from(*self) } })* };
}
plain_params! { bool i8 i16 i32 i64 u8 u16 u32 u64 usize &str &[u8] }

impl ToParam for f64 {
    fn to_param(&self) -> Value {
        let name = match self {
            n if n.is_nan() => "NaN",
            n if *n == f64::INFINITY => "Infinity",
            n if *n == f64::NEG_INFINITY => "-Infinity",
            n => return Value::Float(*n),
        };
        Value::object().with("$float", name)
    }
}
impl ToParam for String {
    fn to_param(&self) -> Value {
        Value::from(self)
    }
}
impl ToParam for Vec<u8> {
    fn to_param(&self) -> Value {
        Value::from(self.as_slice())
    }
}
impl ToParam for Decimal {
    fn to_param(&self) -> Value {
        Value::object().with("$decimal", &self.0)
    }
}
impl ToParam for Timestamp {
    fn to_param(&self) -> Value {
        Value::object().with("$timestamp", &self.0)
    }
}
impl<T: Serialize> ToParam for crate::Json<T> {
    fn to_param(&self) -> Value {
        Value::object().with("$json", Value::of(&self.0).unwrap_or_default())
    }
}
impl ToParam for Value {
    /// As it stands: a form, or a plain value.
    fn to_param(&self) -> Value {
        self.clone()
    }
}
impl<T: ToParam> ToParam for Option<T> {
    fn to_param(&self) -> Value {
        self.as_ref().map_or(Value::Null, ToParam::to_param)
    }
}
impl<T: ToParam> ToParam for &T {
    fn to_param(&self) -> Value {
        (**self).to_param()
    }
}

/// The parameters of a statement: `()`, a tuple, a slice, or [`named`] ones.
pub trait Params {
    fn params(self) -> Value;
}

impl Params for Value {
    fn params(self) -> Value {
        self
    }
}
impl<T: ToParam> Params for Vec<T> {
    fn params(self) -> Value {
        Value::List(self.iter().map(ToParam::to_param).collect())
    }
}
impl<T: ToParam> Params for &[T] {
    fn params(self) -> Value {
        Value::List(self.iter().map(ToParam::to_param).collect())
    }
}
impl Params for () {
    fn params(self) -> Value {
        Value::Null
    }
}
macro_rules! tuple_params {
    ($($t:ident)*) => {
        #[allow(non_snake_case)]
        impl<$($t: ToParam),*> Params for ($($t,)*) {
            fn params(self) -> Value {
                let ($($t,)*) = self;
                Value::List(vec![$($t.to_param()),*])
            }
        }
    };
}
tuple_params! { A }
tuple_params! { A B }
tuple_params! { A B C }
tuple_params! { A B C D }
tuple_params! { A B C D E }
tuple_params! { A B C D E F }
tuple_params! { A B C D E F G }
tuple_params! { A B C D E F G H }

/// Parameters by name, for `:name` in a statement.
pub fn named<'a>(params: impl IntoIterator<Item = (&'a str, &'a dyn ToParam)>) -> Value {
    Value::Object(params.into_iter().map(|(name, value)| (name.to_string(), value.to_param())).collect())
}

/// The rows of a query as they came.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    pub columns: Vec<String>,
    /// The type of each column: `decimal`, `timestamp` and so on, where it is known.
    pub types: Vec<String>,
    /// A list of objects by the names of the columns.
    pub rows: Value,
}

impl Rows {
    /// All of them as a type, by the names of its fields.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<Vec<T>, Error> {
        self.rows.decode()
    }
}

/// A database or a transaction: where statements run.
#[derive(Clone, Debug)]
pub struct Statements {
    client: Database,
    transaction: Option<u64>,
}

impl Statements {
    /// The rows of a statement.
    pub async fn query(&self, sql: &str, params: impl Params) -> Result<Rows, Error> {
        let r = self.client.0.query(sql).params(params.params()).transaction(self.transaction).await?;
        Ok(Rows { columns: r.columns, types: r.types, rows: r.rows })
    }

    /// The rows of a statement as a type.
    pub async fn rows<T: DeserializeOwned>(&self, sql: &str, params: impl Params) -> Result<Vec<T>, Error> {
        self.query(sql, params).await?.decode()
    }

    /// The first row as a type.
    pub async fn first<T: DeserializeOwned>(&self, sql: &str, params: impl Params) -> Result<Option<T>, Error> {
        let r = self.client.0.first(sql).params(params.params()).transaction(self.transaction).await?;
        if r.row.is_null() {
            return Ok(None);
        }
        r.row.decode().map(Some)
    }

    /// The first column of the first row.
    pub async fn scalar<T: DeserializeOwned>(&self, sql: &str, params: impl Params) -> Result<Option<T>, Error> {
        let r = self.client.0.first(sql).params(params.params()).transaction(self.transaction).await?;
        r.row.members().first().map(|(_, value)| value.decode()).transpose()
    }

    /// Runs a statement; how many rows it matched.
    pub async fn execute(&self, sql: &str, params: impl Params) -> Result<u64, Error> {
        self.client.0.execute(sql).params(params.params()).transaction(self.transaction).await
    }

    /// Runs one statement once for each set of parameters, all of it or nothing; how many rows it matched.
    pub async fn batch(&self, sql: &str, sets: impl IntoIterator<Item = impl Params>) -> Result<u64, Error> {
        let sets: Vec<Value> = sets.into_iter().map(Params::params).collect();
        self.client.0.batch(sql, sets).transaction(self.transaction).await
    }

    /// The rows one by one, read from the database as they are taken: `while let Some(row) = rows.next().await? {}`.
    pub fn stream<T: DeserializeOwned>(&self, sql: &str, params: impl Params) -> RowStream<T> {
        RowStream { on: self.clone(), start: Some((sql.into(), params.params())), cursor: None, page: Vec::new().into_iter() }
    }
}

/// Rows one by one. Dropped before the end, it is closed.
pub struct RowStream<T> {
    on: Statements,
    start: Option<(String, Value)>,
    cursor: Option<(Arc<Port>, u64)>,
    page: std::vec::IntoIter<T>,
}

impl<T: DeserializeOwned> RowStream<T> {
    pub async fn next(&mut self) -> Result<Option<T>, Error> {
        if let Some((sql, params)) = self.start.take() {
            let open = self.on.client.0.open_cursor(&sql).params(params).transaction(self.on.transaction).0;
            let client = self.on.client.clone();
            let port = place()?.0;
            let late = move |port: Arc<Port>, r: &Reply| client.0.close_cursor(r.uint("cursor").unwrap_or_default()).0.tell(&port);
            let reply = Reply::of(open.begin(Some(late))?.await)?;
            self.cursor = Some((port, reply.uint("cursor").unwrap_or_default()));
        }
        loop {
            if let Some(row) = self.page.next() {
                return Ok(Some(row));
            }
            let Some((_, cursor)) = self.cursor else { return Ok(None) };
            let page = self.on.client.0.fetch(cursor).await?;
            if page.done {
                self.cursor = None;
            }
            self.page = page.rows.decode::<Vec<T>>()?.into_iter();
        }
    }
}

impl<T> Drop for RowStream<T> {
    fn drop(&mut self) {
        if let Some((port, cursor)) = self.cursor.take() {
            self.on.client.0.close_cursor(cursor).0.tell(&port);
        }
    }
}

impl Database {
    pub fn statements(&self) -> Statements {
        Statements { client: self.clone(), transaction: None }
    }
    /// The rows of a statement.
    pub async fn query(&self, sql: &str, params: impl Params) -> Result<Rows, Error> {
        self.statements().query(sql, params).await
    }
    /// The rows of a statement as a type.
    pub async fn rows<T: DeserializeOwned>(&self, sql: &str, params: impl Params) -> Result<Vec<T>, Error> {
        self.statements().rows(sql, params).await
    }
    /// The first row as a type.
    pub async fn first<T: DeserializeOwned>(&self, sql: &str, params: impl Params) -> Result<Option<T>, Error> {
        self.statements().first(sql, params).await
    }
    /// The first column of the first row.
    pub async fn scalar<T: DeserializeOwned>(&self, sql: &str, params: impl Params) -> Result<Option<T>, Error> {
        self.statements().scalar(sql, params).await
    }
    /// Runs a statement; how many rows it matched.
    pub async fn execute(&self, sql: &str, params: impl Params) -> Result<u64, Error> {
        self.statements().execute(sql, params).await
    }
    /// Runs one statement once for each set of parameters, all of it or nothing; how many rows it matched.
    pub async fn batch(&self, sql: &str, sets: impl IntoIterator<Item = impl Params>) -> Result<u64, Error> {
        self.statements().batch(sql, sets).await
    }
    /// The rows one by one.
    pub fn stream<T: DeserializeOwned>(&self, sql: &str, params: impl Params) -> RowStream<T> {
        self.statements().stream(sql, params)
    }

    /// The rows of a statement as an answer, read from the database no faster than the client takes them; they do not come to Rust.
    pub fn serve(&self, sql: &str, params: impl Params) -> Response {
        let mut call = Call::new(&self.client, sys::SPK_OP_DB_QUERY_STREAM);
        call.text("sql", sql);
        call.any_unless_null("params", &params.params());
        Response { served: Some(Served { call, status: 0 }), ..Default::default() }
    }

    /// Begins a transaction by hand: end it with `commit` or `rollback`. Dropped, it is rolled back.
    pub async fn begin(&self) -> Result<Transaction, Error> {
        self.begin_with(|o| o).await
    }

    /// `begin` with options.
    pub async fn begin_with(&self, options: impl FnOnce(DatabaseBegin) -> DatabaseBegin) -> Result<Transaction, Error> {
        let client = self.clone();
        let port = place()?.0;
        let late = move |port: Arc<Port>, r: &Reply| client.0.rollback(r.uint("transaction").unwrap_or_default()).0.tell(&port);
        let reply = Reply::of(options(self.0.begin()).0.begin(Some(late))?.await)?;
        let number = reply.uint("transaction").unwrap_or_default();
        Ok(Transaction(Arc::new(Open {
            on: Statements { client: self.clone(), transaction: Some(number) },
            number,
            nested: false,
            ended: AtomicBool::new(false),
            port,
        })))
    }

    /// Runs a function in a transaction: it commits when the function succeeds, and rolls back when it fails, panics or is dropped.
    /// `db.transaction(|tx| async move { tx.execute("...", ()).await?; Ok(()) }).await?`
    pub async fn transaction<T, F, Fut>(&self, body: F) -> Result<T, Failure>
    where
        F: FnOnce(Transaction) -> Fut,
        Fut: Future<Output = Result<T, Failure>>,
    {
        let tx = self.begin().await?;
        tx.run(body).await
    }
}

/// A transaction, or a nested scope of one. Statements, tasks, messages and invalidations in it happen together or not at all.
#[derive(Clone)]
pub struct Transaction(Arc<Open>);

struct Open {
    on: Statements,
    number: u64,
    nested: bool,
    ended: AtomicBool,
    port: Arc<Port>,
}

impl Drop for Open {
    fn drop(&mut self) {
        if !self.ended.load(Ordering::SeqCst) {
            self.on.client.0.rollback(self.number).savepoint(self.nested).0.tell(&self.port);
        }
    }
}

impl Deref for Transaction {
    type Target = Statements;
    fn deref(&self) -> &Statements {
        &self.0.on
    }
}

impl Transaction {
    async fn run<T, F, Fut>(self, body: F) -> Result<T, Failure>
    where
        F: FnOnce(Transaction) -> Fut,
        Fut: Future<Output = Result<T, Failure>>,
    {
        let result = body(self.clone()).await;
        if self.0.ended.load(Ordering::SeqCst) {
            return result;
        }
        match result {
            Ok(value) => {
                self.commit().await?;
                Ok(value)
            }
            Err(e) => {
                // What it failed with is told, whatever becomes of the way back.
                let _ = self.rollback().await;
                Err(e)
            }
        }
    }

    /// How operations of other clients name it (their option `transaction`).
    pub fn number(&self) -> u64 {
        self.0.number
    }

    /// Ends it, and keeps what it did.
    pub async fn commit(&self) -> Result<(), Error> {
        let result = self.0.on.client.0.commit(self.0.number).savepoint(self.0.nested).await;
        if result.is_err() {
            let _ = self.rollback().await;
        }
        self.0.ended.store(true, Ordering::SeqCst);
        result.map(|_| ())
    }

    /// Ends it, and undoes what it did.
    pub async fn rollback(&self) -> Result<(), Error> {
        let result = self.0.on.client.0.rollback(self.0.number).savepoint(self.0.nested).await;
        self.0.ended.store(true, Ordering::SeqCst);
        result.map(|_| ())
    }

    /// Runs a function in a nested scope, which may fail while the transaction goes on.
    pub async fn savepoint<T, F, Fut>(&self, body: F) -> Result<T, Failure>
    where
        F: FnOnce(Transaction) -> Fut,
        Fut: Future<Output = Result<T, Failure>>,
    {
        self.0.on.client.0.savepoint(self.0.number).await?;
        let port = self.0.port.clone();
        let nested = Transaction(Arc::new(Open { on: self.0.on.clone(), number: self.0.number, nested: true, ended: AtomicBool::new(false), port }));
        Box::pin(nested.run(body)).await
    }

    /// Publishes a value as JSON when the transaction commits (outbox).
    pub fn publish(&self, messaging: &Messaging, topic: &str, value: &(impl Serialize + ?Sized)) -> MessagingPublish {
        messaging.send(topic, value).transaction(self.number())
    }

    /// Deletes keys from a cache when the transaction commits.
    pub fn invalidate(&self, cache: &Cache, keys: impl IntoIterator<Item = impl AsRef<str>>) -> CacheInvalidate {
        cache.invalidate().keys(keys).transaction(self.number())
    }

    /// Notes (source, id); false when it was there: what this transaction does was done before.
    pub async fn inbox(&self, source: &str, id: &str) -> Result<bool, Error> {
        self.0.on.client.0.inbox(self.number(), source, id).await
    }
}

impl Transaction {
    #[doc(hidden)]
    pub fn statements(&self) -> &Statements {
        &self.0.on
    }
}
