#include "daemon/clock_watch.h"

#include "monitor/guards.h"

namespace driftwarden::daemon {
namespace {
constexpr absl::Duration kMaxDivergence = absl::Seconds(5);
constexpr absl::Duration kAgreement = absl::Seconds(30);
// A domain may be off by more for years; from here on nothing is done by it.
constexpr absl::Duration kVouches = monitor::kMaxSkewForAction;
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
  vouching_.clear();
  return news;
}

bool ClockWatch::Agree(const monitor::SourceName& source, absl::Time round_begun,
                       absl::Duration offset) {
  // Begun before the jump. After a step back that is dated later than now.
  if (round_begun < since_ || round_begun > wall_) return false;
  const auto take = [&](std::set<monitor::SourceName>& sources, absl::Duration within) {
    if (absl::AbsDuration(offset) <= within) {
      sources.insert(source);
    } else {
      sources.erase(source);
    }
  };
  take(vouching_, kVouches);
  take(agreeing_, kAgreement);
  if (!suspect_ || agreeing_.size() < kWitnesses) return false;
  suspect_ = false;
  return true;
}

bool ClockWatch::vouched() const {
  return vouching_.size() >= kWitnesses;
}

}  // namespace driftwarden::daemon
