#include "storage/upload.hpp"

#include <gtest/gtest.h>

#include "base/base64.hpp"

namespace spikard::storage {
namespace {

Upload planned() {
  Upload out;
  out.id = "id";
  out.size = (std::uint64_t{10} << 20U) + 7;
  out.part_bytes = min_part_bytes;
  out.expires_at = WallTime(std::chrono::seconds(1767225600));
  out.write.content_type = "text/plain";
  out.write.content_disposition = "attachment; filename=\"\xC3\xA9\"";
  out.write.conditions.if_none_match = "*";
  out.write.metadata["a"] = "1";
  return out;
}

TEST(Upload, PartsOf10MiBAnd7BytesBy5MiB) {
  const Upload upload = planned();
  EXPECT_EQ(upload.parts(), 3U);
  EXPECT_EQ(upload.offset_of(3), std::uint64_t{10} << 20U);
  EXPECT_EQ(upload.size_of(2), min_part_bytes);
  EXPECT_EQ(upload.size_of(3), 7U);
}

TEST(Upload, PartsGrowSoThat10000HoldTheObject) {
  const auto fitted = [](std::uint64_t size, std::uint64_t part_bytes) {
    UploadOptions options;
    options.size = size;
    options.part_bytes = part_bytes;
    EXPECT_TRUE(check_and_fit(options).ok());
    return options.part_bytes;
  };
  EXPECT_EQ(fitted(1, 8 << 20), std::uint64_t{8} << 20U);
  EXPECT_EQ(fitted(100 << 20, 6'000'000), 6'029'312U);  // 23 x 256 KiB
  for (const std::uint64_t size : {max_object_bytes, std::uint64_t{52'428'800'001}, std::uint64_t{83'886'080'000}}) {
    const std::uint64_t part = fitted(size, min_part_bytes);
    EXPECT_EQ(part % part_unit, 0U);
    EXPECT_LE((size + part - 1) / part, max_parts);
    EXPECT_GT((size + part - part_unit - 1) / (part - part_unit), max_parts - 50U) << "no larger than needed";
  }
}

TEST(Upload, ArgumentsThatAreRefusedAreNamed) {
  const auto problem = [](auto change) {
    UploadOptions options;
    options.size = 1;
    change(options);
    const Result<void> checked = check_and_fit(options);
    return checked.ok() ? std::string("ok") : checked.error().message();
  };
  EXPECT_EQ(problem([](UploadOptions&) {}), "ok");
  EXPECT_EQ(problem([](UploadOptions& o) { o.size = 0; }), "size: expected 1 to 5497558138880 bytes");
  EXPECT_EQ(problem([](UploadOptions& o) { o.size = max_object_bytes + 1; }), "size: expected 1 to 5497558138880 bytes");
  EXPECT_EQ(problem([](UploadOptions& o) { o.part_bytes = min_part_bytes - 1; }),
            "part_bytes: expected 5242880 to 4194304000 bytes");
  EXPECT_EQ(problem([](UploadOptions& o) { o.expires_s = 0; }), "expires_s: expected 1 to 604800");
  EXPECT_EQ(problem([](UploadOptions& o) { o.expires_s = 604'801; }), "expires_s: expected 1 to 604800");
  EXPECT_EQ(problem([](UploadOptions& o) { o.origin = "https://a.example:8443"; }), "ok");
  for (const char* origin : {"a.example", "https://", "https://a/b", "http://a\r\nx: y", "ftp://a"})
    EXPECT_EQ(problem([&](UploadOptions& o) { o.origin = origin; }),
              "origin: expected https://HOST[:PORT] or http://HOST[:PORT]");
}

TEST(Upload, ATokenKeepsItsPlan) {
  const Upload upload = planned();
  const std::string token = upload_token("secret", "s3://b", "k", upload);
  const auto read = read_upload_token("secret", "s3://b", "k", token);
  ASSERT_TRUE(read.ok()) << read.error().to_string();
  EXPECT_EQ(read->id, upload.id);
  EXPECT_EQ(read->size, upload.size);
  EXPECT_EQ(read->part_bytes, upload.part_bytes);
  EXPECT_EQ(read->expires_at, upload.expires_at);
  EXPECT_EQ(read->write.content_type, upload.write.content_type);
  EXPECT_EQ(read->write.cache_control, std::nullopt);
  EXPECT_EQ(read->write.content_disposition, upload.write.content_disposition);
  EXPECT_EQ(read->write.conditions.if_none_match, "*");
  EXPECT_EQ(read->write.conditions.if_match, std::nullopt);
  EXPECT_EQ(read->write.metadata, upload.write.metadata);
}

TEST(Upload, ATokenIsForOneKeyOfOneStoreAndCannotBeChanged) {
  const std::string token = upload_token("secret", "s3://b", "k", planned());
  const auto refused = [](const Result<Upload>& read) { return !read.ok() && read.error().detail() == "invalid_upload"; };
  EXPECT_TRUE(refused(read_upload_token("other", "s3://b", "k", token)));
  EXPECT_TRUE(refused(read_upload_token("secret", "s3://b2", "k", token)));
  EXPECT_TRUE(refused(read_upload_token("secret", "s3://", "bk", token)));
  EXPECT_TRUE(refused(read_upload_token("secret", "s3://b", "k2", token)));
  EXPECT_TRUE(refused(read_upload_token("secret", "s3://b", "k", "")));
  EXPECT_TRUE(refused(read_upload_token("secret", "s3://b", "k", "AAAA")));
  const std::string raw = *base64::decode_url(token);
  for (std::size_t i = 0; i < raw.size(); ++i) {
    std::string changed = raw;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_TRUE(refused(read_upload_token("secret", "s3://b", "k", base64::encode_url(changed)))) << i;
    EXPECT_TRUE(refused(read_upload_token("secret", "s3://b", "k", base64::encode_url(raw.substr(0, i))))) << i;
  }
}

TEST(Upload, WhatIsWrongWithPartsIsSaid) {
  const Upload upload = planned();
  ObjectInfo part;
  part.size = min_part_bytes;
  part.etag = "\"e\"";
  const auto said = [&](std::uint32_t number, const ObjectInfo* arrived, const std::vector<std::string>& etags = {}) {
    const Result<void> checked = check_part(upload, number, arrived, etags);
    if (checked.ok()) return std::string("ok");
    EXPECT_EQ(checked.error().kind(), ErrorKind::conflict);
    EXPECT_EQ(checked.error().detail(), "invalid_part");
    EXPECT_EQ(checked.error().retry(), RetryClass::permanent);
    return checked.error().message();
  };
  EXPECT_EQ(said(1, &part), "ok");
  EXPECT_EQ(said(1, &part, {"\"e\"", "", ""}), "ok");
  EXPECT_EQ(said(1, &part, {"e", "", ""}), "ok");
  EXPECT_EQ(said(2, &part, {"\"x\"", "", ""}), "ok");
  EXPECT_EQ(said(1, &part, {"\"x\"", "", ""}), "part 1 has another etag");
  EXPECT_EQ(said(2, nullptr), "part 2 of 3 is missing");
  EXPECT_EQ(said(3, &part), "part 3 has 5242880 bytes, expected 7");
  EXPECT_TRUE(check_etags(upload, {}).ok());
  EXPECT_TRUE(check_etags(upload, {"", "", ""}).ok());
  EXPECT_EQ(check_etags(upload, {"a"}).error().message(), "etags: expected none or one for each of the 3 parts, they are 1");
}

}  // namespace
}  // namespace spikard::storage
