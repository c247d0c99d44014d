#pragma once

#include <memory>

#include "db/backend.hpp"
#include "store/sqlite/database.hpp"

namespace spikard::db::sqlite {

/// The backend `sqlite:` on a database that messaging and tasks may share. Closing it leaves the database open.
[[nodiscard]] std::shared_ptr<Backend> make(std::shared_ptr<store::sqlite::Database> database);

}  // namespace spikard::db::sqlite
