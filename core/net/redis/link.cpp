#include "net/redis/link.hpp"

#include <algorithm>
#include <charconv>
#include <set>

#include "net/redis/error.hpp"

namespace spikard::net::redis::detail {
namespace {

using Made = Result<std::shared_ptr<Connection>>;

Error error(ErrorKind kind, std::string message) { return Error(kind, std::move(message)).with_operation("net.redis"); }
Error is_closed() { return error(ErrorKind::unavailable, "the client is closed"); }

class Keep final : public Sink {
 public:
  void take(View reply) override { reply_ = Reply(reply); }
  [[nodiscard]] Reply& reply() noexcept { return reply_; }

 private:
  Reply reply_;
};

struct Count {
  explicit Count(std::size_t& of) noexcept : count(of) { ++count; }
  ~Count() { --count; }
  Count(const Count&) = delete;
  Count& operator=(const Count&) = delete;
  std::size_t& count;
};

}  // namespace

Task<Result<Reply>> ask(std::shared_ptr<Connection> connection, const Command& command, Duration timeout) {
  Keep keep;
  CancelToken token = co_await current_token();
  Exchange exchange(std::move(connection), command.bytes(), 1, timeout, keep, std::move(token));
  Exchange::Outcome outcome = co_await exchange;
  if (outcome.end == Exchange::Outcome::End::cancelled) co_return Result<Reply>(error(ErrorKind::cancelled, "cancelled"));
  if (outcome.why) co_return Result<Reply>(*std::move(outcome.why));
  if (keep.reply().kind() == Kind::error) co_return Result<Reply>(error_of(keep.reply().text()).with_operation("net.redis"));
  co_return Result<Reply>(std::move(keep.reply()));
}

// ---- sentinels --------------------------------------------------------------------------------------------------------------

Task<Result<Endpoint>> Sentinels::master() {
  std::optional<Error> first;
  for (std::size_t n = 0; n < known_.size(); ++n) {
    const Endpoint sentinel = known_[n];
    Made made = co_await Connection::open(dialer_, sentinel, Use::sentinel);
    if (!made.ok()) {
      if (made.error().kind() == ErrorKind::cancelled) co_return Result<Endpoint>(std::move(made).error());
      if (!first) first = std::move(made).error();
      continue;
    }
    const std::shared_ptr<Connection> connection = std::move(*made);
    Command who("SENTINEL");
    who.arg("GET-MASTER-ADDR-BY-NAME").arg(dialer_->options.master);
    Result<Reply> reply = co_await ask(connection, who, dialer_->options.connect_timeout);
    connection->close(is_closed());
    if (!reply.ok()) {
      if (!first) first = std::move(reply).error();
      continue;
    }
    const View answer = reply->view();
    if (answer.kind() != Kind::array || answer.size() != 2 || !answer[1].integer()) {
      if (!first) first = error(ErrorKind::unavailable, "the sentinels know no master `" + dialer_->options.master + "`");
      continue;
    }
    std::rotate(known_.begin(), known_.begin() + static_cast<std::ptrdiff_t>(n), known_.end());
    co_return Result<Endpoint>(Endpoint(std::string(answer[0].text()), static_cast<std::uint16_t>(*answer[1].integer())));
  }
  co_return Result<Endpoint>(*std::move(first));
}

// ---- one server -------------------------------------------------------------------------------------------------------------

Link::Link(std::shared_ptr<Dialer> dialer, Endpoint endpoint, Use use)
    : dialer_(std::move(dialer)),
      endpoint_(std::move(endpoint)),
      use_(use),
      changed_(dialer_->loop),
      random_(std::random_device()()) {}

Link::Link(std::shared_ptr<Dialer> dialer) : Link(std::move(dialer), Endpoint(), Use::commands) { sentinels_.emplace(dialer_); }

Duration Link::pause() {
  const Options& options = dialer_->options;
  backoff_ = backoff_ == Duration::zero() ? options.backoff_min : std::min(backoff_ * 2, options.backoff_max);
  return backoff_ / 2 + std::chrono::microseconds(std::uniform_int_distribution<std::int64_t>(
                            0, std::chrono::duration_cast<std::chrono::microseconds>(backoff_ / 2).count())(random_));
}

Task<Made> Link::attempt(Use use) {
  Endpoint to = endpoint_;
  if (sentinels_) {
    Result<Endpoint> master = co_await sentinels_->master();
    if (!master.ok()) co_return Made(std::move(master).error());
    to = std::move(*master);
  }
  Made made = co_await Connection::open(dialer_, to, use);
  if (!made.ok() || !sentinels_) co_return made;
  Command role("ROLE");
  Result<Reply> reply = co_await ask(*made, role, dialer_->options.connect_timeout);
  if (reply.ok() && reply->view().size() > 0 && reply->view()[0].text() == "master") co_return made;
  Error why = reply.ok() ? error(ErrorKind::unavailable, to.text() + " is not (yet) the master") : std::move(reply).error();
  (*made)->close(why);
  co_return Made(std::move(why));
}

Task<void> Link::connect(std::shared_ptr<Link> self) {
  Link& link = *self;
  Loop& loop = link.dialer_->loop;
  while (!link.closed_) {
    if (const Duration wait = link.not_before_ - loop.now(); wait > Duration::zero()) {
      const Result<void> slept = co_await sleep(loop, wait);
      if (!slept.ok()) break;
    }
    Made made = co_await link.attempt(link.use_);
    ++link.attempts_;
    if (link.closed_) {
      if (made.ok()) (*made)->close(is_closed());
      break;
    }
    if (made.ok()) {
      link.connection_ = std::move(*made);
      link.failed_.reset();
      link.backoff_ = Duration::zero();
      link.not_before_ = loop.now() + link.dialer_->options.backoff_min;  // of the next one, if it is lost at once
      break;
    }
    const bool hopeless = made.error().retry() == RetryClass::permanent;
    link.failed_ = std::move(made).error();
    link.not_before_ = loop.now() + link.pause();
    if (hopeless || link.wanted_ == 0) break;
    link.changed_.set();
  }
  link.connecting_ = false;
  link.changed_.set();
}

Task<Made> Link::get(Instant until) {
  const std::shared_ptr<Link> self = shared_from_this();
  const std::uint64_t before = attempts_;
  const Count wants(wanted_);
  for (;;) {
    if (closed_) co_return Made(is_closed());
    if (auto there = now()) co_return Made(std::move(there));
    if (failed_ && attempts_ != before && failed_->retry() == RetryClass::permanent) co_return Made(*failed_);
    if (!connecting_) {
      connecting_ = true;
      spawn(connect(self).with_token(ends_.token()), [](const std::exception_ptr&) {});
      if (now() != nullptr) continue;
    }
    const Instant present = dialer_->loop.now();
    if (present >= until) {
      if (failed_) co_return Made(*failed_);
      co_return Made(error(ErrorKind::unavailable, "no connection to " + endpoint_.text() + " in time"));
    }
    changed_.reset();
    Task<Result<void>> waiting = changed_.wait();
    Result<void> waited = co_await with_deadline(dialer_->loop, until - present, std::move(waiting));
    if (!waited.ok() && waited.error().kind() == ErrorKind::cancelled) co_return Made(std::move(waited).error());
  }
}

Task<Made> Link::another(Use use) {
  const std::shared_ptr<Link> self = shared_from_this();
  if (closed_) co_return Made(is_closed());
  Made made = co_await attempt(use);
  if (made.ok() && closed_) {
    (*made)->close(is_closed());
    co_return Made(is_closed());
  }
  co_return made;
}

void Link::give_up(const Error& why) {
  if (connection_ != nullptr) std::exchange(connection_, nullptr)->close(why);
}

void Link::close() {
  if (closed_) return;
  closed_ = true;
  const std::shared_ptr<Link> self = shared_from_this();
  ends_.cancel();
  if (connection_ != nullptr) connection_->close(is_closed());
  changed_.set();
}

// ---- a cluster --------------------------------------------------------------------------------------------------------------

Cluster::Cluster(std::shared_ptr<Dialer> dialer) : dialer_(std::move(dialer)), learned_(dialer_->loop) {
  for (const Endpoint& endpoint : dialer_->options.endpoints) (void)link_to(endpoint);
}

std::shared_ptr<Link> Cluster::link_to(const Endpoint& endpoint) {
  std::shared_ptr<Link>& link = links_[endpoint.text()];
  if (link == nullptr) link = std::make_shared<Link>(dialer_, endpoint, Use::redirected);
  return link;
}

std::shared_ptr<Link> Cluster::link_of(std::optional<std::string_view> key) {
  if (doubtful_) return nullptr;
  if (key) return slots_[slot_of(*key)];
  // Any that has slots, in turns.
  for (std::size_t n = 0; n < slots_.size(); n += 512) {
    turn_ = (turn_ + 4099) % slots_.size();
    if (slots_[turn_] != nullptr) return slots_[turn_];
  }
  return nullptr;
}

void Cluster::moved(std::uint16_t slot, const Endpoint& to) {
  slots_[slot] = link_to(to);
  doubtful_ = true;
}

Task<Result<void>> Cluster::ask_one(std::shared_ptr<Link> link, Instant until) {
  Made connection = co_await link->get(until);
  if (!connection.ok()) co_return Result<void>(std::move(connection).error());
  Command slots("CLUSTER");
  slots.arg("SLOTS");
  Result<Reply> reply =
      co_await ask(*connection, slots, std::max<Duration>(until - dialer_->loop.now(), std::chrono::milliseconds(1)));
  if (!reply.ok()) co_return Result<void>(std::move(reply).error());
  if (!take_map(reply->view(), (*connection)->endpoint()))
    co_return Result<void>(error(ErrorKind::unavailable, "the cluster does not say who has its slots"));
  co_return Result<void>();
}

bool Cluster::take_map(View reply, const Endpoint& from) {
  if (reply.kind() != Kind::array) return false;
  std::array<std::shared_ptr<Link>, 16384> slots;
  std::set<std::string> used;
  bool any = false;
  for (const View range : reply) {
    if (range.size() < 3 || range[2].size() < 2) return false;
    const auto first = range[0].integer();
    const auto last = range[1].integer();
    const auto port = range[2][1].integer();
    if (!first || !last || !port || *first < 0 || *last >= 16384 || *first > *last || *port < 1 || *port > 65535) return false;
    Endpoint node(std::string(range[2][0].text()), static_cast<std::uint16_t>(*port));
    if (node.host.empty()) node.host = from.host;
    const std::shared_ptr<Link> link = link_to(node);
    used.insert(node.text());
    for (auto n = *first; n <= *last; ++n) slots[static_cast<std::size_t>(n)] = link;
    any = true;
  }
  if (!any) return false;
  slots_ = std::move(slots);
  for (const Endpoint& seed : dialer_->options.endpoints) used.insert(seed.text());
  doubtful_ = false;
  std::vector<std::shared_ptr<Link>> gone;
  std::erase_if(links_, [&](const auto& entry) {
    if (used.contains(entry.first)) return false;
    gone.push_back(entry.second);
    return true;
  });
  for (const auto& link : gone) link->retire();
  return true;
}

Task<Result<void>> Cluster::learn(Instant until) {
  const std::shared_ptr<Cluster> self = shared_from_this();
  while (learning_) {
    learned_.reset();
    Task<Result<void>> waiting = learned_.wait();
    Result<void> waited =
        co_await with_deadline(dialer_->loop, std::max<Duration>(until - dialer_->loop.now(), Duration(1)), std::move(waiting));
    if (!waited.ok()) co_return waited;
    if (!doubtful_) co_return Result<void>();
  }
  learning_ = true;
  struct Done {
    ~Done() {
      cluster->learning_ = false;
      cluster->learned_.set();
    }
    std::shared_ptr<Cluster> cluster;
  };
  const Done done{self};
  std::vector<std::shared_ptr<Link>> links;
  for (const auto& [name, link] : links_) links.push_back(link);
  // Those that are there first.
  std::partition(links.begin(), links.end(), [](const auto& link) { return link->now() != nullptr; });
  Result<void> last = error(ErrorKind::unavailable, "no node of the cluster can be reached");
  for (const std::shared_ptr<Link>& link : links) {
    if (closed_) co_return Result<void>(is_closed());
    const Instant now = dialer_->loop.now();
    const Duration share = std::max<Duration>((until - now) / 2, std::chrono::milliseconds(100));
    last = co_await ask_one(link, now + share);
    if (last.ok() || last.error().kind() == ErrorKind::cancelled) co_return last;
    if (last.error().retry() == RetryClass::permanent) co_return last;
  }
  co_return last;
}

void Cluster::close() {
  closed_ = true;
  const auto links = links_;
  for (const auto& [name, link] : links) link->close();
  for (const auto& link : slots_) {
    if (link != nullptr) link->close();
  }
}

std::optional<Redirection> redirection_of(std::string_view text, const Endpoint& from) {
  Redirection out;
  if (text.starts_with("ASK ")) out.ask = true;
  else if (!text.starts_with("MOVED ")) return std::nullopt;
  text.remove_prefix(text.find(' ') + 1);
  unsigned slot = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), slot);
  if (failed != std::errc() || slot >= 16384 || end == text.data() + text.size() || *end != ' ') return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
  const auto colon = text.rfind(':');
  if (colon == text.npos) return std::nullopt;
  unsigned port = 0;
  const std::string_view digits = text.substr(colon + 1);
  const auto [stop, bad] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (bad != std::errc() || stop != digits.data() + digits.size() || port == 0 || port > 65535) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  out.slot = static_cast<std::uint16_t>(slot);
  out.to = Endpoint(host.empty() ? from.host : std::string(host), static_cast<std::uint16_t>(port));
  return out;
}

}  // namespace spikard::net::redis::detail
