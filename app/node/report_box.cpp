// Keeping reports, and ending intents that a crash left open.
#include "app/node/report_box.hpp"

#include <algorithm>
#include <set>

#include <spdlog/spdlog.h>

#include "domain/bootstrap.hpp"

namespace muster::app {

using environment::Intent;
using environment::Report;
using log::Column;

namespace {

constexpr std::string_view kReports = "environment/report/", kReportsEnd = "environment/report0";
constexpr std::string_view kIntents = "environment/intent/", kIntentsEnd = "environment/intent0";

std::string report_key(uint64_t number) {
  return std::string(kReports) + log::number_key(number);
}

std::string intent_key(const std::string& component) {
  return std::string(kIntents) + component;
}

Json shown(const bootstrap::Thing& thing) {
  Json json{{"kind", thing.kind}, {"of", thing.of}, {"name", thing.name}};
  if (auto as = parse_json(thing.as.text)) json["as"] = std::move(*as);
  return json;
}

}  // namespace

Result<std::unique_ptr<ReportBox>> ReportBox::open(std::string node, log::Disk& disk) {
  std::unique_ptr<ReportBox> box{new ReportBox{std::move(node), disk}};
  if (auto read = box->read(); !read) return read.error();
  return box;
}

Status ReportBox::read() {
  disk_.scan(Column::local, kReports, kReportsEnd, [&](std::string_view key, std::string_view body) {
    const auto number = log::number_of(key.substr(kReports.size()));
    waiting_.emplace(number, body);
    next_ = number + 1;
    return true;
  });
  Status sound = Done{};
  disk_.scan(Column::local, kIntents, kIntentsEnd, [&](std::string_view key, std::string_view text) {
    auto intent = from_json_text<Intent>(text);
    if (intent)
      cut_.emplace(key.substr(kIntents.size()), std::move(*intent));
    else
      sound = Error{"log.corrupt", "an intent of the environment does not read: " + intent.error().detail};
    return static_cast<bool>(intent);
  });
  return sound;
}

/// Gives it the next number; the oldest go.
void ReportBox::add(log::Batch& batch, const Json& body) {
  auto text = body.dump(-1, ' ', false, Json::error_handler_t::replace);
  batch.put(Column::local, report_key(next_), text);
  waiting_.emplace(next_++, std::move(text));
  for (; waiting_.size() > kMostWaiting; waiting_.erase(waiting_.begin())) {
    spdlog::warn("environment report={} given up: the control plane is away for too long",
                 waiting_.begin()->first);
    batch.erase(Column::local, report_key(waiting_.begin()->first));
  }
}

/// With what was added, as far as one body may say; the rest follows under keys of its own.
template <class Look>
void ReportBox::tell(log::Batch& batch, Json body, const Look& look,
                     const std::vector<bootstrap::Thing>& things) {
  const auto key = body["idempotency_key"].get<std::string>();
  for (size_t next = 0, part = 1; part == 1 || next < things.size(); part++) {
    if (part > 1) body["idempotency_key"] = key + "/" + std::to_string(part);
    Json some = Json::array();
    for (size_t bytes = 0; next < things.size() && some.size() < bootstrap::kMaxThings; next++) {
      auto thing = shown(things[next]);
      bytes += thing.dump(-1, ' ', false, Json::error_handler_t::replace).size();
      if (bytes > kMostBytes && !some.empty()) break;
      some.push_back(std::move(thing));
    }
    if (!some.empty()) {
      body["backend"] = look.backend;
      if (!look.endpoint.empty()) body["endpoint"] = look.endpoint;
      body["added"] = std::move(some);
    }
    add(batch, body);
  }
}

Status ReportBox::intend(const Intent& intent) {
  const std::lock_guard lock{mutex_};
  const auto next = next_;
  log::Batch batch;
  if (const auto cut = cut_.find(intent.component); cut != cut_.end()) {
    Report now;
    now.backend = intent.backend;
    now.endpoint = intent.endpoint;
    now.generation = intent.generation;
    now.at = intent.at;
    for (const auto& resource : intent.resources) now.rows.push_back({"", resource, "changed", ""});
    for (const auto& thing : intent.things) now.rows.push_back({"", "", "", "", {}, {}, false, {thing}});
    if (!intent.whole) now.rows.push_back({"", "", "failed", ""});
    end_cut(batch, cut->second, now);
  }
  auto kept = intent;
  kept.quiet |= fails_again(intent);
  batch.put(Column::local, intent_key(intent.component), to_json_text(kept));
  if (!kept.quiet) tell(batch, kept);
  if (auto written = disk_.write(batch, true); !written) {
    waiting_.erase(waiting_.lower_bound(next), waiting_.end());  // Neither it nor the end of another is told.
    next_ = next;
    return written;
  }
  cut_.erase(intent.component);
  open_.insert_or_assign(intent.component, std::move(kept));
  return Done{};
}

/// Whether nothing is about to be tried but what failed when it was told last: once is enough.
bool ReportBox::fails_again(const Intent& intent) const {
  const auto told = told_.find(intent.component);
  if (told == told_.end()) return false;
  std::set<std::string> failed;
  for (const auto& row : told->second.rows)
    if (row.status == "failed" || row.status == "unreachable") failed.insert(row.kind + " " + row.name);
  return std::ranges::all_of(intent.resources,
                             [&](const std::string& resource) { return failed.contains(resource); });
}

void ReportBox::tell(log::Batch& batch, const Intent& intent) {
  std::vector<std::string> some;
  size_t bytes = 0;
  for (const auto& resource : intent.resources) {
    bytes += resource.size();
    if (bytes > kMostBytes || some.size() == bootstrap::kMaxResources) break;
    some.push_back(resource);
  }
  add(batch, {{"node_id", node_},
              {"component", intent.component},
              {"action", "apply"},
              {"status", "intended"},
              {"backend", intent.backend},
              {"generation", intent.generation},
              {"idempotency_key", intent.key},
              {"resources", std::move(some)},
              {"total", intent.resources.size()}});
}

/// What an earlier life of the node was about to write, by what is missing still. A look that does not know,
/// or that is for another profile or at another server, makes nothing count as added: it might be somebody
/// else's.
void ReportBox::end_cut(log::Batch& batch, const Intent& cut, const Report& report) {
  const bool same_profile = cut.generation == report.generation;
  const bool same = same_profile && cut.backend == report.backend && cut.endpoint == report.endpoint;
  const bool known = same && report.knows();
  const auto missing = report.added();
  std::vector<bootstrap::Thing> there;
  if (known)
    std::ranges::copy_if(cut.things, std::back_inserter(there), [&](const auto& thing) {
      return std::ranges::find(missing, thing) == missing.end();
    });
  const auto left = std::ranges::count_if(cut.resources, [&](const std::string& resource) {
    return std::ranges::any_of(report.rows, [&](const auto& row) {
      return row.writes() && (row.kind.empty() ? row.name : row.kind + " " + row.name) == resource;
    });
  });
  if (cut.quiet) tell(batch, cut);
  const auto total = static_cast<ptrdiff_t>(cut.resources.size());
  const auto came_to = !same_profile     ? std::string("the profile is another one now")
                       : !same           ? "it was on another server"
                       : !report.knows() ? "what it came to is not known, as some did not answer"
                                         : std::to_string(total - left) + " of " + std::to_string(total) +
                                             " resources are as intended";
  tell(batch,
       {{"node_id", node_},
        {"component", cut.component},
        {"action", "recover"},
        {"status", left == 0 && known ? "ok" : "skipped"},
        {"message", "an apply of " + to_rfc3339(cut.at) + " was cut short: " + came_to},
        {"generation", cut.generation},
        {"idempotency_key", cut.key},
        {"attempt", 1},
        {"duration_ms", (report.at - cut.at).count()}},
       cut, there);
}

bool ReportBox::put(const Report& report) {
  const std::lock_guard lock{mutex_};
  const std::string component{environment::to_text(report.component)};
  log::Batch batch;
  if (const auto cut = cut_.find(component); cut != cut_.end() && report.knows()) {
    end_cut(batch, cut->second, report);
    batch.erase(Column::local, intent_key(component));
    cut_.erase(cut);
  }
  const auto before = told_.find(component);
  const auto intended = open_.extract(component);
  if (intended) batch.erase(Column::local, intent_key(component));
  const bool quiet = !intended || intended.mapped().quiet;
  const bool news = !quiet || environment::is_news(report, before == told_.end() ? nullptr : &before->second);
  if (news) {
    if (intended && quiet) tell(batch, intended.mapped());
    told_.insert_or_assign(component, report);
    tell(batch,
         {{"node_id", node_},
          {"component", component},
          {"action", report.wrote() ? "apply" : "check"},
          {"status", environment::status_of(report)},
          {"message", environment::message_of(report)},
          {"generation", report.generation},
          // A report that is told twice is one; the next one under the same key is another.
          {"idempotency_key", report.told_key()},
          {"attempt", report.attempt},
          {"duration_ms", report.took.count()}},
         report, report.added());
  }
  if (!batch.empty()) write(batch);
  return news;
}

std::optional<std::string> ReportBox::waiting() const {
  const std::lock_guard lock{mutex_};
  return waiting_.empty() ? std::nullopt : std::optional{waiting_.begin()->second};
}

void ReportBox::drop(const std::string& body) {
  const std::lock_guard lock{mutex_};
  const auto found = std::ranges::find(
    waiting_, body, [](const auto& one) -> const auto& { return one.second; });
  if (found == waiting_.end()) return;
  log::Batch batch;
  batch.erase(Column::local, report_key(found->first));
  waiting_.erase(found);
  write(batch);
}

/// Told from memory all the same; only a crash would lose it, which the log's own failure tells of.
void ReportBox::write(const log::Batch& batch) {
  if (auto written = disk_.write(batch, true); !written)
    spdlog::warn("environment reports not kept: {}", written.error().detail);
}

}  // namespace muster::app
