#include "records.hpp"

#include <cstring>

namespace spikard::abi {
namespace {

bool has_text(const Node& n) { return n.type == NodeType::string || n.type == NodeType::bytes || n.type == NodeType::numtext; }

struct Layout {
  std::size_t nodes = 0;
  std::size_t pairs_at = 0;
  std::size_t text_at = 0;
  std::size_t size = 0;
};

Layout layout_of(const RecordParts& parts) {
  Layout layout;
  layout.nodes = parts.nodes ? 1 + (parts.nodes.node().is_container() ? parts.nodes.node().off : 0) : 0;
  std::size_t text = parts.body.size() + parts.key.size();
  for (const http::HeaderField& field : parts.meta) text += field.name.size() + field.value.size();
  for (std::size_t i = 0; i < layout.nodes; ++i) {
    if (has_text(parts.nodes.ptr()[i])) text += parts.nodes.ptr()[i].len;
  }
  layout.pairs_at = sizeof(spk_record) + layout.nodes * sizeof(Node);
  layout.text_at = layout.pairs_at + parts.meta.size() * sizeof(spk_pair);
  layout.size = (layout.text_at + text + 7) & ~std::size_t{7};
  return layout;
}

/// `memory` is zeroed up to the text.
void write(char* memory, const Layout& layout, const RecordParts& parts) {
  auto* record = reinterpret_cast<spk_record*>(memory);
  record->size = static_cast<std::uint32_t>(layout.size);
  record->source = parts.source;
  record->id = parts.id;
  record->status = parts.status;
  record->attempt = parts.attempt;
  std::size_t at = layout.text_at;
  const auto place = [&](std::string_view t) {
    if (!t.empty()) std::memcpy(memory + at, t.data(), t.size());
    const spk_view view{static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(t.size())};
    at += t.size();
    return view;
  };
  auto* out = reinterpret_cast<Node*>(memory + sizeof(spk_record));
  for (std::size_t i = 0; i < layout.nodes; ++i) {
    out[i] = parts.nodes.ptr()[i];
    if (has_text(out[i])) out[i].off = place({parts.nodes.base() + out[i].off, out[i].len}).off;
  }
  record->nodes = {static_cast<std::uint32_t>(sizeof(spk_record)), static_cast<std::uint32_t>(layout.nodes)};
  auto* pairs = reinterpret_cast<spk_pair*>(memory + layout.pairs_at);
  for (const http::HeaderField& field : parts.meta) {
    pairs->name = place(field.name);
    pairs->value = place(field.value);
    ++pairs;
  }
  record->meta = {static_cast<std::uint32_t>(layout.pairs_at), static_cast<std::uint32_t>(parts.meta.size())};
  record->key = place(parts.key);
  record->body = place(parts.body);
}

}  // namespace

std::unique_ptr<char[]> make_record(const RecordParts& parts) {
  const Layout layout = layout_of(parts);
  std::unique_ptr<char[]> memory(new char[layout.size]);
  std::memset(memory.get(), 0, layout.text_at);
  write(memory.get(), layout, parts);
  return memory;
}

const spk_record* make_record_in(std::vector<char>& memory, const RecordParts& parts) {
  const Layout layout = layout_of(parts);
  if (memory.size() < layout.size) memory.resize(layout.size);
  std::memset(memory.data(), 0, layout.text_at);
  write(memory.data(), layout, parts);
  return reinterpret_cast<const spk_record*>(memory.data());
}

}  // namespace spikard::abi
