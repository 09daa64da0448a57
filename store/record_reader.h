#pragma once

// Records out of one snapshot. Not thread-safe; must not outlive the Kv.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "monitor/person.h"
#include "store/keys.h"
#include "store/kv.h"

namespace driftwarden::store {

class RecordReader {
 public:
  explicit RecordReader(Kv& kv) : snapshot_(kv.Snapshot()) {}

  KvSnapshot& kv() { return *snapshot_; }

  StatusOr<uint64_t> LeaseEpoch();  // 0: never taken
  StatusOr<std::optional<LinkNumber>> NumberOf(const monitor::LinkName& link);
  StatusOr<std::map<LinkNumber, monitor::LinkName>> Links();
  StatusOr<std::optional<monitor::LinkState>> Link(LinkNumber link);
  // InfinitePast when none was written.
  StatusOr<absl::Time> LowMark(LinkNumber link);

  // Those that exist, in the order of `ordinals`.
  StatusOr<std::vector<monitor::Person>> People(
      LinkNumber link, const std::vector<monitor::PersonOrdinal>& ordinals);
  StatusOr<std::optional<monitor::Episode>> Episode(LinkNumber link,
                                                    const monitor::EpisodeId& id);  // closed ones
  StatusOr<std::vector<monitor::Action>> Actions(LinkNumber link,
                                                 const std::vector<std::string>& ids);
  StatusOr<std::vector<monitor::Incident>> Incidents(LinkNumber link,
                                                     const std::vector<std::string>& ids);

  // The keys of a range without their first `skip` bytes: what index entries hold.
  StatusOr<std::vector<std::string>> Tails(Family family, const KvRange& range, size_t skip,
                                           size_t limit, bool reverse = false);
  // The numbers at the end of a range's keys.
  StatusOr<std::vector<uint64_t>> Numbers(Family family, const KvRange& range, size_t limit);

 private:
  std::unique_ptr<KvSnapshot> snapshot_;
};

}  // namespace driftwarden::store
