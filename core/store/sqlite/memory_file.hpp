#pragma once

#include <string>
#include <utility>

#include "base/result.hpp"

namespace spikard::store::sqlite {

/// A place for a database that is to live in memory only: a private folder (mode 0700) in /dev/shm, or in /tmp where that is
/// missing. The destructor removes it. What a killed process left behind is removed by the next `create` of the same user.
class MemoryFile {
 public:
  [[nodiscard]] static Result<MemoryFile> create();
  MemoryFile(MemoryFile&& other) noexcept : folder_(std::exchange(other.folder_, {})), lock_(std::exchange(other.lock_, -1)) {}
  MemoryFile& operator=(MemoryFile&&) = delete;
  ~MemoryFile();

  [[nodiscard]] std::string path() const { return folder_ + "/memory.db"; }

 private:
  MemoryFile(std::string folder, int lock) noexcept : folder_(std::move(folder)), lock_(lock) {}
  std::string folder_;
  int lock_;
};

}  // namespace spikard::store::sqlite
