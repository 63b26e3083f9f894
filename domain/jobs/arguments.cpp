// Reading the two forms in which arguments come.
#include "domain/jobs/arguments.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/nearest.hpp"
#include "domain/jobs/argument_values.hpp"
#include "domain/jobs/typed_words.hpp"
#include "domain/names.hpp"
#include "domain/run_limits.hpp"
#include "events/fields.hpp"

namespace muster::jobs {
namespace {

constexpr std::string_view kUnder = "/args";

const Arg* find_arg(const Job& job, std::string_view name) {
  const auto at =
    std::find_if(job.args.begin(), job.args.end(), [&](const Arg& arg) { return arg.name == name; });
  return at == job.args.end() ? nullptr : &*at;
}

std::string names_like(const Job& job, std::string_view name) {
  std::vector<std::string_view> known;
  for (const auto& arg : job.args) known.push_back(arg.name);
  return did_you_mean(name, known);
}

/// The values by argument, and what was wrong with the others.
struct Given {
  std::map<const Arg*, Json> values;
  std::vector<ArgFault> faults;
};

struct Settling {
  Arguments bound;
  std::vector<ArgFault> faults;
};

Settling settle_all(const Job& job, Given given) {
  Settling all;
  all.faults = std::move(given.faults);
  size_t bytes = 2;
  for (const auto& arg : job.args) {
    if (find_arg(job, arg.name) != &arg) continue;  // The first of a name has it.
    const auto at = given.values.find(&arg);
    auto settled =
      settle(arg, at == given.values.end() ? std::nullopt : std::optional(std::move(at->second)));
    if (settled.fault) all.faults.push_back(std::move(*settled.fault));
    if (!settled.value) continue;
    // As they are written down: a short secret is longer there.
    const auto shown = arg.secret ? kSecretShown.size() + 2 : 0;
    bytes += arg.name.size() + std::max(settled.value->dump().size(), shown) + 4;
    if (bytes > runs::kMaxArguments) {
      const auto limit = "with it the arguments exceed " + std::to_string(runs::kMaxArguments) + " bytes";
      all.faults.push_back({&arg, false, limit});
      break;
    }
    all.bound.push_back({&arg, std::move(*settled.value)});
  }
  std::stable_sort(all.faults.begin(), all.faults.end(),
                   [](const auto& a, const auto& b) { return a.arg < b.arg; });
  return all;
}

Error api_error(std::string code, std::vector<FieldError> fields) {
  const auto& first = fields.front();
  const auto name = first.pointer.substr(std::min(first.pointer.size(), kUnder.size() + 1));
  Error error{std::move(code), name.empty() ? first.message : name + ": " + first.message, std::move(fields)};
  if (error.fields.size() > kMaxFieldErrors) error.fields.resize(kMaxFieldErrors);
  return error;
}

std::vector<FieldError> fields_of(const std::vector<ArgFault>& faults, bool malformed) {
  std::vector<FieldError> fields;
  for (const auto& fault : faults)
    if (fault.malformed == malformed)
      fields.push_back({names::pointer_to(kUnder, fault.arg->name), fault.message});
  return fields;
}

/// Why `value` is not of the argument's type; what is whole and written as 5.0 becomes 5.
std::string json_fault(const Arg& arg, Json& value) {
  const auto all_texts = [&] {
    return std::all_of(value.begin(), value.end(), [](const Json& item) { return item.is_string(); });
  };
  if (arg.type == "string") return value.is_string() ? "" : "must be a string";
  if (arg.type == "boolean") return value.is_boolean() ? "" : "must be true or false";
  if (arg.type == "array") return value.is_array() && all_texts() ? "" : "must be an array of strings";
  if (arg.type == "object") return value.is_object() && all_texts() ? "" : "must be an object of strings";
  if (arg.type != "integer") return {};  // Settling says that there is no such type.
  if (!value.is_number()) return "must be a whole number";
  if (value.is_number_unsigned() && value.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX))
    return "is out of range";
  if (!value.is_number_float()) return {};
  constexpr double kLimit = 9007199254740992.0;  // 2^53: a double beyond it may stand for another number.
  const auto number = value.get<double>();
  if (std::trunc(number) != number) return "must be a whole number";
  if (std::fabs(number) > kLimit) return "is out of range";
  value = static_cast<int64_t>(number);
  return {};
}

/// Reads words one after the other into what each argument was given.
class Reading {
public:
  Reading(const Job& job, std::span<const std::string> words, Common& common)
    : job_(job), words_(words), common_(common) {}

  Status all() {
    for (; at_ < words_.size(); at_++) {
      const auto& word = words_[at_];
      Status read = Done{};
      if (only_words_ || word.size() < 2 || word[0] != '-')
        common_.stray.push_back(word);
      else if (word == "--")
        only_words_ = true;
      else
        read = word[1] == '-' ? long_flag(word.substr(2)) : letters(word);
      if (!read) return read;
    }
    return check_common(common_);
  }

  Given take() { return std::move(given_); }
  [[nodiscard]] bool has(const Arg& arg) const { return given_.values.count(&arg) > 0; }

private:
  Status long_flag(const std::string& body) {
    const auto equals = body.find('=');
    const auto name = body.substr(0, equals);
    std::optional<std::string> value;
    if (equals != std::string::npos) value = body.substr(equals + 1);
    const auto* common = find_common(name);
    const auto* arg = common == nullptr ? find_arg(job_, name) : nullptr;
    if (common == nullptr && arg == nullptr)
      return Error{"E_ARGS", "unknown flag: --" + printable_name(name) + names_like(job_, name)};
    const bool wants = common != nullptr ? common->kind == FlagKind::text : arg->type != "boolean";
    if (!value && wants) {
      if (at_ + 1 >= words_.size()) return Error{"E_ARGS", "flag needs an argument: --" + name};
      value = words_[++at_];
    }
    return common != nullptr ? set_common(common_, *common, value) : set(*arg, value);
  }

  Status letters(const std::string& word) {
    for (size_t i = 1; i < word.size(); i++) {
      const auto* flag = find_common(word[i]);
      if (flag == nullptr)
        return Error{"E_ARGS", "unknown shorthand flag: '" + printable_name(word.substr(i, 1)) + "'"};
      std::optional<std::string> value;
      if (i + 1 < word.size() && word[i + 1] == '=') value = word.substr(i + 2);
      if (auto done = set_common(common_, *flag, value); !done) return done;
      if (value) break;
    }
    return Done{};
  }

  Status set(const Arg& arg, const std::optional<std::string>& text) {
    auto& value = given_.values[&arg];
    std::string fault;
    if (arg.type == "boolean") {
      const auto truth = text ? boolean_of(*text) : true;
      if (!truth) fault = "invalid boolean " + shown(arg, *text);
      value = truth.value_or(false);
    } else if (arg.type == "integer") {
      const auto number = integer_of(*text);
      if (!number) fault = "invalid integer " + shown(arg, *text);
      value = number.value_or(0);
    } else if (arg.type == "array") {
      if (value.is_null()) value = Json::array();
      value.push_back(*text);
    } else if (arg.type == "object") {
      if (value.is_null()) value = Json::object();
      if (value.size() >= kMaxJsonKeys) fault = "has more than " + std::to_string(kMaxJsonKeys) + " keys";
      if (fault.empty()) fault = add_pair(arg, *text, value);
    } else {
      value = *text;
    }
    if (!fault.empty() && given_.faults.empty()) given_.faults.push_back({&arg, true, std::move(fault)});
    return Done{};
  }

  /// What somebody typed where a name belongs may be anything.
  static std::string printable_name(std::string name) {
    constexpr size_t kLongest = 64;
    if (!is_utf8(name)) name = "?";
    if (name.size() > kLongest) name = "...";
    return name;
  }

  const Job& job_;
  std::span<const std::string> words_;
  Common& common_;
  Given given_;
  size_t at_ = 0;
  bool only_words_ = false;
};

/// `required flag(s) "a", "b" not set`, or nothing.
std::string missing(const Job& job, const Reading& reading) {
  std::vector<std::string> names;
  bool shadowed = false;
  for (const auto& arg : job.args) {
    if (!arg.required || reading.has(arg) || has_default(arg) || find_arg(job, arg.name) != &arg) continue;
    names.push_back('"' + arg.name + '"');
    shadowed = shadowed || find_common(arg.name) != nullptr;
  }
  if (names.empty()) return {};
  std::sort(names.begin(), names.end());
  std::string listed;
  for (const auto& name : names) listed += (listed.empty() ? "" : ", ") + name;
  return "required flag(s) " + listed + " not set" +
         (shadowed ? "; a common flag shadows it: only the API can set it" : "");
}

}  // namespace

Result<Arguments> bind_json(const Job& job, const Json& args) {
  if (!args.is_null() && !args.is_object())
    return api_error("arguments.invalid", {{std::string(kUnder), "must be an object"}});
  if (job.args.empty() && !args.empty())
    return Error{"arguments.unwanted", "job does not accept arguments", {}};
  Given given;
  std::vector<FieldError> unknown;
  for (const auto& [name, value] : args.items()) {
    const auto* arg = find_arg(job, name);
    if (arg == nullptr && unknown.size() < kMaxFieldErrors)
      unknown.push_back({names::pointer_to(kUnder, name), "unknown argument" + names_like(job, name)});
    if (arg == nullptr || value.is_null()) continue;
    Json copy = value;
    if (auto fault = json_fault(*arg, copy); !fault.empty())
      given.faults.push_back({arg, true, std::move(fault)});
    else
      given.values[arg] = std::move(copy);
  }
  auto settled = settle_all(job, std::move(given));
  auto invalid = fields_of(settled.faults, true);
  invalid.insert(invalid.end(), unknown.begin(), unknown.end());
  if (!invalid.empty()) return api_error("arguments.invalid", std::move(invalid));
  if (auto refused = fields_of(settled.faults, false); !refused.empty())
    return api_error("arguments.refused", std::move(refused));
  return std::move(settled.bound);
}

Result<Arguments> bind_words(const Job& job, std::span<const std::string> words, Common& common) {
  Reading reading(job, words, common);
  if (auto read = reading.all(); !read) return read.error();
  if (common.help) return Arguments{};
  if (auto text = missing(job, reading); !text.empty()) return Error{"E_ARGS", std::move(text)};
  auto settled = settle_all(job, reading.take());
  if (settled.faults.empty()) return std::move(settled.bound);
  const auto& first = settled.faults.front();
  return Error{"E_ARGS", "E_ARGS: arg " + first.arg->name + ": " + first.message};
}

Json argument_errors(const Error& error) {
  Json errors = Json::array();
  for (const auto& field : error.fields) {
    const auto path = nlohmann::json::json_pointer(field.pointer);
    errors.push_back({{"arg", path.empty() ? "" : path.back()}, {"message", field.message}});
  }
  return errors;
}

}  // namespace muster::jobs
