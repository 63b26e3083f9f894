// Events for people.
#include "app/cli/event_line.hpp"

#include <algorithm>

#include "app/cli/render.hpp"

namespace muster::cli {
namespace {

std::string padded(std::string text, size_t width, bool right = false) {
  const size_t columns = columns_of(text);
  if (columns >= width) return text;
  const std::string pad(width - columns, ' ');
  return right ? pad + text : text + pad;
}

std::string line_of(std::string_view line, const Terminal& terminal, bool dated) {
  const auto event = parse_json(line);
  if (!event || !event->is_object() || !event->contains("seq")) return printable(line);
  const std::string time = text_of(*event, "time");
  const std::string clock = time.size() < 19 ? time
                            : dated          ? time.substr(0, 10) + " " + time.substr(11, 8)
                                             : time.substr(11, 8);
  const std::string type = text_of(*event, "type");
  const std::string head = padded(text_of(*event, "seq"), 7, true) + "  " + clock + "  ";
  const std::string what = padded(printable(type), 20);
  std::string rest =
    "  " + padded(text_of(*event, "stream"), 16) + "  " + padded(text_of(*event, "actor"), 10);
  if (const auto data = event->find("data"); data != event->end() && !data->empty())
    rest += "  " + data->dump(-1, ' ', false, Json::error_handler_t::replace);
  rest = printable(rest);
  if (terminal.width > 0) {
    const size_t used = columns_of(head) + columns_of(what);
    rest = fitted(rest, terminal.width > used ? terminal.width - used : 0);
  }
  const bool bad = type.ends_with("_refused") || type.ends_with(".silent") || type.ends_with("failed");
  return painted(head, Colour::dim, terminal) + painted(what, bad ? Colour::red : Colour::bold, terminal) +
         rest;
}

}  // namespace

std::string event_line(std::string_view line, const Terminal& terminal) {
  return line_of(line, terminal, false);
}

std::string dated_event_line(std::string_view line, const Terminal& terminal) {
  return line_of(line, terminal, true);
}

}  // namespace muster::cli
