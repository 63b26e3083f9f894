// What a node that serves leaves in its data folder, so that command lines on the same machine find it.
#pragma once

#include <optional>
#include <string>

#include "base/result.hpp"

namespace muster::app {

/// What a command line is told of a node.
struct Served {
  std::string url;
  std::string scripts;  ///< Its own tree of scripts; absolute when it is read.
};

/// `<data>/serving.json` says where this process is asked, for as long as this lives: the file is locked
/// meanwhile, and whoever reads it believes it only then. So a process that was killed leaves nothing behind
/// that anybody asks, and a second one on the folder takes nothing away from the first.
class Serving {
public:
  Serving() = default;
  Serving(const Serving&) = delete;
  Serving& operator=(const Serving&) = delete;
  ~Serving() { end(); }

  /// Error: `internal`.
  Status begin(const std::string& data, const Served& served);
  void end();

private:
  int file_ = -1;
  std::string path_;
};

/// The node that serves the folder now. Nothing: there is none, or the file is not one that only
/// its owner, this user or root, may write: it would name where a token is sent.
[[nodiscard]] std::optional<Served> served_by(const std::string& data);

}  // namespace muster::app
