// Judging what a step asks for: one decision for each thing, none for what nobody asked.
#include "domain/jobs/policy.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "domain/jobs/extra_args.hpp"
#include "domain/jobs/image.hpp"
#include "domain/jobs/quantity.hpp"
#include "domain/jobs/words.hpp"

namespace muster::jobs {
namespace {

constexpr std::array<std::string_view, 3> kVerdicts{"allowed", "denied", "warn"};

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

class Judging {
public:
  Judging(const Bundle& bundle, Profile profile, const Wanted& wanted)
    : bundle_(bundle), profile_(profile), wanted_(wanted) {
    made_.settings.sandboxed = wanted.in_container || profile != Profile::disabled;
  }

  Judgement judge() {
    image();
    network();
    rootfs();
    capabilities();
    environment();
    extra_args();
    limits();
    sandbox();
    return std::move(made_);
  }

private:
  void decide(std::string subject, Verdict verdict, std::string code, std::string reason) {
    made_.decisions.push_back({std::move(subject), verdict, std::move(code), std::move(reason)});
  }

  void deny(const std::string& subject, const std::string& code, const std::string& reason) {
    decide(subject, Verdict::denied, code, reason);
    made_.denials.push_back({code, subject + ": " + reason});
  }

  /// True when the override is granted. `listed`: the bundle has all of what is asked for.
  bool grant(const std::string& subject, const std::string& asked, bool listed) {
    const std::string under = " under the profile " + std::string(to_text(profile_));
    if (profile_ == Profile::secure || (profile_ == Profile::permissive && !listed)) {
      deny(subject, "policy.denied",
           asked + " is not allowed" + under +
             (profile_ == Profile::secure ? "" : ": the bundle's overrides do not list it"));
      return false;
    }
    const bool audited = profile_ == Profile::disabled;
    const std::string reason = asked + " is allowed" + (audited ? "" : " by the bundle's overrides") + under;
    decide(subject, Verdict::allowed, "policy.override.allowed", reason);
    made_.findings.push_back(
      {"policy.override.allowed", audited ? "warning" : "info", subject + ": " + reason});
    return true;
  }

  void image() {
    if (!wanted_.in_container) return;
    const auto image = parse_image(wanted_.image);
    if (!image) return deny("image.registry", "E_IMAGE_POLICY", image.error().detail);
    made_.settings.image = image->full();
    made_.settings.verify = verify_mode(bundle_, profile_);
    const auto& allowed = bundle_.allowed_registries;
    if (allowed.empty()) return;
    if (std::find(allowed.begin(), allowed.end(), image->registry) == allowed.end())
      return deny("image.registry", "image.registry.not.allowed",
                  image->registry + " is not among the allowed registries: " + joined(allowed));
    decide("image.registry", Verdict::allowed, "image.registry.allowed", image->registry + " is listed");
  }

  void network() {
    const auto& mode = wanted_.network;
    if (mode.empty() || mode == "none") return;
    if (!is_network(mode))
      return deny("container.network", "E_CONFIG", '"' + shown(mode) + "\" is no network mode");
    if (!wanted_.in_container && mode != "host")
      return deny("container.network", "E_CONFIG",
                  "a process has the network none or host, not \"" + shown(mode) + '"');
    const auto& listed = bundle_.overrides.network;
    if (grant("container.network", "the network " + mode,
              std::find(listed.begin(), listed.end(), mode) != listed.end()))
      made_.settings.network = mode;
  }

  void rootfs() {
    if (!wanted_.rootfs_writable) return;
    made_.settings.rootfs_writable =
      grant("container.rootfs", "a writable root", bundle_.overrides.rootfs_writable);
  }

  void capabilities() {
    if (wanted_.capabilities.empty()) return;
    if (!wanted_.in_container)
      return deny("container.capabilities", "E_CONFIG", "a process has none to give");
    std::set<std::string> names;
    for (const auto& given : wanted_.capabilities) {
      auto name = capability_name(given);
      if (!name)
        return deny("container.capabilities", "E_CONFIG", '"' + shown(given) + "\" is no capability");
      names.insert(std::move(*name));
    }
    const auto& caps = bundle_.overrides.caps;
    const auto listed = [&](const std::string& name) {
      return std::find(caps.begin(), caps.end(), name) != caps.end();
    };
    std::vector<std::string> all(names.begin(), names.end()), missing;
    if (!listed("ALL"))
      std::copy_if(all.begin(), all.end(), std::back_inserter(missing), std::not_fn(listed));
    const bool denied = profile_ == Profile::permissive && !missing.empty();
    if (grant("container.capabilities", joined(denied ? missing : all), missing.empty()))
      made_.settings.capabilities = std::move(all);
  }

  void environment() {
    if (!wanted_.env_inheritance) return;
    made_.settings.env_inheritance =
      grant("env.inheritance", "the host's environment", bundle_.overrides.env_inheritance);
  }

  void extra_args() {
    if (wanted_.extra_args.empty()) return;
    if (!wanted_.in_container) return deny("container.extra_args", "E_CONFIG", "a process has no runtime");
    auto read = read_extra_args(wanted_.extra_args, profile_);
    if (!read) return deny("container.extra_args", read.error().code, read.error().detail);
    if (!read->dangerous.empty()) grant("container.extra_args", joined(read->dangerous), false);
    made_.settings.extra_args = std::move(read->args);
  }

  /// What is in force: what is asked for if the ceiling allows it, else the ceiling, else `otherwise`.
  std::optional<int64_t> limit(const std::string& subject, const std::string& asked,
                               Result<int64_t> (*parse)(std::string_view), std::optional<int64_t> ceiling,
                               std::optional<int64_t> otherwise, std::string_view unit) {
    if (asked.empty()) return ceiling ? ceiling : otherwise;
    const auto value = parse(asked);
    if (!value) {
      deny(subject, "E_IMAGE_POLICY", value.error().detail);
      return std::nullopt;
    }
    if (!ceiling) return *value;
    const std::string at = std::to_string(*value) + std::string(unit);
    const std::string most = std::to_string(*ceiling) + std::string(unit);
    if (*value > *ceiling)
      deny(subject, "E_IMAGE_POLICY", at + " is more than the ceiling of " + most);
    else
      decide(subject, Verdict::allowed, "resources.allowed", at + " is within the ceiling of " + most);
    return *value;
  }

  void limits() {
    std::optional<int64_t> cpu, memory;
    if (!wanted_.in_container && profile_ == Profile::secure) {
      cpu = kProcessCpu;
      memory = kProcessMemory;
    }
    auto& settings = made_.settings;
    settings.cpu = limit("resources.cpu", wanted_.resources.cpu, parse_cpu, bundle_.max_cpu, cpu, "m");
    settings.memory =
      limit("resources.memory", wanted_.resources.memory, parse_memory, bundle_.max_memory, memory, " bytes");
    if (!wanted_.in_container && settings.sandboxed) settings.processes = kMaxProcesses;
  }

  void sandbox() {
    if (!made_.settings.sandboxed) grant("process.sandbox", "running without a sandbox", false);
  }

  const Bundle& bundle_;
  const Profile profile_;
  const Wanted& wanted_;
  Judgement made_;
};

}  // namespace

std::string_view to_text(Verdict verdict) {
  return kVerdicts.at(static_cast<size_t>(verdict));
}

Judgement judge(const Bundle& bundle, Profile profile, const Wanted& wanted) {
  return Judging(bundle, profile, wanted).judge();
}

void judge_signature(Judgement& judgement, bool verified, std::string_view reason) {
  const auto& image = judgement.settings.image;
  const auto mode = judgement.settings.verify;
  if (mode == Verify::disabled) return;
  const std::string why = image + ": " + std::string(reason);
  if (verified) {
    judgement.decisions.push_back({"image.signature", Verdict::allowed, "image.signature.verified", image});
  } else if (mode == Verify::permissive) {
    judgement.decisions.push_back({"image.signature", Verdict::warn, "image.signature.permissive", why});
    judgement.findings.push_back({"image.signature.permissive", "warning", why});
  } else {
    judgement.decisions.push_back({"image.signature", Verdict::denied, "image.signature.required", why});
    judgement.denials.push_back({"image.signature.required", why});
  }
}

void judge_source_signature(Judgement& judgement, Profile profile, bool verified, std::string_view reason) {
  const auto& image = judgement.settings.image;
  const std::string code = "source-signature-invalid";
  if (profile == Profile::disabled)
    reason = "verify_signatures asks for a signature, and the profile disabled looks at none";
  else if (verified)
    return;
  const auto why = image + ": " + std::string(reason);
  judgement.decisions.push_back({"image.signature", Verdict::denied, code, why});
  judgement.denials.push_back({code, why});
}

}  // namespace muster::jobs
