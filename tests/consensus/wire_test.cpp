// Frames: what is sent is read back, and garbage is refused without harm.
#include "consensus/wire.hpp"

#include <cstring>
#include <random>

#include <catch2/catch.hpp>

using namespace muster;
using namespace muster::consensus;

namespace {

raft_message append_of(const std::vector<StoredEntry>& entries) {
  raft_message message{};
  message.type = RAFT_IO_APPEND_ENTRIES;
  auto& append = message.append_entries;
  append.term = 7, append.prev_log_index = 10, append.prev_log_term = 3, append.leader_commit = 900;
  std::tie(append.entries, append.n_entries) = give_to_raft(entries);
  return message;
}

std::string frame_of(const std::vector<StoredEntry>& entries) {
  auto message = append_of(entries);
  auto frame = encode(message);
  discard(message);
  return frame;
}

raft_message install() {
  raft_message message{};
  message.type = RAFT_IO_INSTALL_SNAPSHOT;
  auto& snapshot = message.install_snapshot;
  snapshot.term = 4, snapshot.last_index = 9, snapshot.last_term = 3, snapshot.conf_index = 1;
  (void)fill(&snapshot.conf, {{1, "n1", Role::voter}, {2, "n2", Role::standby}});
  std::string head;
  Writer to{head};
  write_head(to, {9, 8, {}});
  snapshot.data = copy(head);
  return message;
}

}  // namespace

TEST_CASE("entries are read back as they were sent") {
  const auto configuration = encode_configuration({{1, "n1", Role::voter}, {2, "n2", Role::spare}});
  const std::vector<StoredEntry> entries{{3, 1, "body"}, {4, 1, ""}, {7, 3, configuration}};
  raft_message read;
  REQUIRE(decode(frame_of(entries), 2, "n2", read));
  const auto& append = read.append_entries;
  CHECK(append.term == 7);
  CHECK(append.prev_log_index == 10);
  CHECK(append.leader_commit == 900);
  REQUIRE(append.n_entries == 3);
  CHECK(view(append.entries[0].buf) == "body");
  CHECK(append.entries[1].buf.len == 0);
  CHECK(view(append.entries[2].buf) == configuration);
  discard(read);
}

TEST_CASE("an AppendEntries is cut to a frame, and its commit index to what it carries") {
  const auto frame = frame_of(std::vector<StoredEntry>(5, {5, 1, std::string(300'000, 'x')}));
  CHECK(frame.size() <= kMaxFrame);
  raft_message read;
  REQUIRE(decode(frame, 2, "n2", read));
  CHECK(read.append_entries.n_entries == 3);
  CHECK(read.append_entries.leader_commit == 13);
  discard(read);
  CHECK_FALSE(decode(std::string(kMaxFrame + 1, '\1'), 2, "n2", read));
}

TEST_CASE("the largest body fits into a frame") {
  raft_message read;
  REQUIRE(decode(frame_of({{5, 1, std::string(kMaxBody, 'x')}}), 2, "n2", read));
  CHECK(read.append_entries.n_entries == 1);
  discard(read);
}

TEST_CASE("a frame that is cut short or changed is refused or read whole, never beyond its end") {
  auto message = install();
  const auto configuration = encode_configuration({{1, "n1", Role::voter}});
  const std::vector<std::string> frames{frame_of({{3, 1, "body"}, {7, 3, configuration}}), encode(message)};
  discard(message);
  std::mt19937_64 chance{11};
  for (const auto& frame : frames) {
    raft_message read;
    for (size_t size = 0; size < frame.size(); size++)
      CHECK_FALSE(decode(std::string_view{frame}.substr(0, size), 2, "n2", read));
    for (int round = 0; round < 20'000; round++) {
      auto changed = frame;
      for (auto flips = chance() % 4 + 1; flips > 0; flips--)
        changed[chance() % changed.size()] = static_cast<char>(chance());
      const std::string exact{changed};  // Its own memory: a sanitizer sees what reads beyond.
      if (decode(exact, 2, "n2", read)) discard(read);
    }
  }
  for (int round = 0; round < 20'000; round++) {
    std::string garbage(chance() % 64, '\0');
    for (auto& c : garbage) c = static_cast<char>(chance());
    if (!garbage.empty()) garbage[0] = static_cast<char>(chance() % 8);
    raft_message read;
    if (decode(garbage, 2, "n2", read)) discard(read);
    (void)decode_fetch(garbage);
    (void)decode_lines(garbage);
    (void)decode_start(garbage);
    (void)decode_piece_fetch(garbage);
    (void)decode_piece(garbage);
    (void)decode_copy_fetch(garbage);
    (void)decode_copy(garbage);
    (void)decode_kept_fetch(garbage);
    (void)decode_kept(garbage);
  }
}

TEST_CASE("copies of checkpoints come back as they were sent, and impossible ones do not") {
  CHECK(decode_copy_fetch(encode_copy_fetch(350)) == 350);
  CHECK_FALSE(decode_copy_fetch(encode_copy_fetch(0)));
  const auto frame = encode_copy({{350, 7, sha256("bytes")}, "byt"});
  CHECK(type_of(frame) == kCopyFrame);
  const auto copy = decode_copy(frame);
  REQUIRE(copy);
  CHECK((copy->copy.at == 350 && copy->copy.size == 7 && copy->bytes == "byt"));
  CHECK(copy->copy.digest == sha256("bytes"));
  CHECK(decode_copy(encode_copy({{350, 0, {}}, ""})));
  CHECK_FALSE(decode_copy(encode_copy({{350, 7, {}}, ""})));
  CHECK_FALSE(decode_copy(encode_copy({{350, 2, {}}, "byt"})));
  CHECK_FALSE(decode_copy(encode_copy({{350, kMaxCheckpoint + 1, {}}, "byt"})));
}

TEST_CASE("frames about lines and checkpoints are read back as they were sent, and refused when impossible") {
  const auto fetch = decode_fetch(encode_fetch({5, 9, 20}));
  REQUIRE(fetch);
  CHECK((fetch->from == 5 && fetch->below == 9 && fetch->until == 20));
  CHECK_FALSE(decode_fetch(encode_fetch({9, 9, 20})));
  const LogStart start{301, sha256("before"), 350, 1'000, sha256("bytes")};
  CHECK(decode_start(encode_start(start)) == start);
  for (const auto& wrong : {LogStart{1, {}, 350, 1'000, {}}, LogStart{301, {}, 299, 1'000, {}},
                            LogStart{301, {}, 350, kMaxCheckpoint + 1, {}}})
    CHECK_FALSE(decode_start(encode_start(wrong)));
  const auto asked = decode_piece_fetch(encode_piece_fetch({350, sha256("bytes"), 77}));
  REQUIRE(asked);
  CHECK((asked->at == 350 && asked->digest == sha256("bytes") && asked->offset == 77));
  CHECK_FALSE(decode_piece_fetch(encode_piece_fetch({350, {}, kMaxCheckpoint})));
  const auto frame = encode_piece({350, 77, std::string(kMaxPiece, 'b')});
  CHECK(frame.size() <= kMaxFrame);
  const auto piece = decode_piece(frame);
  REQUIRE(piece);
  CHECK((piece->at == 350 && piece->offset == 77 && piece->bytes.size() == kMaxPiece));
  CHECK_FALSE(decode_piece(encode_piece({350, 77, ""})));
}

TEST_CASE("frames about what was kept are read back as they were sent, and refused when impossible") {
  const KeptFetch fetch{"key", 5, 9};
  CHECK(decode_kept_fetch(encode_kept_fetch(fetch)) == fetch);
  CHECK_FALSE(decode_kept_fetch(encode_kept_fetch({"key", 9, 5})));
  CHECK_FALSE(decode_kept_fetch(encode_kept_fetch({std::string(kMaxKeptKey + 1, 'k'), 5, 9})));
  const std::string key(kMaxKeptKey, 'k'), page(kMaxKeptPage, 'p');
  const auto frame = encode_kept({{key, 5, 9}, key, false, page});
  CHECK(frame.size() <= kMaxFrame);
  const auto kept = decode_kept(frame);
  REQUIRE(kept);
  CHECK((kept->asked == KeptFetch{key, 5, 9} && kept->last == key && !kept->end && kept->page == page));
  for (size_t size = 0; size < frame.size(); size += size < 200 ? 1 : 9'973)
    CHECK_FALSE(decode_kept(std::string_view{frame}.substr(0, size)));
}

TEST_CASE("impossible entries and configurations are refused") {
  raft_message read;
  CHECK_FALSE(decode(frame_of({{2, 1, "older than its predecessor"}}), 2, "n2", read));
  CHECK_FALSE(decode(frame_of({{8, 1, "newer than the message"}}), 2, "n2", read));
  CHECK_FALSE(decode(frame_of({{5, 4, "unknown type"}}), 2, "n2", read));
  auto configuration = encode_configuration({{1, "n1", Role::voter}});
  configuration[1] = 50;  // Fifty servers, says a configuration of one.
  CHECK_FALSE(decode(frame_of({{5, 3, configuration}}), 2, "n2", read));
  std::string members;
  Writer to{members};
  write_members(to, {{1, "n1", Role::voter}, {1, "n2", Role::voter}});
  Reader from{members};
  CHECK(read_members(from).empty());
}
