// Following the log for secrets that are gone.
#include "app/secret_sweep.hpp"

#include <set>

#include <spdlog/spdlog.h>

#include "adapters/sealed_secrets.hpp"

namespace muster::app {

SecretSweep::SecretSweep(System& system) : system_(system), found_(sealed_secrets(system.disk())) {}

void SecretSweep::erase(std::vector<std::string> secrets) {
  if (secrets.empty()) return;
  system_.read_slowly([&system = system_, secrets = std::move(secrets)] {
    if (const auto status = erase_secrets(system.disk(), secrets); !status)
      spdlog::warn("secrets error={}", status.error().detail);
  });
}

void SecretSweep::on_records(const std::vector<Record>& records) {
  std::vector<std::string> gone;
  for (const auto& record : records) {
    if (const auto* removed = std::get_if<secrets::Removed>(&record.event)) gone.push_back(removed->secret);
    const auto* started = std::get_if<cluster::MemberStarted>(&record.event);
    if (!started || started->member != system_.options().node) continue;
    // Everything that was committed before this start is in the views by now.
    std::set<std::string, std::less<>> known;
    view<secrets::View>(*system_.views()).secrets.each([&](const std::string&, const auto& row) {
      known.insert(row.secret);
    });
    const auto before = gone.size();
    for (auto& secret : std::exchange(found_, {}))
      if (!known.contains(secret)) gone.push_back(std::move(secret));
    if (gone.size() > before) spdlog::info("secrets orphaned={}", gone.size() - before);
  }
  erase(std::move(gone));
}

}  // namespace muster::app
