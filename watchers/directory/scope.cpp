#include "watchers/directory/scope.h"

#include <algorithm>
#include <utility>

#include "monitor/policy.h"

namespace driftwarden::directory {
namespace {

std::vector<std::string> Normal(const std::vector<std::string>& dns) {
  std::vector<std::string> out;
  for (const std::string& dn : dns) out.push_back(monitor::NormalDn(dn));
  return out;
}

bool IsUnderAny(std::string_view normal_dn, const std::vector<std::string>& places) {
  return std::any_of(places.begin(), places.end(), [&](const std::string& place) {
    return monitor::IsUnderDn(normal_dn, place);
  });
}

}  // namespace

StatusOr<std::shared_ptr<const Scope>> Scope::New(const ScopeOptions& options,
                                                  const std::string& base_dn) {
  std::shared_ptr<Scope> scope(new Scope());
  scope->base_ = monitor::NormalDn(base_dn);
  scope->include_ = Normal(options.include);
  scope->exclude_ = Normal(options.exclude);
  if (!options.filter.empty()) {
    size_t at = 0;
    DW_ASSIGN_OR_RETURN(Filter filter, Filter::Parse(options.filter, &at));
    scope->attributes_ = filter.attributes();
    scope->filter_ = std::make_shared<const Filter>(std::move(filter));
  }
  return std::shared_ptr<const Scope>(std::move(scope));
}

bool Scope::Holds(const Entry& entry) const {
  return HoldsPlace(entry.dn) && (filter_ == nullptr || filter_->Matches(entry));
}

bool Scope::HoldsPlace(std::string_view dn) const {
  const std::string normal = monitor::NormalDn(dn);
  if (!base_.empty() && !monitor::IsUnderDn(normal, base_)) return false;
  if (!include_.empty() && !IsUnderAny(normal, include_)) return false;
  return !IsUnderAny(normal, exclude_);
}

}  // namespace driftwarden::directory
