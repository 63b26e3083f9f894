// From facts to their one JSON form, and back.
#include "domain/service_facts.hpp"

namespace muster::services {
namespace {

/// Copies the members that two lists of fields have in common, by name.
struct Into {
  FactBody& body;
  template <class T>
  void operator()(const char* name, const T& value) {
    FactBody::fields(body, [&](const char* other, auto& field) {
      if constexpr (std::is_same_v<std::decay_t<decltype(field)>, T>)
        if (std::string_view(name) == other) field = value;
    });
  }
};

struct From {
  const FactBody& body;
  template <class T>
  void operator()(const char* name, T& value) {
    FactBody::fields(body, [&](const char* other, const auto& field) {
      if constexpr (std::is_same_v<std::decay_t<decltype(field)>, T>)
        if (std::string_view(name) == other) value = field;
    });
  }
};

template <class... Facts>
bool read_as(const FactBody& body, std::variant<Facts...>& into) {
  const auto one = [&]<class Made>(Made made) {
    if (body.type != Made::type) return false;
    Made::fields(made, From{body});
    into = std::move(made);
    return true;
  };
  return (one(Facts{}) || ...);
}

}  // namespace

FactBody body_of(const Event& event) {
  FactBody body;
  match(event)([&]<class Made>(const Made& made) {
    body.type = Made::type;
    Made::fields(made, Into{body});
  });
  return body;
}

Result<Event> event_of(const FactBody& body, const std::string& pointer) {
  Event event;
  if (read_as(body, event)) return event;
  const auto message = body.type.empty() ? "is required" : "is no type of fact";
  return Error{"field.invalid", "a fact's type " + std::string(message), {{pointer + "/type", message}}};
}

}  // namespace muster::services
