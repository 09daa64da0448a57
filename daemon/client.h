#pragma once

// How the command line talks to a running daemon: over control.sock where a configuration is given
// and the socket answers, else over --url with the token from --token-file. Blocking.

#include <boost/json.hpp>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "base/status.h"

namespace driftwarden::daemon {

struct ClientOptions {
  std::string config;      // path; empty: not given
  std::string url;         // --url or DRIFTWARDEN_URL; empty: from run.json or the default
  std::string token_file;  // --token-file or DRIFTWARDEN_TOKEN_FILE
  std::string ca_file;     // for https
};

class Client {
 public:
  // InvalidArgument: the configuration or the token file cannot be read.
  static StatusOr<Client> Open(const ClientOptions& options);

  // Unavailable when nobody answers (the text says where it was tried); NotFound, PermissionDenied
  // and so on from the daemon's problem answers, with its text.
  StatusOr<boost::json::value> Get(const std::string& path) const;
  // The same, of what takes long.
  StatusOr<boost::json::value> Get(const std::string& path, absl::Duration timeout) const;
  StatusOr<boost::json::value> Post(const std::string& path, const boost::json::value& body) const;

  StatusOr<boost::json::value> Delete(const std::string& path) const;

  const std::string& base() const { return base_; }

 private:
  StatusOr<boost::json::value> Exchange(const std::string& method, const std::string& path,
                                        const std::string& body, absl::Duration timeout) const;

  std::string base_;  // http://..., https://... or unix:/path/control.sock:
  std::string token_;
  std::string ca_file_;
};

}  // namespace driftwarden::daemon
