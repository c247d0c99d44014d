// The contract of object stores: cases × capabilities, the same for every backend. A backend joins by a line in `backends`.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <optional>
#include <thread>

#include "net/blocking_pool.hpp"
#include "net/loop/loop.hpp"
#include "net/signing/hash.hpp"
#include "net/virtual_clock.hpp"
#include "storage/client.hpp"
#include "storage/registry.hpp"
#include "storage/signed_urls.hpp"
#include "storage_servers.hpp"

namespace spikard::storage {
namespace {

/// A place where one case keeps its objects.
class Room {
 public:
  Room() {
    std::string name = "/tmp/spikard-storage-XXXXXX";
    if (::mkdtemp(name.data()) != nullptr) folder_ = name;
  }
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;
  ~Room() {
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
  }
  [[nodiscard]] const std::string& folder() const { return folder_; }

 private:
  std::string folder_;
};

struct BackendCase {
  BackendCase(std::string of_name, std::function<void(const Room&, services::StorageConfig&)> how)
      : name(std::move(of_name)), configure(std::move(how)) {}
  std::string name;
  std::function<void(const Room&, services::StorageConfig&)> configure;
  bool remote = false;                                      ///< shared with other tests, and has its own clock
  std::map<std::string, std::string> cannot;                ///< cases, and why not
  std::function<bool(const std::string&)> has_no_such_key;  ///< of those that KeysThatAreTaken writes
  BackendCase&& on_server() && {
    remote = true;
    return std::move(*this);
  }
  BackendCase&& without(std::string test, std::string reason) && {
    cannot.emplace(std::move(test), std::move(reason));
    return std::move(*this);
  }
  BackendCase&& without_keys(std::function<bool(const std::string&)> which) && {
    has_no_such_key = std::move(which);
    return std::move(*this);
  }
};
void PrintTo(const BackendCase& of, std::ostream* out) { *out << of.name; }
const BackendCase backends[] = {
    {"memory", [](const Room&, services::StorageConfig& config) { config.url = "memory:"; }},
    {"file", [](const Room& room, services::StorageConfig& config) { config.url = "file:" + room.folder() + "/objects"; }},
};

struct StorageContract : ::testing::TestWithParam<BackendCase> {
  void SetUp() override {
    const std::string full = ::testing::UnitTest::GetInstance()->current_test_info()->name();
    const std::string test = full.substr(0, full.find('/'));
    if (const auto why = GetParam().cannot.find(test); why != GetParam().cannot.end()) GTEST_SKIP() << why->second;
    loop = net::Loop::create(clock).value();
    GetParam().configure(room, config);
    if (remote()) config.url += "/" + folder;
    config.presign.base_url = "http://127.0.0.1:1";
    open();
  }
  void TearDown() override {
    if (store != nullptr && remote()) empty();
    store.reset();
    if (loop == nullptr) return;
    pool->stop();
    for (int i = 0; i < 100; ++i) loop->turn(0);
  }
  [[nodiscard]] static bool remote() { return GetParam().remote; }
  void open() {
    Result<std::shared_ptr<Backend>> opened = storage::open(config, Environment(clock, *pool));
    if (!opened.ok() && opened.error().kind() == ErrorKind::unsupported && !remote()) GTEST_SKIP() << opened.error().message();
    ASSERT_TRUE(opened.ok()) << opened.error().to_string();
    store = std::make_shared<Client>(std::move(*opened), config);
  }
  void empty() {
    for (int page = 0; page < 100; ++page) {
      auto listing = run(store->list(caller()));
      if (!listing.ok() || listing->entries.empty()) return;
      std::vector<std::string> keys;
      for (const ObjectInfo& entry : listing->entries) keys.push_back(entry.key);
      (void)run(store->remove_many(caller(), std::move(keys)));
    }
  }
  /// Servers say whole seconds in some places, and by their own clock.
  [[nodiscard]] static bool same_time(WallTime a, WallTime b) {
    if (!remote()) return a == b;
    return std::chrono::abs(a - b) <= std::chrono::seconds(5);
  }
  template <class T>
  T run(Task<T> task) {
    std::optional<T> out;
    spawn(std::move(task), [&](std::exception_ptr error, std::optional<T> value) {
      if (error) std::rethrow_exception(error);
      out = std::move(value);
    });
    while (!out.has_value()) loop->turn(1000);
    return std::move(*out);
  }
  [[nodiscard]] net::Caller caller() const { return net::Caller(*loop); }

  ObjectInfo put(const std::string& key, const std::string& data, WriteOptions options = {}) {
    auto info = run(store->write(caller(), key, data, std::move(options)));
    EXPECT_TRUE(info.ok()) << key << ": " << info.error().to_string();
    return info.ok() ? *info : ObjectInfo();
  }
  std::string get(const std::string& key, ReadOptions options = {}) {
    auto object = run(store->read(caller(), key, std::move(options)));
    if (!object.ok()) {
      std::string out = "error " + std::string(name_of(object.error().kind())) + " " + object.error().detail();
      return object.error().kind() == ErrorKind::unavailable ? out + object.error().message() : out;
    }
    EXPECT_EQ(object->data.size(), object->span.size);
    return object->data;
  }
  static ReadOptions range(std::optional<std::uint64_t> offset, std::optional<std::uint64_t> length,
                           std::optional<std::uint64_t> suffix = {}) {
    ReadOptions out;
    out.offset = offset;
    out.length = length;
    out.suffix = suffix;
    return out;
  }
  std::string code(const Error& error) { return std::string(name_of(error.kind())) + " " + error.detail(); }
  template <class T>
  std::string code(const Result<T>& result) {
    return result.ok() ? "ok" : code(result.error());
  }
  /// `a b | p/ >` : entries, prefixes, whether there is more.
  std::string listed(ListOptions options) {
    last = {};
    auto listing = run(store->list(caller(), std::move(options)));
    if (!listing.ok()) return code(listing.error());
    std::string out;
    for (const auto& entry : listing->entries) out += entry.key + " ";
    out += "|";
    for (const auto& prefix : listing->prefixes) out += " " + prefix;
    if (listing->next.has_value()) out += " >";
    last = std::move(*listing);
    return out;
  }
  static ListOptions prefix(std::string text, std::string delimiter = {}, std::uint32_t limit = 1000) {
    ListOptions out;
    out.prefix = std::move(text);
    out.delimiter = std::move(delimiter);
    out.limit = limit;
    return out;
  }
  /// Every page of a listing, one after the other.
  std::vector<std::string> pages(ListOptions options) {
    std::vector<std::string> out;
    for (int i = 0; i < 10000; ++i) {
      const std::string page = listed(options);
      for (const auto& entry : last.entries) out.push_back(entry.key);
      for (const auto& p : last.prefixes) out.push_back(p);
      if (!last.next.has_value()) break;
      EXPECT_EQ(last.entries.size() + last.prefixes.size(), options.limit);
      options.token = last.next;
    }
    return out;
  }

  Room room;
  std::string folder = "contract-" + net::signing::hex(net::signing::random_bytes(6)) + "/";
  net::VirtualClock clock;
  std::unique_ptr<net::Loop> loop;
  std::unique_ptr<net::BlockingPool> pool = std::make_unique<net::BlockingPool>(clock);
  services::StorageConfig config;
  std::shared_ptr<Client> store;
  Listing last;
};
const auto name_of_case = [](const auto& at) { return at.param.name; };
INSTANTIATE_TEST_SUITE_P(Backends, StorageContract, ::testing::ValuesIn(backends), name_of_case);

// Nobody but these servers is so: what they stand for can.
bool long_segment(const std::string& key) {
  std::size_t begin = 0;
  while (begin <= key.size()) {
    const std::size_t end = std::min(key.find('/', begin), key.size());
    if (end - begin > 255) return true;
    begin = end + 1;
  }
  return false;
}

const BackendCase s3[] = {
    BackendCase("s3", [](const Room&, services::StorageConfig& config) { config = contract::store_on("s3"); })
        .on_server()
        .without_keys([](const std::string& key) { return long_segment(key) || key.size() > 1000 || key.ends_with("/k"); })
        .without("ANameIsBothObjectAndPrefix", "MinIO does not list what is below the key of an object")
        .without("RandomWritesAgainstAMap", "MinIO does not list what is below the key of an object")};
INSTANTIATE_TEST_SUITE_P(Server_s3, StorageContract, ::testing::ValuesIn(s3), name_of_case);

const BackendCase gcs[] = {
    BackendCase("gcs", [](const Room&, services::StorageConfig& config) { config = contract::store_on("gcs"); })
        .on_server()
        .without("DelimitersOfSeveralCharacters", "fake-gcs takes the first character of a delimiter")
        .without("ConditionalCopyAndRename", "fake-gcs passes over the conditions of a rewrite")
        .without("Pages", "fake-gcs does not count rolled-up prefixes")
        .without("ChangesBetweenPages", "fake-gcs goes on at the next object that there was")
        .without_keys([](const std::string& key) { return key.size() > 1000; })};
INSTANTIATE_TEST_SUITE_P(Server_gcs, StorageContract, ::testing::ValuesIn(gcs), name_of_case);

const BackendCase azblob[] = {
    BackendCase("azblob", [](const Room&, services::StorageConfig& config) { config = contract::store_on("azblob"); })
        .on_server()
        .without("DelimitersOfSeveralCharacters", "Azurite takes the first character of a delimiter")
        // Azurite writes what XML cannot hold, orders by UTF-16, and takes a backslash for a slash.
        .without_keys([](const std::string& key) {
          return key.size() > 1000 || key.find('\\') != key.npos || std::any_of(key.begin(), key.end(), [](char c) {
                   return static_cast<unsigned char>(c) < ' ' || static_cast<unsigned char>(c) >= 0xF0;
                 });
        })};
INSTANTIATE_TEST_SUITE_P(Server_azblob, StorageContract, ::testing::ValuesIn(azblob), name_of_case);

TEST_P(StorageContract, BytesComeBackAsTheyWentIn) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<char>(i));
  const ObjectInfo info = put("k", bytes);
  EXPECT_EQ(info.key, "k");
  EXPECT_EQ(info.size, 256U);
  EXPECT_EQ(get("k"), bytes);
  EXPECT_EQ(put("empty", "").size, 0U);
  EXPECT_EQ(get("empty"), "");
}

TEST_P(StorageContract, StatTellsWhatWriteTold) {
  const ObjectInfo written = put("k", "abc");
  auto info = run(store->stat(caller(), "k"));
  ASSERT_TRUE(info.ok());
  EXPECT_EQ(info->etag, written.etag);
  EXPECT_TRUE(same_time(info->last_modified, written.last_modified));
  if (!remote()) {
    EXPECT_GE(info->last_modified, clock.wall());
    EXPECT_LT(info->last_modified, clock.wall() + std::chrono::milliseconds(1));
  }
  EXPECT_EQ(info->size, 3U);
  EXPECT_TRUE(info->etag.starts_with('"') && info->etag.ends_with('"') && info->etag.size() > 2);
  EXPECT_FALSE(info->content_type.has_value());
}

TEST_P(StorageContract, MissingObject) {
  EXPECT_EQ(get("no"), "error not_found ");
  EXPECT_EQ(get("no/such/folder"), "error not_found ");
  EXPECT_EQ(code(run(store->stat(caller(), "no"))), "not_found ");
  EXPECT_EQ(run(store->exists(caller(), "no")).value(), false);
  EXPECT_EQ(code(run(store->remove(caller(), "no"))), "ok");
  EXPECT_EQ(code(run(store->remove(caller(), "no/such"))), "ok");
  EXPECT_EQ(code(run(store->copy(caller(), "no", "x"))), "not_found ");
  EXPECT_EQ(code(run(store->rename(caller(), "no", "x/y/z"))), "not_found ");
  EXPECT_EQ(listed({}), "|");
}

TEST_P(StorageContract, KeysThatAreRefused) {
  const std::string bad[] = {"",
                             "/",
                             "/a",
                             "a/",
                             "a//b",
                             ".",
                             "..",
                             "a/..",
                             "../a",
                             "a/../b",
                             "./a",
                             "a/./b",
                             std::string("a\0b", 3),
                             "\xFF",
                             "a\xC3",
                             "\xED\xA0\x80",
                             "\xC0\xAF",
                             std::string(1025, 'k')};
  for (const std::string& key : bad) {
    EXPECT_EQ(code(run(store->write(caller(), key, "x"))), "invalid_argument invalid_key") << key;
    EXPECT_EQ(get(key), "error invalid_argument invalid_key") << key;
    EXPECT_EQ(code(run(store->stat(caller(), key))), "invalid_argument invalid_key");
    EXPECT_EQ(code(run(store->exists(caller(), key))), "invalid_argument invalid_key");
    EXPECT_EQ(code(run(store->remove(caller(), key))), "invalid_argument invalid_key");
    EXPECT_EQ(code(run(store->open_write(caller(), key))), "invalid_argument invalid_key");
    EXPECT_EQ(code(run(store->open_read(caller(), key))), "invalid_argument invalid_key");
    EXPECT_EQ(code(run(store->presign(caller(), PresignMethod::get, key, 60))), "invalid_argument invalid_key");
    put("good", "x");
    EXPECT_EQ(code(run(store->copy(caller(), "good", key))), "invalid_argument invalid_key");
    EXPECT_EQ(code(run(store->rename(caller(), key, "good"))), "invalid_argument invalid_key");
  }
  EXPECT_EQ(listed({}), "good |");
}

TEST_P(StorageContract, KeysThatAreTaken) {
  std::string long_utf8;
  while (long_utf8.size() < 1020) long_utf8 += "\xF0\x9F\x98\x80";
  std::vector<std::string> keys = {
      "a..b/.c",
      "...",
      " ",
      "a b",
      "a\nb",
      "a\\b",
      "%2e%2e",
      "%2e%2e%2fetc",
      "%",
      "%%",
      "a%o",
      "a%m",
      "a%c",
      "%spikard/secret",
      "%25",
      "con",
      "-",
      "~",
      ".hidden",
      "a*?",
      "\x01",
      "\x7F",
      "\xC3\xA9",
      "e\xCC\x81",
      "\xEF\xBF\xBD",
      "\xE2\x80\xAE",
      "\xF0\x9F\x98\x80",
      long_utf8,
      std::string(1024, 'k'),
      std::string(255, 'x'),
      std::string(256, 'x'),
      std::string(200, 'x'),
      std::string(201, 'x'),
      std::string(400, 'x'),
      std::string(200, 'x') + ".",
      std::string(200, 'x') + "..",
      std::string(200, 'x') + "/" + std::string(300, 'y'),
      std::string(300, '%'),
      "tmp",
      "lock",
  };
  std::string deep = "d";
  while (deep.size() + 2 <= 1024) deep += "/d";
  keys.push_back(deep);
  if (const auto& has_not = GetParam().has_no_such_key)
    std::erase_if(keys, [&](const auto& key) { return has_not(folder + key); });
  for (std::size_t i = 0; i < keys.size(); ++i) put(keys[i], std::to_string(i));
  for (std::size_t i = 0; i < keys.size(); ++i) EXPECT_EQ(get(keys[i]), std::to_string(i)) << keys[i];
  std::sort(keys.begin(), keys.end());
  EXPECT_EQ(pages(prefix("")), keys);
  EXPECT_EQ(pages(prefix("", "", 7)), keys);
  for (const std::string& key : keys) EXPECT_EQ(code(run(store->remove(caller(), key))), "ok");
  EXPECT_EQ(listed({}), "|");
}

TEST_P(StorageContract, ANameIsBothObjectAndPrefix) {
  put("a", "1");
  put("a/b", "2");
  put("a/b/c", "3");
  EXPECT_EQ(get("a"), "1");
  EXPECT_EQ(get("a/b"), "2");
  EXPECT_EQ(get("a/b/c"), "3");
  put("a", "4");
  put("a/b", "5");
  EXPECT_EQ(get("a"), "4");
  EXPECT_EQ(get("a/b"), "5");
  EXPECT_EQ(listed(prefix("")), "a a/b a/b/c |");
  EXPECT_EQ(listed(prefix("", "/")), "a | a/");
  EXPECT_EQ(code(run(store->remove(caller(), "a/b/c"))), "ok");
  EXPECT_EQ(code(run(store->remove(caller(), "a/b"))), "ok");
  EXPECT_EQ(listed(prefix("")), "a |");
  put("a", "6");
  EXPECT_EQ(get("a"), "6");
  put("a/z", "7");
  EXPECT_EQ(code(run(store->remove(caller(), "a"))), "ok");
  EXPECT_EQ(get("a"), "error not_found ");
  EXPECT_EQ(get("a/z"), "7");
  // The other order: the prefix first.
  put("p/q", "8");
  put("p", "9");
  EXPECT_EQ(get("p"), "9");
  EXPECT_EQ(get("p/q"), "8");
}

TEST_P(StorageContract, OverwriteReplacesAllOfIt) {
  WriteOptions options;
  options.content_type = "text/plain";
  options.cache_control = "max-age=5";
  options.content_disposition = "inline";
  options.metadata = {{"a", "1"}};
  const std::string first = put("k", "first", std::move(options)).etag;
  const ObjectInfo second = put("k", "2");
  EXPECT_NE(second.etag, first);
  EXPECT_EQ(get("k"), "2");
  const ObjectInfo info = run(store->stat(caller(), "k")).value();
  EXPECT_EQ(info.size, 1U);
  EXPECT_FALSE(info.content_type.has_value());
  EXPECT_FALSE(info.cache_control.has_value());
  EXPECT_FALSE(info.content_disposition.has_value());
  EXPECT_TRUE(info.metadata.empty());
  if (store->capabilities().new_etag) EXPECT_NE(put("k", "2").etag, second.etag);
}

TEST_P(StorageContract, MetadataComesBack) {
  WriteOptions options;
  options.content_type = "text/html; charset=utf-8";
  options.cache_control = "max-age=5";
  options.content_disposition = "attachment; filename=\"a.html\"";
  options.metadata = {{"Owner", "me"}, {"X-Note", "gr\xC3\xBC\xC3\x9F"}};
  put("k", "x", std::move(options));
  for (int again = 0; again < 2; ++again) {
    const ObjectInfo info = run(store->stat(caller(), "k")).value();
    EXPECT_EQ(info.content_type, "text/html; charset=utf-8");
    EXPECT_EQ(info.cache_control, "max-age=5");
    EXPECT_EQ(info.content_disposition, "attachment; filename=\"a.html\"");
    EXPECT_EQ(info.metadata, (std::map<std::string, std::string>{{"owner", "me"}, {"x-note", "gr\xC3\xBC\xC3\x9F"}}));
    EXPECT_EQ(run(store->read(caller(), "k")).value().info.metadata, info.metadata);
    if (GetParam().name != "memory") open();
  }
}

TEST_P(StorageContract, MetadataThatIsRefused) {
  const auto refused = [&](WriteOptions options) { return code(run(store->write(caller(), "k", "x", std::move(options)))); };
  WriteOptions split;
  split.content_type = "text/plain\r\nX-Evil: 1";
  EXPECT_EQ(refused(split), "invalid_argument ");
  WriteOptions empty;
  empty.cache_control = "";
  EXPECT_EQ(refused(empty), "invalid_argument ");
  WriteOptions name;
  name.metadata = {{"a b", "1"}};
  EXPECT_EQ(refused(name), "invalid_argument ");
  WriteOptions value;
  value.metadata = {{"a", "1\n2"}};
  EXPECT_EQ(refused(value), "invalid_argument ");
  WriteOptions twice;
  twice.metadata = {{"A", "1"}, {"a", "2"}};
  EXPECT_EQ(refused(twice), "invalid_argument ");
  WriteOptions much;
  much.metadata = {{"a", std::string(2048, 'x')}};
  EXPECT_EQ(refused(much), "invalid_argument ");
  EXPECT_EQ(get("k"), "error not_found ");
  // Servers count a prefix of the names in.
  much.metadata = {{"a", std::string(remote() ? 1900 : 2047, 'x')}};
  EXPECT_EQ(refused(much), "ok");
}

TEST_P(StorageContract, RangedReads) {
  put("k", "0123456789");
  EXPECT_EQ(get("k", range(2, 3)), "234");
  EXPECT_EQ(get("k", range(8, 99)), "89");
  EXPECT_EQ(get("k", range(6, {})), "6789");
  EXPECT_EQ(get("k", range({}, 4)), "0123");
  EXPECT_EQ(get("k", range(0, {})), "0123456789");
  EXPECT_EQ(get("k", range({}, {}, 3)), "789");
  EXPECT_EQ(get("k", range({}, {}, 50)), "0123456789");
  EXPECT_EQ(get("k", range(2, UINT64_MAX)), "23456789");
  EXPECT_EQ(get("k", range(10, 1)), "error invalid_argument range_not_satisfiable");
  EXPECT_EQ(get("k", range(UINT64_MAX, 1)), "error invalid_argument range_not_satisfiable");
  EXPECT_EQ(get("k", range(2, 0)), "error invalid_argument range_not_satisfiable");
  EXPECT_EQ(get("k", range({}, {}, 0)), "error invalid_argument range_not_satisfiable");
  EXPECT_EQ(get("k", range(2, {}, 3)), "error invalid_argument ");
  put("empty", "");
  EXPECT_EQ(get("empty", range(0, {})), "error invalid_argument range_not_satisfiable");
  EXPECT_EQ(get("empty", range({}, {}, 5)), "");
  EXPECT_EQ(run(store->read(caller(), "k", range(2, 3))).value().span.offset, 2U);
}

TEST_P(StorageContract, ReadsAreLimited) {
  config.max_read_bytes = 5;
  open();
  put("k", "0123456789");
  EXPECT_EQ(get("k"), "error too_large ");
  EXPECT_EQ(get("k", range(0, 5)), "01234");
}

TEST_P(StorageContract, ConditionalReads) {
  const std::string etag = put("k", "x").etag;
  ReadOptions options;
  options.if_match = etag;
  EXPECT_EQ(get("k", options), "x");
  options.if_match = "\"other\"";
  EXPECT_EQ(get("k", options), "error condition_failed condition_not_met");
  options = {};
  options.if_none_match = etag;
  EXPECT_EQ(get("k", options), "error condition_failed condition_not_met");
  options.if_none_match = "\"other\"";
  EXPECT_EQ(get("k", options), "x");
}

TEST_P(StorageContract, ConditionalWrites) {
  if (!store->capabilities().conditional_write) GTEST_SKIP() << "no conditional_write";
  WriteOptions absent;
  absent.conditions.if_none_match = "*";
  put("k", "1", absent);
  EXPECT_EQ(code(run(store->write(caller(), "k", "2", absent))), "condition_failed condition_not_met");
  EXPECT_EQ(get("k"), "1");
  const std::string first = run(store->stat(caller(), "k")).value().etag;
  WriteOptions match;
  match.conditions.if_match = first;
  const std::string second = put("k", "3", match).etag;
  EXPECT_EQ(code(run(store->write(caller(), "k", "4", match))), "condition_failed condition_not_met");
  EXPECT_EQ(get("k"), "3");
  match.conditions.if_match = second;
  EXPECT_EQ(code(run(store->write(caller(), "other", "4", match))), "condition_failed condition_not_met");
  EXPECT_EQ(code(run(store->write(caller(), "new/folder/other", "4", match))), "condition_failed condition_not_met");
  EXPECT_EQ(get("other"), "error not_found ");
  EXPECT_EQ(listed(prefix("new", "/")), "|");
  WriteOptions etag;
  etag.conditions.if_none_match = second;
  EXPECT_EQ(code(run(store->write(caller(), "k", "5", etag))), "invalid_argument ");
  // Deleted: it may be made again, and an old etag does not fit.
  EXPECT_EQ(code(run(store->remove(caller(), "k"))), "ok");
  EXPECT_EQ(code(run(store->write(caller(), "k", "6", match))), "condition_failed condition_not_met");
  put("k", "7", absent);
  EXPECT_EQ(get("k"), "7");
}

TEST_P(StorageContract, OfManyWritersIfAbsentOneWins) {
  if (!store->capabilities().conditional_write) GTEST_SKIP() << "no conditional_write";
  for (int round = 0; round < 20; ++round) {
    const std::string key = "race/" + std::to_string(round);
    std::atomic<int> won{0};
    std::atomic<int> lost{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&, i] {
        auto own = net::Loop::create(clock).value();
        WriteOptions options;
        options.conditions.if_none_match = "*";
        options.content_type = "text/" + std::to_string(i);
        bool done = false;
        spawn(store->write(net::Caller(*own), key, std::to_string(i), options),
              [&](std::exception_ptr, std::optional<Result<ObjectInfo>> result) {
                (result->ok() ? won : lost) += 1;
                done = true;
              });
        while (!done) own->turn(1000);
      });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(won, 1);
    EXPECT_EQ(lost, 3);
    const Object object = run(store->read(caller(), key)).value();
    EXPECT_EQ(object.info.content_type, "text/" + object.data);
  }
}

TEST_P(StorageContract, ReadersSeeOneStateWhateverIsWritten) {
  // Content and metadata say the same number, always; lengths differ.
  std::atomic<bool> stop{false};
  const auto at_once = [&](auto body) {
    return std::thread([&, body] {
      auto own = net::Loop::create(clock).value();
      for (int i = 0; !stop; ++i) body(*own, i);
    });
  };
  const auto wait = [](net::Loop& on, auto task) {
    using T = typename decltype(task)::promise_type;
    std::optional<std::decay_t<decltype(std::declval<T&>().take())>> out;
    spawn(std::move(task), [&](std::exception_ptr, auto value) { out = std::move(value); });
    while (!out.has_value()) on.turn(1000);
    return std::move(*out);
  };
  std::atomic<int> reads{0};
  std::atomic<int> torn{0};
  std::vector<std::thread> threads;
  for (int w = 0; w < 2; ++w) {
    threads.push_back(at_once([&, w](net::Loop& on, int i) {
      const std::string text = std::to_string(w) + "-" + std::to_string(i);
      WriteOptions options;
      if (i % 4 != 3) options.metadata = {{"n", text}};
      if (i % 7 == 6) {
        (void)wait(on, store->remove(net::Caller(on), "k"));
      } else {
        (void)wait(on, store->write(net::Caller(on), "k", i % 4 == 3 ? "plain" : text, options));
      }
    }));
  }
  for (int r = 0; r < 2; ++r) {
    threads.push_back(at_once([&](net::Loop& on, int) {
      auto object = wait(on, store->read(net::Caller(on), "k"));
      if (!object.ok()) {
        if (object.error().kind() != ErrorKind::not_found) ++torn;
        return;
      }
      const auto at = object->info.metadata.find("n");
      const std::string kept = at == object->info.metadata.end() ? "plain" : at->second;
      if (kept != object->data) ++torn;
      if (++reads >= 400) stop = true;
    }));
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(torn, 0);
  EXPECT_GE(reads, 400);
}

TEST_P(StorageContract, StreamedWriteBecomesOneObject) {
  const std::string pattern = "0123456789abcdef";
  constexpr std::size_t total = 5 * 1024 * 1024 + 3;
  auto writer = run(store->open_write(caller(), "big"));
  ASSERT_TRUE(writer.ok());
  std::string all;
  for (std::size_t sent = 0; sent < total;) {
    std::string piece;
    for (std::size_t i = 0; i < 100003 && sent < total; ++i, ++sent) piece.push_back(pattern[sent % 16]);
    all += piece;
    ASSERT_TRUE(run((*writer)->write(std::move(piece))).ok());
  }
  EXPECT_EQ(get("big"), "error not_found ");
  auto info = run((*writer)->finish());
  ASSERT_TRUE(info.ok());
  EXPECT_EQ(info->size, total);
  auto reader = run(store->open_read(caller(), "big", range(7, {})));
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ((*reader)->span().offset, 7U);
  EXPECT_EQ((*reader)->span().size, total - 7);
  put("big", "new");
  std::string back;
  for (;;) {
    auto part = run((*reader)->next());
    ASSERT_TRUE(part.ok());
    if (part->empty()) break;
    EXPECT_LE(part->size(), std::size_t{1} << 18);
    back += *part;
  }
  EXPECT_TRUE(back == all.substr(7));
  EXPECT_EQ(get("big"), "new");
}

TEST_P(StorageContract, AWriteThatIsGivenUpLeavesNothing) {
  put("k", "old");
  for (const char* key : {"k", "fresh", "folder/fresh"}) {
    for (const std::size_t size : {std::size_t{10}, std::size_t{3} << 20}) {
      auto writer = run(store->open_write(caller(), key));
      ASSERT_TRUE(writer.ok());
      ASSERT_TRUE(run((*writer)->write(std::string(size, 'x'))).ok());
    }
  }
  EXPECT_EQ(get("k"), "old");
  EXPECT_EQ(listed({}), "k |");
}

TEST_P(StorageContract, StreamedWriteKeepsItsConditions) {
  if (!store->capabilities().conditional_write) GTEST_SKIP() << "no conditional_write";
  WriteOptions absent;
  absent.conditions.if_none_match = "*";
  auto writer = run(store->open_write(caller(), "k", absent));
  ASSERT_TRUE(run((*writer)->write("mine")).ok());
  put("k", "theirs");
  EXPECT_EQ(code(run((*writer)->finish())), "condition_failed condition_not_met");
  EXPECT_EQ(get("k"), "theirs");
}

TEST_P(StorageContract, Copy) {
  WriteOptions options;
  options.content_type = "text/plain";
  options.metadata = {{"m", "1"}};
  const std::string etag = put("a", "x", options).etag;
  auto copied = run(store->copy(caller(), "a", "folder/b"));
  ASSERT_TRUE(copied.ok());
  EXPECT_EQ(copied->key, "folder/b");
  EXPECT_EQ(copied->content_type, "text/plain");
  const ObjectInfo info = run(store->stat(caller(), "folder/b")).value();
  EXPECT_EQ(info.metadata, options.metadata);
  EXPECT_EQ(info.etag, copied->etag);
  EXPECT_EQ(get("folder/b"), "x");
  EXPECT_EQ(get("a"), "x");
  EXPECT_EQ(run(store->stat(caller(), "a")).value().etag, etag);
  EXPECT_EQ(code(run(store->copy(caller(), "a", "a"))), "ok");
  EXPECT_EQ(get("a"), "x");
  EXPECT_EQ(run(store->stat(caller(), "a")).value().metadata, options.metadata);
  put("a/under", "y");
  EXPECT_EQ(code(run(store->copy(caller(), "a/under", "a"))), "ok");
  EXPECT_EQ(get("a"), "y");
  std::string big(3000000, 'b');
  put("big", big);
  EXPECT_EQ(code(run(store->copy(caller(), "big", "big2"))), "ok");
  EXPECT_TRUE(get("big2") == big);
  put("none", "");
  EXPECT_EQ(code(run(store->copy(caller(), "none", "none2"))), "ok");
  EXPECT_EQ(get("none2"), "");
}

TEST_P(StorageContract, Rename) {
  WriteOptions options;
  options.content_type = "text/plain";
  options.metadata = {{"m", "1"}};
  put("a", "x", options);
  put("b", "old");
  auto moved = run(store->rename(caller(), "a", "b"));
  ASSERT_TRUE(moved.ok());
  EXPECT_EQ(moved->key, "b");
  EXPECT_EQ(get("a"), "error not_found ");
  EXPECT_EQ(get("b"), "x");
  EXPECT_EQ(run(store->stat(caller(), "b")).value().metadata, options.metadata);
  EXPECT_EQ(run(store->stat(caller(), "b")).value().etag, moved->etag);
  EXPECT_EQ(listed({}), "b |");
  EXPECT_EQ(code(run(store->rename(caller(), "b", "b"))), "ok");
  EXPECT_EQ(code(run(store->rename(caller(), "b", "b/under"))), "ok");
  EXPECT_EQ(get("b/under"), "x");
  EXPECT_EQ(get("b"), "error not_found ");
  EXPECT_EQ(code(run(store->rename(caller(), "b/under", "b"))), "ok");
  EXPECT_EQ(listed({}), "b |");
  EXPECT_EQ(run(store->stat(caller(), "b")).value().metadata, options.metadata);
  put("c", "plain");
  // What has no metadata takes none from what was there.
  EXPECT_EQ(code(run(store->rename(caller(), "c", "b"))), "ok");
  EXPECT_TRUE(run(store->stat(caller(), "b")).value().metadata.empty());
}

TEST_P(StorageContract, ConditionalCopyAndRename) {
  const std::string etag = put("b", "old").etag;
  WriteOptions options;
  options.content_type = "text/plain";
  options.metadata = {{"m", "1"}};
  put("a", "x", options);
  put("big", std::string(6'000'000, 'b'), options);
  WriteConditions absent;
  absent.if_none_match = "*";
  WriteConditions other;
  other.if_match = "\"other\"";
  for (const char* from : {"a", "big"}) {
    EXPECT_EQ(code(run(store->copy(caller(), from, "b", absent))), "condition_failed condition_not_met") << from;
    EXPECT_EQ(code(run(store->copy(caller(), from, "b", other))), "condition_failed condition_not_met") << from;
    EXPECT_EQ(code(run(store->copy(caller(), from, "none", other))), "condition_failed condition_not_met") << from;
    EXPECT_EQ(code(run(store->rename(caller(), from, "b", absent))), "condition_failed condition_not_met") << from;
    EXPECT_EQ(get(from).size(), from == std::string("a") ? 1U : 6'000'000U);
    const std::string to = std::string(from) + "2";
    EXPECT_EQ(code(run(store->copy(caller(), from, to, absent))), "ok") << from;
    EXPECT_EQ(run(store->stat(caller(), to)).value().metadata, options.metadata) << from;
    EXPECT_EQ(run(store->stat(caller(), to)).value().content_type, "text/plain") << from;
  }
  EXPECT_EQ(get("b"), "old");
  WriteConditions match;
  match.if_match = etag;
  EXPECT_EQ(code(run(store->rename(caller(), "big", "b", match))), "ok");
  EXPECT_EQ(get("b").size(), 6'000'000U);
  EXPECT_EQ(get("big"), "error not_found ");
}

TEST_P(StorageContract, DeleteMany) {
  for (const char* key : {"a", "b/c", "d"}) put(key, "x");
  auto failures = run(store->remove_many(caller(), {"a", "b/c", "no", "../bad"}));
  ASSERT_TRUE(failures.ok());
  ASSERT_EQ(failures->size(), 1U);
  EXPECT_EQ(failures->front().key, "../bad");
  EXPECT_EQ(code(failures->front().error), "invalid_argument invalid_key");
  EXPECT_EQ(listed({}), "d |");
  EXPECT_EQ(code(run(store->remove_many(caller(), std::vector<std::string>(1001, "a")))), "invalid_argument ");
}

TEST_P(StorageContract, ListIsSortedByBytes) {
  std::vector<std::string> keys = {"b",  "a/x", "a-x",   "B",  "\xC3\xA9", "\xEF\xBF\xBD", "\xF0\x9F\x98\x80",
                                   "aa", "a0",  "a/b/c", "a/-"};
  const std::string x(200, 'x');
  for (const char* tail : {"", "a", "-", "0", "/", "/k"}) {
    if (std::string(tail) != "/") keys.push_back(x + tail);
    keys.push_back(x + std::string(60, 'y') + (std::string(tail) == "/" ? "z" : tail));
  }
  if (const auto& has_not = GetParam().has_no_such_key)
    std::erase_if(keys, [&](const auto& key) { return has_not(folder + key); });
  for (const auto& key : keys) put(key, "x");
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  EXPECT_EQ(pages(prefix("")), keys);
  for (std::uint32_t limit = 1; limit < 6; ++limit) EXPECT_EQ(pages(prefix("", "", limit)), keys) << limit;
  for (const auto& after : keys) {
    ListOptions options;
    options.start_after = after;
    std::vector<std::string> expected(std::upper_bound(keys.begin(), keys.end(), after), keys.end());
    EXPECT_EQ(pages(options), expected) << after;
  }
}

TEST_P(StorageContract, DelimiterRollsUp) {
  for (const char* key : {"a.txt", "b/1", "b/2", "b/c/3", "d", "e--f", "e--g"}) put(key, "x");
  EXPECT_EQ(listed(prefix("", "/")), "a.txt d e--f e--g | b/");
  EXPECT_EQ(listed(prefix("b/", "/")), "b/1 b/2 | b/c/");
  EXPECT_EQ(listed(prefix("b", "/")), "| b/");
  EXPECT_EQ(listed(prefix("b/c", "/")), "| b/c/");
  EXPECT_EQ(listed(prefix("e", "-")), "| e-");
  EXPECT_EQ(listed(prefix("x")), "|");
  EXPECT_EQ(listed(prefix("b/1/")), "|");
  EXPECT_EQ(listed(prefix("../")), "|");
}

TEST_P(StorageContract, DelimitersOfSeveralCharacters) {
  for (const char* key : {"a.txt", "b/1", "b/c/3", "e--f", "e--g"}) put(key, "x");
  EXPECT_EQ(listed(prefix("", "--")), "a.txt b/1 b/c/3 | e--");
  EXPECT_EQ(listed(prefix("", "c/")), "a.txt b/1 e--f e--g | b/c/");
}

TEST_P(StorageContract, Pages) {
  for (const char* key : {"a.txt", "b/1", "b/2", "b/c/3", "d"}) put(key, "x");
  EXPECT_EQ(listed(prefix("", "/", 2)), "a.txt | b/ >");
  ListOptions options = prefix("", "/", 2);
  options.token = last.next;
  EXPECT_EQ(listed(options), "d |");
  EXPECT_EQ(listed(prefix("", "", 5)), "a.txt b/1 b/2 b/c/3 d |");
  EXPECT_EQ(listed(prefix("", "/", 3)), "a.txt d | b/");
  EXPECT_EQ(listed(prefix("", "", 4)), "a.txt b/1 b/2 b/c/3 | >");
  EXPECT_EQ(listed(prefix("", "", 0)), "invalid_argument ");
  EXPECT_EQ(listed(prefix("", "", 10001)), "invalid_argument ");
  const std::vector<std::string> one_by_one = pages(prefix("", "/", 1));
  EXPECT_EQ(one_by_one, (std::vector<std::string>{"a.txt", "b/", "d"}));
}

TEST_P(StorageContract, StartAfter) {
  for (const char* key : {"a", "b", "c", "d/1", "d/2", "e"}) put(key, "x");
  const auto after = [&](const char* place, const char* delimiter = "") {
    ListOptions options = prefix("", delimiter);
    options.start_after = place;
    return listed(options);
  };
  EXPECT_EQ(after("a"), "b c d/1 d/2 e |");
  EXPECT_EQ(after("aa"), "b c d/1 d/2 e |");
  EXPECT_EQ(after("e"), "|");
  EXPECT_EQ(after("c", "/"), "e | d/");
  EXPECT_EQ(after("d/", "/"), "e |");
  EXPECT_EQ(after("d/1", "/"), "e |");
}

TEST_P(StorageContract, TokensThatWereNotGivenOut) {
  for (const char* key : {"a", "b", "c"}) put(key, "x");
  EXPECT_EQ(listed(prefix("", "", 1)), "a | >");
  const std::string good = *last.next;
  for (std::string token :
       {std::string(), std::string("a"), std::string("!!"), good + "x", good.substr(1), std::string("AAAAAAAAAAAAAAAAYQ")}) {
    ListOptions options = prefix("", "", 1);
    options.token = token;
    EXPECT_EQ(listed(options), "invalid_argument ") << token;
  }
  ListOptions elsewhere = prefix("b", "", 1);
  elsewhere.token = good;
  EXPECT_EQ(listed(elsewhere), "invalid_argument ");
  ListOptions larger = prefix("", "", 5);
  larger.token = good;
  EXPECT_EQ(listed(larger), "b c |");
}

TEST_P(StorageContract, ChangesBetweenPages) {
  for (const char* key : {"a", "b", "d", "e"}) put(key, "x");
  ListOptions options = prefix("", "", 2);
  EXPECT_EQ(listed(options), "a b | >");
  EXPECT_EQ(code(run(store->remove(caller(), "a"))), "ok");
  EXPECT_EQ(code(run(store->remove(caller(), "b"))), "ok");
  put("c", "x");
  options.token = last.next;
  EXPECT_EQ(listed(options), "c d | >");
  options.token = last.next;
  EXPECT_EQ(listed(options), "e |");
}

TEST_P(StorageContract, ListTellsWhatStatTells) {
  WriteOptions options;
  options.content_type = "text/plain";
  const ObjectInfo info = put("a/b", "xyz", options);
  (void)listed({});
  ASSERT_EQ(last.entries.size(), 1U);
  EXPECT_EQ(last.entries[0].size, 3U);
  EXPECT_EQ(last.entries[0].etag, info.etag);
  EXPECT_TRUE(same_time(last.entries[0].last_modified, info.last_modified));
}

TEST_P(StorageContract, RandomWritesAgainstAMap) {
  // Against a plain map: what is there, what lists, in every delimiter and page size.
  std::uint32_t seed = 7;
  const auto pick = [&](std::uint32_t n) {
    seed = seed * 1664525U + 1013904223U;
    return (seed >> 10U) % n;
  };
  const std::string parts[] = {"a", "b", "a-", "%", std::string(205, 'l'), "\xC3\xA9"};
  std::map<std::string, std::string> model;
  for (int i = 0; i < 300; ++i) {
    std::string key;
    const std::uint32_t depth = 1 + pick(3);
    for (std::uint32_t d = 0; d < depth; ++d) key += (d > 0 ? "/" : "") + parts[pick(6)];
    if (pick(3) == 0) {
      EXPECT_EQ(code(run(store->remove(caller(), key))), "ok");
      model.erase(key);
    } else {
      put(key, std::to_string(i));
      model[key] = std::to_string(i);
    }
  }
  std::vector<std::string> keys;
  for (const auto& [key, value] : model) {
    EXPECT_EQ(get(key), value);
    keys.push_back(key);
  }
  EXPECT_EQ(pages(prefix("", "", 3)), keys);
  for (const std::string& start : parts) {
    std::vector<std::string> expected;
    for (const auto& key : keys) {
      if (!key.starts_with(start)) continue;
      const std::size_t at = key.find('/', start.size());
      const std::string item = at == std::string::npos ? key : key.substr(0, at + 1);
      if (std::find(expected.begin(), expected.end(), item) == expected.end()) expected.push_back(item);
    }
    std::sort(expected.begin(), expected.end());
    std::vector<std::string> found = pages(prefix(start, "/", 2));
    std::sort(found.begin(), found.end());
    EXPECT_EQ(found, expected) << start;
  }
}

TEST_P(StorageContract, Presign) {
  if (!store->capabilities().presign) GTEST_SKIP() << "no presign";
  for (const std::uint32_t bad : {0U, 604801U})
    EXPECT_EQ(code(run(store->presign(caller(), PresignMethod::get, "k", bad))), "invalid_argument ");
  for (const std::uint32_t good : {1U, 604800U})
    EXPECT_EQ(code(run(store->presign(caller(), PresignMethod::put, "k", good))), "ok");
  const auto url = run(store->presign(caller(), PresignMethod::get, "a b/\xC3\xA9?", 60));
  ASSERT_TRUE(url.ok());
  if (const SignedUrls* urls = store->signed_urls()) {
    const std::string start = "http://127.0.0.1:1" + urls->path() + "a%20b/%C3%A9%3F?";
    ASSERT_TRUE(url->url.starts_with(start)) << url->url;
    const std::string query = url->url.substr(start.size());
    using Verdict = SignedUrls::Verdict;
    EXPECT_EQ(urls->check(PresignMethod::get, "a b/\xC3\xA9?", query, clock), Verdict::good);
    EXPECT_EQ(urls->check(PresignMethod::put, "a b/\xC3\xA9?", query, clock), Verdict::wrong);
    EXPECT_EQ(urls->check(PresignMethod::get, "a b/other", query, clock), Verdict::wrong);
    EXPECT_EQ(urls->check(PresignMethod::get, "a b/\xC3\xA9?", query + "x", clock), Verdict::wrong);
    EXPECT_EQ(urls->check(PresignMethod::get, "a b/\xC3\xA9?", "", clock), Verdict::wrong);
    std::string later = query;
    later[8] = '9';
    EXPECT_EQ(urls->check(PresignMethod::get, "a b/\xC3\xA9?", later, clock), Verdict::wrong);
    bool done = false;
    clock.advance(std::chrono::seconds(59), [&] { done = true; });
    while (!done) loop->turn(0);
    EXPECT_EQ(urls->check(PresignMethod::get, "a b/\xC3\xA9?", query, clock), Verdict::good);
    done = false;
    clock.advance(std::chrono::seconds(1), [&] { done = true; });
    while (!done) loop->turn(0);
    EXPECT_EQ(urls->check(PresignMethod::get, "a b/\xC3\xA9?", query, clock), Verdict::expired);
  }
}

}  // namespace
}  // namespace spikard::storage
