// libraft's values as ours, and back into memory that it owns.
#include "consensus/raft_api.hpp"

#include <algorithm>
#include <cstring>

namespace muster::consensus {
namespace {

/// Bodies start at multiples of eight, and an empty one still has an address of its own.
size_t padded(size_t n) {
  return (n + 8) & ~size_t{7};
}

/// A configuration's parts: version 1, count (little endian), and for each server its id, its address with a
/// final NUL, and its role. Calls visit(id, address, role); how many bytes they take, 0 when they do not
/// read.
template <class Visit>
size_t each_server(std::string_view body, Visit&& visit) {
  const auto size = body.size();
  const auto number = [&]() -> uint64_t {
    uint64_t n = 0;
    if (body.size() < 8) return 0;
    for (size_t i = 8; i-- > 0;) n = n << 8 | static_cast<uint8_t>(body[i]);
    body.remove_prefix(8);
    return n;
  };
  if (body.empty() || body.front() != 1) return 0;
  body.remove_prefix(1);
  const auto count = number();
  if (count == 0 || count > kMaxMembers) return 0;
  for (uint64_t i = 0; i < count; i++) {
    const auto id = number();
    const auto end = body.find('\0');
    if (id == 0 || end == 0 || end == std::string_view::npos || end + 1 >= body.size()) return 0;
    const auto role = static_cast<uint8_t>(body[end + 1]);
    if (role > RAFT_SPARE) return 0;
    visit(id, body.substr(0, end), static_cast<Role>(role));
    body.remove_prefix(end + 2);
  }
  return size - body.size();
}

}  // namespace

std::string_view view(const raft_buffer& buffer) {
  return {static_cast<const char*>(buffer.base), buffer.len};
}

raft_buffer copy(std::string_view bytes) {
  raft_buffer buffer{raft_malloc(padded(bytes.size())), bytes.size()};
  if (!bytes.empty()) std::memcpy(buffer.base, bytes.data(), bytes.size());
  return buffer;
}

std::pair<raft_entry*, unsigned> give_to_raft(const std::vector<StoredEntry>& entries) {
  if (entries.empty()) return {nullptr, 0};
  size_t total = 0;
  for (const auto& entry : entries) total += padded(entry.body.size());
  auto* array = static_cast<raft_entry*>(raft_calloc(entries.size(), sizeof(raft_entry)));
  auto* batch = static_cast<char*>(raft_malloc(total));
  auto* at = batch;
  for (size_t i = 0; i < entries.size(); i++) {
    const auto& body = entries[i].body;
    body.copy(at, body.size());
    array[i].term = entries[i].term;
    array[i].type = entries[i].type;
    array[i].buf = {at, body.size()};
    array[i].batch = batch;
    at += padded(body.size());
  }
  return {array, static_cast<unsigned>(entries.size())};
}

raft_snapshot* give_to_raft(const StoredSnapshot& snapshot) {
  auto* given = static_cast<raft_snapshot*>(raft_calloc(1, sizeof(raft_snapshot)));
  given->index = snapshot.index;
  given->term = snapshot.term;
  given->configuration_index = snapshot.configuration_index;
  (void)fill(&given->configuration, snapshot.members);  // They were a configuration before.
  std::string descriptor;
  Writer to{descriptor};
  write_head(to, snapshot.head);
  given->bufs = static_cast<raft_buffer*>(raft_malloc(sizeof(raft_buffer)));
  given->bufs[0] = copy(descriptor);
  given->n_bufs = 1;
  return given;
}

bool fill(raft_configuration* to, const Members& members) {
  raft_configuration_init(to);
  for (const auto& member : members)
    if (raft_configuration_add(to, member.id, member.address.c_str(), static_cast<int>(member.role)) != 0) {
      raft_configuration_close(to);
      raft_configuration_init(to);
      return false;
    }
  return true;
}

Members members_of(const raft_configuration& from) {
  Members members;
  for (unsigned i = 0; i < from.n; i++) {
    const auto& server = from.servers[i];
    members.push_back({server.id, server.address, static_cast<Role>(server.role)});
  }
  return members;
}

std::string encode_configuration(const Members& members) {
  raft_configuration configuration{};
  if (!fill(&configuration, members)) return {};
  raft_buffer buffer{};
  raft_configuration_encode(&configuration, &buffer);
  raft_configuration_close(&configuration);
  clear_padding(buffer);
  std::string body{view(buffer)};
  raft_free(buffer.base);
  return body;
}

std::optional<Members> decode_configuration(std::string_view body) {
  Members members;
  const auto taken = each_server(body, [&](MemberId id, std::string_view address, Role role) {
    members.push_back({id, std::string{address}, role});
  });
  if (taken == 0) return std::nullopt;
  return members;
}

void clear_padding(const raft_buffer& configuration) {
  const auto taken = each_server(view(configuration), [](auto...) {});
  auto* bytes = static_cast<char*>(configuration.base);
  if (taken > 0) std::fill(bytes + taken, bytes + configuration.len, '\0');
}

bool votes_in(std::string_view configuration, MemberId id) {
  bool votes = false;
  each_server(configuration, [&](MemberId member, std::string_view, Role role) {
    votes |= member == id && role == Role::voter;
  });
  return votes;
}

void discard(raft_message& message) {
  if (message.type == RAFT_IO_APPEND_ENTRIES && message.append_entries.n_entries > 0) {
    raft_free(message.append_entries.entries[0].batch);
    raft_free(message.append_entries.entries);
  } else if (message.type == RAFT_IO_INSTALL_SNAPSHOT) {
    raft_configuration_close(&message.install_snapshot.conf);
    raft_free(message.install_snapshot.data.base);
  }
}

}  // namespace muster::consensus
