#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include <unistd.h>

#include "app/process_config.hpp"
#include "base/json.hpp"

namespace spikard::app {
namespace {

Result<services::Manifest> configured(std::string_view manifest, const services::ConfigSources& sources) {
  auto document = json::parse(manifest);
  if (!document.ok()) return std::move(document).error();
  return configured_manifest(document->root(), sources);
}

TEST(ProcessConfig, AnHttpServerWithoutAListenerGetsTheDefaultOne) {
  const auto plain = configured(R"({"http":{}})", {});
  ASSERT_TRUE(plain.ok());
  ASSERT_EQ(plain->http->listeners.size(), 1U);
  EXPECT_EQ(plain->http->listeners[0], services::Listener{});
  const auto port = configured(R"({"http":{}})", {.environment = {{"PORT", "1234"}}});
  ASSERT_TRUE(port.ok());
  ASSERT_EQ(port->http->listeners.size(), 1U);
  EXPECT_EQ(port->http->listeners[0].port, 1234);
  EXPECT_FALSE(configured("{}", {.environment = {{"PORT", "1234"}}})->http.has_value());
}

TEST(ProcessConfig, TheManifestIsCheckedAfterTheLayers) {
  const auto bad =
      configured(R"({"http":{"limits":{"json_depth":5}}})", {.environment = {{"SPIKARD_HTTP__LIMITS__JSON_DEPTH", "0"}}});
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.error().message(), "http.limits.json_depth: expected an integer from 1 to 1024; got 0");
}

TEST(ProcessConfig, RoutesHooksAndDependenciesAreTheCodes) {
  constexpr std::string_view code = R"({"http":{"routes":[{"method":"GET","path":"/"}]}})";
  const auto same = configured(code, {.toml = "[http.limits]\njson_depth = 5\n"});
  ASSERT_TRUE(same.ok()) << same.error().message();
  EXPECT_EQ(same->http->limits.json_depth, 5U);
  const auto route = configured(code, {.environment = {{"SPIKARD_HTTP__ROUTES__0__PATH", "/other"}}});
  ASSERT_FALSE(route.ok());
  EXPECT_EQ(route.error().message(),
            "http.routes: is what the program's code says; spikard.toml and the environment cannot change it");
  EXPECT_FALSE(configured(code, {.toml = "[http.hooks]\non_error = [\"x\"]\n"}).ok());
}

TEST(ProcessConfig, ReadsTheNamedFileAndTheEnvironment) {
  std::string path = ::testing::TempDir() + "spikard-config-XXXXXX";
  const int fd = ::mkstemp(path.data());
  ASSERT_GE(fd, 0);
  ::close(fd);
  std::ofstream(path) << "name = \"from the file\"\n";
  ::setenv("SPIKARD_CONFIG", path.c_str(), 1);
  ::setenv("SPIKARD_IO_THREADS", "3", 1);
  const auto sources = process_config();
  ::unsetenv("SPIKARD_IO_THREADS");
  ASSERT_TRUE(sources.ok()) << sources.error().message();
  EXPECT_EQ(sources->toml_name, path);
  const auto manifest = configured(
      "{}", {.toml = sources->toml, .environment = {{"SPIKARD_IO_THREADS", sources->environment.at("SPIKARD_IO_THREADS")}}});
  ASSERT_TRUE(manifest.ok());
  EXPECT_EQ(manifest->name, "from the file");
  EXPECT_EQ(manifest->io_threads, 3U);

  std::remove(path.c_str());
  const auto missing = process_config();
  ::unsetenv("SPIKARD_CONFIG");
  ASSERT_FALSE(missing.ok());
  EXPECT_TRUE(missing.error().message().starts_with("SPIKARD_CONFIG: " + path)) << missing.error().message();
}

}  // namespace
}  // namespace spikard::app
