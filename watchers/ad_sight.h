#pragma once

// What the service account can see of one directory, learnt from what it is given: without the
// right to read something a search succeeds all the same and leaves it out. Thread-safe.

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/log.h"
#include "monitor/observation.h"

namespace driftwarden::watchers {

// Names are the metric's `finding` label.
constexpr char kMetadataHidden[] = "metadata_hidden";
constexpr char kStateHidden[] = "state_hidden";
constexpr char kTombstonesHidden[] = "tombstones_hidden";
constexpr char kGroupUnknown[] = "group_unknown";
constexpr char kDirSyncRefused[] = "dirsync_refused";
constexpr char kNotifyRefused[] = "notify_refused";
constexpr const char* kAllFindings[] = {kMetadataHidden, kStateHidden,    kTombstonesHidden,
                                        kGroupUnknown,   kDirSyncRefused, kNotifyRefused};

struct Finding {
  std::string name;
  std::string text;  // what follows from it, and how to mend it
  friend bool operator==(const Finding&, const Finding&) = default;
};

class AdSight {
 public:
  // `log` must outlive it.
  AdSight(monitor::SourceName source, Logger& log);

  // Every account that was read. Raises and lowers what concerns accounts.
  void NoteAccount(const monitor::AdView& view);
  // Each is logged once, as `ad_NAME` when it begins and as `ad_finding_over` when it ends.
  void Raise(const std::string& name, const std::string& text);
  void Lower(const std::string& name);
  // replPropertyMetaData was once not given: msDS-ReplAttributeMetaData is asked for from then on.
  bool asks_for_xml() const;
  std::vector<Finding> findings() const;

 private:
  bool HasLocked(const std::string& name) const;

  const monitor::SourceName source_;
  Logger& log_;
  mutable std::mutex mutex_;
  std::map<std::string, std::string> findings_;
  uint64_t stamps_in_a_row_ = 0;
  uint64_t states_in_a_row_ = 0;
  bool asks_for_xml_ = false;
};

}  // namespace driftwarden::watchers
