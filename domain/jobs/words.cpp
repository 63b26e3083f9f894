// Capabilities, network modes and paths, character by character.
#include "domain/jobs/words.hpp"

#include <algorithm>

namespace muster::jobs {
namespace {

constexpr size_t kMaxCapability = 64, kMaxNetwork = 128, kMaxShown = 80;

bool letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

}  // namespace

std::string lower_case(std::string_view text) {
  std::string made(text);
  for (char& c : made)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return made;
}

std::string shown(std::string_view text) {
  std::string made(text.substr(0, kMaxShown));
  for (char& c : made)
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f) c = '?';
  if (text.size() > kMaxShown) made += "...";
  return made;
}

std::optional<std::string> capability_name(std::string_view text) {
  if (text.size() > kMaxCapability) return std::nullopt;
  std::string name(text);
  for (char& c : name) {
    if (!letter_or_digit(c) && c != '_') return std::nullopt;
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  }
  if (name.starts_with("CAP_")) name.erase(0, 4);
  if (name.empty() || name[0] < 'A' || name[0] > 'Z') return std::nullopt;
  return name;
}

bool is_network(std::string_view text) {
  return !text.empty() && text.size() <= kMaxNetwork && letter_or_digit(text[0]) &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return letter_or_digit(c) || std::string_view("_.-:=/").find(c) != std::string_view::npos;
         });
}

bool is_absolute_path(std::string_view text) {
  if (!text.starts_with('/') || text.find('\0') != std::string_view::npos) return false;
  for (size_t from = 1; from <= text.size();) {
    const size_t end = std::min(text.find('/', from), text.size());
    if (text.substr(from, end - from) == "..") return false;
    from = end + 1;
  }
  return true;
}

}  // namespace muster::jobs
