#include "daemon/verification_loop.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

#include "base/strings.h"
#include "daemon/outage.h"

namespace driftwarden::daemon {
namespace {

constexpr size_t kMaxSuspects = 1000;  // others are met again in the next pass
constexpr size_t kAloneAtMost = 5;     // a slice

bool IsEnd(const Status& status) {
  return status.code() == StatusCode::kCancelled;
}

const monitor::AdHalf* HalfOf(const monitor::PeopleSet& people, const monitor::Guid& account) {
  for (const auto& [ordinal, person] : people.by_ordinal) {
    for (const monitor::AdHalf& half : person.facts.ad) {
      if (half.object_guid == account) return &half;
    }
  }
  return nullptr;
}

// What groups the account is in, when that is not what is known: no feed brings it.
std::optional<monitor::Observation> OtherGroups(const monitor::AdHalf& known,
                                                const monitor::Observation& seen) {
  const auto& view = std::get<monitor::AdView>(seen.view);
  if (!view.groups) return std::nullopt;
  monitor::AdView membership;
  membership.partial = true;
  membership.object_guid = view.object_guid;
  membership.groups = view.groups;
  monitor::AdHalf probe = known;
  if (!monitor::MergeAd(probe, membership, seen.look, absl::Seconds(5)).changed) {
    return std::nullopt;
  }
  monitor::Observation told = seen;
  told.view = std::move(membership);
  return told;
}

}  // namespace

std::string_view VerifiedText(Verified v) {
  switch (v) {
    case Verified::kSame:
      return "same";
    case Verified::kMismatch:
      return "mismatch";
    case Verified::kAbsent:
      return "absent";
  }
  return "unknown";
}

bool Differs(const monitor::AdHalf& known, const monitor::Observation& seen) {
  monitor::AdView view = std::get<monitor::AdView>(seen.view);
  view.groups.reset();  // asked apart, and moves no account
  monitor::AdHalf probe = known;
  return monitor::MergeAd(probe, view, seen.look, absl::Seconds(5)).changed;
}

VerificationLoop::VerificationLoop(VerificationParts parts, DirectoryReaders directories,
                                   VerificationOptions options)
    : parts_(parts), directories_(std::move(directories)), options_(options) {}

asio::awaitable<void> VerificationLoop::Run() {
  while (true) {
    const Status slept = co_await parts_.scheduler.SleepFor(options_.interval);
    if (!slept.ok()) co_return;
    const Status verified = co_await VerifySlice();
    if (IsEnd(verified)) co_return;
    const std::string text(Message(verified));
    if (text != last_error_ && !verified.ok()) {
      // What keeps us out is told by the poll, which meets it too.
      const bool ours = !IsOutage(verified);
      parts_.log.Log(ours ? LogLevel::kWarn : LogLevel::kInfo, "verification_failed", text,
                     {{"link", parts_.engine.link().value}});
    }
    last_error_ = text;
  }
}

asio::awaitable<Status> VerificationLoop::VerifySlice() {
  const Status suspects = co_await VerifySuspects();
  if (!suspects.ok()) co_return suspects;
  if (std::none_of(directories_.begin(), directories_.end(),
                   [this](const auto& entry) { return MayRead(entry.first); })) {
    co_return OkStatus();
  }
  StatusOr<std::vector<monitor::Person>> people = co_await NextPeople();
  if (!people.ok()) co_return people.status();
  std::map<monitor::SourceName, std::vector<monitor::AdHalf>> by_source;
  for (const monitor::Person& person : *people) {
    for (const monitor::AdHalf& half : person.facts.ad) by_source[half.source].push_back(half);
  }
  Status first_error;
  for (auto& [source, halves] : by_source) {
    if (!directories_.contains(source) || !MayRead(source)) continue;
    monitor::SourceName name = source;
    const Status verified = co_await VerifySource(std::move(name), std::move(halves));
    if (IsEnd(verified)) co_return verified;
    if (first_error.ok()) first_error = verified;
  }
  std::vector<monitor::Observation> regrouped = std::exchange(regrouped_, {});
  if (!regrouped.empty()) {
    const Status told = co_await Deliver(std::move(regrouped));
    if (first_error.ok() || IsEnd(told)) first_error = told;
  }
  co_return first_error;
}

bool VerificationLoop::MayRead(const monitor::SourceName& source) const {
  const auto state = parts_.engine.State();
  const auto found = state->sources.find(source);
  return state->baseline_at && found != state->sources.end() && found->second.snapshot_complete &&
         !found->second.snapshot_running;
}

bool VerificationLoop::RoundEndedSince(const monitor::SourceName& source, absl::Time at) const {
  const auto state = parts_.engine.State();
  const auto found = state->sources.find(source);
  return found != state->sources.end() && found->second.last_complete_begin > at;
}

asio::awaitable<StatusOr<std::vector<monitor::Person>>> VerificationLoop::NextPeople() {
  auto list = [this] {
    return parts_.store.ListPeople(parts_.engine.link(), {}, cursor_, options_.slice);
  };
  auto page = co_await OnLane(parts_.lane, std::move(list));
  if (!page.ok()) {
    cursor_.clear();
    co_return page.status();
  }
  cursor_ = page->next_cursor;
  if (cursor_.empty()) {
    const absl::Time now = parts_.scheduler.clock().Wall();
    for (const auto& [source, reader] : directories_) parts_.observer.OnPass(source, now);
  }
  co_return std::move(page->items);
}

asio::awaitable<Status> VerificationLoop::VerifySource(monitor::SourceName source,
                                                       std::vector<monitor::AdHalf> halves) {
  std::vector<monitor::Guid> guids;
  for (const monitor::AdHalf& half : halves) guids.push_back(half.object_guid);
  watchers::DirectoryReader* const reader = directories_.at(source);
  auto read = co_await reader->ReadAccounts(std::move(guids));
  if (!read.ok()) co_return read.status();
  std::map<monitor::Guid, monitor::Observation> seen;
  for (monitor::Observation& observation : *read) {
    const monitor::Guid guid = std::get<monitor::AdView>(observation.view).object_guid;
    seen.insert_or_assign(guid, std::move(observation));
  }
  size_t alone = 0;
  for (const monitor::AdHalf& half : halves) {
    const auto found = seen.find(half.object_guid);
    if (found != seen.end()) {
      Compare(half, found->second);
    } else if (!half.deleted && ++alone <= kAloneAtMost) {
      monitor::SourceName name = source;
      monitor::AdHalf copy = half;
      const Status asked = co_await AskAlone(std::move(name), std::move(copy));
      if (!asked.ok()) co_return asked;
    }
  }
  co_return OkStatus();
}

asio::awaitable<Status> VerificationLoop::AskAlone(monitor::SourceName source,
                                                   monitor::AdHalf half) {
  watchers::DirectoryReader* const reader = directories_.at(source);
  const auto read = co_await reader->ReadAccount(half.object_guid);
  if (read.ok()) {
    Compare(half, *read);
    co_return OkStatus();
  }
  const StatusCode code = read.status().code();
  if (code != StatusCode::kNotFound && code != StatusCode::kFailedPrecondition) {
    co_return read.status();
  }
  parts_.observer.OnVerified(source, Verified::kAbsent);
  parts_.log.Info("account_not_visible", Message(read.status()),
                  {{"link", parts_.engine.link().value}, {"source", source.value}});
  co_return OkStatus();
}

void VerificationLoop::Compare(const monitor::AdHalf& known, const monitor::Observation& seen) {
  if (auto membership = OtherGroups(known, seen)) regrouped_.push_back(*std::move(membership));
  if (!Differs(known, seen)) {
    suspects_.erase(known.object_guid);
    parts_.observer.OnVerified(known.source, Verified::kSame);
  } else if (suspects_.size() < kMaxSuspects) {
    suspects_.try_emplace(known.object_guid, Suspect{known.source, seen.look.at.hi});
  }
}

asio::awaitable<Status> VerificationLoop::VerifySuspects() {
  std::vector<std::pair<monitor::Guid, Suspect>> due;
  for (const auto& [account, suspect] : suspects_) {
    const bool ended = RoundEndedSince(suspect.source, suspect.seen);
    if (ended && MayRead(suspect.source) && due.size() < options_.slice) {
      due.emplace_back(account, suspect);
    }
  }
  for (const auto& [account, suspect] : due) {
    suspects_.erase(account);
    Suspect copy = suspect;
    const Status verified = co_await VerifySuspect(account, std::move(copy));
    if (!verified.ok()) co_return verified;
  }
  co_return OkStatus();
}

asio::awaitable<Status> VerificationLoop::VerifySuspect(monitor::Guid account, Suspect suspect) {
  watchers::DirectoryReader* const reader = directories_.at(suspect.source);
  auto read = co_await reader->ReadAccount(account);
  if (!read.ok()) {
    const StatusCode code = read.status().code();
    const bool gone = code == StatusCode::kNotFound || code == StatusCode::kFailedPrecondition;
    co_return gone ? OkStatus() : read.status();  // the next pass meets it again
  }
  store::PeopleKeys keys;
  keys.guids.push_back(account);
  auto load = [this, keys = std::move(keys)] {
    return parts_.store.LoadPeople(parts_.engine.link(), keys);
  };
  const auto people = co_await OnLane(parts_.lane, std::move(load));
  if (!people.ok()) co_return people.status();
  const monitor::AdHalf* const known = HalfOf(*people, account);
  if (known == nullptr) co_return OkStatus();
  const bool mismatch = Differs(*known, *read);
  parts_.observer.OnVerified(suspect.source, mismatch ? Verified::kMismatch : Verified::kSame);
  if (!mismatch) co_return OkStatus();
  parts_.log.Warn("verification_mismatch",
                  "an account differs from what the change feed brought; it was read anew",
                  {{"link", parts_.engine.link().value},
                   {"source", suspect.source.value},
                   {"object_guid", account.ToString()}});
  std::vector<monitor::Observation> observations;
  observations.push_back(std::move(*read));
  const Status delivered = co_await Deliver(std::move(observations));
  co_return delivered;
}

asio::awaitable<Status> VerificationLoop::Deliver(std::vector<monitor::Observation> observations) {
  monitor::BatchId batch(MakeUuid(parts_.rng));
  const Status delivered =
      co_await parts_.engine.DeliverReads(std::move(observations), std::move(batch));
  co_return delivered;
}

}  // namespace driftwarden::daemon
