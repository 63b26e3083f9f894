// The cluster and its log: members, checkpoints, compactions, and how many events of each type there were.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/paged_map.hpp"
#include "events/line.hpp"
#include "events/shared.hpp"
#include "projections/about.hpp"

namespace muster::cluster {

/// The last change of the cluster key.
struct ShownKeyChange {
  std::string rotation, from, to;    ///< As in cluster_key.staged.
  std::string phase;                 ///< staged, switched or rotated.
  std::vector<std::string> without;  ///< Members that are not waited for.
  std::string actor;                 ///< Who began it.
  Time began_at{}, changed_at{};
  bool operator==(const ShownKeyChange&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("rotation", self.rotation);
    visit("from", self.from);
    visit("to", self.to);
    visit("phase", self.phase);
    visit("without", self.without);
    visit("actor", self.actor);
    visit("began_at", self.began_at);
    visit("changed_at", self.changed_at);
  }
};

/// A restore or a recovery: the log went on another way from there, and seqs after it may have named other
/// lines before.
struct Timeline {
  uint64_t after = 0;  ///< The last seq of before.
  Time began_at{};
  bool operator==(const Timeline&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("after", self.after);
    visit("began_at", self.began_at);
  }
};

struct View {
  static constexpr std::string_view name = "cluster";
  static constexpr int version = 2;
  static constexpr size_t kMaxHistory = 64;
  static constexpr uint64_t kTimelinesLevel = 5;  ///< The feature level from which on they are kept.
  static constexpr size_t kMaxTypes = 1'000;      ///< Types beyond are counted under "(others)".

  struct Identity {
    std::string cluster;  ///< Its id.
    uint64_t feature_level = 0;
    Time created_at{};
    std::string restored_from;  ///< The digest of the backup of the last restore.
    Time restored_at{};
    using KeyChange = ShownKeyChange;
    std::optional<KeyChange> key{};       ///< Left out of the text while there was none.
    std::optional<OutboxMoved> outbox{};  ///< Likewise.
    std::vector<Timeline> timelines{};    ///< The last kMaxHistory; likewise.
    /// With it and its seq a line is named for ever, and no other one: the cluster's id, and, after a restore
    /// or a recovery, "@" and when that was.
    [[nodiscard]] std::string name_at(uint64_t seq) const;
    bool operator==(const Identity&) const = default;
    template <class Self, class Visit>
    static void fields(Self& self, Visit&& visit) {
      visit("cluster", self.cluster);
      visit("feature_level", self.feature_level);
      visit("created_at", self.created_at);
      visit("restored_from", self.restored_from);
      visit("restored_at", self.restored_at);
      visit("key", self.key);
      visit("outbox", self.outbox);
      visit("timelines", self.timelines);
    }
  };
  struct Log {
    Time first_time{}, last_time{};
    uint64_t epoch = 0;  ///< The highest that any record or restore named.
    uint64_t compacted_to = 0;
    template <class Self, class Visit>
    static void fields(Self& self, Visit&& visit) {
      visit("first_time", self.first_time);
      visit("last_time", self.last_time);
      visit("epoch", self.epoch);
      visit("compacted_to", self.compacted_to);
    }
  };
  struct Member {
    bool running = false;
    std::string version, public_key;
    uint64_t feature_level = 0;
    Time started_at{}, stopped_at{};
    uint64_t id = 0;           ///< As Raft knows it.
    std::string address, url;  ///< Its member port, and where it serves HTTP.
    std::string key;           ///< SHA-256 of its certificate's public key, hex.
    std::string boot;          ///< Of the start that is recorded.
    Time joined_at{};
    std::string by;  ///< The join token that let it in.
    template <class Self, class Visit>
    static void fields(Self& self, Visit&& visit) {
      visit("running", self.running);
      visit("version", self.version);
      visit("public_key", self.public_key);
      visit("feature_level", self.feature_level);
      visit("started_at", self.started_at);
      visit("stopped_at", self.stopped_at);
      visit("id", self.id);
      visit("address", self.address);
      visit("url", self.url);
      visit("key", self.key);
      visit("boot", self.boot);
      visit("joined_at", self.joined_at);
      visit("by", self.by);
    }
  };
  /// One that is a member no more.
  struct Former {
    std::string member, reason;
    Time left_at{};
    template <class Self, class Visit>
    static void fields(Self& self, Visit&& visit) {
      visit("member", self.member);
      visit("reason", self.reason);
      visit("left_at", self.left_at);
    }
  };
  struct JoinToken {
    Time made_at{}, expires{};
    std::string hash, actor;
    template <class Self, class Visit>
    static void fields(Self& self, Visit&& visit) {
      visit("made_at", self.made_at);
      visit("expires", self.expires);
      visit("hash", self.hash);
      visit("actor", self.actor);
    }
  };
  struct MadeCheckpoint {
    Checkpointed made;
    Time time{};
    template <class Self, class Visit>
    static void fields(Self& self, Visit&& visit) {
      visit("made", self.made);
      visit("time", self.time);
    }
  };
  struct MadeCompaction {
    Compacted dropped;
    Time time{};
    std::string actor;
    template <class Self, class Visit>
    static void fields(Self& self, Visit&& visit) {
      visit("dropped", self.dropped);
      visit("time", self.time);
      visit("actor", self.actor);
    }
  };
  struct TypeCount {
    uint64_t count = 0, last_seq = 0;
    Time last_time{};
    template <class Self, class Visit>
    static void fields(Self& self, Visit&& visit) {
      visit("count", self.count);
      visit("last_seq", self.last_seq);
      visit("last_time", self.last_time);
    }
  };

  About about;  ///< Every record changes this view.
  Shared<Identity> identity;
  Log log;
  PagedMap<std::string, Member> members;           ///< By member name.
  PagedMap<uint64_t, Former> former;               ///< By the seq of the record that tells of its leaving.
  PagedMap<std::string, JoinToken> join_tokens;    ///< Those that are open, by their id.
  PagedMap<uint64_t, MadeCheckpoint> checkpoints;  ///< By the seq of the record that tells of it.
  PagedMap<uint64_t, MadeCompaction> compactions;  ///< By the seq of the record that tells of it.
  PagedMap<std::string, TypeCount> types;          ///< By event type.

  void fold(const Record& record);
  template <class Self, class Visit>
  static void parts(Self& self, Visit&& visit) {
    visit("about", self.about);
    visit("identity", self.identity);
    visit("log", self.log);
    visit("members", self.members);
    visit("former", self.former);
    visit("join_tokens", self.join_tokens);
    visit("checkpoints", self.checkpoints);
    visit("compactions", self.compactions);
    visit("types", self.types);
  }

private:
  void count(const Record& record);
  void forget(const std::string& member, std::string reason, const Record& record);
  void branch(uint64_t after, Time time);
  template <class Change>
  void change_key(const Record& record, Change change);
};

}  // namespace muster::cluster
