#include "store/directory_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/files.h"
#include "base/strings.h"

namespace driftwarden::store {
namespace {

constexpr char kFileName[] = "driftwarden.lock";  // holds the owner's process id as text

Status Refusal(const std::string& directory, int fd) {
  char text[24];
  const ssize_t size = pread(fd, text, sizeof text, 0);
  const auto pid = ParseUint64(
      TrimAscii(std::string_view(text, size > 0 ? static_cast<size_t>(size) : size_t{0})));
  const std::string owner = pid.has_value() ? Cat("process ", *pid) : "another process";
  // A code of its own, so that callers can tell it from a schema that does not fit.
  return MakeStatus(StatusCode::kAlreadyExists,
                    Cat("the store in ", directory, " is in use by ", owner, "; stop it first"));
}

}  // namespace

StatusOr<DirectoryLock> DirectoryLock::Take(const std::string& directory) {
  const std::string path = Cat(directory, "/", kFileName);
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return UnavailableError(Cat("cannot open ", path, ": ", SystemErrorText(errno)));
  DirectoryLock lock(fd);
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return Refusal(directory, fd);
    return UnavailableError(Cat("cannot lock ", path, ": ", SystemErrorText(errno)));
  }
  // The id only makes the other's message better: a disk that is full must not keep us out here.
  const std::string pid = Cat(getpid(), "\n");
  if (ftruncate(fd, 0) != 0 || pwrite(fd, pid.data(), pid.size(), 0) < 0) return lock;
  return lock;
}

DirectoryLock::DirectoryLock(DirectoryLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

DirectoryLock& DirectoryLock::operator=(DirectoryLock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

DirectoryLock::~DirectoryLock() {
  if (fd_ >= 0) close(fd_);
}

}  // namespace driftwarden::store
