// Addresses, rates, and how others reach the network's thread.
#include "consensus/peer_core.hpp"

#include <algorithm>
#include <charconv>

#include <boost/asio/post.hpp>

#include "consensus/peer_link.hpp"

namespace muster::consensus {

namespace {

constexpr size_t kMaxTold = 64;

}  // namespace

Result<HostPort> split_address(const std::string& address) {
  const Error fault{"field.invalid",
                    "'" + printable(address) + "' is no address: write host:port or [IPv6]:port"};
  const auto colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == address.size()) return fault;
  HostPort parts{address.substr(0, colon), address.substr(colon + 1)};
  unsigned port = 0;
  const auto* end = parts.port.data() + parts.port.size();
  if (const auto [at, ec] = std::from_chars(parts.port.data(), end, port);
      ec != std::errc{} || at != end || port > 65535)
    return fault;
  if (parts.host.size() > 2 && parts.host.front() == '[' && parts.host.back() == ']') {
    parts.host = parts.host.substr(1, parts.host.size() - 2);
  } else if (parts.host.find_first_of(":[]") != std::string::npos) {
    return fault;
  }
  return parts;
}

bool Bucket::take(PeerClock::time_point now) {
  const std::chrono::duration<double> passed = now - last_;
  tokens_ = std::min<double>(per_second_, tokens_ + passed.count() * per_second_);
  last_ = now;
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

void Gate::post(std::function<void()> task) {
  const std::lock_guard lock(mutex_);
  if (io_ != nullptr) boost::asio::post(*io_, std::move(task));
}

void Gate::close() {
  const std::lock_guard lock(mutex_);
  io_ = nullptr;
}

std::shared_ptr<Link> Core::find(const std::string& node) const {
  const std::lock_guard lock(mutex);
  const auto found = links.find(node);
  return found == links.end() ? nullptr : found->second;
}

std::vector<std::shared_ptr<Link>> Core::all_links() const {
  const std::lock_guard lock(mutex);
  std::vector<std::shared_ptr<Link>> all;
  for (const auto& [node, link] : links) all.push_back(link);
  return all;
}

bool Core::is_members(const std::string& key) const {
  const auto all = all_links();
  return !key.empty() &&
         std::any_of(all.begin(), all.end(), [&](const auto& link) { return link->peer.key == key; });
}

void Core::refused(const std::string& who, const std::string& why) {
  counters.refused++;
  if (!options.events.refused) return;
  auto reason = who + ": " + why;
  const auto now = PeerClock::now();
  const auto before = told.find(reason);
  if (before != told.end() && now - before->second < limits().same_refusal_every) return;
  if (!refusals.take(now)) {
    unsaid++;
    return;
  }
  if (told.size() >= kMaxTold) told.clear();
  told[reason] = now;
  if (unsaid > 0) reason += " (" + std::to_string(unsaid) + " others were not told)";
  unsaid = 0;
  options.events.refused(reason);
}

}  // namespace muster::consensus
