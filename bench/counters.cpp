#include "bench/counters.h"

#include <linux/perf_event.h>
#include <rocksdb/perf_context.h>
#include <rocksdb/perf_level.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

namespace driftwarden::bench {

Instructions::Instructions() {
  perf_event_attr attributes{};
  attributes.size = sizeof attributes;
  attributes.type = PERF_TYPE_HARDWARE;
  attributes.config = PERF_COUNT_HW_INSTRUCTIONS;
  attributes.exclude_kernel = 1;
  attributes.exclude_hv = 1;
  file_ = static_cast<int>(::syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0));
}

Instructions::~Instructions() {
  if (file_ >= 0) ::close(file_);
}

uint64_t Instructions::Read() const {
  uint64_t count = 0;
  if (::read(file_, &count, sizeof count) != sizeof count) return 0;
  return count;
}

uint64_t ThreadNanoseconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

void StartBlockCounts() {
  rocksdb::SetPerfLevel(rocksdb::PerfLevel::kEnableCount);
  rocksdb::get_perf_context()->Reset();
}

BlockCounts ReadBlockCounts() {
  const rocksdb::PerfContext& context = *rocksdb::get_perf_context();
  return {context.block_cache_hit_count + context.block_read_count, context.block_read_count};
}

}  // namespace driftwarden::bench
