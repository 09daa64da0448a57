#pragma once

// A StateStore that hands everything on to another one: the base of what changes one call of it.

#include <memory>
#include <utility>

#include "store/state_store.h"

namespace driftwarden::store {

class ForwardingStore : public StateStore {
 public:
  explicit ForwardingStore(std::unique_ptr<StateStore> inner) : inner_(std::move(inner)) {}

  StatusOr<uint64_t> AcquireLease() override { return inner_->AcquireLease(); }
  Status Commit(uint64_t lease_epoch, const Changes& changes) override {
    return inner_->Commit(lease_epoch, changes);
  }
  StatusOr<std::vector<LinkName>> Links() override { return inner_->Links(); }
  StatusOr<std::optional<LinkState>> LoadLink(const LinkName& link) override {
    return inner_->LoadLink(link);
  }
  StatusOr<PeopleSet> LoadPeople(const LinkName& link, const PeopleKeys& keys) override {
    return inner_->LoadPeople(link, keys);
  }
  StatusOr<std::vector<PersonOrdinal>> DueBefore(const LinkName& link, absl::Time now,
                                                 size_t limit) override {
    return inner_->DueBefore(link, now, limit);
  }
  StatusOr<std::vector<PersonOrdinal>> OpenPeople(const LinkName& link, PersonOrdinal after,
                                                  size_t limit) override {
    return inner_->OpenPeople(link, after, limit);
  }
  StatusOr<std::vector<PersonOrdinal>> WatchedPeople(const LinkName& link, PersonOrdinal after,
                                                     size_t limit) override {
    return inner_->WatchedPeople(link, after, limit);
  }
  StatusOr<std::vector<PersonOrdinal>> InheritedPeople(const LinkName& link, PersonOrdinal after,
                                                       size_t limit) override {
    return inner_->InheritedPeople(link, after, limit);
  }
  StatusOr<std::vector<Action>> LiveActions(const LinkName& link) override {
    return inner_->LiveActions(link);
  }
  StatusOr<std::vector<Incident>> Incidents(const LinkName& link) override {
    return inner_->Incidents(link);
  }
  StatusOr<Page<Person>> ListPeople(const LinkName& link, const PeopleFilter& filter,
                                    const std::string& cursor, size_t limit) override {
    return inner_->ListPeople(link, filter, cursor, limit);
  }
  StatusOr<std::vector<std::pair<LinkName, PersonOrdinal>>> Find(const std::string& text) override {
    return inner_->Find(text);
  }
  StatusOr<std::optional<Episode>> LoadEpisode(const EpisodeId& id) override {
    return inner_->LoadEpisode(id);
  }
  StatusOr<Page<Episode>> ListEpisodes(const LinkName& link, bool open_only,
                                       const std::string& cursor, size_t limit) override {
    return inner_->ListEpisodes(link, open_only, cursor, limit);
  }
  StatusOr<std::vector<Episode>> PersonEpisodes(const LinkName& link, PersonOrdinal person,
                                                size_t limit) override {
    return inner_->PersonEpisodes(link, person, limit);
  }
  StatusOr<std::optional<Action>> LoadAction(const LinkName& link, const ActionId& id) override {
    return inner_->LoadAction(link, id);
  }
  StatusOr<Page<Action>> ListActions(const LinkName& link, const std::string& cursor,
                                     size_t limit) override {
    return inner_->ListActions(link, cursor, limit);
  }
  StatusOr<std::vector<Action>> PersonActions(const LinkName& link, PersonOrdinal person,
                                              size_t limit) override {
    return inner_->PersonActions(link, person, limit);
  }
  StatusOr<std::vector<EvidenceEntry>> Evidence(const LinkName& link, uint64_t from_seq,
                                                size_t limit) override {
    return inner_->Evidence(link, from_seq, limit);
  }
  StatusOr<std::vector<EvidenceEntry>> PersonEvidence(const LinkName& link, PersonOrdinal person,
                                                      size_t limit) override {
    return inner_->PersonEvidence(link, person, limit);
  }
  StatusOr<std::vector<EvidenceEntry>> PersonEvidenceAfter(const LinkName& link,
                                                           PersonOrdinal person, uint64_t after_seq,
                                                           size_t limit) override {
    return inner_->PersonEvidenceAfter(link, person, after_seq, limit);
  }
  Status PutResidue(uint64_t lease_epoch, const LinkName& link,
                    const monitor::Residue& residue) override {
    return inner_->PutResidue(lease_epoch, link, residue);
  }
  StatusOr<std::map<PersonOrdinal, monitor::Residue>> LoadResidue(
      const LinkName& link, const std::vector<PersonOrdinal>& people) override {
    return inner_->LoadResidue(link, people);
  }
  StatusOr<StoreStats> Stats() override { return inner_->Stats(); }
  StatusOr<std::vector<std::string>> Check() override { return inner_->Check(); }

 private:
  std::unique_ptr<StateStore> inner_;
};

}  // namespace driftwarden::store
