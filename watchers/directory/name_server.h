#pragma once

// What is configured to find controllers by DNS, as text. Pure.

#include <netinet/in.h>

#include <optional>
#include <string>
#include <string_view>

namespace driftwarden::directory {

// ADDRESS or ADDRESS:PORT, IPv4.
std::optional<sockaddr_in> ParseNameServer(const std::string& text);
bool IsNameServer(const std::string& text);

// The domain that a base DN lies in, "DC=corp,DC=example" being corp.example; empty when none.
std::string DomainOfDn(std::string_view dn);

}  // namespace driftwarden::directory
