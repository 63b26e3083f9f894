// One thread that reads trees of scripts and prepares runs, in the order in which they were asked for; those
// of images go on beside it.
#include "app/jobs/job_desk.hpp"

#include <algorithm>
#include <filesystem>

#include "app/jobs/addon_jobs.hpp"
#include "app/jobs/job_rows.hpp"
#include "app/jobs/kept_entries.hpp"
#include "app/jobs/run_parts.hpp"
#include "app/jobs/source_trees.hpp"
#include "domain/jobs/plan.hpp"

namespace muster::app {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostTasks = 4096;
constexpr size_t kLookers = 4;  // Threads that wait for cosign and container runtimes.

/// The run whose steps say what is done when `run` is gone on with: one that was to go on with another and
/// never began has done what that one did.
Result<const runs::View::Row*> last_begun(const runs::View& all, std::string run) {
  for (;;) {
    const auto* row = all.runs.find(run);
    if (!row) return Error{"not.found", "there is no run " + run + " any more", {}};
    if ((*row)->started_at != Time{} || (*row)->accepted->from_step.empty()) return &**row;
    run = (*row)->accepted->of;
  }
}

Error too_many() {
  return {
    "rate.limited", std::to_string(kMostTasks) + " requests about jobs wait (limit max-waiting-jobs)", {}};
}

}  // namespace

Result<std::unique_ptr<JobDesk>> JobDesk::make(log::Disk& disk, JobDeskOptions options, RunSideOptions side) {
  auto memory = run_memory(side.data);
  if (!memory) return memory.error();
  side.memory = std::move(*memory);
  return std::unique_ptr<JobDesk>{new JobDesk{disk, std::move(options), std::move(side)}};
}

JobDesk::JobDesk(log::Disk& disk, JobDeskOptions options, RunSideOptions side)
  : options_(std::move(options)),
    about_(side),
    side_(disk, std::move(side)),
    desk_(1, kMostTasks),
    looking_(kLookers, kMostTasks) {}

JobDesk::~JobDesk() {
  stop();
}

void JobDesk::start() {
  side_.start();
  desk_.start();
  looking_.start();
}

void JobDesk::stop() {
  stopping_.cancel();
  desk_.stop();
  looking_.stop();
  side_.stop();
}

template <class T, class Work>
void JobDesk::answer(Then<T> then, Work work) {
  if (!desk_.add([then, work = std::move(work)] { then(work()); })) then(too_many());
}

template <class T, class Find, class Rest>
void JobDesk::judged(http::JobAsk ask, Then<T> then, Find find, Rest rest) {
  const auto added = desk_.add([this, ask = std::move(ask), then, find, rest] {
    auto found = find(ask);
    if (!found) return then(found.error());
    if (!found->prepared.in_containers) return then(rest(*found));
    const auto kept = std::make_shared<Judged>(std::move(*found));
    const auto look = [this, kept, then, rest] {
      kept->trust =
        judge_images(kept->prepared, kept->choice.addon.get(), options_.policy.signer, &stopping_);
      then(rest(*kept));
    };
    if (!looking_.add(look)) then(too_many());
  });
  if (!added) then(too_many());
}

void JobDesk::list(http::JobsAsk ask, Then<http::JobPage> then) {
  answer(std::move(then), [this, ask] { return list_now(ask); });
}

void JobDesk::plan(http::JobAsk ask, Then<Json> then) {
  judged(
    std::move(ask), std::move(then), [this](const http::JobAsk& one) { return find_to_plan(one); }, plan_now);
}

void JobDesk::prepare(http::JobAsk ask, Then<http::PreparedRun> then) {
  judged(
    std::move(ask), std::move(then), [this](const http::JobAsk& one) { return find_to_run(one); },
    [this](const Judged& one) { return prepare_now(one); });
}

void JobDesk::forget(const std::string& run) {
  if (!desk_.add([this, run] { side_.forget(run); })) side_.forget(run);
}

std::unique_ptr<http::RunEntries> JobDesk::entries(const std::string& run, uint64_t after) {
  return kept_entries(side_.journal_of(run), after, about_.counts,
                      [this, run] { return recorded_end(*about_.views(), run); });
}

void JobDesk::check(const std::string& run, Then<http::JournalChecked> then) {
  const auto look = [this, run, then] { then(check_kept(side_.journal_of(run), run, *about_.views())); };
  if (!looking_.add(look)) then(too_many());
}

uint64_t JobDesk::oldest(const std::string& run) {
  return oldest_entry(side_.journal_of(run));
}

http::JournalUse JobDesk::journals() const {
  return {side_.journal_bytes(), about_.most_journal_bytes};
}

Result<std::shared_ptr<const JobListing>> JobDesk::listing(const std::string& root) {
  auto& tree = trees_[root];
  if (!tree) tree = std::make_unique<JobFiles>(root);
  return tree->read();
}

Result<JobChoice> JobDesk::choose(const http::JobAsk& ask) {
  auto found = find(ask);
  if (!found && found.error().code == "job.unknown" && !ask.source.empty()) {
    auto plain = ask;  // What a source does not have may be in the node's own tree (contract, section 9).
    plain.source.clear();
    if (auto own = find(plain)) return own;
  }
  if (found || found.error().code != "source.not.materialized") return found;
  const auto slash = ask.job.find('/');
  options_.bring(ask.source.empty() ? ask.job.substr(0, slash) : ask.source);
  return found;
}

/// A run that names no source may name it in the job's id: `source/job`.
Result<JobChoice> JobDesk::find(const http::JobAsk& ask) {
  const auto views = about_.views();
  if (const auto* source = view<sources::View>(*views).sources.find(ask.source);
      source && (*source)->kind == "oci")
    return choose_addon(**source, about_.data, ask.job);
  auto tree = tree_of(*views, ask.source, options_.scripts_root, about_.data);
  if (!tree) return tree.error();
  auto found = listing(tree->root);
  if (!found) return found.error();
  JobChoice choice;
  choice.listing = *found;
  auto named = jobs::find_job(choice.listing->tree, choice.listing->aliases, ask.job);
  const auto slash = ask.job.find('/');
  if (!named && ask.source.empty() && slash != std::string::npos &&
      view<sources::View>(*views).sources.contains(ask.job.substr(0, slash))) {
    auto inside = ask;
    inside.source = ask.job.substr(0, slash);
    inside.job = ask.job.substr(slash + 1);
    return find(inside);
  }
  if (!named) return named.error();
  choice.job = named->job;
  choice.alias = named->alias;
  std::error_code error;
  choice.root = fs::canonical(tree->root, error);
  choice.source = ask.source;
  choice.source_ref = tree->ref;
  choice.provenance = tree->provenance;
  if (choice.provenance.is_null())
    choice.provenance = {{"type", "local"},
                         {"name", choice.job->id},
                         {"ref", choice.job->folder},
                         {"resolved_ref", choice.root + "/" + choice.job->folder}};
  return choice;
}

Result<JobDesk::Judged> JobDesk::judge(http::JobAsk ask, JobChoice choice) const {
  auto profile =
    jobs::effective_profile({ask.profile, "", std::string{jobs::to_text(options_.policy.profile)}});
  if (!profile) return profile.error();
  auto prepared = prepare_job(choice, options_.policy, *profile);
  if (!prepared) return prepared.error();
  return Judged{std::move(ask), std::move(choice), std::move(*prepared), {}, {}};
}

/// Empty: this node, which runs it itself when it fits; else whoever fits and has the fewest runs.
Result<std::string> JobDesk::where(const JobChoice& choice) const {
  const auto& placement = choice.job->placement;
  if (placement.anywhere()) return std::string{};
  const auto views = about_.views();
  const auto fits = [&](const nodes::View::Row& row) {
    if (row.silent) return false;
    if (!placement.role.empty() && !(row.heard && row.report->role == placement.role)) return false;
    return std::all_of(placement.labels.begin(), placement.labels.end(), [&](const auto& label) {
      const auto found = row.record->labels.find(label.first);
      return found != row.record->labels.end() && found->second == label.second;
    });
  };
  std::string found;
  uint64_t fewest = UINT64_MAX;
  const auto& runs = view<runs::View>(*views);
  const auto* own = view<nodes::View>(*views).nodes.find(about_.node);
  if (own && fits(*own)) return std::string{};
  view<nodes::View>(*views).nodes.each([&](const std::string& node, const nodes::View::Row& row) {
    if (!fits(row)) return;
    const auto* live = runs.nodes.find(node);
    const auto load = live ? live->runs : 0;
    if (load < fewest) {
      fewest = load;
      found = node;
    }
  });
  if (!found.empty()) return found;
  std::string wanted = placement.role.empty() ? "" : "role " + placement.role;
  for (const auto& [name, value] : placement.labels)
    wanted.append(wanted.empty() ? "" : ", ").append(name).append("=").append(value);
  return Error{"placement.impossible", "job " + choice.job->id + " wants a node with " + wanted, {}};
}

/// A run again: the same job, arguments and choices, but for secrets, which are gone.
Status JobDesk::fill_from_earlier(http::JobAsk& ask) const {
  if (ask.of.empty()) return Done{};
  const auto views = about_.views();
  const auto* row = view<runs::View>(*views).runs.find(ask.of);
  if (!row) return Error{"not.found", "there is no run " + ask.of, {}};
  const auto& earlier = *(*row)->accepted;
  if (ask.job.empty()) {
    ask.job = earlier.job;
    ask.source = earlier.source;
  }
  if (ask.profile.empty()) ask.profile = earlier.profile;
  if (ask.node.empty()) ask.node = earlier.node;
  const auto asked = asked_of(earlier.provenance.text);
  if (!ask.on_error) ask.on_error = asked.on_error;
  if (!ask.strict) ask.strict = asked.strict;
  if (!ask.dry && !ask.resume) ask.dry = asked.dry;  // Whoever resumes wants what was not done.
  auto before = parse_json(earlier.args.text);
  if (!before || !before->is_object()) return Done{};
  if (ask.args.is_null()) ask.args = Json::object();
  for (const auto& [name, value] : before->items()) {
    if (ask.args.contains(name)) continue;
    if (value == std::string{jobs::kSecretShown})
      return Error{"arguments.refused",
                   "the secret " + name + " of run " + ask.of + " is gone: give it again",
                   {{"/args/" + name, "is a secret, and gone: give it again"}}};
    ask.args[name] = value;
  }
  return Done{};
}

Result<JobDesk::Judged> JobDesk::find_to_run(http::JobAsk ask) {
  if (auto filled = fill_from_earlier(ask); !filled) return filled.error();
  Judged away;
  if (!ask.node.empty() && ask.node != about_.node) {
    away.elsewhere = ask.node;
    return away;
  }
  auto choice = choose(ask);
  if (!choice) return choice.error();
  if (ask.node.empty()) {
    auto node = where(*choice);
    if (!node) return node.error();
    away.elsewhere = std::move(*node);
    if (!away.elsewhere.empty()) return away;
  }
  return judge(std::move(ask), std::move(*choice));
}

Result<http::PreparedRun> JobDesk::prepare_now(const Judged& judged) {
  const auto& [ask, choice, prepared, trust, elsewhere] = judged;
  http::PreparedRun made;
  made.elsewhere = elsewhere;
  if (!elsewhere.empty()) return made;
  const auto arguments = jobs::bind_json(*choice.job, ask.args);
  if (!arguments) return arguments.error();
  const RunAsk run{choice,
                   prepared,
                   *arguments,
                   options_.host,
                   {ask.on_error, ask.strict.value_or(true), ask.dry.value_or(false)},
                   ask.keep_profile};
  made.submit = submission(new_run_id(), about_.node, run);
  made.submit.run.of = ask.of;
  std::vector<std::string> done;
  if (ask.resume) {
    const auto views = about_.views();
    const auto begun = last_begun(view<runs::View>(*views), ask.of);
    if (!begun) return begun.error();
    for (const auto& step : (*begun)->steps) {
      if (step.status == "completed")
        done.push_back(step.id);
      else if (made.submit.run.from_step.empty())
        made.submit.run.from_step = step.id;
    }
  }
  if (prepared.denial()) return made;  // For the record.
  if (auto kept = side_.make(made.submit, run, std::move(done), &stopping_); !kept) return kept.error();
  return made;
}

Result<JobDesk::Judged> JobDesk::find_to_plan(http::JobAsk ask) {
  if (auto filled = fill_from_earlier(ask); !filled) return filled.error();
  auto choice = choose(ask);
  if (!choice) return choice.error();
  return judge(std::move(ask), std::move(*choice));
}

Result<Json> JobDesk::plan_now(const Judged& judged) {
  const auto& choice = judged.choice;
  jobs::Arguments arguments;
  if (!judged.ask.unbound) {
    auto bound = jobs::bind_json(*choice.job, judged.ask.args);
    if (!bound) return bound.error();
    arguments = std::move(*bound);
  }
  if (const auto denied = judged.prepared.denial()) return *denied;
  auto plan =
    jobs::plan_of(*choice.job, judged.prepared,
                  {judged.ask.job, choice.alias, judged.ask.unbound ? nullptr : &arguments, choice.source});
  if (!choice.source.empty()) plan["provenance"]["source"] = choice.provenance;
  if (choice.addon) add_addon(plan, *choice.addon);
  add_trust(plan, judged.prepared, judged.trust);
  return plan;
}

Result<http::JobPage> JobDesk::list_now(const http::JobsAsk& ask) {
  http::JobPage page;
  std::vector<Json> rows;
  auto own = listing(options_.scripts_root);
  if (!own) return own.error();
  for (const auto& entry : (*own)->tree.jobs()) {
    rows.push_back(row_of(*entry.job, "", ""));
    add_command(rows.back(), *entry.job, (*own)->tree);
    if (ask.all) rows.back()["path"] = below(options_.scripts_root, entry.file->shown());
  }
  if (ask.aliases) add_aliases(rows, **own, "", ask.all);
  page.faults = (*own)->faults.size();
  const auto views = about_.views();
  view<sources::View>(*views).sources.each([&](const std::string& name, const auto& source) {
    if (source->kind == "oci") {
      const auto addons = addon_jobs(*source, about_.data);
      if (!addons) return void(page.faults += addons.error().code == "E_ADDON_MANIFEST");
      for (const auto& one : *addons) rows.push_back(row_of(one->job, name, source->kind));
      return;
    }
    const auto tree = tree_of(*views, name, options_.scripts_root, about_.data);
    if (!tree) return;  // Its node has it, or nobody yet.
    const auto found = listing(tree->root);
    if (!found) return void(page.faults++);
    for (const auto& entry : (*found)->tree.jobs()) {
      rows.push_back(row_of(*entry.job, name, source->kind));
      if (ask.all) rows.back()["path"] = below(tree->root, entry.file->shown());
    }
    if (ask.aliases && source->expose != "none") add_aliases(rows, **found, name, ask.all);
    page.faults += (*found)->faults.size();
  });
  sort_rows(rows);
  Json shown = Json::array();
  for (auto i = ask.skip; i < rows.size() && shown.size() < ask.limit; i++)
    shown.push_back(std::move(rows[i]));
  page.rows = shown.dump(-1, ' ', false, Json::error_handler_t::replace);
  return page;
}

}  // namespace muster::app
