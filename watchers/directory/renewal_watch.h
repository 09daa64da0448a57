#pragma once

// Whether what a session was opened with is still what a new one would be opened with. A session
// that stands outlives its password: without this a wrong new one would show only when the
// connection breaks, at an hour that nobody chose.

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/time.h"

namespace driftwarden::directory {

// One strand. `clock` must outlive it.
class RenewalWatch {
 public:
  // Made before the files are read. `files`: password or keytab or cache, and the authorities'.
  RenewalWatch(const Clock& clock, std::vector<std::string> files);

  // Tickets that are good from `begin` to `end` are replaced while there is still time.
  void TicketsEnd(absl::Time begin, absl::Time end);
  // A file is another one than it was (inode, size or time), or the tickets are about to end.
  bool Due() const;
  // A new session could not be had. What the controller or its KDC refused is not tried again until
  // a file changes, for wrong secrets lock accounts; anything else in a minute.
  void Failed(const Status& why);

 private:
  struct Stamp {
    uint64_t device = 0;
    uint64_t inode = 0;
    int64_t size = -1;  // there is no such file
    int64_t modified = 0;
    friend bool operator==(const Stamp&, const Stamp&) = default;
  };
  static Stamp StampOf(const std::string& path);
  std::vector<Stamp> StampsNow() const;

  const Clock& clock_;
  std::vector<std::string> files_;
  std::vector<Stamp> stamps_;
  absl::Time renew_at_ = absl::InfiniteFuture();
  absl::Duration not_before_ = -absl::InfiniteDuration();  // steady
};

}  // namespace driftwarden::directory
