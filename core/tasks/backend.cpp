#include "tasks/backend.hpp"

namespace spikard::tasks {

bool Backend::shares(const store::Transaction& transaction) const noexcept {
  (void)transaction;
  return false;
}

Backend::Async<EnqueueResult> Backend::enqueue_in(net::Loop& loop, store::Transaction& transaction, EnqueueRequest request) {
  (void)loop, (void)transaction, (void)request;
  co_return Error(ErrorKind::unsupported, "this task store is not in the database of the transaction")
      .with_operation("tasks.enqueue");
}

Backend::Async<void> Backend::complete_in(net::Loop& loop, store::Transaction& transaction, Run run, std::string result) {
  (void)loop, (void)transaction, (void)run, (void)result;
  co_return Result<void>(Error(ErrorKind::unsupported, "this task store is not in the database of the transaction")
                             .with_operation("tasks.complete"));
}

}  // namespace spikard::tasks
