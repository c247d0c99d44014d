#include "validation/issue.hpp"

#include <algorithm>

namespace spikard::validation {

void Issues::add(Issue issue) {
  if (full()) return;
  const bool known = std::any_of(list_.begin(), list_.end(), [&](const Issue& other) {
    return other.type == issue.type && other.loc == issue.loc && other.msg == issue.msg;
  });
  if (!known) list_.push_back(std::move(issue));
}

Document Issues::copy_input(Value v) {
  NodeBuilder b;
  const auto nodes = static_cast<std::size_t>(v.ptr()->next() - v.ptr());
  std::size_t text = 0;
  for (const Node* n = v.ptr(); n != v.ptr()->next(); ++n) text += n->is_container() || n->is_number() ? 0 : n->len;
  if (input_nodes_ + nodes > max_input_nodes || input_text_ + text > max_input_text) {
    b.null();
    return Document(std::move(b));
  }
  input_nodes_ += nodes;
  input_text_ += text;
  return Document(v);
}

void Issues::sort() {
  // Bytes of UTF-8 sort as code points do. The message makes the order total.
  std::sort(list_.begin(), list_.end(), [](const Issue& a, const Issue& b) {
    if (a.loc != b.loc) return a.loc < b.loc;
    return a.type != b.type ? a.type < b.type : a.msg < b.msg;
  });
}

void Issues::write(json::Writer& out) const {
  out.begin_array();
  for (const Issue& issue : list_) {
    out.begin_object();
    out.key("type");
    out.string(issue.type);
    out.key("loc");
    out.begin_array();
    for (const std::string& segment : issue.loc) out.string(segment);
    out.end_array();
    out.key("msg");
    out.string(issue.msg);
    out.key("input");
    if (issue.input.empty()) out.null();
    else out.write(issue.input.root());
    if (!issue.ctx.empty()) {
      out.key("ctx");
      out.write(issue.ctx.root());
    }
    out.end_object();
  }
  out.end_array();
}

}  // namespace spikard::validation
