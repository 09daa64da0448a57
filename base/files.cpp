#include "base/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "base/strings.h"

namespace driftwarden {
namespace {

Status SystemError(std::string_view what, const std::string& path) {
  const int error = errno;
  const StatusCode code = error == ENOENT                     ? StatusCode::kNotFound
                          : error == EACCES || error == EPERM ? StatusCode::kPermissionDenied
                                                              : StatusCode::kUnavailable;
  return MakeStatus(code, Cat("cannot ", what, " ", path, ": ", SystemErrorText(error)));
}

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

}  // namespace

std::string SystemErrorText(int error) {
  return Cat(std::generic_category().message(error), " (errno ", error, ")");
}

StatusOr<std::string> ReadFile(const std::string& path, uint64_t size_limit) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return SystemError("open", path);
  std::string out;
  char buffer[16384];
  while (true) {
    const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SystemError("read", path);
    if (got == 0) return out;
    out.append(buffer, static_cast<size_t>(got));
    if (out.size() > size_limit) {
      return InvalidError(Cat(path, " is larger than ", size_limit, " bytes"));
    }
  }
}

Status WriteFileAtomic(const std::string& path, std::string_view content, mode_t mode) {
  const std::string temporary = Cat(path, ".tmp.", ::getpid());
  {
    const Fd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
    if (fd.get() < 0) return SystemError("create", temporary);
    while (!content.empty()) {
      const ssize_t put = ::write(fd.get(), content.data(), content.size());
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return SystemError("write", temporary);
      content.remove_prefix(static_cast<size_t>(put));
    }
    if (::fsync(fd.get()) != 0) return SystemError("sync", temporary);
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) return SystemError("replace", path);
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const Fd directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0 || ::fsync(directory.get()) != 0) return SystemError("sync", folder);
  return OkStatus();
}

Status MakeDirectories(const std::string& path, mode_t mode) {
  for (size_t at = 1; at <= path.size(); ++at) {
    if (at != path.size() && path[at] != '/') continue;
    const std::string part = path.substr(0, at);
    if (::mkdir(part.c_str(), mode) != 0 && errno != EEXIST) return SystemError("create", part);
  }
  return OkStatus();
}

}  // namespace driftwarden
