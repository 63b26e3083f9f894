// Writing heads.
#include "app/audit_sink.hpp"

#include <fstream>

#include <spdlog/spdlog.h>

namespace muster::app {

void export_head(const std::string& sink, const Record& record) {
  const auto* made = std::get_if<cluster::Checkpointed>(&record.event);
  if (!made || sink.empty()) return;
  std::ofstream out{sink, std::ios::app};
  out << made->at << ':' << made->head << ' ' << to_rfc3339(record.envelope.time) << ' '
      << record.envelope.node << '\n';
  if (!out) spdlog::warn("audit-sink file={} error=cannot write", sink);
}

}  // namespace muster::app
