#pragma once

// How people and tests drive the simulated world over HTTP, and read what really happened:
//   POST /sim/people/{sam}/disable|enable|delete|expire|signin|restore|adopt|password|cloud|devices
//                     see control_people.cpp
//   GET  /sim/people/{sam}
//   POST /sim/sync    {"run":true} {"stall":true} {"resume":true} {"skip":[sam...]}
//                     {"unskip":[sam...]} {"cycle":"30s"} {"processing":"1s"}
//                     {"last_sync_ago":"75m"}
//   POST /sim/fault   see control_fault.cpp; {"clear":true} mends everything first
//   POST /sim/tenant  what a tenant says of itself; see control_tenant.cpp
//   GET  /sim/truth
//   GET, POST /sim/subscriptions  where the service sends notifications; control_subscriptions.cpp
// A body's "tenant" or "forest" (numbers from 0) narrows it; without, every tenant and forest 0 are
// meant. JSON; errors are application/problem+json. Without the socket: request in, response out.

#include <boost/json/fwd.hpp>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "net/http_server.h"
#include "simulator/ldap_server.h"
#include "simulator/subscriptions.h"
#include "simulator/world.h"

namespace driftwarden::simulator {

class ControlApi {
 public:
  // `world` and the faults (one a forest; may be fewer) must outlive it.
  ControlApi(World& world, std::vector<LdapFaults*> ldap_faults)
      : world_(world), ldap_faults_(std::move(ldap_faults)) {}

  // Makes /sim/subscriptions answer. `trust` takes the file of CAs that the sender trusts.
  void Serve(Subscriptions& subscriptions, std::function<Status(const std::string&)> trust) {
    subscriptions_ = &subscriptions;
    trust_ = std::move(trust);
  }

  net::ServerResponse Handle(const net::ServerRequest& request, absl::Time now);

 private:
  StatusOr<boost::json::object> ChangePerson(const std::string& sam, const std::string& verb,
                                             const boost::json::object& body, absl::Time now);
  Status ChangeInDirectory(uint64_t person, const std::string& verb,
                           const boost::json::object& body, size_t forest, absl::Time now);
  Status ChangeInTenant(size_t tenant, uint64_t person, const std::string& verb,
                        const boost::json::object& body, absl::Time now);
  Status SignIn(const std::vector<size_t>& tenants, uint64_t person,
                const boost::json::object& body, absl::Time now, bool* in);
  net::ServerResponse ShowPerson(const std::string& sam, absl::Time now);
  net::ServerResponse Sync(const boost::json::object& body, absl::Time now);
  Status SyncOne(SyncEngine& engine, Tenant& tenant, const boost::json::object& body,
                 absl::Time now);
  net::ServerResponse ChangeTenant(const boost::json::object& body, absl::Time now);
  net::ServerResponse ShowSubscriptions(absl::Time now);
  net::ServerResponse ChangeSubscriptions(const boost::json::object& body, absl::Time now);
  net::ServerResponse Fault(const boost::json::object& body, absl::Time now);
  Status DirectoryFault(std::string_view key, const boost::json::value& value, size_t forest,
                        absl::Time now);
  // The tenants a body means. InvalidArgument: there is no such one.
  StatusOr<std::vector<size_t>> TenantsOf(const boost::json::object& body) const;
  StatusOr<size_t> ForestOf(const boost::json::object& body) const;

  World& world_;
  const std::vector<LdapFaults*> ldap_faults_;
  Subscriptions* subscriptions_ = nullptr;
  std::function<Status(const std::string&)> trust_;
};

// What happened, as JSON. `sam` empty: everybody.
boost::json::object TruthJson(World& world, std::string_view sam);
// One person's present state on every side, and when it began.
boost::json::object PersonJson(World& world, size_t forest, uint64_t person);

}  // namespace driftwarden::simulator
