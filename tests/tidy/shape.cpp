#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "tests/tidy/rules.h"

namespace driftwarden::tidy {
namespace {

constexpr size_t kMaxLines = 500;

struct Banned {
  std::string_view word;
  std::string_view instead;
  std::string_view allowed;   // the one file that may, if any
  bool in_tests_too = false;  // tests may read clocks, but never sleep or roll dice
};

constexpr std::array<Banned, 19> kBanned = {{
    {"absl::Now", "take a Clock& or a `now`", "base/time.cpp"},
    {"absl::GetCurrentTimeNanos", "take a Clock&", ""},
    {"steady_clock::now", "take a Clock&", "base/time.cpp"},
    {"system_clock::now", "take a Clock&", "base/time.cpp"},
    {"high_resolution_clock", "take a Clock&", ""},
    {"clock_gettime", "take a Clock&", "base/time.cpp"},
    {"gettimeofday", "take a Clock&", ""},
    {"std::time", "take a Clock&", ""},
    {"std::rand", "take an Rng&", "", true},
    {"srand", "take an Rng&", "", true},
    {"random_device", "take an Rng&", "", true},
    {"mt19937", "take an Rng&", "", true},
    {"getrandom", "take an Rng&", "base/rng.cpp"},
    {"sleep_for", "wait through a Scheduler or on a condition", "", true},
    {"sleep_until", "wait through a Scheduler or on a condition", "", true},
    {"usleep", "wait through a Scheduler or on a condition", "", true},
    {"nanosleep", "wait through a Scheduler or on a condition", "", true},
    {"absl::SleepFor", "wait through a Scheduler or on a condition", "", true},
    {"using namespace std", "write std::", "", true},
}};

// In pieces, so that this file passes its own rule.
constexpr std::array<std::string_view, 4> kLeftovers = {
    "TO"
    "DO",
    "FIX"
    "ME",
    "XX"
    "X",
    "HA"
    "CK"};

bool IsTest(std::string_view path) {
  return path.starts_with("tests/") || path.starts_with("bench/");
}

}  // namespace

std::vector<Finding> CheckBannedCalls(const Source& source) {
  std::vector<Finding> out;
  if (!source.IsCpp()) return out;
  for (const Banned& banned : kBanned) {
    if (source.path == banned.allowed || (IsTest(source.path) && !banned.in_tests_too)) continue;
    for (size_t at = FindWord(source.code, banned.word, 0); at != std::string::npos;
         at = FindWord(source.code, banned.word, at + 1)) {
      out.push_back({source.path, LineOf(source.code, at),
                     std::string(banned.word) + ": " + std::string(banned.instead)});
    }
  }
  return out;
}

std::vector<Finding> CheckShape(const Source& source) {
  std::vector<Finding> out;
  const auto lines = static_cast<size_t>(std::ranges::count(source.text, '\n'));
  if (lines > kMaxLines) {
    out.push_back({source.path, lines, "longer than 500 lines; split it by subject"});
  }
  if (source.IsHeader() && FindWord(source.code, "#pragma once", 0) == std::string::npos) {
    out.push_back({source.path, 1, "a header starts with #pragma once"});
  }
  if (!source.text.empty() && source.text.back() != '\n') {
    out.push_back({source.path, lines, "the last line has no end"});
  }
  for (const std::string_view word : kLeftovers) {
    for (size_t at = FindWord(source.text, word, 0); at != std::string::npos;
         at = FindWord(source.text, word, at + 1)) {
      out.push_back({source.path, LineOf(source.text, at),
                     std::string(word) + " is left over; finish it or open an issue"});
    }
  }
  if (source.IsHeader() || !source.path.ends_with(".cpp") || IsTest(source.path)) return out;
  // Own header first: that is what proves each header complete.
  const std::string own = source.path.substr(0, source.path.size() - 4) + ".h";
  const std::vector<Include> includes = IncludesOf(source);
  const auto is_own = [&own](const Include& include) { return include.name == own; };
  const auto found = std::ranges::find_if(includes, is_own);
  if (found != includes.end() && found != includes.begin()) {
    out.push_back({source.path, found->line, "a file includes its own header first"});
  }
  return out;
}

std::vector<Finding> CheckAll(const Source& source) {
  std::vector<Finding> out = CheckShape(source);
  if (!source.IsCpp()) return out;
  for (const auto& check : {CheckIncludes, CheckBannedCalls, CheckCoroutines}) {
    const std::vector<Finding> found = check(source);
    out.insert(out.end(), found.begin(), found.end());
  }
  return out;
}

}  // namespace driftwarden::tidy
