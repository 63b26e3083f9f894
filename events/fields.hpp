// Structs as JSON: a type names its fields once, and is written and read by them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/container/flat_map.hpp>

#include "base/json.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace muster {

/// JSON text that is kept as it came (minified): for what callers send and we only hand on. Empty: absent.
struct RawJson {
  std::string text;
  bool operator==(const RawJson&) const = default;
};

/// A sorted vector: small maps are copied and compared far more often than they grow.
using StringMap = boost::container::flat_map<std::string, std::string, std::less<>>;

/// A type lists its fields in `template <class Self, class Visit> static void fields(Self& self, Visit&&
/// visit)`, calling visit("name", self.member) for each.
template <class T>
concept HasFields = requires(T& t) {
  T::fields(t, [](const char*, auto&) {});
};

// Writing. Empty strings, lists, maps and optionals are left out; numbers and booleans never.

class FieldWriter {
public:
  explicit FieldWriter(std::string& out) : out_(out) {}

  template <class T>
  void operator()(const char* name, const T& value) {
    if (absent(value)) return;
    out_ += first_ ? "\"" : ",\"";
    first_ = false;
    out_ += name;
    out_ += "\":";
    put(value);
  }

  void put(const std::string& value) { append_json_string(out_, value); }
  void put(bool value) { out_ += value ? "true" : "false"; }
  void put(uint64_t value) { out_ += std::to_string(value); }
  void put(int64_t value) { out_ += std::to_string(value); }
  void put(Time value) { append_json_string(out_, to_rfc3339(value)); }
  void put(const RawJson& value) { out_ += value.text; }
  void put(const StringMap& value) {
    char before = '{';
    for (const auto& [key, text] : value) {
      out_ += before;
      before = ',';
      append_json_string(out_, key);
      out_ += ':';
      append_json_string(out_, text);
    }
    out_ += before == '{' ? "{}" : "}";
  }
  template <class T>
  void put(const std::optional<T>& value) {
    put(*value);
  }
  template <class T>
  void put(const std::vector<T>& value) {
    char before = '[';
    for (const auto& item : value) {
      out_ += before;
      before = ',';
      put(item);
    }
    out_ += before == '[' ? "[]" : "]";
  }
  template <HasFields T>
  void put(const T& value) {
    out_ += '{';
    T::fields(value, FieldWriter{out_});
    out_ += '}';
  }

private:
  static bool absent(const std::string& value) { return value.empty(); }
  static bool absent(const RawJson& value) { return value.text.empty(); }
  static bool absent(const StringMap& value) { return value.empty(); }
  static bool absent(Time value) { return value == Time{}; }
  template <class T>
  static bool absent(const std::vector<T>& value) {
    return value.empty();
  }
  template <class T>
  static bool absent(const std::optional<T>& value) {
    return !value;
  }
  template <class T>
  static bool absent(const T&) {
    return false;
  }

  std::string& out_;
  bool first_ = true;
};

/// Appends `value` as a JSON object.
template <HasFields T>
void append_fields(std::string& out, const T& value) {
  FieldWriter{out}.put(value);
}

template <HasFields T>
[[nodiscard]] std::string to_json_text(const T& value) {
  std::string out;
  append_fields(out, value);
  return out;
}

// Reading.

/// What a reader does with a member that no field is named after.
enum class Unknown : uint8_t { ignore, refuse };

/// No more bad fields than this are named.
constexpr size_t kMaxFieldErrors = 64;

/// A cursor over one parsed JSON document. Reads never throw; what does not fit is noted as a FieldError with
/// its JSON pointer, all of them.
class FieldReader {
public:
  struct Node;  // An element of the parsed document.

  FieldReader(std::vector<FieldError>& errors, Unknown unknown) : errors_(errors), unknown_(unknown) {}

  void read(const Node& node, std::string& value);
  void read(const Node& node, bool& value);
  void read(const Node& node, uint64_t& value);
  void read(const Node& node, int64_t& value);
  void read(const Node& node, Time& value);
  void read(const Node& node, RawJson& value);
  void read(const Node& node, StringMap& value);
  template <class T>
  void read(const Node& node, std::optional<T>& value) {
    if (is_null(node)) return;
    read(node, value.emplace());
  }
  template <class T>
  void read(const Node& node, std::vector<T>& value) {
    value.clear();  // Of a member that comes twice, the last one counts.
    each_item(node, &value, [](FieldReader& self, const Node& item, void* into) {
      self.read(item, static_cast<std::vector<T>*>(into)->emplace_back());
    });
  }
  template <HasFields T>
  void read(const Node& node, T& value) {
    each_member(node, &value, [](FieldReader& self, std::string_view key, const Node& member, void* into) {
      bool known = false;
      T::fields(*static_cast<T*>(into), [&](const char* name, auto& field) {
        if (known || key != name) return;
        known = true;
        self.read(member, field);
      });
      return known;
    });
  }

private:
  /// One step of the JSON pointer to what is being read: a key, or an index where there is none. Written out
  /// only for an error.
  struct Step {
    const Step* up = nullptr;
    std::string_view key;
    size_t index = 0;
    bool item = false;
  };

  using OnItem = void (*)(FieldReader&, const Node&, void*);
  using OnMember = bool (*)(FieldReader&, std::string_view, const Node&, void*);
  void each_item(const Node& node, void* into, OnItem visit);
  void each_member(const Node& node, void* into, OnMember visit);
  static bool is_null(const Node& node);
  void refuse(std::string message);

  std::vector<FieldError>& errors_;
  Unknown unknown_;
  const Step* at_ = nullptr;
};

namespace detail {
using ReadRoot = void (*)(FieldReader&, const FieldReader::Node&, void*);
/// Parses `text` (bad.json when it is not JSON) and hands its root to `read`.
Status read_document(std::string_view text, Unknown unknown, void* into, ReadRoot read);
}  // namespace detail

/// Reads an object. Errors: `bad.json`; `field.invalid` with every bad field.
template <HasFields T>
Result<T> from_json_text(std::string_view text, Unknown unknown = Unknown::ignore) {
  T value;
  auto status = detail::read_document(text, unknown, &value,
                                      [](FieldReader& reader, const FieldReader::Node& root, void* into) {
                                        reader.read(root, *static_cast<T*>(into));
                                      });
  if (!status) return status.error();
  return value;
}

}  // namespace muster
