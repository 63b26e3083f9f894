// Finding a route: literal paths by hash, the others by their segments.
#include "http/router.hpp"

#include <algorithm>
#include <cassert>

namespace muster::http {
namespace {

/// Cuts the next segment off `rest`, which starts with '/'.
std::string_view next_segment(std::string_view& rest) {
  rest.remove_prefix(1);
  const auto segment = rest.substr(0, rest.find('/'));
  rest.remove_prefix(segment.size());
  return segment;
}

/// What the parameter holds in `segment`: all of it but the verb.
std::string_view without_verb(std::string_view segment, std::string_view verb) {
  return segment.substr(0, segment.size() - verb.size());
}

}  // namespace

std::vector<Router::Segment> Router::parse(std::string_view pattern) {
  std::vector<Segment> segments;
  for (auto rest = pattern; !rest.empty();) {
    const auto text = next_segment(rest);
    const auto end = text.find('}');
    if (!text.starts_with('{') || end == std::string_view::npos)
      segments.push_back({std::string(text), {}, false});
    else
      segments.push_back({std::string(text.substr(1, end - 1)), std::string(text.substr(end + 1)), true});
  }
  return segments;
}

bool Router::fits(const Path& candidate, std::string_view path) {
  auto rest = path;
  for (const auto& segment : candidate.segments) {
    if (rest.empty()) return false;
    const auto text = next_segment(rest);
    if (!segment.parameter && text != segment.text) return false;
    if (segment.parameter && (text.size() <= segment.verb.size() || !text.ends_with(segment.verb)))
      return false;
  }
  return rest.empty();
}

/// Segment by segment from the left: a literal before {name}:verb before {name}.
bool Router::more_literal(const Path& a, const Path& b) {
  const auto rank = [](const Segment& s) { return s.parameter ? (s.verb.empty() ? 2 : 1) : 0; };
  return std::lexicographical_compare(a.segments.begin(), a.segments.end(), b.segments.begin(),
                                      b.segments.end(),
                                      [&](const auto& x, const auto& y) { return rank(x) < rank(y); });
}

void Router::add(Route route) {
  assert(route.pattern.starts_with('/'));
  auto segments = parse(route.pattern);
  const std::pair entry{route.method, routes_.size()};
  if (std::none_of(segments.begin(), segments.end(), [](const auto& s) { return s.parameter; })) {
    literal_[route.pattern].routes.push_back(entry);
  } else {
    const auto same = std::find_if(variable_.begin(), variable_.end(), [&](const auto& path) {
      return routes_[path.routes.front().second].pattern == route.pattern;
    });
    if (same != variable_.end()) {
      same->routes.push_back(entry);
    } else {
      Path path{std::move(segments), {entry}};
      const auto place = std::upper_bound(variable_.begin(), variable_.end(), path, more_literal);
      variable_.insert(place, std::move(path));
    }
  }
  routes_.push_back(std::move(route));
}

const Router::Path* Router::path_of(std::string_view path) const {
  if (!path.starts_with('/')) return nullptr;
  if (const auto found = literal_.find(path); found != literal_.end()) return &found->second;
  const auto found = std::find_if(variable_.begin(), variable_.end(),
                                  [&](const auto& candidate) { return fits(candidate, path); });
  return found == variable_.end() ? nullptr : &*found;
}

Match Router::find(Method method, std::string_view path) const {
  Match match;
  const auto* found = path_of(path);
  if (!found) return match;
  const auto wanted = method == Method::head ? Method::get : method;
  for (const auto& [candidate, index] : found->routes)
    if (candidate == wanted || candidate == method) match.route = &routes_[index];
  if (!match.route) {
    for (const auto& [candidate, index] : found->routes) {
      match.allowed.push_back(candidate);
      if (candidate == Method::get) match.allowed.push_back(Method::head);
    }
    return match;
  }
  auto rest = path;
  for (const auto& segment : found->segments) {
    const auto text = next_segment(rest);
    if (segment.parameter) match.params.emplace_back(segment.text, without_verb(text, segment.verb));
  }
  return match;
}

}  // namespace muster::http
