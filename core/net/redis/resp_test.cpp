#include "net/redis/resp.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "net/redis/command.hpp"
#include "net/redis/error.hpp"

namespace spikard::net::redis {
using namespace std::string_view_literals;

namespace {

using Status = Parser::Status;

std::string shown(View view) {
  std::string out;
  switch (view.kind()) {
    case Kind::null: return "null";
    case Kind::text: return "\"" + std::string(view.text()) + "\"";
    case Kind::error: return "!" + std::string(view.text());
    case Kind::integer: return std::to_string(view.integer().value());
    case Kind::real: return "," + std::string(view.text());
    case Kind::big: return "(" + std::string(view.text());
    case Kind::boolean: return view.truth() ? "true" : "false";
    case Kind::array: out = "["; break;
    case Kind::map: out = "{"; break;
    case Kind::set: out = "~["; break;
    case Kind::push: out = ">["; break;
  }
  bool first = true;
  for (const View one : view) {
    if (!first) out += ' ';
    first = false;
    out += shown(one);
  }
  return out + (view.kind() == Kind::map ? "}" : "]");
}

/// All replies of `in`, fed whole, then in every possible pair of pieces, then byte by byte: always the same.
std::string all(const std::string& in, Limits limits = {}) {
  const auto read = [&](const std::vector<std::size_t>& ends) {
    Parser parser(limits);
    std::string out;
    std::size_t at = 0;
    for (const std::size_t end : ends) {
      while (at < end) {
        const std::string_view rest = std::string_view(in).substr(at, end - at);
        const Status status = parser.parse(rest);
        if (status == Status::broken) return out + "broken: " + std::string(parser.problem());
        if (status == Status::more) {
          EXPECT_GT(parser.wanted(), rest.size());
          break;
        }
        out += shown(parser.view(rest)) + ";";
        EXPECT_EQ(shown(Reply(parser.view(rest)).view()), shown(parser.view(rest)));
        at += parser.consumed();
        parser.next();
      }
    }
    if (at < in.size()) out += "more";
    return out;
  };
  const std::string whole = read({in.size()});
  std::vector<std::size_t> bytes;
  for (std::size_t n = 1; n <= in.size(); ++n) {
    bytes.push_back(n);
    if (in.size() < 200) EXPECT_EQ(read({n, in.size()}), whole) << n;
  }
  EXPECT_EQ(read(bytes), whole);
  return whole;
}

TEST(RedisResp, Values_of_RESP2) {
  EXPECT_EQ(all("+OK\r\n-ERR no\r\n:-12\r\n$3\r\na\r\n\r\n$0\r\n\r\n$-1\r\n*-1\r\n"),
            "\"OK\";!ERR no;-12;\"a\r\n\";\"\";null;null;");
  EXPECT_EQ(all("*3\r\n$1\r\na\r\n*2\r\n:1\r\n$-1\r\n+x\r\n"), "[\"a\" [1 null] \"x\"];");
  EXPECT_EQ(all("*0\r\n*1\r\n*0\r\n"), "[];[[]];");
}

TEST(RedisResp, Values_of_RESP3) {
  EXPECT_EQ(all("_\r\n#t\r\n#f\r\n,3.25\r\n,inf\r\n,-inf\r\n,nan\r\n(3492890328409238509324850943850943825024385\r\n"),
            "null;true;false;,3.25;,inf;,-inf;,nan;(3492890328409238509324850943850943825024385;");
  EXPECT_EQ(all("!21\r\nSYNTAX invalid syntax\r\n=8\r\ntxt:some\r\n"), "!SYNTAX invalid syntax;\"some\";");
  EXPECT_EQ(all("%2\r\n+a\r\n:1\r\n+b\r\n*1\r\n#f\r\n~1\r\n+x\r\n>2\r\n+invalidate\r\n*1\r\n+k\r\n"),
            "{\"a\" 1 \"b\" [false]};~[\"x\"];>[\"invalidate\" [\"k\"]];");
}

TEST(RedisResp, Attributes_are_passed_over_wherever_they_stand) {
  EXPECT_EQ(all("|1\r\n+ttl\r\n:3600\r\n*2\r\n:1\r\n|1\r\n+a\r\n*1\r\n:9\r\n:2\r\n+next\r\n"), "[1 2];\"next\";");
  EXPECT_EQ(all("|0\r\n:1\r\n"), "1;");
}

TEST(RedisResp, What_is_no_RESP_is_broken) {
  for (const char* in : {"x\r\n",         "\r\n",
                         ":\r\n",         ":1a\r\n",
                         ":+\r\n",        "$a\r\n",
                         "$-2\r\n",       "$1\r\nab\r\n",
                         "*-2\r\n",       "*x\r\n",
                         "#x\r\n",        "_x\r\n",
                         ",x\r\n",        "(x\r\n",
                         "=3\r\nabc\r\n", "=5\r\nabcde\r\n",
                         "+a\rb",         "*1\r\n>1\r\n:1\r\n",
                         "%-1\r\n",       ":99999999999999999999\r\n",
                         "$?\r\n"}) {
    EXPECT_TRUE(all(in).starts_with("broken: ")) << in;
  }
}

TEST(RedisResp, Limits_hold) {
  Limits limits;
  limits.depth = 2;
  EXPECT_EQ(all("*1\r\n*1\r\n:1\r\n", limits), "[[1]];");
  EXPECT_EQ(all("*1\r\n*1\r\n*1\r\n:1\r\n", limits), "broken: nested too deep");
  limits.values = 3;
  EXPECT_EQ(all("*2\r\n:1\r\n:2\r\n", limits), "[1 2];");
  EXPECT_EQ(all("*3\r\n:1\r\n:2\r\n:3\r\n", limits), "broken: too many values");
  EXPECT_EQ(all("%1000000000\r\n", limits), "broken: too many values");
  limits.bytes = 20;
  EXPECT_EQ(all("$21\r\n", limits), "broken: a reply that is too large");
  limits.line = 10;
  EXPECT_EQ(all("+0123456789abcdef", limits), "broken: a line that is too long");
}

TEST(RedisResp, A_length_that_was_only_announced_reserves_nothing) {
  Parser parser;
  EXPECT_EQ(parser.parse("*4194303\r\n"), Status::more);
  EXPECT_EQ(parser.parse("*4194303\r\n$500000000\r\n"), Status::more);
  EXPECT_EQ(parser.wanted(), 10 + 12 + 500000000 + 2U);
}

TEST(RedisResp, Members_of_maps_in_both_protocols) {
  for (const std::string in : {"%2\r\n+id\r\n:7\r\n+proto\r\n:3\r\n", "*4\r\n$2\r\nid\r\n:7\r\n$5\r\nproto\r\n:3\r\n"}) {
    Parser parser;
    ASSERT_EQ(parser.parse(in), Status::done);
    const View map = parser.view(in);
    EXPECT_EQ(map.find("id")->integer(), 7);
    EXPECT_EQ(map.find("proto")->integer(), 3);
    EXPECT_FALSE(map.find("none"));
  }
}

TEST(RedisCommand, Is_encoded_as_arguments_of_any_bytes) {
  Command set("SET");
  set.key(std::string_view("a\r\n\0", 4)).arg("").arg(std::int64_t{-5}).arg(7U);
  EXPECT_EQ(set.bytes(), "*5\r\n$3\r\nSET\r\n$4\r\na\r\n\0\r\n$0\r\n\r\n$2\r\n-5\r\n$1\r\n7\r\n"sv);
  EXPECT_EQ(set.bytes(), set.bytes());
  EXPECT_EQ(set.routing_key(), std::string_view("a\r\n\0", 4));
  Command many("MSET");
  for (int n = 0; n < 1000; ++n) many.arg(n);
  EXPECT_TRUE(many.bytes().starts_with("*1001\r\n$4\r\nMSET\r\n$1\r\n0\r\n"));
  EXPECT_FALSE(many.routing_key());
}

TEST(RedisCommand, A_script_goes_by_its_hash_or_whole) {
  const Script script("return 1");
  EXPECT_EQ(script.sha(), "e0e1f9fabfc9d4800c877a703b823ac0578ff8db");
  Command eval(script, 1);
  eval.key("k").arg("a");
  EXPECT_EQ(eval.bytes(),
            "*5\r\n$7\r\nEVALSHA\r\n$40\r\ne0e1f9fabfc9d4800c877a703b823ac0578ff8db\r\n$1\r\n1\r\n$1\r\nk\r\n$1\r\na\r\n");
  EXPECT_EQ(eval.with_body(), "*5\r\n$4\r\nEVAL\r\n$8\r\nreturn 1\r\n$1\r\n1\r\n$1\r\nk\r\n$1\r\na\r\n");
}

TEST(RedisCommand, Slots_are_those_of_the_cluster_specification) {
  EXPECT_EQ(slot_of("123456789"), 0x31c3);
  EXPECT_EQ(slot_of("foo"), 12182);
  EXPECT_EQ(slot_of("{user1000}.following"), slot_of("{user1000}.followers"));
  EXPECT_EQ(slot_of("foo{}{bar}"), 8363);
  EXPECT_EQ(slot_of("foo{{bar}}zap"), slot_of("{bar"));
  EXPECT_EQ(slot_of("foo{bar}{zap}"), slot_of("bar"));
  EXPECT_EQ(slot_of(""), 0);
}

TEST(RedisErrors, By_their_code) {
  const std::vector<std::pair<std::string, std::string>> table{
      {"NOAUTH Authentication required.", "permission_denied"},
      {"WRONGPASS invalid username-password pair or user is disabled.", "permission_denied"},
      {"NOPERM User x has no permissions to run the 'get' command", "permission_denied"},
      {"ERR invalid password", "permission_denied"},
      {"WRONGTYPE Operation against a key holding the wrong kind of value", "invalid_argument"},
      {"ERR syntax error", "invalid_argument"},
      {"ERR value is not an integer or out of range", "invalid_argument"},
      {"CROSSSLOT Keys in request don't hash to the same slot", "invalid_argument"},
      {"ERR unknown command 'X', with args beginning with: 'secret'", "unsupported"},
      {"ERR unknown subcommand 'X'. Try CLIENT HELP.", "unsupported"},
      {"NOPROTO unsupported protocol version", "unsupported"},
      {"BUSYGROUP Consumer Group name already exists", "already_exists"},
      {"NOGROUP No such key 'x' or consumer group 'g' in XREADGROUP with GROUP option", "not_found"},
      {"ERR no such key", "not_found"},
      {"NOSCRIPT No matching script. Please use EVAL.", "not_found"},
      {"EXECABORT Transaction discarded because of previous errors.", "condition_failed"},
      {"READONLY You can't write against a read only replica.", "unavailable"},
      {"LOADING Redis is loading the dataset in memory", "unavailable"},
      {"BUSY Redis is busy running a script.", "unavailable"},
      {"MASTERDOWN Link with MASTER is down", "unavailable"},
      {"CLUSTERDOWN The cluster is down", "unavailable"},
      {"MISCONF Redis is configured to save RDB snapshots", "unavailable"},
      {"ERR max number of clients reached", "unavailable"},
      {"UNBLOCKED client unblocked via CLIENT UNBLOCK", "cancelled"},
      {"OOM command not allowed when used memory > 'maxmemory'.", "rate_limited"},
  };
  for (const auto& [text, kind] : table) EXPECT_EQ(name_of(error_of(text).kind()), kind) << text;
  EXPECT_EQ(error_of("ERR unknown command 'X', with args beginning with: 'secret'").message(), "ERR unknown command 'X'");
  EXPECT_EQ(error_of("OOM x").retry(), RetryClass::temporary);
}

}  // namespace
}  // namespace spikard::net::redis
