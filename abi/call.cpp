#include "call.hpp"

#include "port.hpp"

namespace spikard::abi {

Call::Call(Port& port, std::shared_ptr<bool> alive, net::Loop& port_loop, net::Loop& service, std::uint64_t id,
           std::uint64_t user)
    : port_(port),
      alive_(std::move(alive)),
      port_loop_(port_loop.mailbox()),
      service_(service),
      id_(id),
      user_(user),
      changed_(service),
      credit_(Port::stream_credit) {}

template <class F>
void Call::to_port(F fn) {
  port_loop_->post([&port = port_, alive = alive_, id = id_, fn = std::move(fn)]() mutable {
    if (*alive) fn(port, id);
  });
}

void Call::run(net::OperationTarget& target, Operation operation, Document args, telemetry::SpanContext trace, bool streamed) {
  Task<Result<Document>> task =
      target.call(net::Caller(service_, std::move(trace)), operation, std::move(args), streamed ? this : nullptr)
          .with_token(cancel_.token());
  spawn(std::move(task), [self = shared_from_this()](const std::exception_ptr& thrown, std::optional<Result<Document>> result) {
    if (thrown) {
      std::string what = "unknown exception";
      try {
        std::rethrow_exception(thrown);
      } catch (const std::exception& e) {
        what = e.what();
      } catch (...) {
      }
      result.emplace(internal_error(std::move(what)));
    }
    self->to_port([result = std::move(*result)](Port& port, std::uint64_t id) mutable { port.call_done(id, std::move(result)); });
  });
}

void Call::input(std::string chunk, bool last) {
  if (!chunk.empty()) input_.push_back(std::move(chunk));
  last_ = last_ || last;
  changed_.set();
}

void Call::give_up() {
  gave_up_ = true;
  changed_.set();
}

void Call::credit(std::uint64_t bytes) {
  credit_ += static_cast<std::int64_t>(bytes);
  changed_.set();
}

Task<Result<void>> Call::write(std::string chunk) {
  while (credit_ <= 0) {
    changed_.reset();
    Result<void> waited = co_await changed_.wait();
    if (!waited.ok()) co_return std::move(waited).error();
  }
  credit_ -= static_cast<std::int64_t>(chunk.size());
  to_port([chunk = std::move(chunk)](Port& port, std::uint64_t id) { port.call_chunk(id, chunk); });
  co_return Result<void>();
}

Task<Result<std::optional<std::string>>> Call::read() {
  using R = Result<std::optional<std::string>>;
  while (input_.empty()) {
    if (gave_up_) co_return R(Error(ErrorKind::cancelled, "the writer gave up before the end").with_detail("aborted"));
    if (last_) co_return R(std::optional<std::string>());
    changed_.reset();
    Result<void> waited = co_await changed_.wait();
    if (!waited.ok()) co_return R(std::move(waited).error());
  }
  std::optional<std::string> chunk(std::move(input_.front()));
  input_.pop_front();
  to_port([n = chunk->size()](Port& port, std::uint64_t id) { port.call_credit(id, n); });
  co_return R(std::move(chunk));
}

}  // namespace spikard::abi
