#pragma once

#include "state.hpp"

#include <spikard/spikard.h>

#include <vector>

#include "buffer.hpp"

namespace spikard::py {

/// Commands on their way to the core, with the bytes they point to. One per port for the loop's thread; a worker thread has its
/// own.
class Batch {
 public:
  static constexpr std::size_t limit = 64;
  static constexpr std::size_t bytes_limit = 256U << 10U;

  Batch() {
    items_.reserve(limit + 8);
    commands_.reserve(limit + 8);
  }
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;
  ~Batch() { drop(); }

  /// Set while something is written into the arena: code of the host that runs meanwhile must not touch this batch.
  bool writing = false;

  [[nodiscard]] Buffer& arena() noexcept { return arena_; }
  [[nodiscard]] std::size_t size() const noexcept { return items_.size(); }
  [[nodiscard]] bool full() const noexcept { return items_.size() >= limit || arena_.size() >= bytes_limit; }

  /// A command whose head and body are none, in the arena (`in_arena`), or the memory of `keep` (bytes, str), which is held until
  /// the submit.
  spk_cmd& add(std::uint16_t op, spk_id id) {
    Item& item = items_.emplace_back();
    item.cmd = spk_cmd{};
    item.cmd.op = op;
    item.cmd.id = id;
    return item.cmd;
  }
  [[nodiscard]] spk_cmd& last() noexcept { return items_.back().cmd; }
  void head_in_arena(std::size_t at, std::size_t length, std::uint32_t pairs) {
    Item& item = items_.back();
    item.head_at = at;
    item.cmd.head.len = length;
    item.cmd.nhead = pairs;
    item.has_head = true;
  }
  void body_in_arena(std::size_t at, std::size_t length) {
    Item& item = items_.back();
    item.body_at = at;
    item.cmd.body.len = length;
    item.body_kind = in_arena;
  }
  void body_of(PyObject* keep, const void* data, std::size_t length) {
    Item& item = items_.back();
    item.cmd.body.ptr = data;
    item.cmd.body.len = length;
    item.keep = Py_NewRef(keep);
    item.body_kind = in_object;
  }

  /// Hands everything over. The core's answer: > 0 when more events wait, < 0 when a command was refused.
  int submit(spk_port* port, bool release_gil) {
    if (items_.empty()) return 0;
    commands_.clear();
    char* const base = arena_.data();
    for (Item& item : items_) {
      if (item.has_head) item.cmd.head.ptr = base + item.head_at;
      if (item.body_kind == in_arena) item.cmd.body.ptr = base + item.body_at;
      commands_.push_back(item.cmd);
    }
    int rc = 0;
    if (release_gil) {
      Py_BEGIN_ALLOW_THREADS rc = spk_submit(port, commands_.data(), static_cast<std::uint32_t>(commands_.size()));
      Py_END_ALLOW_THREADS
    } else {
      rc = spk_submit(port, commands_.data(), static_cast<std::uint32_t>(commands_.size()));
    }
    drop();
    return rc;
  }

  void drop() {
    std::vector<PyObject*> kept;
    for (Item& item : items_) {
      if (item.keep != nullptr) kept.push_back(item.keep);
    }
    items_.clear();
    arena_.clear();
    for (PyObject* object : kept) Py_DECREF(object);
  }

 private:
  enum BodyKind : std::uint8_t { none, in_arena, in_object };
  struct Item {
    spk_cmd cmd{};
    std::size_t head_at = 0;
    std::size_t body_at = 0;
    PyObject* keep = nullptr;
    BodyKind body_kind = none;
    bool has_head = false;
  };
  std::vector<Item> items_;
  std::vector<spk_cmd> commands_;
  Buffer arena_;
};

}  // namespace spikard::py
