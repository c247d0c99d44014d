// What a Redis may answer for a job, a schedule or what it owes: nothing but an error or a value, and a value is written as it is
// read.
#include <cstdlib>
#include <string>

#include "net/redis/resp.hpp"
#include "tasks/redis/names.hpp"
#include "tasks/redis/record.hpp"

namespace tasks = spikard::tasks;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const auto schedule = tasks::redis::schedule_from_record("s", text); schedule.ok()) {
    const std::string record = tasks::redis::to_record(*schedule);
    const auto again = tasks::redis::schedule_from_record("s", record);
    if (!again.ok() || tasks::redis::to_record(*again) != record) std::abort();
  }
  if (const auto owed = tasks::redis::owed_from_record(text); owed.ok()) {
    const std::string record = tasks::redis::to_record(*owed);
    const auto again = tasks::redis::owed_from_record(record);
    if (!again.ok() || tasks::redis::to_record(*again) != record) std::abort();
  }
  const tasks::redis::Names names("p");
  if (!text.empty() && names.queue_of(names.base(text)) != text) std::abort();
  if (const auto queue = names.queue_of(text); queue && names.base(*queue) != text) std::abort();
  spikard::net::redis::Limits limits;
  limits.bytes = 1U << 20U;
  spikard::net::redis::Parser parser(limits);
  if (parser.parse(text) == spikard::net::redis::Parser::Status::done) (void)tasks::redis::read_job(parser.view(text), "q");
  return 0;
}
