// Code generated from spec/errors.yaml by codegen. DO NOT EDIT.

/// What went wrong. Branch on this, never on a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// What must be there is not.
    NotFound = 1,
    /// What must not be there is.
    AlreadyExists = 2,
    /// The request or the configuration is wrong, whatever the state.
    InvalidArgument = 3,
    /// The caller may not do this.
    PermissionDenied = 4,
    /// A condition that the caller named does not hold.
    ConditionFailed = 5,
    /// Somebody else changed the same thing at the same time.
    Conflict = 6,
    /// It took longer than allowed, and did not happen.
    Timeout = 7,
    /// The caller or a shutdown stopped it.
    Cancelled = 8,
    /// A service or resource cannot be reached or is overloaded.
    Unavailable = 9,
    /// Too many requests or no room in a queue.
    RateLimited = 10,
    /// This backend or build cannot do it.
    Unsupported = 11,
    /// A limit on size was passed.
    TooLarge = 12,
    /// Stored or received data cannot be understood.
    Corrupt = 13,
    /// It may have happened or not; the answer was lost.
    OutcomeUnknown = 14,
    /// A bug or something that was not foreseen.
    Internal = 15,
}

impl Kind {
    /// The kind of a number of the core's; one that is not known here is `Internal`.
    pub fn from_number(number: u32) -> Kind {
        match number {
            1 => Kind::NotFound,
            2 => Kind::AlreadyExists,
            3 => Kind::InvalidArgument,
            4 => Kind::PermissionDenied,
            5 => Kind::ConditionFailed,
            6 => Kind::Conflict,
            7 => Kind::Timeout,
            8 => Kind::Cancelled,
            9 => Kind::Unavailable,
            10 => Kind::RateLimited,
            11 => Kind::Unsupported,
            12 => Kind::TooLarge,
            13 => Kind::Corrupt,
            14 => Kind::OutcomeUnknown,
            15 => Kind::Internal,
            _ => Kind::Internal,
        }
    }

    /// Its name in every language.
    pub fn name(self) -> &'static str {
        match self {
            Kind::NotFound => "not_found",
            Kind::AlreadyExists => "already_exists",
            Kind::InvalidArgument => "invalid_argument",
            Kind::PermissionDenied => "permission_denied",
            Kind::ConditionFailed => "condition_failed",
            Kind::Conflict => "conflict",
            Kind::Timeout => "timeout",
            Kind::Cancelled => "cancelled",
            Kind::Unavailable => "unavailable",
            Kind::RateLimited => "rate_limited",
            Kind::Unsupported => "unsupported",
            Kind::TooLarge => "too_large",
            Kind::Corrupt => "corrupt",
            Kind::OutcomeUnknown => "outcome_unknown",
            Kind::Internal => "internal",
        }
    }
}

/// Whether trying again may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RetryClass {
    /// Trying the same again gives the same answer.
    Permanent = 0,
    /// Trying again later may work.
    Temporary = 1,
    /// It was tried as often as allowed.
    Exhausted = 2,
}

impl RetryClass {
    /// The class of a number of the core's.
    pub fn from_number(number: u32) -> RetryClass {
        match number {
            0 => RetryClass::Permanent,
            1 => RetryClass::Temporary,
            2 => RetryClass::Exhausted,
            _ => RetryClass::Permanent,
        }
    }

    /// Its name in every language.
    pub fn name(self) -> &'static str {
        match self {
            RetryClass::Permanent => "permanent",
            RetryClass::Temporary => "temporary",
            RetryClass::Exhausted => "exhausted",
        }
    }
}

/// Finer codes of errors, each of one kind.
pub mod detail {
    /// A key with a leading or trailing `/`, an empty, `.` or `..` segment, a NUL, or of the wrong length.
    pub const STORAGE_INVALID_KEY: &str = "invalid_key";
    /// The range begins after the end of the object.
    pub const STORAGE_RANGE_NOT_SATISFIABLE: &str = "range_not_satisfiable";
    /// If-Match or If-None-Match does not hold.
    pub const STORAGE_CONDITION_NOT_MET: &str = "condition_not_met";
    /// The writer gave up before the end.
    pub const STORAGE_ABORTED: &str = "aborted";
    /// A token of an upload that was not given out for this key and store, or whose time is over.
    pub const STORAGE_INVALID_UPLOAD: &str = "invalid_upload";
    /// An upload in parts that was completed, aborted or taken away.
    pub const STORAGE_NO_SUCH_UPLOAD: &str = "no_such_upload";
    /// A part of an upload is missing or has another size or etag.
    pub const STORAGE_INVALID_PART: &str = "invalid_part";
    /// `increment` of a value that is no integer.
    pub const CACHE_NOT_AN_INTEGER: &str = "not_an_integer";
    /// The result does not fit 64 bits.
    pub const CACHE_OUT_OF_RANGE: &str = "out_of_range";
    /// The loader of `get_or_load` failed.
    pub const CACHE_LOAD_FAILED: &str = "load_failed";
    /// More or fewer parameters than placeholders.
    pub const DB_PARAMETER_COUNT: &str = "parameter_count";
    /// A value the database cannot hold.
    pub const DB_INVALID_PARAMETER: &str = "invalid_parameter";
    /// A number outside its column's type.
    pub const DB_OUT_OF_RANGE: &str = "out_of_range";
    /// More than one statement in one call.
    pub const DB_MULTIPLE_STATEMENTS: &str = "multiple_statements";
    /// Two columns of a result with one name.
    pub const DB_DUPLICATE_COLUMN: &str = "duplicate_column";
    /// The statement cannot be parsed.
    pub const DB_SYNTAX_ERROR: &str = "syntax_error";
    /// A table that is not there.
    pub const DB_UNDEFINED_TABLE: &str = "undefined_table";
    /// A unique constraint.
    pub const DB_UNIQUE_VIOLATION: &str = "unique_violation";
    /// A foreign key constraint.
    pub const DB_FOREIGN_KEY_VIOLATION: &str = "foreign_key_violation";
    /// A NOT NULL constraint.
    pub const DB_NOT_NULL_VIOLATION: &str = "not_null_violation";
    /// A CHECK constraint.
    pub const DB_CHECK_VIOLATION: &str = "check_violation";
    /// A statement of this transaction failed; only rollback is left.
    pub const DB_TRANSACTION_ABORTED: &str = "transaction_aborted";
    /// The function run in a transaction threw; it was rolled back.
    pub const DB_SCOPE_FAILED: &str = "scope_failed";
    /// No connection became free in time.
    pub const DB_POOL_TIMEOUT: &str = "pool_timeout";
    /// The client was closed.
    pub const DB_CLOSED: &str = "closed";
    /// An expression that cannot be parsed or never fires.
    pub const CRON_INVALID_CRON: &str = "invalid_cron";
    /// A time zone that is not known.
    pub const CRON_INVALID_TIMEZONE: &str = "invalid_timezone";
    /// Something that is not a valid event; the message has a line for each thing that is wrong.
    pub const CLOUDEVENTS_INVALID_EVENT: &str = "invalid_event";
    /// An event format that is not known, such as application/cloudevents+avro.
    pub const CLOUDEVENTS_UNKNOWN_FORMAT: &str = "unknown_format";
    /// A JSON event in another charset than UTF-8.
    pub const CLOUDEVENTS_UNSUPPORTED_CHARSET: &str = "unsupported_charset";
    /// More events in a batch than allowed.
    pub const CLOUDEVENTS_BATCH_TOO_LARGE: &str = "batch_too_large";
}
