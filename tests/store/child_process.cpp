#include "tests/store/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"

namespace driftwarden::store {
namespace {

constexpr char kDirectoryVariable[] = "DRIFTWARDEN_STORE_CHILD";
// The child's ends of the two pipes.
constexpr int kToParent = 63;
constexpr int kFromParent = 62;
constexpr int kPatienceMs = 60'000;

}  // namespace

ChildProcess::ChildProcess(const std::string& test, const std::string& directory) {
  int up[2], down[2];
  DW_CHECK(pipe2(up, O_CLOEXEC) == 0 && pipe2(down, O_CLOEXEC) == 0);
  const std::string filter = "--gtest_filter=StoreChild." + test;
  setenv(kDirectoryVariable, directory.c_str(), 1);
  pid_ = fork();
  DW_CHECK(pid_ >= 0);
  if (pid_ == 0) {
    if (dup2(up[1], kToParent) < 0 || dup2(down[0], kFromParent) < 0) _exit(126);
    execl("/proc/self/exe", "store_tests", filter.c_str(), static_cast<char*>(nullptr));
    _exit(127);
  }
  unsetenv(kDirectoryVariable);
  close(up[1]);
  close(down[0]);
  from_child_ = up[0];
  to_child_ = down[1];
}

ChildProcess::~ChildProcess() {
  if (pid_ > 0) {
    Kill();
    Wait();
  }
  close(from_child_);
  LetGo();
}

std::string ChildProcess::ReadLine() {
  while (true) {
    const size_t end = read_.find('\n');
    if (end != std::string::npos) {
      const std::string line = read_.substr(0, end);
      read_.erase(0, end + 1);
      return line;
    }
    pollfd ready{from_child_, POLLIN, 0};
    if (poll(&ready, 1, kPatienceMs) != 1) return "";
    char buffer[4096];
    const ssize_t size = read(from_child_, buffer, sizeof buffer);
    if (size <= 0) return "";
    read_.append(buffer, static_cast<size_t>(size));
  }
}

void ChildProcess::LetGo() {
  if (to_child_ >= 0) close(to_child_);
  to_child_ = -1;
}

void ChildProcess::Kill() {
  kill(pid_, SIGKILL);
}

int ChildProcess::Wait() {
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::string ChildDirectory() {
  const char* const value = getenv(kDirectoryVariable);
  return value == nullptr ? "" : value;
}

void TellParent(const std::string& line) {
  const std::string text = line + "\n";
  DW_CHECK(write(kToParent, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
}

void WaitForParent() {
  char ignored = 0;
  while (read(kFromParent, &ignored, 1) > 0) {
  }
}

}  // namespace driftwarden::store
