#include "http/middleware/jwt.hpp"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <optional>

#include "base/base64.hpp"
#include "net/signing/hash.hpp"

namespace spikard::http {
namespace {

using services::JwtAlgorithm;

constexpr std::uint32_t max_depth = 32;
constexpr int min_rsa_bits = 2048;  // RFC 7518 section 3.3
constexpr std::size_t max_key_file = std::size_t{1} << 20;

enum class Family : std::uint8_t { hmac, rsa, pss, ecdsa, eddsa };

Family family(JwtAlgorithm a) noexcept {
  switch (a) {
    case JwtAlgorithm::hs256:
    case JwtAlgorithm::hs384:
    case JwtAlgorithm::hs512: return Family::hmac;
    case JwtAlgorithm::rs256:
    case JwtAlgorithm::rs384:
    case JwtAlgorithm::rs512: return Family::rsa;
    case JwtAlgorithm::ps256:
    case JwtAlgorithm::ps384:
    case JwtAlgorithm::ps512: return Family::pss;
    case JwtAlgorithm::es256:
    case JwtAlgorithm::es384:
    case JwtAlgorithm::es512: return Family::ecdsa;
    case JwtAlgorithm::eddsa: return Family::eddsa;
  }
  return Family::hmac;
}

const EVP_MD* digest(JwtAlgorithm a) noexcept {
  switch (a) {
    case JwtAlgorithm::hs384:
    case JwtAlgorithm::rs384:
    case JwtAlgorithm::ps384:
    case JwtAlgorithm::es384: return EVP_sha384();
    case JwtAlgorithm::hs512:
    case JwtAlgorithm::rs512:
    case JwtAlgorithm::ps512:
    case JwtAlgorithm::es512: return EVP_sha512();
    case JwtAlgorithm::eddsa: return nullptr;
    default: return EVP_sha256();
  }
}

struct Curve {
  const char* name;      // OpenSSL's
  std::string_view crv;  // RFC 7518's
  std::size_t bytes;     // of r, s, x and y
};
Curve curve(JwtAlgorithm a) noexcept {
  if (a == JwtAlgorithm::es384) return {"secp384r1", "P-384", 48};
  if (a == JwtAlgorithm::es512) return {"secp521r1", "P-521", 66};
  return {"prime256v1", "P-256", 32};
}

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* p) const noexcept {
    Free(p);
  }
};
using Bio = std::unique_ptr<BIO, Freer<BIO_free>>;
using Bn = std::unique_ptr<BIGNUM, Freer<BN_free>>;
using MdContext = std::unique_ptr<EVP_MD_CTX, Freer<EVP_MD_CTX_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Freer<EVP_PKEY_CTX_free>>;
using Params = std::unique_ptr<OSSL_PARAM, Freer<OSSL_PARAM_free>>;
using ParamBuilder = std::unique_ptr<OSSL_PARAM_BLD, Freer<OSSL_PARAM_BLD_free>>;
using KeyPtr = std::shared_ptr<evp_pkey_st>;

KeyPtr owned(EVP_PKEY* key) { return key == nullptr ? nullptr : KeyPtr(key, EVP_PKEY_free); }
const unsigned char* bytes_of(std::string_view text) noexcept { return reinterpret_cast<const unsigned char*>(text.data()); }

KeyPtr from_pem(std::string_view text) {
  const Bio bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  KeyPtr key = owned(PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr));
  if (key == nullptr) {
    const Bio again(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
    const std::unique_ptr<X509, Freer<X509_free>> certificate(PEM_read_bio_X509(again.get(), nullptr, nullptr, nullptr));
    if (certificate != nullptr) key = owned(X509_get_pubkey(certificate.get()));
  }
  ERR_clear_error();
  return key;
}

KeyPtr from_params(const char* type, ParamBuilder builder) {
  const Params params(OSSL_PARAM_BLD_to_param(builder.get()));
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  const bool made = params != nullptr && context != nullptr && EVP_PKEY_fromdata_init(context.get()) == 1 &&
                    EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) == 1;
  ERR_clear_error();
  return made ? owned(key) : nullptr;
}

std::optional<std::string> member(Value key, std::string_view name) {
  const Value v = key.find(name);
  if (!v.is_string()) return std::nullopt;
  return base64::decode_url(v.text());
}

/// A public key of a set (RFC 7518 section 6, RFC 8037), or null.
KeyPtr from_jwk(Value jwk, JwtAlgorithm algorithm) {
  const Value type = jwk.find("kty");
  if (!type.is_string()) return nullptr;
  const auto is = [&](const char* name, std::string_view value) {
    return jwk.find(name).is_string() && jwk.find(name).text() == value;
  };
  switch (family(algorithm)) {
    case Family::hmac: return nullptr;
    case Family::rsa:
    case Family::pss: {
      const auto n = member(jwk, "n");
      const auto e = member(jwk, "e");
      if (type.text() != "RSA" || !n || !e) return nullptr;
      const Bn modulus(BN_bin2bn(bytes_of(*n), static_cast<int>(n->size()), nullptr));
      const Bn exponent(BN_bin2bn(bytes_of(*e), static_cast<int>(e->size()), nullptr));
      ParamBuilder builder(OSSL_PARAM_BLD_new());
      if (OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1 ||
          OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) != 1)
        return nullptr;
      return from_params("RSA", std::move(builder));
    }
    case Family::ecdsa: {
      const Curve on = curve(algorithm);
      const auto x = member(jwk, "x");
      const auto y = member(jwk, "y");
      if (type.text() != "EC" || !is("crv", on.crv) || !x || !y || x->size() != on.bytes || y->size() != on.bytes) return nullptr;
      const std::string point = "\x04" + *x + *y;
      ParamBuilder builder(OSSL_PARAM_BLD_new());
      if (OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, on.name, 0) != 1 ||
          OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) != 1)
        return nullptr;
      return from_params("EC", std::move(builder));
    }
    case Family::eddsa: {
      const auto x = member(jwk, "x");
      if (type.text() != "OKP" || !is("crv", "Ed25519") || !x || x->size() != 32) return nullptr;
      return owned(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes_of(*x), x->size()));
    }
  }
  return nullptr;
}

std::optional<std::string> read_file(const std::string& name) {
  std::ifstream in(name, std::ios::binary);
  if (!in) return std::nullopt;
  std::string text((std::istreambuf_iterator<char>(in)), {});
  if (in.bad() || text.size() > max_key_file) return std::nullopt;
  return text;
}

/// A NumericDate (RFC 7519 section 2). False when the claim is something else.
bool date_of(Value claim, double& seconds) noexcept {
  if (!claim.node().is_number()) return false;
  seconds = claim.as_double();
  return std::isfinite(seconds);
}

void add_scopes(Value claim, std::vector<std::string_view>& out) {
  if (claim.is_array()) {
    for (const Value one : claim.elements()) {
      if (one.is_string()) out.push_back(one.text());
    }
  } else if (claim.is_string()) {
    for (std::string_view rest = claim.text(); !rest.empty();) {
      const std::size_t end = std::min(rest.find(' '), rest.size());
      if (end != 0) out.push_back(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
}

}  // namespace

bool has_scopes(Value claims, const std::vector<std::string>& wanted) {
  std::vector<std::string_view> there;
  for (const char* name : {"scope", "scp", "scopes"}) {
    if (const Value claim = claims.find(name)) add_scopes(claim, there);
  }
  return std::all_of(wanted.begin(), wanted.end(),
                     [&](const std::string& one) { return std::find(there.begin(), there.end(), one) != there.end(); });
}

std::shared_ptr<const JwtVerifier> JwtVerifier::compile(const services::Jwt& config, const std::string& path,
                                                        const ReportProblem& report) {
  std::shared_ptr<JwtVerifier> made(new JwtVerifier);
  made->config_ = config;
  made->algorithm_ = services::name_of(config.algorithm);
  bool good = true;
  const auto problem = [&](const std::string& at, std::string_view what) {
    good = false;
    report(at, what);
  };
  made->read_keys(path, problem);
  made->config_.secret.clear();
  if (!good) return nullptr;
  return made;
}

void JwtVerifier::read_keys(const std::string& path, const ReportProblem& report) {
  const std::string name(algorithm_);
  const bool hmac = family(config_.algorithm) == Family::hmac;
  const std::pair<const char*, bool> given[] = {{"secret", !config_.secret.empty()},
                                                {"public_key", !config_.public_key.empty()},
                                                {"public_key_file", !config_.public_key_file.empty()},
                                                {"jwks_file", !config_.jwks_file.empty()}};
  const auto count = std::count_if(std::begin(given), std::end(given), [](const auto& one) { return one.second; });
  if (count == 0) return report(path + (hmac ? ".secret" : ".public_key"), "expected the key of " + name);
  if (count > 1) {
    std::string names;
    for (const auto& [field, is_there] : given) {
      if (is_there) names.append(names.empty() ? "" : ", ").append(field);
    }
    return report(path, "expected one key, got " + names);
  }
  if (given[0].second && !hmac) return report(path + ".secret", name + " takes a public key");
  if (hmac && (given[1].second || given[2].second))
    return report(path + (given[1].second ? ".public_key" : ".public_key_file"), name + " takes a secret");
  if (given[0].second) {
    keys_.push_back({{}, config_.secret, nullptr});
    return;
  }
  std::optional<std::string> text;
  const std::string at = path + (given[1].second ? ".public_key" : given[2].second ? ".public_key_file" : ".jwks_file");
  if (given[1].second) {
    text = config_.public_key;
  } else {
    const std::string& file = given[2].second ? config_.public_key_file : config_.jwks_file;
    text = read_file(file);
    if (!text) return report(at, "cannot read " + file);
  }
  if (given[3].second) return read_set(*text, at, report);
  KeyPtr key = from_pem(*text);
  std::string why;
  if (key == nullptr) return report(at, "expected a PEM public key or certificate");
  if (!fits(key.get(), why)) return report(at, why);
  keys_.push_back({{}, {}, std::move(key)});
}

void JwtVerifier::read_set(std::string_view text, const std::string& path, const ReportProblem& report) {
  by_id_ = true;
  const auto document = json::parse(text, {.max_depth = max_depth});
  const Value keys = document.ok() && document->root().is_object() ? document->root().find("keys") : Value();
  if (!keys.is_array()) return report(path, "expected a JSON Web Key Set: an object with a list `keys`");
  for (const Value jwk : keys.elements()) {
    if (!jwk.is_object()) continue;
    // What is for something else is no error: sets are shared.
    const auto other = [&](const char* name, std::string_view wanted) {
      const Value v = jwk.find(name);
      return v.exists() && !(v.is_string() && v.text() == wanted);
    };
    if (other("use", "sig") || other("alg", algorithm_)) continue;
    Key key;
    if (const Value id = jwk.find("kid"); id.is_string()) key.id = id.text();
    if (family(config_.algorithm) == Family::hmac) {
      const auto secret = jwk.find("kty").is_string() && jwk.find("kty").text() == "oct" ? member(jwk, "k") : std::nullopt;
      if (!secret || secret->empty()) continue;
      key.secret = *secret;
    } else {
      std::string why;
      key.key = from_jwk(jwk, config_.algorithm);
      if (key.key == nullptr || !fits(key.key.get(), why)) continue;
    }
    keys_.push_back(std::move(key));
  }
  if (keys_.empty()) report(path, "expected a key for " + std::string(algorithm_) + " in the set");
}

bool JwtVerifier::fits(evp_pkey_st* key, std::string& why) const {
  const std::string name(algorithm_);
  switch (family(config_.algorithm)) {
    case Family::hmac: return false;
    case Family::rsa:
    case Family::pss:
      why = name + " takes an RSA key of at least " + std::to_string(min_rsa_bits) + " bits";
      return (EVP_PKEY_is_a(key, "RSA") == 1 ||
              (family(config_.algorithm) == Family::pss && EVP_PKEY_is_a(key, "RSA-PSS") == 1)) &&
             EVP_PKEY_get_bits(key) >= min_rsa_bits;
    case Family::ecdsa: {
      const Curve on = curve(config_.algorithm);
      why = name + " takes a key on " + std::string(on.crv);
      char group[64] = {};
      std::size_t size = 0;
      return EVP_PKEY_is_a(key, "EC") == 1 && EVP_PKEY_get_group_name(key, group, sizeof group, &size) == 1 &&
             std::string_view(group, size) == on.name;
    }
    case Family::eddsa: why = name + " takes an Ed25519 key"; return EVP_PKEY_is_a(key, "ED25519") == 1;
  }
  return false;
}

bool JwtVerifier::signed_by(const Key& key, std::string_view input, std::string_view signature) const {
  const Family kind = family(config_.algorithm);
  const EVP_MD* const hash = digest(config_.algorithm);
  if (kind == Family::hmac) {
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    if (HMAC(hash, key.secret.data(), static_cast<int>(key.secret.size()), bytes_of(input), input.size(), mac, &size) == nullptr)
      return false;
    return net::signing::equal_in_constant_time({reinterpret_cast<const char*>(mac), size}, signature);
  }
  std::string der;
  if (kind == Family::ecdsa) {
    // RFC 7518 section 3.4: r and s, each of the curve's length; OpenSSL wants DER.
    const std::size_t half = curve(config_.algorithm).bytes;
    if (signature.size() != 2 * half) return false;
    const std::unique_ptr<ECDSA_SIG, Freer<ECDSA_SIG_free>> pair(ECDSA_SIG_new());
    BIGNUM* const r = BN_bin2bn(bytes_of(signature), static_cast<int>(half), nullptr);
    BIGNUM* const s = BN_bin2bn(bytes_of(signature.substr(half)), static_cast<int>(half), nullptr);
    if (pair == nullptr || ECDSA_SIG_set0(pair.get(), r, s) != 1) return BN_free(r), BN_free(s), false;
    unsigned char* out = nullptr;
    const int size = i2d_ECDSA_SIG(pair.get(), &out);
    if (size <= 0) return false;
    der.assign(reinterpret_cast<const char*>(out), static_cast<std::size_t>(size));
    OPENSSL_free(out);
    signature = der;
  }
  const MdContext context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* options = nullptr;
  bool good = context != nullptr && EVP_DigestVerifyInit(context.get(), &options, hash, nullptr, key.key.get()) == 1;
  if (good && kind == Family::pss) {
    good = EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) == 1;
  }
  good = good && EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(input), input.size()) == 1;
  ERR_clear_error();
  return good;
}

JwtVerifier::Outcome JwtVerifier::verify(std::string_view token, WallTime now, json::Reader& reader) const {
  const auto bad = [](std::string_view why) { return Outcome{Verdict::bad, why, {}}; };
  const std::size_t first = token.find('.');
  const std::size_t second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos)
    return bad("the token is malformed");
  const auto head_text = base64::decode_url(token.substr(0, first));
  const auto signature = base64::decode_url(token.substr(second + 1));
  if (!head_text || !signature) return bad("the token is malformed");
  const auto head = reader.read(*head_text, {.max_depth = max_depth});
  if (!head.ok() || !head->root().is_object()) return bad("the token is malformed");
  const Value algorithm = head->root().find("alg");
  if (!algorithm.is_string() || algorithm.text() != algorithm_) return bad("the token's algorithm is not taken");
  if (head->root().find("crit").exists()) return bad("the token has an extension that is not known");

  const std::string_view input = token.substr(0, second);
  const Value id = head->root().find("kid");
  bool good = false;
  if (!by_id_ || (!id.exists() && keys_.size() == 1)) {
    good = signed_by(keys_.front(), input, *signature);
  } else if (id.is_string()) {
    // Ids should differ, but need not.
    for (const Key& key : keys_) good = good || (key.id == id.text() && signed_by(key, input, *signature));
  }
  if (!good) return bad("the token's signature is not valid");

  const auto text = base64::decode_url(token.substr(first + 1, second - first - 1));
  if (!text) return bad("the token is malformed");
  auto claims = reader.read(*text, {.max_depth = max_depth});
  if (!claims.ok() || !claims->root().is_object()) return bad("the token is malformed");
  if (const std::string_view why = check_claims(claims->root(), now); !why.empty()) return bad(why);
  const bool complete = std::all_of(config_.required_claims.begin(), config_.required_claims.end(),
                                    [&](const std::string& name) { return claims->root().find(name).exists(); });
  if (!complete) return {Verdict::forbidden, "the token lacks a claim that is required", {}};
  return {Verdict::good, {}, std::move(*claims)};
}

std::string_view JwtVerifier::check_claims(Value claims, WallTime now) const {
  const double seconds = std::chrono::duration<double>(now.time_since_epoch()).count();
  const double leeway = config_.leeway;
  double at = 0;
  if (const Value expires = claims.find("exp")) {
    if (!date_of(expires, at)) return "the token is malformed";
    if (seconds >= at + leeway) return "the token has expired";
  }
  if (const Value begins = claims.find("nbf")) {
    if (!date_of(begins, at)) return "the token is malformed";
    if (seconds + leeway < at) return "the token is not valid yet";
  }
  if (config_.issuer) {
    const Value issuer = claims.find("iss");
    if (!issuer.is_string() || issuer.text() != *config_.issuer) return "the token is of another issuer";
  }
  if (config_.audience.empty()) return {};
  const auto wanted = [&](Value one) {
    return one.is_string() && std::find(config_.audience.begin(), config_.audience.end(), one.text()) != config_.audience.end();
  };
  const Value audience = claims.find("aud");
  bool found = wanted(audience);
  if (audience.is_array()) {
    for (const Value one : audience.elements()) found = found || wanted(one);
  }
  return found ? std::string_view() : std::string_view("the token is for another audience");
}

}  // namespace spikard::http
