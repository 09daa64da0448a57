#pragma once

// A forest of one domain as one domain controller shows it: every write raises the DC's USN and
// stamps the attribute. Unchanged people have USNs that follow from their index, so a question
// about changes costs what changed. Single-threaded; time is passed in and must not go back.

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/time/time.h"
#include "base/status.h"
#include "simulator/people.h"
#include "simulator/replication.h"
#include "simulator/truth.h"

namespace driftwarden::simulator {

inline constexpr uint32_t kUacDisabled = 0x2;
inline constexpr uint32_t kUacNormal = 0x200;
inline constexpr int64_t kNeverExpires = INT64_MAX;  // accountExpires
absl::Time ExpiryOf(int64_t account_expires);        // InfiniteFuture: never, as 0 says too

struct DirectoryOptions {
  absl::Time start;               // when the simulation begins; people are older
  uint32_t uac_version_step = 1;  // by one write: 1 as Windows, 2 as Samba
  absl::Duration clock_offset;    // the DC's clock minus true time
  std::string dc_name = "dc1";    // host part of dnsHostName
};

struct DomainController {
  std::string dns_name;
  std::string site = "Default-First-Site-Name";
  std::string dsa_guid;       // raw; objectGUID of the NTDS Settings object
  std::string invocation_id;  // raw; changes with a restore
  int64_t highest_usn = 0;    // highestCommittedUSN
  bool synchronized = true;
  absl::Duration clock_offset;
};

// A person's object as the DC would read it out.
struct AdUser {
  Person person;
  std::string dn;  // of the tombstone, once deleted
  uint32_t uac = kUacNormal;
  int64_t account_expires = kNeverExpires;
  std::string description;
  bool deleted = false;
  int64_t usn_created = 0;
  int64_t usn_changed = 0;
  absl::Time when_created;
  absl::Time when_changed;
  Stamps stamps;

  bool enabled() const { return !deleted && (uac & kUacDisabled) == 0; }
};

struct UsnRange {
  int64_t lo = 0;
  int64_t hi = INT64_MAX;
};

// Where a paged read stands. A fresh one starts at the beginning.
struct AdCursor {
  bool in_changed = false;
  uint64_t index = 0;
  int64_t usn = 0;
  bool done = false;
};

class Directory {
 public:
  // `people` and `truth` must outlive it. `advance` is called with the time of every access, before
  // it: what was due earlier happens earlier.
  Directory(size_t forest, const People& people, DirectoryOptions options, Truth& truth,
            std::function<void(absl::Time)> advance);

  const People& people() const { return people_; }
  const DomainController& dc() const { return dc_; }
  DomainController& dc() { return dc_; }
  absl::Time DcTime(absl::Time now) const { return now + dc_.clock_offset; }

  // Writes. A value that is there already moves nothing. NotFound: nobody, or deleted.
  Status Disable(std::string_view sam, absl::Time now);
  Status Enable(std::string_view sam, absl::Time now);
  Status Delete(std::string_view sam, absl::Time now);
  Status Expire(std::string_view sam, absl::Time at, absl::Time now);  // InfiniteFuture: never
  Status Describe(std::string_view sam, std::string_view text, absl::Time now);
  Status SetUserAccountControl(uint64_t person, uint32_t uac, absl::Time now);
  Status SetAccountExpires(uint64_t person, int64_t file_time, absl::Time now);
  Status SetDescription(uint64_t person, std::string_view text, absl::Time now);
  Status DeletePerson(uint64_t person, absl::Time now);
  // The DC comes back from a backup: a new invocationId, USNs go on.
  void ChangeInvocationId(absl::Time now);

  // Called after every write with whom it changed; it may only take note.
  void OnCommit(std::function<void(uint64_t)> told) { told_ = std::move(told); }

  // Reads.
  AdUser Read(uint64_t person) const;
  bool IsEnabled(uint64_t person) const;
  bool IsDeleted(uint64_t person) const;
  bool HasExpired(uint64_t person, absl::Time now) const;
  // The next at most `limit` people (tombstones too) with uSNChanged in the range, in no promised
  // order; one who changes meanwhile can come twice. Sets cursor.done with the last of them.
  std::vector<uint64_t> Page(UsnRange range, AdCursor& cursor, size_t limit) const;
  std::vector<uint64_t> ChangedSince(int64_t usn) const;  // uSNChanged > usn, oldest first
  size_t changed_people() const { return changed_.size(); }
  int64_t base_usn() const { return base_usn_; }  // the highest when nothing had changed yet

 private:
  struct State {
    uint32_t uac = 0;
    int64_t account_expires = kNeverExpires;
    std::string description;
    bool deleted = false;
    int64_t usn_changed = 0;
    absl::Time when_changed;
    Stamps stamps;
  };

  StatusOr<uint64_t> Find(std::string_view sam) const;
  State BaseState(uint64_t person) const;
  StatusOr<State*> Writable(uint64_t person);
  void Commit(uint64_t person, State& state, std::initializer_list<uint32_t> attributes,
              AdChangeKind kind, absl::Time now);

  const size_t forest_;
  const People& people_;
  const DirectoryOptions options_;
  Truth& truth_;
  std::function<void(absl::Time)> advance_;
  std::function<void(uint64_t)> told_;
  DomainController dc_;
  int64_t base_usn_;
  std::unordered_map<uint64_t, State> changed_;
  std::map<int64_t, uint64_t> by_usn_;  // of changed people: uSNChanged -> person
};

}  // namespace driftwarden::simulator
