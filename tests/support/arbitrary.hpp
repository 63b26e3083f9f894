// Arbitrary events for property tests: any text, any number, any JSON, in every field of every type.
#pragma once

#include <string>
#include <vector>

#include <rapidcheck.h>

#include "events/line.hpp"

namespace muster::arbitrary {

/// Where fields that name something (node, claim, file ...) come from.
enum class Names : uint8_t {
  any,  ///< Arbitrary text.
  few,  ///< A few of each, so that events meet each other's rows.
};

/// Valid UTF-8 with quotes, backslashes, controls, and characters of every length.
[[nodiscard]] rc::Gen<std::string> text();
/// Whole milliseconds of the years 1970 to 9999.
[[nodiscard]] rc::Gen<Time> time();
/// A document as the edge hands it on.
[[nodiscard]] rc::Gen<RawJson> json();
/// Of any type but unknown ones.
[[nodiscard]] rc::Gen<AnyEvent> event(Names names);
/// One event of every type, its texts set to something.
[[nodiscard]] std::vector<AnyEvent> one_of_each();
/// Records 1 to n of a log in which time never falls; a few of unknown types.
[[nodiscard]] rc::Gen<std::vector<Record>> records(Names names);

/// The record's line, composed as the log does.
[[nodiscard]] std::string line_of(const Record& record);

}  // namespace muster::arbitrary
