#pragma once

// How far each domain controller was read. USNs are a controller's own and die with its database,
// so a bound holds only with the DSA's GUID and the invocation id; bounds of controllers that were
// read before are kept, so that going back to one is no full read. A full read in progress keeps
// its place here, so that it goes on after any interruption. Versioned text.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "monitor/ids.h"

namespace driftwarden::watchers {

// The newest object that was seen on a controller. When the controller's disk is put back and its
// USNs have passed our bound again, only this tells: the object is older than it was, or gone.
struct AdCanary {
  monitor::Guid object;
  uint64_t usn = 0;
  friend bool operator==(const AdCanary&, const AdCanary&) = default;
};

struct AdBound {
  monitor::Guid dsa;
  monitor::Guid invocation_id;
  uint64_t usn = 0;  // every change up to it is in our state, but for a full read in progress
  std::optional<AdCanary> canary;
  friend bool operator==(const AdBound&, const AdBound&) = default;
};

// A full read of the controller that the first bound names, from the newest change to the oldest.
struct AdSnapshot {
  std::string reason;  // kFirstRead or one of ResetReasonsOf
  absl::Time begun;    // to the microsecond
  uint64_t below = 1;  // what remains to be read: uSNChanged below it; at least 1
  friend bool operator==(const AdSnapshot&, const AdSnapshot&) = default;
};

// Before a cursor that is known but no longer enough: its accounts are to be read in another way.
constexpr std::string_view kReadAnew = "anew ";

struct AdCursor {
  static constexpr size_t kMaxBounds = 16;

  std::string server;  // as configured or found; the one that was read last
  // Since when that copy of the directory is the one that is read; a controller that was restored
  // is another copy. To the microsecond; the epoch: always.
  absl::Time since = absl::UnixEpoch();
  std::vector<AdBound> bounds;  // the last read first
  std::optional<AdSnapshot> snapshot;

  const AdBound* Find(const monitor::Guid& dsa) const;
  // Makes a controller that Find knows the first. A full read of another one is given up, and what
  // was read of that one forgotten.
  void TurnTo(const monitor::Guid& dsa, absl::Time now);
  // Begins a full read of a controller as it is now, whatever was known of it.
  void Begin(const AdBound& bound, const AdSnapshot& full);
  std::string ToString() const;

 private:
  void GiveUpSnapshot();
};

// nullopt for every text that ToString does not write, but for those of the version before.
std::optional<AdCursor> ParseAdCursor(std::string_view text);

}  // namespace driftwarden::watchers
