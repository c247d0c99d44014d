#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/function.hpp"
#include "base/result.hpp"
#include "storage/backend.hpp"
#include "storage/file/files.hpp"
#include "storage/file/record.hpp"
#include "storage/object.hpp"

namespace spikard::storage::file {

/// A file that is not an object yet, in `%spikard/tmp`, locked by who writes it. It goes with this object unless it was
/// committed; what a killed process left is taken away when a store is opened next.
class Temporary {
 public:
  Temporary() noexcept = default;
  Temporary(Temporary&& other) noexcept = default;
  Temporary& operator=(Temporary&& other) noexcept;
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  ~Temporary();

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  explicit operator bool() const noexcept { return static_cast<bool>(fd_); }

 private:
  friend class FileStore;
  friend class Uploads;
  std::shared_ptr<const Fd> folder_;
  std::string name_;  // empty once it was renamed away
  Fd fd_;
};

/// Objects as plain files below a folder: what a key's content is, and beside it what else is kept of it (record.hpp). Blocking;
/// thread-safe, and safe beside other processes on the same folder (not on file systems without OFD locks, nor NFS).
///
/// A write is a temporary file, fsync, the side record if there is anything to keep, a rename onto the name, fsync of the
/// folder. No link below the root is ever followed. Names: names.hpp.
class FileStore {
 public:
  struct Options {
    std::string root;
    bool durable = true;
  };
  /// Makes the folder when it is not there. A folder that cannot be written can still be read. `clock` outlives it.
  [[nodiscard]] static Result<std::shared_ptr<FileStore>> open(const Clock& clock, Options options);

  struct Opened {
    Fd fd;
    ObjectInfo info;
  };
  [[nodiscard]] Result<Opened> open_object(const std::string& key) const;

  [[nodiscard]] Result<Temporary> begin() const;
  [[nodiscard]] Result<ObjectInfo> commit(Temporary temporary, const std::string& key, const WriteOptions& options);
  [[nodiscard]] Result<void> remove(const std::string& key);
  [[nodiscard]] Result<ListPage> list(const ListQuery& query) const;
  [[nodiscard]] Result<ObjectInfo> copy(const std::string& source, const std::string& target, const WriteConditions& conditions);
  [[nodiscard]] Result<ObjectInfo> rename(const std::string& source, const std::string& target,
                                          const WriteConditions& conditions);

  /// 32 bytes, the same for every process on this folder (unless it cannot be written).
  [[nodiscard]] const std::string& secret() const noexcept { return secret_; }
  /// How many files of killed writers `open` took away.
  [[nodiscard]] std::size_t swept() const noexcept { return swept_; }

 private:
  friend class Uploads;  // uploads.hpp: the same folder, another part of it
  static constexpr std::size_t stripes = 256;
  /// The folder of an object and its plain name there.
  struct Place {
    Fd owned;
    int folder = -1;
    std::string leaf;
  };
  /// Where its content is, or would be put.
  struct Located {
    std::string name;
    bool there = false;
    struct ::stat st{};
  };
  /// What writes one key waits for what writes the same one, also in other processes.
  class Lock;
  class Lister;
  enum class Step : std::uint8_t { done, again };

  FileStore(const Clock& clock, Options options) : clock_(clock), options_(std::move(options)) {}
  [[nodiscard]] Result<void> prepare();
  [[nodiscard]] Result<void> read_secret();
  void sweep();

  [[nodiscard]] Result<Place> find_place(const std::string& key) const;
  [[nodiscard]] Result<Place> make_place(const std::string& key);
  /// Into the folder `name`, made if need be; `object` is the key of the object that may be in its place.
  [[nodiscard]] Result<Step> enter(Place& place, const std::string& name, std::string_view object, const std::string& key);
  [[nodiscard]] Result<void> move_aside(int folder, const std::string& name, std::string_view key);
  [[nodiscard]] static Result<Located> locate(const Place& place);
  [[nodiscard]] static Result<std::optional<Record>> read_record(const Place& place);
  /// What is kept beside the content that is there.
  [[nodiscard]] static Result<Kept> kept_beside(const Place& place, Version version);

  /// The renames of a write, under the target's lock: `from` becomes the content of `place`.
  [[nodiscard]] Result<Step> put_in_place(const Place& place, int from_folder, const std::string& from_name, Version& version,
                                          const Kept& kept, const WriteConditions& conditions, int from_fd);
  [[nodiscard]] Result<void> sync_folder(int folder) const;
  void prune(const std::string& key) const;
  [[nodiscard]] WallTime stamp(int fd);

  const Clock& clock_;
  const Options options_;
  Fd root_;
  std::shared_ptr<const Fd> tmp_;  // null: the folder cannot be written
  Fd lock_file_;
  std::string secret_;
  std::size_t swept_ = 0;
  Versions versions_;
  std::array<std::mutex, stripes> mutexes_;
};

}  // namespace spikard::storage::file
