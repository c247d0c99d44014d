#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.hpp"
#include "base/node.hpp"
#include "http/block.hpp"
#include "http/content_decoder.hpp"
#include "http/h1/request_parser.hpp"
#include "http/middleware/compression.hpp"
#include "http/middleware/static_files.hpp"
#include "http/problem.hpp"
#include "http/request_telemetry.hpp"
#include "http/router.hpp"
#include "http/sink.hpp"
#include "http/upload.hpp"
#include "net/loop/loop.hpp"

namespace spikard::http::detail {

class Connection;
class ServerImpl;
struct RoutePlan;

/// An answer that hooks may still change.
struct Answer {
  struct Field {
    std::string name;
    std::string value;
  };
  std::uint16_t status = 0;
  bool streamed = false;
  std::vector<Field> fields;
  std::string body;
  std::vector<HeaderField> view;  // of `fields`, for the hook that looks

  void clear() {
    status = 0;
    streamed = false;
    fields.clear();
    body.clear();
  }
  /// `replace`: instead of fields of that name; else comma-joined to the first of them.
  void set(std::string_view name, std::string_view value, bool replace);
};

/// One request on its way through the pipeline (README.md has the order). Pooled; an id is slot | generation << 32.
///
/// Three things end independently: its answer (made and passed to the connection), what the sink owes, and clean-ups of
/// dependencies. When all have, it is released.
class ServerExchange final : public Exchange, private ContentDecoder::Output {
 public:
  ServerExchange(ServerImpl& server, std::uint32_t slot);
  ServerExchange(const ServerExchange&) = delete;
  ServerExchange& operator=(const ServerExchange&) = delete;

  // -- Exchange
  [[nodiscard]] std::uint64_t id() const noexcept override { return std::uint64_t{generation_} << 32 | slot_; }
  [[nodiscard]] const RequestRecord& record() const noexcept override { return block->record(); }
  [[nodiscard]] CancelToken token() noexcept override;
  [[nodiscard]] telemetry::SpanContext trace() const override;
  void reply(const Reply& reply) override;
  void start(std::uint16_t status, std::span<const HeaderField> headers) override;
  bool write(std::string_view chunk) override;
  void end() override;
  void abort() override;
  void fail(const Failure& failure) override;
  void grant(std::size_t bytes) override;
  [[nodiscard]] std::uint16_t response_status() const noexcept override { return answer_.status; }
  [[nodiscard]] std::span<const HeaderField> response_headers() const noexcept override;
  void hook_done(const HookResult& result) override;
  void factory_done(std::uint64_t token, std::string_view type) override;
  void dispose_done() override;

  // -- the connection and the server
  /// Fresh from the pool. `block` becomes the exchange's.
  void open(Connection* connection, Block* block);
  /// Begins the pipeline: route and framing are known, the record's head is filled. Only queues.
  void begin();
  /// The next steps of the pipeline, until something must be waited for.
  void advance();
  /// An answer of the framework's own, before or instead of the handler's. `hooks`: it passes on_response.
  void problem(const ProblemKind& kind, std::string_view detail, bool hooks, std::uint16_t status = 0,
               std::string_view errors_json = {}, bool as_exception = false);
  void answer_options();
  /// 204 with what the preflight asked for (Fetch section 3.2).
  void answer_preflight(std::string_view method, std::string_view headers);
  /// The file, a part of it, 304, 412 or 416 (RFC 9110 sections 13 and 14).
  void answer_file(StaticFile file);
  void answer_redirect(std::string_view location);
  void answer_plain(std::uint16_t status, std::string_view body, std::string_view content_type = "application/json");
  /// The body is decoded or parsed while it arrives: piece by piece to `take_piece`. False when no more of it is taken:
  /// `pieces_refused`.
  [[nodiscard]] bool takes_pieces() const noexcept { return upload_ != nullptr || decoder_ != nullptr; }
  [[nodiscard]] bool take_piece(std::string_view bytes, bool last);
  void pieces_refused() { body_broken(*refusal_, refusal_detail_); }
  /// No more of the body may be read before what there is was written to its temporary file.
  [[nodiscard]] bool spooling() const noexcept { return upload_ != nullptr && upload_->busy(); }
  /// The body is there (its first byte is at record.body.off).
  void body_complete();
  /// The body will not come to its end: this answer and close, or gone if the head is out.
  void body_broken(const ProblemKind& kind, std::string_view detail);
  /// Tells the handler; its answer still counts.
  void warn(CancelReason reason);
  /// Tells the handler; its answer does not count any more. Makes no answer.
  void kill(CancelReason reason);
  /// The connection has taken its answer, or is gone.
  void let_go();
  void on_drained();
  /// What was made before its turn came goes out now.
  void at_front();
  void chunk_delivered(std::size_t bytes) { credit -= bytes; }
  /// The drain's deadline: 503 where no head was sent, else the answer is cut off.
  void cancel_now(CancelReason reason);
  /// The server closes: nothing is owed any more.
  void forget();
  [[nodiscard]] bool answered_already() const noexcept { return complete || connection_ == nullptr; }
  [[nodiscard]] std::uint32_t slot() const noexcept { return slot_; }
  [[nodiscard]] bool free() const noexcept { return phase_ == Phase::free; }
  [[nodiscard]] bool owed() const noexcept { return owed_handler_ || owed_other_ != Other::nothing; }
  /// For dispose_singletons: an exchange without connection that disposes of one thing, then calls back.
  void dispose_alone(std::uint32_t dependency, std::uint64_t token, Function<void()> done);

  /// Room for `bytes` at the end of the record; the record may move. Returns the offset, or 0 when memory is short.
  [[nodiscard]] std::uint32_t append(std::size_t bytes, std::size_t align);
  [[nodiscard]] bool reserve(std::size_t bytes);

  // What the connection fills in and uses.
  Block* block = nullptr;
  std::uint32_t used = 0;  ///< bytes of the block in use, from the record's start
  const RoutePlan* route = nullptr;
  std::uint32_t capture_count = 0;
  View captures[Router::max_captures];  ///< the path's parameters, as sent
  ServerExchange* next = nullptr;       ///< in the connection's pipeline
  std::string pending;                  ///< bytes made before its turn came
  std::string request_id;
  std::string_view allow{};  ///< of a 405 or an OPTIONS answer
  std::string challenge;     ///< of a 401 or 403
  std::string_view extra{};  ///< a further header of a problem, with `extra_value`
  std::string extra_value;
  View origin{};  ///< of a cross-origin request that is allowed
  std::size_t credit = 65536;
  h1::Framing framing = h1::Framing::none;
  std::uint64_t content_length = 0;
  bool keep_alive = true;
  bool head_method = false;
  bool http10 = false;
  bool expects_continue = false;
  bool encoded = false;       ///< has a Content-Encoding, and the application decodes
  bool continue_due = false;  ///< 100 is to be sent when its turn comes
  bool body_done = false;     ///< the request was read to its end
  bool body_wanted = false;
  bool complete = false;  ///< its answer was made to the last byte
  bool closes = false;    ///< the connection ends after its answer
  bool cut = false;       ///< abandoned by the drain
  bool head_sent = false;
  bool queued = false;  ///< in the server's ready list
  ServerExchange* ready_next = nullptr;
  RequestTelemetry::State observed;  ///< untouched where telemetry is off

 private:
  friend class ServerImpl;
  enum class Phase : std::uint8_t {
    free,
    authentication,
    on_request,
    media,
    body,
    pre_validation,
    validation,
    pre_handler,
    dependencies,
    handler,
    after,
    streaming,
    answered,
    alone
  };
  enum class Other : std::uint8_t { nothing, hook, factory, dispose };

  enum class MediaKind : std::uint8_t { none, json, form, multipart, text, raw };

  struct Slot {  // of a step of the dependency plan
    std::uint64_t token = 0;
    std::string type;
    bool there = false;
    bool disposes = false;
    bool claimed = false;  // this exchange makes the singleton
  };

  // pipeline.cpp
  bool run_hooks(HookPhase phase);
  void apply_early(const HookResult& result);
  void merge_context(Value members);
  void short_circuit(const Reply& reply);
  [[nodiscard]] bool authenticate();
  [[nodiscard]] bool check_media();
  [[nodiscard]] bool check_coding();
  bool on_decoded(std::string_view bytes) override;
  [[nodiscard]] bool stores(bool hooks, bool as_exception = false) const noexcept;
  void log(std::string_view type, std::string_view message);
  void store(const Reply& reply);
  void after(HookPhase phase);
  void finish_after();
  void server_error();
  void on_timeout();
  void settled();
  void release_if_done();
  void queue();

  // validate.cpp
  /// False when an answer was made.
  [[nodiscard]] bool validate();
  void read_parameters(validation::Issues& issues);
  [[nodiscard]] bool read_body(validation::Issues& issues);
  [[nodiscard]] bool read_json(validation::Issues& issues);
  [[nodiscard]] bool read_form(validation::Issues& issues);
  [[nodiscard]] bool read_parts(validation::Issues& issues);
  void body_missing(validation::Issues& issues);
  [[nodiscard]] bool append_nodes(Value value, View& where);
  void no_memory();

  // dependencies.cpp
  /// False while waiting, or when an answer was made.
  [[nodiscard]] bool resolve();
  [[nodiscard]] bool claim(std::uint32_t slot);
  [[nodiscard]] bool types_fit();
  [[nodiscard]] bool write_dependencies();
  void give_up_claims();
  void dispose();

  // answer.cpp
  [[nodiscard]] std::string* out();
  void send(std::uint16_t status, std::span<const HeaderField> fields, std::string_view content_type, std::string_view body);
  void send_answer();
  void send_stream_head(std::uint16_t status, std::span<const HeaderField> fields);
  void send_chunk(std::string_view chunk);
  /// `whole`: false when the answer was cut off.
  void completed(bool whole = true);
  [[nodiscard]] bool decide_close(bool reads_on = false);
  void refuse_head(std::span<const HeaderField> fields);
  void end_stream();

  // decorate.cpp
  /// Request id, and what middleware says about an answer coded so.
  [[nodiscard]] std::span<const HeaderField> with_own(std::span<const HeaderField> fields, Coding coding);
  /// How an answer is to be coded; `size` where it is known.
  [[nodiscard]] Coding choose_coding(std::uint16_t status, std::span<const HeaderField> fields, std::string_view content_type,
                                     std::optional<std::uint64_t> size);
  /// Reads on in the file that is being sent, as far as the client keeps up.
  void pump_file();
  void drop_encoder();

  ServerImpl& server_;
  Connection* connection_ = nullptr;
  std::uint32_t slot_;
  std::uint32_t generation_ = 1;
  Phase phase_ = Phase::free;
  Other owed_other_ = Other::nothing;
  bool owed_handler_ = false;
  bool dead_ = false;  // no answer of the sink's counts any more
  bool in_advance_ = false;
  bool in_after_ = false;
  bool after_error_ = false;
  std::uint16_t sent_status_ = 0;  // of the head that was sent, where telemetry is on
  bool ended_early_ = false;       // a streamed answer whose handler ended while on_response hooks ran
  bool chunked_out_ = false;
  bool over_mark_ = false;
  bool warned_ = false;
  std::size_t early_ = 0;          // fields of answer_ that hooks set before the handler
  std::uint64_t length_left_ = 0;  // of a streamed answer with Content-Length
  bool length_framed_ = false;
  std::uint32_t hook_ = 0;
  Answer answer_;
  std::string held_;                 // streamed bytes while on_response hooks run
  std::vector<HeaderField> fields_;  // scratch of one answer
  bool varies_ = false;              // the answer depends on Accept-Encoding
  Coding coding_ = Coding::identity;
  std::unique_ptr<Encoder> encoder_;  // of a streamed answer that is coded
  FileHandle file_;                   // being sent
  std::uint64_t file_at_ = 0;
  std::uint64_t file_left_ = 0;
  std::optional<CancelSource> cancel_;
  net::Timer timer_;
  MediaKind media_ = MediaKind::none;
  std::unique_ptr<Upload> upload_;           // of a multipart body
  std::unique_ptr<ContentDecoder> decoder_;  // of a body with a coding
  std::uint64_t decoded_ = 0;
  const ProblemKind* refusal_ = nullptr;
  std::string refusal_detail_;
  // dependencies
  std::uint32_t step_ = 0;
  bool mismatch_ = false;
  std::vector<Slot> slots_;
  std::vector<std::uint64_t> arguments_;
  std::uint32_t alone_dependency_ = 0;
  Function<void()> alone_done_;
};

}  // namespace spikard::http::detail
