#pragma once

// What is remembered, as the engine and the API see it. Every call blocks and belongs on a store
// lane. Thread-safe: one writer a link, any number of readers. Errors: DataLoss for bytes that make
// no sense (names the key), Unavailable for the disk (full, read-only, gone): the daemon stops
// then.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "monitor/apply.h"
#include "monitor/residue.h"

namespace driftwarden::store {

using monitor::Action;
using monitor::ActionId;
using monitor::Changes;
using monitor::Episode;
using monitor::EpisodeId;
using monitor::EvidenceEntry;
using monitor::Incident;
using monitor::LinkName;
using monitor::LinkState;
using monitor::PeopleSet;
using monitor::Person;
using monitor::PersonOrdinal;

// By what people are asked for; the answer holds each once, with open episode, live and recent
// actions and incident. Unknown keys are simply absent.
struct PeopleKeys {
  std::vector<PersonOrdinal> ordinals;
  std::vector<monitor::Guid> guids;
  std::vector<std::string> entra_ids;
  std::vector<monitor::Anchor> anchors;
};

struct PeopleFilter {
  std::optional<monitor::State> state;     // stored state (blind is computed by the reader)
  std::optional<monitor::DriftKind> kind;  // open kind
  std::optional<monitor::TierName> tier;
  bool with_open_episode = false;
  bool exempted = false;                     // by a dated exemption
  bool expected = false;                     // as leavers
  std::string text;                          // part of UPN or sAMAccountName, any case
  std::function<bool(const Person&)> where;  // empty: everybody; must not use the store
};

template <typename T>
struct Page {
  std::vector<T> items;
  std::string next_cursor;  // empty: that was all
};

struct StoreStats {
  std::string path;
  uint32_t schema = 0;
  std::map<std::string, uint64_t> keys;   // by column family, estimated
  std::map<std::string, uint64_t> bytes;  // by part: sst, wal, block_cache, memtables
};

class StateStore {
 public:
  virtual ~StateStore() = default;

  // Takes the write lease: a rising epoch. A commit under an older epoch is refused
  // (FailedPrecondition).
  virtual StatusOr<uint64_t> AcquireLease() = 0;
  // One atomic write of everything in `changes`; synced to disk when changes.must_sync. Indexes,
  // lookups, deadlines and the person's evidence index follow from the records.
  virtual Status Commit(uint64_t lease_epoch, const Changes& changes) = 0;

  virtual StatusOr<std::vector<LinkName>> Links() = 0;
  virtual StatusOr<std::optional<LinkState>> LoadLink(const LinkName& link) = 0;
  virtual StatusOr<PeopleSet> LoadPeople(const LinkName& link, const PeopleKeys& keys) = 0;
  // People whose review_at <= now, earliest first.
  virtual StatusOr<std::vector<PersonOrdinal>> DueBefore(const LinkName& link, absl::Time now,
                                                         size_t limit) = 0;
  // People with an open episode (inherited people have none), in order of ordinal.
  virtual StatusOr<std::vector<PersonOrdinal>> OpenPeople(const LinkName& link, PersonOrdinal after,
                                                          size_t limit) = 0;
  // People whose last episode closed a short while ago (Memory::watch_until), in the same order.
  virtual StatusOr<std::vector<PersonOrdinal>> WatchedPeople(const LinkName& link,
                                                             PersonOrdinal after, size_t limit) = 0;
  virtual StatusOr<std::vector<PersonOrdinal>> InheritedPeople(const LinkName& link,
                                                               PersonOrdinal after,
                                                               size_t limit) = 0;
  virtual StatusOr<std::vector<Action>> LiveActions(const LinkName& link) = 0;
  virtual StatusOr<std::vector<Incident>> Incidents(const LinkName& link) = 0;

  // For the API. Lists are in a stable order; cursors are opaque (InvalidArgument for one that is
  // not ours). A page that had to look at very many people may be short, even empty, and still have
  // a next cursor.
  virtual StatusOr<Page<Person>> ListPeople(const LinkName& link, const PeopleFilter& filter,
                                            const std::string& cursor, size_t limit) = 0;
  // By UPN, sAMAccountName, anchor, SID, objectGUID, Entra id, or the id of a person, of one of
  // their episodes or of an action on them, in all links.
  virtual StatusOr<std::vector<std::pair<LinkName, PersonOrdinal>>> Find(
      const std::string& text) = 0;
  virtual StatusOr<std::optional<Episode>> LoadEpisode(const EpisodeId& id) = 0;
  virtual StatusOr<Page<Episode>> ListEpisodes(const LinkName& link, bool open_only,
                                               const std::string& cursor,
                                               size_t limit) = 0;  // newest first
  // The newest `limit` of one person, newest first; the open one included.
  virtual StatusOr<std::vector<Episode>> PersonEpisodes(const LinkName& link, PersonOrdinal person,
                                                        size_t limit) = 0;
  virtual StatusOr<std::optional<Action>> LoadAction(const LinkName& link, const ActionId& id) = 0;
  virtual StatusOr<Page<Action>> ListActions(const LinkName& link, const std::string& cursor,
                                             size_t limit) = 0;  // newest first
  virtual StatusOr<std::vector<Action>> PersonActions(const LinkName& link, PersonOrdinal person,
                                                      size_t limit) = 0;  // newest first
  virtual StatusOr<std::vector<EvidenceEntry>> Evidence(const LinkName& link, uint64_t from_seq,
                                                        size_t limit) = 0;
  // The newest `limit` of one person, in the order they were written.
  virtual StatusOr<std::vector<EvidenceEntry>> PersonEvidence(const LinkName& link,
                                                              PersonOrdinal person,
                                                              size_t limit) = 0;
  // The first `limit` of one person behind `after_seq`, in the order they were written.
  virtual StatusOr<std::vector<EvidenceEntry>> PersonEvidenceAfter(const LinkName& link,
                                                                   PersonOrdinal person,
                                                                   uint64_t after_seq,
                                                                   size_t limit) = 0;

  // What is left of somebody in the tenant; replaces what was known. An atomic write of its own,
  // which may be lost with the machine: it can be read again. Refused as a commit is; NotFound: no
  // such person (any more). Deleted with the person.
  virtual Status PutResidue(uint64_t lease_epoch, const LinkName& link,
                            const monitor::Residue& residue) = 0;
  // Of whom any is known.
  virtual StatusOr<std::map<PersonOrdinal, monitor::Residue>> LoadResidue(
      const LinkName& link, const std::vector<PersonOrdinal>& people) = 0;

  virtual StatusOr<StoreStats> Stats() = 0;
  // Reads every record, compares indexes and counters with a recount. One text a fault found.
  virtual StatusOr<std::vector<std::string>> Check() = 0;
};

}  // namespace driftwarden::store
