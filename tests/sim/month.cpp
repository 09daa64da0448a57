#include "tests/sim/month.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <memory>
#include <utility>

#include "base/check.h"
#include "base/strings.h"
#include "daemon/engine.h"
#include "store/mem_store.h"
#include "tests/testing/sim_scheduler.h"

namespace driftwarden::sim {

using daemon::DirectTarget;
using monitor::Action;
using monitor::ActionState;
using monitor::LookKind;
using monitor::Observation;
using monitor::PersonOrdinal;

namespace {

const monitor::SourceName kMonthAd{"corp"};
const monitor::SourceName kMonthTenant{"contoso"};
constexpr absl::Duration kTenantEvery = absl::Minutes(5);
constexpr absl::Duration kLogsEvery = absl::Minutes(10);
constexpr absl::Duration kTellEvery = absl::Minutes(30);  // when nothing that is told of changed
// Direct reads: each round for so long after something happened, later as seldom as this.
constexpr absl::Duration kReadQuickly = absl::Hours(1);
constexpr absl::Duration kReadSeldom = absl::Hours(12);
constexpr size_t kMonthPage = 1000;

std::shared_ptr<const monitor::Policy> MonthPolicy(const MonthOptions& options) {
  auto policy = std::make_shared<monitor::Policy>();
  policy->link = monitor::LinkName("corp-contoso");
  policy->sync_engine = options.engine;
  // What the tenant cannot say of itself for certain.
  if (options.auth == monitor::AuthMode::kPassThrough) policy->auth_mode = options.auth;
  policy->ad_sources = {kMonthAd};
  policy->entra_source = kMonthTenant;
  policy->poll_intervals = {{kMonthAd, options.poll}, {kMonthTenant, options.poll}};
  policy->tiers.push_back(
      {monitor::TierName(monitor::kTier0), {true, {"OU=Admins,DC=corp,DC=example"}}, {}, {}, {}});
  policy->tiers.push_back({monitor::TierName(monitor::kStandard), {}, {}, {}, {}});
  policy->remediation.mode = options.mode;
  // An ordinary month is not the first day.
  policy->remediation.breakers.quiet_after_first_baseline = absl::ZeroDuration();
  return policy;
}

class MonthObserver final : public daemon::CommitObserver {
 public:
  void OnCommit(const monitor::LinkState& link, const monitor::Tally&) override {
    changed |= link.open != open_ || link.causes.causes != causes_;
    open_ = link.open;
    causes_ = link.causes.causes;
  }
  bool changed = false;
  bool AnyCause() const {
    return std::any_of(causes_.begin(), causes_.end(),
                       [](const auto& cause) { return !cause.ended_at; });
  }

 private:
  std::map<monitor::OpenCountKey, int64_t> open_;
  std::vector<monitor::LinkCause> causes_;
};

class Month {
 public:
  explicit Month(const MonthOptions& options);
  ~Month();
  MonthResult Play();

 private:
  // What was told of one incident.
  struct Told {
    std::string kind;
    std::string name;
    int person = -1;  // -1: of what ails many
    absl::Time warned = absl::InfiniteFuture();
    absl::Time paged = absl::InfiniteFuture();
    absl::Time ended = absl::InfiniteFuture();
  };

  template <typename R>
  R Await(asio::awaitable<R> task);
  void Must(asio::awaitable<Status> task) {
    const Status done = Await(std::move(task));
    DW_CHECK(done.ok());
  }
  absl::Time now() const { return clock_.Wall(); }
  Observation AdSeen(int i, LookKind kind) const;
  Observation EntraSeen(int i, LookKind kind) const;
  void Round(const monitor::SourceName& source, std::vector<Observation> seen, bool snapshot);
  void Baseline();
  void Poll();
  void LookAtTenant();
  void ReadLogs();
  void ReadDirectly();
  void Read(const DirectTarget& target, std::vector<Observation>& seen) const;
  void Act();
  void Gates(const Action& action);
  void Tell();
  void Note(const alerts::PendingAlert& pending);
  void Judge(MonthResult& result) const;
  void JudgePages(MonthResult& result) const;
  bool PagedCauseAt(absl::Time at) const;

  const MonthOptions options_;
  MonthTenant tenant_;
  const MonthStory story_;
  const absl::Duration told_within_;  // the cycle as it is learned, a poll and a second look
  asio::io_context io_{1};
  testing::SimClock clock_;
  testing::SimScheduler scheduler_;
  Logger log_;
  InlineLane lane_;
  SeededRng rng_;
  MonthObserver observer_;
  std::unique_ptr<store::StateStore> store_;
  std::unique_ptr<daemon::Engine> engine_;
  std::map<PersonOrdinal, absl::Time> to_read_;
  std::map<std::string, Told> told_;
  std::map<int, int> actions_;  // by day
  std::vector<std::string> faults_;
  absl::Time tenant_read_ = absl::InfinitePast();
  absl::Time logs_read_ = absl::InfinitePast();
  absl::Time told_at_ = absl::InfinitePast();
  std::optional<absl::Time> sync_seen_;
  uint64_t rounds_ = 0;
};

Month::Month(const MonthOptions& options)
    : options_(options),
      tenant_(options),
      story_(TellMonth(tenant_, options)),
      told_within_(std::max(absl::Minutes(5), 2 * options.poll)),
      clock_(tenant_.start()),
      scheduler_(io_, clock_),
      log_(LogLevel::kInfo, LogFormat::kLogfmt,
           std::getenv("DRIFTWARDEN_SIM_LOG") == nullptr ? "/dev/null" : "/dev/stderr"),
      rng_(options.seed) {
  auto opened = store::NewMemStore(std::make_shared<store::MemDisk>());
  DW_CHECK(opened.ok());
  store_ = *std::move(opened);
  const auto lease = store_->AcquireLease();
  daemon::EngineParts parts{
      *store_, lane_, scheduler_, rng_, log_, observer_, [](const Status& status) {
        DW_CHECK(status.ok());
      }};
  engine_ = std::make_unique<daemon::Engine>(io_.get_executor(), *lease, MonthPolicy(options),
                                             std::move(parts), daemon::EngineOptions());
  Must(engine_->Open());
}

Month::~Month() {
  engine_->Stop();
  scheduler_.Settle();
}

template <typename R>
R Month::Await(asio::awaitable<R> task) {
  std::optional<R> result;
  auto done = [&result](const std::exception_ptr& error, R value) {
    DW_CHECK(!error);
    result = std::move(value);
  };
  asio::co_spawn(io_, std::move(task), std::move(done));
  scheduler_.Settle();
  DW_CHECK(result.has_value());
  return *std::move(result);
}

Observation Month::AdSeen(int i, LookKind kind) const {
  return {{kMonthAd, TimeBounds::Exactly(now()), kind}, tenant_.Ad(i)};
}

Observation Month::EntraSeen(int i, LookKind kind) const {
  return {{kMonthTenant, TimeBounds::Exactly(now()), kind},
          tenant_.Entra(i, kind == LookKind::kDirect)};
}

void Month::Round(const monitor::SourceName& source, std::vector<Observation> seen, bool snapshot) {
  monitor::ChangeBatch batch;
  batch.source = source;
  batch.kind =
      source == kMonthAd ? monitor::SourceKind::kActiveDirectory : monitor::SourceKind::kEntra;
  batch.number = ++rounds_;
  batch.observations = std::move(seen);
  batch.in_snapshot = snapshot;
  if (snapshot) batch.snapshot_reason = monitor::kFirstRead;
  batch.starts_round = true;
  batch.completes_round = true;
  batch.cursor = Cat("cursor-", rounds_);
  batch.round = TimeBounds::Exactly(now());
  Must(engine_->Deliver(std::move(batch)));
}

void Month::Baseline() {
  std::vector<Observation> ad;
  std::vector<Observation> entra;
  for (int i = 0; i < options_.people; ++i) {
    ad.push_back(AdSeen(i, LookKind::kFeed));
    entra.push_back(EntraSeen(i, LookKind::kFeed));
  }
  Round(kMonthAd, std::move(ad), true);
  Round(kMonthTenant, std::move(entra), true);
}

void Month::Poll() {
  if (tenant_.ControllerAnswers(now())) {
    std::vector<Observation> seen;
    for (const int i : tenant_.TakeAdChanges()) seen.push_back(AdSeen(i, LookKind::kFeed));
    Round(kMonthAd, std::move(seen), false);
  }
  std::vector<Observation> seen;
  for (const int i : tenant_.TakeEntraChanges()) seen.push_back(EntraSeen(i, LookKind::kFeed));
  Round(kMonthTenant, std::move(seen), false);
}

void Month::LookAtTenant() {
  if (tenant_.last_sync() == sync_seen_ && now() - tenant_read_ < kTenantEvery) return;
  monitor::TenantLook look;
  // Who looks more seldom than the engine runs learns no cycle.
  look.watched = sync_seen_ && options_.poll <= absl::Minutes(2);
  look.organization.emplace();
  look.organization->sync_enabled = true;
  look.organization->last_sync = tenant_.last_sync();
  look.synchronization.emplace();
  look.synchronization->password_sync = options_.auth == monitor::AuthMode::kPasswordHashSync;
  look.federated_domains.emplace();
  if (options_.auth == monitor::AuthMode::kFederated) look.federated_domains = {"corp.example"};
  Must(engine_->DeliverTenant(std::move(look), false));
  sync_seen_ = tenant_.last_sync();
  tenant_read_ = now();
}

// The audits alone: a tenant that has not bought the logs of sign-ins.
void Month::ReadLogs() {
  if (now() - logs_read_ < kLogsEvery) return;
  monitor::LogLook look;
  look.source = kMonthTenant;
  look.log = monitor::TenantLog::kDirectoryAudits;
  look.audits = tenant_.TakeAudits(now());
  look.covers = TimeBounds{std::max(logs_read_, tenant_.start()), now()};
  Must(engine_->DeliverLog(std::move(look)));
  logs_read_ = now();
}

// As the loop of direct reads does it, but for those of whom nothing is new for hours.
void Month::ReadDirectly() {
  const auto wanted = Await(engine_->WantedTargets(kMonthPage));
  DW_CHECK(wanted.ok());
  for (const PersonOrdinal person : Await(engine_->TakeNews())) to_read_[person] = now();
  std::vector<PersonOrdinal> due;
  for (const auto& [person, at] : to_read_) {
    if (at <= now()) due.push_back(person);
  }
  for (const PersonOrdinal person : due) to_read_.erase(person);
  const auto targets = Await(engine_->Targets(std::move(due)));
  DW_CHECK(targets.ok());
  std::vector<Observation> seen;
  // Whoever is read already is wanted anew with each look: at once only ahead of a deadline.
  for (const DirectTarget& target : *wanted) {
    const bool planned = target.open && to_read_.contains(target.person);
    if (!planned || target.pace.deadline - now() < told_within_) Read(target, seen);
  }
  for (const DirectTarget& target : *targets) {
    if (!target.open) continue;
    Read(target, seen);
    const absl::Duration age = now() - target.pace.since;
    const bool seldom = target.pace.over || age >= kReadQuickly;
    to_read_[target.person] = now() + (seldom ? std::min(age, kReadSeldom) : options_.poll);
  }
  if (!seen.empty()) Must(engine_->DeliverReads(std::move(seen), monitor::BatchId()));
}

void Month::Read(const DirectTarget& target, std::vector<Observation>& seen) const {
  for (const auto& [source, guid] : target.accounts) {
    if (!tenant_.ControllerAnswers(now())) break;
    seen.push_back(AdSeen(MonthTenant::NumberOf(guid), LookKind::kDirect));
  }
  if (target.entra_id.empty()) return;
  seen.push_back(EntraSeen(MonthTenant::NumberOf(target.entra_id), LookKind::kDirect));
}

void Month::Act() {
  if (options_.mode != monitor::Mode::kAuto) return;
  // Intents, then the read-back of what was called.
  for (int turn = 0; turn < 3; ++turn) {
    const auto work = Await(engine_->Claim());
    DW_CHECK(work.ok());
    if (work->empty()) return;
    for (const remediation::ActionWork& item : *work) {
      if (item.action.state == ActionState::kIntent) {
        Gates(item.action);
      } else if (item.action.state == ActionState::kCalled) {
        monitor::VerifyReport report;
        report.action = item.action.id;
        report.verified = true;
        report.read_at = now();
        report.value = monitor::SessionsValidFrom{false, now()};
        Must(engine_->ReportVerify(std::move(report)));
      }
    }
  }
}

void Month::Gates(const Action& action) {
  const int i = MonthTenant::NumberOf(action.entra_id);
  monitor::ReReads reads;
  reads.intent_at = *action.intent_at;
  reads.ad_read = reads.entra_read = TimeBounds::Exactly(now());
  if (tenant_.ControllerAnswers(now())) {
    reads.ad = tenant_.Ad(i);
    reads.ad_gone = *reads.ad->deleted;
    reads.second.push_back(*reads.ad);
  } else {
    reads.ad_error = reads.second_error = "connection refused";
  }
  reads.entra = tenant_.Entra(i, true);
  const auto go = Await(engine_->ReportGates(action.id, std::move(reads)));
  DW_CHECK(go.ok());
  if (!*go) return;
  if (!tenant_.OutOfAd(i)) {
    faults_.push_back(Cat(FormatRfc3339(now()), " u", i, ": a call, and they had not left"));
  }
  tenant_.Revoke(i, now());
  ++actions_[static_cast<int>((now() - tenant_.start()) / absl::Hours(24))];
  monitor::CallReport report{action.id, TimeBounds::Exactly(now()), OkStatus(), "request", true};
  Must(engine_->ReportCall(std::move(report)));
}

void Month::Tell() {
  const bool due = observer_.AnyCause() || now() - told_at_ >= kTellEvery;
  if (!std::exchange(observer_.changed, false) && !due) return;
  told_at_ = now();
  const auto pending = Await(engine_->Pending());
  DW_CHECK(pending.ok());
  std::vector<monitor::DeliveryReport> reports;
  for (const alerts::PendingAlert& item : *pending) {
    Note(item);
    reports.push_back({item.incident, item.alert.labels, item.firing, "pager"});
  }
  if (!reports.empty()) Must(engine_->ReportDeliveries(std::move(reports)));
}

void Month::Note(const alerts::PendingAlert& pending) {
  Told& told = told_[pending.incident.value];
  if (!pending.firing) {
    told.ended = std::min(told.ended, now());
    return;
  }
  told.ended = absl::InfiniteFuture();
  const monitor::LabelSet& labels = pending.alert.labels;
  told.kind = labels.at("kind");
  const auto name = pending.alert.annotations.find("sam_account_name");
  if (name != pending.alert.annotations.end()) {
    told.name = name->second;
    told.person = static_cast<int>(ParseUint64(name->second.substr(1)).value_or(0));
  } else {
    told.name = pending.alert.annotations.at("summary");
  }
  if (labels.at("severity") == SeverityText(monitor::Severity::kInfo)) return;
  const bool page = labels.at("severity") == SeverityText(monitor::Severity::kCritical);
  absl::Time& first = page ? told.paged : told.warned;
  first = std::min(first, now());
}

bool Month::PagedCauseAt(absl::Time at) const {
  return std::any_of(told_.begin(), told_.end(), [&](const auto& entry) {
    const Told& told = entry.second;
    return told.person < 0 && told.paged <= at && at <= told.ended;
  });
}

void Month::JudgePages(MonthResult& result) const {
  for (const auto& [id, told] : told_) {
    const bool paged = told.paged != absl::InfiniteFuture();
    if (paged && told.person >= 0) {
      ++result.pages_people;
      if (!tenant_.AtRisk(told.person, told.paged)) {
        result.faults.push_back(Cat("paged about ", told.name, " for ", told.kind, " at ",
                                    FormatRfc3339(told.paged), ", who was not at risk"));
      }
      if (story_.outage.Has(told.paged)) {
        result.faults.push_back(Cat("paged about ", told.name, " alone in the outage"));
      }
    }
    if (paged && told.person < 0) {
      ++result.pages_causes;
      const bool announced =
          story_.engine_serviced.Has(told.paged) || story_.controller_serviced.Has(told.paged);
      result.pages_announced += announced ? 1 : 0;
      result.pages_outage += story_.outage.Has(told.paged) ? 1 : 0;
    }
  }
}

void Month::Judge(MonthResult& result) const {
  JudgePages(result);
  const auto risks = tenant_.Risks(now(), told_within_);
  for (const MonthTenant::Risk& risk : risks) {
    ++result.at_risk;
    const absl::Time by = risk.span.from + told_within_;
    const bool paged = std::any_of(told_.begin(), told_.end(), [&](const auto& entry) {
      const Told& told = entry.second;
      return told.person == risk.person && told.paged >= risk.span.from && told.paged <= by;
    });
    if (paged || PagedCauseAt(by)) continue;
    result.faults.push_back(Cat("nobody was told that u", risk.person, " was at risk since ",
                                FormatRfc3339(risk.span.from)));
  }
  std::map<int, int> warnings;
  std::multimap<absl::Time, std::string> lines;
  for (const auto& [id, told] : told_) {
    const std::string what = Cat(" ", told.kind, " ", told.name);
    if (told.paged != absl::InfiniteFuture()) {
      lines.emplace(told.paged, Cat(FormatRfc3339(told.paged), " page", what));
    }
    if (told.warned == absl::InfiniteFuture()) continue;
    lines.emplace(told.warned, Cat(FormatRfc3339(told.warned), " warning", what));
    ++warnings[static_cast<int>((told.warned - tenant_.start()) / absl::Hours(24))];
  }
  for (const auto& [at, line] : lines) result.told.push_back(line);
  for (const auto& [day, count] : warnings) {
    result.warnings += count;
    result.warnings_most = std::max(result.warnings_most, count);
  }
  for (const auto& [day, count] : actions_) {
    result.actions += count;
    result.actions_most = std::max(result.actions_most, count);
  }
}

MonthResult Month::Play() {
  Baseline();
  const absl::Duration whole = absl::Hours(24 * options_.days);
  for (absl::Duration at = options_.poll; at < whole; at += options_.poll) {
    clock_.AdvanceTo(at);
    tenant_.RunTo(now());
    Poll();
    LookAtTenant();
    ReadLogs();
    ReadDirectly();
    Must(engine_->ReviewDue());
    Act();
    Tell();
  }
  MonthResult result;
  result.faults = faults_;
  Judge(result);
  return result;
}

}  // namespace

MonthResult PlayMonth(const MonthOptions& options) {
  return Month(options).Play();
}

}  // namespace driftwarden::sim
