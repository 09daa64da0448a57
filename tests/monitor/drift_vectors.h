#pragma once

// The test vectors of the drift kinds. A vector plays a small history of person 1 and gives the
// severity with which the kind is open at its end; what it has to be stands with its name. Every
// kind needs vectors of three sorts, and a test counts them.

#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <string>
#include <utility>

#include "tests/monitor/world.h"

namespace driftwarden::monitor {

enum class VectorSort { kOpensForAnybody, kOpensForTier0, kStaysShut };

// The sorts of vectors that are compiled in, by kind.
std::set<std::pair<DriftKind, VectorSort>>& DriftVectors();
inline bool AddDriftVector(DriftKind kind, VectorSort sort) {
  return DriftVectors().insert({kind, sort}).second;
}

// Person 1, read on both sides and enabled.
World OnePerson(bool tier0 = false);
// With which severity the kind is open in person 1's episode.
std::optional<Severity> OpenAs(const World& world, DriftKind kind);

constexpr absl::Duration kMinute = absl::Minutes(1);

void Leave(World& world);   // disabled in AD
void Delete(World& world);  // a tombstone in AD
void SetCloud(World& world, bool enabled);
// A record of the directory audits; by the application where one is named.
void Audit(World& world, AccountChange change, absl::Time at, const std::string& user,
           const std::string& application = "");

#define DRIFT_VECTOR(KIND, NAME, SORT, EXPECTED)                                \
  std::optional<Severity> KIND##NAME(DriftKind);                                \
  const bool k##KIND##NAME##Counted = AddDriftVector(DriftKind::k##KIND, SORT); \
  TEST(KIND##Vectors, NAME) {                                                   \
    EXPECT_EQ(KIND##NAME(DriftKind::k##KIND), (EXPECTED));                      \
  }                                                                             \
  std::optional<Severity> KIND##NAME(DriftKind kind)

#define OPENS(KIND, SEVERITY, NAME) \
  DRIFT_VECTOR(KIND, Anybody##NAME, VectorSort::kOpensForAnybody, Severity::SEVERITY)
#define OPENS_TIER0(KIND, SEVERITY, NAME) \
  DRIFT_VECTOR(KIND, TierZero##NAME, VectorSort::kOpensForTier0, Severity::SEVERITY)
#define STAYS_SHUT(KIND, NAME) DRIFT_VECTOR(KIND, NAME, VectorSort::kStaysShut, std::nullopt)

}  // namespace driftwarden::monitor
