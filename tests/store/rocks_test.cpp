// What only a store on a disk does: other processes, kills, full and read-only disks.

#include "store/rocks_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>

#include "base/files.h"
#include "base/strings.h"
#include "store/keys.h"
#include "store/records.h"
#include "store/rocks_kv.h"
#include "tests/store/child_process.h"
#include "tests/store/sample_records.h"
#include "tests/testing/temp_directory.h"

namespace driftwarden::store {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

const LinkName kMain("main");
constexpr uint64_t kSmallBudget = uint64_t{8} << 20;

StatusOr<std::unique_ptr<StateStore>> OpenAt(const std::string& path, bool read_only = false) {
  RocksStoreOptions options;
  options.path = path;
  options.memory_budget = kSmallBudget;
  options.read_only = read_only;
  return OpenRocksStore(options);
}

// Adds the next person; `ballast` bytes make the record large.
Status CommitNext(StateStore& store, uint64_t lease, LinkState& link, size_t ballast = 0) {
  Changes changes;
  const PersonOrdinal ordinal = link.next_person;
  LinkState after = link;
  after.name = kMain;
  after.next_person = ordinal + 1;
  after.linked_people = ordinal;
  after.users[{monitor::State::kAligned, monitor::TierName("standard")}] =
      static_cast<int64_t>(ordinal);
  changes.people = {PlainPerson(ordinal)};
  SeededRng rng(ordinal);  // noise, that compression cannot shrink
  std::string& dn = changes.people[0].facts.ad[0].dn;
  while (dn.size() < ballast) dn.push_back(static_cast<char>(rng.Next()));
  changes.link = after;
  changes.must_sync = true;
  const Status status = store.Commit(lease, changes);
  if (status.ok()) link = after;
  return status;
}

// Opens what a fault or kill left behind: whole, and with at least `committed` people.
void ExpectWhole(const std::string& path, uint64_t committed) {
  const auto store = OpenAt(path);
  ASSERT_TRUE(store.ok()) << store.status();
  const auto faults = (*store)->Check();
  ASSERT_TRUE(faults.ok()) << faults.status();
  EXPECT_THAT(*faults, IsEmpty());
  const auto link = (*store)->LoadLink(kMain);
  ASSERT_TRUE(link.ok() && link->has_value());
  EXPECT_GE((*link)->linked_people, committed);
  EXPECT_LE((*link)->linked_people, committed + 1) << "at most the commit nobody heard of";
}

TEST(StoreChild, HoldsTheStore) {
  if (ChildDirectory().empty()) GTEST_SKIP() << "runs as another test's child";
  const auto store = OpenAt(ChildDirectory());
  ASSERT_TRUE(store.ok()) << store.status();
  TellParent("open");
  WaitForParent();
}

TEST(RocksStore, ASecondProcessIsRefusedByNameUntilTheFirstIsGone) {
  const testing::TempDirectory directory;
  ChildProcess child("HoldsTheStore", directory.path());
  const std::string pid = Cat(child.pid());
  ASSERT_EQ(child.ReadLine(), "open");
  const auto second = OpenAt(directory.path());
  ASSERT_EQ(second.status().code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(Message(second.status()), Cat("the store in ", directory.path(),
                                          " is in use by process ", pid, "; stop it first"));
  EXPECT_TRUE(OpenAt(directory.path(), true).ok()) << "reading beside it is allowed";
  child.LetGo();
  EXPECT_EQ(child.Wait(), 0);
  EXPECT_TRUE(OpenAt(directory.path()).ok());
}

TEST(RocksStore, ASecondStoreInThisProcessIsRefused) {
  const testing::TempDirectory directory;
  const auto first = OpenAt(directory.path());
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(OpenAt(directory.path()).status().code(), StatusCode::kAlreadyExists);
}

TEST(StoreChild, CommitsForEver) {
  if (ChildDirectory().empty()) GTEST_SKIP() << "runs as another test's child";
  const auto store = OpenAt(ChildDirectory());
  ASSERT_TRUE(store.ok()) << store.status();
  const auto lease = (*store)->AcquireLease();
  ASSERT_TRUE(lease.ok());
  const auto found = (*store)->LoadLink(kMain);
  ASSERT_TRUE(found.ok());
  LinkState link = found->value_or(LinkState());
  while (true) {
    ASSERT_TRUE(CommitNext(**store, *lease, link, 20'000).ok());
    TellParent(Cat(link.linked_people));
  }
}

TEST(RocksStore, AKillAtAnyMomentLeavesAWholeStore) {
  const testing::TempDirectory directory;
  for (int round = 1; round <= 4; ++round) {
    ChildProcess child("CommitsForEver", directory.path());
    std::string last;
    for (int i = 0; i < 40 * round; ++i) {
      last = child.ReadLine();
      ASSERT_NE(last, "");
    }
    child.Kill();
    child.Wait();
    // It committed on after the line we read last: read what it still said.
    for (std::string line = child.ReadLine(); !line.empty(); line = child.ReadLine()) last = line;
    ExpectWhole(directory.path(), *ParseUint64(last));
  }
}

// Commits until the disk says no; what was committed must be whole after `mend`.
template <typename Mend>
void CommitUntilRefused(const std::string& path, const std::string& reason, Mend mend) {
  LinkState link;
  {
    const auto store = OpenAt(path);
    ASSERT_TRUE(store.ok()) << store.status();
    const auto lease = (*store)->AcquireLease();
    ASSERT_TRUE(lease.ok());
    Status status;
    for (int i = 0; i < 2000 && status.ok(); ++i) {
      status = CommitNext(**store, *lease, link, 50'000);
    }
    EXPECT_EQ(status.code(), StatusCode::kUnavailable) << status;
    EXPECT_THAT(std::string(Message(status)), HasSubstr(path));
    EXPECT_THAT(std::string(Message(status)), HasSubstr(reason));
    mend();
    EXPECT_FALSE(CommitNext(**store, *lease, link).ok()) << "what failed once is over";
    EXPECT_TRUE((*store)->LoadLink(kMain).ok()) << "reading goes on";
  }
  ExpectWhole(path, link.linked_people);
}

TEST(StoreChild, MeetsAFileSizeLimit) {
  if (ChildDirectory().empty()) GTEST_SKIP() << "runs as another test's child";
  signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit limit{128 << 10, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  CommitUntilRefused(ChildDirectory(), "File too large",
                     [&] { ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0); });
}

TEST(RocksStore, AFileThatMayNotGrowStopsCommitsAndHarmsNothing) {
  const testing::TempDirectory directory;
  ChildProcess child("MeetsAFileSizeLimit", directory.path());
  EXPECT_EQ(child.Wait(), 0);
}

// How a child says that it could not try; its parent must not call that a pass.
constexpr int kNotPermitted = 77;

// Mounts of this process's own from here on; false where that is not permitted. Before the first
// store: RocksDB's threads stay in the world they were started in.
bool LeaveMounts() {
  return unshare(CLONE_NEWNS) == 0 &&
         mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

void MountSmall(const std::string& path, const std::string& size) {
  const std::string option = "size=" + size;
  ASSERT_EQ(mount("tmpfs", path.c_str(), "tmpfs", 0, option.c_str()), 0);
}

TEST(StoreChild, MeetsAFullDisk) {
  if (ChildDirectory().empty()) GTEST_SKIP() << "runs as another test's child";
  if (!LeaveMounts()) _exit(kNotPermitted);
  // Several sizes, so that different files are the ones that find no room.
  for (const std::string size : {"9m", "15m", "24m"}) {
    const std::string path = Cat(ChildDirectory(), "/", size);
    ASSERT_TRUE(MakeDirectories(path).ok());
    MountSmall(path, size);
    CommitUntilRefused(path, "No space left on device", [&] {
      ASSERT_EQ(mount("tmpfs", path.c_str(), "tmpfs", MS_REMOUNT, "size=256m"), 0);
    });
  }
}

TEST(RocksStore, AFullDiskStopsCommitsAndHarmsNothing) {
  const testing::TempDirectory directory;
  ChildProcess child("MeetsAFullDisk", directory.path());
  const int code = child.Wait();
  if (code == kNotPermitted) GTEST_SKIP() << "mounting is not permitted here";
  EXPECT_EQ(code, 0);
}

TEST(StoreChild, MeetsAReadOnlyDisk) {
  const std::string path = ChildDirectory();
  if (path.empty()) GTEST_SKIP() << "runs as another test's child";
  if (!LeaveMounts()) _exit(kNotPermitted);
  MountSmall(path, "24m");
  LinkState link;
  {
    const auto store = OpenAt(path);
    ASSERT_TRUE(store.ok());
    ASSERT_TRUE(CommitNext(**store, *(*store)->AcquireLease(), link).ok());
  }
  ASSERT_EQ(mount("tmpfs", path.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, nullptr), 0);
  const auto refused = OpenAt(path);
  EXPECT_EQ(refused.status().code(), StatusCode::kUnavailable);
  EXPECT_THAT(std::string(Message(refused.status())), HasSubstr("Read-only file system"));
  const auto reader = OpenAt(path, true);
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_THAT(*(*reader)->Check(), IsEmpty());
}

TEST(RocksStore, AReadOnlyDiskIsNamedAndCanStillBeRead) {
  const testing::TempDirectory directory;
  ChildProcess child("MeetsAReadOnlyDisk", directory.path());
  const int code = child.Wait();
  if (code == kNotPermitted) GTEST_SKIP() << "mounting is not permitted here";
  EXPECT_EQ(code, 0);
}

TEST(RocksStore, AReaderSeesWhatWasWrittenAndWritesNothing) {
  const testing::TempDirectory directory;
  const std::string path = directory.path() + "/store";
  EXPECT_EQ(OpenAt(path, true).status().code(), StatusCode::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(path));
  const auto writer = OpenAt(path);
  ASSERT_TRUE(writer.ok());
  const uint64_t lease = *(*writer)->AcquireLease();
  LinkState link;
  ASSERT_TRUE(CommitNext(**writer, lease, link).ok());
  const auto reader = OpenAt(path, true);
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_EQ((*(*reader)->LoadLink(kMain))->linked_people, 1u);
  EXPECT_EQ((*reader)->AcquireLease().status().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(CommitNext(**reader, lease, link).code(), StatusCode::kFailedPrecondition);
  EXPECT_TRUE(CommitNext(**writer, lease, link).ok()) << "the writer is not disturbed";
}

TEST(RocksStore, AFamilyOfANewerVersionDoesNotHideItsSchema) {
  const testing::TempDirectory directory;
  RocksStoreOptions options;
  options.path = directory.path();
  {
    const auto kv = *OpenRocksKv(options);
    KvBatch batch;
    batch.Put(Family::kMeta, SchemaKey(), EncodeSchema({2, "0.9.0"}));
    ASSERT_TRUE(kv->Write(batch, true).ok());
  }
  std::vector<std::string> names;
  ASSERT_TRUE(rocksdb::DB::ListColumnFamilies({}, options.path, &names).ok());
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const std::string& name : names) families.emplace_back(name, rocksdb::ColumnFamilyOptions());
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  ASSERT_TRUE(rocksdb::DB::Open({}, options.path, families, &handles, &db).ok());
  handles.emplace_back();
  ASSERT_TRUE(db->CreateColumnFamily({}, "from_the_future", &handles.back()).ok());
  for (rocksdb::ColumnFamilyHandle* handle : handles) db->DestroyColumnFamilyHandle(handle);
  delete db;
  const auto store = OpenRocksStore(options);
  EXPECT_EQ(store.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(Message(store.status())), HasSubstr("driftwarden 0.9.0 and newer"));
}

TEST(RocksStore, ADamagedStoreIsNamed) {
  const testing::TempDirectory directory;
  ASSERT_TRUE(OpenAt(directory.path()).ok());
  ASSERT_TRUE(WriteFileAtomic(directory.path() + "/CURRENT", "MANIFEST-999999\n").ok());
  const auto store = OpenAt(directory.path());
  ASSERT_FALSE(store.ok());
  EXPECT_THAT(std::string(Message(store.status())), HasSubstr(directory.path()));
}

TEST(RocksStore, AFileInThePlaceOfTheDirectoryIsNamed) {
  const testing::TempDirectory directory;
  const std::string path = directory.path() + "/file";
  ASSERT_TRUE(WriteFileAtomic(path, "x").ok());
  const auto store = OpenAt(path);
  ASSERT_FALSE(store.ok());
  EXPECT_THAT(std::string(Message(store.status())), HasSubstr(path));
}

TEST(RocksStore, StaysWithinItsMemoryBudget) {
  const testing::TempDirectory directory;
  const auto store = *OpenAt(directory.path());
  const uint64_t lease = *store->AcquireLease();
  LinkState link;
  for (int i = 0; i < 400; ++i) {
    ASSERT_TRUE(CommitNext(*store, lease, link, 50'000).ok());
  }
  const auto stats = store->Stats();
  ASSERT_TRUE(stats.ok());
  EXPECT_GT(stats->bytes.at("sst"), 0u) << "20 MB went through 8 MiB";
  EXPECT_LE(stats->bytes.at("memtables"), kSmallBudget);
  EXPECT_LE(stats->bytes.at("block_cache"), kSmallBudget + kSmallBudget / 4);
  EXPECT_THAT(*store->Check(), IsEmpty());
}

TEST(RocksStore, SaysWhichOptionsHold) {
  const testing::TempDirectory directory;
  const std::string log = directory.path() + "/log";
  {
    Logger logger(LogLevel::kInfo, LogFormat::kLogfmt, log);
    RocksStoreOptions options;
    options.path = directory.path() + "/store";
    options.memory_budget = kSmallBudget;
    options.logger = &logger;
    ASSERT_TRUE(OpenRocksStore(options).ok());
  }
  EXPECT_THAT(*ReadFile(log),
              ::testing::AllOf(HasSubstr("event=store_opened"), HasSubstr("memory_budget=8388608"),
                               HasSubstr("write_buffers=2097152")));
}

}  // namespace
}  // namespace driftwarden::store
