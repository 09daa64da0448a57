#pragma once

// The StateStore over any Kv. Reads each work on one snapshot; commits are serialised by a mutex.

#include <map>
#include <memory>
#include <mutex>

#include "store/kv.h"
#include "store/record_reader.h"
#include "store/state_store.h"

namespace driftwarden::store {

// Checks and if needed migrates the schema first.
StatusOr<std::unique_ptr<StateStore>> OpenKvStateStore(std::unique_ptr<Kv> kv);

class KvStateStore final : public StateStore {
 public:
  explicit KvStateStore(std::unique_ptr<Kv> kv) : kv_(std::move(kv)) {}

  StatusOr<uint64_t> AcquireLease() override;
  Status Commit(uint64_t lease_epoch, const Changes& changes) override;

  StatusOr<std::vector<LinkName>> Links() override;
  StatusOr<std::optional<LinkState>> LoadLink(const LinkName& link) override;
  StatusOr<PeopleSet> LoadPeople(const LinkName& link, const PeopleKeys& keys) override;
  StatusOr<std::vector<PersonOrdinal>> DueBefore(const LinkName& link, absl::Time now,
                                                 size_t limit) override;
  StatusOr<std::vector<PersonOrdinal>> OpenPeople(const LinkName& link, PersonOrdinal after,
                                                  size_t limit) override;
  StatusOr<std::vector<PersonOrdinal>> WatchedPeople(const LinkName& link, PersonOrdinal after,
                                                     size_t limit) override;
  StatusOr<std::vector<PersonOrdinal>> InheritedPeople(const LinkName& link, PersonOrdinal after,
                                                       size_t limit) override;
  StatusOr<std::vector<Action>> LiveActions(const LinkName& link) override;
  StatusOr<std::vector<Incident>> Incidents(const LinkName& link) override;

  StatusOr<Page<Person>> ListPeople(const LinkName& link, const PeopleFilter& filter,
                                    const std::string& cursor, size_t limit) override;
  StatusOr<std::vector<std::pair<LinkName, PersonOrdinal>>> Find(const std::string& text) override;
  StatusOr<std::optional<Episode>> LoadEpisode(const EpisodeId& id) override;
  StatusOr<Page<Episode>> ListEpisodes(const LinkName& link, bool open_only,
                                       const std::string& cursor, size_t limit) override;
  StatusOr<std::vector<Episode>> PersonEpisodes(const LinkName& link, PersonOrdinal person,
                                                size_t limit) override;
  StatusOr<std::optional<Action>> LoadAction(const LinkName& link, const ActionId& id) override;
  StatusOr<Page<Action>> ListActions(const LinkName& link, const std::string& cursor,
                                     size_t limit) override;
  StatusOr<std::vector<Action>> PersonActions(const LinkName& link, PersonOrdinal person,
                                              size_t limit) override;
  StatusOr<std::vector<EvidenceEntry>> Evidence(const LinkName& link, uint64_t from_seq,
                                                size_t limit) override;
  StatusOr<std::vector<EvidenceEntry>> PersonEvidenceAfter(const LinkName& link,
                                                           PersonOrdinal person, uint64_t after_seq,
                                                           size_t limit) override;
  StatusOr<std::vector<EvidenceEntry>> PersonEvidence(const LinkName& link, PersonOrdinal person,
                                                      size_t limit) override;
  Status PutResidue(uint64_t lease_epoch, const LinkName& link,
                    const monitor::Residue& residue) override;
  StatusOr<std::map<PersonOrdinal, monitor::Residue>> LoadResidue(
      const LinkName& link, const std::vector<PersonOrdinal>& people) override;
  StatusOr<StoreStats> Stats() override;
  StatusOr<std::vector<std::string>> Check() override;

 private:
  StatusOr<absl::Time> LowMark(LinkNumber link, RecordReader& reader);
  StatusOr<std::vector<PersonOrdinal>> OrdinalsOf(Index index, const LinkName& link,
                                                  PersonOrdinal after, size_t limit);

  const std::unique_ptr<Kv> kv_;
  std::mutex write_mutex_;

  // No deadline of the link is earlier than its mark, so a scan begins there and does not walk over
  // what was deleted before it. Raised by scans, lowered by commits, written with each commit.
  std::mutex marks_mutex_;
  std::map<LinkNumber, absl::Time> marks_;
  uint64_t commits_ = 0;  // a scan that began before a commit must not raise a mark after it
};

}  // namespace driftwarden::store
