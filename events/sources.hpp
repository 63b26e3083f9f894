// Sources: where jobs come from besides the node's own folder.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "events/fields.hpp"

namespace muster::sources {

/// Another name that the source's own file gives one of its jobs.
struct Alias {
  std::string from, to, description;
  bool operator==(const Alias&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("from", self.from);
    visit("to", self.to);
    visit("description", self.description);
  }
};

/// A source is as this says from now on; one of the same name is replaced.
struct Added {
  static constexpr std::string_view type = "source.added";
  std::string name;
  std::string kind;  ///< local, git or oci.
  std::string ref, resolved_ref, resolved_commit, url;
  RawJson trust;
  std::vector<Alias> aliases;
  RawJson metadata;
  std::string digest;
  std::string pull_policy;  ///< on-add, on-run or never; empty: does not apply.
  std::optional<bool> verify_signatures;
  RawJson provenance;
  std::string expose;  ///< none, read or readwrite.

  [[nodiscard]] std::string stream() const { return "source/" + name; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("name", self.name);
    visit("type", self.kind);
    visit("ref", self.ref);
    visit("resolved_ref", self.resolved_ref);
    visit("resolved_commit", self.resolved_commit);
    visit("url", self.url);
    visit("trust", self.trust);
    visit("aliases", self.aliases);
    visit("metadata", self.metadata);
    visit("digest", self.digest);
    visit("pull_policy", self.pull_policy);
    visit("verify_signatures", self.verify_signatures);
    visit("provenance", self.provenance);
    visit("expose", self.expose);
  }
  bool operator==(const Added&) const = default;
};

/// What the source's ref turned out to be; empty fields stay as they were.
struct Pinned {
  static constexpr std::string_view type = "source.pinned";
  std::string name, resolved_ref, resolved_commit, digest;

  [[nodiscard]] std::string stream() const { return "source/" + name; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("name", self.name);
    visit("resolved_ref", self.resolved_ref);
    visit("resolved_commit", self.resolved_commit);
    visit("digest", self.digest);
  }
  bool operator==(const Pinned&) const = default;
};

/// It is listed no more; its files stay.
struct Removed {
  static constexpr std::string_view type = "source.removed";
  std::string name;

  [[nodiscard]] std::string stream() const { return "source/" + name; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("name", self.name);
  }
  bool operator==(const Removed&) const = default;
};

using Event = std::variant<Added, Pinned, Removed>;

}  // namespace muster::sources
