#include "telemetry/settings.hpp"

#include <gtest/gtest.h>

#include "telemetry/version.hpp"

namespace spikard::telemetry {
namespace {

using services::Environment;
using services::TelemetryConfig;

Settings read(const TelemetryConfig& config, const Environment& environment) {
  auto settings = settings_from(config, environment, "orders");
  EXPECT_TRUE(settings.ok()) << settings.error().message();
  return settings.ok() ? *std::move(settings) : Settings{};
}

std::string refused(const TelemetryConfig& config, const Environment& environment) {
  const auto settings = settings_from(config, environment, "orders");
  return settings.ok() ? "" : settings.error().message();
}

std::string text(const Settings& settings, std::string_view key) {
  const Value v = settings.resource.find(key);
  return v.is_string() ? std::string(v.text()) : "";
}

TEST(SettingsTest, OffByDefault) {
  const Settings settings = read({}, {});
  EXPECT_TRUE(settings.off());
  EXPECT_TRUE(read({}, {{"OTEL_TRACES_EXPORTER", "none"}, {"OTEL_SERVICE_NAME", "x"}}).off());
  EXPECT_TRUE(read({}, {{"OTEL_SDK_DISABLED", "TRUE"}, {"OTEL_TRACES_EXPORTER", "otlp"}}).off());
}

TEST(SettingsTest, AnEndpointTurnsItOn) {
  const Settings settings = read({}, {{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318/base/"}, {"OTEL_LOGS_EXPORTER", "none"}});
  EXPECT_EQ(settings.exporter, Settings::Exporter::otlp);
  EXPECT_EQ(settings.traces.url, "http://c:4318/base/v1/traces");
  EXPECT_TRUE(settings.traces.enabled && settings.metrics.enabled);
  EXPECT_FALSE(settings.logs.enabled);
  const Settings one = read({}, {{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t/x"}});
  EXPECT_EQ(one.traces.url, "http://t/x");
  EXPECT_FALSE(one.metrics.enabled);
  EXPECT_EQ(read({}, {{"OTEL_TRACES_EXPORTER", "otlp"}}).traces.url, "http://localhost:4318/v1/traces");
  EXPECT_EQ(read({}, {{"OTEL_METRICS_EXPORTER", "prometheus"}}).metrics_path, "/metrics");
}

TEST(SettingsTest, ConfigurationWinsOverTheEnvironment) {
  TelemetryConfig config;
  config.exporter = services::TelemetryExporter::memory;
  config.service_name = "svc";
  config.resource = {{"deployment.environment.name", "test"}};
  config.sampler = services::TelemetrySampler::always_off;
  config.export_timeout_ms = 5;
  const Settings settings = read(config, {{"OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=env,team=a%20b"},
                                          {"OTEL_SERVICE_NAME", "from-env"},
                                          {"OTEL_TRACES_EXPORTER", "none"},
                                          {"OTEL_TRACES_SAMPLER", "always_on"},
                                          {"OTEL_EXPORTER_OTLP_TIMEOUT", "7"}});
  EXPECT_EQ(settings.exporter, Settings::Exporter::memory);
  EXPECT_EQ(text(settings, "service.name"), "svc");
  EXPECT_EQ(text(settings, "deployment.environment.name"), "test");
  EXPECT_EQ(text(settings, "team"), "a b");
  EXPECT_EQ(settings.sampler.root, Sampler::Root::always_off);
  EXPECT_EQ(settings.traces.timeout, std::chrono::milliseconds(5));
  EXPECT_EQ(text(read({}, {{"OTEL_SERVICE_NAME", "from-env"}}), "service.name"), "from-env");
  EXPECT_EQ(text(read({}, {}), "service.name"), "orders");
}

TEST(SettingsTest, EveryVariableIsRead) {
  const Settings settings = read({}, {{"OTEL_EXPORTER_OTLP_ENDPOINT", "https://c"},
                                      {"OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%3Db, x=1"},
                                      {"OTEL_EXPORTER_OTLP_LOGS_HEADERS", "only=logs"},
                                      {"OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"},
                                      {"OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"},
                                      {"OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "123"},
                                      {"OTEL_EXPORTER_OTLP_CERTIFICATE", "/ca.pem"},
                                      {"OTEL_TRACES_SAMPLER", "parentbased_traceidratio"},
                                      {"OTEL_TRACES_SAMPLER_ARG", "0.25"},
                                      {"OTEL_BSP_SCHEDULE_DELAY", "10"},
                                      {"OTEL_BSP_MAX_QUEUE_SIZE", "100"},
                                      {"OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "7"},
                                      {"OTEL_METRIC_EXPORT_INTERVAL", "1000"},
                                      {"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "9"},
                                      {"OTEL_PROPAGATORS", "tracecontext,baggage"}});
  EXPECT_EQ(settings.traces.headers, (decltype(settings.traces.headers){{"api-key", "a=b"}, {"x", "1"}}));
  EXPECT_EQ(settings.logs.headers, (decltype(settings.logs.headers){{"only", "logs"}}));
  EXPECT_TRUE(settings.traces.protocol == Protocol::http_json && settings.metrics.gzip);
  EXPECT_EQ(settings.traces.timeout, std::chrono::milliseconds(123));
  EXPECT_EQ(settings.logs.timeout, std::chrono::seconds(10));
  EXPECT_EQ(settings.traces.certificate, "/ca.pem");
  EXPECT_TRUE(settings.sampler.parent_based);
  EXPECT_EQ(settings.sampler.ratio, 0.25);
  EXPECT_EQ(settings.span_batches.delay, std::chrono::milliseconds(10));
  EXPECT_EQ(settings.span_batches.queue, 100U);
  EXPECT_EQ(settings.span_batches.batch, 100U);
  EXPECT_EQ(settings.log_batches.batch, 7U);
  EXPECT_EQ(settings.metric_interval, std::chrono::seconds(1));
  EXPECT_EQ(settings.span_attributes, 9U);
}

TEST(SettingsTest, GrpcHasAPortOfItsOwnAndNoPath) {
  Settings settings = read({}, {{"OTEL_TRACES_EXPORTER", "otlp"}, {"OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"}});
  EXPECT_EQ(settings.traces.protocol, Protocol::grpc);
  EXPECT_EQ(settings.traces.url, "http://localhost:4317");
  settings = read({}, {{"OTEL_EXPORTER_OTLP_ENDPOINT", "https://c:4317/"}, {"OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "grpc"}});
  EXPECT_EQ(settings.logs.url, "https://c:4317");
  EXPECT_EQ(settings.traces.url, "https://c:4317/v1/traces");
  TelemetryConfig config;
  config.exporter = services::TelemetryExporter::otlp_grpc;
  EXPECT_EQ(read(config, {}).metrics.url, "http://localhost:4317");
}

TEST(SettingsTest, WrongOnesAreNamed) {
  const std::pair<const char*, const char*> wrong[] = {{"OTEL_SDK_DISABLED", "yes"},
                                                       {"OTEL_TRACES_EXPORTER", "zipkin"},
                                                       {"OTEL_METRICS_EXPORTER", "console"},
                                                       {"OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317"},
                                                       {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://"},
                                                       {"OTEL_EXPORTER_OTLP_PROTOCOL", "udp"},
                                                       {"OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "thrift"},
                                                       {"OTEL_EXPORTER_OTLP_COMPRESSION", "zstd"},
                                                       {"OTEL_EXPORTER_OTLP_HEADERS", "novalue"},
                                                       {"OTEL_EXPORTER_OTLP_TIMEOUT", "10s"},
                                                       {"OTEL_TRACES_SAMPLER", "sometimes"},
                                                       {"OTEL_RESOURCE_ATTRIBUTES", "a=1,b"},
                                                       {"OTEL_BSP_SCHEDULE_DELAY", "-1"},
                                                       {"OTEL_BSP_MAX_QUEUE_SIZE", "0"},
                                                       {"OTEL_PROPAGATORS", "b3"},
                                                       {"OTEL_METRIC_EXPORT_INTERVAL", "x"}};
  for (const auto& [name, value] : wrong) {
    const std::string message = refused({}, {{name, value}});
    EXPECT_TRUE(message.starts_with(std::string(name) + ": expected ")) << name << ": " << message;
  }
  EXPECT_NE(
      refused({}, {{"OTEL_TRACES_SAMPLER", "traceidratio"}, {"OTEL_TRACES_SAMPLER_ARG", "1.5"}}).find("OTEL_TRACES_SAMPLER_ARG"),
      std::string::npos);
  EXPECT_EQ(refused({}, {{"OTEL_EXPORTER_OTLP_HEADERS", "secret-without-equals"}}).find("secret"), std::string::npos);
  TelemetryConfig config;
  config.endpoint = "nowhere";
  EXPECT_TRUE(refused(config, {}).starts_with("telemetry.endpoint"));
  config = {};
  config.metrics_path = "metrics";
  EXPECT_TRUE(refused(config, {}).starts_with("telemetry.metrics_path"));
}

TEST(SettingsTest, VersionIsTheProjects) { EXPECT_EQ(version, SPIKARD_TEST_VERSION); }

}  // namespace
}  // namespace spikard::telemetry
