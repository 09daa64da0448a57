#pragma once

// What the simulated world itself says about one person: the judge of every checker. Nothing here
// looks at what the monitor stored.

#include <string>
#include <vector>

#include "tests/sim/stage.h"

namespace driftwarden::sim {

// [from, to)
struct Span {
  absl::Time from = absl::InfinitePast();
  absl::Time to = absl::InfiniteFuture();
  bool Touches(absl::Time lo, absl::Time hi) const { return from <= hi && to > lo; }
  bool open() const { return to == absl::InfiniteFuture(); }
};

// How the account stood in the tenant for a while.
struct EntraSpan : Span {
  bool enabled = true;
  bool gone = false;
  bool live() const { return enabled && !gone; }
};

// One link's half of a person's story.
struct EntraTruth {
  std::vector<EntraSpan> spans;  // without gaps; the last one is open
  int returns = 0;               // how often the account came back to life
  std::vector<absl::Time> our_revocations;
  std::vector<absl::Time>
      other_revocations;             // by administrators: sessions ended, by whatever means
  std::vector<absl::Time> sign_ins;  // that worked

  bool live() const { return spans.back().live(); }
  bool gone() const { return spans.back().gone; }
  absl::Time since() const { return spans.back().from; }
  bool RevokedSince(absl::Time from, absl::Time to = absl::InfiniteFuture()) const;
  bool SignedInSince(absl::Time from) const;
};

// When a person was out of the directory: disabled or deleted.
std::vector<Span> OutOfAd(Stage& stage, size_t forest, uint64_t person);
// When the directory refused an account that was enabled, because its date had passed by the
// controller's clock. Each begins with what made it so: the date, or the write of it, or of the
// account as enabled, that came after the date. `late`: to somebody who hears of each write so much
// later.
std::vector<Span> ExpiredInAd(Stage& stage, size_t forest, uint64_t person,
                              absl::Duration late = absl::ZeroDuration());
// Is now; the departure is the last span then.
bool Departed(const std::vector<Span>& out);
EntraTruth TruthOf(Stage& stage, size_t link, uint64_t person);

std::string NameOf(Stage& stage, size_t link, uint64_t person);
monitor::TierName TierOfPerson(Stage& stage, size_t link, uint64_t person);
// Revocations for them need nobody.
bool ActsFor(Stage& stage, size_t link, uint64_t person);

}  // namespace driftwarden::sim
