#include "storage/file/store.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "net/virtual_clock.hpp"

namespace spikard::storage::file {
namespace {

namespace fs = std::filesystem;

struct FileStoreTest : ::testing::Test {
  void SetUp() override {
    std::string name = "/tmp/spikard-files-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    room = name;
    root = room + "/objects";
    store = open();
  }
  void TearDown() override {
    store.reset();
    fs::permissions(root, fs::perms::owner_all);
    fs::remove_all(room);
  }
  std::shared_ptr<FileStore> open() {
    FileStore::Options options;
    options.root = root;
    auto opened = FileStore::open(clock, std::move(options));
    EXPECT_TRUE(opened.ok()) << opened.error().to_string();
    return opened.value();
  }
  Result<ObjectInfo> put(const std::string& key, const std::string& data, const WriteOptions& options = {}) {
    Result<Temporary> temporary = store->begin();
    if (!temporary.ok()) return temporary.error();
    SPIKARD_TRY(write_all(temporary->fd(), data));
    return store->commit(std::move(*temporary), key, options);
  }
  std::string get(const std::string& key) {
    auto opened = store->open_object(key);
    if (!opened.ok()) return "error " + std::string(name_of(opened.error().kind()));
    return read_at(opened->fd.get(), 0, opened->info.size).value();
  }
  static WriteOptions typed(const std::string& type) {
    WriteOptions out;
    out.content_type = type;
    return out;
  }
  std::vector<std::string> tree() {
    std::vector<std::string> out;
    for (const auto& entry : fs::recursive_directory_iterator(root)) {
      const std::string name = entry.path().string().substr(root.size() + 1);
      if (!name.starts_with("%spikard")) out.push_back(name);
    }
    std::sort(out.begin(), out.end());
    return out;
  }
  std::size_t temporaries() {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(root + "/%spikard/tmp"), fs::directory_iterator()));
  }
  std::vector<std::string> keys() {
    std::vector<std::string> out;
    const ListPage page = store->list({}).value();
    for (const auto& entry : page.entries) out.push_back(entry.key);
    return out;
  }
  void write_file(const std::string& name, const std::string& text) { std::ofstream(root + "/" + name) << text; }

  net::VirtualClock clock;
  std::string room, root;
  std::shared_ptr<FileStore> store;
};

TEST_F(FileStoreTest, ObjectsArePlainFiles) {
  ASSERT_TRUE(put("invoices/7.pdf", "%PDF").ok());
  EXPECT_EQ(tree(), (std::vector<std::string>{"invoices", "invoices/7.pdf"}));
  ASSERT_TRUE(put("invoices/7.pdf", "%PDF", typed("application/pdf")).ok());
  EXPECT_EQ(tree(), (std::vector<std::string>{"invoices", "invoices/7.pdf", "invoices/7.pdf%m"}));
  std::ifstream in(root + "/invoices/7.pdf");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), "%PDF");
  // Without anything to keep the record goes; with the object its folders go.
  ASSERT_TRUE(put("invoices/7.pdf", "x").ok());
  EXPECT_EQ(tree(), (std::vector<std::string>{"invoices", "invoices/7.pdf"}));
  ASSERT_TRUE(put("invoices/7.pdf", "x", typed("a/b")).ok());
  ASSERT_TRUE(store->remove("invoices/7.pdf").ok());
  EXPECT_EQ(tree(), (std::vector<std::string>{}));
  EXPECT_EQ(temporaries(), 0U);
}

TEST_F(FileStoreTest, AFolderOfOtherProgramsIsServed) {
  fs::create_directories(root + "/img/icons");
  write_file("img/logo.png", "png");
  write_file("img/icons/a.svg", "svg");
  write_file("50%.txt", "not a key that is ever spelled so");
  EXPECT_EQ(keys(), (std::vector<std::string>{"img/icons/a.svg", "img/logo.png"}));
  EXPECT_EQ(get("img/logo.png"), "png");
  const std::string before = store->open_object("img/logo.png")->info.etag;
  write_file("img/logo.png", "png2");
  EXPECT_NE(store->open_object("img/logo.png")->info.etag, before);
}

TEST_F(FileStoreTest, WhatIsKeptStaysWhereAnotherProgramChangesTheContent) {
  ASSERT_TRUE(put("page.html", "<p>", typed("text/html")).ok());
  write_file("page.html", "<p>longer");
  EXPECT_EQ(store->open_object("page.html")->info.content_type, "text/html");
  EXPECT_EQ(store->open_object("page.html")->info.size, 9U);
}

TEST_F(FileStoreTest, NoLinkIsFollowed) {
  fs::create_directories(room + "/outside");
  std::ofstream(room + "/outside/secret") << "secret";
  fs::create_symlink(room + "/outside", root + "/link");
  fs::create_symlink(room + "/outside/secret", root + "/file-link");
  fs::create_symlink("nowhere", root + "/dangling");
  EXPECT_EQ(get("link/secret"), "error not_found");
  EXPECT_EQ(get("file-link"), "error not_found");
  EXPECT_EQ(keys(), (std::vector<std::string>{}));
  EXPECT_EQ(put("link/new", "x").error().kind(), ErrorKind::permission_denied);
  EXPECT_FALSE(fs::exists(room + "/outside/new"));
  EXPECT_TRUE(store->remove("link/secret").ok());
  EXPECT_TRUE(fs::exists(room + "/outside/secret"));
  // An object takes a link's place; what it pointed to stays.
  ASSERT_TRUE(put("file-link", "mine").ok());
  EXPECT_EQ(get("file-link"), "mine");
  std::ifstream in(room + "/outside/secret");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), "secret");
  // Neither is a record's.
  ASSERT_TRUE(put("typed", "x", typed("a/b")).ok());
  fs::remove(root + "/typed%m");
  fs::create_symlink(room + "/outside/secret", root + "/typed%m");
  EXPECT_NE(get("typed"), "secret");
}

TEST_F(FileStoreTest, PercentTricksAreNames) {
  ASSERT_TRUE(put("%2e%2e/%2e%2e/etc", "x").ok());
  EXPECT_EQ(tree(), (std::vector<std::string>{"%252e%252e", "%252e%252e/%252e%252e", "%252e%252e/%252e%252e/etc"}));
  ASSERT_TRUE(put("%spikard/lock", "x").ok());
  ASSERT_TRUE(put("%spikard/tmp/a", "x").ok());
  EXPECT_EQ(keys(), (std::vector<std::string>{"%2e%2e/%2e%2e/etc", "%spikard/lock", "%spikard/tmp/a"}));
}

TEST_F(FileStoreTest, DevicesAndPipesAreNoObjects) {
  ASSERT_EQ(::mkfifo((root + "/pipe").c_str(), 0600), 0);
  EXPECT_EQ(get("pipe"), "error not_found");
  EXPECT_EQ(keys(), (std::vector<std::string>{}));
  EXPECT_EQ(put("pipe/x", "x").error().kind(), ErrorKind::permission_denied);
  ASSERT_TRUE(put("pipe", "x").ok());
  EXPECT_EQ(get("pipe"), "x");
}

TEST_F(FileStoreTest, LeftoversOfKilledWritersAreSweptLivingOnesStay) {
  Result<Temporary> living = store->begin();
  ASSERT_TRUE(living.ok());
  const pid_t child = ::fork();
  if (child == 0) {
    Result<Temporary> dead = store->begin();
    ::raise(SIGKILL);
    ::_exit(dead.ok() ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(temporaries(), 2U);
  const auto again = open();
  EXPECT_EQ(again->swept(), 1U);
  EXPECT_EQ(temporaries(), 1U);
  ASSERT_TRUE(write_all(living->fd(), "late").ok());
  ASSERT_TRUE(store->commit(std::move(*living), "k", {}).ok());
  EXPECT_EQ(get("k"), "late");
}

TEST_F(FileStoreTest, TheKeyOfSignaturesIsTheFoldersOwn) {
  EXPECT_EQ(store->secret().size(), 32U);
  EXPECT_EQ(open()->secret(), store->secret());
  struct ::stat st{};
  ASSERT_EQ(::stat((root + "/%spikard/secret").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777U, 0600U);
}

TEST_F(FileStoreTest, ARecordThatIsCorruptIsSaidAndHealedByAWrite) {
  ASSERT_TRUE(put("k", "x", typed("a/b")).ok());
  write_file("k%m", "{");
  EXPECT_EQ(get("k"), "error corrupt");
  ASSERT_TRUE(put("k", "y").ok());
  EXPECT_EQ(get("k"), "y");
}

TEST_F(FileStoreTest, ARecordWithoutObjectIsNothing) {
  // As a kill between the two unlinks of a delete leaves it.
  ASSERT_TRUE(put("k", "x", typed("a/b")).ok());
  fs::remove(root + "/k");
  EXPECT_EQ(get("k"), "error not_found");
  EXPECT_EQ(keys(), (std::vector<std::string>{}));
  ASSERT_TRUE(put("k", "y").ok());
  EXPECT_FALSE(store->open_object("k")->info.content_type.has_value());
}

TEST_F(FileStoreTest, BetweenTheTwoRenamesTheOldObjectIsWhole) {
  ASSERT_TRUE(put("k", "old", typed("a/old")).ok());
  fs::copy_file(root + "/k", room + "/old", fs::copy_options::overwrite_existing);
  const auto old_time = fs::last_write_time(root + "/k");
  ASSERT_TRUE(put("k", "new", typed("a/new")).ok());
  // The record is that of the new state, the content that of the old one: what a kill between them leaves.
  fs::copy_file(room + "/old", root + "/k", fs::copy_options::overwrite_existing);
  fs::last_write_time(root + "/k", old_time);
  const auto opened = store->open_object("k");
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ(opened->info.content_type, "a/old");
  EXPECT_EQ(get("k"), "old");
}

TEST_F(FileStoreTest, VersionsGrowWhereTheClockStandsStill) {
  std::string last;
  for (int i = 0; i < 5; ++i) {
    store = open();  // a new process: its clock's start is before what is there
    const std::string etag = put("k", "x").value().etag;
    EXPECT_NE(etag, last);
    EXPECT_EQ(store->open_object("k")->info.etag, etag);
    last = etag;
  }
}

TEST_F(FileStoreTest, StoresOfSeveralProcessesKeepConditions) {
  // Counts by compare-and-set from processes that know nothing of each other.
  ASSERT_TRUE(put("n", "0").ok());
  std::vector<pid_t> children;
  constexpr int processes = 3;
  constexpr int each = 30;
  for (int p = 0; p < processes; ++p) {
    const pid_t child = ::fork();
    if (child == 0) {
      RealClock real;
      FileStore::Options options;
      options.root = root;
      auto own = FileStore::open(real, std::move(options)).value();
      for (int done = 0; done < each;) {
        auto opened = own->open_object("n").value();
        const int n = std::stoi(read_at(opened.fd.get(), 0, opened.info.size).value());
        auto temporary = own->begin().value();
        (void)write_all(temporary.fd(), std::to_string(n + 1));
        WriteOptions match;
        match.conditions.if_match = opened.info.etag;
        if (own->commit(std::move(temporary), "n", match).ok()) ++done;
      }
      ::_exit(0);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(get("n"), std::to_string(processes * each));
}

TEST_F(FileStoreTest, FoldersComeAndGoUnderWriters) {
  std::atomic<int> failed{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 60; ++i) {
        const std::string key = "a/b/c/" + std::to_string(t);
        auto temporary = store->begin();
        if (!temporary.ok() || !store->commit(std::move(*temporary), key, {}).ok()) ++failed;
        if (!store->remove(key).ok()) ++failed;
        auto above = store->begin();  // the folder's name as an object
        if (!above.ok() || !store->commit(std::move(*above), i % 2 == 0 ? "a/b" : "a", {}).ok()) ++failed;
        if (!store->remove(i % 2 == 0 ? "a/b" : "a").ok()) ++failed;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(keys(), (std::vector<std::string>{}));
}

TEST_F(FileStoreTest, AFolderThatCannotBeWrittenIsRead) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become somebody who may not write";
  ASSERT_TRUE(put("k", "x", typed("a/b")).ok());
  const auto all_read = static_cast<fs::perms>(0755);
  for (const std::string& path : {room, root, root + "/k", root + "/k%m"}) fs::permissions(path, all_read);
  const pid_t child = ::fork();
  if (child == 0) {
    if (::seteuid(65534) != 0) ::_exit(1);
    FileStore::Options options;
    options.root = root;
    auto opened = FileStore::open(clock, std::move(options));
    if (!opened.ok()) ::_exit(7);
    store = *opened;
    if (get("k") != "x" || store->open_object("k")->info.content_type != "a/b") ::_exit(2);
    if (put("k", "y").error().kind() != ErrorKind::permission_denied) ::_exit(3);
    if (store->remove("k").error().kind() != ErrorKind::permission_denied) ::_exit(4);
    if (store->rename("k", "l", {}).error().kind() != ErrorKind::permission_denied) ::_exit(5);
    if (keys() != std::vector<std::string>{"k"} || store->secret().size() != 32) ::_exit(6);
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(FileErrors, TheTable) {
  const std::pair<int, ErrorKind> table[] = {
      {ENOENT, ErrorKind::not_found},        {ENOTDIR, ErrorKind::not_found},       {EACCES, ErrorKind::permission_denied},
      {EROFS, ErrorKind::permission_denied}, {ELOOP, ErrorKind::permission_denied}, {ENAMETOOLONG, ErrorKind::invalid_argument},
      {EFBIG, ErrorKind::too_large},         {ENOSPC, ErrorKind::unavailable},      {EDQUOT, ErrorKind::unavailable},
      {EIO, ErrorKind::unavailable},         {EMFILE, ErrorKind::unavailable},      {EBADF, ErrorKind::internal},
  };
  for (const auto& [err, kind] : table) EXPECT_EQ(file_error(err, "x").kind(), kind) << err;
}

}  // namespace
}  // namespace spikard::storage::file
