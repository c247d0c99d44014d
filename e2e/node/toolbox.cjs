// The toolbox's side of the Node.js harness (e2e/README.md): one case's client through the package's public API, on a TestApp. One class a subsystem.
'use strict';
const { execFileSync } = require('node:child_process');
const { randomBytes, randomUUID } = require('node:crypto');
const { mkdtempSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const spikard = require('../../bindings/node');
const { App, Decimal, Nack, OperationError, Retry, TestApp, TestServer } = spikard;

/** A key or a kind of the case that this harness, or the product, does not have. */
class NotBuilt extends Error {
  constructor(what) {
    super(`not built: ${what}`);
  }
}

function only(value, known, where) {
  for (const key of Object.keys(value)) if (!known.split(' ').includes(key)) throw new NotBuilt(`${where}.${key}`);
}

// ---- value forms

/** A line of the protocol; integers that a number does not hold are bigints. */
function exact(line) {
  if (!/[0-9]{16}/.test(line)) return JSON.parse(line);
  const marked = line.replace(/"(?:[^"\\]|\\.)*"|-?[0-9]{16,}(?![0-9.eE])/g, (token) => (token[0] === '"' ? token : `{"$bigint":"${token}"}`));
  return JSON.parse(marked, (_, value) => (typeof value?.$bigint === 'string' ? (Number.isSafeInteger(Number(value.$bigint)) ? Number(value.$bigint) : BigInt(value.$bigint)) : value));
}

/** The other way. */
const told = (value) => JSON.stringify(value, (_, member) => (typeof member === 'bigint' ? { $int64: member.toString() } : member));

const single = (value) => (value !== null && typeof value === 'object' && !Array.isArray(value) && Object.keys(value).length === 1 ? Object.keys(value)[0] : undefined);

/** `$bytes` as bytes, at any depth; the other forms as they stand. */
function unpacked(value) {
  if (Array.isArray(value)) return value.map(unpacked);
  if (value === null || typeof value !== 'object') return value;
  if (single(value) === '$bytes') return Buffer.from(value.$bytes, 'base64');
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, unpacked(member)]));
}

/** A result as the protocol has it; names as fixtures have them. */
function packed(value) {
  if (value === undefined) return null;
  if (value === null || typeof value !== 'object') return value;
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString('base64') };
  if (value instanceof Decimal) return { $decimal: value.text };
  if (value instanceof Date) return { $timestamp: value.toISOString() };
  if (Array.isArray(value)) return Array.from(value, packed);
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, packed(member)]));
}

const snake = (value) => Object.fromEntries(Object.entries(value).map(([key, member]) => [key.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`), member]));
const camel = (value) => Object.fromEntries(Object.entries(value).map(([key, member]) => [key.replace(/_([a-z])/g, (_, c) => c.toUpperCase()), member]));

function exactDate(text) {
  const date = new Date(text);
  return /^[0-9T:-]+(\.\d{3})?Z$/.test(text) && !Number.isNaN(date.getTime()) && date.toISOString().slice(0, 19) === text.slice(0, 19) ? date : undefined;
}

/** A SQL parameter in JavaScript's own types. */
function parameter(value) {
  switch (single(value)) {
    case '$int64':
      return BigInt(value.$int64);
    case '$decimal':
      return new Decimal(value.$decimal);
    case '$timestamp':
      // A Date has milliseconds, and makes another day of one that is none: the core says what is wrong with that.
      return exactDate(value.$timestamp) ?? value;
    case '$float':
      return Number(value.$float);
    default:
      return value;
  }
}

const pick = (args, ...names) => Object.fromEntries(names.filter((name) => name in args).map((name) => [name, args[name]]));
const omit = (args, ...names) => Object.fromEntries(Object.entries(args).filter(([name]) => !names.includes(name)));

// ---- handler scripts

/** The nth delivery of a payload, or the nth run of a task, takes the nth entry of its sequence, then the default. */
class Script {
  taken = new Map();

  constructor(spec) {
    only(spec, 'default known outcomes', 'handler');
    this.spec = spec;
  }

  next(name) {
    const one = (this.spec.outcomes ?? []).find((o) => (o.payload ?? o.task) === name);
    if (one === undefined) return this.spec.default;
    const n = this.taken.get(name) ?? 0;
    this.taken.set(name, n + 1);
    return n < one.sequence.length ? one.sequence[n] : this.spec.default;
  }
}

/** What a consumer or worker has done, and how much at once. */
class Handled {
  done = [];
  now = 0;
  most = 0;
  cancellations = 0;
  dead = false;

  async run(entry, what) {
    await new Promise((resolve) => setImmediate(resolve)); // one that was cut off just before hears of it first
    this.most = Math.max(this.most, ++this.now);
    try {
      while (entry?.sleep_ms !== undefined) {
        await spikard.sleep(entry.sleep_ms);
        entry = entry.then;
      }
    } catch (error) {
      if (error instanceof spikard.CancelledError) {
        ++this.cancellations;
        if (error.reason === 'deadline' && !this.dead) this.done.push({ ...what, outcome: 'timeout' });
      }
      throw error;
    } finally {
      --this.now;
    }
    return this.dead ? undefined : this.end(entry, what);
  }

  end(entry, what) {
    const settled = (outcome) => this.done.push({ ...what, outcome });
    if (entry === 'ack') return void settled('ack');
    if (entry === 'throw') {
      settled('error');
      throw new Error('the script threw');
    }
    const [[kind, argument]] = Object.entries(entry);
    switch (kind) {
      case 'nack':
        settled('nack');
        return new Nack({ requeue: argument.requeue });
      case 'retry':
        settled('retry');
        return new Retry(argument.after_ms);
      case 'fatal':
        settled('fatal');
        throw new spikard.Fatal(argument);
      case 'result':
        settled('done');
        return argument;
      default:
        throw new NotBuilt(`outcome ${kind}`);
    }
  }
}

// ---- subsystems

/** What tools/services says of a server; empty: it is not there. */
const setting = (name) => process.env[`SPIKARD_TEST_${name}`] ?? '';
const POSTGRES = setting('POSTGRES_URL');

/** One client of a case. `ops` are its methods. */
class Driver {
  static backends = [];
  capabilities = [];
  realTime = false; // a server owns the waits: no virtual clock
  folder = mkdtempSync(join(tmpdir(), 'spikard-e2e-'));

  constructor(config) {
    this.config = config;
  }

  services() {
    return {};
  }

  async open() {}
  async close() {}

  op(name, args) {
    if (typeof this[`do_${name}`] !== 'function') throw new NotBuilt(`op ${name}`);
    return this[`do_${name}`](args);
  }

  url(kind, schemes) {
    if (schemes[kind] === undefined) throw new NotBuilt(`backend ${kind}`);
    return schemes[kind].replace('FOLDER', this.folder);
  }
}

/** A schema of the case's own on the real server. */
class Schema {
  name = `spikard_e2e_${randomUUID().replaceAll('-', '')}`;
  url = `${POSTGRES}${POSTGRES.includes('?') ? '&' : '?'}options=-csearch_path%3D${this.name}`;
  create = () => new spikard.Database().execute(`CREATE SCHEMA ${this.name}`);
  drop = () => new spikard.Database().execute(`DROP SCHEMA ${this.name} CASCADE`).catch(() => {}); // a case may have closed the database
}

const MYSQL = setting('MYSQL_URL');

/** A database of the case's own on the real server: there before the application starts, for it connects to it. */
class MysqlDatabase {
  name = `spikard_e2e_${randomBytes(8).toString('hex')}`;
  at = new URL(MYSQL);

  constructor() {
    this.run(`CREATE DATABASE ${this.name}`);
  }

  get url() {
    const own = new URL(MYSQL);
    own.pathname = `/${this.name}`;
    return own.href;
  }

  run(sql) {
    const args = ['--no-defaults', `--host=${this.at.hostname}`, `--port=${this.at.port}`, `--user=${decodeURIComponent(this.at.username)}`, `--execute=${sql}`];
    execFileSync('mariadb', args, { env: { ...process.env, MYSQL_PWD: decodeURIComponent(this.at.password) } });
  }

  async create() {}
  drop = async () => this.run(`DROP DATABASE ${this.name}`);
}

class CacheDriver extends Driver {
  static redis = setting('REDIS_URL');
  static backends = ['memory', ...(CacheDriver.redis ? ['redis', 'tiered'] : [])];

  services() {
    only(this.config, 'backend default_ttl_ms max_entries', 'cache');
    const empty = `${CacheDriver.redis}?prefix=e2e:${randomBytes(8).toString('hex')}`;
    const servers = CacheDriver.redis ? { redis: empty, tiered: `tiered+${empty}` } : {};
    return { cache: { default: { url: this.url(this.config.backend, { memory: 'memory:', ...servers }), ...omit(this.config, 'backend') } } };
  }

  async open() {
    this.cache = new spikard.Cache();
  }

  ttl(args) {
    if (!('ttl_ms' in args)) return {};
    return args.ttl_ms === null ? { forever: true } : { ttlMs: args.ttl_ms };
  }

  do_get = ({ key }) => this.cache.get(key);
  do_set = (args) => this.cache.set(args.key, args.value, this.ttl(args));
  do_delete = ({ key }) => this.cache.delete(key);
  do_exists = ({ key }) => this.cache.exists(key);
  do_count = () => this.cache.count();
  do_clear = () => this.cache.clear();
  do_get_many = ({ keys }) => this.cache.getMany(keys);
  do_set_many = (args) => this.cache.setMany(args.items, this.ttl(args));
  do_set_if_absent = (args) => this.cache.setIfAbsent(args.key, args.value, this.ttl(args));
  do_delete_if = ({ key, equals }) => this.cache.deleteIf(key, equals);
  do_increment = (args) => this.cache.increment(args.key, pick(args, 'by'));
  do_touch = (args) => this.cache.touch(args.key, this.ttl(args));
  do_ttl = ({ key }) => this.cache.ttl(key);
  do_use_namespace = async ({ namespace }) => void (this.cache = new spikard.Cache().namespaced(namespace));

  loader(load, counts) {
    only(load, 'value fail sleep_ms', 'load');
    return async () => {
      ++counts.loads;
      if (load.sleep_ms) await spikard.sleep(load.sleep_ms);
      if ('fail' in load) throw new Error(load.fail);
      return load.value;
    };
  }

  do_get_or_load = async (args) => {
    const counts = { loads: 0 };
    const value = await this.cache.getOrLoad(args.key, this.loader(args.load, counts), this.ttl(args));
    return { value, loaded: counts.loads > 0 };
  };

  do_get_or_load_concurrent = async (args) => {
    const counts = { loads: 0 };
    const loader = this.loader(args.load, counts);
    const results = await Promise.allSettled(Array.from({ length: args.callers }, () => this.cache.getOrLoad(args.key, loader, this.ttl(args))));
    for (const one of results) if (one.status === 'rejected') throw one.reason;
    return { values: results.map(({ value }) => value), loads: counts.loads };
  };
}

class StorageDriver extends Driver {
  static backends = ['memory', 'fs', ...['s3', 'gcs', 'azblob'].filter((kind) => setting(`${kind.toUpperCase()}_URL`))];
  capabilities = ['metadata', 'conditional_write', 'uploads'];

  /** An empty folder on a real server. */
  onServer(kind) {
    const folder = `e2e-${randomUUID()}`;
    if (kind === 's3') return { url: `s3://${setting('S3_BUCKET')}/${folder}`, s3: { endpoint: setting('S3_URL'), addressing: 'path', access_key: setting('S3_ACCESS_KEY'), secret_key: setting('S3_SECRET_KEY') } };
    if (kind === 'gcs') return { url: `gcs://${setting('GCS_BUCKET')}/${folder}`, gcs: { endpoint: setting('GCS_URL'), anonymous: true }, presign: { secret: 'of the tokens' } };
    return { url: `azblob://${setting('AZBLOB_CONTAINER')}/${folder}`, azblob: { endpoint: setting('AZBLOB_URL'), account: setting('AZBLOB_ACCOUNT'), account_key: setting('AZBLOB_KEY') } };
  }

  services() {
    const kind = this.config.backend;
    if (['s3', 'gcs', 'azblob'].includes(kind) && !('bucket' in this.config)) {
      only(this.config, 'backend', 'storage');
      return { storage: { default: this.onServer(kind) } };
    }
    if (kind === 's3') {
      only(this.config, 'backend bucket region endpoint addressing access_key secret_key clock', 'storage');
      return { storage: { default: { url: `s3://${this.config.bucket}`, s3: omit(this.config, 'backend', 'bucket', 'clock') } } };
    }
    only(this.config, 'backend', 'storage');
    return { storage: { default: { url: this.url(kind, { memory: 'memory:', fs: 'file:FOLDER/objects' }) } } };
  }

  async open() {
    this.storage = new spikard.Storage();
  }

  do_write = (args) => this.storage.write(args.key, args.data, { ...camel(omit(args, 'key', 'data', 'metadata')), ...pick(args, 'metadata') });
  do_read = (args) => this.storage.read(args.key, camel(omit(args, 'key')));
  do_stat = ({ key }) => this.storage.stat(key);
  do_exists = ({ key }) => this.storage.exists(key);
  do_delete = ({ key }) => this.storage.delete(key);
  do_copy = ({ source, target }) => this.storage.copy(source, target);
  do_list = (args) => this.storage.list(camel(args));
  do_presign = async (args) => (await this.storage.presign(args.method, args.key, { expiresS: args.expires_s })).url;

  do_plan_upload = async ({ key, size, metadata, ...rest }) => snake(await this.storage.planUpload(key, size, { ...camel(rest), ...(metadata === undefined ? {} : { metadata }) }));
  do_complete_upload = ({ key, upload, ...rest }) => this.storage.completeUpload(key, upload, camel(rest));
  do_abort_upload = ({ key, upload }) => this.storage.abortUpload(key, upload);

  do_write_stream = async ({ key, pattern, piece, abort_after }) => {
    const data = Buffer.alloc(pattern.bytes, pattern.repeat);
    const gaveUp = new Error('the writer gave up');
    async function* pieces() {
      for (let at = 0; at < data.length; at += piece) {
        if (abort_after !== undefined && at >= abort_after) throw gaveUp;
        yield data.subarray(at, Math.min(at + piece, data.length));
      }
    }
    try {
      await this.storage.writeStream(key, pieces());
    } catch (error) {
      if (error !== gaveUp) throw error;
      throw new OperationError('cancelled', 'the writer gave up', 'aborted');
    }
  };
}

class DbDriver extends Driver {
  static backends = ['sqlite', ...(POSTGRES ? ['postgres'] : []), ...(MYSQL ? ['mysql'] : [])];
  transactions = new Map();

  services() {
    only(this.config, 'driver pool', 'db');
    const urls = { sqlite: 'sqlite:FOLDER/test.db' };
    if (this.config.driver === 'postgres' && POSTGRES) {
      this.schema = new Schema();
      urls.postgres = this.schema.url;
    }
    if (this.config.driver === 'mysql' && MYSQL) {
      this.schema = new MysqlDatabase();
      urls.mysql = this.schema.url;
    }
    return { db: { default: { url: this.url(this.config.driver, urls), ...pick(this.config, 'pool') } } };
  }

  async open() {
    this.db = new spikard.Database();
    await this.schema?.create();
  }

  async close() {
    if (this.schema === undefined) return;
    for (const tx of this.transactions.values()) await tx.rollback().catch(() => {});
    await this.schema.drop();
  }

  params({ params }) {
    if (params === undefined || params === null) return params;
    return Array.isArray(params) ? params.map(parameter) : Object.fromEntries(Object.entries(params).map(([name, value]) => [name, parameter(value)]));
  }

  on = (args) => ('tx' in args ? this.transactions.get(args.tx) : this.db);
  do_execute = async (args) => ({ affected: await this.on(args).execute(args.sql, this.params(args)) });
  do_query = async (args) => {
    const rows = await this.on(args).query(args.sql, this.params(args));
    // What is finer than a Date is text.
    const instants = rows.columns.filter((_, i) => rows.types[i] === 'timestamp');
    for (const row of rows) for (const name of instants) if (typeof row[name] === 'string') row[name] = { $timestamp: row[name] };
    return { rows: [...rows], columns: rows.columns };
  };
  do_begin = async (args) => {
    only(args, 'tx isolation read_only', 'begin');
    this.transactions.set(args.tx, await this.db.begin(camel(omit(args, 'tx'))));
  };
  do_commit = ({ tx }) => this.transactions.get(tx).commit();
  do_rollback = ({ tx }) => this.transactions.get(tx).rollback();
  /** As when the body throws. */
  do_drop_transaction = async ({ tx }) => {
    const dropped = this.transactions.get(tx);
    this.transactions.delete(tx);
    await dropped.rollback().catch(() => {});
  };
  do_transaction = async ({ body }) => {
    class Scope extends Error {}
    const play = async (tx, statements) => {
      for (const statement of statements) {
        if ('fail' in statement) throw new Scope(statement.fail);
        if ('nested' in statement) {
          try {
            await tx.savepoint((inner) => play(inner, statement.nested));
          } catch (error) {
            if (!(error instanceof Scope) || !statement.swallow) throw error;
          }
        } else {
          await tx.execute(statement.sql, this.params(statement));
        }
      }
    };
    try {
      await this.db.transaction((tx) => play(tx, body));
    } catch (error) {
      if (!(error instanceof Scope)) throw error;
      throw new OperationError('internal', error.message, 'scope_failed', undefined, { cause: error });
    }
  };
  do_close = () => this.db.close();
}

const MESSAGING_SERVERS = Object.fromEntries(['amqp', 'kafka', 'mqtt', 'nats', 'redis'].map((name) => [name, setting(`${name.toUpperCase()}_URL`)]).filter(([, url]) => url));

/** What consumers and workers have in common. */
class HandlingDriver extends Driver {
  started = new Map();
  handled = new Map();
  stopping = [];

  do_max_in_flight = async ({ consumer, worker }) => this.handled.get(consumer ?? worker).most;
  do_shutdown_begin = async ({ drain_timeout_ms: limit }) => {
    this.stopping = [...this.started.values()].map((one) => one.stop({ drainTimeoutMs: limit, timeoutMs: limit }));
    this.started.clear();
  };
  do_shutdown_wait = async () => {
    const results = await Promise.all(this.stopping);
    return { drained: results.every((r) => r.drained), unfinished: results.reduce((sum, r) => sum + r.unfinished, 0) };
  };
  async kill(name) {
    this.handled.get(name).dead = true;
    const one = this.started.get(name);
    this.started.delete(name);
    await one.kill();
  }
  async close() {
    for (const one of this.started.values()) await one.kill();
  }
}

class MessagingDriver extends HandlingDriver {
  static backends = ['memory', 'sqlite', ...Object.keys(MESSAGING_SERVERS)];
  static places = 0;

  constructor(config) {
    super(config);
    this.realTime = ['amqp', 'kafka', 'nats', 'redis'].includes(config.backend); // of MQTT the delivery store owns the waits
    this.capabilities = [...(['amqp', 'mqtt'].includes(config.backend) ? [] : ['replay']), ...(this.realTime ? ['real_time'] : [])];
  }

  services() {
    only(this.config, 'backend', 'messaging');
    const name = `fixture_node_${process.pid}_${++MessagingDriver.places}`;
    const { amqp, nats, mqtt, kafka, redis } = MESSAGING_SERVERS;
    const urls = { memory: 'memory:', sqlite: 'sqlite:FOLDER/test.db' };
    if (amqp) urls.amqp = `${amqp}?name=${name}`;
    if (nats) urls.nats = `${nats}?storage=memory&stream=${name}`;
    if (mqtt) urls.mqtt = `${mqtt}?session_expiry_s=60&prefix=${name}/`;
    if (kafka) urls.kafka = `${kafka}?prefix=${name}.`;
    if (redis) urls.redis = `${redis}?prefix=${name}`;
    const client = { url: this.url(this.config.backend, urls) };
    if (this.config.backend === 'mqtt') client.store = this.url('mqtt', { mqtt: 'sqlite:FOLDER/deliveries.db' });
    return { messaging: { default: client } };
  }

  async open() {
    this.messaging = new spikard.Messaging();
  }

  do_publish = (args) => this.messaging.publish(args.topic, args.payload, omit(args, 'topic', 'payload')).then(() => null);
  do_start_consumer = async (args) => {
    only(args, 'name topic group handler max_retries dead_letter backoff ack_wait_ms handler_timeout_ms max_concurrency ordered start_from', 'start_consumer');
    const script = new Script(args.handler);
    const handled = new Handled();
    const options = camel(pick(args, 'group', 'max_retries', 'dead_letter', 'backoff', 'ordered', 'start_from', 'ack_wait_ms', 'handler_timeout_ms'));
    if ('max_concurrency' in args) options.concurrency = args.max_concurrency;
    this.handled.set(args.name, handled);
    const handle = (message) => handled.run(script.next(message.text), { payload: message.payload, headers: message.headers, delivery_count: message.deliveryCount });
    this.started.set(args.name, await this.messaging.consume(args.topic, handle, { name: args.name, ...options }));
  };
  do_stop_consumer = async ({ consumer }) => {
    const one = this.started.get(consumer);
    this.started.delete(consumer);
    await one.stop();
  };
  do_kill_consumer = ({ consumer }) => this.kill(consumer);
  do_expect_handled = async ({ consumer }) => this.handled.get(consumer).done;
  do_expect_dead_letters = async ({ topic }) => (await this.messaging.listDeadLetters(topic, { payloads: true })).messages;
  do_metric = async ({ name }) => snake(await this.messaging.stats())[name];
  do_topic_match = ({ style, pattern, topic }) => this.messaging.topicMatch(style, pattern, topic);
}

class TasksDriver extends HandlingDriver {
  static redis = setting('REDIS_URL');
  static backends = ['memory', 'sqlite', ...(POSTGRES ? ['postgres'] : []), ...(MYSQL ? ['mysql'] : []), ...(TasksDriver.redis ? ['redis'] : [])];
  running = new Set();

  services() {
    only(this.config, 'backend clock', 'tasks');
    const urls = { memory: 'memory:', sqlite: 'sqlite:FOLDER/test.db' };
    if (this.config.backend === 'postgres' && POSTGRES) {
      this.schema = new Schema();
      return { tasks: { default: { url: this.schema.url } }, db: { default: { url: POSTGRES } } };
    }
    if (this.config.backend === 'mysql' && MYSQL) {
      this.schema = new MysqlDatabase();
      urls.mysql = this.schema.url;
    }
    if (TasksDriver.redis) urls.redis = `${TasksDriver.redis}?prefix=e2e:${randomBytes(8).toString('hex')}`;
    return { tasks: { default: { url: this.url(this.config.backend, urls) } } };
  }

  async open() {
    await this.schema?.create();
    this.tasks = new spikard.Tasks();
  }

  async close() {
    await super.close();
    await this.schema?.drop();
  }

  do_enqueue = (args) => this.tasks.enqueue(args.task, { ...camel(omit(args, 'task', 'args')), ...pick(args, 'args') });
  do_start_worker = async (args) => {
    only(args, 'name queue handler max_concurrency lease_ms', 'start_worker');
    const script = new Script(args.handler);
    const handled = new Handled();
    const handle = (run) => handled.run(script.next(run.name), { task: run.name, attempt: run.attempt });
    const options = { name: args.name, queue: args.queue, ...camel(pick(args, 'lease_ms')) };
    if ('max_concurrency' in args) options.concurrency = args.max_concurrency;
    const { known } = args.handler;
    this.handled.set(args.name, handled);
    this.started.set(args.name, await this.tasks.work(known === undefined ? handle : Object.fromEntries(known.map((name) => [name, (_, run) => handle(run)])), options));
  };
  do_kill_worker = ({ worker }) => this.kill(worker);
  do_expect_runs = async ({ worker }) => this.handled.get(worker).done;
  do_cancellations_seen = async ({ worker }) => this.handled.get(worker).cancellations;
  do_job = async ({ id }) => snake(await this.tasks.job(id));
  do_retry_job = ({ id }) => this.tasks.retry(id);
  do_cancel = ({ id }) => this.tasks.cancel(id);
  do_pending_count = ({ queue }) => this.tasks.pendingCount({ queue });
  do_schedule = async (args) => {
    only(args, 'name cron timezone queue task misfire overlap instance', 'schedule');
    await this.tasks.schedule(args.name, args.cron, args.task, pick(args, 'timezone', 'queue', 'misfire', 'overlap'));
    await this.startScheduler(args.instance);
  };
  /** Each instance is one scheduler; the first runs at once. */
  async startScheduler(instance = 'default') {
    if (this.running.has(instance)) return;
    this.running.add(instance);
    await this.tasks.startScheduler({ name: instance });
  }
  do_start_scheduler = () => this.startScheduler();
  do_stop_scheduler = async () => {
    for (const name of [...this.running]) {
      this.running.delete(name);
      await this.tasks.stopScheduler({ name });
    }
  };
  do_expect_scheduled = async ({ name }) => (await this.tasks.list({ schedule: name, limit: 1000 })).map((job) => (job.scheduled_at === null ? null : new Date(job.scheduled_at).toISOString().replace('.000Z', 'Z')));
}

class CronDriver extends Driver {
  do_next = (args) => new spikard.Cron().next(args.expr, omit(args, 'expr'));
}

class CloudEventsDriver extends Driver {
  do_encode = async (args) => Object.fromEntries(Object.entries(snake(await new spikard.CloudEvents().encode(args.event, camel(omit(args, 'event'))))).filter(([, value]) => value !== null));
  do_decode = async (args) => {
    const { events } = await new spikard.CloudEvents().decode({ ...camel(omit(args, 'headers', 'properties')), ...pick(args, 'headers', 'properties') });
    return Object.fromEntries(Object.entries(events[0]).filter(([key, value]) => key !== 'data' || value !== null));
  };
}

class TelemetryDriver extends Driver {
  do_parse_traceparent = ({ value }) => new spikard.Telemetry().parseTraceparent(value);
  do_parse_tracestate = ({ values }) => new spikard.Telemetry().parseTracestate(values);
  do_parse_baggage = ({ values }) => new spikard.Telemetry().parseBaggage(values);
}

const DRIVERS = { cache: CacheDriver, storage: StorageDriver, db: DbDriver, messaging: MessagingDriver, tasks: TasksDriver, cron: CronDriver, cloudevents: CloudEventsDriver, telemetry: TelemetryDriver };

function backends(subsystem) {
  if (DRIVERS[subsystem] === undefined) throw new NotBuilt(`client ${subsystem}`);
  return DRIVERS[subsystem].backends;
}

// ---- one open client

/** The client of a case, in an application of its own under a virtual clock, or in real time where a server owns the waits. */
class Toolbox {
  static async open(client) {
    const names = Object.keys(client);
    const telemetry = names.length > 1 ? client.telemetry : undefined;
    const own = names.filter((name) => name !== 'telemetry' || names.length === 1);
    if (own.length !== 1 || DRIVERS[own[0]] === undefined) throw new NotBuilt(`client ${names.join(', ')}`);
    const toolbox = new Toolbox();
    const config = client[own[0]];
    toolbox.driver = new DRIVERS[own[0]](config);
    const manifest = { log: { level: 'error' }, http: null, shutdown: { timeout_ms: 2000 }, ...(telemetry === undefined ? {} : { telemetry }) };
    const services = toolbox.driver.services();
    toolbox.test = toolbox.driver.realTime
      ? new TestServer(new App('case', { config: { ...manifest, services } }))
      : new TestApp(new App('case', { config: manifest }), { services, ...(config.clock === undefined ? {} : { start: config.clock }) });
    await toolbox.test.start();
    try {
      await toolbox.test.run(() => toolbox.driver.open());
    } catch (error) {
      await toolbox.close();
      throw error;
    }
    return toolbox;
  }

  async do(op, args) {
    if (op === 'advance_clock') return void (await this.test.advance(args.ms)) ?? null;
    return packed(await this.test.run(() => this.driver.op(op, unpacked(args))));
  }

  async close() {
    try {
      await this.test.run(() => this.driver.close());
    } finally {
      await this.test.stop({ force: true });
      rmSync(this.driver.folder, { recursive: true, force: true });
    }
  }
}

module.exports = { backends, exact, Handled, NotBuilt, only, Script, told, Toolbox };
