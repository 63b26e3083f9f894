// The order of the queue.
#include "events/runs.hpp"

namespace muster::runs {
namespace {

void append_hex(std::string& out, uint64_t value) {
  for (int shift = 60; shift >= 0; shift -= 4) out += "0123456789abcdef"[value >> shift & 15];
}

}  // namespace

std::string rank_of(int64_t priority, uint64_t order) {
  std::string rank;
  // Counted from the lowest priority, and turned around: the highest one has the lowest text.
  append_hex(rank, ~(static_cast<uint64_t>(priority) ^ uint64_t{1} << 63));
  append_hex(rank, order);
  return rank;
}

std::string job_key(std::string_view source, std::string_view job) {
  return std::string(source).append("\n").append(job);
}

}  // namespace muster::runs
