#include "net/kafka/record_batch.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <set>

#include "net/kafka/wire.hpp"

namespace spikard::net::kafka {
namespace {

constexpr std::size_t prefix_size = 12;  // base offset and length
constexpr std::size_t crc_at = 17;
constexpr std::size_t header_size = 61;
constexpr std::int16_t transactional_bit = 0x10;
constexpr std::int16_t control_bit = 0x20;
constexpr std::int16_t log_append_time_bit = 0x08;

constexpr std::array<std::uint32_t, 256> make_table() {
  std::array<std::uint32_t, 256> out{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t c = i;
    for (int bit = 0; bit < 8; ++bit) c = (c & 1U) != 0U ? (c >> 1U) ^ 0x82f63b78U : c >> 1U;
    out[i] = c;
  }
  return out;
}
constexpr std::array<std::uint32_t, 256> table = make_table();

std::uint32_t crc_plain(std::string_view bytes) noexcept {
  std::uint32_t c = ~0U;
  for (const char byte : bytes) c = table[(c ^ static_cast<std::uint8_t>(byte)) & 0xffU] ^ (c >> 8U);
  return ~c;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t crc_fast(std::string_view bytes) noexcept {
  std::uint64_t c = ~0U;
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; left -= 8, at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, 8);
    c = __builtin_ia32_crc32di(c, word);
  }
  auto narrow = static_cast<std::uint32_t>(c);
  for (; left > 0; --left, ++at) narrow = __builtin_ia32_crc32qi(narrow, static_cast<std::uint8_t>(*at));
  return ~narrow;
}
#endif

Error corrupt(std::string_view what) { return {ErrorKind::corrupt, "a record batch is corrupt: " + std::string(what)}; }

void write_sized(Writer& out, std::string_view bytes) {
  out.varint(static_cast<std::int64_t>(bytes.size()));
  out.raw(bytes);
}

void write_record(std::string& into, const Record& record, std::int64_t base_time, std::size_t delta, std::string& scratch) {
  scratch.clear();
  Writer body(scratch, false);
  body.i8(0);
  body.varint(record.timestamp_ms - base_time);
  body.varint(static_cast<std::int64_t>(delta));
  for (const std::optional<std::string>* part : {&record.key, &record.value}) {
    if (*part) write_sized(body, **part);
    else body.varint(-1);
  }
  body.varint(static_cast<std::int64_t>(record.headers.size()));
  for (const auto& [name, value] : record.headers) {
    write_sized(body, name);
    write_sized(body, value);
  }
  Writer out(into, false);
  write_sized(out, scratch);
}

/// -1 is null; anything else negative, or more than is there, fails.
std::optional<std::string_view> read_sized(Reader& in) {
  const std::int64_t size = in.varint();
  if (size == -1) return std::nullopt;
  if (size < 0 || static_cast<std::uint64_t>(size) > in.left()) {
    in.fail();
    return std::nullopt;
  }
  return in.raw(static_cast<std::size_t>(size));
}

struct BatchHead {
  std::int64_t base_offset = 0;
  std::int16_t attributes = 0;
  std::int32_t last_delta = 0;
  std::int64_t base_time = 0;
  std::int64_t max_time = 0;
  std::int64_t producer_id = -1;
  std::int32_t count = 0;
};

Result<void> read_records(std::string_view bytes, const BatchHead& head, std::int64_t from, std::vector<Record>& out) {
  Reader in(bytes, false);
  for (std::int32_t i = 0; i < head.count; ++i) {
    const std::optional<std::string_view> text = read_sized(in);
    if (!in.ok() || !text) return corrupt("a record");
    Reader one(*text, false);
    (void)one.i8();
    const std::int64_t time_delta = one.varint();
    const std::int64_t offset_delta = one.varint();
    if (!one.ok() || offset_delta < 0 || offset_delta > head.last_delta) return corrupt("an offset");
    const std::optional<std::string_view> key = read_sized(one);
    const std::optional<std::string_view> value = read_sized(one);
    const std::int64_t headers = one.varint();
    // Two lengths each at least.
    if (!one.ok() || headers < 0 || static_cast<std::uint64_t>(headers) > one.left() / 2) return corrupt("a record");
    const std::int64_t offset = head.base_offset + offset_delta;
    if (offset < from) continue;
    Record& record = out.emplace_back();
    record.offset = offset;
    const bool appended = (head.attributes & log_append_time_bit) != 0;
    record.timestamp_ms =
        appended ? head.max_time
                 : static_cast<std::int64_t>(static_cast<std::uint64_t>(head.base_time) + static_cast<std::uint64_t>(time_delta));
    if (key) record.key.emplace(*key);
    if (value) record.value.emplace(*value);
    record.headers.reserve(static_cast<std::size_t>(headers));
    for (std::int64_t h = 0; h < headers; ++h) {
      const std::optional<std::string_view> name = read_sized(one);
      const std::optional<std::string_view> text_of = read_sized(one);
      if (!one.ok() || !name) return corrupt("a header");
      record.headers.emplace_back(std::string(*name), std::string(text_of.value_or(std::string_view())));
    }
  }
  return {};
}

/// The type of a control record: 0 aborts, 1 commits.
int control_type(std::string_view bytes) {
  Reader in(bytes, false);
  (void)in.varint();
  (void)in.i8();
  (void)in.varint();
  (void)in.varint();
  const std::optional<std::string_view> key = read_sized(in);
  if (!in.ok() || !key) return -1;
  Reader type(*key, false);
  (void)type.i16();
  const std::int16_t out = type.i16();
  return type.ok() ? out : -1;
}

}  // namespace

std::size_t Record::size() const noexcept {
  std::size_t out = 32 + (key ? key->size() : 0) + (value ? value->size() : 0);
  for (const auto& [name, text] : headers) out += name.size() + text.size() + 6;
  return out;
}

std::uint32_t crc32c(std::string_view bytes) noexcept {
#if defined(__x86_64__)
  static const bool fast = __builtin_cpu_supports("sse4.2") != 0;
  if (fast) return crc_fast(bytes);
#endif
  return crc_plain(bytes);
}

Result<std::string> encode_batch(const std::vector<Record>& records, const ProducerState& producer, Compression compression) {
  const std::int64_t base_time = records.front().timestamp_ms;
  std::int64_t max_time = base_time;
  std::size_t size = 0;
  for (const Record& one : records) {
    max_time = std::max(max_time, one.timestamp_ms);
    size += one.size();
  }
  std::string body;
  body.reserve(size);
  std::string scratch;
  for (std::size_t i = 0; i < records.size(); ++i) write_record(body, records[i], base_time, i, scratch);
  if (compression != Compression::none) {
    Result<std::string> packed = compress(compression, body);
    if (!packed.ok()) return packed;
    if (packed->size() < body.size()) body = std::move(packed).value();
    else compression = Compression::none;
  }
  std::string out;
  out.reserve(header_size + body.size());
  Writer head(out, false);
  head.i64(0);
  head.i32(static_cast<std::int32_t>(header_size - prefix_size + body.size()));
  head.i32(-1);  // leader epoch: the broker's to say
  head.i8(2);
  head.i32(0);  // the checksum, below
  head.i16(static_cast<std::int16_t>(compression));
  head.i32(static_cast<std::int32_t>(records.size()) - 1);
  head.i64(base_time);
  head.i64(max_time);
  head.i64(producer.id);
  head.i16(producer.epoch);
  head.i32(producer.sequence);
  head.i32(static_cast<std::int32_t>(records.size()));
  out += body;
  std::string sum;
  Writer(sum, false).i32(static_cast<std::int32_t>(crc32c(std::string_view(out).substr(crc_at + 4))));
  out.replace(crc_at, 4, sum);
  return out;
}

Result<DecodedRecords> decode_batches(std::string_view bytes, const DecodeOptions& options,
                                      std::vector<AbortedTransaction> aborted) {
  DecodedRecords out;
  std::sort(aborted.begin(), aborted.end(), [](const auto& a, const auto& b) { return a.first_offset < b.first_offset; });
  std::size_t next_aborted = 0;
  std::set<std::int64_t> aborting;
  while (bytes.size() >= prefix_size) {
    Reader in(bytes, false);
    BatchHead head;
    head.base_offset = in.i64();
    const std::int32_t length = in.i32();
    if (length < 0) return corrupt("its length");
    if (static_cast<std::size_t>(length) > bytes.size() - prefix_size) break;  // cut off
    const std::string_view batch = bytes.substr(0, prefix_size + static_cast<std::size_t>(length));
    bytes.remove_prefix(batch.size());
    if (batch.size() < crc_at) return corrupt("its length");
    (void)in.i32();
    if (in.i8() != 2) return Error(ErrorKind::unsupported, "record batches before Kafka 0.11 (format 0 and 1) are not read");
    if (batch.size() < header_size) return corrupt("its length");
    const std::uint32_t crc = in.u32();
    if (crc32c(batch.substr(crc_at + 4)) != crc) return corrupt("its checksum");
    head.attributes = in.i16();
    head.last_delta = in.i32();
    head.base_time = in.i64();
    head.max_time = in.i64();
    head.producer_id = in.i64();
    (void)in.i16();
    (void)in.i32();
    head.count = in.i32();
    if (head.base_offset < 0 || head.last_delta < 0 || head.count < 0) return corrupt("its header");
    const std::int64_t next = head.base_offset + head.last_delta + 1;
    out.next_offset = std::max(out.next_offset, next);
    std::string_view body = batch.substr(header_size);
    while (next_aborted < aborted.size() && aborted[next_aborted].first_offset < next)
      aborting.insert(aborted[next_aborted++].producer_id);
    if ((head.attributes & control_bit) != 0) {
      if (control_type(body) == 0) aborting.erase(head.producer_id);
      continue;
    }
    if ((head.attributes & transactional_bit) != 0 && aborting.contains(head.producer_id)) continue;
    if (next <= options.from) continue;
    const int codec = head.attributes & 0x07;
    if (codec > 4) return corrupt("its compression");
    std::string unpacked;
    if (codec != 0) {
      Result<std::string> text = decompress(static_cast<Compression>(codec), body, options.max_batch_bytes);
      if (!text.ok()) return std::move(text).error();
      unpacked = std::move(text).value();
      body = unpacked;
    }
    SPIKARD_TRY(read_records(body, head, options.from, out.records));
  }
  return out;
}

}  // namespace spikard::net::kafka
