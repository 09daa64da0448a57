#pragma once

// The change log behind GET /users/delta and its opaque tokens. A token holds its whole state, so
// an old one can be used again and gives the changes since it again.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/time/time.h"

namespace driftwarden::simulator {

// What of a person changed; a narrow $select tracks only some of it.
enum ChangeAspect : uint32_t {
  kAspectLifecycle = 1,  // created, deleted, restored: always tracked
  kAspectEnabled = 2,
  kAspectSessions = 4,
  kAspectLastSync = 8,
};

// One entry for each (person, aspect), the latest.
class ChangeLog {
 public:
  struct Entry {
    uint64_t person = 0;
    uint32_t aspect = 0;
    absl::Time at;
  };

  void Add(uint64_t person, ChangeAspect aspect, absl::Time at);
  int64_t head() const { return head_; }
  // The last entry that is not younger than `at`.
  int64_t HeadAt(absl::Time at) const;
  // True when `seq` is the person's last entry up to `bound` among the aspects in `mask`.
  bool IsLast(int64_t seq, const Entry& entry, uint32_t mask, int64_t bound) const;
  const std::map<int64_t, Entry>& entries() const { return entries_; }

 private:
  int64_t head_ = 0;
  std::map<int64_t, Entry> entries_;
  std::unordered_map<uint64_t, std::map<uint32_t, int64_t>> latest_;  // person -> aspect -> seq
};

struct DeltaToken {
  enum class Kind { kFullPage, kChangePage, kDelta };
  Kind kind = Kind::kDelta;
  uint64_t generation = 0;   // tokens of an older generation are dead
  uint64_t select = 0;       // index into the tenant's table of selects
  int64_t bound = 0;         // the round shows changes up to here
  uint64_t position = 0;     // next person, or last sequence number seen
  uint64_t empty_pages = 0;  // still to come

  std::string Encode() const;
  static std::optional<DeltaToken> Decode(std::string_view text);
};

}  // namespace driftwarden::simulator
