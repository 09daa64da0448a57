#pragma once

// What a tenant's people have beside the account: everybody a group, a licence and a password, and
// whatever somebody is given. Objects as Graph tells them, as JSON text.

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace driftwarden::simulator {

enum class Remain {
  kMemberOf,
  kEligibleRoles,
  kOwnedObjects,
  kGrants,
  kLicences,
  kMethods,
};
// As the control API and `forbid` call it.
std::string_view RemainText(Remain part);
std::optional<Remain> RemainFromText(std::string_view text);

class Remains {
 public:
  const std::vector<std::string>& Of(uint64_t person, Remain part) const;
  void Set(uint64_t person, Remain part, std::vector<std::string> objects) {
    set_[{person, part}] = std::move(objects);
  }

 private:
  std::map<std::pair<uint64_t, Remain>, std::vector<std::string>> set_;
};

}  // namespace driftwarden::simulator
