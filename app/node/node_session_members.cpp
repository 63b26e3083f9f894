// Whom a node asks: the control plane that it was given, and the members that this one names.
#include <algorithm>
#include <charconv>

#include "app/node/node_session.hpp"

namespace muster::app {
namespace {

constexpr size_t kMaxMembers = 64;
constexpr std::chrono::seconds kMembersEvery{30};

}  // namespace

/// The ones that were configured first. Who was told to use TLS goes nowhere without it.
std::vector<std::string> NodeSession::urls() const {
  auto all = options_.urls();
  for (auto& url : all)
    while (url.ends_with('/')) url.pop_back();
  if (!options_.learns || all.empty()) return all;
  const bool secure = all.front().starts_with("https://");
  for (const auto& url : file_.members)
    if ((!secure || url.starts_with("https://")) && std::find(all.begin(), all.end(), url) == all.end())
      all.push_back(url);
  return all;
}

/// A control plane that is no cluster has no members to name, and stays the only one that is asked.
void NodeSession::learn_members() {
  const auto now = std::chrono::steady_clock::now();
  if (!options_.learns || now < next_members_) return;
  next_members_ = now + kMembersEvery;
  const auto reply = call("GET", "/v1/cluster", "");
  if (!reply || reply->status != 200) return;
  const auto cluster = parse_json(reply->body);
  if (!cluster || !cluster->is_object() || !cluster->contains("members")) return;
  std::vector<std::string> members;
  for (const auto& one : (*cluster)["members"]) {
    if (!one.is_object() || members.size() == kMaxMembers) break;
    const auto url = one.find("url");
    if (url != one.end() && url->is_string() && url->get<std::string>().starts_with("http"))
      members.push_back(url->get<std::string>());
  }
  if (!members.empty()) file_.members = std::move(members);
}

/// From what this plan was made of on.
void NodeSession::watch_plans(const HttpReply& plan) {
  if (!watch_) return;
  uint64_t seq = 0;
  const auto text = plan.header("x-muster-seq");
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), seq);
  if (text.empty() || ec != std::errc{} || end != text.data() + text.size()) return;
  HttpRequest request;
  request.url = base_;
  request.headers = options_.credentials;
  request.connect_timeout = options_.timeout;
  request.ca_file = options_.ca_file;
  request.insecure = options_.insecure;
  watch_->watch(std::move(request), seq);
}

}  // namespace muster::app
