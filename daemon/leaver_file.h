#pragma once

// The CSV file of expected leavers: a header `identifier,effective,urgency[,reference]`, a person a
// line. Pure. Faults name the line and never what stands in it.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "monitor/told.h"

namespace driftwarden::daemon {

constexpr size_t kMostLeaverBytes = 16 << 20;
constexpr size_t kMostLeaverRows = 100'000;

struct LeaverRow {
  size_t line = 0;
  std::string identifier;
  absl::Time effective;
  monitor::LeaveUrgency urgency = monitor::LeaveUrgency::kPlanned;
  std::string reference;
};

struct LeaverFile {
  std::vector<LeaverRow> rows;      // good ones
  size_t past = 0;                  // rows from too long ago to be believed, left out
  size_t bad = 0;                   // rows that say nothing
  std::vector<std::string> faults;  // "LINE: what; how to mend it", the first few
  // The header or the size is wrong: the file says nothing at all, not even that it is empty.
  bool unusable = false;
};

LeaverFile ParseLeavers(std::string_view text, absl::Time now);

// What the file came to, for people: no names.
struct LeaverFileReport {
  std::string path;  // empty: none is configured
  absl::Time read_at = absl::InfinitePast();
  size_t rows = 0;
  size_t unknown = 0;                  // nobody, or more than one person, is known by them yet
  size_t past = 0;                     // too long ago
  std::vector<std::string> faults;     // FILE:LINE: what; how to mend it
  std::vector<std::string> waits_for;  // links that were not read completely yet
};

}  // namespace driftwarden::daemon
