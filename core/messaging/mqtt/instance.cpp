#include "messaging/mqtt/instance.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include "net/signing/hash.hpp"

namespace spikard::messaging::mqtt {
namespace {

constexpr int max_instances = 256;

/// The path of `sqlite:FILE?...`, or nothing.
std::string file_of(std::string_view store) {
  constexpr std::string_view scheme = "sqlite:";
  if (!store.starts_with(scheme)) return {};
  store.remove_prefix(scheme.size());
  store = store.substr(0, store.find('?'));
  if (store.empty() || store.starts_with(':')) return {};
  return std::string(store);
}

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return {};
  return name.data();
}

}  // namespace

std::string short_hash(std::string_view text) { return net::signing::hex(net::signing::sha256(text).substr(0, 4)); }

Result<Instance> Instance::claim(std::string_view store, std::string_view client) {
  Instance out;
  const std::string file = file_of(store);
  if (file.empty()) {
    out.name_ = "spikard-" + net::signing::hex(net::signing::random_bytes(8));
    return out;
  }
  const std::string beside = file + ".mqtt-" + short_hash(client) + "-";
  for (int i = 0; i < max_instances; ++i) {
    const std::string path = beside + std::to_string(i) + ".lock";
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) {
      return Error(ErrorKind::unavailable, "store: cannot make " + path + ": " + std::strerror(errno))
          .with_operation("messaging.mqtt");
    }
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
      ::close(fd);
      continue;
    }
    out.lock_ = fd;
    out.lasting_ = true;
    const std::unique_ptr<char, decltype(&std::free)> absolute(::realpath(file.c_str(), nullptr), &std::free);
    const std::string where = absolute == nullptr ? file : std::string(absolute.get());
    out.name_ = "spikard-" + short_hash(host_name() + "\n" + where + "\n" + std::string(client)) + "-" + std::to_string(i);
    return out;
  }
  return Error(ErrorKind::unavailable, "store: 256 processes use it already").with_operation("messaging.mqtt");
}

Result<Instance> Instance::named(std::string_view client_id) {
  Instance out;
  out.name_ = client_id;
  out.lasting_ = true;
  return out;
}

Instance::Instance(Instance&& other) noexcept
    : name_(std::move(other.name_)), lasting_(other.lasting_), lock_(std::exchange(other.lock_, -1)) {}

Instance& Instance::operator=(Instance&& other) noexcept {
  std::swap(name_, other.name_);
  std::swap(lasting_, other.lasting_);
  std::swap(lock_, other.lock_);
  return *this;
}

Instance::~Instance() {
  if (lock_ >= 0) ::close(lock_);
}

}  // namespace spikard::messaging::mqtt
