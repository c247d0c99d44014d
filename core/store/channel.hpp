#pragma once

#include <coroutine>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/loop/loop.hpp"
#include "net/transport.hpp"
#include "net/virtual_clock.hpp"
#include "store/receive_buffer.hpp"

namespace spikard::store {

/// The bytes of one session with a server, on one loop: what is still to be sent, what came, and the one task that waits for it.
/// The connection of a protocol derives from it.
class Channel : private net::IoHandler {
 public:
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  [[nodiscard]] net::Loop& loop() noexcept { return loop_; }
  /// Of no use any more.
  [[nodiscard]] bool broken() const noexcept { return broken_; }
  /// Bytes that were written and not sent.
  [[nodiscard]] std::size_t unsent() const noexcept { return out_.size(); }

 protected:
  /// `in` outlives it.
  Channel(net::Loop& loop, std::unique_ptr<net::Transport> transport, ReceiveBuffer& in) noexcept
      : loop_(loop), transport_(std::move(transport)), in_(in) {}
  virtual ~Channel() { wake_.stop(); }

  [[nodiscard]] Result<void> start() { return transport_->start(this); }
  /// Sends and receives what it can now. True: something came, or it is broken.
  bool pump();
  /// Of no use from now on; who waits goes on in the next turn.
  void breaks(bool reset) noexcept;

  /// The stream ended or failed; calls `breaks`.
  virtual void on_lost(std::string_view why) = 0;
  /// Something may have come, or the end, while nobody waits. May destroy it.
  virtual void on_unasked() = 0;

  /// Awaited: until something was received, or it broke.
  class Fill {
   public:
    explicit Fill(Channel& of) noexcept : channel_(of) {}
    Fill(const Fill&) = delete;
    Fill& operator=(const Fill&) = delete;
    ~Fill() { channel_.waiting_ = {}; }
    [[nodiscard]] bool await_ready() { return channel_.pump(); }
    void await_suspend(std::coroutine_handle<> waiting) {
      // The server's time is real: a virtual clock waits for it.
      busy_.emplace(channel_.loop_.clock());
      channel_.waiting_ = waiting;
    }
    void await_resume() noexcept { busy_.reset(); }

   private:
    Channel& channel_;
    std::optional<net::Busy> busy_;
  };

  net::Loop& loop_;
  std::unique_ptr<net::Transport> transport_;
  std::string out_;
  std::size_t sent_ = 0;
  bool broken_ = false;

 private:
  /// Goes on with who waits, in the next turn.
  struct Wake final : net::Deferred {
    explicit Wake(Channel& of) noexcept : owner(of) {}
    void tell() { owner.loop_.defer(*this); }
    void stop() noexcept { cancel_deferred(); }
    void on_deferred() override { owner.resume(); }
    Channel& owner;
  };
  void on_io(std::uint32_t events) override;
  void resume() noexcept;

  ReceiveBuffer& in_;
  std::coroutine_handle<> waiting_;
  Wake wake_{*this};
  bool drained_ = false;
};

}  // namespace spikard::store
