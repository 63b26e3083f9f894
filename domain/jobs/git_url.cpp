// Taking git URLs apart, and refusing what git would do more with than fetch.
#include <algorithm>
#include <array>

#include "base/json.hpp"
#include "domain/jobs/source.hpp"
#include "domain/jobs/words.hpp"
#include "domain/names.hpp"

namespace muster::jobs {
namespace {

constexpr std::array<std::string_view, 4> kRemote{"https", "http", "git", "ssh"};

Error refused(std::string_view url, std::string_view why) {
  return {"source.not.allowed", "the git URL \"" + shown(url) + "\" " + std::string(why)};
}

bool odd(char c) {
  return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f || c == '\\';
}

bool is_user(std::string_view user) {
  return !user.empty() && user[0] != '-' && std::all_of(user.begin(), user.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  });
}

/// `[user@]host[:port]` of `url`.
Result<std::string> host_of(std::string_view url, std::string_view authority) {
  if (const size_t at = authority.rfind('@'); at != std::string_view::npos) {
    const auto user = authority.substr(0, at);
    if (user.find(':') != std::string_view::npos)
      return Error{"source.not.allowed", "the git URL has a password, which everybody would see"};
    if (!is_user(user)) return refused(url, "has a user that is not one");
    authority = authority.substr(at + 1);
  }
  auto host = lower_case(authority);
  if (!is_registry(host)) return refused(url, "has a host that is not host or host:port");
  return host;
}

Result<GitUrl> remote(std::string_view url, std::string_view scheme, std::string_view rest) {
  const size_t slash = rest.find('/');
  if (slash == std::string_view::npos || slash + 1 == rest.size()) return refused(url, "has no path");
  auto host = host_of(url, rest.substr(0, slash));
  if (!host) return host.error();
  if (rest[slash + 1] == '-') return refused(url, "has a path that begins with a dash");
  return GitUrl{std::string(scheme), *host, std::string(rest.substr(slash))};
}

/// `file:///path` and `file://localhost/path`: `rest` is what follows the `file:`.
Result<GitUrl> file(std::string_view url, std::string_view rest) {
  if (rest.starts_with("//localhost/")) rest.remove_prefix(11);
  if (rest.starts_with("///")) rest.remove_prefix(2);
  if (!is_absolute_path(rest) || rest.starts_with("//") || rest.find('%') != std::string_view::npos)
    return refused(url, "is no absolute path without '..' and '%', which git would decode");
  return GitUrl{"file", "", std::string(rest)};
}

/// `[user@]host:path`, as ssh has it: a colon before any slash.
Result<GitUrl> short_form(std::string_view url, size_t colon) {
  auto host = host_of(url, url.substr(0, colon));
  if (!host) return host.error();
  const auto path = url.substr(colon + 1);
  if (path.empty() || path[0] == '-') return refused(url, "has no path, or one that begins with a dash");
  return GitUrl{"ssh", *host, std::string(path)};
}

}  // namespace

Result<GitUrl> parse_git_url(std::string_view url) {
  if (url.empty() || url.size() > names::kMaxUrl) return refused(url, "is empty or too long");
  if (std::any_of(url.begin(), url.end(), odd)) return refused(url, "has a space, control character or '\\'");
  if (url[0] == '-') return refused(url, "begins with a dash: git would read it as an option");
  const size_t colon = url.find(':'), slash = url.find('/');
  if (colon == std::string_view::npos || slash < colon) return file(url, url);
  if (url.substr(colon).starts_with("::")) return refused(url, "names a remote helper, which runs a program");
  const auto scheme = lower_case(url.substr(0, colon));
  if (scheme == "file") return file(url, url.substr(colon + 1));
  if (!url.substr(colon).starts_with("://")) return short_form(url, colon);
  if (std::find(kRemote.begin(), kRemote.end(), scheme) == kRemote.end())
    return refused(url, "must begin with https, http, git, ssh or file");
  return remote(url, scheme, url.substr(colon + 3));
}

Status allow_git_host(const GitUrl& url, const std::vector<std::string>& hosts) {
  if (url.scheme == "file") return Done{};
  const size_t port = url.host.rfind(':');
  const bool bracketed = url.host.ends_with(']');
  const std::string name = bracketed ? url.host : url.host.substr(0, port);
  for (const auto& allowed : hosts)
    if (const auto known = lower_case(allowed); known == url.host || known == name) return Done{};
  return Error{"source.not.allowed",
               "the git host " + url.host + " is not among those that FLWD_ALLOW_GIT_HOSTS allows"};
}

std::string ref_fault(std::string_view ref) {
  if (ref.empty()) return "must not be empty";
  if (ref.size() > kMaxRef) return "is longer than " + std::to_string(kMaxRef) + " bytes";
  if (ref[0] == '-') return "begins with a dash: git would read it as an option";
  if (!is_utf8(ref)) return "is not UTF-8";
  const bool bad_character = std::any_of(ref.begin(), ref.end(), [](char c) {
    return odd(c) || std::string_view("~^:?*[").find(c) != std::string_view::npos;
  });
  const bool bad_form =
    ref.find("..") != std::string_view::npos || ref.find("@{") != std::string_view::npos ||
    ref.find("//") != std::string_view::npos || ref.find("/.") != std::string_view::npos || ref[0] == '/' ||
    ref[0] == '.' || ref.ends_with('/') || ref.ends_with('.') || ref.ends_with(".lock") || ref == "@";
  return bad_character || bad_form ? "must be the name of a branch or tag, or a commit" : "";
}

}  // namespace muster::jobs
