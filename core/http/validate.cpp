// Parameters and body: text to typed nodes, then the schema; all errors together in one 422.
#include <algorithm>
#include <cstring>

#include "http/connection.hpp"
#include "http/exchange.hpp"
#include "http/server_impl.hpp"
#include "http/urlencoded.hpp"

namespace spikard::http::detail {
namespace {

constexpr std::string_view body_loc[] = {"body"};

std::uint32_t aligned(std::uint32_t n, std::uint32_t to) noexcept { return (n + to - 1) & ~(to - 1); }

bool is_text(NodeType t) noexcept { return t == NodeType::string || t == NodeType::bytes || t == NodeType::numtext; }

/// Text that is not UTF-8 cannot be a JSON string.
bool is_utf8(std::string_view text) noexcept {
  for (std::size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x80) {
      ++i;
      continue;
    }
    const std::size_t more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
    if (c < 0xc2 || c > 0xf4 || text.size() - i <= more) return false;
    const auto second = static_cast<unsigned char>(text[i + 1]);
    if ((c == 0xe0 && second < 0xa0) || (c == 0xed && second > 0x9f) || (c == 0xf0 && second < 0x90) ||
        (c == 0xf4 && second > 0x8f))
      return false;
    for (std::size_t k = 1; k <= more; ++k) {
      if ((static_cast<unsigned char>(text[i + k]) & 0xc0) != 0x80) return false;
    }
    i += more + 1;
  }
  return true;
}

}  // namespace

bool ServerExchange::reserve(std::size_t bytes) {
  if (block->capacity() - used >= bytes) return true;
  Block* bigger = server_.blocks->grow(
      block, used,
      std::max<std::size_t>(used + bytes, std::min<std::size_t>(std::size_t{2} * block->capacity(), BlockPool::max_capacity)));
  if (bigger == nullptr) return false;
  block = bigger;
  return true;
}

std::uint32_t ServerExchange::append(std::size_t bytes, std::size_t align) {
  if (!reserve(bytes + align)) return 0;
  const std::uint32_t at = aligned(used, static_cast<std::uint32_t>(align));
  used = at + static_cast<std::uint32_t>(bytes);
  return at;
}

void ServerExchange::no_memory() { problem(problems::service_unavailable, "The request does not fit into memory", false); }

/// A deep copy of `value` (which may not point into the record) at the record's end.
bool ServerExchange::append_nodes(Value value, View& where) {
  const auto count = static_cast<std::size_t>(value.ptr()->next() - value.ptr());
  std::size_t text = 0;
  for (const Node* n = value.ptr(); n != value.ptr() + count; ++n) text += is_text(n->type) ? n->len : 0;
  const std::uint32_t at = append(count * sizeof(Node), alignof(Node));
  const std::uint32_t text_at = append(text, 1);
  if (at == 0 || text_at == 0) return false;
  auto* to = reinterpret_cast<Node*>(block->base() + at);
  char* chars = block->base() + text_at;
  for (const Node* n = value.ptr(); n != value.ptr() + count; ++n, ++to) {
    *to = *n;
    if (!is_text(n->type)) continue;
    if (n->len != 0) std::memcpy(chars, value.base() + n->off, n->len);
    to->off = static_cast<std::uint64_t>(chars - block->base());
    chars += n->len;
  }
  where = {at, static_cast<std::uint32_t>(count)};
  return true;
}

bool ServerExchange::validate() {
  validation::Issues issues;
  if (route->has_parameters) read_parameters(issues);
  if (phase_ != Phase::validation) return false;
  if (route->takes_body && !route->streams_body && !read_body(issues)) return false;
  if (issues.empty()) return true;
  std::string body;
  append_validation_problem(body, server_.plan.config.problem_base, issues);
  if (timer_.armed()) timer_.stop();
  const HeaderField type{"content-type", problem_media_type};
  if (!stores(true)) {
    send(problems::validation_error.status, {&type, 1}, {}, body);
  } else {
    store({.status = problems::validation_error.status, .format = BodyFormat::raw, .headers = {&type, 1}, .body = body});
    after(HookPhase::on_response);
  }
  return false;
}

void ServerExchange::read_parameters(validation::Issues& issues) {
  std::size_t nodes = route->reader.size() * 2 + 16;
  const RequestRecord& head = block->record();
  std::size_t text = 256 + head.path.len + head.query.len;
  const std::uint32_t begin = used;
  for (;;) {
    used = begin;
    const std::uint32_t at = append(nodes * sizeof(Node), alignof(Node));
    if (at == 0 || !reserve(text)) return no_memory();
    RequestRecord& record = block->record();
    std::string_view texts[Router::max_captures];
    for (std::uint32_t i = 0; i < capture_count; ++i) texts[i] = record.text(captures[i]);
    const RequestTexts in{.base = block->base(),
                          .captures = {texts, capture_count},
                          .query = record.text(record.query),
                          .headers = {record.header_begin(), record.header_end()}};
    validation::NodeRoom node_room{.base = block->base(), .nodes = reinterpret_cast<Node*>(block->base() + at), .room = nodes};
    // Text behind the nodes; what is not used of either stays unused.
    TextRoom text_room{.at = block->base() + used, .end = block->base() + used + text};
    const bool fine = route->reader.read(in, node_room, text_room, issues);
    if (!fine && (node_room.out_of_room || text_room.out_of_room)) {
      issues.clear();
      if (node_room.out_of_room) nodes *= 4;
      if (text_room.out_of_room) text *= 4;
      continue;
    }
    record.params = {at, static_cast<std::uint32_t>(node_room.used)};
    used = static_cast<std::uint32_t>(text_room.at - block->base());
    return;
  }
}

bool ServerExchange::read_body(validation::Issues& issues) {
  RequestRecord& record = block->record();
  if (upload_ == nullptr && record.body.len == 0) {
    if (route->body_required) body_missing(issues);
    return true;
  }
  switch (media_) {
    case MediaKind::json: return read_json(issues);
    case MediaKind::form: return read_form(issues);
    case MediaKind::text: {
      if (route->body_as == services::BodyAs::raw && !route->schema) return true;
      if (!is_utf8(record.text(record.body))) {
        problem(problems::bad_request, "The body is not UTF-8", true);
        return false;
      }
      const std::uint32_t at = append(sizeof(Node), alignof(Node));
      if (at == 0) return no_memory(), false;
      RequestRecord& now = block->record();
      *reinterpret_cast<Node*>(block->base() + at) = Node::make(NodeType::string, now.body.len, now.body.off);
      if (route->schema && !route->schema->valid(Value(reinterpret_cast<Node*>(block->base() + at), block->base()))) {
        (void)route->schema->check(Value(reinterpret_cast<Node*>(block->base() + at), block->base()), body_loc, issues);
      }
      if (route->body_as == services::BodyAs::nodes) now.json = {at, 1};
      return true;
    }
    case MediaKind::multipart: return upload_ == nullptr || read_parts(issues);
    case MediaKind::none:
    case MediaKind::raw: return true;
  }
  return true;
}

void ServerExchange::body_missing(validation::Issues& issues) {
  validation::Issue issue;
  issue.type = "missing";
  issue.loc = {"body"};
  issue.msg = "Field required";
  NodeBuilder input;
  input.null();
  issue.input = Document(std::move(input));
  issues.add(std::move(issue));
}

bool ServerExchange::read_json(validation::Issues& issues) {
  if (route->body_as == services::BodyAs::raw && !route->schema) return true;
  const View body = block->record().body;
  const bool escapes = std::memchr(block->base() + body.off, '\\', body.len) != nullptr;
  const std::size_t scratch = escapes ? body.len : 0;
  const std::uint32_t scratch_at = append(scratch, 1);
  if (scratch_at == 0) return no_memory(), false;
  std::size_t nodes = body.len / 8 + 32;
  const std::uint32_t begin = used;
  std::uint32_t at = 0;
  json::Reader::Target target{};
  for (;;) {
    used = begin;
    at = append(nodes * sizeof(Node), alignof(Node));
    if (at == 0) return no_memory(), false;
    target = {.base = block->base(),
              .nodes = reinterpret_cast<Node*>(block->base() + at),
              .node_room = (block->capacity() - at) / sizeof(Node),
              .scratch = block->base() + scratch_at,
              .scratch_room = scratch};
    json::ReadError error;
    if (server_.reader.read_into(block->record().text(body), {.max_depth = server_.plan.config.limits.json_depth}, target, error))
      break;
    if (target.out_of_room) {
      nodes = std::max<std::size_t>(nodes * 4, target.node_room * 2);
      continue;
    }
    std::string detail = "The body is not valid JSON: ";
    detail += error.message == nullptr ? "malformed" : error.message;
    detail += " at byte " + std::to_string(error.offset);
    problem(problems::bad_request, detail, true);
    return false;
  }
  used = at + static_cast<std::uint32_t>(target.node_count * sizeof(Node));
  View json{at, static_cast<std::uint32_t>(target.node_count)};
  const Value value = block->record().value(json);
  if (route->schema) {
    if (!route->schema->valid(value)) {
      (void)route->schema->check(value, body_loc, issues);
      return true;
    }
    if (route->fills_defaults) {
      NodeBuilder& filled = server_.scratch;
      filled.clear();
      route->schema->with_defaults(value, filled);
      if (route->body_as == services::BodyAs::text) {
        std::string& text = server_.scratch_text;
        text.clear();
        json::Writer(text).write(filled.root());
        const std::uint32_t text_at = append(text.size(), 1);
        if (text_at == 0) return no_memory(), false;
        std::memcpy(block->base() + text_at, text.data(), text.size());
        block->record().body = {text_at, static_cast<std::uint32_t>(text.size())};
      } else if (!append_nodes(filled.root(), json)) {
        return no_memory(), false;
      }
    }
  }
  if (route->body_as == services::BodyAs::nodes) block->record().json = json;
  return true;
}

bool ServerExchange::read_form(validation::Issues& issues) {
  if (route->body_as == services::BodyAs::raw && !route->schema) return true;
  const RequestRecord& record = block->record();
  NodeBuilder& tree = server_.scratch;
  tree.clear();
  FormError error;
  if (!form_to_tree(record.text(record.body), {.max_depth = std::min<std::uint32_t>(32, server_.plan.config.limits.json_depth)},
                    tree, error)) {
    problem(problems::bad_request, error.message, true);
    return false;
  }
  NodeBuilder& typed = server_.scratch2;
  const NodeBuilder* result = &tree;
  if (route->schema) {
    typed.clear();
    if (!route->schema->coerce_and_check(tree.root(), body_loc, typed, issues)) return true;
    result = &typed;
    if (route->fills_defaults) {
      tree.clear();
      route->schema->with_defaults(typed.root(), tree);
      result = &tree;
    }
  }
  View json;
  if (!append_nodes(result->root(), json)) return no_memory(), false;
  block->record().json = json;
  return true;
}

bool ServerExchange::read_parts(validation::Issues& issues) {
  if (framing == h1::Framing::none || (framing == h1::Framing::length && content_length == 0)) {
    if (route->body_required) body_missing(issues);
    return true;
  }
  if (upload_->failure() != nullptr) {
    problem(*upload_->failure(), upload_->detail(), true);
    return false;
  }
  if (!upload_->spool_error().empty()) {
    log("upload", upload_->spool_error());
    problem(problems::service_unavailable, "The upload could not be stored", true);
    return false;
  }
  NodeBuilder& tree = server_.scratch;
  tree.clear();
  if (!upload_->tree(std::min<std::uint32_t>(32, server_.plan.config.limits.json_depth), tree)) {
    problem(problems::bad_request, upload_->detail(), true);
    return false;
  }
  upload_->check(issues);
  NodeBuilder& typed = server_.scratch2;
  const NodeBuilder* result = &tree;
  if (route->schema) {
    typed.clear();
    if (!route->schema->coerce_and_check(tree.root(), body_loc, typed, issues)) {
      issues.replace_bytes([&](Value input) { return upload_->describe(input); });
      return true;
    }
    result = &typed;
    if (route->fills_defaults) {
      tree.clear();
      route->schema->with_defaults(typed.root(), tree);
      result = &tree;
    }
  }
  if (!issues.empty()) return true;
  NodeBuilder whole;
  upload_->write(result->root(), whole);
  View json;
  if (!append_nodes(whole.root(), json)) return no_memory(), false;
  block->record().json = json;
  return true;
}

}  // namespace spikard::http::detail
