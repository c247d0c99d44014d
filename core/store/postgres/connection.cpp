#include "store/postgres/connection.hpp"

#include <sys/uio.h>

#include <algorithm>
#include <cctype>
#include <charconv>

#include "net/await.hpp"
#include "net/stream.hpp"
#include "store/opening.hpp"
#include "store/placeholders.hpp"
#include "store/postgres/error.hpp"
#include "store/postgres/types.hpp"

namespace spikard::store::postgres {

using net::Transport;
using wire::Writer;

namespace {

constexpr std::uint32_t protocol = 196608;  // 3.0
constexpr std::uint32_t ssl_request = 80877103;
constexpr std::uint32_t cancel_request = 80877102;
constexpr Duration cancel_limit = std::chrono::seconds(5);  // then the connection is given up

Error unreachable(const std::string& address, std::string_view why) {
  return Error(ErrorKind::unavailable, "PostgreSQL at " + address + ": " + std::string(why)).with_operation("store.postgres");
}

/// Not started, with TLS where it is wanted.
Task<Result<std::unique_ptr<Transport>>> open_transport(net::Loop& loop, std::shared_ptr<Context> context, std::string address,
                                                        std::string name) {
  using R = Result<std::unique_ptr<Transport>>;
  R plain = net::connect(loop, address);
  if (!plain.ok()) co_return R(Error(ErrorKind::unavailable, plain.error().message()));
  if (context->tls == nullptr || address.starts_with("unix:")) co_return plain;
  auto opening = std::make_unique<Opening>(loop, std::move(*plain));
  if (Result<void> begun = opening->begin(); !begun.ok()) co_return R(std::move(begun).error());
  std::string request;
  Writer writer(request);
  writer.begin(0);
  writer.u32(ssl_request);
  writer.end();
  Result<void> asked = co_await opening->send(std::move(request));
  if (!asked.ok()) co_return R(std::move(asked).error());
  Result<std::string> answer = co_await opening->receive(1);
  if (!answer.ok()) co_return R(std::move(answer).error());
  if (*answer == "S") {
    R wrapped = context->tls->wrap(loop, std::move(opening), name);
    co_return wrapped;
  }
  if (*answer != "N") co_return R(Error(ErrorKind::corrupt, "PostgreSQL at " + address + ": no PostgreSQL server"));
  if (context->options.ssl != Options::Ssl::prefer)
    co_return R(Error(ErrorKind::permission_denied, "PostgreSQL at " + address + " speaks no TLS, and sslmode demands it"));
  std::unique_ptr<Transport> transport = std::move(opening);
  co_return R(std::move(transport));
}

bool contains_word(std::string_view text, std::string_view word) {
  const auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
  return std::search(text.begin(), text.end(), word.begin(), word.end(), same) != text.end();
}

/// Whether it leaves something behind that the next user of the session would find.
bool changes_session(const std::string& sql) {
  const std::string keyword = first_keyword(sql, Dialect::postgres);
  static constexpr std::string_view always[] = {"RESET",      "LISTEN",  "UNLISTEN", "PREPARE",
                                                "DEALLOCATE", "DISCARD", "LOAD",     "DECLARE"};
  if (std::find(std::begin(always), std::end(always), keyword) != std::end(always)) return true;
  if (keyword == "SET") return !contains_word(sql, "local") && !contains_word(sql, "transaction");
  if (keyword == "CREATE" || contains_word(sql, "into")) {
    if (contains_word(sql, "temp")) return true;
  }
  return contains_word(sql, "set_config") || contains_word(sql, "advisory_lock");
}

std::string next_prefix() {
  // Of all clients of a pooler, none has the same names for other statements.
  return "spikard_" + Scram::random_nonce().substr(0, 12) + "_";
}

void put_bind(Writer& out, std::string_view statement, std::span<const Argument> arguments, std::string_view formats) {
  out.begin('B');
  out.text("");
  out.text(statement);
  out.u16(static_cast<std::uint16_t>(arguments.size()));
  for (const Argument& one : arguments) out.u16(one.format == Argument::Format::binary ? 1 : 0);
  out.u16(static_cast<std::uint16_t>(arguments.size()));
  for (const Argument& one : arguments) {
    if (one.format == Argument::Format::null) {
      out.u32(~std::uint32_t{0});
      continue;
    }
    out.u32(static_cast<std::uint32_t>(one.bytes.size()));
    out.bytes(one.bytes);
  }
  if (formats.empty()) out.u16(0);
  else out.bytes(formats);
  out.end();
}

void put_execute(Writer& out, std::uint32_t max_rows) {
  out.begin('E');
  out.text("");
  out.u32(max_rows);
  out.end();
}

void put_parse(Writer& out, std::string_view name, std::string_view sql, std::span<const std::uint32_t> types) {
  out.begin('P');
  out.text(name);
  out.text(sql);
  out.u16(static_cast<std::uint16_t>(types.size()));
  for (const std::uint32_t type : types) out.u32(type);
  out.end();
}

std::string formats_of(const std::vector<wire::Field>& fields) {
  std::string out;
  Writer writer(out);
  writer.u16(static_cast<std::uint16_t>(fields.size()));
  for (const wire::Field& field : fields) writer.u16(is_binary(field.type) ? 1 : 0);
  return out;
}

}  // namespace

Argument text_argument(std::string_view text) { return {Argument::Format::text, std::string(text)}; }
Argument integer_argument(std::int64_t value) { return {Argument::Format::text, std::to_string(value)}; }

Argument array_argument(std::span<const std::int64_t> values) {
  Argument out(Argument::Format::binary, "");
  Writer writer(out.bytes);
  out.bytes.reserve(20 + values.size() * 12);
  writer.u32(values.empty() ? 0 : 1);
  writer.u32(0);
  writer.u32(oid::int8);
  if (values.empty()) return out;
  writer.u32(static_cast<std::uint32_t>(values.size()));
  writer.u32(1);
  for (const std::int64_t v : values) {
    writer.u32(8);
    writer.u32(static_cast<std::uint32_t>(static_cast<std::uint64_t>(v) >> 32U));
    writer.u32(static_cast<std::uint32_t>(v));
  }
  return out;
}

Argument array_argument(std::span<const std::optional<std::string_view>> values) {
  Argument out(Argument::Format::binary, "");
  Writer writer(out.bytes);
  writer.u32(values.empty() ? 0 : 1);
  writer.u32(std::any_of(values.begin(), values.end(), [](const auto& v) { return !v.has_value(); }) ? 1 : 0);
  writer.u32(oid::text);
  if (values.empty()) return out;
  writer.u32(static_cast<std::uint32_t>(values.size()));
  writer.u32(1);
  for (const auto& v : values) {
    if (!v.has_value()) {
      writer.u32(~std::uint32_t{0});
      continue;
    }
    writer.u32(static_cast<std::uint32_t>(v->size()));
    writer.bytes(*v);
  }
  return out;
}

Result<std::shared_ptr<Context>> Context::make(Options options) {
  auto context = std::make_shared<Context>();
  if (options.ssl != Options::Ssl::disable) {
    net::TlsClientOptions tls;
    tls.ca = options.ca;
    tls.certificate = options.certificate;
    tls.key = options.key;
    tls.verify = options.ssl == Options::Ssl::verify_ca || options.ssl == Options::Ssl::verify_full ||
                 (options.ssl == Options::Ssl::require && !options.ca.empty());
    tls.verify_name = options.ssl == Options::Ssl::verify_full;
    auto made = net::TlsContext::client(std::move(tls));
    if (!made.ok()) return std::move(made).error();
    context->tls = std::move(*made);
  }
  context->unnamed = !options.prepared;
  context->options = std::move(options);
  return context;
}

bool Context::is_ours(std::uint32_t pid) const {
  const std::lock_guard lock(mutex_);
  return pids_.contains(pid);
}
void Context::add(std::uint32_t pid) {
  const std::lock_guard lock(mutex_);
  pids_.insert(pid);
}
void Context::remove(std::uint32_t pid) {
  const std::lock_guard lock(mutex_);
  if (const auto at = pids_.find(pid); at != pids_.end()) pids_.erase(at);
}

// -- waiting

struct Connection::Cancelling {
  explicit Cancelling(net::Loop& loop) : over(loop), ended(loop) {}
  net::Event over;         ///< the statement has ended
  net::Event ended;        ///< and no request is under way
  bool delivered = false;  ///< the server has taken it: it cannot hit a later statement
};

void Connection::on_lost(std::string_view why) { fail(unreachable(address_, why)); }

/// What comes without having been asked for.
void Connection::on_unasked() {
  if (!ready_ || exchanging_) return;
  while (!broken_ && pump()) {
    wire::Message message;
    for (;;) {
      if (broken_) break;
      const auto next = reader_.next(message);
      if (next == wire::Reader::Next::more) break;
      if (next == wire::Reader::Next::broken) {
        fail(Error(ErrorKind::corrupt, "PostgreSQL at " + address_ + ": not understood"));
        break;
      }
      if (message.type == 'E') {
        fail(map_error(wire::read_error(message.body)));
        break;
      }
      asynchronous(message);
    }
  }
  if (broken_ && on_broken_) {
    Function<void()> told = std::exchange(on_broken_, nullptr);
    told();  // may destroy this
  }
}

void Connection::asynchronous(const wire::Message& message) {
  wire::Body body(message.body);
  if (message.type == 'S') {
    const std::string_view name = body.text();
    const std::string_view value = body.text();
    for (auto& [known, held] : parameters_) {
      if (known == name) {
        held = value;
        return;
      }
    }
    if (parameters_.size() < 64) parameters_.emplace_back(name, value);
  } else if (message.type == 'A' && on_notification_) {
    const std::uint32_t pid = body.u32();
    const std::string_view channel = body.text();
    const std::string_view payload = body.text();
    if (body.ok()) on_notification_(channel, payload, pid);
  }
}

void Connection::fail(Error why) {
  if (broken_) return;
  lost_ = exchanging_;
  why_broken_ = std::move(why);
  give_up_.stop();
  if (cancelling_ != nullptr) cancelling_->over.set();
  breaks(true);
}

Error Connection::lost_error() const {
  return why_broken_.has_value() ? *why_broken_ : unreachable(address_, "the connection was lost");
}

void Connection::close() noexcept {
  if (!broken_ && ready_ && !exchanging_) {
    std::string bye;
    Writer(bye).empty('X');
    const ::iovec part{bye.data(), bye.size()};
    (void)transport_->write(&part, 1);
  }
  breaks(false);
}

// -- opening

struct Connection::Place {
  std::string address;  ///< for net::connect
  std::string name;     ///< what the certificate is to say
};

Connection::Connection(net::Loop& loop, std::shared_ptr<Context> context, std::unique_ptr<Transport> transport,
                       std::string address, std::string name)
    : Channel(loop, std::move(transport), reader_),
      context_(std::move(context)),
      address_(std::move(address)),
      host_(std::move(name)),
      prefix_(next_prefix()),
      give_up_(loop, [this] { fail(unreachable(address_, "it did not answer a request to cancel in time")); }) {}

Connection::~Connection() {
  close();
  if (pid_ != 0) context_->remove(pid_);
}

Task<Result<std::unique_ptr<Connection>>> Connection::open(net::Loop& loop, std::shared_ptr<Context> context,
                                                           net::Resolver& resolver) {
  using R = Result<std::unique_ptr<Connection>>;
  const net::Busy busy(loop.clock());
  const Options& options = context->options;
  std::vector<Options::Target> passes{options.target};
  if (options.target == Options::Target::prefer_standby) passes = {Options::Target::standby, Options::Target::any};
  std::optional<Error> last;
  for (const Options::Target target : passes) {
    for (const Options::Host& host : options.hosts) {
      std::vector<std::string> addresses;
      if (host.is_unix()) {
        addresses.push_back("unix:" + host.name + "/.s.PGSQL." + std::to_string(host.port));
      } else {
        Task<Result<std::vector<std::string>>> resolving = resolver.resolve(host.name, host.port);
        Result<std::vector<std::string>> found = co_await net::with_deadline(loop, options.connect_timeout, std::move(resolving));
        if (!found.ok()) {
          if (found.error().kind() == ErrorKind::cancelled) co_return R(std::move(found).error());
          last = std::move(found).error();
          continue;
        }
        addresses = std::move(*found);
      }
      for (std::string& address : addresses) {
        Place place{std::move(address), host.name};
        Task<R> trying = attempt(loop, context, std::move(place), target);
        R opened = co_await net::with_deadline(loop, options.connect_timeout, std::move(trying));
        if (opened.ok()) co_return opened;
        const ErrorKind kind = opened.error().kind();
        // The next host would say the same.
        if (kind == ErrorKind::cancelled || kind == ErrorKind::permission_denied || kind == ErrorKind::not_found ||
            kind == ErrorKind::unsupported)
          co_return opened;
        last = std::move(opened).error();
      }
    }
  }
  co_return R(last.has_value() ? std::move(*last) : unreachable("", "there is no host"));
}

Task<Result<std::unique_ptr<Connection>>> Connection::attempt(net::Loop& loop, std::shared_ptr<Context> context, Place place,
                                                              Options::Target target) {
  using R = Result<std::unique_ptr<Connection>>;
  Result<std::unique_ptr<Transport>> transport = co_await open_transport(loop, context, place.address, place.name);
  if (!transport.ok()) co_return R(std::move(transport).error());
  std::unique_ptr<Connection> made(new Connection(loop, context, std::move(*transport), place.address, place.name));
  Result<void> started = co_await made->startup();
  if (!started.ok()) co_return R(std::move(started).error());
  if (target != Options::Target::any) {
    Result<bool> fits = co_await made->suits(target);
    if (!fits.ok()) co_return R(std::move(fits).error());
    if (!*fits) co_return R(unreachable(place.address, "not the kind of server that target_session_attrs asks for"));
  }
  made->context_->add(made->pid_);
  co_return R(std::move(made));
}

Task<Result<void>> Connection::startup() {
  if (Result<void> begun = start(); !begun.ok()) co_return begun;
  const Options& options = context_->options;
  Writer writer(out_);
  writer.begin(0);
  writer.u32(protocol);
  const auto put = [&](std::string_view name, std::string_view value) {
    if (value.empty()) return;
    writer.text(name);
    writer.text(value);
  };
  put("user", options.user);
  put("database", options.database);
  put("application_name", options.application_name);
  put("client_encoding", "UTF8");
  put("DateStyle", "ISO");
  put("TimeZone", "UTC");
  put("options", options.startup_options);
  writer.text("");
  writer.end();
  exchanging_ = true;
  Result<void> done = co_await receive(Until::ready);
  if (done.ok()) ready_ = true;
  scram_.reset();
  co_return done;
}

Result<void> Connection::authenticate(std::string_view bytes) {
  wire::Body body(bytes);
  const std::uint32_t kind = body.u32();
  const Options& options = context_->options;
  Writer writer(out_);
  const auto password = [&](std::string_view text) {
    writer.begin('p');
    writer.text(text);
    writer.end();
  };
  switch (kind) {
    case 0: return {};
    case 3: password(options.password); return {};
    case 5: password(md5_password(options.user, options.password, body.bytes(4))); return {};
    case 10: {
      bool offered = false;
      for (std::string_view one = body.text(); !one.empty(); one = body.text()) offered |= one == "SCRAM-SHA-256";
      if (!offered) return Error(ErrorKind::unsupported, "PostgreSQL offers no SCRAM-SHA-256");
      scram_ = std::make_unique<Scram>(options.password, Scram::random_nonce());
      writer.begin('p');
      writer.text("SCRAM-SHA-256");
      writer.u32(static_cast<std::uint32_t>(scram_->first().size()));
      writer.bytes(scram_->first());
      writer.end();
      return {};
    }
    case 11: {
      if (scram_ == nullptr) break;
      Result<std::string> answer = scram_->answer(body.rest());
      if (!answer.ok()) return std::move(answer).error();
      writer.begin('p');
      writer.bytes(*answer);
      writer.end();
      return {};
    }
    case 12:
      if (scram_ == nullptr) break;
      return scram_->verify(body.rest());
    default: break;
  }
  return Error(ErrorKind::unsupported, "PostgreSQL wants authentication of kind " + std::to_string(kind) +
                                           "; there is SCRAM-SHA-256, md5, a password and a client certificate");
}

Task<Result<bool>> Connection::suits(Options::Target target) {
  std::string standby(parameter("in_hot_standby"));
  std::string read_only(parameter("default_transaction_read_only"));
  if (standby.empty() || read_only.empty()) {  // before 14
    Result<Rows> found =
        co_await query("SELECT pg_is_in_recovery()::int::text, current_setting('default_transaction_read_only')");
    if (!found.ok()) co_return Result<bool>(std::move(found).error());
    if (found->size() == 1) {
      standby = found->at(0, 0) == "1" ? "on" : "off";
      read_only = found->at(0, 1).value_or("");
    }
  }
  const bool is_standby = standby == "on";
  const bool is_read_only = is_standby || read_only == "on";
  switch (target) {
    case Options::Target::read_write: co_return Result<bool>(!is_read_only);
    case Options::Target::read_only: co_return Result<bool>(is_read_only);
    case Options::Target::primary: co_return Result<bool>(!is_standby);
    case Options::Target::standby: co_return Result<bool>(is_standby);
    default: co_return Result<bool>(true);
  }
}

std::string_view Connection::parameter(std::string_view name) const {
  for (const auto& [known, value] : parameters_) {
    if (known == name) return value;
  }
  return {};
}

// -- statements

void Connection::add(Operation operation) {
  if (at_ != 0 || error_.has_value() || !unsent_) {
    operations_.clear();
    at_ = 0;
    error_.reset();
    unsent_ = true;
  }
  operations_.push_back(std::move(operation));
}

Task<Result<std::shared_ptr<const Prepared>>> Connection::prepare(std::string sql) {
  using R = Result<std::shared_ptr<const Prepared>>;
  if (const auto known = prepared_.find(sql); known != prepared_.end()) {
    recent_.splice(recent_.begin(), recent_, known->second);
    co_return R(*known->second);
  }
  if (split_statements(sql, Dialect::postgres).size() > 1)
    co_return R(Error(ErrorKind::invalid_argument, "one statement a call").with_detail("multiple_statements"));
  auto made = std::make_shared<Prepared>();
  const bool unnamed = context_->unnamed.load(std::memory_order_relaxed);
  if (!unnamed) made->name = prefix_ + std::to_string(++names_);
  made->changes_session = changes_session(sql);
  made->sql = std::move(sql);
  Operation describe;
  describe.kind = Operation::Kind::describe;
  describe.describes = made;
  add(std::move(describe));
  Writer writer(out_);
  while (recent_.size() >= context_->statement_cache) {
    const std::shared_ptr<Prepared> oldest = recent_.back();
    prepared_.erase(oldest->sql);
    recent_.pop_back();
    if (oldest->name.empty()) continue;
    writer.begin('C');
    writer.u8('S');
    writer.text(oldest->name);
    writer.end();
  }
  put_parse(writer, made->name, made->sql, {});
  writer.begin('D');
  writer.u8('S');
  writer.text(made->name);
  writer.end();
  Result<void> done;
  if (unit_) {
    done = co_await flush();
  } else {
    done = co_await sync();
  }
  if (!done.ok()) co_return R(std::move(done).error());
  made->formats = formats_of(made->fields);
  recent_.push_front(made);
  prepared_.emplace(made->sql, recent_.begin());
  co_return R(std::move(made));
}

void Connection::control(std::string_view sql) {
  add({});
  Writer writer(out_);
  put_parse(writer, "", sql, {});
  put_bind(writer, "", {}, {});
  put_execute(writer, 0);
}

void Connection::bind(const std::shared_ptr<const Prepared>& prepared, std::span<const Argument> arguments, Receiver* receiver,
                      std::uint32_t max_rows, bool as_text) {
  Operation run;
  run.runs = prepared;
  run.receiver = receiver;
  add(std::move(run));
  Writer writer(out_);
  if (prepared->name.empty()) put_parse(writer, "", prepared->sql, prepared->parameters);
  put_bind(writer, prepared->name, arguments, as_text ? std::string_view() : std::string_view(prepared->formats));
  if (prepared->name.empty() && receiver != nullptr) {
    writer.begin('D');  // a table may have changed meanwhile
    writer.u8('P');
    writer.text("");
    writer.end();
  }
  put_execute(writer, max_rows);
  if (prepared->changes_session) dirty_ = true;
}

Task<Result<void>> Connection::sync() {
  unit_ = false;
  Writer(out_).empty('S');
  exchanging_ = true;
  unsent_ = false;
  answered_ = false;
  held_ = false;
  Result<void> done = co_await receive(Until::ready);
  co_return done;
}

Task<Result<void>> Connection::flush() {
  Writer(out_).empty('H');
  exchanging_ = true;
  unsent_ = false;
  answered_ = false;
  held_ = true;
  Result<void> done = co_await receive(Until::operations);
  co_return done;
}

void Connection::begin_rows(bool hold) {
  Writer(out_).empty(hold ? 'H' : 'S');
  exchanging_ = true;
  in_rows_ = true;
  unsent_ = false;
  answered_ = false;
  held_ = hold;
}

void Connection::continue_rows(Receiver* receiver, std::uint32_t max_rows) {
  Operation run;
  run.receiver = receiver;
  add(std::move(run));
  Writer writer(out_);
  put_execute(writer, max_rows);
  begin_rows(false);
}

Task<Result<void>> Connection::skip_rows() {
  for (Operation& one : operations_) one.receiver = nullptr;
  Result<void> done = co_await receive(Until::ready);
  co_return done;
}

Task<Result<bool>> Connection::rows() {
  paused_ = false;
  Result<void> done = co_await receive(held_ ? Until::operations : Until::enough);
  if (!done.ok()) co_return Result<bool>(std::move(done).error());
  co_return Result<bool>(paused_);
}

Task<Result<void>> Connection::end() {
  Writer(out_).empty('S');
  held_ = false;
  Result<void> done = co_await receive(Until::ready);
  co_return done;
}

void Connection::receive_into(Receiver* receiver) noexcept {
  for (Operation& one : operations_) {
    if (one.kind == Operation::Kind::execute && one.receiver != nullptr) one.receiver = receiver;
  }
}

std::vector<Connection::Outcome> Connection::outcomes() const {
  std::vector<Outcome> out;
  for (const Operation& one : operations_) {
    if (one.kind == Operation::Kind::execute) out.push_back(one.outcome);
  }
  return out;
}

Task<Result<void>> Connection::receive(Until until) {
  const CancelToken token = co_await current_token();
  CancelCallback on_cancel(token, [this](CancelReason) { cancel(); });
  for (;;) {
    wire::Message message;
    const auto next = reader_.next(message);
    if (next == wire::Reader::Next::more) {
      if (broken_) co_return Result<void>(lost_error());
      Fill fill(*this);
      co_await fill;
      continue;
    }
    if (next == wire::Reader::Next::broken) {
      fail(Error(ErrorKind::corrupt, "PostgreSQL at " + address_ + ": not understood"));
      co_return Result<void>(lost_error());
    }
    Operation* const current = at_ < operations_.size() ? &operations_[at_] : nullptr;
    switch (message.type) {
      case 'D':
        answered_ = true;
        if (current != nullptr && current->receiver != nullptr && !error_.has_value() && !current->receiver->row(message.body)) {
          if (until == Until::ready) {
            current->receiver = nullptr;
            break;
          }
          paused_ = true;
          co_return Result<void>();
        }
        break;
      case '1':  // ParseComplete
      case '2':  // BindComplete
      case '3':  // CloseComplete
      case 'c':  // CopyDone
      case 'd':  // CopyData
        break;
      case 't':
        if (current != nullptr && current->describes != nullptr) {
          auto parameters = wire::read_parameters(message.body);
          if (parameters.has_value()) current->describes->parameters = std::move(*parameters);
        }
        break;
      case 'T':
      case 'n': {
        if (current == nullptr) break;
        std::optional<std::vector<wire::Field>> fields;
        if (message.type == 'T') fields = wire::read_fields(message.body);
        if (current->kind == Operation::Kind::describe) {
          if (fields.has_value()) current->describes->fields = std::move(*fields);
          ++at_;
          break;
        }
        if (fields.has_value() && current->runs != nullptr &&
            !std::equal(fields->begin(), fields->end(), current->runs->fields.begin(), current->runs->fields.end(),
                        [](const wire::Field& a, const wire::Field& b) { return a.type == b.type && a.name == b.name; })) {
          current->receiver = nullptr;
          error_ = Error(ErrorKind::conflict, "the columns of this statement have changed").with("sqlstate", "0A000");
        }
        break;
      }
      case 'C': {
        answered_ = true;
        wire::Body body(message.body);
        last_tag_ = body.text();
        if (current != nullptr) current->outcome.affected = wire::affected_of(last_tag_);
        ++at_;
        break;
      }
      case 's':
        answered_ = true;
        if (current != nullptr) current->outcome.more = true;
        ++at_;
        break;
      case 'I':
        answered_ = true;
        if (!error_.has_value()) error_ = Error(ErrorKind::invalid_argument, "an empty statement").with_detail("syntax_error");
        ++at_;
        break;
      case 'G': {  // COPY ... FROM STDIN: it takes no Sync until it has failed
        Writer writer(out_);
        writer.begin('f');
        writer.text("spikard: COPY from the client is not supported");
        writer.end();
        writer.empty('S');
        error_ = Error(ErrorKind::unsupported, "COPY from or to the client");
        break;
      }
      case 'H':
        if (!error_.has_value()) error_ = Error(ErrorKind::unsupported, "COPY from or to the client");
        break;
      case 'E': {
        answered_ = true;
        const wire::ErrorFields fields = wire::read_error(message.body);
        if (!error_.has_value()) error_ = map_error(fields);
        if (error_->kind() == ErrorKind::cancelled && cancelling_ == nullptr)
          error_ = Error(ErrorKind::timeout, fields.message).with("sqlstate", fields.sqlstate);  // the server's own limit
        if (fields.severity == "FATAL" || fields.severity == "PANIC") {
          fail(*error_);
          lost_ = false;  // it said what became of it
          co_return Result<void>(*error_);
        }
        at_ = operations_.size();
        if (held_) {
          held_ = false;
          until = Until::ready;
          Writer(out_).empty('S');
        }
        break;
      }
      case 'R':
        if (Result<void> done = authenticate(message.body); !done.ok()) {
          fail(done.error());
          co_return done;
        }
        break;
      case 'K': {
        wire::Body body(message.body);
        pid_ = body.u32();
        key_ = body.rest();
        break;
      }
      case 'Z': {
        wire::Body body(message.body);
        status_ = static_cast<char>(body.u8());
        exchanging_ = false;
        in_rows_ = false;
        held_ = false;
        unit_ = false;
        give_up_.stop();
        if (cancelling_ != nullptr) {
          Result<bool> settled = co_await settle_cancel();
          (void)settled;
        }
        if (error_.has_value()) co_return Result<void>(*error_);
        co_return Result<void>();
      }
      case 'N':
      case 'S':
      case 'A': asynchronous(message); break;
      default:
        fail(Error(ErrorKind::corrupt, "PostgreSQL at " + address_ + ": a message of an unknown type"));
        co_return Result<void>(lost_error());
    }
    if (until == Until::operations && at_ >= operations_.size() && !error_.has_value()) co_return Result<void>();
  }
}

namespace {

struct Collect final : Receiver {
  explicit Collect(std::vector<std::optional<std::string>>& into) noexcept : values(into) {}
  bool row(std::string_view body) override {
    wire::Row fields(body);
    for (std::uint16_t i = 0; i < fields.count(); ++i) {
      std::string_view value;
      bool null = false;
      if (!fields.next(value, null)) return false;
      if (null) values.emplace_back(std::nullopt);
      else values.emplace_back(std::string(value));
    }
    return true;
  }
  std::vector<std::optional<std::string>>& values;
};

}  // namespace

Task<Result<Connection::Rows>> Connection::query(std::string sql, std::vector<Argument> arguments) {
  std::vector<Query> one;
  one.emplace_back(std::move(sql), std::move(arguments));
  Result<std::vector<Rows>> all = co_await query_all(std::move(one));
  if (!all.ok()) co_return Result<Rows>(std::move(all).error());
  co_return Result<Rows>(std::move(all->front()));
}

Task<Result<std::vector<Connection::Rows>>> Connection::query_all(std::vector<Query> queries) {
  using R = Result<std::vector<Rows>>;
  std::vector<std::shared_ptr<const Prepared>> prepared;
  prepared.reserve(queries.size());
  for (Query& one : queries) {
    Result<std::shared_ptr<const Prepared>> made = co_await prepare(std::move(one.sql));
    if (!made.ok()) co_return R(std::move(made).error());
    prepared.push_back(std::move(*made));
  }
  std::vector<Rows> out(queries.size());
  std::vector<Collect> collect;
  collect.reserve(queries.size());
  for (std::size_t i = 0; i < queries.size(); ++i) {
    out[i].columns = prepared[i]->fields.size();
    collect.emplace_back(out[i].values);
    bind(prepared[i], queries[i].arguments, &collect[i], 0, true);
  }
  Result<void> done;
  if (unit_) {
    done = co_await flush();
  } else {
    done = co_await sync();
  }
  if (!done.ok()) co_return R(std::move(done).error());
  // What was bound before them comes first.
  const std::size_t first = operations_.size() - queries.size();
  for (std::size_t i = 0; i < queries.size(); ++i) out[i].affected = operations_[first + i].outcome.affected;
  co_return R(std::move(out));
}

Task<Result<void>> Connection::later(std::string sql, std::vector<Argument> arguments) {
  Result<std::shared_ptr<const Prepared>> made = co_await prepare(std::move(sql));
  if (!made.ok()) co_return Result<void>(std::move(made).error());
  bind(*made, arguments, nullptr);
  co_return Result<void>();
}

void Connection::forget(const std::string& sql) {
  const auto known = prepared_.find(sql);
  if (known == prepared_.end()) return;
  const auto place = known->second;
  prepared_.erase(known);
  recent_.erase(place);
}

void Connection::forget_all() {
  prepared_.clear();
  recent_.clear();
}

// -- cancelling

void Connection::cancel() {
  if (broken_ || !exchanging_) return;
  if (!ready_) return fail(Error(ErrorKind::cancelled, "cancelled while connecting"));
  if (cancelling_ != nullptr) return;
  cancelling_ = std::make_shared<Cancelling>(loop_);
  give_up_.start(cancel_limit);
  requests_.start(send_cancel(loop_, context_, address_, host_, pid_, key_, cancelling_));
}

Task<void> Connection::send_cancel(net::Loop& loop, std::shared_ptr<Context> context, std::string address, std::string name,
                                   std::uint32_t pid, std::string key, std::shared_ptr<Cancelling> state) {
  const auto work = [](net::Loop& on, std::shared_ptr<Context> of, std::string where, std::string host, std::uint32_t to,
                       std::string secret) -> Task<Result<void>> {
    Result<std::unique_ptr<Transport>> transport = co_await open_transport(on, std::move(of), std::move(where), std::move(host));
    if (!transport.ok()) co_return Result<void>(std::move(transport).error());
    net::Stream stream(on, std::move(*transport));
    if (Result<void> begun = stream.start(); !begun.ok()) co_return begun;
    std::string request;
    Writer writer(request);
    writer.begin(0);
    writer.u32(cancel_request);
    writer.u32(to);
    writer.bytes(secret);
    writer.end();
    Result<void> sent = co_await stream.write(request);
    if (!sent.ok()) co_return sent;
    // The server says nothing; it closes once the signal is sent.
    char ignored[64];
    for (;;) {
      Result<std::size_t> got = co_await stream.read(ignored, sizeof ignored);
      if (!got.ok()) {
        if (got.error().kind() == ErrorKind::cancelled) co_return Result<void>(std::move(got).error());
        break;  // a reset is an end, too
      }
      if (*got == 0) break;
    }
    co_return Result<void>();
  };
  // One that comes before the server has begun the statement does nothing: asked again until it has ended.
  for (Duration pause = std::chrono::milliseconds(50);; pause *= 2) {
    std::optional<net::Busy> busy(std::in_place, loop.clock());
    Task<Result<void>> task = work(loop, context, address, name, pid, key);
    Result<void> done = co_await net::with_deadline(loop, cancel_limit, std::move(task));
    busy.reset();
    state->delivered = done.ok();
    if (!done.ok() || state->over.is_set()) break;
    Task<Result<void>> wait = state->over.wait();
    Result<void> over = co_await net::with_deadline(loop, pause, std::move(wait));
    if (over.ok()) break;
  }
  state->ended.set();
}

/// Before the session is used again, its cancel request has been dealt with.
Task<Result<bool>> Connection::settle_cancel() {
  const std::shared_ptr<Cancelling> state = std::exchange(cancelling_, nullptr);
  const net::Busy busy(loop_.clock());
  state->over.set();
  CancelSource never;
  Task<Result<void>> wait = state->ended.wait().with_token(never.token());
  Result<void> waited = co_await std::move(wait);
  (void)waited;
  if (!state->delivered) fail(unreachable(address_, "the request to cancel may still come"));
  co_return Result<bool>(state->delivered);
}

Task<void> Connection::recover() {
  for (Operation& one : operations_) one.receiver = nullptr;
  if (broken_) co_return;
  if (!exchanging_) {
    out_.clear();  // nothing of it was sent
    sent_ = 0;
    operations_.clear();
    at_ = 0;
  } else {
    if (held_) {
      // The transaction that is open without a BEGIN ends by an error.
      Writer writer(out_);
      put_parse(writer, "", "spikard gives up", {});
      writer.empty('S');
      held_ = false;
    }
    if (at_ < operations_.size()) cancel();
    else give_up_.start(cancel_limit);
    Result<void> drained = co_await receive(Until::ready);
    (void)drained;
  }
  if (!broken_ && in_transaction()) {
    give_up_.start(cancel_limit);
    control("ROLLBACK");
    Result<void> done = co_await sync();
    if (!done.ok() && !broken_) fail(done.error());
  }
  if (!broken_ && dirty_) {
    give_up_.start(cancel_limit);
    control("DISCARD ALL");
    Result<void> done = co_await sync();
    if (!done.ok() && !broken_) fail(done.error());
    forget_all();
    dirty_ = false;
  }
}

}  // namespace spikard::store::postgres
