// Bits that rot, votes that are forgotten, and a disk in place of another.
#include "actors/sim/disk.hpp"

#include <string>
#include <string_view>

#include "consensus/raft_store.hpp"
#include "events/log/rows.hpp"

namespace muster::sim {

void Disk::forget_vote() {
  const auto state = get(log::Column::raft, "state");
  if (!state) return;
  log::Batch batch;
  consensus::put_state(batch, log::number_of(state->substr(0, 8)), 0);
  (void)MemoryDisk::write(batch, true);
}

void Disk::wipe() {
  log::Batch batch;
  for (size_t column = 0; column < log::kColumns; column++)
    batch.erase_range(static_cast<log::Column>(column), "", std::string(64, '\xff'));
  (void)MemoryDisk::write(batch, true);
}

bool Disk::rot() {
  constexpr std::string_view kMark = R"("time":"20)";
  auto row = last(log::Column::events, {});
  if (!row) return false;
  log::RowReader rows;
  std::string text{rows.text(row->first, row->second)};
  const auto at = text.rfind(kMark);
  if (at == std::string::npos) return false;
  auto& digit = text[at + kMark.size()];
  digit = static_cast<char>(digit ^ 1);  // Another year.
  log::Batch batch;
  batch.put(log::Column::events, row->first, text);
  return static_cast<bool>(MemoryDisk::write(batch, true));
}

}  // namespace muster::sim
