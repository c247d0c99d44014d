// Code generated from spec/errors.yaml by codegen. DO NOT EDIT.

package spikard

import "strconv"

// Kind is what went wrong. Branch on this, never on a message.
type Kind uint32

const (
	// KindNotFound: not there.
	KindNotFound Kind = 1
	// KindTimeout: too long, by far.
	KindTimeout Kind = 7
)

// String is the kind's name in every language.
func (k Kind) String() string {
	switch k {
	case KindNotFound:
		return "not_found"
	case KindTimeout:
		return "timeout"
	}
	return "kind " + strconv.Itoa(int(k))
}

// The kinds as errors: errors.Is(err, spikard.ErrNotFound) holds for every error of this kind.
var (
	// ErrNotFound: not there.
	ErrNotFound error = kindError(KindNotFound)
	// ErrTimeout: too long, by far.
	ErrTimeout error = kindError(KindTimeout)
)

// RetryClass says whether trying again may help.
type RetryClass uint32

const (
	// Permanent: never.
	Permanent RetryClass = 0
	// Temporary: later.
	Temporary RetryClass = 1
)

// String is the class's name in every language.
func (r RetryClass) String() string {
	switch r {
	case Permanent:
		return "permanent"
	case Temporary:
		return "temporary"
	}
	return "retry class " + strconv.Itoa(int(r))
}

// Finer codes (Error.Detail), each of one kind.
const (
	// DetailShopNoBike: no bike of that name.
	DetailShopNoBike = "no_bike"
)
