// Words and times of the environment.
#include "domain/environment.hpp"

#include <algorithm>
#include <set>
#include <tuple>

#include "base/hash.hpp"

namespace muster::environment {
namespace {

constexpr size_t kShownRows = 3;
constexpr std::string_view kStatuses[] = {"changed",     "drifted", "incompatible",
                                          "unreachable", "failed",  "paused"};

bool is_well(const Row& row) {
  return row.status == "in_sync" || row.status == "changed";
}

/// A binding that was made.
bootstrap::Thing thing_of(const Json& binding) {
  const auto text = [&](const char* member) { return binding.value(member, std::string{}); };
  return {"binding", text("exchange"), text("queue") + " (" + text("key") + ")", RawJson{binding.dump()}};
}

}  // namespace

std::string_view to_text(Component component) {
  constexpr std::string_view kTexts[] = {"storage", "broker", "index", "topics"};
  return kTexts[static_cast<size_t>(component)];
}

Result<Component> component_of(std::string_view text) {
  for (const auto component : kComponents)
    if (to_text(component) == text) return component;
  return Error{"field.invalid", "\"" + std::string(text) + "\" is not storage, broker, index or topics", {}};
}

Json desired_of(const profile::Profile& profile, Component component) {
  return profile::sections(profile)[std::string(to_text(component))];
}

bool is_embedded(std::string_view backend) {
  return backend == "folder" || backend == "in-process" || backend == "embedded";
}

size_t Report::count(std::string_view status) const {
  return static_cast<size_t>(std::ranges::count(rows, status, &Row::status));
}

bool Report::wrote() const {
  return std::ranges::any_of(rows, &Row::writes);
}

std::vector<bootstrap::Thing> Report::added() const {
  std::vector<bootstrap::Thing> all;
  for (const auto& row : rows) all.insert(all.end(), row.added.begin(), row.added.end());
  return all;
}

Intent intent_of(const Report& dry) {
  Intent intent{std::string(to_text(dry.component)),
                dry.backend,
                dry.generation,
                dry.told_key(),
                dry.at,
                {},
                dry.added()};
  for (const auto& row : dry.rows)
    if (row.writes()) intent.resources.push_back(row.kind + " " + row.name);
  intent.endpoint = dry.endpoint;
  intent.quiet = std::ranges::all_of(dry.rows, [](const Row& row) { return !row.writes() || row.unseen; });
  return intent;
}

std::vector<Row> merged(std::vector<Row> dry, std::vector<Row> taken) {
  auto next = taken.begin();
  std::erase_if(dry, [&](Row& row) {
    if (next == taken.end() || next->kind != row.kind || next->name != row.name) return row.writes();
    row = std::move(*next++);
    return false;
  });
  return dry;
}

std::vector<bootstrap::Thing> orphans(std::vector<bootstrap::Thing> added, const profile::Profile& profile) {
  std::set<std::tuple<std::string, std::string, std::string>> wanted;
  for (const auto& bucket : profile.storage) {
    for (const auto& rule : bucket.lifecycle) wanted.emplace("rule", bucket.name, rule.id);
    for (const auto& [key, value] : bucket.tags) wanted.emplace("tag", bucket.name, key);
  }
  for (const auto& binding : profile.bindings) {
    auto thing = thing_of(profile::to_json(binding));
    wanted.emplace(thing.kind, thing.of, thing.name);
  }
  std::erase_if(added, [&](const auto& thing) {
    return wanted.contains({thing.kind, thing.of, thing.name});
  });
  return added;
}

Removals things_of(const std::vector<Report>& reports, std::string_view status) {
  Removals things;
  for (const auto& report : reports)
    for (const auto& row : report.rows)
      if (row.status == status)
        things[report.component].insert(things[report.component].end(), row.added.begin(), row.added.end());
  return things;
}

std::string diff_hash(const std::vector<Report>& dry) {
  Json diff = Json::array();
  for (const auto& report : dry)
    for (const auto& row : report.rows)
      if (row.status == "changed")
        diff.push_back(
          {to_text(report.component), report.backend, report.endpoint, row.kind, row.name, row.actual});
  return sha256_hex(canonical_json(diff));
}

Row row_of(std::string kind, std::string name, const Result<Ensured>& outcome) {
  if (outcome) {
    Row row{std::move(kind),     std::move(name),  std::string(to_text(outcome->outcome)),
            outcome->detail,     outcome->desired, outcome->actual,
            outcome->also_added, outcome->added,   outcome->unseen};
    for (auto& thing : row.added) {
      thing.of = row.name;
      auto as = parse_json(thing.as.text);
      if (as) (*as)["bucket"] = row.name, thing.as.text = as->dump();
    }
    if (row.kind == "binding" && row.desired.is_object() && row.writes())
      row.added.push_back(thing_of(row.desired));
    return row;
  }
  const auto& why = outcome.error();
  const bool silent = why.code == "unreachable" || why.code == "backend.failed" ||
                      why.code == "backend.throttled" || why.code == "tls.untrusted";
  return {std::move(kind), std::move(name), silent ? "unreachable" : "failed", why.detail, {}, {}, false, {}};
}

std::string_view status_of(const Report& report) {
  if (report.count("unreachable") + report.count("failed") > 0) return "error";
  if (report.count("incompatible") > 0) return "needs_migration";
  return report.count("paused") > 0 ? "skipped" : "ok";
}

std::string message_of(const Report& report) {
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  for (const auto status : kStatuses)
    if (const auto count = report.count(status); count > 0)
      add(std::to_string(count) + " " + std::string(status));
  if (text.empty()) add(std::to_string(report.rows.size()) + " in_sync");
  size_t shown = 0;
  for (const auto& row : report.rows) {
    if (is_well(row) || ++shown > kShownRows) continue;
    text += "; " + row.kind + " " + row.name + ": " + row.detail;
  }
  if (text.size() > kMaxMessage) {
    size_t end = kMaxMessage;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) end--;  // Whole characters.
    text.resize(end);
  }
  return text;
}

bool is_news(const Report& report, const Report* before) {
  if (!before || report.wrote() || report.generation != before->generation) return true;
  const auto ill = [](const Report& of) {
    std::vector<Row> rows;
    std::ranges::copy_if(of.rows, std::back_inserter(rows),
                         [](const Row& row) { return !is_well(row) && row.status != "unreachable"; });
    return rows;
  };
  // One that answers now and then is away for another resource, and for another reason, at each look.
  const bool away = report.wants_retry(), was_away = before->wants_retry();
  return away != was_away || ill(report) != ill(*before);
}

Millis next_look(const Pace& pace, unsigned failed, double chance) {
  if (failed == 0 || failed >= pace.attempts) return pace.interval;
  const auto full = std::min(pace.first * (1 << (failed - 1)), pace.interval);
  return full - Millis{static_cast<int64_t>(static_cast<double>(full.count()) * chance / 4)};
}

}  // namespace muster::environment
