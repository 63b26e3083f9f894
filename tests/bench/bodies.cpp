// What the requests say.
#include "bodies.hpp"

#include <cstdio>

namespace bench {
namespace {

std::string node_id(uint64_t n) {
  char id[32];
  std::snprintf(id, sizeof id, "node-%05llu", static_cast<unsigned long long>(n));
  return id;
}

}  // namespace

Patched::Patched(std::string text) : text_(std::move(text)) {
  for (size_t i = 0; i < text_.size(); i++)
    if (text_[i] == '#' && (i + 1 == text_.size() || text_[i + 1] != '#')) ends_.push_back(i + 1);
  for (char& c : text_)
    if (c == '#') c = '0';
}

void Patched::set(uint64_t n) {
  for (const size_t end : ends_) {
    size_t at = end;
    for (uint64_t rest = n; rest > 0 && at > 0 && text_[at - 1] >= '0' && text_[at - 1] <= '9'; rest /= 10)
      text_[--at] = static_cast<char>('0' + rest % 10);
  }
}

std::string registration(uint64_t n) {
  return R"({"node_id":")" + node_id(n) + R"(","host":"rack-12.edge-a.example.net","ip":"10.20.)" +
         std::to_string(n / 250 % 250) + "." + std::to_string(n % 250) +
         R"(","caps":{"cpu":8,"ram_mb":16384,"net_mbps":1000,"gpu":"none","devices":2},)"
         R"("versions":{"discovery":"0.2.0","agent":"0.4.########","kernel":"6.1.0-18-amd64",)"
         R"("runner":"1.12.7","capture":"2.3.1","firmware":"2026.01.15-r3"}})";
}

std::string batch_of_registrations(uint64_t n, uint64_t count) {
  std::string text = R"({"commands":[)";
  for (uint64_t i = 0; i < count; i++)
    text += std::string(i == 0 ? "" : ",") + R"({"method":"POST","path":"/v1/nodes/register","body":)" +
            registration(n + i) + "}";
  return text + "]}";
}

std::string heartbeat(uint64_t n) {
  return R"({"node_id":")" + node_id(n) +
         R"(","role":"worker","services_running":["capture-daemon"],)"
         R"("metrics":{"cpu_pct":0.31,"mem_pct":0.42,"temp_c":52.3}})";
}

}  // namespace bench
