// The command lines for Podman and Docker, run to their ends.
#include "adapters/image_source.hpp"

#include <filesystem>

#include <sys/stat.h>

#include "adapters/child_process.hpp"
#include "adapters/keys.hpp"

namespace muster {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxInspect = 4 << 20;     // Bytes that `image inspect` may print.
constexpr size_t kMaxContainers = 1 << 20;  // Bytes of a list of containers.
constexpr Millis kCleanUp{30'000};

class Extraction {
public:
  explicit Extraction(const ImageOrder& order) : order_(order), image_(order.image.full()) {}

  Result<AddonImage> run() {
    const bool pull = order_.pull == jobs::Pull::on_add;
    AddonImage made;
    auto text = manifest(pull);
    if (!text) return text.error();
    auto manifest = jobs::parse_manifest(*text);
    if (!manifest) return manifest.error();
    made.manifest_text = std::move(*text);
    made.manifest = std::move(*manifest);
    if (!pull) return made;
    auto digest = this->digest();
    if (!digest) return digest.error();
    made.digest = std::move(*digest);
    return made;
  }

  Result<std::string> digest() {
    auto order = command(jobs::inspect_line(order_.runtime, image_));
    order.max_output = kMaxInspect;
    const auto end = run_program(order);
    if (!end) return missing(end.error());
    if (!end->good()) return Error{"E_OCI", image_ + ": " + why_failed(order, *end)};
    return jobs::digest_from_inspect(end->out, order_.image);
  }

private:
  Result<std::string> manifest(bool pull) {
    auto order = command(jobs::manifest_line(order_.runtime, order_.profile, pull, image_));
    order.max_output = jobs::kMaxManifest;
    auto end = run_program(order);
    if (!end) return missing(end.error());
    if (end->good()) return std::move(end->out);
    if (end->cut != ProgramEnd::Cut::none) remove_container();
    if (end->cut == ProgramEnd::Cut::output)
      return Error{"E_ADDON_MANIFEST",
                   image_ + ": the manifest is larger than " + std::to_string(jobs::kMaxManifest) + " bytes"};
    if (end->cut == ProgramEnd::Cut::none && ran(*end) && jobs::says_no_manifest(end->err))
      return Error{"E_ADDON_MANIFEST", image_ + " has no /flwd-addon/manifest.yaml"};
    return Error{"E_OCI", image_ + ": " + why_failed(order, *end)};
  }

  /// The runtime itself fails with 125; what it did not find then is the image.
  static bool ran(const ProgramEnd& end) { return end.code != 125; }

  /// Killing the runtime's command does not end the container that it started: it is found by what it runs.
  void remove_container() {
    const std::string runtime{jobs::to_text(order_.runtime)};
    auto order = command({runtime, "ps", "--all", "--no-trunc", "--filter", "ancestor=" + image_, "--format",
                          "{{.ID}} {{.Command}}"});
    order.max_output = kMaxContainers;
    order.limit = kCleanUp;
    order.cancellation = nullptr;
    const auto listed = run_program(order);
    if (!listed || !listed->good()) return;
    std::string_view rest = listed->out;
    while (!rest.empty()) {
      const auto line = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(rest.size(), line.size() + 1));
      if (line.find("/flwd-addon/manifest.yaml") == std::string_view::npos) continue;
      order.argv = jobs::remove_line(order_.runtime, std::string(line.substr(0, line.find(' '))));
      (void)run_program(order);
    }
  }

  [[nodiscard]] ProgramOrder command(jobs::CommandLine line) const {
    ProgramOrder order;
    order.argv = std::move(line);
    order.env = base_environment();
    order.limit = order_.limit;
    order.cancellation = order_.cancellation;
    return order;
  }

  static Error missing(const Error& why) { return {"container.runtime.unavailable", why.detail, {}}; }

  const ImageOrder& order_;
  const std::string image_;
};

}  // namespace

Result<AddonImage> read_addon(const ImageOrder& order) {
  return Extraction{order}.run();
}

Result<std::string> image_digest(const ImageOrder& order) {
  return Extraction{order}.digest();
}

Status keep_manifest(const std::string& folder, const std::string& text) {
  std::error_code failed;
  if (fs::is_symlink(folder, failed)) return Error{"internal", folder + " is a link; remove it first", {}};
  fs::create_directories(folder, failed);
  if (failed) return Error{"internal", folder + ": " + failed.message(), {}};
  ::chmod(folder.c_str(), 0700);
  return write_file_atomically(folder + "/manifest.yaml", text, 0600);
}

}  // namespace muster
