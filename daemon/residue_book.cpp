#include "daemon/residue_book.h"

#include <algorithm>
#include <utility>

namespace driftwarden::daemon {

using monitor::Episode;
using monitor::PersonOrdinal;
using monitor::Residue;
using monitor::ResidueOutcome;

namespace {

constexpr size_t kNewestEpisodes = 50;  // looked at every time
constexpr size_t kEpisodesAPage = 200;
constexpr size_t kPagesACall = 5;

bool IsRecentDeparture(const Episode& episode, absl::Time now) {
  return episode.OfDeparture() && (!episode.closed || now - *episode.closed < kResidueRecent);
}

bool IsResidueDue(const Residue& residue, absl::Time now) {
  const bool failed = std::any_of(residue.areas.begin(), residue.areas.end(), [](const auto& area) {
    return area.second.outcome == ResidueOutcome::kFailed;
  });
  // In both directions: a clock that was set back must not make it wait for ever.
  return absl::AbsDuration(now - residue.read) >= (failed ? kResidueRetry : kResidueAge);
}

}  // namespace

// Blocks: for the read lane.
Status ResidueBook::AddDue(const std::vector<Episode>& episodes, size_t limit,
                           std::vector<ResidueTarget>* due) {
  const absl::Time now = parts_.clock.Wall();
  store::PeopleKeys keys;
  for (const Episode& episode : episodes) {
    if (!IsRecentDeparture(episode, now)) continue;
    const bool known = std::find(keys.ordinals.begin(), keys.ordinals.end(), episode.person) !=
                           keys.ordinals.end() ||
                       std::any_of(due->begin(), due->end(), [&episode](const auto& each) {
                         return each.person == episode.person;
                       });
    if (!known) keys.ordinals.push_back(episode.person);
  }
  DW_ASSIGN_OR_RETURN(const auto read, parts_.store.LoadResidue(link_, keys.ordinals));
  std::erase_if(keys.ordinals, [&read, now](PersonOrdinal ordinal) {
    const auto known = read.find(ordinal);
    return known != read.end() && !IsResidueDue(known->second, now);
  });
  if (keys.ordinals.empty()) return OkStatus();
  DW_ASSIGN_OR_RETURN(const auto people, parts_.store.LoadPeople(link_, keys));
  for (const PersonOrdinal ordinal : keys.ordinals) {
    if (due->size() >= limit) return OkStatus();
    const auto person = people.by_ordinal.find(ordinal);
    if (person == people.by_ordinal.end() || !person->second.facts.entra) continue;
    ResidueTarget target;
    target.person = ordinal;
    target.entra_id = person->second.facts.entra->id;
    if (!target.entra_id.empty()) due->push_back(std::move(target));
  }
  return OkStatus();
}

// Blocks: for the read lane. Those who left last come first, then everybody in turns.
StatusOr<std::vector<ResidueTarget>> ResidueBook::FindDue(size_t limit) {
  std::vector<ResidueTarget> due;
  DW_ASSIGN_OR_RETURN(const auto newest,
                      parts_.store.ListEpisodes(link_, false, "", kNewestEpisodes));
  DW_RETURN_IF_ERROR(AddDue(newest.items, limit, &due));
  for (size_t page = 0; page < kPagesACall && due.size() < limit; ++page) {
    DW_ASSIGN_OR_RETURN(const auto episodes,
                        parts_.store.ListEpisodes(link_, false, cursor_, kEpisodesAPage));
    DW_RETURN_IF_ERROR(AddDue(episodes.items, limit, &due));
    // A page of which not everybody may have had a turn is looked at again.
    if (due.size() >= limit) break;
    cursor_ = episodes.next_cursor;
    if (cursor_.empty()) break;
  }
  return due;
}

asio::awaitable<StatusOr<std::vector<ResidueTarget>>> ResidueBook::Next(size_t limit) {
  auto find = [this, limit] { return FindDue(limit); };
  auto due = co_await OnLane(parts_.read_lane, std::move(find));
  co_return due;
}

asio::awaitable<Status> ResidueBook::Deliver(Residue residue) {
  auto write = [this, &residue]() -> Status {
    DW_ASSIGN_OR_RETURN(const auto known, parts_.store.LoadResidue(link_, {residue.person}));
    const auto before = known.find(residue.person);
    const auto kept = before == known.end() ? std::nullopt : std::optional(before->second);
    return parts_.store.PutResidue(lease_epoch_, link_,
                                   monitor::MergeResidue(kept, std::move(residue)));
  };
  const Status written = co_await OnLane(parts_.write_lane, std::move(write));
  if (written.code() == StatusCode::kNotFound) co_return OkStatus();
  co_return written;
}

}  // namespace driftwarden::daemon
