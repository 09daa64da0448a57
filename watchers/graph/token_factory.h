#pragma once

// The token source that a configured credential asks for.

#include <memory>
#include <string>

#include "base/log.h"
#include "base/rng.h"
#include "net/http.h"
#include "watchers/graph/clouds.h"
#include "watchers/graph/credential_options.h"
#include "watchers/graph/observer.h"
#include "watchers/graph/token.h"

namespace driftwarden::graph {

// All must outlive the source.
struct TokenParts {
  net::HttpClient& http;
  net::HttpClient& direct;  // through no proxy: for what is at a link-local address
  Scheduler& scheduler;
  Rng& rng;
  Logger& log;
  RequestObserver& observer;
};

// Reads no file yet. The environment is read for a managed identity.
std::unique_ptr<TokenSource> MakeTokenSource(const std::string& tenant_id,
                                             const Endpoints& endpoints,
                                             const CredentialOptions& options,
                                             const TokenParts& parts);

}  // namespace driftwarden::graph
