//! Errors: those of the core, why work was cancelled, and what handlers give.

use std::any::Any;
use std::error::Error as StdError;
use std::ffi::c_int;
use std::fmt;
use std::time::Duration;

use crate::errors::{Kind, RetryClass};
use crate::{sys, Problem};

/// What this crate can fail with.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// An operation of the core failed. Branch on `kind`, and on `detail` where that is too coarse (docs/reference/errors.md).
    Operation { kind: Kind, detail: String, retry: RetryClass, message: String },
    /// The application as described cannot be started; the text names the field and what was expected.
    Config(String),
    /// A value does not fit a type of the application's.
    Convert(String),
    /// The client, the time-out or the end of the application has ended what this was part of.
    Cancelled(Cause),
    /// No application runs where a client was used.
    NotRunning,
    /// The port said no: a number of SPK_E_ and its text.
    Port { code: i32, message: String },
}

/// Why the work of a handler was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The application asked for it, or the lease was lost.
    Requested,
    /// The time-out passed.
    Deadline,
    /// The client closed the connection.
    ClientGone,
    /// The drain's time is over.
    Shutdown,
}

impl Error {
    pub(crate) fn port(rc: c_int, what: &str) -> Error {
        let mut text = vec![0u8; 4096];
        // SAFETY: at most so many bytes are written, NUL included.
        let need = unsafe { sys::spk_error(text.as_mut_ptr().cast(), text.len()) };
        text.truncate(need.min(text.len() - 1));
        let mut message = String::from_utf8_lossy(&text).into_owned();
        if message.is_empty() {
            message = format!("{what}: error {} of the port", -rc);
        }
        match -rc {
            sys::SPK_E_CONFIG => Error::Config(message),
            code => Error::Port { code, message },
        }
    }

    /// An error as operations have it, for code that stands in for one.
    pub fn operation(kind: Kind, detail: &str, message: &str) -> Error {
        Error::Operation { kind, detail: detail.into(), retry: RetryClass::from_number(0), message: message.into() }
    }

    /// The kind of an operation's error; what was cancelled is `Cancelled` or `Timeout`.
    pub fn kind(&self) -> Option<Kind> {
        match self {
            Error::Operation { kind, .. } => Some(*kind),
            Error::Cancelled(Cause::Deadline) => Some(Kind::Timeout),
            Error::Cancelled(_) => Some(Kind::Cancelled),
            _ => None,
        }
    }

    /// The finer code of an operation's error; empty for none.
    pub fn detail(&self) -> &str {
        match self {
            Error::Operation { detail, .. } => detail,
            _ => "",
        }
    }

    /// Whether trying again may help.
    pub fn retry(&self) -> Option<RetryClass> {
        match self {
            Error::Operation { retry, .. } => Some(*retry),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Operation { kind, detail, message, .. } if detail.is_empty() => write!(f, "{}: {message}", kind.name()),
            Error::Operation { kind, detail, message, .. } => write!(f, "{}/{detail}: {message}", kind.name()),
            Error::Config(message) | Error::Convert(message) | Error::Port { message, .. } => f.write_str(message),
            Error::Cancelled(cause) => write!(f, "{cause}"),
            Error::NotRunning => f.write_str("no application runs here: use it in a handler, or while the application serves"),
        }
    }
}

impl StdError for Error {}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Cause::Requested => "it was cancelled",
            Cause::Deadline => "the time-out passed",
            Cause::ClientGone => "the client is gone",
            Cause::Shutdown => "the application ends",
        })
    }
}

impl Cause {
    pub(crate) fn of(arg: u64) -> Cause {
        match arg {
            sys::SPK_CANCEL_DEADLINE => Cause::Deadline,
            sys::SPK_CANCEL_CLIENT_GONE => Cause::ClientGone,
            sys::SPK_CANCEL_SHUTDOWN => Cause::Shutdown,
            _ => Cause::Requested,
        }
    }
}

/// Why a handler failed: any error, by `?`. A [`Problem`] is answered as it says, [`nack`], [`retry`] and [`fatal`] say what becomes of a message or task; anything else is
/// a 500 that says nothing, and is logged.
pub struct Failure {
    pub(crate) kind: FailureKind,
    pub(crate) type_name: &'static str,
    pub(crate) trace: String,
}

pub(crate) enum FailureKind {
    Error(Box<dyn StdError + Send + Sync>),
    Problem(Box<Problem>),
    Nack { requeue: bool },
    Retry(Duration),
    Fatal(Box<dyn StdError + Send + Sync>),
    Panic(String),
}

/// The result of a handler.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    /// A failure that is only a text.
    pub fn new(message: impl fmt::Display) -> Failure {
        let boxed: Box<dyn StdError + Send + Sync> = message.to_string().into();
        Failure { kind: FailureKind::Error(boxed), type_name: "Failure", trace: String::new() }
    }

    fn outcome(kind: FailureKind) -> Failure {
        Failure { kind, type_name: "Outcome", trace: String::new() }
    }

    pub(crate) fn panic(payload: Box<dyn Any + Send>, trace: String) -> Failure {
        let text = payload.downcast_ref::<&str>().map(|s| s.to_string()).or_else(|| payload.downcast_ref::<String>().cloned());
        Failure { kind: FailureKind::Panic(text.unwrap_or_else(|| "a panic without a text".into())), type_name: "panic", trace }
    }

    /// The error below, where it is of this type.
    pub fn downcast_ref<E: StdError + 'static>(&self) -> Option<&E> {
        match &self.kind {
            FailureKind::Error(e) | FailureKind::Fatal(e) => e.downcast_ref(),
            FailureKind::Problem(p) => (p.as_ref() as &(dyn StdError + 'static)).downcast_ref(),
            _ => None,
        }
    }

    /// The problem that is answered, where it is one.
    pub fn problem(&self) -> Option<&Problem> {
        match &self.kind {
            FailureKind::Problem(problem) => Some(problem),
            _ => None,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            FailureKind::Error(e) | FailureKind::Fatal(e) => {
                write!(f, "{e}")?;
                let mut source = e.source();
                while let Some(cause) = source {
                    write!(f, ": {cause}")?;
                    source = cause.source();
                }
                Ok(())
            }
            FailureKind::Problem(p) => write!(f, "{p}"),
            FailureKind::Nack { requeue } => write!(f, "nack, requeue {requeue}"),
            FailureKind::Retry(after) => write!(f, "again after {after:?}"),
            FailureKind::Panic(text) => f.write_str(text),
        }
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {self}", self.type_name)
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Failure {
        let type_name = std::any::type_name::<E>();
        let boxed: Box<dyn StdError + Send + Sync> = Box::new(error);
        match boxed.downcast::<Problem>() {
            Ok(problem) => Failure { kind: FailureKind::Problem(problem), type_name, trace: String::new() },
            Err(other) => Failure { kind: FailureKind::Error(other), type_name, trace: String::new() },
        }
    }
}

/// Not done. The message comes again at once, or, without requeue, goes to the dead letters.
pub fn nack(requeue: bool) -> Failure {
    Failure::outcome(FailureKind::Nack { requeue })
}

/// Again after this time. It uses up no attempt of a task.
pub fn retry(after: Duration) -> Failure {
    Failure::outcome(FailureKind::Retry(after))
}

/// Trying again is of no use: a message goes to the dead letters, a task is discarded.
pub fn fatal(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Failure {
    Failure::outcome(FailureKind::Fatal(error.into()))
}
