// The C++ harness: JSON lines on standard input and output (e2e/README.md), one application at a time.
#include <unistd.h>

#include <condition_variable>
#include <cstdio>
#include <iostream>
#include <optional>
#include <thread>

#include "app/application.hpp"
#include "base/json.hpp"
#include "case.hpp"
#include "telemetry/memory_exporter.hpp"
#include "telemetry/metrics.hpp"
#include "toolbox/toolbox.hpp"

namespace spikard::e2e {
namespace {

struct Refused : std::runtime_error {
  Refused(std::string kind, const std::string& message) : std::runtime_error(message), type(std::move(kind)) {}
  explicit Refused(const Error& error)
      : Refused(error.detail().empty() ? std::string(name_of(error.kind())) : error.detail(), error.message()) {}
  std::string type;
};

/// A started application with its I/O thread.
class Running {
 public:
  explicit Running(Value app_spec) : play_(std::make_shared<Case>(Document(app_spec))), app_(make_app(play_)) {
    app::ApplicationOptions options;
    if (const Value env = play_->app.root().find("env")) {
      for (const auto& [name, value] : env.members()) options.environment.emplace(name, value.text());
    }
    auto built = app_->build(std::move(options));
    if (!built.ok()) throw Refused(built.error());
    application_ = *built;
    if (const auto reserved = application_->reserve(); !reserved.ok()) throw Refused(reserved.error());
    application_->on_state(this, [this](app::State state) {
      const std::lock_guard lock(mutex_);
      ready_ = ready_ || state == app::State::ready;
      changed_.notify_all();
    });
    thread_ = std::thread([this] {
      const auto code = application_->run(
          [this](app::IoUnit& unit) { return app_->make_sink(*application_, unit); },
          [this](std::vector<net::Loop*> loops) { return app_->make_work_sink(*application_, std::move(loops)); });
      const std::lock_guard lock(mutex_);
      ended_ = true;
      if (!code.ok()) error_ = code.error();
      changed_.notify_all();
    });
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return ready_ || ended_; });
    if (!ready_) {
      lock.unlock();
      thread_.join();
      application_->forget_states(this);
      throw error_ ? Refused(*error_) : Refused("internal", "the application ended before it was ready");
    }
  }

  ~Running() {
    if (thread_.joinable()) stop(std::nullopt);
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  [[nodiscard]] int port() const {
    const std::string address = application_->addresses().at(0);
    return std::stoi(address.substr(address.rfind(':') + 1));
  }

  std::string stop(std::optional<Duration> timeout) {
    application_->drain(timeout);
    thread_.join();
    application_->forget_states(this);
    return application_->report();
  }

  [[nodiscard]] std::vector<std::string> trace() const {
    const std::lock_guard lock(play_->mutex);
    return play_->trace;
  }

  [[nodiscard]] app::Telemetry& telemetry() { return application_->telemetry(); }

  [[nodiscard]] std::vector<std::pair<std::string, std::string>> events() const {
    const std::lock_guard lock(play_->mutex);
    return play_->events;
  }

 private:
  std::shared_ptr<Case> play_;
  std::unique_ptr<App> app_;
  std::shared_ptr<app::Application> application_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool ready_ = false;
  bool ended_ = false;
  std::optional<Error> error_;
  std::thread thread_;
};

class Harness {
 public:
  std::string answer(std::string_view line) {
    try {
      auto request = json::parse(line, {.max_depth = 1000});
      if (!request.ok()) throw Refused("protocol", request.error().message());
      return run(request->root());
    } catch (const NotBuilt& e) {
      return failure("not_built", e.what());
    } catch (const Refused& e) {
      return failure(e.type, e.what());
    } catch (const Failed& e) {
      return failure(e.error);
    } catch (const std::exception& e) {
      return failure("invalid_argument", e.what());
    }
  }

 private:
  std::string run(Value request) {
    const std::string_view op = text_or(request, "op");
    std::string text;
    json::Writer out(text);
    out.begin_object();
    out.key("ok");
    out.boolean(true);
    if (op == "start") {
      only(request, {"op", "app"}, "start");
      running_.reset();
      running_ = std::make_unique<Running>(request.find("app"));
      out.key("port");
      out.integer(running_->port());
    } else if (op == "stop") {
      only(request, {"op", "drain_timeout_ms"}, "stop");
      if (running_ != nullptr) {
        std::optional<Duration> timeout;
        if (request.find("drain_timeout_ms")) timeout = std::chrono::milliseconds(int_or(request, "drain_timeout_ms", 0));
        const std::string report = running_->stop(timeout);
        running_.reset();
        out.key("report");
        out.raw(report.empty() ? "null" : report);
      }
    } else if (op == "trace") {
      out.key("dependency_trace");
      texts(out, running_ == nullptr ? std::vector<std::string>() : running_->trace());
    } else if (op == "events") {
      out.key("events");
      out.begin_array();
      if (running_ != nullptr) {
        for (const auto& [event, handler] : running_->events()) {
          out.begin_object();
          out.key("event");
          out.raw(event);
          out.key("handler");
          out.string(handler);
          out.end_object();
        }
      }
      out.end_array();
    } else if (op == "spans" || op == "logs" || op == "metrics") {
      NodeBuilder list;
      list.begin_array();
      tell(list, op);
      list.end();
      out.key(op);
      out.write(list.root());
    } else if (op == "backends") {
      only(request, {"op", "subsystem"}, "backends");
      out.key("backends");
      texts(out, Toolbox::backends(text_or(request, "subsystem")));
    } else if (op == "client") {
      only(request, {"op", "client"}, "client");
      toolbox_.reset();
      toolbox_ = std::make_unique<Toolbox>(request.find("client"));
      out.key("capabilities");
      texts(out, toolbox_->capabilities());
    } else if (op == "do") {
      only(request, {"op", "do", "args"}, "do");
      if (toolbox_ == nullptr) throw Refused("protocol", "there is no client");
      const Result<Document> result = toolbox_->run(std::string(text_or(request, "do")), request.find("args"));
      if (!result.ok()) return failure(result.error());
      out.key("result");
      std::string value;
      write_result(value, result->root());
      out.raw(value);
    } else if (op == "close") {
      if (toolbox_ != nullptr) {
        const Result<Document> closed = toolbox_->close();
        toolbox_.reset();
        if (!closed.ok()) return failure(closed.error());
      }
    } else {
      throw NotBuilt("op " + std::string(op));
    }
    out.end_object();
    return text;
  }

  /// What the exporter `memory` has, of the application or of what is beside a client.
  void tell(NodeBuilder& out, std::string_view op) {
    telemetry::MemoryExporter* memory = nullptr;
    std::shared_ptr<telemetry::Provider> provider;
    if (running_ != nullptr) {
      memory = running_->telemetry().memory();
      provider = running_->telemetry().provider();
    } else if (toolbox_ != nullptr) {
      memory = toolbox_->stage().memory();
      provider = toolbox_->stage().tracer().provider();
    }
    if (provider == nullptr) return;
    if (op == "metrics") {
      for (const telemetry::MetricData& metric : provider->metrics().collect()) telemetry::write(out, metric);
    } else if (memory != nullptr && op == "spans") {
      for (const telemetry::SpanData& span : memory->spans()) telemetry::write(out, span, provider->resource());
    } else if (memory != nullptr) {
      for (const telemetry::LogRecord& record : memory->logs()) telemetry::write(out, record);
    }
  }

  static void texts(json::Writer& out, const std::vector<std::string>& list) {
    out.begin_array();
    for (const std::string& one : list) out.string(one);
    out.end_array();
  }

  /// As an application's code sees it.
  static std::string failure(const Error& error) {
    std::string text;
    json::Writer out(text);
    out.begin_object();
    out.key("ok");
    out.boolean(false);
    out.key("error");
    out.begin_object();
    out.key("kind");
    out.string(name_of(error.kind()));
    out.key("detail");
    out.string(error.detail());
    out.key("message");
    out.string(error.message());
    out.end_object();
    out.end_object();
    return text;
  }

  static std::string failure(std::string_view type, std::string_view message) {
    std::string text;
    json::Writer out(text);
    out.begin_object();
    out.key("ok");
    out.boolean(false);
    out.key("error");
    out.begin_object();
    out.key("type");
    out.string(type);
    out.key("message");
    out.string(message);
    out.end_object();
    out.end_object();
    return text;
  }

  std::unique_ptr<Running> running_;
  std::unique_ptr<Toolbox> toolbox_;
};

}  // namespace
}  // namespace spikard::e2e

int main() {
  // Standard output is the protocol's alone: whatever else prints goes to standard error.
  std::FILE* replies = fdopen(dup(STDOUT_FILENO), "w");
  if (replies == nullptr || dup2(STDERR_FILENO, STDOUT_FILENO) < 0) return 1;
  spikard::e2e::Harness harness;
  std::string line;
  while (std::getline(std::cin, line)) {
    const std::string reply = harness.answer(line) + "\n";
    if (std::fwrite(reply.data(), 1, reply.size(), replies) != reply.size() || std::fflush(replies) != 0) return 1;
  }
  std::fclose(replies);
  return 0;
}
