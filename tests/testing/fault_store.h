#pragma once

// A StateStore that dies at a chosen commit, as a process does: before the write, or after it but
// before anybody hears of it. From then on it refuses everything with Cancelled. With a MemDisk,
// drop it, MemDisk::LoseUnsynced() for a power loss, and open the disk again.

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "store/state_store.h"

namespace driftwarden::store {

struct FaultPlan {
  uint64_t at_commit = 0;     // counted from 1; 0: never
  bool after_commit = false;  // the write reaches the store, the caller sees Cancelled
};

class FaultStore final : public StateStore {
 public:
  FaultStore(std::unique_ptr<StateStore> inner, FaultPlan plan)
      : inner_(std::move(inner)), plan_(plan) {}

  uint64_t commits() const { return commits_; }  // that were asked for, the deadly one included
  bool dead() const { return dead_; }
  void Kill() { dead_ = true; }

  Status Commit(uint64_t lease_epoch, const Changes& changes) override {
    if (dead_) return Dead();
    const bool last = ++commits_ == plan_.at_commit;
    if (last && !plan_.after_commit) {
      dead_ = true;
      return Dead();
    }
    Status status = inner_->Commit(lease_epoch, changes);
    if (!last) return status;
    dead_ = true;
    return Dead();
  }

  StatusOr<uint64_t> AcquireLease() override {
    if (dead_) return Dead();
    return inner_->AcquireLease();
  }
  StatusOr<std::vector<LinkName>> Links() override {
    if (dead_) return Dead();
    return inner_->Links();
  }
  StatusOr<std::optional<LinkState>> LoadLink(const LinkName& link) override {
    if (dead_) return Dead();
    return inner_->LoadLink(link);
  }
  StatusOr<PeopleSet> LoadPeople(const LinkName& link, const PeopleKeys& keys) override {
    if (dead_) return Dead();
    return inner_->LoadPeople(link, keys);
  }
  StatusOr<std::vector<PersonOrdinal>> DueBefore(const LinkName& link, absl::Time now,
                                                 size_t limit) override {
    if (dead_) return Dead();
    return inner_->DueBefore(link, now, limit);
  }
  StatusOr<std::vector<PersonOrdinal>> OpenPeople(const LinkName& link, PersonOrdinal after,
                                                  size_t limit) override {
    if (dead_) return Dead();
    return inner_->OpenPeople(link, after, limit);
  }
  StatusOr<std::vector<PersonOrdinal>> WatchedPeople(const LinkName& link, PersonOrdinal after,
                                                     size_t limit) override {
    if (dead_) return Dead();
    return inner_->WatchedPeople(link, after, limit);
  }
  StatusOr<std::vector<PersonOrdinal>> InheritedPeople(const LinkName& link, PersonOrdinal after,
                                                       size_t limit) override {
    if (dead_) return Dead();
    return inner_->InheritedPeople(link, after, limit);
  }
  StatusOr<std::vector<Action>> LiveActions(const LinkName& link) override {
    if (dead_) return Dead();
    return inner_->LiveActions(link);
  }
  StatusOr<std::vector<Incident>> Incidents(const LinkName& link) override {
    if (dead_) return Dead();
    return inner_->Incidents(link);
  }
  StatusOr<Page<Person>> ListPeople(const LinkName& link, const PeopleFilter& filter,
                                    const std::string& cursor, size_t limit) override {
    if (dead_) return Dead();
    return inner_->ListPeople(link, filter, cursor, limit);
  }
  StatusOr<std::vector<std::pair<LinkName, PersonOrdinal>>> Find(const std::string& text) override {
    if (dead_) return Dead();
    return inner_->Find(text);
  }
  StatusOr<std::optional<Episode>> LoadEpisode(const EpisodeId& id) override {
    if (dead_) return Dead();
    return inner_->LoadEpisode(id);
  }
  StatusOr<Page<Episode>> ListEpisodes(const LinkName& link, bool open_only,
                                       const std::string& cursor, size_t limit) override {
    if (dead_) return Dead();
    return inner_->ListEpisodes(link, open_only, cursor, limit);
  }
  StatusOr<std::vector<Episode>> PersonEpisodes(const LinkName& link, PersonOrdinal person,
                                                size_t limit) override {
    if (dead_) return Dead();
    return inner_->PersonEpisodes(link, person, limit);
  }
  StatusOr<std::optional<Action>> LoadAction(const LinkName& link, const ActionId& id) override {
    if (dead_) return Dead();
    return inner_->LoadAction(link, id);
  }
  StatusOr<Page<Action>> ListActions(const LinkName& link, const std::string& cursor,
                                     size_t limit) override {
    if (dead_) return Dead();
    return inner_->ListActions(link, cursor, limit);
  }
  StatusOr<std::vector<Action>> PersonActions(const LinkName& link, PersonOrdinal person,
                                              size_t limit) override {
    if (dead_) return Dead();
    return inner_->PersonActions(link, person, limit);
  }
  StatusOr<std::vector<EvidenceEntry>> Evidence(const LinkName& link, uint64_t from_seq,
                                                size_t limit) override {
    if (dead_) return Dead();
    return inner_->Evidence(link, from_seq, limit);
  }
  StatusOr<std::vector<EvidenceEntry>> PersonEvidence(const LinkName& link, PersonOrdinal person,
                                                      size_t limit) override {
    if (dead_) return Dead();
    return inner_->PersonEvidence(link, person, limit);
  }
  StatusOr<std::vector<EvidenceEntry>> PersonEvidenceAfter(const LinkName& link,
                                                           PersonOrdinal person, uint64_t after_seq,
                                                           size_t limit) override {
    if (dead_) return Dead();
    return inner_->PersonEvidenceAfter(link, person, after_seq, limit);
  }
  Status PutResidue(uint64_t lease_epoch, const LinkName& link,
                    const monitor::Residue& residue) override {
    if (dead_) return Dead();
    return inner_->PutResidue(lease_epoch, link, residue);
  }
  StatusOr<std::map<PersonOrdinal, monitor::Residue>> LoadResidue(
      const LinkName& link, const std::vector<PersonOrdinal>& people) override {
    if (dead_) return Dead();
    return inner_->LoadResidue(link, people);
  }
  StatusOr<StoreStats> Stats() override {
    if (dead_) return Dead();
    return inner_->Stats();
  }
  StatusOr<std::vector<std::string>> Check() override {
    if (dead_) return Dead();
    return inner_->Check();
  }

 private:
  static Status Dead() { return CancelledError("the process died here"); }

  const std::unique_ptr<StateStore> inner_;
  const FaultPlan plan_;
  std::atomic<uint64_t> commits_{0};
  std::atomic<bool> dead_{false};
};

}  // namespace driftwarden::store
