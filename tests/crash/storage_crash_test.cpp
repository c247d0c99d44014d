// Kills a process that writes objects as files, at random points, and looks at what it left: every object is what its last
// finished operation made it, or what the one in progress would make it; content and metadata belong together; nothing else is
// there.
//
//   storage_crash_test [KILLS [SEED]]      30 kills by default; the figures go to standard output
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "storage/file/store.hpp"

namespace {

using namespace spikard;
using namespace spikard::storage;
using file::FileStore;

constexpr int keys = 4;  // each has a thread of its own
constexpr int pairs = 2;

/// In memory that outlives the killed process. One operation of a key is in progress at most.
struct Journal {
  struct Line {
    std::atomic<std::uint64_t> begun;
    std::atomic<std::uint64_t> done;
  };
  Line key[keys];
  Line pair[pairs];
};

struct State {
  bool there = false;
  std::string data;
  std::string kept;  ///< metadata `n`, or nothing
  bool operator==(const State&) const = default;
};

std::string bytes_of(int key, std::uint64_t step) {
  const std::size_t sizes[] = {0, 17, 4096, 70'000, 300'000};
  std::string out = std::to_string(key) + ":" + std::to_string(step) + ";";
  const std::size_t size = sizes[step % 5];
  while (out.size() < size) out += out.substr(0, std::min(out.size(), size - out.size()));
  return out;
}

/// What a key is after its step `n`; before the first one it is not there.
State after_step(int key, std::uint64_t step) {
  if (step == 0 || step % 9 == 8) return {};
  State out;
  out.there = true;
  out.data = bytes_of(key, step);
  if (step % 4 != 3) out.kept = std::to_string(step);
  return out;
}

/// Pairs of keys: an odd step writes the first one, an even one renames it onto the second.
std::pair<State, State> after_pair_step(int pair, std::uint64_t step) {
  const auto written = [&](std::uint64_t at) {
    State out;
    if (at == 0) return out;
    out.there = true;
    out.data = bytes_of(100 + pair, at);
    if (at % 3 != 0) out.kept = std::to_string(at);
    return out;
  };
  if (step % 2 == 1) return {written(step), written(step == 1 ? 0 : step - 2)};
  return {State(), written(step == 0 ? 0 : step - 1)};
}

std::string name_of_key(int key) { return key % 2 == 0 ? "k" + std::to_string(key) : "folder/deep/k" + std::to_string(key); }
std::string first_of(int pair) { return "pairs/" + std::to_string(pair) + "/first"; }
// The folder of the first one is the second one's name: object and prefix at once.
std::string second_of(int pair) { return "pairs/" + std::to_string(pair); }

[[noreturn]] void die(const char* what, const Error& error) {
  std::fprintf(stderr, "%s: %s\n", what, error.to_string().c_str());
  std::abort();
}

std::shared_ptr<FileStore> open(const Clock& clock, const std::string& root) {
  FileStore::Options options;
  options.root = root;
  auto store = FileStore::open(clock, std::move(options));
  if (!store.ok()) die("open", store.error());
  return *store;
}

void write(FileStore& store, const std::string& key, const State& state) {
  auto temporary = store.begin();
  if (!temporary.ok()) die("begin", temporary.error());
  for (std::size_t at = 0; at < state.data.size(); at += 30'000) {
    if (auto put = file::write_all(temporary->fd(), std::string_view(state.data).substr(at, 30'000)); !put.ok())
      die("write", put.error());
  }
  WriteOptions options;
  if (!state.kept.empty()) options.metadata = {{"n", state.kept}};
  if (auto info = store.commit(std::move(*temporary), key, options); !info.ok()) die("commit", info.error());
}

/// Goes on where the journal ends, until it is killed.
[[noreturn]] void work(const std::string& root, Journal& journal) {
  const RealClock clock;
  auto store = open(clock, root);
  std::vector<std::thread> threads;
  for (int key = 0; key < keys; ++key) {
    threads.emplace_back([&, key] {
      for (;;) {
        const std::uint64_t step = journal.key[key].done.load() + 1;
        journal.key[key].begun.store(step);
        const State state = after_step(key, step);
        if (state.there) {
          write(*store, name_of_key(key), state);
        } else if (auto removed = store->remove(name_of_key(key)); !removed.ok()) {
          die("remove", removed.error());
        }
        journal.key[key].done.store(step);
      }
    });
  }
  for (int pair = 0; pair < pairs; ++pair) {
    threads.emplace_back([&, pair] {
      for (;;) {
        const std::uint64_t step = journal.pair[pair].done.load() + 1;
        journal.pair[pair].begun.store(step);
        if (step % 2 == 1) {
          write(*store, first_of(pair), after_pair_step(pair, step).first);
        } else if (auto renamed = store->rename(first_of(pair), second_of(pair), {}); !renamed.ok()) {
          die("rename", renamed.error());
        }
        journal.pair[pair].done.store(step);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  std::abort();
}

struct Figures {
  std::uint64_t kills = 0;
  std::uint64_t operations = 0;
  std::uint64_t old_seen = 0;  ///< an operation was in progress and has not happened
  std::uint64_t new_seen = 0;  ///< it was in progress and has happened
  std::uint64_t torn = 0;
  std::uint64_t lost = 0;
  std::uint64_t strangers = 0;
  std::uint64_t swept = 0;
};

class Check {
 public:
  Check(FileStore& store, Journal& journal, Figures& figures) : store_(store), journal_(journal), figures_(figures) {}

  /// Sets the journal to what is there, so that the next process goes on from it.
  void run() {
    std::vector<std::string> expected;
    for (int key = 0; key < keys; ++key) {
      const State is = read(name_of_key(key));
      settle(journal_.key[key], [&](std::uint64_t step) { return after_step(key, step) == is; });
      if (is.there) expected.push_back(name_of_key(key));
    }
    for (int pair = 0; pair < pairs; ++pair) {
      const std::pair<State, State> are{read(first_of(pair)), read(second_of(pair))};
      settle(journal_.pair[pair], [&](std::uint64_t step) { return after_pair_step(pair, step) == are; });
      if (are.first.there) expected.push_back(first_of(pair));
      if (are.second.there) expected.push_back(second_of(pair));
    }
    std::sort(expected.begin(), expected.end());
    std::vector<std::string> listed;
    auto page = store_.list({});
    if (!page.ok()) die("list", page.error());
    for (const auto& entry : page->entries) listed.push_back(entry.key);
    if (listed != expected) ++figures_.strangers;
  }

 private:
  State read(const std::string& key) {
    auto opened = store_.open_object(key);
    if (!opened.ok()) {
      if (opened.error().kind() == ErrorKind::not_found) return {};
      ++figures_.torn;
      return {true, "unreadable: " + opened.error().to_string(), {}};
    }
    State out;
    out.there = true;
    out.data = file::read_at(opened->fd.get(), 0, static_cast<std::size_t>(opened->info.size)).value();
    const auto at = opened->info.metadata.find("n");
    if (at != opened->info.metadata.end()) out.kept = at->second;
    return out;
  }
  template <class Fits>
  void settle(Journal::Line& line, Fits fits) {
    const std::uint64_t done = line.done.load();
    const std::uint64_t begun = line.begun.load();
    if (fits(done)) {
      if (begun > done) ++figures_.old_seen;
    } else if (begun > done && fits(begun)) {
      ++figures_.new_seen;
      line.done.store(begun);
    } else {
      // Whether it is one of the states before, whole but stale, or none that ever was.
      bool stale = false;
      for (std::uint64_t back = 1; back <= std::min<std::uint64_t>(done, 20) && !stale; ++back) stale = fits(done - back);
      ++(stale ? figures_.lost : figures_.torn);
    }
  }

  FileStore& store_;
  Journal& journal_;
  Figures& figures_;
};

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t kills = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 30;
  std::uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  std::string root = "/tmp/spikard-crash-XXXXXX";
  if (::mkdtemp(root.data()) == nullptr) return 2;
  void* shared = ::mmap(nullptr, sizeof(Journal), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return 2;
  auto* journal = new (shared) Journal{};
  Figures figures;
  const auto began = std::chrono::steady_clock::now();
  for (; figures.kills < kills; ++figures.kills) {
    const pid_t child = ::fork();
    if (child == 0) work(root, *journal);
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    // From the very start of a process to some tens of operations later.
    const auto wait_us = static_cast<long>((seed >> 33U) % 60'000);
    struct ::timespec wait{};
    wait.tv_nsec = wait_us * 1000;
    ::ppoll(nullptr, 0, &wait, nullptr);
    ::kill(child, SIGKILL);
    int status = 0;
    if (::waitpid(child, &status, 0) != child || !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
      std::fprintf(stderr, "the writer ended by itself (status %d)\n", status);
      return 1;
    }
    const RealClock clock;
    auto store = open(clock, root);
    figures.swept += store->swept();
    Check(*store, *journal, figures).run();
    std::size_t leftovers = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(root + "/%spikard/tmp")) ++leftovers;
    if (leftovers > 0) ++figures.strangers;
  }
  for (int key = 0; key < keys; ++key) figures.operations += journal->key[key].done.load();
  for (int pair = 0; pair < pairs; ++pair) figures.operations += journal->pair[pair].done.load();
  std::filesystem::remove_all(root);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  std::printf(
      "%llu kills in %.1f s, %llu operations; cut off in progress: %llu left the old state, %llu the new one; "
      "torn: %llu, lost: %llu, strangers: %llu; %llu temporary files swept\n",
      static_cast<unsigned long long>(figures.kills), seconds, static_cast<unsigned long long>(figures.operations),
      static_cast<unsigned long long>(figures.old_seen), static_cast<unsigned long long>(figures.new_seen),
      static_cast<unsigned long long>(figures.torn), static_cast<unsigned long long>(figures.lost),
      static_cast<unsigned long long>(figures.strangers), static_cast<unsigned long long>(figures.swept));
  return figures.torn + figures.lost + figures.strangers == 0 ? 0 : 1;
}
