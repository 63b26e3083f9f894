// Which handler a method and a path belong to.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.hpp"

namespace muster::http {

/// One route. `pattern` is a path whose segments may be {names}; `{name}:verb` is allowed in the last one.
struct Route {
  Method method = Method::get;
  std::string pattern;
  Handler handler;
  /// The policy action it is checked for (domain/policy.hpp): "open", "authenticated", "register",
  /// "plan.read", ...
  std::string action = "authenticated";
  bool takes_body = false;  ///< JSON; other content types are answered with 415.
};

struct Match {
  const Route* route = nullptr;  ///< Null: no such path, or not with this method.
  std::vector<Method> allowed;   ///< Non-empty when the path exists: for Allow and 405.
  std::vector<std::pair<std::string_view, std::string_view>> params;
};

/// Looks up without allocating on the path of a hit with no parameters. HEAD finds the GET route.
class Router {
public:
  void add(Route route);
  [[nodiscard]] Match find(Method method, std::string_view path) const;
  [[nodiscard]] const std::vector<Route>& routes() const { return routes_; }

private:
  std::vector<Route> routes_;
};

}  // namespace muster::http
