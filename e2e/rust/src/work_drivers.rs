//! The operations of a case on brokers, tasks, schedules, events and telemetry.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use spikard::{CloudEvents, Cron, Failure, Message, Messaging, Result, RunningConsumer, RunningWorker, TaskRun, Tasks, Telemetry, Value};
use tokio::task::JoinHandle;

use crate::drivers::{service, setting, Doing, Driver, Schema};
use crate::scripts::{Handled, Script};
use crate::toolbox::url;
use crate::values::{bytes, not_built, only, some_text, some_u32, span, text, unique};

type Stopping = Vec<JoinHandle<Result<(bool, u64)>>>;

/// Waits by the clock: a millisecond at a time, so that it moves as far as what stops needs.
async fn wait_stopped(stopping: &mut Stopping) -> Result<Value> {
    let (mut drained, mut unfinished) = (true, 0);
    for one in stopping.drain(..) {
        while !one.is_finished() {
            spikard::sleep(Duration::from_millis(1)).await?;
        }
        let (all, left) = one.await??;
        drained &= all;
        unfinished += left;
    }
    Ok(Value::object().with("drained", drained).with("unfinished", unfinished))
}

fn known(handled: &HashMap<String, Arc<Handled>>, name: &str) -> Result<Arc<Handled>> {
    handled.get(name).cloned().ok_or_else(|| Failure::new(format!("there is no {name:?}")))
}

// ---- messaging

#[derive(Default)]
pub struct MessagingDriver {
    backend: String,
    m: Messaging,
    consumers: HashMap<String, RunningConsumer>,
    handled: HashMap<String, Arc<Handled>>,
    stopping: Stopping,
}

impl MessagingDriver {
    async fn start(&mut self, args: &Value) -> Result<()> {
        let keys = "name topic group handler max_retries dead_letter backoff ack_wait_ms handler_timeout_ms max_concurrency ordered start_from";
        only(args, keys, "start_consumer")?;
        let script = Script::new(args.get("handler"))?;
        let done = Arc::new(Handled::default());
        let name = text(args.get("name"));
        let handled = done.clone();
        let handler = move |m: Message| {
            let (script, handled) = (script.clone(), handled.clone());
            async move {
                let headers = Value::Object(m.headers.iter().map(|(n, v)| (n.clone(), Value::from(v))).collect());
                let what = Value::object().with("payload", m.payload.as_slice()).with("headers", headers).with("delivery_count", m.delivery_count);
                handled.run(script.next(&String::from_utf8_lossy(&m.payload)), what).await.map(|_| ())
            }
        };
        let running = self.m.consume(name, text(args.get("topic")), handler, |o| {
            let o = o.group(some_text(args.get("group"))).concurrency(some_u32(args.get("max_concurrency"))).ordered(args.get("ordered").as_bool());
            let o = o.max_retries(some_u32(args.get("max_retries"))).backoff(args.get("backoff")).dead_letter(args.get("dead_letter").as_str());
            o.ack_wait(span(args.get("ack_wait_ms"))).handler_timeout(span(args.get("handler_timeout_ms"))).start_from(some_text(args.get("start_from")))
        });
        self.consumers.insert(name.into(), running.await?);
        self.handled.insert(name.into(), done);
        Ok(())
    }

    fn taken(&mut self, name: &str) -> Result<RunningConsumer> {
        self.consumers.remove(name).ok_or_else(|| Failure::new(format!("there is no consumer {name:?}")))
    }

    async fn go(&mut self, op: &str, args: &Value) -> Result<Value> {
        let consumer = text(args.get("consumer"));
        Ok(match op {
            "publish" => {
                only(args, "topic payload key headers", "publish")?;
                let (topic, payload) = (text(args.get("topic")), args.get("payload"));
                let publish = match (payload.member("$text"), payload) {
                    (Some(t), _) if payload.members().len() == 1 => self.m.publish(topic, text(t)),
                    (_, Value::Text(_) | Value::Bytes(_) | Value::Null) => self.m.publish(topic, bytes(payload)),
                    (_, other) => self.m.send(topic, other),
                };
                let headers = args.get("headers").members().iter().map(|(n, v)| (n.clone(), text(v).to_string()));
                publish.key(args.get("key").as_str()).headers(headers).await?;
                Value::Null
            }
            "start_consumer" => {
                self.start(args).await?;
                Value::Null
            }
            "stop_consumer" => {
                self.taken(consumer)?.stop(|o| o).await?;
                Value::Null
            }
            "kill_consumer" => {
                known(&self.handled, consumer)?.kill();
                self.taken(consumer)?.kill().await?;
                Value::Null
            }
            "expect_handled" => known(&self.handled, consumer)?.list().into(),
            "max_in_flight" => known(&self.handled, consumer)?.most().into(),
            "expect_dead_letters" => self.m.list_dead_letters(text(args.get("topic"))).payloads(true).await?.messages,
            "shutdown_begin" => {
                for (_, running) in self.consumers.drain() {
                    let limit = span(args.get("drain_timeout_ms"));
                    // Of no scope: shutdown_wait waits for it.
                    self.stopping.push(tokio::spawn(async move {
                        let r = running.stop(|o| o.drain_timeout(limit)).await?;
                        Ok((r.drained, r.unfinished))
                    }));
                }
                Value::Null
            }
            "shutdown_wait" => wait_stopped(&mut self.stopping).await?,
            "metric" if text(args.get("name")) == "messages_dropped" => self.m.stats().await?.messages_dropped.into(),
            "topic_match" => self.m.topic_match(text(args.get("style")), text(args.get("pattern")), text(args.get("topic"))).await?.into(),
            _ => return Err(not_built(format!("op {op}"))),
        })
    }
}

impl Driver for MessagingDriver {
    fn services(&mut self, config: &Value, folder: &str) -> Result<Value> {
        only(config, "backend", "messaging")?;
        self.backend = text(config.get("backend")).into();
        let name = format!("fixture_rust_{}_{}", std::process::id(), unique());
        let mut schemes = vec![("memory", "memory:".to_string()), ("sqlite", format!("sqlite:{folder}/test.db"))];
        if let Some(at) = setting("NATS_URL") {
            schemes.push(("nats", format!("{at}?storage=memory&stream={name}")));
        }
        if let Some(at) = setting("MQTT_URL") {
            schemes.push(("mqtt", format!("{at}?session_expiry_s=60&prefix={name}/")));
        }
        if let Some(at) = setting("KAFKA_URL") {
            schemes.push(("kafka", format!("{at}?prefix={name}.")));
        }
        let mut client = Value::object().with("url", url(config.get("backend"), &schemes)?);
        if self.backend == "mqtt" {
            client.set("store", format!("sqlite:{folder}/deliveries.db"));
        }
        Ok(service("messaging", client))
    }
    fn run<'a>(&'a mut self, op: &'a str, args: &'a Value) -> Doing<'a, Result<Value>> {
        Box::pin(self.go(op, args))
    }
    fn close(&mut self) -> Doing<'_, ()> {
        Box::pin(async {
            for (_, running) in self.consumers.drain() {
                let _ = running.kill().await;
            }
        })
    }
    fn capabilities(&self) -> &'static [&'static str] {
        match self.backend.as_str() {
            "kafka" | "nats" => &["replay", "real_time"],
            "mqtt" => &[],
            _ => &["replay"],
        }
    }
    fn real_time(&self) -> bool {
        matches!(self.backend.as_str(), "kafka" | "nats")
    }
}

// ---- tasks

#[derive(Default)]
pub struct TasksDriver {
    t: Tasks,
    schema: Option<Schema>,
    workers: HashMap<String, RunningWorker>,
    handled: HashMap<String, Arc<Handled>>,
    schedulers: Vec<String>,
    stopping: Stopping,
}

/// Milliseconds since the epoch as RFC 3339 text.
fn instant(ms: i64) -> String {
    let (days, rest) = (ms.div_euclid(86_400_000), ms.rem_euclid(86_400_000));
    // Days since 0000-03-01, in eras of 400 years.
    let z = days + 719_468;
    let (era, of_era) = (z.div_euclid(146_097), z.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (seconds, fraction) = (rest / 1000, rest % 1000);
    let fraction = if fraction == 0 { String::new() } else { format!(".{fraction:03}") };
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}{fraction}Z", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

impl TasksDriver {
    async fn start_worker(&mut self, args: &Value) -> Result<()> {
        only(args, "name queue handler max_concurrency lease_ms", "start_worker")?;
        let script = Script::new(args.get("handler"))?;
        let done = Arc::new(Handled::default());
        let name = text(args.get("name"));
        let handled = done.clone();
        let handler = move |run: TaskRun| {
            let (script, handled) = (script.clone(), handled.clone());
            async move {
                let what = Value::object().with("task", &run.name).with("attempt", run.attempt);
                handled.run(script.next(&run.name), what).await
            }
        };
        let queue = some_text(args.get("queue")).unwrap_or("default");
        let running = self.t.work(name, queue, handler, |o| {
            o.concurrency(some_u32(args.get("max_concurrency"))).lease(span(args.get("lease_ms"))).tasks(args.get("handler").get("known"))
        });
        self.workers.insert(name.into(), running.await?);
        self.handled.insert(name.into(), done);
        Ok(())
    }

    async fn start_scheduler(&mut self, name: &str) -> Result<()> {
        let name = if name.is_empty() { "default" } else { name };
        if !self.schedulers.iter().any(|s| s == name) {
            self.schedulers.push(name.into());
            self.t.start_scheduler().name(name).await?;
        }
        Ok(())
    }

    async fn go(&mut self, op: &str, args: &Value) -> Result<Value> {
        let worker = text(args.get("worker"));
        let own = |name: &str| some_text(args.get(name));
        Ok(match op {
            "enqueue" => {
                only(args, "queue task args delay_ms run_at priority max_attempts backoff timeout_ms unique_key", "enqueue")?;
                let put = self.t.enqueue(text(args.get("task"))).queue(own("queue")).args(args.get("args")).run_at(args.get("run_at"));
                let put = put.backoff(args.get("backoff")).unique_key(own("unique_key")).priority(args.get("priority").as_i64().map(|n| n as i32));
                let put = put.max_attempts(some_u32(args.get("max_attempts"))).delay(span(args.get("delay_ms"))).timeout(span(args.get("timeout_ms")));
                let r = put.await?;
                Value::object().with("id", r.id).with("created", r.created)
            }
            "start_worker" => {
                self.start_worker(args).await?;
                Value::Null
            }
            "kill_worker" => {
                known(&self.handled, worker)?.kill();
                let running = self.workers.remove(worker).ok_or_else(|| Failure::new(format!("there is no worker {worker:?}")))?;
                running.kill().await?;
                Value::Null
            }
            "expect_runs" => known(&self.handled, worker)?.list().into(),
            "max_in_flight" => known(&self.handled, worker)?.most().into(),
            "cancellations_seen" => known(&self.handled, worker)?.cancellations().into(),
            "job" => {
                let job = self.t.job(text(args.get("id"))).await?;
                let out = Value::object().with("id", job.id).with("queue", job.queue).with("task", job.task).with("args", job.args).with("state", job.state);
                let out = out.with("priority", job.priority).with("attempt", job.attempt).with("max_attempts", job.max_attempts).with("result", job.result);
                let out = out.with("error", job.error).with("error_code", job.error_code).with("schedule", job.schedule).with("unique_key", job.unique_key);
                out.with("progress", job.progress).with("worker", job.worker).with("batch", job.batch)
            }
            "retry_job" => self.t.retry(text(args.get("id"))).await?.into(),
            "cancel" => self.t.cancel(text(args.get("id"))).await?.into(),
            "pending_count" => self.t.pending_count().queue(own("queue")).await?.into(),
            "schedule" => {
                only(args, "name cron timezone queue task misfire overlap instance", "schedule")?;
                let schedule = self.t.schedule(text(args.get("name")), text(args.get("cron")), text(args.get("task")));
                schedule.timezone(own("timezone")).queue(own("queue")).misfire(own("misfire")).overlap(own("overlap")).await?;
                self.start_scheduler(text(args.get("instance"))).await?;
                Value::Null
            }
            "start_scheduler" => {
                self.start_scheduler("").await?;
                Value::Null
            }
            "stop_scheduler" => {
                for name in std::mem::take(&mut self.schedulers) {
                    self.t.stop_scheduler().name(name.as_str()).await?;
                }
                Value::Null
            }
            "expect_scheduled" => {
                let jobs = self.t.list().schedule(text(args.get("name"))).limit(1000).await?;
                jobs.list().iter().map(|job| job.get("scheduled_at").as_i64().map(instant).into()).collect::<Vec<Value>>().into()
            }
            "shutdown_begin" => {
                for (_, running) in self.workers.drain() {
                    let limit = span(args.get("drain_timeout_ms"));
                    // Of no scope: shutdown_wait waits for it.
                    self.stopping.push(tokio::spawn(async move {
                        let r = running.stop(|o| o.timeout(limit)).await?;
                        Ok((r.drained, r.unfinished))
                    }));
                }
                Value::Null
            }
            "shutdown_wait" => wait_stopped(&mut self.stopping).await?,
            _ => return Err(not_built(format!("op {op}"))),
        })
    }
}

impl Driver for TasksDriver {
    fn services(&mut self, config: &Value, folder: &str) -> Result<Value> {
        only(config, "backend clock", "tasks")?;
        let mut services = Value::object();
        let mut schemes = vec![("memory", "memory:".to_string()), ("sqlite", format!("sqlite:{folder}/test.db"))];
        if let ("postgres", Some(server)) = (text(config.get("backend")), setting("POSTGRES_URL")) {
            let (schema, at) = Schema::new();
            self.schema = Some(schema);
            schemes.push(("postgres", at));
            services = service("db", Value::object().with("url", server));
        }
        let client = Value::object().with("url", url(config.get("backend"), &schemes)?);
        Ok(services.with("tasks", Value::object().with("default", client)))
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
            for (_, running) in self.workers.drain() {
                let _ = running.kill().await;
            }
            if let Some(schema) = &self.schema {
                schema.drop().await;
            }
        })
    }
}

// ---- cron, cloudevents, telemetry

pub struct PlainDriver;

impl PlainDriver {
    async fn go(&mut self, op: &str, args: &Value) -> Result<Value> {
        let own = |name: &str| some_text(args.get(name));
        Ok(match op {
            "next" => {
                only(args, "expr timezone after count", "next")?;
                let next = Cron::default().next(text(args.get("expr"))).timezone(own("timezone")).after(args.get("after"));
                next.count(some_u32(args.get("count"))).await?.into()
            }
            "encode" => {
                only(args, "event binding mode key_mapper", "encode")?;
                let encode = CloudEvents::default().encode(args.get("event")).binding(own("binding")).mode(own("mode"));
                let r = encode.key_mapper(own("key_mapper")).await?;
                let mut out = Value::object().with("body", r.body).with("property_prefix", r.property_prefix).with("has_body", r.has_body);
                for (name, value) in [("headers", r.headers), ("properties", r.properties), ("content_type", r.content_type), ("key", r.key)] {
                    if !value.is_null() {
                        out.set(name, value);
                    }
                }
                out
            }
            "decode" => {
                only(args, "binding headers properties content_type body", "decode")?;
                let decode = CloudEvents::default().decode().binding(own("binding")).headers(args.get("headers")).properties(args.get("properties"));
                let r = decode.content_type(args.get("content_type").as_str()).body(bytes(args.get("body"))).await?;
                r.events.list().first().cloned().unwrap_or_default()
            }
            "parse_traceparent" => Telemetry::default().parse_traceparent(text(args.get("value"))).await?,
            "parse_tracestate" => Telemetry::default().parse_tracestate(args.get("values")).await?,
            "parse_baggage" => Telemetry::default().parse_baggage(args.get("values")).await?,
            _ => return Err(not_built(format!("op {op}"))),
        })
    }
}

impl Driver for PlainDriver {
    fn run<'a>(&'a mut self, op: &'a str, args: &'a Value) -> Doing<'a, Result<Value>> {
        Box::pin(self.go(op, args))
    }
}
