#include <dirent.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "http/server.hpp"
#include "http/test_server.hpp"
#include "net/blocking_pool.hpp"

namespace spikard::http {
namespace {

using test::ServerTest;

struct Uploads : ServerTest {
  std::string folder;
  std::unique_ptr<net::BlockingPool> pool;

  void SetUp() override {
    std::string made = ::testing::TempDir() + "spikard-uploads-XXXXXX";
    ASSERT_NE(::mkdtemp(made.data()), nullptr);
    folder = made;
  }
  void TearDown() override {
    ServerTest::TearDown();
    pool.reset();
    EXPECT_EQ(files(), 0U) << "temporary files are left in " << folder;
    (void)::rmdir(folder.c_str());
  }
  [[nodiscard]] std::size_t files() const {
    std::size_t n = 0;
    ::DIR* dir = ::opendir(folder.c_str());
    if (dir == nullptr) return 0;
    while (const ::dirent* entry = ::readdir(dir)) n += entry->d_name[0] == '.' ? 0 : 1;
    ::closedir(dir);
    return n;
  }
  void serve_body(const std::string& body, const std::string& multipart = "{}", bool pooled = false) {
    if (pooled) {
      pool = std::make_unique<net::BlockingPool>(virtual_clock);
      tune = [this](ServerOptions& options) { options.pool = pool.get(); };
    }
    serve(R"({"multipart": )" + multipart + R"(, "routes": [{"method": "POST", "path": "/u", "body": )" + body + "}]}");
    sink.routes[0] = [](Exchange& e) {
      const RequestRecord& record = e.record();
      const Value json = record.value(record.json);
      e.reply({.format = BodyFormat::nodes, .value = json});
    };
  }
  static std::string part(const std::string& disposition, const std::string& content, const std::string& headers = {}) {
    return "--b\r\nContent-Disposition: form-data; " + disposition + "\r\n" + headers + "\r\n" + content + "\r\n";
  }
  std::string upload(const std::string& parts, const std::string& end = "--b--\r\n") {
    return exchange(connect(), post("/u", parts + end, "Content-Type: multipart/form-data; boundary=b\r\n"));
  }
};

constexpr const char* plain = R"({"content_types": ["multipart/form-data"], "schema": {"type": "object", "properties": {
  "f": {"type": "string", "format": "binary", "minLength": 3}, "list": {"type": "array", "items": {"type": "string", "format": "binary"}},
  "n": {"type": "integer"}, "d": {"type": "string", "default": "x"}}, "required": ["f"]}})";

TEST_F(Uploads, files_and_fields_are_one_body) {
  serve_body(plain);
  EXPECT_EQ(body(upload(part("name=f; filename=a.txt", "hi", "Content-Type: text/plain\r\nX-A: 1\r\n") + part("name=n", "5") +
                        part("name=list; filename=b", "") + part("name=\"o[k]\"", "\xff"))),
            R"({"f":{"filename":"a.txt","content_type":"text/plain","size":2,"content":"aGk=","headers":{"x-a":"1"}},"n":5,)"
            R"("list":[{"filename":"b","content_type":"application/octet-stream","size":0,"content":""}],"o":{"k":")"
            "\xef\xbf\xbd"
            R"("},"d":"x"})");
}

TEST_F(Uploads, errors_name_the_place_and_show_no_content) {
  serve_body(plain);
  const std::string answer = upload(part("name=n", "x") + part("name=list; filename=secret.txt", "the content"));
  EXPECT_EQ(status(answer), 422);
  EXPECT_NE(answer.find(R"("loc":["body","n"])"), std::string::npos) << answer;
  EXPECT_NE(answer.find(R"({"type":"missing","loc":["body","f"])"), std::string::npos) << answer;
  EXPECT_NE(answer.find(R"({"filename":"secret.txt","content_type":"application/octet-stream","size":11})"), std::string::npos)
      << answer;
  EXPECT_NE(
      upload(part("name=f; filename=a", "abc") + part("name=n; filename=b", "5")).find(R"("type":"int_type","loc":["body","n"])"),
      std::string::npos)
      << "a file is no integer";
}

TEST_F(Uploads, declared_files_are_checked) {
  serve_body(
      R"({"content_types": ["multipart/form-data"], "files": {"image": {"required": true, "content_types": ["image/*"], "sniff": true, "max_bytes": 20},
                 "other": {}}})");
  const auto image = [&](const std::string& type, const std::string& content) {
    return upload(part("name=image; filename=i", content, type.empty() ? "" : "Content-Type: " + type + "\r\n"));
  };
  EXPECT_EQ(status(image("image/png", "\x89PNG\r\n\x1a\n")), 200);
  EXPECT_EQ(status(image("image/webp", "RIFF")), 200) << "unknown bytes pass";
  EXPECT_EQ(status(image("image/png", std::string(20, 'x'))), 200) << "the limit itself passes";
  for (const std::string& bad :
       {image("image/png", "GIF89a"), image("image/png", ""), image("text/plain", "x"), image("", "x"), image("nonsense", "x")}) {
    EXPECT_EQ(status(bad), 422);
    EXPECT_NE(bad.find(R"("type":"validation_error","loc":["files","image"])"), std::string::npos) << bad;
  }
  for (const std::string& parts : {std::string(), part("name=image", "text"), part("name=image; filename=\"\"", "")}) {
    EXPECT_NE(upload(parts).find(R"({"type":"missing","loc":["files","image"],"msg":"Field required","input":null)"),
              std::string::npos)
        << parts;
  }
  EXPECT_EQ(status(image("image/png", std::string(21, 'x'))), 413);
}

TEST_F(Uploads, limits) {
  serve_body(R"({"content_types": ["multipart/form-data"], "max_bytes": 4000})",
             R"({"parts": 2, "header_bytes": 100, "field_bytes": 10, "file_bytes": 50})");
  EXPECT_EQ(status(upload(part("name=a", "12345") + part("name=b", "12345"))), 200);
  EXPECT_EQ(status(upload(part("name=a", "12345") + part("name=b", "123456"))), 413) << "fields together";
  EXPECT_EQ(status(upload(part("name=a", "") + part("name=b", "") + part("name=c", ""))), 413) << "parts";
  EXPECT_EQ(status(upload(part("name=" + std::string(200, 'n'), ""))), 413) << "headers of a part";
  EXPECT_EQ(status(upload(part("name=f; filename=f", std::string(50, 'x')))), 200);
  EXPECT_EQ(status(upload(part("name=f; filename=f", std::string(51, 'x')))), 413);
  EXPECT_EQ(status(upload(std::string(4001, 'x'))), 413) << "the body's own";
  EXPECT_EQ(status(upload(part("name=a", "1"), "--c--")), 400);
  EXPECT_EQ(status(upload("nonsense")), 400);
  EXPECT_EQ(status(exchange(connect(), post("/u", "x", "Content-Type: multipart/form-data\r\n"))), 400) << "no boundary";
  EXPECT_EQ(status(exchange(connect(), post("/u", "", "Content-Type: multipart/form-data; boundary=b\r\n"))), 422)
      << "an empty body";
}

TEST_F(Uploads, what_memory_does_not_hold_is_a_file_until_the_end) {
  for (const bool pooled : {false, true}) {
    serve_body(
        R"({"content_types": ["multipart/form-data"], "files": {"big": {"sniff": true, "content_types": ["application/pdf"]}}})",
        R"({"memory_bytes": 1000, "directory": ")" + folder + "\"}", pooled);
    std::string content = "%PDF";
    for (int i = 0; i < 50000; ++i) content += static_cast<char>(i * 7 % 251);
    std::string kept;
    std::string path;
    sink.routes[0] = [&](Exchange& e) {
      const RequestRecord& record = e.record();
      const Value big = record.value(record.json).find("big");
      EXPECT_EQ(big.find("size").as_int(), 50004);
      EXPECT_FALSE(big.find("content").exists());
      path = big.find("path").text();
      std::ifstream in(path, std::ios::binary);
      kept.assign(std::istreambuf_iterator<char>(in), {});
      EXPECT_TRUE(record.value(record.json).find("small").find("content").exists());
      e.reply({.status = 201});
    };
    auto& client = connect();
    client.send(post("/u",
                     part("name=big; filename=b", content, "Content-Type: application/pdf\r\n") +
                         part("name=small; filename=s", "x") + "--b--",
                     "Content-Type: multipart/form-data; boundary=b\r\n"));
    for (int i = 0; i < 100000 && client.in.empty(); ++i) loop->turn(1);
    EXPECT_EQ(status(client.in), 201) << client.in;
    EXPECT_EQ(kept, content);
    EXPECT_TRUE(path.starts_with(folder + "/")) << path;
    for (int i = 0; i < 100000 && files() != 0; ++i) loop->turn(1);
    EXPECT_EQ(files(), 0U);
    // A client that goes away in the middle leaves nothing either.
    auto& gone = connect();
    gone.send("POST /u HTTP/1.1\r\nHost: t\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 100000\r\n\r\n" +
              part("name=big; filename=b", content));
    for (int i = 0; i < 100000 && files() == 0; ++i) loop->turn(1);
    EXPECT_EQ(files(), 1U);
    server.reset();
    clients.clear();
    for (int i = 0; i < 100000 && files() != 0; ++i) loop->turn(1);
  }
}

TEST_F(Uploads, a_folder_that_cannot_be_written_is_503_and_in_the_log) {
  serve_body(R"({"content_types": ["multipart/form-data"]})", R"({"memory_bytes": 0, "directory": "/nonexistent/folder"})");
  const std::string answer = upload(part("name=f; filename=f", "x"));
  EXPECT_EQ(status(answer), 503) << answer;
  EXPECT_EQ(answer.find("nonexistent"), std::string::npos);
  ASSERT_EQ(failures.size(), 1U);
  EXPECT_NE(failures[0].find("/nonexistent/folder"), std::string::npos);
}

TEST_F(Uploads, other_types_on_the_same_route_and_raw_ones_are_as_they_were) {
  serve_body(R"({"content_types": ["multipart/form-data", "application/json"], "schema": {"type": "object"}})");
  EXPECT_EQ(body(exchange(connect(), post("/u", R"({"a": 1})"))), R"({"a":1})");
  EXPECT_EQ(status(exchange(connect(), post("/u", "{"))), 400);
  server.reset();
  clients.clear();
  serve_body(R"({"content_types": ["*/*"], "as": "raw"})");
  sink.routes[0] = [](Exchange& e) {
    const RequestRecord& record = e.record();
    e.reply({.format = BodyFormat::text, .body = record.text(record.body)});
  };
  EXPECT_EQ(body(upload("whatever", "")), "whatever");
}

TEST_F(Uploads, faulty_manifests_name_the_field) {
  const auto error = [](const std::string& body) {
    auto document = json::parse(R"({"routes": [{"method": "POST", "path": "/u", "body": )" + body + "}]}");
    auto config = services::http_config_from_json(document.value().root(), "http");
    auto compiled = CompiledHttp::compile(config.value());
    return compiled.ok() ? std::string() : compiled.error().message();
  };
  EXPECT_EQ(error(R"({"files": {"f": {}}})"),
            "http.routes[0].body.files.f: expected multipart/form-data among the content_types");
  EXPECT_EQ(error(R"({"content_types": ["multipart/*"], "files": {"f": {"content_types": ["png"]}}})"),
            "http.routes[0].body.files.f.content_types[0]: expected a media type such as image/png, got \"png\"");
}

}  // namespace
}  // namespace spikard::http
