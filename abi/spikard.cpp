// The exported functions: each catches everything, checks its arguments, and forwards. Documentation is in spec/abi and the
// generated header.
#include "spikard/spikard.h"

#include <cstddef>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>

#include "app/application.hpp"
#include "app/process_config.hpp"
#include "app/supervisor.hpp"
#include "base/json.hpp"
#include "http/record.hpp"
#include "last_error.hpp"
#include "nodes.hpp"
#include "port.hpp"
#include "records.hpp"
#include "services/manifest.gen.hpp"

using spikard::Error;
using spikard::Result;

// The record's layout is the core's; the header states it again for C.
static_assert(sizeof(spk_node) == sizeof(spikard::Node) && offsetof(spk_node, u) == 8);
static_assert(sizeof(spk_request) == sizeof(spikard::http::RequestRecord));
static_assert(offsetof(spk_request, deadline_ms) == offsetof(spikard::http::RequestRecord, deadline_ms));
static_assert(offsetof(spk_request, path) == offsetof(spikard::http::RequestRecord, path));
static_assert(offsetof(spk_request, headers) == offsetof(spikard::http::RequestRecord, headers));
static_assert(offsetof(spk_request, params) == offsetof(spikard::http::RequestRecord, params));
static_assert(offsetof(spk_request, deps) == offsetof(spikard::http::RequestRecord, deps));
static_assert(offsetof(spk_request, json) == offsetof(spikard::http::RequestRecord, json));
static_assert(SPK_NULL == static_cast<int>(spikard::NodeType::null) &&
              SPK_NUMTEXT == static_cast<int>(spikard::NodeType::numtext));

struct spk_app {
  std::shared_ptr<spikard::app::Application> application;
  std::shared_ptr<spikard::abi::Ports> ports = std::make_shared<spikard::abi::Ports>();
  int exit_code = 0;
};
struct spk_port {
  std::unique_ptr<spikard::abi::Port> port;
};

namespace {

int code_of(const Error& error) {
  switch (error.kind()) {
    case spikard::ErrorKind::invalid_argument: return SPK_E_CONFIG;
    case spikard::ErrorKind::unsupported: return SPK_E_UNSUPPORTED;
    case spikard::ErrorKind::unavailable:
    case spikard::ErrorKind::permission_denied:
    case spikard::ErrorKind::already_exists: return SPK_E_IO;
    default: return SPK_E_STATE;
  }
}

int failed(const Error& error) {
  spikard::abi::set_last_error(error.message());
  return -code_of(error);
}

int failed(int code, const char* message) {
  spikard::abi::set_last_error(message);
  return -code;
}

/// Nothing throws across the boundary.
template <class Fn>
int guarded(Fn fn) noexcept {
  try {
    return fn();
  } catch (const std::bad_alloc&) {
    return -SPK_E_MEMORY;
  } catch (const std::exception& e) {
    try {
      spikard::abi::set_last_error(e.what());
    } catch (...) {
    }
    return -SPK_E_STATE;
  } catch (...) {
    return -SPK_E_STATE;
  }
}

/// snprintf's contract: the length needed; at most cap - 1 bytes and a NUL are written.
size_t copy_out(const std::string& text, char* into, size_t cap) noexcept {
  if (into != nullptr && cap > 0) {
    const size_t n = text.size() < cap - 1 ? text.size() : cap - 1;
    std::memcpy(into, text.data(), n);
    into[n] = '\0';
  }
  return text.size();
}

template <class Read>
int open_app(uint32_t abi, const char* manifest_json, size_t n, spk_app** out, Read read) noexcept {
  if (out == nullptr || manifest_json == nullptr) return failed(SPK_E_CONFIG, "spk_app_open: NULL argument");
  *out = nullptr;
  if (abi != SPK_ABI) return failed(SPK_E_ABI, "spk_app_open: built against another version of spikard.h");
  return guarded([&]() -> int {
    auto document = spikard::json::parse({manifest_json, n});
    if (!document.ok()) return failed(std::move(document).error());
    spikard::app::ApplicationOptions options;
    auto manifest = read(document->root(), options);
    if (!manifest.ok()) return failed(manifest.error());
    // The host has its own signal interface and calls spk_drain; a C program that wants the core's says so in its manifest.
    auto application = spikard::app::Application::create(std::move(manifest).value(), std::move(options));
    if (!application.ok()) return failed(application.error());
    *out = new spk_app{.application = std::move(application).value()};
    return 0;
  });
}

}  // namespace

extern "C" {

uint32_t spk_abi(void) { return SPK_ABI; }

int spk_app_open(uint32_t abi, const char* manifest_json, size_t n, spk_app** out) {
  return open_app(abi, manifest_json, n, out, [](spikard::Value manifest, spikard::app::ApplicationOptions&) {
    return spikard::services::manifest_from_json(manifest);
  });
}

int spk_app_open_configured(uint32_t abi, const char* manifest_json, size_t n, spk_app** out) {
  return open_app(abi, manifest_json, n, out,
                  [](spikard::Value manifest, spikard::app::ApplicationOptions& options) -> Result<spikard::services::Manifest> {
                    auto sources = spikard::app::process_config();
                    if (!sources.ok()) return std::move(sources).error();
                    options.environment = sources->environment;
                    return spikard::app::configured_manifest(manifest, *sources);
                  });
}

int spk_supervise(spk_app* app, uint32_t workers) {
  if (app == nullptr) return failed(SPK_E_CONFIG, "spk_supervise: NULL app");
  return guarded([&]() -> int {
    auto& application = *app->application;
    if (application.state() != spikard::app::State::created)
      return failed(SPK_E_STATE, "spk_supervise: call it before spk_app_start");
    if (auto checked = application.check_workers(workers); !checked.ok()) return failed(checked.error());
    if (auto reserved = application.reserve(); !reserved.ok()) return failed(reserved.error());
    auto supervised = spikard::app::supervise(application.supervisor_options(workers),
                                              [&](const std::string& text) { application.logger().warn(text); });
    if (!supervised.ok()) return failed(supervised.error());
    app->exit_code = supervised->exit_code;
    return supervised->parent ? SPK_SUPERVISED | supervised->exit_code : static_cast<int>(supervised->worker);
  });
}

int spk_app_start(spk_app* app) {
  if (app == nullptr) return failed(SPK_E_CONFIG, "spk_app_start: NULL app");
  return guarded([&]() -> int {
    auto started = app->application->start();
    return started.ok() ? 0 : failed(started.error());
  });
}

size_t spk_info(spk_app* app, char* json, size_t cap) {
  if (app == nullptr) return 0;
  size_t size = 0;
  guarded([&] {
    size = copy_out(app->application->info(), json, cap);
    return 0;
  });
  return size;
}

int spk_port_open(spk_app* app, spk_port** out) {
  if (app == nullptr || out == nullptr) return failed(SPK_E_CONFIG, "spk_port_open: NULL argument");
  *out = nullptr;
  return guarded([&]() -> int {
    auto port = spikard::abi::Port::open(app->application, app->ports);
    if (!port.ok()) return failed(port.error());
    *out = new spk_port{std::move(port).value()};
    return 0;
  });
}

int spk_drain(spk_app* app, uint32_t deadline_ms) {
  if (app == nullptr) return failed(SPK_E_CONFIG, "spk_drain: NULL app");
  return guarded([&] {
    if (deadline_ms == SPK_DRAIN_DEFAULT) app->application->drain();
    else app->application->drain(std::chrono::milliseconds(deadline_ms));
    return 0;
  });
}

void spk_port_close(spk_port* port) {
  guarded([&] {
    delete port;
    return 0;
  });
}

void spk_app_close(spk_app* app) {
  if (app == nullptr) return;
  guarded([&] {
    app->application->close();
    delete app;
    return 0;
  });
}

size_t spk_report(spk_app* app, char* json, size_t cap) {
  if (app == nullptr) return 0;
  size_t size = 0;
  guarded([&] {
    size = copy_out(app->application->report(), json, cap);
    return 0;
  });
  return size;
}

size_t spk_error(char* buf, size_t cap) { return copy_out(spikard::abi::get_last_error(), buf, cap); }

int spk_fd(spk_port* port) { return port == nullptr ? failed(SPK_E_CONFIG, "spk_fd: NULL port") : port->port->fd(); }

int spk_poll(spk_port* port, spk_event* ev, uint32_t max, int32_t timeout_ms) {
  if (port == nullptr || ev == nullptr) return failed(SPK_E_CONFIG, "spk_poll: NULL argument");
  return guarded([&] { return port->port->poll(ev, max, timeout_ms); });
}

int spk_submit(spk_port* port, const spk_cmd* cmd, uint32_t n) {
  if (port == nullptr || (cmd == nullptr && n > 0)) return failed(SPK_E_CONFIG, "spk_submit: NULL argument");
  return guarded([&] { return port->port->submit(cmd, n); });
}

int spk_step(spk_port* port, const spk_cmd* cmd, uint32_t n, spk_event* ev, uint32_t max, int32_t timeout_ms) {
  if (n > 0) {
    const int submitted = spk_submit(port, cmd, n);
    if (submitted < 0) return submitted;
  }
  return spk_poll(port, ev, max, timeout_ms);
}

int spk_call(spk_port* port, const spk_cmd* cmd, const spk_record** out) {
  if (port == nullptr || cmd == nullptr || out == nullptr) return failed(SPK_E_CONFIG, "spk_call: NULL argument");
  return guarded([&] { return port->port->call(*cmd, out); });
}

int spk_wake(spk_port* port) {
  if (port == nullptr) return failed(SPK_E_CONFIG, "spk_wake: NULL port");
  return guarded([&] {
    port->port->wake();
    return 0;
  });
}

int spk_region(spk_port* port, const void** base, uint64_t* size) {
  if (port == nullptr || base == nullptr || size == nullptr) return failed(SPK_E_CONFIG, "spk_region: NULL argument");
  return guarded([&] {
    const auto [address, length] = port->port->region();
    *base = address;
    *size = length;
    return 0;
  });
}

int spk_json_read(const char* json, size_t n, const spk_record** out) {
  if (json == nullptr || out == nullptr) return failed(SPK_E_CONFIG, "spk_json_read: NULL argument");
  *out = nullptr;
  return guarded([&]() -> int {
    auto document = spikard::json::parse({json, n});
    if (!document.ok()) return failed(std::move(document).error());
    spikard::abi::RecordParts parts;
    parts.nodes = document->root();
    *out = reinterpret_cast<const spk_record*>(spikard::abi::make_record(parts).release());
    return 0;
  });
}

size_t spk_json_write(const void* nodes, size_t n, char* buf, size_t cap) {
  if (nodes == nullptr) return 0;
  size_t size = 0;
  guarded([&] {
    if (const spikard::Value value = spikard::abi::checked_nodes(nodes, n))
      size = copy_out(spikard::json::to_string(value), buf, cap);
    return 0;
  });
  return size;
}

void spk_record_free(const spk_record* record) { delete[] reinterpret_cast<const char*>(record); }

}  // extern "C"
