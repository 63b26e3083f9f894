// :doctor, whether this machine is fit to run a node, and what to do if not.
#include "app/cli/doctor.hpp"

#include <algorithm>
#include <ostream>

#include "app/cli/catalog.hpp"

namespace muster::cli {
namespace {

using Verdict = Check::Verdict;

std::string_view word(Verdict verdict) {
  switch (verdict) {
    case Verdict::good:
      return "ok";
    case Verdict::warning:
      return "warning";
    case Verdict::bad:
      break;
  }
  return "failed";
}

void print(const Call& call, const std::vector<Check>& checks) {
  size_t width = 0;
  for (const auto& check : checks) width = std::max(width, check.name.size());
  for (const auto& check : checks) {
    const Colour colour = check.verdict == Verdict::good      ? Colour::green
                          : check.verdict == Verdict::warning ? Colour::yellow
                                                              : Colour::red;
    const std::string verdict{word(check.verdict)};
    call.io.out << painted(verdict, colour, call.io.terminal) << std::string(9 - verdict.size(), ' ')
                << check.name << std::string(width - check.name.size() + 2, ' ') << printable(check.found)
                << '\n';
    if (!check.remedy.empty()) call.io.out << std::string(9, ' ') << "-> " << printable(check.remedy) << '\n';
  }
}

Outcome run(Call& call) {
  std::vector<Check> checks = {check_data(call.config),       check_sync(call.config),
                               check_clock(call.io.now()),    check_port(call.config),
                               check_open_files(call.config), check_plans(call.config)};
  if (auto check = check_cluster_clock(call.config)) checks.push_back(std::move(*check));
  for (auto& check : check_permissions(call.config)) checks.push_back(std::move(check));
  const bool failed = std::any_of(checks.begin(), checks.end(),
                                  [](const Check& check) { return check.verdict == Verdict::bad; });
  if (call.json) {
    Json rows = Json::array();
    for (const auto& check : checks)
      rows.push_back({{"name", check.name},
                      {"status", word(check.verdict)},
                      {"found", check.found},
                      {"remedy", check.remedy}});
    print_json(call, {{"ok", !failed}, {"rows", rows}});
  } else {
    print(call, checks);
  }
  return failed ? 4 : 0;
}

}  // namespace

Verb doctor_verb() {
  return {.name = ":doctor",
          .summary = "Check folder, disk, clock, port, limits and keys, and say the remedy",
          .example = "muster :doctor --data /var/lib/muster --bind :8070",
          .run = run,
          .reads = config::Reader::both};
}

}  // namespace muster::cli
