// One configuration from four places: defaults, then muster.yaml, then the environment, then flags.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/config/setting.hpp"

namespace muster::config {

/// Where a value came from, from weakest to strongest.
enum class Source : uint8_t { fallback, file, environment, flag };

/// `where` is what a person would look for: "muster.yaml:3", "JWKS_URL", "--bind".
struct Origin {
  Source source = Source::fallback;
  std::string where;
};

/// "default", or the origin's `where`.
[[nodiscard]] std::string to_text(const Origin& origin);

/// The value of an environment variable; an empty one is as good as unset.
using Environment = std::function<std::optional<std::string>(std::string_view name)>;

/// The process's own.
[[nodiscard]] Environment process_environment();

/// A setting given in a file or on the command line: its name, its text, where it stood.
struct Given {
  std::string name;
  std::string text;
  std::string where;
};

/// Every setting has a value. The accessors assert that the setting exists and has their type.
class Config {
public:
  [[nodiscard]] const std::string& text(std::string_view name) const;
  [[nodiscard]] bool flag(std::string_view name) const;
  [[nodiscard]] int64_t number(std::string_view name) const;  ///< Of integers and sizes in bytes.
  [[nodiscard]] Millis duration(std::string_view name) const;
  [[nodiscard]] const Origin& origin(std::string_view name) const;
  /// What to show: the text of the value, or [secret] in place of one that is set.
  [[nodiscard]] std::string shown(const Setting& setting) const;

  /// True when anything but the default gave the value.
  [[nodiscard]] bool given(std::string_view name) const { return origin(name).source != Source::fallback; }

  /// What the person should know but need not act on, such as a truth value read as false.
  [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }
  /// The muster.yaml that was read; empty when there was none.
  [[nodiscard]] const std::string& file() const { return file_; }

private:
  friend Result<Config> combine(const std::string& file, const std::vector<Given>& in_file,
                                const Environment& environment, const std::vector<Given>& flags);
  struct Entry {
    Value value;
    Origin origin;
  };
  [[nodiscard]] const Entry& entry(std::string_view name) const;

  std::map<std::string, Entry, std::less<>> entries_;
  std::vector<std::string> warnings_;
  std::string file_;
};

/// The pure part of load(). Error: `config.invalid` with one field for each bad value, all at once; an
/// unknown name is answered with the nearest known one.
[[nodiscard]] Result<Config> combine(const std::string& file, const std::vector<Given>& in_file,
                                     const Environment& environment, const std::vector<Given>& flags);

/// Reads muster.yaml from `path` or, when that is empty, from MUSTER_CONFIG, ./muster.yaml or
/// /etc/muster/muster.yaml, and combines. A file that was asked for has to exist.
[[nodiscard]] Result<Config> load(const std::string& path, const Environment& environment,
                                  const std::vector<Given>& flags);

/// The api-key, or the content of api-key-file without the line end; empty when neither is set. Error:
/// `config.invalid` when the file cannot be read or is empty.
[[nodiscard]] Result<std::string> api_key(const Config& config);

}  // namespace muster::config
