#include "daemon/tenant_verification_loop.h"

#include <algorithm>
#include <optional>
#include <variant>

#include "base/strings.h"
#include "daemon/outage.h"

namespace driftwarden::daemon {
namespace {

constexpr size_t kMaxSuspects = 1000;  // others are met again in the next pass
constexpr size_t kListed = 200;        // people in one question to the store
constexpr int kListsAtMost = 20;       // a slice

bool IsEnd(const Status& status) {
  return status.code() == StatusCode::kCancelled;
}

}  // namespace

bool Differs(const monitor::EntraHalf& known, const monitor::Observation& seen) {
  monitor::EntraView view = std::get<monitor::EntraView>(seen.view);
  view.sessions_valid_from.reset();
  monitor::EntraHalf probe = known;
  return monitor::MergeEntra(probe, view, seen.look).changed;
}

TenantVerificationLoop::TenantVerificationLoop(VerificationParts parts, monitor::SourceName source,
                                               watchers::TenantReader& tenant,
                                               TenantVerificationOptions options)
    : parts_(parts), source_(std::move(source)), tenant_(tenant), options_(options) {}

asio::awaitable<void> TenantVerificationLoop::Run() {
  while (true) {
    const Status slept = co_await parts_.scheduler.SleepFor(options_.interval);
    if (!slept.ok()) co_return;
    const Status verified = co_await VerifySlice();
    if (IsEnd(verified)) co_return;
    const std::string text(Message(verified));
    if (text != last_error_ && !verified.ok()) {
      // What keeps us out is told by the poll, which meets it too.
      parts_.log.Log(IsOutage(verified) ? LogLevel::kInfo : LogLevel::kWarn, "verification_failed",
                     text, {{"link", parts_.engine.link().value}, {"source", source_.value}});
    }
    last_error_ = text;
  }
}

asio::awaitable<Status> TenantVerificationLoop::VerifySlice() {
  const auto state = parts_.engine.State();
  if (!MayRead(*state)) co_return OkStatus();
  if (state->unreturned_since) {
    const Status confirmed = co_await ConfirmSlice(*state->unreturned_since);
    co_return confirmed;
  }
  const Status suspects = co_await CompareSuspects();
  if (!suspects.ok()) co_return suspects;
  const Status compared = co_await CompareSlice();
  co_return compared;
}

bool TenantVerificationLoop::MayRead(const monitor::LinkState& state) const {
  const auto found = state.sources.find(source_);
  return state.baseline_at && found != state.sources.end() && found->second.snapshot_complete &&
         !found->second.snapshot_running;
}

asio::awaitable<Status> TenantVerificationLoop::ConfirmSlice(absl::Time round) {
  if (sweep_.round != round) {
    sweep_ = Sweep();
    sweep_.round = round;
  }
  const Status listed = co_await ListUnreturned();
  if (!listed.ok()) co_return listed;
  const Status read = co_await ReadWaiting();
  if (!read.ok()) co_return read;
  if (!sweep_.listed || !sweep_.waiting.empty()) co_return OkStatus();
  const Status confirmed = co_await parts_.engine.DeliverConfirmed(round, sweep_.asked);
  if (!confirmed.ok()) co_return confirmed;
  parts_.log.Info("unreturned_confirmed",
                  "everybody whom the full read did not return was read directly",
                  {{"link", parts_.engine.link().value},
                   {"source", source_.value},
                   {"people", static_cast<int64_t>(sweep_.asked)}});
  sweep_ = Sweep();
  co_return OkStatus();
}

// As many as one slice can ask for.
asio::awaitable<Status> TenantVerificationLoop::ListUnreturned() {
  for (int i = 0; i < kListsAtMost && !sweep_.listed; ++i) {
    if (sweep_.waiting.size() >= options_.slice) co_return OkStatus();
    std::string cursor = sweep_.cursor;
    auto page = co_await List(std::move(cursor), kListed);
    if (!page.ok()) {
      sweep_ = Sweep();
      co_return page.status();
    }
    std::map<monitor::PersonOrdinal, Account> accounts;
    std::vector<monitor::PersonOrdinal> people;
    for (const monitor::Person& person : page->items) {
      const auto& entra = person.facts.entra;
      // Of who was deleted already no full read tells that they are purged.
      if (!entra || entra->deletion == monitor::EntraDeletion::kHard) continue;
      accounts[person.ordinal] = {person.ordinal, entra->id, entra->deletion};
      people.push_back(person.ordinal);
    }
    const auto left = co_await parts_.engine.NotReturned(sweep_.round, std::move(people));
    for (const monitor::PersonOrdinal person : left) {
      sweep_.waiting.push_back(accounts.at(person));
    }
    sweep_.cursor = page->next_cursor;
    sweep_.listed = sweep_.cursor.empty();
  }
  co_return OkStatus();
}

asio::awaitable<Status> TenantVerificationLoop::ReadWaiting() {
  const size_t count = std::min(sweep_.waiting.size(), options_.slice);
  if (count == 0) co_return OkStatus();
  std::vector<Account> asked(sweep_.waiting.begin(),
                             sweep_.waiting.begin() + static_cast<ptrdiff_t>(count));
  sweep_.waiting.erase(sweep_.waiting.begin(),
                       sweep_.waiting.begin() + static_cast<ptrdiff_t>(count));
  std::vector<std::string> ids;
  for (const Account& account : asked) ids.push_back(account.id);
  monitor::BatchId batch(MakeUuid(parts_.rng));
  monitor::BatchId round = batch;
  auto answers = co_await tenant_.ReadUsers(std::move(ids), std::move(batch));
  std::vector<monitor::Observation> seen;
  Status first_error;
  for (size_t i = 0; i < answers.size() && i < asked.size(); ++i) {
    if (answers[i].ok()) {
      const auto& view = std::get<monitor::EntraView>(answers[i]->view);
      const auto deletion = view.deletion.value_or(monitor::EntraDeletion::kLive);
      const bool same = deletion == asked[i].known;
      parts_.observer.OnVerified(source_, same ? Verified::kSame : Verified::kAbsent);
      seen.push_back(*std::move(answers[i]));
      ++sweep_.asked;
      continue;
    }
    sweep_.waiting.push_back(asked[i]);
    if (first_error.ok()) first_error = answers[i].status();
  }
  if (seen.empty()) co_return first_error;
  const Status delivered = co_await parts_.engine.DeliverReads(std::move(seen), std::move(round));
  if (!delivered.ok()) {
    sweep_ = Sweep();  // they were asked for, and nobody heard the answer
    co_return delivered;
  }
  co_return first_error;
}

asio::awaitable<Status> TenantVerificationLoop::CompareSlice() {
  std::string cursor = cursor_;
  auto page = co_await List(std::move(cursor), options_.slice);
  if (!page.ok()) {
    cursor_.clear();
    co_return page.status();
  }
  std::vector<const monitor::EntraHalf*> halves;
  std::vector<std::string> ids;
  for (const monitor::Person& person : page->items) {
    const auto& entra = person.facts.entra;
    if (!entra || entra->deletion == monitor::EntraDeletion::kHard) continue;
    halves.push_back(&*entra);
    ids.push_back(entra->id);
  }
  Status first_error;
  if (!ids.empty()) {
    monitor::BatchId batch(MakeUuid(parts_.rng));
    const auto answers = co_await tenant_.ReadUsers(std::move(ids), std::move(batch));
    for (size_t i = 0; i < answers.size() && i < halves.size(); ++i) {
      if (answers[i].ok()) {
        Compare(*halves[i], *answers[i]);
      } else if (first_error.ok()) {
        first_error = answers[i].status();
      }
    }
  }
  cursor_ = page->next_cursor;
  if (cursor_.empty()) parts_.observer.OnPass(source_, parts_.scheduler.clock().Wall());
  co_return first_error;
}

void TenantVerificationLoop::Compare(const monitor::EntraHalf& known,
                                     const monitor::Observation& seen) {
  if (!Differs(known, seen)) {
    suspects_.erase(known.id);
    parts_.observer.OnVerified(source_, Verified::kSame);
  } else if (suspects_.size() < kMaxSuspects) {
    suspects_.try_emplace(known.id, seen.look.at.hi);
  }
}

asio::awaitable<Status> TenantVerificationLoop::CompareSuspects() {
  const auto state = parts_.engine.State();
  const absl::Time round = state->sources.at(source_).last_complete_begin;
  std::vector<std::string> due;
  for (const auto& [id, differed] : suspects_) {
    const bool had_time = round > differed + options_.patience;
    if (had_time && due.size() < options_.slice) due.push_back(id);
  }
  for (const std::string& id : due) {
    suspects_.erase(id);
    std::string copy = id;
    const Status compared = co_await CompareSuspect(std::move(copy));
    if (!compared.ok()) co_return compared;
  }
  co_return OkStatus();
}

asio::awaitable<Status> TenantVerificationLoop::CompareSuspect(std::string id) {
  std::vector<std::string> ids{id};
  monitor::BatchId batch(MakeUuid(parts_.rng));
  auto answers = co_await tenant_.ReadUsers(std::move(ids), std::move(batch));
  if (answers.empty() || !answers.front().ok()) {
    co_return answers.empty() ? OkStatus() : answers.front().status();  // met again
  }
  store::PeopleKeys keys;
  keys.entra_ids.push_back(id);
  auto load = [this, keys = std::move(keys)] {
    return parts_.store.LoadPeople(parts_.engine.link(), keys);
  };
  const auto people = co_await OnLane(parts_.lane, std::move(load));
  if (!people.ok()) co_return people.status();
  const auto found =
      std::find_if(people->by_ordinal.begin(), people->by_ordinal.end(), [&](const auto& entry) {
        return entry.second.facts.entra && entry.second.facts.entra->id == id;
      });
  if (found == people->by_ordinal.end()) co_return OkStatus();
  const bool mismatch = Differs(*found->second.facts.entra, *answers.front());
  parts_.observer.OnVerified(source_, mismatch ? Verified::kMismatch : Verified::kSame);
  if (!mismatch) co_return OkStatus();
  parts_.log.Warn(
      "verification_mismatch",
      "an account differs from what the change feed brought; it was read anew",
      {{"link", parts_.engine.link().value}, {"source", source_.value}, {"entra_id", id}});
  std::vector<monitor::Observation> observations;
  observations.push_back(*std::move(answers.front()));
  const Status delivered = co_await Deliver(std::move(observations));
  co_return delivered;
}

asio::awaitable<StatusOr<store::Page<monitor::Person>>> TenantVerificationLoop::List(
    std::string cursor, size_t limit) {
  auto list = [this, cursor = std::move(cursor), limit] {
    return parts_.store.ListPeople(parts_.engine.link(), {}, cursor, limit);
  };
  auto page = co_await OnLane(parts_.lane, std::move(list));
  co_return page;
}

asio::awaitable<Status> TenantVerificationLoop::Deliver(
    std::vector<monitor::Observation> observations) {
  monitor::BatchId batch(MakeUuid(parts_.rng));
  const Status delivered =
      co_await parts_.engine.DeliverReads(std::move(observations), std::move(batch));
  co_return delivered;
}

}  // namespace driftwarden::daemon
