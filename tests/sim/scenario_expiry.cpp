// Accounts that expire in AD: in trouble, at its end, and once more in peace.

#include <algorithm>

#include "base/strings.h"
#include "tests/sim/checks.h"
#include "tests/sim/scenario.h"
#include "tests/sim/truth_queries.h"

namespace driftwarden::sim {

namespace {

constexpr double kExpiries = 0.35;
constexpr double kActsOnExpired = 0.25;  // of all, so that some expire and nothing may be done
constexpr absl::Duration kExtended = absl::Hours(100);
constexpr absl::Duration kLongAgo = absl::Hours(24 * 30);
// A revocation in peace comes when it is due, or when a budget has room.
constexpr absl::Duration kRevokedInPeace = absl::Minutes(35);
constexpr absl::Duration kNothingMore = absl::Minutes(3);

}  // namespace

void Scenario::RollExpiry() {
  acts_on_expired_ = expiry_dice_.Chance(kActsOnExpired);
  expiries_ =
      acts_on_expired_ || expiry_dice_.Chance((kExpiries - kActsOnExpired) / (1 - kActsOnExpired));
}

bool Scenario::HasExpiryDate(uint64_t person) {
  return stage_->world().directory().Read(person).account_expires != simulator::kNeverExpires;
}

// Often one who has a date already, so that it moves.
uint64_t Scenario::AnyPersonToExpire() {
  const uint64_t count = stage_->world().people().count();
  const uint64_t from = expiry_dice_.Below(count);
  if (!expiry_dice_.Chance(0.5)) return from;
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t person = (from + i) % count;
    if (HasExpiryDate(person)) return person;
  }
  return from;
}

void Scenario::SetExpiry(uint64_t person, absl::Time at, const char* what) {
  const std::string sam = stage_->world().people().SamOf(person);
  Note(Cat(sam, " ", what, ", ", FormatRfc3339(at)));
  // Whoever is deleted stays so.
  static_cast<void>(stage_->world().directory().Expire(sam, at, stage_->now()));
}

void Scenario::ActOnExpiry() {
  if (!expiries_ || !expiry_dice_.Chance(0.5)) return;
  const uint64_t person = AnyPersonToExpire();
  const absl::Time now = stage_->now();
  const int64_t what = expiry_dice_.Between(0, 9);
  if (what <= 3) {
    SetExpiry(person, now + absl::Seconds(expiry_dice_.Between(1, 90)), "expires shortly");
  } else if (what <= 6) {
    const absl::Duration ago =
        absl::Seconds(expiry_dice_.Between(1, absl::ToInt64Seconds(kLongAgo)));
    SetExpiry(person, now - ago, "is expired since before");
  } else if (what <= 8) {
    SetExpiry(person, now + kExtended, "is extended");
  } else {
    SetExpiry(person, absl::InfiniteFuture(), "never expires");
  }
}

void Scenario::ExtendAtTheLastMoment(uint64_t person) {
  if (!expiries_ || !expiry_dice_.Chance(0.05)) return;
  const simulator::Directory& directory = stage_->world().directory();
  if (!directory.IsEnabled(person) || !directory.HasExpired(person, stage_->now())) return;
  SetExpiry(person, stage_->now() + kExtended, "is extended at the last moment");
}

// Some of those with a date keep it, and must come to what it asks for.
void Scenario::MendExpiry() {
  if (!expiries_) return;
  for (uint64_t person = 0; person < stage_->world().people().count(); ++person) {
    if (!HasExpiryDate(person)) continue;
    const int64_t what = expiry_dice_.Between(0, 3);
    if (what == 0) SetExpiry(person, stage_->now() + kExtended, "is extended");
    if (what == 1) SetExpiry(person, absl::InfiniteFuture(), "never expires");
  }
}

void Scenario::ExpireInPeace() {
  if (!expiries_) return;
  const uint64_t from = expiry_dice_.Below(stage_->world().people().count());
  const auto person = SomebodyFrom(from, monitor::State::kAligned);
  if (!person || !TruthOf(*stage_, 0, *person).live()) return;
  const size_t calls = CallsFor(*stage_, 0, *person);
  const absl::Time at = stage_->now() + absl::Seconds(expiry_dice_.Between(-300, 90));
  SetExpiry(*person, at, "expires, in peace");
  const monitor::LinkState nothing_learned;
  const monitor::Thresholds thresholds =
      ThresholdsFor(TierOfPerson(*stage_, 0, *person), *stage_->link(0).policy, nothing_learned);
  const absl::Time due = std::max(at, stage_->now()) + thresholds.revoke_after;
  const absl::Time end = due + kRevokedInPeace;
  while (acts_on_expired_ && CallsFor(*stage_, 0, *person) == calls && stage_->now() < end) {
    stage_->RunFor(absl::Minutes(1));
  }
  stage_->RunFor(std::max(due - stage_->now(), absl::ZeroDuration()) + kNothingMore);
  const size_t wanted = calls + (acts_on_expired_ ? 1 : 0);
  Expect(CallsFor(*stage_, 0, *person) == wanted, *person,
         acts_on_expired_ ? "expired in peace, and was not revoked once"
                          : "expired in peace, and was revoked though nobody wants that");
  SetExpiry(*person, stage_->now() + kExtended, "is extended, in peace");
  stage_->RunFor(kNothingMore);
}

}  // namespace driftwarden::sim
