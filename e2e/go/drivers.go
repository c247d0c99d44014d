package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	neturl "net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	spikard "spikard.dev/go"
)

func unique() string {
	b := make([]byte, 12)
	rand.Read(b)
	return hex.EncodeToString(b)
}

// ---- cache

type cacheDriver struct {
	base
	c spikard.Cache
}

func (d *cacheDriver) services(config object, _ string) (object, error) {
	if err := only(config, "backend default_ttl_ms max_entries", "cache"); err != nil {
		return nil, err
	}
	schemes := map[string]string{"memory": "memory:"}
	if redis := setting("REDIS_URL"); redis != "" {
		schemes["redis"] = redis + "?prefix=e2e:" + unique()
		schemes["tiered"] = "tiered+" + schemes["redis"]
	}
	u, err := url(text(config["backend"]), schemes)
	client := without(config, "backend")
	client["url"] = u
	return object{"cache": object{"default": client}}, err
}

func (d *cacheDriver) open(context.Context) error { d.c = spikard.CacheNamed("default"); return nil }

func ttlOf(args object) (ttl time.Duration, forever bool) {
	value, given := args["ttl_ms"]
	if !given {
		return 0, false
	}
	if value == nil {
		return 0, true
	}
	return milliseconds(value), false
}

func (d *cacheDriver) do(ctx context.Context, op string, args object) (any, error) {
	ttl, forever := ttlOf(args)
	key := text(args["key"])
	switch op {
	case "get":
		v, err := d.c.Get(ctx, key)
		return v, err
	case "set":
		return nil, d.c.Set(ctx, key, bytesOf(args["value"]), spikard.CacheSetOptions{TTL: ttl, Forever: forever})
	case "delete":
		return d.c.Delete(ctx, key)
	case "exists":
		return d.c.Exists(ctx, key)
	case "count":
		return d.c.Count(ctx)
	case "clear":
		return nil, d.c.Clear(ctx)
	case "get_many":
		return d.c.GetMany(ctx, texts(args["keys"]))
	case "set_many":
		items := map[string][]byte{}
		for name, value := range members(args["items"]) {
			items[name] = bytesOf(value)
		}
		return nil, d.c.SetMany(ctx, items, spikard.CacheSetManyOptions{TTL: ttl, Forever: forever})
	case "set_if_absent":
		return d.c.SetIfAbsent(ctx, key, bytesOf(args["value"]), spikard.CacheSetIfAbsentOptions{TTL: ttl, Forever: forever})
	case "delete_if":
		return d.c.DeleteIf(ctx, key, bytesOf(args["equals"]))
	case "increment":
		var o spikard.CacheIncrementOptions
		if args["by"] != nil {
			o.By = spikard.Ptr(whole(args["by"]))
		}
		return d.c.Increment(ctx, key, o)
	case "touch":
		return d.c.Touch(ctx, key, spikard.CacheTouchOptions{TTL: ttl, Forever: forever})
	case "ttl":
		left, err := d.c.TTL(ctx, key)
		if left == nil {
			return nil, err
		}
		return left.Milliseconds(), err
	case "use_namespace":
		d.c = spikard.CacheNamed("default").Namespaced(text(args["namespace"]))
		return nil, nil
	case "get_or_load":
		loads := 0
		value, err := d.c.GetOrLoad(ctx, key, loader(members(args["load"]), &loads, &sync.Mutex{}), spikard.CacheGetOrBeginLoadOptions{TTL: ttl, Forever: forever})
		return object{"value": value, "loaded": loads > 0}, err
	case "get_or_load_concurrent":
		loads := 0
		var mu sync.Mutex
		load := loader(members(args["load"]), &loads, &mu)
		values := make([]any, whole(args["callers"]))
		var failed error
		group := spikard.NewGroup(ctx)
		for i := range values {
			group.Go(func() {
				value, err := d.c.GetOrLoad(ctx, key, load, spikard.CacheGetOrBeginLoadOptions{TTL: ttl, Forever: forever})
				mu.Lock()
				defer mu.Unlock()
				values[i] = value
				if err != nil {
					failed = err
				}
			})
		}
		group.Wait()
		return object{"values": values, "loads": loads}, failed
	}
	return nil, &notBuilt{"op " + op}
}

func loader(load object, loads *int, mu *sync.Mutex) spikard.Loader {
	return func(ctx context.Context) ([]byte, error) {
		if err := only(load, "value fail sleep_ms", "load"); err != nil {
			return nil, err
		}
		mu.Lock()
		*loads++
		mu.Unlock()
		if ms := whole(load["sleep_ms"]); ms > 0 {
			if err := spikard.Sleep(ctx, time.Duration(ms)*time.Millisecond); err != nil {
				return nil, err
			}
		}
		if fail, ok := load["fail"]; ok {
			return nil, errors.New(text(fail))
		}
		return bytesOf(load["value"]), nil
	}
}

// ---- storage

type storageDriver struct {
	base
	s spikard.Storage
}

func (d *storageDriver) capabilities() []string {
	return []string{"metadata", "conditional_write", "uploads"}
}

func (d *storageDriver) services(config object, folder string) (object, error) {
	kind := text(config["backend"])
	_, bucket := config["bucket"]
	client := object{}
	switch {
	case !bucket && (kind == "s3" || kind == "gcs" || kind == "azblob"):
		place := "/e2e-" + unique()
		switch kind {
		case "s3":
			client = object{"url": "s3://" + setting("S3_BUCKET") + place, "s3": object{"endpoint": setting("S3_URL"), "addressing": "path", "access_key": setting("S3_ACCESS_KEY"), "secret_key": setting("S3_SECRET_KEY")}}
		case "gcs":
			client = object{"url": "gcs://" + setting("GCS_BUCKET") + place, "gcs": object{"endpoint": setting("GCS_URL"), "anonymous": true}, "presign": object{"secret": "of the tokens"}}
		default:
			client = object{"url": "azblob://" + setting("AZBLOB_CONTAINER") + place, "azblob": object{"endpoint": setting("AZBLOB_URL"), "account": setting("AZBLOB_ACCOUNT"), "account_key": setting("AZBLOB_KEY")}}
		}
		if err := only(config, "backend", "storage"); err != nil {
			return nil, err
		}
	case kind == "s3":
		if err := only(config, "backend bucket region endpoint addressing access_key secret_key clock", "storage"); err != nil {
			return nil, err
		}
		client = object{"url": "s3://" + text(config["bucket"]), "s3": without(config, "backend", "bucket", "clock")}
	default:
		if err := only(config, "backend", "storage"); err != nil {
			return nil, err
		}
		u, err := url(kind, map[string]string{"memory": "memory:", "fs": "file:" + folder + "/objects"})
		if err != nil {
			return nil, err
		}
		client["url"] = u
	}
	return object{"storage": object{"default": client}}, nil
}

func (d *storageDriver) open(context.Context) error {
	d.s = spikard.StorageNamed("default")
	return nil
}

var errGaveUp = errors.New("the writer gave up")

// pieces is a pattern, repeated, in pieces; it gives up after some of it.
type pieces struct {
	repeat          string
	at, size, piece int
	abortAfter      int
}

func (p *pieces) Read(out []byte) (int, error) {
	if p.abortAfter >= 0 && p.at >= p.abortAfter {
		return 0, errGaveUp
	}
	if p.at >= p.size {
		return 0, io.EOF
	}
	n := min(p.piece, p.size-p.at, len(out))
	for i := range n {
		out[i] = p.repeat[(p.at+i)%len(p.repeat)]
	}
	p.at += n
	return n, nil
}

func (d *storageDriver) do(ctx context.Context, op string, args object) (any, error) {
	key := text(args["key"])
	switch op {
	case "write":
		if err := only(args, "key data content_type cache_control content_disposition metadata if_none_match if_match", "write"); err != nil {
			return nil, err
		}
		_, err := d.s.Write(ctx, key, bytesOf(args["data"]), spikard.StorageWriteOptions{ContentType: optionalText(args["content_type"]), CacheControl: optionalText(args["cache_control"]),
			ContentDisposition: optionalText(args["content_disposition"]), Metadata: args["metadata"], IfMatch: optionalText(args["if_match"]), IfNoneMatch: optionalText(args["if_none_match"])})
		return nil, err
	case "write_stream":
		pattern := members(args["pattern"])
		p := &pieces{repeat: text(pattern["repeat"]), size: int(whole(pattern["bytes"])), piece: int(whole(args["piece"])), abortAfter: -1}
		if args["abort_after"] != nil {
			p.abortAfter = int(whole(args["abort_after"]))
		}
		_, err := d.s.WriteStream(ctx, key, p)
		if errors.Is(err, errGaveUp) {
			return nil, &spikard.Error{Kind: spikard.KindCancelled, Detail: spikard.DetailStorageAborted, Message: err.Error()}
		}
		return nil, err
	case "read":
		if err := only(args, "key offset length suffix if_match if_none_match", "read"); err != nil {
			return nil, err
		}
		r, err := d.s.Read(ctx, key, spikard.StorageReadOptions{Offset: optionalUint(args["offset"]), Length: optionalUint(args["length"]), Suffix: optionalUint(args["suffix"]), IfMatch: optionalText(args["if_match"]), IfNoneMatch: optionalText(args["if_none_match"])})
		return r.Data, err
	case "stat":
		return d.s.Stat(ctx, key)
	case "exists":
		return d.s.Exists(ctx, key)
	case "delete":
		return nil, d.s.Delete(ctx, key)
	case "copy":
		_, err := d.s.Copy(ctx, text(args["source"]), text(args["target"]))
		return nil, err
	case "list":
		if err := only(args, "prefix delimiter start_after limit token", "list"); err != nil {
			return nil, err
		}
		page, err := d.s.List(ctx, spikard.StorageListOptions{Prefix: text(args["prefix"]), Delimiter: text(args["delimiter"]), StartAfter: text(args["start_after"]), Limit: optionalUint32(args["limit"]), Token: optionalText(args["token"])})
		var next any
		if page.Next != nil {
			next = *page.Next
		}
		prefixes := []any{}
		for _, p := range page.Prefixes {
			prefixes = append(prefixes, p)
		}
		return object{"entries": page.Entries, "prefixes": prefixes, "next": next}, err
	case "presign":
		o := spikard.StoragePresignOptions{ExpiresS: optionalUint32(args["expires_s"])}
		r, err := d.s.Presign(ctx, text(args["method"]), key, o)
		return r.URL, err
	case "plan_upload":
		if err := only(args, "key size part_bytes content_type cache_control content_disposition metadata if_match if_none_match expires_s", "plan_upload"); err != nil {
			return nil, err
		}
		r, err := d.s.PlanUpload(ctx, key, uint64(whole(args["size"])), spikard.StoragePlanUploadOptions{PartBytes: optionalUint(args["part_bytes"]), ContentType: optionalText(args["content_type"]),
			CacheControl: optionalText(args["cache_control"]), ContentDisposition: optionalText(args["content_disposition"]), Metadata: args["metadata"], IfMatch: optionalText(args["if_match"]),
			IfNoneMatch: optionalText(args["if_none_match"]), ExpiresS: optionalUint32(args["expires_s"])})
		return object{"upload": r.Upload, "key": r.Key, "parts": r.Parts, "ordered": r.Ordered, "expires_at": r.ExpiresAt}, err
	case "complete_upload":
		if err := only(args, "key upload etags", "complete_upload"); err != nil {
			return nil, err
		}
		return d.s.CompleteUpload(ctx, key, text(args["upload"]), spikard.StorageCompleteUploadOptions{Etags: texts(args["etags"])})
	case "abort_upload":
		return nil, d.s.AbortUpload(ctx, key, text(args["upload"]))
	}
	return nil, &notBuilt{"op " + op}
}

// ---- db

// schema is one of the case's own on the real server; of MySQL a database, there before the application starts, for it connects to it.
type schema struct {
	name  string
	mysql bool
}

func newSchema(kind string) (*schema, error) {
	s := &schema{"spikard_e2e_" + unique(), kind == "mysql"}
	if s.mysql {
		return s, s.mariadb("CREATE DATABASE " + s.name)
	}
	return s, nil
}

func (s *schema) mariadb(sql string) error {
	at, err := neturl.Parse(setting("MYSQL_URL"))
	if err != nil {
		return err
	}
	password, _ := at.User.Password()
	command := exec.Command("mariadb", "--no-defaults", "--host="+at.Hostname(), "--port="+at.Port(), "--user="+at.User.Username(), "--execute="+sql)
	command.Env = append(os.Environ(), "MYSQL_PWD="+password)
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("mariadb: %w: %s", err, out)
	}
	return nil
}

func (s *schema) url() string {
	if s.mysql {
		at, err := neturl.Parse(setting("MYSQL_URL"))
		if err != nil {
			return ""
		}
		at.Path = "/" + s.name
		return at.String()
	}
	u := setting("POSTGRES_URL")
	separator := "?"
	if strings.Contains(u, "?") {
		separator = "&"
	}
	return u + separator + "options=-csearch_path%3D" + s.name
}

func (s *schema) create(ctx context.Context) error {
	if s.mysql {
		return nil
	}
	_, err := spikard.DatabaseNamed("default").Execute(ctx, "CREATE SCHEMA "+s.name)
	return err
}

func (s *schema) drop(ctx context.Context) {
	if s.mysql {
		if err := s.mariadb("DROP DATABASE " + s.name); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		return
	}
	spikard.DatabaseNamed("default").Execute(ctx, "DROP SCHEMA "+s.name+" CASCADE") // a case may have closed the database
}

// onServer tells SQL servers that are there.
func onServer(kind string) bool {
	return (kind == "postgres" || kind == "mysql") && setting(strings.ToUpper(kind)+"_URL") != ""
}

type dbDriver struct {
	base
	schema *schema
	db     spikard.Database
	open_  map[string]*spikard.Transaction
}

func (d *dbDriver) services(config object, folder string) (object, error) {
	if err := only(config, "driver pool", "db"); err != nil {
		return nil, err
	}
	schemes := map[string]string{"sqlite": "sqlite:" + folder + "/test.db"}
	if kind := text(config["driver"]); onServer(kind) {
		var err error
		if d.schema, err = newSchema(kind); err != nil {
			return nil, err
		}
		schemes[kind] = d.schema.url()
	}
	u, err := url(text(config["driver"]), schemes)
	client := object{"url": u}
	if config["pool"] != nil {
		client["pool"] = config["pool"]
	}
	return object{"db": object{"default": client}}, err
}

func (d *dbDriver) open(ctx context.Context) error {
	d.db, d.open_ = spikard.DatabaseNamed("default"), map[string]*spikard.Transaction{}
	if d.schema != nil {
		return d.schema.create(ctx)
	}
	return nil
}

func (d *dbDriver) close(ctx context.Context) {
	if d.schema != nil {
		for _, tx := range d.open_ {
			tx.Rollback(ctx)
		}
		d.schema.drop(ctx)
	}
}

// sqlParameter is a SQL parameter in Go's own types.
func sqlParameter(value any) any {
	form, ok := value.(object)
	if !ok || len(form) != 1 {
		return plainNumber(value)
	}
	for kind, given := range form {
		switch kind {
		case "$int64":
			var n int64
			if _, err := fmt.Sscan(text(given), &n); err == nil {
				return n
			}
		case "$decimal":
			return spikard.Decimal(text(given))
		case "$timestamp":
			if when, err := time.Parse(time.RFC3339Nano, text(given)); err == nil {
				return when
			}
		}
	}
	return value // the core says what is wrong with it
}

func sqlParameters(args object) []any {
	switch given := args["params"].(type) {
	case object:
		named := spikard.Named{}
		for name, value := range given {
			named[name] = sqlParameter(value)
		}
		return []any{named}
	case []any:
		out := make([]any, len(given))
		for i, value := range given {
			out[i] = sqlParameter(value)
		}
		return out
	}
	return nil
}

var errScope = errors.New("scope")

type scopeError struct{ text string }

func (s *scopeError) Error() string        { return s.text }
func (s *scopeError) Is(target error) bool { return target == errScope }

func (d *dbDriver) body(ctx context.Context, tx *spikard.Transaction, statements []any) error {
	for _, one := range statements {
		s := members(one)
		if fail, ok := s["fail"]; ok {
			return &scopeError{text(fail)}
		}
		if nested, ok := s["nested"]; ok {
			err := tx.Savepoint(ctx, func(inner *spikard.Transaction) error { return d.body(ctx, inner, list(nested)) })
			if swallow, _ := s["swallow"].(bool); err != nil && !(errors.Is(err, errScope) && swallow) {
				return err
			}
			continue
		}
		if _, err := tx.Execute(ctx, text(s["sql"]), sqlParameters(s)...); err != nil {
			return err
		}
	}
	return nil
}

func (d *dbDriver) do(ctx context.Context, op string, args object) (any, error) {
	name := text(args["tx"])
	tx := d.open_[name]
	switch op {
	case "execute":
		var affected uint64
		var err error
		if name != "" {
			affected, err = tx.Execute(ctx, text(args["sql"]), sqlParameters(args)...)
		} else {
			affected, err = d.db.Execute(ctx, text(args["sql"]), sqlParameters(args)...)
		}
		return object{"affected": affected}, err
	case "query":
		var rows *spikard.Rows
		var err error
		if name != "" {
			rows, err = tx.Query(ctx, text(args["sql"]), sqlParameters(args)...)
		} else {
			rows, err = d.db.Query(ctx, text(args["sql"]), sqlParameters(args)...)
		}
		if err != nil {
			return nil, err
		}
		all := []any{}
		for _, row := range rows.All() {
			all = append(all, row)
		}
		columns := []any{}
		for _, column := range rows.Columns {
			columns = append(columns, column)
		}
		return object{"rows": all, "columns": columns}, nil
	case "begin":
		if err := only(args, "tx isolation read_only", "begin"); err != nil {
			return nil, err
		}
		readOnly, _ := args["read_only"].(bool)
		begun, err := d.db.Begin(ctx, spikard.DatabaseBeginOptions{Isolation: text(args["isolation"]), ReadOnly: readOnly})
		if err == nil {
			d.open_[name] = begun
		}
		return nil, err
	case "commit":
		return nil, tx.Commit(ctx)
	case "rollback":
		return nil, tx.Rollback(ctx)
	case "drop_transaction":
		delete(d.open_, name)
		tx.Rollback(ctx) // as when the function of InTransaction returns an error
		return nil, nil
	case "transaction":
		err := d.db.InTransaction(ctx, func(tx *spikard.Transaction) error { return d.body(ctx, tx, list(args["body"])) })
		if errors.Is(err, errScope) {
			return nil, &spikard.Error{Kind: spikard.KindInternal, Detail: spikard.DetailDatabaseScopeFailed, Message: err.Error()}
		}
		return nil, err
	case "close":
		return nil, d.db.Close(ctx)
	}
	return nil, &notBuilt{"op " + op}
}

// ---- messaging

type stopped struct {
	drained    bool
	unfinished uint64
	err        error
}

type messagingDriver struct {
	base
	backend   string
	m         spikard.Messaging
	consumers map[string]*spikard.RunningConsumer
	handled   map[string]*handled
	stopping  chan stopped
	stops     int
}

// Of MQTT the delivery store owns the waits.
func (d *messagingDriver) realTime() bool {
	return d.backend == "amqp" || d.backend == "kafka" || d.backend == "nats" || d.backend == "redis"
}

func (d *messagingDriver) capabilities() []string {
	switch d.backend {
	case "amqp":
		return []string{"real_time"}
	case "kafka", "nats", "redis":
		return []string{"replay", "real_time"}
	case "mqtt":
		return []string{}
	}
	return []string{"replay"}
}

func (d *messagingDriver) services(config object, folder string) (object, error) {
	if err := only(config, "backend", "messaging"); err != nil {
		return nil, err
	}
	d.backend = text(config["backend"])
	name := fmt.Sprintf("fixture_go_%d_%s", os.Getpid(), unique())
	schemes := map[string]string{"memory": "memory:", "sqlite": "sqlite:" + folder + "/test.db"}
	if u := setting("AMQP_URL"); u != "" {
		schemes["amqp"] = u + "?name=" + name
	}
	if u := setting("REDIS_URL"); u != "" {
		schemes["redis"] = u + "?prefix=" + name
	}
	if u := setting("NATS_URL"); u != "" {
		schemes["nats"] = u + "?storage=memory&stream=" + name
	}
	if u := setting("MQTT_URL"); u != "" {
		schemes["mqtt"] = u + "?session_expiry_s=60&prefix=" + name + "/"
	}
	if u := setting("KAFKA_URL"); u != "" {
		schemes["kafka"] = u + "?prefix=" + name + "."
	}
	u, err := url(d.backend, schemes)
	client := object{"url": u}
	if d.backend == "mqtt" {
		client["store"] = "sqlite:" + folder + "/deliveries.db"
	}
	return object{"messaging": object{"default": client}}, err
}

func (d *messagingDriver) open(context.Context) error {
	d.m, d.consumers, d.handled, d.stopping = spikard.MessagingNamed("default"), map[string]*spikard.RunningConsumer{}, map[string]*handled{}, make(chan stopped, 64)
	return nil
}

func (d *messagingDriver) do(ctx context.Context, op string, args object) (any, error) {
	consumer := text(args["consumer"])
	switch op {
	case "publish":
		if err := only(args, "topic payload key headers", "publish"); err != nil {
			return nil, err
		}
		headers := map[string]string{}
		for name, value := range members(args["headers"]) {
			headers[name] = text(value)
		}
		payload := args["payload"]
		if form, ok := payload.(object); ok && len(form) == 1 && form["$text"] != nil {
			payload = text(form["$text"])
		}
		if payload == nil {
			payload = ""
		}
		_, err := d.m.Send(ctx, text(args["topic"]), payload, spikard.MessagingPublishOptions{Key: optionalText(args["key"]), Headers: headers})
		return nil, err
	case "start_consumer":
		if err := only(args, "name topic group handler max_retries dead_letter backoff ack_wait_ms handler_timeout_ms max_concurrency ordered start_from", "start_consumer"); err != nil {
			return nil, err
		}
		s, err := newScript(members(args["handler"]))
		if err != nil {
			return nil, err
		}
		done := &handled{}
		o := spikard.MessagingStartConsumerOptions{Group: text(args["group"]), Concurrency: optionalUint32(args["max_concurrency"]), DeadLetter: optionalText(args["dead_letter"]), Backoff: args["backoff"], StartFrom: text(args["start_from"])}
		o.Ordered, _ = args["ordered"].(bool)
		o.MaxRetries = optionalUint32(args["max_retries"])
		if args["ack_wait_ms"] != nil {
			o.AckWait = milliseconds(args["ack_wait_ms"])
		}
		if args["handler_timeout_ms"] != nil {
			o.HandlerTimeout = milliseconds(args["handler_timeout_ms"])
		}
		name := text(args["name"])
		running, err := d.m.Consume(ctx, name, text(args["topic"]), func(ctx context.Context, m *spikard.Message) error {
			headers := object{}
			for key, value := range m.Header {
				headers[key] = value
			}
			_, err := done.run(ctx, s.next(string(m.Payload)), object{"payload": m.Payload, "headers": headers, "delivery_count": m.DeliveryCount})
			return err
		}, o)
		if err == nil {
			d.consumers[name], d.handled[name] = running, done
		}
		return nil, err
	case "stop_consumer":
		running := d.consumers[consumer]
		delete(d.consumers, consumer)
		_, err := running.Stop(ctx)
		return nil, err
	case "kill_consumer":
		running, done := d.consumers[consumer], d.handled[consumer]
		delete(d.consumers, consumer)
		done.mu.Lock()
		done.dead = true
		done.mu.Unlock()
		return nil, running.Kill(ctx)
	case "expect_handled":
		return d.handled[consumer].list(), nil
	case "max_in_flight":
		done := d.handled[consumer]
		done.mu.Lock()
		defer done.mu.Unlock()
		return done.most, nil
	case "expect_dead_letters":
		page, err := d.m.ListDeadLetters(ctx, text(args["topic"]), spikard.MessagingListDeadLettersOptions{Payloads: true})
		return page.Messages, err
	case "shutdown_begin":
		limit := milliseconds(args["drain_timeout_ms"])
		// Of no scope: shutdown_wait waits for it.
		outside := context.Background()
		for _, running := range d.consumers {
			d.stops++
			go func() {
				r, err := running.Stop(outside, spikard.MessagingStopConsumerOptions{DrainTimeout: limit})
				d.stopping <- stopped{r.Drained, r.Unfinished, err}
			}()
		}
		d.consumers = map[string]*spikard.RunningConsumer{}
		return nil, nil
	case "shutdown_wait":
		return waitStopped(ctx, d.stopping, d.stops)
	case "metric":
		stats, err := d.m.Stats(ctx)
		if text(args["name"]) != "messages_dropped" {
			return nil, &notBuilt{"metric " + text(args["name"])}
		}
		return stats.MessagesDropped, err
	case "topic_match":
		return d.m.TopicMatch(ctx, text(args["style"]), text(args["pattern"]), text(args["topic"]))
	}
	return nil, &notBuilt{"op " + op}
}

func (d *messagingDriver) close(ctx context.Context) {
	for _, running := range d.consumers {
		running.Kill(ctx)
	}
}

// waitStopped waits by the clock: a millisecond at a time, so that it moves as far as what stops needs.
func waitStopped(ctx context.Context, stopping chan stopped, n int) (any, error) {
	drained, unfinished := true, uint64(0)
	for range n {
		for waiting := true; waiting; {
			select {
			case s := <-stopping:
				if s.err != nil {
					return nil, s.err
				}
				drained, unfinished, waiting = drained && s.drained, unfinished+s.unfinished, false
			default:
				if err := spikard.Sleep(ctx, time.Millisecond); err != nil {
					return nil, err
				}
			}
		}
	}
	return object{"drained": drained, "unfinished": unfinished}, nil
}
