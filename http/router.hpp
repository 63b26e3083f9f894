// Which handler a method and a path belong to.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
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
  /// Answered by this member itself, never by the one that leads: of a GET that matters to members without a
  /// log.
  bool local = false;
  bool inside = false;  ///< For what members ask of each other; for anybody else there is nothing here.
};

struct Match {
  const Route* route = nullptr;  ///< Null: no such path, or not with this method.
  std::vector<Method> allowed;   ///< Without a route, non-empty when the path exists: for Allow and 405.
  std::vector<std::pair<std::string_view, std::string_view>> params;
};

/// Looks up without allocating on the path of a hit with no parameters. HEAD finds the GET route. A literal
/// segment wins over a {name}. All routes are added before the first find(): a Match points into them.
class Router {
public:
  void add(Route route);
  [[nodiscard]] Match find(Method method, std::string_view path) const;
  [[nodiscard]] const std::vector<Route>& routes() const { return routes_; }

private:
  struct Segment {
    std::string text;  ///< The literal, or the parameter's name.
    std::string verb;  ///< ":verb" behind a parameter, "" without.
    bool parameter = false;
  };
  /// One pattern and its routes by method.
  struct Path {
    std::vector<Segment> segments;
    std::vector<std::pair<Method, size_t>> routes;
  };
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };

  static std::vector<Segment> parse(std::string_view pattern);
  static bool fits(const Path& candidate, std::string_view path);
  static bool more_literal(const Path& a, const Path& b);
  [[nodiscard]] const Path* path_of(std::string_view path) const;

  std::vector<Route> routes_;
  std::unordered_map<std::string, Path, Hash, std::equal_to<>> literal_;
  std::vector<Path> variable_;  ///< Most literal first.
};

/// 405 with Allow and the problem `method.not.allowed`; `match` has no route but allowed methods.
[[nodiscard]] Response method_not_allowed(const Match& match, const Request& request);

/// 204 with Allow: the answer to OPTIONS.
[[nodiscard]] Response allowed_methods(const Match& match);

}  // namespace muster::http
