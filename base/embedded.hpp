// A file of the source tree that is part of the binary (tools/cmake/embed.cmake).
#pragma once

#include <string_view>

namespace muster {

struct EmbeddedFile {
  std::string_view name;  ///< Without its folder.
  std::string_view text;
};

}  // namespace muster
