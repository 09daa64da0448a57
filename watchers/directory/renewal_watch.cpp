#include "watchers/directory/renewal_watch.h"

#include <sys/stat.h>

#include <algorithm>
#include <utility>

namespace driftwarden::directory {
namespace {

constexpr absl::Duration kLongestMargin = absl::Minutes(5);
constexpr absl::Duration kRetry = absl::Minutes(1);

}  // namespace

RenewalWatch::RenewalWatch(const Clock& clock, std::vector<std::string> files)
    : clock_(clock), files_(std::move(files)), stamps_(StampsNow()) {}

void RenewalWatch::TicketsEnd(absl::Time begin, absl::Time end) {
  renew_at_ = end - std::min(kLongestMargin, (end - begin) / 4);
}

bool RenewalWatch::Due() const {
  if (clock_.Steady() < not_before_) return false;
  return clock_.Wall() >= renew_at_ || StampsNow() != stamps_;
}

void RenewalWatch::Failed(const Status& why) {
  if (why.code() == StatusCode::kUnauthenticated) {
    stamps_ = StampsNow();
    renew_at_ = absl::InfiniteFuture();
  } else {
    not_before_ = clock_.Steady() + kRetry;
  }
}

RenewalWatch::Stamp RenewalWatch::StampOf(const std::string& path) {
  struct stat found {};
  Stamp stamp;
  if (::stat(path.c_str(), &found) != 0) return stamp;
  stamp.device = found.st_dev;
  stamp.inode = found.st_ino;
  stamp.size = found.st_size;
  stamp.modified = absl::ToInt64Nanoseconds(absl::DurationFromTimespec(found.st_mtim));
  return stamp;
}

std::vector<RenewalWatch::Stamp> RenewalWatch::StampsNow() const {
  std::vector<Stamp> stamps;
  for (const std::string& file : files_) stamps.push_back(StampOf(file));
  return stamps;
}

}  // namespace driftwarden::directory
