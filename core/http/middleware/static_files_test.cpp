#include "http/middleware/static_files.hpp"

#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>

#include "http/server.hpp"
#include "http/test_server.hpp"

namespace spikard::http {
namespace {

struct StaticFilesTest : test::ServerTest {
  std::string root = "/tmp/spikard-static-XXXXXX";
  std::string outside;

  void SetUp() override {
    ASSERT_NE(::mkdtemp(root.data()), nullptr);
    outside = root + "-outside";
    std::filesystem::create_directories(root + "/d/e");
    std::filesystem::create_directories(root + "/.well-known");
    std::filesystem::create_directories(outside);
    put("a.txt", "0123456789");
    put("d/index.html", "<p>d</p>");
    put("x y.js", "1");
    put("empty", "");
    put(".env", "SECRET");
    put(".well-known/x.json", "{}");
    std::ofstream(outside + "/secret.txt") << "SECRET";
  }
  void TearDown() override {
    ServerTest::TearDown();
    std::filesystem::remove_all(root);
    std::filesystem::remove_all(outside);
  }
  void put(const std::string& name, const std::string& text) const { std::ofstream(root + "/" + name) << text; }
  void serve_files(const std::string& more = "", const std::string& beside = "") {
    serve(
        R"({"static_files": [{"prefix": "/s", "directory": ")" + root + R"(", "index_file": true, "cache_control": "no-cache")" +
        more + "}]" + beside +
        R"(, "routes": [{"method": "GET", "path": "/s/api"}, {"method": "POST", "path": "/s/a.txt"}, {"method": "GET", "path": "/s/a.txt"}]})");
  }
  static std::string header(const std::string& answer, const std::string& name) {
    const auto at = answer.find("\r\n" + name + ": ");
    if (at == std::string::npos) return "-";
    return answer.substr(at + name.size() + 4, answer.find("\r\n", at + 2) - at - name.size() - 4);
  }
  int file_handles() const {
    int n = 0;
    for (const auto& one : std::filesystem::directory_iterator("/proc/self/fd")) {
      std::error_code none;
      if (std::filesystem::read_symlink(one, none).string().starts_with(root + "/")) ++n;
    }
    return n;
  }
};

TEST_F(StaticFilesTest, a_file_comes_before_a_route_and_what_is_none_goes_on_to_the_routes) {
  serve_files();
  auto& client = connect();
  const std::string answer = exchange(client, get("/s/a.txt"));
  EXPECT_EQ(body(answer), "0123456789");
  EXPECT_EQ(header(answer, "content-type"), "text/plain; charset=utf-8");
  EXPECT_EQ(header(answer, "cache-control"), "no-cache");
  EXPECT_EQ(header(answer, "Content-Length"), "10");
  EXPECT_EQ(body(exchange(client, get("/s/api"))), "ok");
  EXPECT_EQ(status(exchange(client, "POST /s/a.txt HTTP/1.1\r\nHost: t\r\nContent-Length: 0\r\n\r\n")), 200);  // a route's
  EXPECT_EQ(body(exchange(client, get("/s/x%20y.js"))), "1");
  EXPECT_EQ(body(exchange(client, get("/s/.well-known/x.json"))), "{}");
  EXPECT_EQ(header(exchange(client, get("/s/empty")), "Content-Length"), "0");
  EXPECT_EQ(status(exchange(client, get("/sx"))), 404);
  const std::string head = exchange(client, "HEAD /s/d/index.html HTTP/1.1\r\nHost: t\r\nRange: bytes=0-1\r\n\r\n");
  EXPECT_EQ(status(head), 200);
  EXPECT_EQ(header(head, "Content-Length"), "8");
  EXPECT_EQ(body(head), "");
  const std::string put_answer = exchange(client, "PUT /s/d/ HTTP/1.1\r\nHost: t\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(status(put_answer), 405);
  EXPECT_EQ(header(put_answer, "allow"), "GET, HEAD");
  EXPECT_EQ(server->counts().in_flight, 0U);
  EXPECT_EQ(file_handles(), 0);
}

TEST_F(StaticFilesTest, folders) {
  serve_files();
  auto& client = connect();
  EXPECT_EQ(body(exchange(client, get("/s/d/"))), "<p>d</p>");
  const std::string moved = exchange(client, get("/s/d?q=1"));
  EXPECT_EQ(status(moved), 308);
  EXPECT_EQ(header(moved, "location"), "/s/d/?q=1");
  EXPECT_EQ(status(exchange(client, get("/s/d/e/"))), 404);
  EXPECT_EQ(status(exchange(client, get("/s/d/e"))), 404);
  EXPECT_EQ(status(exchange(client, get("/s/"))), 404);
  EXPECT_EQ(status(exchange(client, get("/s/a.txt/"))), 404);
}

TEST_F(StaticFilesTest, nothing_outside_the_folder) {
  std::filesystem::create_symlink(outside + "/secret.txt", root + "/absolute");
  std::filesystem::create_symlink("../" + std::filesystem::path(outside).filename().string() + "/secret.txt", root + "/relative");
  std::filesystem::create_symlink(outside, root + "/folder");
  std::filesystem::create_symlink("a.txt", root + "/inside");
  ASSERT_EQ(::mkfifo((root + "/fifo").c_str(), 0600), 0);
  serve_files();
  auto& client = connect();
  for (const char* path :
       {"/s/../etc/passwd", "/s/..%2F..%2Fetc%2Fpasswd", "/s/%2e%2e/%2e%2e/etc/passwd", "/s/a.txt/../../x", "/s/a.txt%00.html",
        "/s/..%5C..%5Cx", "/s//etc/passwd", "/s/%2fetc/passwd", "/s/./a.txt", "/s/absolute", "/s/relative",
        "/s/folder/secret.txt", "/s/.env", "/s/%2eenv", "/s/fifo", "/s/d//index.html", "/s/..", "/s/%", "/s/%zz"}) {
    const std::string answer = exchange(client, get(path));
    EXPECT_EQ(status(answer), 404) << path;
    EXPECT_EQ(answer.find("SECRET"), std::string::npos) << path;
  }
  EXPECT_EQ(body(exchange(client, get("/s/inside"))), "0123456789");
  EXPECT_EQ(status(exchange(client, get("/s/" + std::string(5000, 'a')))), 404);
}

TEST_F(StaticFilesTest, conditions_and_ranges_Rfc9110_13_14) {
  serve_files();
  auto& client = connect();
  const auto ask = [&](const std::string& headers) { return exchange(client, get("/s/a.txt", headers)); };
  const std::string first = ask("");
  const std::string etag = header(first, "etag"), modified = header(first, "last-modified");
  EXPECT_EQ(header(first, "accept-ranges"), "bytes");
  std::string answer = ask("If-None-Match: \"x\", W/" + etag + "\r\n");
  EXPECT_EQ(status(answer), 304);
  EXPECT_EQ(header(answer, "etag"), etag);
  EXPECT_EQ(header(answer, "cache-control"), "no-cache");
  EXPECT_EQ(body(answer), "");
  EXPECT_EQ(status(ask("If-None-Match: *\r\n")), 304);
  EXPECT_EQ(status(ask("If-Modified-Since: " + modified + "\r\n")), 304);
  EXPECT_EQ(status(ask("If-Modified-Since: " + modified + "\r\nIf-None-Match: \"x\"\r\n")), 200);
  EXPECT_EQ(status(ask("If-Match: \"x\"\r\n")), 412);
  EXPECT_EQ(status(ask("If-Match: " + etag + "\r\n")), 200);
  EXPECT_EQ(status(ask("If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n")), 412);
  const auto range = [&](const std::string& value, const std::string& more = "") {
    const std::string got = ask("Range: " + value + "\r\n" + more);
    return std::to_string(status(got)) + " " + header(got, "content-range") + " " + (status(got) == 416 ? "" : body(got));
  };
  EXPECT_EQ(range("bytes=2-4"), "206 bytes 2-4/10 234");
  EXPECT_EQ(range("bytes=-3"), "206 bytes 7-9/10 789");
  EXPECT_EQ(range("bytes=-99"), "206 bytes 0-9/10 0123456789");
  EXPECT_EQ(range("bytes=8-99"), "206 bytes 8-9/10 89");
  EXPECT_EQ(range("bytes=10-"), "416 bytes */10 ");
  EXPECT_EQ(range("bytes=-0"), "416 bytes */10 ");
  EXPECT_EQ(range("bytes=0-1,4-5"), "200 - 0123456789");
  EXPECT_EQ(range("bytes=4-2"), "200 - 0123456789");
  EXPECT_EQ(range("lines=1-2"), "200 - 0123456789");
  EXPECT_EQ(range("bytes=2-4", "If-Range: " + etag + "\r\n"), "206 bytes 2-4/10 234");
  EXPECT_EQ(range("bytes=2-4", "If-Range: " + modified + "\r\n"), "206 bytes 2-4/10 234");
  EXPECT_EQ(range("bytes=2-4", "If-Range: W/" + etag + "\r\n"), "200 - 0123456789");
  EXPECT_EQ(range("bytes=2-4", "If-Range: \"x\"\r\n"), "200 - 0123456789");
  answer = exchange(client, get("/s/empty", "Range: bytes=0-\r\n"));
  EXPECT_EQ(status(answer), 416);
  EXPECT_EQ(header(answer, "content-range"), "bytes */0");
}

TEST_F(StaticFilesTest, a_big_file_goes_out_as_the_client_keeps_up_and_in_turn) {
  std::string big;
  for (int i = 0; big.size() < 1'500'000; ++i) big += std::to_string(i) + "\n";
  put("big.bin", big);
  serve_files();
  auto& client = connect(4096);
  const std::string answer = exchange(client, get("/s/big.bin") + get("/s/a.txt") + get("/s/big.bin", "Connection: close\r\n"));
  std::string all = answer;
  for (int i = 0; i < 2000 && !client.ended; ++i) turn();
  all = client.in;
  EXPECT_TRUE(client.ended);
  EXPECT_EQ(count(all, "HTTP/1.1 200"), 3U);
  EXPECT_EQ(body(all).substr(0, big.size()), big);
  EXPECT_EQ(all.substr(all.size() - big.size()), big);
  EXPECT_EQ(file_handles(), 0);
}

TEST_F(StaticFilesTest, a_file_that_shrinks_and_a_client_that_goes_leave_nothing_open) {
  put("big.bin", std::string(1'000'000, 'x'));
  serve_files();
  auto& client = connect(4096);
  client.reading = false;
  exchange(client, get("/s/big.bin"));
  EXPECT_EQ(file_handles(), 1);
  std::filesystem::resize_file(root + "/big.bin", 10);
  client.reading = true;
  client.on_io(0);
  for (int i = 0; i < 200 && !client.ended; ++i) turn();
  EXPECT_TRUE(client.ended);
  EXPECT_LT(client.in.size(), 1'000'000U);
  put("big.bin", std::string(1'000'000, 'x'));
  auto& other = connect(4096);
  other.reading = false;
  exchange(other, get("/s/big.bin"));
  EXPECT_EQ(file_handles(), 1);
  other.transport->close();
  turn();
  EXPECT_EQ(file_handles(), 0);
  EXPECT_EQ(server->counts().in_flight, 0U);
}

TEST_F(StaticFilesTest, precompressed_siblings_are_files_of_their_own) {
  put("a.txt.gz", "GZIP");
  put("a.txt.br", "BR");
  serve_files(R"(, "precompressed": true)");
  auto& client = connect();
  std::string answer = exchange(client, get("/s/a.txt", "Accept-Encoding: gzip, br\r\n"));
  EXPECT_EQ(header(answer, "content-encoding"), "br");
  EXPECT_EQ(header(answer, "content-type"), "text/plain; charset=utf-8");
  EXPECT_EQ(header(answer, "vary"), "Accept-Encoding");
  EXPECT_EQ(body(answer), "BR");
  const std::string etag = header(answer, "etag");
  answer = exchange(client, get("/s/a.txt", "Accept-Encoding: gzip\r\nRange: bytes=1-2\r\n"));
  EXPECT_EQ(body(answer), "ZI");
  answer = exchange(client, get("/s/a.txt", "Accept-Encoding: zstd\r\n"));
  EXPECT_EQ(header(answer, "content-encoding"), "-");
  EXPECT_EQ(header(answer, "vary"), "Accept-Encoding");
  EXPECT_EQ(body(answer), "0123456789");
  EXPECT_NE(header(answer, "etag"), etag);
}

std::string unzipped(const std::string& coded) {
  z_stream z{};
  EXPECT_EQ(inflateInit2(&z, 15 + 16), Z_OK);
  std::string out(2'000'000, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(coded.data()));
  z.avail_in = static_cast<uInt>(coded.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflate(&z, Z_FINISH), Z_STREAM_END);
  out.resize(z.total_out);
  inflateEnd(&z);
  return out;
}
std::string unchunked(std::string text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t size = std::stoul(text, nullptr, 16), at = text.find("\r\n") + 2;
    if (size == 0) break;
    out += text.substr(at, size);
    text.erase(0, at + size + 2);
  }
  return out;
}

TEST_F(StaticFilesTest, compression_codes_files_but_no_ranges) {
  const std::string text(300'000, 'y');
  put("y.txt", text);
  serve_files("", R"(, "compression": {})");
  auto& client = connect();
  std::string answer = exchange(client, get("/s/y.txt", "Accept-Encoding: gzip\r\n"));
  EXPECT_EQ(header(answer, "content-encoding"), "gzip");
  EXPECT_TRUE(header(answer, "etag").starts_with("W/"));
  EXPECT_EQ(header(answer, "accept-ranges"), "-");
  EXPECT_EQ(unzipped(unchunked(body(answer))), text);
  answer = exchange(client, get("/s/y.txt", "Accept-Encoding: gzip\r\nIf-None-Match: " + header(answer, "etag") + "\r\n"));
  EXPECT_EQ(status(answer), 304);
  answer = exchange(client, get("/s/y.txt", "Accept-Encoding: gzip\r\nRange: bytes=0-1999\r\n"));
  EXPECT_EQ(header(answer, "content-encoding"), "-");
  EXPECT_EQ(body(answer), std::string(2000, 'y'));
  answer = exchange(client, "HEAD /s/y.txt HTTP/1.1\r\nHost: t\r\nAccept-Encoding: gzip\r\n\r\n");
  EXPECT_EQ(header(answer, "content-encoding"), "gzip");
  EXPECT_EQ(body(answer), "");
}

struct Compressed : StaticFilesTest {
  static constexpr const char* config =
      R"({"compression": {"min_size": 10, "brotli": false}, "hooks": {"on_response": ["a"]}, "routes": [{"method": "GET", "path": "/r"}]})";
};

TEST_F(Compressed, streams_reach_the_client_chunk_by_chunk) {
  serve(config);
  Exchange* handler = nullptr;
  sink.routes[0] = [&](Exchange& e) {
    handler = &e;
    const HeaderField type[] = {{"content-type", "text/plain"}, {"etag", "\"v\""}, {"content-length", "11"}};
    e.start(200, type);
    e.write("held, ");  // while the hook is still to run
  };
  auto& client = connect();
  std::string answer = exchange(client, get("/r", "Accept-Encoding: gzip\r\n"));
  EXPECT_EQ(header(answer, "content-encoding"), "gzip");
  EXPECT_EQ(header(answer, "Content-Length"), "-");
  EXPECT_EQ(header(answer, "etag"), "W/\"v\"");
  EXPECT_GT(body(answer).size(), 5U);
  const std::size_t before = client.in.size();
  handler->write("later");
  turn();
  EXPECT_GT(client.in.size(), before);
  handler->end();
  turn();
  EXPECT_EQ(unzipped(unchunked(body(client.in))), "held, later");
  EXPECT_EQ(exchange(client, get("/r", "Accept-Encoding: br\r\n")).find("content-encoding"), std::string::npos);
  handler->abort();
  turn();
}

TEST_F(Compressed, whole_answers_and_head) {
  serve(config);
  sink.routes[0] = [](Exchange& e) { e.reply({.format = BodyFormat::json, .body = R"({"a":"aaaaaaaaaaaaaaaaaaaa"})"}); };
  auto& client = connect();
  const std::string answer = exchange(client, get("/r", "Accept-Encoding: gzip\r\n"));
  EXPECT_EQ(header(answer, "vary"), "Accept-Encoding");
  EXPECT_EQ(unzipped(body(answer)), R"({"a":"aaaaaaaaaaaaaaaaaaaa"})");
  const std::string head = exchange(client, "HEAD /r HTTP/1.1\r\nHost: t\r\nAccept-Encoding: gzip\r\n\r\n");
  EXPECT_EQ(header(head, "Content-Length"), header(answer, "Content-Length"));
  EXPECT_EQ(body(head), "");
  sink.routes[0] = [](Exchange& e) { e.reply({.format = BodyFormat::text, .body = "123456789"}); };
  const std::string small = exchange(client, get("/r", "Accept-Encoding: gzip\r\n"));
  EXPECT_EQ(header(small, "content-encoding"), "-");
  EXPECT_EQ(header(small, "vary"), "Accept-Encoding");
}

}  // namespace
}  // namespace spikard::http
