#include "store/mem_disk.h"

#include <algorithm>
#include <iterator>

#include "base/strings.h"

namespace driftwarden::store {
namespace {

using Map = std::map<std::string, std::string>;

const Map& Of(const MemDisk::Maps& maps, Family family) {
  return maps[static_cast<size_t>(family)];
}

void Set(MemDisk::Maps& maps, const KvChange& change) {
  Map& map = maps[static_cast<size_t>(change.family)];
  if (change.value.has_value()) {
    map.insert_or_assign(change.key, *change.value);
  } else {
    map.erase(change.key);
  }
}

class MemSnapshot final : public KvSnapshot {
 public:
  explicit MemSnapshot(std::shared_ptr<const MemDisk::Maps> maps) : maps_(std::move(maps)) {}

  StatusOr<std::optional<std::string>> Get(Family family, std::string_view key) override {
    const Map& map = Of(*maps_, family);
    const auto it = map.find(std::string(key));
    if (it == map.end()) return std::optional<std::string>();
    return std::optional<std::string>(it->second);
  }

  StatusOr<std::vector<std::optional<std::string>>> MultiGet(
      Family family, const std::vector<std::string>& keys) override {
    std::vector<std::optional<std::string>> out;
    out.reserve(keys.size());
    const Map& map = Of(*maps_, family);
    for (const std::string& key : keys) {
      const auto it = map.find(key);
      out.push_back(it == map.end() ? std::nullopt : std::optional<std::string>(it->second));
    }
    return out;
  }

  StatusOr<std::vector<KvEntry>> Scan(Family family, const KvRange& range, size_t limit,
                                      bool reverse) override {
    std::vector<KvEntry> out;
    if (range.from >= range.to) return out;
    const Map& map = Of(*maps_, family);
    auto begin = map.lower_bound(range.from);
    auto end = map.lower_bound(range.to);
    while (begin != end && out.size() < limit) {
      const auto it = reverse ? --end : begin++;
      out.push_back({it->first, it->second});
    }
    return out;
  }

 private:
  std::shared_ptr<const MemDisk::Maps> maps_;
};

class MemKv final : public Kv {
 public:
  explicit MemKv(std::shared_ptr<MemDisk> disk) : disk_(std::move(disk)) {}

  std::unique_ptr<KvSnapshot> Snapshot() override {
    return std::make_unique<MemSnapshot>(disk_->Read());
  }
  Status Write(const KvBatch& batch, bool sync) override { return disk_->Write(batch, sync); }

  StatusOr<KvStats> Stats() override {
    KvStats stats;
    const auto maps = disk_->Read();
    uint64_t bytes = 0;
    for (size_t i = 0; i < kFamilyCount; ++i) {
      stats.keys[kFamilyNames[i]] = (*maps)[i].size();
      for (const auto& [key, value] : (*maps)[i]) bytes += key.size() + value.size();
    }
    stats.bytes["memtables"] = bytes;
    return stats;
  }

  const std::string& path() const override { return path_; }
  bool read_only() const override { return false; }

 private:
  const std::string path_ = "(memory)";
  const std::shared_ptr<MemDisk> disk_;
};

}  // namespace

void MemDisk::LoseUnsynced(size_t keep) {
  const std::lock_guard lock(mutex_);
  if (undo_.size() <= keep) return;
  if (maps_.use_count() > 1) maps_ = std::make_shared<Maps>(*maps_);
  while (undo_.size() > keep) {
    const std::vector<KvChange>& last = undo_.back();
    for (auto it = last.rbegin(); it != last.rend(); ++it) Set(*maps_, *it);
    undo_.pop_back();
  }
  // What was kept reached the disk after all.
  undo_.clear();
}

size_t MemDisk::unsynced_writes() const {
  const std::lock_guard lock(mutex_);
  return undo_.size();
}

void MemDisk::RefuseWrites(std::string reason) {
  const std::lock_guard lock(mutex_);
  refusal_ = std::move(reason);
}

std::shared_ptr<const MemDisk::Maps> MemDisk::Read() const {
  const std::lock_guard lock(mutex_);
  return maps_;
}

Status MemDisk::Write(const KvBatch& batch, bool sync) {
  const std::lock_guard lock(mutex_);
  if (!refusal_.empty()) return UnavailableError(Cat("the store in (memory): ", refusal_));
  if (maps_.use_count() > 1) maps_ = std::make_shared<Maps>(*maps_);
  std::vector<KvChange> undo;
  for (const KvChange& change : batch.changes()) {
    if (!sync) {
      const Map& map = Of(*maps_, change.family);
      const auto it = map.find(change.key);
      undo.push_back({change.family, change.key,
                      it == map.end() ? std::nullopt : std::optional<std::string>(it->second)});
    }
    Set(*maps_, change);
  }
  if (sync) {
    undo_.clear();
  } else {
    undo_.push_back(std::move(undo));
  }
  return OkStatus();
}

std::unique_ptr<Kv> NewMemKv(std::shared_ptr<MemDisk> disk) {
  return std::make_unique<MemKv>(std::move(disk));
}

}  // namespace driftwarden::store
