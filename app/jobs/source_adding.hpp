// Adding a source: what it names is looked up, allowed or refused, fetched, and pinned.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "adapters/signatures.hpp"
#include "domain/jobs/container_command.hpp"
#include "domain/jobs/policy.hpp"
#include "domain/jobs/source.hpp"
#include "events/runs.hpp"
#include "events/sources.hpp"

namespace muster::app {

/// What of this node's settings says which sources there may be.
struct SourceSettings {
  std::string node;                      ///< Whose disk the files are on.
  std::string data;                      ///< The data folder.
  std::vector<std::string> local_roots;  ///< The scripts root, and what --allow-local-root names.
  std::vector<std::string> git_hosts;    ///< --allow-git-host; none: none is allowed.
  jobs::Profile profile = jobs::Profile::secure;
  jobs::Bundle bundle;
  Signer signer;                         ///< Of images.
  std::optional<jobs::Runtime> runtime;  ///< Of containers, if there is one.
  Millis limit{300'000};                 ///< --source-timeout: for a checkout, or a command of the runtime.
  /// Told what became of each image, and whether it was to be pulled; may be empty.
  std::function<void(const Status& outcome, bool pull, Millis took)> image_read;
  /// Told what the policy decided about a source that was to be added; may be empty.
  std::function<void(std::vector<runs::PolicyDecided>)> decided;
};

class SourceAdding {
public:
  explicit SourceAdding(SourceSettings settings) : settings_(std::move(settings)) {}

  /// Blocks for as long as git or a container runtime takes. The record is what is to be committed. Errors:
  /// `source.not.allowed`, `source.unavailable`, `field.invalid`, `alias.configuration.invalid`; of an image
  /// `image.registry.not.allowed`, `image.signature.required`, `source-signature-invalid`, `E_IMAGE_POLICY`,
  /// `E_OCI`, `E_ADDON_MANIFEST`, `container.runtime.unavailable`.
  [[nodiscard]] Result<sources::Added> add(const jobs::Source& source,
                                           const Cancellation* cancellation = nullptr) const;

  /// Fetches what another member recorded, as it was pinned there; what is here already stays. Blocks as
  /// add() does. A local source's folder is nobody's to fetch. Errors: as of add(); `source.not.materialized`
  /// when its origin has something else now.
  [[nodiscard]] Status bring(const sources::Added& record, const Cancellation* cancellation = nullptr) const;

  /// What an image that was not pulled when it was added turned out to be, now that a run of it succeeded
  /// here. Blocks as add() does. Errors: `E_OCI`, `container.runtime.unavailable`.
  [[nodiscard]] Result<sources::Pinned> pin(const sources::Added& record,
                                            const Cancellation* cancellation = nullptr) const;

private:
  [[nodiscard]] Result<sources::Added> add_local(const jobs::Source& source) const;
  [[nodiscard]] Result<sources::Added> add_git(const jobs::Source& source,
                                               const Cancellation* canceled) const;
  /// `on_record`: somebody asked for it, and what the policy says goes on record.
  [[nodiscard]] Result<sources::Added> add_image(const jobs::Source& source, const Cancellation* canceled,
                                                 bool on_record) const;
  [[nodiscard]] Result<Json> judged(const jobs::Source& source, const std::string& image,
                                    const Cancellation* canceled, bool on_record) const;
  void tell_decisions(const std::string& source, const jobs::Judgement& judgement, bool on_record) const;
  [[nodiscard]] Result<std::string> allowed_folder(const std::string& named, const char* member) const;

  const SourceSettings settings_;
};

/// The folder of a source's jobs on this machine: a local source's own; of a git source `scripts` in its
/// checkout below `data` when that is there, else the checkout. Error: `source.not.materialized` when it is
/// not there, when the checkout stands at another commit than the source is pinned to, and for an image.
Result<std::string> tree_root(const sources::Added& source, const std::string& data);

/// The parts of `text` between commas, without spaces around them.
[[nodiscard]] std::vector<std::string> listed(std::string_view text);

}  // namespace muster::app
