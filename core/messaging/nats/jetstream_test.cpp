#include "messaging/nats/jetstream.hpp"

#include <gtest/gtest.h>

#include "base/json.hpp"

namespace spikard::messaging::nats {
namespace {

using Strings = std::vector<std::string>;
using worker_loop::Settlement;

TEST(NatsJetStream, ErrorsAreMapped) {
  struct Case {
    int code;
    int err_code;
    ErrorKind kind;
  };
  for (const Case& one :
       {Case{404, 10059, ErrorKind::not_found}, Case{404, 10014, ErrorKind::not_found}, Case{404, 10037, ErrorKind::not_found},
        Case{400, 10071, ErrorKind::condition_failed}, Case{400, 10164, ErrorKind::condition_failed},
        Case{400, 10058, ErrorKind::already_exists}, Case{400, 10148, ErrorKind::already_exists},
        Case{400, 10054, ErrorKind::too_large}, Case{503, 10077, ErrorKind::rate_limited},
        Case{503, 10047, ErrorKind::rate_limited}, Case{503, 10023, ErrorKind::rate_limited},
        Case{503, 10008, ErrorKind::unavailable}, Case{503, 10009, ErrorKind::unavailable},
        Case{503, 10039, ErrorKind::unsupported}, Case{503, 10076, ErrorKind::unsupported}, Case{400, 10065, ErrorKind::conflict},
        // By the code where the other is not known.
        Case{400, 1, ErrorKind::invalid_argument}, Case{401, 1, ErrorKind::permission_denied},
        Case{403, 1, ErrorKind::permission_denied}, Case{404, 1, ErrorKind::not_found}, Case{408, 0, ErrorKind::timeout},
        Case{409, 0, ErrorKind::conflict}, Case{429, 1, ErrorKind::rate_limited}, Case{500, 1, ErrorKind::internal},
        Case{503, 0, ErrorKind::unavailable}})
    EXPECT_EQ(jetstream_error(one.code, one.err_code, "x").kind(), one.kind) << one.code << " " << one.err_code;
}

TEST(NatsJetStream, AnAnswerOrItsError) {
  Reply reply;
  reply.payload = R"({"stream":"S","seq":12,"duplicate":true})";
  EXPECT_EQ(sequence_of(reply).value(), 12U);
  reply.payload = R"({"error":{"code":503,"err_code":10077,"description":"maximum messages exceeded"},"stream":"S","seq":0})";
  EXPECT_EQ(sequence_of(reply).error().kind(), ErrorKind::rate_limited);
  EXPECT_EQ(answer_of(reply).error().kind(), ErrorKind::rate_limited);
  reply.payload = "{}";
  EXPECT_EQ(sequence_of(reply).error().kind(), ErrorKind::corrupt);
  reply.payload = "what";
  EXPECT_EQ(answer_of(reply).error().kind(), ErrorKind::corrupt);
  reply.status = 404;
  EXPECT_EQ(answer_of(reply).error().kind(), ErrorKind::not_found);
}

TEST(NatsJetStream, ATopicIsASubject) {
  struct Case {
    std::string_view topic;
    std::string_view subject;
    bool plain;
  };
  for (const Case& one : {Case{"orders.created", "p.orders.created", true}, Case{"home/kitchen", "p.home.kitchen", false},
                          Case{"a b", "p.a%20b", false}, Case{"a..b.", "p.a.%.b.%", false}, Case{"100%", "p.100%25", false},
                          Case{"a*.>x", "p.a%2A.%3Ex", false}, Case{"ü", "p.ü", true}, Case{"$SYS.x", "p.$SYS.x", true}}) {
    EXPECT_EQ(subject_of("p.", one.topic), one.subject);
    const Message message(std::string(one.topic), "x", "key ", {{"h", "v"}, {"h", "w"}});
    HeaderExtras extras;
    extras.id = "spk-1";
    extras.for_group = "g";
    const Result<HeaderBlock> block = parse_headers(header_block("p.", message, extras));
    ASSERT_TRUE(block.ok());
    EXPECT_EQ(find_header(block->own, topic_header) == nullptr, one.plain) << one.topic;
    const Received received = received_of("p.", one.subject, block->headers, block->own, "x");
    EXPECT_EQ(received.message.topic, one.topic);
    EXPECT_EQ(received.message.key, "key ");
    EXPECT_EQ(received.message.headers, message.headers) << "no id of ours";
    EXPECT_EQ(received.for_group, "g");
    EXPECT_FALSE(received.dead);
  }
}

TEST(NatsJetStream, APatternIsSubjectsThatHaveItsTopics) {
  struct Case {
    TopicStyle style;
    std::string_view pattern;
    Strings filters;
  };
  for (const Case& one : {Case{TopicStyle::nats, "orders.*", {"p.orders.*"}}, Case{TopicStyle::nats, "orders.>", {"p.orders.>"}},
                          Case{TopicStyle::nats, ">", {"p.>"}}, Case{TopicStyle::nats, "*.x", {"p.*.x"}},
                          Case{TopicStyle::nats, "a.b", {"p.a.b"}}, Case{TopicStyle::mqtt, "home/+/temp", {"p.home.*.temp"}},
                          Case{TopicStyle::mqtt, "home/#", {"p.home", "p.home.>"}}, Case{TopicStyle::mqtt, "#", {"p.>"}},
                          Case{TopicStyle::mqtt, "+/a.b", {"p.*.a.b"}}, Case{TopicStyle::mqtt, "a//+", {"p.a.%.*"}},
                          Case{TopicStyle::amqp, "a.#", {"p.a", "p.a.>"}}, Case{TopicStyle::amqp, "a.#.z", {"p.a.>"}},
                          Case{TopicStyle::amqp, "#.z", {"p.>"}}, Case{TopicStyle::amqp, "a.*.c", {"p.a.*.c"}}}) {
    const Result<TopicPattern> pattern = TopicPattern::compile(one.style, one.pattern);
    ASSERT_TRUE(pattern.ok()) << one.pattern;
    EXPECT_EQ(filters_of("p.", *pattern), one.filters) << one.pattern;
  }
  EXPECT_EQ(filters_of("p.", TopicPattern::topic("a/b c")), Strings{"p.a.b%20c"});
}

TEST(NatsJetStream, NamesOfGroupsAreNoneOfNats) {
  const std::string name = group_id("a.b *ü", "t.>");
  EXPECT_TRUE(name.starts_with("a-b--"));
  EXPECT_EQ(name.find_first_of(". *>/"), std::string::npos);
  EXPECT_NE(group_id("g", "t"), group_id("g", "u"));
  EXPECT_NE(group_id("a", "bc"), group_id("ab", "c"));
}

TEST(NatsJetStream, ADeliveryIsReadFromItsReply) {
  const auto v1 = delivered_of("$JS.ACK.S.C.3.17.20.1700000000000000001.5");
  ASSERT_TRUE(v1.has_value());
  EXPECT_EQ(v1->count, 3U);
  EXPECT_EQ(v1->sequence, 17U);
  EXPECT_EQ(v1->published.time_since_epoch().count(), 1700000000000000001);
  const auto v2 = delivered_of("$JS.ACK._.acc.S.C.3.17.20.1700000000000000001.5.token");
  ASSERT_TRUE(v2.has_value());
  EXPECT_EQ(v2->count, 3U);
  EXPECT_EQ(v2->sequence, 17U);
  for (const std::string_view bad :
       {"", "$JS.ACK.S.C.3.17", "$JS.ACK.S.C.x.17.20.1.5", "a.b.c.d.1.2.3.4.5", "$JS.ACK.S.C.3.17.20.1.5.6"})
    EXPECT_FALSE(delivered_of(bad).has_value()) << bad;
}

struct Counted {
  std::uint32_t tries;
  std::uint32_t deliveries;
  friend bool operator==(const Counted&, const Counted&) = default;
};
void PrintTo(const Counted& one, std::ostream* out) { *out << one.tries << " tries, " << one.deliveries << " deliveries"; }
Counted counted(std::uint64_t count, const std::optional<Record>& record) {
  worker_loop::WorkItem item;
  count_tries(item, count, record);
  return {item.tries, item.delivery_count};
}

TEST(NatsJetStream, TriesAreTheBrokersCountLessWhatWasHandedBack) {
  EXPECT_EQ(counted(1, std::nullopt), (Counted{0, 1}));
  EXPECT_EQ(counted(3, std::nullopt), (Counted{2, 3})) << "each of those before used up a try";
  Settlement settlement;
  settlement.kind = Settlement::Kind::hand_back;
  settlement.delivery_count = 1;  // a handler had begun
  EXPECT_EQ(counted(2, Record::of(settlement, 1, {})), (Counted{0, 2}));
  settlement.delivery_count = 0;  // none had
  EXPECT_EQ(counted(2, Record::of(settlement, 1, {})), (Counted{0, 1}));
  EXPECT_EQ(counted(3, Record::of(settlement, 1, {})), (Counted{1, 2})) << "and the second one died";
  settlement.kind = Settlement::Kind::again;
  settlement.tries = 2;
  settlement.delivery_count = 3;
  settlement.failures = 1;
  settlement.first_error = "no";
  settlement.after = std::chrono::seconds(1);
  const Record again = Record::of(settlement, 3, WallTime(std::chrono::seconds(100)));
  EXPECT_EQ(counted(4, again), (Counted{2, 4}));
  EXPECT_EQ(again.due_ms, 101'000);
  const std::optional<Record> read = Record::parse(again.text());
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->text(), again.text());
  EXPECT_EQ(read->first_error, "no");
  EXPECT_FALSE(Record::parse("what").has_value());
  // Tried again in place, then its consumer died: that try counts.
  settlement.kind = Settlement::Kind::keep;
  settlement.tries = 1;
  settlement.delivery_count = 2;
  EXPECT_EQ(counted(2, Record::of(settlement, 1, {})), (Counted{2, 3}));
}

TEST(NatsJetStream, RequestsAreJson) {
  NatsOptions options;
  options.prefix = "p.";
  EXPECT_TRUE(json::parse(stream_request(options)).ok());
  EXPECT_TRUE(json::parse(state_stream_request(options)).ok());
  ConsumerConfig config;
  config.filters = {"a", "b"};
  for (const Start start : {Start::earliest, Start::latest, Start::sequence, Start::time}) {
    config.start = start;
    config.name = config.name.empty() ? "n" : "";
    const Result<Document> read = json::parse(consumer_request("S", config));
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(read->root().find("config").find("filter_subjects").size(), 2U);
  }
  EXPECT_EQ(nak(Duration::zero()), "-NAK");
  EXPECT_EQ(nak(std::chrono::milliseconds(5)), R"(-NAK {"delay":5000000})");
  EXPECT_EQ(pull_request(5, std::chrono::seconds(1), std::chrono::milliseconds(1)),
            R"({"batch":5,"expires":1000000000,"idle_heartbeat":1000000})");
  GroupRecord record;
  record.group = "g \"";
  record.topic = "t/#";
  record.style = TopicStyle::mqtt;
  record.consumer = "c";
  const std::optional<GroupRecord> back = GroupRecord::parse(record.text());
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->text(), record.text());
  EXPECT_FALSE(GroupRecord::parse("").has_value());
}

}  // namespace
}  // namespace spikard::messaging::nats
