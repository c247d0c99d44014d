#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "db/client.hpp"
#include "net/blocking_pool.hpp"
#include "net/operation_target.hpp"
#include "store/open_transactions.hpp"

namespace spikard::db {

/// The arguments of `query_stream` outside of transactions.
struct StreamArguments {
  std::string sql;
  Document params;
  CallOptions options;
  bool ndjson = false;
};

/// Errors: invalid_argument naming the argument.
[[nodiscard]] Result<StreamArguments> read_stream_arguments(Value arguments);

/// A database as hosts see it: spec/operations/db.yaml over a Client. Transactions and cursors are numbers. All calls come from
/// the service loop's thread.
class Operations final : public net::OperationTarget {
 public:
  /// `open` numbers the transactions of all of an application's databases. `migrations` is the configured folder.
  Operations(std::shared_ptr<Client> client, net::BlockingPool& pool, store::OpenTransactions& open, std::string migrations);
  ~Operations() override;

  [[nodiscard]] Task<Result<Document>> call(net::Caller caller, Operation operation, Document args,
                                            net::OperationStream* stream) override;
  /// Ends the transactions (rolled back) and cursors of hosts. Before the loop goes.
  void close();

 private:
  friend Result<StreamArguments> read_stream_arguments(Value arguments);
  struct OpenCursor;
  class Args;
  [[nodiscard]] Task<Result<Document>> query(net::Caller caller, Document args, bool first);
  [[nodiscard]] Task<Result<Document>> execute(net::Caller caller, Document args, bool batch);
  [[nodiscard]] Task<Result<Document>> query_stream(net::Caller caller, Document args, net::OperationStream* out);
  [[nodiscard]] Task<Result<Document>> begin(net::Caller caller, Document args);
  [[nodiscard]] Task<Result<Document>> end(net::Caller caller, Document args, bool commit);
  [[nodiscard]] Task<Result<Document>> savepoint(net::Caller caller, Document args);
  [[nodiscard]] Task<Result<Document>> open_cursor(net::Caller caller, Document args);
  [[nodiscard]] Task<Result<Document>> fetch(net::Caller caller, Document args);
  [[nodiscard]] Task<Result<Document>> migrate(net::Caller caller, Document args, bool apply);
  [[nodiscard]] Task<Result<Document>> inbox(net::Caller caller, Document args);
  [[nodiscard]] Task<Result<Document>> stats(net::Caller caller);
  [[nodiscard]] Result<std::shared_ptr<Transaction>> transaction(std::uint64_t number) const;
  /// It has ended, and not because the host wanted it so.
  void over(std::uint64_t number);
  [[nodiscard]] Task<Result<std::unique_ptr<Stream>>> open_stream(net::Caller caller, Args& args,
                                                                  std::shared_ptr<Transaction> tx);

  std::shared_ptr<Client> client_;
  net::BlockingPool& pool_;
  store::OpenTransactions& open_;
  std::string migrations_;
  std::map<std::uint64_t, std::shared_ptr<Transaction>> transactions_;
  std::map<std::uint64_t, std::shared_ptr<OpenCursor>> cursors_;
  std::uint64_t last_cursor_ = 0;
};

}  // namespace spikard::db
