// An add-on image of this machine's container runtime: pulled, its manifest taken out, its digest known.
#pragma once

#include <string>

#include "adapters/program.hpp"
#include "domain/jobs/addon_manifest.hpp"
#include "domain/jobs/container_command.hpp"
#include "domain/jobs/source.hpp"

namespace muster {

struct ImageOrder {
  jobs::Runtime runtime = jobs::Runtime::podman;
  jobs::Profile profile = jobs::Profile::secure;
  jobs::Pull pull = jobs::Pull::on_add;
  jobs::Image image;
  Millis limit{300'000};  ///< For each command of the runtime.
  const Cancellation* cancellation = nullptr;
};

struct AddonImage {
  std::string digest;         ///< Empty unless it was pulled now: the first good run pins it then.
  std::string manifest_text;  ///< As the image has it; at most jobs::kMaxManifest.
  jobs::Manifest manifest;
};

/// Runs `cat` of the image's own in a container that may do nothing, and reads what it prints as the manifest
/// (contract of jobs, section 11). A container that does not end, or prints too much, is removed. Errors:
/// `E_ADDON_MANIFEST` when there is none, or it is too large or not valid; `E_OCI` with the runtime's words;
/// `container.runtime.unavailable`.
Result<AddonImage> read_addon(const ImageOrder& order);

/// The digest of the image as it is on this machine now; nothing is pulled. Errors: `E_OCI`,
/// `container.runtime.unavailable`.
Result<std::string> image_digest(const ImageOrder& order);

/// Keeps a manifest as `<folder>/manifest.yaml`. Error: `internal`.
Status keep_manifest(const std::string& folder, const std::string& text);

}  // namespace muster
