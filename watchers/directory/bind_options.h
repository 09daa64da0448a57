#pragma once

// How a source proves who it is to its domain controllers. Files are read at every bind, so that a
// rotation needs no restart.

#include <string>

namespace driftwarden::directory {

struct BindOptions {
  enum class Method {
    kSimple,  // user and password, only inside TLS
    kGssapi,  // Kerberos; signed and encrypted by itself where there is no TLS
  };
  Method method = Method::kSimple;

  std::string user;           // kSimple: UPN, DN or DOMAIN\user
  std::string password_file;  // kSimple

  std::string principal;         // kGssapi, with keytab_file: svc-drift@CORP.EXAMPLE
  std::string keytab_file;       // kGssapi: tickets are got with its keys
  std::string credential_cache;  // kGssapi, instead: a file of tickets that somebody else renews
  std::string krb5_config;       // kGssapi; empty: the system's

  // Who binds, for people.
  std::string Account() const {
    if (method == Method::kSimple) return user;
    return principal.empty() ? "whom " + credential_cache + " names" : principal;
  }

  friend bool operator==(const BindOptions&, const BindOptions&) = default;
};

}  // namespace driftwarden::directory
