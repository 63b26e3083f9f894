// The manifest of an add-on image: which jobs it brings and what they take.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "domain/jobs/job.hpp"

namespace muster::jobs {

constexpr size_t kMaxManifest = 512 * 1024;  ///< Bytes; whoever reads it from an image stops one after that.
constexpr size_t kMaxAddonJobs = 500;
constexpr size_t kMaxAddonArgs = 200;  ///< Of one job.

struct Maintainer {
  std::string name, email, url;
};

/// A program that a job needs; whether it is in the image is not known.
struct Tool {
  std::string name, version;
};

struct AddonContainer {
  std::string image, platform;
  std::optional<bool> verify_signatures;
};

struct AddonJob {
  std::string id;  ///< Without its source: outside it is `<source>/<id>`.
  std::string name, summary, description;
  std::vector<std::string> extends;
  std::vector<Arg>
    args;  ///< The limits of values (`minLength` and others) are checked for form, and dropped.
  std::vector<Tool> tools;
};

struct Manifest {
  std::string id, name, version, summary, description, homepage, license;
  std::vector<Maintainer> maintainers;
  std::map<std::string, std::string> requires_flwd;
  std::vector<std::string> permissions;
  std::vector<AddonContainer> containers;
  std::vector<AddonJob> jobs;
};

/// Reads `/flwd-addon/manifest.yaml` (contract, section 11). Strict: an unknown key is a fault. Error:
/// `E_ADDON_MANIFEST`; its detail has every fault with the field it is about, joined with `; `. What is
/// larger, deeper or has more aliases than a manifest can need is refused before anything is read.
Result<Manifest> parse_manifest(std::string_view yaml);

/// True for a version as Semantic Versioning 2.0.0 writes it.
[[nodiscard]] bool is_semver(std::string_view text);

}  // namespace muster::jobs
