// Messages as bytes, and back: every count and length is checked before it is believed.
#include "consensus/wire.hpp"

#include <algorithm>

namespace muster::consensus {
namespace {

constexpr size_t kEntryOverhead = 8 + 1 + 8;        // Term, type, length.
constexpr size_t kAppendHead = 1 + 5 * 8;           // Type, and what stands before the entries.
constexpr uint64_t kMaxNumber = uint64_t{1} << 62;  // Indices and terms: nothing overflows below it.

bool small(std::initializer_list<uint64_t> numbers) {
  return std::all_of(numbers.begin(), numbers.end(), [](uint64_t n) { return n < kMaxNumber; });
}

void encode_entries(std::string& frame, const raft_append_entries& message) {
  const auto fit = entries_that_fit(message);
  Writer to{frame};
  // What is not sent must not be committed by who receives this (rule 14).
  const bool all = fit == message.n_entries;
  to.u64(all ? message.leader_commit : std::min(message.leader_commit, message.prev_log_index + fit));
  to.u64(fit);
  for (unsigned i = 0; i < fit; i++) {
    const auto& entry = message.entries[i];
    to.u64(entry.term).u8(static_cast<uint8_t>(entry.type)).bytes(view(entry.buf));
  }
}

bool decode_append(Reader& from, raft_append_entries& message) {
  message.term = from.u64();
  message.prev_log_index = from.u64();
  message.prev_log_term = from.u64();
  message.leader_commit = from.u64();
  const auto count = from.u64();
  if (!from.ok() || count > from.left() / kEntryOverhead) return false;
  if (!small({message.term, message.prev_log_index, message.leader_commit})) return false;
  std::vector<StoredEntry> entries(count);
  auto term = message.prev_log_term;
  for (auto& entry : entries) {
    entry.term = from.u64();
    entry.type = from.u8();
    entry.body = std::string{from.bytes()};
    if (!from.ok() || entry.type < RAFT_COMMAND || entry.type > RAFT_CHANGE) return false;
    if (entry.term == 0 || entry.term < term || entry.term > message.term) return false;
    if (entry.type == RAFT_CHANGE && !decode_configuration(entry.body)) return false;
    term = entry.term;
  }
  if (!from.finished()) return false;
  std::tie(message.entries, message.n_entries) = give_to_raft(entries);
  return true;
}

bool decode_install(Reader& from, raft_install_snapshot& message) {
  message.term = from.u64();
  message.last_index = from.u64();
  message.last_term = from.u64();
  message.conf_index = from.u64();
  const auto descriptor = from.bytes();
  const auto members = read_members(from);
  Reader head{descriptor};
  read_head(head);
  if (!from.finished() || !head.finished() || members.empty()) return false;
  if (!small({message.term, message.last_index, message.last_term}) || message.last_index == 0 ||
      message.last_term > message.term || message.conf_index > message.last_index)
    return false;
  if (!fill(&message.conf, members)) return false;
  message.data = copy(descriptor);
  return true;
}

bool decode_vote(Reader& from, raft_request_vote& vote, MemberId sender) {
  vote.term = from.u64();
  vote.candidate_id = from.u64();
  vote.last_log_index = from.u64();
  vote.last_log_term = from.u64();
  vote.disrupt_leader = from.u8() != 0;
  vote.pre_vote = from.u8() != 0;
  return from.finished() && vote.candidate_id == sender && small({vote.term, vote.last_log_index});
}

bool decode_vote_result(Reader& from, raft_request_vote_result& result) {
  result.term = from.u64();
  result.vote_granted = from.u8() != 0;
  const auto pre_vote = from.u8();
  result.pre_vote = static_cast<raft_tribool>(pre_vote);
  return from.finished() && pre_vote <= raft_tribool_false && small({result.term});
}

bool decode_append_result(Reader& from, raft_append_entries_result& result) {
  result.term = from.u64();
  result.rejected = from.u64();
  result.last_log_index = from.u64();
  return from.finished() && small({result.term, result.rejected, result.last_log_index});
}

bool decode_timeout(Reader& from, raft_timeout_now& message) {
  message.term = from.u64();
  message.last_log_index = from.u64();
  message.last_log_term = from.u64();
  return from.finished() && small({message.term, message.last_log_index});
}

}  // namespace

unsigned entries_that_fit(const raft_append_entries& message) {
  size_t room = kMaxFrame - kAppendHead;
  unsigned fit = 0;
  for (; fit < message.n_entries && message.entries[fit].buf.len + kEntryOverhead <= room; fit++)
    room -= message.entries[fit].buf.len + kEntryOverhead;
  return fit;
}

std::string encode(const raft_message& message) {
  std::string frame;
  Writer to{frame};
  to.u8(static_cast<uint8_t>(message.type));
  switch (message.type) {
    case RAFT_IO_APPEND_ENTRIES: {
      const auto& append = message.append_entries;
      to.u64(append.term).u64(append.prev_log_index).u64(append.prev_log_term);
      encode_entries(frame, append);
      break;
    }
    case RAFT_IO_APPEND_ENTRIES_RESULT: {
      const auto& result = message.append_entries_result;
      to.u64(result.term).u64(result.rejected).u64(result.last_log_index);
      break;
    }
    case RAFT_IO_REQUEST_VOTE: {
      const auto& vote = message.request_vote;
      to.u64(vote.term).u64(vote.candidate_id).u64(vote.last_log_index).u64(vote.last_log_term);
      to.u8(vote.disrupt_leader).u8(vote.pre_vote);
      break;
    }
    case RAFT_IO_REQUEST_VOTE_RESULT: {
      const auto& result = message.request_vote_result;
      to.u64(result.term).u8(result.vote_granted).u8(static_cast<uint8_t>(result.pre_vote));
      break;
    }
    case RAFT_IO_INSTALL_SNAPSHOT: {
      const auto& install = message.install_snapshot;
      to.u64(install.term).u64(install.last_index).u64(install.last_term).u64(install.conf_index);
      to.bytes(view(install.data));
      write_members(to, members_of(install.conf));
      break;
    }
    case RAFT_IO_TIMEOUT_NOW: {
      const auto& timeout = message.timeout_now;
      to.u64(timeout.term).u64(timeout.last_log_index).u64(timeout.last_log_term);
      break;
    }
  }
  return frame;
}

bool decode(std::string_view frame, MemberId sender, const char* address, raft_message& message) {
  if (frame.size() > kMaxFrame) return false;
  Reader from{frame};
  message = {};
  message.server_id = sender;
  message.server_address = address;
  message.type = from.u8();
  switch (message.type) {
    case RAFT_IO_APPEND_ENTRIES:
      return decode_append(from, message.append_entries);
    case RAFT_IO_APPEND_ENTRIES_RESULT:
      return decode_append_result(from, message.append_entries_result);
    case RAFT_IO_REQUEST_VOTE:
      return decode_vote(from, message.request_vote, sender);
    case RAFT_IO_REQUEST_VOTE_RESULT:
      return decode_vote_result(from, message.request_vote_result);
    case RAFT_IO_INSTALL_SNAPSHOT:
      return decode_install(from, message.install_snapshot);
    case RAFT_IO_TIMEOUT_NOW:
      return decode_timeout(from, message.timeout_now);
    default:
      return false;
  }
}

}  // namespace muster::consensus
