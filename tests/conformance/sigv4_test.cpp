// AWS's vectors of Signature Version 4 (conformance/sigv4 beside the repository): canonical request, string to sign, signature
// and signed request, in header and query form.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/json.hpp"
#include "net/signing/hash.hpp"
#include "net/signing/sigv4.hpp"

namespace spikard::net::signing {
namespace {

namespace fs = std::filesystem;
const fs::path vectors = "../shared/conformance/sigv4/tests/aws-signing-test-suite/v4";

std::string slurp(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

struct Vector {
  SigV4 with;
  SigningRequest request;
  std::vector<std::string> header_lines;
  std::string target;
  std::string body;
  std::uint32_t expires_s = 0;
};

Vector load(const fs::path& folder) {
  Vector out;
  auto document = json::parse(slurp(folder / "context.json"));
  EXPECT_TRUE(document.ok());
  const Value context = document->root();
  const Value credentials = context.find("credentials");
  const auto text = [](Value v) { return v ? std::string(v.text()) : std::string(); };
  out.with.credentials = {text(credentials.find("access_key_id")), text(credentials.find("secret_access_key")),
                          text(credentials.find("token"))};
  out.with.region = text(context.find("region"));
  out.with.service = text(context.find("service"));
  EXPECT_EQ(text(context.find("timestamp")), "2015-08-30T12:36:00Z");
  out.with.time = WallTime{std::chrono::seconds(1440938160)};
  out.with.normalize_path = context.find("normalize").as_bool();
  out.with.content_header = context.find("sign_body").as_bool();
  if (const Value omit = context.find("omit_session_token")) out.with.sign_session_token = !omit.as_bool();
  out.expires_s = static_cast<std::uint32_t>(context.find("expiration_in_seconds").as_int());

  const std::string raw = slurp(folder / "request.txt");
  const std::size_t head_end = std::min(raw.find("\n\n"), raw.size());
  if (head_end < raw.size()) out.body = raw.substr(head_end + 2);
  const std::string head = raw.substr(0, head_end);
  const std::size_t line_end = std::min(head.find('\n'), head.size());
  const std::string line = head.substr(0, line_end);
  out.request.method = line.substr(0, line.find(' '));
  out.target = line.substr(line.find(' ') + 1, line.rfind(' ') - line.find(' ') - 1);
  const std::size_t query = std::min(out.target.find('?'), out.target.size());
  out.request.path = out.target.substr(0, query);
  if (query < out.target.size()) out.request.query = out.target.substr(query + 1);
  for (std::size_t at = line_end + 1; at < head.size();) {
    const std::size_t end = std::min(head.find('\n', at), head.size());
    const std::string field = head.substr(at, end - at);
    at = end + 1;
    out.header_lines.push_back(field);
    if (field.front() == ' ') {
      out.request.headers.back().second += field;
    } else {
      out.request.headers.emplace_back(field.substr(0, field.find(':')), field.substr(field.find(':') + 1));
    }
  }
  return out;
}

std::string whole(const Vector& v, const std::string& target, const Signed& with) {
  std::string out = v.request.method + " " + target + " HTTP/1.1\n";
  std::vector<std::string> lines = v.header_lines;
  for (const auto& [name, value] : with.new_headers) lines.push_back(name + ":" + value);
  for (const auto& line : lines) out += line + "\n";
  out += "\n" + v.body;
  while (out.back() == '\n') out.pop_back();
  return out;
}

std::string sorted_lines(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  std::sort(lines.begin() + 1, lines.end());
  std::string out;
  for (const auto& line : lines) out += line + "\n";
  return out;
}

TEST(SigV4Conformance, EveryVector) {
  if (!fs::exists(vectors)) GTEST_SKIP() << "left out: " << vectors << " is not there";
  int seen = 0;
  for (const auto& entry : fs::directory_iterator(vectors)) {
    SCOPED_TRACE(entry.path().filename().string());
    const Vector v = load(entry.path());
    const std::string payload_hash = hex(sha256(v.body));
    const Signed header = sign_headers(v.with, v.request, payload_hash);
    EXPECT_EQ(header.canonical_request, slurp(entry.path() / "header-canonical-request.txt"));
    EXPECT_EQ(header.string_to_sign, slurp(entry.path() / "header-string-to-sign.txt"));
    EXPECT_EQ(header.signature, slurp(entry.path() / "header-signature.txt"));
    // The order of the headers that are added is free.
    EXPECT_EQ(sorted_lines(whole(v, v.target, header)), sorted_lines(slurp(entry.path() / "header-signed-request.txt")));
    const Signed query = sign_query(v.with, v.request, payload_hash, v.expires_s);
    EXPECT_EQ(query.canonical_request, slurp(entry.path() / "query-canonical-request.txt"));
    EXPECT_EQ(query.string_to_sign, slurp(entry.path() / "query-string-to-sign.txt"));
    EXPECT_EQ(query.signature, slurp(entry.path() / "query-signature.txt"));
    EXPECT_EQ(whole(v, v.request.path + "?" + query.query, query), slurp(entry.path() / "query-signed-request.txt"));
    ++seen;
  }
  EXPECT_EQ(seen, 38);
}

}  // namespace
}  // namespace spikard::net::signing
