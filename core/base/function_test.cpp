#include "base/function.hpp"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>

namespace spikard {
namespace {

int twice(int n) { return 2 * n; }

struct Counted {
  explicit Counted(int& n) : count(&n) { ++*count; }
  Counted(const Counted& other) : count(other.count) { ++*count; }
  Counted(Counted&& other) noexcept : count(other.count) { ++*count; }
  ~Counted() { --*count; }
  int* count;
};

TEST(FunctionTest, CallsWhatItHolds) {
  Function<int(int)> empty;
  EXPECT_FALSE(empty);
  EXPECT_FALSE(Function<void()>(nullptr));
  Function<int(int)> pointer = twice;
  EXPECT_EQ(pointer(21), 42);
  int state = 0;
  Function<int(int)> lambda = [&state](int n) mutable { return state += n; };
  EXPECT_EQ(lambda(2), 2);
  EXPECT_EQ(lambda(3), 5);
}

TEST(FunctionTest, TakesAndGivesMoveOnlyTypes) {
  Function<std::unique_ptr<int>(std::unique_ptr<int>)> pass = [kept = std::make_unique<int>(2)](std::unique_ptr<int> n) {
    *n *= *kept;
    return n;
  };
  EXPECT_EQ(*pass(std::make_unique<int>(4)), 8);
}

TEST(FunctionTest, ReferencesPassThrough) {
  std::string text = "a";
  Function<std::string&(std::string&)> same = [](std::string& s) -> std::string& { return s; };
  EXPECT_EQ(&same(text), &text);
}

template <std::size_t Bytes>
void moves_and_destroys() {
  int alive = 0;
  {
    auto callable = [counted = Counted(alive), padding = std::array<char, Bytes>{}]() mutable {
      return static_cast<int>(padding.size());
    };
    Function<int()> a = std::move(callable);
    Function<int()> b = std::move(a);
    EXPECT_FALSE(a);  // NOLINT(bugprone-use-after-move): an empty one is what a move leaves
    EXPECT_EQ(b(), static_cast<int>(Bytes));
    Function<int()> c = [] { return 1; };
    c = std::move(b);
    EXPECT_EQ(c(), static_cast<int>(Bytes));
    Function<int()>& same = c;
    c = std::move(same);
    EXPECT_EQ(c(), static_cast<int>(Bytes));
    c.reset();
    EXPECT_EQ(alive, 1);  // the lambda that was moved from
  }
  EXPECT_EQ(alive, 0);
}

TEST(FunctionTest, SmallOnesAreMovedAndDestroyedOnce) { moves_and_destroys<1>(); }
TEST(FunctionTest, Ones40BytesLargeStillFit) { moves_and_destroys<40>(); }
TEST(FunctionTest, LargeOnesAreMovedAndDestroyedOnce) { moves_and_destroys<41>(); }

TEST(FunctionTest, AThrowingCallLeavesItWhole) {
  int calls = 0;
  Function<void()> throws = [&calls] {
    if (++calls == 1) throw std::runtime_error("once");
  };
  EXPECT_THROW(throws(), std::runtime_error);
  throws();
  EXPECT_EQ(calls, 2);
}

}  // namespace
}  // namespace spikard
