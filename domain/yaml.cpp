// Builds the JSON value from the parser's events: limits hold before anything is stored.
#include "domain/yaml.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <sstream>
#include <utility>
#include <vector>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include "domain/names.hpp"

namespace muster::yaml {
namespace {

/// Thrown out of the parser's callbacks; never leaves parse().
struct Refused {
  std::string pointer;
  int line;
  std::string message;
};

size_t count_nodes(const Json& value) {
  size_t n = 1;
  if (value.is_structured())
    for (const auto& item : value) n += count_nodes(item);
  return n;
}

size_t depth_of(const Json& value) {
  size_t deepest = 0;
  if (!value.is_structured()) return 0;
  for (const auto& item : value) deepest = std::max(deepest, depth_of(item));
  return deepest + 1;
}

Json plain_scalar(const std::string& text) {
  if (text == "true") return true;
  if (text == "false") return false;
  if (text.empty() || text == "null" || text == "~") return nullptr;
  const bool negative = text[0] == '-';
  const bool leading_zero = text[negative] == '0' && text.size() > (negative ? 0U : 1U);
  int64_t number = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (ec == std::errc{} && end == text.data() + text.size() && !leading_zero) return number;
  return text;
}

class Builder : public YAML::EventHandler {
public:
  explicit Builder(const Limits& limits) : limits_(limits) {}

  Document take() { return std::move(document_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (std::exchange(started_, true)) refuse(mark, "has more than one document");
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { leaf(mark, anchor, nullptr); }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    if (!is_utf8(text)) refuse(mark, "is not UTF-8");
    if (tag != "?" && tag != "!" && tag != "" && tag != "tag:yaml.org,2002:str")
      refuse(mark, "has a tag, which is not supported");
    if (expects_key()) return take_key(mark, text);
    leaf(mark, anchor, tag == "?" ? plain_scalar(text) : Json(text));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) refuse(mark, "is an alias of something that is not complete");
    if (open_.size() + depth_of(found->second) > limits_.depth) too_deep(mark);
    nodes_ += count_nodes(found->second) - 1;
    leaf(mark, 0, found->second);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, anchor, Json::array());
  }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, anchor, Json::object());
  }
  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override { close(); }

private:
  struct Open {
    Json value;
    YAML::anchor_t anchor;
    std::string pointer;
    int line;
    std::optional<std::string> key{};
  };

  static int line(const YAML::Mark& mark) { return mark.line + 1; }
  static Document::Place place_of(const YAML::Mark& mark) { return {mark.line + 1, mark.column + 1}; }

  [[noreturn]] void refuse(const YAML::Mark& mark, std::string message) const {
    throw Refused{open_.empty() ? "" : open_.back().pointer, line(mark), std::move(message)};
  }
  [[noreturn]] void too_deep(const YAML::Mark& mark) const {
    refuse(mark, "nests deeper than " + std::to_string(limits_.depth) + " levels");
  }

  [[nodiscard]] bool expects_key() const {
    return !open_.empty() && open_.back().value.is_object() && !open_.back().key;
  }

  void count(const YAML::Mark& mark) {
    if (++nodes_ > limits_.nodes)
      refuse(mark, "has more than " + std::to_string(limits_.nodes) + " nodes, aliases included");
  }

  void take_key(const YAML::Mark& mark, const std::string& key) {
    count(mark);
    auto& map = open_.back();
    if (map.value.contains(key)) refuse(mark, "has the key \"" + key.substr(0, 64) + "\" twice");
    if (map.value.size() >= limits_.keys)
      refuse(mark, "has more than " + std::to_string(limits_.keys) + " keys in one map");
    map.key = key;
  }

  /// Where the value that comes next will be.
  [[nodiscard]] std::string next_pointer() const {
    if (open_.empty()) return "";
    const auto& parent = open_.back();
    return parent.value.is_array() ? names::pointer_to(parent.pointer, parent.value.size())
                                   : names::pointer_to(parent.pointer, parent.key.value_or(""));
  }

  void leaf(const YAML::Mark& mark, YAML::anchor_t anchor, Json value) {
    if (expects_key()) refuse(mark, "has a key that is not a plain string");
    count(mark);
    document_.places.emplace(next_pointer(), place_of(mark));
    place(anchor, std::move(value));
  }

  void open(const YAML::Mark& mark, YAML::anchor_t anchor, Json value) {
    if (expects_key()) refuse(mark, "has a key that is not a plain string");
    count(mark);
    if (open_.size() >= limits_.depth) too_deep(mark);
    auto at = next_pointer();
    document_.places.emplace(at, place_of(mark));
    open_.push_back({std::move(value), anchor, std::move(at), line(mark)});
  }

  void close() {
    auto done = std::move(open_.back());
    open_.pop_back();
    place(done.anchor, std::move(done.value));
  }

  void place(YAML::anchor_t anchor, Json value) {
    if (anchor != 0) anchors_[anchor] = value;
    if (open_.empty()) {
      document_.value = std::move(value);
    } else if (auto& parent = open_.back(); parent.value.is_array()) {
      parent.value.push_back(std::move(value));
    } else {
      parent.value[*parent.key] = std::move(value);
      parent.key.reset();
    }
  }

  const Limits limits_;
  Document document_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Json> anchors_;
  size_t nodes_ = 0;
  bool started_ = false;
};

Error bad(std::string pointer, int line, const std::string& message) {
  const std::string text = (line > 0 ? "line " + std::to_string(line) + ": " : "") + message;
  return Error{"bad.yaml", text, {{std::move(pointer), text}}};
}

}  // namespace

int Document::line_of(std::string_view pointer) const {
  for (std::string at(pointer);; at.resize(at.rfind('/'))) {
    if (const auto found = places.find(at); found != places.end()) return found->second.line;
    if (at.empty() || at.rfind('/') == std::string::npos) return 0;
  }
}

Result<Document> parse(std::string_view text, const Limits& limits) {
  if (text.size() > limits.bytes)
    return bad("", 0, "is larger than " + std::to_string(limits.bytes / 1024) + " KiB");
  if (!is_utf8(text)) return bad("", 0, "is not UTF-8");
  if (const auto nul = text.find('\0'); nul != std::string_view::npos)  // The parser would stop there.
    return bad(
      "",
      static_cast<int>(1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(nul), '\n')),
      "has a NUL character");
  try {
    std::istringstream in{std::string(text)};
    YAML::Parser parser(in);
    Builder builder(limits);
    if (!parser.HandleNextDocument(builder)) return bad("", 0, "is empty");
    parser.HandleNextDocument(builder);  // Refuses a second one.
    return builder.take();
  } catch (const Refused& e) {
    return bad(e.pointer, e.line, e.message);
  } catch (const YAML::Exception& e) {
    return bad("", e.mark.line + 1, "is not YAML: " + e.msg);
  } catch (const std::exception& e) {
    return bad("", 0, std::string("is not YAML: ") + e.what());
  }
}

Error refusal(std::string code, std::string_view file, std::vector<FieldError> faults,
              const Document& document) {
  for (auto& fault : faults)
    if (const int line = document.line_of(fault.pointer); line > 0)
      fault.message = "line " + std::to_string(line) + ": " + fault.message;
  const auto& first = faults.front();
  std::string detail =
    std::string(file) + ": " + first.pointer + (first.pointer.empty() ? "" : " ") + first.message;
  if (faults.size() > 1) detail += " (and " + std::to_string(faults.size() - 1) + " more)";
  return Error{std::move(code), std::move(detail), std::move(faults)};
}

}  // namespace muster::yaml
