#pragma once

// The record of what is left of somebody in the tenant (records.h gives the rules).

#include <string>
#include <string_view>

#include "base/status.h"
#include "monitor/residue.h"

namespace driftwarden::store {

std::string EncodeResidue(const monitor::Residue& residue);
StatusOr<monitor::Residue> DecodeResidue(std::string_view key, std::string_view bytes);

}  // namespace driftwarden::store
