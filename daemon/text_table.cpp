#include "daemon/text_table.h"

#include <algorithm>

namespace driftwarden::daemon {
namespace {

// Columns on screen, not bytes: continuation bytes of UTF-8 take no room.
size_t Width(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

std::string CsvCell(const std::string& cell) {
  std::string text = cell;
  if (!text.empty() && std::string("=+-@\t\r").find(text.front()) != std::string::npos) {
    text.insert(text.begin(), '\'');
  }
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out.push_back('"');
    out.push_back(c);
  }
  return out + "\"";
}

}  // namespace

std::string RenderTable(const TextRow& header, const std::vector<TextRow>& rows) {
  std::vector<size_t> widths;
  for (const std::string& cell : header) widths.push_back(Width(cell));
  for (const TextRow& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], Width(row[i]));
  }
  std::string out;
  const auto add = [&](const TextRow& row) {
    for (size_t i = 0; i < row.size(); ++i) {
      out += row[i];
      if (i + 1 < row.size()) out.append(widths[i] - Width(row[i]) + 2, ' ');
    }
    out.push_back('\n');
  };
  add(header);
  for (const TextRow& row : rows) add(row);
  return out;
}

std::string RenderCsv(const TextRow& header, const std::vector<TextRow>& rows) {
  std::string out;
  const auto add = [&](const TextRow& row) {
    for (size_t i = 0; i < row.size(); ++i) {
      if (i != 0) out.push_back(',');
      out += CsvCell(row[i]);
    }
    out += "\r\n";
  };
  add(header);
  for (const TextRow& row : rows) add(row);
  return out;
}

}  // namespace driftwarden::daemon
