#include "tasks/sql_store.hpp"

namespace spikard::tasks::sql {

std::string topic_of(Backend::Topic topic, const std::string& queue) {
  switch (topic) {
    case Backend::Topic::queue: return "tasks/queue/" + queue;
    case Backend::Topic::revoked: return "tasks/revoked";
    case Backend::Topic::ended: return "tasks/ended";
    case Backend::Topic::schedules: return "tasks/schedules";
  }
  return {};
}

std::vector<std::string> News::topics() const {
  std::vector<std::string> out;
  for (const std::string& queue : queues) out.push_back(topic_of(Backend::Topic::queue, queue));
  if (revoked) out.push_back(topic_of(Backend::Topic::revoked, {}));
  if (ended) out.push_back(topic_of(Backend::Topic::ended, {}));
  if (schedules) out.push_back(topic_of(Backend::Topic::schedules, {}));
  return out;
}

}  // namespace spikard::tasks::sql
