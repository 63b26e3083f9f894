// Every verb there is. A new one adds its line here and in verbs.cpp.
#pragma once

#include "app/cli/verb.hpp"

namespace muster::cli {

Verb serve_verb();
Verb runner_verb();
Verb status_verb();
Verb nodes_verb();
Verb plans_verb();
Verb services_verb();
Verb env_verb();
Verb jobs_verb();
Verb plan_verb();
Verb validate_verb();
Verb init_verb();
Verb sources_verb();
Verb runs_verb();
Verb run_verb();
Verb leader_verb();
Verb tail_verb();
Verb events_verb();
Verb why_verb();
Verb audit_verb();
Verb replay_verb();
Verb claims_verb();
Verb token_verb();
Verb secret_verb();
Verb log_verb();
Verb cluster_verb();
Verb backup_verb();
Verb restore_verb();
Verb config_verb();
Verb doctor_verb();
Verb sim_verb();
Verb version_verb();

}  // namespace muster::cli
