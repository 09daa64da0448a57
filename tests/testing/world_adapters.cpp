#include "tests/testing/world_adapters.h"

#include <algorithm>
#include <iterator>
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
  view.expires_stamp = StampOf(user, simulator::kAttAccountExpires);
  view.usn_changed = static_cast<uint64_t>(user.usn_changed);
  if (user.deleted) return view;  // a tombstone keeps no more
  view.upn = user.person.upn;
  view.display_name = user.description.empty() ? user.person.display_name : user.description;
  view.consistency_guid = std::string();
  view.admin_count = user.person.tier0;
  view.account_expires = simulator::ExpiryOf(user.account_expires);
  return view;
}

// As the controller shows it.
ReadBook::OfDirectory ReadOf(const AdUser& user) {
  ReadBook::OfDirectory read;
  read.out = !user.enabled();
  read.deleted = user.deleted;
  const auto stamp = [&](uint32_t attribute) {
    const auto found = user.stamps.find(attribute);
    return found == user.stamps.end() ? simulator::Stamp() : found->second;
  };
  const simulator::Stamp uac = stamp(simulator::kAttUserAccountControl);
  const simulator::Stamp expires = stamp(simulator::kAttAccountExpires);
  read.version = uac.version;
  read.expires_version = expires.version;
  read.refused_from = std::max(
      {simulator::ExpiryOf(user.account_expires), expires.originating_time, uac.originating_time});
  return read;
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

asio::awaitable<Status> Wire::GoToTenant(size_t tenant) {
  const Status there = co_await Go();
  if (!there.ok()) co_return there;
  const simulator::TenantFaults& tenant_faults = world_.tenant(tenant).faults();
  if (tenant_faults.refuse_token || tenant_faults.reject_bearer) {
    co_return UnauthenticatedError("the tenant gives no token, or takes none");
  }
  co_return OkStatus();
}

Controller* Wire::Pinned(size_t forest) {
  return controllers_.UpOne(forest, pins_[forest], True());
}

Controller* Wire::Elsewhere(size_t forest) {
  Controller* const asked = Pinned(forest);
  if (asked == nullptr) return nullptr;
  Controller* const other =
      controllers_.UpOne(forest, controllers_.NumberOf(forest, *asked) + 1, True());
  return other == asked ? nullptr : other;
}

void Wire::MovePin(size_t forest) {
  constexpr double kGoesBack = 0.1;
  if (pins_[forest] != 0 && rng_.Unit() < kGoesBack) pins_[forest] = 0;
  Controller* const up = Pinned(forest);
  if (up != nullptr) pins_[forest] = controllers_.NumberOf(forest, *up);
}

// Its cursor is one "number:invocation:usn" for each controller that was ever read, the last first.
struct WorldAdSource::Round {
  Controller* controller = nullptr;
  std::string invocation;
  std::vector<uint64_t> people;  // to be read, the next one last
  std::string reason;
  std::string cursor;
};

WorldAdSource::Round WorldAdSource::Begin(const std::string& cursor, Controller& controller) {
  Round round;
  round.controller = &controller;
  round.invocation = controller.invocation_id();
  const std::string mine = Cat(controller.name(), ":", HexEncode(round.invocation), ":");
  round.cursor = Cat(mine, controller.highest_usn());
  round.reason = cursor.empty() ? monitor::kFirstRead : monitor::kDcChanged;
  int64_t from = 0;
  for (const std::string& bound : SplitString(cursor, ' ')) {
    const bool same = bound.starts_with(Cat(controller.name(), ":"));
    if (!bound.empty() && !same) round.cursor += Cat(" ", bound);
    if (!same) continue;
    const int64_t usn = ParseInt64(SplitString(bound, ':')[2]).value_or(0);
    round.reason = !bound.starts_with(mine)         ? monitor::kInvocationId
                   : usn > controller.highest_usn() ? monitor::kUsnWentBack
                                                    : "";
    if (round.reason.empty()) from = usn + 1;
  }
  round.people = controller.ChangedIn(from, controller.highest_usn());
  std::reverse(round.people.begin(), round.people.end());
  if (wire_.InDisorder()) wire_.Shuffle(round.people);
  return round;
}

StatusOr<std::vector<Observation>> WorldAdSource::NextPage(Round& round, TimeBounds at) {
  Controller& controller = *round.controller;
  if (!controller.IsUp(wire_.True()) || controller.invocation_id() != round.invocation) {
    return UnavailableError(Cat(name_.value, ": ", controller.name(), " went down"));
  }
  controller.Follow(wire_.True());
  std::vector<Observation> page;
  while (!round.people.empty() && page.size() < page_size_) {
    Observation seen;
    seen.look = LookOf(name_, at, LookKind::kFeed);
    seen.view = ViewOf(controller.Read(round.people.back()));
    round.people.pop_back();
    page.push_back(std::move(seen));
  }
  return page;
}

asio::awaitable<Status> WorldAdSource::Poll(std::string cursor, monitor::BatchId,
                                            watchers::BatchSink& sink) {
  TimeBounds at;
  at.lo = wire_.Wall();
  const absl::Time begun = at.lo;
  const absl::Time truly_begun = wire_.True();
  const Status reached = co_await wire_.Go();
  if (!reached.ok()) co_return Annotate(reached, name_.value);
  if (!std::exchange(polled_, true) && cursor.starts_with("dc2:")) wire_.Pin(forest_, 1);
  wire_.MovePin(forest_);
  Controller* const controller = wire_.Pinned(forest_);
  if (controller == nullptr) co_return UnavailableError("no domain controller answers");
  Round round = Begin(cursor, *controller);
  bool first = true;
  bool done = false;
  while (!done) {
    const Status back = co_await wire_.Return();
    if (!back.ok()) co_return Annotate(back, name_.value);
    at.hi = wire_.Wall();
    auto page = NextPage(round, at);
    if (!page.ok()) co_return page.status();
    done = round.people.empty();
    ChangeBatch batch;
    batch.observations = *std::move(page);
    batch.source = name_;
    batch.kind = kind();
    batch.in_snapshot = !round.reason.empty();
    batch.snapshot_reason = round.reason;
    batch.starts_round = std::exchange(first, false);
    batch.completes_round = done;
    if (done) batch.cursor = round.cursor;
    batch.round.lo = begun;
    batch.round.hi = at.hi;
    batch.clock_offset = wire_.world().directory(forest_).DcTime(wire_.True()) - wire_.Wall();
    const absl::Duration wall_off = wire_.Wall() - wire_.True();
    const Status taken = co_await sink.Deliver(std::move(batch));
    if (!taken.ok()) co_return taken;
    if (done && wire_.book != nullptr) {
      wire_.book->round_taken = wire_.True();
      wire_.book->rounds[forest_].push_back({truly_begun, wire_.True()});
      wire_.book->round_wall_off = wall_off;
    }
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
  const bool disorder = wire_.InDisorder();
  std::vector<ChangeBatch> round;
  while (true) {
    at.lo = wire_.Wall();
    const Status reached = co_await wire_.GoToTenant(tenant_);
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
      round.clear();
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
    request.token = page.next_token;
    request.skip_token = true;
    if (disorder) {
      round.push_back(std::move(batch));
      if (!page.next_token.empty()) continue;
      const Status taken = co_await DeliverShuffled(std::move(round), &sink);
      co_return taken;
    }
    const Status taken = co_await sink.Deliver(std::move(batch));
    if (!taken.ok() || page.next_token.empty()) co_return taken;
  }
}

asio::awaitable<Status> WorldEntraSource::DeliverShuffled(std::vector<ChangeBatch> round,
                                                          watchers::BatchSink* sink) {
  std::vector<Observation> records;
  for (ChangeBatch& batch : round) {
    std::move(batch.observations.begin(), batch.observations.end(), std::back_inserter(records));
  }
  wire_.Shuffle(records);
  for (ChangeBatch& batch : round) {
    const size_t size = std::min(batch.observations.size(), records.size());
    std::move(records.end() - static_cast<ptrdiff_t>(size), records.end(),
              batch.observations.begin());
    records.resize(records.size() - size);
    const Status taken = co_await sink->Deliver(std::move(batch));
    if (!taken.ok()) co_return taken;
  }
  co_return OkStatus();
}

asio::awaitable<StatusOr<Observation>> WorldAdReader::ReadAccount(monitor::Guid guid) {
  auto read = co_await Ask(guid, false);
  co_return read;
}

asio::awaitable<StatusOr<Observation>> WorldAdReader::ReadAccountElsewhere(monitor::Guid guid) {
  auto read = co_await Ask(guid, true);
  co_return read;
}

asio::awaitable<StatusOr<Observation>> WorldAdReader::Ask(monitor::Guid guid, bool second) {
  TimeBounds at;
  at.lo = wire_.Wall();
  const Status reached = co_await wire_.Go();
  if (!reached.ok()) co_return Annotate(reached, name_.value);
  const auto person = wire_.world().people(forest_).ByGuid(guid.Raw());
  if (!person) co_return NotFoundError("no such object");
  ReadBook* const book = wire_.book;
  if (book != nullptr && book->before_directory_read && !second &&
      asker_ != ReadBook::kComparison) {
    book->before_directory_read(forest_, *person);
  }
  const Controller* const controller = second ? wire_.Elsewhere(forest_) : wire_.Pinned(forest_);
  if (controller == nullptr) {
    co_return UnavailableError(Cat(name_.value, ": no domain controller answers"));
  }
  const AdUser user = controller->Read(*person);
  const absl::Time answered = wire_.True();
  const absl::Duration wall_off = wire_.Wall() - answered;
  Observation seen;
  seen.view = ViewOf(user);
  const Status back = co_await wire_.Return();
  if (!back.ok()) co_return Annotate(back, name_.value);
  if (book != nullptr) {
    ReadBook::OfDirectory read = ReadOf(user);
    read.at = answered;
    read.asker = asker_;
    read.second = second;
    read.clock_moved = std::max(wall_off - book->round_wall_off, absl::ZeroDuration());
    book->directory[{forest_, *person}].push_back(read);
  }
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
  const Status reached = co_await wire_.GoToTenant(tenant_);
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
  Status failed = co_await wire_.GoToTenant(tenant_);
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
  result.status = co_await wire_.GoToTenant(tenant_);
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

}  // namespace driftwarden::testing
