#pragma once

// How much was spent within the last so many seconds, in memory of a fixed size. What was spent
// counts for a hundredth of the window too long and never too short.

#include <array>
#include <cstdint>

#include "absl/time/time.h"

namespace driftwarden::graph {

// Times are steady and never go back.
class SpentWindow {
 public:
  explicit SpentWindow(absl::Duration length) : slot_(length / kParts) {}

  void Add(absl::Duration now, double amount);
  double Total(absl::Duration now) const;
  // From when on no more than `most` counts, if nothing is added; `now` at the earliest.
  absl::Duration FreeAt(absl::Duration now, double most) const;

 private:
  static constexpr int64_t kParts = 100;
  static constexpr int64_t kSlots = kParts + 1;

  int64_t SlotOf(absl::Duration now) const { return now / slot_; }
  // The amount of a slot that still counts when `newest` is the present one.
  double In(int64_t slot) const { return slots_[static_cast<size_t>(slot % kSlots)]; }

  absl::Duration slot_;
  std::array<double, kSlots> slots_{};  // a ring
  int64_t newest_ = 0;                  // the last slot that was added to; older ones hold kParts
};

}  // namespace driftwarden::graph
