#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/cancel.hpp"
#include "base/function.hpp"
#include "base/node.hpp"
#include "http/record.hpp"
#include "telemetry/context.hpp"

namespace spikard::http {

struct HeaderField {
  std::string_view name;
  std::string_view value;
};

/// What a body is made of; decides the default Content-Type (raw: application/octet-stream, text: text/plain; charset=utf-8, json
/// and nodes: application/json).
enum class BodyFormat : std::uint8_t { raw, text, json, nodes };

/// A whole answer, borrowed for the call. A Content-Type among `headers` wins over the format's.
struct Reply {
  std::uint16_t status = 200;
  BodyFormat format = BodyFormat::raw;
  std::span<const HeaderField> headers{};
  std::string_view body{};  ///< raw, text, json
  Value value{};            ///< nodes
};

enum class HookPhase : std::uint8_t { on_request, pre_validation, pre_handler, on_response, on_error };

/// What a hook did. Applied in this order: context, headers, then the answer if there is one (a short circuit before the handler,
/// the new answer after it).
struct HookResult {
  Value context{};                        ///< object: members to set in the request's context
  std::span<const HeaderField> set{};     ///< response headers to set (replacing)
  std::span<const HeaderField> append{};  ///< response headers to append, comma-joined
  const Reply* answer = nullptr;
};

/// A handler, hook or factory that threw. Logged, never sent to clients.
struct Failure {
  std::string_view type;
  std::string_view message;
  std::string_view trace;
};

/// A part of a streamed request body. Move-only owner of its memory; hand it back by destroying it on the loop's thread.
class BodyChunk {
 public:
  BodyChunk() = default;
  BodyChunk(std::unique_ptr<char[]> data, std::size_t size, bool last) : data_(std::move(data)), size_(size), last_(last) {}
  [[nodiscard]] std::string_view data() const noexcept { return {data_.get(), size_}; }
  [[nodiscard]] bool last() const noexcept { return last_; }

 private:
  std::unique_ptr<char[]> data_;
  std::size_t size_ = 0;
  bool last_ = false;
};

/// One request in hand. Lives in the server until its final command (`reply`, `end`, `abort`, `fail`) has been given, whatever
/// happens to the connection: after a disconnect the commands do nothing. Loop thread only; from elsewhere, post. All arguments
/// are copied or written before return.
class Exchange {
 public:
  [[nodiscard]] virtual std::uint64_t id() const noexcept = 0;
  /// Stays put until the final command. `context`, `deps`, `json` grow between the phases, and so may move the record: ask again
  /// after each phase.
  [[nodiscard]] virtual const RequestRecord& record() const noexcept = 0;
  /// Fires on client disconnect, time-out and drain.
  [[nodiscard]] virtual CancelToken token() noexcept = 0;
  /// The span of this request, or, where telemetry is off, the trace that its headers name: what the handler's work belongs to.
  /// Invalid for none.
  [[nodiscard]] virtual telemetry::SpanContext trace() const = 0;
  /// A pointer for the sink's own use (a request object, a coroutine); nothing is done with it.
  void* user = nullptr;

  // -- handler
  virtual void reply(const Reply& reply) = 0;
  /// Starts a streamed answer (chunked unless Content-Length is among the headers), then write*, then end.
  virtual void start(std::uint16_t status, std::span<const HeaderField> headers) = 0;
  /// False when the buffer is over its high mark: on_credit comes when there is room again. The bytes were taken all the same.
  virtual bool write(std::string_view chunk) = 0;
  virtual void end() = 0;
  virtual void abort() = 0;
  virtual void fail(const Failure& failure) = 0;
  /// The streamed body: this many more bytes may be delivered. Starts at 65536.
  virtual void grant(std::size_t bytes) = 0;

  // -- the answer so far, for on_response and on_error hooks
  [[nodiscard]] virtual std::uint16_t response_status() const noexcept = 0;
  [[nodiscard]] virtual std::span<const HeaderField> response_headers() const noexcept = 0;

  // -- owed to on_hook, on_factory, on_dispose
  virtual void hook_done(const HookResult& result) = 0;
  /// `token`: the host's own name for the value. `type`: its JSON type ("object", "array", "string", "integer", "number",
  /// "boolean", "null"), or empty if unknown.
  virtual void factory_done(std::uint64_t token, std::string_view type) = 0;
  virtual void dispose_done() = 0;

 protected:
  ~Exchange() = default;
};

/// The handler side: the C++ dispatcher and the port implement it. One Sink a loop; every call on the loop's thread. Calls must
/// not throw.
class Sink {
 public:
  virtual ~Sink() = default;
  /// Owed: exactly one of reply, end, abort, fail — at once, or later.
  virtual void on_request(Exchange& exchange) = 0;
  virtual void on_chunk(Exchange& exchange, BodyChunk chunk) = 0;
  /// Advisory: the final command is still owed, and ignored.
  virtual void on_cancel(Exchange& exchange, CancelReason reason) = 0;
  virtual void on_credit(Exchange& exchange) = 0;
  /// Owed: hook_done or fail. `hook` is the index in the manifest's list of that phase.
  virtual void on_hook(Exchange& exchange, HookPhase phase, std::uint32_t hook) = 0;
  /// Owed: factory_done or fail. `dependency`: index in the manifest; `arguments`: the tokens of its depends_on, in order.
  virtual void on_factory(Exchange& exchange, std::uint32_t dependency, std::span<const std::uint64_t> arguments) = 0;
  /// Owed: dispose_done or fail. Only for factories with `cleanup`; after the answer was made, newest first.
  virtual void on_dispose(Exchange& exchange, std::uint32_t dependency, std::uint64_t token) = 0;
  /// A batch of I/O has been handled; the writes follow. Where a port hands events to its host in one go, it needs nothing here.
  virtual void on_batch_end() {}
  /// The server has closed and its exchanges are gone; the loop is still there. What is in hand is to be dropped without a
  /// further command. The last call.
  virtual void on_close() {}
};

}  // namespace spikard::http
