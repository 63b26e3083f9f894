// Printing JSON for people.
#include "app/cli/render.hpp"

#include <algorithm>
#include <ostream>

namespace muster::cli {
namespace {

std::string plain(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_null()) return "-";
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (value.is_array()) {
    std::string text;
    for (const auto& item : value) text += (text.empty() ? "" : ", ") + plain(item);
    return text.empty() ? "-" : text;
  }
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string shown(const std::string& name, const Json& value, Time now) {
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    if (text.size() >= 20 && text.size() <= 35)
      if (const auto time = parse_rfc3339(text)) return relative(*time, now) + " (" + text + ")";
  }
  if (value.is_number_unsigned() && (name.ends_with("_bytes") || name == "bytes"))
    return human_bytes(value.get<uint64_t>());
  return plain(value);
}

std::string label(std::string name) {
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

bool is_row_list(const Json& value) {
  return value.is_array() && !value.empty() &&
         std::all_of(value.begin(), value.end(), [](const Json& item) { return item.is_object(); });
}

void print_rows(std::ostream& out, const Json& rows, const Terminal& terminal, Time now) {
  std::vector<std::string> names;
  for (const auto& row : rows)
    for (const auto& [name, value] : row.items())
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  std::vector<Column> columns;
  for (const auto& name : names) {
    const bool numbers = std::all_of(rows.begin(), rows.end(), [&](const Json& row) {
      return !row.contains(name) || row[name].is_number();
    });
    std::string title = label(name);
    std::transform(title.begin(), title.end(), title.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    columns.push_back({title, numbers});
  }
  Table table{columns};
  for (const auto& row : rows) {
    std::vector<Cell> cells;
    cells.reserve(names.size());
    for (const auto& name : names)
      cells.push_back(row.contains(name) ? status_cell(shown(name, row[name], now)) : Cell{"-"});
    table.add(std::move(cells));
  }
  table.print(out, terminal);
}

void print_level(std::ostream& out, const Json& object, const Terminal& terminal, Time now, size_t indent) {
  // Deeper groups are printed as JSON: nobody reads six levels of indentation.
  constexpr size_t kDeepest = 4;
  size_t width = 0;
  for (const auto& [name, value] : object.items())
    if (!value.is_object() && !is_row_list(value)) width = std::max(width, name.size());
  const std::string margin(indent, ' ');
  for (const auto& [name, value] : object.items()) {
    if ((value.is_object() && !value.empty() && indent < kDeepest) || is_row_list(value)) continue;
    const auto cell = status_cell(printable(shown(name, value, now)));
    out << margin << printable(label(name)) << std::string(width > name.size() ? width - name.size() : 0, ' ')
        << "  " << painted(cell.text, cell.colour, terminal) << '\n';
  }
  for (const auto& [name, value] : object.items()) {
    if (value.is_object() && !value.empty() && indent < kDeepest) {
      out << '\n' << margin << painted(printable(label(name)), Colour::bold, terminal) << '\n';
      print_level(out, value, terminal, now, indent + 2);
    } else if (is_row_list(value)) {
      out << '\n' << margin << painted(printable(label(name)), Colour::bold, terminal) << '\n';
      print_rows(out, value, terminal, now);
    }
  }
}

}  // namespace

std::string text_of(const Json& object, std::string_view name) {
  if (!object.is_object()) return {};
  const auto found = object.find(std::string{name});
  return found == object.end() || found->is_null() ? std::string{} : plain(*found);
}

std::string when(const Json& object, std::string_view name, Time now) {
  auto text = text_of(object, name);
  const auto time = parse_rfc3339(text);
  return time ? relative(*time, now) : text;
}

Cell status_cell(std::string text) {
  Colour colour = Colour::none;
  if (text == "healthy" || text == "ok" || text == "ready" || text == "granted" || text == "fulfilled")
    colour = Colour::green;
  else if (text == "stale" || text == "silent" || text == "registered" || text == "open" || text == "expired")
    colour = Colour::yellow;
  else if (text == "error" || text == "failed" || text == "revoked")
    colour = Colour::red;
  return {std::move(text), colour};
}

void print_fields(std::ostream& out, const Json& object, const Terminal& terminal, Time now) {
  if (object.is_object())
    print_level(out, object, terminal, now, 0);
  else if (is_row_list(object))
    print_rows(out, object, terminal, now);
  else
    out << printable(plain(object)) << '\n';
}

}  // namespace muster::cli
