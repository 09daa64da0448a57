#pragma once

// Who is in the groups that tiers name, members of members included. Asked apart from the accounts,
// every few minutes: a group that gains a member moves no USN of that account. One executor.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/time.h"
#include "watchers/ad_connection.h"
#include "watchers/ad_options.h"
#include "watchers/directory/observe.h"

namespace driftwarden::watchers {

class AdGroups final : public directory::GroupSight {
 public:
  // `sessions`, `clock` and `log` must outlive it. It has a session of its own while it
  // looks, and none in between.
  AdGroups(AdSourceOptions options, directory::SessionFactory& sessions, const Clock& clock,
           Logger& log);

  // As configured: a DN, a SID, or a name (sAMAccountName or cn).
  void SetWanted(std::vector<std::string> groups);
  bool wanted() const { return !wanted_.empty(); }

  // Looks at every group. What is otherwise than was told, as partial looks; at first that is every
  // member. A group that is not found is a finding and keeps the members it had.
  asio::awaitable<StatusOr<std::vector<monitor::Observation>>> Refresh();
  // What the last Refresh gave was told to everybody.
  void Told() { told_ = ByAccount(); }

  // nullopt until all wanted groups were looked at.
  std::optional<std::vector<std::string>> GroupsOf(
      const monitor::Guid& account, const std::vector<std::string>* token_sids) const override;

 private:
  struct Group {
    std::string dn;
    monitor::Sid sid;
    bool security = false;  // in an account's tokenGroups; others are not
    std::set<monitor::Guid> members;
  };

  asio::awaitable<Status> Look(std::map<std::string, Group>* found,
                               std::vector<std::string>* unknown);
  asio::awaitable<StatusOr<std::optional<Group>>> Resolve(std::string name);
  asio::awaitable<Status> ReadMembers(Group* group);
  void TellUnknown(const std::vector<std::string>& unknown);
  using Memberships = std::map<monitor::Guid, std::vector<std::string>>;
  std::vector<monitor::Observation> Changes(TimeBounds at) const;
  Memberships ByAccount() const;

  const AdSourceOptions options_;
  const Clock& clock_;
  AdConnection connection_;
  std::vector<std::string> wanted_;
  bool looked_ = false;
  std::map<std::string, Group> groups_;  // by the configured name
  Memberships told_;
};

}  // namespace driftwarden::watchers
