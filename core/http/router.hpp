#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "http/record.hpp"

namespace spikard::http {

/// Type after the colon of `{name:type}`. It decides nothing about matching: text of another type is a validation error (422),
/// not a 404, as with a declared schema (fixtures, path_params/path_parameter_type_syntax_invalid_uuid). `path` alone matters:
/// the rest of the path, not empty.
enum class SegmentType : std::uint8_t { str, integer, number, boolean, uuid, date, datetime, path };

struct PathParameter {
  std::string name;
  SegmentType type = SegmentType::str;
  bool typed = false;  ///< a type was written
};

/// A route's pattern taken apart.
struct PathPattern {
  struct Segment {
    bool parameter = false;
    std::string text;  ///< literal, decoded; or the parameter's name
    SegmentType type = SegmentType::str;
    bool typed = false;
  };
  std::vector<Segment> segments;

  /// Errors: invalid_argument naming the pattern and what is wrong with it.
  [[nodiscard]] static Result<PathPattern> parse(std::string_view pattern);
  [[nodiscard]] std::vector<PathParameter> parameters() const;
  [[nodiscard]] bool is_static() const noexcept;
};

struct RouteSpec {
  Method method{};
  std::string_view path;
  std::uint32_t id = 0;  ///< what Match::route tells
};

/// Finds the route of a request. Immutable once built, thread-safe, allocates nothing when matching.
///
/// A literal segment beats a parameter, a parameter beats the rest (`{x:path}`), segment by segment from the left, going back
/// where that leads nowhere. The path decides first, the method then: where the best path lacks the method the answer is 405, not
/// another path. A trailing slash is another path; letter case counts; a parameter is never empty. Literals are compared after
/// percent-decoding, segments are split before.
class Router {
 public:
  static constexpr std::size_t max_captures = 32;

  enum class Outcome : std::uint8_t {
    found,
    not_found,           ///< 404
    method_not_allowed,  ///< 405 with `allow`
    options,             ///< 204 with `allow`: OPTIONS without a route of its own, and `OPTIONS *`
  };
  struct Match {
    Outcome outcome = Outcome::not_found;
    std::uint32_t route = 0;
    std::uint32_t captures = 0;
    std::string_view allow{};  ///< lives as long as the router
  };

  Router() noexcept;
  ~Router();
  Router(Router&&) noexcept;
  Router& operator=(Router&&) noexcept;

  /// Errors: invalid_argument, for a faulty pattern or two routes for the same method and shape (both named).
  [[nodiscard]] static Result<Router> build(std::span<const RouteSpec> routes);

  /// `path` as sent, without the query. `captures`: the parameters' texts in the order of the pattern, not decoded, views into
  /// `path`. HEAD finds the GET route.
  [[nodiscard]] Match match(Method method, std::string_view path,
                            std::span<std::string_view, max_captures> captures) const noexcept;

 private:
  struct Table;
  std::unique_ptr<const Table> table_;
};

}  // namespace spikard::http
