#include "net/redis/command.hpp"

#include <openssl/evp.h>

#include <array>
#include <cstring>

namespace spikard::net::redis {
namespace {

constexpr std::array<std::uint16_t, 256> crc_table = [] {
  std::array<std::uint16_t, 256> out{};
  for (unsigned n = 0; n < 256; ++n) {
    unsigned crc = n << 8U;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 0x8000U) != 0 ? (crc << 1U) ^ 0x1021U : crc << 1U;
    out[n] = static_cast<std::uint16_t>(crc);
  }
  return out;
}();

std::string sha1_hex(std::string_view text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  std::string out;
  if (::EVP_Digest(text.data(), text.size(), digest, &size, ::EVP_sha1(), nullptr) != 1) return out;
  for (unsigned n = 0; n < size; ++n) {
    out.push_back("0123456789abcdef"[digest[n] >> 4U]);
    out.push_back("0123456789abcdef"[digest[n] & 15U]);
  }
  return out;
}

}  // namespace

std::uint16_t slot_of(std::string_view key) noexcept {
  if (const auto open = key.find('{'); open != key.npos) {
    const auto close = key.find('}', open + 1);
    if (close != key.npos && close > open + 1) key = key.substr(open + 1, close - open - 1);
  }
  unsigned crc = 0;
  for (const char c : key) crc = ((crc << 8U) ^ crc_table[((crc >> 8U) ^ static_cast<unsigned char>(c)) & 0xffU]) & 0xffffU;
  return static_cast<std::uint16_t>(crc % 16384);
}

Script::Script(std::string_view body) : body_(body), sha_(sha1_hex(body)) {}

Command::Command(const Script& script, std::size_t keys, std::size_t expected_bytes) : Command("EVALSHA", expected_bytes) {
  script_ = &script;
  arg(script.sha()).arg(keys);
}

std::string_view Command::bytes() const noexcept {
  char head[room];
  head[0] = '*';
  char* end = std::to_chars(head + 1, head + sizeof head, count_).ptr;
  *end++ = '\r';
  *end++ = '\n';
  const auto size = static_cast<std::size_t>(end - head);
  std::memcpy(bytes_.data() + room - size, head, size);
  return std::string_view(bytes_).substr(room - size);
}

std::string Command::with_body() const {
  const std::string_view sent = bytes();
  // What stands before the arguments that stay: the count, EVALSHA and the hash.
  const std::size_t head = sent.find('\n') + 1;
  const std::size_t rest = head + std::string_view("$7\r\nEVALSHA\r\n").size() + std::string_view("$40\r\n\r\n").size() + 40;
  std::string out(sent.substr(0, head));
  out.reserve(sent.size() + script_->body().size() + 32);
  out.append("$4\r\nEVAL\r\n$").append(std::to_string(script_->body().size())).append("\r\n").append(script_->body());
  out.append("\r\n").append(sent.substr(rest));
  return out;
}

std::optional<std::string_view> Command::routing_key() const noexcept {
  if (!near_.empty()) return near_;
  if (key_at_ == 0) return std::nullopt;
  const std::size_t at = bytes_.find('\n', key_at_) + 1;
  return std::string_view(bytes_).substr(at, key_size_);
}

}  // namespace spikard::net::redis
