#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "spikard/app.hpp"
#include "spikard/response.hpp"

namespace spikard {

/// What the client got.
struct TestResponse {
  std::uint16_t status = 0;
  Headers headers{};  ///< names in lower case, in order
  std::string body{};
  bool aborted = false;  ///< the connection ended before the message did

  /// The first header of that name, or empty.
  [[nodiscard]] std::string_view header(std::string_view name) const noexcept;
  /// The body as JSON; throws std::runtime_error when it is none.
  [[nodiscard]] Json json() const;
  /// The body as a described type (unchecked).
  template <class T>
  [[nodiscard]] T as() const {
    const Json document = json();
    return from_validated<T>(document.root());
  }
};

/// What goes wrong in the clients of the toolbox, by chance but always the same for a seed (docs/guide/cpp.md). Each chance is
/// from 0 to 1. Needs the virtual clock.
struct Faults {
  std::uint64_t seed = 1;
  double unavailable = 0;           ///< it fails with `unavailable` before it takes effect
  double lost_answer = 0;           ///< it takes effect, then fails with `outcome_unknown`
  double delay = 0;                 ///< it waits first, up to `delay_ms`
  std::uint32_t delay_ms = 1000;    ///< 1 to 3600000
  double repeated = 0;              ///< a message or task that was done comes again, at most three times
  std::vector<std::string> only{};  ///< of `cache`, `storage`, `db`, `messaging`, `tasks`; empty: all
};

/// A fault that was made: of the `n`-th call (from 1) of this operation with this subject.
struct Fault {
  std::int64_t at_ms = 0;   ///< Unix time of the virtual clock
  std::string client{};     ///< `db.default`
  std::string operation{};  ///< `commit`, `publish`, `deliver`
  std::string subject{};    ///< the statement, topic or task
  std::string kind{};       ///< `unavailable`, `lost_answer`, `delay`, `repeated`
  std::uint64_t n = 0;
  friend bool operator==(const Fault&, const Fault&) = default;
};

struct TestClientOptions {
  /// Time stands still until `advance` moves it.
  bool virtual_clock = false;
  /// A wait of the client's fails after this much real time.
  Duration patience{std::chrono::seconds(10)};
  /// Nothing: none.
  std::optional<Faults> faults{};
};

/// Drives an App without files, sockets or further I/O threads: requests go through the real server and its parser over in-memory
/// connections, on a loop that this thread turns. Failing to start or to be answered throws std::runtime_error. The App outlives
/// the client and serves one client at a time.
///
///     TestClient client(app);
///     EXPECT_EQ(client.get("/hello/ada").body, "hello ada");
class TestClient {
 public:
  explicit TestClient(App& app, TestClientOptions options = {});
  /// Drains the application.
  ~TestClient();
  TestClient(const TestClient&) = delete;
  TestClient& operator=(const TestClient&) = delete;

  TestResponse get(std::string_view target, Headers headers = {}) { return request("GET", target, std::move(headers)); }
  TestResponse head(std::string_view target, Headers headers = {}) { return request("HEAD", target, std::move(headers)); }
  TestResponse del(std::string_view target, Headers headers = {}) { return request("DELETE", target, std::move(headers)); }
  /// JSON of a described type, Json, ...
  template <class T>
  TestResponse post(std::string_view target, const T& body, Headers headers = {}) {
    return send_json("POST", target, to_json(body), std::move(headers));
  }
  template <class T>
  TestResponse put(std::string_view target, const T& body, Headers headers = {}) {
    return send_json("PUT", target, to_json(body), std::move(headers));
  }
  template <class T>
  TestResponse patch(std::string_view target, const T& body, Headers headers = {}) {
    return send_json("PATCH", target, to_json(body), std::move(headers));
  }
  /// JSON text as it stands.
  TestResponse send_json(std::string_view method, std::string_view target, std::string_view json, Headers headers = {});
  /// Host and Content-Length are added.
  TestResponse request(std::string_view method, std::string_view target, Headers headers = {}, std::string_view body = {});

  class Stream;
  /// Sends a request and does not wait for the answer's end.
  [[nodiscard]] Stream open(std::string_view method, std::string_view target, Headers headers = {}, std::string_view body = {});
  /// Sends bytes as they stand on a fresh connection.
  [[nodiscard]] Stream open_raw(std::string_view bytes);

  /// Until all that can run has run: handlers, background tasks and, with a virtual clock, consumers, workers and what other
  /// threads do for them.
  void settle();
  /// Moves the virtual clock, with all that follows from it.
  void advance(Duration by);
  /// What was logged so far, one JSON line each.
  [[nodiscard]] std::vector<std::string> logs() const;
  /// The faults that were made so far, at most the first 65536, sorted by time and place: equal for equal runs.
  [[nodiscard]] std::vector<Fault> faults() const;
  /// Drains the application; further requests fail. Returns the exit code.
  int stop();
  [[nodiscard]] net::Loop& loop() noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// An answer under way.
class TestClient::Stream {
 public:
  Stream(Stream&&) noexcept;
  Stream& operator=(Stream&&) noexcept;
  /// Closes the connection.
  ~Stream();

  /// Waits for the head; false when the connection ended without one.
  bool wait_head();
  /// Waits until the body so far contains `text`; false when it ended without.
  bool wait_for(std::string_view text);
  /// Waits for the end.
  TestResponse finish();
  /// More of the request's body, as it stands.
  void send(std::string_view bytes);
  void close();
  /// As far as it has come.
  [[nodiscard]] const TestResponse& response() const noexcept;
  [[nodiscard]] bool ended() const noexcept;

 private:
  friend class TestClient;
  struct Connection;
  Stream(State& state, std::unique_ptr<Connection> connection);
  State* state_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace spikard
