// The contract of uploads in parts by others: a plan's URLs, used by a client that knows nothing else. The parts of `memory:` and
// `file:` go to our own HTTP server, those of the others to theirs.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <memory>
#include <optional>

#include "app/storage_http.hpp"
#include "http/compiled.hpp"
#include "http/server.hpp"
#include "http/test_server.hpp"
#include "net/blocking_pool.hpp"
#include "net/http_client/client.hpp"
#include "net/signing/hash.hpp"
#include "net/transport.hpp"
#include "net/virtual_clock.hpp"
#include "storage/client.hpp"
#include "storage_servers.hpp"

namespace spikard::storage {
namespace {

struct BackendCase {
  explicit BackendCase(std::string of_name) : name(std::move(of_name)) {}
  std::string name;
  std::map<std::string, std::string> cannot;  ///< cases, and why not
  BackendCase&& without(std::string test, std::string reason) && {
    cannot.emplace(std::move(test), std::move(reason));
    return std::move(*this);
  }
  [[nodiscard]] bool own() const { return name == "memory" || name == "file"; }
};
void PrintTo(const BackendCase& of, std::ostream* out) { *out << of.name; }
const auto name_of_case = [](const auto& at) { return at.param.name; };

constexpr std::uint64_t mib = std::uint64_t{1} << 20U;
constexpr std::uint64_t whole_bytes = 11 * mib + 7;  // three parts of 5 MiB, the last one smaller

std::string bytes_of(std::uint64_t size, std::uint32_t seed) {
  std::string out(static_cast<std::size_t>(size), '\0');
  std::uint64_t state = seed * std::uint64_t{2862933555777941757} + 1;
  for (char& c : out) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    c = static_cast<char>(state >> 56U);
  }
  return out;
}

struct StorageContract : ::testing::TestWithParam<BackendCase> {
  struct Answer {
    int status = 0;
    std::string etag;
    std::string body;
  };

  void SetUp() override {
    const std::string full = ::testing::UnitTest::GetInstance()->current_test_info()->name();
    const std::string test = full.substr(0, full.find('/'));
    if (const auto why = GetParam().cannot.find(test); why != GetParam().cannot.end()) GTEST_SKIP() << why->second;
    ASSERT_NE(::mkdtemp(root.data()), nullptr);
    loop = net::Loop::create(clock).value();
    http = std::make_unique<net::http::Client>(*loop);
    if (GetParam().own()) {
      config.url = GetParam().name == "memory" ? "memory:" : "file:" + root + "/objects";
      serve();
    } else {
      config = contract::store_on(GetParam().name);
      config.url += "/uploads-" + net::signing::hex(net::signing::random_bytes(6));
      if (GetParam().name == "gcs") config.presign.secret = "of the tokens";  // it has no credentials
    }
    open();
  }
  void TearDown() override {
    for (const char* key : {"k", "a b/\xC3\xA9"})
      if (store != nullptr && !GetParam().own()) (void)run(store->remove(caller(), key));
    server.reset();
    layer.reset();
    http.reset();
    store.reset();
    pool->stop();
    for (int i = 0; i < 100 && loop != nullptr; ++i) loop->turn(0);
    loop.reset();
    std::filesystem::remove_all(root);
  }
  void open() {
    store.reset();
    Result<std::shared_ptr<Client>> opened = Client::open(config, Environment(clock, *pool));
    if (!opened.ok() && opened.error().kind() == ErrorKind::unsupported && GetParam().own())
      GTEST_SKIP() << opened.error().message();
    ASSERT_TRUE(opened.ok()) << opened.error().to_string();
    store = std::move(*opened);
  }
  /// The application's HTTP server, for URLs that the store signs itself.
  void serve() {
    auto reserved = net::ReservedAddress::reserve({});
    config.presign.base_url = "http://" + reserved->address();
    services::HttpConfig of_server;
    of_server.limits.body_bytes = 64 * mib;
    auto routes = app::StorageRoutes::create({{"default", config}}, of_server,
                                             [this](const std::string&) { return Result<std::shared_ptr<Client>>(store); });
    ASSERT_TRUE(routes.ok());
    auto compiled = http::CompiledHttp::compile(of_server);
    ASSERT_TRUE(compiled.ok()) << compiled.error().to_string();
    layer = std::make_unique<app::StorageHttp>(*loop, none, *routes, "https://problems/");
    server = http::Server::create(*loop, *compiled, *layer, {}).value();
    ASSERT_TRUE(server->listen(reserved->listen().value()).ok());
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
  template <class T>
  static std::string code(const Result<T>& result) {
    return result.ok() ? "ok" : std::string(name_of(result.error().kind())) + " " + result.error().detail();
  }

  UploadPlan plan(const std::string& key, std::uint64_t size, UploadOptions options = {}) {
    options.size = size;
    options.part_bytes = min_part_bytes;
    auto made = run(store->plan_upload(caller(), key, std::move(options)));
    EXPECT_TRUE(made.ok()) << made.error().to_string();
    return made.ok() ? std::move(*made) : UploadPlan();
  }
  static net::http::Request request_of(const UploadPart& part, std::string body) {
    net::http::Request out(part.method, part.url);
    out.headers = part.headers;
    out.body = std::move(body);
    return out;
  }
  Answer send(net::http::Request request) {
    auto response = run(http->send(std::move(request)));
    EXPECT_TRUE(response.ok()) << response.error().to_string();
    if (!response.ok()) return {};
    return {response->status, std::string(net::http::find_header(response->headers, "etag")), std::move(response->body)};
  }
  Answer send(const UploadPart& part, const std::string& whole) {
    return send(request_of(part, whole.substr(static_cast<std::size_t>(part.offset), static_cast<std::size_t>(part.size))));
  }
  [[nodiscard]] static bool arrived(const Answer& answer) { return answer.status / 100 == 2 || answer.status == 308; }

  /// All parts, the last one first and all at once where the plan lets them. Their etags.
  std::vector<std::string> send_all(const UploadPlan& of, const std::string& whole) {
    std::vector<std::string> etags(of.parts.size());
    if (of.ordered) {
      for (std::size_t i = 0; i < of.parts.size(); ++i) {
        const Answer answer = send(of.parts[i], whole);
        EXPECT_TRUE(arrived(answer)) << answer.status << " " << answer.body;
      }
      return etags;
    }
    std::size_t left = of.parts.size();
    for (std::size_t i = of.parts.size(); i-- > 0;) {
      const UploadPart& part = of.parts[i];
      std::string body = whole.substr(static_cast<std::size_t>(part.offset), static_cast<std::size_t>(part.size));
      spawn(http->send(request_of(part, std::move(body))),
            [&etags, &left, i](std::exception_ptr, std::optional<Result<net::http::Response>> response) {
              --left;
              ASSERT_TRUE(response->ok()) << response->error().to_string();
              EXPECT_EQ((*response)->status / 100, 2) << (*response)->status << " " << (*response)->body;
              etags[i] = std::string(net::http::find_header((*response)->headers, "etag"));
            });
    }
    while (left > 0) loop->turn(1000);
    return etags;
  }
  std::string stored(const std::string& key) {
    auto object = run(store->read(caller(), key));
    return object.ok() ? object->data : std::string(name_of(object.error().kind()));
  }
  void advance(Duration by) {
    bool done = false;
    clock.advance(by, [&] { done = true; });
    for (int i = 0; i < 100000 && !done; ++i) loop->turn(0);
    ASSERT_TRUE(done);
  }

  std::string root = "/tmp/spikard-uploads-XXXXXX";
  net::VirtualClock clock;
  std::unique_ptr<net::Loop> loop;
  std::unique_ptr<net::BlockingPool> pool = std::make_unique<net::BlockingPool>(clock);
  services::StorageConfig config;
  std::shared_ptr<Client> store;
  http::test::ScriptedSink none;  // no handlers of an application's own
  std::unique_ptr<app::StorageHttp> layer;
  std::unique_ptr<http::Server> server;
  std::unique_ptr<net::http::Client> http;
};

const BackendCase backends[] = {
    BackendCase("memory").without("UploadsOutliveTheProcess", "memory: keeps nothing"),
    BackendCase("file"),
};
INSTANTIATE_TEST_SUITE_P(Backends, StorageContract, ::testing::ValuesIn(backends), name_of_case);

const char* const real_time = "the server's clock decides";
const BackendCase s3[] = {BackendCase("s3").without("UploadUrlsExpire", real_time)};
INSTANTIATE_TEST_SUITE_P(Server_s3, StorageContract, ::testing::ValuesIn(s3), name_of_case);

const char* const session = "a session of GCS has one URL for all parts, which it takes in their order, once";
const BackendCase gcs[] = {
    BackendCase("gcs")
        .without("UploadUrlsExpire", "a session of GCS is good for a week")
        .without("UploadedPartsCanBeSentAgain", session)
        .without("UploadUrlsAreForOnePart", session)
        .without("UploadsToOneKeyDoNotMix", "an object of GCS is there with its last part")
        .without("UploadPartsThatAreMissingCanFollow", "fake-gcs ends a session when it is asked how far it came")
        .without("AbortedUploadsAreGone", "fake-gcs does not end a session that is deleted")};
INSTANTIATE_TEST_SUITE_P(Server_gcs, StorageContract, ::testing::ValuesIn(gcs), name_of_case);

const BackendCase azblob[] = {BackendCase("azblob")
                                  .without("UploadUrlsExpire", real_time)
                                  .without("UploadUrlsAreForOnePart", "a SAS of Azure is for the blob, whatever the request")
                                  .without("UploadsToOneKeyDoNotMix", "Azure drops what arrived for a blob at its next write")
                                  .without("AbortedUploadsAreGone", "Azure keeps blocks for a week")};
INSTANTIATE_TEST_SUITE_P(Server_azblob, StorageContract, ::testing::ValuesIn(azblob), name_of_case);

TEST_P(StorageContract, UploadedPartsBecomeTheObject) {
  const std::string key = "a b/\xC3\xA9";
  const std::string whole = bytes_of(whole_bytes, 1);
  UploadOptions options;
  options.write.content_type = "video/mp4";
  options.write.cache_control = "max-age=60";
  options.write.content_disposition = "attachment; filename=\"a.mp4\"";
  options.write.metadata["Owner"] = "gr\xC3\xBC\xC3\x9F";
  options.origin = "https://pages.example";
  const UploadPlan made = plan(key, whole_bytes, options);
  ASSERT_EQ(made.parts.size(), 3U);
  EXPECT_EQ(made.key, key);
  std::uint64_t offset = 0;
  for (const UploadPart& part : made.parts) {
    EXPECT_EQ(part.number, static_cast<std::uint32_t>(&part - made.parts.data()) + 1);
    EXPECT_EQ(part.method, "PUT");
    EXPECT_EQ(part.offset, offset);
    offset += part.size;
  }
  EXPECT_EQ(offset, whole_bytes);
  const std::vector<std::string> etags = send_all(made, whole);
  if (!made.ordered) {
    EXPECT_EQ(stored(key), "not_found");
  }
  const auto done = run(store->complete_upload(caller(), key, made.upload, etags));
  ASSERT_TRUE(done.ok()) << done.error().to_string();
  EXPECT_EQ(done->key, key);
  EXPECT_EQ(done->size, whole_bytes);
  EXPECT_TRUE(stored(key) == whole);
  const auto info = run(store->stat(caller(), key));
  ASSERT_TRUE(info.ok());
  EXPECT_EQ(info->etag, done->etag);
  EXPECT_EQ(info->content_type, "video/mp4");
  EXPECT_EQ(info->cache_control, "max-age=60");
  EXPECT_EQ(info->content_disposition, "attachment; filename=\"a.mp4\"");
  EXPECT_EQ(info->metadata, (std::map<std::string, std::string>{{"owner", "gr\xC3\xBC\xC3\x9F"}}));
  EXPECT_EQ(done->metadata, info->metadata);
  EXPECT_EQ(code(run(store->complete_upload(caller(), key, made.upload))), "not_found no_such_upload");
  EXPECT_EQ(code(run(store->abort_upload(caller(), key, made.upload))), "ok");
  EXPECT_TRUE(stored(key) == whole) << "what was completed stays";
}

TEST_P(StorageContract, UploadsOfOneSmallPart) {
  const UploadPlan made = plan("k", 5);
  ASSERT_EQ(made.parts.size(), 1U);
  EXPECT_FALSE(made.ordered);
  (void)send_all(made, "hello");
  ASSERT_EQ(code(run(store->complete_upload(caller(), "k", made.upload))), "ok");
  EXPECT_EQ(stored("k"), "hello");
  EXPECT_EQ(run(store->stat(caller(), "k"))->content_type, std::nullopt);
}

TEST_P(StorageContract, UploadPartsThatAreMissingCanFollow) {
  const std::string whole = bytes_of(whole_bytes, 2);
  const UploadPlan made = plan("k", whole_bytes);
  const auto nothing = run(store->complete_upload(caller(), "k", made.upload));
  EXPECT_EQ(code(nothing), "conflict invalid_part");
  EXPECT_NE(nothing.error().message().find("part 1 of 3 is missing"), std::string::npos) << nothing.error().message();
  ASSERT_TRUE(arrived(send(made.parts[0], whole)));
  ASSERT_TRUE(arrived(send(made.parts[2], whole)));
  const auto two = run(store->complete_upload(caller(), "k", made.upload));
  EXPECT_EQ(code(two), "conflict invalid_part");
  EXPECT_NE(two.error().message().find("part 2 of 3 is missing"), std::string::npos) << two.error().message();
  EXPECT_EQ(stored("k"), "not_found");
  ASSERT_TRUE(arrived(send(made.parts[1], whole)));
  ASSERT_EQ(code(run(store->complete_upload(caller(), "k", made.upload))), "ok");
  EXPECT_TRUE(stored("k") == whole);
}

TEST_P(StorageContract, UploadPartsOfAnotherSizeAreRefused) {
  const UploadPlan made = plan("k", 6 * mib);
  const std::string whole = bytes_of(6 * mib, 3);
  ASSERT_TRUE(arrived(send(made.parts[0], whole)));
  // Where the server can tell, by what was signed; else when all is put together.
  const Answer answer = send(request_of(made.parts[1], "short"));
  if (GetParam().own()) {
    EXPECT_EQ(answer.status, 400);
    EXPECT_NE(answer.body.find("the body has 5 bytes, the URL is for 1048576"), std::string::npos) << answer.body;
    EXPECT_EQ(send(request_of(made.parts[1], std::string(mib + 1, 'x'))).status, 413);
  }
  if (GetParam().name == "s3") {
    EXPECT_EQ(answer.status, 403) << answer.body;
  }
  const auto done = run(store->complete_upload(caller(), "k", made.upload));
  EXPECT_EQ(code(done), "conflict invalid_part");
  EXPECT_EQ(stored("k"), "not_found");
  if (GetParam().name == "gcs") return;  // a session of another size is over
  ASSERT_TRUE(arrived(send(made.parts[1], whole)));
  ASSERT_EQ(code(run(store->complete_upload(caller(), "k", made.upload))), "ok");
  EXPECT_TRUE(stored("k") == whole);
}

TEST_P(StorageContract, UploadedPartsCanBeSentAgain) {
  const UploadPlan made = plan("k", whole_bytes);
  const std::string old = bytes_of(whole_bytes, 4);
  const std::string whole = bytes_of(whole_bytes, 5);
  const std::vector<std::string> etags = send_all(made, old);
  ASSERT_TRUE(arrived(send(made.parts[1], whole)));
  if (!etags[1].empty()) {
    // Of somebody who has the URL: the uploader's etag is another.
    const auto other = run(store->complete_upload(caller(), "k", made.upload, etags));
    EXPECT_EQ(code(other), "conflict invalid_part");
    EXPECT_NE(other.error().message().find("part 2 has another etag"), std::string::npos) << other.error().message();
  }
  EXPECT_EQ(code(run(store->complete_upload(caller(), "k", made.upload, {"\"a\""}))), "invalid_argument ");
  (void)send_all(made, whole);
  ASSERT_EQ(code(run(store->complete_upload(caller(), "k", made.upload, {"", "", ""}))), "ok");
  EXPECT_TRUE(stored("k") == whole);
}

TEST_P(StorageContract, UploadsKeepTheirConditions) {
  const std::string whole = bytes_of(6 * mib, 6);
  UploadOptions absent;
  absent.write.conditions.if_none_match = "*";
  const UploadPlan made = plan("k", 6 * mib, absent);
  ASSERT_TRUE(arrived(send(made.parts[0], whole)));
  const auto other = run(store->write(caller(), "k", "first"));
  ASSERT_TRUE(other.ok());
  if (GetParam().name == "gcs") {
    // The last part makes the object, so it is the one that is refused.
    EXPECT_EQ(send(made.parts[1], whole).status, 412);
    EXPECT_NE(code(run(store->complete_upload(caller(), "k", made.upload))), "ok");
    EXPECT_EQ(stored("k"), "first");
    return;
  }
  ASSERT_TRUE(arrived(send(made.parts[1], whole)));
  // Azure (not Azurite) has dropped the blocks with the write.
  const std::string said = code(run(store->complete_upload(caller(), "k", made.upload)));
  const bool dropped = GetParam().name == "azblob" && said == "conflict invalid_part";
  EXPECT_TRUE(dropped || said == "condition_failed condition_not_met") << said;
  EXPECT_EQ(stored("k"), "first");
  EXPECT_EQ(code(run(store->abort_upload(caller(), "k", made.upload))), "ok");

  UploadOptions match;
  match.write.conditions.if_match = other->etag;
  const UploadPlan replacing = plan("k", 6 * mib, match);
  const UploadPlan late = plan("k", 6 * mib, match);
  (void)send_all(replacing, whole);
  ASSERT_EQ(code(run(store->complete_upload(caller(), "k", replacing.upload))), "ok");
  EXPECT_TRUE(stored("k") == whole);
  (void)send_all(late, whole);
  EXPECT_EQ(code(run(store->complete_upload(caller(), "k", late.upload))), "condition_failed condition_not_met");
  EXPECT_EQ(code(run(store->abort_upload(caller(), "k", late.upload))), "ok");
}

TEST_P(StorageContract, AbortedUploadsAreGone) {
  const std::string whole = bytes_of(whole_bytes, 7);
  const UploadPlan made = plan("k", whole_bytes);
  ASSERT_TRUE(arrived(send(made.parts[0], whole)));
  EXPECT_EQ(code(run(store->abort_upload(caller(), "k", made.upload))), "ok");
  EXPECT_EQ(send(made.parts[1], whole).status, 404);
  EXPECT_EQ(code(run(store->complete_upload(caller(), "k", made.upload))), "not_found no_such_upload");
  EXPECT_EQ(code(run(store->abort_upload(caller(), "k", made.upload))), "ok");
  EXPECT_EQ(stored("k"), "not_found");
  if (GetParam().name == "file") {
    EXPECT_TRUE(std::filesystem::is_empty(root + "/objects/%spikard/uploads"));
    EXPECT_TRUE(std::filesystem::is_empty(root + "/objects/%spikard/tmp"));
  }
}

TEST_P(StorageContract, AbortedUploadsAreNoObjects) {
  const UploadPlan made = plan("k", 6 * mib);
  (void)send_all(made, bytes_of(6 * mib, 13));
  EXPECT_EQ(code(run(store->abort_upload(caller(), "k", made.upload))), "ok");
  EXPECT_EQ(stored("k"), "not_found");
}

TEST_P(StorageContract, UploadsToOneKeyDoNotMix) {
  const std::string a = bytes_of(6 * mib, 8);
  const std::string b = bytes_of(6 * mib, 9);
  const UploadPlan of_a = plan("k", 6 * mib);
  const UploadPlan of_b = plan("k", 6 * mib);
  ASSERT_TRUE(arrived(send(of_a.parts[0], a)));
  (void)send_all(of_b, b);
  ASSERT_TRUE(arrived(send(of_a.parts[1], a)));
  ASSERT_EQ(code(run(store->complete_upload(caller(), "k", of_a.upload))), "ok");
  EXPECT_TRUE(stored("k") == a);
  ASSERT_EQ(code(run(store->complete_upload(caller(), "k", of_b.upload))), "ok");
  EXPECT_TRUE(stored("k") == b);
}

TEST_P(StorageContract, UploadUrlsAreForOnePart) {
  const std::string whole = bytes_of(whole_bytes, 10);
  const UploadPlan made = plan("k", whole_bytes);
  const std::string parameter = GetParam().own() ? "part=2" : "partNumber=2";
  UploadPart changed = made.parts[1];
  changed.url.replace(changed.url.find(parameter), parameter.size(), parameter.substr(0, parameter.size() - 1) + "1");
  EXPECT_EQ(send(changed, whole).status, 403);
  UploadPart key = made.parts[1];
  key.url.replace(key.url.find("/k?"), 3, "/l?");
  EXPECT_EQ(send(key, whole).status, 403);
  net::http::Request get("GET", made.parts[1].url);
  EXPECT_EQ(send(std::move(get)).status, 403);
  EXPECT_EQ(made.parts[0].url.find(GetParam().own() ? "no secret" : config.s3.secret_key), std::string::npos);
  EXPECT_EQ(code(run(store->complete_upload(caller(), "k", made.upload))), "conflict invalid_part");
  EXPECT_EQ(code(run(store->abort_upload(caller(), "k", made.upload))), "ok");
}

TEST_P(StorageContract, UploadTokensThatWereNotGivenOut) {
  const UploadPlan made = plan("k", 5);
  std::string forged = made.upload;
  forged[30] = forged[30] == 'A' ? 'B' : 'A';
  for (const std::string& token : {forged, std::string(), std::string("k"), made.upload + "A"}) {
    EXPECT_EQ(code(run(store->complete_upload(caller(), "k", token))), "invalid_argument invalid_upload");
    EXPECT_EQ(code(run(store->abort_upload(caller(), "k", token))), "invalid_argument invalid_upload");
  }
  EXPECT_EQ(code(run(store->complete_upload(caller(), "l", made.upload))), "invalid_argument invalid_upload");
  EXPECT_EQ(code(run(store->complete_upload(caller(), "/", made.upload))), "invalid_argument invalid_key");
  services::StorageConfig other = config;
  other.url += GetParam().name == "memory" ? "" : "x";
  other.presign.secret = GetParam().name == "memory" ? "another one" : config.presign.secret;
  auto elsewhere = Client::open(other, Environment(clock, *pool));
  ASSERT_TRUE(elsewhere.ok());
  EXPECT_EQ(code(run((*elsewhere)->complete_upload(caller(), "k", made.upload))), "invalid_argument invalid_upload");
  EXPECT_EQ(code(run(store->abort_upload(caller(), "k", made.upload))), "ok");
}

TEST_P(StorageContract, UploadPlansThatAreRefused) {
  const auto refused = [&](const std::string& key, auto change) {
    UploadOptions options;
    options.size = 5;
    change(options);
    const auto made = run(store->plan_upload(caller(), key, options));
    EXPECT_EQ(made.ok() ? ErrorKind::internal : made.error().kind(), ErrorKind::invalid_argument);
    return made.ok() ? std::string("ok") : made.error().message().substr(0, made.error().message().find(':'));
  };
  EXPECT_EQ(refused("k", [](UploadOptions& o) { o.size = 0; }), "size");
  EXPECT_EQ(refused("k", [](UploadOptions& o) { o.part_bytes = 1; }), "part_bytes");
  EXPECT_EQ(refused("k", [](UploadOptions& o) { o.expires_s = 604'801; }), "expires_s");
  EXPECT_EQ(refused("k", [](UploadOptions& o) { o.origin = "pages.example"; }), "origin");
  EXPECT_EQ(refused("k", [](UploadOptions& o) { o.write.content_type = "a\r\nb"; }), "content_type");
  EXPECT_EQ(refused("k", [](UploadOptions& o) { o.write.conditions.if_none_match = "\"a\""; }), "if_none_match");
  UploadOptions options;
  options.size = 5;
  EXPECT_EQ(code(run(store->plan_upload(caller(), "a//b", options))), "invalid_argument invalid_key");
}

TEST_P(StorageContract, UploadsOutliveTheProcess) {
  const std::string whole = bytes_of(whole_bytes, 11);
  const UploadPlan made = plan("k", whole_bytes);
  ASSERT_TRUE(arrived(send(made.parts[0], whole)));
  open();  // nothing of it was kept in memory
  ASSERT_TRUE(arrived(send(made.parts[1], whole)));
  open();
  ASSERT_TRUE(arrived(send(made.parts[2], whole)));
  open();
  ASSERT_EQ(code(run(store->complete_upload(caller(), "k", made.upload))), "ok");
  EXPECT_TRUE(stored("k") == whole);
}

TEST_P(StorageContract, UploadUrlsExpire) {
  const std::string whole = bytes_of(6 * mib, 12);
  UploadOptions options;
  options.expires_s = 60;
  const UploadPlan made = plan("k", 6 * mib, options);
  const UploadPlan left = plan("k", 6 * mib, options);
  EXPECT_EQ(made.expires_at, clock.wall() + std::chrono::seconds(60));
  ASSERT_TRUE(arrived(send(left.parts[0], whole)));
  ASSERT_TRUE(arrived(send(made.parts[0], whole)));
  advance(std::chrono::seconds(59));
  ASSERT_TRUE(arrived(send(made.parts[1], whole)));
  advance(std::chrono::seconds(1));
  const Answer answer = send(made.parts[1], whole);
  EXPECT_EQ(answer.status, 403);
  EXPECT_NE(answer.body.find("expired"), std::string::npos) << answer.body;
  // What has arrived can be put together for a day.
  advance(upload_grace);
  ASSERT_EQ(code(run(store->complete_upload(caller(), "k", made.upload))), "ok");
  EXPECT_TRUE(stored("k") == whole);
  EXPECT_EQ(code(run(store->complete_upload(caller(), "k", left.upload))), "conflict invalid_part");
  advance(std::chrono::seconds(1));
  EXPECT_EQ(code(run(store->complete_upload(caller(), "k", left.upload))), "invalid_argument invalid_upload");
  const UploadPlan next = plan("l", 5);
  EXPECT_EQ(code(run(store->abort_upload(caller(), "k", left.upload))), "ok");
  if (GetParam().name != "file") return;
  const std::filesystem::directory_iterator uploads(root + "/objects/%spikard/uploads");
  EXPECT_EQ(std::distance(begin(uploads), end(uploads)), 1) << "the next plan has taken away what was over";
}

}  // namespace
}  // namespace spikard::storage
