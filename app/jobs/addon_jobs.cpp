// Reading kept manifests, and judging images.
#include "app/jobs/addon_jobs.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "base/hash.hpp"
#include "domain/jobs/image.hpp"

namespace muster::app {
namespace {

Error not_materialized(const std::string& name, const std::string& why) {
  return {"source.not.materialized", "source " + name + " " + why, {}};
}

/// The manifest as it was when the source was added.
Result<jobs::Manifest> kept_manifest(const sources::Added& source, const std::string& data) {
  std::ifstream in{data + "/oci/" + source.name + "/manifest.yaml", std::ios::binary};
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in.is_open() || text.empty()) return not_materialized(source.name, "has no manifest on this machine");
  const auto known = parse_json(source.provenance.text);
  if (!known || !known->is_object() || known->value("manifest_sha256", "") != sha256_hex(text))
    return not_materialized(source.name, "has another manifest here than the one that was recorded");
  return jobs::parse_manifest(text);
}

/// Its one step is the container, whose program is told the job's id.
std::shared_ptr<const AddonChoice> job_of(const sources::Added& source, const jobs::AddonJob& named,
                                          const std::string& image) {
  auto made = std::make_shared<AddonChoice>();
  made->image = image;
  made->digest = source.digest;
  made->pull = source.pull_policy;
  made->signature_asked = source.verify_signatures.value_or(false);
  made->tools = named.tools;
  auto& job = made->job;
  job.id = job.folder = named.id;
  job.name = named.name;
  job.summary = named.summary;
  job.args = named.args;
  job.executor = "container";
  job.container.emplace();
  job.container->image = image;
  job.stepped = true;
  auto& step = job.steps.emplace_back();
  step.id = step.script = named.id;
  step.name = named.name;
  return made;
}

bool same(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

}  // namespace

Result<std::vector<std::shared_ptr<const AddonChoice>>> addon_jobs(const sources::Added& source,
                                                                   const std::string& data) {
  auto manifest = kept_manifest(source, data);
  if (!manifest) return manifest.error();
  const auto image = jobs::parse_image(source.ref.empty() ? source.url : source.ref);
  if (!image) return image.error();
  const auto whole = source.digest.empty() ? image->full() : image->pinned(source.digest);
  std::vector<std::shared_ptr<const AddonChoice>> all;
  for (const auto& job : manifest->jobs) all.push_back(job_of(source, job, whole));
  return all;
}

Result<JobChoice> choose_addon(const sources::Added& source, const std::string& data, const std::string& id) {
  auto all = addon_jobs(source, data);
  if (!all) return all.error();
  for (auto& one : *all) {
    if (!same(one->job.id, id)) continue;
    JobChoice choice;
    choice.job = &one->job;
    choice.source = source.name;
    choice.source_ref = source.digest;
    choice.provenance = {
      {"type", "oci"}, {"name", source.name}, {"ref", source.ref}, {"resolved_ref", one->image}};
    if (!source.digest.empty()) choice.provenance["digest"] = source.digest;
    choice.addon = std::move(one);
    return choice;
  }
  return Error{"job.unknown", "source " + source.name + " has no job " + id, {}};
}

Json judge_images(jobs::Preparation& prepared, const AddonChoice* addon, const Signer& signer,
                  const Cancellation* cancellation) {
  Json trust = Json::object();
  for (auto& step : prepared.steps) {
    auto& judgement = step.judgement;
    const auto image = judgement.settings.image;
    const bool asked = addon && addon->signature_asked;
    if (image.empty() || !judgement.allowed()) continue;
    const auto mode = judgement.settings.verify;
    if (mode == jobs::Verify::disabled && !asked) continue;
    if (!trust.contains(image)) {
      const bool looks = prepared.profile != jobs::Profile::disabled || mode != jobs::Verify::disabled;
      const auto seen = looks ? verify_image(image, signer, cancellation) : Verified{false, "nobody looked"};
      trust[image] = {{"image", image}, {"mode", jobs::to_text(mode)}, {"verified", seen.good}};
      if (!seen.good) trust[image]["reason"] = seen.reason;
    }
    const auto good = trust[image].value("verified", false);
    const auto reason = trust[image].value("reason", "");
    if (asked) jobs::judge_source_signature(judgement, prepared.profile, good, reason);
    jobs::judge_signature(judgement, good, reason);
  }
  return trust;
}

void add_trust(Json& plan, const jobs::Preparation& prepared, const Json& trust) {
  for (size_t i = 0; i < prepared.steps.size() && i < plan["steps"].size(); i++)
    if (const auto& image = prepared.steps[i].judgement.settings.image; trust.contains(image))
      plan["steps"][i]["image_trust"] = trust[image];
  if (prepared.steps.size() == 1 && plan["steps"][0].contains("image_trust"))
    plan["image_trust"] = plan["steps"][0]["image_trust"];
}

void add_addon(Json& plan, const AddonChoice& addon) {
  auto& preview = plan["executor_preview"];
  preview.erase("composition");
  preview.erase("interpreter");
  if (!addon.digest.empty()) preview["resolved_digest"] = addon.digest;
  if (!addon.pull.empty()) preview["pull_policy"] = addon.pull;
  if (addon.digest.empty())
    plan["policy_findings"].push_back(
      {{"code", "oci.digest.missing"},
       {"level", "warning"},
       {"message", addon.image + " is not pinned: what runs is what is here then"}});
  Json tools = Json::array();
  for (const auto& tool : addon.tools)
    tools.push_back({{"name", tool.name}, {"version", tool.version}, {"status", "unknown"}});
  plan["requirements"] = {{"tools", std::move(tools)}, {"status", "unknown"}};
}

}  // namespace muster::app
