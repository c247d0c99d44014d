#include "storage/opendal/ask.hpp"

#include <chrono>
#include <exception>
#include <string_view>

namespace spikard::storage::detail {

namespace {

std::string_view view(spk_opendal_text text) noexcept {
  return text.data == nullptr ? std::string_view() : std::string_view(text.data, text.size);
}
std::optional<std::string> optional(spk_opendal_text text) {
  if (text.data == nullptr) return std::nullopt;
  return std::string(text.data, text.size);
}
WallTime time_of(std::int64_t ns) noexcept {
  return ns == SPK_OPENDAL_NO_TIME ? WallTime{}
                                   : WallTime(std::chrono::duration_cast<WallTime::duration>(std::chrono::nanoseconds(ns)));
}

void copy_info(const spk_opendal_info& from, ObjectInfo& to) {
  to.size = from.size;
  to.etag = view(from.etag);
  to.last_modified = time_of(from.modified_ns);
  to.content_type = optional(from.content_type);
  to.cache_control = optional(from.cache_control);
  to.content_disposition = optional(from.content_disposition);
  for (std::size_t i = 0; i < from.metadata_count; ++i)
    to.metadata.emplace(view(from.metadata[i].name), view(from.metadata[i].value));
}

void copy_answer(const spk_opendal_answer& from, Completed& to) {
  to.code = from.code;
  to.temporary = from.temporary != 0;
  to.message = view(from.message);
  to.handle = from.handle;
  if (from.info != nullptr) copy_info(*from.info, to.info);
  to.span = {from.offset, from.size};
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < from.data_count; ++i) bytes += from.data[i].size;
  to.data.reserve(bytes);
  for (std::size_t i = 0; i < from.data_count; ++i) to.data.append(view(from.data[i]));
  to.page.entries.reserve(from.entry_count);
  for (std::size_t i = 0; i < from.entry_count; ++i) {
    ObjectInfo& entry = to.page.entries.emplace_back();
    entry.key = view(from.entries[i].key);
    entry.etag = view(from.entries[i].etag);
    entry.size = from.entries[i].size;
    entry.last_modified = time_of(from.entries[i].modified_ns);
  }
  for (std::size_t i = 0; i < from.prefix_count; ++i) to.page.prefixes.emplace_back(view(from.prefixes[i]));
  to.page.cursor = optional(from.cursor);
  for (std::size_t i = 0; i < from.failure_count; ++i) {
    const spk_opendal_failure& failure = from.failures[i];
    to.failures.push_back({failure.at, failure.code, failure.temporary != 0, std::string(view(failure.message))});
  }
}

}  // namespace

std::shared_ptr<Pending> make_pending(net::Loop& loop, void (*free_handle)(void*)) {
  auto out = std::make_shared<Pending>();
  out->loop = loop.mailbox();
  out->free_handle = free_handle;
  if (loop.clock().is_virtual()) {
    out->clock = static_cast<net::VirtualClock*>(&loop.clock());
    out->clock->busy();
  }
  return out;
}

void complete_pending(void* user, const spk_opendal_answer* answer) noexcept {
  const std::unique_ptr<std::shared_ptr<Pending>> held(static_cast<std::shared_ptr<Pending>*>(user));
  const std::shared_ptr<Pending> pending = std::move(*held);
  (void)pending->started.load(std::memory_order_acquire);
  pending->done.handle = answer->handle;  // owned now, whatever happens
  try {
    copy_answer(*answer, pending->done);
  } catch (const std::exception& error) {
    pending->done.code = SPK_OPENDAL_UNEXPECTED;
    pending->done.message = error.what();
  }
  const std::shared_ptr<net::Loop::Mailbox> loop = pending->loop;
  loop->post([pending] {
    pending->completed = true;
    pending->rest();
    if (pending->waiting) std::exchange(pending->waiting, {}).resume();
  });
}

}  // namespace spikard::storage::detail
