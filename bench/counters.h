#pragma once

// What a piece of work costs this thread.

#include <cstdint>

namespace driftwarden::bench {

// User-space instructions of the thread that made it, by the processor's own counter. Many virtual
// machines have none: `ok` is false then.
class Instructions {
 public:
  Instructions();
  ~Instructions();
  Instructions(const Instructions&) = delete;
  Instructions& operator=(const Instructions&) = delete;
  bool ok() const { return file_ >= 0; }
  uint64_t Read() const;

 private:
  int file_;
};

// Processor time of this thread in nanoseconds, in the kernel too.
uint64_t ThreadNanoseconds();

// Blocks of tables that this thread asked RocksDB for since StartBlockCounts.
struct BlockCounts {
  uint64_t asked = 0;  // from the cache or from a file
  uint64_t read = 0;   // from a file
};
void StartBlockCounts();
BlockCounts ReadBlockCounts();

}  // namespace driftwarden::bench
