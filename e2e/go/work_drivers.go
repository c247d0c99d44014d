package main

import (
	"context"
	"time"

	spikard "spikard.dev/go"
)

// ---- tasks

type tasksDriver struct {
	base
	schema   *schema
	t        spikard.Tasks
	workers  map[string]*spikard.RunningWorker
	handled  map[string]*handled
	running  map[string]bool
	stopping chan stopped
	stops    int
}

func (d *tasksDriver) services(config object, folder string) (object, error) {
	if err := only(config, "backend clock", "tasks"); err != nil {
		return nil, err
	}
	services := object{}
	schemes := map[string]string{"memory": "memory:", "sqlite": "sqlite:" + folder + "/test.db"}
	if redis := setting("REDIS_URL"); redis != "" {
		schemes["redis"] = redis + "?prefix=e2e:" + unique()
	}
	if kind := text(config["backend"]); onServer(kind) {
		var err error
		if d.schema, err = newSchema(kind); err != nil {
			return nil, err
		}
		schemes[kind] = d.schema.url()
		if kind == "postgres" {
			services["db"] = object{"default": object{"url": setting("POSTGRES_URL")}}
		}
	}
	u, err := url(text(config["backend"]), schemes)
	services["tasks"] = object{"default": object{"url": u}}
	return services, err
}

func (d *tasksDriver) open(ctx context.Context) error {
	d.t, d.workers, d.handled, d.running, d.stopping = spikard.TasksNamed("default"), map[string]*spikard.RunningWorker{}, map[string]*handled{}, map[string]bool{}, make(chan stopped, 64)
	if d.schema != nil {
		return d.schema.create(ctx)
	}
	return nil
}

func (d *tasksDriver) close(ctx context.Context) {
	for _, w := range d.workers {
		w.Kill(ctx)
	}
	if d.schema != nil {
		d.schema.drop(ctx)
	}
}

func (d *tasksDriver) startScheduler(ctx context.Context, name string) error {
	if name == "" {
		name = "default"
	}
	if d.running[name] {
		return nil
	}
	d.running[name] = true
	return d.t.StartScheduler(ctx, spikard.TasksStartSchedulerOptions{Name: name})
}

func instant(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339Nano) }

func (d *tasksDriver) do(ctx context.Context, op string, args object) (any, error) {
	worker := text(args["worker"])
	switch op {
	case "enqueue":
		if err := only(args, "queue task args delay_ms run_at priority max_attempts backoff timeout_ms unique_key", "enqueue"); err != nil {
			return nil, err
		}
		o := spikard.TasksEnqueueOptions{Queue: text(args["queue"]), Args: args["args"], RunAt: args["run_at"], Backoff: args["backoff"], UniqueKey: text(args["unique_key"]), Priority: int32(whole(args["priority"])), MaxAttempts: optionalUint32(args["max_attempts"])}
		if args["delay_ms"] != nil {
			o.Delay = milliseconds(args["delay_ms"])
		}
		if args["timeout_ms"] != nil {
			o.Timeout = milliseconds(args["timeout_ms"])
		}
		r, err := d.t.Enqueue(ctx, text(args["task"]), o)
		return object{"id": r.ID, "created": r.Created}, err
	case "start_worker":
		if err := only(args, "name queue handler max_concurrency lease_ms", "start_worker"); err != nil {
			return nil, err
		}
		s, err := newScript(members(args["handler"]))
		if err != nil {
			return nil, err
		}
		done := &handled{}
		o := spikard.TasksStartWorkerOptions{Queue: text(args["queue"]), Concurrency: optionalUint32(args["max_concurrency"])}
		if args["lease_ms"] != nil {
			o.Lease = milliseconds(args["lease_ms"])
		}
		if known, ok := members(args["handler"])["known"]; ok {
			o.Tasks = known
		}
		name := text(args["name"])
		w, err := d.t.Work(ctx, name, func(ctx context.Context, run *spikard.TaskRun) (any, error) {
			return done.run(ctx, s.next(run.Name), object{"task": run.Name, "attempt": run.Attempt})
		}, o)
		if err == nil {
			d.workers[name], d.handled[name] = w, done
		}
		return nil, err
	case "kill_worker":
		w, done := d.workers[worker], d.handled[worker]
		delete(d.workers, worker)
		done.mu.Lock()
		done.dead = true
		done.mu.Unlock()
		return nil, w.Kill(ctx)
	case "expect_runs":
		return d.handled[worker].list(), nil
	case "max_in_flight", "cancellations_seen":
		done := d.handled[worker]
		done.mu.Lock()
		defer done.mu.Unlock()
		if op == "max_in_flight" {
			return done.most, nil
		}
		return done.cancellations, nil
	case "job":
		job, err := d.t.Job(ctx, text(args["id"]))
		return object{"id": job.ID, "queue": job.Queue, "task": job.Task, "args": job.Args, "state": job.State, "priority": job.Priority, "attempt": job.Attempt, "max_attempts": job.MaxAttempts,
			"result": job.Result, "error": job.Error, "error_code": job.ErrorCode, "schedule": job.Schedule, "unique_key": job.UniqueKey, "progress": job.Progress, "worker": job.Worker, "batch": job.Batch}, err
	case "retry_job":
		return d.t.Retry(ctx, text(args["id"]))
	case "cancel":
		return d.t.Cancel(ctx, text(args["id"]))
	case "pending_count":
		return d.t.PendingCount(ctx, spikard.TasksPendingCountOptions{Queue: text(args["queue"])})
	case "schedule":
		if err := only(args, "name cron timezone queue task misfire overlap instance", "schedule"); err != nil {
			return nil, err
		}
		if err := d.schedule(ctx, args); err != nil {
			return nil, err
		}
		return nil, d.startScheduler(ctx, text(args["instance"]))
	case "start_scheduler":
		return nil, d.startScheduler(ctx, "")
	case "stop_scheduler":
		for name := range d.running {
			delete(d.running, name)
			if err := d.t.StopScheduler(ctx, spikard.TasksStopSchedulerOptions{Name: name}); err != nil {
				return nil, err
			}
		}
		return nil, nil
	case "expect_scheduled":
		jobs, err := d.t.List(ctx, spikard.TasksListOptions{Schedule: text(args["name"]), Limit: spikard.Ptr(uint32(1000))})
		if err != nil {
			return nil, err
		}
		var found []struct {
			ScheduledAt *int64 `json:"scheduled_at"`
		}
		if err := jobs.Decode(&found); err != nil {
			return nil, err
		}
		times := []any{}
		for _, job := range found {
			if job.ScheduledAt != nil {
				times = append(times, instant(*job.ScheduledAt))
			} else {
				times = append(times, nil)
			}
		}
		return times, nil
	case "shutdown_begin":
		limit := milliseconds(args["drain_timeout_ms"])
		for _, w := range d.workers {
			d.stops++
			go func() { // of no scope: shutdown_wait waits for it
				r, err := w.Stop(context.Background(), spikard.TasksStopWorkerOptions{Timeout: limit})
				d.stopping <- stopped{r.Drained, r.Unfinished, err}
			}()
		}
		d.workers = map[string]*spikard.RunningWorker{}
		return nil, nil
	case "shutdown_wait":
		return waitStopped(ctx, d.stopping, d.stops)
	}
	return nil, &notBuilt{"op " + op}
}

func (d *tasksDriver) schedule(ctx context.Context, args object) error {
	_, err := d.t.Schedule(ctx, text(args["name"]), text(args["cron"]), text(args["task"]), spikard.TasksScheduleOptions{Timezone: text(args["timezone"]), Queue: text(args["queue"]), Misfire: text(args["misfire"]), Overlap: text(args["overlap"])})
	return err
}

// ---- cron, cloudevents, telemetry

type plainDriver struct{ base }

func (d *plainDriver) do(ctx context.Context, op string, args object) (any, error) {
	switch op {
	case "next":
		if err := only(args, "expr timezone after count", "next"); err != nil {
			return nil, err
		}
		times, err := spikard.NewCron().Next(ctx, text(args["expr"]), spikard.CronNextOptions{Timezone: text(args["timezone"]), After: args["after"], Count: optionalUint32(args["count"])})
		out := []any{}
		for _, one := range times {
			out = append(out, one)
		}
		return out, err
	case "encode":
		if err := only(args, "event binding mode key_mapper", "encode"); err != nil {
			return nil, err
		}
		r, err := spikard.CloudEventsNamed("default").Encode(ctx, args["event"], spikard.CloudEventsEncodeOptions{Binding: text(args["binding"]), Mode: text(args["mode"]), KeyMapper: text(args["key_mapper"])})
		if err != nil {
			return nil, err
		}
		out := object{"body": r.Body, "property_prefix": r.PropertyPrefix, "has_body": r.HasBody}
		for name, value := range map[string]spikard.Value{"headers": r.Headers, "properties": r.Properties, "content_type": r.ContentType, "key": r.Key} {
			if !value.IsNull() {
				out[name] = value
			}
		}
		return out, nil
	case "decode":
		if err := only(args, "binding headers properties content_type body", "decode"); err != nil {
			return nil, err
		}
		r, err := spikard.CloudEventsNamed("default").Decode(ctx, spikard.CloudEventsDecodeOptions{Binding: text(args["binding"]), Headers: args["headers"], Properties: args["properties"], ContentType: text(args["content_type"]), Body: bytesOf(args["body"])})
		if err != nil {
			return nil, err
		}
		events := list(r.Events.Any())
		return events[0], nil
	case "parse_traceparent":
		return spikard.NewTelemetry().ParseTraceparent(ctx, text(args["value"]))
	case "parse_tracestate":
		return spikard.NewTelemetry().ParseTracestate(ctx, args["values"])
	case "parse_baggage":
		return spikard.NewTelemetry().ParseBaggage(ctx, args["values"])
	}
	return nil, &notBuilt{"op " + op}
}
