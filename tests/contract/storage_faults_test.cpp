// Object stores on a real S3 server (tools/services) through a proxy that cuts, corrupts and goes away.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <random>
#include <thread>

#include "net/blocking_pool.hpp"
#include "net/loop/loop.hpp"
#include "net/signing/hash.hpp"
#include "net/signing/sigv4.hpp"
#include "storage/client.hpp"
#include "storage/registry.hpp"
#include "storage_servers.hpp"

namespace spikard::storage {
namespace {

sockaddr_in address_of(int port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  out.sin_port = htons(static_cast<std::uint16_t>(port));
  return out;
}

int connected(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in to = address_of(port);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) return fd;
  ::close(fd);
  return -1;
}

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

/// Between the store and its server. What it does is asked for at every piece that goes through, in this direction.
class Proxy {
 public:
  /// False: the connection is cut there. May change the bytes. `at`: how many went this way on this connection before.
  using Tamper = std::function<bool(bool to_server, std::uint64_t at, std::string& bytes)>;

  explicit Proxy(int server) : server_(server) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in own = address_of(0);
    socklen_t size = sizeof own;
    if (::bind(listener_, reinterpret_cast<const sockaddr*>(&own), size) != 0 || ::listen(listener_, 64) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&own), &size) != 0)
      throw std::runtime_error("proxy: no listener");
    port_ = ntohs(own.sin_port);
    accepting_ = std::thread([this] { accept_all(); });
  }
  ~Proxy() {
    stopping_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    accepting_.join();
    ::close(listener_);
    for (std::thread& thread : threads_) thread.join();
  }
  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] int cuts() const { return cuts_; }
  void tamper(Tamper with) {
    const std::lock_guard lock(mutex_);
    tamper_ = std::move(with);
  }

 private:
  void accept_all() {
    while (!stopping_) {
      const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (client < 0) continue;
      threads_.emplace_back([this, client] { forward(client); });
    }
  }
  bool pass(bool to_server, std::uint64_t& at, int from, int to) {
    char buffer[16384];
    const ssize_t got = ::recv(from, buffer, sizeof buffer, 0);
    if (got <= 0) return false;
    std::string bytes(buffer, static_cast<std::size_t>(got));
    Tamper with;
    {
      const std::lock_guard lock(mutex_);
      with = tamper_;
    }
    const bool goes_on = !with || with(to_server, at, bytes);
    if (!goes_on) ++cuts_;
    at += static_cast<std::uint64_t>(got);
    return send_all(to, bytes) && goes_on;
  }
  void forward(int client) {
    const int server = connected(server_);
    std::uint64_t up = 0;
    std::uint64_t down = 0;
    for (bool open = server >= 0; open && !stopping_;) {
      pollfd both[2] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
      if (::poll(both, 2, 50) < 0) break;
      if (both[0].revents != 0) open = pass(true, up, client, server);
      if (open && both[1].revents != 0) open = pass(false, down, server, client);
    }
    const linger reset{1, 0};
    ::setsockopt(client, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    ::close(client);
    if (server >= 0) ::close(server);
  }

  const int server_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<int> cuts_{0};
  std::mutex mutex_;
  Tamper tamper_;
  std::thread accepting_;
  std::vector<std::thread> threads_;
};

struct StorageFaults : ::testing::TestWithParam<int> {
  void SetUp() override {
    const std::string url = contract::server_setting("S3_URL");
    server_port = std::stoi(url.substr(url.rfind(':') + 1));
    proxy = std::make_unique<Proxy>(server_port);
    loop = net::Loop::create(clock).value();
    config.url = "s3://" + contract::server_setting("S3_BUCKET") + "/" + folder;
    config.s3.endpoint = "http://127.0.0.1:" + std::to_string(proxy->port());
    config.s3.addressing = services::S3Addressing::path;
    config.s3.access_key = contract::server_setting("S3_ACCESS_KEY");
    config.s3.secret_key = contract::server_setting("S3_SECRET_KEY");
    config.transfer.max_retries = 12;
    open();
  }
  void TearDown() override {
    proxy->tamper({});
    for (int page = 0; page < 10; ++page) {
      auto listing = run(store->list(caller()));
      if (!listing.ok() || listing->entries.empty()) break;
      std::vector<std::string> keys;
      for (const ObjectInfo& entry : listing->entries) keys.push_back(entry.key);
      (void)run(store->remove_many(caller(), std::move(keys)));
    }
    store.reset();
    proxy.reset();
    pool->stop();
  }
  void open() {
    auto opened = Client::open(config, Environment(clock, *pool));
    ASSERT_TRUE(opened.ok()) << opened.error().to_string();
    store = std::move(*opened);
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
  static std::string text(std::size_t size, unsigned seed) {
    std::mt19937 random(seed);
    std::string out(size, '\0');
    for (char& c : out) c = static_cast<char>(random());
    return out;
  }
  Result<ObjectInfo> upload(const std::string& key, const std::string& data) {
    auto writer = run(store->open_write(caller(), key));
    if (!writer.ok()) return std::move(writer).error();
    for (std::size_t at = 0; at < data.size(); at += 300'000) {
      Result<void> written = run((*writer)->write(data.substr(at, 300'000)));
      if (!written.ok()) return std::move(written).error();
    }
    return run((*writer)->finish());
  }
  Result<std::string> download(const std::string& key) {
    auto reader = run(store->open_read(caller(), key));
    if (!reader.ok()) return std::move(reader).error();
    std::string out;
    for (;;) {
      auto part = run((*reader)->next());
      if (!part.ok()) return std::move(part).error();
      if (part->empty()) return out;
      out += *part;
    }
  }
  /// Of the folder's, asked of the server itself.
  std::size_t unfinished_uploads() {
    net::signing::SigV4 with;
    with.credentials = {config.s3.access_key, config.s3.secret_key, {}};
    with.region = config.s3.region;
    with.service = "s3";
    with.encode_path = with.normalize_path = false;
    with.time = clock.wall();
    net::signing::SigningRequest request;
    const std::string host = "127.0.0.1:" + std::to_string(server_port);
    request.method = "GET";
    request.path = "/" + contract::server_setting("S3_BUCKET");
    // MinIO lists the uploads of a key only when it is asked for that key.
    request.query = "prefix=" + net::signing::uri_encode(folder + "/big", false) + "&uploads=";
    request.headers.emplace_back("Host", host);
    const auto made = net::signing::sign_query(with, request, net::signing::unsigned_payload, 60);
    const int fd = connected(server_port);
    EXPECT_TRUE(
        send_all(fd, "GET " + request.path + "?" + made.query + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n"));
    std::string answer;
    char buffer[4096];
    for (ssize_t got = 0; (got = ::recv(fd, buffer, sizeof buffer, 0)) > 0;) answer.append(buffer, static_cast<std::size_t>(got));
    ::close(fd);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200")) << answer;
    std::size_t count = 0;
    for (std::size_t at = answer.find("<UploadId>"); at != answer.npos; at = answer.find("<UploadId>", at + 1)) ++count;
    return count;
  }
  void expect_no_uploads() {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (unfinished_uploads() != 0 && std::chrono::steady_clock::now() < end) loop->turn(20);
    EXPECT_EQ(unfinished_uploads(), 0U);
  }

  std::string folder = "faults-" + net::signing::hex(net::signing::random_bytes(6));
  int server_port = 0;
  RealClock clock;
  std::unique_ptr<Proxy> proxy;
  std::unique_ptr<net::Loop> loop;
  std::unique_ptr<net::BlockingPool> pool = std::make_unique<net::BlockingPool>(clock);
  services::StorageConfig config;
  std::shared_ptr<Client> store;
};
INSTANTIATE_TEST_SUITE_P(Server_s3, StorageFaults, ::testing::Values(0), [](const auto&) { return "s3"; });

TEST_P(StorageFaults, ConnectionsThatAreCutAtRandomBytesLoseNothing) {
  auto random = std::make_shared<std::mt19937>(20261127);
  proxy->tamper([random, lock = std::make_shared<std::mutex>()](bool, std::uint64_t, std::string& bytes) {
    const std::lock_guard held(*lock);
    if ((*random)() % 60 != 0) return true;
    bytes.resize((*random)() % (bytes.size() + 1));
    return false;
  });
  for (unsigned i = 0; i < 60; ++i) {
    const std::string key = "small/" + std::to_string(i);
    const std::string data = text(1 + i * 1789, i);
    auto written = run(store->write(caller(), key, data));
    ASSERT_TRUE(written.ok()) << written.error().to_string();
    auto read = run(store->read(caller(), key));
    ASSERT_TRUE(read.ok()) << read.error().to_string();
    EXPECT_TRUE(read->data == data) << key;
  }
  // Large ones: parts are sent again, reads go on where they broke.
  proxy->tamper([random, lock = std::make_shared<std::mutex>()](bool, std::uint64_t, std::string& bytes) {
    const std::lock_guard held(*lock);
    if ((*random)() % 900 != 0) return true;
    bytes.resize((*random)() % (bytes.size() + 1));
    return false;
  });
  const std::string big = text(21'000'000, 99);
  int finished = 0;
  for (int i = 0; i < 5 && finished < 2; ++i) {
    auto written = upload("big" + std::to_string(i), big);
    // Whether the last request was done cannot be known when its answer is lost; it is not made twice.
    if (!written.ok()) {
      ASSERT_EQ(written.error().kind(), ErrorKind::outcome_unknown) << written.error().to_string();
      continue;
    }
    ++finished;
    auto read = download("big" + std::to_string(i));
    ASSERT_TRUE(read.ok()) << read.error().to_string();
    EXPECT_TRUE(*read == big);
  }
  EXPECT_EQ(finished, 2);
  EXPECT_GT(proxy->cuts(), 10);
  std::printf("%d connections cut\n", proxy->cuts());
}

TEST_P(StorageFaults, AFlippedByteOfADownloadIsNoticed) {
  const std::string small = text(50'000, 1);
  const std::string big = text(20'000'000, 2);
  ASSERT_TRUE(run(store->write(caller(), "small", small)).ok());
  ASSERT_TRUE(upload("big", big).ok());
  config.transfer.max_retries = 0;
  open();
  for (const std::uint64_t where : {std::uint64_t{30'000}, std::uint64_t{9'000'000}, std::uint64_t{19'999'000}}) {
    proxy->tamper([where](bool to_server, std::uint64_t at, std::string& bytes) {
      if (!to_server && at <= where && where < at + bytes.size()) bytes[static_cast<std::size_t>(where - at)] ^= 1;
      return true;
    });
    open();  // a new connection: its bytes are counted from the beginning
    const auto read = download("big");
    ASSERT_FALSE(read.ok()) << where;
    EXPECT_EQ(read.error().kind(), ErrorKind::corrupt) << read.error().to_string();
    if (where < small.size()) {
      open();
      const auto object = run(store->read(caller(), "small"));
      ASSERT_FALSE(object.ok());
      EXPECT_EQ(object.error().kind(), ErrorKind::corrupt) << object.error().to_string();
    }
  }
  proxy->tamper({});
  EXPECT_TRUE(download("big").value() == big);
}

TEST_P(StorageFaults, AFlippedByteOfAnUploadIsNoticedAndSentAgain) {
  auto flips = std::make_shared<std::atomic<int>>(0);
  const auto flip_once = [flips](std::uint64_t where) {
    flips->store(0);
    return [flips, where](bool to_server, std::uint64_t at, std::string& bytes) {
      if (to_server && at <= where && where < at + bytes.size() && flips->fetch_add(1) == 0)
        bytes[static_cast<std::size_t>(where - at)] ^= 1;
      return true;
    };
  };
  const std::string small = text(50'000, 3);
  proxy->tamper(flip_once(30'000));
  open();
  auto written = run(store->write(caller(), "small", small));
  ASSERT_TRUE(written.ok()) << written.error().to_string();
  EXPECT_GE(*flips, 1);
  const std::string big = text(20'000'000, 4);
  proxy->tamper(flip_once(5'000'000));
  open();
  auto uploaded = upload("big", big);
  ASSERT_TRUE(uploaded.ok()) << uploaded.error().to_string();
  EXPECT_GE(*flips, 1);
  proxy->tamper({});
  EXPECT_TRUE(run(store->read(caller(), "small")).value().data == small);
  EXPECT_TRUE(download("big").value() == big);
  // Without another try it is an error, and nothing was written.
  config.transfer.max_retries = 0;
  proxy->tamper(flip_once(30'000));
  open();
  const auto refused = run(store->write(caller(), "other", small));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind(), ErrorKind::corrupt) << refused.error().to_string();
  proxy->tamper({});
  EXPECT_FALSE(run(store->exists(caller(), "other")).value());
}

TEST_P(StorageFaults, AnUploadThatIsGivenUpLeavesNothingOnTheServer) {
  {
    auto writer = run(store->open_write(caller(), "big"));
    for (int i = 0; i < 60; ++i) ASSERT_TRUE(run((*writer)->write(text(400'000, 5))).ok());
    EXPECT_EQ(unfinished_uploads(), 1U);
  }
  expect_no_uploads();
  // Destroyed while it sends.
  for (int turns = 0; turns < 6; ++turns) {
    auto writer = std::move(run(store->open_write(caller(), "big")).value());
    {
      const std::string part = text(1'000'000, 6);
      auto all = [](Writer& to, std::string data) -> Task<Result<void>> {
        for (int i = 0; i < 40; ++i) {
          auto work = to.write(data);
          Result<void> written = co_await work;
          if (!written.ok()) co_return written;
        }
        co_return Result<void>();
      };
      CancelSource source;
      bool ended = false;
      spawn(all(*writer, part).with_token(source.token()),
            [&](std::exception_ptr, std::optional<Result<void>>) { ended = true; });
      for (int i = 0; i < turns * 4; ++i) loop->turn(5);
      source.cancel();
      for (int i = 0; i < 1000 && !ended; ++i) loop->turn(5);
      EXPECT_TRUE(ended);
    }
    writer.reset();
    // What it had in hand goes on; a store that closes waits for that and for what takes it back.
    store.reset();
    open();
    expect_no_uploads();
  }
  EXPECT_FALSE(run(store->exists(caller(), "big")).value());
}

TEST_P(StorageFaults, AnUploadThatFailsIsAborted) {
  // Every answer of an UploadPart is replaced by the end of the connection, so that no try gets through.
  config.transfer.max_retries = 1;
  open();
  proxy->tamper(
      [](bool to_server, std::uint64_t, std::string& bytes) { return !to_server || bytes.find("partNumber=2") == bytes.npos; });
  auto uploaded = upload("big", text(30'000'000, 7));
  ASSERT_FALSE(uploaded.ok());
  EXPECT_EQ(uploaded.error().kind(), ErrorKind::unavailable) << uploaded.error().to_string();
  EXPECT_EQ(uploaded.error().retry(), RetryClass::temporary);
  expect_no_uploads();
}

TEST_P(StorageFaults, AServerThatIsSilentIsATimeOut) {
  config.transfer.max_retries = 1;
  config.transfer.timeout_ms = 200;
  open();
  std::atomic<int> asked{0};
  proxy->tamper([&](bool to_server, std::uint64_t, std::string& bytes) {
    if (to_server) ++asked;
    bytes.clear();
    return true;
  });
  const auto began = std::chrono::steady_clock::now();
  const auto info = run(store->stat(caller(), "k"));
  const auto took = std::chrono::steady_clock::now() - began;
  ASSERT_FALSE(info.ok());
  EXPECT_EQ(info.error().kind(), ErrorKind::unavailable) << info.error().to_string();
  EXPECT_EQ(info.error().retry(), RetryClass::temporary);
  EXPECT_GE(took, std::chrono::milliseconds(400));
  EXPECT_GE(asked, 2);
}

TEST_P(StorageFaults, ErrorsHaveNoSecret) {
  config.s3.secret_key = "wrong-secret";
  open();
  const auto info = run(store->write(caller(), "k", "x"));
  ASSERT_FALSE(info.ok());
  EXPECT_EQ(info.error().kind(), ErrorKind::permission_denied) << info.error().to_string();
  EXPECT_EQ(info.error().to_string().find("wrong-secret"), std::string::npos);
  EXPECT_EQ(info.error().to_string().find("Signature="), std::string::npos) << info.error().to_string();
  config.s3.secret_key = contract::server_setting("S3_SECRET_KEY");
  config.url = "s3://no-such-bucket-spikard";
  open();
  const auto nowhere = run(store->write(caller(), "k", "x"));
  ASSERT_FALSE(nowhere.ok());
  EXPECT_EQ(nowhere.error().kind(), ErrorKind::not_found);
  EXPECT_EQ(nowhere.error().message(), "the bucket or container does not exist");
}

// ---- signed URLs, used by a client that knows nothing else
// ---------------------------------------------------------------------

/// The whole answer.
std::string ask_url(const std::string& method, const std::string& url, const std::string& headers = {},
                    const std::string& body = {}) {
  const std::size_t host = url.find("://") + 3;
  const std::size_t path = url.find('/', host);
  const std::string authority = url.substr(host, path - host);
  const int fd = connected(std::stoi(authority.substr(authority.find(':') + 1)));
  std::string request =
      method + " " + url.substr(path) + " HTTP/1.1\r\nHost: " + authority + "\r\nConnection: close\r\n" + headers;
  if (method == "PUT") request += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  (void)send_all(fd, request + "\r\n" + body);  // a connection that is cut has no answer
  std::string answer;
  char buffer[4096];
  for (ssize_t got = 0; (got = ::recv(fd, buffer, sizeof buffer, 0)) > 0;) answer.append(buffer, static_cast<std::size_t>(got));
  ::close(fd);
  return answer;
}

struct SignedUrlsOfServers : ::testing::TestWithParam<std::string> {
  void SetUp() override {
    const std::string folder = "/signed-" + net::signing::hex(net::signing::random_bytes(6));
    config = contract::store_on(GetParam());
    config.url += folder;
  }
  template <class T>
  T run(Task<T> task) {
    std::optional<T> out;
    spawn(std::move(task), [&](std::exception_ptr, std::optional<T> value) { out = std::move(value); });
    while (!out.has_value()) loop->turn(1000);
    return std::move(*out);
  }
  RealClock clock;
  std::unique_ptr<net::Loop> loop = net::Loop::create(clock).value();
  net::BlockingPool pool{clock};
  services::StorageConfig config;
};
INSTANTIATE_TEST_SUITE_P(Server_s3, SignedUrlsOfServers, ::testing::Values("s3"), [](const auto& at) { return at.param; });
INSTANTIATE_TEST_SUITE_P(Server_azblob, SignedUrlsOfServers, ::testing::Values("azblob"),
                         [](const auto& at) { return at.param; });

TEST_P(SignedUrlsOfServers, AreGoodForOneThing) {
  auto store = Client::open(config, Environment(clock, pool)).value();
  const net::Caller caller(*loop);
  const std::string key = "a b/\xC3\xA9+1.txt";
  const std::string put = run(store->presign(caller, PresignMethod::put, key, 60)).value().url;
  const std::string needed = GetParam() == "azblob" ? "x-ms-blob-type: BlockBlob\r\n" : "";
  EXPECT_EQ(ask_url("PUT", put, needed, "hello").substr(9, 2), "20") << put;
  EXPECT_EQ(run(store->read(caller, key)).value().data, "hello");
  const std::string get = run(store->presign(caller, PresignMethod::get, key, 60)).value().url;
  const std::string answer = ask_url("GET", get);
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200") && answer.ends_with("hello")) << answer;
  const std::string head = run(store->presign(caller, PresignMethod::head, key, 60)).value().url;
  EXPECT_TRUE(ask_url("HEAD", head).starts_with("HTTP/1.1 200"));
  EXPECT_TRUE(ask_url("PUT", get, needed, "other").starts_with("HTTP/1.1 403"));
  EXPECT_TRUE(ask_url("GET", get.substr(0, get.size() - 4) + "0000").starts_with("HTTP/1.1 403"));
  EXPECT_TRUE(run(store->remove(caller, key)).ok());
}

// ---- uploads in parts by others

TEST_P(StorageFaults, AnUploadByOthersWhoseCompletionIsNotAnswered) {
  UploadOptions options;
  options.size = 6'000'000;
  options.part_bytes = min_part_bytes;
  const std::string whole = text(6'000'000, 11);
  const auto plan = run(store->plan_upload(caller(), "big", options));
  ASSERT_TRUE(plan.ok()) << plan.error().to_string();
  for (const UploadPart& part : plan->parts)
    ASSERT_TRUE(ask_url(part.method, part.url, {}, whole.substr(part.offset, part.size)).starts_with("HTTP/1.1 200"));
  std::atomic<bool> completing{false};
  proxy->tamper([&](bool to_server, std::uint64_t, std::string& bytes) {
    if (to_server && bytes.starts_with("POST ") && bytes.find("?uploadId=") != bytes.npos) completing = true;
    if (to_server || !completing) return true;
    bytes.clear();
    return false;
  });
  const auto lost = run(store->complete_upload(caller(), "big", plan->upload));
  ASSERT_FALSE(lost.ok());
  EXPECT_EQ(lost.error().kind(), ErrorKind::outcome_unknown) << lost.error().to_string();
  EXPECT_EQ(lost.error().to_string().find("uploadId"), std::string::npos) << lost.error().to_string();
  proxy->tamper({});
  const auto again = run(store->complete_upload(caller(), "big", plan->upload));
  EXPECT_EQ(again.ok() ? "completed" : again.error().detail(), "no_such_upload");
  EXPECT_TRUE(run(store->read(caller(), "big")).value().data == whole);
}

TEST_P(StorageFaults, AnUploadByOthersOverABadLine) {
  UploadOptions options;
  options.size = 12'000'000;
  options.part_bytes = min_part_bytes;
  const std::string whole = text(12'000'000, 12);
  const auto plan = run(store->plan_upload(caller(), "big", options));
  ASSERT_TRUE(plan.ok()) << plan.error().to_string();
  std::mt19937 random(12);
  std::mutex of_random;
  std::atomic<int> left{40};
  proxy->tamper([&](bool, std::uint64_t, std::string&) {
    const std::lock_guard lock(of_random);
    return random() % 100 != 0 || left-- <= 0;
  });
  int sent = 0;
  for (const UploadPart& part : plan->parts) {
    std::string answer;
    for (int attempt = 0; attempt < 100 && !answer.starts_with("HTTP/1.1 200"); ++attempt, ++sent)
      answer = ask_url(part.method, part.url, {}, whole.substr(part.offset, part.size));
    ASSERT_TRUE(answer.starts_with("HTTP/1.1 200")) << answer;
  }
  EXPECT_GT(proxy->cuts(), 0);
  RecordProperty("cuts", proxy->cuts());
  RecordProperty("requests", sent);
  proxy->tamper({});
  const auto done = run(store->complete_upload(caller(), "big", plan->upload));
  ASSERT_TRUE(done.ok()) << done.error().to_string();
  EXPECT_TRUE(run(store->read(caller(), "big")).value().data == whole);
  expect_no_uploads();
}

TEST_P(StorageFaults, AnUploadByOthersThatIsAbortedLeavesNothing) {
  UploadOptions options;
  options.size = 12'000'000;
  options.part_bytes = min_part_bytes;
  const std::string whole = text(12'000'000, 13);
  const auto plan = run(store->plan_upload(caller(), "big", options));
  ASSERT_TRUE(plan.ok()) << plan.error().to_string();
  ASSERT_EQ(unfinished_uploads(), 1U);
  // One part arrived, another is on its way.
  const auto put = [&](const UploadPart& part) {
    return ask_url(part.method, part.url, {}, whole.substr(part.offset, part.size));
  };
  ASSERT_TRUE(put(plan->parts[0]).starts_with("HTTP/1.1 200"));
  std::thread other([&] { (void)put(plan->parts[1]); });
  EXPECT_TRUE(run(store->abort_upload(caller(), "big", plan->upload)).ok());
  other.join();
  expect_no_uploads();
  EXPECT_TRUE(put(plan->parts[2]).starts_with("HTTP/1.1 404"));
  EXPECT_FALSE(run(store->exists(caller(), "big")).value());
}

}  // namespace
}  // namespace spikard::storage
