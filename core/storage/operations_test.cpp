#include "storage/operations.hpp"

#include <gtest/gtest.h>

#include <deque>

#include "base/json.hpp"
#include "net/virtual_clock.hpp"

namespace spikard::storage {
namespace {

/// Both directions of a streamed operation, as the port would be.
struct Stream final : net::OperationStream {
  std::deque<std::string> to_send;
  std::string received;
  bool gives_up = false;
  std::size_t stops_after = SIZE_MAX;

  Task<Result<void>> write(std::string chunk) override {
    received += chunk;
    if (received.size() >= stops_after) co_return Result<void>(Error(ErrorKind::cancelled, "nobody reads"));
    co_return Result<void>();
  }
  Task<Result<std::optional<std::string>>> read() override {
    using Out = Result<std::optional<std::string>>;
    if (to_send.empty()) {
      if (gives_up) co_return Out(Error(ErrorKind::cancelled, "given up"));
      co_return Out(std::optional<std::string>());
    }
    std::string part = std::move(to_send.front());
    to_send.pop_front();
    co_return Out(std::optional<std::string>(std::move(part)));
  }
};

struct StorageOperations : ::testing::Test {
  net::VirtualClock clock;
  net::BlockingPool pool{clock};
  std::unique_ptr<net::Loop> loop = net::Loop::create(clock).value();
  std::unique_ptr<Operations> target;

  void SetUp() override {
    services::StorageConfig config;
    config.url = "memory:";
    target = std::make_unique<Operations>(Client::open(config, Environment(clock, pool)).value());
  }
  std::string call(Operation operation, const std::string& args, net::OperationStream* stream = nullptr) {
    std::string out;
    spawn(target->call(net::Caller(*loop), operation, json::parse(args).value(), stream),
          [&](std::exception_ptr error, std::optional<Result<Document>> result) {
            if (error) std::rethrow_exception(error);
            out = result->ok() ? json::to_string((*result)->root())
                               : std::string(name_of(result->error().kind())) + "/" + result->error().detail() + " " +
                                     result->error().message() + " (" + result->error().operation() + ")";
          });
    return out;
  }
};

TEST_F(StorageOperations, WriteReadStat) {
  const std::string object =
      R"("object":{"key":"k","size":1,"etag":"\"18867251edfa0000-1\"","last_modified":1767225600000,"content_type":"text/plain",)"
      R"("cache_control":null,"content_disposition":null,"metadata":{"a":"1"}}})";
  EXPECT_EQ(call(Operation::storage_write, R"({"key":"k","data":"x","content_type":"text/plain","metadata":{"A":"1"}})"),
            "{" + object);
  EXPECT_EQ(call(Operation::storage_stat, R"({"key":"k"})"), "{" + object);
  EXPECT_EQ(call(Operation::storage_read, R"({"key":"k","offset":0})"), R"({"data":"eA==","offset":0,)" + object);
  EXPECT_EQ(call(Operation::storage_exists, R"({"key":"k"})"), R"({"value":true})");
  EXPECT_EQ(call(Operation::storage_delete, R"({"key":"k"})"), "{}");
  EXPECT_EQ(call(Operation::storage_exists, R"({"key":"k"})"), R"({"value":false})");
  EXPECT_EQ(call(Operation::storage_read, R"({"key":"k"})"), "not_found/ no object 'k' (storage.read)");
}

TEST_F(StorageOperations, BytesAreTakenAsTheyAre) {
  NodeBuilder args;
  args.begin_object();
  args.key("key");
  args.string("k");
  args.key("data");
  args.bytes(std::string_view("\0\xFF", 2));
  args.end();
  bool done = false;
  spawn(target->call(net::Caller(*loop), Operation::storage_write, Document(std::move(args)), nullptr),
        [&](std::exception_ptr, std::optional<Result<Document>> result) { done = result->ok(); });
  EXPECT_TRUE(done);
  EXPECT_EQ(call(Operation::storage_read, R"({"key":"k"})").substr(0, 14), R"({"data":"AP8=")");
}

TEST_F(StorageOperations, ArgumentsThatAreRefusedAreNamed) {
  EXPECT_EQ(call(Operation::storage_read, "[]"), "invalid_argument/ expected an object of arguments (storage.read)");
  EXPECT_EQ(call(Operation::storage_read, "{}"), "invalid_argument/ key: expected text (storage.read)");
  EXPECT_EQ(call(Operation::storage_read, R"({"key":1})"), "invalid_argument/ key: expected text (storage.read)");
  EXPECT_EQ(call(Operation::storage_read, R"({"key":"k","offset":-1})"),
            "invalid_argument/ offset: expected an integer from 0 (storage.read)");
  EXPECT_EQ(call(Operation::storage_read, R"({"key":"k","lenght":1})"),
            "invalid_argument/ lenght: is no argument of storage.read (storage.read)");
  EXPECT_EQ(call(Operation::storage_write, R"({"key":"k"})"), "invalid_argument/ data: expected bytes or text (storage.write)");
  EXPECT_EQ(call(Operation::storage_write, R"({"key":"k","data":"x","metadata":{"a":1}})"),
            "invalid_argument/ metadata.a: expected text (storage.write)");
  EXPECT_EQ(call(Operation::storage_delete_many, R"({"keys":[1]})"),
            "invalid_argument/ keys: expected an array of texts (storage.delete_many)");
  EXPECT_EQ(call(Operation::storage_list, R"({"limit":0})"), "invalid_argument/ limit: expected 1 to 10000 (storage.list)");
  EXPECT_EQ(call(Operation::storage_presign, R"({"method":"DELETE","key":"k"})"),
            "invalid_argument/ method: expected GET, PUT or HEAD (storage.presign)");
  EXPECT_EQ(call(Operation::storage_write, R"({"key":"/","data":""})").substr(0, 28), "invalid_argument/invalid_key");
}

TEST_F(StorageOperations, ListCopyRenameDeleteMany) {
  for (const char* key : {"a", "b/1", "b/2"})
    (void)call(Operation::storage_write, R"({"data":"x","key":")" + std::string(key) + "\"}");
  const std::string page = call(Operation::storage_list, R"({"delimiter":"/","limit":1})");
  EXPECT_EQ(page.substr(0, 37), R"({"entries":[{"key":"a","size":1,"etag)");
  const Document parsed = json::parse(page).value();
  const std::string token(parsed.root().find("next").text());
  EXPECT_EQ(call(Operation::storage_list, R"({"delimiter":"/","limit":1,"token":")" + token + "\"}"),
            R"({"entries":[],"prefixes":["b/"],"next":null})");
  EXPECT_EQ(call(Operation::storage_copy, R"({"source":"a","target":"c","if_none_match":"*"})").substr(0, 21),
            R"({"object":{"key":"c",)");
  EXPECT_EQ(call(Operation::storage_rename, R"({"source":"c","target":"d"})").substr(0, 21), R"({"object":{"key":"d",)");
  EXPECT_EQ(call(Operation::storage_delete_many, R"({"keys":["a","d","/"]})").substr(0, 66),
            R"({"errors":[{"key":"/","kind":"invalid_argument","detail":"invalid_)");
}

TEST_F(StorageOperations, UploadsInParts) {
  const std::string plan =
      call(Operation::storage_plan_upload, R"({"key":"a b","size":5242881,"part_bytes":5242880,"metadata":{"A":"1"}})");
  const Document parsed = json::parse(plan).value();
  const Value root = parsed.root();
  EXPECT_EQ(root.find("key").text(), "a b");
  EXPECT_FALSE(root.find("ordered").as_bool());
  EXPECT_EQ(root.find("expires_at").as_int(), 1767225600000 + 3'600'000);
  ASSERT_EQ(root.find("parts").size(), 2U);
  const Value second = root.find("parts").at(1);
  EXPECT_EQ(second.find("number").as_int(), 2);
  EXPECT_EQ(second.find("method").text(), "PUT");
  EXPECT_EQ(second.find("headers").size(), 0U);
  EXPECT_EQ(second.find("offset").as_int(), 5'242'880);
  EXPECT_EQ(second.find("size").as_int(), 1);
  EXPECT_TRUE(second.find("url").text().starts_with("/_spikard/storage/default/a%20b?upload="));
  const std::string upload = R"("upload":")" + std::string(root.find("upload").text()) + "\"";
  EXPECT_EQ(call(Operation::storage_complete_upload, R"({"key":"a b",)" + upload + "}"),
            "conflict/invalid_part part 1 of 2 is missing (storage.complete_upload)");
  EXPECT_EQ(call(Operation::storage_complete_upload, R"({"key":"a b","etags":["x"],)" + upload + "}"),
            "invalid_argument/ etags: expected none or one for each of the 2 parts, they are 1 (storage.complete_upload)");
  EXPECT_EQ(call(Operation::storage_complete_upload, R"({"key":"a b","etags":"x",)" + upload + "}"),
            "invalid_argument/ etags: expected an array of texts (storage.complete_upload)");
  EXPECT_EQ(
      call(Operation::storage_complete_upload, R"({"key":"b",)" + upload + "}"),
      "invalid_argument/invalid_upload upload: expected the 'upload' of a plan of this key and store (storage.complete_upload)");
  EXPECT_EQ(call(Operation::storage_abort_upload, R"({"key":"a b","etags":[],)" + upload + "}"),
            "invalid_argument/ etags: is no argument of storage.abort_upload (storage.abort_upload)");
  EXPECT_EQ(call(Operation::storage_abort_upload, R"({"key":"a b",)" + upload + "}"), "{}");
  EXPECT_EQ(call(Operation::storage_complete_upload, R"({"key":"a b",)" + upload + "}").substr(0, 24),
            "not_found/no_such_upload");
  EXPECT_EQ(call(Operation::storage_plan_upload, R"({"key":"k"})"),
            "invalid_argument/ size: expected 1 to 5497558138880 bytes (storage.plan_upload)");
  EXPECT_EQ(call(Operation::storage_plan_upload, R"({"key":"k","size":1099511627776})").substr(0, 9), "too_large");
}

TEST_F(StorageOperations, Streams) {
  Stream in;
  in.to_send = {"abc", "", "def"};
  EXPECT_EQ(call(Operation::storage_write_stream, R"({"key":"k"})", &in).substr(0, 30), R"({"object":{"key":"k","size":6,)");
  Stream out;
  EXPECT_EQ(call(Operation::storage_read_stream, R"({"key":"k","offset":1})", &out).substr(0, 21), R"({"offset":1,"size":5,)");
  EXPECT_EQ(out.received, "bcdef");
  Stream tired;
  tired.stops_after = 1;
  EXPECT_EQ(call(Operation::storage_read_stream, R"({"key":"k"})", &tired).substr(0, 9), "cancelled");
  EXPECT_EQ(call(Operation::storage_read_stream, R"({"key":"k"})").substr(0, 16), "invalid_argument");
  Stream gone;
  gone.to_send = {"new"};
  gone.gives_up = true;
  EXPECT_EQ(call(Operation::storage_write_stream, R"({"key":"k"})", &gone),
            "cancelled/aborted the writer gave up before the end (storage.write)");
  EXPECT_NE(call(Operation::storage_read, R"({"key":"k"})").find("YWJjZGVm"), std::string::npos);
}

}  // namespace
}  // namespace spikard::storage
