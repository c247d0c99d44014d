#include "storage/registry.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "net/virtual_clock.hpp"
#include "storage/client.hpp"

namespace spikard::storage {
namespace {

struct Registry : ::testing::Test {
  net::VirtualClock clock;
  net::BlockingPool pool{clock};
  std::unique_ptr<net::Loop> loop = net::Loop::create(clock).value();
  services::StorageConfig config;

  std::string problem() {
    const auto opened = open(config, Environment(clock, pool));
    return opened.ok() ? "opened " + std::string((*opened)->name()) : opened.error().message();
  }
  std::string presigned(PresignMethod method, const std::string& key, std::uint32_t expires_s = 86400) {
    auto client = Client::open(config, Environment(clock, pool));
    if (!client.ok()) return client.error().to_string();
    std::string out;
    spawn((*client)->presign(net::Caller(*loop), method, key, expires_s),
          [&](std::exception_ptr, std::optional<Result<PresignedUrl>> url) {
            out = url->ok() ? (*url)->url : url->error().to_string();
          });
    return out;
  }
};

TEST_F(Registry, UrlsThatAreRefusedSayWhatWasExpected) {
  config.url = "memory:x";
  EXPECT_EQ(problem(), "url: expected 'memory:' without more");
  config.url = "objects";
  EXPECT_EQ(problem(), "url: expected memory:, file:DIR, s3://BUCKET, gcs://BUCKET or azblob://CONTAINER");
  config.url = "ftp://user:secret@host/";
  EXPECT_EQ(problem(),
            "url: no storage backend for 'ftp://[redacted]@host/'; expected memory:, file:DIR, s3://BUCKET, gcs://BUCKET or "
            "azblob://CONTAINER");
  config.url = "file:";
  EXPECT_EQ(problem(), "url: expected file:DIR");
  config.url = "file://host/dir";
  EXPECT_EQ(problem(), "url: expected file:DIR or file:///DIR");
  config.url = "s3:bucket";
  for (const char* url : {"s3:bucket", "s3://", "s3:///k", "s3://b//", "s3://b/../c", "s3://user@b", "s3://b?x", "s3://b!"}) {
    config.url = url;
    EXPECT_EQ(problem(), "url: expected s3://BUCKET or s3://BUCKET/FOLDER") << url;
  }
  config.url = "s3://bucket";
#ifdef SPIKARD_STORAGE_OPENDAL
  EXPECT_EQ(problem(), "opened s3");
  config.s3.access_key = "x";
  EXPECT_EQ(problem(), "s3.access_key, s3.secret_key: expected both, or neither for the usual chain");
#else
  EXPECT_EQ(problem(), "s3.access_key, s3.secret_key: expected the credentials that URLs are signed with");
#endif
  config.s3.access_key = config.s3.secret_key = "x";
  for (const char* endpoint : {"host", "ftp://host", "https://", "https://user@host", "https://host?x"}) {
    config.s3.endpoint = endpoint;
    EXPECT_EQ(problem(), "s3.endpoint: expected https://HOST[:PORT] or http://HOST[:PORT]") << endpoint;
  }
}

TEST_F(Registry, FileUrls) {
  std::string room = "/tmp/spikard-registry-XXXXXX";
  ASSERT_NE(::mkdtemp(room.data()), nullptr);
  config.url = "file:" + room + "/a/b";
  EXPECT_EQ(problem(), "opened file");
  config.url = "file://" + room + "/c/";
  EXPECT_EQ(problem(), "opened file");
  EXPECT_TRUE(std::filesystem::is_directory(room + "/a/b"));
  EXPECT_TRUE(std::filesystem::is_directory(room + "/c"));
  config.url = "file:/proc/no-such-folder";
  EXPECT_NE(problem().find("folder '/proc/no-such-folder'"), std::string::npos) << problem();
  std::filesystem::remove_all(room);
}

TEST_F(Registry, S3UrlsOfEachAddressing) {
  const net::VirtualClock start(WallTime{std::chrono::seconds(1369353600)});
  net::VirtualClock& then = const_cast<net::VirtualClock&>(start);
  config.url = "s3://examplebucket";
  config.s3.access_key = "AKIAIOSFODNN7EXAMPLE";
  config.s3.secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
  const auto url = [&](const std::string& key) {
    auto client = Client::open(config, Environment(then, pool));
    std::string out;
    spawn((*client)->presign(net::Caller(*loop), PresignMethod::get, key, 86400),
          [&](std::exception_ptr, std::optional<Result<PresignedUrl>> made) { out = (*made)->url; });
    return out;
  };
  config.s3.endpoint = "https://s3.amazonaws.com";
  EXPECT_EQ(url("test.txt"),
            "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="
            "AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-SignedHeaders=host"
            "&X-Amz-Expires=86400&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
  config.s3.endpoint = "";
  EXPECT_TRUE(url("a b/c+d").starts_with("https://examplebucket.s3.us-east-1.amazonaws.com/a%20b/c%2Bd?X-Amz-Algorithm="));
  config.s3.addressing = services::S3Addressing::path;
  config.s3.endpoint = "http://127.0.0.1:9000/";
  EXPECT_TRUE(url("k").starts_with("http://127.0.0.1:9000/examplebucket/k?"));
  config.s3.endpoint = "https://Minio.Example:443/base";
  EXPECT_TRUE(url("k").starts_with("https://minio.example/base/examplebucket/k?"));
  config.s3.session_token = "to/ken";
  EXPECT_NE(url("k").find("&X-Amz-Security-Token=to%2Fken&"), std::string::npos);
}

TEST_F(Registry, S3UrlsWithAFolder) {
  config.url = "s3://bucket/a b/c/";
  config.s3.access_key = config.s3.secret_key = "x";
  EXPECT_TRUE(presigned(PresignMethod::put, "k").starts_with("https://bucket.s3.us-east-1.amazonaws.com/a%20b/c/k?"));
}

#ifdef SPIKARD_STORAGE_OPENDAL
TEST_F(Registry, UrlsOfOpendal) {
  config.url = "gcs://bucket/folder";
  EXPECT_EQ(problem(), "opened gcs");
  config.gcs.endpoint = "host";
  EXPECT_EQ(problem(), "gcs.endpoint: expected https://HOST[:PORT] or http://HOST[:PORT]");
  config.url = "azblob://container";
  EXPECT_EQ(problem(), "azblob.account: expected the name of the storage account, or azblob.endpoint");
  config.azblob.account = "account";
  EXPECT_EQ(problem(), "opened azblob");
  config.azblob.account_key = "no base64!";
  EXPECT_EQ(problem(), "opened azblob");
  config.url = "webdav:";
  EXPECT_TRUE(problem().starts_with("webdav: ")) << problem();
  config.options = {{"endpoint", "http://127.0.0.1:1"}};
  EXPECT_EQ(problem(), "opened webdav");
  config.url = "webdav://host";
  EXPECT_EQ(problem(), "url: expected 'webdav:' without more; the rest is in options");
}

// Whoever could make up a token could make the service complete what it never planned.
TEST_F(Registry, UploadsWithoutAKeyForTheirTokens) {
  config.url = "gcs://bucket";
  config.gcs.anonymous = true;
  auto client = Client::open(config, Environment(clock, pool)).value();
  const auto said = [&](const std::string& token) {
    std::string out;
    const auto take = [&](std::exception_ptr, auto result) { out = (*result).error().message(); };
    UploadOptions options;
    options.size = 5;
    if (token.empty()) {
      spawn(client->plan_upload(net::Caller(*loop), "k", options), take);
    } else {
      spawn(client->complete_upload(net::Caller(*loop), "k", token), take);
    }
    return out;
  };
  EXPECT_TRUE(said("").starts_with("presign.secret: expected where the configuration of the store has no key of its own"));
  Upload upload;
  upload.id = "0123456789 http://127.0.0.1:1/session";
  upload.size = upload.part_bytes = 5;
  EXPECT_TRUE(said(upload_token("", config.url, "k", upload)).starts_with("presign.secret: expected"));
  EXPECT_TRUE(said(upload_token("spikard-storage-tokens:gcs://bucket", config.url, "k", upload)).starts_with("presign.secret: "));
}
#else
TEST_F(Registry, S3TransfersAreUnsupported) {
  config.url = "s3://bucket";
  config.s3.access_key = config.s3.secret_key = "x";
  auto client = Client::open(config, Environment(clock, pool));
  ASSERT_TRUE(client.ok());
  bool done = false;
  spawn((*client)->stat(net::Caller(*loop), "k"), [&](std::exception_ptr, std::optional<Result<ObjectInfo>> info) {
    EXPECT_EQ(info->error().kind(), ErrorKind::unsupported);
    done = true;
  });
  EXPECT_TRUE(done);
}
#endif

}  // namespace
}  // namespace spikard::storage
