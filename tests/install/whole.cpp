#include <spikard/spikard.hpp>

int main() {
  spikard::App app;
  app.get("/hello/{name}", [](spikard::Path<"name"> name) { return "hello " + *name; });
  return app.build().ok() ? 0 : 1;
}
