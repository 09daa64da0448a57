// What ordinarily happens in a month.

#include <algorithm>

#include "base/check.h"
#include "tests/sim/month_tenant.h"

namespace driftwarden::sim {
namespace {

using Act = MonthTenant::Act;

class MonthTeller {
 public:
  MonthTeller(MonthTenant& tenant, const MonthOptions& options)
      : tenant_(tenant), options_(options), rng_(options.seed * 7919), standing_(Enabled()) {}

  MonthStory Tell() {
    MonthStory story;
    story.outage = {Clock(9, 10 * 60), Clock(9, 16 * 60)};
    story.controller_serviced = {Clock(5, 20 * 60), Clock(5, 22 * 60)};
    story.engine_serviced = {Clock(6, 20 * 60), Clock(6, 22 * 60)};
    tenant_.StopEngine(story.outage);
    tenant_.StopEngine(story.engine_serviced);
    tenant_.StopController(story.controller_serviced);
    for (int day = 0; day < options_.days; ++day) TellDay(day);
    // Somebody leaves, and somebody comes back, while the directory cannot be read.
    tenant_.At(Clock(5, 20 * 60 + 25), Act::kDisable, Anybody());
    tenant_.At(Clock(5, 20 * 60 + 35), Act::kEnable, SomebodyGone());
    // Somebody leaves while the engine is serviced, and some in the outage.
    tenant_.At(Clock(6, 20 * 60 + 15), Act::kDisable, Anybody());
    for (const int minute : {605, 640, 700, 790}) {
      tenant_.At(Clock(9, minute), Act::kDisable, Anybody());
    }
    // An attribute in conflict: the engine leaves these two behind until somebody looks.
    for (const int day : {8, 16}) {
      const int who = Anybody();
      tenant_.At(Clock(day, 9 * 60), Act::kStick, who);
      tenant_.At(Clock(day, 10 * 60 + 7), Act::kDisable, who);
      tenant_.At(Clock(day + 1, 9 * 60 + 20), Act::kUnstick, who);
    }
    return story;
  }

 private:
  void TellDay(int day) {
    const bool working = day % 7 < 5;
    const int leavers = working ? options_.leavers : Some(8);
    for (int n = 0; n < leavers; ++n) Leave(day);
    for (int n = 0; n < Some(10); ++n) Contractor(day);
    for (int n = 0; n < Some(4); ++n) tenant_.At(Clock(day, 120 + n), Act::kDelete, SomebodyGone());
    for (int n = 0; n < options_.people / 200; ++n) {
      tenant_.At(Clock(day, Minute(0, 1440)), Act::kEdit, Whoever());
    }
    for (int n = 0; n < options_.leavers * 5; ++n) {
      tenant_.At(Clock(day, Minute(360, 1320)), Act::kResetPassword, Whoever());
    }
    if (!working) return;
    for (int n = 0; n < options_.leavers; ++n) Hire(day);
    for (int n = 0; n < Some(8); ++n) {
      tenant_.At(Clock(day, Minute(420, 600)), Act::kEnable, SomebodyGone());
    }
    if (day % 7 == 1) Mistake(day, 4);
    if (day % 7 == 3) Mistake(day, 50);
  }

  void Leave(int day) {
    const int who = Somebody();
    // Many at the end of the day.
    const bool late = rng_.Below(10) < 4;
    const absl::Time at = Clock(day, late ? Minute(1020, 1040) : Minute(480, 1080)) +
                          absl::Seconds(static_cast<int64_t>(rng_.Below(60)));
    const uint64_t how = rng_.Below(100);
    if (how < 10) {
      tenant_.At(at, Act::kDelete, who);
      return;
    }
    tenant_.At(at, Act::kDisable, who);
    if (how < 20) {  // a leave of absence
      tenant_.At(at + absl::Hours(24 * Minute(5, 15)), Act::kEnable, who);
    } else if (how < 55) {
      Script(at, who, how < 38);
    }
  }

  // Resets the password twice and moves the account; some end the sessions as well.
  void Script(absl::Time at, int who, bool revokes) {
    tenant_.At(at + absl::Seconds(5), Act::kResetPassword, who);
    tenant_.At(at + absl::Seconds(10), Act::kResetPassword, who);
    tenant_.At(at + absl::Seconds(15), Act::kMoveOut, who);
    if (revokes) tenant_.At(at + absl::Seconds(30), Act::kRevoke, who);
  }

  // Expires at midnight; extended or disabled in the morning.
  void Contractor(int day) {
    const int who = Somebody();
    tenant_.At(Clock(day, Minute(480, 720)), Act::kExpire, who);
    const bool stays = rng_.Below(10) < 4;
    tenant_.At(Clock(day + 1, Minute(480, 570)), stays ? Act::kExtend : Act::kDisable, who);
  }

  void Hire(int day) {
    const int who = next_hire_++;
    tenant_.At(Clock(day, Minute(540, 960)), Act::kHire, who);
    tenant_.At(Clock(day + 3, Minute(420, 540)), Act::kEnable, who);
  }

  void Mistake(int day, int minutes) {
    const int who = Somebody();
    const absl::Time at = Clock(day, Minute(540, 900));
    tenant_.At(at, Act::kDisable, who);
    tenant_.At(at + absl::Minutes(minutes), Act::kEnable, who);
  }

  absl::Time Clock(int day, int minute) const {
    return tenant_.start() + absl::Hours(24 * day) + absl::Minutes(minute);
  }
  int Minute(int from, int to) {
    return from + static_cast<int>(rng_.Below(static_cast<uint64_t>(to - from)));
  }
  // One of so many leavers of a working day; of few people one now and then.
  int Some(int part) {
    const int whole = options_.leavers / part;
    const auto rest = static_cast<uint64_t>(options_.leavers % part);
    return whole + (rng_.Below(static_cast<uint64_t>(part)) < rest ? 1 : 0);
  }

  // Each enabled person of the first day, and each disabled one, is told of once.
  std::vector<int> Enabled() {
    std::vector<int> people;
    for (int i = 0; i < options_.people; ++i) (tenant_.OutOfAd(i) ? gone_ : people).push_back(i);
    for (size_t left = people.size(); left > 1; --left) {
      std::swap(people[left - 1], people[static_cast<size_t>(rng_.Below(left))]);
    }
    return people;
  }
  int Somebody() {
    DW_CHECK(!standing_.empty());
    const int who = standing_.back();
    standing_.pop_back();
    return who;
  }
  int Anybody() {
    int who = Somebody();
    while (MonthTenant::IsAdmin(who)) who = Somebody();
    return who;
  }
  int SomebodyGone() {
    DW_CHECK(!gone_.empty());
    const int who = gone_.back();
    gone_.pop_back();
    return who;
  }
  int Whoever() { return static_cast<int>(rng_.Below(static_cast<uint64_t>(options_.people))); }

  MonthTenant& tenant_;
  const MonthOptions& options_;
  SeededRng rng_;
  std::vector<int> gone_;
  std::vector<int> standing_;
  int next_hire_ = options_.people;
};

}  // namespace

MonthStory TellMonth(MonthTenant& tenant, const MonthOptions& options) {
  return MonthTeller(tenant, options).Tell();
}

}  // namespace driftwarden::sim
