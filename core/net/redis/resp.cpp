#include "net/redis/resp.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace spikard::net::redis {
namespace {

using detail::Node;

constexpr std::string_view types = "+-:$*_#,(!=%~>|";

bool read_integer(std::string_view text, std::int64_t& out) noexcept {
  if (!text.empty() && text[0] == '+') text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

bool read_real(std::string_view text, double& out) noexcept {
  if (!text.empty() && text[0] == '+') text.remove_prefix(1);
  if (text.empty()) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);  // inf and nan as well
  if (end != text.data() + text.size()) return false;
  return error == std::errc() || error == std::errc::result_out_of_range;
}

bool is_big(std::string_view text) noexcept {
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::optional<std::int64_t> View::integer() const noexcept {
  std::int64_t out = 0;
  if (node_->kind != Kind::integer && node_->kind != Kind::text) return std::nullopt;
  if (!read_integer(text(), out)) return std::nullopt;
  return out;
}

std::optional<double> View::real() const noexcept {
  double out = 0;
  if (node_->kind != Kind::real && node_->kind != Kind::text && node_->kind != Kind::integer) return std::nullopt;
  if (!read_real(text(), out)) return std::nullopt;
  return out;
}

bool View::truth() const noexcept {
  if (node_->kind == Kind::boolean) return text() == "t";
  if (node_->kind == Kind::text) return text() == "OK" || text() == "1";
  return node_->kind == Kind::integer && text() == "1";
}

std::optional<View> View::find(std::string_view name) const noexcept {
  if (node_->kind != Kind::map && node_->kind != Kind::array) return std::nullopt;
  const Iterator last = end();
  for (Iterator at = begin(); at != last; ++at) {
    const View key = *at;
    ++at;
    if (at == last) break;
    if (key.text() == name) return *at;
  }
  return std::nullopt;
}

Reply::Reply(View view) : nodes_(view.node_, view.node_ + view.node_->skip) {
  std::size_t from = std::numeric_limits<std::size_t>::max();
  std::size_t to = 0;
  for (const Node& node : nodes_) {
    if (node.kind >= Kind::array || node.size == 0) continue;
    from = std::min<std::size_t>(from, node.at);
    to = std::max<std::size_t>(to, std::size_t{node.at} + node.size);
  }
  if (to == 0) from = 0;
  bytes_.assign(view.base_ + from, to - from);
  for (Node& node : nodes_) {
    if (node.kind >= Kind::array || node.size == 0) node.at = 0;
    else node.at -= static_cast<std::uint32_t>(from);
  }
}

void Parser::next() noexcept {
  nodes_.clear();
  if (nodes_.capacity() > 65536) nodes_.shrink_to_fit();
  open_.clear();
  pos_ = scanned_ = wanted_ = 0;
}

Parser::Status Parser::broken(std::string_view why) noexcept {
  problem_ = why;
  return Status::broken;
}

bool Parser::close() {
  while (!open_.empty()) {
    Open& top = open_.back();
    if (--top.left > 0) return false;
    if (top.attribute) {
      // It says something about the value that follows, which takes its place.
      nodes_.resize(top.node);
      open_.pop_back();
      return false;
    }
    nodes_[top.node].skip = static_cast<std::uint32_t>(nodes_.size()) - top.node;
    open_.pop_back();
  }
  return true;
}

/// A value with elements.
Parser::Status Parser::open(char type, std::string_view line) {
  std::int64_t count = 0;
  if (!read_integer(line, count)) return broken("a length that is no number");
  Node node;
  if (count == -1 && type == '*') {
    nodes_.push_back(node);
    return close() ? Status::done : Status::more;
  }
  if (count < 0) return broken("a negative length");
  if (count > limits_.values) return broken("too many values");
  if (type == '%' || type == '|') count *= 2;
  if (static_cast<std::size_t>(count) + nodes_.size() > limits_.values) return broken("too many values");
  if (type == '>' && !open_.empty()) return broken("a push inside another value");
  const bool attribute = type == '|';
  if (attribute && count == 0) return Status::more;
  node.kind = type == '*' ? Kind::array : type == '~' ? Kind::set : type == '>' ? Kind::push : Kind::map;
  node.size = static_cast<std::uint32_t>(count);
  nodes_.push_back(node);
  if (count == 0) return close() ? Status::done : Status::more;
  if (open_.size() >= limits_.depth) return broken("nested too deep");
  open_.push_back({static_cast<std::uint32_t>(nodes_.size() - 1), static_cast<std::uint32_t>(count), attribute});
  return Status::more;
}

Parser::Status Parser::parse(std::string_view in) {
  for (;;) {
    if (pos_ >= in.size()) {
      wanted_ = pos_ + 1;
      return Status::more;
    }
    const char type = in[pos_];
    if (types.find(type) == types.npos) return broken("a value of no known type");
    const std::size_t from = std::max(pos_ + 1, scanned_);
    const std::size_t cr = in.find('\r', std::min(from, in.size()));
    if ((cr == in.npos ? in.size() : cr) - pos_ > limits_.line) return broken("a line that is too long");
    if (cr == in.npos || cr + 1 >= in.size()) {
      scanned_ = cr == in.npos ? in.size() : cr;
      wanted_ = in.size() + 1;
      return Status::more;
    }
    if (in[cr + 1] != '\n') return broken("a line without its end");
    const std::string_view line = in.substr(pos_ + 1, cr - pos_ - 1);
    std::size_t after = cr + 2;
    if (after > limits_.bytes) return broken("a reply that is too large");
    Node node;
    node.at = static_cast<std::uint32_t>(pos_ + 1);
    node.size = static_cast<std::uint32_t>(line.size());
    switch (type) {
      case '+': node.kind = Kind::text; break;
      case '-': node.kind = Kind::error; break;
      case ':': {
        std::int64_t ignored = 0;
        if (!read_integer(line, ignored)) return broken("an integer that is none");
        node.kind = Kind::integer;
        break;
      }
      case ',': {
        double ignored = 0;
        if (!read_real(line, ignored)) return broken("a number that is none");
        node.kind = Kind::real;
        break;
      }
      case '(':
        if (!is_big(line)) return broken("a big number that is none");
        node.kind = Kind::big;
        break;
      case '#':
        if (line != "t" && line != "f") return broken("a boolean that is none");
        node.kind = Kind::boolean;
        break;
      case '_':
        if (!line.empty()) return broken("a null with something in it");
        node.size = 0;
        break;
      case '$':
      case '!':
      case '=': {
        std::int64_t size = 0;
        if (!read_integer(line, size)) return broken("a length that is no number");
        if (size == -1 && type == '$') {
          node.size = 0;
          break;
        }
        if (size < 0) return broken("a negative length");
        if (size > limits_.bytes || after + static_cast<std::size_t>(size) + 2 > limits_.bytes)
          return broken("a reply that is too large");
        const std::size_t end = after + static_cast<std::size_t>(size);
        if (in.size() < end + 2) {
          scanned_ = cr;  // the head is read again then
          wanted_ = end + 2;
          return Status::more;
        }
        if (in[end] != '\r' || in[end + 1] != '\n') return broken("a string without its end");
        node.kind = type == '!' ? Kind::error : Kind::text;
        node.at = static_cast<std::uint32_t>(after);
        node.size = static_cast<std::uint32_t>(size);
        if (type == '=') {
          if (size < 4 || in[after + 3] != ':') return broken("a verbatim string without its format");
          node.at += 4;
          node.size -= 4;
        }
        after = end + 2;
        break;
      }
      default: {
        pos_ = after;
        const Status status = open(type, line);
        if (status != Status::more) return status;
        continue;
      }
    }
    pos_ = after;
    if (nodes_.size() >= limits_.values) return broken("too many values");
    nodes_.push_back(node);
    if (close()) return Status::done;
  }
}

}  // namespace spikard::net::redis
