// A source of each kind, from its request to its record.
#include "app/jobs/source_adding.hpp"

#include <chrono>
#include <filesystem>

#include <spdlog/spdlog.h>

#include "adapters/git_checkout.hpp"
#include "adapters/image_source.hpp"
#include "adapters/job_files.hpp"
#include "adapters/signatures.hpp"
#include "app/jobs/addon_jobs.hpp"
#include "app/jobs/run_parts.hpp"
#include "base/hash.hpp"
#include "domain/names.hpp"

namespace muster::app {
namespace {

namespace fs = std::filesystem;

std::string checkout_folder(const std::string& data, const std::string& name) {
  return data + "/sources/" + name;
}

sources::Added record_of(const jobs::Source& source) {
  sources::Added record;
  record.name = source.name;
  record.kind = jobs::to_text(source.type);
  record.ref = source.ref;
  record.url = source.url;
  if (!source.trust.empty()) record.trust.text = source.trust.dump();
  if (source.type == jobs::SourceType::oci) record.pull_policy = jobs::to_text(source.pull);
  if (source.verify_signatures) record.verify_signatures = true;
  record.expose = jobs::to_text(source.expose);
  return record;
}

Error not_materialized(const std::string& name, const std::string& why) {
  return {"source.not.materialized", "the source " + name + " " + why, {}};
}

/// `scripts` in a checkout, else the checkout. A link there might lead anywhere. Error: `source.not.allowed`.
Result<std::string> tree_of(const std::string& checkout) {
  std::error_code error;
  const auto scripts = checkout + "/scripts";
  if (!fs::is_directory(scripts, error)) return checkout;
  const auto root = fs::canonical(checkout, error), real = fs::canonical(scripts, error);
  if (error || !jobs::allow_folder(real, {root.string()}))
    return Error{"source.not.allowed", "scripts is a link that leads out of the repository", {}};
  return real.string();
}

/// Further names that the source's own file gives its jobs. Error: `alias.configuration.invalid`.
Status take_aliases(sources::Added& record, const std::string& root) {
  const auto listing = JobFiles(root).read();
  if (!listing) return listing.error();
  const std::string invalid = "alias.configuration.invalid";
  for (const auto& fault : (*listing)->faults)
    if (fault.path == jobs::kAliasFile && fault.error.starts_with(invalid))
      return Error{invalid, record.name + "/" + fault.path + fault.error.substr(invalid.size()), {}};
  if (record.expose == "none") return Done{};
  for (const auto& alias : (*listing)->aliases.listed())
    record.aliases.push_back({alias.target_path, alias.name, alias.description});
  return Done{};
}

/// The manifest's own description is left out when it is longer than a record's.
std::string metadata_of(const jobs::Manifest& manifest) {
  Json made{{"id", manifest.id}, {"name", manifest.name}, {"version", manifest.version}};
  for (const auto& [key, value] : {std::pair{"summary", &manifest.summary},
                                   {"homepage", &manifest.homepage},
                                   {"license", &manifest.license},
                                   {"description", &manifest.description}})
    if (!value->empty()) made[key] = *value;
  if (made.dump().size() > names::kMaxObject) made.erase("description");
  return made.dump();
}

}  // namespace

Result<sources::Added> SourceAdding::add(const jobs::Source& source, const Cancellation* cancellation) const {
  switch (source.type) {
    case jobs::SourceType::local:
      return add_local(source);
    case jobs::SourceType::git:
      return add_git(source, cancellation);
    case jobs::SourceType::oci:
      break;
  }
  return add_image(source, cancellation, true);
}

Status SourceAdding::bring(const sources::Added& record, const Cancellation* cancellation) const {
  jobs::Source source;
  source.name = record.name;
  source.url = record.url;
  source.verify_signatures = record.verify_signatures.value_or(false);
  if (record.kind == "git") {
    if (tree_root(record, settings_.data)) return Done{};
    source.type = jobs::SourceType::git;
    source.ref = record.resolved_commit;
    const auto made = add_git(source, cancellation);
    if (!made) return made.error();
    if (made->resolved_commit == record.resolved_commit) return Done{};
    return not_materialized(record.name, "has another commit under that name: " + made->resolved_commit);
  }
  if (record.kind != "oci" || addon_jobs(record, settings_.data)) return Done{};
  source.type = jobs::SourceType::oci;
  source.ref = record.resolved_ref;
  source.pull = jobs::parse_pull(record.pull_policy).value_or(jobs::Pull::on_add);
  if (auto made = add_image(source, cancellation, false); !made) return made.error();
  if (auto kept = addon_jobs(record, settings_.data); !kept) return kept.error();
  return Done{};
}

Result<sources::Pinned> SourceAdding::pin(const sources::Added& record,
                                          const Cancellation* cancellation) const {
  const auto image = jobs::parse_image(record.ref.empty() ? record.url : record.ref);
  if (!image) return image.error();
  if (!settings_.runtime)
    return Error{"container.runtime.unavailable", "neither podman nor docker is there", {}};
  auto digest = image_digest(
    {*settings_.runtime, settings_.profile, jobs::Pull::never, *image, settings_.limit, cancellation});
  if (!digest) return digest.error();
  return sources::Pinned{record.name, image->pinned(*digest), "", *digest};
}

/// The folder that is meant, with its links resolved. What is not allowed is refused before it is told
/// whether it is there.
Result<std::string> SourceAdding::allowed_folder(const std::string& named, const char* member) const {
  std::vector<std::string> roots, wanted;
  std::error_code error;
  for (const auto& root : settings_.local_roots) {
    wanted.push_back(fs::absolute(root, error).string());
    if (const auto real = fs::canonical(root, error); !error) roots.push_back(real.string());
  }
  Error refused{"source.not.allowed", "no folder is allowed: name one with --allow-local-root", {}};
  bool allowed = false;
  for (const auto& candidate : jobs::candidates(named, wanted)) {
    const auto real = fs::weakly_canonical(candidate, error);
    if (error) continue;
    if (auto status = jobs::allow_folder(real, roots); !status) {
      refused = status.error();
      continue;
    }
    allowed = true;
    if (fs::is_directory(real, error)) return real.string();
  }
  if (!allowed) return refused;
  return Error{"field.invalid", std::string(member) + " is no folder: " + named, {{member, "is no folder"}}};
}

Result<sources::Added> SourceAdding::add_local(const jobs::Source& source) const {
  auto folder = allowed_folder(source.ref, "/ref");
  if (!folder) return folder.error();
  auto record = record_of(source);
  record.resolved_ref = *folder;
  if (auto taken = take_aliases(record, *folder); !taken) return taken.error();
  record.provenance.text = Json{{"node", settings_.node}, {"tree", *folder}}.dump();
  return record;
}

Result<sources::Added> SourceAdding::add_git(const jobs::Source& source, const Cancellation* canceled) const {
  const auto url = jobs::parse_git_url(source.url);
  if (!url) return url.error();
  CheckoutOrder order{source.url, source.ref, checkout_folder(settings_.data, source.name), settings_.limit,
                      canceled};
  if (url->scheme == "file") {
    auto folder = allowed_folder(url->path, "/url");
    if (!folder) return folder.error();
    order.url = *folder;  // As it was judged: a link may lead elsewhere by the time it is used.
  } else if (auto allowed = jobs::allow_git_host(*url, settings_.git_hosts); !allowed) {
    return allowed.error();
  }
  const auto made = check_out(order);
  if (!made) return made.error();
  auto record = record_of(source);
  record.resolved_ref = made->resolved_ref;
  record.resolved_commit = made->commit;
  const auto tree = tree_of(order.folder);
  if (!tree) return tree.error();
  if (auto taken = take_aliases(record, *tree); !taken) return taken.error();
  record.provenance.text = Json{{"node", settings_.node}, {"checkout", order.folder}, {"tree", *tree}}.dump();
  return record;
}

void SourceAdding::tell_decisions(const std::string& source, const jobs::Judgement& judgement,
                                  bool on_record) const {
  auto told = recorded(judgement.decisions);
  for (auto& one : told) {
    spdlog::info("policy.decision source={} subject={} decision={} code={} reason={}", source, one.subject,
                 one.decision, one.code, one.reason);
    one.source = source;
    one.profile = jobs::to_text(settings_.profile);
    one.executor = "container";
    if (settings_.runtime) one.runtime = jobs::to_text(*settings_.runtime);
  }
  if (on_record && settings_.decided && !told.empty()) settings_.decided(std::move(told));
}

/// Registry and signature, before anything is pulled. What was found is told as a plan tells it.
Result<Json> SourceAdding::judged(const jobs::Source& source, const std::string& image,
                                  const Cancellation* canceled, bool on_record) const {
  jobs::Wanted wanted;
  wanted.in_container = true;
  wanted.image = source.ref;
  auto judgement = jobs::judge(settings_.bundle, settings_.profile, wanted);
  const auto mode = judgement.settings.verify;
  Verified signature{false, "nobody looked"};
  if (judgement.allowed()) {
    const bool asked = source.verify_signatures && settings_.profile != jobs::Profile::disabled;
    if (asked || mode != jobs::Verify::disabled) signature = verify_image(image, settings_.signer, canceled);
    if (source.verify_signatures)
      jobs::judge_source_signature(judgement, settings_.profile, signature.good, signature.reason);
    jobs::judge_signature(judgement, signature.good, signature.reason);
  }
  tell_decisions(source.name, judgement, on_record);
  if (!judgement.allowed()) return judgement.denials.front();
  Json told{{"image", image}, {"mode", jobs::to_text(mode)}, {"verified", signature.good}};
  if (!signature.good) told["reason"] = signature.reason;
  return told;
}

Result<sources::Added> SourceAdding::add_image(const jobs::Source& source, const Cancellation* canceled,
                                               bool on_record) const {
  const auto image = jobs::parse_image(source.ref);
  if (!image) return image.error();
  auto trust = judged(source, image->full(), canceled, on_record);
  if (!trust) return trust.error();
  if (!settings_.runtime)
    return Error{"container.runtime.unavailable", "neither podman nor docker is there", {}};
  const auto began = std::chrono::steady_clock::now();
  const auto addon =
    read_addon({*settings_.runtime, settings_.profile, source.pull, *image, settings_.limit, canceled});
  if (settings_.image_read)
    settings_.image_read(addon ? Status{Done{}} : Status{addon.error()}, source.pull == jobs::Pull::on_add,
                         std::chrono::duration_cast<Millis>(std::chrono::steady_clock::now() - began));
  if (!addon) return addon.error();
  const auto folder = settings_.data + "/oci/" + source.name;
  if (auto kept = keep_manifest(folder, addon->manifest_text); !kept) return kept.error();
  auto record = record_of(source);
  record.digest = addon->digest;
  record.resolved_ref = addon->digest.empty() ? image->full() : image->pinned(addon->digest);
  record.metadata.text = metadata_of(addon->manifest);
  record.provenance.text = Json{
    {"node", settings_.node},
    {"runtime", jobs::to_text(*settings_.runtime)},
    {"manifest", folder + "/manifest.yaml"},
    {"manifest_sha256", sha256_hex(addon->manifest_text)},
    {"image_trust",
     std::move(*trust)}}.dump();
  return record;
}

Result<std::string> tree_root(const sources::Added& source, const std::string& data) {
  std::error_code error;
  if (source.kind == "local") {
    if (fs::is_directory(source.resolved_ref, error)) return source.resolved_ref;
    return not_materialized(source.name, "has no folder here: " + source.resolved_ref);
  }
  if (source.kind != "git") return not_materialized(source.name, "is an image: it has no folder");
  const auto checkout = checkout_folder(data, source.name);
  const auto commit = commit_of(checkout);
  if (commit.empty()) return not_materialized(source.name, "is not checked out here");
  if (commit != source.resolved_commit)
    return not_materialized(source.name,
                            "is pinned to " + source.resolved_commit + ", and checked out here at " + commit);
  return tree_of(checkout);
}

std::vector<std::string> listed(std::string_view text) {
  std::vector<std::string> all;
  while (!text.empty()) {
    auto part = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    if (!part.empty()) all.emplace_back(part);
  }
  return all;
}

}  // namespace muster::app
