// KvStateStore::Check: reads everything once, in one snapshot and bounded memory.

#include <algorithm>
#include <iterator>

#include "base/bytes.h"
#include "base/strings.h"
#include "monitor/cause_counts.h"
#include "monitor/evidence.h"
#include "store/indexes.h"
#include "store/kv_state_store.h"
#include "store/records.h"
#include "store/records_residue.h"

namespace driftwarden::store {
namespace {

constexpr size_t kChunk = 1000;
constexpr size_t kFaultsAtMost = 200;

class Checker {
 public:
  explicit Checker(Kv& kv) : reader_(kv) {}

  Status Run();
  std::vector<std::string> TakeFaults();

 private:
  struct Counts {
    std::map<monitor::UserCountKey, int64_t> users;
    std::vector<monitor::WaitingSlice> waiting;
    std::map<monitor::OpenCountKey, int64_t> open;
    uint64_t linked_people = 0;
    monitor::DriftCounts in_drift;
    PersonOrdinal highest = 0;
  };

  void Fault(std::string text);
  // Calls `each` with every entry of a range, in order, a chunk at a time; `done` after each chunk.
  template <typename Each, typename Done>
  Status Walk(Family family, KvRange range, Each each, Done done);
  Status CheckLink(LinkNumber link, const monitor::LinkName& name);
  Status CheckPeople(LinkNumber link, Counts& counts);
  void Count(const Person& person, Counts& counts);
  void CompareCounts(const LinkState& state, const Counts& counts);
  Status CheckEvidence(LinkNumber link, const LinkState& state);
  Status CheckResidue(LinkNumber link);
  // Every record decodes, and each entry that follows from it is there.
  Status CheckEntriesAreThere(Family family);
  Status CompareEntries(const std::vector<IndexEntry>& expected);
  // Every entry follows from a record that is there.
  Status CheckEntriesAreRight(Family family);
  Status CompareOwners(Family family, const std::vector<KvEntry>& entries);

  RecordReader reader_;
  std::vector<std::string> faults_;
  size_t fault_count_ = 0;
};

KvRange WholeFamily() {
  // Keys begin with a small number: a link's, a kind's or a name's first letter.
  return {"", std::string(1, '\xff')};
}

void Checker::Fault(std::string text) {
  if (++fault_count_ <= kFaultsAtMost) faults_.push_back(std::move(text));
}

std::vector<std::string> Checker::TakeFaults() {
  if (fault_count_ > kFaultsAtMost) {
    faults_.push_back(Cat("and ", fault_count_ - kFaultsAtMost, " more"));
  }
  return std::move(faults_);
}

template <typename Each, typename Done>
Status Checker::Walk(Family family, KvRange range, Each each, Done done) {
  while (true) {
    DW_ASSIGN_OR_RETURN(const auto entries, reader_.kv().Scan(family, range, kChunk));
    for (const KvEntry& entry : entries) each(entry);
    DW_RETURN_IF_ERROR(done());
    if (entries.size() < kChunk) return OkStatus();
    range.from = entries.back().key + '\0';
  }
}

Status Checker::Run() {
  const auto links = reader_.Links();
  if (!links.ok()) {
    Fault(std::string(Message(links.status())));
    return OkStatus();
  }
  for (const auto& [number, name] : *links) DW_RETURN_IF_ERROR(CheckLink(number, name));
  for (const Family family : {Family::kPeople, Family::kEpisodes, Family::kActions,
                              Family::kIncidents, Family::kEvidence}) {
    DW_RETURN_IF_ERROR(CheckEntriesAreThere(family));
  }
  for (const Family family : {Family::kLookups, Family::kDeadlines, Family::kIndexes}) {
    DW_RETURN_IF_ERROR(CheckEntriesAreRight(family));
  }
  return OkStatus();
}

Status Checker::CheckLink(LinkNumber link, const monitor::LinkName& name) {
  const auto state = reader_.Link(link);
  if (!state.ok()) {
    Fault(std::string(Message(state.status())));
    return OkStatus();
  }
  if (!state->has_value()) {
    Fault(Cat("link ", name.value, " has a number but no record"));
    return OkStatus();
  }
  if ((*state)->name != name) Fault(Cat("the record of link ", name.value, " names another link"));
  Counts counts;
  counts.waiting = (*state)->causes.waiting;
  for (monitor::WaitingSlice& slice : counts.waiting) slice.people = 0;
  DW_RETURN_IF_ERROR(CheckPeople(link, counts));
  CompareCounts(**state, counts);
  DW_RETURN_IF_ERROR(CheckResidue(link));
  return CheckEvidence(link, **state);
}

// Each decodes and is of somebody who is there.
Status Checker::CheckResidue(LinkNumber link) {
  std::vector<std::string> owners;
  const auto each = [&](const KvEntry& entry) {
    const auto residue = DecodeResidue(entry.key, entry.value);
    if (!residue.ok()) return Fault(std::string(Message(residue.status())));
    if (ResidueKey(link, residue->person) != entry.key) {
      return Fault(Cat(KeyText(Family::kMeta, entry.key), " holds person ", residue->person));
    }
    owners.push_back(NumberKey(link, residue->person));
  };
  const auto done = [&]() -> Status {
    DW_ASSIGN_OR_RETURN(const auto people, reader_.kv().MultiGet(Family::kPeople, owners));
    for (size_t i = 0; i < owners.size(); ++i) {
      if (!people[i]) Fault(Cat(KeyText(Family::kPeople, owners[i]), " is gone, its residue not"));
    }
    owners.clear();
    return OkStatus();
  };
  return Walk(Family::kMeta, ResidueOfLink(link), each, done);
}

Status Checker::CheckPeople(LinkNumber link, Counts& counts) {
  const auto each = [&](const KvEntry& entry) {
    const auto person = DecodePerson(entry.key, entry.value);
    if (!person.ok()) return;  // CheckEntriesAreThere reports it
    if (NumberKey(link, person->ordinal) != entry.key) {
      Fault(Cat(KeyText(Family::kPeople, entry.key), " holds person ", person->ordinal));
    }
    Count(*person, counts);
  };
  return Walk(Family::kPeople, AllOfLink(link), each, [] { return OkStatus(); });
}

void Checker::Count(const Person& person, Counts& counts) {
  counts.highest = std::max(counts.highest, person.ordinal);
  ++counts.users[{person.state, person.tier}];
  if (!person.facts.ad.empty() && person.facts.entra.has_value()) ++counts.linked_people;
  if (!person.episode.has_value()) return;
  monitor::CountWaiting(counts.waiting, person, 1);
  monitor::CountDrift(counts.in_drift, person, 1);
  for (const monitor::EpisodeKind& kind : person.episode->kinds) {
    if (kind.cleared.has_value()) continue;
    ++counts.open[{kind.kind, person.episode->tier, kind.severity}];
  }
}

template <typename Key, typename Text>
std::string Differences(const std::map<Key, int64_t>& stored, const std::map<Key, int64_t>& counted,
                        Text text) {
  std::map<Key, std::pair<int64_t, int64_t>> both;
  for (const auto& [key, count] : stored) both[key].first = count;
  for (const auto& [key, count] : counted) both[key].second = count;
  std::string out;
  for (const auto& [key, pair] : both) {
    if (pair.first == pair.second) continue;
    out += Cat(out.empty() ? "" : ", ", text(key), " ", pair.first, " stored and ", pair.second,
               " counted");
  }
  return out;
}

void Checker::CompareCounts(const LinkState& state, const Counts& counts) {
  const std::string link = Cat("link ", state.name.value, ": ");
  const std::string users = Differences(state.users, counts.users, [](const auto& key) {
    return Cat(monitor::StateText(key.state), "/", key.tier.value);
  });
  if (!users.empty()) Fault(Cat(link, "people by state and tier: ", users));
  const std::string open = Differences(state.open, counts.open, [](const auto& key) {
    return Cat(monitor::DriftKindText(key.kind), "/", key.tier.value, "/",
               monitor::SeverityText(key.severity));
  });
  if (!open.empty()) Fault(Cat(link, "open drift: ", open));
  if (state.linked_people != counts.linked_people) {
    Fault(Cat(link, "linked people: ", state.linked_people, " stored and ", counts.linked_people,
              " counted"));
  }
  if (state.causes.waiting_known && state.causes.waiting != counts.waiting) {
    Fault(Cat(link, "people who wait for the sync engine are not those stored"));
  }
  if (state.causes.waiting_known && state.in_drift != counts.in_drift) {
    Fault(Cat(link, "people in drift: ", state.in_drift.departures, " and ", state.in_drift.others,
              " stored, ", counts.in_drift.departures, " and ", counts.in_drift.others,
              " counted"));
  }
  if (counts.highest >= state.next_person) {
    Fault(
        Cat(link, "person ", counts.highest, " exists, the next one would be ", state.next_person));
  }
}

Status Checker::CheckEvidence(LinkNumber link, const LinkState& state) {
  uint64_t seq = 0;
  Sha256Digest hash{};
  bool broken = false;
  const auto each = [&](const KvEntry& entry) {
    const auto evidence = DecodeEvidence(entry.key, entry.value);
    if (!evidence.ok()) {
      broken = true;
      return;
    }
    const Status verified = monitor::VerifyEvidence(*evidence, seq, hash);
    if (!verified.ok()) Fault(std::string(Message(verified)));
    if (NumberKey(link, evidence->seq) != entry.key) {
      Fault(Cat(KeyText(Family::kEvidence, entry.key), " holds entry ", evidence->seq));
    }
    seq = evidence->seq;
    hash = evidence->hash;
  };
  DW_RETURN_IF_ERROR(Walk(Family::kEvidence, AllOfLink(link), each, [] { return OkStatus(); }));
  if (!broken && (seq != state.evidence_seq || hash != state.evidence_hash)) {
    Fault(Cat("link ", state.name.value, ": its chain of evidence ends at ", seq,
              ", the link's record says ", state.evidence_seq,
              seq == state.evidence_seq ? " with another hash" : ""));
  }
  return OkStatus();
}

Status Checker::CheckEntriesAreThere(Family family) {
  std::vector<IndexEntry> expected;
  const auto each = [&](const KvEntry& entry) {
    auto entries = EntriesOfRecord(family, entry.key, entry.value);
    if (!entries.ok()) return Fault(std::string(Message(entries.status())));
    std::move(entries->begin(), entries->end(), std::back_inserter(expected));
  };
  const auto done = [&] {
    Status status = CompareEntries(expected);
    expected.clear();
    return status;
  };
  return Walk(family, WholeFamily(), each, done);
}

Status Checker::CompareEntries(const std::vector<IndexEntry>& expected) {
  std::map<Family, std::vector<const IndexEntry*>> by_family;
  for (const IndexEntry& entry : expected) by_family[entry.family].push_back(&entry);
  for (const auto& [family, entries] : by_family) {
    std::vector<std::string> keys;
    for (const IndexEntry* entry : entries) keys.push_back(entry->key);
    DW_ASSIGN_OR_RETURN(const auto values, reader_.kv().MultiGet(family, keys));
    for (size_t i = 0; i < keys.size(); ++i) {
      if (!values[i].has_value()) {
        Fault(Cat(KeyText(family, keys[i]), " is missing"));
      } else if (*values[i] != entries[i]->value) {
        Fault(Cat(KeyText(family, keys[i]), " leads to something else"));
      }
    }
  }
  return OkStatus();
}

Status Checker::CheckEntriesAreRight(Family family) {
  std::vector<KvEntry> chunk;
  const auto each = [&](const KvEntry& entry) { chunk.push_back(entry); };
  const auto done = [&] {
    Status status = CompareOwners(family, chunk);
    chunk.clear();
    return status;
  };
  return Walk(family, WholeFamily(), each, done);
}

Status Checker::CompareOwners(Family family, const std::vector<KvEntry>& entries) {
  std::map<Family, std::vector<std::pair<std::string, const KvEntry*>>> by_owner;
  for (const KvEntry& entry : entries) {
    const auto owner = OwnerOfEntry(family, entry);
    if (!owner.has_value()) {
      Fault(Cat(KeyText(family, entry.key), " is no key of this family"));
      continue;
    }
    by_owner[owner->family].emplace_back(owner->key, &entry);
  }
  for (const auto& [owner_family, owned] : by_owner) {
    std::vector<std::string> keys;
    for (const auto& [key, entry] : owned) keys.push_back(key);
    DW_ASSIGN_OR_RETURN(const auto values, reader_.kv().MultiGet(owner_family, keys));
    for (size_t i = 0; i < keys.size(); ++i) {
      const KvEntry& entry = *owned[i].second;
      if (!values[i].has_value()) {
        Fault(Cat(KeyText(family, entry.key), " leads to nothing"));
        continue;
      }
      const auto rightful = EntriesOfRecord(owner_family, keys[i], *values[i]);
      if (!rightful.ok()) continue;  // reported where the record was read
      const IndexEntry found{family, entry.key, entry.value};
      if (!std::binary_search(rightful->begin(), rightful->end(), found)) {
        Fault(Cat(KeyText(family, entry.key), " is stale"));
      }
    }
  }
  return OkStatus();
}

}  // namespace

StatusOr<std::vector<std::string>> KvStateStore::Check() {
  Checker checker(*kv_);
  DW_RETURN_IF_ERROR(checker.Run());
  return checker.TakeFaults();
}

}  // namespace driftwarden::store
