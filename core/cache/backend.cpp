#include "cache/backend.hpp"

namespace spikard::cache {

namespace {

Error no_leases() { return {ErrorKind::unsupported, "this cache has no leases"}; }

Task<Result<void>> put_rest(Backend& backend, const net::Caller* caller, std::string_view space, std::span<const Item> items,
                            Put put, Answer<void> first) {
  Result<void> done = co_await first;
  for (std::size_t n = 1; n < items.size() && done.ok(); ++n) {
    put.value = items[n].value;
    Answer<void> next = backend.put(caller, Key{space, items[n].key}, put);
    done = co_await next;
  }
  co_return done;
}

}  // namespace

std::optional<Found> Backend::nearby(Key) { return std::nullopt; }

Answer<void> Backend::put_many(const net::Caller* caller, std::string_view space, std::span<const Item> items, Put what) {
  for (std::size_t n = 0; n < items.size(); ++n) {
    what.value = items[n].value;
    Answer<void> answer = put(caller, Key{space, items[n].key}, what);
    if (!answer.ready()) return put_rest(*this, caller, space, items.subspan(n), what, std::move(answer));
    Result<void> done = std::move(answer).take();
    if (!done.ok()) return done;
  }
  return {};
}

Answer<Lease> Backend::lease(const net::Caller*, Key, Claim) { return no_leases(); }
Answer<bool> Backend::renew(const net::Caller*, Key, std::string_view, Millis) { return no_leases(); }
Answer<bool> Backend::keep(const net::Caller*, Key, std::string_view, std::optional<Put>) { return no_leases(); }
Answer<void> Backend::release(const net::Caller*, Key, std::string_view) { return no_leases(); }

}  // namespace spikard::cache
