// The completion scripts: tools/completions, as part of the program. Each asks `muster __complete` and knows
// nothing about verbs itself.
#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "app/cli/completion.hpp"
#include "base/embedded.hpp"

namespace muster::app {
std::span<const EmbeddedFile> completion_files();  // Made by the build: tools/cmake/embed.cmake.
}

namespace muster::cli {

std::string completion_script(std::string_view shell) {
  using namespace std::string_view_literals;
  static constexpr std::array kFiles = {std::pair{"bash"sv, "muster.bash"sv}, std::pair{"zsh"sv, "_muster"sv},
                                        std::pair{"fish"sv, "muster.fish"sv},
                                        std::pair{"powershell"sv, "muster.ps1"sv}};
  const auto* file =
    std::find_if(kFiles.begin(), kFiles.end(), [&](const auto& one) { return one.first == shell; });
  if (file == kFiles.end()) return {};
  for (const auto& [name, text] : app::completion_files())
    if (name == file->second) return std::string{text};
  return {};
}

}  // namespace muster::cli
