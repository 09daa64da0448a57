#pragma once

// What was noted while our own clock was ahead, and somebody has set it back since: it is dated
// later than now. What it says holds, its date does not. Left alone, every later look would be
// taken for the older one until the clock is there again, and whatever waits would wait for so
// long. Deadlines are not told apart from those that are meant to be far ahead: whoever sets a link
// back has everybody judged anew (PolicyEpoch::judged).

#include "monitor/person.h"

namespace driftwarden::monitor {

// Dates of ours beyond `now` by more than clocks may differ. Times that sources told are not ours.
bool IsDatedLater(absl::Time at, absl::Time now);
bool IsDatedLater(const Person& person, absl::Time now);
bool IsDatedLater(const LinkState& link, absl::Time now);
bool IsDatedLater(const Action& action, absl::Time now);

// Looks count as made a while ago, so that whatever is read from now on is newer; bounds become
// wider, never narrower.
void SetBack(Person& person, absl::Time now);
// Calls that were made count as made now: a budget is kept the longer for it.
void SetBack(LinkState& link, absl::Time now);
// It is tried again soon, and older than whatever is requested from now on.
void SetBack(Action& action, absl::Time now);

}  // namespace driftwarden::monitor
