#include "base/strings.h"
#include "daemon/config.h"
#include "tests/fuzz/target.h"

namespace driftwarden::daemon {
namespace {

// "f.yaml:12:3: what"
bool HasPlace(std::string_view line) {
  constexpr std::string_view kFile = "f.yaml:";
  if (!line.starts_with(kFile)) return false;
  const std::vector<std::string> parts = SplitString(line.substr(kFile.size()), ':');
  if (parts.size() < 3) return false;
  const auto row = ParseUint64(parts[0]);
  const auto column = ParseUint64(parts[1]);
  return row.value_or(0) > 0 && column.value_or(0) > 0 && parts[2].starts_with(" ");
}

}  // namespace

// Every fault is one printable line that begins with its place.
DW_FUZZ_TARGET(config) {
  const auto config = ParseConfig("f.yaml", std::string(input), false);
  if (!config.ok()) {
    DW_HOLDS(absl::IsInvalidArgument(config.status()));
    for (const std::string& line : SplitString(Message(config.status()), '\n')) {
      DW_HOLDS(HasPlace(line));
      DW_HOLDS(line.find_first_of(std::string_view("\0\r\x1b", 3)) == std::string::npos);
    }
    return;
  }
  DW_HOLDS(!config->links.empty() && !config->data_dir.empty());
  for (const monitor::Policy& link : config->links) {
    DW_HOLDS(config->FindTenant(link.entra_source) != nullptr);
    DW_HOLDS(!link.ad_sources.empty());
    for (const auto& source : link.ad_sources) DW_HOLDS(config->FindDirectory(source) != nullptr);
    DW_HOLDS(!link.tiers.empty() && link.tiers.back().name.value == monitor::kStandard);
  }
}

}  // namespace driftwarden::daemon
