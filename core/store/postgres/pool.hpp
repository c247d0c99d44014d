#pragma once

#include "store/pool.hpp"
#include "store/postgres/connection.hpp"

namespace spikard::store::postgres {

using Pool = store::Pool<Connection, Context>;

}  // namespace spikard::store::postgres

extern template class spikard::store::Pool<spikard::store::postgres::Connection, spikard::store::postgres::Context>;
