// What can be configured: one row a setting, the same for muster.yaml, environment, flags, help and
// completion.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "app/config/value.hpp"

namespace muster::config {

/// Who reads a setting: the node that serves, the command line that asks one, both; or the runner alone.
enum class Reader : uint8_t { node, client, both, runner };

/// `bind` is --bind, -bind, MUSTER_BIND and the key `bind` of muster.yaml.
struct Setting {
  std::string_view name;
  Type type = Type::text;
  std::string_view fallback;                ///< The default, as text; "" is unset.
  std::string_view help;                    ///< One line.
  std::vector<std::string_view> aliases{};  ///< Further flags, without dashes.
  /// Further environment names, after MUSTER_*, first set wins. NAME/folder is a folder below what NAME says.
  std::vector<std::string_view> variables{};
  std::vector<std::string_view> choices{};  ///< When not empty, the only values.
  /// Inclusive; of a duration in milliseconds. 0 to 0 is no limit.
  int64_t min = 0, max = 0;
  bool secret = false;  ///< Shown as [secret].
  Reader reader = Reader::node;
  bool runner = false;  ///< The runner reads it, too.

  /// Is it a flag of a verb that reads the settings of `who`?
  [[nodiscard]] bool read_by(Reader who) const;

  /// MUSTER_ and the name in upper case, dashes as underscores.
  [[nodiscard]] std::string variable() const;
  /// "when the node starts" or "at each call".
  [[nodiscard]] std::string_view takes_effect() const;
};

/// Whether the program was started by its second name, which has habits of its own.
[[nodiscard]] bool called_flwd();

/// Every setting, in the order of --help.
[[nodiscard]] std::span<const Setting> settings();

/// By name or alias; underscores stand for dashes.
[[nodiscard]] const Setting* find_setting(std::string_view name);

/// Reads `text` and checks choices and limits. Error: `config.invalid`, naming the limit.
[[nodiscard]] Result<Value> read_setting(const Setting& setting, std::string_view text);

}  // namespace muster::config
