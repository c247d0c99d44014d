// Keys of objects and what they are on the disk: no name leads out of its folder, two keys are never one file, what is spelled is
// read back; listings against a simple way; records, signed URLs, tokens of uploads and ranges of any bytes.
#include <cstdint>
#include <cstdlib>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "http/conditions.hpp"
#include "net/virtual_clock.hpp"
#include "storage/file/names.hpp"
#include "storage/file/record.hpp"
#include "storage/key.hpp"
#include "storage/listing.hpp"
#include "storage/signed_urls.hpp"
#include "storage/upload.hpp"

namespace {

using namespace spikard;
using namespace spikard::storage;

void require(bool holds) {
  if (!holds) std::abort();
}

std::vector<std::string> path_of(std::string_view key) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at <= key.size();) {
    const std::size_t end = std::min(key.find('/', at), key.size());
    for (std::string& name : file::spell(key.substr(at, end - at))) out.push_back(std::move(name));
    at = end + 1;
  }
  return out;
}

/// The key that a path of names stands for.
std::string key_of(const std::vector<std::string>& names) {
  std::string out;
  bool piece = false;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0 && !piece) out.push_back('/');
    const auto read = file::read_name(names[i]);
    require(read.has_value());
    out += read->text;
    piece = read->kind == file::Spelled::Kind::piece;
    require(piece || read->kind == file::Spelled::Kind::plain);
  }
  require(!piece);
  return out;
}

void check_names(std::string_view key) {
  if (!valid_key(key)) return;
  const std::vector<std::string> names = path_of(key);
  for (const std::string& name : names) {
    require(!name.empty() && name.size() <= 250 && name != "." && name != "..");
    require(name.find('/') == name.npos && name.find('\0') == name.npos);
    require(!name.ends_with(file::record_suffix) && !name.ends_with(file::beside_suffix) && name != file::own_folder);
  }
  require(key_of(names) == key);
}

/// Keys between NULs; the first two parts are prefix and delimiter, the third is the place.
void check_listing(std::string_view data) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= data.size() && parts.size() < 64;) {
    const std::size_t end = std::min(data.find('\0', at), data.size());
    parts.emplace_back(data.substr(at, end - at));
    at = end + 1;
  }
  if (parts.size() < 4) return;
  ListQuery query;
  query.prefix = parts[0];
  query.delimiter = parts[1];
  query.start_after = parts[2];
  query.limit = 3;
  const std::set<std::string> keys(parts.begin() + 3, parts.end());
  // The simple way: every item, then those after the place, in order.
  std::map<std::string, bool> items;
  for (const std::string& key : keys) {
    if (!key.starts_with(query.prefix)) continue;
    const std::size_t at = query.delimiter.empty() ? key.npos : key.find(query.delimiter, query.prefix.size());
    const std::string item = at == key.npos ? key : key.substr(0, at + query.delimiter.size());
    if (item > query.start_after) items.emplace(item, at != key.npos);
  }
  std::map<std::string, bool> found;
  for (int pages = 0; pages < 100; ++pages) {
    PageBuilder page(query);
    const std::string last_after(page.after());
    std::string last_prefix;
    for (const std::string& key : keys) {
      if (!key.starts_with(query.prefix)) continue;
      const auto rolled = rolled_up(key, query);
      if (rolled.has_value()) {
        if (*rolled <= page.after() || *rolled == last_prefix) continue;
        last_prefix = *rolled;
        if (!page.prefix(*rolled)) break;
      } else if (key > page.after()) {
        ObjectInfo info;
        info.key = key;
        if (!page.entry(std::move(info))) break;
      }
    }
    ListPage out = std::move(page).finish();
    for (const auto& entry : out.entries) require(found.emplace(entry.key, false).second && entry.key > last_after);
    for (const auto& prefix : out.prefixes) require(found.emplace(prefix, true).second && prefix > last_after);
    if (!out.cursor.has_value()) break;
    require(out.entries.size() + out.prefixes.size() == query.limit);
    query.cursor = out.cursor;
  }
  if (items != found) std::abort();
  if (const auto next = after_all_with(query.prefix)) {
    for (const std::string& key : keys) require(!key.starts_with(query.prefix) || key < *next);
  }
}

void check_record(std::string_view text) {
  const auto record = file::record_from(text);
  if (!record.ok()) return;
  const auto again = file::record_from(file::to_text(*record));
  require(again.ok() && again->entries.size() == record->entries.size());
  for (std::size_t i = 0; i < again->entries.size(); ++i) {
    require(again->entries[i].version == record->entries[i].version);
    require(again->entries[i].kept.metadata == record->entries[i].kept.metadata);
  }
}

void check_url(std::string_view text) {
  static const net::VirtualClock clock;
  static const SignedUrls urls([] {
    SignedUrlsOptions options;
    options.path = "/p";
    options.name = "n";
    options.secret = "not to be guessed";
    return options;
  }());
  const std::size_t cut = std::min(text.find('?'), text.size());
  const std::string_view query = cut < text.size() ? text.substr(cut + 1) : std::string_view();
  require(urls.check(PresignMethod::get, text.substr(0, cut), query, clock) == SignedUrls::Verdict::wrong);
  std::optional<UploadTarget> part;
  require(urls.check(PresignMethod::put, text.substr(0, cut), query, clock, &part) == SignedUrls::Verdict::wrong && !part);
  const std::string made = urls.make(PresignMethod::get, text, 60, clock).url;
  require(urls.check(PresignMethod::get, text, std::string_view(made).substr(made.find('?') + 1), clock) ==
          SignedUrls::Verdict::good);
}

/// Tokens that nobody was given, and plans of any text.
void check_upload(std::string_view text) {
  require(!read_upload_token("not to be guessed", "memory:", "k", text).ok());
  Upload upload;
  upload.id = text.empty() ? "id" : std::string(text);
  upload.size = text.size() * 1'000'003 + 1;
  upload.part_bytes = min_part_bytes;
  upload.write.content_type = upload.id;
  upload.write.metadata["m"] = upload.id;
  const auto read = read_upload_token("s", "memory:", upload.id, upload_token("s", "memory:", upload.id, upload));
  require(read.ok() == (upload.parts() <= max_parts));
  if (!read.ok() || !is_utf8(upload.id)) return;
  require(read->id == upload.id && read->size == upload.size && read->write.metadata == upload.write.metadata);
  std::uint64_t offset = 0;
  for (std::uint32_t number = 1; number <= read->parts(); ++number) {
    require(read->offset_of(number) == offset && read->size_of(number) > 0);
    offset += read->size_of(number);
  }
  require(offset == read->size);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  switch (data[0] % 5) {
    case 0: check_names(text); break;
    case 1: check_listing(text); break;
    case 2: check_record(text); break;
    case 3: check_url(text), check_upload(text); break;
    default:
      if (const auto range = http::parse_range(text)) require(range->first || range->last);
      (void)http::parse_http_date(text);
  }
  return 0;
}
