// A table that fits the terminal.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "app/cli/terminal.hpp"

namespace muster::cli {

struct Cell {
  std::string text;
  Colour colour = Colour::none;
};

struct Column {
  std::string title;
  bool right = false;  ///< Aligned right: numbers.
  bool fixed = false;  ///< Never cut: ids that somebody will copy.
};

/// Columns are as wide as their widest cell; when the terminal is narrower, the widest column that may shrink
/// loses a place at a time, and its long cells end in an ellipsis; when that is not enough, columns at the
/// right are left out. A pipe has no width: nothing is cut.
class Table {
public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  void add(std::vector<Cell> row);  ///< As many cells as columns.
  [[nodiscard]] bool empty() const { return rows_.empty(); }
  void print(std::ostream& out, const Terminal& terminal) const;

private:
  /// Of the columns that are printed.
  [[nodiscard]] std::vector<size_t> widths(size_t limit) const;

  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace muster::cli
