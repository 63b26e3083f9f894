// Checking ids and fields.
#include "domain/names.hpp"

#include <algorithm>

namespace muster::names {
namespace {

std::string too_long(size_t limit) {
  return "is longer than " + std::to_string(limit) + " bytes";
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

std::string url_fault(std::string_view value) {
  if (value.empty()) return "is required";
  if (value.size() > kMaxUrl) return too_long(kMaxUrl);
  const auto scheme = value.starts_with("http://") ? 7 : value.starts_with("https://") ? 8 : 0;
  if (scheme == 0) return "must begin with http:// or https://";
  const auto rest = value.substr(static_cast<size_t>(scheme));
  if (rest.empty() || rest[0] == '/' || rest[0] == ':') return "names no host";
  if (has_control(value) || value.find(' ') != std::string_view::npos)
    return "has a space or a control character";
  return {};
}

}  // namespace

std::string id_fault(std::string_view text) {
  if (text.empty()) return "is required";
  if (text.size() > kMaxId) return too_long(kMaxId);
  if (!is_utf8(text)) return "is not UTF-8";
  if (has_control(text)) return "has a control character";
  if (text.find('/') != std::string_view::npos) return "must not contain '/'";
  if (text.front() == ' ' || text.back() == ' ') return "begins or ends with a space";
  return {};
}

void Check::fault(std::string pointer, std::string message) {
  if (faults_.size() < kMaxFieldErrors) faults_.push_back({std::move(pointer), std::move(message)});
}

void Check::id(std::string pointer, std::string_view value) {
  if (auto why = id_fault(value); !why.empty()) fault(std::move(pointer), std::move(why));
}

void Check::text(std::string pointer, std::string_view value) {
  if (value.size() > kMaxText)
    fault(std::move(pointer), too_long(kMaxText));
  else if (value.find('\0') != std::string_view::npos)
    fault(std::move(pointer), "has a NUL character");
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
  for (size_t i = 0; i < value.size(); i++) text(pointer + "/" + std::to_string(i), value[i]);
}

void Check::map(std::string pointer, const StringMap& value) {
  if (value.size() > kMaxEntries)
    return fault(std::move(pointer), "has more than " + std::to_string(kMaxEntries) + " entries");
  for (const auto& [key, entry] : value) {
    text(pointer, key);
    text(pointer + "/" + key, entry);
  }
}

void Check::object(std::string pointer, const RawJson& value) {
  if (value.text.empty()) return;
  if (value.text.front() != '{')
    fault(std::move(pointer), "must be an object");
  else if (value.text.size() > kMaxObject)
    fault(std::move(pointer), too_long(kMaxObject));
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
