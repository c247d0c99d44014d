#pragma once

#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/function.hpp"
#include "net/tls.hpp"
#include "net/transport.hpp"

namespace spikard::net::test {

/// A gRPC server of scripted answers on a real socket, by nghttp2.
struct GrpcServer {
  using Fields = std::vector<std::pair<std::string, std::string>>;
  struct Request {
    Fields headers;
    std::string body;  // with its prefix
    [[nodiscard]] std::string header(const std::string& name) const {
      for (const auto& [key, value] : headers) {
        if (key == name) return value;
      }
      return {};
    }
  };
  enum class Then { stay, go_away, reset_stream, cut, silent };
  struct Reply {
    Fields head = {{":status", "200"}, {"content-type", "application/grpc"}};
    std::string body = framed({});
    Fields trailers = {{"grpc-status", "0"}};  // empty: the head ends the stream
    Then then = Then::stay;
  };
  static std::string framed(const std::string& message) {
    std::string out(1, '\0');
    for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(message.size() >> static_cast<unsigned>(shift)));
    return out + message;
  }
  static Reply refusal(std::string code, std::string text, Fields more = {}) {
    Reply out;
    out.head.insert(out.head.end(), {{"grpc-status", std::move(code)}, {"grpc-message", std::move(text)}});
    out.head.insert(out.head.end(), more.begin(), more.end());
    out.body.clear();
    out.trailers.clear();
    return out;
  }

  explicit GrpcServer(Loop& of, std::shared_ptr<TlsContext> tls = nullptr) : loop(of) {
    auto reserved = ReservedAddress::reserve({});
    address = reserved->address();
    std::unique_ptr<Listener> made = reserved->listen().value();
    if (tls != nullptr) made = tls_listener(std::move(made), std::move(tls));
    listener = std::move(made);
    EXPECT_TRUE(listener
                    ->start(loop,
                            [this](std::unique_ptr<Transport> t) {
                              ++accepted;
                              auto one = std::make_unique<One>(*this, std::move(t));
                              if (!one->transport->start(one.get()).ok()) return;
                              if (eager) one->on_io(0);
                              connections.push_back(std::move(one));
                            })
                    .ok());
  }

  struct Stream {
    Request request;
    Reply reply;
    std::size_t sent = 0;
  };
  struct One final : IoHandler {
    One(GrpcServer& of, std::unique_ptr<Transport> t) : server(of), transport(std::move(t)) {
      ::nghttp2_session_callbacks* callbacks = nullptr;
      ::nghttp2_session_callbacks_new(&callbacks);
      ::nghttp2_session_callbacks_set_on_header_callback(
          callbacks, [](::nghttp2_session*, const ::nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                        const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* self) {
            static_cast<One*>(self)->streams[frame->hd.stream_id].request.headers.emplace_back(
                std::string(reinterpret_cast<const char*>(name), name_size),
                std::string(reinterpret_cast<const char*>(value), value_size));
            return 0;
          });
      ::nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
          callbacks,
          [](::nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* data, std::size_t size, void* self) {
            static_cast<One*>(self)->streams[id].request.body.append(reinterpret_cast<const char*>(data), size);
            return 0;
          });
      ::nghttp2_session_callbacks_set_on_frame_recv_callback(
          callbacks, [](::nghttp2_session*, const ::nghttp2_frame* frame, void* self) {
            const bool ends = (frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS) &&
                              (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
            if (ends) static_cast<One*>(self)->answer(frame->hd.stream_id);
            if (frame->hd.type == NGHTTP2_RST_STREAM) ++static_cast<One*>(self)->server.resets;
            return 0;
          });
      ::nghttp2_session_server_new(&session, callbacks, this);
      ::nghttp2_session_callbacks_del(callbacks);
      ::nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, nullptr, 0);
    }
    ~One() { ::nghttp2_session_del(session); }

    static std::vector<::nghttp2_nv> list(Fields& fields) {
      std::vector<::nghttp2_nv> out;
      for (auto& [name, value] : fields) {
        out.push_back({reinterpret_cast<std::uint8_t*>(name.data()), reinterpret_cast<std::uint8_t*>(value.data()), name.size(),
                       value.size(), NGHTTP2_NV_FLAG_NONE});
      }
      return out;
    }
    void answer(std::int32_t id) {
      Stream& stream = streams[id];
      server.requests.push_back(stream.request);
      if (server.answers.empty()) return;
      stream.reply = std::move(server.answers.front());
      server.answers.erase(server.answers.begin());
      if (stream.reply.then == Then::silent) return;
      if (stream.reply.then == Then::cut) {
        cut = true;
        return;
      }
      if (stream.reply.then == Then::reset_stream) {
        ::nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_REFUSED_STREAM);
        return;
      }
      auto head = list(stream.reply.head);
      ::nghttp2_data_provider body{};
      body.source.ptr = &stream;
      body.read_callback = [](::nghttp2_session* of, std::int32_t number, std::uint8_t* into, std::size_t room,
                              std::uint32_t* flags, ::nghttp2_data_source* source, void*) -> ::ssize_t {
        auto& s = *static_cast<Stream*>(source->ptr);
        const std::size_t size = std::min(room, s.reply.body.size() - s.sent);
        std::memcpy(into, s.reply.body.data() + s.sent, size);
        s.sent += size;
        if (s.sent == s.reply.body.size()) {
          *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
          auto trailers = list(s.reply.trailers);
          ::nghttp2_submit_trailer(of, number, trailers.data(), trailers.size());
        }
        return static_cast<::ssize_t>(size);
      };
      ::nghttp2_submit_response(session, id, head.data(), head.size(), stream.reply.trailers.empty() ? nullptr : &body);
      if (stream.reply.then == Then::go_away)
        ::nghttp2_submit_goaway(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_NO_ERROR, nullptr, 0);
    }
    void on_io(std::uint32_t) override {
      char buffer[4096];
      for (;;) {
        const IoResult got = transport->read(buffer, sizeof buffer);
        if (got.status == IoStatus::eof || got.status == IoStatus::error) return transport->close();
        if (got.status != IoStatus::ok) break;
        if (::nghttp2_session_mem_recv(session, reinterpret_cast<std::uint8_t*>(buffer), got.bytes) < 0)
          return transport->close();
        if (got.bytes < sizeof buffer) break;
      }
      if (cut) return transport->close(true);
      const std::uint8_t* bytes = nullptr;
      for (::ssize_t size = 0; (size = ::nghttp2_session_mem_send(session, &bytes)) > 0;)
        out.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
      while (!out.empty()) {
        const ::iovec part{out.data(), out.size()};
        const IoResult put = transport->write(&part, 1);
        if (put.status != IoStatus::ok) return;
        out.erase(0, put.bytes);
      }
    }

    GrpcServer& server;
    std::unique_ptr<Transport> transport;
    ::nghttp2_session* session = nullptr;
    std::map<std::int32_t, Stream> streams;
    std::string out;
    bool cut = false;
  };

  Loop& loop;
  std::string address;
  std::unique_ptr<Listener> listener;
  std::vector<std::unique_ptr<One>> connections;
  std::vector<Reply> answers;
  std::vector<Request> requests;
  int accepted = 0;
  int resets = 0;
  bool eager = false;  // its SETTINGS go out before the client has said anything
};

}  // namespace spikard::net::test
