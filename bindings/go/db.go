package spikard

import (
	"context"
	"errors"
	"iter"
	"math"
	"reflect"
	"time"

	"spikard.dev/go/internal/raw"
	"spikard.dev/go/manifest"
)

// Decimal is an exact number as its text: "1.10".
type Decimal string

// MarshalText is the number as text.
func (d Decimal) MarshalText() ([]byte, error) { return []byte(d), nil }

// UnmarshalText takes the number's text.
func (d *Decimal) UnmarshalText(text []byte) error { *d = Decimal(text); return nil }

// Named are parameters by name, for `:name` in a statement.
type Named map[string]any

// Row is a row by the names of its columns.
type Row = map[string]any

// Rows are the rows of a query as they came.
type Rows struct {
	Columns, Types []string
	rows           Value
}

// Len is how many there are.
func (r *Rows) Len() int {
	if len(r.rows.tree.Nodes) == 0 {
		return 0
	}
	return int(r.rows.tree.Nodes[r.rows.at].Len)
}

// Decode puts all of them into a slice of structs, by `json` tags, or of maps.
func (r *Rows) Decode(into any) error { return r.rows.Decode(into) }

// All are the rows as maps; decimals are Decimal, instants time.Time.
func (r *Rows) All() []Row {
	out := make([]Row, 0, r.Len())
	list, _ := r.rows.Any().([]any)
	for _, one := range list {
		row, _ := one.(map[string]any)
		out = append(out, ownTypes(row, r.Columns, r.Types))
	}
	return out
}

func ownTypes(row Row, columns, types []string) Row {
	for i, column := range columns {
		if i >= len(types) || row[column] == nil {
			continue
		}
		switch types[i] {
		case "decimal":
			var d Decimal
			if Convert(row[column], &d) == nil {
				row[column] = d
			}
		case "timestamp":
			var when time.Time
			if _, text := row[column].(string); text && Convert(row[column], &when) == nil {
				row[column] = when
			}
		}
	}
	return row
}

// parameters are Go's own types as the forms of docs/reference/operations.md#db.
func parameters(args []any) any {
	if len(args) == 0 {
		return nil
	}
	if len(args) == 1 {
		if byName, ok := args[0].(Named); ok {
			out := make(map[string]any, len(byName))
			for name, value := range byName {
				out[name] = dbParameter(value)
			}
			return out
		}
	}
	out := make([]any, len(args))
	for i, value := range args {
		out[i] = dbParameter(value)
	}
	return out
}

var forms = map[string]bool{"$int64": true, "$decimal": true, "$timestamp": true, "$bytes": true, "$json": true, "$float": true}

func dbParameter(value any) any {
	switch v := value.(type) {
	case nil, bool, string, int, int64, []byte:
		return v
	case float64:
		switch {
		case math.IsNaN(v):
			return map[string]any{"$float": "NaN"}
		case math.IsInf(v, 1):
			return map[string]any{"$float": "Infinity"}
		case math.IsInf(v, -1):
			return map[string]any{"$float": "-Infinity"}
		}
		return v
	case Decimal:
		return map[string]any{"$decimal": string(v)}
	case time.Time:
		return map[string]any{"$timestamp": v.Format(time.RFC3339Nano)}
	case map[string]any:
		for name := range v {
			if len(v) == 1 && forms[name] {
				return v
			}
		}
		return map[string]any{"$json": v}
	case interface{ MarshalText() ([]byte, error) }:
		return v
	}
	r := reflect.ValueOf(value)
	switch r.Kind() {
	case reflect.Pointer:
		if r.IsNil() {
			return nil
		}
		if r.Elem().Kind() != reflect.Struct {
			return dbParameter(r.Elem().Interface())
		}
		return map[string]any{"$json": value}
	case reflect.Struct, reflect.Slice, reflect.Map, reflect.Array:
		return map[string]any{"$json": value}
	}
	return value
}

// statements is what a database and a transaction have in common.
type statements struct {
	client      DatabaseClient
	transaction *uint64
}

// Querier is a Database or a Transaction.
type Querier interface{ statements() statements }

// Database is a database. `?`, `$1` and `:name` are placeholders on all of them.
type Database struct{ DatabaseClient }

// Database is a client for the application's code.
func (a *App) Database(config manifest.DbConfig, name ...string) Database {
	a.service("db", named(name), config)
	return DatabaseNamed(named(name))
}

// DatabaseNamed is a client of a database by its name in `services`.
func DatabaseNamed(name string) Database {
	return Database{DatabaseClient{client{group: "db", name: name}}}
}

func (d Database) statements() statements { return statements{client: d.DatabaseClient} }

func (s statements) query(ctx context.Context, sql string, args []any) (*Rows, error) {
	r, err := s.client.Query(ctx, sql, DatabaseQueryOptions{Params: parameters(args), Transaction: s.transaction})
	if err != nil {
		return nil, err
	}
	return &Rows{r.Columns, r.Types, r.Rows}, nil
}

// Query gives the rows of a statement.
func (d Database) Query(ctx context.Context, sql string, args ...any) (*Rows, error) {
	return d.statements().query(ctx, sql, args)
}

// Execute runs a statement; how many rows it matched.
func (d Database) Execute(ctx context.Context, sql string, args ...any) (uint64, error) {
	return d.DatabaseClient.Execute(ctx, sql, DatabaseExecuteOptions{Params: parameters(args)})
}

// Batch runs one statement once for each set of parameters, all of it or nothing; how many rows it matched.
func (d Database) Batch(ctx context.Context, sql string, sets ...[]any) (uint64, error) {
	return d.statements().batch(ctx, sql, sets)
}

func (s statements) batch(ctx context.Context, sql string, sets [][]any) (uint64, error) {
	all := make([]any, len(sets))
	for i, set := range sets {
		all[i] = parameters(set)
	}
	return s.client.Batch(ctx, sql, all, DatabaseBatchOptions{Transaction: s.transaction})
}

// JSON is the rows of a statement as an answer, read from the database no faster than the client takes them; they do not come to Go.
func (d Database) JSON(sql string, args ...any) *Served {
	return &Served{d.client, raw.OpDBQueryStream, 0, func() *arguments {
		a := newArguments()
		a.Text("sql", sql)
		a.Any("params", parameters(args))
		return a
	}}
}

// Query gives the rows of a statement as values of a type, by `json` tags.
func Query[T any](ctx context.Context, on Querier, sql string, args ...any) ([]T, error) {
	rows, err := on.statements().query(ctx, sql, args)
	if err != nil {
		return nil, err
	}
	out := []T{}
	return out, errors.Join(rows.Decode(&out))
}

// First gives the first row of a statement as a value of a type; nil when there is none.
func First[T any](ctx context.Context, on Querier, sql string, args ...any) (*T, error) {
	s := on.statements()
	r, err := s.client.First(ctx, sql, DatabaseFirstOptions{Params: parameters(args), Transaction: s.transaction})
	if err != nil || r.Row.IsNull() {
		return nil, err
	}
	out := new(T)
	return out, r.Row.Decode(out)
}

// Scalar gives the first column of the first row; nil when there is no row.
func Scalar[T any](ctx context.Context, on Querier, sql string, args ...any) (*T, error) {
	s := on.statements()
	r, err := s.client.First(ctx, sql, DatabaseFirstOptions{Params: parameters(args), Transaction: s.transaction})
	if err != nil || r.Row.IsNull() {
		return nil, err
	}
	out := new(T)
	return out, Value{r.Row.tree, r.Row.at + 2}.Decode(out)
}

// Iterate gives the rows one by one, read from the database as they are taken. It ends with the first error.
func Iterate[T any](ctx context.Context, on Querier, sql string, args ...any) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		s := on.statements()
		a := newArguments()
		a.Text("sql", sql)
		a.Any("params", parameters(args))
		if s.transaction != nil {
			a.Uint("transaction", *s.transaction)
		}
		closeCursor := func(cursor uint64) {
			if p, _, err := where(ctx); err == nil {
				s.client.CloseCursor(&handling{p: p}, cursor)
			}
		}
		opened, err := s.client.callOr(ctx, raw.OpDBOpenCursor, a, func(r *result) { closeCursor(number[uint64](r, "cursor")) })
		if err != nil {
			yield(none, err)
			return
		}
		cursor := number[uint64](opened, "cursor")
		for {
			page, err := s.client.Fetch(ctx, cursor)
			if err != nil {
				closeCursor(cursor)
				yield(none, err)
				return
			}
			var rows []T
			if err := page.Rows.Decode(&rows); err != nil {
				if !page.Done {
					closeCursor(cursor)
				}
				yield(none, err)
				return
			}
			for _, row := range rows {
				if !yield(row, nil) {
					if !page.Done {
						closeCursor(cursor)
					}
					return
				}
			}
			if page.Done {
				return
			}
		}
	}
}

// Transaction is a transaction, or a nested scope of one. Statements, tasks, messages and invalidations in it happen together or not at all.
type Transaction struct {
	client DatabaseClient
	number uint64
	nested bool
	ended  bool
}

func (t *Transaction) statements() statements { return statements{t.client, &t.number} }

// Number is how operations of other clients name it (their option Transaction).
func (t *Transaction) Number() uint64 { return t.number }

// Begin begins a transaction by hand: end it with Commit or Rollback.
func (d Database) Begin(ctx context.Context, options ...DatabaseBeginOptions) (*Transaction, error) {
	a := newArguments()
	if len(options) > 0 {
		o := options[len(options)-1]
		if o.Isolation != "" {
			a.Text("isolation", o.Isolation)
		}
		if o.ReadOnly {
			a.Bool("read_only", true)
		}
	}
	r, err := d.callOr(ctx, raw.OpDBBegin, a, func(r *result) {
		if p, _, err := where(ctx); err == nil {
			d.Rollback(&handling{p: p}, number[uint64](r, "transaction"))
		}
	})
	if err != nil {
		return nil, err
	}
	return &Transaction{client: d.DatabaseClient, number: number[uint64](r, "transaction")}, nil
}

// InTransaction runs a function in a transaction: it commits when the function returns nil, and rolls back when it returns an error or panics.
func (d Database) InTransaction(ctx context.Context, fn func(tx *Transaction) error, options ...DatabaseBeginOptions) error {
	tx, err := d.Begin(ctx, options...)
	if err != nil {
		return err
	}
	return tx.run(ctx, fn)
}

func (t *Transaction) run(ctx context.Context, fn func(tx *Transaction) error) error {
	finished := false
	defer func() {
		if !finished {
			t.drop(ctx)
		}
	}()
	err := fn(t)
	finished = true
	if t.ended {
		return err
	}
	if err != nil {
		t.drop(ctx)
		return err
	}
	return t.Commit(ctx)
}

// drop rolls back whatever became of the context.
func (t *Transaction) drop(ctx context.Context) {
	if p, h, err := where(ctx); err == nil {
		c := &handling{p: p}
		if h != nil {
			c.id, c.scope = h.id, h.scope
		}
		t.Rollback(c)
	}
}

// Commit ends it, and keeps what it did.
func (t *Transaction) Commit(ctx context.Context) error {
	t.ended = true
	err := t.client.Commit(ctx, t.number, DatabaseCommitOptions{Savepoint: t.nested})
	if err != nil {
		t.drop(ctx)
	}
	return err
}

// Rollback ends it, and undoes what it did.
func (t *Transaction) Rollback(ctx context.Context) error {
	t.ended = true
	return t.client.Rollback(ctx, t.number, DatabaseRollbackOptions{Savepoint: t.nested})
}

// Savepoint runs a function in a nested scope, which may fail while the transaction goes on.
func (t *Transaction) Savepoint(ctx context.Context, fn func(tx *Transaction) error) error {
	if err := t.client.Savepoint(ctx, t.number); err != nil {
		return err
	}
	return (&Transaction{client: t.client, number: t.number, nested: true}).run(ctx, fn)
}

// Query gives the rows of a statement.
func (t *Transaction) Query(ctx context.Context, sql string, args ...any) (*Rows, error) {
	return t.statements().query(ctx, sql, args)
}

// Execute runs a statement; how many rows it matched.
func (t *Transaction) Execute(ctx context.Context, sql string, args ...any) (uint64, error) {
	return t.client.Execute(ctx, sql, DatabaseExecuteOptions{Params: parameters(args), Transaction: &t.number})
}

// Batch runs one statement once for each set of parameters.
func (t *Transaction) Batch(ctx context.Context, sql string, sets ...[]any) (uint64, error) {
	return t.statements().batch(ctx, sql, sets)
}

// Publish publishes a message when the transaction commits (outbox).
func (t *Transaction) Publish(ctx context.Context, m Messaging, topic string, value any, options ...MessagingPublishOptions) error {
	var o MessagingPublishOptions
	if len(options) > 0 {
		o = options[len(options)-1]
	}
	o.Transaction = &t.number
	_, err := m.Send(ctx, topic, value, o)
	return err
}

// Invalidate deletes keys from a cache when the transaction commits.
func (t *Transaction) Invalidate(ctx context.Context, c Cache, keys ...string) error {
	return c.Invalidate(ctx, CacheInvalidateOptions{Keys: keys, Transaction: &t.number})
}

// Inbox notes (source, id); false when it was there: what this transaction does was done before.
func (t *Transaction) Inbox(ctx context.Context, source, id string) (bool, error) {
	return t.client.Inbox(ctx, t.number, source, id)
}
