// Reading what FieldWriter wrote, without a document in between: replays and checkpoints are mostly this.
#pragma once

#include <charconv>
#include <string>
#include <string_view>
#include <utility>

#include "events/fields.hpp"

namespace muster {

/// Expects each field where FieldWriter puts it. What is written in any other way - another order, white
/// space, escapes, letters beyond ASCII, unknown members - makes it stop: that is no error, FieldReader reads
/// it.
class CanonicalReader {
public:
  explicit CanonicalReader(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  /// True when the whole text was one such object.
  template <HasFields T>
  [[nodiscard]] bool read_all(T& value) {
    return take(value) && at_ == end_;
  }

  template <size_t N, class T>
  void operator()(const char (&name)[N], T& value) {
    if (!good_ || !member(name, N - 1)) return;
    good_ = take(value);
    first_ = false;
  }

private:
  bool take(std::string& value) {
    std::string_view text;
    if (!plain(text)) return false;
    value = text;
    return true;
  }
  bool take(bool& value) {
    value = literal("true");
    return value || literal("false");
  }
  bool take(uint64_t& value) { return number(value); }
  bool take(int64_t& value) { return number(value); }
  bool take(Time& value);
  bool take(RawJson& value);
  bool take(StringMap& value);
  template <class T>
  bool take(std::optional<T>& value) {
    return take(value.emplace());
  }
  template <class T>
  bool take(std::vector<T>& value) {
    value.clear();
    if (!literal("[")) return false;
    if (literal("]")) return true;
    do {
      if (!take(value.emplace_back())) return false;
    } while (literal(","));
    return literal("]");
  }
  template <HasFields T>
  bool take(T& value) {
    if (literal("{}")) {
      value = T{};
      return true;
    }
    if (!literal("{")) return false;
    const bool outer = std::exchange(first_, true);
    T::fields(value, *this);
    first_ = outer;
    return good_ && literal("}");
  }

  template <class Number>
  bool number(Number& value) {
    const auto [end, failed] = std::from_chars(at_, end_, value);
    const char* digits = at_ + (at_ != end_ && *at_ == '-' ? 1 : 0);
    if (end > digits + 1 && *digits == '0') return false;
    if (failed != std::errc{} || end == end_ || (*end != ',' && *end != '}' && *end != ']')) return false;
    at_ = end;
    return true;
  }
  [[nodiscard]] bool literal(std::string_view expected) {
    if (!std::string_view(at_, static_cast<size_t>(end_ - at_)).starts_with(expected)) return false;
    at_ += expected.size();
    return true;
  }
  /// Moves to the value of the member `name` when it comes next.
  [[nodiscard]] bool member(const char* name, size_t size) {
    const size_t comma = first_ ? 0 : 1;  // `"name":`, with a comma before all but the first.
    if (static_cast<size_t>(end_ - at_) < comma + size + 3 || (comma == 1 && *at_ != ',')) return false;
    const char* quote = at_ + comma;
    if (*quote != '"' || std::char_traits<char>::compare(quote + 1, name, size) != 0 ||
        quote[size + 1] != '"' || quote[size + 2] != ':')
      return false;
    at_ = quote + size + 3;
    return true;
  }
  /// A string of ASCII without escapes.
  [[nodiscard]] bool plain(std::string_view& text);

  const char* at_;
  const char* const end_;
  bool first_ = true;  ///< No member of the present object was there yet.
  bool good_ = true;
};

/// Reads an object that FieldWriter most likely wrote; anything else is read all the same. Errors as
/// from_json_text.
template <HasFields T>
Status from_canonical_text(std::string_view text, T& value) {
  if (CanonicalReader{text}.read_all(value)) return Done{};
  auto read = from_json_text<T>(text);
  if (!read) return read.error();
  value = std::move(*read);
  return Done{};
}

}  // namespace muster
