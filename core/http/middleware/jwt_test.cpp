#include "http/middleware/jwt.hpp"

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <cstdio>
#include <fstream>

#include "base/base64.hpp"

namespace spikard::http {
namespace {

using services::JwtAlgorithm;

struct Pkey {
  EVP_PKEY* key;
  explicit Pkey(EVP_PKEY* k) : key(k) { EXPECT_NE(k, nullptr); }
  Pkey(const Pkey&) = delete;
  Pkey& operator=(const Pkey&) = delete;
  ~Pkey() { EVP_PKEY_free(key); }
  [[nodiscard]] std::string pem() const {
    BIO* bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PUBKEY(bio, key);
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    std::string out(data, static_cast<std::size_t>(size));
    BIO_free(bio);
    return out;
  }
  [[nodiscard]] std::string number(const char* name) const {
    BIGNUM* n = nullptr;
    EXPECT_EQ(EVP_PKEY_get_bn_param(key, name, &n), 1);
    std::string out(static_cast<std::size_t>(BN_num_bytes(n)), '\0');
    BN_bn2bin(n, reinterpret_cast<unsigned char*>(out.data()));
    BN_free(n);
    return out;
  }
};

const EVP_MD* hash(const std::string& alg) {
  if (alg == "EdDSA") return nullptr;
  return alg.ends_with("384") ? EVP_sha384() : alg.ends_with("512") ? EVP_sha512() : EVP_sha256();
}
std::size_t half(const std::string& alg) { return alg == "ES256" ? 32 : alg == "ES384" ? 48 : 66; }

std::string mac(const std::string& alg, const std::string& secret, const std::string& input) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  HMAC(hash(alg), secret.data(), static_cast<int>(secret.size()), reinterpret_cast<const unsigned char*>(input.data()),
       input.size(), out, &size);
  return {reinterpret_cast<char*>(out), size};
}
std::string signature(const std::string& alg, EVP_PKEY* key, const std::string& input) {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  EVP_PKEY_CTX* options = nullptr;
  EXPECT_EQ(EVP_DigestSignInit(context, &options, hash(alg), nullptr, key), 1);
  if (alg.starts_with("PS")) {
    EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING);
    EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST);
  }
  const auto* in = reinterpret_cast<const unsigned char*>(input.data());
  std::size_t size = 0;
  EVP_DigestSign(context, nullptr, &size, in, input.size());
  std::string out(size, '\0');
  EXPECT_EQ(EVP_DigestSign(context, reinterpret_cast<unsigned char*>(out.data()), &size, in, input.size()), 1);
  out.resize(size);
  EVP_MD_CTX_free(context);
  if (!alg.starts_with("ES")) return out;
  const auto* der = reinterpret_cast<const unsigned char*>(out.data());
  ECDSA_SIG* pair = d2i_ECDSA_SIG(nullptr, &der, static_cast<long>(out.size()));
  std::string raw(2 * half(alg), '\0');
  BN_bn2binpad(ECDSA_SIG_get0_r(pair), reinterpret_cast<unsigned char*>(raw.data()), static_cast<int>(half(alg)));
  BN_bn2binpad(ECDSA_SIG_get0_s(pair), reinterpret_cast<unsigned char*>(raw.data() + half(alg)), static_cast<int>(half(alg)));
  ECDSA_SIG_free(pair);
  return raw;
}

std::string unsigned_token(const std::string& header, const std::string& claims) {
  return base64::encode_url(header) + "." + base64::encode_url(claims);
}
std::string hs(const std::string& claims, const std::string& secret = "secret",
               const std::string& header = R"({"alg":"HS256"})") {
  const std::string input = unsigned_token(header, claims);
  return input + "." + base64::encode_url(mac("HS256", secret, input));
}
std::string asymmetric(const std::string& alg, EVP_PKEY* key, const std::string& more = {}) {
  const std::string input = unsigned_token(R"({"alg":")" + alg + "\"" + more + "}", R"({"sub":"u"})");
  return input + "." + base64::encode_url(signature(alg, key, input));
}

constexpr WallTime at(int seconds) { return WallTime(std::chrono::seconds(seconds)); }

struct Made {
  std::shared_ptr<const JwtVerifier> verifier;
  std::string problems;
};
Made make(const services::Jwt& config) {
  Made out;
  out.verifier = JwtVerifier::compile(config, "auth.jwt", [&](const std::string& path, std::string_view what) {
    out.problems.append(path).append(": ").append(what).append("\n");
  });
  return out;
}
std::string outcome(const std::shared_ptr<const JwtVerifier>& verifier, const std::string& token, WallTime now = at(1000)) {
  json::Reader reader;
  const JwtVerifier::Outcome found = verifier->verify(token, now, reader);
  if (found.verdict == JwtVerifier::Verdict::good) return json::to_string(found.claims.root());
  return (found.verdict == JwtVerifier::Verdict::forbidden ? "forbidden: " : "bad: ") + std::string(found.why);
}

struct Set {
  const char* alg;
  JwtAlgorithm algorithm;
};
constexpr Set all[] = {{"RS256", JwtAlgorithm::rs256}, {"RS384", JwtAlgorithm::rs384}, {"RS512", JwtAlgorithm::rs512},
                       {"PS256", JwtAlgorithm::ps256}, {"PS384", JwtAlgorithm::ps384}, {"PS512", JwtAlgorithm::ps512},
                       {"ES256", JwtAlgorithm::es256}, {"ES384", JwtAlgorithm::es384}, {"ES512", JwtAlgorithm::es512},
                       {"EdDSA", JwtAlgorithm::eddsa}};

EVP_PKEY* generate(const std::string& alg) {
  if (alg == "EdDSA") return EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
  if (alg.starts_with("ES")) return EVP_EC_gen(alg == "ES256" ? "P-256" : alg == "ES384" ? "P-384" : "P-521");
  return EVP_RSA_gen(2048);
}

TEST(Jwt, PublicKeysOfEveryAlgorithm) {
  const Pkey rsa(generate("RS256"));
  for (const Set& one : all) {
    const std::string alg = one.alg;
    const Pkey own(alg.starts_with("RS") || alg.starts_with("PS") ? (EVP_PKEY_up_ref(rsa.key), rsa.key) : generate(alg));
    services::Jwt config;
    config.algorithm = one.algorithm;
    config.public_key = own.pem();
    const Made made = make(config);
    ASSERT_NE(made.verifier, nullptr) << alg << made.problems;
    const std::string token = asymmetric(alg, own.key);
    EXPECT_EQ(outcome(made.verifier, token), R"({"sub":"u"})") << alg;
    std::string changed = token;
    changed[token.find('.') + 2] = changed[token.find('.') + 2] == 'A' ? 'B' : 'A';
    EXPECT_TRUE(outcome(made.verifier, changed).starts_with("bad: ")) << alg;
    EXPECT_EQ(outcome(made.verifier, token.substr(0, token.rfind('.') + 1)), "bad: the token's signature is not valid") << alg;
    // RFC 8725 section 2.1: the public key taken for a secret.
    const std::string input = unsigned_token(R"({"alg":"HS256"})", R"({"sub":"u"})");
    EXPECT_EQ(outcome(made.verifier, input + "." + base64::encode_url(mac("HS256", config.public_key, input))),
              "bad: the token's algorithm is not taken");
    const std::string lying = unsigned_token("{\"alg\":\"" + alg + "\"}", R"({"sub":"u"})");
    EXPECT_EQ(outcome(made.verifier, lying + "." + base64::encode_url(mac("HS256", config.public_key, lying))),
              "bad: the token's signature is not valid");
  }
}

TEST(Jwt, AnEcdsaSignatureHasOneForm) {
  const Pkey key(generate("ES256"));
  services::Jwt config;
  config.algorithm = JwtAlgorithm::es256;
  config.public_key = key.pem();
  const Made made = make(config);
  const std::string input = unsigned_token(R"({"alg":"ES256"})", "{}");
  const std::string raw = signature("ES256", key.key, input);
  EXPECT_EQ(outcome(made.verifier, input + "." + base64::encode_url(raw)), "{}");
  for (const std::string& bad : {std::string(64, '\0'), raw.substr(0, 63), raw + std::string(1, '\0'), std::string(64, '\xff')})
    EXPECT_EQ(outcome(made.verifier, input + "." + base64::encode_url(bad)), "bad: the token's signature is not valid");
}

TEST(Jwt, MalformedTokens) {
  const Made made = make({.secret = "secret"});
  const std::string good = hs("{}");
  EXPECT_EQ(outcome(made.verifier, good), "{}");
  for (const std::string& bad :
       {std::string(), std::string("."), std::string(".."), std::string("a.b"), good + ".x", "." + good, good + "=", good + " ",
        hs("[]"), hs("{"), hs("\xff"), hs("{}", "secret", "[]"), hs("{}", "secret", "{}"), hs("{}", "secret", R"({"alg":256})"),
        hs("{}", "secret", R"({"alg":"HS256")"), hs(std::string(100, '[') + std::string(100, ']'))})
    EXPECT_TRUE(outcome(made.verifier, bad).starts_with("bad: ")) << bad;
  EXPECT_EQ(outcome(made.verifier, hs("{}", "secret", R"({"alg":"hs256"})")), "bad: the token's algorithm is not taken")
      << "names are case-sensitive";
  EXPECT_EQ(outcome(made.verifier, unsigned_token(R"({"alg":"none"})", "{}") + "."), "bad: the token's algorithm is not taken");
  EXPECT_EQ(outcome(made.verifier, hs("{}", "secret", R"({"alg":"HS256","crit":["b64"],"b64":false})")),
            "bad: the token has an extension that is not known");
  EXPECT_EQ(outcome(made.verifier, hs("{}", "other")), "bad: the token's signature is not valid");
}

TEST(Jwt, Times) {
  const Made strict = make({.secret = "secret"});
  const Made lenient = make({.secret = "secret", .leeway = 10});
  const auto token = [](const char* claim, int n) { return hs("{\"" + std::string(claim) + "\":" + std::to_string(n) + "}"); };
  EXPECT_EQ(outcome(strict.verifier, token("exp", 1001)), R"({"exp":1001})");
  EXPECT_EQ(outcome(strict.verifier, token("exp", 1000)), "bad: the token has expired") << "RFC 7519 section 4.1.4: on or after";
  EXPECT_EQ(outcome(lenient.verifier, token("exp", 991)), R"({"exp":991})");
  EXPECT_EQ(outcome(lenient.verifier, token("exp", 990)), "bad: the token has expired");
  EXPECT_EQ(outcome(strict.verifier, token("nbf", 1000)), R"({"nbf":1000})");
  EXPECT_EQ(outcome(strict.verifier, token("nbf", 1001)), "bad: the token is not valid yet");
  EXPECT_EQ(outcome(lenient.verifier, token("nbf", 1010)), R"({"nbf":1010})");
  EXPECT_EQ(outcome(lenient.verifier, token("nbf", 1011)), "bad: the token is not valid yet");
  EXPECT_EQ(outcome(strict.verifier, hs(R"({"exp":1000.5})")), R"({"exp":1000.5})");
  for (const char* claims : {R"({"exp":"1001"})", R"({"exp":null})", R"({"exp":1e999})", R"({"nbf":[]})"})
    EXPECT_EQ(outcome(strict.verifier, hs(claims)), "bad: the token is malformed") << claims;
}

TEST(Jwt, Claims) {
  const Made made = make({.secret = "secret", .issuer = "me", .audience = {"a", "b"}, .required_claims = {"role"}});
  EXPECT_EQ(outcome(made.verifier, hs(R"({"iss":"me","aud":"b","role":null})")), R"({"iss":"me","aud":"b","role":null})");
  EXPECT_EQ(outcome(made.verifier, hs(R"({"iss":"me","aud":["x","a"],"role":1})")), R"({"iss":"me","aud":["x","a"],"role":1})");
  EXPECT_EQ(outcome(made.verifier, hs(R"({"iss":"me","aud":"a"})")), "forbidden: the token lacks a claim that is required");
  for (const char* claims :
       {R"({"aud":"a","role":1})", R"({"iss":["me"],"aud":"a","role":1})", R"({"iss":"Me","aud":"a","role":1})"})
    EXPECT_EQ(outcome(made.verifier, hs(claims)), "bad: the token is of another issuer") << claims;
  for (const char* claims : {R"({"iss":"me","role":1})", R"({"iss":"me","aud":"c"})", R"({"iss":"me","aud":[]})",
                             R"({"iss":"me","aud":{"a":1}})", R"({"iss":"me","aud":[["a"]]})"})
    EXPECT_EQ(outcome(made.verifier, hs(claims)), "bad: the token is for another audience") << claims;
}

TEST(Jwt, Scopes) {
  const auto has = [](const char* claims, const std::vector<std::string>& wanted) {
    return has_scopes(json::parse(claims).value().root(), wanted);
  };
  EXPECT_TRUE(has(R"({"scope":"read  write"})", {"write", "read"}));
  EXPECT_TRUE(has(R"({"scp":["read","write"]})", {"write"}));
  EXPECT_TRUE(has(R"({"scopes":["read"],"scope":"write"})", {"write", "read"}));
  EXPECT_FALSE(has(R"({"scope":"reads"})", {"read"}));
  EXPECT_FALSE(has(R"({"scope":["read write"]})", {"read"}));
  EXPECT_FALSE(has("{}", {"read"}));
}

TEST(Jwt, KeySets) {
  const Pkey rsa(generate("RS256"));
  const Pkey other(generate("RS256"));
  const Pkey ec(generate("ES256"));
  const auto jwk = [](const Pkey& key, const std::string& id) {
    return R"({"kty":"RSA","kid":")" + id + R"(","use":"sig","n":")" + base64::encode_url(key.number(OSSL_PKEY_PARAM_RSA_N)) +
           R"(","e":")" + base64::encode_url(key.number(OSSL_PKEY_PARAM_RSA_E)) + "\"}";
  };
  const std::string x = ec.number(OSSL_PKEY_PARAM_EC_PUB_X);
  const std::string y = ec.number(OSSL_PKEY_PARAM_EC_PUB_Y);
  const auto padded = [](const std::string& n) { return base64::encode_url(std::string(32 - n.size(), '\0') + n); };
  const std::string ec_jwk = R"({"kty":"EC","crv":"P-256","kid":"e","x":")" + padded(x) + R"(","y":")" + padded(y) + "\"}";
  const std::string file = ::testing::TempDir() + "jwks_test.json";
  const auto write = [&](const std::string& text) { std::ofstream(file, std::ios::binary) << text; };
  write(R"({"keys":[)" + jwk(rsa, "one") + "," + jwk(other, "two") + "," + ec_jwk + R"(,{"kty":"new"},7]})");
  const Made made = make({.algorithm = JwtAlgorithm::rs256, .jwks_file = file});
  ASSERT_NE(made.verifier, nullptr) << made.problems;
  EXPECT_EQ(outcome(made.verifier, asymmetric("RS256", rsa.key, R"(,"kid":"one")")), R"({"sub":"u"})");
  EXPECT_EQ(outcome(made.verifier, asymmetric("RS256", other.key, R"(,"kid":"two")")), R"({"sub":"u"})");
  EXPECT_TRUE(outcome(made.verifier, asymmetric("RS256", rsa.key, R"(,"kid":"two")")).starts_with("bad: "));
  EXPECT_TRUE(outcome(made.verifier, asymmetric("RS256", rsa.key, R"(,"kid":"three")")).starts_with("bad: "));
  EXPECT_TRUE(outcome(made.verifier, asymmetric("RS256", rsa.key)).starts_with("bad: ")) << "two keys, and none is named";
  const Made one = make({.algorithm = JwtAlgorithm::es256, .jwks_file = file});
  ASSERT_NE(one.verifier, nullptr) << one.problems;
  EXPECT_EQ(outcome(one.verifier, asymmetric("ES256", ec.key)), R"({"sub":"u"})");
  EXPECT_EQ(make({.algorithm = JwtAlgorithm::eddsa, .jwks_file = file}).problems,
            "auth.jwt.jwks_file: expected a key for EdDSA in the set\n");
  write("[]");
  EXPECT_EQ(make({.algorithm = JwtAlgorithm::rs256, .jwks_file = file}).problems,
            "auth.jwt.jwks_file: expected a JSON Web Key Set: an object with a list `keys`\n");
  std::remove(file.c_str());
  EXPECT_EQ(make({.algorithm = JwtAlgorithm::rs256, .jwks_file = file}).problems,
            "auth.jwt.jwks_file: cannot read " + file + "\n");
}

TEST(Jwt, FaultyConfigurationsNameTheFieldAndNoKey) {
  EXPECT_EQ(make({}).problems, "auth.jwt.secret: expected the key of HS256\n");
  EXPECT_EQ(make({.algorithm = JwtAlgorithm::rs256}).problems, "auth.jwt.public_key: expected the key of RS256\n");
  EXPECT_EQ(make({.algorithm = JwtAlgorithm::rs256, .secret = "hidden"}).problems, "auth.jwt.secret: RS256 takes a public key\n");
  EXPECT_EQ(make({.public_key = "hidden"}).problems, "auth.jwt.public_key: HS256 takes a secret\n");
  EXPECT_EQ(make({.secret = "hidden", .public_key = "hidden"}).problems, "auth.jwt: expected one key, got secret, public_key\n");
  EXPECT_EQ(make({.algorithm = JwtAlgorithm::rs256, .public_key = "hidden"}).problems,
            "auth.jwt.public_key: expected a PEM public key or certificate\n");
  EXPECT_EQ(make({.algorithm = JwtAlgorithm::rs256, .public_key_file = "/nonexistent"}).problems,
            "auth.jwt.public_key_file: cannot read /nonexistent\n");
  const Pkey ec(generate("ES256"));
  EXPECT_EQ(make({.algorithm = JwtAlgorithm::es384, .public_key = ec.pem()}).problems,
            "auth.jwt.public_key: ES384 takes a key on P-384\n");
  EXPECT_EQ(make({.algorithm = JwtAlgorithm::eddsa, .public_key = ec.pem()}).problems,
            "auth.jwt.public_key: EdDSA takes an Ed25519 key\n");
  const Pkey small(EVP_RSA_gen(1024));
  EXPECT_EQ(make({.algorithm = JwtAlgorithm::ps256, .public_key = small.pem()}).problems,
            "auth.jwt.public_key: PS256 takes an RSA key of at least 2048 bits\n");
}

}  // namespace
}  // namespace spikard::http
