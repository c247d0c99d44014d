#pragma once

#include "store/mysql/connection.hpp"
#include "store/pool.hpp"

namespace spikard::store::mysql {

using Pool = store::Pool<Connection, Context>;

}  // namespace spikard::store::mysql

extern template class spikard::store::Pool<spikard::store::mysql::Connection, spikard::store::mysql::Context>;
