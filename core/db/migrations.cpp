#include "db/migrations.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>
#include <tuple>
#include <utility>

namespace spikard::db {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t max_file = 16 * 1024 * 1024;

std::string sha256(std::string_view text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha256(), nullptr);
  static constexpr char hex[] = "0123456789abcdef";
  std::string out;
  for (unsigned int i = 0; i < size; ++i) {
    out.push_back(hex[digest[i] >> 4]);
    out.push_back(hex[digest[i] & 15]);
  }
  return out;
}

/// The number before the first `_`; nothing when the name has another form.
std::optional<std::int64_t> version_of(std::string_view name) {
  const std::size_t underscore = name.find('_');
  if (underscore == std::string_view::npos || underscore < 4 || underscore + 1 + 4 >= name.size()) return std::nullopt;
  std::int64_t version = 0;
  const auto [stop, code] = std::from_chars(name.data(), name.data() + underscore, version);
  if (code != std::errc() || stop != name.data() + underscore || version < 1) return std::nullopt;
  for (char c : name) {
    const bool good =
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-' || c == '.';
    if (!good) return std::nullopt;
  }
  return version;
}

constexpr std::pair<std::string_view, store::Dialect> dialects[] = {
    {".sqlite.sql", store::Dialect::sqlite}, {".postgres.sql", store::Dialect::postgres}, {".mysql.sql", store::Dialect::mysql}};

/// The database a file is for; nothing: all that have none of their own with its number.
std::optional<store::Dialect> dialect_of(std::string_view name) {
  for (const auto& [ending, dialect] : dialects)
    if (name.ends_with(ending)) return dialect;
  return std::nullopt;
}

std::string table(store::Dialect dialect) {
  switch (dialect) {
    case store::Dialect::sqlite:
      return "CREATE TABLE IF NOT EXISTS spikard_migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT "
             "NULL, "
             "applied_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP)";
    case store::Dialect::postgres:
      return "CREATE TABLE IF NOT EXISTS spikard_migrations (version BIGINT PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT "
             "NULL, "
             "applied_at TIMESTAMPTZ NOT NULL DEFAULT now())";
    case store::Dialect::mysql:
      return "CREATE TABLE IF NOT EXISTS spikard_migrations (version BIGINT PRIMARY KEY, name VARCHAR(255) NOT NULL, "
             "checksum CHAR(64) NOT NULL, applied_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6))";
  }
  return {};
}

}  // namespace

std::string_view name_of(MigrationStatus::State state) noexcept {
  switch (state) {
    case MigrationStatus::State::applied: return "applied";
    case MigrationStatus::State::pending: return "pending";
    case MigrationStatus::State::changed: return "changed";
    case MigrationStatus::State::missing: return "missing";
  }
  return "pending";
}

Result<std::vector<MigrationFile>> read_migrations(const std::string& folder, store::Dialect dialect) {
  std::error_code failed;
  fs::directory_iterator at(folder, failed);
  if (failed) return Error(ErrorKind::not_found, "no folder of migrations: " + failed.message()).with("folder", folder);
  std::vector<MigrationFile> files;
  for (const fs::directory_iterator end; at != end; at.increment(failed)) {
    const std::string name = at->path().filename().string();
    if (at->path().extension() != ".sql" || name.starts_with(".")) continue;
    const std::optional<std::int64_t> version = version_of(name);
    if (!version.has_value())
      return invalid_argument(name + ": expected NNNN_name.sql, with a number of at least four digits, letters, digits, - and _");
    if (dialect_of(name).value_or(dialect) != dialect) continue;
    std::error_code unknown;
    const std::uintmax_t size = at->file_size(unknown);
    if (unknown) return Error(ErrorKind::unavailable, name + ": " + unknown.message()).with("folder", folder);
    if (size > max_file) return Error(ErrorKind::too_large, name + ": larger than 16 MiB");
    std::ifstream in(at->path(), std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    if (!in) return Error(ErrorKind::unavailable, name + ": cannot be read");
    MigrationFile file;
    file.version = *version;
    file.name = name;
    file.sql = std::move(text).str();
    // A check-out on another system changes line ends, not what is meant.
    std::erase(file.sql, '\r');
    file.checksum = sha256(file.sql);
    files.push_back(std::move(file));
  }
  // Then it is at the end, with files left.
  if (failed) return Error(ErrorKind::unavailable, failed.message()).with("folder", folder);
  // One for this database comes before the one for all that it stands for.
  const auto order = [](const MigrationFile& a, const MigrationFile& b) {
    return std::tuple(a.version, !dialect_of(a.name), std::string_view(a.name)) <
           std::tuple(b.version, !dialect_of(b.name), std::string_view(b.name));
  };
  std::sort(files.begin(), files.end(), order);
  std::vector<MigrationFile> chosen;
  std::int64_t stood_for = 0;
  for (MigrationFile& file : files) {
    if (chosen.empty() || chosen.back().version != file.version) chosen.push_back(std::move(file));
    else if (std::exchange(stood_for, file.version) == file.version || !dialect_of(chosen.back().name) || dialect_of(file.name))
      return invalid_argument(chosen.back().name + " and " + file.name + ": two files of one number");
  }
  return chosen;
}

Task<Result<std::vector<MigrationFile>>> Migrations::files(net::Caller caller) {
  if (folder_.empty()) co_return Result<std::vector<MigrationFile>>(invalid_argument("migrations: no folder is configured"));
  auto job = [folder = folder_, dialect = client_->backend().dialect()] { return read_migrations(folder, dialect); };
  Result<std::vector<MigrationFile>> read = co_await net::blocking(*caller.loop, pool_, std::move(job));
  co_return read;
}

Task<Result<std::vector<Migrations::Applied>>> Migrations::applied(net::Caller caller) {
  using R = Result<std::vector<Applied>>;
  Result<Rows> rows =
      co_await client_->query(caller, "SELECT version, name, checksum, applied_at FROM spikard_migrations ORDER BY version");
  if (!rows.ok()) {
    if (rows.error().detail() == "undefined_table") co_return R(std::vector<Applied>());
    co_return R(std::move(rows).error());
  }
  std::vector<Applied> out;
  for (const Value row : rows->rows.root().elements()) {
    Applied one;
    one.version = row.find("version").as_int();
    one.name = row.find("name").text();
    one.checksum = row.find("checksum").text();
    one.at = row.find("applied_at").text();
    out.push_back(std::move(one));
  }
  co_return R(std::move(out));
}

Task<Result<std::vector<MigrationStatus>>> Migrations::status(net::Caller caller) {
  using R = Result<std::vector<MigrationStatus>>;
  Result<std::vector<MigrationFile>> there = co_await files(caller);
  if (!there.ok()) co_return R(std::move(there).error());
  Result<std::vector<Applied>> done = co_await applied(caller);
  if (!done.ok()) co_return R(std::move(done).error());
  std::vector<MigrationStatus> out;
  auto file = there->begin();
  auto row = done->begin();
  while (file != there->end() || row != done->end()) {
    MigrationStatus status;
    if (row == done->end() || (file != there->end() && file->version < row->version)) {
      status.name = file->name;
      ++file;
    } else {
      status.name = row->name;
      status.applied_at = row->at;
      status.state = MigrationStatus::State::missing;
      if (file != there->end() && file->version == row->version) {
        status.state = file->checksum == row->checksum ? MigrationStatus::State::applied : MigrationStatus::State::changed;
        ++file;
      }
      ++row;
    }
    out.push_back(std::move(status));
  }
  co_return R(std::move(out));
}

Task<Result<std::vector<std::string>>> Migrations::apply(net::Caller caller) {
  using R = Result<std::vector<std::string>>;
  Result<std::vector<MigrationFile>> there = co_await files(caller);
  if (!there.ok()) co_return R(std::move(there).error());
  Result<std::vector<Applied>> done = co_await applied(caller);
  if (!done.ok()) co_return R(std::move(done).error());
  const std::int64_t newest = done->empty() ? 0 : done->back().version;
  for (const MigrationFile& file : *there) {
    const auto row = std::find_if(done->begin(), done->end(), [&](const Applied& a) { return a.version == file.version; });
    if (row == done->end()) {
      if (file.version < newest)
        co_return R(Error(ErrorKind::conflict, file.name + ": comes before " + done->back().name + ", which is applied"));
    } else if (row->checksum != file.checksum) {
      co_return R(Error(ErrorKind::conflict, file.name + ": was changed after it was applied"));
    }
  }
  const store::Dialect dialect = client_->backend().dialect();
  std::vector<std::string> names;
  for (const MigrationFile& file : *there) {
    if (file.version <= newest) continue;
    auto script = std::make_shared<Backend::Script>();
    script->prepare = table(dialect);
    // A name has no quotes, a checksum is hex.
    script->guard = "SELECT 1 FROM spikard_migrations WHERE version = " + std::to_string(file.version);
    for (std::string_view statement : store::split_statements(file.sql, dialect)) script->statements.emplace_back(statement);
    script->statements.push_back("INSERT INTO spikard_migrations (version, name, checksum) VALUES (" +
                                 std::to_string(file.version) + ", '" + file.name + "', '" + file.checksum + "')");
    Result<bool> ran = co_await client_->backend().script(*caller.loop, script, client_->options().acquire_timeout);
    if (!ran.ok()) co_return R(std::move(ran).error().with("migration", file.name));
    if (*ran) names.push_back(file.name);
  }
  co_return R(std::move(names));
}

}  // namespace spikard::db
