#include <algorithm>
#include <cstdio>

#include "base/json.hpp"
#include "command.hpp"

namespace spikard::cli {
namespace {

/// Columns that a text takes: code points, which is right for all but wide and combining characters.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

}  // namespace

void Table::print(std::string_view none) const {
  if (rows_.size() == 1) {
    std::printf("%.*s\n", static_cast<int>(none.size()), none.data());
    return;
  }
  std::vector<std::size_t> widths(rows_[0].size());
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  }
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line.append(widths[i] - width(row[i]) + 2, ' ');
    }
    std::printf("%s\n", line.c_str());
  }
}

void print_json(Value value) { std::printf("%s\n", json::to_string(value).c_str()); }

int fail(std::string_view where, const Error& error) {
  // One problem a line, each with where it is in front, as compilers do.
  const std::string& message = error.message();
  for (std::size_t at = 0; at <= message.size();) {
    const std::size_t end = std::min(message.find('\n', at), message.size());
    std::fprintf(stderr, "%.*s: %s\n", static_cast<int>(where.size()), where.data(), message.substr(at, end - at).c_str());
    at = end + 1;
  }
  switch (error.kind()) {
    case ErrorKind::invalid_argument:
    case ErrorKind::unsupported: return config_error;
    case ErrorKind::not_found: return no_input;
    default: return 1;
  }
}

int fail(const Error& error) { return fail("spikard", error); }

}  // namespace spikard::cli
