#include "net/kafka/sasl.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <array>
#include <charconv>

#include "base/base64.hpp"

namespace spikard::net::kafka {
namespace {

constexpr int least_iterations = 4096;
constexpr int most_iterations = 250'000;

Error refused(std::string_view why) {
  return Error(ErrorKind::permission_denied, "SCRAM: " + std::string(why)).with_retry(RetryClass::permanent);
}

const ::EVP_MD* digest(SaslMechanism mechanism) {
  return mechanism == SaslMechanism::scram_sha_512 ? ::EVP_sha512() : ::EVP_sha256();
}

std::string hmac(const ::EVP_MD* md, std::string_view key, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned int size = 0;
  ::HMAC(md, key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         out.data(), &size);
  return {reinterpret_cast<const char*>(out.data()), size};
}

std::string hash(const ::EVP_MD* md, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned int size = 0;
  ::EVP_Digest(text.data(), text.size(), out.data(), &size, md, nullptr);
  return {reinterpret_cast<const char*>(out.data()), size};
}

/// RFC 5802, 5.1.
std::string escaped(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c == '=') out += "=3D";
    else if (c == ',') out += "=2C";
    else out += c;
  }
  return out;
}

/// The value of `name=` in `a=1,b=2`.
std::string_view attribute(std::string_view text, char name) {
  while (!text.empty()) {
    const std::size_t end = text.find(',');
    const std::string_view one = text.substr(0, end);
    if (one.size() >= 2 && one[0] == name && one[1] == '=') return one.substr(2);
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return {};
}

}  // namespace

std::string_view name_of(SaslMechanism mechanism) noexcept {
  switch (mechanism) {
    case SaslMechanism::none: return "none";
    case SaslMechanism::plain: return "PLAIN";
    case SaslMechanism::scram_sha_256: return "SCRAM-SHA-256";
    case SaslMechanism::scram_sha_512: return "SCRAM-SHA-512";
  }
  return "none";
}

Scram::Scram(SaslMechanism mechanism, std::string user, std::string password, std::string nonce)
    : mechanism_(mechanism),
      password_(std::move(password)),
      nonce_(std::move(nonce)),
      bare_("n=" + escaped(user) + ",r=" + nonce_) {}

std::string Scram::first() const { return "n,," + bare_; }

Result<std::string> Scram::last(std::string_view server_first) {
  const std::string_view nonce = attribute(server_first, 'r');
  const std::optional<std::string> salt = base64::decode(attribute(server_first, 's'));
  const std::string_view count = attribute(server_first, 'i');
  int iterations = 0;
  const auto [end, error] = std::from_chars(count.data(), count.data() + count.size(), iterations);
  if (!nonce.starts_with(nonce_) || nonce.size() <= nonce_.size()) return refused("the server's nonce is not ours");
  if (!salt || salt->empty()) return refused("the server sends no salt");
  if (error != std::errc() || end != count.data() + count.size() || iterations < least_iterations || iterations > most_iterations)
    return refused("the server's count of iterations is out of bounds");

  const ::EVP_MD* md = digest(mechanism_);
  std::string salted(static_cast<std::size_t>(::EVP_MD_get_size(md)), '\0');
  if (::PKCS5_PBKDF2_HMAC(password_.data(), static_cast<int>(password_.size()),
                          reinterpret_cast<const unsigned char*>(salt->data()), static_cast<int>(salt->size()), iterations, md,
                          static_cast<int>(salted.size()), reinterpret_cast<unsigned char*>(salted.data())) != 1)
    return internal_error("SCRAM: PBKDF2 failed");
  const std::string client_key = hmac(md, salted, "Client Key");
  const std::string without_proof = "c=biws,r=" + std::string(nonce);
  const std::string message = bare_ + "," + std::string(server_first) + "," + without_proof;
  const std::string signature = hmac(md, hash(md, client_key), message);
  std::string proof = client_key;
  for (std::size_t i = 0; i < proof.size(); ++i) proof[i] = static_cast<char>(proof[i] ^ signature[i]);
  server_signature_ = hmac(md, hmac(md, salted, "Server Key"), message);
  return without_proof + ",p=" + base64::encode(proof);
}

Result<void> Scram::verify(std::string_view server_last) const {
  const std::optional<std::string> signature = base64::decode(attribute(server_last, 'v'));
  if (!signature || signature->size() != server_signature_.size() || server_signature_.empty() ||
      ::CRYPTO_memcmp(signature->data(), server_signature_.data(), signature->size()) != 0)
    return refused("the server does not know the password");
  return {};
}

std::string scram_nonce() {
  std::array<unsigned char, 24> bytes{};
  ::RAND_bytes(bytes.data(), static_cast<int>(bytes.size()));
  return base64::encode({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace spikard::net::kafka
