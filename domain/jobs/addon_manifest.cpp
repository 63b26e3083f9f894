// Reading manifests: every fault of a file at once.
#include "domain/jobs/addon_manifest.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "base/nearest.hpp"
#include "domain/jobs/config_parts.hpp"
#include "domain/jobs/image.hpp"
#include "domain/jobs/words.hpp"
#include "domain/object_reader.hpp"
#include "domain/yaml.hpp"

namespace muster::jobs {
namespace {

using names::pointer_to;

constexpr size_t kMaxSummary = 240, kMinName = 3, kMaxAddonId = 64, kMaxJobId = 128, kMaxListed = 64;
constexpr std::array<std::string_view, 6> kTypes{"string", "integer", "boolean", "array", "object", "number"};
constexpr std::array<std::string_view, 4> kFormats{"path", "file", "directory", "secret"};

bool small_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/// ^[a-z0-9](?:[a-z0-9_.-]{1,62}[a-z0-9])$
bool is_addon_id(std::string_view id) {
  return id.size() >= 3 && id.size() <= kMaxAddonId && small_or_digit(id.front()) &&
         small_or_digit(id.back()) && std::all_of(id.begin(), id.end(), [](char c) {
           return small_or_digit(c) || c == '_' || c == '.' || c == '-';
         });
}

/// ^[a-z][a-z0-9_.:-]{2,}$
bool is_job_id(std::string_view id) {
  return id.size() >= 3 && id.size() <= kMaxJobId && id[0] >= 'a' && id[0] <= 'z' &&
         std::all_of(id.begin(), id.end(), [](char c) {
           return small_or_digit(c) || c == '_' || c == '.' || c == ':' || c == '-';
         });
}

/// A flag's name: it stands behind `--`, before `=`.
bool is_arg_name(std::string_view name) {
  return name.size() <= kMaxJobId && name[0] != '-' && std::all_of(name.begin(), name.end(), [](char c) {
           return small_or_digit(c) || (c >= 'A' && c <= 'Z') || c == '_' || c == '.' || c == '-';
         });
}

size_t characters(std::string_view text) {
  return static_cast<size_t>(std::count_if(
    text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

/// YAML with a decimal point is read as text here: a version must stay what it is.
bool is_decimal(const Json& value) {
  if (value.is_number()) return true;
  if (!value.is_string()) return false;
  std::string_view text = value.get_ref<const std::string&>();
  if (text.starts_with('-')) text.remove_prefix(1);
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const size_t point = text.find('.');
  const auto whole = text.substr(0, point);
  if (whole.empty() || text.size() > kMaxListed || !std::all_of(whole.begin(), whole.end(), is_digit))
    return false;
  const auto fraction = point == std::string_view::npos ? "0" : text.substr(point + 1);
  return !fraction.empty() && std::all_of(fraction.begin(), fraction.end(), is_digit);
}

class Reading {
public:
  explicit Reading(names::Check& check) : check_(check) {}

  Manifest manifest(const Json& document) {
    ObjectReader root = reader(document, "");
    Manifest made;
    exactly(root, "apiVersion", "flwd.addon/v1");
    exactly(root, "kind", "AddOn");
    if (const Json* metadata = root.object("metadata", Need::required))
      read_metadata(reader(*metadata, "/metadata"), made);
    if (const Json* needs = root.object("requires", Need::required))
      read_requires(reader(*needs, "/requires"), made);
    root.any("jobs", Need::required);
    const Json& jobs = root.array("jobs", kMaxAddonJobs);
    if (document.is_object() && document.contains("jobs") && document["jobs"] == Json::array())
      root.complain("jobs", "must have at least one");
    made.jobs = each(jobs, "/jobs", &Reading::job);
    unique(made.jobs, "/jobs", "id", [](const AddonJob& one) { return one.id; });
    root.refuse_unknown();
    return made;
  }

private:
  ObjectReader reader(const Json& value, std::string at) {
    return {value, std::move(at), check_, TextFrom::scalars};
  }

  template <class T>
  std::vector<T> each(const Json& list, const std::string& at, T (Reading::*read)(ObjectReader)) {
    std::vector<T> all;
    for (size_t i = 0; i < list.size(); i++) all.push_back((this->*read)(reader(list[i], pointer_to(at, i))));
    return all;
  }

  template <class T>
  std::vector<T> each(ObjectReader& from, std::string_view key, T (Reading::*read)(ObjectReader),
                      size_t most = kMaxListed) {
    return each(from.array(key, most), pointer_to(from.pointer(), key), read);
  }

  template <class T, class Name>
  void unique(const std::vector<T>& all, const std::string& at, std::string_view key, Name name) {
    std::set<std::string> seen;
    for (size_t i = 0; i < all.size(); i++)
      if (!name(all[i]).empty() && !seen.insert(name(all[i])).second)
        check_.fault(pointer_to(pointer_to(at, i), key), "\"" + shown(name(all[i])) + "\" is there twice");
  }

  std::string text(ObjectReader& from, std::string_view key, Need need = Need::optional) {
    return from.text(key, need).value_or("");
  }

  void exactly(ObjectReader& root, std::string_view key, std::string_view wanted) {
    const auto given = root.text(key, Need::required);
    if (given && *given != wanted) root.complain(key, "must be \"" + std::string(wanted) + '"');
  }

  std::string summary(ObjectReader& from, Need need) {
    auto given = text(from, "summary", need);
    if (characters(given) > kMaxSummary)
      from.complain("summary", "is longer than " + std::to_string(kMaxSummary) + " characters");
    return given;
  }

  void read_metadata(ObjectReader from, Manifest& made) {
    made.name = text(from, "name", Need::required);
    if (!made.name.empty() && characters(made.name) < kMinName)
      from.complain("name", "must have at least " + std::to_string(kMinName) + " characters");
    made.id = text(from, "id", Need::required);
    if (!made.id.empty() && !is_addon_id(made.id))
      from.complain("id", "must be 3 to 64 of a-z, 0-9, '_', '.', '-', with a letter or digit at both ends");
    made.version = text(from, "version", Need::required);
    if (!made.version.empty() && !is_semver(made.version))
      from.complain("version", "must be a semantic version, like 1.2.3");
    made.summary = summary(from, Need::optional);
    made.description = text(from, "description");
    made.homepage = text(from, "homepage");
    made.license = text(from, "license");
    made.maintainers = each(from, "maintainers", &Reading::maintainer);
    from.refuse_unknown();
  }

  Maintainer maintainer(ObjectReader from) {
    Maintainer made{text(from, "name", Need::required), text(from, "email"), text(from, "url")};
    from.refuse_unknown();
    return made;
  }

  void read_requires(ObjectReader from, Manifest& made) {
    made.requires_flwd = from.text_map("flwd");
    made.permissions = from.texts("permissions", kMaxListed);
    made.containers = each(from, "containers", &Reading::container);
    from.refuse_unknown();
  }

  AddonContainer container(ObjectReader from) {
    AddonContainer made{text(from, "image", Need::required), text(from, "platform"),
                        from.flag("verify_signatures")};
    if (!made.image.empty())
      if (const auto image = parse_image(made.image); !image) from.complain("image", image.error().detail);
    from.refuse_unknown();
    return made;
  }

  AddonJob job(ObjectReader from) {
    AddonJob made;
    made.id = text(from, "id", Need::required);
    if (!made.id.empty() && !is_job_id(made.id))
      from.complain("id", "must be 3 to 128 of a-z, 0-9, '_', '.', ':', '-', and begin with a letter");
    made.name = read_name(from, "name", Need::required);
    made.summary = summary(from, Need::required);
    made.description = text(from, "description");
    made.extends = from.texts("extends", kMaxListed);
    if (const Json* spec = from.object("argspec", Need::required)) {
      ObjectReader inner = reader(*spec, pointer_to(from.pointer(), "argspec"));
      made.args = each(inner, "args", &Reading::arg, kMaxAddonArgs);
      unique(made.args, pointer_to(inner.pointer(), "args"), "name", [](const Arg& one) { return one.name; });
      inner.refuse_unknown();
    }
    if (const Json* needs = from.object("requirements")) {
      ObjectReader inner = reader(*needs, pointer_to(from.pointer(), "requirements"));
      made.tools = each(inner, "tools", &Reading::tool);
      inner.refuse_unknown();
    }
    from.refuse_unknown();
    return made;
  }

  Tool tool(ObjectReader from) {
    Tool made{text(from, "name", Need::required), text(from, "version")};
    from.refuse_unknown();
    return made;
  }

  Arg arg(ObjectReader from) {
    Arg made;
    made.name = text(from, "name", Need::required);
    if (!made.name.empty() && !is_arg_name(made.name))
      from.complain("name", "must be letters, digits, '_', '.', '-', and not begin with a dash");
    made.type = from.text("type").value_or("string");
    one_of(from, "type", made.type, kTypes);
    made.format = text(from, "format");
    if (!made.format.empty()) one_of(from, "format", made.format, kFormats);
    made.secret = from.flag("secret").value_or(false) || made.format == "secret";
    made.required = from.flag("required").value_or(false);
    if (const Json* otherwise = from.any("default")) made.otherwise = *otherwise;
    made.description = text(from, "description");
    made.choices = from.texts("enum");
    made.items_type = text(from, "items_type");
    made.item_choices = from.texts("items_enum");
    made.value_type = text(from, "value_type");
    std::ignore = from.text("title");
    std::ignore = from.flag("deprecated");
    for (const auto* key : {"minLength", "maxLength", "minItems", "maxItems"})
      std::ignore = from.integer(key, 0, INT32_MAX);
    for (const auto* key : {"minimum", "maximum", "multipleOf"})
      if (const Json* value = from.any(key); value && !is_decimal(*value))
        from.complain(key, "must be a number");
    from.refuse_unknown();
    return made;
  }

  template <size_t N>
  static void one_of(ObjectReader& from, std::string_view key, std::string_view value,
                     const std::array<std::string_view, N>& known) {
    if (std::find(known.begin(), known.end(), value) != known.end()) return;
    std::string all;
    for (const auto& word : known) (all += all.empty() ? "" : ", ") += word;
    from.complain(key, "must be one of " + all + did_you_mean(value, known));
  }

  names::Check& check_;
};

/// `/jobs/0/id` as `jobs[0].id`: what a person would call the field.
std::string field(std::string_view pointer) {
  std::string made;
  for (size_t from = 1; from <= pointer.size();) {
    const size_t end = std::min(pointer.find('/', from), pointer.size());
    const auto part = pointer.substr(from, end - from);
    const bool index = !part.empty() && part.find_first_not_of("0123456789") == std::string_view::npos;
    if (index)
      made += '[' + std::string(part) + ']';
    else
      made += (made.empty() ? "" : ".") + std::string(part);
    from = end + 1;
  }
  return made.empty() ? "manifest" : made;
}

}  // namespace

Result<Manifest> parse_manifest(std::string_view yaml) {
  yaml::Limits limits;
  limits.bytes = kMaxManifest;
  limits.nodes = 50'000;
  const auto document = yaml::parse(yaml, limits);
  if (!document)
    return Error{"E_ADDON_MANIFEST", "manifest: " + document.error().detail, document.error().fields};
  names::Check check;
  auto manifest = Reading(check).manifest(document->value);
  if (check.faults().empty()) return manifest;
  std::string all;
  for (const auto& fault : check.faults())
    all += (all.empty() ? "" : "; ") + field(fault.pointer) + ": " + fault.message;
  return Error{"E_ADDON_MANIFEST", all, check.faults()};
}

}  // namespace muster::jobs
