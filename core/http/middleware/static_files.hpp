#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "http/middleware/compression.hpp"
#include "http/middleware/cors.hpp"
#include "services/http.gen.hpp"

namespace spikard::http {

/// Closes what it holds.
class FileHandle {
 public:
  FileHandle() = default;
  explicit FileHandle(int fd) noexcept : fd_(fd) {}
  ~FileHandle() { reset(); }
  FileHandle(FileHandle&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileHandle& operator=(FileHandle&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  void reset() noexcept;
  [[nodiscard]] int fd() const noexcept { return fd_; }
  [[nodiscard]] bool there() const noexcept { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

/// A file that was found, open.
struct StaticFile {
  FileHandle handle;
  std::uint64_t size = 0;
  WallTime modified{};
  std::string etag;               ///< strong: size and time of the last change
  std::string_view content_type;  ///< by the name's extension
  std::string_view cache_control;
  Coding coding = Coding::identity;  ///< of a precompressed sibling
  bool varies = false;               ///< siblings are looked for
};

/// Folders that are served, open since start-up. Immutable and thread-safe. No path leads out of its folder: segments are decoded
/// one by one and `..`, separators and NUL inside them refused, and the kernel resolves what is left beneath the folder, links
/// too.
class StaticFolders {
 public:
  enum class Found : std::uint8_t { nothing, file, folder };

  /// Problems are at `[i].field`.
  [[nodiscard]] static std::unique_ptr<const StaticFolders> compile(const std::vector<services::StaticFiles>& config,
                                                                    ConfigProblems& problems);
  /// `path`: as sent. `folder`: a folder with an index.html whose path lacks the `/` at its end.
  [[nodiscard]] Found find(std::string_view path, const AcceptEncoding& accept, StaticFile& file) const;
  [[nodiscard]] bool covers(std::string_view path) const noexcept;

 private:
  struct Folder {
    std::string prefix;  // without `/` at its end; empty for all paths
    FileHandle root;
    bool index_file;
    bool precompressed;
    std::string cache_control;
  };
  [[nodiscard]] static bool below(const Folder& folder, std::string_view path) noexcept;
  [[nodiscard]] static Found find_in(const Folder& folder, std::string_view rest, const AcceptEncoding& accept, StaticFile& file);

  std::vector<Folder> folders_;  // the longest prefix first
};

/// By the extension of a file's name; application/octet-stream where it is not known.
[[nodiscard]] std::string_view media_type_of(std::string_view name) noexcept;

}  // namespace spikard::http
