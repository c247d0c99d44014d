// A token of any bytes is never taken, and a signed one is taken exactly when its claims are JSON objects in time.
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/base64.hpp"
#include "http/middleware/jwt.hpp"

using namespace spikard;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 8192) return 0;
  static const std::string secret = "a secret of the fuzz target";
  static const auto verifier = [] {
    services::Jwt config;
    config.secret = secret;
    config.audience = {"a"};
    config.required_claims = {"r"};
    return http::JwtVerifier::compile(config, "jwt", [](const std::string&, std::string_view) { std::abort(); });
  }();
  static json::Reader reader;
  const std::string input(reinterpret_cast<const char*>(data), size);
  const WallTime now{std::chrono::seconds(1000)};
  using Verdict = http::JwtVerifier::Verdict;
  if (verifier->verify(input, now, reader).verdict != Verdict::bad) std::abort();

  const auto check = [&](const std::string& head, const std::string& claims) {
    const std::string text = base64::encode_url(head) + "." + base64::encode_url(claims);
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), reinterpret_cast<const unsigned char*>(text.data()),
         text.size(), mac, &length);
    return verifier->verify(text + "." + base64::encode_url({reinterpret_cast<char*>(mac), length}), now, reader);
  };
  const auto signed_claims = check(R"({"alg":"HS256"})", input);
  if (signed_claims.verdict == Verdict::good) {
    const auto document = json::parse(input, {.max_depth = 32});
    if (!document.ok() || !document->root().is_object() || !document->root().find("aud") || !document->root().find("r"))
      std::abort();
    if (!equal(document->root(), signed_claims.claims.root())) std::abort();
    (void)http::has_scopes(signed_claims.claims.root(), {"read"});
  } else if (signed_claims.why.empty()) {
    std::abort();
  }
  const auto signed_head = check(input, R"({"aud":"a","r":1})");
  if (signed_head.verdict == Verdict::good) {
    const auto document = json::parse(input, {.max_depth = 32});
    if (!document.ok() || !document->root().find("alg").is_string() || document->root().find("alg").text() != "HS256" ||
        document->root().find("crit"))
      std::abort();
  }
  return 0;
}
