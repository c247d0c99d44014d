//! The operations of a case on caches, stores and databases.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use spikard::{detail, Cache, Database, Error, Failure, Kind, Result, Storage, ToParam, Transaction, Value};

use crate::toolbox::url;
use crate::values::{bytes, not_built, only, some_text, some_u32, span, text, unique, whole, without};
use crate::work_drivers::{MessagingDriver, PlainDriver, TasksDriver};

pub type Doing<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One client of a case.
pub trait Driver: Send {
    fn services(&mut self, _config: &Value, _folder: &str) -> Result<Value> {
        Ok(Value::object())
    }
    fn open(&mut self) -> Doing<'_, Result<()>> {
        Box::pin(async { Ok(()) })
    }
    fn run<'a>(&'a mut self, op: &'a str, args: &'a Value) -> Doing<'a, Result<Value>>;
    fn close(&mut self) -> Doing<'_, ()> {
        Box::pin(async {})
    }
    fn capabilities(&self) -> &'static [&'static str] {
        &[]
    }
    fn real_time(&self) -> bool {
        false
    }
}

pub fn setting(name: &str) -> Option<String> {
    std::env::var(format!("SPIKARD_TEST_{name}")).ok().filter(|v| !v.is_empty())
}

fn there(name: &str) -> bool {
    setting(&format!("{}_URL", name.to_uppercase())).is_some()
}

pub fn backends(subsystem: &str) -> Result<Vec<String>> {
    let (own, servers): (&[&str], &[(&str, &str)]) = match subsystem {
        "cache" => (&["memory"], &[("redis", "redis"), ("redis", "tiered")]),
        "storage" => (&["memory", "fs"], &[("s3", "s3"), ("gcs", "gcs"), ("azblob", "azblob")]),
        "db" => (&["sqlite"], &[("postgres", "postgres")]),
        "messaging" => (&["memory", "sqlite"], &[("kafka", "kafka"), ("mqtt", "mqtt"), ("nats", "nats")]),
        "tasks" => (&["memory", "sqlite"], &[("postgres", "postgres")]),
        "cron" | "cloudevents" | "telemetry" => (&[], &[]),
        _ => return Err(not_built(format!("client {subsystem}"))),
    };
    let servers = servers.iter().filter(|(server, _)| there(server)).map(|(_, backend)| *backend);
    Ok(own.iter().copied().chain(servers).map(String::from).collect())
}

pub fn driver(name: &str) -> Result<Box<dyn Driver>> {
    Ok(match name {
        "cache" => Box::new(CacheDriver(Cache::default())),
        "storage" => Box::new(StorageDriver(Storage::default())),
        "db" => Box::<DbDriver>::default(),
        "messaging" => Box::<MessagingDriver>::default(),
        "tasks" => Box::<TasksDriver>::default(),
        "cron" | "cloudevents" | "telemetry" => Box::new(PlainDriver),
        _ => return Err(not_built(format!("client {name}"))),
    })
}

pub fn service(group: &str, client: Value) -> Value {
    Value::object().with(group, Value::object().with("default", client))
}

// ---- cache

struct CacheDriver(Cache);

/// `ttl_ms: null` is no time limit.
macro_rules! living {
    ($call:expr, $args:expr) => {
        $call.ttl(span($args.get("ttl_ms"))).forever($args.member("ttl_ms").filter(|ttl| ttl.is_null()).map(|_| true))
    };
}

async fn loaded(load: Value, loads: Arc<AtomicUsize>) -> Result<Option<Vec<u8>>> {
    only(&load, "value fail sleep_ms", "load")?;
    loads.fetch_add(1, Ordering::SeqCst);
    if let Some(ms) = load.get("sleep_ms").as_u64().filter(|ms| *ms > 0) {
        spikard::sleep(Duration::from_millis(ms)).await?;
    }
    match load.member("fail") {
        Some(fail) => Err(Failure::new(text(fail))),
        None => Ok(load.get("value").as_bytes().map(|b| b.to_vec())),
    }
}

impl CacheDriver {
    async fn get_or_load(&self, args: &Value, loads: &Arc<AtomicUsize>) -> Result<Value> {
        let (load, loads) = (args.get("load").clone(), loads.clone());
        let value = self.0.get_or_load_with(text(args.get("key")), || loaded(load, loads), |o| living!(o, args)).await?;
        Ok(value.into())
    }

    async fn go(&mut self, op: &str, args: &Value) -> Result<Value> {
        let c = &self.0;
        let key = text(args.get("key"));
        Ok(match op {
            "get" => c.get(key).await?.into(),
            "set" => {
                living!(c.set(key, bytes(args.get("value"))), args).await?;
                Value::Null
            }
            "delete" => c.delete(key).await?.into(),
            "exists" => c.exists(key).await?.into(),
            "count" => c.count().await?.into(),
            "clear" => {
                c.clear().await?;
                Value::Null
            }
            "get_many" => Value::List(c.get_many(args.get("keys").list().iter().map(text)).await?.into_iter().map(Value::from).collect()),
            "set_many" => {
                let items = args.get("items").members().iter().map(|(name, value)| (name, bytes(value)));
                living!(c.set_many(items), args).await?;
                Value::Null
            }
            "set_if_absent" => living!(c.set_if_absent(key, bytes(args.get("value"))), args).await?.into(),
            "delete_if" => c.delete_if(key, bytes(args.get("equals"))).await?.into(),
            "increment" => c.increment(key).by(args.get("by").as_i64()).await?.into(),
            "touch" => living!(c.touch(key), args).await?.into(),
            "ttl" => c.ttl(key).await?.map(|left| left.as_millis() as u64).into(),
            "use_namespace" => {
                self.0 = Cache::default().namespaced(text(args.get("namespace")));
                Value::Null
            }
            "get_or_load" => {
                let loads = Arc::default();
                let value = self.get_or_load(args, &loads).await?;
                Value::object().with("value", value).with("loaded", loads.load(Ordering::SeqCst) > 0)
            }
            "get_or_load_concurrent" => {
                let loads: Arc<AtomicUsize> = Arc::default();
                let callers: Vec<_> = (0..whole(args.get("callers")))
                    .map(|_| {
                        let (driver, args, loads) = (CacheDriver(self.0.clone()), args.clone(), loads.clone());
                        spikard::spawn(async move { driver.get_or_load(&args, &loads).await })
                    })
                    .collect();
                let mut values = Vec::new();
                let mut failed = None;
                for caller in callers {
                    match caller.await? {
                        Ok(value) => values.push(value),
                        Err(e) => failed = Some(e),
                    }
                }
                if let Some(e) = failed {
                    return Err(e);
                }
                Value::object().with("values", values).with("loads", loads.load(Ordering::SeqCst))
            }
            _ => return Err(not_built(format!("op {op}"))),
        })
    }
}

impl Driver for CacheDriver {
    fn services(&mut self, config: &Value, _: &str) -> Result<Value> {
        only(config, "backend default_ttl_ms max_entries", "cache")?;
        let mut schemes = vec![("memory", "memory:".to_string())];
        if let Some(redis) = setting("REDIS_URL") {
            let own = format!("{redis}?prefix=e2e:{}", unique());
            schemes.push(("tiered", format!("tiered+{own}")));
            schemes.push(("redis", own));
        }
        let at = url(config.get("backend"), &schemes)?;
        Ok(service("cache", without(config, "backend").with("url", at)))
    }
    fn run<'a>(&'a mut self, op: &'a str, args: &'a Value) -> Doing<'a, Result<Value>> {
        Box::pin(self.go(op, args))
    }
}

// ---- storage

struct StorageDriver(Storage);

/// A pattern, repeated, in pieces; it gives up after some of it.
struct Pieces {
    repeat: Vec<u8>,
    at: usize,
    size: usize,
    piece: usize,
    abort_after: Option<usize>,
}

fn gave_up() -> Failure {
    Error::operation(Kind::Cancelled, detail::STORAGE_ABORTED, "the writer gave up").into()
}

impl futures_core::Stream for Pieces {
    type Item = Result<Vec<u8>>;
    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.abort_after.is_some_and(|after| self.at >= after) {
            return Poll::Ready(Some(Err(gave_up())));
        }
        let n = self.piece.min(self.size - self.at);
        if n == 0 {
            return Poll::Ready(None);
        }
        let out = (self.at..self.at + n).map(|i| self.repeat[i % self.repeat.len()]).collect();
        self.at += n;
        Poll::Ready(Some(Ok(out)))
    }
}

impl StorageDriver {
    async fn go(&mut self, op: &str, args: &Value) -> Result<Value> {
        let s = &self.0;
        let key = text(args.get("key"));
        let own = |name: &str| args.get(name).as_str();
        Ok(match op {
            "write" => {
                only(args, "key data content_type cache_control content_disposition metadata if_none_match if_match", "write")?;
                let write = s.write(key, bytes(args.get("data"))).content_type(own("content_type")).cache_control(own("cache_control"));
                let write = write.content_disposition(own("content_disposition")).metadata(args.get("metadata"));
                write.if_match(own("if_match")).if_none_match(own("if_none_match")).await?;
                Value::Null
            }
            "write_stream" => {
                let pattern = args.get("pattern");
                let pieces = Pieces {
                    repeat: text(pattern.get("repeat")).into(),
                    at: 0,
                    size: whole(pattern.get("bytes")) as usize,
                    piece: whole(args.get("piece")) as usize,
                    abort_after: args.get("abort_after").as_u64().map(|n| n as usize),
                };
                s.write_stream(key).send(pieces).await?;
                Value::Null
            }
            "read" => {
                only(args, "key offset length suffix if_match if_none_match", "read")?;
                let number = |name: &str| args.get(name).as_u64();
                let read = s.read(key).offset(number("offset")).length(number("length")).suffix(number("suffix"));
                read.if_match(own("if_match")).if_none_match(own("if_none_match")).await?.data.into()
            }
            "stat" => s.stat(key).await?,
            "exists" => s.exists(key).await?.into(),
            "delete" => {
                s.delete(key).await?;
                Value::Null
            }
            "copy" => {
                s.copy(text(args.get("source")), text(args.get("target"))).await?;
                Value::Null
            }
            "list" => {
                only(args, "prefix delimiter start_after limit token", "list")?;
                let list = s.list().prefix(own("prefix")).delimiter(own("delimiter")).start_after(own("start_after"));
                let page = list.limit(some_u32(args.get("limit"))).token(own("token")).await?;
                Value::object().with("entries", page.entries).with("prefixes", page.prefixes).with("next", page.next)
            }
            "plan_upload" => {
                only(
                    args,
                    "key size part_bytes content_type cache_control content_disposition metadata if_match if_none_match origin expires_s",
                    "plan_upload",
                )?;
                let plan = s.plan_upload(key, args.get("size").as_u64().unwrap_or_default()).part_bytes(args.get("part_bytes").as_u64());
                let plan = plan.content_type(own("content_type")).cache_control(own("cache_control")).content_disposition(own("content_disposition"));
                let plan = plan.metadata(args.get("metadata")).if_match(own("if_match")).if_none_match(own("if_none_match")).origin(own("origin"));
                let r = plan.expires_s(some_u32(args.get("expires_s"))).await?;
                let out = Value::object().with("upload", r.upload).with("key", r.key).with("parts", r.parts).with("ordered", r.ordered);
                out.with("expires_at", r.expires_at)
            }
            "complete_upload" => {
                only(args, "key upload etags", "complete_upload")?;
                let complete = s.complete_upload(key, text(args.get("upload")));
                match args.member("etags") {
                    Some(etags) => complete.etags(etags.list().iter().map(text)).await?,
                    None => complete.await?,
                }
            }
            "abort_upload" => {
                s.abort_upload(key, text(args.get("upload"))).await?;
                Value::Null
            }
            "presign" => s.presign(text(args.get("method")), key).expires_s(some_u32(args.get("expires_s"))).await?.url.into(),
            _ => return Err(not_built(format!("op {op}"))),
        })
    }
}

impl Driver for StorageDriver {
    fn services(&mut self, config: &Value, folder: &str) -> Result<Value> {
        let kind = text(config.get("backend"));
        let need = |name: &str| setting(name).unwrap_or_default();
        if config.member("bucket").is_none() && matches!(kind, "s3" | "gcs" | "azblob") {
            only(config, "backend", "storage")?;
            let place = format!("/e2e-{}", unique());
            let (at, own) = match kind {
                "s3" => {
                    let own = Value::object().with("endpoint", need("S3_URL")).with("addressing", "path").with("access_key", need("S3_ACCESS_KEY"));
                    (need("S3_BUCKET"), own.with("secret_key", need("S3_SECRET_KEY")))
                }
                "gcs" => (need("GCS_BUCKET"), Value::object().with("endpoint", need("GCS_URL")).with("anonymous", true)),
                _ => {
                    let own = Value::object().with("endpoint", need("AZBLOB_URL")).with("account", need("AZBLOB_ACCOUNT"));
                    (need("AZBLOB_CONTAINER"), own.with("account_key", need("AZBLOB_KEY")))
                }
            };
            let mut client = Value::object().with("url", format!("{kind}://{at}{place}")).with(kind, own);
            if kind == "gcs" {
                client.set("presign", Value::object().with("secret", "of the tokens"));
            }
            return Ok(service("storage", client));
        }
        if kind == "s3" {
            only(config, "backend bucket region endpoint addressing access_key secret_key clock", "storage")?;
            let own = without(config, "backend bucket clock");
            return Ok(service("storage", Value::object().with("url", format!("s3://{}", text(config.get("bucket")))).with("s3", own)));
        }
        only(config, "backend", "storage")?;
        let at = url(config.get("backend"), &[("memory", "memory:".into()), ("fs", format!("file:{folder}/objects"))])?;
        Ok(service("storage", Value::object().with("url", at)))
    }
    fn run<'a>(&'a mut self, op: &'a str, args: &'a Value) -> Doing<'a, Result<Value>> {
        Box::pin(self.go(op, args))
    }
    fn capabilities(&self) -> &'static [&'static str] {
        &["metadata", "conditional_write", "uploads"]
    }
}

// ---- db

/// A schema of the case's own on the real server.
pub struct Schema(String);

impl Schema {
    pub fn new() -> (Schema, String) {
        let name = format!("spikard_e2e_{}", unique());
        let server = setting("POSTGRES_URL").unwrap_or_default();
        let separator = if server.contains('?') { "&" } else { "?" };
        let at = format!("{server}{separator}options=-csearch_path%3D{name}");
        (Schema(name), at)
    }
    pub async fn create(&self) -> Result<()> {
        Database::default().execute(&format!("CREATE SCHEMA {}", self.0), ()).await?;
        Ok(())
    }
    pub async fn drop(&self) {
        // A case may have closed the database.
        let _ = Database::default().execute(&format!("DROP SCHEMA {} CASCADE", self.0), ()).await;
    }
}

#[derive(Default)]
struct DbDriver {
    db: Database,
    schema: Option<Schema>,
    open: HashMap<String, Transaction>,
}

/// A SQL parameter in Rust's own types.
fn sql_parameter(value: &Value) -> Value {
    match value.members() {
        [(kind, given)] if kind == "$int64" => text(given).parse::<i64>().map_or(value.clone(), |n| n.to_param()),
        [(kind, given)] if kind == "$decimal" => spikard::Decimal(text(given).into()).to_param(),
        [(kind, given)] if kind == "$timestamp" => spikard::Timestamp(text(given).into()).to_param(),
        _ => value.to_param(),
    }
}

fn sql_parameters(args: &Value) -> Value {
    match args.get("params") {
        Value::List(list) => Value::List(list.iter().map(sql_parameter).collect()),
        Value::Object(members) => Value::Object(members.iter().map(|(n, v)| (n.clone(), sql_parameter(v))).collect()),
        _ => Value::Null,
    }
}

fn scope_failed(message: &str) -> Failure {
    Error::operation(Kind::Internal, detail::DB_SCOPE_FAILED, message).into()
}

fn is_scope(e: &Failure) -> bool {
    e.downcast_ref::<Error>().is_some_and(|e| e.detail() == detail::DB_SCOPE_FAILED)
}

fn body(tx: Transaction, statements: Vec<Value>) -> Doing<'static, Result<()>> {
    Box::pin(async move {
        for s in statements {
            if let Some(fail) = s.member("fail") {
                return Err(scope_failed(text(fail)));
            }
            if let Some(nested) = s.member("nested") {
                let nested = nested.list().to_vec();
                match tx.savepoint(|inner| body(inner, nested)).await {
                    Err(e) if !(is_scope(&e) && s.get("swallow").as_bool() == Some(true)) => return Err(e),
                    _ => continue,
                }
            }
            tx.execute(text(s.get("sql")), sql_parameters(&s)).await?;
        }
        Ok(())
    })
}

impl DbDriver {
    async fn go(&mut self, op: &str, args: &Value) -> Result<Value> {
        let name = text(args.get("tx"));
        let on = match self.open.get(name) {
            Some(tx) => (**tx).clone(),
            None => self.db.statements(),
        };
        let transaction = || self.open.get(name).cloned().ok_or_else(|| Failure::new(format!("no transaction {name:?}")));
        Ok(match op {
            "execute" => Value::object().with("affected", on.execute(text(args.get("sql")), sql_parameters(args)).await?),
            "query" => {
                let rows = on.query(text(args.get("sql")), sql_parameters(args)).await?;
                let form = |column: &str| rows.columns.iter().position(|c| c == column).and_then(|i| rows.types.get(i)).map(String::as_str);
                let own = |(name, value): &(String, Value)| {
                    let value = match (form(name), value) {
                        (Some("decimal"), Value::Text(t) | Value::Number(t)) => Value::object().with("$decimal", t),
                        (Some("timestamp"), Value::Text(t)) => Value::object().with("$timestamp", t),
                        _ => value.clone(),
                    };
                    (name.clone(), value)
                };
                let all: Vec<Value> = rows.rows.list().iter().map(|row| Value::Object(row.members().iter().map(own).collect())).collect();
                Value::object().with("rows", all).with("columns", rows.columns.clone())
            }
            "begin" => {
                only(args, "tx isolation read_only", "begin")?;
                let begun = self.db.begin_with(|o| o.isolation(some_text(args.get("isolation"))).read_only(args.get("read_only").as_bool())).await?;
                self.open.insert(name.into(), begun);
                Value::Null
            }
            "commit" => {
                transaction()?.commit().await?;
                Value::Null
            }
            "rollback" => {
                transaction()?.rollback().await?;
                Value::Null
            }
            "drop_transaction" => {
                drop(on);
                self.open.remove(name); // the last of it: it is rolled back
                Value::Null
            }
            "transaction" => {
                let statements = args.get("body").list().to_vec();
                self.db.transaction(|tx| body(tx, statements)).await?;
                Value::Null
            }
            "close" => {
                self.db.close().await?;
                Value::Null
            }
            _ => return Err(not_built(format!("op {op}"))),
        })
    }
}

impl Driver for DbDriver {
    fn services(&mut self, config: &Value, folder: &str) -> Result<Value> {
        only(config, "driver pool", "db")?;
        let mut schemes = vec![("sqlite", format!("sqlite:{folder}/test.db"))];
        if text(config.get("driver")) == "postgres" && there("postgres") {
            let (schema, at) = Schema::new();
            self.schema = Some(schema);
            schemes.push(("postgres", at));
        }
        let mut client = Value::object().with("url", url(config.get("driver"), &schemes)?);
        if let Some(pool) = config.member("pool") {
            client.set("pool", pool);
        }
        Ok(service("db", client))
    }
    fn open(&mut self) -> Doing<'_, Result<()>> {
        Box::pin(async {
            match &self.schema {
                Some(schema) => schema.create().await,
                None => Ok(()),
            }
        })
    }
    fn run<'a>(&'a mut self, op: &'a str, args: &'a Value) -> Doing<'a, Result<Value>> {
        Box::pin(self.go(op, args))
    }
    fn close(&mut self) -> Doing<'_, ()> {
        Box::pin(async {
            let open = std::mem::take(&mut self.open);
            if let Some(schema) = &self.schema {
                for tx in open.values() {
                    let _ = tx.rollback().await;
                }
                schema.drop().await;
            }
        })
    }
}
