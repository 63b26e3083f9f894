// Fitting and printing tables.
#include "app/cli/table.hpp"

#include <algorithm>
#include <cassert>
#include <numeric>
#include <ostream>

namespace muster::cli {
namespace {

constexpr size_t kGap = 2;
constexpr size_t kNarrowest = 6;

void print_row(std::ostream& out, const std::vector<Cell>& row, const std::vector<Column>& columns,
               const std::vector<size_t>& widths, const Terminal& terminal) {
  std::string line;
  for (size_t i = 0; i < widths.size(); i++) {
    const std::string text = fitted(row[i].text, widths[i]);
    const std::string pad(widths[i] - columns_of(text), ' ');
    const bool last = i + 1 == widths.size();
    const std::string shown = painted(text, row[i].colour, terminal);
    if (columns[i].right)
      line += pad + shown;
    else
      line += last ? shown : shown + pad;
    if (!last) line.append(kGap, ' ');
  }
  line.erase(line.find_last_not_of(' ') + 1);
  out << line << '\n';
}

}  // namespace

void Table::add(std::vector<Cell> row) {
  assert(row.size() == columns_.size());
  for (auto& cell : row) cell.text = printable(cell.text);
  rows_.push_back(std::move(row));
}

std::vector<size_t> Table::widths(size_t limit) const {
  std::vector<size_t> widths;
  for (size_t i = 0; i < columns_.size(); i++) {
    size_t width = columns_of(columns_[i].title);
    for (const auto& row : rows_) width = std::max(width, columns_of(row[i].text));
    widths.push_back(width);
  }
  if (limit == 0) return widths;
  size_t total = std::accumulate(widths.begin(), widths.end(), kGap * (widths.size() - 1));
  while (total > limit) {
    size_t widest = widths.size();
    for (size_t i = 0; i < widths.size(); i++)
      if (!columns_[i].fixed && widths[i] > kNarrowest &&
          (widest == widths.size() || widths[i] > widths[widest]))
        widest = i;
    if (widest < widths.size()) {
      widths[widest]--;
      total--;
    } else if (widths.size() > 1) {
      total -= kGap + widths.back();
      widths.pop_back();
    } else {
      break;
    }
  }
  return widths;
}

void Table::print(std::ostream& out, const Terminal& terminal) const {
  const auto fit = widths(terminal.width);
  std::vector<Cell> titles;
  for (const auto& column : columns_) titles.push_back({column.title, Colour::bold});
  print_row(out, titles, columns_, fit, terminal);
  for (const auto& row : rows_) print_row(out, row, columns_, fit, terminal);
}

}  // namespace muster::cli
