#pragma once

// Microsoft Graph's JSON for users and errors, as the service writes it.

#include <boost/json/object.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "net/http_server.h"
#include "simulator/tenant.h"

namespace driftwarden::simulator {

// False when v1.0's user has no such property.
bool IsUserProperty(std::string_view name);
// False for what /users/delta refuses although it is a property.
bool IsDeltaProperty(std::string_view name);

// The selected properties (`id` always; an empty select: the default set). `nulls`: what has no
// value is null, as in a direct read; else it is absent, as in a full delta round.
boost::json::object UserJson(const EntraUser& user, const std::vector<std::string>& select,
                             bool nulls);
boost::json::object DeltaRecordJson(const DeltaRecord& record,
                                    const std::vector<std::string>& select,
                                    const std::set<std::string>& omitted);

// {"error": {code, message, innerError}}; the request ids are added by GraphApi.
net::ServerResponse GraphError(int status, std::string_view code, std::string_view message,
                               absl::Time now);
net::ServerResponse JsonResponse(int status, const boost::json::object& body);

}  // namespace driftwarden::simulator
