#include "store/postgres/pool.hpp"

template class spikard::store::Pool<spikard::store::postgres::Connection, spikard::store::postgres::Context>;
