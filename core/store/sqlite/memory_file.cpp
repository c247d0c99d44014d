#include "store/sqlite/memory_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace spikard::store::sqlite {
namespace {

namespace fs = std::filesystem;

std::string prefix() { return "spikard-memory-" + std::to_string(::geteuid()) + "-"; }

/// Folders whose owner is gone: nobody holds the lock in them.
void sweep(const std::string& root) {
  std::error_code failed;
  for (fs::directory_iterator at(root, failed), end; !failed && at != end; at.increment(failed)) {
    const fs::path folder = at->path();
    if (!folder.filename().string().starts_with(prefix())) continue;
    const auto changed = fs::last_write_time(folder, failed);
    // A fresh one may not have its lock yet.
    if (failed || fs::file_time_type::clock::now() - changed < std::chrono::minutes(1)) {
      failed.clear();
      continue;
    }
    const int lock = ::open((folder / "lock").c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (lock < 0) continue;
    if (::flock(lock, LOCK_EX | LOCK_NB) == 0) fs::remove_all(folder, failed);
    ::close(lock);
    failed.clear();
  }
}

}  // namespace

Result<MemoryFile> MemoryFile::create() {
  for (const char* root : {"/dev/shm", "/tmp"}) {
    sweep(root);
    std::string folder = std::string(root) + "/" + prefix() + "XXXXXX";
    if (::mkdtemp(folder.data()) == nullptr) continue;
    const int lock = ::open((folder + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    MemoryFile file(std::move(folder), lock);
    if (lock < 0 || ::flock(lock, LOCK_EX | LOCK_NB) != 0) continue;
    return file;
  }
  return Error(ErrorKind::unavailable, "no folder for a database in memory: " + std::system_category().message(errno));
}

MemoryFile::~MemoryFile() {
  if (!folder_.empty()) {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  if (lock_ >= 0) ::close(lock_);
}

}  // namespace spikard::store::sqlite
