#pragma once

// For the statements of SQL stores, where every line may fail: included by a source, which ends with `#undef`.
#define CO_TRY(expr)                                     \
  do {                                                   \
    auto tried = co_await (expr);                        \
    if (!tried.ok()) co_return std::move(tried).error(); \
  } while (false)
// Keeps the value.
#define CO_LET(name, expr)                                             \
  auto name##_result = co_await (expr);                                \
  if (!name##_result.ok()) co_return std::move(name##_result).error(); \
  auto& name = *name##_result
