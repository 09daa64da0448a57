#pragma once

// This test binary again as another process, running one test of the suite StoreChild: a plain fork
// would copy RocksDB's background threads only in part.

#include <sys/types.h>

#include <string>

namespace driftwarden::store {

class ChildProcess {
 public:
  // Runs StoreChild.`test`, which finds `directory` by ChildDirectory().
  ChildProcess(const std::string& test, const std::string& directory);
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess();  // kills it if it still runs

  pid_t pid() const { return pid_; }
  // The next line the child sent with TellParent; empty when it is gone or 60 s have passed.
  std::string ReadLine();
  void LetGo();  // WaitForParent returns in the child
  void Kill();   // SIGKILL
  int Wait();    // its exit code, -1 if a signal ended it

 private:
  pid_t pid_ = -1;
  int from_child_ = -1;
  int to_child_ = -1;
  std::string read_;
};

// In the child. Empty when this process is no child.
std::string ChildDirectory();
void TellParent(const std::string& line);
void WaitForParent();  // until LetGo, or until the parent is gone

}  // namespace driftwarden::store
