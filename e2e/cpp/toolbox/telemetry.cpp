// The ops of `telemetry` (fixtures/README.md section 5) on the C++ core.
#include "telemetry/propagation.hpp"

#include "toolbox/toolbox.hpp"

namespace spikard::e2e {
namespace {

std::vector<std::string_view> texts(Value list) {
  std::vector<std::string_view> out;
  for (const Value one : list.elements()) out.push_back(one.text());
  return out;
}

Document parsed(const std::string& op, Value args) {
  NodeBuilder out;
  if (op == "parse_traceparent") {
    only(args, {"value"}, op);
    const auto context = telemetry::parse_traceparent(args.find("value").text());
    if (!context) return nothing();
    out.begin_object();
    out.key("trace_id"), out.string(telemetry::hex(context->trace_id));
    out.key("parent_id"), out.string(telemetry::hex(context->span_id));
    out.key("sampled"), out.boolean(context->sampled());
    out.end();
    return Document(std::move(out));
  }
  only(args, {"values"}, op);
  const std::vector<std::string_view> values = texts(args.find("values"));
  out.begin_array();
  if (op == "parse_tracestate") {
    for (const auto& [key, value] : telemetry::parse_tracestate(values)) {
      out.begin_array();
      out.string(key), out.string(value);
      out.end();
    }
  } else if (op == "parse_baggage") {
    for (const telemetry::BaggageEntry& entry : telemetry::parse_baggage(values)) {
      out.begin_object();
      out.key("key"), out.string(entry.key);
      out.key("value"), out.string(entry.value);
      if (!entry.properties.empty()) {
        out.key("properties");
        out.begin_array();
        for (const std::string& property : entry.properties) out.string(property);
        out.end();
      }
      out.end();
    }
  } else {
    throw NotBuilt("telemetry " + op);
  }
  out.end();
  return Document(std::move(out));
}

class TelemetryClient final : public ToolboxClient {
 public:
  Task<Result<Document>> run(std::string op, Document args) override { co_return Result<Document>(parsed(op, args.root())); }
  Task<Result<Document>> close() override { co_return Result<Document>(nothing()); }
};

Task<Result<std::shared_ptr<ToolboxClient>>> open(Stage&, Document config) {
  only(config.root(), {"backend"}, "telemetry");
  co_return Result<std::shared_ptr<ToolboxClient>>(std::make_shared<TelemetryClient>());
}

}  // namespace

Subsystem telemetry_subsystem() { return {"telemetry", {}, &open}; }

}  // namespace spikard::e2e
