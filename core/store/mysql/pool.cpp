#include "store/mysql/pool.hpp"

template class spikard::store::Pool<spikard::store::mysql::Connection, spikard::store::mysql::Context>;
