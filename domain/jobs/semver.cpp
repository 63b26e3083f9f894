// Versions as Semantic Versioning writes them: 1.2.3-rc.1+build.5.
#include <algorithm>

#include "domain/jobs/addon_manifest.hpp"

namespace muster::jobs {
namespace {

constexpr size_t kMaxVersion = 256;

bool digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_number(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), digit) &&
         (text.size() == 1 || text[0] != '0');
}

/// Letters, digits and dashes between dots; in front of a `+`, numbers have no leading zero.
bool are_identifiers(std::string_view text, bool zeros) {
  for (size_t from = 0; from <= text.size();) {
    const size_t end = std::min(text.find('.', from), text.size());
    const auto part = text.substr(from, end - from);
    const bool fine = !part.empty() && std::all_of(part.begin(), part.end(), [](char c) {
      return digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
    });
    if (!fine || (!zeros && std::all_of(part.begin(), part.end(), digit) && !is_number(part))) return false;
    from = end + 1;
  }
  return true;
}

}  // namespace

bool is_semver(std::string_view text) {
  if (text.size() > kMaxVersion) return false;
  if (const size_t plus = text.find('+'); plus != std::string_view::npos) {
    if (!are_identifiers(text.substr(plus + 1), true)) return false;
    text = text.substr(0, plus);
  }
  if (const size_t dash = text.find('-'); dash != std::string_view::npos) {
    if (!are_identifiers(text.substr(dash + 1), false)) return false;
    text = text.substr(0, dash);
  }
  const size_t first = text.find('.');
  if (first == std::string_view::npos) return false;
  const size_t second = text.find('.', first + 1);
  if (second == std::string_view::npos) return false;
  return is_number(text.substr(0, first)) && is_number(text.substr(first + 1, second - first - 1)) &&
         is_number(text.substr(second + 1));
}

}  // namespace muster::jobs
