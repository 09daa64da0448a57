#pragma once

// A small ordered store of bytes, the port below KvStateStore. Keys sort as unsigned bytes.
// Thread-safe: any number of readers beside one writer. Errors: Unavailable for the disk (names
// the directory and the system's reason), DataLoss for a damaged file.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace driftwarden::store {

// Column families by purpose. The order is not stored, the names are.
enum class Family : uint8_t {
  kMeta = 0,
  kPeople = 1,
  kLookups = 2,
  kEpisodes = 3,
  kActions = 4,
  kIncidents = 5,
  kDeadlines = 6,
  kEvidence = 7,
  kIndexes = 8,
};
constexpr size_t kFamilyCount = 9;
constexpr const char* kFamilyNames[kFamilyCount] = {"meta",      "people",   "lookups",
                                                    "episodes",  "actions",  "incidents",
                                                    "deadlines", "evidence", "indexes"};
constexpr const char* FamilyName(Family family) {
  return kFamilyNames[static_cast<size_t>(family)];
}

struct KvEntry {
  std::string key;
  std::string value;
  friend auto operator<=>(const KvEntry&, const KvEntry&) = default;
};

struct KvChange {
  Family family = Family::kMeta;
  std::string key;
  std::optional<std::string> value;  // nullopt: delete
};

// Applied in order: the last change of a key wins.
class KvBatch {
 public:
  void Put(Family family, std::string key, std::string value) {
    changes_.push_back({family, std::move(key), std::move(value)});
  }
  void Delete(Family family, std::string key) {
    changes_.push_back({family, std::move(key), std::nullopt});
  }
  const std::vector<KvChange>& changes() const { return changes_; }
  bool empty() const { return changes_.empty(); }

 private:
  std::vector<KvChange> changes_;
};

// Keys from `from` (included) to `to` (excluded).
struct KvRange {
  std::string from;
  std::string to;
};

// Everything as it was at one moment. Must not outlive its Kv.
class KvSnapshot {
 public:
  virtual ~KvSnapshot() = default;
  virtual StatusOr<std::optional<std::string>> Get(Family family, std::string_view key) = 0;
  // Answers in the order of `keys`.
  virtual StatusOr<std::vector<std::optional<std::string>>> MultiGet(
      Family family, const std::vector<std::string>& keys) = 0;
  // At most `limit` entries, the first ones or (reverse) the last ones first.
  virtual StatusOr<std::vector<KvEntry>> Scan(Family family, const KvRange& range, size_t limit,
                                              bool reverse = false) = 0;
};

struct KvStats {
  std::map<std::string, uint64_t> keys;   // by column family, estimated
  std::map<std::string, uint64_t> bytes;  // by part
};

class Kv {
 public:
  virtual ~Kv() = default;
  virtual std::unique_ptr<KvSnapshot> Snapshot() = 0;
  // All of it or nothing. With `sync` this and every earlier write survive a power loss.
  virtual Status Write(const KvBatch& batch, bool sync) = 0;
  virtual StatusOr<KvStats> Stats() = 0;
  virtual const std::string& path() const = 0;  // the directory, for messages
  virtual bool read_only() const = 0;
};

}  // namespace driftwarden::store
