// States and views as text: what checkpoints store and digests are taken of.
#pragma once

#include <string>
#include <string_view>
#include <type_traits>

#include "base/paged_map.hpp"
#include "base/result.hpp"
#include "events/canonical.hpp"
#include "events/fields.hpp"

namespace muster {

/// A state or a view lists its parts in `template <class Self, class Visit> static void parts(Self&,
/// Visit&&)`, calling visit("name", self.part); a part is a PagedMap with HasFields rows, or a HasFields
/// struct. Equal values give equal text: one line a row, in the order of the keys.
template <class T>
concept HasParts = requires(T& t) {
  T::parts(t, [](const char*, auto&) {});
};

namespace detail {

template <class K, class V>
struct SavedRow {
  K key{};
  V value{};
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("k", self.key);
    visit("v", self.value);
  }
};

template <class K, class V, size_t N>
void save_part(std::string& out, const PagedMap<K, V, N>& part) {
  part.each([&](const K& key, const V& value) {
    out += "{\"k\":";
    FieldWriter{out}.put(key);
    out += ",\"v\":";
    append_fields(out, value);
    out += "}\n";
  });
}

template <HasFields T>
void save_part(std::string& out, const T& part) {
  append_fields(out, part);
  out += '\n';
}

template <class K, class V, size_t N>
Status load_line(PagedMap<K, V, N>& part, std::string_view line) {
  SavedRow<K, V> row;
  if (auto status = from_canonical_text(line, row); !status) return status;
  part[row.key] = std::move(row.value);
  return Done{};
}

template <HasFields T>
Status load_line(T& part, std::string_view line) {
  return from_canonical_text(line, part);
}

}  // namespace detail

/// Appends "#name" lines, each followed by the part's rows.
template <HasParts T>
void save_parts(std::string& out, const T& value) {
  T::parts(value, [&](const char* name, const auto& part) {
    out += '#';
    out += name;
    out += '\n';
    detail::save_part(out, part);
  });
}

/// Reads what save_parts wrote into an empty `value`. Parts that this build does not know are passed over.
/// Error: `log.corrupt`.
template <HasParts T>
Status load_parts(T& value, std::string_view text) {
  std::string_view part;
  while (!text.empty()) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return Error{"log.corrupt", "a checkpoint is cut off", {}};
    const auto line = text.substr(0, end);
    text.remove_prefix(end + 1);
    if (line.starts_with('#')) {
      part = line.substr(1);
      continue;
    }
    Status status = Done{};
    T::parts(value, [&](const char* name, auto& into) {
      if (part == name) status = detail::load_line(into, line);
    });
    if (!status)
      return Error{"log.corrupt", "a checkpoint's row does not read: " + status.error().detail, {}};
  }
  return Done{};
}

}  // namespace muster
