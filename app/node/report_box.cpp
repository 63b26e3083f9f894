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

constexpr std::string_view kOtherProfile = "the profile is another one now";

std::string report_key(uint64_t number) {
  return std::string(kReports) + log::number_key(number);
}

std::string intent_key(const std::string& component) {
  return std::string(kIntents) + component;
}

/// The resource that it is a part of, as an intent names it.
std::string resource_of(const bootstrap::Thing& thing) {
  if (thing.kind == "binding") return "binding " + thing.of + " -> " + thing.name;
  return (thing.kind == "rule" ? "lifecycle " : "tags ") + thing.of;
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

struct ReportBox::Came {
  std::string to;
  bool known = true;  ///< A later look would not tell more.
  bool well = false;  ///< All of it is as intended.
  std::vector<bootstrap::Thing> added{};
};

/// By what is missing still of the resources that it was about, whatever becomes of others. Nothing counts as
/// added that was not seen, nor by a look for another profile or at another server: it might be somebody
/// else's.
ReportBox::Came ReportBox::look_into(const Intent& cut, const Report& look) {
  if (cut.generation != look.generation) return {std::string(kOtherProfile)};
  if (cut.backend != look.backend || cut.endpoint != look.endpoint) return {"it was on another server"};
  std::map<std::string, const environment::Row*> rows;
  for (const auto& row : look.rows) rows.emplace(row.kind + " " + row.name, &row);
  std::set<std::string> known;
  size_t unknown = 0, well = 0;
  for (const auto& resource : cut.resources) {
    const auto found = rows.find(resource);
    if (found == rows.end() || !found->second->is_known()) {  // Without a row: what it follows is not known.
      unknown++;
      continue;
    }
    well += found->second->writes() ? 0 : 1;
    known.insert(resource);
  }
  const auto total = cut.resources.size();
  Came came{std::to_string(well) + " of " + std::to_string(total) + " resources are as intended" +
              (unknown > 0 ? ", " + std::to_string(unknown) + " not known" : ""),
            unknown == 0 && !look.observed, well == total};
  const auto missing = look.added();
  std::ranges::copy_if(cut.things, std::back_inserter(came.added), [&](const auto& thing) {
    return known.contains(resource_of(thing)) && std::ranges::find(missing, thing) == missing.end();
  });
  return came;
}

Status ReportBox::intend(const Report& look) {
  const std::lock_guard lock{mutex_};
  const auto next = next_;
  log::Batch batch;
  auto intent = environment::intent_of(look);
  if (const auto cut = cut_.find(intent.component); cut != cut_.end())
    end_cut(batch, cut->second, look_into(cut->second, look), look.at);
  intent.quiet |= fails_again(intent);
  batch.put(Column::local, intent_key(intent.component), to_json_text(intent));
  if (!intent.quiet) tell(batch, intent);
  if (auto written = disk_.write(batch, true); !written) {
    waiting_.erase(waiting_.lower_bound(next), waiting_.end());  // Neither it nor the end of another is told.
    next_ = next;
    return written;
  }
  cut_.erase(intent.component);
  open_.insert_or_assign(intent.component, std::move(intent));
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

void ReportBox::end_cut(log::Batch& batch, const Intent& cut, const Came& came, Time at) {
  if (cut.quiet) tell(batch, cut);
  tell(batch,
       {{"node_id", node_},
        {"component", cut.component},
        {"action", "recover"},
        {"status", came.well ? "ok" : "skipped"},
        {"message", "an apply of " + to_rfc3339(cut.at) + " was cut short: " + came.to},
        {"generation", cut.generation},
        {"idempotency_key", cut.key},
        {"attempt", 1},
        {"duration_ms", (at - cut.at).count()}},
       cut, came.added);
}

bool ReportBox::put(const Report& report) {
  const std::lock_guard lock{mutex_};
  const std::string component{environment::to_text(report.component)};
  log::Batch batch;
  if (const auto cut = cut_.find(component); cut != cut_.end())
    if (const auto came = look_into(cut->second, report); came.known) {
      end_cut(batch, cut->second, came, report.at);
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

bool ReportBox::give_up(environment::Component component, Time now) {
  const std::lock_guard lock{mutex_};
  const auto cut = cut_.find(std::string(environment::to_text(component)));
  if (cut == cut_.end()) return false;
  log::Batch batch;
  end_cut(batch, cut->second, {std::string(kOtherProfile)}, now);
  batch.erase(Column::local, intent_key(cut->first));
  cut_.erase(cut);
  write(batch);
  return true;
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
