// One entry of the node's own log, made of named members, in the form that the log has: JSON or text.
#pragma once

#include <concepts>
#include <string>
#include <string_view>

#include "base/json.hpp"

namespace muster::http {

/// `"message":"request","status":200` as JSON, `request status=200` as text. What a caller chose is written
/// as a JSON string in both forms: it cannot end the line.
class LogLine {
public:
  /// Writes into `line`, which outlives it and is emptied first.
  LogLine(std::string& line, bool json, std::string_view message) : line_(line), json_(json) {
    line_.clear();
    line_.append(json_ ? "\"message\":\"" : "").append(message).append(json_ ? "\"" : "");
  }

  LogLine& text(std::string_view name, std::string_view value) {
    append_json_string(begin(name), is_utf8(value) ? value : "(not UTF-8)");
    return *this;
  }
  LogLine& number(std::string_view name, std::integral auto value) {
    begin(name).append(std::to_string(value));
    return *this;
  }
  LogLine& truth(std::string_view name, bool value) {
    begin(name).append(value ? "true" : "false");
    return *this;
  }

private:
  std::string& begin(std::string_view name) {
    return line_.append(json_ ? ",\"" : " ").append(name).append(json_ ? "\":" : "=");
  }
  std::string& line_;
  bool json_;
};

}  // namespace muster::http
