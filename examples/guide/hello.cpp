#include <spikard/spikard.hpp>

using namespace spikard;

int main() {
  App app;
  app.get("/hello/{name}", [](Path<"name"> name) { return "hello " + *name; });
  return app.run();
}
