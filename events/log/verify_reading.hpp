// What the verifier reads: a line, and what a digest event says of an earlier one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/hash.hpp"
#include "events/line_shape.hpp"

namespace muster::log {

/// What a digest event says of an earlier line.
struct Named {
  std::optional<int64_t> seq;
  std::optional<Digest> hash;
};

/// Reads an event's `data`; its member `key` is the seq.
[[nodiscard]] Named named_by(std::string_view data, const char* key);

/// A line that has the right shape. Points into its text.
struct ReadLine {
  LineShape shape;
  Digest prev{}, hash{};
};

/// Rule 1. Why `raw`, with its newline, is not a line, or nullptr.
[[nodiscard]] const char* parse_line(std::string_view raw, ReadLine& line);

/// Nothing for nullptr and for what is not a line.
[[nodiscard]] std::optional<ReadLine> try_line(const std::string* raw);

}  // namespace muster::log
