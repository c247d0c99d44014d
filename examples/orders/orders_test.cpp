#include <gtest/gtest.h>

#include <algorithm>

#include <spikard/test_client.hpp>

#include "orders.hpp"

namespace {

using spikard::TestClient;

/// Time stands still, and `settle` waits for consumers and workers too; rows and objects are in memory.
const spikard::TestClientOptions on_virtual_time{.virtual_clock = true};

constexpr const char* ada = R"({"customer": "Ada", "items": [{"sku": "ABC-0001", "quantity": 2, "price": 9.5}]})";

TEST(Orders, CreateReadListPatch) {
  auto app = orders::make_app();
  TestClient client(app, on_virtual_time);
  const auto made = client.send_json("POST", "/orders", ada);
  EXPECT_EQ(made.status, 201);
  EXPECT_EQ(made.header("location"), "/orders/1");
  EXPECT_EQ(
      made.body,
      R"({"id":1,"customer":"Ada","status":"new","items":[{"sku":"ABC-0001","quantity":2,"price":9.5}],"note":null,"total":19.0,"attachment":null})");
  client.settle();
  EXPECT_EQ(client.get("/orders/1").as<orders::Order>().status, orders::Status::confirmed) << "the invoice was rendered";
  client.send_json("POST", "/orders", ada);
  client.settle();
  EXPECT_EQ(client.get("/orders?limit=1").json().root().find("orders").size(), 1U);
  EXPECT_EQ(client.get("/orders?limit=1").json().root().find("total").as_int(), 2);
  EXPECT_EQ(client.get("/orders?status=shipped").json().root().find("total").as_int(), 0);
  EXPECT_NE(client.get("/orders?status=lost").body.find(R"("expected":"'new', 'confirmed', 'shipped' or 'cancelled'")"),
            std::string::npos);
  EXPECT_EQ(client.send_json("PATCH", "/orders/2", R"({"note": "ring twice"})").as<orders::Order>().note, "ring twice");
  EXPECT_EQ(client.send_json("PATCH", "/orders/2", R"({"status": "shipped"})").as<orders::Order>().note, "ring twice");
  const auto late = client.send_json("PATCH", "/orders/2", R"({"note": null})");
  EXPECT_EQ(late.status, 409);
  EXPECT_EQ(late.json().root().find("detail").text(), "Order 2 is shipped");
  EXPECT_EQ(late.json().root().find("type").text(), "https://spikard.dev/problems/conflict");
  EXPECT_EQ(client.send_json("PATCH", "/orders/1", R"({"note": "x"})").as<orders::Order>().note, "x");
  EXPECT_EQ(client.send_json("PATCH", "/orders/1", R"({"note": null})").as<orders::Order>().note, std::nullopt);
  EXPECT_EQ(client.get("/orders/7").json().root().find("detail").text(), "No order 7");
}

TEST(Orders, AnOrderIsCountedAndInvoicedAfterTheAnswer) {
  auto app = orders::make_app();
  TestClient client(app, on_virtual_time);
  EXPECT_EQ(client.get("/orders/1/invoice").status, 404);
  client.send_json("POST", "/orders", ada);
  client.send_json("POST", "/orders", ada);
  client.settle();
  const auto customer = client.get("/customers/Ada").as<orders::Customer>();
  EXPECT_EQ(customer.orders, 2);
  EXPECT_DOUBLE_EQ(customer.spent, 38);
  const auto link = client.get("/orders/1/invoice").as<orders::Link>().url;
  const auto invoice = client.get(link);
  EXPECT_EQ(invoice.status, 200) << invoice.body;
  EXPECT_EQ(invoice.header("content-type"), "text/html; charset=utf-8");
  EXPECT_NE(invoice.body.find("<p>Total: 19.00</p>"), std::string::npos);
  EXPECT_EQ(client.get(link + "0").status, 403) << "another signature";
  client.advance(std::chrono::minutes(16));
  EXPECT_EQ(client.get(link).status, 403) << "expired";
}

TEST(Orders, AShipmentComesAsACloudEvent) {
  auto app = orders::make_app();
  TestClient client(app, on_virtual_time);
  client.send_json("POST", "/orders", ada);
  client.settle();
  const spikard::Headers event{
      {"ce-specversion", "1.0"}, {"ce-type", "com.example.shipment.sent"}, {"ce-source", "/warehouse"}, {"ce-id", "s-1"}};
  EXPECT_EQ(client.send_json("POST", "/events", R"({"order": 1})", event).status, 204);
  EXPECT_EQ(client.get("/orders/1").as<orders::Order>().status, orders::Status::shipped) << "not what the cache held";
  EXPECT_EQ(client.send_json("POST", "/events", R"({"parcel": 1})", event).status, 400);
}

TEST(Orders, AMonthOfNightlyReports) {
  auto app = orders::make_app();
  TestClient client(app, on_virtual_time);
  client.send_json("POST", "/orders", ada);
  client.settle();
  client.advance(std::chrono::hours(24 * 30));
  EXPECT_EQ(client.stop(), 0);
  const auto logs = client.logs();
  const auto report = std::find_if(logs.rbegin(), logs.rend(),
                                   [](const std::string& line) { return line.find("\"drained\"") != std::string::npos; });
  ASSERT_NE(report, logs.rend());
  EXPECT_NE(report->find("\"scheduler\":{\"finished\":30,"), std::string::npos) << *report;
  EXPECT_NE(report->find("\"worker default\":{\"finished\":31,"), std::string::npos) << *report;
}

TEST(Orders, ValidationNamesEveryViolation) {
  auto app = orders::make_app();
  TestClient client(app, on_virtual_time);
  const auto wrong =
      client.send_json("POST", "/orders", R"({"customer": "", "items": [{"sku": "abc", "quantity": 0, "price": -1, "x": 1}]})");
  EXPECT_EQ(wrong.status, 422);
  EXPECT_EQ(wrong.json().root().find("errors").size(), 5U) << wrong.body;
  EXPECT_EQ(client.send_json("PATCH", "/orders/1", R"({"status": null})").status, 422) << "may be left out, but is not nullable";
}

TEST(Orders, AttachmentIsStreamed) {
  auto app = orders::make_app();
  TestClient client(app, on_virtual_time);
  client.send_json("POST", "/orders", ada);
  const auto attached =
      client.request("PUT", "/orders/1/attachment", {{"Content-Type", "application/octet-stream"}}, std::string(300'000, 'x'));
  EXPECT_EQ(attached.status, 200) << attached.body;
  EXPECT_EQ(attached.json().root().find("size").as_int(), 300'000);
  EXPECT_EQ(attached.json().root().find("sha256").text().size(), 64U);
  EXPECT_EQ(client.request("PUT", "/orders/1/attachment", {}, "abc").json().root().find("sha256").text(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(client.get("/orders/1").as<orders::Order>().attachment->size, 3U);
  EXPECT_EQ(client.request("PUT", "/orders/9/attachment", {}, "abc").status, 404);
}

TEST(Orders, FeedTellsChanges) {
  auto app = orders::make_app();
  TestClient client(app, on_virtual_time);
  auto feed = client.open("GET", "/orders/feed");
  ASSERT_TRUE(feed.wait_for(": connected\n\n"));
  EXPECT_EQ(feed.response().header("content-type"), "text/event-stream");
  client.send_json("POST", "/orders", ada);
  ASSERT_TRUE(feed.wait_for("event: order\ndata: {\"change\":\"created\",\"order\":{\"id\":1,"));
  ASSERT_TRUE(feed.wait_for("\"change\":\"confirmed\""));
  EXPECT_EQ(client.stop(), 0) << "the feed ends with the service";
  const auto ended = feed.finish();
  EXPECT_FALSE(ended.aborted);
  EXPECT_TRUE(ended.body.ends_with("retry: 1000\n\n"));
}

}  // namespace
