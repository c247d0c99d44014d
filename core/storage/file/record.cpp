#include "storage/file/record.hpp"

#include <fmt/format.h>

#include "base/json.hpp"

namespace spikard::storage::file {

namespace {

void write_text(json::Writer& out, std::string_view name, const std::optional<std::string>& value) {
  if (!value.has_value()) return;
  out.key(name);
  out.string(*value);
}

Error corrupt(std::string what) { return {ErrorKind::corrupt, "the record of an object's metadata: " + std::move(what)}; }

std::optional<std::string> read_text(Value entry, std::string_view name) {
  const Value v = entry.find(name);
  return v.is_string() ? std::optional<std::string>(v.text()) : std::nullopt;
}

}  // namespace

std::string etag_of(Version version) { return fmt::format("\"{:x}-{:x}\"", version.mtime_ns, version.size); }

Kept kept_of(const WriteOptions& options) {
  return {options.content_type, options.cache_control, options.content_disposition, options.metadata};
}

void put_into(const Kept& kept, ObjectInfo& info) {
  info.content_type = kept.content_type;
  info.cache_control = kept.cache_control;
  info.content_disposition = kept.content_disposition;
  info.metadata = kept.metadata;
}

const Kept* Record::find(Version version) const noexcept {
  for (const Entry& entry : entries)
    if (entry.version == version) return &entry.kept;
  return nullptr;
}

const Kept* Record::guess(Version version) const noexcept {
  for (const Entry& entry : entries)
    if (entry.version.size == version.size) return &entry.kept;
  return entries.empty() ? nullptr : &entries.front().kept;
}

std::string to_text(const Record& record) {
  std::string text;
  json::Writer out(text);
  out.begin_object();
  out.key("format");
  out.string("spikard-object/1");
  out.key("versions");
  out.begin_array();
  for (const Record::Entry& entry : record.entries) {
    out.begin_object();
    out.key("mtime_ns");
    out.integer(entry.version.mtime_ns);
    out.key("size");
    out.uinteger(entry.version.size);
    write_text(out, "content_type", entry.kept.content_type);
    write_text(out, "cache_control", entry.kept.cache_control);
    write_text(out, "content_disposition", entry.kept.content_disposition);
    if (!entry.kept.metadata.empty()) {
      out.key("metadata");
      out.begin_object();
      for (const auto& [name, value] : entry.kept.metadata) {
        out.key(name);
        out.string(value);
      }
      out.end_object();
    }
    out.end_object();
  }
  out.end_array();
  out.end_object();
  text.push_back('\n');
  return text;
}

Result<Record> record_from(std::string_view text) {
  auto document = json::parse(text);
  if (!document.ok()) return corrupt(document.error().message());
  const Value root = document->root();
  if (!root.is_object() || !root.find("format").is_string() || root.find("format").text() != "spikard-object/1")
    return corrupt("expected format spikard-object/1");
  const Value versions = root.find("versions");
  if (!versions.is_array()) return corrupt("expected versions");
  Record out;
  for (const Value v : versions.elements()) {
    const Value mtime = v.is_object() ? v.find("mtime_ns") : Value();
    const Value size = v.is_object() ? v.find("size") : Value();
    if (!mtime.is(NodeType::integer) || !size.is(NodeType::integer) || size.as_int() < 0)
      return corrupt("expected mtime_ns and size of each version");
    Record::Entry entry;
    entry.version = {mtime.as_int(), static_cast<std::uint64_t>(size.as_int())};
    entry.kept.content_type = read_text(v, "content_type");
    entry.kept.cache_control = read_text(v, "cache_control");
    entry.kept.content_disposition = read_text(v, "content_disposition");
    if (const Value metadata = v.find("metadata"); metadata.is_object()) {
      for (const auto member : metadata.members()) {
        if (!member.value.is_string()) return corrupt("expected metadata of texts");
        entry.kept.metadata.emplace(member.key, member.value.text());
      }
    }
    out.entries.push_back(std::move(entry));
  }
  return out;
}

}  // namespace spikard::storage::file
