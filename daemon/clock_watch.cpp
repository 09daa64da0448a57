#include "daemon/clock_watch.h"

namespace driftwarden::daemon {
namespace {
constexpr absl::Duration kMaxDivergence = absl::Seconds(5);
constexpr absl::Duration kAgreement = absl::Seconds(30);
constexpr size_t kWitnesses = 2;
}  // namespace

bool ClockWatch::Look(absl::Time wall, absl::Duration steady) {
  const absl::Duration parted = absl::AbsDuration((wall - wall_) - (steady - steady_));
  const bool jumped = looked_ && parted > kMaxDivergence;
  looked_ = true;
  wall_ = wall;
  steady_ = steady;
  if (!jumped) return false;
  const bool news = !suspect_;
  suspect_ = true;
  since_ = wall;
  agreeing_.clear();
  return news;
}

bool ClockWatch::Agree(const monitor::SourceName& source, absl::Time round_begun,
                       absl::Duration offset) {
  if (round_begun < since_) return false;
  if (absl::AbsDuration(offset) > kAgreement) {
    agreeing_.erase(source);
    return false;
  }
  agreeing_.insert(source);
  if (!suspect_ || !vouched()) return false;
  suspect_ = false;
  return true;
}

bool ClockWatch::vouched() const {
  return agreeing_.size() >= kWitnesses;
}

}  // namespace driftwarden::daemon
