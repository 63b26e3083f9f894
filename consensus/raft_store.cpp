// What a replica keeps in the raft column.
#include "consensus/raft_store.hpp"

#include <algorithm>

#include "events/log/pack.hpp"

namespace muster::consensus {
namespace {

using log::Column;

constexpr std::string_view kSnapshot = "snapshot", kState = "state", kWanted = "wanted",
                           kSince = "wanted-since", kProbe = "probe";
constexpr char kEntry = 'e';
constexpr uint8_t kPacked = 0x80;  // In an entry's type.

std::string entry_key(uint64_t index) {
  return kEntry + log::number_key(index);
}

std::string snapshot_bytes(const StoredSnapshot& snapshot) {
  std::string bytes;
  Writer to{bytes};
  to.u64(snapshot.index).u64(snapshot.term).u64(snapshot.configuration_index);
  write_head(to, snapshot.head);
  write_members(to, snapshot.members);
  return bytes;
}

std::optional<StoredSnapshot> read_snapshot(std::string_view bytes) {
  Reader from{bytes};
  StoredSnapshot snapshot;
  snapshot.index = from.u64();
  snapshot.term = from.u64();
  snapshot.configuration_index = from.u64();
  snapshot.head = read_head(from);
  snapshot.members = read_members(from);
  if (!from.finished() || snapshot.members.empty()) return std::nullopt;
  return snapshot;
}

Error corrupt(std::string_view what) {
  return {"log.corrupt", "the raft column's " + std::string{what} + " does not read"};
}

std::optional<StoredEntry> read_entry(std::string_view value) {
  Reader from{value};
  StoredEntry entry{from.u64(), from.u8(), {}};
  const auto bytes = from.fixed(from.left());
  if (!from.ok()) return std::nullopt;
  const bool packed = (entry.type & kPacked) != 0;
  entry.type &= static_cast<uint8_t>(~kPacked);
  if (!packed) entry.body = bytes;
  if (packed && !log::unpack(bytes, entry.body)) return std::nullopt;
  return entry;
}

Status load_entries(const log::Disk& disk, Stored& stored) {
  bool whole = true;
  disk.scan(Column::raft, entry_key(0), std::string(1, kEntry + 1), [&](auto key, auto value) {
    const auto index = log::number_of(key.substr(1));
    auto entry = read_entry(value);
    if (stored.entries.empty()) stored.first_index = index;
    whole = entry && index == stored.first_index + stored.entries.size();
    stored.entries.push_back(std::move(entry).value_or(StoredEntry{}));
    return whole;
  });
  if (!whole) return corrupt("entry " + std::to_string(stored.first_index + stored.entries.size() - 1));
  return Done{};
}

}  // namespace

Result<Stored> load_stored(const log::Disk& disk) {
  Stored stored;
  if (const auto state = disk.get(Column::raft, kState)) {
    Reader from{*state};
    stored.term = from.u64();
    stored.vote = from.u64();
    if (!from.finished()) return corrupt(kState);
  }
  if (const auto bytes = disk.get(Column::raft, kSnapshot)) {
    stored.snapshot = read_snapshot(*bytes);
    if (!stored.snapshot) return corrupt(kSnapshot);
    stored.first_index = stored.snapshot->index + 1;
  }
  if (const auto bytes = disk.get(Column::raft, kWanted)) {
    stored.wanted = read_snapshot(*bytes);
    if (!stored.wanted) return corrupt(kWanted);
    const auto since = disk.get(Column::raft, kSince);
    stored.wanted_since = since ? log::number_of(*since) : 0;
  }
  if (auto loaded = load_entries(disk, stored); !loaded) return loaded.error();
  const auto after = stored.snapshot ? stored.snapshot->index + 1 : 1;
  if (stored.first_index > after) return corrupt("entry " + std::to_string(after));
  return stored;
}

std::optional<StoredSnapshot> load_snapshot(const log::Disk& disk) {
  const auto bytes = disk.get(Column::raft, kSnapshot);
  return bytes ? read_snapshot(*bytes) : std::nullopt;
}

std::optional<StoredEntry> load_entry(const log::Disk& disk, uint64_t index) {
  const auto value = disk.get(Column::raft, entry_key(index));
  return value ? read_entry(*value) : std::nullopt;
}

void put_entry(log::Batch& to, uint64_t index, uint64_t term, uint8_t type, std::string_view body) {
  std::string value;
  value.reserve(16 + body.size());
  Writer{value}.u64(term).u8(type | kPacked);
  if (!log::pack(body, value)) {
    value.clear();
    Writer{value}.u64(term).u8(type).fixed(body);
  }
  to.put(Column::raft, entry_key(index), value);
}

void erase_entries(log::Batch& to, uint64_t from, uint64_t below) {
  to.erase_range(Column::raft, entry_key(from), entry_key(below));
}

void put_state(log::Batch& to, uint64_t term, MemberId vote) {
  std::string value;
  Writer{value}.u64(term).u64(vote);
  to.put(Column::raft, kState, value);
}

void put_snapshot(log::Batch& to, const StoredSnapshot& snapshot) {
  to.put(Column::raft, kSnapshot, snapshot_bytes(snapshot));
}

void put_wanted(log::Batch& to, const StoredSnapshot& snapshot, uint64_t since) {
  to.put(Column::raft, kWanted, snapshot_bytes(snapshot));
  to.put(Column::raft, kSince, log::number_key(since));
}

void erase_wanted(log::Batch& to) {
  to.erase(Column::raft, kWanted);
  to.erase(Column::raft, kSince);
}

void put_probe(log::Batch& to) {
  to.put(Column::raft, kProbe, "");
}

void write_head(Writer& to, const Head& head) {
  to.u64(head.index).u64(head.seq);
  to.fixed({reinterpret_cast<const char*>(head.hash.data()), head.hash.size()});
}

Head read_head(Reader& from) {
  Head head;
  head.index = from.u64();
  head.seq = from.u64();
  const auto hash = from.fixed(head.hash.size());
  std::copy(hash.begin(), hash.end(), head.hash.begin());
  return head;
}

void write_members(Writer& to, const Members& members) {
  to.u64(members.size());
  for (const auto& member : members)
    to.u64(member.id).u8(static_cast<uint8_t>(member.role)).bytes(member.address);
}

Members read_members(Reader& from) {
  const auto count = from.u64();
  if (count > kMaxMembers) return {};
  Members members;
  for (uint64_t i = 0; i < count; i++) {
    Member member;
    member.id = from.u64();
    const auto role = from.u8();
    member.role = static_cast<Role>(role);
    member.address = std::string{from.bytes()};
    const bool twice = std::any_of(members.begin(), members.end(), [&](const Member& other) {
      return other.id == member.id || other.address == member.address;
    });
    if (!from.ok() || twice || member.id == 0 || role > static_cast<uint8_t>(Role::spare) ||
        member.address.empty() || member.address.find('\0') != std::string::npos)
      return {};
    members.push_back(std::move(member));
  }
  return members;
}

}  // namespace muster::consensus
