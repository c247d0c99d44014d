// Generated from spec/services by codegen. Do not edit.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace spikard::services {

enum class ConfigType : std::uint8_t { string, boolean, integer, json, list, map, object };

struct ConfigStruct;

/// The type of a member of the manifest, so that text (environment variables) can be read as what the member is.
struct ConfigField {
  std::string_view name;
  ConfigType type;
  bool nullable;
  ConfigType item;             ///< of a list or map
  const ConfigStruct* object;  ///< of an object, or of a list or map of objects
};
struct ConfigStruct {
  std::string_view name;
  std::span<const ConfigField> fields;
};

/// The whole of Shop.
extern const ConfigStruct shop_config;

}  // namespace spikard::services
