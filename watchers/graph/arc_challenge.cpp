#include "watchers/graph/arc_challenge.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/files.h"
#include "base/strings.h"

namespace driftwarden::graph {
namespace {

constexpr size_t kMost = 4096;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

Status Refuse(std::string_view what) {
  return PermissionError(Cat("refused the file that the Azure Arc agent's answer names: ", what));
}

// The file's name alone; it must stand directly in `directory`.
StatusOr<std::string> NameOf(std::string_view header, const std::string& directory) {
  constexpr std::string_view kScheme = "Basic realm=";
  if (header.size() < kScheme.size() ||
      !EqualsIgnoreCase(header.substr(0, kScheme.size()), kScheme)) {
    return Refuse("there is no \"Basic realm=PATH\" in it");
  }
  std::string path(TrimAscii(header.substr(kScheme.size())));
  if (path.size() >= 2 && path.front() == '"' && path.back() == '"') {
    path = path.substr(1, path.size() - 2);
  }
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos || path.substr(0, slash) != directory) {
    return Refuse(Cat(Printable(path, 200), " is not directly in ", directory));
  }
  const std::string name = path.substr(slash + 1);
  if (name.size() <= 4 || !name.ends_with(".key") || name.find('\0') != std::string::npos) {
    return Refuse(Cat(Printable(path, 200), " does not end in .key"));
  }
  return name;
}

Status CheckOwner(const struct stat& file, const struct stat& directory) {
  if (!S_ISREG(file.st_mode)) return Refuse("it is no regular file");
  if (file.st_size > static_cast<off_t>(kMost)) return Refuse(Cat("it is larger than ", kMost));
  if (file.st_uid != 0 && file.st_uid != directory.st_uid) {
    return Refuse("it belongs to somebody else than its directory");
  }
  if ((file.st_mode & S_IWOTH) != 0) return Refuse("anybody can write it");
  return OkStatus();
}

}  // namespace

StatusOr<Secret> ReadArcChallenge(std::string_view header, const std::string& directory) {
  DW_ASSIGN_OR_RETURN(const std::string name, NameOf(header, directory));
  const std::string path = Cat(directory, "/", name);
  const Descriptor folder(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const Descriptor file(
      folder.get() < 0
          ? -1
          : ::openat(folder.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (file.get() < 0) {
    const int error = errno;
    if (error == ELOOP) return Refuse(Cat(path, " is a link"));
    return UnauthenticatedError(Cat("cannot read ", path, ": ", SystemErrorText(error),
                                    "; add the user that runs driftwarden to the group himds"));
  }
  struct stat file_stat {};
  struct stat folder_stat {};
  if (::fstat(file.get(), &file_stat) != 0 || ::fstat(folder.get(), &folder_stat) != 0) {
    return Refuse("it cannot be looked at");
  }
  DW_RETURN_IF_ERROR(CheckOwner(file_stat, folder_stat));
  std::string content(kMost + 1, '\0');
  size_t size = 0;
  while (size < content.size()) {
    const ssize_t count = ::read(file.get(), content.data() + size, content.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    size += static_cast<size_t>(count);
  }
  content.resize(size);
  Secret secret(std::move(content));
  if (size == 0) return Refuse(Cat(path, " is empty"));
  if (size > kMost) return Refuse(Cat("it is larger than ", kMost));
  return secret;
}

}  // namespace driftwarden::graph
