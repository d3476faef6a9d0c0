// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/table.h"

#include <algorithm>
#include <cassert>
#include <string>
#include <utility>
#include <vector>

namespace bpmp::ctl {
namespace {

constexpr size_t kGap = 2;

// Padding is outside the colour, so that a coloured table is aligned like a plain one.
void AppendCell(const Cell& cell, size_t width, Align align, bool last, const Style& style,
                std::string* line) {
  const size_t own = DisplayWidth(cell.text);
  const std::string padding(width > own ? width - own : 0, ' ');
  if (align == Align::kRight) {
    *line += padding;
  }
  *line += Paint(cell.text, cell.tone, style);
  if (!last) {
    if (align == Align::kLeft) {
      *line += padding;
    }
    line->append(kGap, ' ');
  }
}

}  // namespace

void Table::Add(std::vector<Cell> row) {
  assert(row.size() <= columns_.size());
  row.resize(columns_.size(), Cell(""));
  for (Cell& cell : row) {
    cell.text = cell.text.empty() ? "-" : Printable(cell.text);
    if (cell.text == "-") {
      cell.tone = Tone::kDim;
    }
  }
  rows_.push_back(std::move(row));
}

std::string Table::Render(const Style& style) const {
  std::vector<size_t> widths;
  for (size_t i = 0; i < columns_.size(); ++i) {
    size_t width = DisplayWidth(columns_[i].title);
    for (const std::vector<Cell>& row : rows_) {
      width = std::max(width, DisplayWidth(row[i].text));
    }
    widths.push_back(width);
  }
  std::string text;
  const auto append = [&](const auto& cell_of) {
    for (size_t i = 0; i < columns_.size(); ++i) {
      AppendCell(cell_of(i), widths[i], columns_[i].align, i + 1 == columns_.size(), style, &text);
    }
    text += '\n';
  };
  append([this](size_t i) { return Cell(columns_[i].title, Tone::kTitle); });
  for (const std::vector<Cell>& row : rows_) {
    append([&row](size_t i) { return row[i]; });
  }
  return text;
}

std::string RenderProperties(const std::vector<std::pair<std::string, Cell>>& properties,
                             const Style& style) {
  size_t width = 0;
  for (const auto& [label, cell] : properties) {
    width = cell.text.empty() ? width : std::max(width, DisplayWidth(label));
  }
  std::string text;
  for (const auto& [label, cell] : properties) {
    if (cell.text.empty()) {
      continue;
    }
    const Cell title(label, Tone::kTitle);
    AppendCell(title, width, Align::kLeft, false, style, &text);
    text += Paint(Printable(cell.text), cell.tone, style);
    text += '\n';
  }
  return text;
}

}  // namespace bpmp::ctl
