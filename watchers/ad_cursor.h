#pragma once

// How far each domain controller was read. USNs are a controller's own and die with its database,
// so a bound holds only with the DSA's GUID and the invocation id; bounds of controllers that were
// read before are kept, so that going back to one is no full read. Versioned text.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "monitor/ids.h"

namespace driftwarden::watchers {

struct AdBound {
  monitor::Guid dsa;
  monitor::Guid invocation_id;
  uint64_t usn = 0;  // every change up to it is in our state
  friend bool operator==(const AdBound&, const AdBound&) = default;
};

struct AdCursor {
  static constexpr size_t kMaxBounds = 16;

  std::string server;           // as configured; the one that was read last
  std::vector<AdBound> bounds;  // the last read first

  const AdBound* Find(const monitor::Guid& dsa) const;
  // Puts the bound first and drops what was known of that controller.
  void Advance(const AdBound& bound);
  std::string ToString() const;
};

// nullopt for every text that ToString does not write.
std::optional<AdCursor> ParseAdCursor(std::string_view text);

}  // namespace driftwarden::watchers
