#include "app/storage_http.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "http/test_server.hpp"
#include "net/blocking_pool.hpp"
#include "storage/client.hpp"

namespace spikard::app {
namespace {

/// A server whose routes serve and store objects: GET /o/{key:path}, PUT /s/{key:path} (streamed), PUT /b/{key:path} (buffered).
struct StorageHttpTest : http::test::ServerTest, ::testing::WithParamInterface<const char*> {
  std::unique_ptr<net::BlockingPool> pool;
  std::shared_ptr<storage::Client> store;
  std::unique_ptr<StorageHttp> layer;
  std::string folder = "/tmp/spikard-storage-http-XXXXXX";
  StoreOptions store_options;
  ServeOptions serve_options;

  void SetUp() override {
    loop = net::Loop::create(virtual_clock).value();
    pool = std::make_unique<net::BlockingPool>(virtual_clock);
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    services::StorageConfig config;
    config.url = std::string(GetParam()) == "memory" ? "memory:" : "file:" + folder;
    config.presign.max_upload_bytes = 5'000'000;
    store = storage::Client::open(config, storage::Environment(virtual_clock, *pool)).value();
    const std::string body = R"("body": {"content_types": ["*/*"], "required": false, "mode": )";
    const std::string key = R"("parameters": [{"in": "path", "name": "key"}])";
    auto document = json::parse(
        R"({"routes": [{"method": "GET", "path": "/o/{key:path}", )" + key + R"(}, {"method": "PUT", "path": "/s/{key:path}", )" +
        key + ", " + body + R"("stream"}}, {"method": "PUT", "path": "/b/{key:path}", )" + key + ", " + body + R"("buffer"}}]})");
    auto http = services::http_config_from_json(document->root(), "http").value();
    auto routes = StorageRoutes::create({{"default", config}}, http, [this](const std::string& name) {
      EXPECT_EQ(name, "default");
      return Result<std::shared_ptr<storage::Client>>(store);
    });
    ASSERT_TRUE(routes.ok());
    ASSERT_EQ(http.routes.size(), 5U);
    auto compiled = http::CompiledHttp::compile(http);
    ASSERT_TRUE(compiled.ok()) << compiled.error().to_string();
    layer = std::make_unique<StorageHttp>(*loop, sink, *routes, "https://problems/");
    const auto key_of = [](http::Exchange& e) {
      return std::string(Value(e.record().nodes(e.record().params), e.record().base()).text());
    };
    sink.routes[0] = [this, key_of](http::Exchange& e) { layer->serve(e, store, key_of(e), serve_options); };
    sink.routes[1] = sink.routes[2] = [this, key_of](http::Exchange& e) { layer->store(e, store, key_of(e), store_options); };
    http::ServerOptions options;
    options.on_failure = [this](const http::Exchange&, const http::Failure& failure) { failures.emplace_back(failure.message); };
    server = http::Server::create(*loop, *compiled, *layer, std::move(options)).value();
  }
  void TearDown() override {
    server.reset();
    layer.reset();
    clients.clear();
    store.reset();
    pool->stop();
    turn();
    loop.reset();
    std::filesystem::remove_all(folder);
  }
  /// Turns until all is at rest: jobs of the pool included.
  void settle() {
    for (int quiet = 0; quiet < 20;) quiet = loop->turn(1) == 0 && virtual_clock.busy_count() == 0 ? quiet + 1 : 0;
  }
  std::string ask(const std::string& bytes) {
    auto& client = connect(std::size_t{1} << 24);
    client.send(bytes);
    settle();
    return client.in;
  }
  void put(const std::string& key, const std::string& data, storage::WriteOptions options = {}) {
    bool done = false;
    spawn(store->write(net::Caller(*loop), key, data, std::move(options)),
          [&](std::exception_ptr, std::optional<Result<storage::ObjectInfo>> info) {
            EXPECT_TRUE(info->ok());
            last = **info;
            done = true;
          });
    while (!done) loop->turn(1);
  }
  std::string stored(const std::string& key) {
    std::string out;
    bool done = false;
    spawn(store->read(net::Caller(*loop), key), [&](std::exception_ptr, std::optional<Result<storage::Object>> object) {
      out = object->ok() ? (*object)->data : std::string(name_of(object->error().kind()));
      if (object->ok()) last = (*object)->info;
      done = true;
    });
    while (!done) loop->turn(1);
    return out;
  }
  std::string presign(storage::PresignMethod method, const std::string& key, std::uint32_t expires_s = 60) {
    std::string out;
    spawn(store->presign(net::Caller(*loop), method, key, expires_s),
          [&](std::exception_ptr, std::optional<Result<storage::PresignedUrl>> url) { out = (*url)->url; });
    return out;
  }
  static std::string put_request(const std::string& target, const std::string& body, const std::string& headers = {}) {
    return "PUT " + target + " HTTP/1.1\r\nHost: t\r\n" + headers + "Content-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
  }
  static std::string field(const std::string& answer, const std::string& name) {
    std::string lower;
    for (const char c : answer.substr(0, answer.find("\r\n\r\n"))) lower.push_back(static_cast<char>(std::tolower(c)));
    const auto at = lower.find("\r\n" + name + ": ");
    if (at == std::string::npos) return "-";
    const auto from = at + name.size() + 4;
    return answer.substr(from, answer.find("\r\n", from) - from);
  }
  storage::ObjectInfo last;
};
INSTANTIATE_TEST_SUITE_P(Backends, StorageHttpTest, ::testing::Values("memory", "file"),
                         [](const auto& at) { return std::string(at.param); });

TEST_P(StorageHttpTest, AnObjectIsAnAnswer) {
  storage::WriteOptions options;
  options.content_type = "text/plain; charset=utf-8";
  options.cache_control = "max-age=5";
  options.content_disposition = "attachment";
  put("a/b c", "0123456789", options);
  const std::string answer = ask(get("/o/a/b%20c"));
  EXPECT_EQ(status(answer), 200);
  EXPECT_EQ(body(answer), "0123456789");
  EXPECT_EQ(field(answer, "content-length"), "10");
  EXPECT_EQ(field(answer, "content-type"), "text/plain; charset=utf-8");
  EXPECT_EQ(field(answer, "cache-control"), "max-age=5");
  EXPECT_EQ(field(answer, "content-disposition"), "attachment");
  EXPECT_EQ(field(answer, "etag"), last.etag);
  EXPECT_EQ(field(answer, "last-modified"), "Thu, 01 Jan 2026 00:00:00 GMT");
  EXPECT_EQ(field(answer, "accept-ranges"), "bytes");
  EXPECT_EQ(field(answer, "x-content-type-options"), "nosniff");
  put("bare", "");
  const std::string empty = ask(get("/o/bare"));
  EXPECT_EQ(status(empty), 200);
  EXPECT_EQ(field(empty, "content-type"), "application/octet-stream");
  EXPECT_EQ(field(empty, "content-length"), "0");
  serve_options.content_disposition = "inline";
  serve_options.cache_control = "no-store";
  EXPECT_EQ(field(ask(get("/o/a/b%20c")), "content-disposition"), "inline");
  EXPECT_EQ(layer->in_hand(), 0U);
}

TEST_P(StorageHttpTest, WhatIsNotThere) {
  const std::string answer = ask(get("/o/no"));
  EXPECT_EQ(status(answer), 404);
  EXPECT_EQ(field(answer, "content-type"), "application/problem+json");
  EXPECT_EQ(body(answer),
            R"({"type":"https://problems/not-found","title":"Not Found","status":404,"detail":"There is no such object"})");
  EXPECT_EQ(status(ask(get("/o/a//b"))), 400);
  EXPECT_EQ(status(ask("HEAD /o/no HTTP/1.1\r\nHost: t\r\n\r\n")), 404);
}

TEST_P(StorageHttpTest, HeadHasTheHeadersOnly) {
  put("k", "0123456789");
  const std::string answer = ask("HEAD /o/k HTTP/1.1\r\nHost: t\r\nRange: bytes=0-1\r\n\r\n");
  EXPECT_EQ(status(answer), 200);
  EXPECT_EQ(field(answer, "content-length"), "10");
  EXPECT_EQ(field(answer, "etag"), last.etag);
  EXPECT_EQ(body(answer), "");
}

TEST_P(StorageHttpTest, Ranges) {
  put("k", "0123456789");
  const auto part = [&](const std::string& range, const std::string& more = {}) {
    const std::string answer = ask(get("/o/k", "Range: " + range + "\r\n" + more));
    return std::to_string(status(answer)) + " " + field(answer, "content-range") + " " +
           (status(answer) < 300 ? body(answer) : "");
  };
  EXPECT_EQ(part("bytes=2-4"), "206 bytes 2-4/10 234");
  EXPECT_EQ(part("bytes=8-99"), "206 bytes 8-9/10 89");
  EXPECT_EQ(part("bytes=6-"), "206 bytes 6-9/10 6789");
  EXPECT_EQ(part("bytes=-3"), "206 bytes 7-9/10 789");
  EXPECT_EQ(part("bytes=-50"), "206 bytes 0-9/10 0123456789");
  EXPECT_EQ(part("bytes=0-18446744073709551615"), "206 bytes 0-9/10 0123456789");
  EXPECT_EQ(part("bytes=10-"), "416 bytes */10 ");
  EXPECT_EQ(part("bytes=-0"), "416 bytes */10 ");
  EXPECT_EQ(part("bytes=0-1,3-4"), "200 - 0123456789");
  EXPECT_EQ(part("bytes=x"), "200 - 0123456789");
  // If-Range
  EXPECT_EQ(part("bytes=2-4", "If-Range: " + last.etag + "\r\n"), "206 bytes 2-4/10 234");
  EXPECT_EQ(part("bytes=2-4", "If-Range: \"other\"\r\n"), "200 - 0123456789");
  EXPECT_EQ(part("bytes=2-4", "If-Range: W/" + last.etag + "\r\n"), "200 - 0123456789");
  EXPECT_EQ(part("bytes=20-", "If-Range: \"other\"\r\n"), "200 - 0123456789");
  EXPECT_EQ(part("bytes=2-4", "If-Range: Thu, 01 Jan 2026 00:00:00 GMT\r\n"), "206 bytes 2-4/10 234");
  EXPECT_EQ(part("bytes=2-4", "If-Range: Thu, 01 Jan 2026 00:00:01 GMT\r\n"), "200 - 0123456789");
  // Conditions come first.
  EXPECT_EQ(part("bytes=20-", "If-None-Match: " + last.etag + "\r\n"), "304 - ");
  EXPECT_EQ(part("bytes=2-4", "If-Match: \"other\"\r\n"), "412 - ");
  put("k", "");
  EXPECT_EQ(part("bytes=0-"), "416 bytes */0 ");
  EXPECT_EQ(part("bytes=-5"), "200 - ");
}

TEST_P(StorageHttpTest, Conditions) {
  put("k", "x");
  const auto with = [&](const std::string& headers) { return status(ask(get("/o/k", headers))); };
  EXPECT_EQ(with("If-None-Match: " + last.etag + "\r\n"), 304);
  EXPECT_EQ(with("If-None-Match: W/" + last.etag + "\r\n"), 304);
  EXPECT_EQ(with("If-None-Match: \"a\", " + last.etag + " ,\"b\"\r\n"), 304);
  EXPECT_EQ(with("If-None-Match: \"a\"\r\nIf-None-Match: " + last.etag + "\r\n"), 304);
  EXPECT_EQ(with("If-None-Match: *\r\n"), 304);
  EXPECT_EQ(with("If-None-Match: \"a\"\r\n"), 200);
  EXPECT_EQ(with("If-Match: " + last.etag + "\r\n"), 200);
  EXPECT_EQ(with("If-Match: *\r\n"), 200);
  EXPECT_EQ(with("If-Match: W/" + last.etag + "\r\n"), 412);
  EXPECT_EQ(with("If-Match: \"a\"\r\n"), 412);
  EXPECT_EQ(with("If-Modified-Since: Thu, 01 Jan 2026 00:00:00 GMT\r\n"), 304);
  EXPECT_EQ(with("If-Modified-Since: Wed, 31 Dec 2025 23:59:59 GMT\r\n"), 200);
  EXPECT_EQ(with("If-Modified-Since: rubbish\r\n"), 200);
  EXPECT_EQ(with("If-Unmodified-Since: Thu, 01 Jan 2026 00:00:00 GMT\r\n"), 200);
  EXPECT_EQ(with("If-Unmodified-Since: Wed, 31 Dec 2025 23:59:59 GMT\r\n"), 412);
  EXPECT_EQ(with("If-None-Match: \"a\"\r\nIf-Modified-Since: Thu, 01 Jan 2026 00:00:00 GMT\r\n"), 200);
  const std::string not_modified = ask(get("/o/k", "If-None-Match: " + last.etag + "\r\n"));
  EXPECT_EQ(field(not_modified, "etag"), last.etag);
  EXPECT_EQ(field(not_modified, "content-type"), "-");
  EXPECT_EQ(body(not_modified), "");
  EXPECT_EQ(status(ask("HEAD /o/k HTTP/1.1\r\nHost: t\r\nIf-None-Match: *\r\n\r\n")), 304);
}

TEST_P(StorageHttpTest, AStreamGoesAsFastAsItIsTaken) {
  std::string big;
  while (big.size() < 3'000'000) big += std::to_string(big.size()) + ",";
  put("big", big);
  auto& client = connect(8192);
  client.reading = false;
  client.send(get("/o/big"));
  settle();
  EXPECT_EQ(layer->in_hand(), 1U);  // it waits for the reader
  client.reading = true;
  client.on_io(0);
  for (int i = 0; i < 20000 && layer->in_hand() > 0; ++i) loop->turn(1);
  settle();
  EXPECT_EQ(field(client.in, "content-length"), std::to_string(big.size()));
  EXPECT_TRUE(body(client.in) == big);
  // A range of it, over several parts.
  const std::string part = ask(get("/o/big", "Range: bytes=1000-1999999\r\n"));
  EXPECT_EQ(status(part), 206);
  EXPECT_TRUE(body(part) == big.substr(1000, 1999000));
}

TEST_P(StorageHttpTest, AReaderThatGoesEndsTheStream) {
  put("big", std::string(3'000'000, 'x'));
  auto& client = connect(8192);
  client.reading = false;
  client.send(get("/o/big"));
  settle();
  EXPECT_EQ(layer->in_hand(), 1U);
  clients.clear();
  settle();
  EXPECT_EQ(layer->in_hand(), 0U);
}

TEST_P(StorageHttpTest, AServerThatClosesDropsWhatIsInHand) {
  put("big", std::string(3'000'000, 'x'));
  for (int i = 0; i < 3; ++i) {
    auto& client = connect(8192);
    client.reading = false;
    client.send(i < 2 ? get("/o/big") : "PUT /s/k HTTP/1.1\r\nHost: t\r\nContent-Length: 100\r\n\r\nxx");
    if (i > 0) settle();
    else turn(3);
  }
  server.reset();
  layer->on_close();
  EXPECT_EQ(layer->in_hand(), 0U);
  settle();
}

TEST_P(StorageHttpTest, ABodyIsAnObject) {
  const std::string octets = "Content-Type: application/octet-stream\r\n";  // a body without type counts as JSON
  for (const char* target : {"/s/a/b", "/b/a/b"}) {
    const std::string answer = ask(put_request(target, "hello", "Content-Type: text/plain\r\n"));
    EXPECT_EQ(status(answer), 201) << answer;
    EXPECT_EQ(stored("a/b"), "hello");
    EXPECT_EQ(last.content_type, "text/plain");
    EXPECT_EQ(field(answer, "etag"), last.etag);
    EXPECT_EQ(body(answer).substr(0, 23), R"({"key":"a/b","size":5,")");
    EXPECT_EQ(status(ask(put_request(target, ""))), 201);
    EXPECT_EQ(stored("a/b"), "");
    EXPECT_FALSE(last.content_type.has_value());
    EXPECT_EQ(status(ask(put_request(target, "x", octets + "If-None-Match: *\r\n"))), 412);
    EXPECT_EQ(status(ask(put_request(target, "x", octets + "If-Match: \"other\"\r\n"))), 412);
    EXPECT_EQ(status(ask(put_request(target, "x", octets + "If-None-Match: \"other\"\r\n"))), 400);
    EXPECT_EQ(stored("a/b"), "");
    EXPECT_EQ(status(ask(put_request(target, "y", octets + "If-Match: " + last.etag + "\r\n"))), 201);
    EXPECT_EQ(stored("a/b"), "y");
  }
  const std::string chunked =
      "PUT /s/c HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n";
  EXPECT_EQ(status(ask(chunked)), 201);
  EXPECT_EQ(stored("c"), "abcdefg");
}

TEST_P(StorageHttpTest, ALargeBodyStreamsIn) {
  std::string big;
  while (big.size() < 4'000'000) big += std::to_string(big.size()) + ",";
  auto& client = connect(8192);
  client.send(put_request("/s/big", big));
  for (int i = 0; i < 20000 && client.in.empty(); ++i) loop->turn(1);
  EXPECT_EQ(status(client.in), 201);
  EXPECT_TRUE(stored("big") == big);
}

TEST_P(StorageHttpTest, ABodyThatBreaksOffLeavesWhatWasThere) {
  put("k", "old");
  auto& client = connect(std::size_t{1} << 24);
  client.send("PUT /s/k HTTP/1.1\r\nHost: t\r\nContent-Length: 3000000\r\n\r\n" + std::string(2'000'000, 'x'));
  settle();
  EXPECT_EQ(layer->in_hand(), 1U);
  clients.clear();
  settle();
  EXPECT_EQ(layer->in_hand(), 0U);
  EXPECT_EQ(stored("k"), "old");
}

TEST_P(StorageHttpTest, BodiesAreLimited) {
  store_options.max_bytes = 5;
  EXPECT_EQ(status(ask(put_request("/s/k", "123456"))), 413);
  EXPECT_EQ(status(ask(put_request("/b/k", "123456"))), 413);
  EXPECT_EQ(stored("k"), "not_found");
  EXPECT_EQ(status(ask(put_request("/s/k", "12345"))), 201);
}

TEST_P(StorageHttpTest, SignedUrls) {
  const std::string key = "invoices/n\xC2\xB0 7%2F.pdf";
  const std::string url = presign(storage::PresignMethod::put, key);
  ASSERT_TRUE(url.starts_with("/_spikard/storage/default/invoices/n%C2%B0%207%252F.pdf?expires=")) << url;
  const std::string put_answer = ask(put_request(url, "%PDF", "Content-Type: application/pdf\r\n"));
  EXPECT_EQ(status(put_answer), 200) << put_answer;
  EXPECT_EQ(stored(key), "%PDF");
  const std::string answer = ask(get(presign(storage::PresignMethod::get, key)));
  EXPECT_EQ(status(answer), 200);
  EXPECT_EQ(body(answer), "%PDF");
  EXPECT_EQ(field(answer, "content-type"), "application/pdf");
  EXPECT_EQ(status(ask("HEAD " + presign(storage::PresignMethod::head, key) + " HTTP/1.1\r\nHost: t\r\n\r\n")), 200);
  EXPECT_EQ(status(ask(get(presign(storage::PresignMethod::get, key), "Range: bytes=1-2\r\n"))), 206);
  // For another method, another key, or nobody.
  EXPECT_EQ(status(ask(get(url))), 403);
  EXPECT_EQ(status(ask("HEAD " + presign(storage::PresignMethod::get, key) + " HTTP/1.1\r\nHost: t\r\n\r\n")), 403);
  EXPECT_EQ(status(ask(put_request(presign(storage::PresignMethod::get, key), "evil"))), 403);
  std::string other = presign(storage::PresignMethod::get, "a");
  other.replace(other.find("/a?"), 3, "/b?");
  EXPECT_EQ(status(ask(get(other))), 403);
  EXPECT_EQ(status(ask(get("/_spikard/storage/default/a"))), 403);
  EXPECT_EQ(status(ask(get("/_spikard/storage/other/a"))), 404);
  EXPECT_EQ(stored(key), "%PDF");
  const std::string wrong = ask(get("/_spikard/storage/default/a?expires=99999999999&signature=x"));
  EXPECT_EQ(
      body(wrong),
      R"({"type":"https://problems/forbidden","title":"Forbidden","status":403,"detail":"The URL is not signed for this"})");
  // Signed for what is not there, and for too long a body.
  EXPECT_EQ(status(ask(get(presign(storage::PresignMethod::get, "no")))), 404);
  EXPECT_EQ(
      status(ask("PUT " + presign(storage::PresignMethod::put, "k") + " HTTP/1.1\r\nHost: t\r\nContent-Length: 5000001\r\n\r\n")),
      413);
  // Past its time.
  const std::string brief = presign(storage::PresignMethod::get, key, 1);
  advance(999);
  EXPECT_EQ(status(ask(get(brief))), 200);
  advance(1);
  const std::string late = ask(get(brief));
  EXPECT_EQ(status(late), 403);
  EXPECT_NE(late.find("The URL has expired"), std::string::npos);
}

TEST_P(StorageHttpTest, WhatIsNotItsOwnGoesOn) {
  sink.routes.erase(0);
  EXPECT_EQ(body(ask(get("/o/x"))), "ok");
}

}  // namespace
}  // namespace spikard::app
