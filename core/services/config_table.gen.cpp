// Generated from spec/services by codegen. Do not edit.
#include "services/config_table.gen.hpp"

namespace spikard::services {
namespace {
using enum ConfigType;
constexpr ConfigField cache_config_fields[] = {
    {"url", string, false, json, nullptr},
    {"max_bytes", integer, true, json, nullptr},
    {"max_entries", integer, true, json, nullptr},
    {"default_ttl_ms", integer, true, json, nullptr},
};
constexpr ConfigStruct cache_config_config{"CacheConfig", cache_config_fields};
constexpr ConfigField messaging_config_fields[] = {
    {"url", string, false, json, nullptr},
    {"store", string, false, json, nullptr},
    {"topics", string, false, json, nullptr},
    {"max_message_bytes", integer, false, json, nullptr},
    {"max_bytes", integer, false, json, nullptr},
    {"retention_ms", integer, false, json, nullptr},
    {"poll_ms", integer, false, json, nullptr},
};
constexpr ConfigStruct messaging_config_config{"MessagingConfig", messaging_config_fields};
constexpr ConfigField backoff_fields[] = {
    {"kind", string, false, json, nullptr},
    {"initial_ms", integer, false, json, nullptr},
    {"factor", json, false, json, nullptr},
    {"max_ms", integer, false, json, nullptr},
    {"jitter_percent", integer, false, json, nullptr},
};
constexpr ConfigStruct backoff_config{"Backoff", backoff_fields};
constexpr ConfigField consumer_fields[] = {
    {"name", string, false, json, nullptr},
    {"client", string, false, json, nullptr},
    {"topic", string, false, json, nullptr},
    {"group", string, false, json, nullptr},
    {"concurrency", integer, false, json, nullptr},
    {"max_in_flight", integer, false, json, nullptr},
    {"ordered", boolean, false, json, nullptr},
    {"max_retries", integer, false, json, nullptr},
    {"backoff", object, false, json, &backoff_config},
    {"dead_letter", string, true, json, nullptr},
    {"ack_wait_ms", integer, false, json, nullptr},
    {"handler_timeout_ms", integer, true, json, nullptr},
    {"start_from", string, false, json, nullptr},
    {"schema", json, false, json, nullptr},
};
constexpr ConfigStruct consumer_config{"Consumer", consumer_fields};
constexpr ConfigField event_subscription_fields[] = {
    {"handler", integer, false, json, nullptr},
    {"type", string, false, json, nullptr},
    {"source", string, false, json, nullptr},
    {"subject", string, false, json, nullptr},
};
constexpr ConfigStruct event_subscription_config{"EventSubscription", event_subscription_fields};
constexpr ConfigField event_inbox_fields[] = {
    {"db", string, false, json, nullptr},
    {"retention_ms", integer, false, json, nullptr},
};
constexpr ConfigStruct event_inbox_config{"EventInbox", event_inbox_fields};
constexpr ConfigField event_endpoint_fields[] = {
    {"path", string, false, json, nullptr},
    {"subscriptions", list, false, object, &event_subscription_config},
    {"handler", integer, true, json, nullptr},
    {"allowed_origins", list, false, string, nullptr},
    {"allowed_rate", integer, true, json, nullptr},
    {"callback_hosts", list, false, string, nullptr},
    {"callback_plain", boolean, false, json, nullptr},
    {"max_batch", integer, false, json, nullptr},
    {"batch_concurrency", integer, false, json, nullptr},
    {"timeout_ms", integer, true, json, nullptr},
    {"inbox", object, true, json, &event_inbox_config},
};
constexpr ConfigStruct event_endpoint_config{"EventEndpoint", event_endpoint_fields};
constexpr ConfigField event_consumer_fields[] = {
    {"consumer", object, false, json, &consumer_config},
    {"binding", string, false, json, nullptr},
    {"subscriptions", list, false, object, &event_subscription_config},
    {"handler", integer, true, json, nullptr},
    {"reply", string, false, json, nullptr},
    {"inbox", object, true, json, &event_inbox_config},
};
constexpr ConfigStruct event_consumer_config{"EventConsumer", event_consumer_fields};
constexpr ConfigField event_retry_fields[] = {
    {"max_retries", integer, false, json, nullptr},
    {"initial_ms", integer, false, json, nullptr},
    {"factor_percent", integer, false, json, nullptr},
    {"max_ms", integer, false, json, nullptr},
    {"jitter_percent", integer, false, json, nullptr},
};
constexpr ConfigStruct event_retry_config{"EventRetry", event_retry_fields};
constexpr ConfigField event_sender_fields[] = {
    {"url", string, false, json, nullptr},
    {"mode", string, false, json, nullptr},
    {"binding", string, false, json, nullptr},
    {"source", string, false, json, nullptr},
    {"extensions", map, false, string, nullptr},
    {"origin", string, false, json, nullptr},
    {"headers", map, false, string, nullptr},
    {"timeout_ms", integer, false, json, nullptr},
    {"retry", object, false, json, &event_retry_config},
};
constexpr ConfigStruct event_sender_config{"EventSender", event_sender_fields};
constexpr ConfigField db_pool_fields[] = {
    {"max", integer, false, json, nullptr},
    {"acquire_timeout_ms", integer, false, json, nullptr},
};
constexpr ConfigStruct db_pool_config{"DbPool", db_pool_fields};
constexpr ConfigField db_config_fields[] = {
    {"url", string, false, json, nullptr},
    {"pool", object, false, json, &db_pool_config},
    {"statement_timeout_ms", integer, true, json, nullptr},
    {"transaction_timeout_ms", integer, true, json, nullptr},
    {"statement_cache", integer, false, json, nullptr},
    {"max_rows", integer, false, json, nullptr},
    {"migrations", string, false, json, nullptr},
    {"migrate_on_start", boolean, false, json, nullptr},
};
constexpr ConfigStruct db_config_config{"DbConfig", db_config_fields};
constexpr ConfigField faults_fields[] = {
    {"seed", integer, false, json, nullptr},
    {"unavailable", json, false, json, nullptr},
    {"lost_answer", json, false, json, nullptr},
    {"delay", json, false, json, nullptr},
    {"delay_ms", integer, false, json, nullptr},
    {"repeated", json, false, json, nullptr},
    {"only", list, false, string, nullptr},
};
constexpr ConfigStruct faults_config{"Faults", faults_fields};
constexpr ConfigField tls_fields[] = {
    {"certificate", string, false, json, nullptr},
    {"key", string, false, json, nullptr},
    {"alpn", list, false, string, nullptr},
};
constexpr ConfigStruct tls_config{"Tls", tls_fields};
constexpr ConfigField listener_fields[] = {
    {"address", string, false, json, nullptr},
    {"port", integer, false, json, nullptr},
    {"tls", object, true, json, &tls_config},
};
constexpr ConfigStruct listener_config{"Listener", listener_fields};
constexpr ConfigField parameter_fields[] = {
    {"in", string, false, json, nullptr},
    {"name", string, false, json, nullptr},
    {"required", boolean, false, json, nullptr},
    {"schema", json, false, json, nullptr},
    {"style", string, true, json, nullptr},
    {"explode", boolean, true, json, nullptr},
};
constexpr ConfigStruct parameter_config{"Parameter", parameter_fields};
constexpr ConfigField file_field_fields[] = {
    {"required", boolean, false, json, nullptr},
    {"content_types", list, false, string, nullptr},
    {"sniff", boolean, false, json, nullptr},
    {"max_bytes", integer, true, json, nullptr},
};
constexpr ConfigStruct file_field_config{"FileField", file_field_fields};
constexpr ConfigField body_fields[] = {
    {"content_types", list, false, string, nullptr},
    {"schema", json, false, json, nullptr},
    {"required", boolean, false, json, nullptr},
    {"mode", string, false, json, nullptr},
    {"files", map, false, object, &file_field_config},
    {"as", string, false, json, nullptr},
    {"max_bytes", integer, true, json, nullptr},
};
constexpr ConfigStruct body_config{"Body", body_fields};
constexpr ConfigField dependency_fields[] = {
    {"id", integer, false, json, nullptr},
    {"name", string, false, json, nullptr},
    {"kind", string, false, json, nullptr},
    {"scope", string, false, json, nullptr},
    {"depends_on", list, false, string, nullptr},
    {"cleanup", boolean, false, json, nullptr},
    {"type", string, true, json, nullptr},
    {"token", integer, false, json, nullptr},
};
constexpr ConfigStruct dependency_config{"Dependency", dependency_fields};
constexpr ConfigField jwt_fields[] = {
    {"algorithm", string, false, json, nullptr},
    {"secret", string, false, json, nullptr},
    {"public_key", string, false, json, nullptr},
    {"public_key_file", string, false, json, nullptr},
    {"jwks_file", string, false, json, nullptr},
    {"issuer", string, true, json, nullptr},
    {"audience", list, false, string, nullptr},
    {"leeway", integer, false, json, nullptr},
    {"required_claims", list, false, string, nullptr},
};
constexpr ConfigStruct jwt_config{"Jwt", jwt_fields};
constexpr ConfigField api_key_fields[] = {
    {"header", string, false, json, nullptr},
    {"query", string, false, json, nullptr},
    {"keys", list, false, string, nullptr},
};
constexpr ConfigStruct api_key_config{"ApiKey", api_key_fields};
constexpr ConfigField basic_fields[] = {
    {"realm", string, false, json, nullptr},
    {"users", map, false, string, nullptr},
};
constexpr ConfigStruct basic_config{"Basic", basic_fields};
constexpr ConfigField auth_fields[] = {
    {"jwt", object, true, json, &jwt_config},
    {"basic", object, true, json, &basic_config},
    {"api_key", object, true, json, &api_key_config},
};
constexpr ConfigStruct auth_config{"Auth", auth_fields};
constexpr ConfigField route_fields[] = {
    {"method", string, false, json, nullptr},
    {"path", string, false, json, nullptr},
    {"name", string, false, json, nullptr},
    {"parameters", list, false, object, &parameter_config},
    {"body", object, true, json, &body_config},
    {"inject", list, false, string, nullptr},
    {"inject_types", map, false, string, nullptr},
    {"dependencies", list, false, object, &dependency_config},
    {"auth", object, true, json, &auth_config},
    {"scopes", list, false, string, nullptr},
    {"timeout_ms", integer, true, json, nullptr},
    {"blocking", boolean, false, json, nullptr},
};
constexpr ConfigStruct route_config{"Route", route_fields};
constexpr ConfigField hooks_fields[] = {
    {"on_request", list, false, string, nullptr},
    {"pre_validation", list, false, string, nullptr},
    {"pre_handler", list, false, string, nullptr},
    {"on_response", list, false, string, nullptr},
    {"on_error", list, false, string, nullptr},
};
constexpr ConfigStruct hooks_config{"Hooks", hooks_fields};
constexpr ConfigField request_id_fields[] = {
    {"enabled", boolean, false, json, nullptr},
    {"header", string, false, json, nullptr},
};
constexpr ConfigStruct request_id_config{"RequestId", request_id_fields};
constexpr ConfigField timeout_fields[] = {
    {"ms", integer, true, json, nullptr},
    {"status", integer, false, json, nullptr},
};
constexpr ConfigStruct timeout_config{"Timeout", timeout_fields};
constexpr ConfigField limits_fields[] = {
    {"body_bytes", integer, false, json, nullptr},
    {"header_bytes", integer, false, json, nullptr},
    {"header_count", integer, false, json, nullptr},
    {"uri_bytes", integer, false, json, nullptr},
    {"json_depth", integer, false, json, nullptr},
    {"header_timeout_ms", integer, false, json, nullptr},
    {"body_timeout_ms", integer, false, json, nullptr},
    {"idle_timeout_ms", integer, false, json, nullptr},
    {"write_timeout_ms", integer, false, json, nullptr},
    {"connections", integer, false, json, nullptr},
    {"pipeline", integer, false, json, nullptr},
};
constexpr ConfigStruct limits_config{"Limits", limits_fields};
constexpr ConfigField multipart_fields[] = {
    {"parts", integer, false, json, nullptr},
    {"header_bytes", integer, false, json, nullptr},
    {"field_bytes", integer, false, json, nullptr},
    {"file_bytes", integer, true, json, nullptr},
    {"memory_bytes", integer, false, json, nullptr},
    {"directory", string, false, json, nullptr},
};
constexpr ConfigStruct multipart_config{"Multipart", multipart_fields};
constexpr ConfigField decompression_fields[] = {
    {"encodings", list, false, string, nullptr},
    {"max_bytes", integer, true, json, nullptr},
};
constexpr ConfigStruct decompression_config{"Decompression", decompression_fields};
constexpr ConfigField health_fields[] = {
    {"enabled", boolean, false, json, nullptr},
    {"live", string, false, json, nullptr},
    {"ready", string, false, json, nullptr},
};
constexpr ConfigStruct health_config{"Health", health_fields};
constexpr ConfigField cors_fields[] = {
    {"allow_origins", list, false, string, nullptr},
    {"allow_origin_patterns", list, false, string, nullptr},
    {"allow_methods", list, false, string, nullptr},
    {"allow_headers", list, false, string, nullptr},
    {"expose_headers", list, false, string, nullptr},
    {"allow_credentials", boolean, false, json, nullptr},
    {"max_age", integer, true, json, nullptr},
    {"on_disallowed", string, false, json, nullptr},
};
constexpr ConfigStruct cors_config{"Cors", cors_fields};
constexpr ConfigField compression_fields[] = {
    {"gzip", boolean, false, json, nullptr},
    {"brotli", boolean, false, json, nullptr},
    {"zstd", boolean, false, json, nullptr},
    {"min_size", integer, false, json, nullptr},
    {"quality", integer, false, json, nullptr},
};
constexpr ConfigStruct compression_config{"Compression", compression_fields};
constexpr ConfigField static_files_fields[] = {
    {"prefix", string, false, json, nullptr},
    {"directory", string, false, json, nullptr},
    {"index_file", boolean, false, json, nullptr},
    {"cache_control", string, true, json, nullptr},
    {"precompressed", boolean, false, json, nullptr},
};
constexpr ConfigStruct static_files_config{"StaticFiles", static_files_fields};
constexpr ConfigField rate_limit_fields[] = {
    {"per_second", json, false, json, nullptr},
    {"burst", integer, false, json, nullptr},
    {"by", string, false, json, nullptr},
    {"header", string, false, json, nullptr},
    {"max_keys", integer, false, json, nullptr},
};
constexpr ConfigStruct rate_limit_config{"RateLimit", rate_limit_fields};
constexpr ConfigField security_headers_fields[] = {
    {"content_type_options", string, false, json, nullptr},
    {"frame_options", string, false, json, nullptr},
    {"referrer_policy", string, false, json, nullptr},
    {"strict_transport_security", string, false, json, nullptr},
    {"content_security_policy", string, false, json, nullptr},
    {"permissions_policy", string, false, json, nullptr},
    {"cross_origin_opener_policy", string, false, json, nullptr},
    {"cross_origin_resource_policy", string, false, json, nullptr},
};
constexpr ConfigStruct security_headers_config{"SecurityHeaders", security_headers_fields};
constexpr ConfigField http_config_fields[] = {
    {"listeners", list, false, object, &listener_config},
    {"routes", list, false, object, &route_config},
    {"hooks", object, false, json, &hooks_config},
    {"dependencies", list, false, object, &dependency_config},
    {"request_id", object, false, json, &request_id_config},
    {"timeout", object, false, json, &timeout_config},
    {"limits", object, false, json, &limits_config},
    {"auth", object, true, json, &auth_config},
    {"decompression", object, true, json, &decompression_config},
    {"multipart", object, false, json, &multipart_config},
    {"trusted_hosts", list, false, string, nullptr},
    {"rate_limit", object, true, json, &rate_limit_config},
    {"static_files", list, false, object, &static_files_config},
    {"cors", object, true, json, &cors_config},
    {"compression", object, true, json, &compression_config},
    {"security_headers", object, true, json, &security_headers_config},
    {"problem_base", string, false, json, nullptr},
    {"health", object, false, json, &health_config},
    {"server_header", string, true, json, nullptr},
};
constexpr ConfigStruct http_config_config{"HttpConfig", http_config_fields};
constexpr ConfigField storage_presign_fields[] = {
    {"base_url", string, false, json, nullptr},
    {"path", string, false, json, nullptr},
    {"secret", string, false, json, nullptr},
    {"max_upload_bytes", integer, false, json, nullptr},
};
constexpr ConfigStruct storage_presign_config{"StoragePresign", storage_presign_fields};
constexpr ConfigField s3_options_fields[] = {
    {"region", string, false, json, nullptr},
    {"endpoint", string, false, json, nullptr},
    {"addressing", string, false, json, nullptr},
    {"access_key", string, false, json, nullptr},
    {"secret_key", string, false, json, nullptr},
    {"session_token", string, false, json, nullptr},
    {"profile", string, false, json, nullptr},
};
constexpr ConfigStruct s3_options_config{"S3Options", s3_options_fields};
constexpr ConfigField gcs_options_fields[] = {
    {"endpoint", string, false, json, nullptr},
    {"credential", string, false, json, nullptr},
    {"credential_file", string, false, json, nullptr},
    {"anonymous", boolean, false, json, nullptr},
};
constexpr ConfigStruct gcs_options_config{"GcsOptions", gcs_options_fields};
constexpr ConfigField azblob_options_fields[] = {
    {"account", string, false, json, nullptr},
    {"endpoint", string, false, json, nullptr},
    {"account_key", string, false, json, nullptr},
    {"sas_token", string, false, json, nullptr},
    {"anonymous", boolean, false, json, nullptr},
};
constexpr ConfigStruct azblob_options_config{"AzblobOptions", azblob_options_fields};
constexpr ConfigField storage_transfer_fields[] = {
    {"timeout_ms", integer, false, json, nullptr},
    {"max_retries", integer, false, json, nullptr},
    {"concurrency", integer, false, json, nullptr},
};
constexpr ConfigStruct storage_transfer_config{"StorageTransfer", storage_transfer_fields};
constexpr ConfigField storage_config_fields[] = {
    {"url", string, false, json, nullptr},
    {"max_read_bytes", integer, false, json, nullptr},
    {"max_memory_bytes", integer, false, json, nullptr},
    {"durable", boolean, false, json, nullptr},
    {"presign", object, false, json, &storage_presign_config},
    {"s3", object, false, json, &s3_options_config},
    {"gcs", object, false, json, &gcs_options_config},
    {"azblob", object, false, json, &azblob_options_config},
    {"options", map, false, string, nullptr},
    {"transfer", object, false, json, &storage_transfer_config},
};
constexpr ConfigStruct storage_config_config{"StorageConfig", storage_config_fields};
constexpr ConfigField tasks_config_fields[] = {
    {"url", string, false, json, nullptr},
    {"retention_ms", integer, false, json, nullptr},
    {"failed_retention_ms", integer, false, json, nullptr},
    {"poll_ms", integer, false, json, nullptr},
};
constexpr ConfigStruct tasks_config_config{"TasksConfig", tasks_config_fields};
constexpr ConfigField worker_fields[] = {
    {"name", string, false, json, nullptr},
    {"client", string, false, json, nullptr},
    {"queue", string, false, json, nullptr},
    {"concurrency", integer, false, json, nullptr},
    {"lease_ms", integer, false, json, nullptr},
    {"timeout_ms", integer, true, json, nullptr},
    {"tasks", list, false, string, nullptr},
};
constexpr ConfigStruct worker_config{"Worker", worker_fields};
constexpr ConfigField schedule_fields[] = {
    {"name", string, false, json, nullptr},
    {"client", string, false, json, nullptr},
    {"cron", string, false, json, nullptr},
    {"timezone", string, false, json, nullptr},
    {"queue", string, false, json, nullptr},
    {"task", string, false, json, nullptr},
    {"args", json, false, json, nullptr},
    {"priority", integer, false, json, nullptr},
    {"max_attempts", integer, false, json, nullptr},
    {"timeout_ms", integer, true, json, nullptr},
    {"misfire", string, false, json, nullptr},
    {"overlap", string, false, json, nullptr},
};
constexpr ConfigStruct schedule_config{"Schedule", schedule_fields};
constexpr ConfigField telemetry_config_fields[] = {
    {"exporter", string, true, json, nullptr},
    {"service_name", string, true, json, nullptr},
    {"resource", map, false, string, nullptr},
    {"sampler", string, true, json, nullptr},
    {"sampler_arg", json, false, json, nullptr},
    {"endpoint", string, true, json, nullptr},
    {"headers", map, false, string, nullptr},
    {"certificate", string, true, json, nullptr},
    {"compression", string, true, json, nullptr},
    {"traces", boolean, false, json, nullptr},
    {"metrics", boolean, false, json, nullptr},
    {"logs", boolean, false, json, nullptr},
    {"export_timeout_ms", integer, true, json, nullptr},
    {"schedule_delay_ms", integer, true, json, nullptr},
    {"max_queue_size", integer, true, json, nullptr},
    {"max_export_batch_size", integer, true, json, nullptr},
    {"metric_interval_ms", integer, true, json, nullptr},
    {"metrics_path", string, true, json, nullptr},
};
constexpr ConfigStruct telemetry_config_config{"TelemetryConfig", telemetry_config_fields};
constexpr ConfigField shutdown_fields[] = {
    {"delay_ms", integer, false, json, nullptr},
    {"timeout_ms", integer, false, json, nullptr},
    {"cleanup_ms", integer, false, json, nullptr},
    {"flush_ms", integer, false, json, nullptr},
};
constexpr ConfigStruct shutdown_config{"Shutdown", shutdown_fields};
constexpr ConfigField log_fields[] = {
    {"format", string, false, json, nullptr},
    {"level", string, false, json, nullptr},
};
constexpr ConfigStruct log_config{"Log", log_fields};
constexpr ConfigField services_fields[] = {
    {"cache", map, false, object, &cache_config_config},
    {"storage", map, false, object, &storage_config_config},
    {"db", map, false, object, &db_config_config},
    {"messaging", map, false, object, &messaging_config_config},
    {"tasks", map, false, object, &tasks_config_config},
    {"events", map, false, object, &event_sender_config},
};
constexpr ConfigStruct services_config{"Services", services_fields};
constexpr ConfigField manifest_fields[] = {
    {"name", string, false, json, nullptr},
    {"clock", string, false, json, nullptr},
    {"io_threads", integer, false, json, nullptr},
    {"drive", string, false, json, nullptr},
    {"handle_signals", boolean, false, json, nullptr},
    {"http", object, true, json, &http_config_config},
    {"roles", list, false, string, nullptr},
    {"in_memory_stores", boolean, false, json, nullptr},
    {"faults", object, true, json, &faults_config},
    {"services", object, false, json, &services_config},
    {"consumers", list, false, object, &consumer_config},
    {"workers", list, false, object, &worker_config},
    {"schedules", list, false, object, &schedule_config},
    {"events", list, false, object, &event_endpoint_config},
    {"event_consumers", list, false, object, &event_consumer_config},
    {"telemetry", object, false, json, &telemetry_config_config},
    {"shutdown", object, false, json, &shutdown_config},
    {"log", object, false, json, &log_config},
};
}  // namespace

const ConfigStruct manifest_config{"Manifest", manifest_fields};

}  // namespace spikard::services
