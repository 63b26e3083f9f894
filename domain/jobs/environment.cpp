// Laying the parts of an environment over each other.
#include "domain/jobs/environment.hpp"

#include <cctype>

#include "domain/jobs/redaction.hpp"
#include "domain/jobs/typed_words.hpp"

namespace muster::jobs {
namespace {

bool letter_or_digit(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0;
}

Status check_env(const Job& job) {
  for (const auto& [name, value] : job.env) {
    if (name.empty() || name.find('=') != std::string::npos || name.find('\0') != std::string::npos)
      return Error{"E_CONFIG", "env: " + shown_word(name) + " cannot name a variable"};
    if (value.find('\0') != std::string::npos)
      return Error{"E_CONFIG", "env: the value of " + shown_word(name) + " has a NUL"};
  }
  return Done{};
}

}  // namespace

std::string variable_of(const std::string& argument) {
  std::string name = "ARG_";
  for (const char c : argument)
    name += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

std::optional<std::string> scalar_text(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "true" : "false";
  if (value.is_number()) return value.dump();
  return std::nullopt;
}

Result<Environment> script_environment(const Job& job, const Arguments& arguments,
                                       const Surroundings& around) {
  if (auto checked = check_env(job); !checked) return checked.error();
  Environment made = job.env;
  if (const auto path = around.host.find("PATH"); path != around.host.end()) made.insert(*path);
  for (const auto& bound : arguments) {
    const auto text = scalar_text(bound.value);
    if (text && !bound.arg->secret) made[variable_of(bound.arg->name)] = *text;
  }
  made["FLWD_ARGS_JSON"] =
    canonical_json(around.inherit ? clear_arguments(arguments) : shown_arguments(arguments));
  if (around.inherit) made.insert(around.host.begin(), around.host.end());
  const auto moved = job.env.find("DATA_DIR");
  for (const auto* name : {"DATA_DIR", "FLOWD_DATA_DIR"})
    made[name] = moved == job.env.end() ? around.data : moved->second;
  for (const auto* name : {"RUN_DIR", "FLOWD_RUN_DIR", "FLWD_RUN_DIR"}) made[name] = around.run;
  return made;
}

std::vector<std::string> script_flags(const Arguments& arguments) {
  std::vector<std::string> flags;
  for (const auto& [arg, value] : arguments) {
    if (arg->secret) continue;
    const auto flag = "--" + arg->name;
    if (value.is_boolean()) {
      if (value.get<bool>()) flags.push_back(flag);
    } else if (const auto text = scalar_text(value)) {
      flags.push_back(flag + "=" + *text);
    }
  }
  return flags;
}

std::string secret_file(const std::string& argument) {
  std::string name = argument;
  for (char& c : name)
    if (!letter_or_digit(c) && c != '.' && c != '-' && c != '_') c = '_';
  if (name.empty() || name[0] == '.') name.insert(0, "_");
  return name;
}

std::string secret_text(const Json& value) {
  return scalar_text(value).value_or(value.is_structured() ? canonical_json(value) : "");
}

}  // namespace muster::jobs
