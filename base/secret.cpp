#include "base/secret.h"

#include <openssl/crypto.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/files.h"
#include "base/strings.h"

namespace driftwarden {

Secret::Secret(Secret&& other) noexcept : value_(std::move(other.value_)) {
  other.Wipe();
}

Secret& Secret::operator=(const Secret& other) {
  if (this != &other) {
    Wipe();
    value_ = other.value_;
  }
  return *this;
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    Wipe();
    value_ = std::move(other.value_);
    other.Wipe();
  }
  return *this;
}

void Secret::Wipe() {
  // A short string lives inside the object, so the whole capacity is cleared, not only size().
  value_.resize(value_.capacity());
  OPENSSL_cleanse(value_.data(), value_.size());
  value_.clear();
}

bool SameSecret(const Secret& a, const Secret& b) {
  const std::string_view left = a.Reveal();
  const std::string_view right = b.Reveal();
  return left.size() == right.size() && CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

StatusOr<Secret> ReadSecretFile(const std::string& path) {
  auto content = ReadFile(path, 64 * 1024);
  if (!content.ok()) {
    return Annotate(content.status(), "secret file; create it, readable by driftwarden only");
  }
  while (!content->empty() && (content->back() == '\n' || content->back() == '\r')) {
    content->pop_back();
  }
  if (content->empty()) {
    return InvalidError(Cat("secret file ", path, " is empty; write the secret into it"));
  }
  return Secret(*std::move(content));
}

void HardenProcess() {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  prctl(PR_SET_DUMPABLE, 0);
}

}  // namespace driftwarden
