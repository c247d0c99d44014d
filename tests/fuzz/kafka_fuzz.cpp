// The first byte says what the rest is: record batches, or the answer to a request in its oldest or newest version. What was
// decoded is encoded and must come back the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "net/kafka/assignor.hpp"
#include "net/kafka/protocol.hpp"

namespace {

using namespace spikard;
using namespace spikard::net::kafka;

void require(bool good) {
  if (!good) std::abort();
}

template <class Answer, class Request>
void answer(std::string_view body) {
  const Api& one = api(Request::key);
  (void)Answer::read(body, one.least);
  (void)Answer::read(body, one.most);
}

void batches(std::string_view bytes) {
  DecodeOptions options;
  options.max_batch_bytes = 1U << 20U;
  const Result<DecodedRecords> decoded = decode_batches(bytes, options, {{1, 0}, {2, 5}});
  if (!decoded.ok() || decoded->records.empty()) return;
  const Result<std::string> batch = encode_batch(decoded->records, {1, 2, 3}, Compression::none);
  require(batch.ok());
  const Result<DecodedRecords> again = decode_batches(*batch, {});
  require(again.ok() && again->records.size() == decoded->records.size());
  for (std::size_t i = 0; i < again->records.size(); ++i) {
    require(again->records[i].key == decoded->records[i].key && again->records[i].value == decoded->records[i].value);
    require(again->records[i].headers == decoded->records[i].headers);
    require(again->records[i].timestamp_ms == decoded->records[i].timestamp_ms);
  }
}

void members(std::string_view bytes) {
  (void)read_assignment(bytes);
  const Result<MemberSubscription> read = read_subscription(bytes);
  if (!read.ok()) return;
  require(read_subscription(write_subscription(*read)).ok());
  if (read->topics.size() > 20 || read->owned.size() > 100) return;
  std::map<std::string, std::int32_t> partitions;
  for (const std::string& topic : read->topics) partitions[topic] = 3;
  MemberSubscription other = *read;
  other.owned.clear();
  (void)assign_cooperative({{"a", *read}, {"b", other}, {"c", *read}}, partitions);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 28) {
    case 0: batches(text); break;
    case 1: members(text); break;
    case 2: answer<ApiVersionsAnswer, ApiVersionsRequest>(text); break;
    case 3: answer<MetadataAnswer, MetadataRequest>(text); break;
    case 4: answer<ProduceAnswer, ProduceRequest>(text); break;
    case 5: answer<FetchAnswer, FetchRequest>(text); break;
    case 6: answer<ListOffsetsAnswer, ListOffsetsRequest>(text); break;
    case 7: answer<CreateTopicsAnswer, CreateTopicsRequest>(text); break;
    case 8: answer<DeleteTopicsAnswer, DeleteTopicsRequest>(text); break;
    case 9: answer<DeleteRecordsAnswer, DeleteRecordsRequest>(text); break;
    case 10: answer<InitProducerIdAnswer, InitProducerIdRequest>(text); break;
    case 11: answer<FindCoordinatorAnswer, FindCoordinatorRequest>(text); break;
    case 12: answer<JoinGroupAnswer, JoinGroupRequest>(text); break;
    case 13: answer<SyncGroupAnswer, SyncGroupRequest>(text); break;
    case 14: answer<HeartbeatAnswer, HeartbeatRequest>(text); break;
    case 15: answer<LeaveGroupAnswer, LeaveGroupRequest>(text); break;
    case 16: answer<OffsetCommitAnswer, OffsetCommitRequest>(text); break;
    case 17: answer<OffsetFetchAnswer, OffsetFetchRequest>(text); break;
    case 18: answer<ListGroupsAnswer, ListGroupsRequest>(text); break;
    case 19: answer<DescribeGroupsAnswer, DescribeGroupsRequest>(text); break;
    case 20: answer<DeleteGroupsAnswer, DeleteGroupsRequest>(text); break;
    case 21: answer<OffsetDeleteAnswer, OffsetDeleteRequest>(text); break;
    case 22: answer<SaslHandshakeAnswer, SaslHandshakeRequest>(text); break;
    case 23: answer<SaslAuthenticateAnswer, SaslAuthenticateRequest>(text); break;
    case 24:
    case 25:
    case 26:
    case 27: (void)decompress(static_cast<Compression>(data[0] % 28 - 23), text, 1U << 20U); break;
    default: break;
  }
  return 0;
}
