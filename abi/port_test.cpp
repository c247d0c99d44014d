// The port through the C header alone, against real sockets: what a binding sees.
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <atomic>
#include <cstring>
#include <functional>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "spikard/spikard.h"

namespace {

std::string error_text() {
  char text[4096];
  spk_error(text, sizeof text);
  return text;
}

/// A blocking client that adds nothing.
class Client {
 public:
  explicit Client(int port) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<uint16_t>(port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
    const timeval limit{20, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
  ~Client() { close_now(); }
  void close_now() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }
  /// Closes so that the peer sees a reset: a plain close is a half-close to it at first.
  void reset_now() {
    const linger hard{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close_now();
  }
  void send(const std::string& text) {
    EXPECT_EQ(::send(fd_, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  /// Reads until `end` was seen; what came up to it and with it.
  std::string until(const std::string& end) {
    while (true) {
      const auto at = buffer_.find(end);
      if (at != std::string::npos) {
        std::string got = buffer_.substr(0, at + end.size());
        buffer_.erase(0, at + end.size());
        return got;
      }
      char chunk[65536];
      const ssize_t n = recv(fd_, chunk, sizeof chunk, 0);
      if (n <= 0) return std::exchange(buffer_, {});
      buffer_.append(chunk, static_cast<size_t>(n));
    }
  }
  std::string all() { return until(std::string("\0never\0", 7)); }

 private:
  int fd_;
  std::string buffer_;
};

/// An application polled on a thread of the test's; `on_event` answers.
class Host {
 public:
  using OnEvent = std::function<void(Host&, const spk_event&)>;
  Host(const std::string& routes, OnEvent on_event, const std::string& more = "", const std::string& top = "")
      : on_event_(std::move(on_event)) {
    const std::string manifest = R"({"name": "test", "log": {"level": "off"}, )" + top +
                                 R"("http": {"listeners": [{"port": 0}], )" + more + R"("routes": [)" + routes + "]}}";
    EXPECT_EQ(spk_app_open(SPK_ABI, manifest.data(), manifest.size(), &app), 0) << error_text();
    EXPECT_EQ(spk_app_start(app), 0) << error_text();
    EXPECT_EQ(spk_port_open(app, &port), 0) << error_text();
    char info[1024];
    spk_info(app, info, sizeof info);
    const char* at = std::strstr(info, "127.0.0.1:");
    number = std::atoi(at + 10);
    thread_ = std::thread([this] { loop(); });
  }
  ~Host() {
    if (thread_.joinable()) stop();
  }
  /// Drains; the report.
  std::string stop() {
    spk_drain(app, SPK_DRAIN_DEFAULT);
    thread_.join();
    char text[2048];
    spk_report(app, text, sizeof text);
    spk_port_close(port);
    spk_app_close(app);
    return text;
  }
  int reply(spk_id id, const std::string& body, uint16_t format = SPK_BODY_TEXT, uint16_t status = 200) {
    spk_cmd cmd{};
    cmd.op = SPK_CMD_REPLY;
    cmd.status = status;
    cmd.format = format;
    cmd.id = id;
    cmd.body = {body.data(), body.size()};
    return spk_submit(port, &cmd, 1);
  }
  int command(uint16_t op, spk_id id, uint64_t arg = 0, uint64_t user = 0, const std::string& body = "") {
    spk_cmd cmd{};
    cmd.op = op;
    cmd.status = 200;
    cmd.id = id;
    cmd.arg = arg;
    cmd.user = user;
    cmd.body = {body.data(), body.size()};
    return spk_submit(port, &cmd, 1);
  }
  /// The operation test.advance; DONE comes with `user`.
  int advance(int64_t ms, uint64_t user) {
    struct {
      spk_node object, key, value;
      char text[8];
    } args{};
    args.object = {SPK_OBJ, 1, {}};
    args.object.u.off = 2;
    args.key = {SPK_STR, 2, {}};
    args.key.u.off = 48;
    args.value = {SPK_INT, 0, {}};
    args.value.u.i = ms;
    std::memcpy(args.text, "ms", 2);
    return command(SPK_CMD_CALL, 0, SPK_OP_TEST_ADVANCE, user, std::string(reinterpret_cast<const char*>(&args), sizeof args));
  }

  spk_app* app = nullptr;
  spk_port* port = nullptr;
  int number = 0;

 private:
  void loop() {
    spk_event events[64];
    while (true) {
      const int n = spk_poll(port, events, 64, -1);
      ASSERT_GE(n, 0);
      for (int i = 0; i < n; ++i) {
        if (events[i].kind == SPK_EV_STATE && events[i].arg == SPK_STOPPED) return;
        on_event_(*this, events[i]);
      }
    }
  }

  OnEvent on_event_;
  std::thread thread_;
};

std::string text_of(const void* base, spk_view view) { return {static_cast<const char*>(base) + view.off, view.len}; }
const spk_node* nodes_of(const void* base, spk_view view) {
  return reinterpret_cast<const spk_node*>(static_cast<const char*>(base) + view.off);
}

std::string get(const std::string& target) { return "GET " + target + " HTTP/1.1\r\nHost: t\r\n\r\n"; }

TEST(Port, refuses_another_abi) {
  spk_app* app = nullptr;
  EXPECT_EQ(spk_app_open(SPK_ABI + 1, "{}", 2, &app), -SPK_E_ABI);
  EXPECT_EQ(app, nullptr);
}

TEST(Port, names_the_field_of_a_wrong_manifest) {
  spk_app* app = nullptr;
  const std::string manifest = R"({"http": {"routes": [{"method": "GETT", "path": "/"}]}})";
  EXPECT_EQ(spk_app_open(SPK_ABI, manifest.data(), manifest.size(), &app), -SPK_E_CONFIG);
  EXPECT_NE(error_text().find("http.routes[0].method"), std::string::npos) << error_text();
}

TEST(Port, opens_with_the_configuration_of_the_process_when_asked) {
  spk_app* app = nullptr;
  const std::string manifest = R"({"http": {"listeners": [{"port": 0}]}})";
  setenv("SPIKARD_HTTP__LIMITS__JSON_DEPHT", "5", 1);
  EXPECT_EQ(spk_app_open(SPK_ABI, manifest.data(), manifest.size(), &app), 0) << error_text();
  spk_app_close(app);
  EXPECT_EQ(spk_app_open_configured(SPK_ABI, manifest.data(), manifest.size(), &app), -SPK_E_CONFIG);
  EXPECT_EQ(app, nullptr);
  EXPECT_EQ(error_text(), "SPIKARD_HTTP__LIMITS__JSON_DEPHT: there is no \"json_depht\" in Limits; did you mean \"json_depth\"?");
  unsetenv("SPIKARD_HTTP__LIMITS__JSON_DEPHT");
  EXPECT_EQ(spk_app_open_configured(SPK_ABI, manifest.data(), manifest.size(), &app), 0) << error_text();
  spk_app_close(app);
}

TEST(Port, names_the_place_of_a_schema_that_does_not_compile) {
  spk_app* app = nullptr;
  const std::string manifest =
      R"({"http": {"routes": [{"method": "POST", "path": "/", "body": {"schema": {"type": "strin"}}}]}})";
  EXPECT_EQ(spk_app_open(SPK_ABI, manifest.data(), manifest.size(), &app), -SPK_E_CONFIG);
  EXPECT_NE(error_text().find("http.routes[0].body.schema"), std::string::npos) << error_text();
}

TEST(Port, hands_typed_parameters_over_and_answers) {
  Host host(
      R"({"method": "GET", "path": "/u/{id}", "parameters": [{"in": "path", "name": "id", "required": true, "schema": {"type": "integer"}},
              {"in": "query", "name": "v", "schema": {"type": "boolean"}}]})",
      [](Host& h, const spk_event& e) {
        if (e.kind != SPK_EV_REQUEST) return;
        const auto* r = static_cast<const spk_request*>(e.rec);
        const spk_node* p = nodes_of(r, r->params);
        EXPECT_EQ(p[0].type, static_cast<uint32_t>(SPK_INT));
        EXPECT_EQ(p[1].type, static_cast<uint32_t>(SPK_BOOL));
        h.reply(e.id, std::to_string(p[0].u.i) + (p[1].u.i != 0 ? "+" : "-"));
      });
  Client c(host.number);
  c.send(get("/u/42?v=true"));
  const std::string answer = c.until("42+");
  EXPECT_EQ(answer.rfind("HTTP/1.1 200 OK\r\n", 0), 0U) << answer;
  EXPECT_NE(answer.find("Content-Type: text/plain; charset=utf-8"), std::string::npos) << answer;
}

TEST(Port, keeps_the_order_of_pipelined_requests_whatever_order_they_are_answered_in) {
  std::vector<spk_id> ids;
  Host host(R"({"method": "GET", "path": "/{n}"})", [&](Host& h, const spk_event& e) {
    if (e.kind != SPK_EV_REQUEST) return;
    ids.push_back(e.id);
    if (ids.size() == 3) {
      for (auto i = ids.size(); i-- > 0;) h.reply(ids[i], "<" + std::to_string(i) + ">");
    }
  });
  Client c(host.number);
  c.send(get("/a") + get("/b") + get("/c"));
  const std::string got = c.until("<2>");
  EXPECT_LT(got.find("<0>"), got.find("<1>")) << got;
  EXPECT_LT(got.find("<1>"), got.find("<2>")) << got;
}

TEST(Port, hands_the_validated_body_over_as_nodes) {
  Host host(
      R"({"method": "POST", "path": "/", "body": {"schema": {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}}})",
      [](Host& h, const spk_event& e) {
        if (e.kind != SPK_EV_REQUEST) return;
        const auto* r = static_cast<const spk_request*>(e.rec);
        const spk_node* n = nodes_of(r, r->json);
        ASSERT_EQ(n[0].type, static_cast<uint32_t>(SPK_OBJ));
        EXPECT_EQ(std::string(reinterpret_cast<const char*>(r) + n[1].u.off, n[1].len), "n");
        EXPECT_EQ(text_of(r, r->body), R"({"n": 7})");
        h.reply(e.id, std::to_string(n[2].u.i));
      });
  Client c(host.number);
  c.send("POST / HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n{\"n\": 7}");
  EXPECT_NE(c.until("\r\n\r\n7").find("200 OK"), std::string::npos);
  c.send("POST / HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
  EXPECT_NE(c.until("]}").find("HTTP/1.1 422"), std::string::npos);
}

TEST(Port, serialises_nodes_and_refuses_malformed_ones) {
  Host host(R"({"method": "GET", "path": "/good"}, {"method": "GET", "path": "/bad"})", [](Host& h, const spk_event& e) {
    if (e.kind != SPK_EV_REQUEST) return;
    struct {
      spk_node array, one, text;
      char bytes[8];
    } body{};
    body.array = {SPK_ARR, 2, {}};
    body.array.u.off = 2;
    body.one = {SPK_INT, 0, {}};
    body.one.u.i = 1;
    body.text = {SPK_STR, 3, {}};
    body.text.u.off = 48;
    std::memcpy(body.bytes, "a\"b", 3);
    if (e.route == 1) body.text.u.off = 4096;  // outside
    h.reply(e.id, std::string(reinterpret_cast<const char*>(&body), sizeof body), SPK_BODY_NODES);
  });
  Client c(host.number);
  c.send(get("/good"));
  EXPECT_NE(c.until("]").find(R"([1,"a\"b"])"), std::string::npos);
  c.send(get("/bad"));
  EXPECT_NE(c.until("}").find("HTTP/1.1 500"), std::string::npos);
}

TEST(Port, a_failure_is_a_500_that_tells_nothing) {
  Host host(R"({"method": "GET", "path": "/"})", [](Host& h, const spk_event& e) {
    if (e.kind != SPK_EV_REQUEST) return;
    struct {
      spk_node object, key, value;
      char bytes[16];
    } body{};
    body.object = {SPK_OBJ, 1, {}};
    body.object.u.off = 2;
    body.key = {SPK_STR, 7, {}};
    body.key.u.off = 48;
    body.value = {SPK_STR, 6, {}};
    body.value.u.off = 55;
    std::memcpy(body.bytes, "messagesecret", 13);
    h.command(SPK_CMD_FAIL, e.id, 0, 0, std::string(reinterpret_cast<const char*>(&body), sizeof body));
  });
  Client c(host.number);
  c.send(get("/"));
  const std::string answer = c.until("}");
  EXPECT_NE(answer.find("HTTP/1.1 500"), std::string::npos) << answer;
  EXPECT_NE(answer.find("internal-server-error"), std::string::npos) << answer;
  EXPECT_EQ(answer.find("secret"), std::string::npos) << answer;
}

TEST(Port, a_client_that_goes_cancels_and_the_late_answer_is_ignored) {
  std::promise<spk_id> arrived;
  std::promise<void> cancelled;
  spk_id id = 0;
  Host host(R"({"method": "GET", "path": "/"}, {"method": "GET", "path": "/after"})", [&](Host& h, const spk_event& e) {
    if (e.kind == SPK_EV_REQUEST && e.route == 0) {
      id = e.id;
      arrived.set_value(id);
    } else if (e.kind == SPK_EV_CANCEL) {
      EXPECT_EQ(e.id, id);
      EXPECT_EQ(e.arg, static_cast<uint64_t>(SPK_CANCEL_CLIENT_GONE));
      EXPECT_GE(h.reply(e.id, "late"), 0);
      EXPECT_EQ(h.reply(e.id, "again"), -SPK_E_STALE);
      cancelled.set_value();
    } else if (e.kind == SPK_EV_REQUEST) {
      h.reply(e.id, "<after>");
    }
  });
  Client gone(host.number);
  gone.send(get("/"));
  arrived.get_future().wait();
  gone.reset_now();
  cancelled.get_future().wait();
  Client c(host.number);
  c.send(get("/after"));
  EXPECT_NE(c.until("<after>").find("200 OK"), std::string::npos);
}

TEST(Port, streams_a_body_in_against_credit) {
  std::string got;
  Host host(R"({"method": "PUT", "path": "/", "body": {"mode": "stream", "content_types": ["application/octet-stream"]}})",
            [&](Host& h, const spk_event& e) {
              if (e.kind != SPK_EV_CHUNK) return;
              const auto* r = static_cast<const spk_record*>(e.rec);
              got += text_of(r, r->body);
              h.command(SPK_CMD_CREDIT, e.id, e.arg);
              if ((e.flags & SPK_F_LAST) != 0) h.reply(e.id, "<" + std::to_string(got.size()) + ">");
            });
  Client c(host.number);
  std::string sent;
  for (int i = 0; sent.size() < 1'000'000; ++i) sent += std::to_string(i) + ",";
  c.send("PUT / HTTP/1.1\r\nHost: t\r\nContent-Type: application/octet-stream\r\nContent-Length: " + std::to_string(sent.size()) +
         "\r\n\r\n" + sent);
  EXPECT_NE(c.until(">").find("<" + std::to_string(sent.size()) + ">"), std::string::npos);
  EXPECT_TRUE(got == sent);
}

TEST(Port, streams_an_answer_with_credit_given_back) {
  constexpr std::size_t total = 1 << 20;
  std::size_t written = 0;
  std::int64_t credit = 65536;
  const auto fill = [&](Host& h, spk_id id) {
    const std::string chunk(16384, 'x');
    while (credit > 0 && written < total) {
      h.command(SPK_CMD_CHUNK, id, 0, 0, chunk);
      written += chunk.size();
      credit -= static_cast<std::int64_t>(chunk.size());
    }
    if (written == total) h.command(SPK_CMD_END, id);
  };
  Host host(R"({"method": "GET", "path": "/"})", [&](Host& h, const spk_event& e) {
    if (e.kind == SPK_EV_REQUEST) {
      h.command(SPK_CMD_HEAD, e.id);
      fill(h, e.id);
    } else if (e.kind == SPK_EV_CREDIT && written < total) {
      credit += static_cast<std::int64_t>(e.arg);
      fill(h, e.id);
    }
  });
  Client c(host.number);
  c.send(get("/"));
  const std::string answer = c.until("\r\n0\r\n\r\n");
  EXPECT_EQ(std::count(answer.begin(), answer.end(), 'x'), static_cast<std::ptrdiff_t>(total));
}

TEST(Port, a_streamed_answer_and_its_on_response_hook_are_both_owed) {
  Host host(
      R"({"method": "GET", "path": "/"})",
      [&](Host& h, const spk_event& e) {
        if (e.kind == SPK_EV_REQUEST) h.command(SPK_CMD_HEAD, e.id);
        if (e.kind != SPK_EV_HOOK) return;
        // While the hook is owed the handler goes on, to its end.
        EXPECT_GE(h.command(SPK_CMD_CHUNK, e.id, 0, 0, "abc"), 0);
        EXPECT_GE(h.command(SPK_CMD_END, e.id), 0);
        EXPECT_EQ(h.command(SPK_CMD_END, e.id), -SPK_E_STALE);
        EXPECT_GE(h.command(SPK_CMD_RESULT, e.id), 0);
      },
      R"("hooks": {"on_response": ["h"]}, )");
  Client c(host.number);
  c.send("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_NE(c.until("0\r\n\r\n").find("3\r\nabc\r\n"), std::string::npos);
}

TEST(Port, runs_hooks_factories_and_clean_up_in_order) {
  std::string trace;
  Host host(
      R"({"method": "GET", "path": "/", "inject": ["b"]})",
      [&](Host& h, const spk_event& e) {
        switch (e.kind) {
          case SPK_EV_HOOK:
            trace += "hook" + std::to_string(e.arg) + " ";
            h.command(SPK_CMD_RESULT, e.id);
            break;
          case SPK_EV_FACTORY: {
            const auto* r = static_cast<const spk_record*>(e.rec);
            const spk_node* n = nodes_of(r, r->nodes);
            trace += "make" + std::to_string(e.route) + "(" + (n[0].len > 0 ? std::to_string(n[1].u.i) : "") + ") ";
            h.command(SPK_CMD_RESULT, e.id, 100 + e.route);
            break;
          }
          case SPK_EV_DISPOSE:
            trace += "free" + std::to_string(e.arg) + " ";
            h.command(SPK_CMD_RESULT, e.id);
            break;
          case SPK_EV_REQUEST: {
            const auto* r = static_cast<const spk_request*>(e.rec);
            trace += "handle" + std::to_string(*reinterpret_cast<const uint64_t*>(nodes_of(r, r->deps))) + " ";
            h.reply(e.id, "<ok>");
            break;
          }
          default: break;
        }
      },
      R"("hooks": {"on_request": ["x"], "pre_handler": ["y"], "on_response": ["z"]}, "dependencies": [
              {"id": 1, "name": "a", "kind": "factory", "scope": "request", "cleanup": true},
              {"id": 2, "name": "b", "kind": "factory", "scope": "request", "depends_on": ["a"], "cleanup": true}],)");
  Client c(host.number);
  c.send(get("/"));
  c.until("<ok>");
  EXPECT_NE(host.stop().find("\"exit_code\":0"), std::string::npos);
  EXPECT_EQ(trace, "hook0 hook2 make1() make2(101) handle102 hook3 free102 free101 ");
}

TEST(Port, takes_commands_from_any_thread) {
  std::vector<std::thread> threads;
  Host host(R"({"method": "GET", "path": "/"})", [&](Host& h, const spk_event& e) {
    if (e.kind != SPK_EV_REQUEST) return;
    threads.emplace_back([&h, id = e.id] { h.reply(id, "<elsewhere>"); });
  });
  Client c(host.number);
  for (int i = 0; i < 50; ++i) {
    c.send(get("/"));
    EXPECT_NE(c.until("<elsewhere>").find("200 OK"), std::string::npos);
  }
  host.stop();
  for (std::thread& t : threads) t.join();
}

TEST(Port, the_threaded_drive_answers_alike) {
  Host host(
      R"({"method": "GET", "path": "/{n:int}"})",
      [](Host& h, const spk_event& e) {
        if (e.kind != SPK_EV_REQUEST) return;
        const auto* r = static_cast<const spk_request*>(e.rec);
        h.reply(e.id, "<" + text_of(r, r->path) + ">");
      },
      "", R"("drive": "thread", )");
  Client c(host.number);
  for (int i = 0; i < 50; ++i) {
    c.send(get("/" + std::to_string(i)));
    EXPECT_NE(c.until("</" + std::to_string(i) + ">").find("200 OK"), std::string::npos);
  }
}

TEST(Port, a_request_in_hand_at_the_drain_is_answered_and_counted) {
  spk_id id = 0;
  Host host(R"({"method": "GET", "path": "/"})", [&](Host& h, const spk_event& e) {
    if (e.kind == SPK_EV_REQUEST) {
      id = e.id;
      spk_drain(h.app, SPK_DRAIN_DEFAULT);
    } else if (e.kind == SPK_EV_STATE && e.arg == SPK_DRAINING) {
      h.reply(id, "<last>");
    }
  });
  Client c(host.number);
  c.send(get("/"));
  const std::string answer = c.until("<last>");
  EXPECT_NE(answer.find("200 OK"), std::string::npos) << answer;
}

TEST(Port, background_tasks_are_waited_for_by_the_drain) {
  bool ran = false;
  Host host(R"({"method": "GET", "path": "/"})", [&](Host& h, const spk_event& e) {
    if (e.kind == SPK_EV_REQUEST) {
      h.reply(e.id, "<ok>");
      h.command(SPK_CMD_CALL, e.id, SPK_OP_BACKGROUND_RUN, 77);
    } else if (e.kind == SPK_EV_TASK) {
      ran = e.user == 77;
      h.command(SPK_CMD_ACK, e.id);
    }
  });
  Client c(host.number);
  c.send(get("/"));
  c.until("<ok>");
  const std::string report = host.stop();
  EXPECT_TRUE(ran);
  EXPECT_NE(report.find(R"("background":{"finished":1)"), std::string::npos) << report;
}

TEST(Port, a_background_task_that_the_drain_cuts_off_is_told_and_abandoned) {
  spk_id task = 0;
  bool cancelled = false;
  int late = 1;
  Host host(R"({"method": "GET", "path": "/"})", [&](Host& h, const spk_event& e) {
    if (e.kind == SPK_EV_REQUEST) {
      h.command(SPK_CMD_CALL, e.id, SPK_OP_BACKGROUND_RUN, 77);
      h.reply(e.id, "<ok>");
    } else if (e.kind == SPK_EV_TASK) {
      task = e.id;
      spk_drain(h.app, SPK_DRAIN_DEFAULT);
    } else if (e.kind == SPK_EV_STATE && e.arg == SPK_DRAINING) {
      spk_drain(h.app, SPK_DRAIN_DEFAULT);  // the second one cuts off at once
    } else if (e.kind == SPK_EV_CANCEL && e.id == task) {
      cancelled = e.arg == SPK_CANCEL_SHUTDOWN;
      late = h.command(SPK_CMD_ACK, e.id);
    }
  });
  Client c(host.number);
  c.send(get("/"));
  c.until("<ok>");
  const std::string report = host.stop();
  EXPECT_TRUE(cancelled);
  EXPECT_GE(late, 0);
  EXPECT_NE(report.find(R"("background":{"finished":0,"handed_back":0,"abandoned":1})"), std::string::npos) << report;
}

TEST(Port, virtual_time_moves_only_when_told) {
  setenv("SPIKARD_TEST", "1", 1);
  std::vector<std::string> order;
  std::promise<void> waiting;
  std::promise<void> advanced;
  spk_id slow = 0;
  Host host(
      R"({"method": "GET", "path": "/slow"}, {"method": "GET", "path": "/advance"})",
      [&](Host& h, const spk_event& e) {
        if (e.kind == SPK_EV_REQUEST && e.route == 0) {
          slow = e.id;
          h.command(SPK_CMD_TIMER, e.id, 3'600'000, 1);  // an hour
          waiting.set_value();
        } else if (e.kind == SPK_EV_REQUEST) {
          h.reply(e.id, "<moving>");
          h.advance(3'600'000, 2);
        } else if (e.kind == SPK_EV_DONE && e.user == 1) {
          order.push_back("timer");
          h.reply(slow, "<slow>");
        } else if (e.kind == SPK_EV_DONE && e.user == 2) {
          order.push_back("advanced");
          h.command(SPK_CMD_RELEASE, e.id);
          advanced.set_value();
        }
      },
      "", R"("clock": "virtual", )");
  Client a(host.number);
  a.send(get("/slow"));
  Client b(host.number);
  waiting.get_future().wait();
  b.send(get("/advance"));
  b.until("<moving>");
  EXPECT_NE(a.until("<slow>").find("200 OK"), std::string::npos);
  advanced.get_future().wait();
  host.stop();
  EXPECT_EQ(order, (std::vector<std::string>{"timer", "advanced"}));
}

TEST(Port, a_handler_that_answered_while_it_waited_counts_for_nothing_any_more) {
  setenv("SPIKARD_TEST", "1", 1);
  std::promise<void> advanced;
  std::promise<void> holding;
  spk_id held = 0;
  std::atomic<bool> answered{false};
  bool moved_under_a_handler = false;
  Host host(
      R"({"method": "GET", "path": "/early"}, {"method": "GET", "path": "/held"}, {"method": "GET", "path": "/advance"},
         {"method": "GET", "path": "/turn"}, {"method": "GET", "path": "/release"})",
      [&](Host& h, const spk_event& e) {
        if (e.kind == SPK_EV_REQUEST && e.route == 0) {
          h.command(SPK_CMD_TIMER, e.id, 5000, 1);
          h.command(SPK_CMD_TIMER, e.id, 7000, 3);  // a second wait of the same handler
          h.reply(e.id, "<early>");                 // answered, and nobody waits for either
        } else if (e.kind == SPK_EV_REQUEST && e.route == 1) {
          held = e.id;
          holding.set_value();
        } else if (e.kind == SPK_EV_REQUEST && e.route == 2) {
          h.reply(e.id, "<moving>");
          h.advance(10'000, 2);
        } else if (e.kind == SPK_EV_REQUEST) {
          if (e.route == 4) {
            answered = true;
            h.reply(held, "<held>");
          }
          h.reply(e.id, "<turn>");
        } else if (e.kind == SPK_EV_DONE && e.user == 2) {
          moved_under_a_handler = !answered;
          h.command(SPK_CMD_RELEASE, e.id);
          advanced.set_value();
        }
      },
      "", R"("clock": "virtual", )");
  Client a(host.number);
  a.send(get("/early"));
  a.until("<early>");
  Client b(host.number);
  b.send(get("/held"));
  holding.get_future().wait();
  a.send(get("/advance"));
  a.until("<moving>");
  for (int i = 0; i < 20; ++i) {
    a.send(get("/turn"));
    a.until("<turn>");
  }
  a.send(get("/release"));
  a.until("<turn>");
  b.until("<held>");
  ASSERT_EQ(advanced.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
  host.stop();
  EXPECT_FALSE(moved_under_a_handler) << "time stands still while a handler is at work";
}

TEST(PortJson, IsReadIntoNodesAndWrittenFromThem) {
  const std::string json = R"({"a":[1,2.5,"x\u00fc"],"b":null,"c":18446744073709551615})";
  const spk_record* record = nullptr;
  ASSERT_EQ(spk_json_read(json.data(), json.size(), &record), 0) << error_text();
  ASSERT_NE(record, nullptr);
  // The nodes of a record refer to its first byte; those of a command to themselves.
  std::vector<char> body(record->size);
  std::memcpy(body.data(), record, record->size);
  std::vector<spk_node> nodes(record->size / sizeof(spk_node) + 1 + record->nodes.len);
  std::memcpy(nodes.data(), body.data() + record->nodes.off, record->nodes.len * sizeof(spk_node));
  char* text = reinterpret_cast<char*>(nodes.data() + record->nodes.len);
  std::size_t used = 0;
  for (std::uint32_t i = 0; i < record->nodes.len; ++i) {
    if (nodes[i].type != SPK_STR) continue;
    std::memcpy(text + used, body.data() + nodes[i].u.off, nodes[i].len);
    nodes[i].u.off = record->nodes.len * sizeof(spk_node) + used;
    used += nodes[i].len;
  }
  const std::size_t size = record->nodes.len * sizeof(spk_node) + used;
  char out[200];
  const std::size_t length = spk_json_write(nodes.data(), size, out, sizeof out);
  EXPECT_EQ(std::string(out), "{\"a\":[1,2.5,\"x\u00fc\"],\"b\":null,\"c\":18446744073709551615}");
  EXPECT_EQ(length, std::strlen(out));
  EXPECT_EQ(spk_json_write(nodes.data(), size, nullptr, 0), length);
  EXPECT_EQ(spk_json_write(nodes.data(), sizeof(spk_node), out, sizeof out), 0U) << "malformed";
  spk_record_free(record);
  EXPECT_EQ(spk_json_read("[1,", 3, &record), -SPK_E_CONFIG);
  EXPECT_EQ(record, nullptr);
  EXPECT_NE(error_text(), "");
  spk_record_free(nullptr);
}

}  // namespace
