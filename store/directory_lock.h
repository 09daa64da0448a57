#pragma once

// One process a directory. The lock is the kernel's and goes with the process, however it ends.

#include <string>

#include "base/status.h"

namespace driftwarden::store {

class DirectoryLock {
 public:
  // AlreadyExists names the directory and, if known, the process that holds it; Unavailable
  // for a file that cannot be made.
  static StatusOr<DirectoryLock> Take(const std::string& directory);

  DirectoryLock(DirectoryLock&& other) noexcept;
  DirectoryLock& operator=(DirectoryLock&& other) noexcept;
  ~DirectoryLock();

 private:
  explicit DirectoryLock(int fd) : fd_(fd) {}
  int fd_ = -1;
};

}  // namespace driftwarden::store
