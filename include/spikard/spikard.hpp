#pragma once

/// The C++ API of Spikard. `find_package(spikard)`, link `spikard::spikard`, include this.
#include "base/cancel.hpp"
#include "base/result.hpp"
#include "base/task.hpp"
#include "net/await.hpp"
#include "spikard/app.hpp"
#include "spikard/context.hpp"
#include "spikard/describe.hpp"
#include "spikard/event.hpp"
#include "spikard/handler.hpp"
#include "spikard/params.hpp"
#include "spikard/request.hpp"
#include "spikard/response.hpp"
#include "spikard/schema.hpp"
#include "spikard/work.hpp"
