#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/node.hpp"
#include "base/result.hpp"
#include "services/faults.gen.hpp"

namespace spikard::app {

/// What goes wrong under test, as numbers (spec/services/faults.yaml).
struct FaultPlan {
  std::uint64_t seed = 1;
  double unavailable = 0;
  double lost_answer = 0;
  double delay = 0;
  std::uint32_t delay_ms = 1000;
  double repeated = 0;
  std::vector<services::FaultyClients> only{};  ///< empty: all

  /// invalid_argument naming the field.
  [[nodiscard]] static Result<FaultPlan> from(const services::Faults& config);
  [[nodiscard]] Result<void> check() const;
};

enum class FaultKind : std::uint8_t { unavailable, lost_answer, delay, repeated };
[[nodiscard]] std::string_view name_of(FaultKind kind) noexcept;

/// Which call: the n-th (from 1) of an operation of a client with this subject (a statement, a topic, a task).
struct FaultPlace {
  std::string client;
  std::string operation;
  std::string subject;
  std::uint64_t n = 0;
};

/// One that was made.
struct InjectedFault {
  std::int64_t at_ms = 0;  ///< Unix time, of the virtual clock
  FaultPlace place;
  FaultKind kind = FaultKind::unavailable;
};

/// Decides what goes wrong, and keeps what did. Every decision follows from the seed and the place alone, not from what runs
/// beside it, so that two runs that make the same calls meet the same faults. Thread-safe.
class Faults {
 public:
  explicit Faults(FaultPlan plan) : plan_(std::move(plan)) {}

  [[nodiscard]] bool covers(services::FaultyClients clients) const noexcept;
  struct Decision {
    FaultPlace place;
    Duration delay{};
    bool unavailable = false;
    bool lost_answer = false;
  };
  /// Of the next call there.
  [[nodiscard]] Decision next(std::string_view client, std::string_view operation, std::string_view subject);
  /// Whether what was done comes again; at most `most_repeats` times for one place.
  struct Repeat {
    FaultPlace place;
    bool again = false;
  };
  [[nodiscard]] Repeat repeat(std::string_view client, std::string_view operation, std::string_view subject);
  /// It was made.
  void note(const Clock& clock, FaultPlace place, FaultKind kind);
  /// Sorted by time, client, operation, subject and number: the order of two threads makes no difference.
  [[nodiscard]] std::vector<InjectedFault> log() const;
  [[nodiscard]] std::uint64_t seed() const noexcept { return plan_.seed; }

  static constexpr std::uint64_t most_repeats = 3;
  static constexpr std::size_t max_log = 65536;
  static constexpr std::size_t max_subject = 120;  ///< bytes of it in the log

 private:
  [[nodiscard]] FaultPlace place(std::string_view client, std::string_view operation, std::string_view subject);

  const FaultPlan plan_;
  mutable std::mutex mutex_;
  std::map<std::string, std::uint64_t, std::less<>> counts_;
  std::vector<InjectedFault> log_;
};

/// The result of `test.faults`.
[[nodiscard]] Document faults_document(const Faults& faults);

}  // namespace spikard::app
