// Bits that rot.
#include "actors/sim/disk.hpp"

#include <string_view>

namespace muster::sim {

bool Disk::rot() {
  constexpr std::string_view kMark = R"("time":"20)";
  auto row = last(log::Column::events, {});
  if (!row) return false;
  const auto at = row->second.rfind(kMark);
  if (at == std::string::npos) return false;
  auto& digit = row->second[at + kMark.size()];
  digit = static_cast<char>(digit ^ 1);  // Another year.
  log::Batch batch;
  batch.put(log::Column::events, row->first, row->second);
  return static_cast<bool>(MemoryDisk::write(batch, true));
}

}  // namespace muster::sim
