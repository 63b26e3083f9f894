// Looking for a cluster, and asking to be let in.
#include "app/cluster/search.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>

#include "adapters/http_client.hpp"
#include "adapters/join_token.hpp"
#include "base/bytes.hpp"
#include "base/chance.hpp"
#include "base/hash.hpp"
#include "consensus/peer_join.hpp"

namespace muster::app {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLookAgain{100};
constexpr std::chrono::milliseconds kAskAgain{1000};  // Whoever did not answer is asked again then.
constexpr std::chrono::milliseconds kJoinPatience{5000}, kAskPatience{2000};
constexpr Millis kMostATurn{300};  // Whoever was kept from listening for longer has listened that long.
constexpr std::chrono::seconds kRefusedFor{10};  // Longer than it takes to be asked, and to refuse, again.
constexpr size_t kMaxEntry = 64 << 10;

/// What a member says at GET /v1/cluster/entry; earlier versions say less.
struct Entry {
  std::string cluster, node, address, ca;
  Time created_at = Time::max();
  bool bare = false, seeks = true;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("cluster", self.cluster);
    visit("node", self.node);
    visit("address", self.address);
    visit("ca", self.ca);
    visit("created_at", self.created_at);
    visit("bare", self.bare);
    visit("seeks", self.seeks);
  }
};

bool is_url(const std::string& text) {
  return text.find("://") != std::string::npos;
}

/// Asking again changes nothing: the token is none or is not open, or it is another cluster.
bool is_final(const Error& why) {
  return why.code == "join.refused" || why.code == "tls.untrusted" || why.code == "field.invalid";
}

/// What the one that is called says.
Result<JoinAnswer> answer_to(const consensus::JoinCall& call, const JoinRequest& request) {
  auto answered = consensus::call_to_join(call, {consensus::Kind::join, to_json_text(request)});
  if (!answered) return answered.error();
  auto answer = from_json_text<JoinAnswer>(answered->body);
  if (!answer) return Error{"unreachable", call.address + " answered what cannot be read", {}};
  return answer;
}

}  // namespace

std::vector<std::string> join_urls(const config::Config& config) {
  std::vector<std::string> urls;
  for (const auto* name : {"join", "control-url", "cloud-control-url"})
    if (!config.text(name).empty()) urls.push_back(config.text(name));
  // Whom a command line asks by this name is whom a node joins by it.
  if (config.origin("server").where == "SUPERVISOR_URL") urls.push_back(config.text("server"));
  return urls;
}

void Failures::add(const std::string& whom) {
  until_[whom] = SteadyClock::now() + lasts_;
}

std::set<std::string> Failures::now() {
  std::set<std::string> all;
  std::erase_if(until_, [](const auto& failure) { return failure.second < SteadyClock::now(); });
  for (const auto& [whom, until] : until_) all.insert(whom);
  return all;
}

Result<finding::Advert> entry_at(HttpClient& client, const std::string& url) {
  HttpRequest request;
  request.url = url + "/v1/cluster/entry";
  request.total_timeout = kJoinPatience;
  request.insecure = true;  // Whom to trust is said by the cluster key or the token, not by this reply.
  request.max_bytes = kMaxEntry;
  const auto reply = client.fetch(request);
  if (!reply) return reply.error();
  const auto entry = from_json_text<Entry>(reply->body);
  if (reply->status != 200 || !entry || entry->address.empty())
    return Error{"unreachable", url + " is no member of a muster cluster", {}};
  finding::Advert advert;
  advert.node = entry->node;
  advert.cluster = entry->cluster;
  advert.ca = entry->ca.substr(0, finding::kCaChars);
  advert.role = finding::Role::member;
  advert.address = entry->address;
  advert.url = url;
  advert.created_at = entry->created_at;
  advert.bare = entry->bare;
  advert.named = !entry->seeks;
  return advert;
}

Result<std::string> entry_of(const std::string& url) {
  if (!is_url(url)) return url;
  HttpClient client;
  auto entry = entry_at(client, url);
  return entry ? Result<std::string>{std::move(entry->address)} : entry.error();
}

std::string key_bytes(const std::string& hex) {
  const auto bytes = digest_from_hex(hex);
  return bytes ? bytes_of(*bytes) : std::string{};
}

Result<JoinAnswer> ask_once(const consensus::JoinCall& call, const JoinRequest& request) {
  auto answer = answer_to(call, request);
  if (!answer) return answer.error();
  if (!answer->code.empty()) return Error{answer->code, answer->detail, {}};
  return answer;
}

Result<JoinAnswer> join_at(const std::string& address, const Candidate& candidate, Credentials& credentials) {
  consensus::JoinCall call;
  call.address = address;
  call.fingerprint = credentials.ca();
  call.timeout = kJoinPatience;
  JoinRequest request;
  request.node = candidate.node;
  request.key = credentials.node_key().fingerprint;
  request.address = candidate.address;
  request.url = candidate.url;
  if (credentials.complete()) {
    auto own = credentials.issue(system_now());
    if (!own) return own.error();
    call.own = std::move(*own);
  } else {
    auto token = parse_join_token(candidate.join_token);
    if (!token) return token.error();
    call.fingerprint = token->fingerprint;
    request.secret = to_hex(token->secret);
  }
  auto answer = ask_once(call, request);
  if (!answer && answer.error().code == "join.refused" && !credentials.complete()) {
    // Was it let in, and the answer lost? The token is used up then; its own key shows who it is.
    auto own = credentials.self_signed(system_now());
    if (!own) return own.error();
    call.own = std::move(*own);
    if (auto again = ask_once(call, request)) answer = std::move(again);
  }
  if (!answer) return answer.error();
  if (!credentials.complete()) {
    const auto key = key_bytes(answer->cluster_key);
    if (key.empty()) return Error{"join.refused", address + " gave no cluster key", {}};
    if (auto kept = credentials.adopt(key); !kept) return kept.error();
  }
  if (const auto secret = key_bytes(answer->reply_secret); !secret.empty())
    if (auto kept = credentials.keep_reply_secret(secret); !kept) return kept.error();
  return answer;
}

Result<JoinAnswer> ask_whether_member(const std::string& address, const std::string& node,
                                      const Credentials& credentials) {
  consensus::JoinCall call;
  call.address = address;
  call.fingerprint = credentials.ca();
  call.timeout = kAskPatience;
  auto own = credentials.issue(system_now());
  if (!own) return own.error();
  call.own = std::move(*own);
  JoinRequest request;
  request.node = node;
  request.key = credentials.node_key().fingerprint;
  request.url = "asks only";  // No URL: who does not know the question refuses it.
  request.asks = true;
  return answer_to(call, request);
}

bool proves_itself(const std::string& address, const std::string& node, const Credentials& credentials) {
  const auto answer = ask_whether_member(address, node, credentials);
  return answer || answer.error().code == "forbidden";  // Said behind a certificate of this key.
}

Result<Found> search(const config::Config& config, const Candidate& candidate, Credentials& credentials,
                     Discovery* discovery, finding::Own own, const std::function<bool()>& stopped,
                     const std::function<void(const std::string&)>& said) {
  own.join_urls = join_urls(config);
  own.listens = discovery != nullptr;
  finding::Sight sight;
  sight.random = chance();
  Failures failures{kAskAgain};
  auto last_turn = SteadyClock::now();
  std::mutex mutex;
  std::condition_variable changed;
  std::string last_said;
  const auto say = [&](const std::string& what) {
    if (what != last_said) said(what);
    last_said = what;
  };
  std::optional<SteadyClock::time_point> refused;  // By somebody who answered.
  const bool must_join = config.given("join") || !candidate.join_token.empty();
  if (!credentials.complete() && !candidate.join_token.empty())
    if (const auto token = parse_join_token(candidate.join_token); !token) return token.error();
  while (!stopped()) {
    if (discovery) sight.adverts = discovery->found();
    sight.failed = failures.now();
    const auto turn = std::exchange(last_turn, SteadyClock::now());
    sight.searched += std::min(std::chrono::duration_cast<Millis>(last_turn - turn), kMostATurn);
    const auto step = finding::next(own, sight);
    const auto* to_join = std::get_if<finding::Join>(&step);
    if (to_join) {
      const auto& target = to_join->target;
      const auto address =
        target.address.empty() ? entry_of(target.url) : Result<std::string>{target.address};
      auto answer = address ? join_at(*address, candidate, credentials) : Result<JoinAnswer>{address.error()};
      if (answer) return Found{false, std::move(*answer)};
      say("cannot join " + (target.address.empty() ? target.url : target.address) + ": " +
          answer.error().detail);
      if (must_join && target.cluster.empty() && is_final(answer.error())) return answer.error();
      failures.add(target.address.empty() ? target.url : target.address);
      if (answer.error().code != "unreachable" && answer.error().code != "tls.untrusted")
        refused = SteadyClock::now();
      continue;
    }
    if (std::holds_alternative<finding::Begin>(step)) {
      // A cluster that is there, and says no for now, gets no rival.
      const bool waits = refused && SteadyClock::now() - *refused < kRefusedFor;
      if (!must_join && !waits) return Found{true, {}};
      if (last_said.empty()) say("waiting for the cluster that --join names");
    }
    std::unique_lock lock{mutex};
    changed.wait_for(lock, kLookAgain);
  }
  return Error{"unreachable", "stopped before a cluster was found", {}};
}

}  // namespace muster::app
