#include "messaging/kafka/rdkafka/rdkafka.hpp"

#include "messaging/kafka/kafka.hpp"
#include "messaging/kafka/rdkafka/member.hpp"
#include "messaging/kafka/rdkafka/sender.hpp"
#include "messaging/registry.hpp"

namespace spikard::messaging::kafka {
namespace {

class RdTransport final : public Transport {
 public:
  explicit RdTransport(const Settings& settings)
      : connection_(rd::connection_config(settings)), producer_(rd::make_producer(settings)) {}
  std::shared_ptr<Sender> sender(std::shared_ptr<net::kafka::Cluster> cluster) override {
    return rd::make_sender(producer_, std::move(cluster));
  }
  std::shared_ptr<Member> member(std::shared_ptr<net::kafka::Cluster> cluster, net::kafka::GroupOptions options,
                                 net::kafka::GroupListener& listener, net::kafka::FetchTarget& target) override {
    return rd::make_member(cluster->loop(), connection_, std::move(options), listener, target);
  }

 private:
  const rd::Config connection_;
  const std::shared_ptr<rd::Producer> producer_;
};

}  // namespace

std::shared_ptr<Transport> rdkafka_transport(const Settings& settings) { return std::make_shared<RdTransport>(settings); }

void register_rdkafka(Registry& registry) {
  for (const char* scheme : {"kafka+rdkafka", "kafkas+rdkafka"}) {
    registry.add(scheme, [](const services::MessagingConfig& config, const Environment& environment) {
      using Opened = Result<std::shared_ptr<Backend>>;
      Result<Settings> settings = Settings::parse(config.url);
      if (!settings.ok()) return Opened(std::move(settings).error());
      std::shared_ptr<Transport> transport = rdkafka_transport(*settings);
      return Opened(std::make_shared<KafkaBackend>(*environment.clock, std::move(settings).value(), std::move(transport)));
    });
  }
}

}  // namespace spikard::messaging::kafka
