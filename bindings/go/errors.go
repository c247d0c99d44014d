package spikard

import (
	"context"
	"errors"
	"fmt"

	"spikard.dev/go/internal/raw"
	"spikard.dev/go/manifest"
)

// Error is an operation of the core that failed. Branch on Kind (errors.Is(err, spikard.ErrNotFound)), and on Detail where that is too coarse (docs/reference/errors.md).
type Error struct {
	Kind    Kind
	Detail  string
	Retry   RetryClass
	Message string
}

func (e *Error) Error() string {
	if e.Detail != "" {
		return e.Kind.String() + "/" + e.Detail + ": " + e.Message
	}
	return e.Kind.String() + ": " + e.Message
}

// Is holds for the error of the same kind, and for context.Canceled and context.DeadlineExceeded.
func (e *Error) Is(target error) bool {
	switch target {
	case context.Canceled:
		return e.Kind == KindCancelled
	case context.DeadlineExceeded:
		return e.Kind == KindTimeout
	}
	kind, ok := target.(kindError)
	return ok && Kind(kind) == e.Kind
}

type kindError Kind

func (k kindError) Error() string { return Kind(k).String() }

// ConfigError is an application as described that cannot be started; the text names the field and what was expected.
type ConfigError struct{ Message string }

func (e *ConfigError) Error() string { return e.Message }

func coreError(err error) error {
	var code *raw.CodeError
	if errors.As(err, &code) && code.Code == raw.EConfig {
		return &ConfigError{code.Text}
	}
	return err
}

// Why the context of a handler was cancelled: context.Cause(ctx).
var (
	// ErrClientGone: the client closed the connection.
	ErrClientGone = fmt.Errorf("the client is gone: %w", context.Canceled)
	// ErrDeadline: the time-out passed.
	ErrDeadline = fmt.Errorf("the time-out passed: %w", context.DeadlineExceeded)
	// ErrShutdown: the drain's time is over.
	ErrShutdown = fmt.Errorf("the application ends: %w", context.Canceled)
	// ErrRequested: the work was cancelled by the application, or its lease was lost.
	ErrRequested = fmt.Errorf("it was cancelled: %w", context.Canceled)
	// ErrNotRunning: no application runs where a client was used.
	ErrNotRunning = errors.New("no application runs here: use it with the context of a handler, or while Run serves")
)

// Optional is a member that may be absent: see manifest.Optional.
type Optional[T any] = manifest.Optional[T]

// Some is a member that is there.
func Some[T any](value T) Optional[T] { return manifest.Some(value) }

// Ptr is a pointer to a copy, for options whose nil is the default.
func Ptr[T any](value T) *T { return &value }
