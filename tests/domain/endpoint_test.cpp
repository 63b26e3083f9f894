// Shows which URLs name one server, and which name two.
#include "domain/endpoint.hpp"

#include <algorithm>

#include <catch2/catch.hpp>

using namespace muster;
using namespace muster::environment;

namespace {

std::string mark(std::string_view url, std::string_view machine = "m1") {
  return mark_of(endpoint_of(url), machine);
}

}  // namespace

TEST_CASE("one endpoint has one mark, however it is written", "[S2-36]") {
  const auto one = mark("http://minio.lan:80");
  CHECK(one.size() == kMark);
  CHECK(one.find_first_not_of("0123456789abcdef") == std::string::npos);
  for (const auto* same : {"http://minio.lan", "http://minio.lan/", "http://MinIO.lan:80//"})
    CHECK(mark(same) == one);
  CHECK(mark("https://minio.lan/") == mark("https://minio.lan:443"));
  CHECK(mark("http://[fd00::1]:9000/") == mark("http://[FD00::1]:9000"));
  CHECK(mark("http://minio.lan", "m2") == one);
}

TEST_CASE("another scheme, host, port or path is another server") {
  std::vector<std::string> marks;
  for (const auto* url :
       {"http://minio.lan", "https://minio.lan", "http://minio.lan:443", "http://minio2.lan",
        "http://minio.lan/two", "http://[fd00::1]", "http://[fd00::1]:81"})
    marks.push_back(mark(url));
  marks.push_back(mark_of({"amqp", "mq.lan", 5672, "/"}, "m1"));
  marks.push_back(mark_of({"amqp", "mq.lan", 5672, "two"}, "m1"));
  std::ranges::sort(marks);
  CHECK(std::ranges::adjacent_find(marks) == marks.end());
}

TEST_CASE("a loopback address is another server on each machine") {
  for (const auto* url : {"http://127.0.0.1:9000", "http://localhost:9000", "http://s3.localhost:9000",
                          "http://[::1]:9000", "http://0.0.0.0:9000", "http://[::]:9000"}) {
    CHECK(mark(url) == mark(url));
    CHECK(mark(url) != mark(url, "m2"));
  }
}
