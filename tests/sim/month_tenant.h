#pragma once

// An ordinary directory, its sync engine and its tenant, by what happens in them: the truth that a
// month of monitoring is judged by. Nothing of the product decides here.

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/rng.h"
#include "monitor/observation.h"
#include "monitor/policy.h"
#include "monitor/tenant.h"
#include "monitor/tenant_log.h"

namespace driftwarden::sim {

struct MonthOptions {
  monitor::SyncEngine engine = monitor::SyncEngine::kConnect;
  monitor::AuthMode auth = monitor::AuthMode::kPasswordHashSync;
  monitor::Mode mode = monitor::Mode::kObserve;
  int people = 50'000;
  int leavers = 40;  // on a working day
  int days = 30;
  absl::Duration poll = absl::Minutes(2);
  uint64_t seed = 1;
};

// [from, to)
struct MonthSpan {
  absl::Time from = absl::InfinitePast();
  absl::Time to = absl::InfinitePast();
  bool Has(absl::Time at) const { return from <= at && at < to; }
};

class MonthTenant {
 public:
  explicit MonthTenant(const MonthOptions& options);

  // What somebody does to person i. Of `i` beyond the last a new account comes into being.
  enum class Act {
    kHire,  // created disabled
    kEnable,
    kDisable,
    kDelete,
    kResetPassword,
    kMoveOut,  // to the OU of those who left
    kExpire,   // accountExpires is set to the present day's begin
    kExtend,   // ... to next year's
    kEdit,     // of an attribute that nobody watches
    kRevoke,   // in Entra, by the offboarding's own application
    kStick,    // the engine cannot export the account
    kUnstick,
  };
  void At(absl::Time at, Act act, int i) { events_[at].push_back({act, i}); }
  void StopEngine(const MonthSpan& span) { stopped_.push_back(span); }
  void StopController(const MonthSpan& span) { dark_.push_back(span); }

  // Everything until then happens.
  void RunTo(absl::Time now);

  // As the feeds and direct reads show it.
  monitor::AdView Ad(int i) const;
  monitor::EntraView Entra(int i, bool direct) const;
  bool InEntra(int i) const { return people_[static_cast<size_t>(i)].in_entra; }
  std::set<int> TakeAdChanges() { return std::exchange(ad_changes_, {}); }
  std::set<int> TakeEntraChanges() { return std::exchange(entra_changes_, {}); }
  std::vector<monitor::AuditRecord> TakeAudits(absl::Time until);
  bool ControllerAnswers(absl::Time at) const;
  std::optional<absl::Time> last_sync() const { return last_sync_; }
  int size() const { return static_cast<int>(people_.size()); }
  absl::Time start() const { return start_; }
  // A revocation by the monitor.
  void Revoke(int i, absl::Time at);
  // Disabled or deleted in the directory.
  bool OutOfAd(int i) const;
  bool LiveInEntra(int i) const;

  // Since when, at or before `at`, somebody is at risk who can go on or come back although the
  // directory says that they left, longer than the sync engine may take; nothing: is not.
  std::optional<absl::Time> AtRisk(int i, absl::Time at) const;
  // Everybody who ever was, for at least `least`.
  struct Risk {
    int person = 0;
    MonthSpan span;
  };
  std::vector<Risk> Risks(absl::Time end, absl::Duration least) const;

  static monitor::Guid GuidOf(int i);
  static std::string EntraIdOf(int i);
  static int NumberOf(const monitor::Guid& guid);
  static int NumberOf(const std::string& entra_id);
  static bool IsAdmin(int i) { return i % 97 == 96; }
  // How long the engine may take; see the thresholds in docs/convergence.md.
  absl::Duration Patience(int i) const;

 private:
  struct Person {
    bool ad_enabled = true;
    bool ad_deleted = false;
    bool moved_out = false;
    bool stuck = false;
    bool in_entra = true;
    bool entra_enabled = true;
    bool entra_deleted = false;
    uint32_t uac_version = 1;
    uint32_t password_version = 1;
    uint64_t usn = 0;
    absl::Time uac_at;
    absl::Time deleted_at;
    absl::Time password_at;
    absl::Time expires = absl::InfiniteFuture();
    absl::Time expires_set;
    absl::Time valid_from = absl::InfinitePast();
    std::vector<MonthSpan> exposed;   // out of AD and live in Entra; the last may be open
    std::vector<absl::Time> revoked;  // sessions ended, by whomever, not by a password change
  };
  struct Event {
    Act act;
    int person;
  };
  Person& at(int i) { return people_[static_cast<size_t>(i)]; }
  const Person& at(int i) const { return people_[static_cast<size_t>(i)]; }
  void Do(const Event& event, absl::Time at);
  void NoteExposure(int i, absl::Time at);
  bool EngineRuns(absl::Time at) const;
  void RunEngine(absl::Time now);
  void Carry(int i, bool enabled, bool deleted, absl::Time at);
  void CarryPasswords(absl::Time at);
  void Audit(int i, monitor::AccountChange change, absl::Time at, bool by_sync);
  std::optional<MonthSpan> RiskOf(const Person& p, int i, const MonthSpan& exposed) const;

  const MonthOptions options_;
  const absl::Time start_;
  SeededRng rng_;
  std::vector<Person> people_;
  std::map<absl::Time, std::vector<Event>> events_;
  std::vector<MonthSpan> stopped_;
  std::vector<MonthSpan> dark_;
  std::set<int> ad_changes_;
  std::set<int> entra_changes_;
  std::set<int> to_carry_;
  std::set<int> passwords_;
  std::multimap<absl::Time, monitor::AuditRecord> audits_;  // by when they can be read
  // A run of the engine: what it saw when it began is exported when it ends.
  struct Seen {
    bool enabled;
    bool deleted;
  };
  std::map<int, Seen> in_hand_;
  absl::Time next_begin_;
  absl::Time next_export_ = absl::InfiniteFuture();
  absl::Time next_passwords_;
  std::optional<absl::Time> last_sync_;
  uint64_t usn_ = 1000;
  uint64_t records_ = 0;
};

// Fills a month with what ordinarily happens in it, and these days out of the ordinary.
struct MonthStory {
  MonthSpan outage;               // the engine stands still on a working day
  MonthSpan engine_serviced;      // announced
  MonthSpan controller_serviced;  // announced: nobody can read the directory
};
MonthStory TellMonth(MonthTenant& tenant, const MonthOptions& options);

}  // namespace driftwarden::sim
