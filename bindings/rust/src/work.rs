//! Handlers of messages, tasks, schedules and events.

use std::collections::BTreeMap;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::atomic::Ordering;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::Serialize;

use crate::app::App;
use crate::clients::{MessagingStartConsumer, MessagingStopConsumer, TasksEnqueue, TasksStartWorker, TasksStopWorker};
use crate::error::{fatal, Error, Failure, FailureKind};
use crate::handling::{lock, place, BoxFuture, Ended, Handling};
use crate::manifest;
use crate::nodes::{Builder, Value};
use crate::port::command;
use crate::request::schema_of;
use crate::runtime::{Runtime, Work};
use crate::toolbox::{Messaging, Tasks, Transaction};
use crate::{sys, Json};

pub(crate) type ConsumerFn = Arc<dyn Fn(Message) -> BoxFuture<Result<(), Failure>> + Send + Sync>;
pub(crate) type TaskFn = Arc<dyn Fn(TaskRun) -> BoxFuture<Result<Option<String>, Failure>> + Send + Sync>;
pub(crate) type EventFn = Arc<dyn Fn(CloudEvent) -> BoxFuture<Result<Option<CloudEvent>, Failure>> + Send + Sync>;

// ---- what handlers get

/// A message in hand.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    pub topic: String,
    pub payload: Vec<u8>,
    pub key: Option<String>,
    pub headers: BTreeMap<String, String>,
    /// Counts every delivery, this one included.
    pub delivery_count: u32,
    /// Those that were used up before.
    pub tries: u32,
    pub published: SystemTime,
    pub traceparent: Option<String>,
}

impl Message {
    /// The payload, from JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        Value::from_json(&self.payload)?.decode()
    }
}

/// A run of a task.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskRun {
    pub name: String,
    /// JSON text.
    pub args: Vec<u8>,
    /// Counts the first run; one that a shutdown interrupted does not count.
    pub attempt: u32,
    pub id: String,
    pub queue: String,
    pub headers: BTreeMap<String, String>,
    pub enqueued: SystemTime,
    /// The time of the schedule that this job stands for.
    pub scheduled_at: Option<SystemTime>,
    /// The run's fencing token.
    pub lease: u64,
    client: String,
}

impl TaskRun {
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        if self.args.is_empty() {
            return Value::Null.decode();
        }
        Value::from_json(&self.args)?.decode()
    }

    /// What others see of this run (`Tasks::job`).
    pub async fn progress(&self, value: impl Serialize) -> Result<(), Error> {
        Tasks::named(&self.client).progress(&self.id, self.lease, value).await.map(|_| ())
    }

    /// Whether this run still holds its job: to ask before what cannot be undone. Leases are renewed without it.
    pub async fn heartbeat(&self) -> Result<bool, Error> {
        Tasks::named(&self.client).heartbeat(&self.id, self.lease).await
    }
}

/// An event: its attributes and data.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CloudEvent {
    pub id: String,
    pub source: String,
    pub r#type: String,
    pub subject: Option<String>,
    pub time: Option<String>,
    pub datacontenttype: Option<String>,
    pub dataschema: Option<String>,
    /// 1.0 when it is empty.
    pub specversion: String,
    /// All attributes that the specification does not name.
    pub extensions: Vec<(String, Value)>,
    /// Any JSON, or bytes; None for none.
    pub data: Option<Value>,
}

impl CloudEvent {
    pub fn new(id: impl Into<String>, source: impl Into<String>, r#type: impl Into<String>) -> CloudEvent {
        CloudEvent { id: id.into(), source: source.into(), r#type: r#type.into(), ..Default::default() }
    }

    pub fn data(mut self, data: impl Serialize) -> Result<CloudEvent, Error> {
        self.data = Some(Value::of(&data)?);
        Ok(self)
    }

    /// The data as a type.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, Error> {
        self.data.clone().unwrap_or_default().decode()
    }

    /// The event in the JSON format; bytes stay bytes in `data`.
    pub fn to_value(&self) -> Value {
        let mut out = Value::object().with("specversion", if self.specversion.is_empty() { "1.0" } else { &self.specversion });
        for (name, text) in [("id", &self.id), ("source", &self.source), ("type", &self.r#type)] {
            if !text.is_empty() {
                out.set(name, text);
            }
        }
        for (name, text) in [("subject", &self.subject), ("time", &self.time), ("datacontenttype", &self.datacontenttype), ("dataschema", &self.dataschema)] {
            if let Some(text) = text {
                out.set(name, text);
            }
        }
        for (name, value) in &self.extensions {
            out.set(name, value);
        }
        if let Some(data) = &self.data {
            out.set("data", data);
        }
        out
    }

    /// An event from the JSON format, bytes as bytes in `data`.
    pub fn from_value(plain: &Value) -> CloudEvent {
        let mut e = CloudEvent::default();
        for (name, value) in plain.members() {
            let text = || value.as_str().map(String::from);
            match name.as_str() {
                "specversion" => e.specversion = text().unwrap_or_default(),
                "id" => e.id = text().unwrap_or_default(),
                "source" => e.source = text().unwrap_or_default(),
                "type" => e.r#type = text().unwrap_or_default(),
                "subject" => e.subject = text(),
                "time" => e.time = text(),
                "datacontenttype" => e.datacontenttype = text(),
                "dataschema" => e.dataschema = text(),
                "data" => e.data = Some(value.clone()),
                _ => e.extensions.push((name.clone(), value.clone())),
            }
        }
        e
    }
}

impl Serialize for CloudEvent {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        self.to_value().serialize(s)
    }
}

/// What a consumer can take of a message.
pub trait FromMessage: Sized + Send + 'static {
    /// The schema that the core checks payloads against before the handler runs; what does not fit goes to the dead letters.
    fn schema() -> Option<Value> {
        None
    }
    fn from_message(message: Message) -> Result<Self, Failure>;
}

impl FromMessage for Message {
    fn from_message(message: Message) -> Result<Self, Failure> {
        Ok(message)
    }
}
impl FromMessage for Vec<u8> {
    fn from_message(message: Message) -> Result<Self, Failure> {
        Ok(message.payload)
    }
}
impl FromMessage for String {
    fn from_message(message: Message) -> Result<Self, Failure> {
        String::from_utf8(message.payload).map_err(fatal)
    }
}
impl<T: DeserializeOwned + JsonSchema + Send + 'static> FromMessage for Json<T> {
    fn schema() -> Option<Value> {
        Some(schema_of::<T>())
    }
    fn from_message(message: Message) -> Result<Self, Failure> {
        message.json().map(Json).map_err(fatal)
    }
}

/// What a task can take of its run.
pub trait FromTask: Sized + Send + 'static {
    fn from_task(run: TaskRun) -> Result<Self, Failure>;
}

impl FromTask for TaskRun {
    fn from_task(run: TaskRun) -> Result<Self, Failure> {
        Ok(run)
    }
}
impl<T: DeserializeOwned + Send + 'static> FromTask for Json<T> {
    fn from_task(run: TaskRun) -> Result<Self, Failure> {
        run.json().map(Json).map_err(|e| fatal(format!("invalid arguments: {e}")))
    }
}

// ---- handlers of the application

/// The worker of a queue, with its tasks by name; "" is any.
#[derive(Clone)]
pub(crate) struct Queue {
    pub client: String,
    pub name: String,
    pub options: Option<manifest::Worker>,
    pub tasks: Vec<(String, TaskFn)>,
}

/// A path or a topic that events come by.
#[derive(Clone)]
pub(crate) struct Endpoint {
    key: String,
    pub path: bool,
    data: Value,
}

/// What an operation has started: a consumer or a worker.
pub(crate) enum Dynamic {
    Consumer(ConsumerFn),
    Worker(Queue),
}

fn named(name: &Option<String>) -> String {
    name.clone().filter(|n| !n.is_empty()).unwrap_or_else(|| "default".into())
}

fn consumer_fn<T, F, Fut>(handler: F) -> ConsumerFn
where
    T: FromMessage,
    F: Fn(T) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), Failure>> + Send + 'static,
{
    Arc::new(move |message| match T::from_message(message) {
        Ok(payload) => Box::pin(handler(payload)),
        Err(e) => Box::pin(std::future::ready(Err(e))),
    })
}

fn task_fn<T, R, F, Fut>(handler: F) -> TaskFn
where
    T: FromTask,
    R: Serialize + 'static,
    F: Fn(T) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, Failure>> + Send + 'static,
{
    Arc::new(move |run| match T::from_task(run) {
        Ok(args) => {
            let work = handler(args);
            Box::pin(async move {
                let result = Value::of(&work.await?)?;
                Ok((!result.is_null()).then(|| result.to_json()))
            })
        }
        Err(e) => Box::pin(std::future::ready(Err(e))),
    })
}

impl App {
    /// Adds a consumer of messages. It takes a [`Message`], the payload as bytes or text, or [`Json`], which the core checks before the handler runs. `Ok` is done; `nack`, `retry` and
    /// `fatal` say otherwise; any other error comes again after the backoff.
    pub fn consumer<T, F, Fut>(&mut self, topic: &str, handler: F) -> &mut App
    where
        T: FromMessage,
        F: Fn(T) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        self.consumer_with(topic, manifest::Consumer::default(), handler)
    }

    /// `consumer` with options: group, concurrency, order, tries, dead letters.
    pub fn consumer_with<T, F, Fut>(&mut self, topic: &str, mut options: manifest::Consumer, handler: F) -> &mut App
    where
        T: FromMessage,
        F: Fn(T) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        options.topic = topic.into();
        let group = options.group.clone().filter(|g| !g.is_empty());
        if options.name.is_empty() {
            options.name = group.map_or(topic.into(), |group| format!("{topic}.{group}"));
        }
        let client = named(&options.client);
        if let Some(mut data) = self.note(Value::of(&options)) {
            if let (Some(schema), None) = (T::schema(), data.member("schema")) {
                data.set("schema", schema);
            }
            self.service("messaging", &client, None);
            self.consumers.push((data, consumer_fn(handler)));
        }
        self
    }

    /// Adds a task: what it gets is JSON on the way ([`Json`], or the whole [`TaskRun`]), what it returns is the job's result. `retry` comes again without using up an attempt,
    /// `fatal` ends it, any other error is tried again.
    pub fn task<T, R, F, Fut>(&mut self, name: &str, handler: F) -> Task<T>
    where
        T: FromTask,
        R: Serialize + 'static,
        F: Fn(T) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, Failure>> + Send + 'static,
    {
        self.task_in("default", "default", name, handler)
    }

    /// `task` in another queue, or of another client.
    pub fn task_in<T, R, F, Fut>(&mut self, client: &str, queue: &str, name: &str, handler: F) -> Task<T>
    where
        T: FromTask,
        R: Serialize + 'static,
        F: Fn(T) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, Failure>> + Send + 'static,
    {
        let q = self.queue(client, queue);
        let twice = q.tasks.iter().any(|(other, _)| other == name);
        q.tasks.push((name.into(), task_fn(handler)));
        if twice {
            self.note(Err::<(), _>(Error::Config(format!("there are two tasks {name:?} in queue {queue:?}"))));
        }
        Task { name: name.into(), queue: queue.into(), client: client.into(), of: PhantomData }
    }

    fn queue(&mut self, client: &str, name: &str) -> &mut Queue {
        self.service("tasks", client, None);
        let at = self.queues.iter().position(|q| q.client == client && q.name == name).unwrap_or_else(|| {
            self.queues.push(Queue { client: client.into(), name: name.into(), options: None, tasks: Vec::new() });
            self.queues.len() - 1
        });
        &mut self.queues[at]
    }

    /// Sets options of the worker of a queue. Each queue that has a task has one.
    pub fn worker(&mut self, options: manifest::Worker) -> &mut App {
        let (client, queue) = (named(&options.client), named(&options.queue));
        self.queue(&client, &queue).options = Some(options);
        self
    }

    /// Enqueues a task by the clock. Each time makes one job for any number of processes.
    pub fn schedule<T>(&mut self, task: &Task<T>, mut schedule: manifest::Schedule) -> &mut App {
        if schedule.name.is_empty() {
            schedule.name = task.name.clone();
        }
        schedule.task = Some(task.name.clone());
        schedule.queue = Some(task.queue.clone());
        schedule.client = Some(task.client.clone());
        if let Some(data) = self.note(Value::of(&schedule)) {
            self.schedules.push(data);
        }
        self
    }

    fn endpoint(&mut self, path: bool, key: &str, data: Value) -> &mut Endpoint {
        let at = self.endpoints.iter().position(|e| e.path == path && e.key == key).unwrap_or_else(|| {
            self.endpoints.push(Endpoint { key: key.into(), path, data });
            self.endpoints.len() - 1
        });
        &mut self.endpoints[at]
    }

    /// Sets options of a path that takes events: allowed origins, rate, inbox and others.
    pub fn event_endpoint(&mut self, options: manifest::EventEndpoint) -> &mut App {
        if let Some(data) = self.note(Value::of(&options)) {
            self.endpoint(true, &options.path, Value::object()).data.merge(data);
        }
        self
    }

    /// Sets options of a topic whose messages are events.
    pub fn event_consumer(&mut self, options: manifest::EventConsumer) -> &mut App {
        if let Some(data) = self.note(Value::of(&options)) {
            self.service("messaging", &named(&options.consumer.client), None);
            self.endpoint(false, &options.consumer.topic, Value::object()).data.merge(data);
        }
        self
    }

    /// Adds a handler of events that come by HTTP at a path, by type, source and subject of `which` (exact, or with `*`). It may answer with an event; an error is as of a consumer.
    pub fn events_at<F, Fut>(&mut self, path: &str, which: manifest::EventSubscription, handler: F) -> &mut App
    where
        F: Fn(CloudEvent) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Option<CloudEvent>, Failure>> + Send + 'static,
    {
        self.endpoint(true, path, Value::object().with("path", path));
        self.subscribe(true, path, which, Arc::new(move |e| Box::pin(handler(e))))
    }

    /// `events_at` for events that are messages of a topic; `event_consumer` says more of it.
    pub fn events_from<F, Fut>(&mut self, topic: &str, which: manifest::EventSubscription, handler: F) -> &mut App
    where
        F: Fn(CloudEvent) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Option<CloudEvent>, Failure>> + Send + 'static,
    {
        self.service("messaging", "default", None);
        let consumer = Value::object().with("name", format!("events.{topic}")).with("topic", topic);
        self.endpoint(false, topic, Value::object().with("consumer", consumer));
        self.subscribe(false, topic, which, Arc::new(move |e| Box::pin(handler(e))))
    }

    fn subscribe(&mut self, path: bool, key: &str, mut which: manifest::EventSubscription, handler: EventFn) -> &mut App {
        which.handler = self.events.len() as u32;
        if let Some(data) = self.note(Value::of(&which)) {
            self.endpoint(path, key, Value::object()).data.entry("subscriptions").push(data);
            self.events.push(handler);
        }
        self
    }

    pub(crate) fn build_work(&self, m: &mut Value) -> Result<(), Error> {
        for (group, clients) in self.services.members() {
            if !clients.members().is_empty() {
                m.entry("services").set(group, clients);
            }
        }
        for (data, _) in &self.consumers {
            m.entry("consumers").push(data.clone());
        }
        for q in &self.queues {
            if q.tasks.is_empty() {
                return Err(Error::Config(format!("worker: no task is in queue {:?} of tasks client {:?}", q.name, q.client)));
            }
            let mut options = q.options.clone().unwrap_or_default();
            if options.name.is_empty() {
                options.name = if q.client == "default" { q.name.clone() } else { format!("{}.{}", q.client, q.name) };
            }
            options.queue = Some(q.name.clone());
            options.client = Some(q.client.clone());
            let mut data = Value::of(&options)?;
            data.set("tasks", q.tasks.iter().map(|(n, _)| Value::from(n)).collect::<Vec<_>>());
            m.entry("workers").push(data);
        }
        for schedule in &self.schedules {
            m.entry("schedules").push(schedule.clone());
        }
        for endpoint in &self.endpoints {
            m.entry(if endpoint.path { "events" } else { "event_consumers" }).push(endpoint.data.clone());
        }
        Ok(())
    }
}

/// A task of the application: `enqueue` lets a worker run it.
pub struct Task<T> {
    name: String,
    queue: String,
    client: String,
    of: PhantomData<fn(T)>,
}

impl<T> Clone for Task<T> {
    fn clone(&self) -> Self {
        Task { name: self.name.clone(), queue: self.queue.clone(), client: self.client.clone(), of: PhantomData }
    }
}

impl<T> Task<T> {
    pub fn name(&self) -> &str {
        &self.name
    }
    fn put(&self, args: &impl Serialize) -> TasksEnqueue {
        Tasks::named(&self.client).enqueue(&self.name).queue(self.queue.as_str()).args(args)
    }
}

impl<T: Serialize> Task<Json<T>> {
    /// Puts it into its queue; options are methods of what this gives, which does it when it is awaited.
    pub fn enqueue(&self, args: &T) -> TasksEnqueue {
        self.put(args)
    }
    /// Puts it into its queue when the transaction commits.
    pub fn enqueue_in(&self, transaction: &Transaction, args: &T) -> TasksEnqueue {
        self.put(args).transaction(transaction.number())
    }
}

impl Task<TaskRun> {
    /// Puts it into its queue, with any arguments.
    pub fn enqueue(&self, args: &impl Serialize) -> TasksEnqueue {
        self.put(args)
    }
    /// Puts it into its queue when the transaction commits.
    pub fn enqueue_in(&self, transaction: &Transaction, args: &impl Serialize) -> TasksEnqueue {
        self.put(args).transaction(transaction.number())
    }
}

// ---- what runs of it

/// The `route` of what was started by an operation: its `user` says what it is.
const BY_OPERATION: u32 = u32::MAX;

fn instant(ms: i64) -> SystemTime {
    let span = Duration::from_millis(ms.unsigned_abs());
    if ms < 0 {
        UNIX_EPOCH - span
    } else {
        UNIX_EPOCH + span
    }
}

/// What became of it, where it is done.
enum Done {
    Nothing,
    Result(String),
    Event(Box<CloudEvent>),
}

impl Runtime {
    pub(crate) async fn work(&self, work: Work) {
        let h = work.h.clone();
        let ended = match self.code_for(&work) {
            Ok(code) => h.drive(code).await,
            Err(e) => Ended::Result(Err(e)),
        };
        match ended {
            Ended::Result(result) => self.settle(&h, result),
            // Nobody waits for it any more.
            Ended::Cancelled => h.end(sys::spk_cmd { op: sys::SPK_CMD_NACK, flags: sys::SPK_F_REQUEUE, ..command() }, &[], &[]),
        }
    }

    fn code_for(&self, work: &Work) -> Result<BoxFuture<Result<Done, Failure>>, Failure> {
        let record = work.record.as_ref().ok_or_else(|| Failure::new("there is no record"))?;
        let raw = record.record();
        let meta = record.tree(raw.nodes).map(|t| t.value()).unwrap_or_default();
        if work.kind == sys::SPK_EV_CLOUDEVENT {
            let handler = self.plan.events.get(work.route as usize).cloned().ok_or_else(|| Failure::new("there is no such handler"))?;
            let code = handler(CloudEvent::from_value(meta.get("event")));
            return Ok(Box::pin(async move { Ok(code.await?.map_or(Done::Nothing, |e| Done::Event(Box::new(e)))) }));
        }
        let text = |name: &str| meta.get(name).as_str().unwrap_or_default().to_string();
        let traceparent = meta.get("traceparent").as_str().map(String::from);
        lock(&work.h.trace).get_or_insert_with(|| traceparent.clone().unwrap_or_default());
        let headers: BTreeMap<String, String> = record.pairs(raw.meta).map(|(n, v)| (n.to_string(), v.to_string())).collect();
        let dynamic = lock(&self.dynamic).get(&work.user).cloned();
        let enqueued = instant(meta.get("enqueued_ms").as_i64().unwrap_or_default());
        let tries = meta.get("tries").as_u64().unwrap_or_default() as u32;
        let payload = record.view(raw.body).to_vec();
        if work.kind == sys::SPK_EV_MESSAGE {
            let handler = match (work.route, dynamic.as_deref()) {
                (BY_OPERATION, Some(Dynamic::Consumer(handler))) => handler.clone(),
                (BY_OPERATION, _) => return Err(crate::error::nack(true)),
                (route, _) => self.plan.consumers.get(route as usize).cloned().ok_or_else(|| crate::error::nack(true))?,
            };
            let key = meta.get("key").as_str().map(String::from);
            let message = Message { topic: text("name"), payload, key, headers, delivery_count: raw.attempt, tries, published: enqueued, traceparent };
            let code = handler(message);
            return Ok(Box::pin(async move { code.await.map(|()| Done::Nothing) }));
        }
        let static_queue;
        let queue = match (work.route, dynamic.as_deref()) {
            (BY_OPERATION, Some(Dynamic::Worker(queue))) => queue,
            (BY_OPERATION, _) => return Err(crate::error::nack(true)),
            (route, _) => {
                static_queue = self.plan.queues.get(route as usize).cloned().ok_or_else(|| crate::error::nack(true))?;
                &*static_queue
            }
        };
        let run = TaskRun {
            name: text("name"),
            args: payload,
            attempt: tries + 1,
            id: text("id"),
            queue: text("queue"),
            headers,
            enqueued,
            scheduled_at: meta.get("scheduled_at").as_i64().map(instant),
            lease: meta.get("lease").as_u64().unwrap_or_default(),
            client: queue.client.clone(),
        };
        let task = queue.tasks.iter().find(|(name, _)| *name == run.name).or_else(|| queue.tasks.iter().find(|(name, _)| name.is_empty()));
        let (_, task) = task.ok_or_else(|| fatal(format!("there is no task {:?} here", run.name)))?;
        let code = task(run);
        Ok(Box::pin(async move { Ok(code.await?.map_or(Done::Nothing, Done::Result)) }))
    }

    fn settle(&self, h: &Arc<Handling>, result: Result<Done, Failure>) {
        let failure = match result {
            Ok(Done::Nothing) => return h.end(sys::spk_cmd { op: sys::SPK_CMD_ACK, ..command() }, &[], &[]),
            Ok(Done::Result(text)) => return h.end(sys::spk_cmd { op: sys::SPK_CMD_ACK, ..command() }, &[], text.as_bytes()),
            Ok(Done::Event(event)) => {
                let mut b = Builder::default();
                event.to_value().write(&mut b);
                return h.end(sys::spk_cmd { op: sys::SPK_CMD_RESULT, ..command() }, &[], &b.finish());
            }
            Err(failure) => failure,
        };
        let cmd = match &failure.kind {
            FailureKind::Nack { requeue } => sys::spk_cmd { op: sys::SPK_CMD_NACK, flags: if *requeue { sys::SPK_F_REQUEUE } else { 0 }, ..command() },
            FailureKind::Retry(after) => sys::spk_cmd { op: sys::SPK_CMD_RETRY, arg: crate::call::milliseconds(*after), ..command() },
            FailureKind::Fatal(_) => return self.fail(h, failure, sys::SPK_F_FATAL),
            _ => return self.fail(h, failure, 0),
        };
        h.end(cmd, &[], &[]);
    }
}

// ---- what operations start

/// A consumer that `Messaging::consume` has started. It runs until it is stopped.
pub struct RunningConsumer {
    messaging: Messaging,
    runtime: Arc<Runtime>,
    number: u64,
    user: u64,
}

impl Messaging {
    /// Starts a consumer beside those of the application.
    pub async fn consume<T, F, Fut>(
        &self,
        name: &str,
        topic: &str,
        handler: F,
        options: impl FnOnce(MessagingStartConsumer) -> MessagingStartConsumer,
    ) -> Result<RunningConsumer, Error>
    where
        T: FromMessage,
        F: Fn(T) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        let runtime = place()?.0.runtime.clone();
        let user = runtime.works.fetch_add(1, Ordering::Relaxed);
        lock(&runtime.dynamic).insert(user, Arc::new(Dynamic::Consumer(consumer_fn(handler))));
        match options(self.start_consumer(name, topic)).user(user).await {
            Ok(number) => Ok(RunningConsumer { messaging: self.clone(), runtime, number, user }),
            Err(e) => {
                lock(&runtime.dynamic).remove(&user);
                Err(e)
            }
        }
    }
}

impl RunningConsumer {
    /// Takes nothing new, waits for its handlers, hands back what is left.
    pub async fn stop(
        self,
        options: impl FnOnce(MessagingStopConsumer) -> MessagingStopConsumer,
    ) -> Result<crate::clients::MessagingStopConsumerResult, Error> {
        let result = options(self.messaging.stop_consumer(self.number)).await;
        lock(&self.runtime.dynamic).remove(&self.user);
        result
    }

    /// For tests: as if its process had died.
    pub async fn kill(self) -> Result<(), Error> {
        self.messaging.kill_consumer(self.number).await.map(|_| ())
    }
}

/// A worker that `Tasks::work` has started. It runs until it is stopped.
pub struct RunningWorker {
    tasks: Tasks,
    runtime: Arc<Runtime>,
    name: String,
    user: u64,
}

impl Tasks {
    /// Starts a worker beside those of the application, for all tasks of a queue or, by its option `tasks`, for some.
    pub async fn work<T, R, F, Fut>(
        &self,
        name: &str,
        queue: &str,
        handler: F,
        options: impl FnOnce(TasksStartWorker) -> TasksStartWorker,
    ) -> Result<RunningWorker, Error>
    where
        T: FromTask,
        R: Serialize + 'static,
        F: Fn(T) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, Failure>> + Send + 'static,
    {
        let runtime = place()?.0.runtime.clone();
        let user = runtime.works.fetch_add(1, Ordering::Relaxed);
        let works = Queue { client: self.client.name.clone(), name: queue.into(), options: None, tasks: vec![(String::new(), task_fn(handler))] };
        lock(&runtime.dynamic).insert(user, Arc::new(Dynamic::Worker(works)));
        match options(self.start_worker(name)).queue(queue).user(user).await {
            Ok(_) => Ok(RunningWorker { tasks: self.clone(), runtime, name: name.into(), user }),
            Err(e) => {
                lock(&runtime.dynamic).remove(&user);
                Err(e)
            }
        }
    }
}

impl RunningWorker {
    /// Takes nothing new, waits for what runs, hands back what is left.
    pub async fn stop(self, options: impl FnOnce(TasksStopWorker) -> TasksStopWorker) -> Result<crate::clients::TasksStopWorkerResult, Error> {
        let result = options(self.tasks.stop_worker(&self.name)).await;
        lock(&self.runtime.dynamic).remove(&self.user);
        result
    }

    /// For tests: as if its process had died.
    pub async fn kill(self) -> Result<(), Error> {
        self.tasks.kill_worker(&self.name).await.map(|_| ())
    }
}
