#include "validation/schema.hpp"

#include "validation/coercion.hpp"
#include "validation/compiler.hpp"
#include "validation/runner.hpp"

namespace spikard::validation {

Result<Schema> Schema::compile(Value schema, const CompileOptions& options) {
  auto program = detail::compile_program(schema, options);
  if (!program) return std::move(program).error();
  Schema out;
  out.program_ = std::move(*program);
  return out;
}

bool Schema::valid(Value instance) const {
  return detail::Runner(*program_, instance.base()).valid(program_->root, instance.ptr());
}

bool Schema::check(Value instance, std::span<const std::string_view> loc_prefix, Issues& issues) const {
  if (valid(instance)) return true;
  detail::report_all(*program_, program_->root, instance, loc_prefix, issues);
  return false;
}

bool Schema::has_defaults() const noexcept {
  return program_->root != detail::accept && (program_->blocks[program_->root].flags & detail::flag_defaults) != 0;
}

void Schema::with_defaults(Value instance, NodeBuilder& out) const {
  detail::Runner runner(*program_, instance.base());
  const detail::BlockId root = program_->root;
  detail::fill_defaults(*program_, {&root, root == detail::accept ? 0U : 1U}, instance, runner, out);
}

Value Schema::default_value() const noexcept {
  const std::uint32_t constant = detail::own_default(*program_, program_->root);
  return constant == detail::nothing ? Value() : program_->constant(constant);
}

bool Schema::coerce_and_check(Value text_tree, std::span<const std::string_view> loc_prefix, NodeBuilder& out,
                              Issues& issues) const {
  return detail::coerce_tree(*program_, program_->root, text_tree, loc_prefix, out, issues);
}

}  // namespace spikard::validation
