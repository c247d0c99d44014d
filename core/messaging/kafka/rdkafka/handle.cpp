#include "messaging/kafka/rdkafka/handle.hpp"

#include <array>

#include "net/kafka/error.hpp"

namespace spikard::messaging::kafka::rd {
namespace {

constexpr int ask_ms = 100;
constexpr std::size_t errors = 512;  // bytes, as librdkafka advises

struct FreeConf {
  void operator()(rd_kafka_conf_t* conf) const noexcept { rd_kafka_conf_destroy(conf); }
};
using Conf = std::unique_ptr<rd_kafka_conf_t, FreeConf>;

std::string_view mechanism_of(net::kafka::SaslMechanism sasl) {
  switch (sasl) {
    case net::kafka::SaslMechanism::plain: return "PLAIN";
    case net::kafka::SaslMechanism::scram_sha_256: return "SCRAM-SHA-256";
    case net::kafka::SaslMechanism::scram_sha_512: return "SCRAM-SHA-512";
    case net::kafka::SaslMechanism::none: break;
  }
  return {};
}

}  // namespace

Config connection_config(const Settings& settings) {
  const net::kafka::ConnectionOptions& connection = *settings.cluster->connection;
  std::string brokers;
  for (const auto& [host, port] : settings.cluster->bootstrap) {
    brokers.append(brokers.empty() ? "" : ",");
    brokers.append(host.find(':') == std::string::npos ? host : "[" + host + "]").append(":").append(std::to_string(port));
  }
  Config out{{"bootstrap.servers", std::move(brokers)}, {"client.id", connection.client_id}};
  const bool sasl = connection.sasl != net::kafka::SaslMechanism::none;
  out.emplace_back("security.protocol", settings.tls ? (sasl ? "sasl_ssl" : "ssl") : (sasl ? "sasl_plaintext" : "plaintext"));
  if (sasl) {
    out.emplace_back("sasl.mechanism", mechanism_of(connection.sasl));
    out.emplace_back("sasl.username", connection.user);
    out.emplace_back("sasl.password", connection.password);
  }
  if (settings.tls) {
    if (!settings.ca.empty()) out.emplace_back("ssl.ca.location", settings.ca);
    out.emplace_back("enable.ssl.certificate.verification", settings.verify ? "true" : "false");
  }
  // As soon as our own client is there again.
  out.emplace_back("reconnect.backoff.ms", "50");
  out.emplace_back("reconnect.backoff.max.ms", "1000");
  return out;
}

Error error_of(rd_kafka_resp_err_t code, std::string_view what, bool sent) {
  if (code > 0) return net::kafka::broker_error(static_cast<std::int16_t>(code), what);
  ErrorKind kind = ErrorKind::unavailable;
  RetryClass retry = RetryClass::temporary;
  switch (code) {
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
      kind = ErrorKind::permission_denied;
      retry = RetryClass::permanent;
      break;
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION: kind = ErrorKind::not_found; break;
    case RD_KAFKA_RESP_ERR__FATAL:
    case RD_KAFKA_RESP_ERR__INVALID_ARG:
      kind = ErrorKind::internal;
      retry = RetryClass::permanent;
      break;
    default: break;
  }
  if (sent) kind = ErrorKind::outcome_unknown;
  return Error(kind, std::string(what) + ": " + rd_kafka_err2str(code)).with_retry(retry).with_operation("messaging.rdkafka");
}

Result<std::unique_ptr<Handle>> Handle::open(rd_kafka_type_t type, const Config& config, int events, OnEvent on_event) {
  std::array<char, errors> why{};
  Conf conf(rd_kafka_conf_new());
  for (const auto& [name, value] : config) {
    // What it says of a value may repeat it.
    if (rd_kafka_conf_set(conf.get(), name.c_str(), value.c_str(), why.data(), why.size()) != RD_KAFKA_CONF_OK)
      return invalid_argument("url: librdkafka refuses " + name);
  }
  rd_kafka_conf_set_events(conf.get(), events | RD_KAFKA_EVENT_ERROR);
  rd_kafka_conf_set_log_cb(conf.get(), [](const rd_kafka_t*, int, const char*, const char*) {});  // what matters comes as events
  std::unique_ptr<Handle> out(new Handle);
  out->rd_ = rd_kafka_new(type, conf.get(), why.data(), why.size());
  if (out->rd_ == nullptr) return Error(ErrorKind::invalid_argument, "url: " + std::string(why.data()));
  (void)conf.release();  // it belongs to the client now
  if (type == RD_KAFKA_CONSUMER) rd_kafka_poll_set_consumer(out->rd_);
  out->queue_ = type == RD_KAFKA_CONSUMER ? rd_kafka_queue_get_consumer(out->rd_) : rd_kafka_queue_get_main(out->rd_);
  out->on_event_ = std::move(on_event);
  out->thread_ = std::thread([handle = out.get()] { handle->run(); });
  return out;
}

Handle::~Handle() {
  if (rd_ == nullptr) return;
  {
    const std::lock_guard lock(mutex_);
    ending_.store(true);
    changed_.notify_one();
  }
  rd_kafka_queue_yield(queue_);
  if (thread_.joinable()) thread_.join();
  rd_kafka_queue_destroy(queue_);
  rd_kafka_destroy_flags(rd_, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

void Handle::post(Job job) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
    changed_.notify_one();
  }
  rd_kafka_queue_yield(queue_);
}

void Handle::hold(bool on) {
  if (held_.exchange(on) == on || on) return;
  const std::lock_guard lock(mutex_);
  changed_.notify_one();
}

std::vector<Handle::Job> Handle::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(jobs_, {});
}

void Handle::run() {
  while (!ending_.load()) {
    for (Job& job : take()) job(rd_);
    if (held_.load()) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return !held_.load() || !jobs_.empty() || ending_.load(); });
      continue;
    }
    rd_kafka_event_t* event = rd_kafka_queue_poll(queue_, ask_ms);
    if (event == nullptr) continue;
    on_event_(rd_, event);
    rd_kafka_event_destroy(event);
  }
}

}  // namespace spikard::messaging::kafka::rd
