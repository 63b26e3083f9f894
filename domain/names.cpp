// Checking ids and fields, character by character: ids end in paths, logs and terminals.
#include "domain/names.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

namespace muster::names {
namespace {

std::string too_long(size_t limit) {
  return "is longer than " + std::to_string(limit) + " bytes";
}

/// The next code point of well-formed UTF-8, moving `pos` on.
uint32_t next_char(std::string_view text, size_t& pos) {
  const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(text[i])); };
  const uint32_t first = byte(pos);
  const size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  constexpr std::array<uint32_t, 5> kMask{0, 0x7f, 0x1f, 0x0f, 0x07};
  uint32_t c = first & kMask[length];
  for (size_t i = 1; i < length; i++) c = (c << 6) | (byte(pos + i) & 0x3f);
  pos += length;
  return c;
}

bool between(uint32_t c, uint32_t low, uint32_t high) {
  return c >= low && c <= high;
}

/// Controls, line separators, private characters, and what is drawn as nothing or turns the direction of
/// writing: in a table or a terminal they make one id pass for another.
bool unprintable(uint32_t c) {
  return c < 0x20 || between(c, 0x7f, 0x9f) || c == 0xad || between(c, 0x200b, 0x200f) ||
         between(c, 0x2028, 0x202e) || between(c, 0x2060, 0x206f) || c == 0xfeff ||
         between(c, 0xfff0, 0xfffb) || (c & 0xfffe) == 0xfffe || between(c, 0xe000, 0xf8ff) || c >= 0xe0000;
}

bool is_space(uint32_t c) {
  return c == ' ' || c == 0xa0 || c == 0x1680 || between(c, 0x2000, 0x200a) || c == 0x202f || c == 0x205f ||
         c == 0x3000;
}

struct Scan {
  size_t chars = 0;
  bool unprintable = false;
  bool slash = false;
  bool space_at_end = false;
};

std::optional<Scan> scan(std::string_view text) {
  if (!is_utf8(text)) return std::nullopt;
  Scan seen;
  bool space = false;
  for (size_t pos = 0; pos < text.size(); seen.chars++) {
    const uint32_t c = next_char(text, pos);
    seen.unprintable |= unprintable(c);
    seen.slash |= c == '/';
    space = is_space(c);
    if (seen.chars == 0) seen.space_at_end = space;
  }
  seen.space_at_end |= space;
  return seen;
}

std::string text_fault(std::string_view text) {
  if (text.size() > kMaxText) return too_long(kMaxText);
  if (text.find('\0') != std::string_view::npos) return "has a NUL character";
  return {};
}

bool valid_port(std::string_view port) {
  if (port.empty() || port.size() > 5) return false;
  int value = 0;
  for (const char c : port) {
    if (c < '0' || c > '9') return false;
    value = value * 10 + (c - '0');
  }
  return value >= 1 && value <= 65535;
}

bool valid_host(std::string_view host) {
  if (host.empty() || host.size() > 255) return false;
  if (host.front() == '[') {
    return host.size() > 2 && host.back() == ']' && std::all_of(host.begin() + 1, host.end() - 1, [](char c) {
             return c == ':' || c == '.' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
                    (c >= 'A' && c <= 'F');
           });
  }
  return std::all_of(host.begin(), host.end(), [](char c) {
    return c == '-' || c == '.' || c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z');
  });
}

/// host[:port] without user information.
bool valid_authority(std::string_view authority) {
  const auto bracket = authority.rfind(']');
  const auto colon = authority.rfind(':');
  if (colon == std::string_view::npos || (bracket != std::string_view::npos && colon < bracket))
    return valid_host(authority);
  return valid_host(authority.substr(0, colon)) && valid_port(authority.substr(colon + 1));
}

}  // namespace

std::string id_fault(std::string_view text) {
  if (text.empty()) return "is required";
  if (text.size() > 4 * kMaxId) return "is longer than " + std::to_string(kMaxId) + " characters";
  const auto seen = scan(text);
  if (!seen) return "is not UTF-8";
  if (seen->chars > kMaxId) return "is longer than " + std::to_string(kMaxId) + " characters";
  if (seen->unprintable) return "has a control or invisible character";
  if (seen->slash) return "must not contain '/'";
  if (seen->space_at_end) return "begins or ends with a space";
  if (text == "." || text == "..") return "must not be \".\" or \"..\"";
  return {};
}

std::string line_fault(std::string_view text, size_t limit) {
  if (text.size() > limit) return too_long(limit);
  if (!is_utf8(text)) return "is not UTF-8";
  if (std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }))
    return "has a control character";
  return {};
}

std::string url_fault(std::string_view text) {
  if (text.empty()) return "is required";
  if (text.size() > kMaxUrl) return too_long(kMaxUrl);
  const size_t scheme = text.starts_with("http://") ? 7 : text.starts_with("https://") ? 8 : 0;
  if (scheme == 0) return "must begin with http:// or https://";
  const bool ascii = std::all_of(text.begin(), text.end(), [](char ch) { return ch > ' ' && ch < 0x7f; });
  if (!ascii) return "has a space, a control or a character beyond ASCII";
  const auto authority = text.substr(scheme, text.find_first_of("/?#", scheme) - scheme);
  if (authority.empty() || authority.front() == ':') return "names no host";
  if (authority.find('@') != std::string_view::npos) return "must not carry a user name or password";
  return valid_authority(authority) ? "" : "has no valid host or port";
}

std::string pointer_to(std::string_view pointer, std::string_view key) {
  std::string path(pointer);
  path += '/';
  for (const char c : key) {
    if (c == '~')
      path += "~0";
    else if (c == '/')
      path += "~1";
    else
      path += c;
  }
  return path;
}

std::string pointer_to(std::string_view pointer, size_t index) {
  return std::string(pointer) + '/' + std::to_string(index);
}

void Check::fault(std::string pointer, std::string message) {
  if (faults_.size() < kMaxFieldErrors) faults_.push_back({std::move(pointer), std::move(message)});
}

void Check::id(std::string pointer, std::string_view value) {
  if (auto why = id_fault(value); !why.empty()) fault(std::move(pointer), std::move(why));
}

void Check::text(std::string pointer, std::string_view value) {
  if (auto why = text_fault(value); !why.empty()) fault(std::move(pointer), std::move(why));
}

void Check::required(std::string pointer, std::string_view value) {
  if (value.empty())
    fault(std::move(pointer), "is required");
  else
    text(std::move(pointer), value);
}

void Check::url(std::string pointer, std::string_view value) {
  if (auto why = url_fault(value); !why.empty()) fault(std::move(pointer), std::move(why));
}

void Check::list(std::string pointer, const std::vector<std::string>& value) {
  if (value.size() > kMaxEntries)
    return fault(std::move(pointer), "has more than " + std::to_string(kMaxEntries) + " entries");
  for (size_t i = 0; i < value.size(); i++)
    if (auto why = text_fault(value[i]); !why.empty()) fault(pointer_to(pointer, i), std::move(why));
}

void Check::map(std::string pointer, const StringMap& value) {
  if (value.size() > kMaxEntries)
    return fault(std::move(pointer), "has more than " + std::to_string(kMaxEntries) + " entries");
  for (const auto& [key, entry] : value) {
    if (auto why = text_fault(key); !why.empty()) fault(pointer, std::move(why));
    if (auto why = text_fault(entry); !why.empty()) fault(pointer_to(pointer, key), std::move(why));
  }
}

void Check::object(std::string pointer, const RawJson& value, size_t limit) {
  if (value.text.empty()) return;
  if (value.text.front() != '{')
    fault(std::move(pointer), "must be an object");
  else if (value.text.size() > limit)
    fault(std::move(pointer), too_long(limit));
}

void Check::one_of(std::string pointer, std::string_view value,
                   const std::vector<std::string_view>& allowed) {
  if (std::find(allowed.begin(), allowed.end(), value) != allowed.end()) return;
  std::string message = "must be one of";
  for (const auto& option : allowed) message.append(" ").append(option);
  fault(std::move(pointer), std::move(message));
}

Status Check::done() {
  if (faults_.empty()) return Done{};
  std::string detail;
  for (const auto& fault : faults_) {
    if (!detail.empty()) detail += "; ";
    detail += fault.pointer + " " + fault.message;
    if (detail.size() > 400) break;
  }
  return Error{"field.invalid", std::move(detail), std::move(faults_)};
}

}  // namespace muster::names
