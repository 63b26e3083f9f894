// Plan templates, the environment profile, and which plan each node was given.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "events/fields.hpp"

namespace muster::plans {

/// A template file was read and is in use.
struct TemplateLoaded {
  static constexpr std::string_view type = "plan.template_loaded";
  std::string file;        ///< Name inside the plans folder: server.yaml.
  std::string generation;  ///< SHA-256 of the apps' canonical JSON, hex.
  RawJson apps;

  [[nodiscard]] std::string stream() const { return "template/" + file; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("file", self.file);
    visit("generation", self.generation);
    visit("apps", self.apps);
  }
  bool operator==(const TemplateLoaded&) const = default;
};

/// A template file is missing or broken; the last good one, if any, stays in use.
struct TemplateRejected {
  static constexpr std::string_view type = "plan.template_rejected";
  std::string file, reason;

  [[nodiscard]] std::string stream() const { return "template/" + file; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("file", self.file);
    visit("reason", self.reason);
  }
  bool operator==(const TemplateRejected&) const = default;
};

/// A node was given another plan than before.
struct Issued {
  static constexpr std::string_view type = "plan.issued";
  std::string node;
  std::string file;        ///< The template, empty when none matched.
  std::string generation;  ///< Of the node's plan.
  std::string role;
  std::vector<std::string> services;
  uint64_t epoch = 0;

  [[nodiscard]] std::string stream() const { return "plan/" + node; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node);
    visit("file", self.file);
    visit("generation", self.generation);
    visit("role", self.role);
    visit("services", self.services);
    visit("epoch", self.epoch);
  }
  bool operator==(const Issued&) const = default;
};

struct ProfileLoaded {
  static constexpr std::string_view type = "profile.loaded";
  std::string generation;
  RawJson document;

  [[nodiscard]] std::string stream() const { return "profile"; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("generation", self.generation);
    visit("document", self.document);
  }
  bool operator==(const ProfileLoaded&) const = default;
};

struct ProfileRejected {
  static constexpr std::string_view type = "profile.rejected";
  std::string reason;

  [[nodiscard]] std::string stream() const { return "profile"; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("reason", self.reason);
  }
  bool operator==(const ProfileRejected&) const = default;
};

using Event = std::variant<TemplateLoaded, TemplateRejected, Issued, ProfileLoaded, ProfileRejected>;

}  // namespace muster::plans
