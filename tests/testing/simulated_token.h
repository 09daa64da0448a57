#pragma once

// An access token of the simulated tenant for its own application, asked for as a client asks.

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <string>

#include "base/strings.h"
#include "simulator/graph_api.h"

namespace driftwarden::testing {

inline std::string SimulatedToken(simulator::GraphApi& api, const std::string& tenant_id,
                                  const simulator::GraphOptions& options, absl::Time now) {
  net::ServerRequest ask;
  ask.method = "POST";
  ask.path = Cat("/", tenant_id, "/oauth2/v2.0/token");
  ask.body = net::FormEncode({{"grant_type", "client_credentials"},
                              {"client_id", options.app.client_id},
                              {"client_secret", options.app.client_secret},
                              {"scope", "https://graph.microsoft.com/.default"}});
  const net::ServerResponse answer = api.Handle(ask, now);
  boost::system::error_code error;
  const boost::json::value value = boost::json::parse(answer.body, error);
  const bool good = !error && value.is_object() && value.as_object().contains("access_token");
  EXPECT_TRUE(good) << answer.body;
  return good ? std::string(value.at("access_token").as_string()) : "";
}

}  // namespace driftwarden::testing
