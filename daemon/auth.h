#pragma once

// Who may do what over HTTP. A loopback listener without tokens lets everybody on the machine read
// and nobody write; the unix socket lets the daemon's own user and root do everything; with tokens
// a bearer token's role decides. Only digests of tokens are kept.

#include <optional>
#include <string>
#include <vector>

#include "base/hex.h"
#include "base/status.h"
#include "net/http_server.h"

namespace driftwarden::daemon {

enum class Role { kViewer = 1, kOperator = 2, kApprover = 3, kAdmin = 4 };

struct Token {
  std::string name;
  Role role = Role::kViewer;
  Sha256Digest digest{};
  friend bool operator==(const Token&, const Token&) = default;
};

struct Caller {
  std::string actor;  // the token's name, or "uid:NAME"
  Role role = Role::kViewer;
};

// A list of {name, role, sha256}; faults name file, line and column (config_tokens.cpp).
StatusOr<std::vector<Token>> LoadTokens(const std::string& path);

class Authenticator {
 public:
  // `tokens` empty: a loopback listener that everybody may read.
  explicit Authenticator(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  // Unauthenticated: no or a wrong token where one is needed. PermissionDenied: a socket peer that
  // is neither root nor the daemon's own user.
  StatusOr<Caller> Identify(const net::ServerRequest& request) const;
  // Other tokens from now on.
  void SetTokens(std::vector<Token> tokens) { tokens_ = std::move(tokens); }
  const std::vector<Token>& tokens() const { return tokens_; }
  // PermissionDenied names what is missing and how to get it.
  Status Require(const Caller& caller, Role role) const;

 private:
  std::vector<Token> tokens_;
};

}  // namespace driftwarden::daemon
