#include "http/middleware/static_files.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "http/h1/request_parser.hpp"
#include "http/media_type.hpp"

namespace spikard::http {
namespace {

struct Type {
  std::string_view extension;
  std::string_view type;
};
constexpr Type types[] = {
    {"aac", "audio/aac"},
    {"avif", "image/avif"},
    {"bmp", "image/bmp"},
    {"css", "text/css; charset=utf-8"},
    {"csv", "text/csv; charset=utf-8"},
    {"eot", "application/vnd.ms-fontobject"},
    {"gif", "image/gif"},
    {"gz", "application/gzip"},
    {"htm", "text/html; charset=utf-8"},
    {"html", "text/html; charset=utf-8"},
    {"ico", "image/vnd.microsoft.icon"},
    {"ics", "text/calendar; charset=utf-8"},
    {"jpeg", "image/jpeg"},
    {"jpg", "image/jpeg"},
    {"js", "text/javascript; charset=utf-8"},
    {"json", "application/json"},
    {"map", "application/json"},
    {"md", "text/markdown; charset=utf-8"},
    {"mjs", "text/javascript; charset=utf-8"},
    {"mp3", "audio/mpeg"},
    {"mp4", "video/mp4"},
    {"oga", "audio/ogg"},
    {"ogg", "audio/ogg"},
    {"ogv", "video/ogg"},
    {"otf", "font/otf"},
    {"pdf", "application/pdf"},
    {"png", "image/png"},
    {"svg", "image/svg+xml"},
    {"tar", "application/x-tar"},
    {"tif", "image/tiff"},
    {"tiff", "image/tiff"},
    {"ttf", "font/ttf"},
    {"txt", "text/plain; charset=utf-8"},
    {"wasm", "application/wasm"},
    {"wav", "audio/wav"},
    {"weba", "audio/webm"},
    {"webm", "video/webm"},
    {"webmanifest", "application/manifest+json"},
    {"webp", "image/webp"},
    {"woff", "font/woff"},
    {"woff2", "font/woff2"},
    {"xhtml", "application/xhtml+xml"},
    {"xml", "application/xml"},
    {"yaml", "application/yaml"},
    {"yml", "application/yaml"},
    {"zip", "application/zip"},
};

/// The last path segment is not longer than a file's name may be.
constexpr std::size_t longest_path = 4000;

int hex(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// The decoded segment at the end of `out`, or false for what names no file of ours.
bool add_segment(std::string_view text, std::string& out) {
  const std::size_t begin = out.size();
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%' && i + 2 < text.size() && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0) {
      c = static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2]));
      i += 2;
    }
    if (c == '\0' || c == '/' || c == '\\') return false;
    out.push_back(c);
  }
  const std::string_view segment = std::string_view(out).substr(begin);
  // `.`, `..` and hidden files begin alike.
  return !segment.empty() && (segment.front() != '.' || segment == ".well-known");
}

/// Step by step and without any links, where the kernel or a sandbox has no openat2.
int open_stepwise(int root, const char* path, int flags) noexcept {
  FileHandle at;
  int folder = root;
  while (const char* slash = std::strchr(path, '/')) {
    const std::string name(path, slash);
    FileHandle next(::openat(folder, name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!next.there()) return -1;
    at = std::move(next);
    folder = at.fd();
    path = slash + 1;
  }
  return ::openat(folder, path, flags | O_NOFOLLOW);
}

FileHandle open_beneath(int root, const std::string& path) noexcept {
  constexpr int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  ::open_how how{};
  how.flags = flags;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  for (int tries = 0; tries < 16; ++tries) {
    const long fd = ::syscall(SYS_openat2, root, path.c_str(), &how, sizeof how);
    if (fd >= 0) return FileHandle(static_cast<int>(fd));
    if (errno == EAGAIN || errno == EINTR) continue;  // something was renamed meanwhile
    if (errno == ENOSYS || errno == EPERM) return FileHandle(open_stepwise(root, path.c_str(), flags));
    break;
  }
  return {};
}

std::string etag_of(const struct ::stat& info) {
  char text[48];
  char* at = text;
  *at++ = '"';
  const std::uint64_t time =
      static_cast<std::uint64_t>(info.st_mtim.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(info.st_mtim.tv_nsec);
  at = std::to_chars(at, text + sizeof text, time, 16).ptr;
  *at++ = '-';
  at = std::to_chars(at, text + sizeof text, static_cast<std::uint64_t>(info.st_size), 16).ptr;
  *at++ = '"';
  return {text, at};
}

bool take(FileHandle handle, const struct ::stat& info, StaticFile& file) {
  file.size = static_cast<std::uint64_t>(info.st_size);
  file.modified = WallTime(std::chrono::duration_cast<WallTime::duration>(std::chrono::seconds(info.st_mtim.tv_sec)));
  file.etag = etag_of(info);
  file.handle = std::move(handle);
  return true;
}

struct Sibling {
  Coding coding;
  const char* extension;
};
constexpr Sibling siblings[] = {{Coding::brotli, ".br"}, {Coding::zstd, ".zst"}, {Coding::gzip, ".gz"}};

}  // namespace

void FileHandle::reset() noexcept {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

std::string_view media_type_of(std::string_view name) noexcept {
  const std::size_t slash = name.rfind('/');
  if (slash != name.npos) name.remove_prefix(slash + 1);
  const std::size_t dot = name.rfind('.');
  if (dot != name.npos) {
    for (const Type& one : types) {
      if (equals_ignoring_case(name.substr(dot + 1), one.extension)) return one.type;
    }
  }
  return "application/octet-stream";
}

std::unique_ptr<const StaticFolders> StaticFolders::compile(const std::vector<services::StaticFiles>& config,
                                                            ConfigProblems& problems) {
  auto folders = std::make_unique<StaticFolders>();
  for (std::size_t i = 0; i < config.size(); ++i) {
    const services::StaticFiles& one = config[i];
    const std::string at = "[" + std::to_string(i) + "]";
    Folder folder{one.prefix, {}, one.index_file, one.precompressed, one.cache_control.value_or("")};
    if (!folder.prefix.starts_with('/') || folder.prefix.find_first_of("?#%") != std::string::npos ||
        folder.prefix.find("//") != std::string::npos)
      problems.emplace_back(at + ".prefix", "expected a path such as /static, got \"" + one.prefix + "\"");
    while (folder.prefix.ends_with('/')) folder.prefix.pop_back();
    if (!h1::is_field_value(folder.cache_control))
      problems.emplace_back(at + ".cache_control", "expected text without control characters");
    folder.root = FileHandle(::open(one.directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!folder.root.there())
      problems.emplace_back(at + ".directory", "cannot open \"" + one.directory + "\": " + std::strerror(errno));
    if (std::any_of(folders->folders_.begin(), folders->folders_.end(),
                    [&](const Folder& other) { return other.prefix == folder.prefix; }))
      problems.emplace_back(at + ".prefix", "another folder has this prefix");
    folders->folders_.push_back(std::move(folder));
  }
  std::sort(folders->folders_.begin(), folders->folders_.end(),
            [](const Folder& a, const Folder& b) { return a.prefix.size() > b.prefix.size(); });
  return folders;
}

bool StaticFolders::below(const Folder& folder, std::string_view path) noexcept {
  return path.starts_with(folder.prefix) && (path.size() == folder.prefix.size() || path[folder.prefix.size()] == '/');
}

bool StaticFolders::covers(std::string_view path) const noexcept {
  return std::any_of(folders_.begin(), folders_.end(), [&](const Folder& one) { return below(one, path); });
}

StaticFolders::Found StaticFolders::find(std::string_view path, const AcceptEncoding& accept, StaticFile& file) const {
  if (path.size() > longest_path) return Found::nothing;
  for (const Folder& folder : folders_) {
    if (!below(folder, path)) continue;
    if (const Found found = find_in(folder, path.substr(folder.prefix.size()), accept, file); found != Found::nothing)
      return found;
  }
  return Found::nothing;
}

StaticFolders::Found StaticFolders::find_in(const Folder& folder, std::string_view rest, const AcceptEncoding& accept,
                                            StaticFile& file) {
  std::string name;
  const bool slash = rest.ends_with('/');
  if (slash && !folder.index_file) return Found::nothing;
  std::string_view segments = rest;
  while (!segments.empty()) {
    segments.remove_prefix(1);  // the `/` before each
    const std::size_t end = std::min(segments.find('/'), segments.size());
    if (end == 0 && segments.empty()) break;  // at the end
    if (!name.empty()) name.push_back('/');
    if (!add_segment(segments.substr(0, end), name)) return Found::nothing;
    segments.remove_prefix(end);
  }
  const auto add_index = [&] { name.append(name.empty() ? "index.html" : "/index.html"); };
  struct ::stat info{};
  const auto open_file = [&](const std::string& path) {
    FileHandle handle = open_beneath(folder.root.fd(), path);
    if (handle.there() && ::fstat(handle.fd(), &info) != 0) handle.reset();
    return handle;
  };
  if (slash) add_index();
  FileHandle handle = name.empty() ? open_file(".") : open_file(name);
  if (!handle.there()) return Found::nothing;
  if (S_ISDIR(info.st_mode)) {
    if (slash || !folder.index_file) return Found::nothing;
    add_index();
    return open_file(name).there() && S_ISREG(info.st_mode) ? Found::folder : Found::nothing;
  }
  if (!S_ISREG(info.st_mode)) return Found::nothing;
  file.content_type = media_type_of(name);
  file.cache_control = folder.cache_control;
  file.varies = folder.precompressed;
  take(std::move(handle), info, file);
  if (!folder.precompressed) return Found::file;
  CodingSet there;
  FileHandle found[coding_count];
  struct ::stat infos[coding_count]{};
  for (const Sibling& sibling : siblings) {
    if (accept.weight(sibling.coding) <= 0) continue;
    FileHandle one = open_file(name + sibling.extension);
    if (!one.there() || !S_ISREG(info.st_mode)) continue;
    const auto at = static_cast<std::size_t>(sibling.coding);
    found[at] = std::move(one);
    infos[at] = info;
    (sibling.coding == Coding::brotli ? there.brotli : sibling.coding == Coding::zstd ? there.zstd : there.gzip) = true;
  }
  file.coding = accept.best(there);
  if (file.coding != Coding::identity) {
    const auto at = static_cast<std::size_t>(file.coding);
    take(std::move(found[at]), infos[at], file);
  }
  return Found::file;
}

}  // namespace spikard::http
