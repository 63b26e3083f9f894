// Handing sealed values over, fetching what is missing, and erasing what nobody names.
#include "actors/secret_sharing.hpp"

#include <algorithm>
#include <utility>

#include "adapters/sealed_secrets.hpp"
#include "domain/cluster.hpp"

namespace muster {
namespace {

constexpr char kTake = 'S', kGive = 'G';
constexpr size_t kMaxId = 64, kMaxValue = 64 * 1024;
constexpr std::chrono::milliseconds kSpreadPatience{2000};  // Of whoever seals a value.
constexpr std::chrono::seconds kLookAgain{1};               // While something is missing.
constexpr std::chrono::minutes kLookAnyway{1};
constexpr std::chrono::minutes kUnclaimed{10};  // Longer than a value waits for the line that names it.
constexpr size_t kFetchesAtOnce = 16;
constexpr std::string_view kKept = "kept";
constexpr char kFound = '+';

bool is_id(std::string_view id) {
  return !id.empty() && id.size() <= kMaxId &&
         id.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// Those that the views name and whose time is not over: the others are to be erased, whoever leads.
std::set<std::string> named_by(const ViewSet& views, Time now) {
  std::set<std::string> named;
  view<secrets::View>(views).secrets.each([&](const std::string&, const auto& row) {
    if (row.expires_at > now) named.insert(row.secret);
  });
  return named;
}

}  // namespace

class SecretSharing::Round {
public:
  Round(std::set<std::string> asked, std::vector<std::string> without,
        std::function<void(std::vector<std::string>)> then)
    : asked_(std::move(asked)), without_(std::move(without)), then_(std::move(then)) {}

  void answered(const std::string& node, bool kept) {
    const std::lock_guard lock{mutex_};
    if (!then_ || asked_.erase(node) == 0) return;
    if (!kept) without_.push_back(node);
    if (asked_.empty()) end();
  }
  /// True when it has ended, now at the latest when its time is over.
  bool ended(SteadyClock::time_point now) {
    const std::lock_guard lock{mutex_};
    if (then_ && now >= until_) {
      without_.insert(without_.end(), asked_.begin(), asked_.end());
      end();
    }
    return !then_;
  }

private:
  void end() { std::exchange(then_, nullptr)(std::move(without_)); }

  std::mutex mutex_;
  std::set<std::string> asked_;
  std::vector<std::string> without_;
  std::function<void(std::vector<std::string>)> then_;
  const SteadyClock::time_point until_ = SteadyClock::now() + kSpreadPatience;
};

SecretSharing::SecretSharing(Peering& peering) : peering_(peering) {
  peering_.serve(kTake, [this](const std::string&, std::string request, auto reply) {
    take(std::move(request), std::move(reply));
  });
  peering_.serve(kGive, [this](const std::string&, std::string request, auto reply) {
    give(std::move(request), std::move(reply));
  });
}

void SecretSharing::attach(System& system) {
  const std::lock_guard lock{mutex_};
  system_ = &system;
}

/// The other members that hold the log.
std::vector<std::string> SecretSharing::holders() const {
  std::vector<std::string> others;
  const auto members = system_->members();
  if (!members) return others;
  for (const auto& member : *members) {
    const auto node = peering_.node_of(member.id);
    if (member.role != consensus::Role::spare && !node.empty() && node != system_->options().node)
      others.push_back(node);
  }
  return others;
}

void SecretSharing::spread(const std::string& secret, const std::string& value,
                           std::function<void(std::vector<std::string>)> then) {
  const auto states = peering_.members();
  std::set<std::string> asked;
  std::vector<std::string> without;
  for (const auto& node : holders()) {
    const auto state = states.find(node);
    const bool there = state != states.end() && state->second.way.heard && state->second.hello &&
                       state->second.hello->feature_level >= cluster::kKeysLevel;
    there ? void(asked.insert(node)) : without.push_back(node);
  }
  if (asked.empty()) return then(std::move(without));
  const auto round = std::make_shared<Round>(asked, std::move(without), std::move(then));
  {
    const std::lock_guard lock{mutex_};
    rounds_.push_back(round);
  }
  const auto request = secret + '\n' + value;
  for (const auto& node : asked)
    peering_.ask(node, kTake, request, [round, node](const Result<std::string>& answer) {
      round->answered(node, answer && *answer == kKept);
    });
}

/// A member hands over a value, before or after the log tells of it.
void SecretSharing::take(std::string request, std::function<void(std::string)> reply) {
  const auto end = request.find('\n');
  if (end == std::string::npos || !is_id(std::string_view{request}.substr(0, end)) ||
      request.size() - end - 1 > kMaxValue || !system_)
    return reply("");
  system_->read_slowly([this, request = std::move(request), end, reply = std::move(reply)] {
    const auto stored = store_secret(system_->disk(), system_->keys(), request.substr(0, end),
                                     std::string_view{request}.substr(end + 1));
    reply(stored ? std::string{kKept} : std::string{});
  });
}

/// A member lacks a value. Every member is trusted with every secret: it could lead.
void SecretSharing::give(std::string secret, std::function<void(std::string)> reply) {
  if (!is_id(secret) || !system_) return reply("");
  system_->read_slowly([this, secret = std::move(secret), reply = std::move(reply)] {
    const auto value = load_secret(system_->disk(), system_->keys(), secret);
    reply(value ? kFound + *value : std::string{});
  });
}

void SecretSharing::on_records(const std::vector<Record>& records) {
  const bool touched = std::any_of(records.begin(), records.end(),
                                   [](const Record& record) { return record.type.starts_with("secret."); });
  if (!touched) return;
  const std::lock_guard lock{mutex_};
  stale_ = true;
}

void SecretSharing::tick() {
  const auto now = SteadyClock::now();
  std::list<std::shared_ptr<Round>> rounds;
  {
    const std::lock_guard lock{mutex_};
    if (!system_) return;
    rounds = rounds_;
    if ((stale_ || now >= next_look_) && !reconciling_) {
      stale_ = false;
      reconciling_ = true;
      next_look_ = now + kLookAnyway;
      system_->read_slowly([this] { reconcile(); });
    }
  }
  for (const auto& round : rounds)
    if (round->ended(now)) {
      const std::lock_guard lock{mutex_};
      rounds_.remove(round);
    }
}

/// On the thread for slow readings: what is sealed here against what the views name.
void SecretSharing::reconcile() {
  const auto now = SteadyClock::now();
  const auto named = named_by(*system_->views(), system_->options().now());
  const auto here = sealed_secrets(system_->disk());
  std::vector<std::string> gone;
  std::map<std::string, SteadyClock::time_point> unclaimed;
  for (const auto& id : here) {
    if (named.contains(id)) continue;
    const auto since = unclaimed_.emplace(id, now).first->second;
    if (now - since >= kUnclaimed)
      gone.push_back(id);
    else
      unclaimed[id] = since;
  }
  unclaimed_ = std::move(unclaimed);
  if (!gone.empty()) (void)erase_secrets(system_->disk(), gone);
  std::vector<std::string> missing;
  std::set_difference(named.begin(), named.end(), here.begin(), here.end(), std::back_inserter(missing));
  std::erase_if(attempts_, [&](const auto& attempt) {
    return !std::binary_search(missing.begin(), missing.end(), attempt.first);
  });
  for (const auto& id : missing)
    if (attempts_.size() < kFetchesAtOnce || attempts_.contains(id)) fetch(id);
  const std::lock_guard lock{mutex_};
  reconciling_ = false;
  if (!missing.empty()) next_look_ = now + kLookAgain;
}

/// From one holder after the other: not all have it.
void SecretSharing::fetch(const std::string& secret) {
  const auto others = holders();
  if (others.empty()) return;
  const auto& node = others[attempts_[secret]++ % others.size()];
  peering_.ask(node, kGive, secret, [this, secret](const Result<std::string>& answer) {
    if (answer && answer->starts_with(kFound)) fetched(secret, *answer);
  });
}

void SecretSharing::fetched(const std::string& secret, const Result<std::string>& answer) {
  system_->read_slowly([this, secret, value = answer->substr(1)] {
    // It may have been removed meanwhile: then it is not to come back.
    if (!named_by(*system_->views(), system_->options().now()).contains(secret)) return;
    if (store_secret(system_->disk(), system_->keys(), secret, value)) attempts_.erase(secret);
    const std::lock_guard lock{mutex_};
    stale_ = true;  // The next ones.
  });
}

}  // namespace muster
