#include "stores.hpp"

#include <algorithm>

#include "plan.hpp"

namespace spikard::cli::crash {
namespace {

using app::Subsystem;

Document nothing() {
  NodeBuilder nodes;
  nodes.begin_object();
  nodes.end();
  return Document(std::move(nodes));
}

std::string group_key(const std::string& client, std::string_view group, std::string_view topic) {
  return client + " " + std::string(group) + " " + std::string(topic);
}

}  // namespace

void Stores::add(Subsystem subsystem, const std::string& client, const std::string& url) {
  const std::string what = std::string(app::name_of(subsystem)) + " " + client;
  if (url.empty() || url.starts_with("memory:") || url.find(":memory:") != std::string::npos) {
    looked_at_.push_back(what + ": not looked at, it lies in the application's process");
    return;
  }
  looked_at_.push_back(what);
  stores_.push_back({subsystem, client, url});
}

Result<std::unique_ptr<Stores>> Stores::create(const services::Manifest* manifest, const StoreUrls& urls, bool query) {
  auto self = std::make_unique<Stores>();
  std::map<std::string, std::string> db, tasks, messaging;
  if (manifest != nullptr) {
    const services::Services& s = manifest->services;
    for (const auto& [name, config] : s.db) db[name] = config.url;
    for (const auto& [name, config] : s.tasks) tasks[name] = config.url;
    for (const auto& [name, config] : s.messaging) messaging[name] = config.url;
    // `default` is there without being named, once somebody uses it.
    const auto used_tasks = [&](const std::string& name) { tasks.try_emplace(name, services::TasksConfig{}.url); };
    const auto consumer = [&](const services::Consumer& one) {
      messaging.try_emplace(one.client, services::MessagingConfig{}.url);
      self->every_group_ = false;
      self->groups_.insert(group_key(one.client, one.group.empty() ? one.name : one.group, one.topic));
      if (one.dead_letter) self->dead_[one.client].insert(*one.dead_letter);
    };
    for (const auto& one : manifest->workers) used_tasks(one.client);
    for (const auto& one : manifest->consumers) consumer(one);
    for (const auto& one : manifest->event_consumers) consumer(one.consumer);
  }
  if (!urls.db.empty()) db["default"] = urls.db;
  if (!urls.tasks.empty()) tasks["default"] = urls.tasks;
  if (!urls.messaging.empty()) messaging["default"] = urls.messaging;
  for (const auto& [name, url] : db) self->add(Subsystem::db, name, url);
  for (const auto& [name, url] : tasks) self->add(Subsystem::tasks, name, url);
  for (const auto& [name, url] : messaging) self->add(Subsystem::messaging, name, url);
  for (Store& store : self->stores_) {
    if (store.subsystem == Subsystem::db && store.client == "default") self->database_ = &store;
  }
  if (query && self->database_ == nullptr) {
    return invalid_argument("--query asks the database: name it with --db URL, or as services.db.default");
  }
  return self;
}

Result<void> Stores::begin() {
  for (Store& store : stores_) {
    auto runtime = Runtime::open(store.subsystem, store.client, store.url);
    if (!runtime.ok()) return std::move(runtime).error();
    store.runtime = std::move(*runtime);
  }
  auto now = all();
  if (!now.ok()) return std::move(now).error();
  for (const Left& one : *now) {
    if (one.ended) before_[one.what] = one.count;
  }
  return {};
}

Result<std::vector<Left>> Stores::left() {
  auto now = all();
  if (!now.ok()) return now;
  for (Left& one : *now) {
    if (const auto before = before_.find(one.what); before != before_.end()) one.count -= before->second;
  }
  std::erase_if(*now, [](const Left& one) { return one.count <= 0; });
  return now;
}

Result<std::vector<Left>> Stores::all() {
  std::vector<Left> out;
  for (Store& store : stores_) {
    if (store.subsystem == Subsystem::db) {
      auto stats = store.runtime->call(Operation::db_stats, nothing());
      if (!stats.ok()) return std::move(stats).error();
      out.push_back({"outbox of db " + store.client, stats->root().find("outbox").as_int()});
      continue;
    }
    Result<void> looked = store.subsystem == Subsystem::tasks ? tasks(store, out) : messages(store, out);
    if (!looked.ok()) return std::move(looked).error();
  }
  return out;
}

Result<void> Stores::tasks(Store& store, std::vector<Left>& out) {
  auto queues = store.runtime->call(Operation::tasks_queues, nothing());
  if (!queues.ok()) return std::move(queues).error();
  for (const Value queue : queues->root().find("queues").elements()) {
    if (queue.find("paused").as_bool()) continue;
    const std::string where = "tasks " + store.client + ", queue " + plain(queue.find("queue")) + ": ";
    for (const char* state : {"pending", "available", "running", "retryable"})
      out.push_back({where + state, queue.find(state).as_int()});
    out.push_back({where + "discarded", queue.find("discarded").as_int(), true});
  }
  return {};
}

Result<void> Stores::messages(Store& store, std::vector<Left>& out) {
  auto groups = store.runtime->call(Operation::messaging_groups, nothing());
  if (!groups.ok()) return std::move(groups).error();
  for (const Value group : groups->root().find("groups").elements()) {
    const std::string name = plain(group.find("group")), topic = plain(group.find("topic"));
    if (!every_group_ && !groups_.contains(group_key(store.client, name, topic))) continue;
    for (const char* state : {"waiting", "in_hand", "delayed"}) {
      out.push_back({"messaging " + store.client + ", " + topic + " for " + name + ": " + state, group.find(state).as_int()});
    }
  }
  for (const std::string& topic : dead_[store.client]) {
    Left left{"messaging " + store.client + ", dead letters in " + topic, 0, true};
    std::int64_t after = 0;
    for (bool more = true; more;) {
      NodeBuilder args;
      args.begin_object();
      args.key("topic"), args.string(topic);
      args.key("after"), args.integer(after);
      args.key("limit"), args.integer(1000);
      args.end();
      auto page = store.runtime->call(Operation::messaging_list_dead_letters, Document(std::move(args)));
      if (!page.ok()) return std::move(page).error();
      left.count += page->root().find("messages").size();
      const Value next = page->root().find("next");
      more = next && next.is(NodeType::integer);
      if (more) after = next.as_int();
    }
    out.push_back(std::move(left));
  }
  return {};
}

Result<std::map<std::string, std::int64_t>> Stores::ask(const std::string& sql) {
  NodeBuilder args;
  args.begin_object();
  args.key("sql"), args.string(sql);
  args.end();
  auto rows = database_->runtime->call(Operation::db_query, Document(std::move(args)));
  if (!rows.ok()) return std::move(rows).error();
  std::map<std::string, std::int64_t> out;
  for (const Value row : rows->root().find("rows").elements()) {
    std::string key;
    std::int64_t times = 1;
    std::size_t column = 0;
    for (const auto& [name, value] : row.members()) {
      if (column == 0) key = plain(value);
      else if (column == 1 && value.is(NodeType::integer)) times = value.as_int();
      else return invalid_argument("--query \"" + sql + "\": expected a key and, at most, how often it is there");
      ++column;
    }
    if (column > 0) out[key] += times;
  }
  return out;
}

}  // namespace spikard::cli::crash
