#pragma once

// A look into our own access token. Tokens are opaque to clients: nothing but a text for a person
// may depend on what is found, and finding nothing means nothing. Wire source: RFC 7519, and the
// `roles` claim of "Access token claims reference" of the Microsoft identity platform.

#include <optional>
#include <string>
#include <vector>

#include "base/secret.h"

namespace driftwarden::graph {

// The application permissions that the token says it carries. Nothing when the token is no JSON web
// token or does not say. The signature is not looked at.
std::optional<std::vector<std::string>> PermissionsIn(const Secret& token);

}  // namespace driftwarden::graph
