//! Spikard: HTTP, messages, tasks, schedules, events, caches, databases and object stores. A C++ core does the work; this crate builds the application from Rust's types and runs
//! its async functions. See docs/guide/rust.md.
//!
//! ```no_run
//! use spikard::{App, Json, Path, Problem, Query, Result};
//!
//! #[derive(serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
//! struct Order {
//!     item: String,
//!     #[schemars(range(min = 1))]
//!     count: u32,
//! }
//!
//! async fn create(Json(order): Json<Order>) -> Result<Json<Order>> {
//!     if order.item == "coffee" {
//!         return Err(Problem::new(409).detail("we are out of coffee").into());
//!     }
//!     Ok(Json(order))
//! }
//!
//! fn main() -> std::process::ExitCode {
//!     let mut app = App::new("orders");
//!     app.post("/orders", create).status(201);
//!     app.get("/hello/{name}", |Path(name): Path<String>| async move { format!("hello {name}") });
//!     app.run()
//! }
//! ```
//!
//! Handlers run in the thread that does the I/O, on a current-thread tokio runtime: everything of tokio works in them, and what blocks goes to `tokio::task::spawn_blocking`.
//! A handler whose client is gone, whose time-out has passed or whose application ends is dropped; [`Cancellation`] tells what outlives it.

mod app;
mod call;
#[path = "_generated/clients.rs"]
#[rustfmt::skip]
pub mod clients;
mod de;
mod error;
#[path = "_generated/errors.rs"]
#[rustfmt::skip]
mod errors;
mod handling;
#[path = "_generated/manifest.rs"]
#[rustfmt::skip]
pub mod manifest;
mod nodes;
mod port;
mod request;
mod response;
mod run;
mod runtime;
mod ser;
mod streams;
#[path = "_generated/sys.rs"]
#[rustfmt::skip]
#[allow(non_camel_case_types)]
pub mod sys;
pub mod telemetry;
pub mod testing;
mod toolbox;
mod work;

pub use app::{App, Dependency, Depends, Made, Phase, Route, Scope};
pub use call::{Pending, Reply, Streaming};
pub use error::{fatal, nack, retry, Cause, Error, Failure, Result};
pub use errors::{detail, Kind, RetryClass};
pub use handling::{addresses, background, cancellation, sleep, spawn, stopping, Cancellation};
pub use nodes::Value;
pub use request::{Bytes, Cookies, Declaration, Draft, Form, FromRequest, Handler, Headers, Inject, Json, Path, Query, Request};
pub use response::{BodyStream, Cookie, Event, IntoResponse, Problem, Response, StreamWriter};
pub use run::Server;
pub use telemetry::Span;
pub use toolbox::{
    named, Cache, CloudEvents, Cron, Database, Decimal, Messaging, Object, Objects, Params, RowStream, Rows, Statements, Storage, Tasks, Telemetry, Timestamp,
    ToParam, Transaction,
};
pub use work::{CloudEvent, FromMessage, FromTask, Message, RunningConsumer, RunningWorker, Task, TaskRun};
