#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "storage/file/store.hpp"
#include "storage/upload.hpp"

namespace spikard::storage::file {

/// Uploads in parts by others: `%spikard/uploads/UNTIL-CHANCE/NUMBER`, a file a part, until they are joined or nobody may
/// complete them any more. Blocking; thread-safe, and safe beside other processes on the same folder, as FileStore is.
class Uploads {
 public:
  /// Takes away what is over.
  explicit Uploads(std::shared_ptr<FileStore> store);

  /// The id of a new one that can be completed until then.
  [[nodiscard]] Result<std::string> begin(WallTime until);
  /// As durable as an object. One of the same number is replaced.
  [[nodiscard]] Result<ObjectInfo> put(Temporary part, const std::string& key, const UploadTarget& target);
  /// Copies the parts one after the other, by reflink where the file system can: until it is done they and the object take up
  /// twice the room.
  [[nodiscard]] Result<ObjectInfo> complete(const std::string& key, const Upload& upload, const std::vector<std::string>& etags);
  [[nodiscard]] Result<void> abort(const std::string& id);

 private:
  /// Unless it makes it, not_found where it is not there.
  [[nodiscard]] Result<void> open(bool make = true);
  [[nodiscard]] Result<Fd> folder_of(const std::string& key, const std::string& id);
  /// What is over, in a folder that is open.
  void sweep();
  void remove(const std::string& id);

  const std::shared_ptr<FileStore> store_;
  std::mutex mutex_;  // of the folder's opening
  std::shared_ptr<const Fd> folder_;
};

}  // namespace spikard::storage::file
