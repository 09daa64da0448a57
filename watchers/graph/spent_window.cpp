#include "watchers/graph/spent_window.h"

#include <algorithm>

namespace driftwarden::graph {

void SpentWindow::Add(absl::Duration now, double amount) {
  const int64_t slot = std::max(newest_, SlotOf(now));
  const int64_t stale = std::min(slot - newest_, kSlots);
  for (int64_t i = 0; i < stale; ++i) slots_[static_cast<size_t>((slot - i) % kSlots)] = 0;
  newest_ = slot;
  slots_[static_cast<size_t>(slot % kSlots)] += amount;
}

double SpentWindow::Total(absl::Duration now) const {
  double total = 0;
  const int64_t oldest = std::max<int64_t>(0, std::max(newest_, SlotOf(now)) - kParts);
  for (int64_t slot = oldest; slot <= newest_; ++slot) total += In(slot);
  return total;
}

absl::Duration SpentWindow::FreeAt(absl::Duration now, double most) const {
  double left = Total(now);
  absl::Duration at = now;
  const int64_t oldest = std::max<int64_t>(0, std::max(newest_, SlotOf(now)) - kParts);
  for (int64_t slot = oldest; slot <= newest_ && left > most; ++slot) {
    left -= In(slot);
    at = std::max(at, slot_ * (slot + kSlots));
  }
  return at;
}

}  // namespace driftwarden::graph
