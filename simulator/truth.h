#pragma once

// What really happened in the simulated world, kept by the world itself: the judge of tests and of
// the demo reads this and nothing the product says. Append-only but for `asked`, in the order of
// happening.

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace driftwarden::simulator {

enum class AdChangeKind { kDisabled, kEnabled, kDeleted, kExpirySet, kEdited };
enum class EntraChangeKind { kDisabled, kEnabled, kSoftDeleted, kPurged, kRestored, kRevoked };
// Who made a change in the tenant: the sync engine, a call to Graph, or the scenario itself.
enum class Actor { kSync, kApi, kOperator };
enum class CallKind { kRevoke, kDisable, kEnable };

struct AdChange {
  absl::Time at;
  size_t forest = 0;
  uint64_t person = 0;
  AdChangeKind kind = AdChangeKind::kEdited;
  int64_t usn = 0;
  int64_t account_expires = 0;  // as it is from then on
};

struct EntraChange {
  absl::Time at;
  size_t tenant = 0;
  uint64_t person = 0;
  EntraChangeKind kind = EntraChangeKind::kEnabled;
  Actor actor = Actor::kSync;
};

// A call of Graph that wanted to change a person, whether or not it did.
struct Call {
  absl::Time at;
  size_t tenant = 0;
  uint64_t person = 0;
  CallKind kind = CallKind::kRevoke;
  std::string client_request_id;
  int status = 0;        // as answered (a lost reply: what would have been)
  bool applied = false;  // false: refused, or swallowed by a fault
};

struct SignIn {
  absl::Time at;
  size_t tenant = 0;
  uint64_t person = 0;
  bool interactive = true;
  bool success = false;
  int error_code = 0;  // 0, 50057 disabled in Entra, 50173 revoked, 50126 refused by the directory
};

// Requests to Graph under one client-request-id, one after the other; refused ones too.
struct Asked {
  absl::Time at;  // the first of them
  std::string client_request_id;
  uint64_t requests = 0;
};
constexpr size_t kAskedKept = 2000;

struct Truth {
  std::vector<AdChange> ad_changes;
  std::vector<EntraChange> entra_changes;
  std::vector<Call> calls;
  std::vector<SignIn> sign_ins;
  std::deque<Asked> asked;  // the last kAskedKept
};

const char* ToText(AdChangeKind kind);  // "disabled", ...
const char* ToText(EntraChangeKind kind);
const char* ToText(Actor actor);
const char* ToText(CallKind kind);

}  // namespace driftwarden::simulator
