#include "spikard/test_client.hpp"

#include <algorithm>
#include <charconv>
#include <mutex>
#include <stdexcept>

#include "app/application.hpp"
#include "app/toolbox.hpp"
#include "dispatcher.hpp"
#include "net/transport.hpp"
#include "net/virtual_clock.hpp"

namespace spikard {
namespace {

class Lines final : public log::Sink {
 public:
  void write(log::Level, std::string_view line) noexcept override {
    const std::lock_guard lock(mutex_);
    lines_.emplace_back(line.substr(0, line.size() - 1));
  }
  [[nodiscard]] std::vector<std::string> lines() const {
    const std::lock_guard lock(mutex_);
    return lines_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

[[noreturn]] void broken(const char* what) { throw std::runtime_error(std::string("the answer is not HTTP/1.1: ") + what); }

/// A response as it comes in. Only for answers of our own server: what is odd throws.
class ResponseReader {
 public:
  explicit ResponseReader(bool head_request) : head_request_(head_request) {}
  void feed(std::string_view bytes) {
    pending_.append(bytes);
    while (step()) {
    }
  }
  void end_of_stream() {
    if (phase_ == Phase::until_close) phase_ = Phase::done;
    else if (phase_ != Phase::done) response.aborted = true, phase_ = Phase::done;
  }
  [[nodiscard]] bool has_head() const noexcept { return phase_ != Phase::head; }
  [[nodiscard]] bool done() const noexcept { return phase_ == Phase::done; }

  TestResponse response;

 private:
  enum class Phase : std::uint8_t { head, length, chunk_size, chunk, trailers, until_close, done };

  bool step() {
    switch (phase_) {
      case Phase::head: return head();
      case Phase::length:
        take(left_);
        if (left_ == 0) phase_ = Phase::done;
        return false;
      case Phase::until_close: take(pending_.size()); return false;
      case Phase::chunk_size: return chunk_size();
      case Phase::chunk:
        take(left_);
        if (left_ > 0 || pending_.size() < 2) return false;
        if (!pending_.starts_with("\r\n")) broken("chunk");
        pending_.erase(0, 2);
        phase_ = Phase::chunk_size;
        return true;
      case Phase::trailers: {
        const std::size_t end = pending_.find("\r\n");
        if (end == std::string::npos) return false;
        const bool last = end == 0;
        pending_.erase(0, end + 2);
        if (last) phase_ = Phase::done;
        return !last;
      }
      case Phase::done: return false;
    }
    return false;
  }

  void take(std::size_t most) {
    const std::size_t n = std::min(most, pending_.size());
    response.body.append(pending_, 0, n);
    pending_.erase(0, n);
    left_ -= std::min(n, left_);
  }

  bool chunk_size() {
    const std::size_t end = pending_.find("\r\n");
    if (end == std::string::npos) return false;
    const char* const from = pending_.data();
    if (std::from_chars(from, from + end, left_, 16).ec != std::errc()) broken("chunk size");
    pending_.erase(0, end + 2);
    phase_ = left_ == 0 ? Phase::trailers : Phase::chunk;
    return true;
  }

  bool head() {
    const std::size_t end = pending_.find("\r\n\r\n");
    if (end == std::string::npos) return false;
    const std::string text = pending_.substr(0, end + 2);
    pending_.erase(0, end + 4);
    std::size_t line_end = text.find("\r\n");
    if (!text.starts_with("HTTP/1.") || line_end < 12) broken("status line");
    if (std::from_chars(text.data() + 9, text.data() + 12, response.status).ec != std::errc()) broken("status");
    response.headers.clear();
    for (std::size_t at = line_end + 2; at < text.size(); at = line_end + 2) {
      line_end = text.find("\r\n", at);
      const std::string_view line(text.data() + at, line_end - at);
      const std::size_t colon = line.find(':');
      if (colon == std::string_view::npos) broken("header");
      std::string_view value = line.substr(colon + 1);
      while (value.starts_with(' ')) value.remove_prefix(1);
      response.headers.emplace_back(lower(line.substr(0, colon)), value);
    }
    if (response.status < 200 && response.status != 101) return true;  // 100 Continue: the real one follows
    if (head_request_ || response.status == 204 || response.status == 304) phase_ = Phase::done;
    else if (response.header("transfer-encoding") == "chunked") phase_ = Phase::chunk_size;
    else if (const std::string_view length = response.header("content-length"); !length.empty()) {
      if (std::from_chars(length.data(), length.data() + length.size(), left_).ec != std::errc()) broken("content-length");
      phase_ = left_ == 0 ? Phase::done : Phase::length;
    } else {
      phase_ = Phase::until_close;
    }
    return phase_ != Phase::done;
  }

  bool head_request_;
  Phase phase_ = Phase::head;
  std::size_t left_ = 0;
  std::string pending_;
};

}  // namespace

std::string_view TestResponse::header(std::string_view name) const noexcept {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

Json TestResponse::json() const {
  auto document = json::parse(body);
  if (!document.ok()) throw std::runtime_error(document.error().message() + ": " + body);
  return std::move(document).value();
}

struct TestClient::State {
  TestClientOptions options;
  std::shared_ptr<Lines> lines = std::make_shared<Lines>();
  std::shared_ptr<app::Application> application;
  std::unique_ptr<http::Sink> sink;
  std::unique_ptr<app::IoUnit> io;
  bool stopped = false;

  /// Turns the loop until `done`.
  template <class Done>
  void until(Done done, const char* what) {
    const auto give_up = std::chrono::steady_clock::now() + options.patience;
    while (!done()) {
      io->loop().turn(20);
      if (std::chrono::steady_clock::now() > give_up)
        throw std::runtime_error(std::string("the test client waited too long for ") + what);
    }
  }
};

struct TestClient::Stream::Connection final : net::IoHandler {
  Connection(std::unique_ptr<net::Transport> end, std::string bytes, bool head_request)
      : transport(std::move(end)), out(std::move(bytes)), reader(head_request) {
    if (auto started = transport->start(this); !started.ok()) throw std::runtime_error(started.error().message());
    on_io(0);
  }
  ~Connection() { close(); }

  void on_io(std::uint32_t) override {
    while (transport != nullptr && !out.empty()) {
      const ::iovec part{out.data(), out.size()};
      const net::IoResult wrote = transport->write(&part, 1);
      if (wrote.status == net::IoStatus::error) {
        out.clear();  // what the server said before it closed still counts
        break;
      }
      if (wrote.status != net::IoStatus::ok) break;
      out.erase(0, wrote.bytes);
    }
    char buffer[16384];
    while (transport != nullptr) {
      const net::IoResult got = transport->read(buffer, sizeof buffer);
      if (got.status == net::IoStatus::would_block) return;
      if (got.status == net::IoStatus::ok) {
        try {
          reader.feed({buffer, got.bytes});
        } catch (const std::exception& e) {
          error = e.what();
          close();
        }
        continue;
      }
      close();
    }
  }
  void close() {
    if (transport == nullptr) return;
    transport->close();
    // Destroyed later: this may be inside its own on_io.
    gone = std::move(transport);
    reader.end_of_stream();
  }

  std::unique_ptr<net::Transport> transport;
  std::unique_ptr<net::Transport> gone;
  std::string out;
  ResponseReader reader;
  std::string error;
};

namespace {

Result<app::FaultPlan> plan_of(const Faults& faults) {
  app::FaultPlan plan;
  plan.seed = faults.seed;
  plan.unavailable = faults.unavailable;
  plan.lost_answer = faults.lost_answer;
  plan.delay = faults.delay;
  plan.delay_ms = faults.delay_ms;
  plan.repeated = faults.repeated;
  for (const std::string& name : faults.only) {
    const auto clients = services::faulty_clients_from(name);
    if (!clients) return invalid_argument("faults.only: expected cache, storage, db, messaging or tasks, got \"" + name + "\"");
    plan.only.push_back(*clients);
  }
  return plan;
}

}  // namespace

TestClient::TestClient(App& app, TestClientOptions options) : state_(std::make_unique<State>()) {
  state_->options = options;
  app::ApplicationOptions with;
  with.log_sink = state_->lines;
  if (options.virtual_clock) with.clock = std::make_shared<net::VirtualClock>();
  if (options.faults) {
    auto plan = plan_of(*options.faults);
    if (!plan.ok()) throw std::runtime_error(plan.error().message());
    with.faults = std::move(*plan);
  }
  auto application = app.build(std::move(with), /*in_memory=*/true);
  if (!application.ok()) throw std::runtime_error(application.error().message());
  state_->application = std::move(application).value();
  if (auto started = state_->application->start(); !started.ok()) throw std::runtime_error(started.error().to_string());
  auto io = state_->application->open_io([&](app::IoUnit& unit) -> Result<http::Sink*> {
    state_->sink = app.make_sink(*state_->application, unit);
    return state_->sink.get();
  });
  if (!io.ok()) throw std::runtime_error(io.error().to_string());
  state_->io = std::move(io).value();
  state_->application->begin_work(app.make_work_sink(*state_->application, {&state_->io->loop()}));
}

TestClient::~TestClient() {
  try {
    stop();
  } catch (const std::exception&) {
    // The application does not end: what is left of it goes with the server.
  }
  state_->io.reset();  // before its sink
  state_->sink.reset();
  state_->application->close();
}

TestResponse TestClient::send_json(std::string_view method, std::string_view target, std::string_view json, Headers headers) {
  headers.emplace_back("Content-Type", "application/json");
  return request(method, target, std::move(headers), json);
}

TestResponse TestClient::request(std::string_view method, std::string_view target, Headers headers, std::string_view body) {
  return open(method, target, std::move(headers), body).finish();
}

TestClient::Stream TestClient::open(std::string_view method, std::string_view target, Headers headers, std::string_view body) {
  std::string bytes;
  bytes.append(method).append(" ").append(target).append(" HTTP/1.1\r\n");
  bool host = false;
  bool framed = false;
  for (const auto& [name, value] : headers) {
    const std::string key = lower(name);
    host = host || key == "host";
    framed = framed || key == "content-length" || key == "transfer-encoding";
    bytes.append(name).append(": ").append(value).append("\r\n");
  }
  if (!host) bytes.append("Host: test\r\n");
  if (!framed && (!body.empty() || method == "POST" || method == "PUT" || method == "PATCH")) {
    bytes.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n");
  }
  bytes.append("\r\n").append(body);
  return open_raw(bytes);
}

TestClient::Stream TestClient::open_raw(std::string_view bytes) {
  if (state_->stopped) throw std::runtime_error("the application was stopped");
  net::MemoryPair pair = net::memory_pair(state_->io->loop());
  state_->io->server()->adopt(std::move(pair.b));
  return {*state_, std::make_unique<Stream::Connection>(std::move(pair.a), std::string(bytes), bytes.starts_with("HEAD "))};
}

void TestClient::settle() {
  if (state_->application->virtual_clock() != nullptr) return advance(Duration::zero());
  // A turn that ran nothing means rest: in-memory connections, posts and due timers all count as work.
  for (int quiet = 0; quiet < 2;) quiet = state_->io->loop().turn(0) == 0 ? quiet + 1 : 0;
}

void TestClient::advance(Duration by) {
  net::VirtualClock* const clock = state_->application->virtual_clock();
  if (clock == nullptr) throw std::runtime_error("advance needs TestClientOptions::virtual_clock");
  const auto moved = std::make_shared<std::atomic<bool>>(false);
  clock->advance(by, [moved] { moved->store(true); });
  state_->until([&] { return moved->load(); }, "the virtual clock");
}

std::vector<std::string> TestClient::logs() const { return state_->lines->lines(); }
std::vector<Fault> TestClient::faults() const {
  std::vector<Fault> out;
  const app::Faults* faults = state_->application->faults();
  if (faults == nullptr) return out;
  for (app::InjectedFault& made : faults->log()) {
    app::FaultPlace& at = made.place;
    out.push_back({made.at_ms, std::move(at.client), std::move(at.operation), std::move(at.subject),
                   std::string(name_of(made.kind)), at.n});
  }
  return out;
}

net::Loop& TestClient::loop() noexcept { return state_->io->loop(); }

int TestClient::stop() {
  if (state_->stopped) return state_->application->exit_code();
  state_->stopped = true;
  state_->application->drain();
  net::VirtualClock* const clock = state_->application->virtual_clock();
  state_->until(
      [&] {
        if (state_->application->state() == app::State::stopped) return true;
        if (clock != nullptr) clock->advance(std::chrono::milliseconds(100), [] {});  // its deadlines are virtual too
        return false;
      },
      "the drain");
  return state_->application->exit_code();
}

TestClient::Stream::Stream(State& state, std::unique_ptr<Connection> connection)
    : state_(&state), connection_(std::move(connection)) {}
TestClient::Stream::Stream(Stream&&) noexcept = default;
TestClient::Stream& TestClient::Stream::operator=(Stream&&) noexcept = default;
TestClient::Stream::~Stream() = default;

bool TestClient::Stream::wait_head() {
  state_->until([&] { return connection_->reader.has_head(); }, "the head of an answer");
  if (!connection_->error.empty()) throw std::runtime_error(connection_->error);
  return connection_->reader.response.status != 0;
}

bool TestClient::Stream::wait_for(std::string_view text) {
  const auto seen = [&] { return connection_->reader.response.body.find(text) != std::string::npos; };
  state_->until([&] { return seen() || connection_->reader.done(); }, "a part of an answer");
  return seen();
}

TestResponse TestClient::Stream::finish() {
  state_->until([&] { return connection_->reader.done(); }, "an answer");
  if (!connection_->error.empty()) throw std::runtime_error(connection_->error);
  connection_->close();
  return std::move(connection_->reader.response);
}

void TestClient::Stream::send(std::string_view bytes) {
  connection_->out.append(bytes);
  connection_->on_io(0);
}
void TestClient::Stream::close() { connection_->close(); }
const TestResponse& TestClient::Stream::response() const noexcept { return connection_->reader.response; }
bool TestClient::Stream::ended() const noexcept { return connection_->reader.done(); }

}  // namespace spikard
