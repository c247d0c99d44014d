#pragma once

#include "store/transaction_step.hpp"

namespace spikard::store::mysql {

class Connection;

/// An open write transaction of a MySQL database, for those whose tables are in the same one.
class TransactionPart : public TransactionStep<Connection> {
 protected:
  ~TransactionPart() = default;
};

}  // namespace spikard::store::mysql
