#include "store/mysql/connection.hpp"

#include <sys/uio.h>

#include <algorithm>
#include <bit>
#include <cctype>
#include <charconv>
#include <cstring>
#include <utility>

#include "net/await.hpp"
#include "store/mysql/auth.hpp"
#include "store/mysql/error.hpp"
#include "store/opening.hpp"
#include "store/placeholders.hpp"

namespace spikard::store::mysql {

using net::Transport;
using wire::Writer;
namespace capability = wire::capability;
namespace type = wire::type;

namespace {

constexpr Duration cancel_limit = std::chrono::seconds(5);  // then the connection is given up
constexpr std::size_t passed_over_limit = std::size_t{256} << 10U;
constexpr std::uint8_t utf8mb4 = 45;  // utf8mb4_general_ci, which every server has
constexpr std::uint32_t largest = std::uint32_t{1} << 30U;

// Strict, and as the scanner of placeholders expects it: "x" is text, and a backslash escapes. JSON and TIMESTAMP are in UTC.
constexpr std::string_view session =
    "SET NAMES utf8mb4, time_zone = '+00:00', autocommit = 1, sql_mode = "
    "'STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'";

Error unreachable(const std::string& address, std::string_view why) {
  return Error(ErrorKind::unavailable, "MySQL at " + address + ": " + std::string(why)).with_operation("store.mysql");
}
Error not_understood(const std::string& address) {
  return Error(ErrorKind::corrupt, "MySQL at " + address + ": not understood").with_operation("store.mysql");
}

std::uint64_t capabilities_with(const wire::Handshake& server) noexcept {
  constexpr std::uint64_t wanted = capability::found_rows | capability::protocol_41 | capability::transactions |
                                   capability::secure_connection | capability::multi_results | capability::ps_multi_results |
                                   capability::plugin_auth | capability::connect_attributes | capability::lenenc_auth |
                                   capability::deprecate_eof | capability::extended_metadata | capability::cache_metadata;
  return (wanted & server.capabilities) | capability::connect_with_db |
         (server.is_mariadb() ? 0 : std::uint64_t{capability::mysql});
}

/// What a request for TLS and the answer to the greeting begin with; the server goes by the first of them.
void put_beginning(Writer& out, std::uint64_t capabilities) {
  out.number(capabilities & 0xFFFFFFFFU, 4);
  out.number(largest, 4);
  out.u8(utf8mb4);
  out.bytes(std::string_view("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 19));
  out.number(capabilities >> 32U, 4);
}

/// After these the server ends the session.
bool ends_session(std::uint16_t number) noexcept {
  static constexpr std::uint16_t all[] = {1053, 1077, 1079, 1152, 1153, 1158, 1159, 1160, 1161, 1184, 1927, 4031};
  return std::find(std::begin(all), std::end(all), number) != std::end(all);
}

bool contains_word(std::string_view text, std::string_view word) {
  const auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
  return std::search(text.begin(), text.end(), word.begin(), word.end(), same) != text.end();
}

/// Whether it leaves something behind that the next user of the session would find.
bool changes_session(std::string_view sql) {
  const std::string keyword = first_keyword(sql, Dialect::mysql);
  static constexpr std::string_view always[] = {"SET", "USE", "LOCK", "FLUSH", "PREPARE", "DEALLOCATE", "HANDLER", "XA", "CALL"};
  if (std::find(std::begin(always), std::end(always), keyword) != std::end(always)) return true;
  return contains_word(sql, "temporary") || contains_word(sql, "get_lock") || sql.find(":=") != std::string_view::npos ||
         (keyword == "SELECT" && contains_word(sql, "into") && sql.find('@') != std::string_view::npos);
}

void put_argument(Writer& out, const Argument& one) {
  switch (one.type) {
    case type::null: return;
    case type::tiny:
    case type::big:
    case type::real8: return out.bytes(one.bytes);
    case type::datetime: out.u8(one.bytes.size()); return out.bytes(one.bytes);
    default: return out.counted(one.bytes);
  }
}

std::string little_endian(std::uint64_t v) {
  std::string out(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) out[i] = static_cast<char>(v >> (8 * i));
  return out;
}

}  // namespace

Argument text_argument(std::string_view text) { return {type::var_string, std::string(text)}; }
Argument integer_argument(std::int64_t value) { return {type::big, little_endian(static_cast<std::uint64_t>(value))}; }
Argument real_argument(double value) { return {type::real8, little_endian(std::bit_cast<std::uint64_t>(value))}; }

Result<std::shared_ptr<Context>> Context::make(Options options) {
  auto context = std::make_shared<Context>();
  if (options.ssl != Options::Ssl::disabled) {
    net::TlsClientOptions tls;
    tls.ca = options.ca;
    tls.certificate = options.certificate;
    tls.key = options.key;
    tls.verify = options.ssl == Options::Ssl::verify_ca || options.ssl == Options::Ssl::verify_identity;
    tls.verify_name = options.ssl == Options::Ssl::verify_identity;
    auto made = net::TlsContext::client(std::move(tls));
    if (!made.ok()) return std::move(made).error();
    context->tls = std::move(*made);
  }
  context->options = std::move(options);
  return context;
}

struct Connection::Place {
  std::string address;  ///< for net::connect
  std::string name;     ///< what the certificate is to say
};

struct Connection::Cancelling {
  explicit Cancelling(net::Loop& loop) : over(loop), ended(loop) {}
  net::Event over;         ///< the statement has ended
  net::Event ended;        ///< and no request is under way
  bool delivered = false;  ///< the server has taken it
};

// -- opening

Connection::Connection(net::Loop& loop, std::shared_ptr<Context> context, std::unique_ptr<Transport> transport, Place place)
    : Channel(loop, std::move(transport), reader_),
      context_(std::move(context)),
      place_(std::make_shared<const Place>(std::move(place))),
      give_up_(loop, [this] { fail(unreachable(place_->address, "it did not answer a request to cancel in time")); }) {}

Connection::~Connection() { close(); }

void Connection::close() noexcept {
  if (!broken_ && ready_ && !exchanging_) {
    std::string bye;
    Writer writer(bye);
    writer.begin();
    writer.u8(wire::command::quit);
    writer.end();
    const ::iovec part{bye.data(), bye.size()};
    (void)transport_->write(&part, 1);
  }
  breaks(false);
}

Task<Result<std::unique_ptr<Connection>>> Connection::open(net::Loop& loop, std::shared_ptr<Context> context,
                                                           net::Resolver& resolver) {
  using R = Result<std::unique_ptr<Connection>>;
  const net::Busy busy(loop.clock());
  const Options& options = context->options;
  std::optional<Error> last;
  for (const Options::Host& host : options.hosts) {
    std::vector<std::string> addresses;
    if (host.is_unix()) {
      addresses.push_back("unix:" + host.name);
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
      Task<R> trying = attempt(loop, context, std::move(place));
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
  co_return R(last.has_value() ? std::move(*last) : unreachable("", "there is no host"));
}

Task<Result<std::unique_ptr<Connection>>> Connection::attempt(net::Loop& loop, std::shared_ptr<Context> context, Place place) {
  using R = Result<std::unique_ptr<Connection>>;
  Result<std::unique_ptr<Transport>> plain = net::connect(loop, place.address);
  if (!plain.ok()) co_return R(Error(ErrorKind::unavailable, plain.error().message()));
  auto opening = std::make_unique<Opening>(loop, std::move(*plain));
  if (Result<void> begun = opening->begin(); !begun.ok()) co_return R(std::move(begun).error());
  Result<std::string> header = co_await opening->receive(4);
  if (!header.ok()) co_return R(std::move(header).error());
  const auto length = static_cast<std::size_t>(wire::get_le(header->data(), 3));
  if (length > 4096) co_return R(not_understood(place.address));
  Result<std::string> greeting = co_await opening->receive(length);
  if (!greeting.ok()) co_return R(std::move(greeting).error());
  if (greeting->starts_with('\xFF')) co_return R(map_error(wire::read_error(*greeting)).with_operation("store.mysql"));
  std::optional<wire::Handshake> server = wire::read_handshake(*greeting);
  constexpr std::uint64_t needed = capability::protocol_41 | capability::secure_connection | capability::plugin_auth;
  if (!server.has_value() || (server->capabilities & needed) != needed) co_return R(not_understood(place.address));
  std::unique_ptr<Transport> transport;
  std::uint8_t sequence = 1;
  const bool on_host = place.address.starts_with("unix:");
  bool secret = on_host;
  if (context->tls != nullptr && !on_host && (server->capabilities & capability::ssl) != 0) {
    std::string request;
    Writer writer(request);
    writer.begin(sequence++);
    put_beginning(writer, capabilities_with(*server) | capability::ssl);
    writer.end();
    Result<void> asked = co_await opening->send(std::move(request));
    if (!asked.ok()) co_return R(std::move(asked).error());
    Result<std::unique_ptr<Transport>> tls = context->tls->wrap(loop, std::move(opening), place.name);
    if (!tls.ok()) co_return R(std::move(tls).error());
    transport = std::move(*tls);
    secret = true;
  } else if (context->tls != nullptr && !on_host && context->options.ssl != Options::Ssl::preferred) {
    co_return R(Error(ErrorKind::permission_denied, "MySQL at " + place.address + " speaks no TLS, and ssl-mode demands it"));
  } else {
    transport = std::move(opening);
  }
  std::unique_ptr<Connection> made(new Connection(loop, context, std::move(transport), std::move(place)));
  Result<void> done = co_await made->log_in(std::move(*server), secret, sequence);
  if (!done.ok()) co_return R(std::move(done).error());
  co_return R(std::move(made));
}

Task<Result<std::string_view>> Connection::packet() {
  using R = Result<std::string_view>;
  const CancelToken token = co_await current_token();
  CancelCallback on_cancel(token, [this](CancelReason) { cancel(); });
  for (;;) {
    std::string_view body;
    const auto next = reader_.next(body);
    if (next == wire::Reader::Next::packet && !body.empty()) co_return R(body);
    if (next != wire::Reader::Next::more) fail(not_understood(place_->address));
    if (broken_) co_return R(lost_error());
    Fill fill(*this);
    co_await fill;
  }
}

Task<Result<void>> Connection::log_in(wire::Handshake server, bool secret, std::uint8_t sequence) {
  if (Result<void> begun = start(); !begun.ok()) co_return begun;
  const Options& options = context_->options;
  version_ = server.version;
  id_ = server.connection;
  capabilities_ = capabilities_with(server) | (sequence > 1 ? std::uint64_t{capability::ssl} : 0);
  AuthContext auth{options.password, server.scramble, secret};
  std::string plugin = server.plugin;
  Result<std::string> answer = auth_response(plugin, auth);
  if (!answer.ok()) {
    // The user's may be another than the server's usual one: it then says so.
    plugin = "mysql_native_password";
    answer = auth_response(plugin, auth);
  }
  Writer writer(out_);
  writer.begin(sequence);
  put_beginning(writer, capabilities_);
  writer.text(options.user);
  if ((capabilities_ & capability::lenenc_auth) != 0) {
    writer.counted(*answer);
  } else {
    writer.u8(answer->size());
    writer.bytes(*answer);
  }
  writer.text(options.database);
  writer.text(plugin);
  if ((capabilities_ & capability::connect_attributes) != 0) {
    std::string attributes;
    Writer put(attributes);
    put.counted("_client_name");
    put.counted("spikard");
    writer.counted(attributes);
  }
  writer.end();
  exchanging_ = true;
  reader_.expect(static_cast<std::uint8_t>(sequence + 1));
  for (;;) {
    Result<std::string_view> got = co_await packet();
    if (!got.ok()) co_return Result<void>(std::move(got).error());
    const std::string_view body = *got;
    const auto first = static_cast<unsigned char>(body[0]);
    if (first == 0x00) break;
    if (first == 0xFF) {
      fail(map_error(wire::read_error(body)).with_operation("store.mysql"));
      co_return Result<void>(lost_error());
    }
    std::string scramble;
    if (first == 0xFE && body.size() > 1) {
      wire::Body change(body.substr(1));
      plugin = change.text();
      scramble = change.rest();
      if (!scramble.empty() && scramble.back() == '\0') scramble.pop_back();
      if (!change.ok() || scramble.size() != 20) {
        fail(not_understood(place_->address));
        co_return Result<void>(lost_error());
      }
      server.scramble = std::move(scramble);
      auth.scramble = server.scramble;
      answer = auth_response(plugin, auth);
    } else if (first == 0x01) {
      answer = auth_continue(plugin, body.substr(1), auth);
      if (answer.ok() && answer->empty()) continue;
    } else {
      answer = not_understood(place_->address);
    }
    if (!answer.ok()) {
      fail(std::move(answer).error());
      co_return Result<void>(lost_error());
    }
    writer.begin(reader_.sequence());
    writer.bytes(*answer);
    writer.end();
    reader_.expect(static_cast<std::uint8_t>(reader_.sequence() + 1));
  }
  exchanging_ = false;
  ready_ = true;
  Result<void> done = co_await set_up(false);
  co_return done;
}

Task<Result<void>> Connection::set_up(bool again) {
  command(session);
  if (again) {
    std::string use = "USE `";
    for (const char c : context_->options.database) use += c == '`' ? std::string("``") : std::string(1, c);
    command(use + "`");
  }
  Result<void> done = co_await sync();
  co_return done;
}

// -- its end

void Connection::fail(Error why) {
  if (broken_) return;
  lost_ = exchanging_;
  why_broken_ = std::move(why);
  give_up_.stop();
  if (cancelling_ != nullptr) cancelling_->over.set();
  breaks(true);
}

Error Connection::lost_error() const {
  return why_broken_.has_value() ? *why_broken_ : unreachable(place_->address, "the connection was lost");
}

void Connection::on_lost(std::string_view why) { fail(unreachable(place_->address, why)); }

/// Nothing comes without having been asked for but the end.
void Connection::on_unasked() {
  if (!ready_ || exchanging_) return;
  if (pump() && !broken_) {
    std::string_view body;
    if (reader_.next(body) == wire::Reader::Next::packet && body.starts_with('\xFF'))
      fail(map_error(wire::read_error(body)).with_operation("store.mysql"));
    else fail(not_understood(place_->address));
  }
  if (broken_ && on_broken_) {
    Function<void()> told = std::exchange(on_broken_, nullptr);
    told();  // may destroy this
  }
}

// -- commands

void Connection::add(Operation operation) {
  if (!unsent_) {
    operations_.clear();
    outcomes_.clear();
    at_ = 0;
    error_.reset();
    unsent_ = true;
  }
  operations_.push_back(std::move(operation));
  outcomes_.emplace_back();
}

void Connection::command(std::string_view sql) {
  add({});
  Writer writer(out_);
  writer.begin();
  writer.u8(wire::command::query);
  writer.bytes(sql);
  writer.end();
}

/// No transaction is open: a statement is one of its own.
void Connection::ends_manual() {
  if (begun_ || !std::exchange(manual_, false)) return;
  command("SET autocommit = 1");
}

void Connection::control(std::string_view sql) {
  ends_manual();
  if (changes_session(sql)) dirty_ = true;
  command(sql);
}

void Connection::begin(std::string_view how, bool read_only) {
  if (!std::exchange(manual_, true)) command("SET autocommit = 0");
  if (!how.empty()) command("SET TRANSACTION " + std::string(how));
  command(read_only ? "START TRANSACTION READ ONLY" : "START TRANSACTION");
  begun_ = true;
}

Task<Result<void>> Connection::commit() {
  command("COMMIT");
  Result<void> done = co_await sync();
  if (done.ok()) begun_ = false;
  co_return done;
}

Task<Result<void>> Connection::rollback() {
  command("ROLLBACK");
  Result<void> done = co_await sync();
  if (done.ok()) begun_ = false;
  co_return done;
}

Task<Result<std::shared_ptr<Prepared>>> Connection::prepare(std::string sql) {
  using R = Result<std::shared_ptr<Prepared>>;
  if (const auto known = prepared_.find(sql); known != prepared_.end()) {
    recent_.splice(recent_.begin(), recent_, known->second);
    co_return R(*known->second);
  }
  const std::vector<std::string_view> statements = split_statements(sql, Dialect::mysql);
  if (statements.size() > 1)
    co_return R(Error(ErrorKind::invalid_argument, "one statement a call").with_detail("multiple_statements"));
  auto made = std::make_shared<Prepared>();
  made->fields = std::make_shared<const Fields>();
  made->changes_session = changes_session(sql);
  Operation operation;
  operation.kind = Operation::Kind::prepare;
  operation.statement = made;
  add(std::move(operation));
  Writer writer(out_);
  while (recent_.size() >= context_->statement_cache) {
    const std::shared_ptr<Prepared> oldest = recent_.back();
    prepared_.erase(oldest->sql);
    recent_.pop_back();
    writer.begin();
    writer.u8(wire::command::statement_close);
    writer.number(oldest->id, 4);
    writer.end();
  }
  writer.begin();
  writer.u8(wire::command::statement_prepare);
  if (!statements.empty()) writer.bytes(statements[0]);
  writer.end();
  made->sql = std::move(sql);
  Result<void> done = co_await sync();
  // Also where it was a statement before it that failed: the server has it all the same.
  if (made->id != 0 && !broken_) {
    recent_.push_front(made);
    prepared_.emplace(made->sql, recent_.begin());
  }
  if (!done.ok()) co_return R(std::move(done).error());
  co_return R(std::move(made));
}

void Connection::execute(std::shared_ptr<Prepared> prepared, std::span<const Argument> arguments, Receiver* receiver) {
  ends_manual();
  if (prepared->changes_session) dirty_ = true;
  Writer writer(out_);
  writer.begin();
  writer.u8(wire::command::statement_execute);
  writer.number(prepared->id, 4);
  writer.u8(0);  // no cursor
  writer.number(1, 4);
  if (!arguments.empty()) {
    std::string nulls((arguments.size() + 7) / 8, '\0');
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      if (arguments[i].type == type::null) nulls[i / 8] = static_cast<char>(nulls[i / 8] | (1 << (i % 8)));
    }
    writer.bytes(nulls);
    writer.u8(1);  // types follow
    for (const Argument& one : arguments) writer.number(one.type, 2);
    for (const Argument& one : arguments) put_argument(writer, one);
  }
  writer.end();
  Operation operation;
  operation.kind = Operation::Kind::execute;
  operation.statement = std::move(prepared);
  operation.receiver = receiver;
  add(std::move(operation));
}

void Connection::exchange() {
  exchanging_ = true;
  unsent_ = false;
  answered_ = false;
  part_ = Part::head;
  more_results_ = false;
  paused_ = false;
  stopping_ = false;
  passed_over_ = 0;
  reader_.expect(1);
}

Task<Result<void>> Connection::sync(bool stops_reads) {
  if (!in_rows_) exchange();
  stops_reads_ = stops_reads;
  Result<void> done = co_await receive(Until::done);
  co_return done;
}

void Connection::begin_rows() {
  exchange();
  in_rows_ = true;
}

Task<Result<bool>> Connection::rows() {
  stops_reads_ = false;
  Result<void> done = co_await receive(Until::enough);
  if (!done.ok()) co_return Result<bool>(std::move(done).error());
  co_return Result<bool>(paused_);
}

void Connection::receive_into(Receiver* receiver) noexcept {
  for (Operation& one : operations_) {
    if (one.receiver != nullptr) one.receiver = receiver;
  }
}

Task<Result<void>> Connection::skip_rows(bool stops_reads) {
  for (Operation& one : operations_) one.receiver = nullptr;
  stops_reads_ = stops_reads;
  Result<void> done = co_await receive(Until::done);
  co_return done;
}

// -- answers

Task<Result<void>> Connection::receive(Until until) {
  paused_ = false;  // of the part before; what comes next may be the end
  const CancelToken token = co_await current_token();
  CancelCallback on_cancel(token, [this](CancelReason) { cancel(); });
  while (at_ < operations_.size()) {
    std::string_view body;
    const auto next = reader_.next(body);
    if (next == wire::Reader::Next::more) {
      if (broken_) co_return Result<void>(lost_error());
      Fill fill(*this);
      co_await fill;
      continue;
    }
    if (next == wire::Reader::Next::broken || !take(body)) fail(not_understood(place_->address));
    if (broken_) co_return Result<void>(lost_error());
    if (!paused_) continue;
    if (until == Until::enough) co_return Result<void>();
    paused_ = false;
    operations_[at_].receiver = nullptr;
  }
  exchanging_ = false;
  in_rows_ = false;
  give_up_.stop();
  if (cancelling_ != nullptr) {
    Result<void> settled = co_await settle_cancel();
    (void)settled;
  }
  if (error_.has_value()) co_return Result<void>(*error_);
  co_return Result<void>();
}

bool Connection::take(std::string_view body) {
  if (body.empty()) return false;
  answered_ = true;
  const bool data = part_ == Part::parameters || part_ == Part::fields;
  if (!data && static_cast<unsigned char>(body[0]) == 0xFF) {
    fail_with(wire::read_error(body));
    return true;
  }
  switch (part_) {
    case Part::head: return take_head(body);
    case Part::parameters:
    case Part::fields: return take_field(body);
    case Part::eof_of_parameters:
      if (!wire::read_eof(body).has_value()) return false;
      left_ = columns_;
      if (left_ > 0) part_ = Part::fields;
      else fields_are_over();
      return true;
    case Part::eof_of_fields:
      if (!wire::read_eof(body).has_value()) return false;
      fields_are_over();
      return true;
    case Part::rows: return take_row(body);
  }
  return false;
}

bool Connection::take_head(std::string_view body) {
  Operation& operation = operations_[at_];
  const auto first = static_cast<unsigned char>(body[0]);
  reading_ = std::make_shared<Fields>();
  if (operation.kind == Operation::Kind::prepare) {
    wire::Body in(body);
    (void)in.u8();
    operation.statement->id = in.u32();
    columns_ = in.u16();
    operation.statement->parameters = in.u16();
    if (first != 0 || !in.ok()) return false;
    left_ = operation.statement->parameters > 0 ? operation.statement->parameters : columns_;
    if (left_ == 0) fields_are_over();
    else part_ = operation.statement->parameters > 0 ? Part::parameters : Part::fields;
    return true;
  }
  if (first == 0x00) return ended(wire::read_ok(body));
  if (first == 0xFB) {
    // LOAD DATA LOCAL: a server never gets a file of this host.
    fail(Error(ErrorKind::permission_denied, "the server asks for a file of the client").with_operation("store.mysql"));
    return true;
  }
  wire::Body in(body);
  left_ = in.length();
  const bool follow = (capabilities_ & capability::cache_metadata) == 0 || in.u8() != 0;
  if (!in.ok() || left_ == 0 || left_ > 65535) return false;
  outcomes_[at_].has_columns = true;
  if (follow) {
    part_ = Part::fields;
    return true;
  }
  if (operation.statement == nullptr || operation.statement->fields->size() != left_) return false;
  reading_ = nullptr;
  fields_are_over();
  return true;
}

bool Connection::take_field(std::string_view body) {
  std::optional<wire::Field> field = wire::read_field(body, (capabilities_ & capability::extended_metadata) != 0);
  if (!field.has_value()) return false;
  if (part_ == Part::fields) reading_->push_back(std::move(*field));
  if (--left_ > 0) return true;
  const bool eof = (capabilities_ & capability::deprecate_eof) == 0;
  if (part_ == Part::parameters) {
    if (eof) {
      part_ = Part::eof_of_parameters;
    } else if (columns_ > 0) {
      left_ = columns_;
      part_ = Part::fields;
    } else {
      fields_are_over();
    }
    return true;
  }
  if (eof) part_ = Part::eof_of_fields;
  else fields_are_over();
  return true;
}

void Connection::fields_are_over() {
  Operation& operation = operations_[at_];
  if (operation.kind == Operation::Kind::prepare) {
    operation.statement->fields = std::move(reading_);
    return next_operation();
  }
  if (reading_ == nullptr) {
    fields_ = operation.statement->fields;
  } else {
    fields_ = std::move(reading_);
    if (operation.statement != nullptr && !more_results_) operation.statement->fields = fields_;
  }
  part_ = Part::rows;
  if (operation.receiver == nullptr) return;
  Result<void> taken = operation.receiver->columns(fields_);
  if (taken.ok() && !error_.has_value()) return;
  operation.receiver = nullptr;
  if (!error_.has_value()) error_ = std::move(taken).error();
}

bool Connection::take_row(std::string_view body) {
  if (static_cast<unsigned char>(body[0]) == 0xFE && body.size() < wire::largest_packet) {
    if ((capabilities_ & capability::deprecate_eof) != 0) return ended(wire::read_ok(body));
    if (body.size() < 9) return ended(wire::read_eof(body));
  }
  ++outcomes_[at_].rows;
  if (Receiver* const receiver = operations_[at_].receiver; receiver != nullptr) {
    if (!receiver->row(body)) paused_ = true;
    return true;
  }
  passed_over_ += body.size();
  if (stops_reads_ && !stopping_ && passed_over_ > passed_over_limit) {
    stopping_ = true;
    cancel();
  }
  return true;
}

bool Connection::ended(const std::optional<wire::Done>& done) {
  if (!done.has_value()) return false;
  status_ = done->status;
  if (part_ == Part::head) {
    outcomes_[at_].affected = done->affected;
    outcomes_[at_].last_id = done->last_id;
  }
  if ((done->status & wire::status::more_results) == 0) {
    next_operation();
    return true;
  }
  // A procedure's first rows are its rows.
  more_results_ = true;
  operations_[at_].receiver = nullptr;
  part_ = Part::head;
  return true;
}

void Connection::next_operation() noexcept {
  ++at_;
  part_ = Part::head;
  more_results_ = false;
  reader_.expect(1);
}

void Connection::fail_with(const wire::ServerError& error) {
  const bool wanted = stopping_ && error.number == 1317;
  if (!error_.has_value() && !wanted) {
    error_ = map_error(error);
    // Somebody else stopped it.
    if (error_->kind() == ErrorKind::cancelled && cancelling_ == nullptr)
      error_ = Error(ErrorKind::unavailable, error.message).with("errno", std::to_string(error.number));
  }
  if (ends_session(error.number)) {
    fail(*error_);
    lost_ = false;  // it said what became of it
    return;
  }
  if (part_ == Part::head && operations_[at_].kind == Operation::Kind::execute && error.number == 1243)
    forget(operations_[at_].statement->sql);
  next_operation();
}

namespace {

struct Collect final : Receiver {
  explicit Collect(std::vector<std::optional<std::string>>& into) noexcept : values(into) {}
  Result<void> columns(const std::shared_ptr<const Fields>& of) override {
    fields = of;
    return {};
  }
  bool row(std::string_view body) override {
    wire::Row in(body, fields->size());
    for (const wire::Field& field : *fields) {
      std::string_view value;
      bool null = false;
      if (!in.next(field, value, null)) return false;
      if (null) values.emplace_back(std::nullopt);
      else values.emplace_back(text_of(field, value));
    }
    return true;
  }
  static std::string text_of(const wire::Field& field, std::string_view value) {
    switch (field.type) {
      case type::tiny:
      case type::shorter:
      case type::year:
      case type::integer:
      case type::medium:
      case type::big: {
        const std::uint64_t raw = wire::get_le(value.data(), value.size());
        if ((field.flags & wire::flag::is_unsigned) != 0) return std::to_string(raw);
        const unsigned above = 64U - 8U * static_cast<unsigned>(value.size());
        return std::to_string(static_cast<std::int64_t>(raw << above) >> above);
      }
      case type::real8: {
        char digits[40];
        const double real = std::bit_cast<double>(wire::get_le(value.data(), 8));
        return {digits, std::to_chars(digits, digits + sizeof digits, real).ptr};
      }
      default: return std::string(value);
    }
  }
  std::vector<std::optional<std::string>>& values;
  std::shared_ptr<const Fields> fields;
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
  std::vector<std::shared_ptr<Prepared>> prepared;
  prepared.reserve(queries.size());
  for (const Query& one : queries) {
    Result<std::shared_ptr<Prepared>> made = co_await prepare_for(one.sql, one.arguments.size());
    if (!made.ok()) co_return R(std::move(made).error());
    prepared.push_back(std::move(*made));
  }
  std::vector<Rows> out(queries.size());
  std::vector<Collect> collect;
  collect.reserve(queries.size());
  for (std::size_t i = 0; i < queries.size(); ++i) {
    collect.emplace_back(out[i].values);
    execute(prepared[i], queries[i].arguments, &collect[i]);
  }
  Result<void> done = co_await sync();
  if (!done.ok()) co_return R(std::move(done).error());
  // What was written before them comes first.
  const std::size_t first = outcomes_.size() - queries.size();
  for (std::size_t i = 0; i < queries.size(); ++i) {
    out[i].columns = prepared[i]->fields->size();
    out[i].affected = outcomes_[first + i].affected;
    out[i].last_id = outcomes_[first + i].last_id;
  }
  co_return R(std::move(out));
}

Task<Result<std::shared_ptr<Prepared>>> Connection::prepare_for(std::string sql, std::size_t parameters) {
  using R = Result<std::shared_ptr<Prepared>>;
  R made = co_await prepare(std::move(sql));
  if (made.ok() && (*made)->parameters != parameters)
    co_return R(Error(ErrorKind::invalid_argument, "the statement has " + std::to_string((*made)->parameters) +
                                                       " placeholders, and there are " + std::to_string(parameters) +
                                                       " parameters")
                    .with_detail("parameter_count"));
  co_return made;
}

Task<Result<void>> Connection::later(std::string sql, std::vector<Argument> arguments) {
  Result<std::shared_ptr<Prepared>> made = co_await prepare_for(std::move(sql), arguments.size());
  if (!made.ok()) co_return Result<void>(std::move(made).error());
  execute(*made, arguments, nullptr);
  co_return Result<void>();
}

void Connection::forget(const std::string& sql) {
  const auto known = prepared_.find(sql);
  if (known == prepared_.end()) return;
  const auto place = known->second;
  prepared_.erase(known);
  recent_.erase(place);
}

// -- stopping what runs

void Connection::cancel() {
  if (broken_ || !exchanging_) return;
  if (!ready_) return fail(Error(ErrorKind::cancelled, "cancelled while connecting"));
  if (cancelling_ != nullptr) return;
  cancelling_ = std::make_shared<Cancelling>(loop_);
  give_up_.start(cancel_limit);
  requests_.start(send_kill(loop_, context_, place_, id_, cancelling_));
}

Task<void> Connection::send_kill(net::Loop& loop, std::shared_ptr<Context> context, std::shared_ptr<const Place> place,
                                 std::uint32_t id, std::shared_ptr<Cancelling> state) {
  std::optional<net::Busy> busy(std::in_place, loop.clock());
  Place where = *place;
  Task<Result<std::unique_ptr<Connection>>> opening = attempt(loop, context, std::move(where));
  Result<std::unique_ptr<Connection>> opened = co_await net::with_deadline(loop, cancel_limit, std::move(opening));
  // One that comes before the server has begun the statement does nothing: asked again until it has ended.
  for (Duration pause = std::chrono::milliseconds(50); opened.ok(); pause *= 2) {
    (*opened)->control("KILL QUERY " + std::to_string(id));
    Task<Result<void>> asking = (*opened)->sync();
    Result<void> done = co_await net::with_deadline(loop, cancel_limit, std::move(asking));
    constexpr unsigned no_such_session = 1094;
    state->delivered = done.ok() || number_of(done.error()) == no_such_session;
    if (!done.ok() || state->over.is_set()) break;
    busy.reset();
    Task<Result<void>> wait = state->over.wait();
    Result<void> over = co_await net::with_deadline(loop, pause, std::move(wait));
    if (over.ok()) break;
    busy.emplace(loop.clock());
  }
  state->ended.set();
}

/// Before the session is used again, its request has been dealt with: one that came after the end of the statement hits a
/// statement that does nothing.
Task<Result<void>> Connection::settle_cancel() {
  const std::shared_ptr<Cancelling> state = std::exchange(cancelling_, nullptr);
  const net::Busy busy(loop_.clock());
  state->over.set();
  CancelSource never;
  Task<Result<void>> wait = state->ended.wait().with_token(never.token());
  Result<void> waited = co_await std::move(wait);
  (void)waited;
  if (broken_) co_return Result<void>(lost_error());
  if (!state->delivered) {
    fail(unreachable(place_->address, "the request to stop may still come"));
    co_return Result<void>(lost_error());
  }
  std::optional<Error> error = std::move(error_);
  std::vector<Outcome> outcomes = std::move(outcomes_);
  unsent_ = false;
  command("DO 0");
  exchange();
  give_up_.start(cancel_limit);
  Task<Result<void>> nothing = receive(Until::done).with_token(never.token());
  Result<void> done = co_await std::move(nothing);
  (void)done;
  error_ = std::move(error);
  outcomes_ = std::move(outcomes);
  co_return Result<void>();
}

Task<void> Connection::recover() {
  for (Operation& one : operations_) one.receiver = nullptr;
  if (broken_) co_return;
  if (!exchanging_) {
    out_.clear();  // nothing of it was sent
    sent_ = 0;
    unsent_ = false;
    in_rows_ = false;
    manual_ = (status_ & wire::status::autocommit) == 0;
  } else {
    cancel();
    Result<void> drained = co_await receive(Until::done);
    (void)drained;
  }
  if (!broken_ && begun_) {
    give_up_.start(cancel_limit);
    Result<void> done = co_await rollback();
    if (!done.ok() && !broken_) fail(done.error());
  }
  if (!broken_ && dirty_) {
    give_up_.start(cancel_limit);
    add({});
    Writer writer(out_);
    writer.begin();
    writer.u8(wire::command::reset);
    writer.end();
    prepared_.clear();
    recent_.clear();
    manual_ = false;
    Result<void> done = co_await set_up(true);
    if (!done.ok() && !broken_) fail(done.error());
    dirty_ = false;
  }
}

}  // namespace spikard::store::mysql
