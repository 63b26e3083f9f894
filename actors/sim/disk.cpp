// Bits that rot.
#include "actors/sim/disk.hpp"

#include <string>
#include <string_view>

#include "events/log/rows.hpp"

namespace muster::sim {

bool Disk::rot() {
  constexpr std::string_view kMark = R"("time":"20)";
  auto row = last(log::Column::events, {});
  if (!row) return false;
  log::RowReader rows;
  std::string text{rows.text(row->second)};
  const auto at = text.rfind(kMark);
  if (at == std::string::npos) return false;
  auto& digit = text[at + kMark.size()];
  digit = static_cast<char>(digit ^ 1);  // Another year.
  log::Batch batch;
  batch.put(log::Column::events, row->first, text);
  return static_cast<bool>(MemoryDisk::write(batch, true));
}

}  // namespace muster::sim
