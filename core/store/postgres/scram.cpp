#include "store/postgres/scram.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <array>
#include <charconv>
#include <optional>

#include "base/base64.hpp"

namespace spikard::store::postgres {
namespace {

using Digest = std::array<unsigned char, 32>;

Error refused(std::string message) {
  return Error(ErrorKind::permission_denied, "SCRAM-SHA-256: " + std::move(message)).with_operation("store.postgres");
}

const unsigned char* bytes_of(std::string_view text) noexcept { return reinterpret_cast<const unsigned char*>(text.data()); }
std::string_view text_of(const Digest& digest) noexcept { return {reinterpret_cast<const char*>(digest.data()), digest.size()}; }

Digest hmac(std::string_view key, std::string_view data) {
  Digest out{};
  unsigned length = 0;
  ::HMAC(::EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes_of(data), data.size(), out.data(), &length);
  return out;
}

Digest sha256(std::string_view data) {
  Digest out{};
  unsigned length = 0;
  ::EVP_Digest(data.data(), data.size(), out.data(), &length, ::EVP_sha256(), nullptr);
  return out;
}

/// `name=value` of a list with commas.
std::optional<std::string_view> attribute(std::string_view list, char name) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    const std::string_view one = list.substr(0, comma);
    if (one.size() >= 2 && one[0] == name && one[1] == '=') return one.substr(2);
    if (comma == std::string_view::npos) break;
    list.remove_prefix(comma + 1);
  }
  return std::nullopt;
}

std::string hex(const unsigned char* data, std::size_t size) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < size; ++i) {
    out.push_back(digits[data[i] >> 4U]);
    out.push_back(digits[data[i] & 15U]);
  }
  return out;
}

std::string md5_hex(std::string_view data) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  if (::EVP_Digest(data.data(), data.size(), digest, &length, ::EVP_md5(), nullptr) != 1) return {};
  return hex(digest, length);
}

}  // namespace

Scram::Scram(std::string password, std::string nonce)
    : password_(std::move(password)), nonce_(std::move(nonce)), first_("n,,n=,r=" + nonce_) {}

Result<std::string> Scram::answer(std::string_view server_first) {
  const auto nonce = attribute(server_first, 'r');
  const auto salt_text = attribute(server_first, 's');
  const auto rounds_text = attribute(server_first, 'i');
  if (!nonce || !salt_text || !rounds_text) return refused("the server's first message is incomplete");
  if (!nonce->starts_with(nonce_) || nonce->size() == nonce_.size()) return refused("the server's nonce is not made of ours");
  const std::optional<std::string> salt = base64::decode(*salt_text);
  int rounds = 0;
  const auto [stop, code] = std::from_chars(rounds_text->data(), rounds_text->data() + rounds_text->size(), rounds);
  // A bound, for it is the server that says how long this computes.
  if (!salt || code != std::errc() || stop != rounds_text->data() + rounds_text->size() || rounds < 1 || rounds > 10'000'000)
    return refused("the server's salt or iteration count is wrong");
  Digest salted{};
  if (::PKCS5_PBKDF2_HMAC(password_.data(), static_cast<int>(password_.size()), bytes_of(*salt), static_cast<int>(salt->size()),
                          rounds, ::EVP_sha256(), static_cast<int>(salted.size()), salted.data()) != 1)
    return refused("the key could not be derived");
  const std::string without_proof = "c=biws,r=" + std::string(*nonce);
  const std::string all = first_.substr(3) + "," + std::string(server_first) + "," + without_proof;
  const Digest client_key = hmac(text_of(salted), "Client Key");
  const Digest signature = hmac(text_of(sha256(text_of(client_key))), all);
  Digest proof{};
  for (std::size_t i = 0; i < proof.size(); ++i) proof[i] = client_key[i] ^ signature[i];
  server_signature_ = text_of(hmac(text_of(hmac(text_of(salted), "Server Key")), all));
  return without_proof + ",p=" + base64::encode(text_of(proof));
}

Result<void> Scram::verify(std::string_view server_final) const {
  if (const auto error = attribute(server_final, 'e')) return refused(std::string(*error));
  const auto text = attribute(server_final, 'v');
  const std::optional<std::string> signature = text ? base64::decode(*text) : std::nullopt;
  if (!signature || server_signature_.empty() || signature->size() != server_signature_.size() ||
      ::CRYPTO_memcmp(signature->data(), server_signature_.data(), signature->size()) != 0)
    return refused("the server does not know the password");
  return {};
}

std::string Scram::random_nonce() {
  unsigned char bytes[18];
  if (::RAND_bytes(bytes, sizeof bytes) != 1) return {};
  return base64::encode({reinterpret_cast<const char*>(bytes), sizeof bytes});
}

std::string md5_password(std::string_view user, std::string_view password, std::string_view salt) {
  std::string inner(password);
  inner += user;
  return "md5" + md5_hex(md5_hex(inner) + std::string(salt));
}

}  // namespace spikard::store::postgres
