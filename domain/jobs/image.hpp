// Names of container images: which registry one comes from, and what exactly is to be run.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace muster::jobs {

constexpr size_t kMaxImage = 512;  ///< Bytes of a whole reference.

/// Where an image without a registry comes from.
constexpr std::string_view kDefaultHub = "docker.io";

struct Image {
  std::string registry;    ///< Lower-case host[:port]; kDefaultHub when none was written.
  std::string repository;  ///< The path there: `library/alpine`.
  std::string tag;         ///< Empty: not written.
  std::string digest;      ///< `sha256:...`; empty: not written.

  /// The whole reference, registry included. This is what runs: a runtime that gets a short name looks it up
  /// in its own list of registries, and might find another image than the one that was judged.
  [[nodiscard]] std::string full() const;
  /// `registry/repository@digest`.
  [[nodiscard]] std::string pinned(std::string_view digest) const;
  bool operator==(const Image&) const = default;
};

/// Reads `[registry/]path[:tag][@digest]`. The first of several parts is a registry if it has a `.` or `:` or
/// is `localhost`; a single part never is, so `alpine:3.20` is of the default hub (contract, section 10).
/// Error: `E_IMAGE_POLICY`. A transport (`oci:`, `dir:`, `docker://`), an image's id and whatever begins with
/// a dash are no references.
Result<Image> parse_image(std::string_view text);

/// True for `host` or `host:port` in lower case, IPv6 in brackets.
[[nodiscard]] bool is_registry(std::string_view text);

/// The digest that `image inspect` printed: `Digest`, else what follows the `@` of a repository digest,
/// preferably one of `image`'s own repository. Error: `E_OCI`.
Result<std::string> digest_from_inspect(std::string_view json, const Image& image);

}  // namespace muster::jobs
