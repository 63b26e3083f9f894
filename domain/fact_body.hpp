// From events to one JSON form that has the fields of them all, and back.
#pragma once

#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

namespace muster::facts {

/// Copies the members that two lists of fields have in common, by name.
template <class Body>
struct Into {
  Body& body;
  template <class T>
  void operator()(const char* name, const T& value) {
    Body::fields(body, [&](const char* other, auto& field) {
      if constexpr (std::is_same_v<std::decay_t<decltype(field)>, T>)
        if (std::string_view(name) == other) field = value;
    });
  }
};

template <class Body>
struct From {
  const Body& body;
  template <class T>
  void operator()(const char* name, T& value) {
    Body::fields(body, [&](const char* other, const auto& field) {
      if constexpr (std::is_same_v<std::decay_t<decltype(field)>, T>)
        if (std::string_view(name) == other) value = field;
    });
  }
};

/// `Body` has a member `type` besides its fields.
template <class Body, class... Facts>
[[nodiscard]] Body body_of(const std::variant<Facts...>& event) {
  Body body;
  std::visit(
    [&]<class Made>(const Made& made) {
      body.type = Made::type;
      Made::fields(made, Into<Body>{body});
    },
    event);
  return body;
}

/// False when `body` is of none of the types.
template <class Body, class... Facts>
bool read_as(const Body& body, std::variant<Facts...>& into) {
  const auto one = [&]<class Made>(Made made) {
    if (body.type != Made::type) return false;
    Made::fields(made, From<Body>{body});
    into = std::move(made);
    return true;
  };
  return (one(Facts{}) || ...);
}

}  // namespace muster::facts
