#include "storage/file/store.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>

#include "net/signing/hash.hpp"
#include "storage/file/names.hpp"
#include "storage/key.hpp"

namespace spikard::storage::file {

namespace {

/// Folders that come and go under the feet of a writer make it start again; not for ever.
constexpr int max_attempts = 1000;

/// The names from the root to the object, the last one its plain name.
std::vector<std::string> path_of(std::string_view key) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at <= key.size();) {
    const std::size_t end = std::min(key.find('/', at), key.size());
    for (std::string& name : spell(key.substr(at, end - at))) out.push_back(std::move(name));
    at = end + 1;
  }
  return out;
}

std::string about(std::string_view key) { return "object '" + std::string(key) + "'"; }

bool set_time(int fd, WallTime time) {
  const auto ns = time.time_since_epoch().count();
  const auto seconds = ns >= 0 ? ns / 1'000'000'000 : (ns - 999'999'999) / 1'000'000'000;
  struct ::timespec times[2] = {};
  times[0].tv_nsec = UTIME_NOW;
  times[1].tv_sec = static_cast<time_t>(seconds);
  times[1].tv_nsec = static_cast<long>(ns - seconds * 1'000'000'000);
  return ::futimens(fd, times) == 0;
}

}  // namespace

Temporary& Temporary::operator=(Temporary&& other) noexcept {
  std::swap(folder_, other.folder_);
  std::swap(name_, other.name_);
  std::swap(fd_, other.fd_);
  return *this;
}

Temporary::~Temporary() {
  if (folder_ != nullptr && !name_.empty()) ::unlinkat(folder_->get(), name_.c_str(), 0);
}

class FileStore::Lock {
 public:
  Lock(FileStore& store, std::string_view key) : Lock(store, key, key) {}
  Lock(FileStore& store, std::string_view a, std::string_view b) : store_(store) {
    const std::size_t i = std::hash<std::string_view>()(a) % stripes;
    const std::size_t j = std::hash<std::string_view>()(b) % stripes;
    held_[0] = std::min(i, j);
    count_ = i == j ? 1 : 2;
    held_[1] = std::max(i, j);
  }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
  ~Lock() {
    while (taken_ > 0) {
      --taken_;
      (void)range(held_[taken_], F_UNLCK);
      store_.mutexes_[held_[taken_]].unlock();
    }
  }

  [[nodiscard]] Result<void> take() {
    for (std::size_t i = 0; i < count_; ++i) {
      store_.mutexes_[held_[i]].lock();
      if (!range(held_[i], F_WRLCK)) {
        const int err = errno;
        store_.mutexes_[held_[i]].unlock();
        return file_error(err, "locking the store");
      }
      ++taken_;
    }
    return {};
  }

 private:
  // Between processes; between threads of one, the mutexes.
  bool range(std::size_t at, short type) const noexcept {
    struct ::flock what{};
    what.l_type = type;
    what.l_whence = SEEK_SET;
    what.l_start = static_cast<off_t>(at);
    what.l_len = 1;
    while (::fcntl(store_.lock_file_.get(), F_OFD_SETLKW, &what) != 0)
      if (errno != EINTR) return false;
    return true;
  }

  FileStore& store_;
  std::size_t held_[2] = {};
  std::size_t count_ = 0;
  std::size_t taken_ = 0;
};

// -- opening

Result<std::shared_ptr<FileStore>> FileStore::open(const Clock& clock, Options options) {
  if (options.root.empty()) return invalid_argument("url: expected file:DIR");
  std::shared_ptr<FileStore> store(new FileStore(clock, std::move(options)));
  SPIKARD_TRY(store->prepare());
  return store;
}

Result<void> FileStore::prepare() {
  // Each folder on the way that is not there, and its name made durable.
  for (std::size_t at = 1; at <= options_.root.size(); ++at) {
    if (at < options_.root.size() && options_.root[at] != '/') continue;
    const std::string part = options_.root.substr(0, at);
    if (::mkdir(part.c_str(), 0777) != 0) {
      if (errno == EEXIST || errno == EROFS || errno == EACCES || errno == EPERM) continue;  // opening it tells
      return file_error(errno, "making folder '" + part + "'");
    }
    const Fd parent(::open((part + "/..").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (parent) SPIKARD_TRY(sync_folder(parent.get()));
  }
  root_ = Fd(::open(options_.root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root_) return file_error(errno, "opening folder '" + options_.root + "'");

  const std::string own(own_folder);
  Fd folder;
  if (::mkdirat(root_.get(), own.c_str(), 0700) == 0 || errno == EEXIST) folder = open_folder(root_.get(), own);
  if (folder && (::mkdirat(folder.get(), "tmp", 0700) == 0 || errno == EEXIST)) {
    Fd tmp = open_folder(folder.get(), "tmp");
    lock_file_ = Fd(::openat(folder.get(), "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (tmp && lock_file_ && ::faccessat(folder.get(), "tmp", W_OK, 0) == 0) tmp_ = std::make_shared<const Fd>(std::move(tmp));
  }
  if (tmp_ == nullptr) {
    secret_ = net::signing::random_bytes(32);
    return {};
  }
  sweep();
  return read_secret();
}

void FileStore::sweep() {
  const int copy = ::openat(tmp_->get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  ::DIR* dir = copy < 0 ? nullptr : ::fdopendir(copy);
  if (dir == nullptr) {
    if (copy >= 0) ::close(copy);
    return;
  }
  while (const ::dirent* entry = ::readdir(dir)) {
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    const Fd file(::openat(tmp_->get(), name.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    // A living writer holds the lock. One that has made its file and not locked it yet sees that it is gone (begin).
    if (!file || ::flock(file.get(), LOCK_EX | LOCK_NB) != 0) continue;
    if (::unlinkat(tmp_->get(), name.c_str(), 0) == 0) ++swept_;
  }
  ::closedir(dir);
}

Result<void> FileStore::read_secret() {
  const std::string path = std::string(own_folder) + "/secret";
  for (int attempt = 0; attempt < 2; ++attempt) {
    const Fd file(::openat(root_.get(), path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (file) {
      Result<std::string> bytes = read_at(file.get(), 0, 32);
      if (!bytes.ok()) return std::move(bytes).error();
      if (bytes->size() != 32) return Error(ErrorKind::corrupt, "the key of signatures ('" + path + "') has not 32 bytes");
      secret_ = std::move(*bytes);
      return {};
    }
    if (errno != ENOENT) return file_error(errno, "reading '" + path + "'");
    Result<Temporary> made = begin();
    if (!made.ok()) return std::move(made).error();
    if (::fchmod(made->fd(), 0600) != 0) return file_error(errno, "making '" + path + "'");
    SPIKARD_TRY(write_all(made->fd(), net::signing::random_bytes(32)));
    SPIKARD_TRY(sync(made->fd(), "making '" + path + "'"));
    // A link, not a rename: of several processes that start at once, the first one's stays.
    if (::linkat(tmp_->get(), made->name_.c_str(), root_.get(), path.c_str(), 0) != 0 && errno != EEXIST)
      return file_error(errno, "making '" + path + "'");
    const Fd folder = open_folder(root_.get(), std::string(own_folder));
    if (folder) SPIKARD_TRY(sync_folder(folder.get()));
  }
  return Error(ErrorKind::unavailable, "the key of signatures ('" + path + "') comes and goes");
}

// -- places

Result<FileStore::Place> FileStore::find_place(const std::string& key) const {
  std::vector<std::string> path = path_of(key);
  Place out;
  out.folder = root_.get();
  for (std::size_t i = 0; i + 1 < path.size(); ++i) {
    Fd next = open_folder(out.folder, path[i]);
    if (!next) {
      if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP) return no_such_object(key);
      return file_error(errno, about(key));
    }
    out.owned = std::move(next);
    out.folder = out.owned.get();
  }
  out.leaf = std::move(path.back());
  return out;
}

Result<FileStore::Place> FileStore::make_place(const std::string& key) {
  for (int attempts = 0; attempts < max_attempts; ++attempts) {
    Place out;
    out.folder = root_.get();
    bool again = false;
    for (std::size_t at = 0; !again;) {
      const std::size_t slash = key.find('/', at);
      const bool last = slash == key.npos;
      std::vector<std::string> names = spell(std::string_view(key).substr(at, last ? slash : slash - at));
      const std::size_t folders = last ? names.size() - 1 : names.size();
      for (std::size_t i = 0; i < folders && !again; ++i) {
        const std::string_view object = i + 1 == names.size() ? std::string_view(key).substr(0, slash) : std::string_view();
        Result<Step> step = enter(out, names[i], object, key);
        if (!step.ok()) return std::move(step).error();
        again = *step == Step::again;
      }
      if (again) break;
      if (last) {
        out.leaf = std::move(names.back());
        return out;
      }
      at = slash + 1;
    }
  }
  return Error(ErrorKind::unavailable, about(key) + ": its folders come and go");
}

Result<FileStore::Step> FileStore::enter(Place& place, const std::string& name, std::string_view object, const std::string& key) {
  for (int form = 0; form < 2; ++form) {
    Fd next = open_folder(place.folder, name);
    if (next) {
      place.owned = std::move(next);
      place.folder = place.owned.get();
      return Step::done;
    }
    if (errno == ENOENT) {
      if (::mkdirat(place.folder, name.c_str(), 0777) == 0 || errno == EEXIST) {
        SPIKARD_TRY(sync_folder(place.folder));
        continue;
      }
      // The folder around it was empty, and another writer took it away.
      if (errno == ENOENT && place.folder != root_.get()) return Step::again;
      return file_error(errno, about(key));
    }
    if (errno != ENOTDIR && errno != ELOOP) return file_error(errno, about(key));
    struct ::stat st{};
    if (::fstatat(place.folder, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0 || S_ISDIR(st.st_mode)) return Step::again;
    if (!S_ISREG(st.st_mode) || object.empty())
      return Error(ErrorKind::permission_denied, about(key) + ": the store follows no links and opens no devices");
    SPIKARD_TRY(move_aside(place.folder, name, object));
    return Step::again;
  }
  return Step::again;
}

Result<void> FileStore::move_aside(int folder, const std::string& name, std::string_view key) {
  Lock lock(*this, key);
  SPIKARD_TRY(lock.take());
  struct ::stat st{};
  if (::fstatat(folder, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode)) return {};
  const std::string beside = name + std::string(beside_suffix);
  if (::renameat(folder, name.c_str(), folder, beside.c_str()) != 0 && errno != ENOENT) return file_error(errno, about(key));
  return {};
}

Result<FileStore::Located> FileStore::locate(const Place& place) {
  Located plain{place.leaf, false, {}};
  const bool found = ::fstatat(place.folder, plain.name.c_str(), &plain.st, AT_SYMLINK_NOFOLLOW) == 0;
  if (!found && errno != ENOENT) return file_error(errno, "looking for an object");
  if (found && S_ISREG(plain.st.st_mode)) {
    plain.there = true;
    return plain;
  }
  Located beside{place.leaf + std::string(beside_suffix), false, {}};
  if (::fstatat(place.folder, beside.name.c_str(), &beside.st, AT_SYMLINK_NOFOLLOW) == 0) {
    beside.there = S_ISREG(beside.st.st_mode);
    if (beside.there) return beside;
  } else if (errno != ENOENT && errno != ENAMETOOLONG) {
    return file_error(errno, "looking for an object");
  }
  return found && S_ISDIR(plain.st.st_mode) ? beside : plain;
}

Result<std::optional<Record>> FileStore::read_record(const Place& place) {
  using Out = std::optional<Record>;
  const std::string name = place.leaf + std::string(record_suffix);
  const Fd file(::openat(place.folder, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file) {
    if (errno == ENOENT) return Out();
    return file_error(errno, "reading an object's metadata");
  }
  Result<std::string> text = read_at(file.get(), 0, max_record_bytes);
  if (!text.ok()) return std::move(text).error();
  Result<Record> record = record_from(*text);
  if (!record.ok()) return std::move(record).error();
  return Out(std::move(*record));
}

Result<Kept> FileStore::kept_beside(const Place& place, Version version) {
  Result<std::optional<Record>> record = read_record(place);
  if (!record.ok()) return std::move(record).error();
  if (!record->has_value()) return Kept();
  const Kept* kept = (*record)->find(version);
  if (kept == nullptr) kept = (*record)->guess(version);
  return kept == nullptr ? Kept() : *kept;
}

Result<void> FileStore::sync_folder(int folder) const {
  if (!options_.durable) return {};
  return sync(folder, "making a folder durable");
}

void FileStore::prune(const std::string& key) const {
  std::vector<std::string> path = path_of(key);
  while (path.size() > 1) {
    path.pop_back();
    Fd owned;
    int folder = root_.get();
    for (std::size_t i = 0; i + 1 < path.size(); ++i) {
      Fd next = open_folder(folder, path[i]);
      if (!next) return;
      owned = std::move(next);
      folder = owned.get();
    }
    // Only an empty one goes; who was about to put something there makes it anew.
    if (::unlinkat(folder, path.back().c_str(), AT_REMOVEDIR) != 0) return;
  }
}

// -- reading

Result<FileStore::Opened> FileStore::open_object(const std::string& key) const {
  for (int attempt = 0; attempt < max_attempts; ++attempt) {
    Result<Place> place = find_place(key);
    if (!place.ok()) return std::move(place).error();
    Opened out;
    struct ::stat st{};
    std::string name = place->leaf;
    for (int form = 0; form < 2; ++form) {
      Fd file(::openat(place->folder, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
      if (file) {
        if (::fstat(file.get(), &st) != 0) return file_error(errno, about(key));
        if (S_ISREG(st.st_mode)) {
          out.fd = std::move(file);
          break;
        }
      } else if (errno != ENOENT && errno != ELOOP && errno != ENXIO && errno != ENAMETOOLONG) {
        return file_error(errno, about(key));
      }
      if (form == 0) name.append(beside_suffix);
    }
    if (!out.fd) return no_such_object(key);
    const Version version = version_of(st);
    out.info.key = key;
    out.info.size = version.size;
    out.info.etag = etag_of(version);
    out.info.last_modified = WallTime(Duration(version.mtime_ns));
    Result<std::optional<Record>> record = read_record(*place);
    if (!record.ok()) return std::move(record).error();
    const Kept* kept = record->has_value() ? (*record)->find(version) : nullptr;
    if (kept == nullptr) {
      // Nothing is kept of this content, or another one has taken its place meanwhile.
      struct ::stat now{};
      if (::fstatat(place->folder, name.c_str(), &now, AT_SYMLINK_NOFOLLOW) != 0 || now.st_ino != st.st_ino ||
          version_of(now) != version) {
        continue;
      }
      if (record->has_value()) kept = (*record)->guess(version);
    }
    if (kept != nullptr) put_into(*kept, out.info);
    return out;
  }
  return Error(ErrorKind::unavailable, about(key) + ": it changes faster than it can be read");
}

// -- writing

Result<Temporary> FileStore::begin() const {
  if (tmp_ == nullptr) return Error(ErrorKind::permission_denied, "the store's folder cannot be written");
  for (int attempt = 0; attempt < max_attempts; ++attempt) {
    Temporary out;
    std::string name = net::signing::hex(net::signing::random_bytes(16));
    out.fd_ = Fd(::openat(tmp_->get(), name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666));
    if (!out.fd_) return file_error(errno, "making a temporary file");
    out.folder_ = tmp_;
    out.name_ = std::move(name);
    // A store that is being opened may have taken it for a leftover before it was locked.
    struct ::stat st{};
    if (::flock(out.fd(), LOCK_EX | LOCK_NB) == 0 && ::fstat(out.fd(), &st) == 0 && st.st_nlink > 0) return out;
  }
  return Error(ErrorKind::unavailable, "temporary files are taken away");
}

WallTime FileStore::stamp(int fd) {
  const WallTime time = versions_.next(clock_);
  (void)set_time(fd, time);  // the time that is there then is used
  return time;
}

Result<ObjectInfo> FileStore::commit(Temporary temporary, const std::string& key, const WriteOptions& options) {
  (void)stamp(temporary.fd());
  if (options_.durable) SPIKARD_TRY(sync(temporary.fd(), about(key)));
  struct ::stat st{};
  if (::fstat(temporary.fd(), &st) != 0) return file_error(errno, about(key));
  Version version = version_of(st);
  const Kept kept = kept_of(options);
  for (int attempt = 0; attempt < max_attempts; ++attempt) {
    Result<Place> place = make_place(key);
    if (!place.ok()) return std::move(place).error();
    {
      Lock lock(*this, key);
      SPIKARD_TRY(lock.take());
      Result<Step> step = put_in_place(*place, tmp_->get(), temporary.name_, version, kept, options.conditions, temporary.fd());
      if (!step.ok()) {
        if (step.error().kind() == ErrorKind::condition_failed) prune(key);
        return std::move(step).error();
      }
      if (*step == Step::again) continue;
    }
    temporary.name_.clear();
    if (Result<void> synced = sync_folder(place->folder); !synced.ok())
      return Error(ErrorKind::outcome_unknown, synced.error().message());
    ObjectInfo info;
    info.key = key;
    info.size = version.size;
    info.etag = etag_of(version);
    info.last_modified = WallTime(Duration(version.mtime_ns));
    put_into(kept, info);
    return info;
  }
  return Error(ErrorKind::unavailable, about(key) + ": its folder comes and goes");
}

Result<FileStore::Step> FileStore::put_in_place(const Place& place, int from_folder, const std::string& from_name,
                                                Version& version, const Kept& kept, const WriteConditions& conditions,
                                                int from_fd) {
  Result<Located> found = locate(place);
  if (!found.ok()) return std::move(found).error();
  const Located& old = *found;
  const Version old_version = old.there ? version_of(old.st) : Version();
  const std::string old_etag = etag_of(old_version);
  SPIKARD_TRY(check_conditions(conditions, old.there ? &old_etag : nullptr));
  if (old.there && from_fd >= 0 && version.mtime_ns <= old_version.mtime_ns) {
    // The clock stood still or was set back: the new version is later all the same.
    (void)set_time(from_fd, WallTime(Duration(old_version.mtime_ns + 1)));
    if (options_.durable) SPIKARD_TRY(sync(from_fd, "writing"));
    struct ::stat st{};
    if (::fstat(from_fd, &st) != 0) return file_error(errno, "writing");
    version = version_of(st);
  }

  const std::string record_name = place.leaf + std::string(record_suffix);
  Result<std::optional<Record>> record = read_record(place);
  if (!record.ok() && record.error().kind() != ErrorKind::corrupt) return std::move(record).error();
  const bool has_record = !record.ok() || record->has_value();
  if (!kept.empty() || (has_record && old.there)) {
    Record next;
    next.entries.push_back({version, kept});
    if (old.there) {
      const Kept* of_old = record.ok() && record->has_value() ? (*record)->find(old_version) : nullptr;
      if (of_old == nullptr && record.ok() && record->has_value()) of_old = (*record)->guess(old_version);
      next.entries.push_back({old_version, of_old == nullptr ? Kept() : *of_old});
    }
    Result<Temporary> side = begin();
    if (!side.ok()) return std::move(side).error();
    SPIKARD_TRY(write_all(side->fd(), to_text(next)));
    if (options_.durable) SPIKARD_TRY(sync(side->fd(), "writing an object's metadata"));
    if (::renameat(tmp_->get(), side->name_.c_str(), place.folder, record_name.c_str()) != 0) {
      if (errno == ENOENT) return Step::again;
      return file_error(errno, "writing an object's metadata");
    }
    side->name_.clear();
  } else if (has_record) {
    ::unlinkat(place.folder, record_name.c_str(), 0);  // of an object that is gone
  }
  if (::renameat(from_folder, from_name.c_str(), place.folder, old.name.c_str()) != 0) {
    if (errno == ENOENT || errno == EISDIR || errno == ENOTEMPTY || errno == EEXIST) return Step::again;
    return file_error(errno, "writing");
  }
  if (kept.empty() && has_record && old.there) ::unlinkat(place.folder, record_name.c_str(), 0);
  return Step::done;
}

Result<void> FileStore::remove(const std::string& key) {
  Result<Place> place = find_place(key);
  if (!place.ok()) {
    if (place.error().kind() == ErrorKind::not_found) return {};
    return std::move(place).error();
  }
  if (tmp_ == nullptr) return Error(ErrorKind::permission_denied, "the store's folder cannot be written");
  {
    Lock lock(*this, key);
    SPIKARD_TRY(lock.take());
    // Twice, where another program has put a plain file before the one beside its folder.
    for (int form = 0; form < 2; ++form) {
      Result<Located> found = locate(*place);
      if (!found.ok()) return std::move(found).error();
      if (!found->there) {
        if (form == 0) return {};
        break;
      }
      if (::unlinkat(place->folder, found->name.c_str(), 0) != 0 && errno != ENOENT) return file_error(errno, about(key));
    }
    const std::string record_name = place->leaf + std::string(record_suffix);
    if (::unlinkat(place->folder, record_name.c_str(), 0) != 0 && errno != ENOENT) return file_error(errno, about(key));
  }
  if (Result<void> synced = sync_folder(place->folder); !synced.ok())
    return Error(ErrorKind::outcome_unknown, synced.error().message());
  prune(key);
  return {};
}

Result<ObjectInfo> FileStore::copy(const std::string& source, const std::string& target, const WriteConditions& conditions) {
  Result<Opened> from = open_object(source);
  if (!from.ok()) return std::move(from).error();
  Result<Temporary> to = begin();
  if (!to.ok()) return std::move(to).error();
  SPIKARD_TRY(copy_all(from->fd.get(), to->fd()));
  WriteOptions options;
  options.content_type = from->info.content_type;
  options.cache_control = from->info.cache_control;
  options.content_disposition = from->info.content_disposition;
  options.metadata = from->info.metadata;
  options.conditions = conditions;
  return commit(std::move(*to), target, options);
}

Result<ObjectInfo> FileStore::rename(const std::string& source, const std::string& target, const WriteConditions& conditions) {
  Result<Opened> opened = open_object(source);
  if (!opened.ok()) return std::move(opened).error();
  if (source == target) {
    SPIKARD_TRY(check_conditions(conditions, &opened->info.etag));
    return std::move(opened->info);
  }
  if (tmp_ == nullptr) return Error(ErrorKind::permission_denied, "the store's folder cannot be written");
  for (int attempt = 0; attempt < max_attempts; ++attempt) {
    Result<Place> to = make_place(target);
    if (!to.ok()) return std::move(to).error();
    // After it: making the target's folder may have moved the source aside.
    Result<Place> from = find_place(source);
    ObjectInfo info;
    bool gone = !from.ok() && from.error().kind() == ErrorKind::not_found;
    if (!gone && !from.ok()) return std::move(from).error();
    if (!gone) {
      Lock lock(*this, source, target);
      SPIKARD_TRY(lock.take());
      Result<Located> found = locate(*from);
      if (!found.ok()) return std::move(found).error();
      gone = !found->there;
      if (!gone) {
        Version version = version_of(found->st);
        Result<Kept> kept = kept_beside(*from, version);
        if (!kept.ok()) return std::move(kept).error();
        Result<Step> step = put_in_place(*to, from->folder, found->name, version, *kept, conditions, -1);
        if (!step.ok()) {
          if (step.error().kind() == ErrorKind::condition_failed) prune(target);
          return std::move(step).error();
        }
        if (*step == Step::again) continue;
        ::unlinkat(from->folder, (from->leaf + std::string(record_suffix)).c_str(), 0);
        info.key = target;
        info.size = version.size;
        info.etag = etag_of(version);
        info.last_modified = WallTime(Duration(version.mtime_ns));
        put_into(*kept, info);
      }
    }
    if (gone) {
      prune(target);
      return no_such_object(source);
    }
    Result<void> synced = sync_folder(to->folder);
    if (synced.ok()) synced = sync_folder(from->folder);
    if (!synced.ok()) return Error(ErrorKind::outcome_unknown, synced.error().message());
    prune(source);
    return info;
  }
  return Error(ErrorKind::unavailable, about(target) + ": its folder comes and goes");
}

}  // namespace spikard::storage::file
