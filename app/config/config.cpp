// Precedence, origins and checked access.
#include "app/config/config.hpp"

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "app/config/yaml_file.hpp"
#include "base/nearest.hpp"
#include "domain/jobs/policy.hpp"

namespace muster::config {
namespace {

std::vector<std::string_view> known_names() {
  std::vector<std::string_view> names;
  for (const auto& setting : settings()) names.push_back(setting.name);
  return names;
}

struct Variable {
  std::string name;
  std::string text;
  bool of_seed;
};

std::optional<Variable> from_environment(const Setting& setting, const Environment& environment) {
  if (auto text = environment(setting.variable()); text && !text->empty())
    return Variable{setting.variable(), *std::move(text), false};
  for (const auto variable : setting.variables) {
    const auto name = variable.substr(0, variable.find('/'));
    if (auto text = environment(name); text && !text->empty())
      return Variable{std::string{name}, *text += variable.substr(name.size()), true};
  }
  return std::nullopt;
}

/// The file to read, and whether somebody asked for it by name.
std::pair<std::string, bool> locate(const std::string& path, const Environment& environment) {
  if (!path.empty()) return {path, true};
  if (const auto named = environment("MUSTER_CONFIG"); named && !named->empty()) return {*named, true};
  for (const char* usual : {"./muster.yaml", "/etc/muster/muster.yaml"}) {
    std::error_code ignored;
    if (std::filesystem::exists(usual, ignored)) return {usual, true};
  }
  return {"", false};
}

Error all_of(std::vector<FieldError> bad) {
  Error error{"config.invalid", bad.front().message, std::move(bad)};
  if (error.fields.size() > 1) error.detail += " (and " + std::to_string(error.fields.size() - 1) + " more)";
  return error;
}

}  // namespace

std::string to_text(const Origin& origin) {
  return origin.source == Source::fallback ? "default" : origin.where;
}

Environment process_environment() {
  return [](std::string_view name) -> std::optional<std::string> {
    const char* value = std::getenv(std::string{name}.c_str());
    if (value == nullptr) return std::nullopt;
    return std::string{value};
  };
}

const Config::Entry& Config::entry(std::string_view name) const {
  const auto found = entries_.find(name);
  assert(found != entries_.end());
  return found->second;
}

const std::string& Config::text(std::string_view name) const {
  return std::get<std::string>(entry(name).value);
}

bool Config::flag(std::string_view name) const {
  return std::get<bool>(entry(name).value);
}

int64_t Config::number(std::string_view name) const {
  return std::get<int64_t>(entry(name).value);
}

Millis Config::duration(std::string_view name) const {
  return std::get<Millis>(entry(name).value);
}

const Origin& Config::origin(std::string_view name) const {
  return entry(name).origin;
}

std::string Config::shown(const Setting& setting) const {
  auto text = to_text(setting.type, entry(setting.name).value);
  if (setting.secret && !text.empty()) return "[secret]";
  return text;
}

Result<Config> combine(const std::string& file, const std::vector<Given>& in_file,
                       const Environment& environment, const std::vector<Given>& flags) {
  Config config;
  config.file_ = file;
  std::vector<FieldError> bad;
  const auto take = [&](const Setting& setting, const std::string& text, Origin origin) {
    auto value = read_setting(setting, text);
    if (value)
      config.entries_[std::string{setting.name}] = {*std::move(value), std::move(origin)};
    else
      bad.push_back({"/" + std::string{setting.name}, to_text(origin) + ": " + value.error().detail});
  };
  const auto take_given = [&](const std::vector<Given>& all, Source source) {
    for (const auto& given : all) {
      if (const auto* setting = find_setting(given.name))
        take(*setting, given.text, {source, given.where});
      else
        bad.push_back({"/" + given.name, given.where + ": there is no setting '" + given.name + "'" +
                                           did_you_mean(given.name, known_names())});
    }
  };

  for (const auto& setting : settings()) take(setting, std::string{setting.fallback}, {});
  take_given(in_file, Source::file);
  for (const auto& setting : settings()) {
    auto variable = from_environment(setting, environment);
    if (!variable) continue;
    // The seeds' programs read any other word as false; ours says that it does so.
    if (variable->of_seed && setting.type == Type::boolean && !parse_bool(variable->text)) {
      config.warnings_.push_back(variable->name + ": '" + variable->text +
                                 "' is not a truth value and counts as false");
      variable->text = "false";
    }
    take(setting, variable->text, {Source::environment, variable->name});
  }
  auto meant = flags;
  for (auto& given : meant)  // The jobs contract's --profile, beside the environment's file of that name.
    if (given.name == "profile" && jobs::parse_profile(given.text)) given.name = "security-profile";
  take_given(meant, Source::flag);
  if (!bad.empty()) return all_of(std::move(bad));
  return config;
}

Result<Config> load(const std::string& path, const Environment& environment,
                    const std::vector<Given>& flags) {
  const auto [file, exists] = locate(path, environment);
  if (!exists) return combine("", {}, environment, flags);
  const auto in_file = read_yaml_file(file);
  if (!in_file) return in_file.error();
  return combine(file, *in_file, environment, flags);
}

Result<std::string> api_key(const Config& config) {
  if (const auto& key = config.text("api-key"); !key.empty()) return key;
  const auto& path = config.text("api-key-file");
  if (path.empty()) return std::string{};
  std::ifstream in{path, std::ios::binary};
  if (!in) return Error{"config.invalid", "api-key-file: " + path + " cannot be read"};
  std::string key{std::istreambuf_iterator<char>{in}, {}};
  while (!key.empty() && (key.back() == '\n' || key.back() == '\r')) key.pop_back();
  if (key.empty()) return Error{"config.invalid", "api-key-file: " + path + " is empty"};
  return key;
}

}  // namespace muster::config
