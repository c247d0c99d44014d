#include "orders.hpp"

int main() { return orders::make_app().run(); }
