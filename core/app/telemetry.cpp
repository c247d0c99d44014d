#include "app/telemetry.hpp"

#include <future>

#include "telemetry/exposition.hpp"
#include "telemetry/settings.hpp"

namespace spikard::app {
namespace {

/// Nothing but the flush: what the others still end is exported after them.
class TelemetryComponent final : public Component {
 public:
  TelemetryComponent(std::shared_ptr<telemetry::otlp::OtlpExporter> exporter, net::Loop*& loop, Duration flush)
      : exporter_(std::move(exporter)), loop_(loop), flush_(flush) {}
  ~TelemetryComponent() override { exporter_->detach(); }

  [[nodiscard]] std::string_view name() const noexcept override { return "telemetry"; }
  [[nodiscard]] Result<void> start() override { return {}; }
  void stop_taking(Function<void()> done) override { done(); }
  void finish(Function<void()> idle) override { idle(); }
  void cancel() override {}
  void close(Function<void()> done) override {
    // A turn later: spans of what closes in this one come along.
    loop_->post([exporter = exporter_, flush = flush_, done = std::move(done)]() mutable {
      auto ended = std::make_shared<Function<void()>>(std::move(done));
      exporter->flush(flush, [exporter, ended](bool) {
        if (*ended) std::exchange(*ended, nullptr)();
      });
    });
  }
  [[nodiscard]] Counts counts() const override { return {}; }

 private:
  const std::shared_ptr<telemetry::otlp::OtlpExporter> exporter_;
  net::Loop*& loop_;
  const Duration flush_;
};

}  // namespace

Result<std::unique_ptr<Telemetry>> Telemetry::create(const services::Manifest& manifest, const services::Environment& environment,
                                                     const Clock& clock, log::Logger& logger) {
  std::unique_ptr<Telemetry> self(new Telemetry);
  auto settings = telemetry::settings_from(manifest.telemetry, environment, manifest.name);
  if (!settings.ok()) return std::move(settings).error();
  self->logger_ = telemetry::Logger(&logger, nullptr);
  if (settings->off()) return self;
  self->metrics_path_ = settings->metrics_path;
  telemetry::ProviderOptions options(clock);
  options.sampler = settings->sampler;
  options.resource = settings->resource;
  options.span_attributes = settings->span_attributes;
  options.span_events = settings->span_events;
  options.traces = settings->traces.enabled;
  options.logs = settings->logs.enabled;
  if (settings->exporter == telemetry::Settings::Exporter::memory) {
    options.exporter = self->memory_ = std::make_shared<telemetry::MemoryExporter>();
  } else if (settings->exporter == telemetry::Settings::Exporter::otlp) {
    options.exporter = self->otlp_ =
        std::make_shared<telemetry::otlp::OtlpExporter>(*settings, [&logger](const std::string& text) { logger.warn(text); });
  }
  self->provider_ = std::make_shared<telemetry::Provider>(std::move(options));
  self->logger_ = telemetry::Logger(&logger, self->provider_);
  return self;
}

void Telemetry::serve(http::ServerOptions& options) const {
  options.telemetry = provider_;
  if (metrics_path_.empty()) return;
  options.metrics_path = metrics_path_;
  options.metrics = [provider = provider_](std::string_view accept) {
    const auto format = telemetry::exposition_format(accept);
    return http::Exposition{std::string(telemetry::content_type(format)),
                            telemetry::exposition(provider->metrics().collect(), provider->resource(), format)};
  };
}

Result<void> Telemetry::start(net::Loop& service) {
  loop_ = &service;
  if (provider_ != nullptr) provider_->reseed();
  if (otlp_ == nullptr) return {};
  std::promise<Result<void>> attached;
  service.post([&] { attached.set_value(otlp_->attach(service, *provider_)); });
  return attached.get_future().get();
}

void Telemetry::stop() {
  if (otlp_ != nullptr) otlp_->detach();
}

std::unique_ptr<Component> Telemetry::component(Duration flush) {
  if (otlp_ == nullptr) return nullptr;
  return std::make_unique<TelemetryComponent>(otlp_, loop_, flush);
}

}  // namespace spikard::app
