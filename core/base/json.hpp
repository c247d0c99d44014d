#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/node.hpp"
#include "base/result.hpp"

namespace spikard::json {

struct ReadLimits {
  std::uint32_t max_depth = 128;  ///< containers inside each other; one more is refused
};

/// Where and why a text is not JSON. `offset` counts bytes.
struct ReadError {
  const char* message = nullptr;  ///< static text
  std::size_t offset = 0;
};

/// Reads RFC 8259 JSON strictly (no BOM, no comments, UTF-8 checked) into nodes. Structural scan and UTF-8 check are simdjson's
/// stage 1; the nodes are written in one pass after it. Keep one Reader a thread: it holds the scan buffers.
///
/// Text without escapes is not copied: its nodes point into `text`. Text with escapes is written to `scratch`, and so are
/// `base`-relative offsets for it: both `text` and `scratch.data()` must lie at or after `base`, so the caller gives memory of
/// one block (the request's record) or uses `read` below, which owns its copy.
class Reader {
 public:
  Reader();
  ~Reader();
  Reader(Reader&&) noexcept;
  Reader& operator=(Reader&&) noexcept;

  /// As many nodes as a text of this size can need, refused ones included.
  [[nodiscard]] static constexpr std::size_t max_nodes(std::size_t text_size, const ReadLimits& limits) noexcept {
    return text_size / 2 + 1 + limits.max_depth;
  }

  /// Into caller's memory: `nodes` room for `max_nodes` always suffices and is seldom needed; when room runs out `out_of_room` is
  /// set and nothing else is said: give more and call again. On success `node_count` and `scratch_used` are set.
  struct Target {
    const char* base;  ///< offsets count from here
    Node* nodes;       ///< first free node
    std::size_t node_room;
    char* scratch;  ///< for unescaped strings; text.size() bytes always suffice
    std::size_t scratch_room;
    std::size_t node_count = 0;
    std::size_t scratch_used = 0;
    bool out_of_room = false;
  };
  [[nodiscard]] bool read_into(std::string_view text, const ReadLimits& limits, Target& target, ReadError& error) noexcept;

  /// An owned document. Errors: invalid_argument with the byte offset in the message.
  [[nodiscard]] Result<Document> read(std::string_view text, const ReadLimits& limits = {});

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// `Reader().read(text)` for start-up code and tests.
[[nodiscard]] Result<Document> parse(std::string_view text, const ReadLimits& limits = {});

/// Appends JSON to a string the caller owns. Commas are put by the writer; the caller keeps begin/end in balance. Never fails:
/// a non-finite double is written as null, text that is not UTF-8 gets U+FFFD.
class Writer {
 public:
  explicit Writer(std::string& out) noexcept : out_(&out) {}

  void null() { value("null"); }
  void boolean(bool v) { value(v ? "true" : "false"); }
  void integer(std::int64_t v);
  void uinteger(std::uint64_t v);
  void number(double v);  ///< shortest form that reads back the same; always with a fraction or exponent ("1.0")
  void string(std::string_view v);
  void bytes(std::string_view v);  ///< as base64 text (RFC 4648, padded)
  void raw(std::string_view json) { value(json); }
  void key(std::string_view name);
  void begin_object() {
    comma();
    out_->push_back('{');
    fresh_ = true;
  }
  void end_object() {
    out_->push_back('}');
    fresh_ = false;
  }
  void begin_array() {
    comma();
    out_->push_back('[');
    fresh_ = true;
  }
  void end_array() {
    out_->push_back(']');
    fresh_ = false;
  }
  void write(Value v);

 private:
  void comma() {
    if (!fresh_) out_->push_back(',');
    fresh_ = false;
  }
  void value(std::string_view text) {
    comma();
    out_->append(text);
  }

  std::string* out_;
  bool fresh_ = true;
};

[[nodiscard]] std::string to_string(Value v);
/// Appends `v` with quotes and escapes (only `"`, `\` and control characters; UTF-8 stays as it is).
void append_quoted(std::string& out, std::string_view v);

}  // namespace spikard::json
