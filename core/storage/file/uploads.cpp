#include "storage/file/uploads.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <utility>

#include "net/signing/hash.hpp"
#include "storage/file/names.hpp"

namespace spikard::storage::file {

namespace {

constexpr const char* folder_name = "uploads";

std::int64_t seconds_of(WallTime time) { return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count(); }

/// Until when the upload of this name can be completed; -1 for what is none.
std::int64_t until_of(std::string_view id) {
  std::int64_t out = -1;
  const std::size_t dash = std::min(id.find('-'), id.size());
  const auto parsed = std::from_chars(id.data(), id.data() + dash, out);
  const bool whole = parsed.ec == std::errc() && parsed.ptr == id.data() + dash && dash < id.size();
  return whole && id.find_first_not_of("0123456789abcdef", dash + 1) == id.npos ? out : -1;
}

/// The names in a folder but `.` and `..`.
std::vector<std::string> names_in(int folder) {
  std::vector<std::string> out;
  const int copy = ::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  ::DIR* dir = copy < 0 ? nullptr : ::fdopendir(copy);
  if (dir == nullptr) {
    if (copy >= 0) ::close(copy);
    return out;
  }
  while (const ::dirent* entry = ::readdir(dir)) {
    std::string name = entry->d_name;
    if (name != "." && name != "..") out.push_back(std::move(name));
  }
  ::closedir(dir);
  return out;
}

ObjectInfo part_info(const std::string& key, const struct ::stat& st) {
  const Version version = version_of(st);
  ObjectInfo out;
  out.key = key;
  out.size = version.size;
  out.etag = etag_of(version);
  out.last_modified = WallTime(Duration(version.mtime_ns));
  return out;
}

}  // namespace

Uploads::Uploads(std::shared_ptr<FileStore> store) : store_(std::move(store)) {
  if (open(false).ok()) sweep();
}

Result<void> Uploads::open(bool make) {
  const std::lock_guard lock(mutex_);
  if (folder_ != nullptr) return {};
  if (store_->tmp_ == nullptr) return Error(ErrorKind::permission_denied, "the store's folder cannot be written");
  const Fd own = open_folder(store_->root_.get(), std::string(own_folder));
  if (!own) return file_error(errno, "opening the store's folder");
  if (make && ::mkdirat(own.get(), folder_name, 0700) != 0 && errno != EEXIST)
    return file_error(errno, "making the folder of uploads");
  Fd folder = open_folder(own.get(), folder_name);
  if (!folder) return file_error(errno, "opening the folder of uploads");
  if (make) SPIKARD_TRY(store_->sync_folder(own.get()));
  folder_ = std::make_shared<const Fd>(std::move(folder));
  return {};
}

Result<std::string> Uploads::begin(WallTime until) {
  SPIKARD_TRY(open());
  sweep();
  std::string id = std::to_string(seconds_of(until)) + "-" + net::signing::hex(net::signing::random_bytes(12));
  if (::mkdirat(folder_->get(), id.c_str(), 0700) != 0) return file_error(errno, "making an upload");
  SPIKARD_TRY(store_->sync_folder(folder_->get()));
  return id;
}

Result<Fd> Uploads::folder_of(const std::string& key, const std::string& id) {
  SPIKARD_TRY(open());
  if (until_of(id) < 0) return no_such_upload(key);
  Fd folder = open_folder(folder_->get(), id);
  if (!folder && errno == ENOENT) return no_such_upload(key);
  if (!folder) return file_error(errno, "opening an upload");
  return folder;
}

Result<ObjectInfo> Uploads::put(Temporary part, const std::string& key, const UploadTarget& target) {
  Result<Fd> folder = folder_of(key, target.upload);
  if (!folder.ok()) return std::move(folder).error();
  (void)store_->stamp(part.fd());
  if (store_->options_.durable) SPIKARD_TRY(sync(part.fd(), "writing a part"));
  struct ::stat st{};
  if (::fstat(part.fd(), &st) != 0) return file_error(errno, "writing a part");
  if (::renameat(store_->tmp_->get(), part.name_.c_str(), folder->get(), std::to_string(target.number).c_str()) != 0) {
    if (errno == ENOENT) return no_such_upload(key);
    return file_error(errno, "writing a part");
  }
  part.name_.clear();
  SPIKARD_TRY(store_->sync_folder(folder->get()));
  return part_info(key, st);
}

Result<ObjectInfo> Uploads::complete(const std::string& key, const Upload& upload, const std::vector<std::string>& etags) {
  Result<Fd> folder = folder_of(key, upload.id);
  if (!folder.ok()) return std::move(folder).error();
  if (::flock(folder->get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return Error(ErrorKind::conflict, "the upload is being completed by another call");
    return file_error(errno, "locking an upload");
  }
  struct ::stat st{};
  if (::fstat(folder->get(), &st) != 0 || st.st_nlink == 0) return no_such_upload(key);  // the other one has completed it
  // All of them are looked at before the first byte is copied.
  for (std::uint32_t number = 1; number <= upload.parts(); ++number) {
    const bool there = ::fstatat(folder->get(), std::to_string(number).c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0;
    if (!there && errno != ENOENT) return file_error(errno, "looking for a part");
    const ObjectInfo arrived = there ? part_info(key, st) : ObjectInfo();
    SPIKARD_TRY(check_part(upload, number, there ? &arrived : nullptr, etags));
  }
  Result<Temporary> whole = store_->begin();
  if (!whole.ok()) return std::move(whole).error();
  for (std::uint32_t number = 1; number <= upload.parts(); ++number) {
    const Fd part(::openat(folder->get(), std::to_string(number).c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!part && errno != ENOENT) return file_error(errno, "reading a part");
    if (!part) return no_such_upload(key);  // aborted meanwhile
    if (::fstat(part.get(), &st) != 0) return file_error(errno, "reading a part");
    const ObjectInfo arrived = part_info(key, st);
    SPIKARD_TRY(check_part(upload, number, &arrived, etags));
    SPIKARD_TRY(copy_all(part.get(), whole->fd()));
  }
  Result<ObjectInfo> info = store_->commit(std::move(*whole), key, upload.write);
  if (info.ok()) remove(upload.id);
  return info;
}

Result<void> Uploads::abort(const std::string& id) {
  SPIKARD_TRY(open());
  if (until_of(id) >= 0) remove(id);
  return {};
}

void Uploads::sweep() {
  const std::int64_t now = seconds_of(store_->clock_.wall());
  for (const std::string& name : names_in(folder_->get()))
    if (const std::int64_t until = until_of(name); until >= 0 && until < now) remove(name);
}

/// What cannot be taken away now is when it is over. The folder goes first under another name, so that no part comes in between.
void Uploads::remove(const std::string& id) {
  const std::string gone = "0-" + net::signing::hex(net::signing::random_bytes(12));
  const std::string name = ::renameat(folder_->get(), id.c_str(), folder_->get(), gone.c_str()) == 0 ? gone : id;
  const Fd folder = open_folder(folder_->get(), name);
  if (!folder) return;
  for (const std::string& part : names_in(folder.get())) ::unlinkat(folder.get(), part.c_str(), 0);
  ::unlinkat(folder_->get(), name.c_str(), AT_REMOVEDIR);
}

}  // namespace spikard::storage::file
