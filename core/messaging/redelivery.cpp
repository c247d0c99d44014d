#include "messaging/redelivery.hpp"

#include <algorithm>

#include "base/json.hpp"

namespace spikard::messaging {
namespace {

std::uint32_t to_count(std::int64_t number) {
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(number, 0, UINT32_MAX));
}

}  // namespace

std::string Record::text() const {
  std::string out;
  json::Writer writer(out);
  const auto put = [&writer](std::string_view name, std::int64_t value) {
    writer.key(name);
    writer.integer(value);
  };
  writer.begin_object();
  put("tries", tries);
  put("deliveries", deliveries);
  put("count", count);
  put("failures", failures);
  if (!first_error.empty()) {
    writer.key("first_error");
    writer.string(first_error);
  }
  if (due_ms != 0) put("due_ms", due_ms);
  writer.end_object();
  return out;
}

std::optional<Record> Record::parse(std::string_view text) {
  Result<Document> read = json::parse(text);
  if (!read.ok() || !read->root().is_object()) return std::nullopt;
  const Value root = read->root();
  const auto get = [&](std::string_view name) -> std::int64_t {
    const Value found = root.find(name);
    return found.exists() && found.node().is_number() ? found.as_int() : 0;
  };
  Record out;
  out.tries = to_count(get("tries"));
  out.deliveries = std::clamp<std::int64_t>(get("deliveries"), -1, UINT32_MAX);
  out.count = std::clamp<std::int64_t>(get("count"), -1, UINT32_MAX);
  out.failures = to_count(get("failures"));
  if (const Value first = root.find("first_error"); first.is_string()) out.first_error = first.text();
  out.due_ms = get("due_ms");
  return out;
}

Record Record::of(const worker_loop::Settlement& settlement, std::uint64_t count, WallTime now) {
  Record out;
  out.tries = settlement.tries;
  out.deliveries = settlement.delivery_count;
  out.count = static_cast<std::int64_t>(count);
  if (settlement.kind == worker_loop::Settlement::Kind::keep) {
    // It goes on with this delivery: when that ends without a word, it has used up a try more.
    --out.count;
    --out.deliveries;
  }
  out.failures = settlement.failures;
  out.first_error = settlement.first_error;
  if (settlement.after > Duration::zero() && settlement.kind != worker_loop::Settlement::Kind::keep)
    out.due_ms = std::chrono::ceil<std::chrono::milliseconds>((now + settlement.after).time_since_epoch()).count();
  return out;
}

bool told_by_count(const worker_loop::Settlement& settlement) noexcept {
  return settlement.kind == worker_loop::Settlement::Kind::again && settlement.failures == 0 && settlement.first_error.empty();
}

void count_tries(worker_loop::WorkItem& item, std::uint64_t count, const std::optional<Record>& record) {
  const auto now = static_cast<std::int64_t>(std::min<std::uint64_t>(count, UINT32_MAX));
  const Record before = record.value_or(Record());
  // What came in between and left no word was held by one who died, or was put back as it was.
  const std::int64_t between = std::max<std::int64_t>(now - before.count - 1, 0);
  item.tries = to_count(before.tries + between);
  item.delivery_count = std::max(to_count(before.deliveries + between + 1), 1U);
  item.failures = before.failures;
  item.first_error = before.first_error;
}

}  // namespace spikard::messaging
