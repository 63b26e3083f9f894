// A job: a folder of scripts with a small YAML beside it, as the YAML says.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

namespace muster::jobs {

/// One argument, as `argspec.args` or the older `arguments` map describes it. Types and formats are kept as
/// they are written: what cannot be bound is said when somebody tries to.
struct Arg {
  std::string name;
  std::string type = "string";  ///< string, integer, boolean, array or object.
  std::string format;           ///< path, file, directory or secret; the first three are not checked.
  bool secret = false;          ///< Said so, or of the format `secret`.
  bool required = false;
  std::optional<Json> otherwise;  ///< Its `default`.
  std::string description;
  std::vector<std::string> choices;       ///< `enum`.
  std::string items_type;                 ///< Of an array; empty: string.
  std::vector<std::string> item_choices;  ///< `items_enum`.
  std::string value_type;                 ///< Of an object; empty: string.
};

/// How much a script may take; empty: as much as the policy allows.
struct Resources {
  std::string cpu;     ///< `500m`, or cores: `1.5`.
  std::string memory;  ///< `512Mi`, `1g`, or bytes.
};

/// What is absent was not given: a step's settings go over its job's member by member.
struct Container {
  std::string image, network;
  std::optional<Resources> resources;
  std::optional<bool> rootfs_writable;
  std::optional<std::vector<std::string>> capabilities, extra_args, entrypoint;
};

struct Step {
  std::string id, name;
  std::string script;  ///< Relative to the job's folder.
  std::string executor;
  std::vector<std::string> needs;  ///< Ids of steps that have to succeed before.
  std::optional<Container> container;
};

enum class OnError : uint8_t { abort, go_on, retry };

struct ErrorHandling {
  OnError policy = OnError::abort;
  uint64_t retries = 0;    ///< More attempts, at most.
  uint64_t backoff_s = 0;  ///< Between two attempts.
};

/// Runs of one group do not run together.
struct Concurrency {
  enum class Policy : uint8_t { queue, skip, cancel_running };
  std::string group;
  Policy policy = Policy::queue;
};

/// Which nodes may run it; empty: the one that was asked.
struct Placement {
  std::string role;
  std::map<std::string, std::string> labels;
  [[nodiscard]] bool anywhere() const { return role.empty() && labels.empty(); }
};

struct Job {
  std::string id, name, summary;
  std::string folder;  ///< Relative to its source's root, with `/`; "" is the root itself.
  std::string interpreter;
  std::string executor;  ///< proc or container, in lower case; empty: not said.
  std::map<std::string, std::string> env;
  uint64_t timeout_s = 0;  ///< Of the whole run; 0: none.
  ErrorHandling error_handling;
  bool env_inheritance = false;
  bool stepped = false;  ///< `composition: steps`, with steps.
  std::vector<Step> steps;
  std::optional<Container> container;
  std::vector<Arg> args;
  Concurrency concurrency;
  Placement placement;
  int64_t priority = 0;  ///< Higher ones leave the queue first.
};

/// A file that could not be read as it should.
struct Fault {
  std::string path, error;
};

/// A secret's value wherever people and logs look.
constexpr std::string_view kSecretShown = "[secret]";

/// An argument that was bound: its value as the scripts get it.
struct Bound {
  const Arg* arg = nullptr;  ///< Of the job that was asked for; outlives this.
  Json value;                ///< string, integer, boolean, array of strings, object of strings.
};
using Arguments =
  std::vector<Bound>;  ///< In the order of the job's own list; what was not given is not there.

}  // namespace muster::jobs
