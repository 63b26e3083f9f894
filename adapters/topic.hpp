// Topics and the patterns that match them, as topic exchanges read them.
#pragma once

#include <string_view>

namespace muster {

/// True when the words of `topic`, parted by dots, match those of `pattern`, where `*` is one word and `#`
/// any number of them, none included.
[[nodiscard]] bool topic_matches(std::string_view pattern, std::string_view topic);

}  // namespace muster
