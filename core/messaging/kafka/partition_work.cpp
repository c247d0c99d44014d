#include "messaging/kafka/partition_work.hpp"

#include <algorithm>

#include "base/base64.hpp"
#include "messaging/kafka/settings.hpp"
#include "net/kafka/wire.hpp"

namespace spikard::messaging::kafka {
namespace {

constexpr std::string_view note_mark = "s1.";
constexpr std::size_t max_note_bytes = 2900;  // 3,870 in base64; Kafka's default limit is 4,096
constexpr std::size_t max_note_error = 120;
constexpr std::uint64_t max_entries = 4096;

constexpr unsigned in_hand_bit = 1;
constexpr unsigned due_bit = 2;
constexpr unsigned error_bit = 4;

}  // namespace

PartitionWork::Note PartitionWork::read(std::int64_t committed, std::string_view text) {
  Note out;
  out.done_to = committed;
  if (!text.starts_with(note_mark)) return out;  // another client's
  const std::optional<std::string> bytes = base64::decode_url(text.substr(note_mark.size()));
  if (!bytes) return out;
  net::kafka::Reader in(*bytes, false);
  Note note;
  note.done_to = committed + static_cast<std::int64_t>(in.uvarint() & 0x7fffffffffffU);
  std::int64_t at = committed;
  for (std::uint64_t n = std::min(in.uvarint(), max_entries); n > 0 && in.ok(); --n) {
    at += static_cast<std::int64_t>(in.uvarint() & 0x7fffffffffffU);
    const std::uint64_t bits = in.uvarint();
    Noted one;
    one.in_hand = (bits & in_hand_bit) != 0;
    one.counts.deliveries = static_cast<std::uint32_t>(in.uvarint());
    one.counts.tries = static_cast<std::uint32_t>(in.uvarint());
    one.counts.failures = static_cast<std::uint32_t>(in.uvarint());
    if ((bits & due_bit) != 0) one.due = time_of(static_cast<std::int64_t>(in.uvarint() & 0x7fffffffffffU));
    if ((bits & error_bit) != 0)
      one.counts.first_error = in.raw(static_cast<std::size_t>(std::min<std::uint64_t>(in.uvarint(), in.left())));
    if (in.ok()) note.entries.insert_or_assign(at, std::move(one));
    ++at;
  }
  return in.ok() ? note : out;
}

PartitionWork::PartitionWork(std::int64_t committed, std::string_view text) : next_(committed) {
  Note note = read(committed, text);
  done_to_ = note.done_to;
  noted_ = std::move(note.entries);
  for (auto& [offset, one] : noted_) {
    if (std::exchange(one.in_hand, false)) ++one.counts.tries;
  }
}

PartitionWork::Outlook PartitionWork::look(std::int64_t committed, std::string_view text) {
  const Note note = read(committed, text);
  Outlook out;
  out.done_to = note.done_to;
  for (const auto& [offset, one] : note.entries) {
    if (offset < note.done_to) ++out.unfinished;
    if (one.in_hand) ++out.in_hand;
    else if (one.due) ++out.delayed;
  }
  return out;
}

void PartitionWork::add(Incoming in, WallTime now) {
  const std::int64_t offset = in.offset;
  if (offset < next_) return;
  next_ = offset + 1;
  const auto noted = noted_.find(offset);
  if (noted == noted_.end()) {
    if (offset < done_to_) return;
  } else {
    in.counts = std::move(noted->second.counts);
    if (noted->second.due) in.due = noted->second.due;
    worked_.insert(offset);
    noted_.erase(noted);
  }
  bytes_ += in.message.size();
  Entry& entry = entries_[offset];
  const std::optional<WallTime> due = in.due;
  entry.record = std::move(in);
  if (due && *due > now) wait_until(entry, *due);
  else make_ready(entry);
}

void PartitionWork::read_to(std::int64_t next) {
  next_ = std::max(next_, next);
  noted_.erase(noted_.begin(), noted_.lower_bound(next_));
}

void PartitionWork::make_ready(Entry& entry) {
  entry.state = State::ready;
  ready_.insert(entry.record.offset);
}

void PartitionWork::wait_until(Entry& entry, WallTime due) {
  entry.state = State::delayed;
  entry.due = due;
  delays_.emplace(due, entry.record.offset);
  if (entry.record.message.key) delayed_keys_[*entry.record.message.key].insert(entry.record.offset);
}

PartitionWork::Entries::iterator PartitionWork::remove(Entries::iterator at) {
  Entry& entry = at->second;
  const std::int64_t offset = at->first;
  if (entry.state == State::out) --in_hand_;
  if (entry.state == State::ready) ready_.erase(offset);
  if (entry.state == State::delayed) {
    delays_.erase({entry.due, offset});
    if (entry.record.message.key) {
      const auto key = delayed_keys_.find(*entry.record.message.key);
      key->second.erase(offset);
      if (key->second.empty()) delayed_keys_.erase(key);
    }
  }
  bytes_ -= entry.record.message.size();
  worked_.erase(offset);
  done_to_ = std::max(done_to_, offset + 1);
  ++version_;
  return entries_.erase(at);
}

bool PartitionWork::waits_for_its_key(const Entry& entry) const {
  if (!entry.record.message.key) return false;
  const auto key = delayed_keys_.find(*entry.record.message.key);
  return key != delayed_keys_.end() && *key->second.begin() < entry.record.offset;
}

std::optional<PartitionWork::Given> PartitionWork::take(WallTime now, bool ordered) {
  while (!delays_.empty() && delays_.begin()->first <= now) {
    const std::int64_t offset = delays_.begin()->second;
    delays_.erase(delays_.begin());
    Entry& entry = entries_.find(offset)->second;
    if (entry.record.message.key) {
      const auto key = delayed_keys_.find(*entry.record.message.key);
      key->second.erase(offset);
      if (key->second.empty()) delayed_keys_.erase(key);
    }
    make_ready(entry);
  }
  for (const std::int64_t offset : ready_) {
    Entry& entry = entries_.find(offset)->second;
    if (ordered && waits_for_its_key(entry)) continue;
    worked_.insert(offset);
    entry.state = State::out;
    ++entry.record.counts.deliveries;
    ++in_hand_;
    ++version_;
    const Given given{offset, &entry.record, entry.record.counts.deliveries};
    ready_.erase(offset);
    return given;
  }
  return std::nullopt;
}

std::optional<WallTime> PartitionWork::next_due() const {
  if (delays_.empty()) return std::nullopt;
  return delays_.begin()->first;
}

std::vector<std::int64_t> PartitionWork::offsets() const {
  std::vector<std::int64_t> out;
  out.reserve(entries_.size());
  for (const auto& [offset, entry] : entries_) out.push_back(offset);
  return out;
}

const Incoming* PartitionWork::find(std::int64_t offset) const {
  const auto at = entries_.find(offset);
  return at == entries_.end() ? nullptr : &at->second.record;
}

bool PartitionWork::finish(std::int64_t offset) {
  const auto at = entries_.find(offset);
  if (at == entries_.end() || at->second.state != State::out) return false;
  remove(at);
  return true;
}

bool PartitionWork::again(std::int64_t offset, Counts counts, std::optional<WallTime> due) {
  const auto at = entries_.find(offset);
  if (at == entries_.end() || at->second.state != State::out) return false;
  --in_hand_;
  ++version_;
  at->second.record.counts = std::move(counts);
  if (due) wait_until(at->second, *due);
  else make_ready(at->second);
  return true;
}

bool PartitionWork::keep(std::int64_t offset, Counts counts) {
  const auto at = entries_.find(offset);
  if (at == entries_.end() || at->second.state != State::out) return false;
  ++version_;
  at->second.record.counts = std::move(counts);
  return true;
}

void PartitionWork::drop(std::int64_t offset) {
  const auto at = entries_.find(offset);
  if (at != entries_.end()) remove(at);
  if (noted_.erase(offset) > 0) ++version_;
}

void PartitionWork::drop_before(std::int64_t offset) {
  for (auto at = entries_.begin(); at != entries_.end() && at->first < offset;) at = remove(at);
  noted_.erase(noted_.begin(), noted_.lower_bound(offset));
  next_ = std::max(next_, offset);
}

void PartitionWork::seek(std::int64_t target) {
  for (auto at = entries_.begin(); at != entries_.end();) {
    const Entry& entry = at->second;
    const bool stays = at->first < target && (entry.state != State::ready || entry.record.counts.deliveries > 0);
    if (stays) ++at;
    else at = remove(at);
  }
  noted_.clear();
  next_ = target;
  done_to_ = target;
  ++version_;
}

std::int64_t PartitionWork::commit_offset() const {
  std::int64_t out = next_;
  if (!entries_.empty()) out = std::min(out, entries_.begin()->first);
  if (!noted_.empty()) out = std::min(out, noted_.begin()->first);
  return out;
}

std::string PartitionWork::note() const {
  const std::int64_t base = commit_offset();
  std::string body;
  std::uint64_t count = 0;
  std::int64_t at = base;
  std::int64_t done_to = std::max(done_to_, base);
  bool full = false;
  net::kafka::Writer out(body, false);
  const auto put = [&](std::int64_t offset, const Counts& counts, const std::optional<WallTime>& due, bool in_hand) {
    if (full) return;
    if (body.size() + max_note_error + 48 > max_note_bytes || count >= max_entries) {
      // The rest is as if it had never been worked on.
      full = true;
      done_to = std::min(done_to, offset);
      return;
    }
    const std::string_view error = std::string_view(counts.first_error).substr(0, max_note_error);
    out.uvarint(static_cast<std::uint64_t>(offset - at));
    out.uvarint((in_hand ? in_hand_bit : 0U) | (due ? due_bit : 0U) | (error.empty() ? 0U : error_bit));
    out.uvarint(counts.deliveries);
    out.uvarint(counts.tries);
    out.uvarint(counts.failures);
    if (due) out.uvarint(static_cast<std::uint64_t>(std::max<std::int64_t>(millis_of(*due + std::chrono::microseconds(999)), 0)));
    if (!error.empty()) {
      out.uvarint(error.size());
      out.raw(error);
    }
    at = offset + 1;
    ++count;
  };
  const auto put_entry = [&](std::int64_t offset, const Entry& entry) {
    put(offset, entry.record.counts, entry.state == State::delayed ? std::optional(entry.due) : std::nullopt,
        entry.state == State::out);
  };
  const auto rest = entries_.lower_bound(done_to_);
  for (auto one = entries_.begin(); one != rest; ++one) put_entry(one->first, one->second);
  for (auto one = worked_.lower_bound(done_to_); one != worked_.end(); ++one) put_entry(*one, entries_.find(*one)->second);
  for (const auto& [offset, one] : noted_) put(offset, one.counts, one.due, false);
  if (count == 0 && done_to <= base) return {};
  std::string text;
  net::kafka::Writer head(text, false);
  head.uvarint(static_cast<std::uint64_t>(done_to - base));
  head.uvarint(count);
  return std::string(note_mark) + base64::encode_url(text + body);
}

}  // namespace spikard::messaging::kafka
