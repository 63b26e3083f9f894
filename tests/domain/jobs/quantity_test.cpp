// Shows how quantities of CPU and memory are read.
#include "domain/jobs/quantity.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

using namespace muster;
using namespace muster::jobs;

TEST_CASE("CPU is millicores, or cores with up to three decimals") {
  CHECK(*parse_cpu("1000m") == 1000);
  CHECK(*parse_cpu("1m") == 1);
  CHECK(*parse_cpu("1.5") == 1500);
  CHECK(*parse_cpu("2") == 2000);
  CHECK(*parse_cpu("0.001") == 1);
  CHECK(*parse_cpu("0.250000000") == 250);
  CHECK(*parse_cpu("007") == 7000);
}

TEST_CASE("memory counts in 1024 in every spelling") {
  for (const auto* text :
       {"512Mi", "512MiB", "512m", "512M", "512mib", "0.5Gi", "524288k", "536870912", "536870912b"}) {
    CAPTURE(text);
    CHECK(*parse_memory(text) == 536'870'912);
  }
  CHECK(*parse_memory("1g") == 1 << 30);
  CHECK(*parse_memory("1KiB") == 1024);
  CHECK(*parse_memory("9223372036854775807") == INT64_MAX);
  CHECK(*parse_memory("8589934591g") == 8'589'934'591 * (1LL << 30));
}

TEST_CASE("what is no quantity is refused with what would be one") {
  for (const auto& text : {std::string(),
                           std::string("0"),
                           std::string("0m"),
                           std::string("0.0"),
                           std::string("-1"),
                           std::string("+1"),
                           std::string(" 1"),
                           std::string("1 "),
                           std::string("1e3"),
                           std::string("NaN"),
                           std::string("inf"),
                           std::string("0x10"),
                           std::string("1."),
                           std::string(".5"),
                           std::string("1.5m"),
                           std::string("1,5"),
                           std::string("0.0005"),
                           std::string("1.0000000001"),
                           std::string("1M"),
                           std::string("9223372036854775807"),
                           std::string("9223372036854775808m"),
                           std::string("99999999999999999999999999"),
                           std::string("1m\0", 3),
                           std::string(1'000'000, '9')}) {
    CAPTURE(text.substr(0, 40));
    const auto cpu = parse_cpu(text);
    REQUIRE_FALSE(cpu);
    CHECK(cpu.error().code == "E_IMAGE_POLICY");
    CHECK(cpu.error().detail.size() < 200);
    CHECK(cpu.error().detail.find("500m") != std::string::npos);
  }
  for (const auto& text : {std::string(), std::string("0"), std::string("0Mi"), std::string("-1Mi"),
                           std::string("1MB"), std::string("1Ti"), std::string("Mi"), std::string("1.5"),
                           std::string("1 Mi"), std::string("1.0001k"), std::string("9223372036854775808"),
                           std::string("8589934592g"), std::string("1Mi\n"), std::string("1\xff")}) {
    CAPTURE(text);
    const auto memory = parse_memory(text);
    REQUIRE_FALSE(memory);
    CHECK(memory.error().code == "E_IMAGE_POLICY");
    CHECK(memory.error().detail.find("512Mi") != std::string::npos);
  }
}

TEST_CASE("millicores that are written as cores are read back") {
  CHECK(cores(1500) == "1.5");
  CHECK(cores(1000) == "1");
  CHECK(cores(1) == "0.001");
  CHECK(cores(10'010) == "10.01");
  CHECK(rc::check("any millicores", [] {
    const int64_t millis = *rc::gen::inRange<int64_t>(1, 10'000'000'000);
    RC_ASSERT(*parse_cpu(cores(millis)) == millis);
    RC_ASSERT(*parse_cpu(std::to_string(millis) + "m") == millis);
  }));
}

TEST_CASE("no text makes reading a quantity fail in another way than by an error") {
  CHECK(rc::check("any text", [](const std::string& text) {
    for (const auto& read : {parse_cpu(text), parse_memory(text)})
      RC_ASSERT((read ? *read > 0 : read.error().code == "E_IMAGE_POLICY"));
  }));
  CHECK(rc::check("any text of the right letters", [] {
    const auto text =
      *rc::gen::container<std::string>(rc::gen::elementOf(std::string("0123456789.mkMGKiIbB")));
    for (const auto& read : {parse_cpu(text), parse_memory(text)}) RC_ASSERT((!read || *read > 0));
  }));
}
