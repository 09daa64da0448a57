#include "tests/testing/world_controllers.h"

#include <algorithm>

#include "base/check.h"
#include "base/strings.h"
#include "simulator/guid.h"

namespace driftwarden::testing {

using simulator::AdUser;

Controller::Controller(const simulator::Directory& origin, uint64_t number)
    : origin_(origin),
      number_(number),
      name_(Cat("dc", number + 1)),
      invocation_id_(simulator::GuidFrom(number + 1, 0xdc)) {
  database_.followed = origin.dc().highest_usn;
  for (uint64_t person = 0; person < origin.people().count(); ++person) {
    AdUser user = origin.Read(person);
    database_.highest_usn = std::max(database_.highest_usn, user.usn_changed);
    database_.by_usn[user.usn_changed] = person;
    base_.push_back(std::move(user));
  }
  // No number means the same on two controllers.
  database_.highest_usn += static_cast<int64_t>(1 + 7 * number);
  BackUp();
}

void Controller::Follow(absl::Time now) {
  if (Lags(now)) return;
  for (const uint64_t person : origin_.ChangedSince(database_.followed)) {
    database_.by_usn.erase(Read(person).usn_changed);
    AdUser user = origin_.Read(person);
    user.usn_changed = ++database_.highest_usn;
    database_.by_usn[user.usn_changed] = person;
    database_.changed[person] = std::move(user);
  }
  database_.followed = origin_.dc().highest_usn;
}

void Controller::BackUp() {
  backup_ = database_;
}

void Controller::Restore(absl::Time now) {
  database_ = backup_;
  invocation_id_ = simulator::GuidFrom(static_cast<uint64_t>(absl::ToUnixMicros(now)), number_);
}

AdUser Controller::Read(uint64_t person) const {
  const auto found = database_.changed.find(person);
  return found == database_.changed.end() ? base_[person] : found->second;
}

std::vector<uint64_t> Controller::ChangedIn(int64_t lo, int64_t hi) const {
  std::vector<uint64_t> people;
  const auto end = database_.by_usn.upper_bound(hi);
  for (auto it = database_.by_usn.lower_bound(lo); it != end; ++it) people.push_back(it->second);
  return people;
}

Controllers::Controllers(simulator::World& world) {
  for (size_t forest = 0; forest < world.forests(); ++forest) {
    std::vector<Controller>& controllers = forests_.emplace_back();
    for (size_t number = 0; number < kOfForest; ++number) {
      controllers.emplace_back(world.directory(forest), number);
    }
  }
}

Controller* Controllers::UpOne(size_t forest, size_t wanted, absl::Time now) {
  for (size_t i = 0; i < kOfForest; ++i) {
    Controller& controller = At(forest, (wanted + i) % kOfForest);
    if (!controller.IsUp(now)) continue;
    controller.Follow(now);
    return &controller;
  }
  return nullptr;
}

size_t Controllers::NumberOf(size_t forest, const Controller& controller) const {
  const std::vector<Controller>& all = forests_[forest];
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const Controller& other) { return &other == &controller; });
  DW_CHECK(found != all.end());
  return static_cast<size_t>(found - all.begin());
}

void Controllers::Mend(absl::Time now) {
  for (std::vector<Controller>& controllers : forests_) {
    for (Controller& controller : controllers) {
      controller.LagUntil(now);
      controller.StopUntil(now);
      controller.Follow(now);
    }
  }
}

}  // namespace driftwarden::testing
