#include "storage/file/files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace spikard::storage::file {

Fd::~Fd() {
  if (fd_ >= 0) ::close(fd_);
}

Error file_error(int err, std::string_view what) {
  const std::string message = std::string(what) + ": " + std::generic_category().message(err);
  switch (err) {
    case ENOENT:
    case ENOTDIR: return {ErrorKind::not_found, message};
    case EACCES:
    case EPERM:
    case EROFS:
    case ELOOP: return {ErrorKind::permission_denied, message};
    case ENAMETOOLONG:
    case EILSEQ:
    case EINVAL: return invalid_argument(message).with_detail("invalid_key");
    case EFBIG:
    case EOVERFLOW: return {ErrorKind::too_large, message};
    case ENOSPC:
    case EDQUOT:
    case EIO:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EAGAIN:
    case EBUSY:
    case ENOLCK:
    case ESTALE:
    case ETXTBSY: return {ErrorKind::unavailable, message};
    default: return internal_error(message);
  }
}

Version version_of(const struct ::stat& st) noexcept {
  return {static_cast<std::int64_t>(st.st_mtim.tv_sec) * 1'000'000'000 + st.st_mtim.tv_nsec,
          static_cast<std::uint64_t>(st.st_size)};
}

Result<void> write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0) {
      if (errno == EINTR) continue;
      return file_error(errno, "writing");
    }
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return {};
}

Result<std::string> read_at(int fd, std::uint64_t offset, std::size_t size) {
  std::string out(size, '\0');
  std::size_t have = 0;
  while (have < size) {
    const ssize_t got = ::pread(fd, out.data() + have, size - have, static_cast<off_t>(offset + have));
    if (got < 0) {
      if (errno == EINTR) continue;
      return file_error(errno, "reading");
    }
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  out.resize(have);
  return out;
}

Result<void> sync(int fd, std::string_view what) {
  while (::fsync(fd) != 0)
    if (errno != EINTR) return file_error(errno, what);
  return {};
}

Result<void> copy_all(int from, int to) {
  constexpr std::size_t part = std::size_t{1} << 20;
  off_t at = 0;
  bool by_kernel = true;
  for (;;) {
    if (by_kernel) {
      const ssize_t done = ::copy_file_range(from, &at, to, nullptr, std::size_t{1} << 30, 0);
      if (done > 0) continue;
      if (done == 0 && at > 0) return {};
      // Nothing copied: an empty file, or a file system that cannot; reading tells which.
      if (done < 0 && errno == EINTR) continue;
      if (done < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EIO || errno == EFBIG)) return file_error(errno, "copying");
      by_kernel = false;
    }
    Result<std::string> bytes = read_at(from, static_cast<std::uint64_t>(at), part);
    if (!bytes.ok()) return std::move(bytes).error();
    if (bytes->empty()) return {};
    at += static_cast<off_t>(bytes->size());
    SPIKARD_TRY(write_all(to, *bytes));
  }
}

Fd open_folder(int at, const std::string& name) noexcept {
  return Fd(::openat(at, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

}  // namespace spikard::storage::file
