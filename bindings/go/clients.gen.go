// Code generated from spec/operations by codegen. DO NOT EDIT.

package spikard

import (
	"context"
	"io"
	"time"
)

var (
	_ io.Reader
	_ time.Duration
)

// CacheGetOptions are what cache.get takes beside its arguments; the zero value is the default of each.
type CacheGetOptions struct {
	// The namespace.
	Namespace string
}

// CacheSetOptions are what cache.set takes beside its arguments; the zero value is the default of each.
type CacheSetOptions struct {
	// How long it lives. Null: as long as the cache's default says.
	TTL time.Duration
	// No time limit, whatever the default.
	Forever bool
	// What `cache.invalidate_tags` finds it by.
	Tags []string
	// What it counts towards the cache's limit, in its unit (entries or bytes). 0: one entry, or its bytes.
	Weight uint32
	// The namespace.
	Namespace string
}

// CacheDeleteOptions are what cache.delete takes beside its arguments; the zero value is the default of each.
type CacheDeleteOptions struct {
	// The namespace.
	Namespace string
}

// CacheExistsOptions are what cache.exists takes beside its arguments; the zero value is the default of each.
type CacheExistsOptions struct {
	// The namespace.
	Namespace string
}

// CacheTouchOptions are what cache.touch takes beside its arguments; the zero value is the default of each.
type CacheTouchOptions struct {
	// How long it lives from now. Null: as long as the cache's default says.
	TTL time.Duration
	// No time limit, whatever the default.
	Forever bool
	// The namespace.
	Namespace string
}

// CacheTTLOptions are what cache.ttl takes beside its arguments; the zero value is the default of each.
type CacheTTLOptions struct {
	// The namespace.
	Namespace string
}

// CacheIncrementOptions are what cache.increment takes beside its arguments; the zero value is the default of each.
type CacheIncrementOptions struct {
	// What to add; may be negative.
	By *int64
	// How long it lives if this makes it. Null: as long as the cache's default says.
	TTL time.Duration
	// No time limit if this makes it.
	Forever bool
	// The namespace.
	Namespace string
}

// CacheSetIfAbsentOptions are what cache.set_if_absent takes beside its arguments; the zero value is the default of each.
type CacheSetIfAbsentOptions struct {
	// How long it lives. Null: as long as the cache's default says.
	TTL time.Duration
	// No time limit, whatever the default.
	Forever bool
	// What `cache.invalidate_tags` finds it by.
	Tags []string
	// As in `cache.set`.
	Weight uint32
	// The namespace.
	Namespace string
}

// CacheDeleteIfOptions are what cache.delete_if takes beside its arguments; the zero value is the default of each.
type CacheDeleteIfOptions struct {
	// The namespace.
	Namespace string
}

// CacheGetManyOptions are what cache.get_many takes beside its arguments; the zero value is the default of each.
type CacheGetManyOptions struct {
	// The namespace.
	Namespace string
}

// CacheSetManyOptions are what cache.set_many takes beside its arguments; the zero value is the default of each.
type CacheSetManyOptions struct {
	// How long they live. Null: as long as the cache's default says.
	TTL time.Duration
	// No time limit, whatever the default.
	Forever bool
	// What `cache.invalidate_tags` finds them by.
	Tags []string
	// The namespace.
	Namespace string
}

// CacheClearOptions are what cache.clear takes beside its arguments; the zero value is the default of each.
type CacheClearOptions struct {
	// The namespace.
	Namespace string
}

// CacheCountOptions are what cache.count takes beside its arguments; the zero value is the default of each.
type CacheCountOptions struct {
	// The namespace.
	Namespace string
}

// CacheGetOrBeginLoadOptions are what cache.get_or_begin_load takes beside its arguments; the zero value is the default of each.
type CacheGetOrBeginLoadOptions struct {
	// How long the loaded value lives. Null: as long as the cache's default says.
	TTL time.Duration
	// No time limit for the loaded value.
	Forever bool
	// How long it is remembered that the loader found nothing. 0: not at all.
	NegativeTTL time.Duration
	// How long past its time the loaded value is kept, to be answered when a load fails.
	StaleIfError time.Duration
	// A hit with less than this left makes one caller load it again in the background.
	EarlyRefresh time.Duration
	// How long to wait for another caller's load; then timeout. Null: as long as it takes.
	Wait time.Duration
	// A load that takes longer is given to another caller; its result is then thrown away.
	LoadTimeout time.Duration
	// Tags of the loaded value.
	Tags []string
	// Weight of the loaded value, as in `cache.set`.
	Weight uint32
	// The namespace.
	Namespace string
}

// CacheGetOrBeginLoadResult is what cache.get_or_begin_load gives.
type CacheGetOrBeginLoadResult struct {
	// `value`, or `load`: the caller must load and call `cache.end_load`.
	State string
	// With `value`: the value; null is known not to exist.
	Value []byte
	// What to give to `cache.end_load`; with `value`: load in the background.
	Flight *uint64
}

// CacheEndLoadOptions are what cache.end_load takes beside its arguments; the zero value is the default of each.
type CacheEndLoadOptions struct {
	// With `value`: what was loaded.
	Value []byte
	// With `failed`: why, for the callers' errors.
	Message string
}

// CacheStatsResult is what cache.stats gives.
type CacheStatsResult struct {
	// Reads that found a value.
	Hits uint64
	// Reads that found none.
	Misses uint64
	// Entries that had to go for want of room.
	Evictions uint64
	// Entries removed because their time was over.
	Expirations uint64
	// Loads that succeeded, those that found nothing included.
	Loads uint64
	// Loads that failed.
	LoadFailures uint64
	// Entries present, expired ones that are not yet removed included.
	Entries uint64
	// Their weight, in the unit of the limit.
	Weight uint64
	// The limit: entries, or bytes.
	MaxWeight uint64
}

// CacheInvalidateOptions are what cache.invalidate takes beside its arguments; the zero value is the default of each.
type CacheInvalidateOptions struct {
	// The keys.
	Keys []string
	// The tags, of any namespace.
	Tags []string
	// The namespace of the keys.
	Namespace string
	// The transaction of `db`.
	Transaction *uint64
}

// CacheClient has one method for each operation of cache; Cache builds on it.
type CacheClient struct {
	client
}

// Get: the value of a key; null for a miss.
//
// Errors: invalid_argument, unavailable, timeout.
func (c CacheClient) Get(ctx context.Context, key string, options ...CacheGetOptions) ([]byte, error) {
	a := newArguments()
	a.Text("key", key)
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Namespace != "" {
			a.Text("namespace", o.Namespace)
		}
	}
	r, err := c.call(ctx, 32, a)
	if err != nil {
		return nil, err
	}
	return r.Bytes("value"), nil
}

// Set: sets a key, whatever was there.
//
// Errors: invalid_argument, too_large, unavailable, timeout.
func (c CacheClient) Set(ctx context.Context, key string, value []byte, options ...CacheSetOptions) error {
	a := newArguments()
	a.Text("key", key)
	a.Bytes("value", value)
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.TTL != 0 {
			a.Span("ttl_ms", o.TTL)
		}
		if o.Forever {
			a.Bool("forever", o.Forever)
		}
		if o.Tags != nil {
			a.Texts("tags", o.Tags)
		}
		if o.Weight != 0 {
			a.Uint("weight", uint64(o.Weight))
		}
		if o.Namespace != "" {
			a.Text("namespace", o.Namespace)
		}
	}
	_, err := c.call(ctx, 33, a)
	return err
}

// Delete: deletes a key.
//
// Errors: invalid_argument, unavailable, timeout.
func (c CacheClient) Delete(ctx context.Context, key string, options ...CacheDeleteOptions) (bool, error) {
	a := newArguments()
	a.Text("key", key)
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Namespace != "" {
			a.Text("namespace", o.Namespace)
		}
	}
	r, err := c.call(ctx, 34, a)
	if err != nil {
		return false, err
	}
	return r.Bool("value"), nil
}

// Exists: whether a key is there. Counts as no use of it.
//
// Errors: invalid_argument, unavailable, timeout.
func (c CacheClient) Exists(ctx context.Context, key string, options ...CacheExistsOptions) (bool, error) {
	a := newArguments()
	a.Text("key", key)
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Namespace != "" {
			a.Text("namespace", o.Namespace)
		}
	}
	r, err := c.call(ctx, 35, a)
	if err != nil {
		return false, err
	}
	return r.Bool("value"), nil
}

// Touch: gives a key a new time to live, from now.
//
// Errors: invalid_argument, unavailable, timeout.
func (c CacheClient) Touch(ctx context.Context, key string, options ...CacheTouchOptions) (bool, error) {
	a := newArguments()
	a.Text("key", key)
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.TTL != 0 {
			a.Span("ttl_ms", o.TTL)
		}
		if o.Forever {
			a.Bool("forever", o.Forever)
		}
		if o.Namespace != "" {
			a.Text("namespace", o.Namespace)
		}
	}
	r, err := c.call(ctx, 36, a)
	if err != nil {
		return false, err
	}
	return r.Bool("value"), nil
}

// TTL: how long a key has left. A miss is not_found.
//
// Errors: not_found, invalid_argument, unavailable, timeout.
func (c CacheClient) TTL(ctx context.Context, key string, options ...CacheTTLOptions) (*time.Duration, error) {
	a := newArguments()
	a.Text("key", key)
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Namespace != "" {
			a.Text("namespace", o.Namespace)
		}
	}
	r, err := c.call(ctx, 37, a)
	if err != nil {
		return nil, err
	}
	return r.SpanOrNil("value"), nil
}

// Increment: adds to an integer that is kept as decimal text, from nought where there is none. The time to live stays. A value that is no integer of 64
// bits is invalid_argument with detail not_an_integer, a result that is none out_of_range; both leave the value.
//
// Errors: invalid_argument, unavailable, timeout.
func (c CacheClient) Increment(ctx context.Context, key string, options ...CacheIncrementOptions) (int64, error) {
	a := newArguments()
	a.Text("key", key)
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.By != nil {
			a.Int("by", int64(*o.By))
		}
		if o.TTL != 0 {
			a.Span("ttl_ms", o.TTL)
		}
		if o.Forever {
			a.Bool("forever", o.Forever)
		}
		if o.Namespace != "" {
			a.Text("namespace", o.Namespace)
		}
	}
	r, err := c.call(ctx, 38, a)
	if err != nil {
		return 0, err
	}
	return number[int64](r, "value"), nil
}

// SetIfAbsent: sets a key that is not there.
//
// Errors: invalid_argument, too_large, unavailable, timeout.
func (c CacheClient) SetIfAbsent(ctx context.Context, key string, value []byte, options ...CacheSetIfAbsentOptions) (bool, error) {
	a := newArguments()
	a.Text("key", key)
	a.Bytes("value", value)
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.TTL != 0 {
			a.Span("ttl_ms", o.TTL)
		}
		if o.Forever {
			a.Bool("forever", o.Forever)
		}
		if o.Tags != nil {
			a.Texts("tags", o.Tags)
		}
		if o.Weight != 0 {
			a.Uint("weight", uint64(o.Weight))
		}
		if o.Namespace != "" {
			a.Text("namespace", o.Namespace)
		}
	}
	r, err := c.call(ctx, 39, a)
	if err != nil {
		return false, err
	}
	return r.Bool("value"), nil
}

// DeleteIf: deletes a key if it has this value.
//
// Errors: invalid_argument, unavailable, timeout.
func (c CacheClient) DeleteIf(ctx context.Context, key string, equals []byte, options ...CacheDeleteIfOptions) (bool, error) {
	a := newArguments()
	a.Text("key", key)
	a.Bytes("equals", equals)
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Namespace != "" {
			a.Text("namespace", o.Namespace)
		}
	}
	r, err := c.call(ctx, 40, a)
	if err != nil {
		return false, err
	}
	return r.Bool("value"), nil
}

// GetMany: the values of keys, in their order; a key may be there twice. At most 65536 keys.
//
// Errors: invalid_argument, unavailable, timeout.
func (c CacheClient) GetMany(ctx context.Context, keys []string, options ...CacheGetManyOptions) ([][]byte, error) {
	a := newArguments()
	a.Texts("keys", keys)
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Namespace != "" {
			a.Text("namespace", o.Namespace)
		}
	}
	r, err := c.call(ctx, 41, a)
	if err != nil {
		return nil, err
	}
	return r.BytesList("value"), nil
}

// SetMany: sets many keys, one after the other; not atomic. At most 65536.
//
// Errors: invalid_argument, too_large, unavailable, timeout.
func (c CacheClient) SetMany(ctx context.Context, items map[string][]byte, options ...CacheSetManyOptions) error {
	a := newArguments()
	a.BytesMap("items", items)
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.TTL != 0 {
			a.Span("ttl_ms", o.TTL)
		}
		if o.Forever {
			a.Bool("forever", o.Forever)
		}
		if o.Tags != nil {
			a.Texts("tags", o.Tags)
		}
		if o.Namespace != "" {
			a.Text("namespace", o.Namespace)
		}
	}
	_, err := c.call(ctx, 42, a)
	return err
}

// Clear: deletes every key of the namespace.
//
// Errors: invalid_argument, unavailable, timeout.
func (c CacheClient) Clear(ctx context.Context, options ...CacheClearOptions) error {
	a := newArguments()
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Namespace != "" {
			a.Text("namespace", o.Namespace)
		}
	}
	_, err := c.call(ctx, 43, a)
	return err
}

// Count: how many keys the namespace has. Looks at every entry of the cache.
//
// Errors: invalid_argument, unavailable, timeout.
func (c CacheClient) Count(ctx context.Context, options ...CacheCountOptions) (uint64, error) {
	a := newArguments()
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Namespace != "" {
			a.Text("namespace", o.Namespace)
		}
	}
	r, err := c.call(ctx, 44, a)
	if err != nil {
		return 0, err
	}
	return number[uint64](r, "value"), nil
}

// InvalidateTags: deletes every key of any namespace that was set with one of these tags.
//
// Errors: invalid_argument, unsupported, unavailable, timeout.
func (c CacheClient) InvalidateTags(ctx context.Context, tags []string) error {
	a := newArguments()
	a.Texts("tags", tags)
	_, err := c.call(ctx, 45, a)
	return err
}

// GetOrBeginLoad: the value of a key, or the duty to load it. See above for what a binding makes of it. A load that another caller has begun is waited
// for; it fails as that one failed (internal, detail load_failed).
//
// Errors: invalid_argument, timeout, cancelled, unavailable, internal.
func (c CacheClient) GetOrBeginLoad(ctx context.Context, key string, options ...CacheGetOrBeginLoadOptions) (CacheGetOrBeginLoadResult, error) {
	a := newArguments()
	a.Text("key", key)
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.TTL != 0 {
			a.Span("ttl_ms", o.TTL)
		}
		if o.Forever {
			a.Bool("forever", o.Forever)
		}
		if o.NegativeTTL != 0 {
			a.Span("negative_ttl_ms", o.NegativeTTL)
		}
		if o.StaleIfError != 0 {
			a.Span("stale_if_error_ms", o.StaleIfError)
		}
		if o.EarlyRefresh != 0 {
			a.Span("early_refresh_ms", o.EarlyRefresh)
		}
		if o.Wait != 0 {
			a.Span("wait_ms", o.Wait)
		}
		if o.LoadTimeout != 0 {
			a.Span("load_timeout_ms", o.LoadTimeout)
		}
		if o.Tags != nil {
			a.Texts("tags", o.Tags)
		}
		if o.Weight != 0 {
			a.Uint("weight", uint64(o.Weight))
		}
		if o.Namespace != "" {
			a.Text("namespace", o.Namespace)
		}
	}
	r, err := c.call(ctx, 46, a)
	if err != nil {
		return CacheGetOrBeginLoadResult{}, err
	}
	return CacheGetOrBeginLoadResult{
		State:  r.Text("state"),
		Value:  r.Bytes("value"),
		Flight: numberOrNil[uint64](r, "flight"),
	}, nil
}

// EndLoad: ends a load. `failed` answers the old value where one was kept (`stale_if_error_ms`), else internal with detail load_failed and the message;
// so it does for all who wait. `given_up` makes one of those who wait the loader. A flight that is over (`load_timeout_ms`) takes no result: the value
// is answered to its caller, but not kept.
//
// Errors: invalid_argument, internal, unavailable.
func (c CacheClient) EndLoad(ctx context.Context, flight uint64, outcome string, options ...CacheEndLoadOptions) ([]byte, error) {
	a := newArguments()
	a.Uint("flight", uint64(flight))
	a.Text("outcome", outcome)
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Value != nil {
			a.Bytes("value", o.Value)
		}
		if o.Message != "" {
			a.Text("message", o.Message)
		}
	}
	r, err := c.call(ctx, 47, a)
	if err != nil {
		return nil, err
	}
	return r.Bytes("value"), nil
}

// Stats: what the cache counted since it was opened, over all namespaces, in this process.
//
// Errors: unavailable.
func (c CacheClient) Stats(ctx context.Context) (CacheStatsResult, error) {
	a := newArguments()
	r, err := c.call(ctx, 48, a)
	if err != nil {
		return CacheStatsResult{}, err
	}
	return CacheStatsResult{
		Hits:         number[uint64](r, "hits"),
		Misses:       number[uint64](r, "misses"),
		Evictions:    number[uint64](r, "evictions"),
		Expirations:  number[uint64](r, "expirations"),
		Loads:        number[uint64](r, "loads"),
		LoadFailures: number[uint64](r, "load_failures"),
		Entries:      number[uint64](r, "entries"),
		Weight:       number[uint64](r, "weight"),
		MaxWeight:    number[uint64](r, "max_weight"),
	}, nil
}

// Invalidate: deletes keys, and what was set with one of the tags; in a transaction of `db` when it commits, and not at all when it does not.
//
// Errors: invalid_argument, not_found, unsupported, unavailable, timeout.
func (c CacheClient) Invalidate(ctx context.Context, options ...CacheInvalidateOptions) error {
	a := newArguments()
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Keys != nil {
			a.Texts("keys", o.Keys)
		}
		if o.Tags != nil {
			a.Texts("tags", o.Tags)
		}
		if o.Namespace != "" {
			a.Text("namespace", o.Namespace)
		}
		if o.Transaction != nil {
			a.Uint("transaction", uint64(*o.Transaction))
		}
	}
	_, err := c.call(ctx, 49, a)
	return err
}

// CloudEventsEncodeOptions are what cloudevents.encode takes beside its arguments; the zero value is the default of each.
type CloudEventsEncodeOptions struct {
	// http, kafka, amqp, mqtt3, mqtt5, nats or redis.
	Binding string
	// binary, structured, or (http) batched. mqtt3 has structured only.
	Mode string
	// kafka, redis: the attribute whose value is the message's key, such as partitionkey. Empty: no key.
	KeyMapper string
}

// CloudEventsEncodeResult is what cloudevents.encode gives.
type CloudEventsEncodeResult struct {
	// Headers as an object of text (http, kafka, redis), else null.
	Headers Value
	// Application or user properties as an object of text, with their prefix (amqp, mqtt5), else null.
	Properties Value
	// What the names in `properties` begin with.
	PropertyPrefix string
	// The media type of the message, which is also among the headers where they have it; null for none.
	ContentType Value
	// The body; empty when there is no data.
	Body []byte
	// False: the event has no data.
	HasBody bool
	// The message's key, or null.
	Key Value
}

// CloudEventsDecodeOptions are what cloudevents.decode takes beside its arguments; the zero value is the default of each.
type CloudEventsDecodeOptions struct {
	// http, kafka, amqp, mqtt3, mqtt5, nats or redis.
	Binding string
	// An object of text, or an array of [name, value] where a name comes more than once.
	Headers any
	// The same for amqp and mqtt5; amqp's booleans and integers may come as such.
	Properties any
	// The protocol's own property (amqp, mqtt5).
	ContentType string
	// The body; empty for none.
	Body []byte
}

// CloudEventsDecodeResult is what cloudevents.decode gives.
type CloudEventsDecodeResult struct {
	// The events, valid; one unless it is a batch.
	Events Value
	// binary, structured or batched.
	Mode string
}

// CloudEventsSendOptions are what cloudevents.send takes beside its arguments; the zero value is the default of each.
type CloudEventsSendOptions struct {
	// binary or structured. Empty: as configured.
	Mode string
	// Brokers: the message's key. Empty: its `partitionkey`, if it has one.
	Key string
}

// CloudEventsSendResult is what cloudevents.send gives.
type CloudEventsSendResult struct {
	// The event's id.
	ID string
	// HTTP: the status that took it; 0 for a broker.
	Status uint16
	// Tries, the last one included.
	Attempts uint32
	// The event that answered, or null.
	Reply Value
}

// CloudEventsSendBatchResult is what cloudevents.send_batch gives.
type CloudEventsSendBatchResult struct {
	// Their ids, in order.
	IDs []string
	// HTTP: the status that took them; 0 for a broker.
	Status uint16
	// Tries, the last one included.
	Attempts uint32
}

// CloudEventsClient has one method for each operation of cloudevents; CloudEvents builds on it.
type CloudEventsClient struct {
	client
}

// Encode: lays an event out in a message of a protocol. Completes at once.
//
// Errors: invalid_argument, unsupported.
func (c CloudEventsClient) Encode(ctx context.Context, event any, options ...CloudEventsEncodeOptions) (CloudEventsEncodeResult, error) {
	a := newArguments()
	a.Any("event", event)
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Binding != "" {
			a.Text("binding", o.Binding)
		}
		if o.Mode != "" {
			a.Text("mode", o.Mode)
		}
		if o.KeyMapper != "" {
			a.Text("key_mapper", o.KeyMapper)
		}
	}
	r, err := c.call(ctx, 192, a)
	if err != nil {
		return CloudEventsEncodeResult{}, err
	}
	return CloudEventsEncodeResult{
		Headers:        r.Value("headers"),
		Properties:     r.Value("properties"),
		PropertyPrefix: r.Text("property_prefix"),
		ContentType:    r.Value("content_type"),
		Body:           r.Bytes("body"),
		HasBody:        r.Bool("has_body"),
		Key:            r.Value("key"),
	}, nil
}

// Decode: reads the events of a message. Completes at once.
//
// Errors: invalid_argument, unsupported.
func (c CloudEventsClient) Decode(ctx context.Context, options ...CloudEventsDecodeOptions) (CloudEventsDecodeResult, error) {
	a := newArguments()
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Binding != "" {
			a.Text("binding", o.Binding)
		}
		if o.Headers != nil {
			a.Any("headers", o.Headers)
		}
		if o.Properties != nil {
			a.Any("properties", o.Properties)
		}
		if o.ContentType != "" {
			a.Text("content_type", o.ContentType)
		}
		if o.Body != nil {
			a.Bytes("body", o.Body)
		}
	}
	r, err := c.call(ctx, 193, a)
	if err != nil {
		return CloudEventsDecodeResult{}, err
	}
	return CloudEventsDecodeResult{
		Events: r.Value("events"),
		Mode:   r.Text("mode"),
	}, nil
}

// Validate: checks an event against the specification, its text included. Completes at once.
func (c CloudEventsClient) Validate(ctx context.Context, event any) ([]string, error) {
	a := newArguments()
	a.Any("event", event)
	r, err := c.call(ctx, 194, a)
	if err != nil {
		return nil, err
	}
	return r.Texts("problems"), nil
}

// Send: sends an event where `services.events` says and waits until it was taken, with retries. A missing id is made (UUID), a missing source is the
// sender's, a missing time is now.
//
// Errors: invalid_argument, permission_denied, not_found, unavailable, rate_limited, timeout, cancelled, outcome_unknown, unsupported.
func (c CloudEventsClient) Send(ctx context.Context, event any, options ...CloudEventsSendOptions) (CloudEventsSendResult, error) {
	a := newArguments()
	a.Any("event", event)
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Mode != "" {
			a.Text("mode", o.Mode)
		}
		if o.Key != "" {
			a.Text("key", o.Key)
		}
	}
	r, err := c.call(ctx, 195, a)
	if err != nil {
		return CloudEventsSendResult{}, err
	}
	return CloudEventsSendResult{
		ID:       r.Text("id"),
		Status:   number[uint16](r, "status"),
		Attempts: number[uint32](r, "attempts"),
		Reply:    r.Value("reply"),
	}, nil
}

// SendBatch: sends events together: as one batch over HTTP, one message each to a broker.
//
// Errors: invalid_argument, permission_denied, not_found, unavailable, rate_limited, timeout, cancelled, outcome_unknown, unsupported.
func (c CloudEventsClient) SendBatch(ctx context.Context, events any) (CloudEventsSendBatchResult, error) {
	a := newArguments()
	a.Any("events", events)
	r, err := c.call(ctx, 196, a)
	if err != nil {
		return CloudEventsSendBatchResult{}, err
	}
	return CloudEventsSendBatchResult{
		IDs:      r.Texts("ids"),
		Status:   number[uint16](r, "status"),
		Attempts: number[uint32](r, "attempts"),
	}, nil
}

// CronNextOptions are what cron.next takes beside its arguments; the zero value is the default of each.
type CronNextOptions struct {
	// A name of the IANA data base.
	Timezone string
	// An instant: RFC 3339 text or ms since the epoch. Null: now.
	After any
	// How many.
	Count *uint32
}

// CronClient has one method for each operation of cron; Cron builds on it.
type CronClient struct {
	client
}

// Next: the next times of an expression, strictly after `after`; fewer when there are no more. Result: `times`, RFC 3339 text in UTC.
//
// Errors: invalid_argument.
func (c CronClient) Next(ctx context.Context, expr string, options ...CronNextOptions) ([]string, error) {
	a := newArguments()
	a.Text("expr", expr)
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Timezone != "" {
			a.Text("timezone", o.Timezone)
		}
		if o.After != nil {
			a.Any("after", o.After)
		}
		if o.Count != nil {
			a.Uint("count", uint64(*o.Count))
		}
	}
	r, err := c.call(ctx, 188, a)
	if err != nil {
		return nil, err
	}
	return r.Texts("times"), nil
}

// DatabaseQueryOptions are what db.query takes beside its arguments; the zero value is the default of each.
type DatabaseQueryOptions struct {
	// Its parameters: a list, or an object; null for none.
	Params any
	// The transaction it is part of.
	Transaction *uint64
	// Longest it may take. Null: the configuration's `statement_timeout_ms`.
	Timeout time.Duration
}

// DatabaseQueryResult is what db.query gives.
type DatabaseQueryResult struct {
	// A list of objects.
	Rows Value
	// Names, in the order of the statement.
	Columns []string
	// Of the columns.
	Types []string
}

// DatabaseFirstOptions are what db.first takes beside its arguments; the zero value is the default of each.
type DatabaseFirstOptions struct {
	// Its parameters: a list, or an object; null for none.
	Params any
	// The transaction it is part of.
	Transaction *uint64
	// Longest it may take. Null: the configuration's `statement_timeout_ms`.
	Timeout time.Duration
}

// DatabaseFirstResult is what db.first gives.
type DatabaseFirstResult struct {
	// An object, or null.
	Row Value
	// Of the columns.
	Types []string
}

// DatabaseExecuteOptions are what db.execute takes beside its arguments; the zero value is the default of each.
type DatabaseExecuteOptions struct {
	// Its parameters: a list, or an object; null for none.
	Params any
	// The transaction it is part of.
	Transaction *uint64
	// Longest it may take. Null: the configuration's `statement_timeout_ms`.
	Timeout time.Duration
}

// DatabaseBatchOptions are what db.batch takes beside its arguments; the zero value is the default of each.
type DatabaseBatchOptions struct {
	// The transaction it is part of.
	Transaction *uint64
	// Longest all of it may take. Null: the configuration's `statement_timeout_ms`.
	Timeout time.Duration
}

// DatabaseQueryStreamOptions are what db.query_stream takes beside its arguments; the zero value is the default of each.
type DatabaseQueryStreamOptions struct {
	// Its parameters: a list, or an object; null for none.
	Params any
	// `json` or `ndjson`.
	Format string
	// The transaction it is part of.
	Transaction *uint64
	// Longest between two parts. Null: the configuration's `statement_timeout_ms`.
	Timeout time.Duration
}

// DatabaseBeginOptions are what db.begin takes beside its arguments; the zero value is the default of each.
type DatabaseBeginOptions struct {
	// `read_committed`, `repeatable_read` or `serializable`; empty for the database's default. SQLite always is serializable.
	Isolation string
	// It only reads. On SQLite it then does not wait for those that write.
	ReadOnly bool
}

// DatabaseCommitOptions are what db.commit takes beside its arguments; the zero value is the default of each.
type DatabaseCommitOptions struct {
	// Only the innermost nested scope.
	Savepoint bool
}

// DatabaseRollbackOptions are what db.rollback takes beside its arguments; the zero value is the default of each.
type DatabaseRollbackOptions struct {
	// Only the innermost nested scope.
	Savepoint bool
}

// DatabaseOpenCursorOptions are what db.open_cursor takes beside its arguments; the zero value is the default of each.
type DatabaseOpenCursorOptions struct {
	// Its parameters: a list, or an object; null for none.
	Params any
	// The transaction it is part of; it cannot do anything else meanwhile.
	Transaction *uint64
	// Longest a `db.fetch` may take. Null: the configuration's `statement_timeout_ms`.
	Timeout time.Duration
}

// DatabaseOpenCursorResult is what db.open_cursor gives.
type DatabaseOpenCursorResult struct {
	// Its number.
	Cursor uint64
	// Names, in the order of the statement.
	Columns []string
	// Of the columns.
	Types []string
}

// DatabaseFetchOptions are what db.fetch takes beside its arguments; the zero value is the default of each.
type DatabaseFetchOptions struct {
	// Most rows to give.
	Max *uint32
}

// DatabaseFetchResult is what db.fetch gives.
type DatabaseFetchResult struct {
	// A list of objects.
	Rows Value
	// There are no more; the cursor is closed.
	Done bool
}

// DatabaseMigrateOptions are what db.migrate takes beside its arguments; the zero value is the default of each.
type DatabaseMigrateOptions struct {
	// Another folder than the configuration's `migrations`.
	Folder string
}

// DatabaseMigrationStatusOptions are what db.migration_status takes beside its arguments; the zero value is the default of each.
type DatabaseMigrationStatusOptions struct {
	// Another folder than the configuration's `migrations`.
	Folder string
}

// DatabaseStatsResult is what db.stats gives.
type DatabaseStatsResult struct {
	// The scheme of its URL.
	Backend string
	// Connections in use.
	InUse uint32
	// Calls that wait for one.
	Waiting uint32
	// Open transactions of hosts.
	Transactions uint32
	// Open cursors.
	Cursors uint32
	// Entries of the outbox that were not delivered yet.
	Outbox uint64
	// Entries of the outbox that their target refused for good, set aside.
	Refused uint64
}

// DatabaseClient has one method for each operation of db; Database builds on it.
type DatabaseClient struct {
	client
}

// Query: the rows of a statement.
//
// Errors: invalid_argument, already_exists, conflict, too_large, timeout, unavailable.
func (c DatabaseClient) Query(ctx context.Context, sql string, options ...DatabaseQueryOptions) (DatabaseQueryResult, error) {
	a := newArguments()
	a.Text("sql", sql)
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Params != nil {
			a.Any("params", o.Params)
		}
		if o.Transaction != nil {
			a.Uint("transaction", uint64(*o.Transaction))
		}
		if o.Timeout != 0 {
			a.Span("timeout_ms", o.Timeout)
		}
	}
	r, err := c.call(ctx, 96, a)
	if err != nil {
		return DatabaseQueryResult{}, err
	}
	return DatabaseQueryResult{
		Rows:    r.Value("rows"),
		Columns: r.Texts("columns"),
		Types:   r.Texts("types"),
	}, nil
}

// First: the first row of a statement, null when there is none. The others are not read.
//
// Errors: invalid_argument, already_exists, conflict, timeout, unavailable.
func (c DatabaseClient) First(ctx context.Context, sql string, options ...DatabaseFirstOptions) (DatabaseFirstResult, error) {
	a := newArguments()
	a.Text("sql", sql)
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Params != nil {
			a.Any("params", o.Params)
		}
		if o.Transaction != nil {
			a.Uint("transaction", uint64(*o.Transaction))
		}
		if o.Timeout != 0 {
			a.Span("timeout_ms", o.Timeout)
		}
	}
	r, err := c.call(ctx, 97, a)
	if err != nil {
		return DatabaseFirstResult{}, err
	}
	return DatabaseFirstResult{
		Row:   r.Value("row"),
		Types: r.Texts("types"),
	}, nil
}

// Execute: runs a statement and passes over its rows.
//
// Errors: invalid_argument, already_exists, conflict, timeout, unavailable.
func (c DatabaseClient) Execute(ctx context.Context, sql string, options ...DatabaseExecuteOptions) (uint64, error) {
	a := newArguments()
	a.Text("sql", sql)
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Params != nil {
			a.Any("params", o.Params)
		}
		if o.Transaction != nil {
			a.Uint("transaction", uint64(*o.Transaction))
		}
		if o.Timeout != 0 {
			a.Span("timeout_ms", o.Timeout)
		}
	}
	r, err := c.call(ctx, 98, a)
	if err != nil {
		return 0, err
	}
	return number[uint64](r, "affected"), nil
}

// Batch: runs one statement once for each set of parameters, all of it in one transaction (or the one that is named).
//
// Errors: invalid_argument, already_exists, conflict, timeout, unavailable.
func (c DatabaseClient) Batch(ctx context.Context, sql string, params any, options ...DatabaseBatchOptions) (uint64, error) {
	a := newArguments()
	a.Text("sql", sql)
	a.Any("params", params)
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Transaction != nil {
			a.Uint("transaction", uint64(*o.Transaction))
		}
		if o.Timeout != 0 {
			a.Span("timeout_ms", o.Timeout)
		}
	}
	r, err := c.call(ctx, 99, a)
	if err != nil {
		return 0, err
	}
	return number[uint64](r, "affected"), nil
}

// QueryStream: streamed: the rows of a statement as JSON text, read no faster than they are taken. `format` json: one array; ndjson: one object a line.
// In JSON text decimals are numbers with all their digits, timestamps text, bytes base64.
//
// Errors: invalid_argument, already_exists, conflict, cancelled, timeout, unavailable.
func (c DatabaseClient) QueryStream(ctx context.Context, sql string, options ...DatabaseQueryStreamOptions) *Stream[uint64] {
	a := newArguments()
	a.Text("sql", sql)
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Params != nil {
			a.Any("params", o.Params)
		}
		if o.Format != "" {
			a.Text("format", o.Format)
		}
		if o.Transaction != nil {
			a.Uint("transaction", uint64(*o.Transaction))
		}
		if o.Timeout != 0 {
			a.Span("timeout_ms", o.Timeout)
		}
	}
	return newStream(ctx, c.client, 100, a, func(r *result) uint64 {
		return number[uint64](r, "rows")
	})
}

// Begin: begins a transaction. It holds a connection until `db.commit` or `db.rollback`; after `transaction_timeout_ms` it is rolled back. After a
// failed statement only rollback is left (conflict, transaction_aborted).
//
// Errors: invalid_argument, timeout, unavailable.
func (c DatabaseClient) Begin(ctx context.Context, options ...DatabaseBeginOptions) (uint64, error) {
	a := newArguments()
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Isolation != "" {
			a.Text("isolation", o.Isolation)
		}
		if o.ReadOnly {
			a.Bool("read_only", o.ReadOnly)
		}
	}
	r, err := c.call(ctx, 101, a)
	if err != nil {
		return 0, err
	}
	return number[uint64](r, "transaction"), nil
}

// Commit: commits and ends a transaction; with `savepoint` ends the innermost nested scope and keeps what it did.
//
// Errors: not_found, conflict, timeout, unavailable, outcome_unknown.
func (c DatabaseClient) Commit(ctx context.Context, transaction uint64, options ...DatabaseCommitOptions) error {
	a := newArguments()
	a.Uint("transaction", uint64(transaction))
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Savepoint {
			a.Bool("savepoint", o.Savepoint)
		}
	}
	_, err := c.call(ctx, 102, a)
	return err
}

// Rollback: undoes and ends a transaction; with `savepoint` the innermost nested scope, after which the transaction can go on.
//
// Errors: not_found, conflict, unavailable.
func (c DatabaseClient) Rollback(ctx context.Context, transaction uint64, options ...DatabaseRollbackOptions) error {
	a := newArguments()
	a.Uint("transaction", uint64(transaction))
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Savepoint {
			a.Bool("savepoint", o.Savepoint)
		}
	}
	_, err := c.call(ctx, 103, a)
	return err
}

// Savepoint: opens a nested scope in a transaction.
//
// Errors: not_found, conflict, timeout, unavailable.
func (c DatabaseClient) Savepoint(ctx context.Context, transaction uint64) error {
	a := newArguments()
	a.Uint("transaction", uint64(transaction))
	_, err := c.call(ctx, 104, a)
	return err
}

// OpenCursor: begins to read the rows of a statement; it holds a connection until `db.close_cursor` or its end.
//
// Errors: invalid_argument, already_exists, conflict, timeout, unavailable.
func (c DatabaseClient) OpenCursor(ctx context.Context, sql string, options ...DatabaseOpenCursorOptions) (DatabaseOpenCursorResult, error) {
	a := newArguments()
	a.Text("sql", sql)
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Params != nil {
			a.Any("params", o.Params)
		}
		if o.Transaction != nil {
			a.Uint("transaction", uint64(*o.Transaction))
		}
		if o.Timeout != 0 {
			a.Span("timeout_ms", o.Timeout)
		}
	}
	r, err := c.call(ctx, 105, a)
	if err != nil {
		return DatabaseOpenCursorResult{}, err
	}
	return DatabaseOpenCursorResult{
		Cursor:  number[uint64](r, "cursor"),
		Columns: r.Texts("columns"),
		Types:   r.Texts("types"),
	}, nil
}

// Fetch: the next rows of a cursor. It closes itself at the end and after an error.
//
// Errors: not_found, invalid_argument, conflict, timeout, unavailable.
func (c DatabaseClient) Fetch(ctx context.Context, cursor uint64, options ...DatabaseFetchOptions) (DatabaseFetchResult, error) {
	a := newArguments()
	a.Uint("cursor", uint64(cursor))
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Max != nil {
			a.Uint("max", uint64(*o.Max))
		}
	}
	r, err := c.call(ctx, 106, a)
	if err != nil {
		return DatabaseFetchResult{}, err
	}
	return DatabaseFetchResult{
		Rows: r.Value("rows"),
		Done: r.Bool("done"),
	}, nil
}

// CloseCursor: ends a cursor. One that is not there is fine.
//
// Errors: unavailable.
func (c DatabaseClient) CloseCursor(ctx context.Context, cursor uint64) error {
	a := newArguments()
	a.Uint("cursor", uint64(cursor))
	_, err := c.call(ctx, 107, a)
	return err
}

// Migrate: applies the files of the migrations folder that were not applied yet, in order, each in a transaction, once for any number of processes. A
// file that was changed after it was applied is conflict, and nothing is done.
//
// Errors: invalid_argument, not_found, conflict, timeout, unavailable.
func (c DatabaseClient) Migrate(ctx context.Context, options ...DatabaseMigrateOptions) ([]string, error) {
	a := newArguments()
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Folder != "" {
			a.Text("folder", o.Folder)
		}
	}
	r, err := c.call(ctx, 108, a)
	if err != nil {
		return nil, err
	}
	return r.Texts("applied"), nil
}

// MigrationStatus: what is applied and what is not.
//
// Errors: invalid_argument, not_found, timeout, unavailable.
func (c DatabaseClient) MigrationStatus(ctx context.Context, options ...DatabaseMigrationStatusOptions) (Value, error) {
	a := newArguments()
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Folder != "" {
			a.Text("folder", o.Folder)
		}
	}
	r, err := c.call(ctx, 109, a)
	if err != nil {
		return Value{}, err
	}
	return r.Value("migrations"), nil
}

// Inbox: notes (source, id) in a transaction and says whether it was new. What a handler does in the same transaction then happens once, however often a
// message or an event is delivered.
//
// Errors: not_found, conflict, timeout, unavailable.
func (c DatabaseClient) Inbox(ctx context.Context, transaction uint64, source string, id string) (bool, error) {
	a := newArguments()
	a.Uint("transaction", uint64(transaction))
	a.Text("source", source)
	a.Text("id", id)
	r, err := c.call(ctx, 110, a)
	if err != nil {
		return false, err
	}
	return r.Bool("first"), nil
}

// Stats: what the client is doing.
//
// Errors: unavailable.
func (c DatabaseClient) Stats(ctx context.Context) (DatabaseStatsResult, error) {
	a := newArguments()
	r, err := c.call(ctx, 111, a)
	if err != nil {
		return DatabaseStatsResult{}, err
	}
	return DatabaseStatsResult{
		Backend:      r.Text("backend"),
		InUse:        number[uint32](r, "in_use"),
		Waiting:      number[uint32](r, "waiting"),
		Transactions: number[uint32](r, "transactions"),
		Cursors:      number[uint32](r, "cursors"),
		Outbox:       number[uint64](r, "outbox"),
		Refused:      number[uint64](r, "refused"),
	}, nil
}

// Close: closes the client; what comes after is unavailable, closed.
func (c DatabaseClient) Close(ctx context.Context) error {
	a := newArguments()
	_, err := c.call(ctx, 112, a)
	return err
}

// MessagingPublishOptions are what messaging.publish takes beside its arguments; the zero value is the default of each.
type MessagingPublishOptions struct {
	// Messages of one key stay in order for consumers that are `ordered`.
	Key *string
	// Any text. Names are kept as they are and are not empty.
	Headers map[string]string
	// A transaction of `db`: the message is published when it commits, and not at all when it does not.
	Transaction *uint64
}

// MessagingStartConsumerOptions are what messaging.start_consumer takes beside its arguments; the zero value is the default of each.
type MessagingStartConsumerOptions struct {
	// Each message goes to one consumer of a group; empty for `name`.
	Group string
	// Handlers at once.
	Concurrency *uint32
	// Messages in hand, those included that wait for a handler; 0 for as many as `concurrency`.
	MaxInFlight uint32
	// A message waits until the one before it of the same key is settled.
	Ordered bool
	// After 1 + `max_retries` tries a message goes to the dead letters.
	MaxRetries *uint32
	// An object `{kind, initial_ms, factor, max_ms, jitter_percent}`, as `Backoff` of the manifest; null for its defaults.
	Backoff any
	// Topic for what is given up. Null: it is dropped and counted.
	DeadLetter *string
	// A message whose consumer died goes to another one after this time.
	AckWait time.Duration
	// The longest a handler may take. Null for no limit.
	HandlerTimeout time.Duration
	// `latest` or `earliest`: where a new group begins.
	StartFrom string
	// JSON Schema 2020-12 of the payload.
	Schema any
	// Comes back as `user` of its events.
	User uint64
}

// MessagingStopConsumerOptions are what messaging.stop_consumer takes beside its arguments; the zero value is the default of each.
type MessagingStopConsumerOptions struct {
	// How long to wait for handlers.
	DrainTimeout time.Duration
}

// MessagingStopConsumerResult is what messaging.stop_consumer gives.
type MessagingStopConsumerResult struct {
	// All of them finished.
	Drained bool
	// Messages whose handlers were cancelled.
	Unfinished uint64
}

// MessagingListDeadLettersOptions are what messaging.list_dead_letters takes beside its arguments; the zero value is the default of each.
type MessagingListDeadLettersOptions struct {
	// Only those behind this position.
	After uint64
	// How many at most.
	Limit *uint32
	// With their payloads.
	Payloads bool
}

// MessagingListDeadLettersResult is what messaging.list_dead_letters gives.
type MessagingListDeadLettersResult struct {
	// An array of objects `{position, topic, original_topic, group, reason, delivery_count, error, first_error, trace_id, validation_errors, key,
	// headers, size, time, payload}`; `payload` is bytes, null if not asked for.
	Messages Value
	// `after` for the next page; null when there is none.
	Next *uint64
}

// MessagingRedriveDeadLettersOptions are what messaging.redrive_dead_letters takes beside its arguments; the zero value is the default of each.
type MessagingRedriveDeadLettersOptions struct {
	// Which; null for all.
	Positions []uint64
	// Another topic instead, for all its groups.
	To *string
}

// MessagingPurgeDeadLettersOptions are what messaging.purge_dead_letters takes beside its arguments; the zero value is the default of each.
type MessagingPurgeDeadLettersOptions struct {
	// Which; null for all.
	Positions []uint64
}

// MessagingSeekOptions are what messaging.seek takes beside its arguments; the zero value is the default of each.
type MessagingSeekOptions struct {
	// A position.
	Position *uint64
	// When it was published, RFC 3339.
	Time *string
	// `earliest` or `latest`.
	From *string
}

// MessagingStatsResult is what messaging.stats gives.
type MessagingStatsResult struct {
	// Confirmed.
	MessagesPublished uint64
	// Handled.
	MessagesAcked uint64
	// Gone to a dead letter topic.
	MessagesDeadLettered uint64
	// Given up where there is no dead letter topic.
	MessagesDropped uint64
}

// MessagingClient has one method for each operation of messaging; Messaging builds on it.
type MessagingClient struct {
	client
}

// Publish: done when the broker has the message: nothing that was confirmed is lost. The trace of the caller goes with it (traceparent) unless the
// headers have one.
//
// Errors: invalid_argument, too_large, rate_limited, unavailable, timeout, cancelled, outcome_unknown, unsupported.
func (c MessagingClient) Publish(ctx context.Context, topic string, payload []byte, options ...MessagingPublishOptions) (*uint64, error) {
	a := newArguments()
	a.Text("topic", topic)
	a.Bytes("payload", payload)
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Key != nil {
			a.Text("key", *o.Key)
		}
		if o.Headers != nil {
			a.TextMap("headers", o.Headers)
		}
		if o.Transaction != nil {
			a.Uint("transaction", uint64(*o.Transaction))
		}
	}
	r, err := c.call(ctx, 128, a)
	if err != nil {
		return nil, err
	}
	return numberOrNil[uint64](r, "position"), nil
}

// PublishBatch: several in one go, in this order: with one confirmation, and on `memory:` and `sqlite:` all or none.
//
// Errors: invalid_argument, too_large, rate_limited, unavailable, timeout, cancelled, outcome_unknown.
func (c MessagingClient) PublishBatch(ctx context.Context, messages any) ([]uint64, error) {
	a := newArguments()
	a.Any("messages", messages)
	r, err := c.call(ctx, 129, a)
	if err != nil {
		return nil, err
	}
	return r.Uints("positions"), nil
}

// StartConsumer: starts a consumer beside those of the manifest, with the same options. Its messages come as events of the port, like theirs.
//
// Errors: invalid_argument, already_exists, unavailable, unsupported.
func (c MessagingClient) StartConsumer(ctx context.Context, name string, topic string, options ...MessagingStartConsumerOptions) (uint64, error) {
	a := newArguments()
	a.Text("name", name)
	a.Text("topic", topic)
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Group != "" {
			a.Text("group", o.Group)
		}
		if o.Concurrency != nil {
			a.Uint("concurrency", uint64(*o.Concurrency))
		}
		if o.MaxInFlight != 0 {
			a.Uint("max_in_flight", uint64(o.MaxInFlight))
		}
		if o.Ordered {
			a.Bool("ordered", o.Ordered)
		}
		if o.MaxRetries != nil {
			a.Uint("max_retries", uint64(*o.MaxRetries))
		}
		if o.Backoff != nil {
			a.Any("backoff", o.Backoff)
		}
		if o.DeadLetter != nil {
			a.Text("dead_letter", *o.DeadLetter)
		}
		if o.AckWait != 0 {
			a.Span("ack_wait_ms", o.AckWait)
		}
		if o.HandlerTimeout != 0 {
			a.Span("handler_timeout_ms", o.HandlerTimeout)
		}
		if o.StartFrom != "" {
			a.Text("start_from", o.StartFrom)
		}
		if o.Schema != nil {
			a.Any("schema", o.Schema)
		}
		if o.User != 0 {
			a.Uint("user", uint64(o.User))
		}
	}
	r, err := c.call(ctx, 130, a)
	if err != nil {
		return 0, err
	}
	return number[uint64](r, "consumer"), nil
}

// StopConsumer: takes nothing new, waits for the handlers, then cancels those that are left and hands their messages back at once, without using up a
// try.
//
// Errors: invalid_argument, not_found.
func (c MessagingClient) StopConsumer(ctx context.Context, consumer uint64, options ...MessagingStopConsumerOptions) (MessagingStopConsumerResult, error) {
	a := newArguments()
	a.Uint("consumer", uint64(consumer))
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.DrainTimeout != 0 {
			a.Span("drain_timeout_ms", o.DrainTimeout)
		}
	}
	r, err := c.call(ctx, 131, a)
	if err != nil {
		return MessagingStopConsumerResult{}, err
	}
	return MessagingStopConsumerResult{
		Drained:    r.Bool("drained"),
		Unfinished: number[uint64](r, "unfinished"),
	}, nil
}

// KillConsumer: for tests: as if its process had died. Nothing is acked or handed back; its messages come again when their leases run out.
//
// Errors: invalid_argument, not_found.
func (c MessagingClient) KillConsumer(ctx context.Context, consumer uint64) error {
	a := newArguments()
	a.Uint("consumer", uint64(consumer))
	_, err := c.call(ctx, 132, a)
	return err
}

// ListDeadLetters: the dead letters of a topic, oldest first.
//
// Errors: invalid_argument, unavailable, unsupported.
func (c MessagingClient) ListDeadLetters(ctx context.Context, topic string, options ...MessagingListDeadLettersOptions) (MessagingListDeadLettersResult, error) {
	a := newArguments()
	a.Text("topic", topic)
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.After != 0 {
			a.Uint("after", uint64(o.After))
		}
		if o.Limit != nil {
			a.Uint("limit", uint64(*o.Limit))
		}
		if o.Payloads {
			a.Bool("payloads", o.Payloads)
		}
	}
	r, err := c.call(ctx, 133, a)
	if err != nil {
		return MessagingListDeadLettersResult{}, err
	}
	return MessagingListDeadLettersResult{
		Messages: r.Value("messages"),
		Next:     numberOrNil[uint64](r, "next"),
	}, nil
}

// PeekDeadLetter: one dead letter with its payload; it stays where it is.
//
// Errors: invalid_argument, not_found, unavailable, unsupported.
func (c MessagingClient) PeekDeadLetter(ctx context.Context, topic string, position uint64) (Value, error) {
	a := newArguments()
	a.Text("topic", topic)
	a.Uint("position", uint64(position))
	r, err := c.call(ctx, 134, a)
	if err != nil {
		return Value{}, err
	}
	return r.Value("message"), nil
}

// RedriveDeadLetters: sends dead letters to where they came from, for the group that gave them up, with all their tries again; each leaves the dead
// letters as it is sent.
//
// Errors: invalid_argument, unavailable, unsupported.
func (c MessagingClient) RedriveDeadLetters(ctx context.Context, topic string, options ...MessagingRedriveDeadLettersOptions) (uint64, error) {
	a := newArguments()
	a.Text("topic", topic)
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Positions != nil {
			a.Uints("positions", o.Positions)
		}
		if o.To != nil {
			a.Text("to", *o.To)
		}
	}
	r, err := c.call(ctx, 135, a)
	if err != nil {
		return 0, err
	}
	return number[uint64](r, "count"), nil
}

// PurgeDeadLetters: deletes dead letters.
//
// Errors: invalid_argument, unavailable, unsupported.
func (c MessagingClient) PurgeDeadLetters(ctx context.Context, topic string, options ...MessagingPurgeDeadLettersOptions) (uint64, error) {
	a := newArguments()
	a.Text("topic", topic)
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Positions != nil {
			a.Uints("positions", o.Positions)
		}
	}
	r, err := c.call(ctx, 136, a)
	if err != nil {
		return 0, err
	}
	return number[uint64](r, "count"), nil
}

// Seek: replay: the group goes on with the first message at or after this place, and gets what comes after it again. Deliveries of later messages that
// are in hand count no more; earlier ones that are not settled yet stay. Makes the group when it is not there. Exactly one of `position`, `time` and
// `from`.
//
// Errors: invalid_argument, unavailable, unsupported.
func (c MessagingClient) Seek(ctx context.Context, group string, topic string, options ...MessagingSeekOptions) error {
	a := newArguments()
	a.Text("group", group)
	a.Text("topic", topic)
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Position != nil {
			a.Uint("position", uint64(*o.Position))
		}
		if o.Time != nil {
			a.Text("time", *o.Time)
		}
		if o.From != nil {
			a.Text("from", *o.From)
		}
	}
	_, err := c.call(ctx, 137, a)
	return err
}

// Groups: the groups that the broker knows, by topic and name.
//
// Errors: unavailable, unsupported.
func (c MessagingClient) Groups(ctx context.Context) (Value, error) {
	a := newArguments()
	r, err := c.call(ctx, 138, a)
	if err != nil {
		return Value{}, err
	}
	return r.Value("groups"), nil
}

// DeleteGroup: forgets a group that nobody consumes any more: nothing is kept for it from then on.
//
// Errors: invalid_argument, conflict, unavailable, unsupported.
func (c MessagingClient) DeleteGroup(ctx context.Context, group string, topic string) (bool, error) {
	a := newArguments()
	a.Text("group", group)
	a.Text("topic", topic)
	r, err := c.call(ctx, 139, a)
	if err != nil {
		return false, err
	}
	return r.Bool("deleted"), nil
}

// TopicMatch: whether a pattern stands for a topic. A pattern that is not one in this style stands for none.
//
// Errors: invalid_argument.
func (c MessagingClient) TopicMatch(ctx context.Context, style string, pattern string, topic string) (bool, error) {
	a := newArguments()
	a.Text("style", style)
	a.Text("pattern", pattern)
	a.Text("topic", topic)
	r, err := c.call(ctx, 140, a)
	if err != nil {
		return false, err
	}
	return r.Bool("value"), nil
}

// Stats: counts of this process since its start.
func (c MessagingClient) Stats(ctx context.Context) (MessagingStatsResult, error) {
	a := newArguments()
	r, err := c.call(ctx, 141, a)
	if err != nil {
		return MessagingStatsResult{}, err
	}
	return MessagingStatsResult{
		MessagesPublished:    number[uint64](r, "messages_published"),
		MessagesAcked:        number[uint64](r, "messages_acked"),
		MessagesDeadLettered: number[uint64](r, "messages_dead_lettered"),
		MessagesDropped:      number[uint64](r, "messages_dropped"),
	}, nil
}

// StorageReadOptions are what storage.read takes beside its arguments; the zero value is the default of each.
type StorageReadOptions struct {
	// First byte. At or after the end is invalid_argument, detail range_not_satisfiable.
	Offset *uint64
	// How many bytes; an end past the object is cut. 0 is refused.
	Length *uint64
	// The last so many bytes, without `offset` and `length`. 0 is refused.
	Suffix *uint64
	// Only if the object has this etag.
	IfMatch *string
	// Only if the object has another etag than this.
	IfNoneMatch *string
}

// StorageReadResult is what storage.read gives.
type StorageReadResult struct {
	// The bytes.
	Data []byte
	// Where in the object they begin.
	Offset uint64
	// The object.
	Object Value
}

// StorageReadStreamOptions are what storage.read_stream takes beside its arguments; the zero value is the default of each.
type StorageReadStreamOptions struct {
	// First byte. At or after the end is invalid_argument, detail range_not_satisfiable.
	Offset *uint64
	// How many bytes; an end past the object is cut. 0 is refused.
	Length *uint64
	// The last so many bytes, without `offset` and `length`. 0 is refused.
	Suffix *uint64
	// Only if the object has this etag.
	IfMatch *string
	// Only if the object has another etag than this.
	IfNoneMatch *string
}

// StorageReadStreamResult is what storage.read_stream gives.
type StorageReadStreamResult struct {
	// Where in the object the chunks began.
	Offset uint64
	// How many bytes the chunks had.
	Size uint64
	// The object.
	Object Value
}

// StorageWriteOptions are what storage.write takes beside its arguments; the zero value is the default of each.
type StorageWriteOptions struct {
	// Content-Type that readers are told.
	ContentType *string
	// Cache-Control that readers are told.
	CacheControl *string
	// Content-Disposition that readers are told.
	ContentDisposition *string
	// An object of texts, names and texts together 2048 bytes at most. Names are tokens as in HTTP headers and become lower case.
	Metadata any
	// Only if the object that is there has this etag.
	IfMatch *string
	// `*`: only if nothing is there.
	IfNoneMatch *string
}

// StorageWriteStreamOptions are what storage.write_stream takes beside its arguments; the zero value is the default of each.
type StorageWriteStreamOptions struct {
	// Content-Type that readers are told.
	ContentType *string
	// Cache-Control that readers are told.
	CacheControl *string
	// Content-Disposition that readers are told.
	ContentDisposition *string
	// An object of texts, names and texts together 2048 bytes at most. Names are tokens as in HTTP headers and become lower case.
	Metadata any
	// Only if the object that is there has this etag.
	IfMatch *string
	// `*`: only if nothing is there.
	IfNoneMatch *string
}

// StorageListOptions are what storage.list takes beside its arguments; the zero value is the default of each.
type StorageListOptions struct {
	// Only keys that begin with this.
	Prefix string
	// What ends a rolled-up prefix, `/` as a rule. Empty: nothing is rolled up.
	Delimiter string
	// Only what is strictly greater.
	StartAfter string
	// Entries and prefixes of a page together.
	Limit *uint32
	// `next` of the page before, with the same prefix and delimiter. A place in the order of keys, not a snapshot.
	Token *string
}

// StorageListResult is what storage.list gives.
type StorageListResult struct {
	// An array of `{key, size, etag, last_modified}`.
	Entries Value
	// The rolled-up prefixes, each with its delimiter.
	Prefixes []string
	// `token` of the next page; null on the last.
	Next *string
}

// StorageCopyOptions are what storage.copy takes beside its arguments; the zero value is the default of each.
type StorageCopyOptions struct {
	// Only if the object that is there has this etag.
	IfMatch *string
	// `*`: only if nothing is there.
	IfNoneMatch *string
}

// StorageRenameOptions are what storage.rename takes beside its arguments; the zero value is the default of each.
type StorageRenameOptions struct {
	// Only if the object that is there has this etag.
	IfMatch *string
	// `*`: only if nothing is there.
	IfNoneMatch *string
}

// StoragePresignOptions are what storage.presign takes beside its arguments; the zero value is the default of each.
type StoragePresignOptions struct {
	// How long it is good for.
	ExpiresS *uint32
}

// StoragePresignResult is what storage.presign gives.
type StoragePresignResult struct {
	// The URL.
	URL string
	// When it ends, in ms since the epoch.
	ExpiresAt int64
}

// StoragePlanUploadOptions are what storage.plan_upload takes beside its arguments; the zero value is the default of each.
type StoragePlanUploadOptions struct {
	// Size of each part but the last. Rounded up to 256 KiB, and to what 10,000 parts need.
	PartBytes *uint64
	// Content-Type that readers are told.
	ContentType *string
	// Cache-Control that readers are told.
	CacheControl *string
	// Content-Disposition that readers are told.
	ContentDisposition *string
	// An object of texts, names and texts together 2048 bytes at most. Names are tokens as in HTTP headers and become lower case.
	Metadata any
	// Only if the object that is there has this etag.
	IfMatch *string
	// `*`: only if nothing is there.
	IfNoneMatch *string
	// `https://HOST[:PORT]` of the pages whose scripts upload: the session of `gcs:` answers the browser for no other. Stores besides look at their CORS
	// rules only.
	Origin *string
	// How long the URLs are good for. A part that has begun by then is taken.
	ExpiresS *uint32
}

// StoragePlanUploadResult is what storage.plan_upload gives.
type StoragePlanUploadResult struct {
	// Opaque, for the two operations below. It can be read, not forged, and is for this key and store only.
	Upload string
	// The key.
	Key string
	// An array of `{number, method, url, headers, offset, size}`: a request with these headers, whose body is the `size` bytes of the object from
	// `offset`. Numbers are from 1. Any 2xx says that the part arrived; where parts are ordered, 308 too.
	Parts Value
	// Whether parts must be sent one after the other (`gcs:`).
	Ordered bool
	// When the URLs end, in ms since the epoch. The upload can be completed until a day later.
	ExpiresAt int64
}

// StorageCompleteUploadOptions are what storage.complete_upload takes beside its arguments; the zero value is the default of each.
type StorageCompleteUploadOptions struct {
	// The `ETag` of each part's answer, in the order of parts: that no other bytes came after it. None, or an empty text, where it is not known (`gcs:`
	// and `azblob:` tell none).
	Etags []string
}

// StorageClient has one method for each operation of storage; Storage builds on it.
type StorageClient struct {
	client
}

// Read: an object, or a part of it, in one piece. At most `max_read_bytes` of the store; more is too_large.
//
// Errors: invalid_argument, not_found, condition_failed, too_large, unavailable.
func (c StorageClient) Read(ctx context.Context, key string, options ...StorageReadOptions) (StorageReadResult, error) {
	a := newArguments()
	a.Text("key", key)
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Offset != nil {
			a.Uint("offset", uint64(*o.Offset))
		}
		if o.Length != nil {
			a.Uint("length", uint64(*o.Length))
		}
		if o.Suffix != nil {
			a.Uint("suffix", uint64(*o.Suffix))
		}
		if o.IfMatch != nil {
			a.Text("if_match", *o.IfMatch)
		}
		if o.IfNoneMatch != nil {
			a.Text("if_none_match", *o.IfNoneMatch)
		}
	}
	r, err := c.call(ctx, 64, a)
	if err != nil {
		return StorageReadResult{}, err
	}
	return StorageReadResult{
		Data:   r.Bytes("data"),
		Offset: number[uint64](r, "offset"),
		Object: r.Value("object"),
	}, nil
}

// ReadStream: an object, or a part of it, in chunks. The object read is that of the beginning, whatever is written meanwhile.
//
// Errors: invalid_argument, not_found, condition_failed, cancelled, unavailable.
func (c StorageClient) ReadStream(ctx context.Context, key string, options ...StorageReadStreamOptions) *Stream[StorageReadStreamResult] {
	a := newArguments()
	a.Text("key", key)
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Offset != nil {
			a.Uint("offset", uint64(*o.Offset))
		}
		if o.Length != nil {
			a.Uint("length", uint64(*o.Length))
		}
		if o.Suffix != nil {
			a.Uint("suffix", uint64(*o.Suffix))
		}
		if o.IfMatch != nil {
			a.Text("if_match", *o.IfMatch)
		}
		if o.IfNoneMatch != nil {
			a.Text("if_none_match", *o.IfNoneMatch)
		}
	}
	return newStream(ctx, c.client, 65, a, func(r *result) StorageReadStreamResult {
		return StorageReadStreamResult{
			Offset: number[uint64](r, "offset"),
			Size:   number[uint64](r, "size"),
			Object: r.Value("object"),
		}
	})
}

// Write: writes an object whole, metadata included: what was there is replaced in one step. Returns when it is durable.
//
// Errors: invalid_argument, condition_failed, too_large, unavailable.
func (c StorageClient) Write(ctx context.Context, key string, data []byte, options ...StorageWriteOptions) (Value, error) {
	a := newArguments()
	a.Text("key", key)
	a.Bytes("data", data)
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.ContentType != nil {
			a.Text("content_type", *o.ContentType)
		}
		if o.CacheControl != nil {
			a.Text("cache_control", *o.CacheControl)
		}
		if o.ContentDisposition != nil {
			a.Text("content_disposition", *o.ContentDisposition)
		}
		if o.Metadata != nil {
			a.Any("metadata", o.Metadata)
		}
		if o.IfMatch != nil {
			a.Text("if_match", *o.IfMatch)
		}
		if o.IfNoneMatch != nil {
			a.Text("if_none_match", *o.IfNoneMatch)
		}
	}
	r, err := c.call(ctx, 66, a)
	if err != nil {
		return Value{}, err
	}
	return r.Value("object"), nil
}

// WriteStream: as `storage.write`, from chunks. A caller that gives up before the last chunk leaves everything as it was: cancelled, detail aborted.
//
// Errors: invalid_argument, condition_failed, cancelled, too_large, unavailable.
func (c StorageClient) WriteStream(ctx context.Context, key string, chunks io.Reader, options ...StorageWriteStreamOptions) (Value, error) {
	a := newArguments()
	a.Text("key", key)
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.ContentType != nil {
			a.Text("content_type", *o.ContentType)
		}
		if o.CacheControl != nil {
			a.Text("cache_control", *o.CacheControl)
		}
		if o.ContentDisposition != nil {
			a.Text("content_disposition", *o.ContentDisposition)
		}
		if o.Metadata != nil {
			a.Any("metadata", o.Metadata)
		}
		if o.IfMatch != nil {
			a.Text("if_match", *o.IfMatch)
		}
		if o.IfNoneMatch != nil {
			a.Text("if_none_match", *o.IfNoneMatch)
		}
	}
	r, err := c.send(ctx, 67, a, chunks)
	if err != nil {
		return Value{}, err
	}
	return r.Value("object"), nil
}

// Stat: what is known of an object, without its content.
//
// Errors: invalid_argument, not_found, unavailable.
func (c StorageClient) Stat(ctx context.Context, key string) (Value, error) {
	a := newArguments()
	a.Text("key", key)
	r, err := c.call(ctx, 68, a)
	if err != nil {
		return Value{}, err
	}
	return r.Value("object"), nil
}

// Exists: whether there is an object of this key.
//
// Errors: invalid_argument, unavailable.
func (c StorageClient) Exists(ctx context.Context, key string) (bool, error) {
	a := newArguments()
	a.Text("key", key)
	r, err := c.call(ctx, 69, a)
	if err != nil {
		return false, err
	}
	return r.Bool("value"), nil
}

// Delete: deletes an object. One that is not there is no error.
//
// Errors: invalid_argument, unavailable.
func (c StorageClient) Delete(ctx context.Context, key string) error {
	a := newArguments()
	a.Text("key", key)
	_, err := c.call(ctx, 70, a)
	return err
}

// DeleteMany: deletes objects, each by itself.
//
// Errors: invalid_argument, unavailable.
func (c StorageClient) DeleteMany(ctx context.Context, keys []string) (Value, error) {
	a := newArguments()
	a.Texts("keys", keys)
	r, err := c.call(ctx, 71, a)
	if err != nil {
		return Value{}, err
	}
	return r.Value("errors"), nil
}

// List: a page of objects in the order of the UTF-8 bytes of their keys. With a delimiter, keys that have it after the prefix are rolled up to one
// prefix each.
//
// Errors: invalid_argument, unavailable.
func (c StorageClient) List(ctx context.Context, options ...StorageListOptions) (StorageListResult, error) {
	a := newArguments()
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Prefix != "" {
			a.Text("prefix", o.Prefix)
		}
		if o.Delimiter != "" {
			a.Text("delimiter", o.Delimiter)
		}
		if o.StartAfter != "" {
			a.Text("start_after", o.StartAfter)
		}
		if o.Limit != nil {
			a.Uint("limit", uint64(*o.Limit))
		}
		if o.Token != nil {
			a.Text("token", *o.Token)
		}
	}
	r, err := c.call(ctx, 72, a)
	if err != nil {
		return StorageListResult{}, err
	}
	return StorageListResult{
		Entries:  r.Value("entries"),
		Prefixes: r.Texts("prefixes"),
		Next:     r.TextOrNil("next"),
	}, nil
}

// Copy: copies an object, metadata included, onto another key of the same store.
//
// Errors: invalid_argument, not_found, condition_failed, too_large, unavailable.
func (c StorageClient) Copy(ctx context.Context, source string, target string, options ...StorageCopyOptions) (Value, error) {
	a := newArguments()
	a.Text("source", source)
	a.Text("target", target)
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.IfMatch != nil {
			a.Text("if_match", *o.IfMatch)
		}
		if o.IfNoneMatch != nil {
			a.Text("if_none_match", *o.IfNoneMatch)
		}
	}
	r, err := c.call(ctx, 73, a)
	if err != nil {
		return Value{}, err
	}
	return r.Value("object"), nil
}

// Rename: moves an object, metadata included, to another key of the same store. One step where the backend says so (`memory:`, `file:`), else a copy and
// a delete.
//
// Errors: invalid_argument, not_found, condition_failed, unavailable.
func (c StorageClient) Rename(ctx context.Context, source string, target string, options ...StorageRenameOptions) (Value, error) {
	a := newArguments()
	a.Text("source", source)
	a.Text("target", target)
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.IfMatch != nil {
			a.Text("if_match", *o.IfMatch)
		}
		if o.IfNoneMatch != nil {
			a.Text("if_none_match", *o.IfNoneMatch)
		}
	}
	r, err := c.call(ctx, 74, a)
	if err != nil {
		return Value{}, err
	}
	return r.Value("object"), nil
}

// Presign: a URL that lets whoever has it do one thing with one object for a while, without credentials.
//
// Errors: invalid_argument, unsupported.
func (c StorageClient) Presign(ctx context.Context, method string, key string, options ...StoragePresignOptions) (StoragePresignResult, error) {
	a := newArguments()
	a.Text("method", method)
	a.Text("key", key)
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.ExpiresS != nil {
			a.Uint("expires_s", uint64(*o.ExpiresS))
		}
	}
	r, err := c.call(ctx, 75, a)
	if err != nil {
		return StoragePresignResult{}, err
	}
	return StoragePresignResult{
		URL:       r.Text("url"),
		ExpiresAt: number[int64](r, "expires_at"),
	}, nil
}

// PlanUpload: lets others, a browser perhaps, upload a large object in parts straight to the store, without credentials: what each part's request is.
// The object is there once `storage.complete_upload` was called.
//
// Errors: invalid_argument, unsupported, too_large, unavailable.
func (c StorageClient) PlanUpload(ctx context.Context, key string, size uint64, options ...StoragePlanUploadOptions) (StoragePlanUploadResult, error) {
	a := newArguments()
	a.Text("key", key)
	a.Uint("size", uint64(size))
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.PartBytes != nil {
			a.Uint("part_bytes", uint64(*o.PartBytes))
		}
		if o.ContentType != nil {
			a.Text("content_type", *o.ContentType)
		}
		if o.CacheControl != nil {
			a.Text("cache_control", *o.CacheControl)
		}
		if o.ContentDisposition != nil {
			a.Text("content_disposition", *o.ContentDisposition)
		}
		if o.Metadata != nil {
			a.Any("metadata", o.Metadata)
		}
		if o.IfMatch != nil {
			a.Text("if_match", *o.IfMatch)
		}
		if o.IfNoneMatch != nil {
			a.Text("if_none_match", *o.IfNoneMatch)
		}
		if o.Origin != nil {
			a.Text("origin", *o.Origin)
		}
		if o.ExpiresS != nil {
			a.Uint("expires_s", uint64(*o.ExpiresS))
		}
	}
	r, err := c.call(ctx, 76, a)
	if err != nil {
		return StoragePlanUploadResult{}, err
	}
	return StoragePlanUploadResult{
		Upload:    r.Text("upload"),
		Key:       r.Text("key"),
		Parts:     r.Value("parts"),
		Ordered:   r.Bool("ordered"),
		ExpiresAt: number[int64](r, "expires_at"),
	}, nil
}

// CompleteUpload: makes the parts the object, in one step. A part that is missing, has another size or another etag is conflict, detail invalid_part: it
// can be uploaded and the upload completed then. One that the store does not know (any more) is not_found, detail no_such_upload.
//
// Errors: invalid_argument, not_found, condition_failed, conflict, too_large, outcome_unknown, unavailable.
func (c StorageClient) CompleteUpload(ctx context.Context, key string, upload string, options ...StorageCompleteUploadOptions) (Value, error) {
	a := newArguments()
	a.Text("key", key)
	a.Text("upload", upload)
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Etags != nil {
			a.Texts("etags", o.Etags)
		}
	}
	r, err := c.call(ctx, 77, a)
	if err != nil {
		return Value{}, err
	}
	return r.Value("object"), nil
}

// AbortUpload: takes away what arrived. One that was completed or aborted is no error, and what was completed stays.
//
// Errors: invalid_argument, unavailable.
func (c StorageClient) AbortUpload(ctx context.Context, key string, upload string) error {
	a := newArguments()
	a.Text("key", key)
	a.Text("upload", upload)
	_, err := c.call(ctx, 78, a)
	return err
}

// TasksEnqueueOptions are what tasks.enqueue takes beside its arguments; the zero value is the default of each.
type TasksEnqueueOptions struct {
	// The queue.
	Queue string
	// What the handler gets, as JSON.
	Args any
	// Not before this long from now.
	Delay time.Duration
	// Not before this instant: RFC 3339 text or ms since the epoch. Not with `delay_ms`.
	RunAt any
	// Higher goes first; first come among equals.
	Priority int32
	// Runs at most, the first one included.
	MaxAttempts *uint32
	// `{initial_ms, factor, max_ms, jitter_percent}` between failed runs. Null: 1000, 2, 300000, 10. An object without `jitter_percent` has none.
	Backoff any
	// A run that takes longer is cancelled and has failed. 0: the worker's limit.
	Timeout time.Duration
	// At most one job of this key that has not ended is in the store. Empty: none.
	UniqueKey string
	// Of the jobs of this key at most `concurrency_limit` run at a time, over all workers. Empty: none.
	ConcurrencyKey string
	// See `concurrency_key`.
	ConcurrencyLimit *uint32
	// Ids of jobs that must complete before this one begins. When one is discarded or cancelled, so is this one (cancelled, with the reason).
	DependsOn []string
	// Id of a batch that is not done, which this job joins.
	Batch string
	// For people and lists.
	Tags []string
	// How long the job and its result are kept after its end. 0: the store's default.
	Retention time.Duration
	// A transaction of `db`: the task is enqueued when it commits, and not at all when it does not. A store in another database gets it through the
	// outbox; the result then has no id (empty).
	Transaction *uint64
}

// TasksEnqueueResult is what tasks.enqueue gives.
type TasksEnqueueResult struct {
	// The job's id.
	ID string
	// False: it was there (`unique_key`).
	Created bool
}

// TasksEnqueueBatchOptions are what tasks.enqueue_batch takes beside its arguments; the zero value is the default of each.
type TasksEnqueueBatchOptions struct {
	// A job (arguments of `tasks.enqueue`) that is pending until the batch is done; it finds the batch by `tasks.batch`, whose id is its `batch_done`.
	// Null: none.
	Callback any
}

// TasksEnqueueBatchResult is what tasks.enqueue_batch gives.
type TasksEnqueueBatchResult struct {
	// The batch's id.
	Batch string
	// For each, in order, `{id, created}`.
	Jobs Value
	// Id of the callback's job, or null.
	Callback Value
}

// TasksBatchResult is what tasks.batch gives.
type TasksBatchResult struct {
	// Its id.
	ID string
	// Jobs in it.
	Total uint64
	// Jobs that have not ended.
	Pending uint64
	// Jobs that completed.
	Completed uint64
	// Jobs that were cancelled.
	Cancelled uint64
	// Jobs that were discarded.
	Discarded uint64
	// All have ended.
	Done bool
	// Id of the callback's job, or null.
	Callback Value
}

// TasksJobResult is what tasks.job gives.
type TasksJobResult struct {
	// Its id.
	ID string
	// Its queue.
	Queue string
	// The task's name.
	Task string
	// Its arguments.
	Args Value
	// pending, scheduled, available, running, retryable, completed, cancelled or discarded.
	State string
	// Its priority.
	Priority int32
	// Runs begun, those that do not count left out.
	Attempt uint32
	// Runs at most.
	MaxAttempts uint32
	// Not before this instant.
	RunAt int64
	// When it was enqueued.
	EnqueuedAt int64
	// When the latest run began, or null.
	StartedAt Value
	// When it ended, or null.
	EndedAt Value
	// The occurrence of its schedule that it stands for, or null.
	ScheduledAt Value
	// Its schedule, or null.
	Schedule Value
	// Who runs it, or null.
	Worker Value
	// Its unique key, or null.
	UniqueKey Value
	// Its concurrency key, or null.
	ConcurrencyKey Value
	// Its batch, or null.
	Batch Value
	// The batch whose callback it is, or null.
	BatchDone Value
	// Its tags.
	Tags []string
	// What its handler told last, or null.
	Progress Value
	// What its handler returned, or null.
	Result Value
	// The latest error, or the reason of its cancellation; null for none.
	Error Value
	// error, timeout, fatal, lease_lost, unknown_task, dependency or a code of the handler's; null for none.
	ErrorCode Value
}

// TasksListOptions are what tasks.list takes beside its arguments; the zero value is the default of each.
type TasksListOptions struct {
	// Of this queue only.
	Queue string
	// In this state only.
	State string
	// Of this name only.
	Task string
	// Of this schedule only.
	Schedule string
	// Of this batch only.
	Batch string
	// Only ids after this one: the last of the page before.
	After string
	// How many at most.
	Limit *uint32
}

// TasksCancelOptions are what tasks.cancel takes beside its arguments; the zero value is the default of each.
type TasksCancelOptions struct {
	// Kept as the job's error.
	Reason string
}

// TasksPendingCountOptions are what tasks.pending_count takes beside its arguments; the zero value is the default of each.
type TasksPendingCountOptions struct {
	// The queue.
	Queue string
}

// TasksPauseOptions are what tasks.pause takes beside its arguments; the zero value is the default of each.
type TasksPauseOptions struct {
	// The queue.
	Queue string
}

// TasksResumeOptions are what tasks.resume takes beside its arguments; the zero value is the default of each.
type TasksResumeOptions struct {
	// The queue.
	Queue string
}

// TasksSetRateLimitOptions are what tasks.set_rate_limit takes beside its arguments; the zero value is the default of each.
type TasksSetRateLimitOptions struct {
	// The queue.
	Queue string
	// So many. 0: no limit.
	Count uint32
	// In this span.
	Period time.Duration
	// So many at once after a rest. 0: as `count`.
	Burst uint32
}

// TasksHeartbeatOptions are what tasks.heartbeat takes beside its arguments; the zero value is the default of each.
type TasksHeartbeatOptions struct {
	// From now.
	LeaseMs *uint64
}

// TasksWaitOptions are what tasks.wait takes beside its arguments; the zero value is the default of each.
type TasksWaitOptions struct {
	// At most this long; then timeout.
	Timeout time.Duration
}

// TasksStartWorkerOptions are what tasks.start_worker takes beside its arguments; the zero value is the default of each.
type TasksStartWorkerOptions struct {
	// The queue.
	Queue string
	// Handlers at once.
	Concurrency *uint32
	// A job comes back this long after its worker died; renewed every third of it.
	Lease time.Duration
	// For tasks without a limit of their own. 0: none.
	Timeout time.Duration
	// Names it has handlers for; any other is discarded with the code unknown_task. Null: all.
	Tasks any
	// Comes back as `user` of its events.
	User uint64
}

// TasksStopWorkerOptions are what tasks.stop_worker takes beside its arguments; the zero value is the default of each.
type TasksStopWorkerOptions struct {
	// For what runs.
	Timeout time.Duration
}

// TasksStopWorkerResult is what tasks.stop_worker gives.
type TasksStopWorkerResult struct {
	// Everything finished in time.
	Drained bool
	// Handed back.
	Unfinished uint64
}

// TasksScheduleOptions are what tasks.schedule takes beside its arguments; the zero value is the default of each.
type TasksScheduleOptions struct {
	// A name of the IANA data base.
	Timezone string
	// Where its jobs go.
	Queue string
	// The arguments of every job.
	Args any
	// As in `tasks.enqueue`.
	Priority int32
	// As in `tasks.enqueue`.
	MaxAttempts *uint32
	// As in `tasks.enqueue`.
	Timeout time.Duration
	// What becomes of times at which no scheduler ran: skip, once (one job for all of them), all (one for each).
	Misfire string
	// forbid: a time is left out while the job before has not ended.
	Overlap string
}

// TasksStartSchedulerOptions are what tasks.start_scheduler takes beside its arguments; the zero value is the default of each.
type TasksStartSchedulerOptions struct {
	// Its name; unique among those that run.
	Name string
}

// TasksStopSchedulerOptions are what tasks.stop_scheduler takes beside its arguments; the zero value is the default of each.
type TasksStopSchedulerOptions struct {
	// Its name.
	Name string
}

// TasksClient has one method for each operation of tasks; Tasks builds on it.
type TasksClient struct {
	client
}

// Enqueue: puts one task into a queue. With `unique_key`, gives the job of that key that has not ended, if there is one.
//
// Errors: invalid_argument, not_found, conflict, unavailable.
func (c TasksClient) Enqueue(ctx context.Context, task string, options ...TasksEnqueueOptions) (TasksEnqueueResult, error) {
	a := newArguments()
	a.Text("task", task)
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Queue != "" {
			a.Text("queue", o.Queue)
		}
		if o.Args != nil {
			a.Any("args", o.Args)
		}
		if o.Delay != 0 {
			a.Span("delay_ms", o.Delay)
		}
		if o.RunAt != nil {
			a.Any("run_at", o.RunAt)
		}
		if o.Priority != 0 {
			a.Int("priority", int64(o.Priority))
		}
		if o.MaxAttempts != nil {
			a.Uint("max_attempts", uint64(*o.MaxAttempts))
		}
		if o.Backoff != nil {
			a.Any("backoff", o.Backoff)
		}
		if o.Timeout != 0 {
			a.Span("timeout_ms", o.Timeout)
		}
		if o.UniqueKey != "" {
			a.Text("unique_key", o.UniqueKey)
		}
		if o.ConcurrencyKey != "" {
			a.Text("concurrency_key", o.ConcurrencyKey)
		}
		if o.ConcurrencyLimit != nil {
			a.Uint("concurrency_limit", uint64(*o.ConcurrencyLimit))
		}
		if o.DependsOn != nil {
			a.Texts("depends_on", o.DependsOn)
		}
		if o.Batch != "" {
			a.Text("batch", o.Batch)
		}
		if o.Tags != nil {
			a.Texts("tags", o.Tags)
		}
		if o.Retention != 0 {
			a.Span("retention_ms", o.Retention)
		}
		if o.Transaction != nil {
			a.Uint("transaction", uint64(*o.Transaction))
		}
	}
	r, err := c.call(ctx, 160, a)
	if err != nil {
		return TasksEnqueueResult{}, err
	}
	return TasksEnqueueResult{
		ID:      r.Text("id"),
		Created: r.Bool("created"),
	}, nil
}

// EnqueueMany: puts many tasks into queues in one transaction: all of them or none.
//
// Errors: invalid_argument, not_found, conflict, unavailable.
func (c TasksClient) EnqueueMany(ctx context.Context, jobs any) (Value, error) {
	a := newArguments()
	a.Any("jobs", jobs)
	r, err := c.call(ctx, 161, a)
	if err != nil {
		return Value{}, err
	}
	return r.Value("jobs"), nil
}

// EnqueueBatch: puts many tasks into queues as one batch, in one transaction. When all of them have ended, `callback` is released.
//
// Errors: invalid_argument, not_found, conflict, unavailable.
func (c TasksClient) EnqueueBatch(ctx context.Context, jobs any, options ...TasksEnqueueBatchOptions) (TasksEnqueueBatchResult, error) {
	a := newArguments()
	a.Any("jobs", jobs)
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Callback != nil {
			a.Any("callback", o.Callback)
		}
	}
	r, err := c.call(ctx, 162, a)
	if err != nil {
		return TasksEnqueueBatchResult{}, err
	}
	return TasksEnqueueBatchResult{
		Batch:    r.Text("batch"),
		Jobs:     r.Value("jobs"),
		Callback: r.Value("callback"),
	}, nil
}

// Batch: how far a batch is.
//
// Errors: not_found.
func (c TasksClient) Batch(ctx context.Context, id string) (TasksBatchResult, error) {
	a := newArguments()
	a.Text("id", id)
	r, err := c.call(ctx, 163, a)
	if err != nil {
		return TasksBatchResult{}, err
	}
	return TasksBatchResult{
		ID:        r.Text("id"),
		Total:     number[uint64](r, "total"),
		Pending:   number[uint64](r, "pending"),
		Completed: number[uint64](r, "completed"),
		Cancelled: number[uint64](r, "cancelled"),
		Discarded: number[uint64](r, "discarded"),
		Done:      r.Bool("done"),
		Callback:  r.Value("callback"),
	}, nil
}

// Job: a job as it is now.
//
// Errors: not_found.
func (c TasksClient) Job(ctx context.Context, id string) (TasksJobResult, error) {
	a := newArguments()
	a.Text("id", id)
	r, err := c.call(ctx, 164, a)
	if err != nil {
		return TasksJobResult{}, err
	}
	return TasksJobResult{
		ID:             r.Text("id"),
		Queue:          r.Text("queue"),
		Task:           r.Text("task"),
		Args:           r.Value("args"),
		State:          r.Text("state"),
		Priority:       number[int32](r, "priority"),
		Attempt:        number[uint32](r, "attempt"),
		MaxAttempts:    number[uint32](r, "max_attempts"),
		RunAt:          number[int64](r, "run_at"),
		EnqueuedAt:     number[int64](r, "enqueued_at"),
		StartedAt:      r.Value("started_at"),
		EndedAt:        r.Value("ended_at"),
		ScheduledAt:    r.Value("scheduled_at"),
		Schedule:       r.Value("schedule"),
		Worker:         r.Value("worker"),
		UniqueKey:      r.Value("unique_key"),
		ConcurrencyKey: r.Value("concurrency_key"),
		Batch:          r.Value("batch"),
		BatchDone:      r.Value("batch_done"),
		Tags:           r.Texts("tags"),
		Progress:       r.Value("progress"),
		Result:         r.Value("result"),
		Error:          r.Value("error"),
		ErrorCode:      r.Value("error_code"),
	}, nil
}

// List: jobs in the order of their ids.
//
// Errors: invalid_argument.
func (c TasksClient) List(ctx context.Context, options ...TasksListOptions) (Value, error) {
	a := newArguments()
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Queue != "" {
			a.Text("queue", o.Queue)
		}
		if o.State != "" {
			a.Text("state", o.State)
		}
		if o.Task != "" {
			a.Text("task", o.Task)
		}
		if o.Schedule != "" {
			a.Text("schedule", o.Schedule)
		}
		if o.Batch != "" {
			a.Text("batch", o.Batch)
		}
		if o.After != "" {
			a.Text("after", o.After)
		}
		if o.Limit != nil {
			a.Uint("limit", uint64(*o.Limit))
		}
	}
	r, err := c.call(ctx, 165, a)
	if err != nil {
		return Value{}, err
	}
	return r.Value("jobs"), nil
}

// Cancel: ends a job that has not ended. A running handler is told and its result is thrown away; jobs that depend on it are cancelled too.
//
// Errors: not_found.
func (c TasksClient) Cancel(ctx context.Context, id string, options ...TasksCancelOptions) (bool, error) {
	a := newArguments()
	a.Text("id", id)
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Reason != "" {
			a.Text("reason", o.Reason)
		}
	}
	r, err := c.call(ctx, 166, a)
	if err != nil {
		return false, err
	}
	return r.Bool("cancelled"), nil
}

// Retry: lets a job that has ended run once more.
//
// Errors: not_found, conflict.
func (c TasksClient) Retry(ctx context.Context, id string) (bool, error) {
	a := newArguments()
	a.Text("id", id)
	r, err := c.call(ctx, 167, a)
	if err != nil {
		return false, err
	}
	return r.Bool("retried"), nil
}

// Queues: all queues with their counts and settings.
func (c TasksClient) Queues(ctx context.Context) (Value, error) {
	a := newArguments()
	r, err := c.call(ctx, 168, a)
	if err != nil {
		return Value{}, err
	}
	return r.Value("queues"), nil
}

// PendingCount: jobs of a queue that neither run nor have ended.
func (c TasksClient) PendingCount(ctx context.Context, options ...TasksPendingCountOptions) (uint64, error) {
	a := newArguments()
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Queue != "" {
			a.Text("queue", o.Queue)
		}
	}
	r, err := c.call(ctx, 169, a)
	if err != nil {
		return 0, err
	}
	return number[uint64](r, "count"), nil
}

// Pause: no worker, in no process, takes from this queue until `tasks.resume`. What runs goes on.
func (c TasksClient) Pause(ctx context.Context, options ...TasksPauseOptions) error {
	a := newArguments()
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Queue != "" {
			a.Text("queue", o.Queue)
		}
	}
	_, err := c.call(ctx, 170, a)
	return err
}

// Resume: workers take from this queue again.
func (c TasksClient) Resume(ctx context.Context, options ...TasksResumeOptions) error {
	a := newArguments()
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Queue != "" {
			a.Text("queue", o.Queue)
		}
	}
	_, err := c.call(ctx, 171, a)
	return err
}

// SetRateLimit: how many jobs of a queue may begin in a span of time, over all workers of all processes (a token bucket).
//
// Errors: invalid_argument.
func (c TasksClient) SetRateLimit(ctx context.Context, options ...TasksSetRateLimitOptions) error {
	a := newArguments()
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Queue != "" {
			a.Text("queue", o.Queue)
		}
		if o.Count != 0 {
			a.Uint("count", uint64(o.Count))
		}
		if o.Period != 0 {
			a.Span("period_ms", o.Period)
		}
		if o.Burst != 0 {
			a.Uint("burst", uint64(o.Burst))
		}
	}
	_, err := c.call(ctx, 172, a)
	return err
}

// Progress: what a handler tells about its run. conflict when the lease was lost.
//
// Errors: not_found, conflict.
func (c TasksClient) Progress(ctx context.Context, id string, lease uint64, progress any) error {
	a := newArguments()
	a.Text("id", id)
	a.Uint("lease", uint64(lease))
	a.Any("progress", progress)
	_, err := c.call(ctx, 173, a)
	return err
}

// Heartbeat: renews a run's lease now and says whether it is still this worker's. Workers do so by themselves; this is for a handler that is about to do
// what cannot be undone.
func (c TasksClient) Heartbeat(ctx context.Context, id string, lease uint64, options ...TasksHeartbeatOptions) (bool, error) {
	a := newArguments()
	a.Text("id", id)
	a.Uint("lease", uint64(lease))
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.LeaseMs != nil {
			a.Uint("lease_ms", uint64(*o.LeaseMs))
		}
	}
	r, err := c.call(ctx, 174, a)
	if err != nil {
		return false, err
	}
	return r.Bool("held"), nil
}

// Wait: waits until a job has ended and gives it as `tasks.job` does.
//
// Errors: not_found, timeout.
func (c TasksClient) Wait(ctx context.Context, id string, options ...TasksWaitOptions) (Value, error) {
	a := newArguments()
	a.Text("id", id)
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Timeout != 0 {
			a.Span("timeout_ms", o.Timeout)
		}
	}
	r, err := c.call(ctx, 175, a)
	if err != nil {
		return Value{}, err
	}
	return r.Value("job"), nil
}

// StartWorker: starts a worker beside those of the manifest. Its tasks come as SPK_EV_TASK.
//
// Errors: invalid_argument, already_exists, unavailable.
func (c TasksClient) StartWorker(ctx context.Context, name string, options ...TasksStartWorkerOptions) error {
	a := newArguments()
	a.Text("name", name)
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Queue != "" {
			a.Text("queue", o.Queue)
		}
		if o.Concurrency != nil {
			a.Uint("concurrency", uint64(*o.Concurrency))
		}
		if o.Lease != 0 {
			a.Span("lease_ms", o.Lease)
		}
		if o.Timeout != 0 {
			a.Span("timeout_ms", o.Timeout)
		}
		if o.Tasks != nil {
			a.Any("tasks", o.Tasks)
		}
		if o.User != 0 {
			a.Uint("user", uint64(o.User))
		}
	}
	_, err := c.call(ctx, 176, a)
	return err
}

// StopWorker: drains a worker: takes no more, finishes what runs within the time, hands back the rest without using up an attempt.
//
// Errors: not_found.
func (c TasksClient) StopWorker(ctx context.Context, name string, options ...TasksStopWorkerOptions) (TasksStopWorkerResult, error) {
	a := newArguments()
	a.Text("name", name)
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Timeout != 0 {
			a.Span("timeout_ms", o.Timeout)
		}
	}
	r, err := c.call(ctx, 177, a)
	if err != nil {
		return TasksStopWorkerResult{}, err
	}
	return TasksStopWorkerResult{
		Drained:    r.Bool("drained"),
		Unfinished: number[uint64](r, "unfinished"),
	}, nil
}

// KillWorker: for tests: the worker dies without a word, as if its process were gone.
//
// Errors: not_found.
func (c TasksClient) KillWorker(ctx context.Context, name string) error {
	a := newArguments()
	a.Text("name", name)
	_, err := c.call(ctx, 178, a)
	return err
}

// Schedule: makes or changes a schedule, which any running scheduler of this store fires. Times not yet reached follow the new expression.
//
// Errors: invalid_argument.
func (c TasksClient) Schedule(ctx context.Context, name string, cron string, task string, options ...TasksScheduleOptions) (Value, error) {
	a := newArguments()
	a.Text("name", name)
	a.Text("cron", cron)
	a.Text("task", task)
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Timezone != "" {
			a.Text("timezone", o.Timezone)
		}
		if o.Queue != "" {
			a.Text("queue", o.Queue)
		}
		if o.Args != nil {
			a.Any("args", o.Args)
		}
		if o.Priority != 0 {
			a.Int("priority", int64(o.Priority))
		}
		if o.MaxAttempts != nil {
			a.Uint("max_attempts", uint64(*o.MaxAttempts))
		}
		if o.Timeout != 0 {
			a.Span("timeout_ms", o.Timeout)
		}
		if o.Misfire != "" {
			a.Text("misfire", o.Misfire)
		}
		if o.Overlap != "" {
			a.Text("overlap", o.Overlap)
		}
	}
	r, err := c.call(ctx, 179, a)
	if err != nil {
		return Value{}, err
	}
	return r.Value("next"), nil
}

// Unschedule: takes a schedule away. Its jobs stay.
func (c TasksClient) Unschedule(ctx context.Context, name string) (bool, error) {
	a := newArguments()
	a.Text("name", name)
	r, err := c.call(ctx, 180, a)
	if err != nil {
		return false, err
	}
	return r.Bool("removed"), nil
}

// Schedules: all schedules of the store.
func (c TasksClient) Schedules(ctx context.Context) (Value, error) {
	a := newArguments()
	r, err := c.call(ctx, 181, a)
	if err != nil {
		return Value{}, err
	}
	return r.Value("schedules"), nil
}

// StartScheduler: starts a scheduler beside that of the manifest. Any number may run, in any number of processes: each time of a schedule makes one job.
//
// Errors: already_exists.
func (c TasksClient) StartScheduler(ctx context.Context, options ...TasksStartSchedulerOptions) error {
	a := newArguments()
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Name != "" {
			a.Text("name", o.Name)
		}
	}
	_, err := c.call(ctx, 182, a)
	return err
}

// StopScheduler: stops a scheduler.
//
// Errors: not_found.
func (c TasksClient) StopScheduler(ctx context.Context, options ...TasksStopSchedulerOptions) error {
	a := newArguments()
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Name != "" {
			a.Text("name", o.Name)
		}
	}
	_, err := c.call(ctx, 183, a)
	return err
}

// TelemetryContextResult is what telemetry.context gives.
type TelemetryContextResult struct {
	// Null where there is none.
	Traceparent *string
	// As it came.
	Tracestate *string
	// As it came.
	Baggage *string
}

// TelemetryStartSpanOptions are what telemetry.start_span takes beside its arguments; the zero value is the default of each.
type TelemetryStartSpanOptions struct {
	// `internal`, `server`, `client`, `producer` or `consumer`.
	Kind string
	// The parent.
	Traceparent *string
	// Of a parent that is given.
	Tracestate *string
	// Of a parent that is given.
	Baggage *string
	// An object of texts, numbers, booleans and lists of one of them.
	Attributes any
	// A list of traceparents.
	Links any
}

// TelemetryStartSpanResult is what telemetry.start_span gives.
type TelemetryStartSpanResult struct {
	// Its number for `telemetry.end_span`; 0 for one that is not recorded, which need not be ended.
	Span uint64
	// Its context, to hand on.
	Traceparent *string
}

// TelemetryEndSpanOptions are what telemetry.end_span takes beside its arguments; the zero value is the default of each.
type TelemetryEndSpanOptions struct {
	// A new name.
	Name *string
	// Further attributes; they replace those of the same name.
	Attributes any
	// A list of `{name, time_unix_nano, attributes}`; `exception` is one by the semantic conventions.
	Events any
	// `unset`, `ok` or `error`.
	Status string
	// Of status error.
	Message *string
}

// TelemetryLogOptions are what telemetry.log takes beside its arguments; the zero value is the default of each.
type TelemetryLogOptions struct {
	// `trace`, `debug`, `info`, `warn` or `error`.
	Level string
	// As of a span. Values of names that are secret are redacted.
	Attributes any
	// The span it belongs to.
	Traceparent *string
	// Off: only the exporter gets it (the host writes the line itself).
	Line *bool
}

// TelemetryAddOptions are what telemetry.add takes beside its arguments; the zero value is the default of each.
type TelemetryAddOptions struct {
	// A number, not below nought where it only grows; null is 1.
	Value any
	// The sum goes both ways.
	UpDown bool
	// By UCUM: `s`, `By`, `{order}`.
	Unit string
	// For people.
	Description string
	// As of a span; of few different values.
	Attributes any
}

// TelemetryRecordOptions are what telemetry.record takes beside its arguments; the zero value is the default of each.
type TelemetryRecordOptions struct {
	// By UCUM.
	Unit string
	// For people.
	Description string
	// Upper bounds of the buckets, ascending; null for those that are advised for seconds.
	Boundaries any
	// As of a span; of few different values.
	Attributes any
}

// TelemetryFlushOptions are what telemetry.flush takes beside its arguments; the zero value is the default of each.
type TelemetryFlushOptions struct {
	// The longest it may take.
	Timeout time.Duration
}

// TelemetryStatisticsResult is what telemetry.statistics gives.
type TelemetryStatisticsResult struct {
	// `{ended, exported, dropped, failed, waiting}`: dropped did not fit into the queue, failed were given up by the exporter.
	Spans Value
	// The same of log records.
	Logs Value
}

// TelemetryClient has one method for each operation of telemetry; Telemetry builds on it.
type TelemetryClient struct {
	client
}

// Context: the context of the request, message or task whose handler calls.
func (c TelemetryClient) Context(ctx context.Context) (TelemetryContextResult, error) {
	a := newArguments()
	r, err := c.call(ctx, 224, a)
	if err != nil {
		return TelemetryContextResult{}, err
	}
	return TelemetryContextResult{
		Traceparent: r.TextOrNil("traceparent"),
		Tracestate:  r.TextOrNil("tracestate"),
		Baggage:     r.TextOrNil("baggage"),
	}, nil
}

// StartSpan: begins a span. It must be ended; at most 65536 of an application are open at once, of one more only the context is handed on.
//
// Errors: invalid_argument.
func (c TelemetryClient) StartSpan(ctx context.Context, name string, options ...TelemetryStartSpanOptions) (TelemetryStartSpanResult, error) {
	a := newArguments()
	a.Text("name", name)
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Kind != "" {
			a.Text("kind", o.Kind)
		}
		if o.Traceparent != nil {
			a.Text("traceparent", *o.Traceparent)
		}
		if o.Tracestate != nil {
			a.Text("tracestate", *o.Tracestate)
		}
		if o.Baggage != nil {
			a.Text("baggage", *o.Baggage)
		}
		if o.Attributes != nil {
			a.Any("attributes", o.Attributes)
		}
		if o.Links != nil {
			a.Any("links", o.Links)
		}
	}
	r, err := c.call(ctx, 225, a)
	if err != nil {
		return TelemetryStartSpanResult{}, err
	}
	return TelemetryStartSpanResult{
		Span:        number[uint64](r, "span"),
		Traceparent: r.TextOrNil("traceparent"),
	}, nil
}

// EndSpan: ends a span. A number that is not open any more is ignored.
//
// Errors: invalid_argument.
func (c TelemetryClient) EndSpan(ctx context.Context, span uint64, options ...TelemetryEndSpanOptions) error {
	a := newArguments()
	a.Uint("span", uint64(span))
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Name != nil {
			a.Text("name", *o.Name)
		}
		if o.Attributes != nil {
			a.Any("attributes", o.Attributes)
		}
		if o.Events != nil {
			a.Any("events", o.Events)
		}
		if o.Status != "" {
			a.Text("status", o.Status)
		}
		if o.Message != nil {
			a.Text("message", *o.Message)
		}
	}
	_, err := c.call(ctx, 226, a)
	return err
}

// Log: a log record: a line of the application's log with trace and span id, and a record for the exporter.
//
// Errors: invalid_argument.
func (c TelemetryClient) Log(ctx context.Context, message string, options ...TelemetryLogOptions) error {
	a := newArguments()
	a.Text("message", message)
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Level != "" {
			a.Text("level", o.Level)
		}
		if o.Attributes != nil {
			a.Any("attributes", o.Attributes)
		}
		if o.Traceparent != nil {
			a.Text("traceparent", *o.Traceparent)
		}
		if o.Line != nil {
			a.Bool("line", *o.Line)
		}
	}
	_, err := c.call(ctx, 227, a)
	return err
}

// Add: adds to a sum.
//
// Errors: invalid_argument.
func (c TelemetryClient) Add(ctx context.Context, name string, options ...TelemetryAddOptions) error {
	a := newArguments()
	a.Text("name", name)
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Value != nil {
			a.Any("value", o.Value)
		}
		if o.UpDown {
			a.Bool("up_down", o.UpDown)
		}
		if o.Unit != "" {
			a.Text("unit", o.Unit)
		}
		if o.Description != "" {
			a.Text("description", o.Description)
		}
		if o.Attributes != nil {
			a.Any("attributes", o.Attributes)
		}
	}
	_, err := c.call(ctx, 228, a)
	return err
}

// Record: records a value of a distribution.
//
// Errors: invalid_argument.
func (c TelemetryClient) Record(ctx context.Context, name string, value any, options ...TelemetryRecordOptions) error {
	a := newArguments()
	a.Text("name", name)
	a.Any("value", value)
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Unit != "" {
			a.Text("unit", o.Unit)
		}
		if o.Description != "" {
			a.Text("description", o.Description)
		}
		if o.Boundaries != nil {
			a.Any("boundaries", o.Boundaries)
		}
		if o.Attributes != nil {
			a.Any("attributes", o.Attributes)
		}
	}
	_, err := c.call(ctx, 229, a)
	return err
}

// Flush: exports what waits now. Done when the collector has it or it was given up.
func (c TelemetryClient) Flush(ctx context.Context, options ...TelemetryFlushOptions) (bool, error) {
	a := newArguments()
	if len(options) > 0 {
		o := &options[len(options)-1]
		if o.Timeout != 0 {
			a.Span("timeout_ms", o.Timeout)
		}
	}
	r, err := c.call(ctx, 230, a)
	if err != nil {
		return false, err
	}
	return r.Bool("flushed"), nil
}

// Statistics: what became of spans and log records since the start.
func (c TelemetryClient) Statistics(ctx context.Context) (TelemetryStatisticsResult, error) {
	a := newArguments()
	r, err := c.call(ctx, 231, a)
	if err != nil {
		return TelemetryStatisticsResult{}, err
	}
	return TelemetryStatisticsResult{
		Spans: r.Value("spans"),
		Logs:  r.Value("logs"),
	}, nil
}

// TakeSpans: the spans that ended since the last call, of exporter `memory`.
//
// Errors: unsupported.
func (c TelemetryClient) TakeSpans(ctx context.Context) (Value, error) {
	a := newArguments()
	r, err := c.call(ctx, 240, a)
	if err != nil {
		return Value{}, err
	}
	return r.Value("spans"), nil
}

// TakeLogs: the log records since the last call, of exporter `memory`.
//
// Errors: unsupported.
func (c TelemetryClient) TakeLogs(ctx context.Context) (Value, error) {
	a := newArguments()
	r, err := c.call(ctx, 241, a)
	if err != nil {
		return Value{}, err
	}
	return r.Value("logs"), nil
}

// CollectMetrics: all metrics now, whatever the exporter.
func (c TelemetryClient) CollectMetrics(ctx context.Context) (Value, error) {
	a := newArguments()
	r, err := c.call(ctx, 242, a)
	if err != nil {
		return Value{}, err
	}
	return r.Value("metrics"), nil
}

// ParseTraceparent: reads a traceparent (W3C Trace Context).
func (c TelemetryClient) ParseTraceparent(ctx context.Context, value string) (Value, error) {
	a := newArguments()
	a.Text("value", value)
	r, err := c.call(ctx, 248, a)
	if err != nil {
		return Value{}, err
	}
	return r.Value("value"), nil
}

// ParseTracestate: reads a tracestate (W3C Trace Context).
//
// Errors: invalid_argument.
func (c TelemetryClient) ParseTracestate(ctx context.Context, values any) (Value, error) {
	a := newArguments()
	a.Any("values", values)
	r, err := c.call(ctx, 249, a)
	if err != nil {
		return Value{}, err
	}
	return r.Value("value"), nil
}

// ParseBaggage: reads baggage (W3C Baggage).
//
// Errors: invalid_argument.
func (c TelemetryClient) ParseBaggage(ctx context.Context, values any) (Value, error) {
	a := newArguments()
	a.Any("values", values)
	r, err := c.call(ctx, 250, a)
	if err != nil {
		return Value{}, err
	}
	return r.Value("value"), nil
}
