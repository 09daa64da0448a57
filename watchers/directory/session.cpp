#include "watchers/directory/session.h"

namespace driftwarden::directory {

const std::string* Entry::First(std::string_view lower_name) const {
  const auto found = attributes.find(lower_name);
  if (found == attributes.end() || found->second.empty()) return nullptr;
  return &found->second.front();
}

}  // namespace driftwarden::directory
