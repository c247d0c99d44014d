#include <gtest/gtest.h>

#include "net/kafka/error.hpp"
#include "net/kafka/partitioner.hpp"
#include "net/kafka/protocol.hpp"
#include "net/kafka/record_batch.hpp"
#include "net/kafka/wire.hpp"

namespace spikard::net::kafka {
namespace {

std::string hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    out += "0123456789abcdef"[static_cast<std::uint8_t>(c) >> 4U];
    out += "0123456789abcdef"[static_cast<std::uint8_t>(c) & 15U];
  }
  return out;
}
std::string bytes_of(std::string_view hexadecimal) {
  std::string out;
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  for (std::size_t i = 0; i + 1 < hexadecimal.size(); i += 2)
    out += static_cast<char>(digit(hexadecimal[i]) * 16 + digit(hexadecimal[i + 1]));
  return out;
}

TEST(KafkaWire, BothFormsOfAStringAndAnArray) {
  std::string out;
  Writer plain(out, false);
  plain.string("ab");
  plain.nullable_string(std::nullopt);
  plain.array(1);
  plain.bytes("x");
  plain.tags();
  EXPECT_EQ(hex(out),
            "00026162"
            "ffff"
            "00000001"
            "0000000178");
  out.clear();
  Writer compact(out, true);
  compact.string("ab");
  compact.nullable_string(std::nullopt);
  compact.array(1);
  compact.bytes("x");
  compact.tags();
  EXPECT_EQ(hex(out),
            "036162"
            "00"
            "02"
            "0278"
            "00");
}

TEST(KafkaWire, VarintsOfTheSpecification) {
  for (const auto& [value, text] : std::vector<std::pair<std::int64_t, std::string>>{
           {0, "00"}, {-1, "01"}, {1, "02"}, {-64, "7f"}, {64, "8001"}, {300, "d804"}, {INT64_MIN, "ffffffffffffffffff01"}}) {
    std::string out;
    Writer(out, false).varint(value);
    EXPECT_EQ(hex(out), text);
    Reader in(out, false);
    EXPECT_EQ(in.varint(), value);
    EXPECT_TRUE(in.ok());
  }
  const std::string ones(12, '\xff');
  Reader endless(ones, false);
  (void)endless.uvarint();
  EXPECT_FALSE(endless.ok());
}

TEST(KafkaWire, CountsThatCannotBeAreRefused) {
  const std::string wide = bytes_of("7fffffff00");
  Reader plain(wide, false);
  EXPECT_EQ(plain.array(1), 0U);
  EXPECT_FALSE(plain.ok());
  const std::string narrow = bytes_of("ffffffff0f00");
  Reader compact(narrow, true);
  EXPECT_EQ(compact.array(1), 0U);
  EXPECT_FALSE(compact.ok());
  const std::string below = bytes_of("fffe");
  Reader negative(below, false);
  EXPECT_EQ(negative.string(), "");
  EXPECT_FALSE(negative.ok());
}

TEST(KafkaFrame, HeaderOneAndHeaderTwo) {
  EXPECT_EQ(hex(frame(ApiKey::metadata, 7, 5, "me", "x")),
            "0000000d"
            "0003"
            "0007"
            "00000005"
            "00026d65"
            "78");
  EXPECT_EQ(hex(frame(ApiKey::metadata, 9, 5, "me", "x")),
            "0000000e"
            "0003"
            "0009"
            "00000005"
            "00026d65"
            "00"
            "78");
  const std::string text = bytes_of("000000050078");
  const Result<Answer> answer = open_answer(ApiKey::metadata, 9, text);
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->correlation, 5);
  EXPECT_EQ(answer->body, "x");
  EXPECT_FALSE(open_answer(ApiKey::metadata, 9, bytes_of("0000")).ok());
}

// As https://github.com/apache/kafka's Utils.murmur2 tests have it.
TEST(KafkaPartitioner, Murmur2AsInJava) {
  for (const auto& [text, hash] :
       std::vector<std::pair<std::string, std::int32_t>>{{"21", -973932308},
                                                         {"foobar", -790332482},
                                                         {"a-little-bit-long-string", -985981536},
                                                         {"a-little-bit-longer-string", -1486304829},
                                                         {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
                                                         {"abc", 479470107}})
    EXPECT_EQ(static_cast<std::int32_t>(murmur2(text)), hash) << text;
  EXPECT_LT(partition_of("21", 3), 3);
  EXPECT_GE(partition_of("21", 3), 0);
}

TEST(KafkaRecords, Crc32cOfRfc3720) {
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aaU);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43U);
  EXPECT_EQ(crc32c("123456789"), 0xe3069283U);
}

std::vector<Record> sample() {
  std::vector<Record> out(3);
  out[0].timestamp_ms = 1'700'000'000'000;
  out[0].key = "k";
  out[0].value = "hello";
  out[0].headers = {{"a", "1"}, {"b", ""}};
  out[1].timestamp_ms = 1'700'000'000'005;
  out[1].value = std::string(5000, 'x');
  out[2].timestamp_ms = 1'699'999'999'999;
  out[2].key = "";
  return out;
}

TEST(KafkaRecords, TheBytesOfABatch) {
  std::vector<Record> one(1);
  one[0].timestamp_ms = 1;
  one[0].key = "k";
  one[0].value = "v";
  const std::string batch = encode_batch(one, {7, 2, 9}, Compression::none).value();
  const std::string text = hex(batch);
  EXPECT_EQ(text.substr(0, 34),
            "0000000000000000"
            "0000003a"
            "ffffffff"
            "02");
  EXPECT_EQ(text.substr(42),
            "0000"
            "00000000"
            "0000000000000001"
            "0000000000000001"
            "0000000000000007"
            "0002"
            "00000009"
            "00000001"
            "10"
            "00"
            "00"
            "00"
            "02"
            "6b"
            "02"
            "76"
            "00");
}

TEST(KafkaRecords, WhatIsWrittenIsReadWithEveryCompression) {
  for (const Compression how : {Compression::none, Compression::gzip, Compression::snappy, Compression::lz4, Compression::zstd}) {
    std::string batch = encode_batch(sample(), {}, how).value();
    if (how != Compression::none) EXPECT_LT(batch.size(), 1000U);
    DecodeOptions options;
    const Result<DecodedRecords> out = decode_batches(batch, options);
    ASSERT_TRUE(out.ok()) << out.error().to_string();
    ASSERT_EQ(out->records.size(), 3U);
    EXPECT_EQ(out->next_offset, 3);
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_EQ(out->records[i].offset, static_cast<std::int64_t>(i));
      EXPECT_EQ(out->records[i].timestamp_ms, sample()[i].timestamp_ms);
      EXPECT_EQ(out->records[i].key, sample()[i].key);
      EXPECT_EQ(out->records[i].value, sample()[i].value);
      EXPECT_EQ(out->records[i].headers, sample()[i].headers);
    }
    // From the middle; cut off; a flipped bit; too large.
    options.from = 1;
    EXPECT_EQ(decode_batches(batch, options)->records.size(), 2U);
    EXPECT_TRUE(decode_batches(std::string_view(batch).substr(0, batch.size() - 1), {})->records.empty());
    if (how != Compression::none) {
      options.max_batch_bytes = 4999;
      EXPECT_EQ(decode_batches(batch, options).error().kind(), ErrorKind::too_large);
    }
    batch[batch.size() - 3] = static_cast<char>(batch[batch.size() - 3] ^ 4);
    EXPECT_EQ(decode_batches(batch, {}).error().kind(), ErrorKind::corrupt);
  }
}

TEST(KafkaRecords, SnappyAsJavaFramesIt) {
  const std::string block = compress(Compression::snappy, "hello").value();
  std::string framed("\x82SNAPPY\0\0\0\0\1\0\0\0\1", 16);
  Writer w(framed, false);
  w.bytes(block);
  w.bytes(block);
  EXPECT_EQ(decompress(Compression::snappy, framed, 100).value(), "hellohello");
  EXPECT_EQ(decompress(Compression::snappy, framed, 9).error().kind(), ErrorKind::too_large);
  framed.pop_back();
  EXPECT_EQ(decompress(Compression::snappy, framed, 100).error().kind(), ErrorKind::corrupt);
}

TEST(KafkaRecords, AbortedTransactionsAndControlBatchesAreLeftOut) {
  const auto batch = [](std::int64_t base, std::string_view value, std::int64_t producer, std::int16_t bits,
                        const std::optional<std::string>& key) {
    std::vector<Record> one(1);
    one[0].value = std::string(value);
    one[0].key = key;
    std::string out = encode_batch(one, {producer, 0, 0}, Compression::none).value();
    std::string head;
    Writer(head, false).i64(base);
    out.replace(0, 8, head);
    out[22] = static_cast<char>(bits);
    std::string sum;
    Writer(sum, false).i32(static_cast<std::int32_t>(crc32c(std::string_view(out).substr(21))));
    return out.replace(17, 4, sum);
  };
  const std::string abort_key("\0\0\0\0", 4);
  const std::string bytes = batch(0, "aborted", 1, 0x10, {}) + batch(1, "other", 2, 0x10, {}) + batch(2, "", 1, 0x30, abort_key) +
                            batch(3, "after", 1, 0x10, {}) + batch(4, "plain", -1, 0, {});
  const Result<DecodedRecords> out = decode_batches(bytes, {}, {{1, 0}});
  ASSERT_TRUE(out.ok());
  ASSERT_EQ(out->records.size(), 3U);
  EXPECT_EQ(out->records[0].value, "other");
  EXPECT_EQ(out->records[1].value, "after");
  EXPECT_EQ(out->records[2].value, "plain");
  EXPECT_EQ(out->next_offset, 5);
}

TEST(KafkaErrors, EveryCodeOfTheTableHasItsKind) {
  EXPECT_EQ(broker_error(code_message_too_large, "x").kind(), ErrorKind::too_large);
  EXPECT_EQ(broker_error(29, "x").kind(), ErrorKind::permission_denied);
  EXPECT_EQ(broker_error(58, "x").kind(), ErrorKind::permission_denied);
  EXPECT_EQ(broker_error(code_unknown_topic, "x").kind(), ErrorKind::not_found);
  EXPECT_EQ(broker_error(code_not_leader, "x").retry(), RetryClass::temporary);
  EXPECT_EQ(broker_error(code_unknown_member, "x").kind(), ErrorKind::conflict);
  EXPECT_EQ(broker_error(code_topic_exists, "x").kind(), ErrorKind::already_exists);
  EXPECT_EQ(broker_error(7, "x").kind(), ErrorKind::timeout);
  EXPECT_EQ(broker_error(89, "x").kind(), ErrorKind::rate_limited);
  EXPECT_EQ(broker_error(12345, "x").kind(), ErrorKind::internal);
  EXPECT_EQ(code_name(25), "UNKNOWN_MEMBER_ID");
  EXPECT_TRUE(code_retriable(code_rebalance_in_progress));
  EXPECT_FALSE(code_retriable(code_message_too_large));
  EXPECT_NE(broker_error(10, "Produce").message().find("MESSAGE_TOO_LARGE"), std::string::npos);
}

TEST(KafkaProtocol, AnswersThatAreCutOffAreRefused) {
  // Metadata 7: one broker, cluster, controller, one topic with one partition.
  const std::string body = bytes_of(
      "00000000"
      "00000001"
      "00000001"
      "000161"
      "00002384"
      "ffff"
      "000163"
      "00000001"
      "00000001"
      "0000"
      "000174"
      "00"
      "00000001"
      "0000"
      "00000000"
      "00000001"
      "00000003"
      "0000000100000001"
      "0000000100000001"
      "00000000");
  const Result<MetadataAnswer> answer = MetadataAnswer::read(body, 7);
  ASSERT_TRUE(answer.ok());
  ASSERT_EQ(answer->brokers.size(), 1U);
  EXPECT_EQ(answer->brokers[0].host, "a");
  EXPECT_EQ(answer->brokers[0].port, 9092);
  ASSERT_EQ(answer->topics.size(), 1U);
  EXPECT_EQ(answer->topics[0].name, "t");
  ASSERT_EQ(answer->topics[0].partitions.size(), 1U);
  EXPECT_EQ(answer->topics[0].partitions[0].leader, 1);
  EXPECT_EQ(answer->topics[0].partitions[0].leader_epoch, 3);
  for (std::size_t size = 0; size < body.size(); ++size) EXPECT_FALSE(MetadataAnswer::read(body.substr(0, size), 7).ok()) << size;
}

}  // namespace
}  // namespace spikard::net::kafka
