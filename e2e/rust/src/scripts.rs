//! Scripts of handlers, and what they have done.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use spikard::{Cancellation, Cause, Failure, Result, Value};
use tokio::sync::Notify;

use crate::values::{not_built, only, text, whole};

/// The nth delivery of a payload, or the nth run of a task, takes the nth entry of its sequence, then the default.
pub struct Script {
    spec: Value,
    taken: Mutex<HashMap<String, usize>>,
}

impl Script {
    pub fn new(spec: &Value) -> Result<Arc<Script>> {
        only(spec, "default known outcomes", "handler")?;
        Ok(Arc::new(Script { spec: spec.clone(), taken: Mutex::default() }))
    }

    pub fn next(&self, name: &str) -> Value {
        let mut outcomes = self.spec.get("outcomes").list().iter();
        if let Some(outcome) = outcomes.find(|o| o.get("payload").as_str() == Some(name) || o.get("task").as_str() == Some(name)) {
            let mut taken = self.taken.lock().unwrap();
            let n = taken.entry(name.into()).or_default();
            *n += 1;
            if let Some(entry) = outcome.get("sequence").list().get(*n - 1) {
                return entry.clone();
            }
        }
        self.spec.get("default").clone()
    }
}

/// What a consumer or worker has done, and how much at once.
#[derive(Default)]
pub struct Handled {
    state: Mutex<State>,
    ended: Notify,
}

#[derive(Default)]
struct State {
    done: Vec<Value>,
    now: i64,
    most: i64,
    cancellations: i64,
    dead: bool,
    active: Vec<(u64, Cancellation)>,
    numbers: u64,
}

/// A run in progress. Dropped before its end, it was cancelled.
struct Run {
    handled: Arc<Handled>,
    number: u64,
    what: Value,
    cancellation: Cancellation,
    over: bool,
}

impl Drop for Run {
    fn drop(&mut self) {
        let mut state = self.handled.state.lock().unwrap();
        state.now -= 1;
        state.active.retain(|(number, _)| *number != self.number);
        if !self.over {
            state.cancellations += 1;
            if self.cancellation.cause() == Some(Cause::Deadline) && !state.dead {
                let done = self.what.clone().with("outcome", "timeout");
                state.done.push(done);
            }
        }
        drop(state);
        self.handled.ended.notify_waiters();
    }
}

impl Handled {
    pub fn list(&self) -> Vec<Value> {
        self.state.lock().unwrap().done.clone()
    }
    pub fn most(&self) -> i64 {
        self.state.lock().unwrap().most
    }
    pub fn cancellations(&self) -> i64 {
        self.state.lock().unwrap().cancellations
    }
    pub fn kill(&self) {
        self.state.lock().unwrap().dead = true;
    }
    fn settled(&self, what: &Value, outcome: &str) {
        self.state.lock().unwrap().done.push(what.clone().with("outcome", outcome));
    }

    /// Those that were cut off just before hear of it first.
    async fn after_those_cut(&self) {
        let cut: Vec<u64> = self.state.lock().unwrap().active.iter().filter(|(_, c)| c.is_cancelled()).map(|(n, _)| *n).collect();
        loop {
            let ended = self.ended.notified();
            if !self.state.lock().unwrap().active.iter().any(|(n, _)| cut.contains(n)) {
                return;
            }
            ended.await;
        }
    }

    pub async fn run(self: &Arc<Self>, mut entry: Value, what: Value) -> Result<Value> {
        self.after_those_cut().await;
        let cancellation = spikard::cancellation();
        let number = {
            let mut state = self.state.lock().unwrap();
            state.now += 1;
            state.most = state.most.max(state.now);
            state.numbers += 1;
            let number = state.numbers;
            state.active.push((number, cancellation.clone()));
            number
        };
        let mut run = Run { handled: self.clone(), number, what: what.clone(), cancellation: cancellation.clone(), over: false };
        while let Some(ms) = entry.get("sleep_ms").as_i64() {
            spikard::sleep(Duration::from_millis(ms as u64)).await?;
            entry = entry.get("then").clone();
        }
        cancellation.check()?;
        run.over = true;
        if self.state.lock().unwrap().dead {
            return Ok(Value::Null);
        }
        if let Some(name) = entry.as_str() {
            if name == "ack" {
                self.settled(&what, "ack");
                return Ok(Value::Null);
            }
            self.settled(&what, "error");
            return Err(Failure::new("the script threw"));
        }
        match entry.members() {
            [(kind, argument)] => {
                let (outcome, result) = match kind.as_str() {
                    "nack" => ("nack", Err(spikard::nack(argument.get("requeue").as_bool().unwrap_or(false)))),
                    "retry" => ("retry", Err(spikard::retry(Duration::from_millis(whole(argument.get("after_ms")) as u64)))),
                    "fatal" => ("fatal", Err(spikard::fatal(text(argument)))),
                    "result" => ("done", Ok(argument.clone())),
                    _ => return Err(not_built(format!("outcome {entry}"))),
                };
                self.settled(&what, outcome);
                result
            }
            _ => Err(not_built(format!("outcome {entry}"))),
        }
    }
}
