// Which backends this build has. One line each.
#include "messaging/registry.hpp"

#ifdef SPIKARD_MESSAGING_AMQP
#include "messaging/amqp/amqp.hpp"
#endif
#ifdef SPIKARD_MESSAGING_KAFKA
#include "messaging/kafka/kafka.hpp"
#endif
#ifdef SPIKARD_MESSAGING_MEMORY
#include "messaging/memory/memory.hpp"
#endif
#ifdef SPIKARD_MESSAGING_NATS
#include "messaging/nats/nats.hpp"
#endif
#ifdef SPIKARD_MESSAGING_RDKAFKA
#include "messaging/kafka/rdkafka/rdkafka.hpp"
#endif
#ifdef SPIKARD_MESSAGING_REDIS
#include "messaging/redis/redis.hpp"
#endif
#ifdef SPIKARD_MESSAGING_SQLITE
#include "messaging/sqlite/sqlite.hpp"
#endif
#ifdef SPIKARD_MESSAGING_MQTT
#include "messaging/mqtt/mqtt.hpp"
#endif

namespace spikard::messaging {

void register_builtin_backends(Registry& registry) {
  (void)registry;
#ifdef SPIKARD_MESSAGING_MEMORY
  memory::register_memory(registry);
#endif
#ifdef SPIKARD_MESSAGING_NATS
  nats::register_nats(registry);
#endif
#ifdef SPIKARD_MESSAGING_AMQP
  amqp::register_amqp(registry);
#endif
#ifdef SPIKARD_MESSAGING_KAFKA
  kafka::register_kafka(registry);
#endif
#ifdef SPIKARD_MESSAGING_RDKAFKA
  kafka::register_rdkafka(registry);
#endif
#ifdef SPIKARD_MESSAGING_REDIS
  redis::register_redis(registry);
#endif
#ifdef SPIKARD_MESSAGING_SQLITE
  sqlite::register_sqlite(registry);
#endif
#ifdef SPIKARD_MESSAGING_MQTT
  mqtt::register_mqtt(registry);
#endif
}

}  // namespace spikard::messaging
