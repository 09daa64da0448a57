#pragma once

// A secret is held in memory that is wiped when it goes, and cannot be printed by accident: there
// is no operator<<, no conversion to string, no ToString. Reveal() marks each use.

#include <string>
#include <string_view>
#include <utility>

#include "base/status.h"

namespace driftwarden {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept;
  Secret& operator=(const Secret& other);
  Secret& operator=(Secret&& other) noexcept;
  ~Secret() { Wipe(); }

  std::string_view Reveal() const { return value_; }
  bool empty() const { return value_.empty(); }

 private:
  void Wipe();
  std::string value_;
};

// Takes as long whatever differs; only the length may be learned.
bool SameSecret(const Secret& a, const Secret& b);

// Reads a secret from a file; one trailing line end is dropped. The error names the path and the
// mend, never the content. Files above 64 KiB are refused.
StatusOr<Secret> ReadSecretFile(const std::string& path);

// Forbids core dumps and ptrace by other processes of the same user. Called once at start.
void HardenProcess();

}  // namespace driftwarden
