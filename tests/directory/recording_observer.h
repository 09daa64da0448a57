#pragma once

// Counts what an AD source tells of itself.

#include <map>
#include <vector>

#include "watchers/ad_observer.h"

namespace driftwarden::watchers {

class RecordingObserver final : public AdObserver {
 public:
  void OnTracking(const monitor::SourceName&, AdTracking now) override { tracking.push_back(now); }
  void OnNotifyUp(const monitor::SourceName&, bool now) override { up = now; }
  void OnNotice(const monitor::SourceName&, AdNotice notice) override { ++notices[notice]; }
  void OnRearm(const monitor::SourceName&, AdRearm reason) override { ++rearms[reason]; }

  std::vector<AdTracking> tracking;
  bool up = false;
  std::map<AdNotice, int> notices;
  std::map<AdRearm, int> rearms;
};

}  // namespace driftwarden::watchers
