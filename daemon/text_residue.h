#pragma once

// `report residue`: one page of the API's answer, for people and for spreadsheets.

#include <boost/json.hpp>
#include <string>
#include <vector>

#include "daemon/text_table.h"

namespace driftwarden::daemon {

// A block for each person; what was not evaluated is always named.
std::string ResidueText(const boost::json::array& people);
TextRow ResidueCsvHeader();
// A row for each thing that is left, and one for each area without any.
std::vector<TextRow> ResidueCsvRows(const boost::json::array& people);

}  // namespace driftwarden::daemon
