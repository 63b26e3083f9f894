// Reading what FieldWriter wrote, without a document in between: replays and checkpoints are mostly this.
#pragma once

#include <charconv>
#include <cstring>
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
    if (!good_ || !member(name)) return;
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
    if (!next('[')) return false;
    if (next(']')) return true;
    do {
      if (!take(value.emplace_back())) return false;
    } while (next(','));
    return next(']');
  }
  template <HasFields T>
  bool take(T& value) {
    if (literal("{}")) {
      value = T{};
      return true;
    }
    if (!next('{')) return false;
    const bool outer = std::exchange(first_, true);
    T::fields(value, *this);
    first_ = outer;
    return good_ && next('}');
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
  template <size_t N>
  [[nodiscard]] bool literal(const char (&expected)[N]) {
    if (static_cast<size_t>(end_ - at_) < N - 1 || std::memcmp(at_, expected, N - 1) != 0) return false;
    at_ += N - 1;
    return true;
  }
  [[nodiscard]] bool next(char expected) {
    if (at_ == end_ || *at_ != expected) return false;
    at_++;
    return true;
  }
  /// Moves to the value of the member `name` when it comes next.
  template <size_t N>
  [[nodiscard]] bool member(const char (&name)[N]) {
    const size_t comma = first_ ? 0 : 1;  // `"name":`, with a comma before all but the first.
    if (static_cast<size_t>(end_ - at_) < comma + N + 2 || (comma == 1 && *at_ != ',')) return false;
    const char* quote = at_ + comma;
    if (*quote != '"' || std::memcmp(quote + 1, name, N - 1) != 0 || quote[N] != '"' || quote[N + 1] != ':')
      return false;
    at_ = quote + N + 2;
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
