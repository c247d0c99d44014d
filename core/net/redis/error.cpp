#include "net/redis/error.hpp"

#include <array>
#include <string>

namespace spikard::net::redis {
namespace {

struct Line {
  std::string_view code;
  ErrorKind kind;
  RetryClass retry;
};

// By the code, then by the beginning of an `ERR`.
constexpr std::array codes{
    Line{"NOAUTH", ErrorKind::permission_denied, RetryClass::permanent},
    Line{"WRONGPASS", ErrorKind::permission_denied, RetryClass::permanent},
    Line{"NOPERM", ErrorKind::permission_denied, RetryClass::permanent},
    Line{"DENIED", ErrorKind::permission_denied, RetryClass::permanent},
    Line{"WRONGTYPE", ErrorKind::invalid_argument, RetryClass::permanent},
    Line{"CROSSSLOT", ErrorKind::invalid_argument, RetryClass::permanent},
    Line{"NOPROTO", ErrorKind::unsupported, RetryClass::permanent},
    Line{"BUSYGROUP", ErrorKind::already_exists, RetryClass::permanent},
    Line{"BUSYKEY", ErrorKind::already_exists, RetryClass::permanent},
    Line{"NOGROUP", ErrorKind::not_found, RetryClass::permanent},
    Line{"NOSCRIPT", ErrorKind::not_found, RetryClass::permanent},
    Line{"EXECABORT", ErrorKind::condition_failed, RetryClass::permanent},
    Line{"READONLY", ErrorKind::unavailable, RetryClass::temporary},
    Line{"LOADING", ErrorKind::unavailable, RetryClass::temporary},
    Line{"BUSY", ErrorKind::unavailable, RetryClass::temporary},
    Line{"MASTERDOWN", ErrorKind::unavailable, RetryClass::temporary},
    Line{"CLUSTERDOWN", ErrorKind::unavailable, RetryClass::temporary},
    Line{"TRYAGAIN", ErrorKind::unavailable, RetryClass::temporary},
    Line{"MOVED", ErrorKind::unavailable, RetryClass::temporary},
    Line{"ASK", ErrorKind::unavailable, RetryClass::temporary},
    Line{"NOREPLICAS", ErrorKind::unavailable, RetryClass::temporary},
    Line{"MISCONF", ErrorKind::unavailable, RetryClass::temporary},
    Line{"UNBLOCKED", ErrorKind::cancelled, RetryClass::permanent},
    Line{"OOM", ErrorKind::rate_limited, RetryClass::temporary},
};
constexpr std::array texts{
    Line{"ERR unknown command", ErrorKind::unsupported, RetryClass::permanent},
    Line{"ERR unknown subcommand", ErrorKind::unsupported, RetryClass::permanent},
    Line{"ERR invalid password", ErrorKind::permission_denied, RetryClass::permanent},
    Line{"ERR max number of clients reached", ErrorKind::unavailable, RetryClass::temporary},
    Line{"ERR no such key", ErrorKind::not_found, RetryClass::permanent},
    Line{"ERR The XGROUP subcommand requires the key to exist", ErrorKind::not_found, RetryClass::permanent},
    Line{"ERR Protocol error", ErrorKind::internal, RetryClass::permanent},
};

}  // namespace

std::string_view code_of(std::string_view text) noexcept { return text.substr(0, text.find(' ')); }

Error error_of(std::string_view text) {
  const std::string_view code = code_of(text);
  ErrorKind kind = ErrorKind::invalid_argument;
  RetryClass retry = RetryClass::permanent;
  for (const Line& line : codes) {
    if (line.code == code) kind = line.kind, retry = line.retry;
  }
  for (const Line& line : texts) {
    if (text.starts_with(line.code)) kind = line.kind, retry = line.retry;
  }
  // The server repeats arguments there, which may be a password.
  std::string_view shown = text.substr(0, text.find(", with args beginning with"));
  shown = shown.substr(0, 300);
  return Error(kind, std::string(shown)).with_retry(retry).with("redis.error", std::string(code.substr(0, 40)));
}

}  // namespace spikard::net::redis
