#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/function.hpp"
#include "cache/backend.hpp"
#include "net/await.hpp"
#include "net/loop/loop.hpp"

namespace spikard::cache {

/// How a load is to be done and what becomes of its value.
struct LoadTerms {
  Millis ttl = forever;
  Millis negative_ttl = 0;  ///< 0: that there is nothing is not remembered
  Millis grace = 0;
  Duration load_timeout = std::chrono::seconds(30);
  std::vector<std::string> tags{};
  std::uint32_t weight = 0;
};

/// What a load came to: the value, nothing (known not to exist), or why not.
using Loaded = Result<std::optional<Payload>>;

/// The loads in progress of one cache: at most one a key, and who waits for it. Thread-safe; callers live on several loops.
class Flights {
 public:
  explicit Flights(Clock& clock) noexcept : clock_(clock) {}

  /// Somebody who waits, from a flight's `begin` or `sit` until it leaves. Its event is set on its loop when the flight is over
  /// for it: it has an outcome, or a flight of its own to fly.
  class Seat {
   public:
    Seat(Flights& flights, net::Loop& loop);
    ~Seat();
    Seat(const Seat&) = delete;
    Seat& operator=(const Seat&) = delete;

   private:
    friend class Flights;
    struct State;
    Flights& flights_;
    std::shared_ptr<State> state_;
  };

  struct Begun {
    std::uint64_t lead = 0;  ///< not 0: the caller is to load, and end this flight
    Instant late{};          ///< else: when the present loader's time is over
  };
  /// Leads a new flight, or one whose loader is late; else takes `seat` (without one: nothing, who would wait).
  [[nodiscard]] std::optional<Begun> begin(Key key, const LoadTerms& terms, Seat* seat);
  /// The leader waits for its own flight. `abandon` is called, on any thread, once nobody waits any more.
  void sit(std::uint64_t flight, Seat& seat, Function<void()> abandon);
  /// What woke the seat: an outcome, or a flight to lead; it waits for nothing then. Nothing: it still waits.
  struct Arrival {
    std::uint64_t lead = 0;
    std::optional<Loaded> loaded{};
  };
  [[nodiscard]] std::optional<Arrival> look(Seat& seat);
  [[nodiscard]] Task<Result<void>> wait(Seat& seat);

  /// What the one who ends a flight must know. Nothing: it is over (late, or never was).
  struct Flight {
    std::string space;
    std::string name;
    LoadTerms terms;
    bool superseded = false;  ///< the entry was changed meanwhile: what was loaded is not to be kept
    Instant late{};           ///< when its time is over
  };
  [[nodiscard]] std::optional<Flight> flight(std::uint64_t id) const;
  /// Keeps the value by `keep` unless the flight is over or superseded, in one step as seen by `supersede`.
  template <class Keep>
  void keep(std::uint64_t id, Keep keep) {
    const std::lock_guard lock(mutex_);
    const auto at = by_id_.find(id);
    if (at != by_id_.end() && !at->second->second.superseded) keep();
  }
  /// Ends it for all who wait.
  void land(std::uint64_t id, const Loaded& outcome);
  /// Makes one of those who wait the loader.
  void give_up(std::uint64_t id);

  /// The entry (the namespace, what has one of the tags) changes now: flights in progress have old news. Call it before the
  /// change.
  void supersede(Key key);
  void supersede_space(std::string_view space);
  void supersede_tags(std::span<const std::string> tags);

 private:
  using Name = std::pair<std::string, std::string>;
  struct Active;
  struct NameLess {
    using is_transparent = void;
    [[nodiscard]] static std::pair<std::string_view, std::string_view> view(const Name& n) noexcept {
      return {n.first, n.second};
    }
    [[nodiscard]] static std::pair<std::string_view, std::string_view> view(const Key& k) noexcept { return {k.space, k.name}; }
    template <class A, class B>
    bool operator()(const A& a, const B& b) const noexcept {
      return view(a) < view(b);
    }
  };
  struct Active {
    std::uint64_t id = 0;
    LoadTerms terms{};
    Instant late{};
    bool superseded = false;
    std::vector<std::shared_ptr<Seat::State>> seats{};
    Function<void()> abandon{};
  };
  using Table = std::map<Name, Active, NameLess>;

  void leave(const std::shared_ptr<Seat::State>& seat);
  static void take(Active& flight, const std::shared_ptr<Seat::State>& seat);
  static void unseat(Active& flight, const std::shared_ptr<Seat::State>& seat);
  void lead(Table::iterator at, LoadTerms terms);
  void hand_on(Table::iterator at, Function<void()>& abandon);
  static void wake(const std::shared_ptr<Seat::State>& seat);

  Clock& clock_;
  mutable std::mutex mutex_;
  Table active_;
  std::unordered_map<std::uint64_t, Table::iterator> by_id_;
  std::atomic<std::size_t> count_{0};
  std::uint64_t last_id_ = 0;
};

}  // namespace spikard::cache
