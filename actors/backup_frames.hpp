// What the frames of a backup may be, for who writes them and for who reads them.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace muster::backup {

constexpr int kVersion = 2;      ///< 1 had no journals, and not all keys.
constexpr size_t kTrailer = 72;  ///< "sha256:", the digest, a newline.

constexpr char kFile = 'f';     ///< Key: its path in the data folder. Value: all of it.
constexpr char kJournal = 'j';  ///< Key: run/segment. Value: the next piece of it.

constexpr size_t kMaxKey = 4096, kMaxFile = 64 << 10;
constexpr size_t kMaxPiece = 256 << 10;           ///< Of a segment.
constexpr size_t kMaxSegment = size_t{64} << 20;  ///< All pieces of it.
constexpr size_t kMaxRow = size_t{1} << 30;       ///< A value of the store.

constexpr std::string_view kReplies = "keys/replies";

/// The files of the data folder that go. Left out: keys/node.pem and member.json, which are one machine's
/// among members: a restored node is a new member of a cluster of its own, so that the old one, should it
/// come back, is not mistaken for it. Cluster keys are read in the order in which one takes the next one's
/// place, so that a change that goes on meanwhile leaves out none that the log tells of.
constexpr std::array<std::string_view, 8> kFiles = {
  "node_id",           "keys/sign.key", "keys/seal.key",         "keys/fingerprint.key",
  "keys/cluster.next", "keys/cluster",  "keys/cluster.previous", kReplies};

/// Whether `name` is RUN/SEGMENT: an id that is one folder, and twenty digits.
[[nodiscard]] bool is_segment(std::string_view name);
/// Whether `name` is an id that is one folder.
[[nodiscard]] bool is_run(std::string_view name);

}  // namespace muster::backup
