#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace spikard::storage::file {

/// How one segment of a key is spelled on the disk. `%` becomes `%25`; a spelling over 200 bytes is cut into pieces, each but the
/// last a folder `PIECE%c`, so that names stay below the 255 bytes of Linux. All else stands as it is. Names with any other `%`
/// are the store's own:
///
///   `NAME%o`    an object whose plain name is a folder
///   `NAME%m`    what is kept beside an object's content (record.hpp)
///   `%spikard`  in the root: temporary files, parts of uploads, the lock, the key of signatures
///
/// The last of the pieces is `%2e` or `%2e%2e` where it would be `.` or `..`.
[[nodiscard]] std::vector<std::string> spell(std::string_view segment);

inline constexpr std::string_view piece_suffix = "%c";
inline constexpr std::string_view beside_suffix = "%o";
inline constexpr std::string_view record_suffix = "%m";
inline constexpr std::string_view own_folder = "%spikard";

/// What a name on the disk stands for.
struct Spelled {
  enum class Kind : std::uint8_t { plain, piece, beside } kind;
  std::string text;  ///< of the segment, or of its piece
};
/// Nothing for names that are the store's own or that `spell` never makes.
[[nodiscard]] std::optional<Spelled> read_name(std::string_view name);

}  // namespace spikard::storage::file
