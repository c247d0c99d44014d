#include "base/cancel.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace spikard {
namespace {

TEST(CancelTest, ADefaultTokenIsNeverCancelled) {
  const CancelToken token;
  EXPECT_FALSE(token.can_be_cancelled());
  EXPECT_FALSE(token.cancelled());
  EXPECT_EQ(token.reason(), CancelReason::none);
  const CancelCallback callback(token, [](CancelReason) { ADD_FAILURE(); });
}

TEST(CancelTest, TheFirstReasonStays) {
  CancelSource source;
  const CancelToken token = source.token();
  source.cancel(CancelReason::deadline);
  source.cancel(CancelReason::shutdown);
  EXPECT_EQ(token.reason(), CancelReason::deadline);
}

TEST(CancelTest, CallbacksRunOnceNewestFirstParentBeforeChild) {
  std::string order;
  CancelSource parent;
  CancelSource child(parent.token());
  const CancelCallback a(parent.token(), [&](CancelReason) { order += 'a'; });
  const CancelCallback c(child.token(), [&](CancelReason) { order += 'c'; });
  const CancelCallback b(parent.token(), [&](CancelReason) { order += 'b'; });
  parent.cancel();
  parent.cancel();
  EXPECT_EQ(order, "bac");
  EXPECT_TRUE(child.token().cancelled());
}

TEST(CancelTest, AChildDoesNotCancelItsParentOrSiblings) {
  CancelSource parent;
  CancelSource child(parent.token());
  CancelSource sibling(parent.token());
  child.cancel();
  EXPECT_TRUE(child.token().cancelled());
  EXPECT_FALSE(parent.token().cancelled());
  EXPECT_FALSE(sibling.token().cancelled());
}

TEST(CancelTest, ACallbackOnACancelledTokenRunsAtOnce) {
  CancelSource source;
  source.cancel(CancelReason::client_gone);
  CancelReason seen = CancelReason::none;
  const CancelCallback callback(source.token(), [&](CancelReason why) { seen = why; });
  EXPECT_EQ(seen, CancelReason::client_gone);
  const CancelSource late(source.token());
  EXPECT_EQ(late.token().reason(), CancelReason::client_gone);
}

TEST(CancelTest, ADestroyedCallbackIsNotCalledAlsoWhenAnotherDestroysIt) {
  CancelSource source;
  std::optional<CancelCallback> gone;
  std::optional<CancelCallback> victim;
  gone.emplace(source.token(), [](CancelReason) { ADD_FAILURE(); });
  victim.emplace(source.token(), [](CancelReason) { ADD_FAILURE(); });
  const CancelCallback killer(source.token(), [&](CancelReason) { victim.reset(); });
  gone.reset();
  source.cancel();
}

TEST(CancelTest, ACallbackMayDestroyItselfTheSourceAndTheLastToken) {
  auto source = std::make_unique<CancelSource>();
  auto child = std::make_unique<CancelSource>(source->token());
  std::unique_ptr<CancelCallback> self;
  int calls = 0;
  auto held = std::make_shared<int>(1);
  self = std::make_unique<CancelCallback>(source->token(), [&, held](CancelReason) {
    self.reset();
    child.reset();
    source.reset();
    calls += *held;
  });
  source->cancel();
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(held.use_count(), 1);
}

TEST(CancelTest, ACallbackMayAddChildrenAndCallbacks) {
  CancelSource source;
  std::vector<std::unique_ptr<CancelSource>> children;
  std::vector<std::unique_ptr<CancelCallback>> more;
  int late = 0;
  const CancelCallback callback(source.token(), [&](CancelReason) {
    children.push_back(std::make_unique<CancelSource>(source.token()));
    more.push_back(std::make_unique<CancelCallback>(source.token(), [&](CancelReason) { ++late; }));
  });
  source.cancel();
  EXPECT_EQ(late, 1);
  EXPECT_TRUE(children.front()->token().cancelled());
}

TEST(CancelTest, TokensOutliveTheirSourcesInAnyOrder) {
  std::vector<CancelToken> tokens;
  {
    CancelSource root;
    tokens.push_back(root.token());
    for (int i = 0; i < 10; ++i) {
      CancelSource below(tokens.back());
      tokens.push_back(below.token());
    }
    tokens.erase(tokens.begin() + 1, tokens.begin() + 5);
    root.cancel();
  }
  for (const CancelToken& token : tokens) EXPECT_TRUE(token.cancelled());
}

TEST(CancelTest, ADeepTreeIsReleasedWithoutRecursion) {
  std::vector<CancelSource> sources;
  sources.reserve(200000);
  sources.emplace_back();
  for (int i = 1; i < 200000; ++i) sources.emplace_back(sources.back().token());
  while (sources.size() > 1) sources.erase(sources.end() - 2);  // leaves the deepest, which holds all above it
}

}  // namespace
}  // namespace spikard
