// Checking values and reading defaults.
#include "domain/jobs/argument_values.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "domain/jobs/typed_words.hpp"

namespace muster::jobs {
namespace {

constexpr std::string_view kBlank = " \t\r\n\v\f";

std::string_view trimmed(std::string_view text) {
  const auto from = text.find_first_not_of(kBlank);
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(kBlank) - from + 1);
}

bool known_type(const std::string& type) {
  return type == "string" || type == "boolean" || type == "integer" || type == "array" || type == "object";
}

/// A name that can be a flag, the middle of a variable's name, and a file's.
bool usable_name(std::string_view name) {
  return !name.empty() && name[0] != '-' && is_utf8(name) &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return static_cast<unsigned char>(c) > ' ' && c != '=' && c != 0x7f; });
}

/// Variables end at a NUL, and JSON is UTF-8: what has the one or is not the other could not be handed on.
std::string text_fault(const std::string& text) {
  if (text.find('\0') != std::string::npos) return "must not contain NUL";
  if (!is_utf8(text)) return "is not UTF-8";
  return {};
}

std::string texts_fault(const Json& value) {
  if (value.is_string()) return text_fault(value.get_ref<const std::string&>());
  if (value.is_array())
    for (const auto& item : value)
      if (auto fault = text_fault(item.get_ref<const std::string&>()); !fault.empty()) return fault;
  if (value.is_object())
    for (const auto& [key, item] : value.items()) {
      if (auto fault = text_fault(key); !fault.empty()) return fault;
      if (trimmed(key).empty()) return "empty key";
      if (auto fault = text_fault(item.get_ref<const std::string&>()); !fault.empty()) return fault;
    }
  return {};
}

std::optional<int64_t> truncated(double number) {
  constexpr double kLimit = 9.2e18;
  if (!(std::fabs(number) < kLimit)) return std::nullopt;
  return static_cast<int64_t>(number);
}

std::optional<Json> integer_default(const Json& given) {
  std::optional<int64_t> number;
  if (given.is_number_float()) {
    number = truncated(given.get<double>());
  } else if (given.is_number()) {
    number = given.get<int64_t>();
  } else if (given.is_string()) {  // YAML keeps 1.9 and 0x1f as they were written.
    const auto& text = given.get_ref<const std::string&>();
    number = integer_of(text);
    double real = 0;
    const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), real);
    if (!number && wrong == std::errc{} && end == text.data() + text.size()) number = truncated(real);
  }
  return number ? std::optional<Json>(*number) : std::nullopt;
}

Json array_default(const Json& given) {
  Json items = Json::array();
  if (given.is_array()) {
    for (const auto& item : given)
      if (item.is_primitive()) items.push_back(item.is_string() ? item : Json(item.dump()));
    return items;
  }
  if (!given.is_string()) return items;
  std::string_view rest = given.get_ref<const std::string&>();
  while (!rest.empty()) {
    const auto comma = std::min(rest.find(','), rest.size());
    if (const auto item = trimmed(rest.substr(0, comma)); !item.empty()) items.push_back(std::string(item));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return items;
}

std::optional<Json> default_of(const Arg& arg) {
  if (!arg.otherwise || arg.otherwise->is_null()) return std::nullopt;
  const auto& given = *arg.otherwise;
  if (arg.type == "string") return given.is_string() ? given : Json("");
  if (arg.type == "integer") return integer_default(given);
  if (arg.type == "array") return array_default(given);
  if (arg.type != "boolean") return std::nullopt;  // That of an object is ignored.
  if (given.is_boolean()) return given;
  const auto truth = given.is_string() ? boolean_of(given.get_ref<const std::string&>()) : std::nullopt;
  return truth ? std::optional<Json>(*truth) : std::nullopt;
}

bool has(const std::vector<std::string>& all, const std::string& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

bool is_empty(const Json& value) {
  if (value.is_string()) return value.get_ref<const std::string&>().empty();
  return (value.is_array() || value.is_object()) && value.empty();
}

/// Whatever value there is, such an argument cannot be.
std::optional<ArgFault> declared_fault(const Arg& arg) {
  if (!usable_name(arg.name)) return ArgFault{&arg, true, "the name cannot be a flag"};
  if (!known_type(arg.type)) return ArgFault{&arg, true, "unsupported type " + shown_word(arg.type)};
  if (arg.secret && arg.otherwise && !arg.otherwise->is_null())
    return ArgFault{&arg, false, "default forbidden for secret"};
  if (arg.type == "array" && !arg.items_type.empty() && arg.items_type != "string")
    return ArgFault{&arg, false, "items_type not supported in Phase 1"};
  if (arg.type == "object" && !arg.value_type.empty() && arg.value_type != "string")
    return ArgFault{&arg, false, "value_type not supported in Phase 1"};
  return std::nullopt;
}

std::string choice_fault(const Arg& arg, const Json& value) {
  if (value.is_string() && !arg.choices.empty()) {
    const auto& text = value.get_ref<const std::string&>();
    if (!text.empty() && !has(arg.choices, text)) return "value " + shown(arg, text) + " not in enum";
  }
  if (value.is_array() && !arg.item_choices.empty())
    for (const auto& item : value)
      if (const auto& text = item.get_ref<const std::string&>(); !has(arg.item_choices, text))
        return "item " + shown(arg, text) + " not in items_enum";
  return {};
}

}  // namespace

std::string shown(const Arg& arg, std::string_view text) {
  return shown_word(arg.secret ? kSecretShown : text);
}

bool has_default(const Arg& arg) {
  return default_of(arg).has_value();
}

Settled settle(const Arg& arg, std::optional<Json> given) {
  if (auto fault = declared_fault(arg)) return {std::nullopt, std::move(fault)};
  auto value = given ? std::move(given) : default_of(arg);
  if (!value || is_empty(*value)) {
    if (arg.required) return {std::nullopt, ArgFault{&arg, false, "required"}};
    return {std::move(value), std::nullopt};
  }
  auto message = texts_fault(*value);
  if (message.empty()) message = choice_fault(arg, *value);
  if (!message.empty()) return {std::nullopt, ArgFault{&arg, false, std::move(message)}};
  return {std::move(value), std::nullopt};
}

std::string add_pair(const Arg& arg, std::string_view pair, Json& object) {
  const auto equals = pair.find('=');
  if (equals == std::string_view::npos) return "invalid pair " + shown(arg, pair) + ", expected k=v";
  const auto key = trimmed(pair.substr(0, equals));
  if (key.empty()) return "empty key";
  object[std::string(key)] = std::string(pair.substr(equals + 1));
  return {};
}

}  // namespace muster::jobs
