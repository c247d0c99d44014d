#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace spikard {

template <class Signature>
class Function;

/// A move-only callable (std::move_only_function is C++23). Callables of up to 48 bytes are stored in place, so that the
/// usual lambda with a few captures costs no allocation. Calling an empty Function is a programming error.
template <class R, class... Args>
class Function<R(Args...)> {
 public:
  Function() noexcept = default;
  Function(std::nullptr_t) noexcept {}

  template <class F>
    requires(!std::is_same_v<std::decay_t<F>, Function> && std::is_invocable_r_v<R, std::decay_t<F>&, Args...>)
  Function(F&& f) {
    using Callable = std::decay_t<F>;
    if constexpr (fits<Callable>) {
      ::new (static_cast<void*>(storage_)) Callable(std::forward<F>(f));
    } else {
      ::new (static_cast<void*>(storage_)) Callable*(new Callable(std::forward<F>(f)));
    }
    table_ = &table_for<Callable>;
  }

  Function(Function&& other) noexcept : table_(other.table_) {
    if (table_ != nullptr) {
      table_->move(storage_, other.storage_);
      other.table_ = nullptr;
    }
  }
  Function& operator=(Function&& other) noexcept {
    if (this != &other) {
      reset();
      if (other.table_ != nullptr) {
        table_ = other.table_;
        table_->move(storage_, other.storage_);
        other.table_ = nullptr;
      }
    }
    return *this;
  }
  Function(const Function&) = delete;
  Function& operator=(const Function&) = delete;
  ~Function() { reset(); }

  explicit operator bool() const noexcept { return table_ != nullptr; }
  R operator()(Args... args) { return table_->call(storage_, std::forward<Args>(args)...); }

  void reset() noexcept {
    if (table_ != nullptr) {
      table_->destroy(storage_);
      table_ = nullptr;
    }
  }

 private:
  static constexpr std::size_t in_place = 48;
  struct Table {
    R (*call)(void*, Args&&...);
    void (*move)(void*, void*) noexcept;
    void (*destroy)(void*) noexcept;
  };
  template <class C>
  static constexpr bool fits =
      sizeof(C) <= in_place && alignof(C) <= alignof(std::max_align_t) && std::is_nothrow_move_constructible_v<C>;

  template <class C>
  static C& target(void* storage) noexcept {
    if constexpr (fits<C>) {
      return *std::launder(static_cast<C*>(storage));
    } else {
      return **std::launder(static_cast<C**>(storage));
    }
  }
  template <class C>
  static constexpr Table table_for{
      [](void* storage, Args&&... args) -> R { return static_cast<R>(target<C>(storage)(std::forward<Args>(args)...)); },
      [](void* to, void* from) noexcept {
        if constexpr (fits<C>) {
          ::new (to) C(std::move(target<C>(from)));
          target<C>(from).~C();
        } else {
          ::new (to) C*(&target<C>(from));
        }
      },
      [](void* storage) noexcept {
        if constexpr (fits<C>) {
          target<C>(storage).~C();
        } else {
          delete &target<C>(storage);
        }
      }};

  const Table* table_ = nullptr;
  alignas(std::max_align_t) std::byte storage_[in_place];
};

}  // namespace spikard
