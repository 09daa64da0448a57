#pragma once

// One Entra tenant fed by one forest: an account for each person, their state, and the delta
// rounds over it. Knows nothing of HTTP but the status a call would be answered with.
// Single-threaded; time is passed in and must not go back.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/time/time.h"
#include "base/status.h"
#include "simulator/delta.h"
#include "simulator/devices.h"
#include "simulator/people.h"
#include "simulator/remains.h"
#include "simulator/reports.h"
#include "simulator/tenant_faults.h"
#include "simulator/tenant_settings.h"
#include "simulator/truth.h"

namespace driftwarden::simulator {

struct TenantOptions {
  std::string name = "contoso";
  size_t forest = 0;            // that feeds it
  size_t page_size = 200;       // of users/delta
  uint64_t unlinked_every = 0;  // one person in so many has no account here; 0: everybody has
  bool whole_seconds = true;    // signInSessionsValidFromDateTime is cut to seconds, as in Graph
};

enum class Presence { kNever, kLive, kSoftDeleted, kPurged };

struct EntraState {
  Presence presence = Presence::kLive;
  bool enabled = true;
  std::optional<absl::Time> sessions_valid_from;
  std::optional<absl::Time> deleted_at;
  absl::Time last_sync;
};

// One account as a read shows it.
struct EntraUser : EntraState {
  Person person;
  std::string id;
  absl::Time created;
};

// What an account carries of an on-premises account that is not in the simulated directory.
struct Adoption {
  std::string immutable_id;  // base64 of the anchor's raw bytes
  std::string object_sid;    // raw
  std::string sam;
  std::string upn;
  std::string dn;
};

enum class Removed { kNo, kChanged, kDeleted };

struct DeltaRecord {
  EntraUser user;
  Removed removed = Removed::kNo;
};

struct DeltaRequest {
  std::string token;                // empty: a new full round
  bool skip_token = false;          // the token came as $skiptoken
  bool latest = false;              // $deltatoken=latest
  std::vector<std::string> select;  // of a new round
};

struct DeltaPage {
  std::optional<DeadTokenShape> dead;
  bool malformed = false;        // the token is none of ours
  std::string refused_property;  // 400: cannot be selected
  std::vector<std::string> select;
  std::vector<DeltaRecord> records;
  std::string next_token;  // exactly one of the two is set in a good page
  std::string delta_token;
};

class Tenant {
 public:
  // `people` and `truth` must outlive it; `advance` as in Directory.
  Tenant(size_t number, const People& people, TenantOptions options, absl::Time start, Truth& truth,
         std::function<void(absl::Time)> advance);

  const People& people() const { return people_; }
  const TenantOptions& options() const { return options_; }
  const std::string& id() const { return tenant_id_; }  // GUID text
  TenantFaults& faults() { return faults_; }
  const TenantFaults& faults() const { return faults_; }
  TenantSettings& settings() { return settings_; }
  const TenantSettings& settings() const { return settings_; }
  Throttle& throttle() { return throttle_; }
  const Throttle& throttle() const { return throttle_; }

  Reports& reports() { return reports_; }
  const Reports& reports() const { return reports_; }
  Devices& devices() { return devices_; }
  const Devices& devices() const { return devices_; }
  Remains& remains() { return remains_; }
  const Remains& remains() const { return remains_; }

  std::string EntraId(uint64_t person) const;
  // Of anything else in the tenant that has an id, by what it is.
  std::string ObjectId(std::string_view what) const;
  // By Entra id or UPN; nothing for who never had an account or was purged.
  std::optional<uint64_t> Find(std::string_view id_or_upn) const;
  // As a read at `now` shows it (read_delay counts), and as it is.
  EntraUser View(uint64_t person, absl::Time now) const;
  EntraUser Now(uint64_t person) const { return View(person, absl::InfiniteFuture()); }

  DeltaPage Delta(const DeltaRequest& request, absl::Time now);
  void KillDeltaTokens(DeadTokenShape shape);

  // Calls by an application: recorded with their request id, applied unless a fault says no.
  // Answer: the HTTP status.
  int Revoke(uint64_t person, absl::Time now, std::string_view client_request_id);
  int SetEnabledByCall(uint64_t person, bool enabled, absl::Time now,
                       std::string_view client_request_id);

  // Changes by the sync engine or by the scenario. False: nothing to change.
  bool SetEnabled(uint64_t person, bool enabled, Actor actor, absl::Time now);
  bool SoftDelete(uint64_t person, Actor actor, absl::Time now);
  bool Purge(uint64_t person, Actor actor, absl::Time now);
  bool Restore(uint64_t person, Actor actor, absl::Time now);
  // Sign-in sessions end without a revoke, as by a synced password change.
  void MoveSessions(uint64_t person, Actor actor, absl::Time now);
  // A new password, which ends the sessions with it. False: there is no such account.
  bool ChangePassword(uint64_t person, Actor actor, absl::Time now);
  // The account belongs to somebody of another, real directory from now on. The person keeps its
  // name here for the sync engine and the control API.
  void Adopt(uint64_t person, Adoption adoption, absl::Time now);
  void TouchLastSync(uint64_t person, absl::Time now);

  absl::Time last_sync() const { return last_sync_; }  // the organization's
  void set_last_sync(absl::Time at) { last_sync_ = at; }
  std::vector<uint64_t> ChangedSince(int64_t log_position) const;
  int64_t log_position() const { return log_.head(); }

 private:
  struct Version {
    absl::Time at;
    EntraState state;
  };

  EntraState BaseState(uint64_t person) const;
  EntraState& Edit(uint64_t person, absl::Time now);
  std::optional<uint64_t> FindByUpn(std::string_view upn) const;
  EntraUser MakeUser(uint64_t person, const EntraState& state) const;
  void Record(uint64_t person, EntraChangeKind kind, Actor actor, ChangeAspect aspect,
              absl::Time now);
  absl::Time VisibleUntil(absl::Time now) const;
  uint32_t TrackedAspects(const std::vector<std::string>& select) const;
  DeltaPage StartRound(const DeltaRequest& request, absl::Time now);
  void FillFullPage(DeltaToken at, absl::Time now, DeltaPage& page) const;
  void FillChangePage(DeltaToken at, absl::Time now, DeltaPage& page) const;
  void AddRecord(uint64_t person, bool full_round, absl::Time now, DeltaPage& page) const;

  const size_t number_;
  const People& people_;
  const TenantOptions options_;
  const absl::Time start_;
  const uint64_t id_seed_;
  const std::string tenant_id_;
  Truth& truth_;
  std::function<void(absl::Time)> advance_;
  TenantFaults faults_;
  TenantSettings settings_;
  Reports reports_;
  Devices devices_;
  Remains remains_;
  Throttle throttle_;
  absl::Time last_sync_;
  std::unordered_map<uint64_t, std::vector<Version>> changed_;
  std::unordered_map<uint64_t, Adoption> adopted_;
  ChangeLog log_;
  std::vector<std::vector<std::string>> selects_;
  uint64_t generation_ = 1;
  DeadTokenShape dead_shape_ = DeadTokenShape::kGone;
};

}  // namespace driftwarden::simulator
