// Code generated from spec/errors.yaml by codegen. DO NOT EDIT.

package spikard

import "strconv"

// Kind is what went wrong. Branch on this, never on a message.
type Kind uint32

const (
	// KindNotFound: what must be there is not.
	KindNotFound Kind = 1
	// KindAlreadyExists: what must not be there is.
	KindAlreadyExists Kind = 2
	// KindInvalidArgument: the request or the configuration is wrong, whatever the state.
	KindInvalidArgument Kind = 3
	// KindPermissionDenied: the caller may not do this.
	KindPermissionDenied Kind = 4
	// KindConditionFailed: a condition that the caller named does not hold.
	KindConditionFailed Kind = 5
	// KindConflict: somebody else changed the same thing at the same time.
	KindConflict Kind = 6
	// KindTimeout: it took longer than allowed, and did not happen.
	KindTimeout Kind = 7
	// KindCancelled: the caller or a shutdown stopped it.
	KindCancelled Kind = 8
	// KindUnavailable: a service or resource cannot be reached or is overloaded.
	KindUnavailable Kind = 9
	// KindRateLimited: too many requests or no room in a queue.
	KindRateLimited Kind = 10
	// KindUnsupported: this backend or build cannot do it.
	KindUnsupported Kind = 11
	// KindTooLarge: a limit on size was passed.
	KindTooLarge Kind = 12
	// KindCorrupt: stored or received data cannot be understood.
	KindCorrupt Kind = 13
	// KindOutcomeUnknown: it may have happened or not; the answer was lost.
	KindOutcomeUnknown Kind = 14
	// KindInternal: a bug or something that was not foreseen.
	KindInternal Kind = 15
)

// String is the kind's name in every language.
func (k Kind) String() string {
	switch k {
	case KindNotFound:
		return "not_found"
	case KindAlreadyExists:
		return "already_exists"
	case KindInvalidArgument:
		return "invalid_argument"
	case KindPermissionDenied:
		return "permission_denied"
	case KindConditionFailed:
		return "condition_failed"
	case KindConflict:
		return "conflict"
	case KindTimeout:
		return "timeout"
	case KindCancelled:
		return "cancelled"
	case KindUnavailable:
		return "unavailable"
	case KindRateLimited:
		return "rate_limited"
	case KindUnsupported:
		return "unsupported"
	case KindTooLarge:
		return "too_large"
	case KindCorrupt:
		return "corrupt"
	case KindOutcomeUnknown:
		return "outcome_unknown"
	case KindInternal:
		return "internal"
	}
	return "kind " + strconv.Itoa(int(k))
}

// The kinds as errors: errors.Is(err, spikard.ErrNotFound) holds for every error of this kind.
var (
	// ErrNotFound: what must be there is not.
	ErrNotFound error = kindError(KindNotFound)
	// ErrAlreadyExists: what must not be there is.
	ErrAlreadyExists error = kindError(KindAlreadyExists)
	// ErrInvalidArgument: the request or the configuration is wrong, whatever the state.
	ErrInvalidArgument error = kindError(KindInvalidArgument)
	// ErrPermissionDenied: the caller may not do this.
	ErrPermissionDenied error = kindError(KindPermissionDenied)
	// ErrConditionFailed: a condition that the caller named does not hold.
	ErrConditionFailed error = kindError(KindConditionFailed)
	// ErrConflict: somebody else changed the same thing at the same time.
	ErrConflict error = kindError(KindConflict)
	// ErrTimeout: it took longer than allowed, and did not happen.
	ErrTimeout error = kindError(KindTimeout)
	// ErrCancelled: the caller or a shutdown stopped it.
	ErrCancelled error = kindError(KindCancelled)
	// ErrUnavailable: a service or resource cannot be reached or is overloaded.
	ErrUnavailable error = kindError(KindUnavailable)
	// ErrRateLimited: too many requests or no room in a queue.
	ErrRateLimited error = kindError(KindRateLimited)
	// ErrUnsupported: this backend or build cannot do it.
	ErrUnsupported error = kindError(KindUnsupported)
	// ErrTooLarge: a limit on size was passed.
	ErrTooLarge error = kindError(KindTooLarge)
	// ErrCorrupt: stored or received data cannot be understood.
	ErrCorrupt error = kindError(KindCorrupt)
	// ErrOutcomeUnknown: it may have happened or not; the answer was lost.
	ErrOutcomeUnknown error = kindError(KindOutcomeUnknown)
	// ErrInternal: a bug or something that was not foreseen.
	ErrInternal error = kindError(KindInternal)
)

// RetryClass says whether trying again may help.
type RetryClass uint32

const (
	// Permanent: trying the same again gives the same answer.
	Permanent RetryClass = 0
	// Temporary: trying again later may work.
	Temporary RetryClass = 1
	// Exhausted: it was tried as often as allowed.
	Exhausted RetryClass = 2
)

// String is the class's name in every language.
func (r RetryClass) String() string {
	switch r {
	case Permanent:
		return "permanent"
	case Temporary:
		return "temporary"
	case Exhausted:
		return "exhausted"
	}
	return "retry class " + strconv.Itoa(int(r))
}

// Finer codes (Error.Detail), each of one kind.
const (
	// DetailStorageInvalidKey: a key with a leading or trailing `/`, an empty, `.` or `..` segment, a NUL, or of the wrong length.
	DetailStorageInvalidKey = "invalid_key"
	// DetailStorageRangeNotSatisfiable: the range begins after the end of the object.
	DetailStorageRangeNotSatisfiable = "range_not_satisfiable"
	// DetailStorageConditionNotMet: if-Match or If-None-Match does not hold.
	DetailStorageConditionNotMet = "condition_not_met"
	// DetailStorageAborted: the writer gave up before the end.
	DetailStorageAborted = "aborted"
	// DetailStorageInvalidUpload: a token of an upload that was not given out for this key and store, or whose time is over.
	DetailStorageInvalidUpload = "invalid_upload"
	// DetailStorageNoSuchUpload: an upload in parts that was completed, aborted or taken away.
	DetailStorageNoSuchUpload = "no_such_upload"
	// DetailStorageInvalidPart: a part of an upload is missing or has another size or etag.
	DetailStorageInvalidPart = "invalid_part"
	// DetailCacheNotAnInteger: `increment` of a value that is no integer.
	DetailCacheNotAnInteger = "not_an_integer"
	// DetailCacheOutOfRange: the result does not fit 64 bits.
	DetailCacheOutOfRange = "out_of_range"
	// DetailCacheLoadFailed: the loader of `get_or_load` failed.
	DetailCacheLoadFailed = "load_failed"
	// DetailDatabaseParameterCount: more or fewer parameters than placeholders.
	DetailDatabaseParameterCount = "parameter_count"
	// DetailDatabaseInvalidParameter: a value the database cannot hold.
	DetailDatabaseInvalidParameter = "invalid_parameter"
	// DetailDatabaseOutOfRange: a number outside its column's type.
	DetailDatabaseOutOfRange = "out_of_range"
	// DetailDatabaseMultipleStatements: more than one statement in one call.
	DetailDatabaseMultipleStatements = "multiple_statements"
	// DetailDatabaseDuplicateColumn: two columns of a result with one name.
	DetailDatabaseDuplicateColumn = "duplicate_column"
	// DetailDatabaseSyntaxError: the statement cannot be parsed.
	DetailDatabaseSyntaxError = "syntax_error"
	// DetailDatabaseUndefinedTable: a table that is not there.
	DetailDatabaseUndefinedTable = "undefined_table"
	// DetailDatabaseUniqueViolation: a unique constraint.
	DetailDatabaseUniqueViolation = "unique_violation"
	// DetailDatabaseForeignKeyViolation: a foreign key constraint.
	DetailDatabaseForeignKeyViolation = "foreign_key_violation"
	// DetailDatabaseNotNullViolation: a NOT NULL constraint.
	DetailDatabaseNotNullViolation = "not_null_violation"
	// DetailDatabaseCheckViolation: a CHECK constraint.
	DetailDatabaseCheckViolation = "check_violation"
	// DetailDatabaseTransactionAborted: a statement of this transaction failed; only rollback is left.
	DetailDatabaseTransactionAborted = "transaction_aborted"
	// DetailDatabaseScopeFailed: the function run in a transaction threw; it was rolled back.
	DetailDatabaseScopeFailed = "scope_failed"
	// DetailDatabasePoolTimeout: no connection became free in time.
	DetailDatabasePoolTimeout = "pool_timeout"
	// DetailDatabaseClosed: the client was closed.
	DetailDatabaseClosed = "closed"
	// DetailCronInvalidCron: an expression that cannot be parsed or never fires.
	DetailCronInvalidCron = "invalid_cron"
	// DetailCronInvalidTimezone: a time zone that is not known.
	DetailCronInvalidTimezone = "invalid_timezone"
	// DetailCloudEventsInvalidEvent: something that is not a valid event; the message has a line for each thing that is wrong.
	DetailCloudEventsInvalidEvent = "invalid_event"
	// DetailCloudEventsUnknownFormat: an event format that is not known, such as application/cloudevents+avro.
	DetailCloudEventsUnknownFormat = "unknown_format"
	// DetailCloudEventsUnsupportedCharset: a JSON event in another charset than UTF-8.
	DetailCloudEventsUnsupportedCharset = "unsupported_charset"
	// DetailCloudEventsBatchTooLarge: more events in a batch than allowed.
	DetailCloudEventsBatchTooLarge = "batch_too_large"
)
