#include "net/kafka/assignor.hpp"

#include <algorithm>

#include "net/kafka/wire.hpp"

namespace spikard::net::kafka {
namespace {

constexpr std::size_t max_topic_name = 249;

void write_partitions(Writer& w, std::vector<TopicPartition> all) {
  std::sort(all.begin(), all.end());
  std::map<std::string, std::vector<std::int32_t>> topics;
  for (const TopicPartition& one : all) topics[one.topic].push_back(one.partition);
  w.array(topics.size());
  for (const auto& [topic, numbers] : topics) {
    w.string(topic);
    w.array(numbers.size());
    for (const std::int32_t number : numbers) w.i32(number);
  }
}

std::vector<TopicPartition> read_partitions(Reader& r) {
  std::vector<TopicPartition> out;
  for (std::size_t topics = r.array(6); topics > 0 && r.ok(); --topics) {
    const std::string topic(r.string());
    if (topic.size() > max_topic_name) r.fail();
    for (std::size_t n = r.array(4); n > 0 && r.ok(); --n) out.push_back({topic, r.i32()});
  }
  return out;
}

Error corrupt(std::string_view what) { return {ErrorKind::corrupt, "a member's " + std::string(what) + " does not parse"}; }

}  // namespace

std::string write_subscription(const MemberSubscription& in) {
  std::string out;
  Writer w(out, false);
  w.i16(2);
  w.array(in.topics.size());
  for (const std::string& one : in.topics) w.string(one);
  std::string user_data;
  Writer(user_data, false).i32(in.generation);
  w.bytes(user_data);
  write_partitions(w, in.owned);
  w.i32(in.generation);
  return out;
}

Result<MemberSubscription> read_subscription(std::string_view bytes) {
  Reader r(bytes, false);
  MemberSubscription out;
  const std::int16_t version = r.i16();
  for (std::size_t n = r.array(2); n > 0 && r.ok(); --n) out.topics.emplace_back(r.string());
  const std::string_view user_data = r.bytes();
  if (user_data.size() >= 4) out.generation = Reader(user_data, false).i32();
  if (version >= 1) out.owned = read_partitions(r);
  if (version >= 2) out.generation = r.i32();
  if (!r.ok() || version < 0) return corrupt("subscription");
  return out;
}

std::string write_assignment(const std::vector<TopicPartition>& partitions) {
  std::string out;
  Writer w(out, false);
  w.i16(1);
  write_partitions(w, partitions);
  w.null_bytes();
  return out;
}

Result<std::vector<TopicPartition>> read_assignment(std::string_view bytes) {
  if (bytes.empty()) return std::vector<TopicPartition>();
  Reader r(bytes, false);
  (void)r.i16();
  std::vector<TopicPartition> out = read_partitions(r);
  if (!r.ok()) return corrupt("assignment");
  return out;
}

std::map<std::string, std::vector<TopicPartition>> assign_cooperative(const std::map<std::string, MemberSubscription>& members,
                                                                      const std::map<std::string, std::int32_t>& partitions) {
  std::map<std::string, std::vector<std::string>> subscribers;  // of a topic
  for (const auto& [id, member] : members) {
    for (const std::string& topic : std::set<std::string>(member.topics.begin(), member.topics.end()))
      subscribers[topic].push_back(id);
  }
  // Who owns what now: of two that say so the one of the later generation, of the same generation none.
  struct Claim {
    std::string member;
    std::int32_t generation = -1;
    bool disputed = false;
  };
  std::map<TopicPartition, Claim> owners;
  for (const auto& [id, member] : members) {
    for (const TopicPartition& one : member.owned) {
      Claim& claim = owners[one];
      if (claim.member.empty() || member.generation > claim.generation) claim = {id, member.generation, false};
      else if (member.generation == claim.generation && claim.member != id) claim.disputed = true;
    }
  }
  std::map<std::string, std::set<TopicPartition>> out;
  for (const auto& [id, member] : members) out[id];
  const auto can_have = [&](const std::string& id, const std::string& topic) {
    const auto found = subscribers.find(topic);
    return found != subscribers.end() && std::binary_search(found->second.begin(), found->second.end(), id);
  };
  std::vector<TopicPartition> free;
  for (const auto& [topic, ids] : subscribers) {
    const auto count = partitions.find(topic);
    for (std::int32_t n = 0; count != partitions.end() && n < count->second; ++n) {
      const TopicPartition one{topic, n};
      const auto owner = owners.find(one);
      if (owner != owners.end() && !owner->second.disputed && can_have(owner->second.member, topic))
        out[owner->second.member].insert(one);
      else free.push_back(one);
    }
  }
  const auto least = [&](const std::string& topic) {
    const std::vector<std::string>& ids = subscribers.at(topic);
    return *std::min_element(ids.begin(), ids.end(), [&](const auto& a, const auto& b) { return out[a].size() < out[b].size(); });
  };
  for (const TopicPartition& one : free) out[least(one.topic)].insert(one);
  // Each move makes it more even, so it ends; the bound is for a mistake here.
  std::size_t bound = 1;
  for (const auto& [id, has] : out) bound += has.size();
  bound *= members.size() + 1;
  for (bool moved = true; moved && bound > 0;) {
    moved = false;
    for (auto& [id, has] : out) {
      // From the end: a topic of retries, whose name is longer, rather than the topic itself.
      const std::vector<TopicPartition> held(has.rbegin(), has.rend());
      for (const TopicPartition& one : held) {
        const std::string to = least(one.topic);
        if (to == id || out[to].size() + 1 >= has.size() || bound == 0) continue;
        out[to].insert(one);
        has.erase(one);
        moved = true;
        --bound;
      }
    }
  }
  std::map<std::string, std::vector<TopicPartition>> result;
  for (const auto& [id, has] : out) {
    std::vector<TopicPartition>& mine = result[id];
    for (const TopicPartition& one : has) {
      const auto owner = owners.find(one);
      // What another has must be let go of first. Of a disputed one nobody is believed.
      if (owner != owners.end() && owner->second.member != id && !owner->second.disputed &&
          members.contains(owner->second.member))
        continue;
      mine.push_back(one);
    }
  }
  return result;
}

}  // namespace spikard::net::kafka
