#include "watchers/tenant_sight.h"

#include "base/strings.h"

namespace driftwarden::watchers {

void TenantSight::Raise(const std::string& name, const std::string& text) {
  {
    const std::lock_guard lock(mutex_);
    const auto [found, is_new] = findings_.try_emplace(name, text);
    if (!is_new && found->second == text) return;
    found->second = text;
    if (!is_new) return;  // another text of the same: request ids differ each time
  }
  log_.Warn(Cat("tenant_", name), text, {{"source", source_.value}});
}

void TenantSight::Lower(const std::string& name) {
  {
    const std::lock_guard lock(mutex_);
    if (findings_.erase(name) == 0) return;
  }
  log_.Info("tenant_finding_over", name, {{"source", source_.value}});
}

std::vector<Finding> TenantSight::findings() const {
  const std::lock_guard lock(mutex_);
  std::vector<Finding> list;
  for (const auto& [name, text] : findings_) list.push_back({name, text});
  return list;
}

}  // namespace driftwarden::watchers
