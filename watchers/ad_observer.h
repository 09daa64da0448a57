#pragma once

// Who wants to know how the changes of an AD source reach us, for metrics. Told on the source's
// executor.

#include <cstdint>
#include <string_view>

#include "monitor/ids.h"

namespace driftwarden::watchers {

enum class AdTracking : uint8_t { kUsn, kDirSync };
// What became of one notification's object.
enum class AdNotice : uint8_t {
  kApplied,  // handed to the links at once
  kIgnored,  // no account of a person, or out of scope
  kDropped,  // the links are busy, or it made no sense: the poll brings it
};
// Why a notification search was begun anew.
enum class AdRearm : uint8_t {
  kLost,       // the session ended or fell silent
  kDcChanged,  // the poll reads another controller
  kMissed,     // the poll found what should have been told
};

constexpr AdTracking kAllAdTrackings[] = {AdTracking::kUsn, AdTracking::kDirSync};
constexpr AdNotice kAllAdNotices[] = {AdNotice::kApplied, AdNotice::kIgnored, AdNotice::kDropped};
constexpr AdRearm kAllAdRearms[] = {AdRearm::kLost, AdRearm::kDcChanged, AdRearm::kMissed};

constexpr std::string_view AdTrackingText(AdTracking tracking) {
  return tracking == AdTracking::kUsn ? "usn" : "dirsync";
}
constexpr std::string_view AdNoticeText(AdNotice notice) {
  switch (notice) {
    case AdNotice::kApplied:
      return "applied";
    case AdNotice::kIgnored:
      return "ignored";
    case AdNotice::kDropped:
      return "dropped";
  }
  return "";
}
constexpr std::string_view AdRearmText(AdRearm reason) {
  switch (reason) {
    case AdRearm::kLost:
      return "lost";
    case AdRearm::kDcChanged:
      return "dc_changed";
    case AdRearm::kMissed:
      return "missed";
  }
  return "";
}

class AdObserver {
 public:
  virtual ~AdObserver() = default;
  virtual void OnTracking(const monitor::SourceName& source, AdTracking tracking) = 0;
  virtual void OnNotifyUp(const monitor::SourceName& source, bool up) = 0;
  virtual void OnNotice(const monitor::SourceName& source, AdNotice notice) = 0;
  virtual void OnRearm(const monitor::SourceName& source, AdRearm reason) = 0;
};

}  // namespace driftwarden::watchers
