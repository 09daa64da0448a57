#include "bench/prepared_store.h"

#include <rocksdb/db.h>

#include <filesystem>
#include <utility>
#include <vector>

#include "base/files.h"
#include "base/hex.h"
#include "base/strings.h"
#include "bench/people.h"
#include "bench/stored_link.h"
#include "store/kv_state_store.h"
#include "store/records.h"
#include "store/rocks_kv.h"
#include "store/rocks_options.h"

namespace driftwarden::bench {
namespace {

constexpr char kComplete[] = "complete";

Status FromRocks(const rocksdb::Status& status) {
  return status.ok() ? OkStatus() : UnavailableError(status.ToString());
}

// Every table in its last place, as a store comes to rest after its first reads.
Status Settle(const std::string& path) {
  store::RocksStoreOptions options;
  options.path = path;
  const store::RocksTuning tuning = store::TuningFor(options);
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  families.emplace_back(rocksdb::kDefaultColumnFamilyName, store::FamilyOptions(tuning));
  for (const char* name : store::kFamilyNames) {
    families.emplace_back(name, store::FamilyOptions(tuning));
  }
  rocksdb::DB* db = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  DW_RETURN_IF_ERROR(FromRocks(rocksdb::DB::Open(tuning.db, path, families, &handles, &db)));
  Status settled;
  for (rocksdb::ColumnFamilyHandle* handle : handles) {
    const rocksdb::Status done =
        db->CompactRange(rocksdb::CompactRangeOptions(), handle, nullptr, nullptr);
    if (settled.ok()) settled = FromRocks(done);
    db->DestroyColumnFamilyHandle(handle);
  }
  delete db;
  return settled;
}

// What is stored of somebody in the middle of a departure: a kept store that was filled when that
// was another is of no use.
std::string Sample() {
  LinkInMemory link;
  link.ReadBaseline(1);
  link.Take(AdBatch(0, 1, false, 100));
  std::string sample = store::EncodeLinkState(link.link());
  for (const auto& [ordinal, person] : link.people()) sample += store::EncodePerson(person);
  return HexEncode(DigestBytes(Sha256(sample)));
}

}  // namespace

Status PrepareStore(const std::string& path, int people) {
  const std::string complete = Cat(path, ".", kComplete);
  const std::string sample = Sample();
  const auto kept = ReadFile(complete);
  if (kept.ok() && *kept == sample) return OkStatus();
  std::filesystem::remove(complete);
  std::filesystem::remove_all(path);
  {
    store::RocksStoreOptions options;
    options.path = path;
    options.memory_budget = uint64_t{512} << 20;
    DW_ASSIGN_OR_RETURN(auto opened, store::OpenRocksKv(options));
    store::Kv& kv = *opened;  // the store's
    DW_ASSIGN_OR_RETURN(auto store, store::OpenKvStateStore(std::move(opened)));
    DW_ASSIGN_OR_RETURN(auto link, StoredLink::Open(std::move(store)));
    DW_RETURN_IF_ERROR(link->ReadBaseline(people, kv));
  }
  DW_RETURN_IF_ERROR(Settle(path));
  return WriteFileAtomic(complete, sample);
}

}  // namespace driftwarden::bench
