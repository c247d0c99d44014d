#include "messaging/amqp/wire.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/json.hpp"

namespace spikard::messaging::amqp {
namespace {

constexpr char frame_end = '\xce';
constexpr std::size_t frame_head = 7;

void put_integer(std::string& out, std::uint64_t value, int size) {
  for (int shift = (size - 1) * 8; shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(value >> static_cast<unsigned>(shift)));
}

void patch_size(std::string& out, std::size_t at, std::size_t size) {
  for (std::size_t i = 0; i < 4; ++i) out[at + i] = static_cast<char>(size >> (24U - 8U * static_cast<unsigned>(i)));
}

Error corrupt(std::string_view what) {
  return Error(ErrorKind::corrupt, "AMQP: " + std::string(what)).with_operation("messaging.amqp");
}

}  // namespace

char* FrameReader::room(std::size_t size) {
  if (begin_ > 0) {
    buffer_.erase(0, begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (buffer_.size() < end_ + size) buffer_.resize(end_ + size);
  return buffer_.data() + end_;
}

void FrameReader::feed(std::string_view bytes) {
  if (bytes.empty()) return;
  std::memcpy(room(bytes.size()), bytes.data(), bytes.size());
  filled(bytes.size());
}

Result<bool> FrameReader::next(Frame& frame) {
  if (end_ - begin_ < frame_head) return false;
  const std::string_view head(buffer_.data() + begin_, frame_head);
  if (head.starts_with("AMQP")) return corrupt("the server speaks another version of AMQP");
  Reader in(head);
  const std::uint8_t type = in.u8();
  frame.channel = in.u16();
  const std::size_t size = in.u32();
  if (type != 1 && type != 2 && type != 3 && type != 8) return corrupt("a frame of an unknown type");
  if (size > max_frame_ - frame_overhead) return corrupt("a frame longer than was agreed");
  if (end_ - begin_ < size + frame_overhead) return false;
  if (buffer_[begin_ + frame_head + size] != frame_end) return corrupt("a frame without its end");
  frame.type = static_cast<FrameType>(type);
  frame.payload = std::string_view(buffer_.data() + begin_ + frame_head, size);
  begin_ += size + frame_overhead;
  return true;
}

std::string_view Reader::bytes(std::size_t size) noexcept {
  if (size > rest_.size()) {
    failed_ = true;
    rest_ = {};
    return {};
  }
  const std::string_view out = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return out;
}

bool read_field(Reader& in, Field& out) noexcept {
  out = Field();
  const auto integer = [&out](std::int64_t value) {
    out.kind = Field::Kind::integer;
    out.integer = value;
  };
  switch (static_cast<char>(in.u8())) {
    case 't':
      out.kind = Field::Kind::boolean;
      out.integer = in.u8() != 0 ? 1 : 0;
      return true;
    case 'b': integer(static_cast<std::int8_t>(in.u8())); return true;
    case 'B': integer(in.u8()); return true;
    case 's':
    case 'U': integer(static_cast<std::int16_t>(in.u16())); return true;
    case 'u': integer(in.u16()); return true;
    case 'I': integer(static_cast<std::int32_t>(in.u32())); return true;
    case 'i': integer(in.u32()); return true;
    case 'l':
    case 'L': integer(static_cast<std::int64_t>(in.u64())); return true;
    case 'f':
      out.kind = Field::Kind::real;
      out.real = static_cast<double>(std::bit_cast<float>(in.u32()));
      return true;
    case 'd':
      out.kind = Field::Kind::real;
      out.real = std::bit_cast<double>(in.u64());
      return true;
    case 'D': {
      out.kind = Field::Kind::real;
      const std::uint8_t scale = in.u8();
      out.real = static_cast<double>(in.u32());
      for (std::uint8_t i = 0; i < scale; ++i) out.real /= 10;
      return true;
    }
    case 'S':
    case 'x':
      out.kind = Field::Kind::text;
      out.text = in.long_text();
      return true;
    case 'T':
      out.kind = Field::Kind::time;
      out.integer = static_cast<std::int64_t>(in.u64());
      return true;
    case 'A':
      out.kind = Field::Kind::array;
      out.text = in.long_text();
      return true;
    case 'F':
      out.kind = Field::Kind::table;
      out.text = in.long_text();
      return true;
    case 'V': return true;
    default: return false;
  }
}

std::uint64_t Reader::integer(std::size_t size) noexcept {
  std::uint64_t out = 0;
  for (const char c : bytes(size)) out = out << 8U | static_cast<std::uint8_t>(c);
  return out;
}

std::string text_of(const Field& field) {
  switch (field.kind) {
    case Field::Kind::boolean: return field.integer != 0 ? "true" : "false";
    case Field::Kind::integer:
    case Field::Kind::time: return std::to_string(field.integer);
    case Field::Kind::real: {
      std::string out;
      json::Writer(out).number(field.real);
      return out;
    }
    case Field::Kind::text: return std::string(field.text);
    case Field::Kind::none:
    case Field::Kind::array:
    case Field::Kind::table: return {};
  }
  return {};
}

void put_u8(std::string& out, std::uint8_t value) { out.push_back(static_cast<char>(value)); }
void put_u16(std::string& out, std::uint16_t value) { put_integer(out, value, 2); }
void put_u32(std::string& out, std::uint32_t value) { put_integer(out, value, 4); }
void put_u64(std::string& out, std::uint64_t value) { put_integer(out, value, 8); }

void put_short_text(std::string& out, std::string_view text) {
  text = text.substr(0, 255);
  put_u8(out, static_cast<std::uint8_t>(text.size()));
  out += text;
}

void put_long_text(std::string& out, std::string_view text) {
  put_u32(out, static_cast<std::uint32_t>(text.size()));
  out += text;
}

Sized::~Sized() { patch_size(out_, at_, out_.size() - at_ - 4); }

void put_entry(std::string& out, std::string_view name, std::string_view text) {
  put_short_text(out, name);
  out.push_back('S');
  put_long_text(out, text);
}
void put_entry(std::string& out, std::string_view name, bool value) {
  put_short_text(out, name);
  out.push_back('t');
  put_u8(out, value ? 1 : 0);
}
void put_entry(std::string& out, std::string_view name, std::int64_t value) {
  put_short_text(out, name);
  out.push_back('l');
  put_u64(out, static_cast<std::uint64_t>(value));
}

FrameScope::FrameScope(std::string& out, FrameType type, std::uint16_t channel) : out_(out), at_(out.size() + 3) {
  put_u8(out, static_cast<std::uint8_t>(type));
  put_u16(out, channel);
  put_u32(out, 0);
}

FrameScope::~FrameScope() {
  patch_size(out_, at_, out_.size() - at_ - 4);
  out_.push_back(frame_end);
}

}  // namespace spikard::messaging::amqp
