// Shows what is read out of a broker's refusal, and of what it lists.
#include "domain/broker_rules.hpp"

#include <catch2/catch.hpp>

using namespace muster;

TEST_CASE("the other side of an inequivalent queue or exchange is read from the refusal", "[S2-70]") {
  const auto queue = to_json(profile::Queue{"work", 61, "dlx"});
  CHECK(
    broker::actual_of(queue,
                      "PRECONDITION_FAILED - inequivalent arg 'x-message-ttl' for queue 'work' in vhost '/': "
                      "received the value '61000' of type 'long' but current is the value '60000' of type "
                      "'signedint'")["ttl"] == 60);
  CHECK(
    broker::actual_of(queue,
                      "inequivalent arg 'x-message-ttl' for queue 'work' in vhost '/': received the value "
                      "'61000' of type 'long' but current is the value '500' of type 'long'")["ttl"] == 0.5);
  CHECK(
    broker::actual_of(queue,
                      "inequivalent arg 'x-message-ttl' for queue 'work' in vhost '/': received the value "
                      "'61000' of type 'long' but current is none")["ttl"] == 0);
  CHECK(broker::actual_of(queue,
                          "inequivalent arg 'x-dead-letter-exchange' for queue 'work' in vhost '/': received "
                          "none but current is the value 'it' of type 'longstr'")["dlx"] == "it");
  CHECK(broker::actual_of(queue,
                          "inequivalent arg 'durable' for queue 'work' in vhost '/': received 'true' but "
                          "current is 'false'")["durable"] == "false");
  CHECK(broker::actual_of(
          to_json(profile::Exchange{"e", "topic"}),
          "inequivalent arg 'type' for exchange 'e' in vhost '/': received 'topic' but current is "
          "'direct'")["type"] == "direct");
  for (const auto* odd : {"", "'", "inequivalent arg", "inequivalent arg 'type",
                          "inequivalent arg 'type' but it is", "current is 'direct'"})
    CHECK(broker::actual_of(queue, odd).is_null());
}

TEST_CASE("what a broker lists is equal to what is desired, or shows in what it is not", "[S2-30]") {
  const auto queue = to_json(profile::Queue{"work", 60, "dlx"});
  const auto listed = [&](Json arguments, Json more = Json::object()) {
    Json row{{"name", "work"},     {"durable", true},   {"auto_delete", false},
             {"exclusive", false}, {"type", "classic"}, {"arguments", std::move(arguments)}};
    row.update(more);
    return broker::listed_as(queue, row);
  };
  const Json equal{{"x-message-ttl", 60'000}, {"x-dead-letter-exchange", "dlx"}};
  CHECK(listed(equal) == queue);
  CHECK(listed({{"x-dead-letter-exchange", "dlx"}, {"x-message-ttl", 60'000}, {"x-queue-type", "classic"}}) ==
        queue);
  CHECK(listed(Json::object()) == to_json(profile::Queue{"work"}));
  CHECK(listed(Json::array()) == to_json(profile::Queue{"work"}));  // As old versions write it.
  CHECK(listed({{"x-message-ttl", 500}})["ttl"] == 0.5);
  CHECK(listed({{"x-message-ttl", "soon"}})["x-message-ttl"] == "soon");
  CHECK(listed({{"x-queue-type", "quorum"}})["x-queue-type"] == "quorum");
  CHECK(listed(equal, {{"durable", false}})["durable"] == false);
  CHECK(listed(equal, {{"auto_delete", true}})["auto_delete"] == true);
  CHECK(listed(equal, {{"exclusive", true}})["exclusive"] == true);
  CHECK(listed("odd") != queue);

  const auto exchange = to_json(profile::Exchange{"e", "topic"});
  Json row{{"name", "e"}, {"type", "topic"}, {"durable", true}, {"internal", false}, {"arguments", {}}};
  CHECK(broker::listed_as(exchange, row) == exchange);
  row["type"] = "direct";
  CHECK(broker::listed_as(exchange, row)["type"] == "direct");
  CHECK(broker::listed_as(exchange, Json::object()) != exchange);
}
