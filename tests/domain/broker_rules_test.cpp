// Shows what is read out of a broker's refusal.
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
