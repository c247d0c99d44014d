#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"
#include "storage/file/record.hpp"

namespace spikard::storage::file {

/// A descriptor and its owner.
class Fd {
 public:
  Fd() noexcept = default;
  explicit Fd(int fd) noexcept : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd();
  [[nodiscard]] int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

/// The one table from errno to errors. `what` says what could not be done.
[[nodiscard]] Error file_error(int err, std::string_view what);

[[nodiscard]] Version version_of(const struct ::stat& st) noexcept;
[[nodiscard]] Result<void> write_all(int fd, std::string_view bytes);
/// Up to `size` bytes from `offset`; fewer only at the end of the file.
[[nodiscard]] Result<std::string> read_at(int fd, std::uint64_t offset, std::size_t size);
[[nodiscard]] Result<void> sync(int fd, std::string_view what);
/// All of `from`, from its start, to the end of `to`, by reflink where the file system can.
[[nodiscard]] Result<void> copy_all(int from, int to);
/// A folder below `at`, no link followed; an invalid one with errno set when it cannot be opened.
[[nodiscard]] Fd open_folder(int at, const std::string& name) noexcept;

}  // namespace spikard::storage::file
