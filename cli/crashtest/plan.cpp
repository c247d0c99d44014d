#include "plan.hpp"

#include <algorithm>
#include <charconv>
#include <numeric>

#include "base/json.hpp"

namespace spikard::cli::crash {
namespace {

/// SplitMix64: a few lines whose numbers are the same on every platform, which distributions of the standard library are not.
class Random {
 public:
  explicit Random(std::uint64_t seed) noexcept : state_(seed) {}
  std::uint64_t next() noexcept {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
  }
  std::uint64_t below(std::uint64_t bound) noexcept { return next() % bound; }
  Duration between(Duration low, Duration high) noexcept {
    return low + Duration(static_cast<std::int64_t>(below(static_cast<std::uint64_t>((high - low).count()) + 1)));
  }

 private:
  std::uint64_t state_;
};

void percent(std::string_view text, std::string& out) {
  static constexpr char digits[] = "0123456789ABCDEF";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~").find(c) != std::string_view::npos;
    if (plain) out.push_back(c);
    else out.append({'%', digits[byte >> 4U], digits[byte & 15U]});
  }
}

/// RFC 6901.
Value member(Value value, std::string_view pointer) {
  while (!pointer.empty() && value) {
    pointer.remove_prefix(1);
    const std::size_t end = std::min(pointer.find('/'), pointer.size());
    std::string key;
    for (std::size_t i = 0; i < end; ++i) {
      const bool escape = pointer[i] == '~' && i + 1 < end;
      key.push_back(!escape ? pointer[i] : pointer[i + 1] == '1' ? '/' : '~');
      if (escape) ++i;
    }
    pointer.remove_prefix(end);
    if (value.is_object()) {
      value = value.find(key);
    } else if (value.is_array()) {
      std::uint32_t at = 0;
      const auto [stop, error] = std::from_chars(key.data(), key.data() + key.size(), at);
      value = error == std::errc() && stop == key.data() + key.size() && at < value.size() ? value.at(at) : Value();
    } else {
      value = {};
    }
  }
  return value;
}

}  // namespace

Result<Weights> parse_weights(std::string_view text) {
  Weights weights{};
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(','), text.size());
    const std::string_view one = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t equals = std::min(one.find('='), one.size());
    const auto at = std::find(kind_words.begin(), kind_words.end(), one.substr(0, equals));
    std::uint32_t value = 1;
    bool good = at != kind_words.end();
    if (good && equals < one.size()) {
      const auto [stop, error] = std::from_chars(one.data() + equals + 1, one.data() + one.size(), value);
      good = error == std::errc() && stop == one.data() + one.size() && value <= 1000;
    }
    if (!good) return invalid_argument("\"" + std::string(one) + "\" is none of kill=N, start=N, term=N, stop=N");
    weights[static_cast<std::size_t>(at - kind_words.begin())] = value;
  }
  if (std::accumulate(weights.begin(), weights.end(), 0U) == 0) return invalid_argument("all of them are 0");
  return weights;
}

std::vector<Step> schedule(std::uint64_t seed, std::uint32_t kills, const Weights& weights, std::uint32_t processes,
                           Duration shortest, Duration longest) {
  Random random(seed);
  const std::uint64_t sum = std::accumulate(weights.begin(), weights.end(), std::uint64_t{0});
  std::vector<Step> steps;
  for (std::uint32_t i = 0; i < kills; ++i) {
    Step step;
    step.after = random.between(shortest, longest);
    std::uint64_t at = random.below(sum);
    std::size_t kind = 0;
    for (; at >= weights[kind]; ++kind) at -= weights[kind];
    step.kind = static_cast<Kind>(kind);
    step.process = static_cast<std::uint32_t>(random.below(processes));
    step.extra = random.between(Duration::zero(), std::chrono::milliseconds(100));
    steps.push_back(step);
  }
  return steps;
}

Template Template::parse(std::string_view text) {
  Template out;
  const auto plain = [&](std::string_view more) {
    if (more.empty()) return;
    if (!out.parts_.empty() && out.parts_.back().what == Part::text) out.parts_.back().text_ += more;
    else out.parts_.push_back({Part::text, std::string(more)});
  };
  while (!text.empty()) {
    const std::size_t open = std::min(text.find('{'), text.size());
    plain(text.substr(0, open));
    text.remove_prefix(open);
    if (text.empty()) break;
    const std::size_t close = text.find('}');
    const std::string_view name = close == std::string_view::npos ? std::string_view() : text.substr(1, close - 1);
    // None of these can begin a JSON object, so a body needs no escapes.
    if (name == "n") out.parts_.push_back({Part::n, {}});
    else if (name == "uuid") out.parts_.push_back({Part::uuid, {}});
    else if (name.starts_with('/')) out.parts_.push_back({Part::member, std::string(name)});
    else {
      plain(text.substr(0, 1));
      text.remove_prefix(1);
      continue;
    }
    text.remove_prefix(close + 1);
  }
  return out;
}

bool Template::has(Part::What what) const noexcept {
  return std::any_of(parts_.begin(), parts_.end(), [&](const Part& part) { return part.what == what; });
}

Result<std::string> Template::fill(const Values& values, bool in_path) const {
  std::string out;
  for (const Part& part : parts_) {
    switch (part.what) {
      case Part::text: out += part.text_; break;
      case Part::n: out += std::to_string(values.n); break;
      case Part::uuid: out += values.uuid; break;
      case Part::member: {
        const Value found = member(values.answer, part.text_);
        if (!found || found.is_null()) return Error(ErrorKind::not_found, "the answer has no " + part.text_);
        if (in_path) percent(plain(found), out);
        else out += plain(found);
        break;
      }
    }
  }
  return out;
}

Result<RequestTemplate> parse_request(std::string_view text) {
  RequestTemplate out;
  out.text = text;
  const std::size_t space = text.find(' ');
  const std::string_view method = text.substr(0, space);
  const bool upper = !method.empty() && std::all_of(method.begin(), method.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
  if (!upper || space == std::string_view::npos || !text.substr(space + 1).starts_with('/')) {
    return invalid_argument("\"" + std::string(text) + "\": expected METHOD /PATH [BODY]");
  }
  out.method = method;
  text.remove_prefix(space + 1);
  const std::size_t end = std::min(text.find(' '), text.size());
  out.path = Template::parse(text.substr(0, end));
  text.remove_prefix(std::min(end + 1, text.size()));
  out.has_body = !text.empty();
  out.body = Template::parse(text);
  out.makes = method != "GET" && method != "HEAD" && !out.path.asks() && !out.body.asks();
  return out;
}

std::string uuid_of(std::uint64_t run, std::uint64_t n) {
  Random random(run ^ (n * 0xd1342543de82ef95U));
  const std::uint64_t words[2] = {(random.next() & 0xffffffffffff0fffU) | 0x8000U,
                                  (random.next() & 0x3fffffffffffffffU) | 0x8000000000000000U};
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (unsigned i = 0; i < 32; ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) out.push_back('-');
    out.push_back(digits[words[i / 16] >> (60 - 4 * (i % 16)) & 15U]);
  }
  return out;
}

std::string plain(Value value) {
  if (!value || value.is_null()) return {};
  if (value.is_string() || value.is(NodeType::bytes)) return std::string(value.text());
  return json::to_string(value);
}

}  // namespace spikard::cli::crash
