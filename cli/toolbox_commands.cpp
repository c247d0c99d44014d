// What lies in the application's stores: one line a command, over the operations that every language has.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <functional>
#include <memory>

#include "base/json.hpp"
#include "command.hpp"
#include "runtime.hpp"

namespace spikard::cli {
namespace {

using app::Subsystem;

struct Where {
  Subsystem subsystem;
  std::string client = "default";
  std::string url;
};

/// Members of an operation's arguments, from options.
class Args {
 public:
  Args() { nodes_.begin_object(); }
  Args& text(std::string_view key, const std::string& value, bool when = true) {
    if (when) nodes_.key(key), nodes_.string(value);
    return *this;
  }
  Args& integer(std::string_view key, std::int64_t value, bool when = true) {
    if (when) nodes_.key(key), nodes_.integer(value);
    return *this;
  }
  Args& json(std::string_view key, Value value) {
    nodes_.key(key), nodes_.copy(value);
    return *this;
  }
  Args& positions(const std::vector<std::uint64_t>& list) {
    if (list.empty()) return *this;
    nodes_.key("positions");
    nodes_.begin_array();
    for (const std::uint64_t one : list) nodes_.uinteger(one);
    nodes_.end();
    return *this;
  }
  Document take() {
    nodes_.end();
    return Document(std::move(nodes_));
  }

 private:
  NodeBuilder nodes_;
};

std::string cell(Value v) {
  if (!v || v.is_null()) return "";
  if (v.is_string() || v.is(NodeType::bytes)) return std::string(v.text());
  return json::to_string(v);
}
/// Milliseconds since the epoch, as people read them.
std::string instant(Value v) {
  if (!v || !v.is(NodeType::integer)) return "";
  const auto seconds = static_cast<std::time_t>(v.as_int() / 1000);
  std::tm tm{};
  gmtime_r(&seconds, &tm);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm);
  return text;
}

struct Column {
  std::string head;
  std::string member;
  std::string (*show)(Value) = cell;
};

/// Runs an operation and prints what it gave: its JSON, or `human`.
int run(const Where& where, const Common& common, Operation operation, Document args, const std::function<void(Value)>& human) {
  auto runtime = Runtime::open(where.subsystem, where.client, where.url);
  if (!runtime.ok()) return fail(runtime.error());
  auto result = (*runtime)->call(operation, std::move(args));
  if (!result.ok()) return fail(result.error());
  if (common.json) print_json(result->root());
  else human(result->root());
  return 0;
}

std::function<void(Value)> table(std::string member, std::vector<Column> columns, std::string none) {
  return [member = std::move(member), columns = std::move(columns), none = std::move(none)](Value result) {
    std::vector<std::string> head;
    for (const Column& c : columns) head.push_back(c.head);
    Table out(std::move(head));
    for (const Value row : result.find(member).elements()) {
      std::vector<std::string> cells;
      for (const Column& c : columns) cells.push_back(c.show(c.member.empty() ? row : row.find(c.member)));
      out.add(std::move(cells));
    }
    out.print(none);
    if (const Value next = result.find("next"); next && !next.is_null()) std::printf("more: --after %s\n", cell(next).c_str());
  };
}

/// Every member on a line of its own.
void members(Value result) {
  Table out({"MEMBER", "VALUE"});
  for (const auto& [key, value] : result.members()) {
    if (!value.is_null()) out.add({std::string(key), cell(value)});
  }
  out.print("nothing");
}

std::function<void(Value)> says(std::string text) {
  return [text = std::move(text)](Value) { std::printf("%s\n", text.c_str()); };
}

/// A group of commands on one subsystem.
class Group {
 public:
  Group(CLI::App& root, Common& common, std::vector<Command>& commands, Subsystem subsystem, const std::string& name,
        const std::string& doc)
      : common_(common), commands_(commands), app_(root.add_subcommand(name, doc)) {
    app_->require_subcommand(1);
    where_->subsystem = subsystem;
    app_->add_option("--url", where_->url, "URL of the store; else what spikard.toml and the environment say");
    app_->add_option("--client", where_->client, "Its name in services." + std::string(app::name_of(subsystem)))
        ->capture_default_str();
    app_->fallthrough();
  }
  /// `options` adds them and gives back what makes the arguments.
  void add(const std::string& name, const std::string& doc, Operation operation,
           const std::function<std::function<Document()>(CLI::App&)>& options, std::function<void(Value)> human) {
    CLI::App* command = app_->add_subcommand(name, doc);
    auto make = options(*command);
    commands_.push_back({command, [this_where = where_, &common = common_, operation, make = std::move(make),
                                   human = std::move(human)] { return run(*this_where, common, operation, make(), human); }});
  }
  CLI::App* raw(const std::string& name, const std::string& doc) { return app_->add_subcommand(name, doc); }
  [[nodiscard]] const std::shared_ptr<Where>& where() const noexcept { return where_; }

 private:
  Common& common_;
  std::vector<Command>& commands_;
  CLI::App* app_;
  std::shared_ptr<Where> where_ = std::make_shared<Where>();
};

std::function<Document()> nothing_more(CLI::App&) {
  return [] { return Args().take(); };
}
/// One required text.
std::function<std::function<Document()>(CLI::App&)> one(std::string member, std::string doc) {
  return [member = std::move(member), doc = std::move(doc)](CLI::App& app) -> std::function<Document()> {
    auto value = std::make_shared<std::string>();
    app.add_option(member, *value, doc)->required();
    return [member, value] { return Args().text(member, *value).take(); };
  };
}

void add_tasks(CLI::App& root, Common& common, std::vector<Command>& commands) {
  Group group(root, common, commands, Subsystem::tasks, "tasks", "Look into task queues, and act on them");
  group.add(
      "list", "List jobs, newest last", Operation::tasks_list,
      [](CLI::App& app) -> std::function<Document()> {
        struct O {
          std::string queue, state, task, after;
          std::int64_t limit = 100;
        };
        auto o = std::make_shared<O>();
        app.add_option("--queue", o->queue, "Only of this queue");
        app.add_option("--state", o->state, "Only in this state")
            ->check(CLI::IsMember(
                {"pending", "scheduled", "available", "running", "retryable", "completed", "cancelled", "discarded"}));
        app.add_option("--task", o->task, "Only of this name");
        app.add_option("--after", o->after, "Only behind this job");
        app.add_option("--limit", o->limit, "How many at most")->capture_default_str();
        return [o] {
          return Args()
              .text("queue", o->queue)
              .text("state", o->state)
              .text("task", o->task)
              .text("after", o->after)
              .integer("limit", o->limit)
              .take();
        };
      },
      table("jobs",
            {{"ID", "id"},
             {"QUEUE", "queue"},
             {"TASK", "task"},
             {"STATE", "state"},
             {"ATTEMPT", "attempt"},
             {"RUN AT", "run_at", instant},
             {"ERROR", "error"}},
            "no jobs"));
  group.add("show", "Everything about a job", Operation::tasks_job, one("id", "Its id"), members);
  group.add("retry", "Run a job that has ended once more", Operation::tasks_retry, one("id", "Its id"),
            [](Value v) { std::printf("%s\n", v.find("retried").as_bool() ? "it will run again" : "it has not ended"); });
  group.add("cancel", "Cancel a job that has not ended", Operation::tasks_cancel, one("id", "Its id"),
            [](Value v) { std::printf("%s\n", v.find("cancelled").as_bool() ? "cancelled" : "it had ended"); });
  group.add("queues", "How full every queue is", Operation::tasks_queues, nothing_more,
            table("queues",
                  {{"QUEUE", "queue"},
                   {"PAUSED", "paused"},
                   {"AVAILABLE", "available"},
                   {"RUNNING", "running"},
                   {"RETRYABLE", "retryable"},
                   {"DISCARDED", "discarded"}},
                  "no queues"));
  group.add("pause", "Give out no jobs of a queue", Operation::tasks_pause, one("queue", "The queue"), says("paused"));
  group.add("resume", "Give out its jobs again", Operation::tasks_resume, one("queue", "The queue"), says("resumed"));
  group.add("schedules", "List schedules with their next time", Operation::tasks_schedules, nothing_more,
            table("schedules",
                  {{"NAME", "name"}, {"CRON", "cron"}, {"TIME ZONE", "timezone"}, {"TASK", "task"}, {"NEXT", "next", cell}},
                  "no schedules"));
}

void add_dlq(CLI::App& root, Common& common, std::vector<Command>& commands) {
  Group group(root, common, commands, Subsystem::messaging, "dlq", "Dead letters of a topic");
  group.add(
      "list", "List them, oldest first", Operation::messaging_list_dead_letters,
      [](CLI::App& app) -> std::function<Document()> {
        struct O {
          std::string topic;
          std::int64_t after = 0, limit = 100;
        };
        auto o = std::make_shared<O>();
        app.add_option("topic", o->topic, "The dead letter topic")->required();
        app.add_option("--after", o->after, "Only behind this position");
        app.add_option("--limit", o->limit, "How many at most")->capture_default_str();
        return [o] { return Args().text("topic", o->topic).integer("after", o->after).integer("limit", o->limit).take(); };
      },
      table("messages",
            {{"POSITION", "position"},
             {"FROM", "original_topic"},
             {"GROUP", "group"},
             {"REASON", "reason"},
             {"DELIVERIES", "delivery_count"},
             {"TIME", "time"},
             {"ERROR", "error"}},
            "no dead letters"));
  group.add(
      "peek", "One of them with its payload", Operation::messaging_peek_dead_letter,
      [](CLI::App& app) -> std::function<Document()> {
        struct O {
          std::string topic;
          std::int64_t position = 0;
        };
        auto o = std::make_shared<O>();
        app.add_option("topic", o->topic, "The dead letter topic")->required();
        app.add_option("position", o->position, "Which")->required();
        return [o] { return Args().text("topic", o->topic).integer("position", o->position).take(); };
      },
      [](Value v) { members(v.find("message")); });
  const auto which = [](CLI::App& app) -> std::function<Document()> {
    struct O {
      std::string topic, to;
      std::vector<std::uint64_t> positions;
    };
    auto o = std::make_shared<O>();
    app.add_option("topic", o->topic, "The dead letter topic")->required();
    app.add_option("positions", o->positions, "Which; none for all");
    if (app.get_name() == "redrive") app.add_option("--to", o->to, "Another topic than the one each came from");
    return [o] { return Args().text("topic", o->topic).text("to", o->to, !o->to.empty()).positions(o->positions).take(); };
  };
  group.add("redrive", "Send them to where they came from, with all their tries again", Operation::messaging_redrive_dead_letters,
            which, [](Value v) { std::printf("%s sent\n", cell(v.find("count")).c_str()); });
  group.add("purge", "Delete them", Operation::messaging_purge_dead_letters, which,
            [](Value v) { std::printf("%s deleted\n", cell(v.find("count")).c_str()); });
}

/// Between a file descriptor and a streamed operation.
class Pipe final : public net::OperationStream {
 public:
  explicit Pipe(int fd) noexcept : fd_(fd) {}
  Task<Result<void>> write(std::string chunk) override {
    for (std::size_t at = 0; at < chunk.size();) {
      const ssize_t n = ::write(fd_, chunk.data() + at, chunk.size() - at);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) co_return Error(ErrorKind::unavailable, std::string("cannot be written: ") + std::strerror(errno));
      at += static_cast<std::size_t>(n);
    }
    co_return Result<void>();
  }
  Task<Result<std::optional<std::string>>> read() override {
    using R = Result<std::optional<std::string>>;
    std::string chunk(std::size_t{1} << 18, '\0');
    ssize_t n = 0;
    while ((n = ::read(fd_, chunk.data(), chunk.size())) < 0 && errno == EINTR) {
    }
    if (n < 0) co_return R(Error(ErrorKind::unavailable, std::string("cannot be read: ") + std::strerror(errno)));
    if (n == 0) co_return R(std::optional<std::string>());
    chunk.resize(static_cast<std::size_t>(n));
    co_return R(std::optional<std::string>(std::move(chunk)));
  }

 private:
  int fd_;
};

int transfer(const Where& where, const Common& common, bool get, const std::string& key, const std::string& file,
             const std::string& type) {
  const bool standard = file.empty() || file == "-";
  const int fd = standard ? (get ? STDOUT_FILENO : STDIN_FILENO)
                          : ::open(file.c_str(), get ? O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC : O_RDONLY | O_CLOEXEC, 0666);
  if (fd < 0) return fail(file, Error(ErrorKind::not_found, std::strerror(errno)));
  int code = 0;
  auto runtime = Runtime::open(where.subsystem, where.client, where.url);
  if (!runtime.ok()) {
    code = fail(runtime.error());
  } else {
    Pipe pipe(fd);
    auto result = (*runtime)->call(get ? Operation::storage_read_stream : Operation::storage_write_stream,
                                   Args().text("key", key).text("content_type", type, !type.empty()).take(), &pipe);
    if (!result.ok()) code = fail(result.error());
    else if (common.json && !(get && standard)) print_json(result->root());
    else if (!get) std::printf("%s written, %s bytes\n", key.c_str(), cell(result->root().find("object").find("size")).c_str());
  }
  if (!standard) ::close(fd);
  return code;
}

void add_storage(CLI::App& root, Common& common, std::vector<Command>& commands) {
  Group group(root, common, commands, Subsystem::storage, "storage", "Objects of a store");
  group.add(
      "ls", "List objects and prefixes", Operation::storage_list,
      [](CLI::App& app) -> std::function<Document()> {
        struct O {
          std::string prefix, token;
          std::int64_t limit = 1000;
          bool recursive = false;
        };
        auto o = std::make_shared<O>();
        app.add_option("prefix", o->prefix, "Only keys that begin so");
        app.add_flag("--recursive,-r", o->recursive, "All keys, not only one level");
        app.add_option("--limit", o->limit, "How many at most")->capture_default_str();
        app.add_option("--after", o->token, "Where a page before ended");
        return [o] {
          return Args()
              .text("prefix", o->prefix)
              .text("delimiter", "/", !o->recursive)
              .integer("limit", o->limit)
              .text("token", o->token, !o->token.empty())
              .take();
        };
      },
      [](Value v) {
        Table out({"SIZE", "KEY"});
        for (const Value prefix : v.find("prefixes").elements()) out.add({"", std::string(prefix.text())});
        for (const Value entry : v.find("entries").elements()) out.add({cell(entry.find("size")), cell(entry.find("key"))});
        out.print("no objects");
        if (const Value next = v.find("next"); next && !next.is_null()) std::printf("more: --after %s\n", cell(next).c_str());
      });
  group.add("stat", "Everything about an object but its bytes", Operation::storage_stat, one("key", "Its key"),
            [](Value v) { members(v.find("object")); });
  group.add("rm", "Delete an object", Operation::storage_delete, one("key", "Its key"), says("deleted"));
  group.add(
      "presign", "A URL that needs no credentials", Operation::storage_presign,
      [](CLI::App& app) -> std::function<Document()> {
        struct O {
          std::string key, method = "GET";
          std::int64_t expires = 900;
        };
        auto o = std::make_shared<O>();
        app.add_option("key", o->key, "Its key")->required();
        app.add_option("--method", o->method, "GET, PUT or HEAD")
            ->capture_default_str()
            ->check(CLI::IsMember({"GET", "PUT", "HEAD"}));
        app.add_option("--expires", o->expires, "Seconds")->capture_default_str();
        return [o] { return Args().text("method", o->method).text("key", o->key).integer("expires_s", o->expires).take(); };
      },
      [](Value v) { std::printf("%s\n", cell(v.find("url")).c_str()); });
  for (const bool get : {true, false}) {
    struct O {
      std::string key, file, type;
    };
    auto o = std::make_shared<O>();
    CLI::App* command = group.raw(get ? "get" : "put", get ? "Write an object to a file, or to standard output"
                                                           : "Write a file, or standard input, to an object");
    command->add_option("key", o->key, "Its key")->required();
    command->add_option("file", o->file, "The file; - or nothing for the standard stream");
    if (!get) command->add_option("--content-type", o->type, "Its media type");
    commands.push_back(
        {command, [where = group.where(), &common, get, o] { return transfer(*where, common, get, o->key, o->file, o->type); }});
  }
}

void add_db(CLI::App& root, Common& common, std::vector<Command>& commands) {
  Group group(root, common, commands, Subsystem::db, "db", "Migrations of a database");
  const auto folder = [](CLI::App& app) -> std::function<Document()> {
    auto value = std::make_shared<std::string>();
    app.add_option("--folder", *value, "The folder of NNNN_name.sql files; else the configured one");
    return [value] { return Args().text("folder", *value).take(); };
  };
  group.add("migrate", "Apply what was not applied yet", Operation::db_migrate, folder, [](Value v) {
    for (const Value name : v.find("applied").elements()) std::printf("applied %s\n", cell(name).c_str());
    if (v.find("applied").size() == 0) std::printf("nothing to apply\n");
  });
  group.add("status", "Which files were applied", Operation::db_migration_status, folder,
            table("migrations", {{"FILE", "name"}, {"STATE", "state"}, {"APPLIED", "applied_at"}}, "no migrations"));
}

void add_events(CLI::App& root, Common& common, std::vector<Command>& commands) {
  CLI::App* events = root.add_subcommand("events", "CloudEvents");
  events->require_subcommand(1);
  auto o = std::make_shared<EventToSend>();
  CLI::App* send = events->add_subcommand("send", "Send an event over HTTP");
  send->add_option("url", o->url, "Where to")->required();
  send->add_option("--type", o->type, "Its type")->required();
  send->add_option("--source", o->source, "Its source")->capture_default_str();
  send->add_option("--subject", o->subject, "Its subject");
  send->add_option("--id", o->id, "Its id; else a new one");
  send->add_option("--data", o->data, "Its data, as JSON");
  send->add_flag("--structured", o->structured, "As one JSON document instead of headers and data");
  commands.push_back({send, [o, &common] { return send_event(*o, common); }});
}

void add_cron(CLI::App& root, Common& common, std::vector<Command>& commands) {
  CLI::App* cron = root.add_subcommand("cron", "Cron expressions");
  cron->require_subcommand(1);
  struct O {
    std::string expression, zone = "UTC", after;
    std::int64_t count = 5;
  };
  auto o = std::make_shared<O>();
  CLI::App* next = cron->add_subcommand("next", "The next times of an expression");
  next->add_option("expression", o->expression, "Five or six fields, or a macro, as one argument")->required();
  next->add_option("--timezone", o->zone, "A name of the tz database")->capture_default_str();
  next->add_option("--after", o->after, "RFC 3339; now");
  next->add_option("--count", o->count, "How many")->capture_default_str();
  commands.push_back({next, [o, &common] {
                        Args args;
                        args.text("expr", o->expression)
                            .text("timezone", o->zone)
                            .integer("count", o->count)
                            .text("after", o->after, !o->after.empty());
                        return run({Subsystem::tasks, "default", "memory:"}, common, Operation::cron_next, args.take(),
                                   [](Value v) {
                                     for (const Value time : v.find("times").elements()) std::printf("%s\n", cell(time).c_str());
                                     if (v.find("times").size() == 0) std::printf("never again\n");
                                   });
                      }});
}

void add_cache(CLI::App& root, Common& common, std::vector<Command>& commands) {
  Group group(root, common, commands, Subsystem::cache, "cache", "A cache that processes share");
  CLI::App* stats = group.raw("stats", "Hits, misses, evictions and what it holds");
  commands.push_back(
      {stats, [where = group.where(), &common] {
         const bool shared = !where->url.empty() && !where->url.starts_with("memory:");
         if (!shared)
           return fail(
               Error(ErrorKind::unsupported,
                     "a `memory:` cache lies in its application's process, which counts it at telemetry.metrics_path; name "
                     "the URL of a shared one by --url"));
         return run(*where, common, Operation::cache_stats, Args().take(), members);
       }});
}

}  // namespace

void add_toolbox_commands(CLI::App& root, Common& common, std::vector<Command>& commands) {
  add_tasks(root, common, commands);
  add_dlq(root, common, commands);
  add_cron(root, common, commands);
  add_cache(root, common, commands);
  add_storage(root, common, commands);
  add_db(root, common, commands);
  add_events(root, common, commands);
}

}  // namespace spikard::cli
