// Shows that a name that nobody looks up in time holds up a request no longer than it may take.
#include <atomic>
#include <condition_variable>
#include <mutex>

#include <catch2/catch.hpp>
#include <dlfcn.h>
#include <netdb.h>

#include "adapters/http_client.hpp"
#include "tests/support/eventually.hpp"

using namespace muster;

namespace {

constexpr const char* kSlow = "slow.example";
constexpr std::chrono::seconds kHeld{20};  // A look-up, unless it is let go.

std::mutex mutex;
std::condition_variable wake;
bool let_go = false;
std::atomic<int> held{0};

}  // namespace

/// What libcurl calls, too: the program's own comes before the C library's.
extern "C" int getaddrinfo(const char* node, const char* service, const addrinfo* hints, addrinfo** found) {
  static const auto real = reinterpret_cast<decltype(&getaddrinfo)>(dlsym(RTLD_NEXT, "getaddrinfo"));
  if (node == nullptr || std::string_view(node) != kSlow) return real(node, service, hints, found);
  std::unique_lock lock(mutex);
  held++;
  wake.wait_for(lock, kHeld, [] { return let_go; });
  held--;
  return EAI_AGAIN;
}

TEST_CASE("a name that nobody looks up in time takes no longer than the time of a request") {
  HttpClient client;
  const auto started = std::chrono::steady_clock::now();
  const auto reply = client.fetch(
    {.url = std::string("http://") + kSlow, .connect_timeout = Millis{300}, .total_timeout = Millis{300}});
  CHECK(std::chrono::steady_clock::now() - started < std::chrono::seconds{5});
  CHECK(reply.error().code == "unreachable");
  CHECK(held == 1);  // It was that look-up.
  {
    const std::lock_guard lock(mutex);
    let_go = true;
  }
  wake.notify_all();
  CHECK(eventually([] { return held == 0; }));
}
