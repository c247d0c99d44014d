#include <spikard/spikard.hpp>

using namespace spikard;

struct Guest {
  std::string name;
  int age = 0;
};
BOOST_DESCRIBE_STRUCT(Guest, (), (name, age))
SPIKARD_CONSTRAIN(Guest, name, min_length(1), max_length(50))
SPIKARD_CONSTRAIN(Guest, age, ge(0), le(150))

struct Booking {
  std::string room;
  std::vector<Guest> guests;
  int nights = 1;
};
BOOST_DESCRIBE_STRUCT(Booking, (), (room, guests, nights))
SPIKARD_CONSTRAIN(Booking, room, pattern("^[A-Z][0-9]{3}$"))
SPIKARD_CONSTRAIN(Booking, guests, min_items(1), max_items(4))
SPIKARD_CONSTRAIN(Booking, nights, ge(1), le(30))

int main() {
  App app;
  app.post("/bookings", [](const Body<Booking>& booking, Context& ctx) {
    ctx.status(201);
    return *booking;
  });
  app.get("/rooms", [](Query<"floor", int, Ge<0>, Le<9>> floor, Query<"sea_view", bool, Default<false>> sea_view) {
    return "floor " + std::to_string(*floor) + (*sea_view ? ", sea view" : "");
  });
  return app.run();
}
