#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "storage/file/names.hpp"
#include "storage/file/store.hpp"
#include "storage/key.hpp"
#include "storage/listing.hpp"

namespace spikard::storage::file {

namespace {

/// One folder's entries.
class Folder {
 public:
  explicit Folder(int at) {
    const int copy = ::openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (copy < 0) return;
    dir_ = ::fdopendir(copy);
    if (dir_ == nullptr) ::close(copy);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    if (dir_ != nullptr) ::closedir(dir_);
  }
  [[nodiscard]] bool ok() const noexcept { return dir_ != nullptr; }

  enum class Type : std::uint8_t { file, folder, other };
  /// False at the end.
  [[nodiscard]] bool next(std::string& name, Type& type) {
    const ::dirent* entry = ::readdir(dir_);
    if (entry == nullptr) return false;
    name = entry->d_name;
    unsigned char kind = entry->d_type;
    if (kind == DT_UNKNOWN) {
      struct ::stat st{};
      if (::fstatat(::dirfd(dir_), name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0)
        kind = S_ISREG(st.st_mode) ? DT_REG : S_ISDIR(st.st_mode) ? DT_DIR : DT_LNK;
    }
    type = kind == DT_REG ? Type::file : kind == DT_DIR ? Type::folder : Type::other;
    return true;
  }

 private:
  ::DIR* dir_ = nullptr;
};

/// An object or a folder, one segment below the folder that is listed.
struct Item {
  std::string text;                ///< the segment; with a slash for a folder, so that it sorts where its keys do
  std::vector<std::string> names;  ///< on the disk, from the folder that is listed
  bool folder = false;
  bool beside = false;
};

bool is_canonical(const Item& item) {
  std::string_view segment = item.text;
  if (item.folder) segment.remove_suffix(1);
  std::vector<std::string> names = spell(segment);
  if (item.beside) names.back().append(beside_suffix);
  return names == item.names;
}

}  // namespace

class FileStore::Lister {
 public:
  Lister(const FileStore& store, const ListQuery& query) : store_(store), query_(query), page_(query) {}

  [[nodiscard]] Result<ListPage> run() {
    SPIKARD_TRY(walk(store_.root_.get(), ""));
    return std::move(page_).finish();
  }

 private:
  /// What is in a folder, pieces of long segments put together, in the order of keys.
  [[nodiscard]] Result<std::vector<Item>> items_of(int folder) {
    std::vector<Item> out;
    SPIKARD_TRY(gather(folder, "", {}, out));
    std::sort(out.begin(), out.end(),
              [](const Item& a, const Item& b) { return a.text != b.text ? a.text < b.text : a.beside < b.beside; });
    // A plain file goes before the one beside its folder, as in locate.
    out.erase(std::unique(out.begin(), out.end(), [](const Item& a, const Item& b) { return a.text == b.text; }), out.end());
    return out;
  }

  [[nodiscard]] Result<void> gather(int folder, const std::string& before, const std::vector<std::string>& names,
                                    std::vector<Item>& out) {
    Folder entries(folder);
    if (!entries.ok()) {
      if (errno == ENOENT) return {};
      return file_error(errno, "listing");
    }
    std::string name;
    Folder::Type type{};
    while (entries.next(name, type)) {
      if (name == "." || name == ".." || type == Folder::Type::other) continue;
      std::optional<Spelled> spelled = read_name(name);
      if (!spelled.has_value()) continue;
      Item item;
      item.text = before + spelled->text;
      if (item.text.size() > max_key_bytes) continue;
      item.names = names;
      item.names.push_back(name);
      item.folder = type == Folder::Type::folder;
      item.beside = spelled->kind == Spelled::Kind::beside;
      if (spelled->kind == Spelled::Kind::piece) {
        if (!item.folder) continue;
        const Fd piece = open_folder(folder, name);
        if (piece) SPIKARD_TRY(gather(piece.get(), item.text, item.names, out));
        continue;
      }
      if (item.folder && item.beside) continue;
      if (item.folder) item.text.push_back('/');
      if (is_canonical(item)) out.push_back(std::move(item));
    }
    return {};
  }

  /// The folder itself, or that of an object; invalid when it went meanwhile or is a link.
  [[nodiscard]] static Fd open_item(int folder, const Item& item) {
    Fd out;
    int at = folder;
    const std::size_t count = item.folder ? item.names.size() : item.names.size() - 1;
    for (std::size_t i = 0; i < count; ++i) {
      Fd next = open_folder(at, item.names[i]);
      if (!next) return {};
      out = std::move(next);
      at = out.get();
    }
    return out;
  }

  [[nodiscard]] Result<void> walk(int folder, const std::string& base) {
    Result<std::vector<Item>> items = items_of(folder);
    if (!items.ok()) return std::move(items).error();
    for (const Item& item : *items) {
      if (full_) return {};
      const std::string text = base + item.text;
      if (text.size() > max_key_bytes) continue;
      SPIKARD_TRY(item.folder ? below(folder, item, text) : object(folder, item, text));
    }
    return {};
  }

  [[nodiscard]] Result<void> object(int folder, const Item& item, const std::string& key) {
    if (!key.starts_with(query_.prefix) || !valid_key(key)) return {};
    if (const auto rolled = rolled_up(key, query_)) {
      prefix(*rolled);
      return {};
    }
    if (key <= page_.after()) return {};
    Fd owned;
    int at = folder;
    if (item.names.size() > 1) {
      owned = open_item(folder, item);
      if (!owned) return {};
      at = owned.get();
    }
    struct ::stat st{};
    if (::fstatat(at, item.names.back().c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT) return {};  // deleted meanwhile
      return file_error(errno, "listing");
    }
    const Version version = version_of(st);
    ObjectInfo info;
    info.key = key;
    info.size = version.size;
    info.etag = etag_of(version);
    info.last_modified = WallTime(Duration(version.mtime_ns));
    full_ = !page_.entry(std::move(info));
    return {};
  }

  [[nodiscard]] Result<void> below(int folder, const Item& item, const std::string& text) {
    const bool inside = text.starts_with(query_.prefix);
    if (!inside && !query_.prefix.starts_with(text)) return {};
    // All its keys are before the place.
    if (text < page_.after() && !page_.after().starts_with(text)) return {};
    const auto rolled = inside ? rolled_up(text, query_) : std::nullopt;
    if (rolled.has_value() && (*rolled <= page_.after() || *rolled == last_prefix_)) return {};
    const Fd next = open_item(folder, item);
    if (!next) {
      if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP) return {};
      return file_error(errno, "listing");
    }
    if (!rolled.has_value()) return walk(next.get(), text);
    Result<bool> any = any_in(next.get(), text);
    if (!any.ok()) return std::move(any).error();
    if (*any) prefix(*rolled);
    return {};
  }

  void prefix(std::string_view rolled) {
    if (rolled <= page_.after() || rolled == last_prefix_) return;
    last_prefix_ = rolled;
    full_ = !page_.prefix(rolled);
  }

  /// Whether there is an object in it.
  [[nodiscard]] Result<bool> any_in(int folder, const std::string& base) {
    Result<std::vector<Item>> items = items_of(folder);
    if (!items.ok()) return std::move(items).error();
    for (const Item& item : *items)
      if (!item.folder && valid_key(base + item.text)) return true;
    for (const Item& item : *items) {
      if (!item.folder || base.size() + item.text.size() > max_key_bytes) continue;
      const Fd next = open_item(folder, item);
      if (!next) continue;
      Result<bool> any = any_in(next.get(), base + item.text);
      if (!any.ok() || *any) return any;
    }
    return false;
  }

  const FileStore& store_;
  const ListQuery& query_;
  PageBuilder page_;
  std::string last_prefix_;
  bool full_ = false;
};

Result<ListPage> FileStore::list(const ListQuery& query) const { return Lister(*this, query).run(); }

}  // namespace spikard::storage::file
