#include "messaging/nats/nkey.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <cstdint>
#include <memory>
#include <optional>

#include "base/base64.hpp"

namespace spikard::messaging::nats {
namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";  // RFC 4648, section 6, without padding
constexpr unsigned char seed_prefix = 18U << 3U;
constexpr unsigned char user_prefix = 20U << 3U;

struct Free {
  void operator()(::EVP_PKEY* key) const noexcept { ::EVP_PKEY_free(key); }
  void operator()(::EVP_MD_CTX* context) const noexcept { ::EVP_MD_CTX_free(context); }
};

/// A secret that is wiped.
struct Wiped {
  std::string bytes;
  ~Wiped() { ::OPENSSL_cleanse(bytes.data(), bytes.size()); }
};

std::optional<std::string> base32(std::string_view text) {
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const std::size_t value = alphabet.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = (bits << 5U) | static_cast<std::uint32_t>(value);
    count += 5;
    if (count < 8) continue;
    count -= 8;
    out.push_back(static_cast<char>(bits >> static_cast<unsigned>(count)));
    bits &= (1U << static_cast<unsigned>(count)) - 1;
  }
  return out;
}

std::string to_base32(std::string_view bytes) {
  std::string out;
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : bytes) {
    bits = (bits << 8U) | static_cast<unsigned char>(c);
    count += 8;
    for (; count >= 5; count -= 5) out.push_back(alphabet[(bits >> (count - 5)) & 31U]);
    bits &= (1U << count) - 1;
  }
  if (count > 0) out.push_back(alphabet[(bits << (5 - count)) & 31U]);
  return out;
}

/// CRC-16/XMODEM.
std::uint16_t crc16(std::string_view bytes) {
  std::uint16_t crc = 0;
  for (const char c : bytes) {
    crc = static_cast<std::uint16_t>(crc ^ (static_cast<unsigned char>(c) << 8U));
    for (int i = 0; i < 8; ++i)
      crc = static_cast<std::uint16_t>((crc & 0x8000U) != 0 ? (static_cast<unsigned>(crc) << 1U) ^ 0x1021U
                                                            : static_cast<unsigned>(crc) << 1U);
  }
  return crc;
}

using Key = std::unique_ptr<::EVP_PKEY, Free>;

Result<Key> key_of(std::string_view seed) {
  Wiped raw{base32(seed).value_or(std::string())};
  const std::string_view bytes = raw.bytes;
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  // 5 bits that say "seed", 8 of the kind, 32 bytes, and their checksum.
  if (bytes.size() != 36 || (byte(0) & 0xf8U) != seed_prefix ||
      static_cast<unsigned char>(((byte(0) & 7U) << 5U) | ((byte(1) & 0xf8U) >> 3U)) != user_prefix ||
      crc16(bytes.substr(0, 34)) != (byte(34) | (byte(35) << 8U)))
    return invalid_argument("url: the seed of an nkey is not one of a user (SU...)");
  Key key(
      ::EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, reinterpret_cast<const unsigned char*>(bytes.data()) + 2, 32));
  if (key == nullptr) return internal_error("OpenSSL has no Ed25519");
  return key;
}

}  // namespace

Result<std::string> Nkey::public_key(std::string_view seed) {
  Result<Key> key = key_of(seed);
  if (!key.ok()) return std::move(key).error();
  std::string bytes(33, static_cast<char>(user_prefix));
  std::size_t size = 32;
  if (::EVP_PKEY_get_raw_public_key(key->get(), reinterpret_cast<unsigned char*>(bytes.data()) + 1, &size) != 1)
    return internal_error("OpenSSL tells no public key");
  const std::uint16_t crc = crc16(bytes);
  bytes.push_back(static_cast<char>(crc & 0xffU));
  bytes.push_back(static_cast<char>(crc >> 8U));
  return to_base32(bytes);
}

Result<std::string> Nkey::sign(std::string_view seed, std::string_view nonce) {
  Result<Key> key = key_of(seed);
  if (!key.ok()) return std::move(key).error();
  const std::unique_ptr<::EVP_MD_CTX, Free> context(::EVP_MD_CTX_new());
  std::string signature(64, '\0');
  std::size_t size = signature.size();
  if (context == nullptr || ::EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key->get()) != 1 ||
      ::EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                       reinterpret_cast<const unsigned char*>(nonce.data()), nonce.size()) != 1)
    return internal_error("OpenSSL cannot sign");
  return base64::encode_url(signature);
}

}  // namespace spikard::messaging::nats
