#include "validation/format.hpp"

namespace spikard::validation::detail {

bool is_a_label(std::string_view label) { return label.size() > 4; }

}  // namespace spikard::validation::detail
