#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "base/json.hpp"
#include "services/config_layers.hpp"
#include "services/manifest.gen.hpp"

namespace spikard::services {
namespace {

std::string layered(std::string_view manifest, std::optional<std::string> toml, Environment environment) {
  auto document = json::parse(manifest);
  if (!document.ok()) return document.error().message();
  const auto result = layered_manifest(document->root(), {.toml = std::move(toml), .environment = std::move(environment)});
  return result.ok() ? json::to_string(result->root()) : result.error().message();
}

TEST(ConfigLayers, NothingAboveLeavesTheManifest) {
  EXPECT_EQ(layered(R"({"name":"a","http":{}})", std::nullopt, {}), R"({"name":"a","http":{}})");
  const auto empty = layered_manifest(Value(), {});
  ASSERT_TRUE(empty.ok());
  EXPECT_EQ(json::to_string(empty->root()), "{}");
}

TEST(ConfigLayers, TomlIsMergedMemberByMember) {
  EXPECT_EQ(
      layered(R"({"name":"a","http":{"limits":{"body_bytes":1,"pipeline":2},"hooks":{"on_request":["x"]}}})",
              "[http.limits]\nbody_bytes = 9\n[http.hooks]\non_request = [\"y\", \"z\"]\n[log]\nlevel = \"debug\"\n", {}),
      R"({"name":"a","http":{"limits":{"body_bytes":9,"pipeline":2},"hooks":{"on_request":["y","z"]}},"log":{"level":"debug"}})");
}

TEST(ConfigLayers, TomlErrorsNameFileAndLine) {
  const std::string text = layered("{}", "a = 1\nb = = 2\n", {});
  EXPECT_TRUE(text.starts_with("spikard.toml:2:")) << text;
}

TEST(ConfigLayers, MalformedTomlThatTomlPlusPlusAssertsOn) {
  EXPECT_EQ(layered("{}", "[.a]\n", {}), "spikard.toml: not TOML");
  const std::string accent = layered("{}", "name\xc3\xa9 = 1\n", {});
  EXPECT_TRUE(accent.starts_with("spikard.toml:1:")) << accent;
  EXPECT_EQ(layered("{}", "name = \"\xc3\xa9\" # \xc3\xa9\n", {}), "{\"name\":\"\xc3\xa9\"}");
}

TEST(ConfigLayers, EnvironmentWinsOverToml) {
  EXPECT_EQ(layered(R"({"http":{"limits":{"body_bytes":1}}})", "[http.limits]\nbody_bytes = 2\n",
                    {{"SPIKARD_HTTP__LIMITS__BODY_BYTES", "3"}}),
            R"({"http":{"limits":{"body_bytes":3}}})");
}

TEST(ConfigLayers, TextIsReadAsTheTypeOfItsMember) {
  EXPECT_EQ(
      layered(R"({"http":{"timeout":{"ms":5}}})", std::nullopt,
              {{"SPIKARD_NAME", "7"},
               {"SPIKARD_HANDLE_SIGNALS", "false"},
               {"SPIKARD_HTTP__TIMEOUT__MS", "null"},
               {"SPIKARD_HTTP__HOOKS__ON_REQUEST", "a,b"},
               {"SPIKARD_LOG", R"({"level":"warn"})"}}),
      R"({"handle_signals":false,"http":{"hooks":{"on_request":["a","b"]},"timeout":{"ms":null}},"log":{"level":"warn"},"name":"7"})");
}

TEST(ConfigLayers, NumbersArePlacesInLists) {
  EXPECT_EQ(layered(R"({"http":{"listeners":[{"address":"::1","port":1}]}})", std::nullopt,
                    {{"SPIKARD_HTTP__LISTENERS__0__PORT", "2"}, {"SPIKARD_HTTP__LISTENERS__2__PORT", "4"}}),
            R"({"http":{"listeners":[{"address":"::1","port":2},{},{"port":4}]}})");
}

TEST(ConfigLayers, AWholeValueLiesBelowItsParts) {
  EXPECT_EQ(layered("{}", std::nullopt, {{"SPIKARD_LOG", R"({"level":"warn"})"}, {"SPIKARD_LOG__FORMAT", "human"}}),
            R"({"log":{"level":"warn","format":"human"}})");
}

TEST(ConfigLayers, BadTextNamesTheVariable) {
  EXPECT_EQ(layered("{}", std::nullopt, {{"SPIKARD_IO_THREADS", "two"}}), "SPIKARD_IO_THREADS: expected an integer; got \"two\"");
  EXPECT_EQ(layered("{}", std::nullopt, {{"SPIKARD_HANDLE_SIGNALS", "yes"}}),
            "SPIKARD_HANDLE_SIGNALS: expected true or false; got \"yes\"");
  EXPECT_EQ(layered("{}", std::nullopt, {{"SPIKARD_HTTP__LIMITS__BODY_BITES", "1"}}),
            "SPIKARD_HTTP__LIMITS__BODY_BITES: there is no \"body_bites\" in Limits; did you mean \"body_bytes\"?");
  EXPECT_EQ(layered("{}", std::nullopt, {{"SPIKARD_NAME__X", "1"}}),
            "SPIKARD_NAME__X: nothing lies below this place; \"x\" is one level too deep");
  EXPECT_EQ(layered("{}", std::nullopt, {{"SPIKARD_HTTP__LISTENERS__X__PORT", "1"}}),
            "SPIKARD_HTTP__LISTENERS__X__PORT: expected a place in a list (0, 1, ...); got \"x\"");
  EXPECT_EQ(layered("{}", std::nullopt, {{"SPIKARD_HTTP__LISTENERS__99999999__PORT", "1"}}),
            "SPIKARD_HTTP__LISTENERS__99999999__PORT: expected a place in a list (0, 1, ...); got \"99999999\"");
  EXPECT_EQ(layered("{}", std::nullopt, {{"SPIKARD_HTTP", "[]"}}), "SPIKARD_HTTP: expected an object as JSON; got \"[]\"");
}

TEST(ConfigLayers, TextThatIsNoUtf8IsRefused) {
  EXPECT_EQ(layered("{}", std::nullopt, {{"SPIKARD_NAME", "a\xbb"}}), "SPIKARD_NAME: expected UTF-8");
  EXPECT_EQ(layered("{}", std::nullopt, {{"SPIKARD_NAME", "\xc3\xa9\"\\"}}), "{\"name\":\"\xc3\xa9\\\"\\\\\"}");
}

TEST(ConfigLayers, OtherNamesAreLeftAloneButSlipsAreNot) {
  EXPECT_EQ(layered("{}", std::nullopt, {{"SPIKARD_TEST", "1"}, {"SPIKARD_TEST_REDIS_URL", "x"}, {"HOME", "/"}}), "{}");
  EXPECT_EQ(layered("{}", std::nullopt, {{"SPIKARD_IO_THREAD", "1"}}),
            "SPIKARD_IO_THREAD: there is no \"io_thread\" in Manifest; did you mean \"io_threads\"?");
}

TEST(ConfigLayers, PortSetsTheFirstListenerWithAPort) {
  EXPECT_EQ(
      layered(R"({"http":{"listeners":[{"address":"unix:/x"},{"address":"::","port":1}]}})", std::nullopt, {{"PORT", "8080"}}),
      R"({"http":{"listeners":[{"address":"unix:/x"},{"address":"::","port":8080}]}})");
  EXPECT_EQ(layered(R"({"http":{}})", std::nullopt, {{"PORT", "8080"}}), R"({"http":{"listeners":[{"port":8080}]}})");
  EXPECT_EQ(layered("{}", std::nullopt, {{"PORT", "8080"}}), "{}");
  EXPECT_EQ(layered(R"({"http":{}})", std::nullopt, {{"PORT", "8080"}, {"SPIKARD_HTTP__LISTENERS__0__PORT", "9"}}),
            R"({"http":{"listeners":[{"port":9}]}})");
  EXPECT_EQ(layered(R"({"http":{}})", std::nullopt, {{"PORT", "http"}}),
            "PORT: expected an integer from 0 to 65535; got \"http\"");
  EXPECT_EQ(layered(R"({"http":{}})", std::nullopt, {{"PORT", "70000"}}),
            "PORT: expected an integer from 0 to 65535; got \"70000\"");
}

TEST(ConfigLayers, KnativeListensForTheWorldAndNamesTheSink) {
  const std::string out = R"({"http":{"listeners":[{"address":"0.0.0.0","port":8080}]}})";
  EXPECT_EQ(layered(R"({"http":{}})", std::nullopt, {{"PORT", "8080"}, {"K_SERVICE", "s"}}), out);
  EXPECT_EQ(layered(R"({"http":{"listeners":[{"address":"127.0.0.1","port":1}]}})", std::nullopt,
                    {{"PORT", "8080"}, {"K_SERVICE", "s"}}),
            out);
  EXPECT_EQ(
      layered(R"({"http":{"listeners":[{"address":"::","port":1}]}})", std::nullopt, {{"PORT", "8080"}, {"K_SERVICE", "s"}}),
      R"({"http":{"listeners":[{"address":"::","port":8080}]}})");
  EXPECT_EQ(layered(R"({"http":{}})", std::nullopt, {{"K_SERVICE", "s"}}), R"({"http":{}})");
  EXPECT_EQ(layered("{}", std::nullopt, {{"K_SINK", "http://broker/x"}}),
            R"({"services":{"events":{"default":{"url":"http://broker/x"}}}})");
  EXPECT_EQ(layered("{}", std::nullopt, {{"K_SINK", "http://b/"}, {"K_CE_OVERRIDES", R"({"extensions":{"env":"prod"}})"}}),
            R"({"services":{"events":{"default":{"extensions":{"env":"prod"},"url":"http://b/"}}}})");
  EXPECT_EQ(layered("{}", std::nullopt, {{"K_SINK", "http://b/"}, {"K_CE_OVERRIDES", "[]"}}),
            "K_CE_OVERRIDES: expected a JSON object");
  EXPECT_EQ(layered("{}", std::nullopt, {{"K_CE_OVERRIDES", "[]"}}), "{}");
}

TEST(ConfigLayers, DatabaseUrlIsTheUrlOfDatabaseTasksAndASqliteBroker) {
  EXPECT_EQ(layered("{}", std::nullopt, {{"DATABASE_URL", "postgres://h/d"}}),
            R"({"services":{"db":{"default":{"url":"postgres://h/d"}},"tasks":{"default":{"url":"postgres://h/d"}}}})");
  EXPECT_EQ(
      layered("{}", "[services.db.default]\nurl = \"sqlite:a\"\n",
              {{"DATABASE_URL", "sqlite:b"}, {"SPIKARD_SERVICES__TASKS__DEFAULT__URL", "memory:"}}),
      R"({"services":{"db":{"default":{"url":"sqlite:b"}},"messaging":{"default":{"url":"sqlite:b"}},"tasks":{"default":{"url":"memory:"}}}})");
}

TEST(ConfigLayers, TheCommandOfTheAppIsTheCommandLines) {
  EXPECT_EQ(layered("{}", "name = \"a\"\n[app]\ncommand = \"python app.py\"\n", {}), R"({"name":"a"})");
  const auto command = [](std::string toml) {
    auto got = app_command({.toml = std::move(toml)});
    return got.ok() ? got->value_or("none") : got.error().message();
  };
  EXPECT_EQ(command("[app]\ncommand = \"python app.py\"\n"), "python app.py");
  EXPECT_EQ(command("name = \"a\"\n"), "none");
  EXPECT_EQ(command("[app]\ncomand = \"x\"\n"), "spikard.toml: app.comand: unknown key; expected \"command\"");
  EXPECT_EQ(command("[app]\ncommand = 5\n"),
            "spikard.toml: app.command: expected the command that starts the application, as text");
}

TEST(ConfigLayers, TheResultIsCheckedByTheManifest) {
  auto document = json::parse("{}");
  const auto result = layered_manifest(document->root(), {.toml = "[shutdown]\ntimout_ms = 1\n"});
  ASSERT_TRUE(result.ok());
  const auto manifest = manifest_from_json(result->root());
  ASSERT_FALSE(manifest.ok());
  EXPECT_EQ(manifest.error().message(), "shutdown.timout_ms: unknown key; did you mean \"timeout_ms\"?");
}

}  // namespace
}  // namespace spikard::services
