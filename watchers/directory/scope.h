#pragma once

// Which accounts of a directory are meant: by place, and by an LDAP filter. Evaluated on what was
// read, never part of a query, so that who moves out of it is seen to move. Immutable.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "watchers/directory/filter.h"
#include "watchers/directory/session.h"

namespace driftwarden::directory {

struct ScopeOptions {
  std::vector<std::string> include;  // DNs, and everything below; empty: everywhere
  std::vector<std::string> exclude;  // wins over include
  std::string filter;                // RFC 4515; empty: everybody
  friend bool operator==(const ScopeOptions&, const ScopeOptions&) = default;
};

class Scope {
 public:
  // InvalidArgument: the filter. `base_dn`: empty, or what everything must stand below.
  static StatusOr<std::shared_ptr<const Scope>> New(const ScopeOptions& options,
                                                    const std::string& base_dn);

  // A live account. What its filter looks at must have been asked for.
  bool Holds(const Entry& entry) const;
  // A deleted account, of which little but the place is left.
  bool HoldsPlace(std::string_view dn) const;
  const std::vector<std::string>& attributes() const { return attributes_; }

 private:
  Scope() = default;

  std::string base_;
  std::vector<std::string> include_;  // normal, as `exclude_` and `base_`
  std::vector<std::string> exclude_;
  std::shared_ptr<const Filter> filter_;  // null: everybody
  std::vector<std::string> attributes_;
};

}  // namespace driftwarden::directory
