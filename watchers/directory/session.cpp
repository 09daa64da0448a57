#include "watchers/directory/session.h"

namespace driftwarden::directory {

const std::string* Entry::First(std::string_view lower_name) const {
  const auto found = attributes.find(lower_name);
  if (found == attributes.end() || found->second.empty()) return nullptr;
  return &found->second.front();
}

asio::awaitable<Status> Session::Watch(SearchRequest) {
  co_return PreconditionError("this session tells of no changes");
}

asio::awaitable<StatusOr<std::vector<Entry>>> Session::Next(absl::Duration) {
  co_return PreconditionError("this session tells of no changes");
}

}  // namespace driftwarden::directory
