// The parts of a config.yaml that are read alike wherever they stand.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "domain/jobs/job.hpp"
#include "domain/object_reader.hpp"
#include "domain/yaml.hpp"

namespace muster::jobs {

/// Nothing but blank lines and comments: such a file says what an empty map says.
[[nodiscard]] bool says_nothing(std::string_view text);

/// A reader of the object at `pointer` in which a number counts as the text that was written.
[[nodiscard]] ObjectReader reader_of(const Json& value, std::string pointer, names::Check& check);

/// The text under `key`, which is an id or a name: one line of at most runs::kMaxName bytes.
[[nodiscard]] std::string read_name(ObjectReader& from, std::string_view key, Need need = Need::optional);

/// `argspec.args`, or the older map `arguments` in the order of the file when that is empty.
[[nodiscard]] std::vector<Arg> read_args(ObjectReader& root, const yaml::Document& document,
                                         names::Check& check);

/// The object under `key` of `from`, when there is one.
[[nodiscard]] std::optional<Container> read_container(ObjectReader& from, std::string_view key,
                                                      names::Check& check);

/// `steps`. What makes them run (ids, scripts, needs) is checked when somebody plans them.
[[nodiscard]] std::vector<Step> read_steps(ObjectReader& root, names::Check& check);

/// `aliases` of a config.yaml: without effect, but a wrong one is told.
void check_aliases(ObjectReader& root, names::Check& check);

}  // namespace muster::jobs
