// JSON at the edge: nlohmann values with their keys in the order they were written, and checked parsing.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/result.hpp"

namespace muster {

using Json = nlohmann::ordered_json;

/// How deep a document that comes from outside may nest.
constexpr int kMaxJsonDepth = 64;

/// How many keys one of its objects may have: Json finds a key by looking at all of them, so that building an
/// object takes the square of this.
constexpr size_t kMaxJsonKeys = 1024;

/// Parses one document: UTF-8, no duplicate-free check, at most kMaxJsonDepth deep, kMaxJsonKeys an object.
/// Error: `bad.json`, with the byte offset.
Result<Json> parse_json(std::string_view text);

/// Compact text with every object's keys sorted: equal values give equal bytes.
std::string canonical_json(const Json& value);

/// Appends `text` as a JSON string with its quotes. `text` must be UTF-8: the edge has checked it.
void append_json_string(std::string& to, std::string_view text);

/// True when `text` is well-formed UTF-8.
bool is_utf8(std::string_view text);

}  // namespace muster
