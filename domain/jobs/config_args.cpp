// Arguments as a config.yaml describes them, in the newer form and the older one.
#include <algorithm>
#include <set>

#include "domain/jobs/config_parts.hpp"
#include "domain/jobs/job_config.hpp"

namespace muster::jobs {
namespace {

using names::pointer_to;

/// Names become flags, variables of shells and files: letters, digits, `_`, `-` and `.` can be all of them.
std::string name_fault(std::string_view name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  if (name.size() > names::kMaxId) return "is longer than " + std::to_string(names::kMaxId) + " bytes";
  const bool fits = plain(name.front()) && std::all_of(name.begin(), name.end(), [&](char c) {
                      return plain(c) || c == '-' || c == '.';
                    });
  return fits ? "" : "must be letters, digits, '_', '-' and '.', and begin with neither of the last two";
}

Arg read_arg(ObjectReader from) {
  Arg arg;
  arg.name = from.text("name", Need::required).value_or("");
  if (!arg.name.empty())
    if (auto fault = name_fault(arg.name); !fault.empty()) from.complain("name", fault);
  arg.type = from.text("type").value_or("string");
  arg.format = from.text("format").value_or("");
  arg.secret = from.flag("secret").value_or(false) || arg.format == "secret";
  arg.required = from.flag("required").value_or(false);
  if (const Json* value = from.any("default")) arg.otherwise = *value;
  arg.description = from.text("description", Need::optional, kMaxSummary).value_or("");
  arg.choices = from.texts("enum");
  arg.items_type = from.text("items_type").value_or("");
  arg.item_choices = from.texts("items_enum");
  arg.value_type = from.text("value_type").value_or("");
  return arg;
}

/// `bool` and `int` were names of types once.
std::string newer_type(std::string type) {
  if (type == "bool") return "boolean";
  if (type == "int") return "integer";
  return type;
}

Arg read_older_arg(const std::string& name, const Json& value, std::string pointer, names::Check& check) {
  Arg arg;
  arg.name = name;
  if (auto fault = name.empty() ? std::string{"has no name"} : name_fault(name); !fault.empty())
    check.fault(pointer, "the name " + fault);
  if (value.is_null()) return arg;  // `name:` alone: a string, not required.
  ObjectReader from = reader_of(value, std::move(pointer), check);
  arg.type = newer_type(from.text("type").value_or("string"));
  arg.required = from.flag("required").value_or(false);
  if (const Json* otherwise = from.any("default")) arg.otherwise = *otherwise;
  arg.description = from.text("description", Need::optional, kMaxSummary).value_or("");
  arg.choices = from.texts("choices");
  return arg;
}

std::vector<Arg> read_older(ObjectReader& root, const yaml::Document& document, names::Check& check) {
  std::vector<Arg> args;
  const Json* map = root.object("arguments");
  if (!map) return args;
  if (map->size() > kMaxArgs) {
    root.complain("arguments", "has more than " + std::to_string(kMaxArgs) + " entries");
    return args;
  }
  struct Entry {
    yaml::Document::Place place;
    std::string name;
    const Json* value;
  };
  std::vector<Entry> entries;
  const auto at = pointer_to(root.pointer(), "arguments");
  for (const auto& [name, value] : map->items()) {
    const auto place = document.places.find(pointer_to(at, name));
    entries.push_back(
      {place == document.places.end() ? yaml::Document::Place{} : place->second, name, &value});
  }
  std::stable_sort(entries.begin(), entries.end(),
                   [](const Entry& a, const Entry& b) { return a.place < b.place; });
  for (const auto& entry : entries)
    args.push_back(read_older_arg(entry.name, *entry.value, pointer_to(at, entry.name), check));
  return args;
}

}  // namespace

std::vector<Arg> read_args(ObjectReader& root, const yaml::Document& document, names::Check& check) {
  std::vector<Arg> args;
  if (const Json* spec = root.object("argspec")) {
    ObjectReader from = reader_of(*spec, pointer_to(root.pointer(), "argspec"), check);
    const Json& listed = from.array("args", kMaxArgs);
    const auto at = pointer_to(from.pointer(), "args");
    std::set<std::string> known;
    for (size_t i = 0; i < listed.size(); i++) {
      args.push_back(read_arg(reader_of(listed[i], pointer_to(at, i), check)));
      const auto& name = args.back().name;
      if (!name.empty() && !known.insert(name).second)
        check.fault(pointer_to(pointer_to(at, i), "name"), "there are two arguments \"" + name + '"');
    }
  }
  return args.empty() ? read_older(root, document, check) : args;
}

}  // namespace muster::jobs
