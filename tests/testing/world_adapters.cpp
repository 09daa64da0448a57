#include "tests/testing/world_adapters.h"

#include <algorithm>
#include <utility>

#include "base/hex.h"
#include "base/strings.h"

namespace driftwarden::testing {

using monitor::AdView;
using monitor::ChangeBatch;
using monitor::EntraView;
using monitor::LookKind;
using monitor::Observation;
using simulator::AdUser;
using simulator::DeltaPage;
using simulator::EntraUser;

namespace {

const std::vector<std::string>& Select() {
  static const std::vector<std::string> kSelect = {"id", "accountEnabled", "userPrincipalName",
                                                   "onPremisesImmutableId",
                                                   "signInSessionsValidFromDateTime"};
  return kSelect;
}

std::optional<monitor::MetadataStamp> StampOf(const AdUser& user, uint32_t attribute) {
  const auto found = user.stamps.find(attribute);
  if (found == user.stamps.end()) return std::nullopt;
  monitor::MetadataStamp stamp;
  stamp.version = found->second.version;
  // The directory keeps whole seconds.
  stamp.originating_time =
      absl::FromUnixSeconds(absl::ToUnixSeconds(found->second.originating_time));
  stamp.invocation_id = *monitor::Guid::FromBytes(found->second.invocation_id);
  stamp.originating_usn = static_cast<uint64_t>(found->second.originating_usn);
  return stamp;
}

AdView ViewOf(const AdUser& user) {
  AdView view;
  view.object_guid = *monitor::Guid::FromBytes(user.person.object_guid);
  view.sid = monitor::Sid::FromBytes(user.person.object_sid);
  view.sam_account_name = user.person.sam;
  view.dn = user.dn;
  view.user_account_control = user.uac;
  view.deleted = user.deleted;
  view.uac_stamp = StampOf(user, simulator::kAttUserAccountControl);
  view.deleted_stamp = StampOf(user, simulator::kAttIsDeleted);
  view.usn_changed = static_cast<uint64_t>(user.usn_changed);
  if (user.deleted) return view;  // a tombstone keeps no more
  view.upn = user.person.upn;
  view.display_name = user.description.empty() ? user.person.display_name : user.description;
  view.consistency_guid = std::string();
  view.admin_count = user.person.tier0;
  return view;
}

EntraView ViewOf(const EntraUser& user, bool direct, const std::set<std::string>& omitted) {
  EntraView view;
  view.id = user.id;
  view.upn = user.person.upn;
  view.display_name = user.person.display_name;
  view.sam_account_name = user.person.sam;
  view.immutable_id = monitor::Anchor(user.person.immutable_id);
  view.on_premises_sid = monitor::Sid::FromBytes(user.person.object_sid);
  view.sync_enabled = true;
  view.deletion = monitor::EntraDeletion::kLive;
  if (direct || omitted.count("accountEnabled") == 0) view.account_enabled = user.enabled;
  if (!direct && omitted.count("signInSessionsValidFromDateTime") > 0) return view;
  if (user.sessions_valid_from) {
    view.sessions_valid_from = monitor::SessionsValidFrom();
    view.sessions_valid_from->at = *user.sessions_valid_from;
  } else if (direct) {  // null on a read, absent in the feed
    view.sessions_valid_from = monitor::SessionsValidFrom();
    view.sessions_valid_from->never = true;
  }
  return view;
}

monitor::Look LookOf(const monitor::SourceName& source, TimeBounds at, LookKind kind) {
  monitor::Look look;
  look.source = source;
  look.at = at;
  look.kind = kind;
  return look;
}

}  // namespace

asio::awaitable<Status> Wire::Travel() {
  if (dead_()) co_return CancelledError("the process died");
  const Status slept = co_await scheduler_.SleepFor(latency);
  if (!slept.ok()) co_return slept;
  if (dead_()) co_return CancelledError("the process died");
  world_.AdvanceTo(clock_.True());
  co_return OkStatus();
}

asio::awaitable<Status> Wire::Go() {
  const Status there = co_await Travel();
  if (!there.ok()) co_return there;
  if (faults.error > 0 && rng_.Unit() < faults.error) {
    co_return UnavailableError("the connection was refused");
  }
  co_return OkStatus();
}

asio::awaitable<Status> Wire::Return() {
  const Status back = co_await Travel();
  if (!back.ok()) co_return back;
  if (faults.lost_reply > 0 && rng_.Unit() < faults.lost_reply) {
    co_return DeadlineError("no answer in time");
  }
  co_return OkStatus();
}

struct WorldAdSource::Round {
  simulator::UsnRange range;
  std::string reason;
  std::string cursor;
};

WorldAdSource::Round WorldAdSource::Begin(const std::string& cursor) {
  const simulator::DomainController& dc = wire_.world().directory(forest_).dc();
  Round round;
  const std::string invocation = HexEncode(dc.invocation_id);
  round.range.hi = dc.highest_usn;
  round.cursor = Cat(invocation, ":", dc.highest_usn);
  const std::vector<std::string> parts = SplitString(cursor, ':');
  if (cursor.empty()) {
    round.reason = "first";
  } else if (parts[0] != invocation) {
    round.reason = "invocation_id";
  } else {
    const int64_t usn = ParseInt64(parts[1]).value_or(0);
    if (usn > dc.highest_usn) round.reason = "usn_went_back";
    round.range.lo = usn + 1;
  }
  if (!round.reason.empty()) round.range.lo = 0;
  return round;
}

asio::awaitable<Status> WorldAdSource::Poll(std::string cursor, monitor::BatchId,
                                            watchers::BatchSink& sink) {
  TimeBounds at;
  at.lo = wire_.Wall();
  const absl::Time begun = at.lo;
  const Status reached = co_await wire_.Go();
  if (!reached.ok()) co_return Annotate(reached, name_.value);
  const Round round = Begin(cursor);
  simulator::AdCursor page;
  bool first = true;
  while (!page.done) {
    ChangeBatch batch;
    const auto people = wire_.world().directory(forest_).Page(round.range, page, page_size_);
    const Status back = co_await wire_.Return();
    if (!back.ok()) co_return Annotate(back, name_.value);
    at.hi = wire_.Wall();
    for (const uint64_t person : people) {
      Observation seen;
      seen.look = LookOf(name_, at, LookKind::kFeed);
      seen.view = ViewOf(wire_.world().directory(forest_).Read(person));
      batch.observations.push_back(std::move(seen));
    }
    batch.source = name_;
    batch.kind = kind();
    batch.in_snapshot = !round.reason.empty();
    batch.snapshot_reason = round.reason;
    batch.starts_round = std::exchange(first, false);
    batch.completes_round = page.done;
    if (page.done) batch.cursor = round.cursor;
    batch.round.lo = begun;
    batch.round.hi = at.hi;
    batch.clock_offset = wire_.world().directory(forest_).DcTime(wire_.True()) - wire_.Wall();
    const Status taken = co_await sink.Deliver(std::move(batch));
    if (!taken.ok()) co_return taken;
    at.lo = wire_.Wall();
  }
  co_return OkStatus();
}

ChangeBatch WorldEntraSource::BatchOf(const DeltaPage& page, TimeBounds at) const {
  ChangeBatch batch;
  batch.source = name_;
  batch.kind = monitor::SourceKind::kEntra;
  const auto& omitted = wire_.world().tenant(tenant_).faults().omitted;
  for (const simulator::DeltaRecord& record : page.records) {
    Observation seen;
    seen.look = LookOf(name_, at, LookKind::kFeed);
    EntraView view = ViewOf(record.user, false, omitted);
    if (record.removed != simulator::Removed::kNo) {
      const std::string id = view.id;
      view = EntraView();
      view.id = id;
      view.deletion = record.removed == simulator::Removed::kChanged
                          ? monitor::EntraDeletion::kSoft
                          : monitor::EntraDeletion::kHard;
    }
    seen.view = std::move(view);
    batch.observations.push_back(std::move(seen));
  }
  return batch;
}

asio::awaitable<Status> WorldEntraSource::Poll(std::string cursor, monitor::BatchId,
                                               watchers::BatchSink& sink) {
  simulator::DeltaRequest request;
  request.token = std::move(cursor);
  request.select = Select();
  std::string reason = request.token.empty() ? "first" : "";
  bool starts = true;
  TimeBounds at;
  const absl::Time begun = wire_.Wall();
  while (true) {
    at.lo = wire_.Wall();
    const Status reached = co_await wire_.Go();
    if (!reached.ok()) co_return Annotate(reached, name_.value);
    const DeltaPage page = wire_.world().tenant(tenant_).Delta(request, wire_.True());
    const Status back = co_await wire_.Return();
    if (!back.ok()) co_return Annotate(back, name_.value);
    if (page.malformed) co_return InvalidError("malformed token");
    if (page.dead) {
      request.token.clear();
      request.skip_token = false;
      reason = "token_expired";
      starts = true;
      continue;
    }
    at.hi = wire_.Wall();
    ChangeBatch batch = BatchOf(page, at);
    batch.in_snapshot = !reason.empty();
    batch.snapshot_reason = reason;
    batch.starts_round = std::exchange(starts, false);
    batch.completes_round = page.next_token.empty();
    batch.cursor = page.delta_token;
    batch.round.lo = begun;
    batch.round.hi = at.hi;
    batch.clock_offset = wire_.True() - wire_.Wall();
    const Status taken = co_await sink.Deliver(std::move(batch));
    if (!taken.ok() || page.next_token.empty()) co_return taken;
    request.token = page.next_token;
    request.skip_token = true;
  }
}

asio::awaitable<StatusOr<Observation>> WorldAdReader::ReadAccountElsewhere(monitor::Guid /*guid*/) {
  co_return UnavailableError(Cat(name_.value, ": there is no other domain controller"));
}

asio::awaitable<StatusOr<Observation>> WorldAdReader::ReadAccount(monitor::Guid guid) {
  TimeBounds at;
  at.lo = wire_.Wall();
  const Status reached = co_await wire_.Go();
  if (!reached.ok()) co_return Annotate(reached, name_.value);
  const simulator::Directory& directory = wire_.world().directory(forest_);
  const auto person = directory.people().ByGuid(guid.Raw());
  if (!person) co_return NotFoundError("no such object");
  if (wire_.book != nullptr) {
    if (wire_.book->before_directory_read) wire_.book->before_directory_read(forest_, *person);
    wire_.book->directory[{forest_, *person}].push_back(
        {wire_.True(), !directory.IsEnabled(*person)});
  }
  Observation seen;
  seen.view = ViewOf(directory.Read(*person));
  const Status back = co_await wire_.Return();
  if (!back.ok()) co_return Annotate(back, name_.value);
  at.hi = wire_.Wall();
  seen.look = LookOf(name_, at, LookKind::kDirect);
  co_return seen;
}

Observation WorldEntraReader::Read(const std::string& id, TimeBounds at) const {
  simulator::Tenant& tenant = wire_.world().tenant(tenant_);
  Observation seen;
  seen.look = LookOf(name_, at, LookKind::kDirect);
  EntraView view;
  view.id = id;
  const auto person = tenant.Find(id);
  if (!person) {
    view.deletion = monitor::EntraDeletion::kHard;
  } else {
    const EntraUser user = tenant.View(*person, wire_.True());
    if (user.presence == simulator::Presence::kSoftDeleted) {
      view.deletion = monitor::EntraDeletion::kSoft;
    } else {
      const std::set<std::string> nothing;
      view = ViewOf(user, true, nothing);
    }
  }
  seen.view = std::move(view);
  return seen;
}

void WorldEntraReader::Note(const Observation& seen) const {
  const auto& view = std::get<EntraView>(seen.view);
  const auto person = wire_.world().tenant(tenant_).Find(view.id);
  if (wire_.book == nullptr || !person) return;
  const bool live = view.deletion == monitor::EntraDeletion::kLive;
  wire_.book->accounts[{tenant_, *person}].push_back(
      {seen.look.at, live, view.account_enabled.value_or(false)});
}

asio::awaitable<StatusOr<Observation>> WorldEntraReader::ReadUser(std::string id,
                                                                  monitor::ActionId) {
  TimeBounds at;
  at.lo = wire_.Wall();
  const Status reached = co_await wire_.Go();
  if (!reached.ok()) co_return Annotate(reached, name_.value);
  Observation seen = Read(id, at);
  const Status back = co_await wire_.Return();
  if (!back.ok()) co_return Annotate(back, name_.value);
  seen.look.at.hi = wire_.Wall();
  Note(seen);
  co_return seen;
}

asio::awaitable<std::vector<StatusOr<Observation>>> WorldEntraReader::ReadUsers(
    std::vector<std::string> ids, monitor::BatchId) {
  std::vector<StatusOr<Observation>> answers;
  TimeBounds at;
  at.lo = wire_.Wall();
  Status failed = co_await wire_.Go();
  for (const std::string& id : ids) answers.emplace_back(Read(id, at));
  if (failed.ok()) failed = co_await wire_.Return();
  for (StatusOr<Observation>& answer : answers) {
    if (failed.ok()) {
      answer->look.at.hi = wire_.Wall();
      Note(*answer);
    } else {
      answer = failed;
    }
  }
  co_return answers;
}

asio::awaitable<remediation::CallResult> WorldActuator::RevokeSessions(std::string entra_id,
                                                                       monitor::ActionId action,
                                                                       absl::Duration not_after) {
  remediation::CallResult result;
  result.status = co_await wire_.Go();
  result.sent = result.status.ok();
  if (!result.sent) co_return result;
  if (wire_.Steady() > not_after) {
    result.status = UnavailableError("not sent in time");
    result.sent = false;
    co_return result;
  }
  simulator::Tenant& tenant = wire_.world().tenant(tenant_);
  const auto person = tenant.Find(entra_id);
  if (!person) {
    result.status = NotFoundError("no such user");
    co_return result;
  }
  const int answer = tenant.Revoke(*person, wire_.True(), action.value);
  result.status = co_await wire_.Return();
  if (!result.status.ok()) co_return result;
  result.request_id = Cat("r-", action.value);
  if (answer == 403) result.status = PermissionError("Authorization_RequestDenied");
  if (answer >= 500) result.status = UnavailableError(Cat("HTTP ", answer));
  co_return result;
}

void AlertBook::Take(const alerts::Alert& alert, absl::Time now) {
  const bool firing = alert.ends_at > now;
  const auto known = latest_.find(alert.labels);
  const bool fired = known != latest_.end() && known->second.ends_at > now;
  latest_[alert.labels] = alert;
  if (firing != fired) history_.push_back({now, firing, alert.labels});
}

std::vector<monitor::LabelSet> AlertBook::Firing(absl::Time now) const {
  std::vector<monitor::LabelSet> firing;
  for (const auto& [labels, alert] : latest_) {
    if (alert.ends_at > now) firing.push_back(labels);
  }
  return firing;
}

asio::awaitable<Status> BookSink::Deliver(std::vector<alerts::Alert> alerts) {
  const Status reached = co_await wire_.Go();
  if (!reached.ok()) co_return reached;
  for (const alerts::Alert& alert : alerts) book_.Take(alert, wire_.Wall());
  const Status back = co_await wire_.Return();
  co_return back;
}

}  // namespace driftwarden::testing
