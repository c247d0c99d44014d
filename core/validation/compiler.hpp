#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "validation/program.hpp"
#include "validation/schema.hpp"

namespace spikard::validation::detail {

/// Finds schemas by URI, anchor and JSON pointer: the schema at hand, the preloaded documents, the metaschema. Fetches nothing.
class SchemaIndex {
 public:
  enum Vocabulary : std::uint8_t { applicator = 1, validation = 2, unevaluated = 4, format = 8, all_vocabularies = 15 };
  struct Resource {
    std::string uri;
    Value root;
    std::map<std::string, Value, std::less<>> anchors;
    std::map<std::string, Value, std::less<>> dynamic_anchors;
    std::uint8_t vocabularies = all_vocabularies;
  };
  struct Place {
    std::uint32_t resource;
    std::string pointer;
  };
  struct Target {
    Value schema;
    std::uint32_t resource = 0;
    bool dynamic = false;  ///< a $dynamicAnchor of that name is what was found
    std::string anchor;
  };

  explicit SchemaIndex(const CompileOptions& options) : options_(&options) {}

  void add(Value document, const std::string& uri);
  /// The schema that `reference` names where `from` is. Errors say what is missing.
  [[nodiscard]] Result<Target> resolve(std::string_view reference, const Place& from);
  [[nodiscard]] const Place& place(Value schema) const { return places_.at(schema.ptr()); }
  [[nodiscard]] const std::vector<Resource>& resources() const noexcept { return resources_; }

 private:
  void walk(Value schema, std::uint32_t resource, const std::string& pointer);
  void walk_children(Value schema, std::uint32_t resource, const std::string& pointer);
  std::uint8_t vocabularies(Value schema, std::uint8_t inherited) const;
  [[nodiscard]] Value document(std::string_view uri) const;
  bool find_resource(const std::string& uri, std::uint32_t& resource);
  [[nodiscard]] Result<Target> by_pointer(std::uint32_t resource, std::string_view pointer);

  const CompileOptions* options_;
  std::vector<Resource> resources_;
  std::map<std::string, std::uint32_t, std::less<>> by_uri_;
  std::unordered_map<const Node*, Place> places_;
  bool all_added_ = false;
};

/// The metaschema of 2020-12 and its vocabularies, by URI; a Value that does not exist for another URI.
[[nodiscard]] Value metaschema(std::string_view uri);

[[nodiscard]] Result<std::shared_ptr<const Program>> compile_program(Value schema, const CompileOptions& options);

}  // namespace spikard::validation::detail
