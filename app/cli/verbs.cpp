// The catalog of verbs, and what they share.
#include <algorithm>
#include <array>
#include <ostream>

#include "app/cli/catalog.hpp"

namespace muster::cli {

std::span<const Verb> verbs() {
  static const std::array all = {
    serve_verb(),   runner_verb(), status_verb(),  services_verb(), env_verb(),    nodes_verb(),
    plans_verb(),   jobs_verb(),   plan_verb(),    validate_verb(), init_verb(),   sources_verb(),
    runs_verb(),    run_verb(),    leader_verb(),  tail_verb(),     events_verb(), why_verb(),
    audit_verb(),   replay_verb(), claims_verb(),  token_verb(),    secret_verb(), log_verb(),
    cluster_verb(), backup_verb(), restore_verb(), config_verb(),   doctor_verb(), sim_verb(),
    version_verb(),
  };
  return all;
}

const Verb* find_verb(std::string_view name) {
  const auto all = verbs();
  const auto found =
    std::find_if(all.begin(), all.end(), [&](const Verb& verb) { return verb.name == name; });
  return found == all.end() ? nullptr : &*found;
}

std::vector<const config::Setting*> settings_of(const Verb& verb) {
  std::vector<const config::Setting*> own;
  for (const auto& setting : config::settings()) {
    const bool hers = setting.read_by(verb.reads);
    const bool shadowed = std::any_of(verb.flags.begin(), verb.flags.end(),
                                      [&](const Flag& flag) { return flag.name == setting.name; });
    if (hers && !shadowed) own.push_back(&setting);
  }
  return own;
}

std::string Call::text(std::string_view flag) const {
  const auto found = flags.find(flag);
  return found == flags.end() ? std::string{} : found->second;
}

Error usage_error(std::string detail) {
  return {"usage", std::move(detail)};
}

void print_json(const Call& call, const Json& value) {
  call.io.out << value.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
}

}  // namespace muster::cli
