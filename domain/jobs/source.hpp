// Where jobs come from besides the node's own scripts: what may be asked for with POST /sources.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"
#include "domain/jobs/image.hpp"

namespace muster::jobs {

enum class SourceType : uint8_t { local, git, oci };

/// When an image is pulled. `never` is as `on_run`, but a run does not pull either.
enum class Pull : uint8_t { on_add, on_run, never };

/// What callers see of a source's aliases.
enum class Expose : uint8_t { none, read, readwrite };

[[nodiscard]] std::string_view to_text(SourceType type);
[[nodiscard]] std::string_view to_text(Pull pull);
[[nodiscard]] std::string_view to_text(Expose expose);

/// Reads a pull policy: on-add (`always`), on-run (`ifNotPresent`, `if-not-present`, `if_not_present`),
/// never.
[[nodiscard]] std::optional<Pull> parse_pull(std::string_view text);

constexpr size_t kMaxSourceName = 64;  ///< Bytes: it is a folder's name, and the beginning of job ids.
constexpr size_t kMaxRef = 255;        ///< Bytes of a branch, tag or commit.

struct Source {
  SourceType type = SourceType::local;
  std::string name;
  std::string ref;  ///< A folder as it was written; a branch, tag or commit; an image.
  std::string url;  ///< Of a git repository.
  bool trusted = false;
  Pull pull = Pull::on_add;
  Json trust = Json::object();  ///< Kept and shown, as it came.
  Expose expose = Expose::read;
  bool verify_signatures = false;
};

/// Reads the body of POST /sources (contract, section 11), names included that were not given: the base name
/// of a folder with its spaces as `-`, of a git URL without `.git`, of an image the last part in lower case.
/// Errors: `field.invalid` with every wrong member; `source.not.allowed` for a git URL of a kind that is
/// never allowed; `source.trust.required` for an image that is not said to be trusted.
Result<Source> read_source(const Json& body);

/// The answer's and the listing's members that come from the request; absent ones are left out.
[[nodiscard]] Json to_json(const Source& source);

// --- Folders -----------------------------------------------------------------------------------------------

/// The folder that a source names on this host: a local one's, or of a git URL that is `file:` or a plain
/// path; nothing for the others.
[[nodiscard]] std::optional<std::string> named_folder(const Source& source);

/// Where that folder may be: itself when it is absolute, else below each of `roots`, in their order. The
/// caller takes the first that exists, resolves its links, and asks allow_folder.
[[nodiscard]] std::vector<std::string> candidates(const std::string& folder,
                                                  const std::vector<std::string>& roots);

/// Both absolute with every link resolved: is `folder` one of `roots`, or inside of one? An empty list allows
/// none. Error: `source.not.allowed`.
Status allow_folder(const std::string& folder, const std::vector<std::string>& roots);

// --- Git ---------------------------------------------------------------------------------------------------

/// A git URL, taken apart.
struct GitUrl {
  std::string scheme;  ///< https, http, git, ssh or file; `user@host:path` is ssh, a plain path is file.
  std::string host;    ///< Lower-case host[:port]; empty for file.
  std::string path;
};

/// Error: `source.not.allowed` for another scheme, `ext::` and all other remote helpers, and what begins with
/// a dash (git would read it as an option, `--upload-pack=...`); also for a host, user or port with odd
/// characters and for a password, which the listing would show.
Result<GitUrl> parse_git_url(std::string_view url);

/// Is the host in the list, by its name alone or with its port? An empty list allows none; `file` has no host
/// and is allowed by its folder. Error: `source.not.allowed`.
Status allow_git_host(const GitUrl& url, const std::vector<std::string>& hosts);

/// Why `ref` is no name of a branch, tag or commit, or nothing. Git would take one with a dash in front as an
/// option.
[[nodiscard]] std::string ref_fault(std::string_view ref);

}  // namespace muster::jobs
