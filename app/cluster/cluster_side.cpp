// Finding others, joining them, and keeping the connections.
#include "app/cluster/cluster_side.hpp"

#include <algorithm>
#include <thread>

#include <spdlog/spdlog.h>

#include "actors/joining.hpp"
#include "adapters/mdns.hpp"
#include "app/cluster/addresses.hpp"
#include "app/cluster/first_token.hpp"
#include "app/cluster/search.hpp"
#include "base/hash.hpp"
#include "http/api.hpp"

namespace muster::app {
namespace {

constexpr uint16_t kPortsApart = 10'000;  // The member port, when nothing is said, is the HTTP port and this.
constexpr std::chrono::seconds kLookEvery{1}, kRenewalEvery{60};
constexpr std::chrono::milliseconds kHandingOn{3000}, kTransferAgain{600};

}  // namespace

ClusterSide::ClusterSide(ClusterSideOptions options, Credentials credentials)
  : options_(std::move(options)),
    credentials_(std::move(credentials)),
    boot_(random_hex(8)),
    started_(system_now()) {
  if (!first_token(options_.data)) first_token_->store(FirstToken::none);
}

ClusterSide::~ClusterSide() {
  detach();
}

Result<std::unique_ptr<ClusterSide>> ClusterSide::make(ClusterSideOptions options) {
  auto credentials = Credentials::load(*options.config, options.data, options.node);
  if (!credentials) return credentials.error();
  std::unique_ptr<ClusterSide> side{new ClusterSide{std::move(options), std::move(*credentials)}};
  if (auto status = side->choose_address(); !status) return status.error();
  return side;
}

Status ClusterSide::choose_address() {
  const auto& config = *options_.config;
  HostPort listen{options_.bind.listen.host, 0};
  if (!config.text("peer-bind").empty()) {
    auto given = parse_host_port(config.text("peer-bind"));
    if (!given) return given.error();
    listen = *given;
  } else if (options_.bind.listen.port != 0 && options_.bind.listen.port <= UINT16_MAX - kPortsApart) {
    listen.port = static_cast<uint16_t>(options_.bind.listen.port + kPortsApart);
  }
  if (!is_loopback(listen.host)) {
    if (config.flag("dev"))
      return Error{
        "bind.refused", "--dev has a cluster key that everybody knows: members stay on loopback", {}};
    if (!credentials_.complete() && config.text("join-token").empty())
      return Error{"bind.refused",
                   "members would talk on " + listen.host +
                     " without a cluster key; run muster :cluster init, give --cluster-key-file or "
                     "--join-token, or --alone",
                   {}};
  }
  if (config.text("peer-bind").empty() || listen.port == 0) listen.port = free_port(listen.host, listen.port);
  listen_ = to_text(listen);
  auto shown = listen;
  if (shown.host == "0.0.0.0" || shown.host == "::") shown.host = own_address();
  address_ = config.text("peer-advertise").empty() ? to_text(shown) : config.text("peer-advertise");
  return Done{};
}

void ClusterSide::start_discovery() {
  const auto& config = *options_.config;
  if (config.text("discovery") == "off") return;
  MdnsOptions options;
  options.service = config.text("mdns-service");
  options.loopback_only = is_loopback(listen_.substr(0, listen_.rfind(':')));
  options.trouble = [](const std::string& why) { spdlog::warn("discovery error={}", why); };
  auto made = make_mdns(std::move(options));
  if (!made) return spdlog::warn("discovery error={}", made.error().detail);
  discovery_ = std::move(*made);
}

/// The first start on a folder: joins whom it finds, or founds.
Status ClusterSide::find_cluster(const log::Disk& disk, const std::function<bool()>& stopped) {
  finding::Own own;
  own.node = options_.node;
  own.log = log::read_head(disk).seq == 0 ? finding::Log::empty : finding::Log::history;
  own.created_at = started_;
  own.ca = credentials_.ca();
  own.dev = options_.config->flag("dev");
  Found found{own.log != finding::Log::empty, {}};
  if (!found.begin) {
    advertise();
    const Candidate candidate{options_.node, address_, options_.url, options_.config->text("join-token")};
    auto searched = search(*options_.config, candidate, credentials_, discovery_.get(), own, stopped,
                           [](const std::string& what) { spdlog::info("search {}", what); });
    if (!searched) return searched.error();
    found = std::move(*searched);
  }
  if (found.begin && !credentials_.complete())
    if (auto made = credentials_.found(); !made) return made;
  member_.id = member_id(options_.node, credentials_.node_key().fingerprint);
  member_.address = options_.node;
  member_.joined = !found.begin;
  if (member_.joined) {
    member_.id = found.answer.id;
    member_.cluster = found.answer.cluster;
    member_.members = std::move(found.answer.members);
    spdlog::info("joined cluster={} members={}", member_.cluster, member_.members.size());
  }
  return write_member_file(options_.data, member_);
}

Hello ClusterSide::own_hello(uint64_t feature_level) const {
  Hello self;
  self.node = options_.node;
  self.boot = boot_;
  self.version = options_.version;
  self.feature_level = feature_level;
  self.public_key = options_.public_key;
  self.id = member_.id;
  self.address = address_;
  self.url = options_.url;
  self.key = credentials_.node_key().fingerprint;
  return self;
}

Status ClusterSide::settle(const log::Disk& disk, SystemOptions& options,
                           const std::function<bool()>& stopped) {
  start_discovery();
  auto known = read_member_file(options_.data);
  if (!known) return known.error();
  const bool bootstrapped = consensus::Replica::bootstrapped(disk);
  if (*known && !(*known)->removed.empty())
    return Error{
      "member.removed", "this node may not go on with the folder that it has: " + (*known)->removed, {}};
  if (*known) {
    member_ = std::move(**known);
  } else if (bootstrapped) {
    member_ = {1, "local", "", false, {}};  // Founded by a build that knew no other members.
  } else {
    if (auto settled = find_cluster(disk, stopped); !settled) return settled;
  }
  if (!credentials_.complete())
    if (auto made = credentials_.found(); !made) return made;

  const auto self = own_hello(options.feature_level);
  auto roster = member_.members;
  std::erase_if(roster, [&](const RosterEntry& entry) { return entry.node == self.node; });
  roster.push_back({self.node, self.id, self.address, self.url, self.key});
  PeeringOptions peering;
  peering.self = self;
  peering.roster = std::move(roster);
  peering.policy.grace_ms = static_cast<uint64_t>(options_.config->duration("member-grace").count());
  peering.ask_timeout = options_.config->duration("command-timeout");
  peering.max_asks = static_cast<size_t>(options_.config->number("max-in-flight"));
  peering.on_roster = [this](const std::vector<RosterEntry>& members) { keep_roster(members); };
  peering_ = std::make_unique<Peering>(std::move(peering));
  peering_->set_cluster_key(credentials_.shared());
  JoinRequest again;
  again.node = self.node;
  again.key = self.key;
  again.address = address_;
  again.url = options_.url;
  rotation_ =
    std::make_unique<KeyRotation>(credentials_, *peering_, std::move(again), [this] { show_credentials(); });
  sharing_ = std::make_unique<SecretSharing>(*peering_);
  cosigner_ = std::make_unique<Cosigner>(*peering_);

  options.self = member_.id;
  options.address = member_.address;
  options.found = !member_.joined;
  options.member_address = address_;
  options.url = options_.url;
  options.key = self.key;
  options.boot = boot_;
  options.takes_lease = true;
  options.reply_secret = credentials_.reply_secret();
  options.timing.election_ms = static_cast<unsigned>(options_.config->duration("election-timeout").count());
  options.send = [this](consensus::MemberId to, std::string frame) { peering_->send(to, std::move(frame)); };
  options.ticked = [this] { tick(); };
  options.discover = [this] {
    advertise();
    look_around();
  };
  options.knows_rows = [this](consensus::MemberId id) { return peering_->knows_rows(id); };
  options.may_lead = [this] { return peering_->may_lead(); };
  return open_port();
}

Status ClusterSide::open_port() {
  auto credentials = credentials_.issue(system_now());
  if (!credentials) return credentials.error();
  issued_ = credentials->chain;
  consensus::PeerOptions network;
  network.node = options_.node;
  network.listen = listen_;
  network.advertised = address_;
  network.credentials = std::move(*credentials);
  network.events.received = [this](const std::string& from, consensus::Envelope envelope) {
    peering_->received(from, std::move(envelope));
  };
  network.events.stranger = [this](const consensus::Stranger& who, consensus::Envelope envelope,
                                   auto answer) {
    auto told = [log = join_log_, who, asked = envelope.body,
                 answer = std::move(answer)](consensus::Envelope reply) {
      log->answered(who, asked, reply.body);
      answer(std::move(reply));
    };
    peering_->stranger(who, std::move(envelope), std::move(told));
  };
  network.events.refused = [](const std::string& why) { spdlog::warn("member port: {}", why); };
  network_ = std::make_unique<consensus::PeerNetwork>(std::move(network));
  return network_->start();
}

void ClusterSide::attach(System& system, Peering::OnRequest on_request) {
  sharing_->attach(system);
  rotation_->attach(system);
  cosigner_->attach(system);
  peering_->attach(system, *network_, std::move(on_request));
  watch_urls();  // Before anybody looks around.
  {
    const std::lock_guard lock{mutex_};
    system_ = &system;
  }
  advertise();
  if (discovery_)
    discovery_->on_change([this] {
      const std::lock_guard lock{mutex_};
      if (system_) system_->discover();
    });
  watch_removal();
}

void ClusterSide::serve_through(http::ApiOptions& options) {
  options.peering = peering_.get();
  options.sharing = sharing_.get();
  options.entry = {address_, [this] { return credentials_.ca(); },
                   [this] {
                     const std::lock_guard lock{mutex_};
                     return system_ && bareness_.look(system_->chain(), system_->views()->seq);
                   },
                   !join_urls(*options_.config).empty()};
  options.rotate_key = [this](bool force, Origin origin, Answer answer) {
    rotate_key(force, std::move(origin), std::move(answer));
  };
}

void ClusterSide::on_records(const std::vector<Record>& records) {
  folded(records);
  sharing_->on_records(records);
  cosigner_->on_records(records);
}

bool ClusterSide::owes_first_token(const System& system) const {
  return first_token_->load() != FirstToken::none && system.gauges().leading;
}

/// The token that muster :cluster init printed, once there is a log to hold it.
void ClusterSide::record_first_token(System& system) {
  const auto made = first_token(options_.data);
  if (!made) return first_token_->store(FirstToken::none);
  first_token_->store(FirstToken::asked);
  system.ask(cluster::Command{cluster::MakeJoinToken{*made}}, {},
             Answer{[data = options_.data, state = first_token_](const Result<Receipt>& outcome) {
               const bool over = outcome || outcome.error().code == "field.invalid";
               if (over) forget_first_token(data);
               state->store(over ? FirstToken::none : FirstToken::owed);
             }});
}

void ClusterSide::detach() {
  removal_.reset();
  urls_.reset();
  {
    const std::lock_guard lock{mutex_};
    system_ = nullptr;
  }
  discovery_.reset();
  if (peering_) peering_->stop();
  if (network_) network_->stop();
}

void ClusterSide::leave_office(System& system) {
  const auto leads_alone = [&] {
    const auto members = system.members();
    return !members || std::count_if(members->begin(), members->end(), [](const auto& member) {
                         return member.role == consensus::Role::voter;
                       }) < 2;
  };
  if (system.gauges().leading && !leads_alone()) {
    const auto until = std::chrono::steady_clock::now() + kHandingOn;
    auto next_try = std::chrono::steady_clock::now();
    while (system.gauges().leading && std::chrono::steady_clock::now() < until) {
      if (std::chrono::steady_clock::now() >= next_try) {
        next_try += kTransferAgain;
        system.change([](consensus::Replica& replica) { return replica.transfer(0); }, {});
      }
      std::this_thread::sleep_for(std::chrono::milliseconds{5});
    }
    while (!peering_->leader_elsewhere() && std::chrono::steady_clock::now() < until)
      std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }
  if (!system.gauges().leading) peering_->say_stopping();
  const std::lock_guard lock{mutex_};
  system_ = nullptr;  // It is about to stop: nobody looks around any more.
}

/// On the log's thread, several times a second.
void ClusterSide::tick() {
  peering_->tick();
  sharing_->tick();
  rotation_->tick();
  cosigner_->tick();
  const auto now = std::chrono::steady_clock::now();
  if (now >= next_look_) {
    next_look_ = now + kLookEvery;
    tell_clock();
    const std::lock_guard lock{mutex_};
    if (system_) system_->discover();
  }
  if (first_token_->load() == FirstToken::owed) {
    const std::lock_guard lock{mutex_};
    if (system_ && system_->ready() && system_->gauges().leading) record_first_token(*system_);
  }
  if (now >= next_renewal_) {
    next_renewal_ = now + std::min<Millis>(kRenewalEvery, credentials_.certificate_life() / 10);
    renew();
  }
}

void ClusterSide::renew() {
  {
    const std::lock_guard lock{shown_mutex_};
    if (!due_for_renewal(issued_, system_now())) return;
  }
  show_credentials();
  spdlog::info("certificate renewed");
}

/// As they are now: a certificate that was issued before another one never takes its place.
void ClusterSide::show_credentials() {
  const std::lock_guard lock{shown_mutex_};
  auto credentials = credentials_.issue(system_now());
  if (!credentials) return spdlog::error("certificate error={}", credentials.error().detail);
  if (auto status = network_->set_credentials(*credentials); !status)
    return spdlog::error("certificate error={}", status.error().detail);
  issued_ = credentials->chain;
  peering_->set_cluster_key(credentials_.shared());
}

void ClusterSide::rotate_key(bool force, Origin origin, Answer answer) {
  if (options_.config->flag("dev"))
    return answer(
      Error{"conflict", "with --dev the cluster key is one that everybody knows: it is not changed", {}});
  rotation_->begin(force, std::move(origin), std::move(answer));
}

}  // namespace muster::app
