// What a replica keeps in the raft column, and how it is read back.
//
// | key | value |
// |---|---|
// | `e` and the index, 8 bytes | an entry: term (8), type (1; 0x80 in it: packed), body |
// | `snapshot` | the last snapshot: index, term and configuration index (8 each), head, members |
// | `state` | term and vote (8 each), written together |
// | `wanted` | a snapshot that a leader sent and whose lines are not all here; same shape as `snapshot` |
// | `wanted-since` | the last line that this member made itself before it was sent that snapshot (8) |
// | `probe` | whether the disk takes writes again |
//
// A head is index and seq (8 each) and the hash (32 bytes); members are their count, and for each id, role
// and address. Numbers are big endian. How bodies are packed: events/log/pack.hpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "consensus/bytes.hpp"
#include "consensus/replica.hpp"

namespace muster::consensus {

struct StoredEntry {
  uint64_t term = 0;
  uint8_t type = 0;  ///< libraft's: 1 command, 2 barrier, 3 configuration.
  std::string body;
};

struct StoredSnapshot {
  uint64_t index = 0, term = 0, configuration_index = 0;
  Head head;
  Members members;
};

struct Stored {
  uint64_t term = 0;
  MemberId vote = 0;
  std::optional<StoredSnapshot> snapshot, wanted;
  std::optional<uint64_t> wanted_since;
  uint64_t first_index = 1;  ///< Of entries.
  std::vector<StoredEntry> entries;
};

/// Error: `log.corrupt` with what does not read.
Result<Stored> load_stored(const log::Disk& disk);
std::optional<StoredSnapshot> load_snapshot(const log::Disk& disk);
/// Nothing when it is not there, or does not read.
std::optional<StoredEntry> load_entry(const log::Disk& disk, uint64_t index);

void put_entry(log::Batch& to, uint64_t index, uint64_t term, uint8_t type, std::string_view body);
/// From <= index; `below` is the first that stays.
void erase_entries(log::Batch& to, uint64_t from, uint64_t below);
void put_state(log::Batch& to, uint64_t term, MemberId vote);
void put_snapshot(log::Batch& to, const StoredSnapshot& snapshot);
void put_wanted(log::Batch& to, const StoredSnapshot& snapshot, uint64_t since);
void erase_wanted(log::Batch& to);
void put_probe(log::Batch& to);

void write_head(Writer& to, const Head& head);
Head read_head(Reader& from);
void write_members(Writer& to, const Members& members);
/// Empty when they are not a possible configuration: ids and addresses are set and differ, roles exist.
Members read_members(Reader& from);

}  // namespace muster::consensus
