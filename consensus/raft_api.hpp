// The one include of libraft's C header, and its values as ours.
#pragma once

extern "C" {
#include <raft.h>
}

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "consensus/raft_store.hpp"

namespace muster::consensus {

static_assert(int{RAFT_STANDBY} == int(Role::standby) && int{RAFT_VOTER} == int(Role::voter) &&
              int{RAFT_SPARE} == int(Role::spare));

[[nodiscard]] std::string_view view(const raft_buffer& buffer);
/// In memory that libraft frees.
[[nodiscard]] raft_buffer copy(std::string_view bytes);

/// One array, and one batch that all bodies point into: the shape libraft takes ownership of (rule 15).
[[nodiscard]] std::pair<raft_entry*, unsigned> give_to_raft(const std::vector<StoredEntry>& entries);

[[nodiscard]] raft_snapshot* give_to_raft(const StoredSnapshot& snapshot);

/// False, and `to` empty, when libraft refuses a member. The owner frees it with raft_configuration_close.
[[nodiscard]] bool fill(raft_configuration* to, const Members& members);
[[nodiscard]] Members members_of(const raft_configuration& from);
/// The body of a configuration entry; equal members give equal bytes.
[[nodiscard]] std::string encode_configuration(const Members& members);
/// Nothing for what libraft, which reads it without looking at its end, could not have written.
[[nodiscard]] std::optional<Members> decode_configuration(std::string_view body);
/// libraft leaves up to seven bytes of its heap at the end of a configuration: makes them zero.
void clear_padding(const raft_buffer& configuration);
[[nodiscard]] bool votes_in(std::string_view configuration, MemberId id);

/// Frees what a message holds that libraft was not given.
void discard(raft_message& message);

}  // namespace muster::consensus
