// Looking settings up, and reading one.
#include "app/config/setting.hpp"

#include <algorithm>
#include <cctype>

namespace muster::config {
namespace {

std::string listed(const std::vector<std::string_view>& words) {
  std::string text;
  for (const auto word : words) text += (text.empty() ? "" : ", ") + std::string{word};
  return text;
}

int64_t magnitude(const Value& value) {
  if (const auto* duration = std::get_if<Millis>(&value)) return duration->count();
  return std::get<int64_t>(value);
}

std::string limit_text(Type type, int64_t limit) {
  return type == Type::duration ? to_text(type, Millis{limit}) : to_text(type, limit);
}

}  // namespace

std::string Setting::variable() const {
  std::string text = "MUSTER_";
  for (const char c : name)
    text += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

bool Setting::read_by(Reader who) const {
  if (who == Reader::both) return true;
  if (who == Reader::runner) return runner || reader == Reader::runner;
  return reader == Reader::both || reader == who;
}

std::string_view Setting::takes_effect() const {
  return reader == Reader::client ? "at each call" : "when the node starts";
}

const Setting* find_setting(std::string_view name) {
  std::string wanted{name};
  std::replace(wanted.begin(), wanted.end(), '_', '-');
  for (const auto& setting : settings()) {
    if (setting.name == wanted) return &setting;
    if (std::find(setting.aliases.begin(), setting.aliases.end(), wanted) != setting.aliases.end())
      return &setting;
  }
  return nullptr;
}

Result<Value> read_setting(const Setting& setting, std::string_view text) {
  auto value = parse_value(setting.type, text);
  if (!value) return value;
  const auto& choices = setting.choices;
  if (!choices.empty() && std::find(choices.begin(), choices.end(), text) == choices.end())
    return Error{"config.invalid", "'" + std::string{text} + "' is not one of " + listed(choices)};
  if (setting.max == 0) return value;
  const int64_t n = magnitude(*value);
  if (n < setting.min)
    return Error{"config.invalid",
                 std::string{text} + " is below the least, " + limit_text(setting.type, setting.min)};
  if (n > setting.max)
    return Error{"config.invalid",
                 std::string{text} + " is above the most, " + limit_text(setting.type, setting.max)};
  return value;
}

}  // namespace muster::config
