#pragma once

// One thing that `check` looked at.

#include <string>
#include <string_view>

namespace driftwarden::watchers {

struct CheckFinding {
  enum class Level { kOk, kWarn, kFail };
  Level level = Level::kOk;
  std::string subject;  // "corp, ldaps://dc1.corp.example: tombstones"
  std::string what;
  std::string mend;  // empty when there is nothing to mend
};

constexpr std::string_view LevelText(CheckFinding::Level level) {
  switch (level) {
    case CheckFinding::Level::kWarn:
      return "warn";
    case CheckFinding::Level::kFail:
      return "fail";
    default:
      return "ok";
  }
}

}  // namespace driftwarden::watchers
