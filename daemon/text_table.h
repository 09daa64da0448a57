#pragma once

// Plain columns for the terminal, and CSV.

#include <string>
#include <vector>

namespace driftwarden::daemon {

using TextRow = std::vector<std::string>;

// Columns as wide as their widest cell, two spaces between; the last one is not padded.
std::string RenderTable(const TextRow& header, const std::vector<TextRow>& rows);
// RFC 4180; a cell that a spreadsheet would take for a formula gets a leading apostrophe.
std::string RenderCsv(const TextRow& header, const std::vector<TextRow>& rows);

}  // namespace driftwarden::daemon
