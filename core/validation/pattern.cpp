#define PCRE2_CODE_UNIT_WIDTH 8
#include "validation/pattern.hpp"

#include <fmt/format.h>
#include <pcre2.h>
#include <re2/re2.h>

#include <algorithm>

namespace spikard::validation::detail {
namespace {

// One pattern on one text may cost at most a few milliseconds.
constexpr std::uint32_t pcre_match_limit = 100'000;
constexpr std::uint32_t pcre_heap_kib = 1024;

struct CodeDeleter {
  void operator()(pcre2_code* c) const noexcept { pcre2_code_free(c); }
};
struct ContextDeleter {
  void operator()(pcre2_match_context* c) const noexcept { pcre2_match_context_free(c); }
};
struct MatchDeleter {
  void operator()(pcre2_match_data* m) const noexcept { pcre2_match_data_free(m); }
};

pcre2_match_data* thread_match_data() noexcept {
  thread_local const std::unique_ptr<pcre2_match_data, MatchDeleter> data(pcre2_match_data_create(1, nullptr));
  return data.get();
}

}  // namespace

bool SimplePattern::to_class(const Ecma::Node& node, Class& out) {
  out = {};
  const auto set = [&](char32_t first, char32_t last) {
    for (char32_t c = first; c <= last && c < 128; ++c) out.ascii[c >> 6U] |= std::uint64_t{1} << (c & 63U);
  };
  if (node.kind == Ecma::Kind::character) {
    if (node.character >= 128) return false;
    set(node.character, node.character);
    return true;
  }
  if (node.kind != Ecma::Kind::set || !node.properties.empty()) return false;
  std::vector<Ecma::Interval> beyond;
  for (const Ecma::Interval i : node.intervals) {
    if (i.first < 128) set(i.first, i.last);
    if (i.last >= 128) beyond.push_back({std::max<char32_t>(i.first, 128), i.last});
  }
  const bool none = beyond.empty();
  const bool line_ends = beyond.size() == 1 && beyond[0].first == 0x2028 && beyond[0].last == 0x2029;
  const bool all = beyond.size() == 1 && beyond[0].first == 128 && beyond[0].last == 0x10FFFF;
  if (node.negated) {
    out.ascii[0] = ~out.ascii[0];
    out.ascii[1] = ~out.ascii[1];
    out.others = none || line_ends;
    out.but_line_ends = line_ends;
    return none || line_ends || all;
  }
  out.others = all;
  return none || all;
}

bool SimplePattern::set(const Ecma& pattern) {
  if (pattern.needs_pcre) return false;
  const Ecma::Node& root = pattern.nodes[pattern.root];
  std::vector<std::uint32_t> parts;
  if (root.kind == Ecma::Kind::sequence) parts = root.children;
  else parts = {pattern.root};
  if (parts.empty() || pattern.nodes[parts.front()].kind != Ecma::Kind::start) return false;
  parts.erase(parts.begin());
  to_end_ = !parts.empty() && pattern.nodes[parts.back()].kind == Ecma::Kind::end;
  if (to_end_) parts.pop_back();
  steps_.clear();
  for (const std::uint32_t id : parts) {
    const Ecma::Node& n = pattern.nodes[id];
    const bool repeated = n.kind == Ecma::Kind::repeat;
    Step step{{}, repeated ? n.min : 1, repeated ? n.max : 1};
    if (!to_class(repeated ? pattern.nodes[n.children[0]] : n, step.chars)) return false;
    if (step.max == 0) continue;
    steps_.push_back(step);
  }
  // Without an end anchor the last steps need no more than their least counts.
  if (!to_end_) {
    while (!steps_.empty() && steps_.back().min == 0) steps_.pop_back();
    if (!steps_.empty()) steps_.back().max = steps_.back().min;
  }
  // Greedy is exact when no step can take what a following step might need.
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    if (steps_[i].min == steps_[i].max) continue;
    for (std::size_t j = i + 1; j < steps_.size(); ++j) {
      if (steps_[i].chars.overlaps(steps_[j].chars)) return false;
      if (steps_[j].min > 0) break;
    }
  }
  return true;
}

bool SimplePattern::matches(std::string_view text) const noexcept {
  const char* p = text.data();
  const char* const end = p + text.size();
  for (const Step& step : steps_) {
    std::uint32_t count = 0;
    while (count < step.max && p != end) {
      const auto c = static_cast<unsigned char>(*p);
      if (c < 128) {
        if (!step.chars.has(c)) break;
        ++p;
      } else {
        if (!step.chars.others) break;
        const std::ptrdiff_t length = c < 0xE0 ? 2 : (c < 0xF0 ? 3 : 4);
        if (end - p < length) return false;  // not UTF-8; the readers have checked that it is
        if (step.chars.but_line_ends && length == 3 && p[0] == '\xE2' && p[1] == '\x80' && (p[2] == '\xA8' || p[2] == '\xA9'))
          break;
        p += length;
      }
      ++count;
    }
    if (count < step.min) return false;
  }
  return !to_end_ || p == end;
}

struct Pattern::Libraries {
  std::unique_ptr<re2::RE2> re2;
  std::unique_ptr<pcre2_code, CodeDeleter> code;
  std::unique_ptr<pcre2_match_context, ContextDeleter> context;
};

Pattern::Pattern() noexcept = default;
Pattern::~Pattern() = default;
Pattern::Pattern(Pattern&&) noexcept = default;
Pattern& Pattern::operator=(Pattern&&) noexcept = default;

Result<Pattern> Pattern::compile(std::string_view pattern, bool allow_simple) {
  Result<Ecma> parsed = Ecma::parse(pattern);
  if (!parsed) return std::move(parsed).error();
  Pattern out;
  out.source_ = pattern;
  if (allow_simple && out.simple_.set(*parsed)) return out;
  std::string text = parsed->translate(parsed->needs_pcre);
  out.libraries_ = std::make_unique<Libraries>();
  std::string refusal;
  if (!parsed->needs_pcre) {
    re2::RE2::Options options;
    options.set_log_errors(false);
    options.set_never_capture(true);
    auto re = std::make_unique<re2::RE2>(text, options);
    if (re->ok()) {
      out.engine_ = Engine::re2;
      out.libraries_->re2 = std::move(re);
      return out;
    }
    refusal = re->error();
    text = parsed->translate(true);
  }
  int code = 0;
  PCRE2_SIZE offset = 0;
  const std::uint32_t options = PCRE2_UTF | PCRE2_MATCH_UNSET_BACKREF | PCRE2_NO_UTF_CHECK | PCRE2_NEVER_BACKSLASH_C;
  out.libraries_->code.reset(
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), options, &code, &offset, nullptr));
  if (!out.libraries_->code) {
    std::array<PCRE2_UCHAR, 256> message{};
    pcre2_get_error_message(code, message.data(), message.size());
    return invalid_argument(fmt::format("neither RE2 nor PCRE2 can run the pattern: {}{}{}", refusal, refusal.empty() ? "" : "; ",
                                        reinterpret_cast<const char*>(message.data())));
  }
  out.engine_ = Engine::pcre2;
  out.libraries_->context.reset(pcre2_match_context_create(nullptr));
  pcre2_set_match_limit(out.libraries_->context.get(), pcre_match_limit);
  pcre2_set_heap_limit(out.libraries_->context.get(), pcre_heap_kib);
  return out;
}

Pattern::Verdict Pattern::match(std::string_view text) const noexcept {
  if (engine_ == Engine::simple) return simple_.matches(text) ? Verdict::yes : Verdict::no;
  if (engine_ == Engine::re2) {
    const re2::StringPiece piece(text.data(), text.size());
    return libraries_->re2->Match(piece, 0, piece.size(), re2::RE2::UNANCHORED, nullptr, 0) ? Verdict::yes : Verdict::no;
  }
  // The text of a header need not be UTF-8, so PCRE2 has to look.
  const int rc = pcre2_match(libraries_->code.get(), reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), 0, 0,
                             thread_match_data(), libraries_->context.get());
  if (rc >= 0) return Verdict::yes;
  return rc == PCRE2_ERROR_NOMATCH ? Verdict::no : Verdict::limit;
}

}  // namespace spikard::validation::detail
