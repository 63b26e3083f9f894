// Reading profiles and policy bundles: every fault of a file at once.
#include <algorithm>
#include <array>
#include <optional>

#include "base/hash.hpp"
#include "base/nearest.hpp"
#include "domain/jobs/image.hpp"
#include "domain/jobs/policy.hpp"
#include "domain/jobs/quantity.hpp"
#include "domain/jobs/words.hpp"
#include "domain/object_reader.hpp"
#include "domain/yaml.hpp"

namespace muster::jobs {
namespace {

using names::pointer_to;

constexpr std::array<std::string_view, 3> kProfiles{"secure", "permissive", "disabled"};
constexpr std::array<std::string_view, 3> kVerify{"required", "permissive", "disabled"};

class Reading {
public:
  explicit Reading(names::Check& check) : check_(check) {}

  Bundle bundle(const Json& document) {
    ObjectReader root = reader(document, "");
    Bundle made;
    made.verify_signatures = verify(root);
    made.allowed_registries = registries(root);
    if (const Json* ceilings = root.object("ceilings")) {
      ObjectReader section = reader(*ceilings, "/ceilings");
      made.max_cpu = quantity(section, "cpu", parse_cpu);
      made.max_memory = quantity(section, "memory", parse_memory);
      section.refuse_unknown();
    }
    if (const Json* overrides = root.object("overrides"))
      made.overrides = granted(reader(*overrides, "/overrides"));
    root.refuse_unknown();
    return made;
  }

private:
  ObjectReader reader(const Json& value, std::string at) {
    return {value, std::move(at), check_, TextFrom::scalars};
  }

  std::optional<Verify> verify(ObjectReader& root) {
    const auto text = root.text("verify_signatures");
    if (!text) return std::nullopt;
    const auto* found = std::find(kVerify.begin(), kVerify.end(), *text);
    if (found != kVerify.end()) return static_cast<Verify>(found - kVerify.begin());
    root.complain("verify_signatures",
                  "must be required, permissive or disabled" + did_you_mean(*text, kVerify));
    return std::nullopt;
  }

  std::vector<std::string> registries(ObjectReader& root) {
    auto all = root.texts("allowed_registries");
    for (size_t i = 0; i < all.size(); i++) {
      all[i] = lower_case(all[i]);
      if (all[i] == "index.docker.io") all[i] = kDefaultHub;
      if (!is_registry(all[i]))
        check_.fault(pointer_to("/allowed_registries", i), "must be host or host:port, without a path");
    }
    return all;
  }

  std::optional<int64_t> quantity(ObjectReader& from, std::string_view key,
                                  Result<int64_t> (*parse)(std::string_view)) {
    const auto text = from.text(key);
    if (!text) return std::nullopt;
    const auto value = parse(*text);
    if (value) return *value;
    from.complain(key, value.error().detail);
    return std::nullopt;
  }

  Overrides granted(ObjectReader from) {
    Overrides made;
    made.network = from.texts("network");
    for (size_t i = 0; i < made.network.size(); i++)
      if (!is_network(made.network[i]))
        check_.fault(pointer_to("/overrides/network", i), "must be a network mode, like bridge or host");
    made.rootfs_writable = from.flag("rootfs_writable").value_or(false);
    const auto caps = from.texts("caps");
    for (size_t i = 0; i < caps.size(); i++) {
      if (auto name = capability_name(caps[i]))
        made.caps.push_back(std::move(*name));
      else
        check_.fault(pointer_to("/overrides/caps", i), "must be a capability, like NET_BIND_SERVICE");
    }
    made.env_inheritance = from.flag("env_inheritance").value_or(false);
    from.refuse_unknown();
    return made;
  }

  names::Check& check_;
};

}  // namespace

std::string_view to_text(Profile profile) {
  return kProfiles.at(static_cast<size_t>(profile));
}

std::string_view to_text(Verify verify) {
  return kVerify.at(static_cast<size_t>(verify));
}

Result<Profile> parse_profile(std::string_view text) {
  const auto wanted = lower_case(text);
  const auto* found = std::find(kProfiles.begin(), kProfiles.end(), wanted);
  if (found != kProfiles.end()) return static_cast<Profile>(found - kProfiles.begin());
  return Error{"E_POLICY", "the security profile \"" + shown(text) +
                             "\" must be secure, permissive or disabled" + did_you_mean(wanted, kProfiles)};
}

Result<Profile> effective_profile(const ProfileSources& sources) {
  std::optional<Profile> strongest;
  for (const auto* source : {&sources.requested, &sources.environment, &sources.configured}) {
    if (source->empty()) continue;
    const auto profile = parse_profile(*source);
    if (!profile) return profile.error();
    if (!strongest) strongest = *profile;
  }
  return strongest.value_or(Profile::secure);
}

Result<Bundle> parse_bundle(std::string_view text, std::string_view file) {
  yaml::Limits limits;
  limits.bytes = kMaxBundle;
  auto document = yaml::parse(text, limits);
  if (!document)
    return Error{"E_POLICY", std::string(file) + ": " + document.error().detail, document.error().fields};
  names::Check check;
  auto bundle = Reading(check).bundle(document->value);
  if (!check.faults().empty()) return yaml::refusal("E_POLICY", file, check.faults(), *document);
  bundle.digest = sha256_hex(text);
  return bundle;
}

Verify verify_mode(const Bundle& bundle, Profile profile) {
  return bundle.verify_signatures.value_or(static_cast<Verify>(profile));
}

}  // namespace muster::jobs
