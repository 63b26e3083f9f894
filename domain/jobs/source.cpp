// Reading what POST /sources asks for: form first, then whether it may be.
#include "domain/jobs/source.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/nearest.hpp"
#include "domain/jobs/words.hpp"
#include "domain/object_reader.hpp"

namespace muster::jobs {
namespace {

constexpr std::array<std::string_view, 3> kTypes{"local", "git", "oci"};
constexpr std::array<std::string_view, 3> kPulls{"on-add", "on-run", "never"};
constexpr std::array<std::string_view, 3> kExposed{"none", "read", "readwrite"};

/// What follows the last slash; slashes at the end do not count.
std::string base_name(std::string_view path) {
  while (path.ends_with('/')) path.remove_suffix(1);
  return std::string(path.substr(path.find_last_of('/') + 1));
}

std::string name_fault(std::string_view name) {
  if (auto fault = names::id_fault(name); !fault.empty()) return fault;
  if (name.size() > kMaxSourceName) return "is longer than " + std::to_string(kMaxSourceName) + " bytes";
  if (name.find_first_of("\\:") != std::string_view::npos) return "must not contain '/', '\\' or ':'";
  if (name[0] == '.' || name[0] == '-') return "must not begin with a dot or a dash";
  return {};
}

std::string default_name(const Source& source) {
  if (source.type == SourceType::git) {
    auto url = source.url;
    if (url.ends_with(".git")) url.resize(url.size() - 4);
    auto name = base_name(url);
    return name.substr(name.find_last_of(':') + 1);
  }
  if (source.type == SourceType::oci) {
    const auto image = parse_image(source.ref);
    return image ? base_name(image->repository) : "";
  }
  auto name = base_name(source.ref);
  std::replace(name.begin(), name.end(), ' ', '-');
  return name;
}

class Reading {
public:
  explicit Reading(const Json& body) : from_(body, "", check_) {}

  Result<Source> source() {
    made_.type = one_of("type", kTypes, Need::required, SourceType::local);
    made_.name = from_.text("name").value_or("");
    made_.ref = from_.text("ref").value_or("");
    made_.url = from_.text("url", Need::optional, names::kMaxUrl).value_or("");
    made_.trusted = from_.flag("trusted").value_or(false);
    made_.expose = one_of("expose", kExposed, Need::optional, Expose::read);
    made_.verify_signatures = from_.flag("verify_signatures").value_or(false);
    if (const Json* trust = from_.object("trust")) read_trust(*trust);
    pull();
    from_.refuse_unknown();
    if (check_.faults().empty()) form();
    if (check_.faults().empty()) name();
    if (auto done = check_.done(); !done) return done.error();
    return allowed();
  }

private:
  template <class T, size_t N>
  T one_of(std::string_view key, const std::array<std::string_view, N>& known, Need need, T otherwise) {
    const auto text = from_.text(key, need);
    if (!text) return otherwise;
    const auto* found = std::find(known.begin(), known.end(), *text);
    if (found != known.end()) return static_cast<T>(found - known.begin());
    from_.complain(key, "must be one of " + std::string(known[0]) + ", " + std::string(known[1]) + ", " +
                          std::string(known[2]) + did_you_mean(*text, known));
    return otherwise;
  }

  void read_trust(const Json& trust) {
    if (trust.dump(-1, ' ', false, Json::error_handler_t::replace).size() > names::kMaxObject)
      from_.complain("trust", "is longer than " + std::to_string(names::kMaxObject) + " bytes");
    else
      made_.trust = trust;
  }

  void pull() {
    const auto text = from_.text("pull_policy");
    if (!text || text->empty()) return;
    if (const auto pull = parse_pull(*text))
      made_.pull = *pull;
    else
      from_.complain("pull_policy", "must be on-add, on-run or never" + did_you_mean(*text, kPulls));
  }

  void form() {
    if (made_.type == SourceType::oci) return image();
    if (made_.ref.empty()) return from_.complain("ref", "is required");
    if (made_.type == SourceType::local) return;
    if (made_.url.empty()) from_.complain("url", "is required");
    if (auto fault = ref_fault(made_.ref); !fault.empty()) from_.complain("ref", fault);
  }

  void image() {
    if (made_.ref.empty()) made_.ref = std::exchange(made_.url, "");
    if (made_.ref.empty()) return from_.complain("ref", "is required");
    if (made_.ref.find("://") != std::string::npos)
      return from_.complain("ref", "must be registry/name:tag, without a scheme");
    if (const auto image = parse_image(made_.ref); !image) from_.complain("ref", image.error().detail);
  }

  void name() {
    const bool given = !made_.name.empty();
    if (!given) made_.name = default_name(made_);
    if (made_.name.empty()) return from_.complain("name", "is required: none can be made of the ref");
    if (auto fault = name_fault(made_.name); !fault.empty())
      from_.complain("name", given ? fault : "must be given: \"" + shown(made_.name) + "\" " + fault);
  }

  Result<Source> allowed() {
    if (made_.type == SourceType::oci && !made_.trusted)
      return Error{"source.trust.required",
                   "the image " + made_.ref + " brings jobs that run here: say trusted, if it is"};
    if (made_.type == SourceType::git)
      if (const auto url = parse_git_url(made_.url); !url) return url.error();
    return std::move(made_);
  }

  names::Check check_;
  ObjectReader from_;
  Source made_;
};

}  // namespace

std::string_view to_text(SourceType type) {
  return kTypes.at(static_cast<size_t>(type));
}

std::string_view to_text(Pull pull) {
  return kPulls.at(static_cast<size_t>(pull));
}

std::string_view to_text(Expose expose) {
  return kExposed.at(static_cast<size_t>(expose));
}

std::optional<Pull> parse_pull(std::string_view text) {
  if (text == "on-add" || text == "always") return Pull::on_add;
  if (text == "on-run" || text == "ifNotPresent" || text == "if-not-present" || text == "if_not_present")
    return Pull::on_run;
  if (text == "never") return Pull::never;
  return std::nullopt;
}

Result<Source> read_source(const Json& body) {
  return Reading(body).source();
}

Json to_json(const Source& source) {
  Json made{{"name", source.name}, {"type", to_text(source.type)}, {"ref", source.ref}};
  if (!source.url.empty()) made["url"] = source.url;
  if (!source.trust.empty()) made["trust"] = source.trust;
  if (source.type == SourceType::oci) made["pull_policy"] = to_text(source.pull);
  if (source.verify_signatures) made["verify_signatures"] = true;
  made["expose"] = to_text(source.expose);
  return made;
}

std::optional<std::string> named_folder(const Source& source) {
  if (source.type == SourceType::local) return source.ref;
  if (source.type == SourceType::oci) return std::nullopt;
  const auto url = parse_git_url(source.url);
  if (!url || url->scheme != "file") return std::nullopt;
  return url->path;
}

std::vector<std::string> candidates(const std::string& folder, const std::vector<std::string>& roots) {
  if (folder.starts_with('/')) return {folder};
  std::vector<std::string> all;
  all.reserve(roots.size());
  for (const auto& root : roots) {
    auto& path = all.emplace_back(root);
    path.append(root.ends_with('/') ? "" : "/").append(folder);
  }
  return all;
}

Status allow_folder(const std::string& folder, const std::vector<std::string>& roots) {
  if (is_absolute_path(folder))
    for (auto root : roots) {
      if (!is_absolute_path(root)) continue;
      while (root.ends_with('/')) root.pop_back();
      if (folder == root || folder.starts_with(root + '/')) return Done{};
    }
  return Error{
    "source.not.allowed",
    "the folder " + shown(folder) + " is not in the scripts root or a folder that --allow-local-root names"};
}

}  // namespace muster::jobs
