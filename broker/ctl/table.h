// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_TABLE_H_
#define BROKER_CTL_TABLE_H_

#include <string>
#include <utility>
#include <vector>

#include "broker/ctl/style.h"

namespace bpmp::ctl {

enum class Align { kLeft, kRight };

struct Column {
  std::string title;
  Align align = Align::kLeft;
};

// Text with a meaning. Converts from plain text, which is most of it.
struct Cell {
  // NOLINTNEXTLINE(google-explicit-constructor): rows are written as lists of texts.
  Cell(std::string plain, Tone its_tone = Tone::kPlain) : text(std::move(plain)), tone(its_tone) {}
  // NOLINTNEXTLINE(google-explicit-constructor)
  Cell(const char* plain, Tone its_tone = Tone::kPlain) : text(plain), tone(its_tone) {}

  std::string text;
  Tone tone;
};

// A table for a terminal: a line of titles, aligned columns two spaces apart, "-" for an empty
// cell, no trailing space, a newline after each row. Whatever is put in is made printable.
class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // A short row is filled up with empty cells. REQUIRES: no more cells than columns.
  void Add(std::vector<Cell> row);
  bool empty() const { return rows_.empty(); }
  std::string Render(const Style& style) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

// "label   value" lines with the labels aligned, for one thing's properties. Pairs with an empty
// value are left out.
std::string RenderProperties(const std::vector<std::pair<std::string, Cell>>& properties,
                             const Style& style);

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_TABLE_H_
