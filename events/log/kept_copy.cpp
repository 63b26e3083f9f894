// Kept replies in pages.
#include "events/log/kept_copy.hpp"

#include "events/log/chain.hpp"

namespace muster::log {
namespace {

constexpr size_t kLookedAt = 20'000;
constexpr size_t kKeySize = 32;

void put_size(std::string& out, size_t n) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(n >> shift & 0xff);
}

/// The reply in front, taken off; nothing when it is cut off or is none.
std::optional<KeptReply> take_reply(std::string_view& rows) {
  if (rows.size() < 4) return std::nullopt;
  size_t size = 0;
  for (const char c : rows.substr(0, 4)) size = size << 8 | static_cast<uint8_t>(c);
  rows.remove_prefix(4);
  if (size > rows.size()) return std::nullopt;
  auto reply = decode_kept_reply(rows.substr(0, size));
  rows.remove_prefix(size);
  return reply;
}

}  // namespace

KeptPage kept_page(const Disk& disk, std::string_view after, uint64_t since, uint64_t until, size_t most) {
  KeptPage page;
  page.last = after;
  size_t looked_at = 0;
  each_kept(disk, after, [&](std::string_view key, std::string_view bytes) {
    const auto reply = decode_kept_reply(bytes);
    const bool belongs = reply && reply->seq >= since && reply->seq <= until;
    const bool full = !page.rows.empty() && page.rows.size() + bytes.size() > most;
    if (looked_at++ == kLookedAt || (belongs && full)) return page.end = false;
    if (belongs) {
      put_size(page.rows, bytes.size());
      page.rows += bytes;
    }
    page.last = key;
    return true;
  });
  return page;
}

bool put_kept_page(const KeptPage& page, std::string_view after, uint64_t since, uint64_t until,
                   Batch& batch) {
  std::string before{after};
  for (std::string_view rows{page.rows}; !rows.empty();) {
    const auto reply = take_reply(rows);
    if (!reply || reply->key <= before || reply->seq < since || reply->seq > until) return false;
    put_kept(*reply, batch);
    before = reply->key;
  }
  if (page.end) return true;
  return page.last.size() == kKeySize && page.last > after && page.last >= before;
}

}  // namespace muster::log
