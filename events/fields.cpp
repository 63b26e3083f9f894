// Reading fields from a parsed document: simdjson's DOM, which checks the whole text before anything is read.
#include "events/fields.hpp"

#include <new>

#include <simdjson.h>

namespace muster {

struct FieldReader::Node {
  simdjson::dom::element element;
};

namespace {

namespace dom = simdjson::dom;

constexpr size_t kKeepPadded = 1 << 20;  // A buffer that one large document made is not kept.

/// A key as a JSON pointer's segment (RFC 6901).
std::string segment(std::string_view key) {
  std::string out = "/";
  for (const char c : key) {
    if (c == '~')
      out += "~0";
    else if (c == '/')
      out += "~1";
    else
      out += c;
  }
  return out;
}

std::string_view type_name(dom::element_type type) {
  switch (type) {
    case dom::element_type::ARRAY:
      return "an array";
    case dom::element_type::OBJECT:
      return "an object";
    case dom::element_type::STRING:
      return "a string";
    case dom::element_type::BOOL:
      return "a boolean";
    case dom::element_type::NULL_VALUE:
      return "null";
    default:
      return "a number";
  }
}

std::string wants(std::string_view what, const dom::element& got) {
  return std::string("must be ").append(what).append(", not ").append(type_name(got.type()));
}

Error not_json(simdjson::error_code code) {
  std::string detail = "bad json: ";
  if (code == simdjson::DEPTH_ERROR)
    detail += "nested deeper than " + std::to_string(kMaxJsonDepth) + " levels";
  else if (code == simdjson::EMPTY)
    detail += "the body is empty";
  else
    detail += simdjson::error_message(code);
  return {"bad.json", std::move(detail), {}};
}

}  // namespace

void FieldReader::refuse(std::string message) {
  if (errors_.size() >= kMaxFieldErrors) return;
  std::string pointer;
  for (const auto* step = at_; step != nullptr; step = step->up)
    pointer.insert(0, step->item ? "/" + std::to_string(step->index) : segment(step->key));
  errors_.push_back({std::move(pointer), std::move(message)});
}

bool FieldReader::is_null(const Node& node) {
  return node.element.is_null();
}

void FieldReader::read(const Node& node, std::string& value) {
  std::string_view text;
  if (node.element.get(text)) return refuse(wants("a string", node.element));
  value = text;
}

void FieldReader::read(const Node& node, bool& value) {
  if (node.element.get(value)) refuse(wants("a boolean", node.element));
}

void FieldReader::read(const Node& node, uint64_t& value) {
  if (!node.element.get(value)) return;
  refuse(node.element.is_number() ? "must be a whole number, not below 0"
                                  : wants("a whole number", node.element));
}

void FieldReader::read(const Node& node, int64_t& value) {
  if (!node.element.get(value)) return;
  refuse(node.element.is_number() ? "must be a whole number" : wants("a whole number", node.element));
}

void FieldReader::read(const Node& node, Time& value) {
  std::string_view text;
  if (node.element.get(text)) return refuse(wants("a time (RFC 3339)", node.element));
  if (const auto time = parse_rfc3339(text))
    value = *time;
  else
    refuse("must be a time as in RFC 3339, such as 2026-01-02T03:04:05Z");
}

void FieldReader::read(const Node& node, RawJson& value) {
  value.text = simdjson::minify(node.element);
}

void FieldReader::read(const Node& node, StringMap& value) {
  dom::object object;
  if (node.element.get(object)) return refuse(wants("an object", node.element));
  value.clear();
  Step step;
  step.up = at_;
  for (const auto& [key, element] : object) {
    std::string_view text;
    if (element.get(text)) {
      step.key = key;
      at_ = &step;
      refuse(wants("a string", element));
      at_ = step.up;
      continue;
    }
    value.insert_or_assign(std::string(key), std::string(text));
  }
}

void FieldReader::each_item(const Node& node, void* into, OnItem visit) {
  dom::array array;
  if (node.element.get(array)) return refuse(wants("an array", node.element));
  Step step;
  step.up = at_;
  step.item = true;
  at_ = &step;
  for (const auto& element : array) {
    visit(*this, Node{element}, into);
    step.index++;
  }
  at_ = step.up;
}

void FieldReader::each_member(const Node& node, void* into, OnMember visit) {
  dom::object object;
  if (node.element.get(object)) return refuse(wants("an object", node.element));
  Step step;
  step.up = at_;
  at_ = &step;
  for (const auto& [key, element] : object) {
    step.key = key;
    if (!visit(*this, key, Node{element}, into) && unknown_ == Unknown::refuse) refuse("is not known");
  }
  at_ = step.up;
}

Status detail::read_document(std::string_view text, Unknown unknown, void* into, ReadRoot read) {
  thread_local dom::parser parser = [] {
    dom::parser fresh;
    if (fresh.allocate(4096, kMaxJsonDepth)) throw std::bad_alloc();
    return fresh;
  }();
  if (text.size() > parser.capacity() && parser.allocate(text.size() * 2, kMaxJsonDepth))
    return Error{"body.too.large", "the document does not fit in memory", {}};
  // The parser reads some bytes beyond the end: it gets a copy that has them, in memory that stays.
  thread_local std::string padded;
  padded.assign(text);
  padded.append(simdjson::SIMDJSON_PADDING, ' ');
  dom::element root;
  const auto code = parser.parse(padded.data(), text.size(), false).get(root);
  if (padded.capacity() > kKeepPadded) padded = std::string{};
  if (code) return not_json(code);
  std::vector<FieldError> errors;
  FieldReader reader{errors, unknown};
  read(reader, FieldReader::Node{root}, into);
  if (errors.empty()) return Done{};
  std::string detail;
  for (const auto& e : errors) {
    if (!detail.empty()) detail += "; ";
    detail += (e.pointer.empty() ? "the body" : e.pointer) + " " + e.message;
    if (detail.size() > 400) break;
  }
  return Error{"field.invalid", std::move(detail), std::move(errors)};
}

}  // namespace muster
