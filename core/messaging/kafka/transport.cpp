#include "messaging/kafka/transport.hpp"

namespace spikard::messaging::kafka {
namespace {

class OwnSender final : public Sender {
 public:
  OwnSender(std::shared_ptr<net::kafka::Cluster> cluster, const net::kafka::ProducerOptions& options)
      : producer_(std::make_shared<net::kafka::Producer>(std::move(cluster), options)) {}
  Task<Result<std::vector<net::kafka::Produced>>> send(std::vector<net::kafka::OutRecord> records) override {
    return producer_->send(std::move(records));
  }

 private:
  const std::shared_ptr<net::kafka::Producer> producer_;
};

class OwnMember final : public Member {
 public:
  OwnMember(const std::shared_ptr<net::kafka::Cluster>& cluster, net::kafka::GroupOptions options,
            net::kafka::GroupListener& listener, net::kafka::FetchTarget& target)
      : member_(std::make_shared<net::kafka::GroupMember>(cluster, std::move(options), listener)),
        fetcher_(std::make_shared<net::kafka::Fetcher>(cluster, net::kafka::FetchOptions(), target)) {}
  void start() override { member_->start(); }
  Task<void> leave() override { return member_->leave(); }
  void abandon() override { member_->abandon(); }
  Task<Result<void>> commit(std::vector<net::kafka::OffsetCommitRequest::Partition> partitions) override {
    return member_->commit(std::move(partitions));
  }
  bool owns(const net::kafka::TopicPartition& one) const override { return member_->owns(one); }
  void poke() override { fetcher_->poke(); }
  void stop_reading() override { fetcher_->stop(); }

 private:
  const std::shared_ptr<net::kafka::GroupMember> member_;
  const std::shared_ptr<net::kafka::Fetcher> fetcher_;
};

class OwnTransport final : public Transport {
 public:
  explicit OwnTransport(net::kafka::ProducerOptions options) : options_(options) {}
  std::shared_ptr<Sender> sender(std::shared_ptr<net::kafka::Cluster> cluster) override {
    return std::make_shared<OwnSender>(std::move(cluster), options_);
  }
  std::shared_ptr<Member> member(std::shared_ptr<net::kafka::Cluster> cluster, net::kafka::GroupOptions options,
                                 net::kafka::GroupListener& listener, net::kafka::FetchTarget& target) override {
    return std::make_shared<OwnMember>(cluster, std::move(options), listener, target);
  }

 private:
  const net::kafka::ProducerOptions options_;
};

}  // namespace

std::shared_ptr<Transport> own_transport(net::kafka::ProducerOptions options) { return std::make_shared<OwnTransport>(options); }

}  // namespace spikard::messaging::kafka
