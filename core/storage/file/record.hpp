#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/object.hpp"

namespace spikard::storage::file {

/// One state of a content file. Writes give each one a modification time of its own, in ns, so that the pair names the write.
struct Version {
  std::int64_t mtime_ns = 0;
  std::uint64_t size = 0;
  bool operator==(const Version&) const = default;
};
[[nodiscard]] std::string etag_of(Version version);

/// What is kept beside one version of the content.
struct Kept {
  std::optional<std::string> content_type;
  std::optional<std::string> cache_control;
  std::optional<std::string> content_disposition;
  std::map<std::string, std::string> metadata;

  [[nodiscard]] bool empty() const noexcept {
    return !content_type.has_value() && !cache_control.has_value() && !content_disposition.has_value() && metadata.empty();
  }
};
[[nodiscard]] Kept kept_of(const WriteOptions& options);
void put_into(const Kept& kept, ObjectInfo& info);

/// The side record of an object, `NAME%m`: what is kept, by version of the content. A write first puts the record there with the
/// new version and the old one, then the content; each is one rename. So whichever content a reader finds, what belongs to it is
/// in the record it finds. JSON on the disk.
struct Record {
  struct Entry {
    Version version;
    Kept kept;
  };
  std::vector<Entry> entries;  ///< at most two, the newest first

  [[nodiscard]] const Kept* find(Version version) const noexcept;
  /// For a content that another program changed, so that no version fits: what was kept last for this size, else last.
  [[nodiscard]] const Kept* guess(Version version) const noexcept;
};

inline constexpr std::size_t max_record_bytes = 65536;
[[nodiscard]] std::string to_text(const Record& record);
/// Errors: corrupt.
[[nodiscard]] Result<Record> record_from(std::string_view text);

}  // namespace spikard::storage::file
